"""The frame of a dispute: the accused's signature, list paths, and the roots that the game is played under (V-3.5)."""

from collections import namedtuple

import ed25519
from bundle import Base
from derive import check_spec
from hashing import derived
from trees import BATCHES, STEP_ROOTS, ListTree, TensorTree, climb
from verdict import require

SHARDS_MAX = 1024
SHARD_BYTES_MAX = 1 << 40
DELTAS_MAX = 256

Frame = namedtuple("Frame", "pre post batch losses loss")


def dispute_id(docket):
    """The dispute's id (V-3.5)."""
    return derived("retrace v1 dispute", docket.raw)


def signed_by(key, context, data, signature):
    """True when `key` signed `data` under `context` (V-3.2)."""
    return ed25519.verify(key, derived(context, data), signature)


def open_frame(docket):
    """Checks signature, limits and paths; gives roots and values of the claim."""
    facts, claim = docket.facts, docket.claim.body
    is_base = isinstance(claim, Base)
    require(is_base == (docket.unit == "Merge"), "the unit does not belong to this kind of claim")
    here = (facts.network, facts.run, facts.round)
    require((claim.network, claim.run, claim.round) == here, "the claim is of another network, run or round")
    check_spec(facts.spec)
    rounds = range(1, facts.spec.rounds + 1) if is_base else range(facts.spec.rounds)
    has_slot = is_base or claim.slot < facts.spec.slots
    require(claim.round in rounds and has_slot, "the run has no such round or slot")
    limits = len(facts.manifest) <= SHARDS_MAX and len(facts.deltas) <= DELTAS_MAX
    limits = limits and all(shard.length <= SHARD_BYTES_MAX for shard in facts.manifest)
    require(limits, "the facts are outside their limits")
    if is_base:
        require(docket.opening.kind == "Nothing", "the unit and its opening do not go together")
        require(1 <= len(facts.deltas) <= facts.spec.slots, "a merge has one delta a slot at most, and one at least")
    frame = Frame(facts.base, ("Outer", claim.root), None, None, None) if is_base else _segment(docket, claim)
    context = "retrace v1 base" if is_base else "retrace v1 commitment"
    signed = signed_by(claim.signer, context, docket.claim.signed, docket.claim.signature)
    require(signed, "the claim is not signed by the accused")
    return frame


def _segment(docket, claim):
    steps, opening = docket.facts.spec.steps, docket.opening
    kind = "Nothing" if docket.unit == "Loss" else docket.unit
    require(opening.kind == kind, "the unit and its opening do not go together")
    if docket.unit == "Loss":
        return Frame(None, None, None, claim.loss_root, claim.mean_loss)
    roots = ListTree(STEP_ROOTS, steps)
    if docket.unit == "Delta":
        _listed(roots, claim.checkpoint_root, steps - 1, opening.after)
        return Frame(opening.after.digest, ("Delta", claim.delta_root), None, None, None)
    step, before = docket.step, opening.before
    require(step < steps, "the segment has no such step")
    require((before is not None) == (step > 0), "the unit and its opening do not go together")
    if before is not None:
        _listed(roots, claim.checkpoint_root, step - 1, before)
    _listed(roots, claim.checkpoint_root, step, opening.after)
    _listed(ListTree(BATCHES, steps), claim.data_root, step, opening.batch)
    climb(TensorTree(steps * 4), claim.loss_root, step // 256, opening.loss_chunk, opening.loss_path)
    at = step % 256 * 4
    loss = int.from_bytes(opening.loss_chunk[at : at + 4], "little")
    pre = None if before is None else before.digest
    return Frame(pre, ("Inner", opening.after.digest), opening.batch.digest, None, loss)


def _listed(tree, root, at, item):
    climb(tree, root, at, item.digest, item.path)
