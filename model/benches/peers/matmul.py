"""Measures matrix products: ours beside OpenBLAS, PyTorch, gemm and faer, and beside the processor's own peak."""

from math import exp, log
from statistics import median

from install import HERE, say
from machine import is_intel
from sizes import products
from worker import Worker, clean_environment, interleave, medians

# Work of one answer a thread: about 10 ms, so that waking up is not what is measured.
FLOPS_AN_ANSWER = 1.2e9


def commands(home, backends, threads):
    """(command, environment) of every side, by its name."""
    python = [home.python, HERE / "workers" / "torch_matmul.py", threads]
    unlock = {} if is_intel() else {"LD_PRELOAD": str(home.unlock)}
    found = {
        "openblas": ([home.python, HERE / "workers" / "openblas_matmul.py", threads, home.loop], {}),
        "torch_unlocked": (python, unlock),
        "gemm": ([home.peer("matmul"), "gemm", threads], {}),
        "faer": ([home.peer("matmul"), "faer", threads], {}),
    }
    if not is_intel():
        found["torch_shipped"] = (python, {})
    for backend in backends:
        options = ["--threads", threads, "--backend", backend]
        found[f"ours_{backend}"] = ([home.ours("matmul_worker"), *options], {})
    return found


def sides_for(product, workers, best):
    """Slower settings are compared on the large products only."""
    extra = {"torch_shipped"} | {name for name in workers if name.startswith("ours_") and name != best}
    return [worker for name, worker in workers.items() if product.is_large or name not in extra]


def measure(home, backends, threads, rounds):
    """Rates by product and side, and the peak by backend, in floating-point operations a second."""
    best, workers = f"ours_{backends[0]}", {}
    try:
        for name, (command, extra) in commands(home, backends, threads).items():
            workers[name] = Worker(name, command, clean_environment(threads, extra), home.log(f"matmul-{name}"))
        rates, fastest, peaks, found = {}, {}, {backend: [] for backend in backends}, products()
        for at, product in enumerate(found, 1):
            for backend in backends:
                peaks[backend].append(workers[f"ours_{backend}"].ask("peak")["flops_per_second"])
            count = max(1, int(threads * FLOPS_AN_ANSWER / (product.flops * product.heads)))
            sizes = (product.m, product.n, product.k, count, product.heads)
            line = f"product {product.form} " + " ".join(map(str, sizes))
            asked = [(worker, line) for worker in sides_for(product, workers, best)]
            for worker, question in asked:
                worker.ask(question)
            taken = interleave(asked, rounds)
            flops = product.flops * product.heads
            rates[product] = {side: flops / seconds for side, seconds in medians(taken).items()}
            fastest[product] = {side: flops / min(times) for side, times in taken.items()}
            say(f"matmul, {threads} thread(s), {at} of {len(found)}: {product.name:<24} "
                + "  ".join(f"{side} {rate / 1e9:.0f}" for side, rate in rates[product].items()))
        core = workers["openblas"].ask("core")["core"]
        return {"best": best, "threads": threads, "rounds": rounds, "rates": rates, "fastest": fastest, "peaks": peaks,
                "core": core}
    finally:
        for worker in workers.values():
            worker.close()


def against_best(measured, family, which="rates"):
    """Our rate over the fastest peer's, product by product; of medians, or of everybody's fastest run."""
    ours = measured["best"]
    return [
        rates[ours] / max(rate for side, rate in rates.items() if not side.startswith("ours_"))
        for product, rates in measured[which].items() if product.family == family
    ]


def peak_share(measured, backend):
    """Median rate of the large products over the median peak."""
    rates = [rates[f"ours_{backend}"] for product, rates in measured["rates"].items() if product.is_large]
    peak = median(measured["peaks"][backend])
    return median(rates) / peak if peak else None


def ratios(measurements, backends):
    linear, attention, undisturbed, found = [], [], [], {}
    for measured in measurements:
        suffix = "1_thread" if measured["threads"] == 1 else f"{measured['threads']}_threads"
        own = against_best(measured, "linear")
        linear += own
        attention += against_best(measured, "attention")
        undisturbed += against_best(measured, "linear", "fastest")
        found[f"matmul_vs_best_geomean_{suffix}"] = geomean(own)
        found[f"matmul_vs_best_min_{suffix}"] = min(own)
        for backend in backends:
            share = peak_share(measured, backend)
            name = "fma_peak_share" + ("" if backend == backends[0] else f"_{backend}")
            if share is not None:
                found[name if measured["threads"] == 1 else f"{name}_{suffix.replace('_', '')}"] = share
    return found | {
        "matmul_vs_best_geomean": geomean(linear),
        "matmul_vs_best_min": min(linear),
        "matmul_fastest_vs_best_geomean": geomean(undisturbed),
        "matmul_fastest_vs_best_min": min(undisturbed),
        "attention_matmul_vs_best_geomean": geomean(attention),
        "attention_matmul_vs_best_min": min(attention),
    }


def geomean(values):
    return exp(sum(map(log, values)) / len(values))


def raw(measured):
    """The table for the reader of the JSON, in 10^9 floating-point operations a second."""
    def giga(rates):
        return {name: round(rate / 1e9, 1) for name, rate in rates.items()}
    peaks = {backend: giga({"median": median(t), "best": max(t)}) for backend, t in measured["peaks"].items()}
    return {
        "threads": measured["threads"], "runs": measured["rounds"], "openblas_core": measured["core"],
        "peak_gflops": peaks,
        "median_gflops": {product.name: giga(rates) for product, rates in measured["rates"].items()},
        "fastest_gflops": {product.name: giga(rates) for product, rates in measured["fastest"].items()},
    }
