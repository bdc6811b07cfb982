#!/usr/bin/env python3
"""Checkpoints against Hugging Face's transformers (M-7).

    cargo run -p retrace-model --example export -- OUT              our models, with our logits
    transformers_check.py check OUT/*                               loads each folder and compares

    transformers_check.py make THEIRS                               their models: random, saved by save_pretrained
    cargo run -p retrace-model --example export -- --logits THEIRS/*  our logits of them
    transformers_check.py check THEIRS/*

    cargo run -p retrace-model --example export -- --logits FOLDER  a checkpoint that training left
    transformers_check.py check FOLDER

Logits are compared with transformers' own in float64: ours may be off by FACTOR times what its float32 is off. A
fixed bound will not do: over 1024 positions float32 itself, theirs too, loses several units more than over 20.
Prints a line a folder, a JSON object last, and exits with 1 if any differs. Needs torch, transformers, safetensors
and numpy.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, LlamaConfig

# Our largest error of a logit over theirs. Both round as often, in another order.
FACTOR = 4
TEXT = "Naïve coöperation,\n\t\"it's\"  €5 — 日本語 👍 <s></s> \x00\x7f"


def check(folder):
    """Compares one folder; returns what was found."""
    tokens = torch.tensor(json.loads((folder / "tokens.json").read_text()))
    ours = load_file(folder / "logits.safetensors")["logits"].double()
    found = {"folder": folder.name}
    results = {}
    for name, dtype in (("float32", torch.float32), ("float64", torch.float64)):
        model, report = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, attn_implementation="eager", output_loading_info=True
        )
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            if report[kind]:
                found[kind] = sorted(map(str, report[kind]))
        with torch.no_grad():
            results[name] = model.eval()(tokens[:, :-1]).logits.double()
    scale = results["float64"].abs().max().item()
    found["class"] = type(model).__name__
    found["largest_logit"] = scale
    found["ours_to_float64"] = (ours - results["float64"]).abs().max().item() / scale
    found["theirs_to_float64"] = (results["float32"] - results["float64"]).abs().max().item() / scale
    found["ours_to_theirs"] = (ours - results["float32"]).abs().max().item() / scale
    found["equal"] = ours.shape == results["float64"].shape and (
        found["ours_to_float64"] <= FACTOR * found["theirs_to_float64"]
    )
    found["equal"] = found["equal"] and not any(key.endswith("_keys") for key in found)
    if (folder / "tokenizer.json").exists():
        found["bytes"] = check_tokenizer(folder)
    found["good"] = bool(found["equal"] and found.get("bytes", True))
    return found


def check_tokenizer(folder):
    """True when text becomes its bytes, and the bytes become the text."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    everything = "".join(map(chr, range(0x100)))
    return all(
        tokenizer(text)["input_ids"] == list(text.encode()) and tokenizer.decode(list(text.encode())) == text
        for text in (TEXT, everything, " ", "", "a  b")
    )


def make(out):
    """Random models of transformers: names, types and files as it writes them."""
    sizes = dict(vocab_size=300, bos_token_id=None, eos_token_id=None)
    gpt2 = dict(n_positions=20, n_embd=32, n_layer=2, n_head=4, initializer_range=0.2, **sizes)
    llama = dict(
        max_position_embeddings=20,
        hidden_size=48,
        intermediate_size=72,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_key_value_heads=2,
        initializer_range=0.2,
        **sizes,
    )
    dropouts = dict(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
    rope = {"rope_type": "default", "rope_theta": 500000.0}
    cases = {
        "gpt2": (GPT2Config(**gpt2), {}),
        "gpt2-untied": (GPT2Config(tie_word_embeddings=False, activation_function="gelu", **dropouts, **gpt2), {}),
        "gpt2-sharded": (GPT2Config(n_inner=50, activation_function="gelu_pytorch_tanh", **gpt2), {"shard": "40KB"}),
        "llama": (LlamaConfig(**llama), {}),
        "llama-tied": (LlamaConfig(tie_word_embeddings=True, rope_parameters=rope, **llama), {}),
        "llama-long": (LlamaConfig(**{**llama, "max_position_embeddings": 1024}), {}),
        "llama-bf16": (LlamaConfig(**llama), {"dtype": torch.bfloat16}),
        "llama-f16": (LlamaConfig(**llama), {"dtype": torch.float16}),
    }
    for seed, (name, (config, extra)) in enumerate(cases.items()):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        model = model.to(extra.get("dtype", torch.float32))
        model.save_pretrained(out / name, max_shard_size=extra.get("shard", "5GB"))
        tokens = torch.randint(0, config.vocab_size, (3, config.max_position_embeddings + 1))
        (out / name / "tokens.json").write_text(json.dumps(tokens.tolist()))
        print(name, sorted(path.name for path in (out / name).iterdir()))


def main():
    match sys.argv[1:]:
        case ["make", out]:
            make(Path(out))
        case ["check", *folders] if folders:
            found = [check(Path(folder)) for folder in folders]
            for one in found:
                print(" ".join(f"{key}={value}" for key, value in one.items()))
            good = all(one["good"] for one in found)
            print(json.dumps({"good": good, "worst": max(one["ours_to_float64"] for one in found), "folders": found}))
            sys.exit(0 if good else 1)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
