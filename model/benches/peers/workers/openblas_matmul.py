"""OpenBLAS's side of a matrix product: `cblas_sgemm` of the newest build on PyPI, without numpy.

    openblas_matmul.py THREADS LOOP.so

Reads `product FORM M N K COUNT HEADS` lines and answers `{"seconds": ...}` for one time, the mean of COUNT after a few
untimed ones; `core` answers with the kernel that OpenBLAS chose for this processor.
"""

import ctypes
import json
import random
import sys
import time
from array import array
from pathlib import Path

import scipy_openblas32

PLAIN, TRANSPOSED = 111, 112


def numbers(count):
    draw = random.Random(count)
    block = array("f", (draw.uniform(-1, 1) for _ in range(4096)))
    return (block * (count // 4096 + 1))[:count]


def whole(*values):
    return (ctypes.c_int * len(values))(*values)


class Product:
    """Operands of HEADS products, stored as the form says."""

    def __init__(self, form, m, n, k, heads):
        self.held = [numbers(heads * size) for size in (m * k, k * n, m * n)]
        first, a_line = (TRANSPOSED, m) if form == "TN" else (PLAIN, k)
        second, b_line = (TRANSPOSED, k) if form == "NT" else (PLAIN, n)
        self.plan = whole(first, second), whole(m, n, k), whole(a_line, b_line)
        self.heads = heads

    def run(self, loop, sgemm, count):
        places = [ctypes.c_void_p(words.buffer_info()[0]) for words in self.held]
        start = time.perf_counter()
        loop.products(sgemm, *self.plan, *places, self.heads, count)
        return time.perf_counter() - start


def main():
    blas = ctypes.CDLL(str(Path(scipy_openblas32.get_lib_dir()) / "libscipy_openblas.so"))
    blas.scipy_openblas_get_corename.restype = ctypes.c_char_p
    blas.scipy_openblas_set_num_threads(int(sys.argv[1]))
    loop, key, product = ctypes.CDLL(sys.argv[2]), None, None
    for line in sys.stdin:
        if line.strip() == "core":
            print(json.dumps({"core": blas.scipy_openblas_get_corename().decode()}), flush=True)
            continue
        _, form, *sizes = line.split()
        m, n, k, count, heads = map(int, sizes)
        if key != line:
            key, product = line, Product(form, m, n, k, heads)
            product.run(loop, blas.scipy_cblas_sgemm, 1)
        product.run(loop, blas.scipy_cblas_sgemm, count // 4)
        print(json.dumps({"seconds": product.run(loop, blas.scipy_cblas_sgemm, count) / count}), flush=True)


main()
