"""SobolSample: points of the Sobol sequence, whose dimensions fill the unit cube evenly.

The sequence is that of Joe and Kuo, "Constructing Sobol sequences with better two-dimensional projections" (2008): the
point i is the exclusive or of the direction numbers that the Gray code of i names. Their table of direction numbers is
read from SciPy, which brings it along.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from smcli.errors import InvalidArgumentError, MissingExtraError
from smcli.kernels._windows import check_bytes
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

MAX_DIM = 21200
MAX_INT32 = 2**31 - 1


def _table() -> tuple[Array, Array]:
    """Primitive polynomials [dimensions], and the first direction numbers [dimensions, degree] of each."""
    from importlib.resources import files

    try:
        with (files("scipy") / "stats" / "_sobol_direction_numbers.npz").open("rb") as file, np.load(file) as table:
            return table["poly"].astype(np.int64), table["vinit"].astype(np.int64)
    except (ImportError, OSError, KeyError):
        raise MissingExtraError("SobolSample", "scipy") from None


@lru_cache(maxsize=8)
def _direction_numbers(dim: int, digits: int) -> Array:
    """int64 [dim, digits]: the first of 1 binary digit, the next of 2, and so on."""
    polynomials, first = (part[:dim] for part in _table())
    numbers = np.zeros((dim, digits), np.int64)
    numbers[0] = 1
    degrees = np.frexp(polynomials)[1] - 1
    for degree in range(1, int(degrees.max(initial=0)) + 1):
        rows = np.flatnonzero(degrees == degree)
        known = numbers[rows]
        known[:, :degree] = first[rows, : min(degree, digits)] if digits < degree else first[rows, :degree]
        for k in range(degree, digits):
            known[:, k] = known[:, k - degree]
            for back in range(1, degree + 1):
                taken = (polynomials[rows] >> (degree - back)) & 1
                known[:, k] ^= (taken * known[:, k - back]) << back
        numbers[rows] = known
    return numbers


def _scalar(name: str, value: Array) -> int:
    if value.ndim:
        raise InvalidArgumentError(f"{name} must be a scalar, got shape {list(value.shape)}")
    return int(value)


@kernel("SobolSample")
def sobol_sample(dim: Array, num_results: Array, skip: Array, *, dtype: DataType = DataType.FLOAT) -> Array:
    """The points skip + 1, skip + 2, … of the sequence: [num_results, dim] between 0 and 1."""
    width, count, start = _scalar("dim", dim), _scalar("num_results", num_results), _scalar("skip", skip)
    if width < 1:
        raise InvalidArgumentError("dim must be at least one")
    if width > MAX_DIM:
        raise InvalidArgumentError(f"dim must be at most {MAX_DIM}")
    if count < 1:
        raise InvalidArgumentError("num_results must be at least one")
    if start < 0:
        raise InvalidArgumentError("skip must be non-negative")
    if count >= MAX_INT32 - start:
        raise InvalidArgumentError(f"num_results+skip must be less than {MAX_INT32}")
    check_bytes((count, width), 8)
    digits = (start + count + 1).bit_length()
    shifts = np.arange(digits - 1, -1, -1)
    directions = _direction_numbers(width, digits) << shifts
    index = np.arange(start + 1, start + 1 + count, dtype=np.int64)
    gray = index ^ (index >> 1)
    points = np.zeros((count, width), np.int64)
    for digit in range(digits):
        points ^= np.where(gray[:, None] >> digit & 1, directions[:, digit], 0)
    # In TensorFlow 2 to the power of 31 is an int32, and negative.
    scale = 1.0 / (2**digits if digits < 31 else -(2**31))
    output: Array = points.astype(dtype.numpy) * dtype.numpy.type(scale)
    return output
