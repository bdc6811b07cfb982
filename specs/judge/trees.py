"""Trees over tensors and lists, paths and openings (V-1.2, V-2.1, V-2.2)."""

from hashing import CHUNK_BYTES, chunk_value, derived, digest, parent_value
from verdict import require

OPS, STEP_ROOTS, LOSSES, BATCHES, STATE, DELTA, PROGRAM, SHARDS = (
    "ops", "step-roots", "losses", "batches", "state", "delta", "program", "shards",
)
CHILDREN_MAX = 256


class TensorTree:
    """BLAKE3's own tree over a tensor of `length` bytes (V-1.1)."""

    def __init__(self, length):
        self.length = length
        self.units = max(1, -(-length // CHUNK_BYTES))

    def unit(self, index, data):
        """Value of a chunk, which must have the length that the tensor's length gives it."""
        expected = min(CHUNK_BYTES, self.length - index * CHUNK_BYTES)
        require(len(data) == expected, "a chunk has %d bytes instead of %d" % (len(data), expected))
        return digest(data) if self.units == 1 else chunk_value(index, data)

    def merge(self, left, right, at_top):
        return parent_value(left, right, at_top)

    def seal(self, top):
        return top


class ListTree:
    """The tree over a list of `units` leaves of one kind (V-1.2)."""

    def __init__(self, kind, units):
        self.kind = kind
        self.units = units

    def unit(self, _index, data):
        return derived("retrace v1 list leaf " + self.kind, data)

    def merge(self, left, right, _at_top):
        return derived("retrace v1 list parent " + self.kind, left + right)

    def seal(self, top):
        return derived("retrace v1 list root " + self.kind, self.units.to_bytes(8, "little") + top)


def climb(tree, root, index, data, siblings):
    """Checks that `data` is unit `index` of the tree with this root (V-2.1)."""
    require(index < tree.units, "unit %d of %d" % (index, tree.units))
    value = tree.unit(index, data)
    left = list(siblings)
    width = tree.units
    while width > 1:
        other = index ^ 1
        if other < width:
            require(left, "a path is too short")
            sibling = left.pop(0)
            pair = (value, sibling) if index % 2 == 0 else (sibling, value)
            value = tree.merge(pair[0], pair[1], width == 2)
        index //= 2
        width = (width + 1) // 2
    require(not left, "a path is too long")
    require(tree.seal(value) == root, "a path does not lead to its root")


class Node:
    """Units [start, start + count) of a tree, with their claimed value (V-2.2)."""

    def __init__(self, tree, start, count, value):
        self.tree = tree
        self.start = start
        self.count = count
        self.value = value

    @staticmethod
    def root(tree, root):
        return Node(tree, 0, tree.units, root)

    def is_root(self):
        return self.count == self.tree.units

    def is_leaf(self):
        return self.count == 1

    def group(self):
        """Units of a child: the smallest power of two that needs at most 256 children."""
        size = 1
        while -(-self.count // size) > CHILDREN_MAX:
            size *= 2
        return size

    def check_children(self, children):
        """Checks an opening: right in number, and hashing to this node (V-2.2)."""
        require(self.count > 1, "a single unit has no children")
        expected = -(-self.count // self.group())
        require(len(children) == expected, "%d children instead of %d" % (len(children), expected))
        level = list(children)
        while len(level) > 1:
            at_top = self.is_root() and len(level) == 2
            pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
            level = [self.tree.merge(p[0], p[1], at_top) if len(p) == 2 else p[0] for p in pairs]
        require(self._sealed(level[0]) == self.value, "the children do not hash to their node")

    def child(self, children, index):
        """Child `index` of children that were checked."""
        require(index < len(children), "choice %d of %d" % (index, len(children)))
        group = self.group()
        count = min(group, self.count - group * index)
        return Node(self.tree, self.start + group * index, count, children[index])

    def check_unit(self, data):
        """Checks that `data` is the unit of this leaf (V-2.2)."""
        require(self.is_leaf(), "a node of %d units is no leaf" % self.count)
        require(self._sealed(self.tree.unit(self.start, data)) == self.value, "a leaf does not match its node")

    def _sealed(self, top):
        return self.tree.seal(top) if self.is_root() else top
