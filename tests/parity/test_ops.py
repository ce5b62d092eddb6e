"""Every case of every table, asked of a live TensorFlow, against smcli and against what is recorded.

Families that want oneDNN are left to the process that test_onednn.py starts.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import tensorflow as tf

from smcli import errors
from tests import cases, recorded
from tests.compare import difference
from tests.kernels.test_recorded import run_recorded
from tests.parity import HAS_ONEDNN
from tests.parity.record import answer

CRASHES = {"ModelDataset": "at times TensorFlow crashes as the thread that tunes such a dataset ends"}


def _rows() -> Iterator[object]:
    for family in cases.families():
        if cases.with_onednn(family) != HAS_ONEDNN:
            continue
        for row in cases.load(family):
            marks = [pytest.mark.skip(reason=CRASHES[row.id])] if row.id in CRASHES else []
            yield pytest.param(family, row, id=f"{family}:{row.id}", marks=marks)


@pytest.mark.parametrize("family, row", _rows())
def test_kernel_gives_what_tensorflow_gives(family: str, row: cases.Case) -> None:
    required = cases.requirement(family)
    if required is not None:
        pytest.importorskip(required)
    live = recorded.parse(answer(tf, row))
    known = _recorded(family)[row.id]
    assert live.digest == known.digest, "the table has changed: python -m tests.parity.record " + family
    assert live.error == known.error
    if live.error is not None:
        with pytest.raises(getattr(errors, live.error)):
            run_recorded(live)
        return
    for got, want in zip(run_recorded(live), live.runs, strict=True):
        for name, a, b in zip(live.fetches, got, want, strict=True):
            problem = difference(a, b, row.rtol, row.atol)
            assert problem is None, f"{name}: {problem}"


_CACHE: dict[str, dict[str, recorded.Recorded]] = {}


def _recorded(family: str) -> dict[str, recorded.Recorded]:
    if family not in _CACHE:
        _CACHE[family] = recorded.read(family)
    return _CACHE[family]
