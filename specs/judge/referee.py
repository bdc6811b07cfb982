"""The referee: operands under the roots that the row names, then one element or one link (V-4.5, V-4.6)."""

from collections import namedtuple

import derive
from ops import ELEMENT, element_value, form, next_accumulator
from rows import START
from soft import canonical
from trees import DELTA, OPS, STATE, ListTree, TensorTree, climb
from verdict import require

CHUNK_BYTES = 1024
SCALARS_MAX = 5

Site = namedtuple("Site", "proof length byte width")


class Referee:
    """Judges in the frame of one dispute; `ops` is the accused's root over the op list, once posted."""

    def __init__(self, docket, frame, ops):
        self.docket = docket
        self.frame = frame
        self.ops = ops

    def right_bits(self, row, index, lane, link, before, proofs):
        """The right element, or the right accumulator after the link."""
        if form(row.kind) == ELEMENT:
            return element_value(row.kind, self._words(row.operands, index, 0, proofs), self._scalars(row), index)
        term = row.link(index, lane, link)
        if term == START:
            return canonical(self._words([row.start], index, 0, proofs)[0])
        return next_accumulator(row.kind, before, self._words(row.operands, index, term, proofs), index)

    def _scalars(self, row):
        facts = self.docket.facts
        at = (facts.round, self._slot(), self.docket.step)
        found = [derive.scalar(facts.spec, *at, *scalar) for scalar in row.scalars]
        return found + [0] * (SCALARS_MAX - len(found))

    def _words(self, operands, index, term, proofs):
        """Operand words in order: an id may decide where a later one lies."""
        require(len(proofs) == len(operands), "%d operands instead of %d" % (len(proofs), len(operands)))
        words = []
        for operand, proof in zip(operands, proofs):
            place = operand.place(index, term, words)
            require(place is not None, "an operand names no place")
            words.append(self._word(self._site(operand, place), proof))
        return words

    def _site(self, operand, place):
        """The program says under which root an operand is proved; there is no other kind of leaf (V-4.5)."""
        leaf, facts, frame = operand.leaf, self.docket.facts, self.frame
        if leaf.name == "Tokens":
            return self._token_site(place)
        proof = None
        if leaf.name == "Trace":
            proof = ("Ops", self.ops, leaf.index)
        elif leaf.name == "Post" and frame.post is not None:
            proof = frame.post + (leaf.index,)
        elif leaf.name == "Pre":
            proof = self._before(leaf.index)
        elif leaf.name == "Base":
            proof = ("Outer", facts.base, leaf.index)
        elif leaf.name == "Delta" and leaf.which < len(facts.deltas):
            proof = ("Delta", facts.deltas[leaf.which], leaf.index)
        elif leaf.name in ("Batch", "Losses"):
            proof = ("Known", frame.batch if leaf.name == "Batch" else frame.losses, None)
        require(proof is not None and (proof[0] == "Zero" or proof[1] is not None), "the unit has no such leaf")
        return Site(proof, operand.length * 4, place * 4, 4)

    def _before(self, index):
        """Entry of the pre-state; before the first step, of the base, and what an optimizer keeps is zero (V-4.5)."""
        if self.frame.pre is not None:
            return ("Outer" if self.docket.unit == "Merge" else "Inner", self.frame.pre, index)
        if index < derive.parameter_count(self.docket.facts.spec.model):
            return ("Outer", self.docket.facts.base, index)
        return ("Zero", None, None)

    def _slot(self):
        """The slot that draws are made of; a merge has none."""
        return 0 if self.docket.unit == "Merge" else self.docket.claim.body.slot

    def _token_site(self, place):
        """A token lies where the round's beacon says (V-4.5, M-6.3)."""
        facts = self.docket.facts
        span = facts.spec.model.context + 1
        lengths = [shard.length for shard in facts.manifest]
        sequence, within = divmod(place, span)
        found = None
        if sequence < 1 << 32:
            found = derive.place(facts.beacon, facts.round, self._slot(), self.docket.step, sequence, lengths, span)
        require(found is not None, "no shard is long enough")
        shard = facts.manifest[found[0]]
        return Site(("Known", shard.digest, None), shard.length, found[1] + within, 1)

    def _word(self, site, proof):
        kind, root, at = site.proof
        if kind == "Zero":
            nothing = not (proof.list or proof.chunk or proof.path) and proof.digest == bytes(32)
            require(nothing, "an operand that is zero by definition has a proof")
            return 0
        if kind == "Known":
            require(proof.digest == root and not proof.list, "an operand is not of the tensor that the claim fixes")
        elif kind == "Ops":
            tree = ListTree(OPS, self.docket.facts.program.trace_leaves)
            climb(tree, root, at, proof.digest, proof.list)
        else:
            spec = self.docket.facts.spec
            leaf = derive.entry_leaf(kind, spec, at, proof.digest)
            tree = ListTree(DELTA if kind == "Delta" else STATE, derive.entry_count(kind, spec))
            climb(tree, root, at, leaf, proof.list)
        climb(TensorTree(site.length), proof.digest, site.byte // CHUNK_BYTES, proof.chunk, proof.path)
        within = site.byte % CHUNK_BYTES
        word = proof.chunk[within : within + site.width]
        require(len(word) == site.width, "an operand lies outside its tensor")
        return int.from_bytes(word, "little")
