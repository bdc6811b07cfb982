"""Helps the tests: signs (RFC 8032), and signs a damaged bundle again (V-3.2).

So damage reaches the rules behind the signatures.

The lab's keys are no secret: seeds of 32 bytes 1 (accused) and 2 (challenger), and 3 to 5 for defense keys.
"""

import hashlib

import ed25519
from borsh import Reader
from bundle import ACCUSED, MAGIC, NAME, _docket, _signed_move, read_delegation
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


DEFENSE_KEYS = [(bytes([n]) * 32, public_key(bytes([n]) * 32)) for n in (3, 4, 5)]
ACCOUNTS = {public_key(seed): seed for seed in SEEDS.values()}


def _move(r):
    start = r.at
    move = _signed_move(r)
    return move, r.data[start + 32 : start + 34], move.signed[34:]


def resigned(data):
    """The same file with claims, dispute ids, delegations and every move signed again, each by the key that it was
    signed by, or else by its side's; Unreadable if it cannot be parsed."""
    r = Reader(data)
    magic = r.take(len(MAGIC))
    lines = [_resigned_line(r)]
    if magic == NAME + b"\x03":
        lines.append(_resigned_line(r))
    r.end()
    return magic + b"".join(lines)


def _resigned_line(r):
    docket = _docket(r)
    delegations = r.vector(lambda: read_delegation(r))
    moves = r.vector(lambda: _move(r))
    is_base = docket.unit == "Merge"
    context = "retrace v1 base" if is_base else "retrace v1 commitment"
    claim = docket.claim
    signature = sign(SEEDS[True], derived(context, claim.signed))
    at = docket.raw.index(claim.signed + claim.signature) + len(claim.signed)
    raw = docket.raw[:at] + signature + docket.raw[at + 64 :]
    dispute = derived("retrace v1 dispute", raw)
    parts = [raw, len(delegations).to_bytes(4, "little")]
    for found in delegations:
        seed = ACCOUNTS.get(found.account)
        message = derived("retrace v1 delegation", found.signed)
        parts += [found.signed, found.signature if seed is None else sign(seed, message)]
    parts.append(len(moves).to_bytes(4, "little"))
    for move, number, rest in moves:
        seed = (_seed_of(move) if delegations else None) or SEEDS[move.side == ACCUSED]
        signed = dispute + number + rest
        parts += [signed, sign(seed, derived("retrace v1 move", signed))]
    return b"".join(parts)


def _seed_of(move):
    """The defense key that signed a move, if one did."""
    message = derived("retrace v1 move", move.signed)
    of = (seed for seed, key in DEFENSE_KEYS if ed25519.verify(key, message, move.signature))
    return next(of, None)
