"""What every party derives from the facts: limits, entries, scalars, data order (V-3.5, M-4.4, M-5.2, M-6.1, M-6.3)."""

from elementary import HALF, cos_pi, powi, whole
from hashing import derived
from soft import F64, narrow, widen
from verdict import require

U64_MAX = 2**64 - 1
ARITHMETIC_VERSION = 1
BLOCK_PARAMETERS = 16
PREFIXES = {
    "Inner": ("", "adamw.first/", "adamw.second/"),
    "Outer": ("", "outer.momentum/"),
    "Delta": ("delta/",),
}


def check_spec(spec):
    """Every limit of a run specification (M-6.1)."""
    require(spec.version == ARITHMETIC_VERSION, "arithmetic version %d" % spec.version)
    m, o = spec.model, spec.optimizer
    sizes = (
        (m.vocabulary, 256, 1 << 18), (m.context, 2, 1 << 15), (m.width, 1, 1 << 15), (m.heads, 1, 1 << 10),
        (m.layers, 1, 256), (m.hidden, 1, 1 << 17), (spec.batch, 1, 1 << 12), (spec.steps, 4, 1 << 14),
        (spec.slots, 1, 256), (spec.rounds, 1, 1 << 20), (spec.warmup_steps, 1, spec.steps),
    )
    require(all(low <= found <= high for found, low, high in sizes), "a size of the run is outside its limits")
    require(m.width % m.heads == 0, "heads do not divide the width")
    tokens, tensors = spec.batch * m.context, parameter_count(m)
    elements = max(tokens * m.heads * m.context, tokens * m.vocabulary, tokens * m.hidden)
    volumes = tokens <= 1 << 24 and elements <= 1 << 37 and tensors * spec.slots * spec.slots <= 1 << 20
    require(volumes, "a product of the run's sizes is above its limit")
    rates = tuple(o) + (m.init_std, spec.peak, spec.floor or 0, spec.outer_rate, spec.outer_momentum)
    require(all(rate < 0x7F800000 for rate in rates), "a rate of the run is negative or not finite")


def parameter_count(model):
    """Parameter tensors of the model (M-4.4)."""
    return 2 + model.layers * BLOCK_PARAMETERS + 2


def _block(c, h):
    """Parameters of one block, in state order (M-4.4)."""
    yield from (("ln_1.weight", (c,)), ("ln_1.bias", (c,)))
    for part in ("query", "key", "value", "c_proj"):
        yield from (("attn.%s.weight" % part, (c, c)), ("attn.%s.bias" % part, (c,)))
    yield from (("ln_2.weight", (c,)), ("ln_2.bias", (c,)))
    yield from (("mlp.c_fc.weight", (c, h)), ("mlp.c_fc.bias", (h,)))
    yield from (("mlp.c_proj.weight", (h, c)), ("mlp.c_proj.bias", (c,)))


def parameter(model, at):
    """Name and shape of parameter `at`, below the count (M-4.4)."""
    if at < 2:
        return (("wte.weight", (model.vocabulary, model.width)), ("wpe.weight", (model.context, model.width)))[at]
    layer, part = divmod(at - 2, BLOCK_PARAMETERS)
    if layer == model.layers:
        return (("ln_f.weight", "ln_f.bias")[part], (model.width,))
    name, shape = list(_block(model.width, model.hidden))[part]
    return ("h.%d.%s" % (layer, name), shape)


def entry_count(kind, model):
    """Entries of a state of this kind (V-1.3)."""
    return len(PREFIXES[kind]) * parameter_count(model)


def entry_leaf(kind, model, at, digest):
    """Leaf bytes of entry `at` with this digest (V-1.3)."""
    require(at < entry_count(kind, model), "state entry %d does not exist" % at)
    group, which = divmod(at, parameter_count(model))
    name, shape = parameter(model, which)
    name = (PREFIXES[kind][group] + name).encode()
    numbers = [n.to_bytes(4, "little") for n in (len(shape),) + tuple(shape)]
    return len(name).to_bytes(4, "little") + name + b"\0" + b"".join(numbers) + digest


def correction(beta, t):
    """1 / (1 - beta^t) (M-5.2)."""
    one = whole(1)
    return narrow(F64.div(one, F64.sub(one, powi(widen(beta), t))))


def learning_rate(spec, round_, step):
    """The step's learning rate (M-5.2)."""
    one = whole(1)
    warm = F64.div(whole(step + 1), whole(spec.warmup_steps)) if step < spec.warmup_steps else one
    decayed = one
    if spec.floor is not None:
        steps = whole(spec.steps)
        done = F64.add(F64.mul(whole(min(round_, spec.rounds)), steps), whole(step))
        wave = F64.mul(HALF, F64.add(one, cos_pi(F64.div(done, F64.mul(whole(spec.rounds), steps)))))
        floor = widen(spec.floor)
        decayed = F64.add(floor, F64.mul(F64.sub(one, floor), wave))
    return narrow(F64.mul(F64.mul(widen(spec.peak), warm), decayed))


def scalar(spec, round_, step, name, bits):
    """Bits of a row's scalar (M-5.2)."""
    if name == "LearningRate":
        return learning_rate(spec, round_, step)
    if name == "FirstCorrection":
        return correction(spec.optimizer.beta1, step + 1)
    return bits if name == "Bits" else correction(spec.optimizer.beta2, step + 1)


def place(beacon, round_, slot, step, sequence, lengths, span):
    """Shard and first byte of a sequence of a step, or None (M-6.3)."""
    rooms = [max(0, length + 1 - span) for length in lengths]
    total = min(sum(rooms), U64_MAX)
    if total == 0:
        return None
    numbers = ((round_, 4), (slot, 2), (step, 4), (sequence, 4))
    text = beacon + b"".join(n.to_bytes(size, "little") for n, size in numbers)
    left = int.from_bytes(derived("retrace v1 data order", text, 8), "little") * total >> 64
    for shard, room in enumerate(rooms):
        if left < room:
            return shard, left
        left -= room
    return None
