"""How many processors this process may use. Imports nothing heavy: threads are counted before NumPy is loaded."""

from __future__ import annotations

import os

_QUOTA_V2 = "/sys/fs/cgroup/cpu.max"
_QUOTA_V1 = ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us")


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
