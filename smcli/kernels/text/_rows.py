"""Row splits, by which the ops of TensorFlow Text cut flat values into rows: checks and conversions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._bytes import as_array
from smcli.kernels.context import Array


def checked_splits(splits: Array, size: int, name: str = "row splits") -> Array:
    """Row splits over `size` values as an int64 vector.

    Raises InvalidArgumentError when they are empty, descend, or point outside of the values.
    """
    flat = np.asarray(splits).astype(np.int64).ravel()
    if not flat.size:
        raise InvalidArgumentError(f"{name} must have at least one element")
    if flat[0] < 0 or flat[-1] > size:
        raise InvalidArgumentError(f"{name} go from {flat[0]} to {flat[-1]}, outside of the {size} values")
    if (flat[1:] < flat[:-1]).any():
        raise InvalidArgumentError(f"{name} must be in ascending order")
    return flat


def splits_of(counts: Sequence[int] | Array, dtype: object = np.int64) -> Array:
    """Row splits [rows + 1] from the lengths of rows."""
    splits = np.zeros(len(counts) + 1, dtype)  # type: ignore[call-overload]
    np.cumsum(counts, out=splits[1:])
    return splits  # type: ignore[no-any-return]


def vector(values: Array, name: str) -> Array:
    """`values`, checked to be one-dimensional. Raises InvalidArgumentError."""
    values = np.asarray(values)
    if values.ndim != 1:
        raise InvalidArgumentError(f"{name} must be rank 1, but has shape {list(values.shape)}")
    return values


def strings(values: list[bytes]) -> Array:
    """A vector of strings."""
    return as_array(values, (len(values),))
