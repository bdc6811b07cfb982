"""Ed25519 with the strict check (V-3.2, RFC 8032).

Refused are: a key or an R that is no point of the curve, a key or an R of small order, an S that is not below the
group's order, and an R whose bytes are not the canonical encoding of the point that the equation gives. A key may
be encoded with y at or above the field's prime; its bytes are hashed as they are.
"""

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
IDENTITY = (0, 1, 1, 0)


def add(a, b):
    """Sum of two points in extended coordinates (RFC 8032, 5.1.4)."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    m = (y1 - x1) * (y2 - x2) % P
    n = (y1 + x1) * (y2 + x2) % P
    c = 2 * t1 * t2 * D % P
    d = 2 * z1 * z2 % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def double(a):
    """Twice a point."""
    x, y, z, _ = a
    xx, yy = x * x % P, y * y % P
    h = xx + yy
    e = h - (x + y) * (x + y) % P
    g = xx - yy
    f = 2 * z * z % P + g
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def decode(data):
    """The point with these 32 bytes, or None; y is taken modulo the prime, and -0 is 0."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, (y & (2**255 - 1)) % P
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * ROOT_OF_MINUS_ONE % P
        if v * x * x % P != u:
            return None
    if x & 1 != sign:
        x = -x % P
    return (x, y, 1, x * y % P)


def encode(point):
    """The canonical 32 bytes of a point."""
    x, y, z, _ = point
    inverse = pow(z, P - 2, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def is_small_order(point):
    """True when eight times the point is the identity."""
    x, y, z, _ = double(double(double(point)))
    return x % P == 0 and (y - z) % P == 0


def _table(point):
    """The point's multiples 0 to 15."""
    table = [IDENTITY, point]
    while len(table) < 16:
        table.append(add(table[-1], point))
    return table


def _base():
    y = 4 * pow(5, P - 2, P) % P
    return decode(y.to_bytes(32, "little"))


BASE_TABLE = _table(_base())


def _combine(s, k, table):
    """s times the base point plus k times the table's point, four bits at a time."""
    total = IDENTITY
    for shift in range(252, -4, -4):
        if total is not IDENTITY:
            total = double(double(double(double(total))))
        total = add(total, BASE_TABLE[s >> shift & 15])
        total = add(total, table[k >> shift & 15])
    return total


def verify(key, message, signature):
    """True when `key` signed `message`, by the strict rules."""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if len(key) != 32 or len(signature) != 64 or s >= ORDER:
        return False
    a, point_r = decode(key), decode(r)
    if a is None or point_r is None or is_small_order(a) or is_small_order(point_r):
        return False
    k = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % ORDER
    x, y, z, t = a
    return encode(_combine(s, k, _table((-x % P, y, z, -t % P)))) == r
