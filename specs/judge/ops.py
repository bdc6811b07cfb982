"""The primitive ops: one element or one term each, over exact binary32 (M-3.1 to M-3.13, M-5).

An element takes (x, s, index): operand words, scalars, index of the output element. A term takes the
accumulator too. Words are binary32 bits; an operand that is a token id is used as the word that it is.
"""

from elementary import cos, erf, exp, exp64, ln, sin, tanh, whole
from soft import F32, F64, canonical, narrow, widen

add, sub, mul, div, fma, sqrt = F32.add, F32.sub, F32.mul, F32.div, F32.fma, F32.sqrt
ONE, HALF, MINUS_INFINITY = 0x3F800000, 0x3F000000, 0xFF800000
LANES = 16
ELEMENT, CHAIN, LANED = "element", "chain", "lanes"

KINDS = (
    "Tokens", "Embedding", "EmbeddingBackward", "MatMul", "Add", "Subtract", "Scale", "Multiply", "AddScaled",
    "ReciprocalStd", "Affine", "Gelu", "GeluBackward", "SoftmaxExp", "Divide", "SoftmaxBackward", "PickedLogit",
    "CrossEntropy", "CrossEntropyBackward", "ClipScale", "AdamFirst", "AdamSecond", "AdamParameter",
    "NesterovMomentum", "NesterovParameter", "ColumnSum", "ColumnDot", "RowSum", "RowDot", "RowMax",
    "GeluErf", "GeluErfBackward", "Silu", "SiluBackward", "RotaryTable", "Dropout", "SgdMomentum", "SgdParameter",
    "Relu", "ReluBackward",
)
NULLARY = ("RotaryTable",)
UNARY = (
    "Tokens", "Scale", "ReciprocalStd", "ClipScale", "Gelu", "ColumnSum", "RowSum", "RowMax", "GeluErf", "Silu",
    "Dropout", "Relu",
)
TERNARY = (
    "Affine", "SoftmaxBackward", "PickedLogit", "CrossEntropy", "CrossEntropyBackward", "AdamFirst", "AdamSecond",
    "AdamParameter", "NesterovParameter", "SgdMomentum",
)
IGNORED = (0xFFFFFFFF, F32.nan)
SIGN, ALL_32 = 0x80000000, 0xFFFFFFFF


def arity(kind):
    """How many operands a row of this kind names, its start value not counted (M-3.1)."""
    if kind in NULLARY:
        return 0
    return 1 if kind in UNARY else 3 if kind in TERNARY else 2


def form(kind):
    """How its elements come about (M-3.1)."""
    if kind in ("MatMul", "ColumnSum", "ColumnDot", "EmbeddingBackward"):
        return CHAIN
    return LANED if kind in ("RowSum", "RowDot", "RowMax") else ELEMENT


def _gate(x):
    """tanh(c (x + 0.044715 x^3)) (M-3.6)."""
    cubic = mul(mul(x, x), 0x3D372713)
    return tanh(mul(0x3F4C422A, fma(cubic, x, x)))


def _gelu(x, s, i):
    half = mul(HALF, x[0])
    return fma(half, _gate(x[0]), half)


def _gelu_backward(x, s, i):
    t = _gate(x[0])
    inner = mul(0x3F4C422A, fma(mul(x[0], x[0]), 0x3E095D4F, ONE))
    gate_slope = mul(sub(ONE, mul(t, t)), inner)
    slope = fma(mul(HALF, x[0]), gate_slope, fma(t, HALF, HALF))
    return mul(x[1], slope)


def _gelu_erf(x, s, i):
    half = mul(HALF, x[0])
    return fma(half, erf(mul(x[0], 0x3F3504F3)), half)


def _gelu_erf_backward(x, s, i):
    density = mul(0x3ECC422A, exp(mul(mul(HALF, x[0]), sub(0, x[0]))))
    share = fma(erf(mul(x[0], 0x3F3504F3)), HALF, HALF)
    return mul(x[1], fma(x[0], density, share))


def _silu_divisor(x):
    return add(ONE, exp(sub(0, x)))


def _silu_backward(x, s, i):
    """M-3.11."""
    gate = div(ONE, _silu_divisor(x[0]))
    return mul(x[1], mul(gate, fma(x[0], sub(ONE, gate), ONE)))


def _rotary_table(x, s, i):
    """M-3.12."""
    position = i[0] % s[2] if s[2] else i[0]
    frequency = narrow(exp64(F64.mul(F64.add(widen(s[0]), widen(s[1])), whole(i[3]))))
    angle = mul(narrow(whole(position)), frequency)
    if i[1] == i[2]:
        return cos(angle)
    return sin(angle) ^ SIGN if i[1] < i[2] else sin(angle)


def philox(counter, key):
    """Philox4x32-10 (M-3.13)."""
    a, b, c, d = counter
    k0, k1 = key
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = q >> 32 ^ b ^ k0, q & ALL_32, p >> 32 ^ d ^ k1, p & ALL_32
        k0, k1 = k0 + 0x9E3779B9 & ALL_32, k1 + 0xBB67AE85 & ALL_32
    return a, b, c, d


def _dropout(x, s, i):
    word = philox([at & ALL_32 for at in i], (s[0], s[1] ^ s[2]))[0]
    return mul(x[0], s[4]) if word < s[3] else 0


def _relu(x, s, i):
    return x[0] if F32.less(0, x[0]) or canonical(x[0]) == F32.nan else 0


def _clip_scale(x, s, i):
    norm = sqrt(x[0])
    return div(s[0], norm) if F32.less(s[0], norm) else ONE


def _cross_entropy(x, s, i):
    return 0 if x[2] in IGNORED else sub(ln(x[0]), x[1])


def _cross_entropy_backward(x, s, i):
    if x[2] in IGNORED:
        return 0
    target = ONE if x[2] == i[3] else 0
    return mul(sub(div(x[0], x[1]), target), s[0])


def _adam_first(x, s, i):
    return fma(s[0], x[0], mul(s[1], mul(x[1], x[2])))


def _adam_second(x, s, i):
    gradient = mul(x[1], x[2])
    return fma(s[0], x[0], mul(mul(s[1], gradient), gradient))


def _adam_parameter(x, s, i):
    rate, first, second, epsilon, decay = s
    update = div(mul(x[1], first), add(sqrt(mul(x[2], second)), epsilon))
    return fma(sub(0, rate), fma(decay, x[0], update), x[0])


ELEMENTS = {
    "Tokens": lambda x, s, i: x[0],
    "Embedding": lambda x, s, i: x[1],
    "Add": lambda x, s, i: add(x[0], x[1]),
    "Subtract": lambda x, s, i: sub(x[0], x[1]),
    "Scale": lambda x, s, i: mul(x[0], s[0]),
    "Multiply": lambda x, s, i: mul(x[0], x[1]),
    "AddScaled": lambda x, s, i: fma(x[1], s[0], x[0]),
    "ReciprocalStd": lambda x, s, i: div(ONE, sqrt(fma(x[0], s[0], s[1]))),
    "Affine": lambda x, s, i: fma(x[0], x[1], x[2]),
    "Gelu": _gelu,
    "GeluBackward": _gelu_backward,
    "SoftmaxExp": lambda x, s, i: exp(mul(sub(x[0], x[1]), s[0])),
    "Divide": lambda x, s, i: div(x[0], x[1]),
    "SoftmaxBackward": lambda x, s, i: mul(mul(x[0], sub(x[1], x[2])), s[0]),
    "PickedLogit": lambda x, s, i: sub(x[1], x[2]),
    "CrossEntropy": _cross_entropy,
    "CrossEntropyBackward": _cross_entropy_backward,
    "ClipScale": _clip_scale,
    "AdamFirst": _adam_first,
    "AdamSecond": _adam_second,
    "AdamParameter": _adam_parameter,
    "NesterovMomentum": lambda x, s, i: fma(s[0], x[0], x[1]),
    "NesterovParameter": lambda x, s, i: fma(s[1], fma(s[0], x[1], x[2]), x[0]),
    "GeluErf": _gelu_erf,
    "GeluErfBackward": _gelu_erf_backward,
    "Silu": lambda x, s, i: div(x[0], _silu_divisor(x[0])),
    "SiluBackward": _silu_backward,
    "RotaryTable": _rotary_table,
    "Dropout": _dropout,
    "SgdMomentum": lambda x, s, i: fma(s[0], x[0], mul(x[1], x[2])),
    "SgdParameter": lambda x, s, i: fma(sub(0, s[0]), fma(s[1], x[0], x[1]), x[0]),
    "Relu": _relu,
    "ReluBackward": lambda x, s, i: x[1] if F32.less(0, x[0]) else 0,
}


def _maximum(a, b):
    """The larger; a tie or a NaN keeps the first (M-3.4)."""
    return b if F32.less(a, b) else a


TERMS = {
    "MatMul": lambda a, x, i: fma(x[0], x[1], a),
    "ColumnDot": lambda a, x, i: fma(x[0], x[1], a),
    "RowDot": lambda a, x, i: fma(x[0], x[1], a),
    "ColumnSum": lambda a, x, i: add(a, x[0]),
    "RowSum": lambda a, x, i: add(a, x[0]),
    "RowMax": lambda a, x, i: _maximum(a, x[0]),
    "EmbeddingBackward": lambda a, x, i: add(a, x[1]) if x[0] == i[2] else a,
}


def element_value(kind, x, s, index):
    """Canonical bits of one element."""
    return canonical(ELEMENTS[kind](x, s, index))


def next_accumulator(kind, accumulator, x, index):
    """Canonical bits of the accumulator after one more term (M-1.3)."""
    return canonical(TERMS[kind](accumulator, x, index))


def empty_accumulator(kind):
    """Bits of the accumulator before the first link (M-3.4)."""
    return MINUS_INFINITY if kind == "RowMax" else 0


def lane_total(kind, totals):
    """Lane i joins lane i + 8, then i + 4, i + 2, i + 1 (M-3.4)."""
    join = _maximum if kind == "RowMax" else add
    totals = list(totals)
    for half in (8, 4, 2, 1):
        totals = [join(totals[lane], totals[lane + half]) for lane in range(half)]
    return canonical(totals[0])
