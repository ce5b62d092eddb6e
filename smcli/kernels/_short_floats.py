"""float16 and bfloat16 by their bits.

NumPy computes on float16 one number at a time, without the instructions that processors have for it, and ml_dtypes does
so on bfloat16. But there are only 65,536 of such numbers: a function of one of them is a table; and their order is that
of integers, which NumPy compares fast.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar

import numpy as np

from smcli.kernels._numbers import is_short_float
from smcli.kernels.context import Array

F = TypeVar("F", bound=Callable[..., Any])

_TABLE_PAYS = 200_000  # elements from which making a table costs less than it saves
ORDER_PAYS = 4096  # elements from which comparing bits is faster than comparing floats


@lru_cache(maxsize=64)
def _table(function: Callable[..., Any], dtype: np.dtype[Any], attrs: tuple[tuple[str, Any], ...]) -> Array:
    """The function of all numbers of a 16-bit dtype, in the order of their bits."""
    every = np.arange(1 << 16, dtype=np.uint16).view(dtype)
    made: Array = np.asarray(function(every, **dict(attrs)))
    return made


def by_table(function: F) -> F:
    """A function of one array, element by element, that looks results up when there are many 16-bit floats."""

    @wraps(function)
    def wrapped(x: Array, **attrs: Any) -> Any:
        if x.size < _TABLE_PAYS or not is_short_float(x.dtype):
            return function(x, **attrs)
        table = _table(function, x.dtype, tuple(attrs.items()))
        return np.take(table, np.asarray(x, order="C").view(np.uint16))

    return wrapped  # type: ignore[return-value]


def order_of(x: Array) -> Array | None:
    """int16 numbers in the same order as these 16-bit floats (zeros apart: -0 before +0), or None if one is NaN."""
    bits = np.asarray(x, order="C").view(np.int16)
    quiet = np.int16(0x7C00 if x.dtype == np.float16 else 0x7F80)
    magnitude = np.bitwise_and(bits, np.int16(0x7FFF))
    if magnitude.size and magnitude.max() > quiet:
        return None
    return _flipped(bits)


def in_order(order: Array, dtype: np.dtype[Any]) -> Array:
    """The floats that `order_of` gave these numbers."""
    return _flipped(np.asarray(order, order="C")).view(dtype)


def _flipped(bits: Array) -> Array:
    """Negative numbers have their magnitude complemented: its own inverse."""
    flips = np.bitwise_and(np.right_shift(bits, np.int16(15)), np.int16(0x7FFF))
    return np.bitwise_xor(bits, flips)
