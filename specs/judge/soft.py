"""IEEE-754 binary32 and binary64 on exact integers (M-1.1 to M-1.5). No hardware float is used.

A number travels as its bits. An exact value is None for a NaN, or (negative, exponent, significand) with the
significand an integer of any size, or with significand None for an infinity.
"""

from math import isqrt

INFINITE = None


class Format:
    """One of the two formats: bits to exact values, and back with one rounding, to nearest even (M-1.1)."""

    def __init__(self, exponent_bits, mantissa_bits):
        self.exponent_bits = exponent_bits
        self.mantissa_bits = mantissa_bits
        self.sign = 1 << (exponent_bits + mantissa_bits)
        self.hidden = 1 << mantissa_bits
        self.infinity = self.sign - self.hidden
        self.nan = self.infinity | self.hidden >> 1
        self.least = 2 - (1 << (exponent_bits - 1)) - mantissa_bits

    def unpack(self, bits):
        """The exact value of these bits."""
        negative, magnitude = bits >= self.sign, bits & (self.sign - 1)
        if magnitude > self.infinity:
            return None
        if magnitude == self.infinity:
            return (negative, 0, INFINITE)
        field, mantissa = magnitude >> self.mantissa_bits, magnitude & (self.hidden - 1)
        if field == 0:
            return (negative, self.least, mantissa)
        return (negative, self.least + field - 1, mantissa | self.hidden)

    def pack(self, value):
        """The bits of an exact value, rounded once."""
        if value is None:
            return self.nan
        negative, exponent, significand = value
        sign = self.sign if negative else 0
        return sign | (self.infinity if significand is INFINITE else self._round(exponent, significand))

    def _round(self, exponent, significand):
        if significand == 0:
            return 0
        top = exponent + significand.bit_length() - 1
        low = max(top - self.mantissa_bits, self.least)
        drop = low - exponent
        if drop <= 0:
            kept = significand << -drop
        else:
            kept, rest, half = significand >> drop, significand & ((1 << drop) - 1), 1 << (drop - 1)
            kept += rest > half or (rest == half and kept & 1)
        # The hidden bit of a normal number adds one to the exponent field, and so does a carry.
        return min(((low - self.least) << self.mantissa_bits) + kept, self.infinity)

    def is_nan(self, bits):
        return bits & (self.sign - 1) > self.infinity

    def less(self, a, b):
        """False when either side is a NaN; the two zeros are equal."""
        if self.is_nan(a) or self.is_nan(b):
            return False
        left, right = [-(x & (self.sign - 1)) if x & self.sign else x for x in (a, b)]
        return left < right

    def add(self, a, b):
        return self.pack(_sum(self.unpack(a), self.unpack(b)))

    def sub(self, a, b):
        return self.pack(_sum(self.unpack(a), self.unpack(b ^ self.sign)))

    def mul(self, a, b):
        return self.pack(_product(self.unpack(a), self.unpack(b)))

    def div(self, a, b):
        return self.pack(_quotient(self.unpack(a), self.unpack(b)))

    def fma(self, a, b, c):
        """a * b + c with one rounding (M-1.2)."""
        return self.pack(_sum(_product(self.unpack(a), self.unpack(b)), self.unpack(c)))

    def sqrt(self, a):
        return self.pack(_root(self.unpack(a)))


def _sum(a, b):
    if a is None or b is None:
        return None
    if a[2] is INFINITE or b[2] is INFINITE:
        if a[2] is b[2] and a[0] != b[0]:
            return None
        return a if a[2] is INFINITE else b
    if a[2] == 0 and b[2] == 0:
        return (a[0] and b[0], 0, 0)
    exponent = min(a[1], b[1])
    total = 0
    for negative, own, significand in (a, b):
        aligned = significand << (own - exponent)
        total += -aligned if negative else aligned
    return (total < 0, exponent, abs(total))


def _product(a, b):
    if a is None or b is None:
        return None
    negative = a[0] != b[0]
    if a[2] is INFINITE or b[2] is INFINITE:
        return None if a[2] == 0 or b[2] == 0 else (negative, 0, INFINITE)
    return (negative, a[1] + b[1], a[2] * b[2])


def _quotient(a, b):
    if a is None or b is None or (a[2] is INFINITE and b[2] is INFINITE):
        return None
    negative = a[0] != b[0]
    if a[2] is INFINITE:
        return (negative, 0, INFINITE)
    if b[2] is INFINITE:
        return (negative, 0, 0)
    if b[2] == 0:
        return None if a[2] == 0 else (negative, 0, INFINITE)
    # At least 64 bits of quotient; the lowest bit says that something nonzero lay below.
    up = 64 + b[2].bit_length()
    whole, rest = divmod(a[2] << up, b[2])
    return (negative, a[1] - b[1] - up - 1, whole << 1 | (rest != 0))


def _root(a):
    if a is None or a[2] == 0:
        return a
    if a[0]:
        return None
    if a[2] is INFINITE:
        return a
    up = 128 + (a[1] & 1)
    whole = isqrt(a[2] << up)
    inexact = whole * whole != a[2] << up
    return (False, (a[1] - up) // 2 - 1, whole << 1 | inexact)


F32 = Format(8, 23)
F64 = Format(11, 52)


def widen(bits):
    """binary32 to binary64, exactly (M-1.4)."""
    return F64.pack(F32.unpack(bits))


def narrow(bits):
    """binary64 to binary32, rounded once (M-1.4)."""
    return F32.pack(F64.unpack(bits))


def canonical(bits):
    """binary32 bits, with every NaN replaced by the canonical one (M-1.3)."""
    return F32.nan if F32.is_nan(bits) else bits
