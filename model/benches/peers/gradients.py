#!/usr/bin/env python3
"""Compares the gradients of one step of each architecture with PyTorch's autograd.

Runs `cargo run --example gradients`, builds the same models in PyTorch, in float64 and in float32, and compares every
gradient and the loss. What counts is the distance from float64's gradient beside the gradient's own size: ours may be as
far from it as PyTorch's float32, with a little room. Exits with 1 when one is further.

    model/benches/peers/gradients.py [FOLDER]      FOLDER: what the example wrote before; else it is run
"""

import json
import math
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from install import ROOT, Home

# Largest distance relative to the gradient's largest entry: float32 rounding over chains of some hundred terms.
ROOM = 2e-5
# Share of the step's largest gradient below which a tensor's own largest entry says nothing.
SMALL = 1e-2


def models():
    """PyTorch is imported late, since the script may first have to install it."""
    import torch
    from torch.nn import functional as F

    activations = {
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "gelu_erf": F.gelu, "silu": F.silu, "relu": F.relu,
    }

    def attend(q, k, v, heads):
        batch, context, width = q.shape
        split = lambda x, n: x.view(batch, context, n, -1).transpose(1, 2)
        q, k, v = split(q, heads), split(k, k.shape[2] * heads // width), split(v, v.shape[2] * heads // width)
        k, v = (x.repeat_interleave(heads // x.shape[1], dim=1) for x in (k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return mixed.transpose(1, 2).reshape(batch, context, width)

    def gpt(p, s, ids):
        norm = lambda x, at: F.layer_norm(x, x.shape[-1:], p[f"{at}.weight"], p[f"{at}.bias"], s["norm_epsilon"])
        linear = lambda x, at: x @ p[f"{at}.weight"] + p[f"{at}.bias"]
        x = p["wte.weight"][ids] + p["wpe.weight"]
        for at in (f"h.{layer}" for layer in range(s["layers"])):
            y = norm(x, f"{at}.ln_1")
            q, k, v = (linear(y, f"{at}.attn.{part}") for part in ("query", "key", "value"))
            x = x + linear(attend(q, k, v, s["heads"]), f"{at}.attn.c_proj")
            hidden = activations[s["activation"]](linear(norm(x, f"{at}.ln_2"), f"{at}.mlp.c_fc"))
            x = x + linear(hidden, f"{at}.mlp.c_proj")
        return norm(x, "ln_f") @ p["wte.weight" if s["tied"] else "lm_head.weight"].T

    def rotate(x, heads, base):
        """Half-split rotary positions."""
        batch, context, width = x.shape
        half = width // heads // 2
        place = torch.arange(context, dtype=torch.float64)[:, None]
        angle = place * base ** (-torch.arange(half, dtype=torch.float64) / half)
        cos, sin = angle.cos().to(x.dtype)[:, None], angle.sin().to(x.dtype)[:, None]
        left, right = x.view(batch, context, heads, 2, half).unbind(3)
        turned = torch.stack((left * cos - right * sin, right * cos + left * sin), dim=3)
        return turned.reshape(batch, context, width)

    def llama(p, s, ids):
        norm = lambda x, at: F.rms_norm(x, x.shape[-1:], p[f"{at}.weight"], s["norm_epsilon"])
        heads, groups, base = s["heads"], s["key_value_heads"], s["rope_base"]
        x = p["embed_tokens.weight"][ids]
        for at in (f"layers.{layer}" for layer in range(s["layers"])):
            y = norm(x, f"{at}.input_layernorm")
            q, k, v = (y @ p[f"{at}.self_attn.{part}_proj.weight"] for part in "qkv")
            mixed = attend(rotate(q, heads, base), rotate(k, groups, base), v, heads)
            x = x + mixed @ p[f"{at}.self_attn.o_proj.weight"]
            y = norm(x, f"{at}.post_attention_layernorm")
            gate, up = (y @ p[f"{at}.mlp.{part}_proj.weight"] for part in ("gate", "up"))
            x = x + (F.silu(gate) * up) @ p[f"{at}.mlp.down_proj.weight"]
        return norm(x, "norm") @ p["embed_tokens.weight" if s["tied"] else "lm_head.weight"].T

    def mlp(p, s, ids):
        x = p["wte.weight"][ids].flatten(1)
        for layer in range(s["layers"]):
            x = activations[s["activation"]](x @ p[f"layers.{layer}.weight"] + p[f"layers.{layer}.bias"])
        return x @ p["head.weight"] + p["head.bias"]

    def loss(name, p, s, words):
        ids = words[:, : s["context"]]
        targets = words[:, -1] if name == "mlp" else words[:, 1:]
        logits = {"gpt": gpt, "llama": llama, "mlp": mlp}[name](p, s, ids)
        return F.cross_entropy(logits.reshape(-1, s["vocabulary"]), targets.reshape(-1))

    return torch, loss


def read(torch, folder, entry):
    raw = bytearray((folder / entry["file"]).read_bytes())
    return torch.frombuffer(raw, dtype=torch.float32).reshape(entry["shape"])


def autograd(torch, loss, folder, index, kind):
    """(loss, gradients by name) in the given type."""
    entries = index["tensors"]
    parameters = {e["name"]: read(torch, folder, e).to(kind).requires_grad_() for e in entries}
    value = loss(index["name"], parameters, index["sizes"], torch.tensor(index["tokens"]))
    value.backward()
    return value.item(), {name: p.grad for name, p in parameters.items()}


def compare(torch, loss, folder):
    """Prints one architecture's worst distances; whether all are within float32 error."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    exact_loss, exact = autograd(torch, loss, folder, index, torch.float64)
    _, single = autograd(torch, loss, folder, index, torch.float32)
    ours = {entry["name"]: read(torch, folder, entry) for entry in index["gradients"]}
    if ours.keys() != exact.keys():
        print(f"{index['name']}: other tensors: {sorted(ours.keys() ^ exact.keys())}")
        return False
    our_loss = struct.unpack(">f", bytes.fromhex(index["loss_bits"]))[0]
    distances, largest = {}, max(gradient.abs().max().item() for gradient in exact.values())
    for name, gradient in exact.items():
        # A key's bias moves no probability: its gradient is zero, and what is there is rounding of larger numbers.
        size = max(gradient.abs().max().item(), SMALL * largest)
        far = lambda other: (other.double() - gradient).abs().max().item() / size
        distances[name] = far(ours[name]), far(single[name])
    far = {name: pair for name, pair in distances.items() if not pair[0] <= max(ROOM, 4 * pair[1])}
    worst = max(distances, key=lambda name: distances[name][0])
    close = math.isclose(our_loss, exact_loss, rel_tol=1e-5)
    print(f"{index['name']}: {len(exact)} gradients, loss {our_loss:.7f} and {exact_loss:.7f}; furthest {worst}: "
          f"{distances[worst][0]:.1e} of its largest entry, PyTorch's float32 {distances[worst][1]:.1e}")
    for name, (mine, theirs) in far.items():
        print(f"  {name}: {mine:.1e}, PyTorch's float32 {theirs:.1e}: further than float32 error")
    if not close:
        print(f"  the loss differs: {our_loss} and {exact_loss}")
    return close and not far


def check(folder):
    torch, loss = models()
    torch.set_num_threads(1)
    folders = sorted(path.parent for path in Path(folder).glob("*/index.json"))
    if not folders:
        print(f"no */index.json in {folder}")
        return False
    return all([compare(torch, loss, one) for one in folders])


def main():
    home = Home()
    if "--inside" not in sys.argv:
        # Once more, by the Python that has PyTorch.
        home.install({"gradients"})
        os.execv(home.python, [str(home.python), str(Path(__file__).resolve()), "--inside", *sys.argv[1:]])
    given = [word for word in sys.argv[1:] if word != "--inside"]
    if given:
        return 0 if check(given[0]) else 1
    with tempfile.TemporaryDirectory() as folder:
        command = ["cargo", "run", "--quiet", "--release", "--locked", "--package", "retrace-model", "--target-dir",
                   str(home.folder / "ours"), "--example", "gradients", "--", folder]
        subprocess.run(command, cwd=ROOT, check=True)
        return 0 if check(folder) else 1


if __name__ == "__main__":
    sys.exit(main())
