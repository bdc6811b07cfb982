"""The primitive ops: one element or one term each, over exact binary32 (M-3.1 to M-3.10, M-5.1, M-5.3).

An element takes (x, s, index): operand words, scalars, index of the output element. A term takes the
accumulator too. Words are binary32 bits; an operand that is a token id is used as the word that it is.
"""

from elementary import exp, ln, tanh
from soft import F32, canonical

add, sub, mul, div, fma, sqrt = F32.add, F32.sub, F32.mul, F32.div, F32.fma, F32.sqrt
ONE, HALF, MINUS_INFINITY = 0x3F800000, 0x3F000000, 0xFF800000
LANES = 16
ELEMENT, CHAIN, LANED = "element", "chain", "lanes"

KINDS = (
    "Tokens", "Embedding", "EmbeddingBackward", "MatMul", "Add", "Subtract", "Scale", "Multiply", "AddScaled",
    "ReciprocalStd", "Affine", "Gelu", "GeluBackward", "SoftmaxExp", "Divide", "SoftmaxBackward", "PickedLogit",
    "CrossEntropy", "CrossEntropyBackward", "ClipScale", "AdamFirst", "AdamSecond", "AdamParameter",
    "NesterovMomentum", "NesterovParameter", "ColumnSum", "ColumnDot", "RowSum", "RowDot", "RowMax",
)
UNARY = ("Tokens", "Scale", "ReciprocalStd", "ClipScale", "Gelu", "ColumnSum", "RowSum", "RowMax")
TERNARY = (
    "Affine", "SoftmaxBackward", "PickedLogit", "CrossEntropyBackward", "AdamFirst", "AdamSecond",
    "AdamParameter", "NesterovParameter",
)


def arity(kind):
    """How many operands a row of this kind names, its start value not counted (M-3.1)."""
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


def _clip_scale(x, s, i):
    norm = sqrt(x[0])
    return div(s[0], norm) if F32.less(s[0], norm) else ONE


def _cross_entropy_backward(x, s, i):
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
    "CrossEntropy": lambda x, s, i: sub(ln(x[0]), x[1]),
    "CrossEntropyBackward": _cross_entropy_backward,
    "ClipScale": _clip_scale,
    "AdamFirst": _adam_first,
    "AdamSecond": _adam_second,
    "AdamParameter": _adam_parameter,
    "NesterovMomentum": lambda x, s, i: fma(s[0], x[0], x[1]),
    "NesterovParameter": lambda x, s, i: fma(s[1], fma(s[0], x[1], x[2]), x[0]),
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
