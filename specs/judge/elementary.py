"""exp, ln, tanh, erf, sin, cos, the schedule's cosine and integer powers, step by step (M-2.1 to M-2.8)."""

from soft import F32, F64, canonical, narrow, widen

ONE, HALF, QUARTER = 0x3FF0000000000000, 0x3FE0000000000000, 0x3FD0000000000000
PI = 0x400921FB54442D18
ROUNDER = 0x4338000000000000
TWO_52 = 0x4330000000000000
ROOT_HALF = 0x3FE6A09E667F3BCD
MANTISSA = 0x000FFFFFFFFFFFFF
ALL_64 = 0xFFFFFFFFFFFFFFFF
SIGN_32, SIGN_64 = 0x80000000, 1 << 63
LOG2_E = 0x3FF71547652B82FE
LOG2_E_32 = 0x3FB8AA3B
MINUS_LN_2_32 = (0xBF317218, 0x3102E308)
ALL_32 = 0xFFFFFFFF
MINUS_LN_2 = (0xBFE62E42FEFA39EF, 0xBC7ABC9E3B39803F)
LN_2 = (0x3FE62E42FEFA39EF, 0x3C7ABC9E3B39803F)

EXP_32 = (0x3F800000, 0x3F800000, 0x3EFFFFFE, 0x3E2AAA49, 0x3D2AAC79, 0x3C091CF1, 0x3AB5121A)
EXP = (
    0x3FF0000000000000, 0x3FE0000000000000, 0x3FC5555555555555, 0x3FA5555555555555,
    0x3F81111111111111, 0x3F56C16C16C16C17, 0x3F2A01A01A01A01A, 0x3EFA01A01A01A01A,
    0x3EC71DE3A556C734, 0x3E927E4FB7789F5C, 0x3E5AE64567F544E4,
)
ATANH = (
    0x3FF0000000000000, 0x3FD5555555555555, 0x3FC999999999999A, 0x3FC2492492492492,
    0x3FBC71C71C71C71C, 0x3FB745D1745D1746, 0x3FB3B13B13B13B14, 0x3FB1111111111111,
    0x3FAE1E1E1E1E1E1E, 0x3FAAF286BCA1AF28,
)
COS = (
    0x3FF0000000000000, 0xBFE0000000000000, 0x3FA5555555555555, 0xBF56C16C16C16C17,
    0x3EFA01A01A01A01A, 0xBE927E4FB7789F5C, 0x3E21EED8EFF8D898, 0xBDA93974A8C07C9D,
    0x3D2AE7F3E733B81F,
)
SIN = (
    0x3FF0000000000000, 0xBFC5555555555555, 0x3F81111111111111, 0xBF2A01A01A01A01A,
    0x3EC71DE3A556C734, 0xBE5AE64567F544E4, 0x3DE6124613A86D09, 0xBD6AE7F3E733B81F,
    0x3CE952C77030AD4A,
)
ERF = (
    0x3FF20DD750429B6C, 0x3FE45F306DC9CB5F, 0x3FBA4F4E2A15FFA9, 0xBF9396685761F56D,
    0xBF2B6B7408578F49, 0x3F5BCA7223FD2328, 0xBF4356BA9093B93B, 0x3EFB4E402A67391C,
    0x3F10CCBC685EF3B2, 0xBEFE5DBCEFC95837, 0x3EC34B6C55B1B91A, 0x3ED12498D3A5CE4A,
    0xBEC7FE25C38CB68A, 0x3EB2FECCF932DECE, 0xBE9532E16145794E, 0x3E7173ED02D3EE47,
    0xBE4522A6781256BD, 0x3E12368F667746F7, 0xBDD4DB91C32EDBA3, 0x3D8BB00B93B71E5E,
    0xBD2E516D71C5A4AD,
)
QUARTERS = 0x3FE45F306DC9C883
MINUS_QUARTER_TURN = (0xBFF921FB54442D18, 0xBC91A62633145C07)


def horner(v, coefficients, form=F64):
    """The polynomial from its highest coefficient down, one fma each."""
    p = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        p = form.fma(p, v, c)
    return p


def expm1_parts(w):
    """(2^n, e^r - 1) with w = n ln 2 + r (M-2.8)."""
    t = F64.fma(w, LOG2_E, ROUNDER)
    n = F64.sub(t, ROUNDER)
    r = F64.fma(n, MINUS_LN_2[1], F64.fma(n, MINUS_LN_2[0], w))
    scale = (t + 1023) << 52 & ALL_64
    return scale, F64.mul(r, horner(r, EXP))


def reduced(v, rounder):
    """The bits of n plus the rounder, and r, with v = n ln 2 + r (M-2.1)."""
    t = F32.fma(v, LOG2_E_32, rounder)
    n = F32.sub(t, rounder)
    return t, F32.fma(n, MINUS_LN_2_32[1], F32.fma(n, MINUS_LN_2_32[0], v))


def exp(x):
    """M-2.1."""
    x = 0xC2D00000 if F32.less(x, 0xC2D00000) else x
    x = 0x42B20000 if F32.less(0x42B20000, x) else x
    k, r = reduced(x, 0x4B4000FE)
    y = horner(r, EXP_32, F32)
    h = k >> 1
    return canonical(F32.mul(F32.mul(y, h << 23 & ALL_32), k - h << 23 & ALL_32))


def ln(x):
    """M-2.2."""
    if x << 1 & 0xFFFFFFFF == 0:
        return 0xFF800000
    if x > 0x7F800000:
        return F32.nan
    if x == 0x7F800000:
        return x
    b = widen(x) + ONE - ROOT_HALF & ALL_64
    m = (b & MANTISSA) + ROOT_HALF
    e = F64.sub(TWO_52 | b >> 52, 0x43300000000003FF)
    s = F64.div(F64.sub(m, ONE), F64.add(m, ONE))
    y = F64.mul(F64.add(s, s), horner(F64.mul(s, s), ATANH))
    return canonical(narrow(F64.fma(e, LN_2[0], F64.fma(e, LN_2[1], y))))


def tanh(x):
    """M-2.3."""
    half = 0x3F000000
    a = x & ~SIGN_32
    a = 0x41200000 if F32.less(0x41200000, a) else a
    k, r = reduced(F32.add(a, a), 0x4B40007E)
    scale = k << 23 & ALL_32
    straight = F32.fma(scale, r, F32.sub(scale, half))
    w = F32.fma(F32.mul(F32.mul(r, r), scale), horner(r, EXP_32[2:], F32), straight)
    q = F32.div(w, F32.add(w, EXP_32[0]))
    v = F32.fma(q ^ SIGN_32, w, w) if F32.less(w, half) else q
    return canonical(v | x & SIGN_32)


def erf(x):
    """M-2.6."""
    a = x & ~SIGN_32
    a = 0x40800000 if F32.less(0x40800000, a) else a
    w = widen(a)
    scale, q = expm1_parts(F64.sub(0, F64.mul(w, horner(w, ERF))))
    v = narrow(F64.fma(scale, q, F64.sub(scale, ONE)))
    return canonical(v & ~SIGN_32 | x & SIGN_32)


def _rotated(x, quarters):
    """sin(x + quarters pi / 2) (M-2.7)."""
    if x & ~SIGN_32 > 0x47800000:
        return F32.nan
    w = widen(x)
    t = F64.fma(w, QUARTERS, ROUNDER)
    n = F64.sub(t, ROUNDER)
    r = F64.fma(n, MINUS_QUARTER_TURN[1], F64.fma(n, MINUS_QUARTER_TURN[0], w))
    z = F64.mul(r, r)
    j = t + quarters
    v = narrow(horner(z, COS) if j & 1 else F64.mul(r, horner(z, SIN)))
    return v ^ SIGN_32 if j & 2 else v


def sin(x):
    """M-2.7."""
    return _rotated(x, 0)


def cos(x):
    """M-2.7."""
    return _rotated(x, 1)


def exp64(w):
    """M-2.8."""
    w = 0xC05A000000000000 if F64.less(w, 0xC05A000000000000) else w
    w = 0x4056400000000000 if F64.less(0x4056400000000000, w) else w
    scale, q = expm1_parts(w)
    return F64.fma(scale, q, scale)


def cos_pi(f):
    """cos(pi f) for a binary64 f in [0, 1] (M-2.4)."""
    obtuse = F64.less(HALF, f)
    g = F64.sub(ONE, f) if obtuse else f
    steep = F64.less(QUARTER, g)
    y = F64.mul(F64.sub(HALF, g) if steep else g, PI)
    z = F64.mul(y, y)
    v = F64.mul(y, horner(z, SIN)) if steep else horner(z, COS)
    return v ^ SIGN_64 if obtuse else v


def whole(n):
    """The integer n < 2^32 as binary64 (M-2.5)."""
    return F64.sub(TWO_52 | n, TWO_52)


def powi(b, n):
    """b^n, squares multiplied from the lowest bit of n up (M-2.5)."""
    p, s = ONE, b
    while n:
        if n & 1:
            p = F64.mul(p, s)
        s = F64.mul(s, s)
        n >>= 1
    return p
