"""Measures whole training steps: ours on each backend, PyTorch four ways, candle and burn."""

from install import HERE, say
from machine import is_intel
from sizes import STEPS
from worker import Worker, clean_environment, interleave, medians

WARM_UP_STEPS = 3
TORCH = ("torch_shipped", "torch_unlocked")


def our_sides(home, backends, threads):
    """Our fastest backend on all threads and on one, the others on all."""
    sides = {"ours_1_thread": (backends[0], 1)} if threads > 1 else {}
    return {"ours": (backends[0], threads)} | sides | {f"ours_{name}": (name, threads) for name in backends[1:]}


def commands(home, name, parts, backends, threads):
    """(command, environment) of every side, by its name."""
    numbers = STEPS[name].arguments()
    found = {}
    for side, (backend, count) in our_sides(home, backends, threads).items():
        options = ["--threads", count, "--backend", backend]
        found[side] = ([home.ours("step_worker"), *numbers, *options], {})
    if name in parts:
        for mode in ("eager", "compiled"):
            command = [home.python, HERE / "workers" / "torch_step.py", mode, threads, *numbers]
            cache = {"TORCHINDUCTOR_CACHE_DIR": str(home.folder / "inductor")}
            found[f"torch_shipped_{mode}"] = (command, cache)
            if not is_intel():
                found[f"torch_unlocked_{mode}"] = (command, cache | {"LD_PRELOAD": str(home.unlock)})
    for peer in ("candle", "burn"):
        if peer in parts:
            found[peer] = ([home.peer(peer), threads, *numbers], {})
    return found


def measure(home, name, parts, backends, threads, rounds):
    """Medians and peaks of memory by side, and the losses after the warm-up as a check of life."""
    workers, losses, idle = [], {}, {}
    try:
        for side, (command, extra) in commands(home, name, parts, backends, threads).items():
            say(f"{name}: {side} warms up")
            workers.append(Worker(side, command, clean_environment(threads, extra), home.log(f"{name}-{side}")))
            answer = workers[-1].ask(f"step {WARM_UP_STEPS}")
            losses[side], idle[side] = answer["loss"], answer.get("idle_rss_bytes")
        say(f"{name}: {rounds} rounds of {len(workers)} sides")
        taken = interleave([(worker, "step 1") for worker in workers], rounds, lambda at: say(f"{name}: round {at}"))
        return {
            "median_seconds": medians(taken),
            "fastest_seconds": {side: min(times) for side, times in taken.items()},
            "runs": rounds,
            "peak_rss_bytes": {worker.name: worker.peak_bytes() for worker in workers},
            "idle_rss_bytes": idle,
            "loss_after_warm_up": losses,
        }
    finally:
        for worker in workers:
            worker.close()


def ratios(name, measured):
    """Theirs over ours; PyTorch counts with the faster of eager and compiled."""
    took, memory = measured["median_seconds"], measured["peak_rss_bytes"]
    def of(prefix):
        return min((seconds for side, seconds in took.items() if side.startswith(prefix)), default=None)
    found = {}
    for kind in TORCH:
        # On Intel the library is not locked: shipped and unlocked are one.
        theirs = of(kind) if of(kind) is not None else of("torch_shipped")
        if theirs is None:
            continue
        found[f"{name}_vs_{kind}"] = theirs / took["ours"]
        if "ours_avx2" in took:
            found[f"{name}_avx2_vs_{kind}"] = theirs / took["ours_avx2"]
    for peer in ("candle", "burn"):
        if peer in took:
            found[f"{name}_vs_{peer}"] = took[peer] / took["ours"]
    if "ours_1_thread" in took:
        found["two_thread_speedup" if name == "step" else f"{name}_two_thread_speedup"] = \
            took["ours_1_thread"] / took["ours"]
    # Theirs over ours, like every ratio: above 1, ours takes less. First whole processes with their libraries, then what
    # model and steps added to a process that had imported PyTorch, or had started.
    grown = {side: size - (measured["idle_rss_bytes"][side] or 0) for side, size in memory.items()}
    for key, sizes in (("peak_rss", memory), ("grown_rss", grown)):
        torch = [size for side, size in sizes.items() if side.startswith("torch")]
        if torch:
            found[f"{key}_vs_torch" if name == "step" else f"{name}_{key}_vs_torch"] = min(torch) / sizes["ours"]
    return found
