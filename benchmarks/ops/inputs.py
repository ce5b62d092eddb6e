"""How a benchmark row of one op is written: `row("AddV2", x=normal(1000), y=normal(1000))`.

Large inputs are made when the row is measured, so every maker here returns a function without arguments. A row becomes
a `tests.cases.Case`, and its graph is built by what records the cases: one way to turn keywords into a graph.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np

from smcli.tensors.types import by_name
from tests.cases import Case, Typed

MILLION = 1_000_000
HALVES = ("float16", "bfloat16")


class Later(partial):
    """An input that is made when it is asked for."""


def later(make: Callable[..., Any]) -> Callable[..., Later]:
    @wraps(make)
    def postponed(*arguments: Any, **keywords: Any) -> Later:
        return Later(make, *arguments, **keywords)

    return postponed


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)


def _cast(values: np.ndarray, dtype: str) -> np.ndarray:
    if dtype.startswith("complex"):
        return (values * (1 - 0.5j)).astype(dtype)
    return values.astype(by_name(dtype).numpy)


@later
def normal(*shape: int, dtype: str = "float32") -> np.ndarray:
    return _cast(_rng().standard_normal(shape), dtype)


@later
def uniform(low: float, high: float, *shape: int, dtype: str = "float32") -> np.ndarray:
    return _cast(_rng().uniform(low, high, shape), dtype)


@later
def ints(low: int, high: int, *shape: int, dtype: str = "int32") -> np.ndarray:
    """low ≤ x < high."""
    return _rng().integers(low, high, shape).astype(by_name(dtype).numpy)


@later
def ordered(low: int, high: int, *shape: int, dtype: str = "int32") -> np.ndarray:
    return np.sort(_rng().integers(low, high, shape)).astype(by_name(dtype).numpy)


@later
def shuffled(count: int, dtype: str = "int32") -> np.ndarray:
    return _rng().permutation(count).astype(by_name(dtype).numpy)


@later
def bools(*shape: int) -> np.ndarray:
    return _rng().random(shape) < 0.5


@later
def quantized(low: int, high: int, *shape: int, dtype: str = "quint8") -> Typed:
    return Typed(_rng().integers(low, high, shape).astype(by_name(dtype).numpy), dtype)


@later
def texts(count: int, form: str = "word %d", kinds: int | None = None) -> np.ndarray:
    """`count` strings, of `kinds` different ones."""
    numbers = _rng().integers(0, kinds or count, count).tolist()
    return np.array([(form % number).encode() for number in numbers], object)


@later
def applied(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function makes of inputs, themselves made now."""
    return function(*made(arguments))


def made(value: Any) -> Any:
    """An input with everything postponed in it made."""
    if isinstance(value, Later):
        return value()
    if isinstance(value, (list, tuple)):
        return type(value)(made(item) for item in value)
    return value


ROWS: dict[str, Callable[[], Case]] = {}
OPS: dict[str, frozenset[str]] = {}


def _add(name: str, ops: frozenset[str], make: Callable[[], Case]) -> None:
    if name in ROWS:
        raise ValueError(f"two benchmark rows are named {name}")
    ROWS[name], OPS[name] = make, ops


def row(op: str, label: str = "", **keywords: Any) -> None:
    """A raw op on inputs and attrs given as in `tests.cases.case`."""
    name = f"{op} {label}".strip()
    _add(name, frozenset({op}), lambda: Case(label, op, {key: made(value) for key, value in keywords.items()}))


def graph_row(name: str, ops: str = "", **feeds: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: a graph built by a function of (tf, **placeholders), as in `tests.cases.graph_case`.

    ops: those it measures, separated by spaces, where the name is not the op's.
    """

    def wrap(build: Callable[..., Any]) -> Callable[..., Any]:
        measured = frozenset((ops or name).split())
        _add(name, measured, lambda: Case(name, "", {key: made(value) for key, value in feeds.items()}, build))
        return build

    return wrap
