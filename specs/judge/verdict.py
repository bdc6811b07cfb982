"""The two ways in which a bundle convicts nobody (V-6.1, V-6.2)."""


class Unreadable(Exception):
    """The bytes are no bundle: exit code 2 (V-6.1)."""


class Disproven(Exception):
    """The bytes are a bundle, and it proves nothing: exit code 1 (V-6.2)."""


def require(condition, reason):
    """Refuses with `reason` unless `condition` holds."""
    if not condition:
        raise Disproven(reason)
