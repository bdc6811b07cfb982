"""BLAKE3 as the protocol uses it: digests, contexts, and the inner values of its tree (V-1.1, V-1.2, V-3.2).

The `blake3` package gives whole hashes only. Chaining values of chunks and parents that are not the root are
computed here, from the BLAKE3 paper.
"""

import struct

from blake3 import blake3

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
COLUMNS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15))
DIAGONALS = ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
CHUNK_BYTES = 1024
BLOCK_BYTES = 64
MASK = 0xFFFFFFFF


def _mixing_order():
    """All quarter rounds: four places of the state, and two words of the block."""
    order, words = [], list(range(16))
    for _ in range(7):
        pairs = zip(words[0::2], words[1::2])
        order += [places + pair for places, pair in zip(COLUMNS + DIAGONALS, pairs)]
        words = [words[at] for at in PERMUTATION]
    return tuple(order)


ORDER = _mixing_order()


def compress(chain, block, counter, length, flags):
    """The first 32 bytes of one compression, as eight words."""
    m = struct.unpack("<16I", block)
    v = list(chain) + list(IV[:4]) + [counter & MASK, counter >> 32, length, flags]
    for a, b, c, d, x, y in ORDER:
        va, vb, vc, vd = v[a], v[b], v[c], v[d]
        va = (va + vb + m[x]) & MASK
        vd ^= va
        vd = (vd >> 16) | ((vd << 16) & MASK)
        vc = (vc + vd) & MASK
        vb ^= vc
        vb = (vb >> 12) | ((vb << 20) & MASK)
        va = (va + vb + m[y]) & MASK
        vd ^= va
        vd = (vd >> 8) | ((vd << 24) & MASK)
        vc = (vc + vd) & MASK
        vb ^= vc
        v[a], v[c], v[d] = va, vc, vd
        v[b] = (vb >> 7) | ((vb << 25) & MASK)
    return [v[i] ^ v[i + 8] for i in range(8)]


def chunk_value(index, data):
    """Chaining value of chunk `index`, which is not the root (V-1.1)."""
    chain = IV
    blocks = max(1, -(-len(data) // BLOCK_BYTES))
    for at in range(blocks):
        block = data[at * BLOCK_BYTES : (at + 1) * BLOCK_BYTES]
        flags = (CHUNK_START if at == 0 else 0) | (CHUNK_END if at == blocks - 1 else 0)
        chain = compress(chain, block.ljust(BLOCK_BYTES, b"\0"), index, len(block), flags)
    return struct.pack("<8I", *chain)


def parent_value(left, right, is_root):
    """Value of a parent; the root, and only the root, has the ROOT flag (V-1.1)."""
    words = compress(IV, left + right, 0, BLOCK_BYTES, PARENT | (ROOT if is_root else 0))
    return struct.pack("<8I", *words)


def digest(data):
    """Digest of a tensor's bytes (V-1.1)."""
    return blake3(data).digest()


def derived(context, data, length=32):
    """BLAKE3 in derive-key mode under a context (V-1.2, V-3.2)."""
    return blake3(data, derive_key_context=context).digest(length=length)
