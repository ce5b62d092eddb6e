"""Tables of cases that prove the kernels against TensorFlow, one module per family.

A row is `case("AddV2", x=array, y=array)`: the keywords of `tf.raw_ops.AddV2`. Keywords that are inputs of the op are
fed through placeholders, the rest are attrs (dtypes by name: `DstT="int8"`). A graph case is a function that builds any
graph:

    @graph_case("while_counts", x=np.float32(1))
    def while_counts(tf, x):
        return [tf.while_loop(lambda v: v < 10, lambda v: v * 2, [x])]   # or (outputs, [init ops])

`python -m tests.parity.record FAMILY` runs a family's cases in TensorFlow and writes fixtures/ops/FAMILY.jsonl.xz: the
graph, what was fed, and what came out or the class of the error. `tests/kernels/test_recorded.py` checks the kernels
against the files, without TensorFlow; `tests/parity/test_ops.py` against TensorFlow itself. A family whose ops come
from a library beside TensorFlow says so: `REQUIRES = "tensorflow_text"`; one whose answers are those of TensorFlow with
oneDNN, `ONEDNN = True`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Typed:
    """An array with a TensorFlow dtype that NumPy does not have: `Typed(int8_array, "qint8")`."""

    array: np.ndarray
    dtype: str


@dataclass(frozen=True)
class Case:
    """One row. `build` is None for a raw op; `ulps` is how many units of rounding float outputs may differ by."""

    label: str
    op: str
    keywords: dict[str, Any]
    build: Callable[..., Any] | None = None
    rtol: float | None = None
    atol: float | None = None
    unordered: bool = False
    runs: int = 1
    id: str = field(default="", compare=False)


def case(
    op: str,
    *,
    _label: str = "",
    _rtol: float | None = None,
    _atol: float | None = None,
    _runs: int = 1,
    **keywords: Any,
) -> Case:
    """A raw op on these inputs and attrs. `_runs`: how often the graph is run in one session (state, random
    numbers)."""
    return Case(_label, op, keywords, rtol=_rtol, atol=_atol, runs=_runs)


_PENDING: list[Case] = []


def graph_case(
    label: str, *, _op: str = "", _rtol: float | None = None, _atol: float | None = None, _runs: int = 1, **feeds: Any
):
    """Decorator: a graph built by a function of (tf, **placeholders). Collected by `graph_cases()` at the module's end.

    `_op` names the ops that it proves, separated by spaces, where that is not clear from other rows.
    """

    def wrap(build: Callable[..., Any]) -> Callable[..., Any]:
        _PENDING.append(Case(label, _op, feeds, build, _rtol, _atol, runs=_runs))
        return build

    return wrap


def graph_cases() -> list[Case]:
    """The graph cases declared since the last call."""
    cases = _PENDING[:]
    _PENDING.clear()
    return cases


def families() -> list[str]:
    return sorted(info.name for info in pkgutil.iter_modules(__path__))


def with_onednn(family: str) -> bool:
    """Whether TensorFlow is to have oneDNN when it is asked."""
    return bool(getattr(import_module(f"{__name__}.{family}"), "ONEDNN", False))


def requirement(family: str) -> str | None:
    """The module that must be importable beside TensorFlow to ask it about this family (`REQUIRES` of its module)."""
    found: str | None = getattr(import_module(f"{__name__}.{family}"), "REQUIRES", None)
    return found


def load(family: str) -> list[Case]:
    """The cases of a family (`CASES` of its module), each with its id: op or label, and a running number."""
    counts: dict[str, int] = {}
    cases = []
    for row in import_module(f"{__name__}.{family}").CASES:
        stem = "-".join(part for part in (row.op.replace(" ", "+") if row.build is None else "", row.label) if part)
        number = counts.get(stem, 0)
        counts[stem] = number + 1
        object.__setattr__(row, "id", stem if number == 0 else f"{stem}-{number}")
        cases.append(row)
    return cases
