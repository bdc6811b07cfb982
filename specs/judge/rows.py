"""One row of a program: its bytes, its checks, and what each link of its chains reads (V-6.1, M-3.7, M-4.1, M-4.2)."""

from collections import namedtuple

from ops import CHAIN, ELEMENT, KINDS, LANED, LANES, arity, form
from verdict import require

U64_MAX = 2**64 - 1
TERMS_MAX = 1 << 24
ELEMENTS_MAX = 1 << 40
OPERANDS_MAX = 3
SCALARS_MAX = 5

LEAVES = ("Trace", "Pre", "Base", "Post", "Batch", "Tokens", "Delta", "Losses")
HOMES = ("Trace", "Post", "Batch", "Loss")
SCALARS = ("Bits", "LearningRate", "FirstCorrection", "SecondCorrection", "DropoutKeyLow", "DropoutKeyHigh")
RANGES = ("Full", "UpTo", "From")

Lookup = namedtuple("Lookup", "operand stride bound")
Leaf = namedtuple("Leaf", "name which index")
START = "start"


class Operand(namedtuple("Operand", "leaf length offset strides term_stride lookup")):
    """A strided view of a leaf (M-4.2)."""

    def place(self, index, term, earlier):
        """The element read for an output index and term; None where an id names no row."""
        at = self.offset + self.term_stride * term + sum(s * i for s, i in zip(self.strides, index))
        if self.lookup is None:
            return at
        if self.lookup.operand >= len(earlier) or earlier[self.lookup.operand] >= self.lookup.bound:
            return None
        return at + self.lookup.stride * earlier[self.lookup.operand]

    def reach(self, shape, terms):
        """The largest element that the view can reach."""
        top = self.offset + sum(s * (d - 1) for s, d in zip(self.strides, shape))
        top += self.term_stride * (max(terms, 1) - 1)
        if self.lookup is not None:
            top += self.lookup.stride * (max(self.lookup.bound, 1) - 1)
        return top


class Row(namedtuple("Row", "kind shape terms range masked start operands scalars home")):
    """One primitive op (M-4.1)."""

    def elements(self):
        count = 1
        for extent in self.shape:
            count *= extent
        return count

    def index(self, flat):
        """Index of the element at a row-major position."""
        index = []
        for extent in reversed(self.shape):
            index.append(flat % extent)
            flat //= extent
        return index[::-1]

    def is_masked(self, index):
        """True when the element is +0 by the causal mask (M-3.7)."""
        return self.masked and index[3] > index[2]

    def span(self, index):
        """First term in range for an element, and one past the last (M-3.7)."""
        name, dimension = self.range
        if name == "UpTo":
            return 0, min(self.terms, index[dimension] + 1)
        return (min(self.terms, index[dimension]) if name == "From" else 0), self.terms

    def links(self, index, lane):
        """Links of the chain of an element, or of one of its lanes; the start value is the first (V-4.4)."""
        first, end = self.span(index)
        if form(self.kind) == LANED:
            start = _lane_term(first, lane, 0)
            return 0 if start >= end else -(-(end - start) // LANES)
        return end - first + (self.start is not None)

    def link(self, index, lane, link):
        """The term that a link folds in, or START (V-4.4)."""
        first, _ = self.span(index)
        if form(self.kind) == LANED:
            return _lane_term(first, lane, link)
        if self.start is not None:
            return START if link == 0 else first + link - 1
        return first + link

    def check(self):
        """What a row from outside could get wrong (M-4.1)."""
        is_chain = form(self.kind) != ELEMENT
        require(len(self.operands) == arity(self.kind), "the row names the wrong number of operands")
        require(len(self.scalars) <= SCALARS_MAX, "the row names too many scalars")
        extents = 1 <= self.elements() <= ELEMENTS_MAX and self.terms <= TERMS_MAX
        require(extents and is_chain == (self.terms > 0), "the row's shape or terms are outside their limits")
        name, dimension = self.range
        require(dimension <= 3 and (is_chain or name == "Full"), "the row's range is not one its op can have")
        require(self.start is None or form(self.kind) == CHAIN, "the row's op has no start value")
        views = self.operands + ([] if self.start is None else [self.start])
        for at, view in enumerate(views):
            top = view.reach(self.shape, self.terms)
            inside = top <= U64_MAX and top < view.length
            lookup = view.lookup is None or (view.lookup.operand < at < OPERANDS_MAX)
            require(lookup and (inside or view.leaf.name == "Tokens"), "operand %d reaches outside its leaf" % at)


def _lane_term(first, lane, link):
    """First term at or after `first` in the lane, then every 16th (M-3.4)."""
    return first + (lane - first) % LANES + link * LANES


def _leaf(r):
    name = LEAVES[r.tag(len(LEAVES))]
    which = r.u16() if name == "Delta" else None
    return Leaf(name, which, None if name in ("Batch", "Tokens", "Losses") else r.u32())


def _lookup(r):
    return Lookup(r.u8(), r.u64(), r.u32())


def _operand(r):
    leaf, length, offset = _leaf(r), r.u64(), r.u64()
    strides, term_stride = r.fixed(4, r.u64), r.u64()
    return Operand(leaf, length, offset, strides, term_stride, r.option(lambda: _lookup(r)))


def _scalar(r):
    name = SCALARS[r.tag(len(SCALARS))]
    return (name, r.u32() if name == "Bits" else None)


def _range(r):
    name = RANGES[r.tag(len(RANGES))]
    return (name, 0 if name == "Full" else r.u8())


def _home(r):
    name = HOMES[r.tag(len(HOMES))]
    return (name, r.u32() if name in ("Trace", "Post") else None)


def read_row(r):
    """A row and its canonical bytes."""
    start = r.at
    row = Row(
        KINDS[r.tag(len(KINDS))], r.fixed(4, r.u32), r.u32(), _range(r), r.bool(), r.option(lambda: _operand(r)),
        r.vector(lambda: _operand(r)), r.vector(lambda: _scalar(r)), _home(r),
    )
    return row, r.since(start)
