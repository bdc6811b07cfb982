"""Sets every side up in one folder outside the tracked files, and says first what that takes."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
RUST_PEERS = {"matmul": "matmul", "candle": "candle_step", "burn": "burn_step"}
OURS = ("step_worker", "matmul_worker")
SAID = {
    "venv": "a virtual environment with PyTorch and OpenBLAS from PyPI (5 GB: PyPI's only Linux build carries CUDA)",
    "matmul": "the crates gemm and faer (4 CPU minutes)",
    "candle": "the crate candle (3 CPU minutes)",
    "burn": "the crate burn (6 CPU minutes)",
}


def say(text):
    print(text, file=sys.stderr, flush=True)


class Home:
    """Where everything lies: `target/peers`, or $RETRACE_PEERS_DIR."""

    def __init__(self):
        self.folder = Path(os.environ.get("RETRACE_PEERS_DIR") or ROOT / "target" / "peers").resolve()
        self.python = self.folder / "venv" / "bin" / "python"
        self.unlock, self.loop = self.folder / "intel.so", self.folder / "openblas_loop.so"

    def log(self, name):
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)
        return self.folder / "logs" / f"{name}.log"

    def ours(self, name):
        return self.folder / "ours" / "release" / "examples" / name

    def peer(self, part):
        return self.folder / "rust" / "release" / RUST_PEERS[part]

    def is_missing(self, part):
        if part != "venv":
            return not self.peer(part).exists()
        probe = "import torch, numpy, scipy_openblas32; print(torch.__version__)"
        return subprocess.run([self.python, "-c", probe], capture_output=True, check=False).returncode != 0 \
            if self.python.exists() else True

    def install(self, parts):
        """Installs and builds what `parts` need; what is there already is left alone."""
        self.folder.mkdir(parents=True, exist_ok=True)
        needed = ([] if parts.isdisjoint({"step", "wide", "matmul", "gradients"}) else ["venv"]) + sorted(parts & RUST_PEERS.keys())
        missing = [part for part in needed if self.is_missing(part)]
        if missing:
            say(f"installs into {self.folder}:")
            for part in missing:
                say(f"  {SAID[part]}")
        if "venv" in missing:
            self.run("venv", [sys.executable, "-m", "venv", self.folder / "venv"])
            self.run("venv", [self.python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"])
        for built, source in ((self.unlock, "intel.c"), (self.loop, "openblas_loop.c")):
            self.run(built.stem, ["gcc", "-shared", "-fPIC", "-O2", "-o", built, HERE / "workers" / source])
        for part in needed:
            if part in RUST_PEERS:
                manifest = ["--manifest-path", HERE / "rust" / "Cargo.toml", "--target-dir", self.folder / "rust"]
                features = ["--features", part, "--bin", RUST_PEERS[part]]
                self.run(part, ["cargo", "build", "--release", "--locked", *manifest, *features])
        examples = [word for name in OURS for word in ("--example", name)]
        package = ["--package", "retrace-model", "--target-dir", self.folder / "ours"]
        self.run("ours", ["cargo", "build", "--release", "--locked", *package, *examples])

    def run(self, name, command):
        say(f"  {name}: {' '.join(str(word) for word in command[:3])} ...")
        log = self.log(f"install-{name}")
        with open(log, "w", encoding="utf-8") as output:
            done = subprocess.run([str(w) for w in command], cwd=ROOT, stdout=output, stderr=output, check=False)
        if done.returncode != 0:
            tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-5:]
            raise SystemExit(f"setting up {name} failed ({log}):\n" + "\n".join(tail))
