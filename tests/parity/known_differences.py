"""Which kinds of difference (see drawn.compare) from TensorFlow are known for an op, and not a test's failure.

Each op here has its reason in DEVIATIONS of its kernel's module.
"""

from __future__ import annotations

KNOWN: dict[str, tuple[str, ...]] = {}


def kinds_of(op: str) -> set[str]:
    return set(KNOWN.get(op, ()))
