"""How many threads to compute with: told to the libraries before NumPy loads them, since they read it then.

OpenBLAS (in NumPy) and oneDNN start as many threads as there are processors to run on. In a container with a CPU quota
that is too many: threads wait for each other while the scheduler holds them back, and a product takes many times as
long as with fewer. Imports nothing that the command line has not.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_QUOTA_V2 = "/sys/fs/cgroup/cpu.max"
_QUOTA_V1 = ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def use_threads(count: int, environment: MutableMapping[str, str] = os.environ) -> None:
    """Let the libraries that are loaded from now on use `count` threads; for 0, as many as the quota of the container
    allows where that is fewer than the processors, unless the user has set one of VARIABLES."""
    if count <= 0:
        if any(environment.get(name) for name in VARIABLES):
            return
        count = allowed_processors()
        if count >= processors():
            return  # what they choose by themselves
    for name in VARIABLES:
        environment[name] = str(count)


def processors() -> int:
    """The processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def allowed_processors() -> int:
    """The same, or the quota of the container, rounded up, where that is less."""
    quota = _quota()
    return processors() if quota is None else max(1, min(processors(), int(-(-quota // 1))))


def _quota() -> float | None:
    """Processors' worth of time that the control group may use; None without a bound."""
    text = _read(_QUOTA_V2)
    if text is None:
        text = " ".join(_read(path) or "" for path in _QUOTA_V1)
    try:
        quota, period = (int(word) for word in text.split())
    except ValueError:  # "max 100000", or no such file
        return None
    return quota / period if quota > 0 and period > 0 else None


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="ascii") as file:
            return file.read(100)
    except (OSError, UnicodeDecodeError):
        return None
