"""Helps the tests: signs (RFC 8032), and signs a damaged bundle again (V-3.2).

So damage reaches the rules behind the signatures.

The lab's keys are no secret: seeds of 32 bytes 1 (accused) and 2 (challenger).
"""

import hashlib

import ed25519
from borsh import Reader
from bundle import ACCUSED, MAGIC, _docket, _signed_move
from hashing import derived

SEEDS = {True: bytes([1]) * 32, False: bytes([2]) * 32}


def _times_base(scalar):
    return ed25519.encode(ed25519._combine(scalar, 0, ed25519.BASE_TABLE))


def public_key(seed):
    """Public key of a seed."""
    return _times_base(_secret(seed)[0])


def _secret(seed):
    half = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(half[:32], "little") & ((1 << 254) - 8) | 1 << 254
    return scalar, half[32:]


def sign(seed, message):
    """An Ed25519 signature."""
    scalar, prefix = _secret(seed)
    key = _times_base(scalar)
    nonce = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % ed25519.ORDER
    r = _times_base(nonce)
    k = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little")
    return r + ((nonce + k * scalar) % ed25519.ORDER).to_bytes(32, "little")


def _move(r):
    start = r.at
    move = _signed_move(r)
    return r.data[start + 32 : start + 34], move.side == ACCUSED, move.signed[34:]


def resigned(data):
    """The same bundle with claim, dispute id and every move signed again; Unreadable if it cannot be parsed."""
    r = Reader(data)
    r.take(len(MAGIC))
    docket = _docket(r)
    moves = r.vector(lambda: _move(r))
    r.end()
    is_base = docket.unit == "Merge"
    context = "retrace v1 base" if is_base else "retrace v1 commitment"
    claim = docket.claim
    signature = sign(SEEDS[True], derived(context, claim.signed))
    at = docket.raw.index(claim.signed + claim.signature) + len(claim.signed)
    raw = docket.raw[:at] + signature + docket.raw[at + 64 :]
    dispute = derived("retrace v1 dispute", raw)
    parts = [MAGIC, raw, len(moves).to_bytes(4, "little")]
    for number, is_accused, rest in moves:
        signed = dispute + number + rest
        parts += [signed, sign(SEEDS[is_accused], derived("retrace v1 move", signed))]
    return b"".join(parts)
