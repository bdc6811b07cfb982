"""Soft-float, elementary functions, BLAKE3 and Ed25519 against other bodies.

M-1.1 to M-1.5, M-2.1 to M-2.8, M-3.13, V-1.1, V-3.2.
"""

import math
import random
import struct
import unittest
from fractions import Fraction

from blake3 import blake3

import ed25519
import elementary
import forge
import hashing
from soft import F32, F64, narrow, widen


def value(bits, wide):
    return struct.unpack("<d" if wide else "<f", bits.to_bytes(8 if wide else 4, "little"))[0]


def bits_of(number, wide):
    try:
        return int.from_bytes(struct.pack("<d" if wide else "<f", number), "little")
    except OverflowError:
        return F32.infinity | (F32.sign if number < 0 else 0)


def specials(form):
    """Zeros, subnormals, the edges of the normal range, halves of the last place, infinities, a NaN."""
    one = form.infinity // 2 >> form.mantissa_bits << form.mantissa_bits
    base = [0, 1, 2, 3, form.hidden - 1, form.hidden, form.hidden + 1, one - 1, one, one + 1, one + 2]
    base += [one + (24 << form.mantissa_bits), one + (53 << form.mantissa_bits), one - (24 << form.mantissa_bits)]
    base += [form.infinity - 1, form.infinity]
    return base + [b | form.sign for b in base] + [form.nan]


def pairs(form, seed):
    draw = random.Random(seed)
    width = 1 + form.exponent_bits + form.mantissa_bits
    edge = specials(form)
    found = [(a, b) for a in edge for b in edge]
    for _ in range(1500):
        a = draw.getrandbits(width)
        near = a ^ draw.getrandbits(form.mantissa_bits + 3)
        found += [(a, draw.getrandbits(width)), (a, near), (a, draw.choice(edge))]
    return found


def hardware(name, x, y):
    if name == "div" and y == 0:
        if x == 0 or x != x:
            return math.nan
        return math.copysign(math.inf, math.copysign(1, x) * math.copysign(1, y))
    return {"add": lambda: x + y, "sub": lambda: x - y, "mul": lambda: x * y, "div": lambda: x / y}[name]()


class SoftFloat(unittest.TestCase):
    """M-1.1: hardware binary64 gives binary32 results too, since 53 bits are more than 2 * 24 + 1."""

    def check(self, form, wide):
        for a, b in pairs(form, 7):
            for name in ("add", "sub", "mul", "div"):
                x = hardware(name, value(a, wide), value(b, wide))
                expected = form.nan if x != x else bits_of(x, wide)
                self.assertEqual(getattr(form, name)(a, b), expected, (name, hex(a), hex(b)))
            x, y = value(a, wide), value(b, wide)
            self.assertEqual(form.less(a, b), x < y)
            root = form.nan if x != x or x < 0 else bits_of(math.sqrt(x), wide)
            self.assertEqual(form.sqrt(a), root, hex(a))

    def test_binary32(self):
        self.check(F32, False)

    def test_binary64(self):
        self.check(F64, True)

    def test_conversions(self):
        """M-1.4."""
        for bits, _ in pairs(F32, 8):
            x = value(bits, False)
            self.assertEqual(widen(bits), F64.nan if x != x else bits_of(x, True))
        for bits, other in pairs(F64, 9):
            for b in (bits, (other & F64.sign) | 0x36A0000000000000 + (bits & 0xFFFFFFFFFFFFFF)):
                x = value(b, True)
                self.assertEqual(narrow(b), F32.nan if x != x else bits_of(x, False))

    def test_fma(self):
        """M-1.2: one rounding of the exact value."""
        draw = random.Random(10)
        for _ in range(2500):
            a, b = draw.getrandbits(32), draw.getrandbits(32)
            product = F32.mul(a, b)
            c = draw.choice([draw.getrandbits(32), product, product ^ F32.sign, product ^ F32.sign ^ 1])
            x, y, z = (value(n, False) for n in (a, b, c))
            if not all(map(math.isfinite, (x, y, z))):
                continue
            exact = Fraction(x) * Fraction(y) + Fraction(z)
            found = F32.fma(a, b, c)
            if found & 0x7FFFFFFF == F32.infinity:
                self.assertGreaterEqual(abs(exact), (2 - Fraction(1, 2**24)) * 2**127)
                continue
            error = abs(Fraction(value(found, False)) - exact)
            for near in (found + 1, found - 1) if found & 0x7FFFFFFF else (1, F32.sign | 1):
                if near & 0x7FFFFFFF < F32.infinity:
                    other = abs(Fraction(value(near, False)) - exact)
                    self.assertTrue(error < other or (error == other and found % 2 == 0), (hex(a), hex(b), hex(c)))
        self.assertEqual(F32.fma(0x3F800001, 0x3F800001, 0xBF800002), 0x28800000)


class Elementary(unittest.TestCase):
    def test_functions(self):
        """M-2.1 to M-2.3: within 1 ULP (2 for tanh) of the library, which is nearly exact in binary64."""
        draw = random.Random(11)
        for _ in range(1500):
            x = draw.uniform(-90, 90)
            b = bits_of(x, False)
            x = value(b, False)
            self.near(elementary.exp(b), math.exp(x), 1)
            self.near(elementary.tanh(b), math.tanh(x), 2)
            self.near(elementary.ln(b & 0x7FFFFFFF), math.log(abs(x)), 1)
            self.near(elementary.erf(b), math.erf(x), 2)

    def test_angles(self):
        """M-2.7, M-2.8: within their bounds, and no sine of an angle beyond 2^16."""
        draw = random.Random(12)
        for size in (1.0, 100.0, 65536.0):
            for _ in range(500):
                b = bits_of(draw.uniform(-size, size), False)
                x = value(b, False)
                self.near(elementary.sin(b), math.sin(x), 1)
                self.near(elementary.cos(b), math.cos(x), 1)
                found = value(elementary.exp64(bits_of(x, True)), True)
                self.assertAlmostEqual(found / math.exp(min(89, max(-104, x))), 1, delta=2**-46)
        for x in (0x47800001, 0xC7800001, 0x7F800000, 0xFFC00001):
            self.assertEqual((elementary.sin(x), elementary.cos(x)), (F32.nan, F32.nan))
        self.assertEqual((elementary.sin(0x80000000), elementary.erf(0x80000000)), (0x80000000, 0x80000000))

    def near(self, found, expected, units):
        self.assertLessEqual(abs(found - bits_of(expected, False)), units)

    def test_edges(self):
        for x, y in ((0, 0x3F800000), (0xFF800000, 0), (0x7F800000, 0x7F800000), (0xFFC00001, F32.nan)):
            self.assertEqual(elementary.exp(x), y)
        for x, y in ((0, 0xFF800000), (0x80000000, 0xFF800000), (0xBF800000, F32.nan), (0x3F800000, 0)):
            self.assertEqual(elementary.ln(x), y)
        self.assertEqual(elementary.tanh(0x80000000), 0x80000000)

    def test_schedule(self):
        """M-2.4, M-2.5."""
        cosines = [elementary.cos_pi(f) for f in (0, elementary.HALF, elementary.ONE)]
        self.assertEqual(cosines, [elementary.ONE, 0, elementary.ONE | 1 << 63])
        for n in (0, 1, 7, 2**32 - 1):
            self.assertEqual(elementary.whole(n), bits_of(float(n), True))
        self.assertEqual(elementary.powi(bits_of(3.0, True), 7), bits_of(2187.0, True))


class Blake3(unittest.TestCase):
    """V-1.1: chunk and parent values, joined, give what the package gives."""

    def test_many_lengths(self):
        for length in (1025, 1087, 1088, 1089, 2047, 2048, 2049, 3072, 4097, 5000, 7169, 31744, 40001):
            data = bytes((i * 31 + 7) & 255 for i in range(length))
            level = [hashing.chunk_value(i, data[i * 1024 : i * 1024 + 1024]) for i in range(-(-length // 1024))]
            while len(level) > 1:
                at_top = len(level) == 2
                groups = [level[i : i + 2] for i in range(0, len(level), 2)]
                level = [hashing.parent_value(g[0], g[1], at_top) if len(g) == 2 else g[0] for g in groups]
            self.assertEqual(level[0], blake3(data).digest(), length)


RFC_8032 = (
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd"
     "25bf5f0595bbe24655141438e7a100b"),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c3"
     "87b2eaeb4302aeeb00d291612bb0c00"),
    ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594"
     "a7c15e9716ed28dc027beceea1ec40a"),
)


class Ed25519(unittest.TestCase):
    """V-3.2: RFC 8032, and what the strict check refuses beyond it."""

    def test_rfc_8032(self):
        for row in RFC_8032:
            seed, key, message, signature = map(bytes.fromhex, row)
            self.assertTrue(ed25519.verify(key, message, signature))
            self.assertEqual((forge.public_key(seed), forge.sign(seed, message)), (key, signature))
            self.assertFalse(ed25519.verify(key, message + b"x", signature))

    def test_strict(self):
        key, message, signature = map(bytes.fromhex, RFC_8032[1][1:])
        s = int.from_bytes(signature[32:], "little") + ed25519.ORDER
        self.assertFalse(ed25519.verify(key, message, signature[:32] + s.to_bytes(32, "little")))
        identity, zero = ed25519.encode(ed25519.IDENTITY), bytes(32)
        # Of small order: the equation 0 B = R + k A holds for all of these, and all are refused.
        for small in (identity, (ed25519.P + 1).to_bytes(32, "little"), (ed25519.P - 1).to_bytes(32, "little")):
            self.assertFalse(ed25519.verify(small, message, identity + zero))
        self.assertFalse(ed25519.verify(key, message, identity + signature[32:]))
        self.assertIsNone(ed25519.decode((2).to_bytes(32, "little")))


if __name__ == "__main__":
    unittest.main()
