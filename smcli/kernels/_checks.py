"""Small checks and conversions that kernels over shapes and axes share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels.context import Array
from smcli.tensors.types import DataType
from smcli.tensors.wire import checked_size as checked_size


def scalar(value: Array, name: str) -> int:
    """A one-element integer tensor as an int. Raises InvalidArgumentError for another number of elements."""
    if value.size != 1:
        raise InvalidArgumentError(f"{name} must be a scalar, but has shape {list(value.shape)}")
    return int(value.item())


def vector(value: Array, name: str) -> list[int]:
    """A 1-D integer tensor as a list. Raises InvalidArgumentError for other ranks."""
    if value.ndim != 1:
        raise InvalidArgumentError(f"{name} must be a vector, but has shape {list(value.shape)}")
    return value.tolist()  # type: ignore[no-any-return]


def dims(value: Array, name: str) -> tuple[int, ...]:
    """A shape tensor (a vector; a scalar stands for one dim) as a tuple.

    Raises InvalidArgumentError for negative dims, absurd products and other ranks.
    """
    shape = tuple(value.tolist()) if value.ndim == 1 else (scalar(value, name),) if value.ndim == 0 else None
    if shape is None:
        raise InvalidArgumentError(f"{name} must be a vector, but has shape {list(value.shape)}")
    checked_size(shape)
    return shape


def axis_in(axis: int, rank: int, what: str = "axis") -> int:
    """`axis` counted from the front. Raises InvalidArgumentError outside [-rank, rank)."""
    if not -rank <= axis < rank:
        raise InvalidArgumentError(f"{what} must be in the range [{-rank}, {rank}), but got {axis}")
    return axis % rank


def zeros(shape: Sequence[int], data_type: DataType) -> Array:
    """TensorFlow's default values: 0, False, the empty string."""
    if data_type is DataType.STRING:
        return np.full(shape, b"", dtype=object)
    return np.zeros(shape, data_type.numpy)


def zeros_of(shape: Sequence[int], dtype: np.dtype[Any]) -> Array:
    """`zeros` for an array's dtype, objects being strings."""
    return np.full(shape, b"", dtype=object) if dtype.kind == "O" else np.zeros(shape, dtype)


def fits(shape: Sequence[int], declared: Sequence[int]) -> bool:
    """Whether a shape is as declared, where -1 stands for any size."""
    return len(shape) == len(declared) and all(want in (-1, size) for size, want in zip(shape, declared))


def product(sizes: Sequence[int]) -> int:
    return math.prod(sizes)


def check_int32(*values: int) -> None:
    """Raise InvalidArgumentError for attrs that are no 32-bit integers, which TensorFlow's kernels read."""
    for value in values:
        if not -(2**31) <= value < 2**31:
            raise InvalidArgumentError(f"Attr has value {value} out of range for an int32")
