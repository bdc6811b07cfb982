"""The bytes of evidence: docket, delegations, signed moves; once, or twice in a contradiction (V-6.1)."""

from collections import namedtuple

from borsh import Reader
from rows import read_row
from verdict import NotJudged, Unreadable

NAME = b"RETRACE"
MAGIC = NAME + b"\x02"
CONTRADICTION_MAGIC = NAME + b"\x03"
CLOCK_MAGIC = NAME + b"\x04"
OLD_MAGIC = NAME + b"\x01"
BUNDLE_BYTES_MAX = 1 << 20
MOVES_MAX = 256
DELEGATIONS_MAX = 32
SIBLINGS_MAX = 64
UNITS = ("Step", "Delta", "Loss", "Merge")
ACCUSED, CHALLENGER = "Accused", "Challenger"
SIDES = (ACCUSED, CHALLENGER)
TARGETS = ("Ops", "Post", "Batch", "Loss")

ACTIVATIONS = 4
Gpt = namedtuple("Gpt", "heads activation norm_epsilon")
Llama = namedtuple("Llama", "heads key_value_heads rope_base norm_epsilon")
Mlp = namedtuple("Mlp", "activation")
Model = namedtuple("Model", "vocabulary context width layers hidden init_std dropout tied own")
AdamW = namedtuple("AdamW", "beta1 beta2 epsilon weight_decay clip_norm")
Sgd = namedtuple("Sgd", "momentum weight_decay clip_norm")
Schedule = namedtuple("Schedule", "peak warmup_steps decay floor")
DECAYS = ("Constant", "Cosine", "Linear")
Spec = namedtuple(
    "Spec", "version seed model batch accumulation optimizer schedule outer_rate outer_momentum steps slots rounds"
)
Shard = namedtuple("Shard", "digest length")
Pin = namedtuple("Pin", "root rows trace_leaves post_entries")
Facts = namedtuple("Facts", "network run spec manifest program round beacon base deltas")
Segment = namedtuple(
    "Segment",
    "network run round slot data_root delta_root delta_bytes checkpoint_root loss_root mean_loss lists signer",
)
Base = namedtuple("Base", "network run round root signer")
Claim = namedtuple("Claim", "body signed signature")
Listed = namedtuple("Listed", "digest path")
Opening = namedtuple("Opening", "kind before after batch loss_chunk loss_path")
Docket = namedtuple("Docket", "facts claim step unit opening challenger nonce raw")
Proof = namedtuple("Proof", "digest list chunk path")
SignedMove = namedtuple("SignedMove", "dispute number side kind body signed signature")
Delegation = namedtuple("Delegation", "network account key serial signed signature")
# A docket and moves in it: a bundle, or one half of a contradiction.
Bundle = namedtuple("Bundle", "docket delegations moves")
Contradiction = namedtuple("Contradiction", "first second")


def read_evidence(data):
    """A Bundle or a Contradiction: bounded, then parsed, then nothing left over; a clock bundle is not read here."""
    if not data:
        raise Unreadable("the file is empty")
    if len(data) > BUNDLE_BYTES_MAX:
        raise Unreadable("the file is longer than any bundle, %d bytes" % BUNDLE_BYTES_MAX)
    if data.startswith(OLD_MAGIC):
        raise Unreadable("the file is a bundle of an old format, version 1")
    if data.startswith(CLOCK_MAGIC):
        raise NotJudged("decided by the ledger's clock: not judged here")
    if not data.startswith((MAGIC, CONTRADICTION_MAGIC)):
        raise Unreadable("the file does not begin like evidence of this version")
    r = Reader(data)
    r.take(len(MAGIC))
    found = read_line(r) if data.startswith(MAGIC) else Contradiction(read_line(r), read_line(r))
    r.end()
    return found


def read_line(r):
    """A docket, the delegations that its moves need, and its moves."""
    docket = _docket(r)
    return Bundle(
        docket,
        r.vector(lambda: read_delegation(r), DELEGATIONS_MAX),
        r.vector(lambda: _signed_move(r), MOVES_MAX),
    )


def read_delegation(r):
    """What an account signed about its defense key (V-3.8)."""
    start = r.at
    fields = (r.digest(), r.digest(), r.digest(), r.u64())
    return Delegation(*fields, r.since(start), r.take(64))


def _path(r):
    return r.vector(r.digest, SIBLINGS_MAX)


def _architecture(r):
    return (
        lambda: Gpt(r.u32(), r.tag(ACTIVATIONS), r.u32()),
        lambda: Llama(*r.fixed(4, r.u32)),
        lambda: Mlp(r.tag(ACTIVATIONS)),
    )[r.tag(3)]()


def _schedule(r):
    peak, warmup, decay = r.u32(), r.u32(), DECAYS[r.tag(3)]
    return Schedule(peak, warmup, decay, 0 if decay == "Constant" else r.u32())


def _spec(r):
    """A run specification (M-6.1)."""
    version, seed = r.u16(), r.digest()
    model = Model(*r.fixed(7, r.u32), r.bool(), _architecture(r))
    batch, accumulation = r.u32(), r.u32()
    optimizer = AdamW(*r.fixed(5, r.u32)) if r.tag(2) == 0 else Sgd(*r.fixed(3, r.u32))
    schedule, rate, momentum = _schedule(r), r.u32(), r.u32()
    return Spec(
        version, seed, model, batch, accumulation, optimizer, schedule, rate, momentum, r.u32(), r.u16(), r.u32()
    )


def _facts(r):
    network, run, spec = r.digest(), r.digest(), _spec(r)
    manifest = r.vector(lambda: Shard(r.digest(), r.u64()))
    pin = Pin(r.digest(), r.u32(), r.u32(), r.u32())
    return Facts(network, run, spec, manifest, pin, r.u32(), r.digest(), r.digest(), r.vector(r.digest))


def _claim(r):
    is_base = r.tag(2) == 1
    start = r.at
    if is_base:
        body = Base(r.digest(), r.digest(), r.u32(), r.digest(), r.digest())
    else:
        head = [r.digest(), r.digest(), r.u32(), r.u16(), r.digest(), r.digest(), r.u64()]
        body = Segment(*(head + [r.digest(), r.digest(), r.u32(), r.digest(), r.digest()]))
    return Claim(body, r.since(start), r.take(64))


def _listed(r):
    return Listed(r.digest(), _path(r))


def _opening(r):
    kind = ("Step", "Delta", "Nothing")[r.tag(3)]
    if kind == "Step":
        before = r.option(lambda: _listed(r))
        return Opening(kind, before, _listed(r), _listed(r), r.bytes(), _path(r))
    return Opening(kind, None, _listed(r) if kind == "Delta" else None, None, None, None)


def _docket(r):
    start = r.at
    facts, claim, unit = _facts(r), _claim(r), UNITS[r.tag(4)]
    step = r.u32() if unit == "Step" else 0
    opening, challenger, nonce = _opening(r), r.digest(), r.digest()
    return Docket(facts, claim, step, unit, opening, challenger, nonce, r.since(start))


def _name(r):
    index = r.u32()
    row, raw = read_row(r)
    return (index, row, raw, _path(r))


def _proof(r):
    return Proof(r.digest(), _path(r), r.bytes(), _path(r))


MOVES = (
    ("Trace", lambda r: r.digest()),
    ("Target", lambda r: TARGETS[r.tag(4)]),
    ("Open", lambda r: r.vector(r.digest)),
    ("Choose", lambda r: r.u32()),
    ("Reveal", lambda r: r.digest()),
    ("Name", _name),
    ("Tile", lambda r: r.bytes()),
    ("Element", lambda r: r.u32()),
    ("Totals", lambda r: r.fixed(16, r.u32)),
    ("Lane", lambda r: r.u8()),
    ("Partials", lambda r: r.vector(r.u32)),
    ("Judge", lambda r: r.vector(lambda: _proof(r))),
)


def _signed_move(r):
    start = r.at
    dispute, number, side = r.digest(), r.u16(), SIDES[r.tag(2)]
    kind, read = MOVES[r.tag(len(MOVES))]
    body = read(r)
    return SignedMove(dispute, number, side, kind, body, r.since(start), r.take(64))
