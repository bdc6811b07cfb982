"""PyTorch's side of a training step, as a good user writes it.

    torch_step.py eager|compiled THREADS LAYERS WIDTH HEADS CONTEXT BATCH

Reads `step N` lines and answers each with `{"seconds": ..., "loss": ..., "idle_rss_bytes": ...}`: the mean time of N
steps, the loss of the last, and the process's memory before it had a model.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

VOCABULARY = 256
BATCHES = 8


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention, self.projection = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.expand, self.shrink = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, context, width = x.shape
        parts = self.attention(self.norm_1(x)).split(width, dim=2)
        q, k, v = (p.view(batch, context, self.heads, -1).transpose(1, 2) for p in parts)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.projection(mixed.transpose(1, 2).reshape(batch, context, width))
        return x + self.shrink(F.gelu(self.expand(self.norm_2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self, layers, width, heads, context):
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCABULARY, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, ids, targets):
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.norm(x), self.tokens.weight)
        return F.cross_entropy(logits.view(-1, VOCABULARY), targets.reshape(-1))


def optimizer_of(model):
    """AdamW in its fused form, decay on matrices only."""
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() != 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=3e-4, betas=(0.9, 0.95), eps=1e-8, fused=True)


def resident_bytes():
    with open("/proc/self/status", encoding="utf-8") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def main():
    idle = resident_bytes()
    mode, threads, layers, width, heads, context, batch = sys.argv[1], *map(int, sys.argv[2:])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model = Gpt(layers, width, heads, context)
    optimizer = optimizer_of(model)
    loss_of = torch.compile(model) if mode == "compiled" else model
    batches = torch.randint(VOCABULARY, (BATCHES, batch, context + 1))

    def step(at):
        words = batches[at % BATCHES]
        # Before the forward pass: the last step's gradients must not lie beside this one's activations.
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(words[:, :-1], words[:, 1:])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    at = 0
    for line in sys.stdin:
        count = int(line.split()[1])
        start = time.perf_counter()
        for at in range(at, at + count):
            loss = step(at)
        seconds = (time.perf_counter() - start) / count
        at += 1
        print(json.dumps({"seconds": seconds, "loss": loss, "idle_rss_bytes": idle}), flush=True)


main()
