"""Long-lived processes that compute on request, so that all sides can be measured turn by turn."""

import json
import os
import subprocess
import time
from statistics import median

# Threads of the side that was asked last spin for a moment before they sleep: GNU's OpenMP for about 5 ms, OpenBLAS
# for 2^26 cycles unless told otherwise; 2^22 outlast every gap inside one answer.
PAUSE_SECONDS = 0.01
OPENBLAS_SPIN = {"OPENBLAS_THREAD_TIMEOUT": "22"}


class WorkerError(Exception):
    """A side that did not start, or stopped answering; the message says which and why."""


def clean_environment(threads, extra=None):
    """The caller's environment without what makes a BLAS library choose another kernel, and with our threads."""
    tainted = ("OPENBLAS", "MKL", "OMP", "GOMP", "KMP", "RAYON", "RETRACE", "LD_PRELOAD")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(tainted)}
    numbers = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), str(threads))
    return kept | numbers | OPENBLAS_SPIN | (extra or {})


class Worker:
    """One side: a process that answers a line with a JSON line."""

    def __init__(self, name, command, environment, log):
        self.name, self.log = name, log
        with open(log, "w", encoding="utf-8") as errors:
            self.process = subprocess.Popen(
                [str(word) for word in command], env=environment, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )

    def ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            tail = open(self.log, encoding="utf-8", errors="replace").read().strip().splitlines()[-3:]
            raise WorkerError(f"{self.name} stopped at `{line}`: {' / '.join(tail)} (all of it: {self.log})") from None

    def peak_bytes(self):
        """The most memory that the process ever held."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def interleave(asked, rounds, progress=lambda at: None):
    """Asks each (worker, line) once a round; the answers' seconds by worker name."""
    taken = {worker.name: [] for worker, _ in asked}
    for at in range(rounds):
        progress(at + 1)
        # Every other round runs backwards, so that nobody always follows the same neighbor.
        for worker, line in asked if at % 2 == 0 else asked[::-1]:
            time.sleep(PAUSE_SECONDS)
            taken[worker.name].append(worker.ask(line)["seconds"])
    return taken


def medians(taken):
    return {name: median(times) for name, times in taken.items()}
