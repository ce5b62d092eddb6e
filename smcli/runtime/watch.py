"""Looking at tensors inside of a running graph: what the debugger was used for.

`session.observe = Watch(...).wrap` before the first run, with `session.as_written` so that every node is seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from smcli.errors import InvalidArgumentError, SmcliError
from smcli.graph.graph import Node
from smcli.kernels.context import Array, unbox


class Seen(NamedTuple):
    """A tensor that was computed. nan, inf: how many of its values are not finite; the rest is of those that are."""

    name: str
    op: str
    dtype: str
    shape: tuple[int, ...]
    minimum: float | None
    maximum: float | None
    mean: float | None
    nan: int
    inf: int


class Watch:
    """Calls `report` with each tensor whose name matches, and its value, in the order in which they are computed.

    pattern: regular expression that has to match somewhere in `node:output`. stop: raise InvalidArgumentError at the
    first tensor of the run, watched or not, that holds a NaN or infinity. Raises SmcliError for a pattern that is none.
    """

    def __init__(self, pattern: str, report: Callable[[Seen, Array], None], stop: bool) -> None:
        try:
            self._matches = re.compile(pattern).search
        except re.error as error:
            raise SmcliError(f"--watch: {error}") from None
        self._report = report
        self._stop = stop

    def wrap(self, node: Node, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, which computes `node`, so that what it gives is looked at."""

        def call(*args: Any) -> Any:
            result = function(*args)
            for index, value in enumerate(result if type(result) is tuple else (result,)):
                self._look(node, index, value)
            return result

        return call

    def _look(self, node: Node, index: int, value: Any) -> None:
        name = f"{node.name}:{index}"
        if value is None or not (self._stop or self._matches(name)):
            return
        array = np.asarray(unbox(value))
        if array.dtype.hasobject and not all(isinstance(item, bytes) for item in array.ravel()[:1].tolist()):
            return  # handles of resources and variants
        seen = described(name, node.op, array)
        if self._matches(name):
            self._report(seen, array)
        if self._stop and (seen.nan or seen.inf):
            raise InvalidArgumentError(
                f"Tensor {name} of op {node.op} has {seen.nan} NaN and {seen.inf} infinite of {array.size} values"
            )


def described(name: str, op: str, array: Array) -> Seen:
    """What there is to say of a tensor; strings and complex numbers have no least and largest value."""
    is_float = array.dtype.kind == "f" or array.dtype.name == "bfloat16"
    if not is_float and array.dtype.kind not in "iub":
        return Seen(name, op, _type_name(array), array.shape, None, None, None, 0, 0)
    values = array.astype(np.float64)
    finite = values[np.isfinite(values)] if is_float else values.ravel()
    nan = int(np.isnan(values).sum()) if is_float else 0
    inf = values.size - finite.size - nan
    if not finite.size:
        return Seen(name, op, _type_name(array), array.shape, None, None, None, nan, inf)
    least, largest, mean = float(finite.min()), float(finite.max()), float(finite.mean())
    return Seen(name, op, _type_name(array), array.shape, least, largest, mean, nan, inf)


def _type_name(array: Array) -> str:
    return "string" if array.dtype.hasobject else array.dtype.name
