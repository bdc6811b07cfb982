"""The two training steps and the matrix products that every side runs, in one table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """A GPT step: bytes in, tied head, mean cross-entropy, AdamW with clipping at 1."""

    layers: int
    width: int
    heads: int
    context: int
    batch: int
    vocabulary: int = 256

    def arguments(self):
        """The same five numbers for every worker's command line."""
        return [str(n) for n in (self.layers, self.width, self.heads, self.context, self.batch)]


STEPS = {
    "step": Step(layers=6, width=256, heads=8, context=256, batch=8),
    "wide": Step(layers=2, width=768, heads=12, context=256, batch=4),
}
TOKENS = (512, 1024, 2048)
WIDTHS = (256, 512, 768)
LARGE_TOKENS, LARGE_WIDTH = 2048, 768


@dataclass(frozen=True)
class Product:
    """c (m x n) = a (m x k) times b (k x n); `form` says which of them is stored transposed."""

    form: str
    m: int
    n: int
    k: int
    family: str
    heads: int = 1

    @property
    def name(self):
        return f"{self.form} {self.m}x{self.n}x{self.k}" + (f" x{self.heads} heads" if self.heads > 1 else "")

    @property
    def flops(self):
        """Of one product."""
        return 2 * self.m * self.n * self.k

    @property
    def is_large(self):
        """The ones that the machine's peak is compared with."""
        return self.family == "linear" and self.m * self.n * self.k >= LARGE_TOKENS * LARGE_WIDTH**2


def products():
    """Every linear layer's forward (NN), input gradient (NT) and weight gradient (TN), then attention's."""
    found = []
    for tokens in TOKENS:
        for width in WIDTHS:
            for inner, outer in ((width, width), (width, 4 * width), (4 * width, width)):
                found.append(Product("NN", tokens, outer, inner, "linear"))
                found.append(Product("NT", tokens, inner, outer, "linear"))
                found.append(Product("TN", inner, outer, tokens, "linear"))
    # One sequence of a step: its heads, each a product of its own.
    for step in STEPS.values():
        head, context = step.width // step.heads, step.context
        found.append(Product("NT", context, context, head, "attention", step.heads))
        found.append(Product("NN", context, head, context, "attention", step.heads))
        found.append(Product("TN", context, head, context, "attention", step.heads))
    return list(dict.fromkeys(found))
