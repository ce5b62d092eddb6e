"""What the arithmetic families share: how 16-bit floats are widened, how shapes broadcast."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels.context import Array

Numbers: TypeAlias = Any  # what NumPy's functions return: an array, or a scalar where the inputs are 0-d

_SIXTEEN_BIT_FLOATS = ("float16", "bfloat16")


def is_short_float(dtype: np.dtype[Any]) -> bool:
    """True for float16 and bfloat16."""
    # The name is made up anew each time it is asked for, at the cost of a hundred additions.
    return dtype.itemsize == 2 and dtype.kind not in "iu" and dtype.name in _SIXTEEN_BIT_FLOATS


def widened(x: Array) -> Array:
    """float16 and bfloat16 as float32, so that a chain of steps rounds once; other dtypes as they are."""
    return x.astype(np.float32) if is_short_float(x.dtype) else x


def broadcast_shape(x: Array, y: Array) -> tuple[int, ...]:
    """The shape that two arrays broadcast to. Raises InvalidArgumentError when they do not."""
    try:
        return np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        raise InvalidArgumentError(f"Incompatible shapes: {list(x.shape)} vs. {list(y.shape)}") from None
