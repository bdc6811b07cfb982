"""PyTorch's side of a matrix product: `torch.mm`, and `torch.bmm` for several heads.

    torch_matmul.py THREADS

Reads `product FORM M N K COUNT HEADS` lines and answers `{"seconds": ...}` for one time, the mean of COUNT after a few
untimed ones.
"""

import json
import sys
import time

import torch


class Product:
    """Operands stored as the form says; the output is made once, so no call pays for its pages."""

    def __init__(self, form, m, n, k, heads):
        self.a = torch.randn(heads, k, m).mT if form == "TN" else torch.randn(heads, m, k)
        self.b = torch.randn(heads, n, k).mT if form == "NT" else torch.randn(heads, k, n)
        self.out = torch.zeros(heads, m, n)
        self.call = torch.bmm
        if heads == 1:
            self.a, self.b, self.out, self.call = self.a[0], self.b[0], self.out[0], torch.mm

    def run(self, count):
        start = time.perf_counter()
        for _ in range(count):
            self.call(self.a, self.b, out=self.out)
        return time.perf_counter() - start


def main():
    torch.set_num_threads(int(sys.argv[1]))
    torch.manual_seed(1)
    key, product = None, None
    with torch.inference_mode():
        for line in sys.stdin:
            _, form, *sizes = line.split()
            m, n, k, count, heads = map(int, sizes)
            if key != line:
                key, product = line, Product(form, m, n, k, heads)
                product.run(1)
            product.run(count // 4)
            print(json.dumps({"seconds": product.run(count) / count}), flush=True)


main()
