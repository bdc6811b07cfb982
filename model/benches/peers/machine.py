"""What the figures were measured on."""

import os
import platform
import subprocess


def cpu_fields():
    found = {}
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            found.setdefault(name.strip(), value.strip())
    return found


def is_intel():
    return cpu_fields().get("vendor_id") == "GenuineIntel"


def load():
    """Processes that wanted a core over the last minute: above ours, the figures are disturbed."""
    return os.getloadavg()[0]


def describe(home):
    cpu = cpu_fields()
    flags = cpu.get("flags", "").split()
    about = {
        "cpu": cpu.get("model name", platform.machine()),
        "vendor": cpu.get("vendor_id"),
        "family": cpu.get("cpu family"),
        "model": cpu.get("model"),
        "cores": os.cpu_count(),
        "instructions": [name for name in ("avx2", "fma", "avx512f", "avx512vl", "avx512dq") if name in flags],
        # MKL asks for the vendor, not for the instructions: on any other processor it takes its slow path.
        "mkl_is_locked": not is_intel(),
        "system": platform.platform(),
        "rustc": first_line(["rustc", "--version"]),
    }
    if home.python.exists():
        about["torch"] = first_line([home.python, "-c", "import torch; print(torch.__version__)"])
        about["openblas"] = first_line(
            [home.python, "-c", "import scipy_openblas32 as o; print(o.get_openblas_config())"])
    return about


def first_line(command):
    done = subprocess.run([str(w) for w in command], capture_output=True, text=True, check=False)
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else None
