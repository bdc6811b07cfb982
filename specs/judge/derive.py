"""What every party derives from the facts: limits, entries, scalars, data order (V-3.5, M-4.4, M-5.2, M-6.1, M-6.3)."""

from bundle import AdamW, Gpt, Llama, Mlp
from elementary import HALF, cos_pi, powi, whole
from hashing import derived
from soft import F64, narrow, widen
from verdict import require

U64_MAX = 2**64 - 1
ARITHMETIC_VERSION = 3
ONE = 0x3F800000
OUTER, DELTA = ("", "outer.momentum/"), ("delta/",)


def check_spec(spec):
    """Every limit of a run specification (M-6.1)."""
    require(spec.version == ARITHMETIC_VERSION, "arithmetic version %d" % spec.version)
    m, own = spec.model, spec.model.own
    heads, shared = getattr(own, "heads", 1), getattr(own, "key_value_heads", 1)
    sizes = (
        (m.vocabulary, 256, 1 << 18), (m.context, 2, 1 << 15), (m.width, 1, 1 << 15), (heads, 1, 1 << 10),
        (shared, 1, 1 << 10), (m.layers, 1, 256), (m.hidden, 1, 1 << 17), (spec.batch, 1, 1 << 12),
        (spec.accumulation, 1, 1 << 12), (spec.steps, 4, 1 << 14), (spec.slots, 1, 256),
        (spec.rounds, 1, 1 << 20), (spec.schedule.warmup_steps, 1, spec.steps),
    )
    require(all(low <= found <= high for found, low, high in sizes), "a size of the run is outside its limits")
    require(spec.batch % spec.accumulation == 0, "accumulation does not divide the batch")
    require(m.width % heads == 0 and heads % shared == 0, "heads do not divide the width, or each other")
    require(not isinstance(own, Llama) or m.width // heads % 2 == 0, "a head has no halves")
    require(not (isinstance(own, Mlp) and m.tied), "an MLP is not tied")
    _check_products(spec, 0 if isinstance(own, Mlp) else heads)
    _check_rates(spec)


def _check_products(spec, heads):
    m = spec.model
    tokens, tensors = spec.batch * m.context, parameter_count(m)
    predictions, inputs = (tokens, m.width) if heads else (spec.batch, m.context * m.width)
    elements = max(tokens * heads * m.context, predictions * m.vocabulary, predictions * m.hidden, inputs * m.hidden)
    fits = tokens <= 1 << 24 and elements <= 1 << 37 and inputs <= 1 << 24 and tokens * m.width <= 1 << 40
    passes = 96 * (m.layers + 1) * spec.accumulation
    rows = passes <= 1 << 15 and tensors * spec.slots * spec.slots <= 1 << 20
    require(fits and rows, "a product of the run's sizes is above its limit")


def _check_rates(spec):
    m, o = spec.model, spec.optimizer
    named = [getattr(m.own, name) for name in ("norm_epsilon", "rope_base") if hasattr(m.own, name)]
    rates = tuple(o) + (m.init_std, m.dropout, spec.schedule.peak, spec.schedule.floor)
    rates += (spec.outer_rate, spec.outer_momentum) + tuple(named)
    require(all(rate < 0x7F800000 for rate in rates), "a rate of the run is negative or not finite")
    shares = (o.beta1, o.beta2) if isinstance(o, AdamW) else (o.momentum,)
    shares += (m.dropout, spec.outer_momentum)
    require(all(share < ONE for share in shares), "a share of the run is not below one")
    require(getattr(m.own, "rope_base", ONE) >= ONE, "the base of the rotary frequencies is below one")


def parameter_count(model):
    """Parameter tensors of the model (M-4.4, M-4.6, M-4.7)."""
    head = 0 if model.tied else 1
    if isinstance(model.own, Gpt):
        return 4 + 16 * model.layers + head
    return 2 + 9 * model.layers + head if isinstance(model.own, Llama) else 3 + 2 * model.layers


def _gpt_block(model):
    """Parameters of one block, in state order (M-4.4)."""
    c, h = model.width, model.hidden
    yield from (("ln_1.weight", (c,)), ("ln_1.bias", (c,)))
    for part in ("query", "key", "value", "c_proj"):
        yield from (("attn.%s.weight" % part, (c, c)), ("attn.%s.bias" % part, (c,)))
    yield from (("ln_2.weight", (c,)), ("ln_2.bias", (c,)))
    yield from (("mlp.c_fc.weight", (c, h)), ("mlp.c_fc.bias", (h,)))
    yield from (("mlp.c_proj.weight", (h, c)), ("mlp.c_proj.bias", (c,)))


def _llama_block(model):
    """Parameters of one block, in state order (M-4.6)."""
    c, h = model.width, model.hidden
    shared = c // model.own.heads * model.own.key_value_heads
    yield ("input_layernorm.weight", (c,))
    for part, columns in (("q", c), ("k", shared), ("v", shared), ("o", c)):
        yield ("self_attn.%s_proj.weight" % part, (c, columns))
    yield ("post_attention_layernorm.weight", (c,))
    yield from (("mlp.gate_proj.weight", (c, h)), ("mlp.up_proj.weight", (c, h)), ("mlp.down_proj.weight", (h, c)))


def _parts(model):
    """What stands before the blocks, the blocks' names and parts, and what stands after them."""
    v, c, t, h = model.vocabulary, model.width, model.context, model.hidden
    head = [] if model.tied else [("lm_head.weight", (v, c))]
    if isinstance(model.own, Gpt):
        ends = [("ln_f.weight", (c,)), ("ln_f.bias", (c,))] + head
        return [("wte.weight", (v, c)), ("wpe.weight", (t, c))], "h", list(_gpt_block(model)), ends
    if isinstance(model.own, Llama):
        return [("embed_tokens.weight", (v, c))], "layers", list(_llama_block(model)), [("norm.weight", (c,))] + head
    block = [("weight", (h, h)), ("bias", (h,))]
    return [("wte.weight", (v, c))], "layers", block, [("head.weight", (h, v)), ("head.bias", (v,))]


def parameter(model, at):
    """Name and shape of parameter `at`, below the count (M-4.4, M-4.6, M-4.7)."""
    first, blocks, block, last = _parts(model)
    if at < len(first):
        return first[at]
    layer, part = divmod(at - len(first), len(block))
    if layer >= model.layers:
        return last[at - len(first) - model.layers * len(block)]
    name, shape = block[part]
    if isinstance(model.own, Mlp) and layer == 0 and name == "weight":
        shape = (model.context * model.width, model.hidden)
    return ("%s.%d.%s" % (blocks, layer, name), shape)


def prefixes(kind, spec):
    """What stands before the parameters' names in a state of this kind, group by group (V-3.3)."""
    if kind != "Inner":
        return OUTER if kind == "Outer" else DELTA
    return ("", "adamw.first/", "adamw.second/") if isinstance(spec.optimizer, AdamW) else ("", "sgd.momentum/")


def entry_count(kind, spec):
    """Entries of a state of this kind (V-1.3)."""
    return len(prefixes(kind, spec)) * parameter_count(spec.model)


def entry_leaf(kind, spec, at, digest):
    """Leaf bytes of entry `at` with this digest (V-1.3)."""
    require(at < entry_count(kind, spec), "state entry %d does not exist" % at)
    group, which = divmod(at, parameter_count(spec.model))
    name, shape = parameter(spec.model, which)
    name = (prefixes(kind, spec)[group] + name).encode()
    numbers = [n.to_bytes(4, "little") for n in (len(shape),) + tuple(shape)]
    return len(name).to_bytes(4, "little") + name + b"\0" + b"".join(numbers) + digest


def correction(beta, t):
    """1 / (1 - beta^t) (M-5.2)."""
    one = whole(1)
    return narrow(F64.div(one, F64.sub(one, powi(widen(beta), t))))


def learning_rate(spec, round_, step):
    """The step's learning rate (M-5.2)."""
    one, schedule = whole(1), spec.schedule
    warm = F64.div(whole(step + 1), whole(schedule.warmup_steps)) if step < schedule.warmup_steps else one
    decayed = one
    if schedule.decay != "Constant":
        steps = whole(spec.steps)
        done = F64.add(F64.mul(whole(min(round_, spec.rounds)), steps), whole(step))
        x = F64.div(done, F64.mul(whole(spec.rounds), steps))
        is_cosine = schedule.decay == "Cosine"
        left = F64.mul(HALF, F64.add(one, cos_pi(x))) if is_cosine else F64.sub(one, x)
        floor = widen(schedule.floor)
        decayed = F64.add(floor, F64.mul(F64.sub(one, floor), left))
    return narrow(F64.mul(F64.mul(widen(schedule.peak), warm), decayed))


def dropout_key(spec, round_, slot, step):
    """The two words of a step's dropout (M-5.2)."""
    text = spec.seed + b"".join(n.to_bytes(size, "little") for n, size in ((round_, 4), (slot, 2), (step, 4)))
    key = derived("retrace v1 dropout", text, 8)
    return int.from_bytes(key[:4], "little"), int.from_bytes(key[4:], "little")


def scalar(spec, round_, slot, step, name, bits):
    """Bits of a row's scalar (M-5.2)."""
    if name == "Bits":
        return bits
    if name == "LearningRate":
        return learning_rate(spec, round_, step)
    if name in ("DropoutKeyLow", "DropoutKeyHigh"):
        return dropout_key(spec, round_, slot, step)[name == "DropoutKeyHigh"]
    if not isinstance(spec.optimizer, AdamW):
        return 0
    return correction(spec.optimizer.beta1 if name == "FirstCorrection" else spec.optimizer.beta2, step + 1)


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
