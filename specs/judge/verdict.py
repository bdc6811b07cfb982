"""The three ways in which a file convicts nobody (V-6.1 to V-6.4)."""


class Unreadable(Exception):
    """The bytes are no bundle: exit code 2 (V-6.1)."""


class Disproven(Exception):
    """The bytes are a bundle, and it proves nothing: exit code 1 (V-6.2)."""


class NotJudged(Exception):
    """The bytes are of a kind that rests on the ledger's word: exit code 3 (V-6.4)."""


def require(condition, reason):
    """Refuses with `reason` unless `condition` holds."""
    if not condition:
        raise Disproven(reason)
