"""Kernels give the same whatever the memory layout of their inputs: transposed arrays come out of other kernels."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests import cases, recorded
from tests.compare import difference
from tests.kernels.test_recorded import run_recorded

CASES_PER_OP = 12


def _rows(family: str) -> list[recorded.Recorded]:
    """Some cases of each op that have an input in which the order of the axes could matter."""
    seen: Counter[str] = Counter()
    rows = []
    for name, row in recorded.read(family).items():
        op = name.partition("-")[0]
        if row.error is None and any(min(array.shape, default=0) > 1 < array.ndim for array in row.feeds.values()):
            seen[op] += 1
            if seen[op] <= CASES_PER_OP:
                rows.append(row)
    return rows


@pytest.mark.parametrize("family", cases.families())
def test_columns_first(family: str) -> None:
    wrong = []
    for row in _rows(family):
        runs = run_recorded(replace(row, feeds={name: np.asarray(x, order="F") for name, x in row.feeds.items()}))
        for got, want in zip(runs, row.runs, strict=True):
            for name, a, b in zip(row.fetches, got, want, strict=True):
                problem = difference(a, b, row.rtol, row.atol)
                if problem is not None:
                    wrong.append(f"{row.id}, {name}: {problem}")
    assert wrong == []
