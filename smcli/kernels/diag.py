"""Diagonals and bands of matrices: Diag, MatrixDiag, MatrixDiagPart, MatrixSetDiag (V1 to V3), MatrixBandPart.

Packed diagonals: row m of a band (lower, upper) is the diagonal upper - m; shorter ones are aligned to the left or the
right (tensorflow/core/kernels/matrix_diag_op.cc, tensorflow/core/util/matrix_diag.cc).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._checks import checked_size, product, scalar
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel

LEFT_LEFT = "LEFT_LEFT"  # how the ops V2 align
RIGHT_LEFT = "RIGHT_LEFT"  # the default of the ops V3


@dataclass(frozen=True, slots=True)
class _Band:
    """Which cells of a matrix the packed cells of a band are.

    diagonal, place: where each cell is in the packed form. row, column: where it is in the matrix. All 1-D, in step.
    """

    diagonal: Array
    place: Array
    row: Array
    column: Array


def _limits(k: Array) -> tuple[int, int]:
    if k.ndim > 1:
        raise InvalidArgumentError(f"diag_index must be a scalar or vector, received shape: {list(k.shape)}")
    values = k.ravel().tolist()
    if not 1 <= len(values) <= 2:
        raise InvalidArgumentError(f"diag_index must have only one or two elements, received {len(values)} elements.")
    lower, upper = values[0], values[-1]
    if lower > upper:
        raise InvalidArgumentError(f"lower_diag_index must not be larger than upper_diag_index: {lower} > {upper}")
    return lower, upper


def _check_limits(lower: int, upper: int, rows: int, columns: int) -> None:
    for name, index in (("lower", lower), ("upper", upper)):
        if index != 0 and not -rows < index < columns:
            raise InvalidArgumentError(
                f"{name}_diag_index is out of bound: {index} It must be between {-rows} and {columns}"
            )


def _longest(lower: int, upper: int, rows: int, columns: int) -> int:
    return max(min(rows + min(upper, 0), columns - max(lower, 0)), 0)


def _band(lower: int, upper: int, rows: int, columns: int, width: int, align: str) -> _Band:
    """The cells of a band in a matrix; `width` is the length of a packed diagonal."""
    superdiagonals, _, subdiagonals = align.partition("_")
    d = np.arange(upper, lower - 1, -1)
    lengths = np.minimum(rows + np.minimum(d, 0), columns - np.maximum(d, 0)).clip(0)
    left = ((d >= 0) & (superdiagonals == "LEFT")) | ((d <= 0) & (subdiagonals == "LEFT"))
    offsets = np.where(left, 0, width - lengths)
    steps = np.arange(width) - offsets[:, None]
    diagonal, place = np.nonzero((steps >= 0) & (steps < lengths[:, None]))
    along = place - offsets[diagonal]
    shift = d[diagonal]
    return _Band(diagonal, place, along + np.maximum(-shift, 0), along + np.maximum(shift, 0))


# From diagonals to matrices


@kernel("MatrixDiag", "BatchMatrixDiag")
def matrix_diag(diagonal: Array) -> Array:
    if diagonal.ndim < 1:
        raise InvalidArgumentError(f"diagonal must be at least 1-dim, received shape: {list(diagonal.shape)}")
    size = diagonal.shape[-1]
    checked_size((*diagonal.shape, size))
    out = np.zeros((*diagonal.shape, size), diagonal.dtype)
    i = np.arange(size)
    out[..., i, i] = diagonal
    return out


@kernel("MatrixDiagV3")
def matrix_diag_v3(
    diagonal: Array,
    k: Array,
    num_rows: Array,
    num_cols: Array,
    padding_value: Array,
    *,
    align: str = RIGHT_LEFT,
) -> Array:
    lower, upper = _limits(k)
    count = upper - lower + 1
    if diagonal.ndim < (2 if count > 1 else 1):
        raise InvalidArgumentError(
            f"diagonal must be at least {2 if count > 1 else 1}-dim, received shape: {list(diagonal.shape)}"
        )
    if count > 1 and diagonal.shape[-2] != count:
        raise InvalidArgumentError(
            "The number of diagonals provided in the input does not match the lower_diag_index and "
            "upper_diag_index range."
        )
    if padding_value.ndim or num_rows.ndim or num_cols.ndim:
        raise InvalidArgumentError("num_rows, num_cols and padding_value must be scalars")
    width = diagonal.shape[-1]
    least_rows, least_columns = width - min(upper, 0), width + max(lower, 0)
    rows, columns = scalar(num_rows, "num_rows"), scalar(num_cols, "num_cols")
    if rows == -1 and columns == -1:
        rows = columns = max(least_rows, least_columns)
    rows = least_rows if rows == -1 else rows
    columns = least_columns if columns == -1 else columns
    if rows < least_rows:
        raise InvalidArgumentError("The number of rows is too small.")
    if columns < least_columns:
        raise InvalidArgumentError("The number of columns is too small.")
    if rows != least_rows and columns != least_columns:
        raise InvalidArgumentError(
            "The number of rows or columns is not consistent with the specified d_lower, d_upper, and diagonal."
        )
    batch = diagonal.shape[: -2 if count > 1 else -1]
    checked_size((*batch, rows, columns))
    band = _band(lower, upper, rows, columns, width, align)
    out = np.full((*batch, rows, columns), padding_value[()], diagonal.dtype)
    out[..., band.row, band.column] = diagonal.reshape(*batch, count, width)[..., band.diagonal, band.place]
    return out


# From matrices to diagonals


def _check_matrix(x: Array) -> None:
    if x.ndim < 2:
        raise InvalidArgumentError(f"input must be at least 2-dim, received shape: {list(x.shape)}")


@kernel("MatrixDiagPart", "BatchMatrixDiagPart")
def matrix_diag_part(x: Array) -> Array:
    _check_matrix(x)
    return np.diagonal(x, axis1=-2, axis2=-1)


@kernel("MatrixDiagPartV3")
def matrix_diag_part_v3(x: Array, k: Array, padding_value: Array, *, align: str = RIGHT_LEFT) -> Array:
    _check_matrix(x)
    lower, upper = _limits(k)
    rows, columns = x.shape[-2:]
    _check_limits(lower, upper, rows, columns)
    if padding_value.ndim:
        raise InvalidArgumentError(f"padding_value must be a scalar, received shape: {list(padding_value.shape)}")
    count, width = upper - lower + 1, _longest(lower, upper, rows, columns)
    band = _band(lower, upper, rows, columns, width, align)
    out = np.full((*x.shape[:-2], count, width), padding_value[()], x.dtype)
    out[..., band.diagonal, band.place] = x[..., band.row, band.column]
    return out if count > 1 else out[..., 0, :]


@kernel("MatrixSetDiag", "BatchMatrixSetDiag")
def matrix_set_diag(x: Array, diagonal: Array) -> Array:
    return matrix_set_diag_v3(x, diagonal, np.zeros((), np.int32))


@kernel("MatrixSetDiagV3")
def matrix_set_diag_v3(x: Array, diagonal: Array, k: Array, *, align: str = RIGHT_LEFT) -> Array:
    _check_matrix(x)
    lower, upper = _limits(k)
    rows, columns = x.shape[-2:]
    _check_limits(lower, upper, rows, columns)
    count, width = upper - lower + 1, _longest(lower, upper, rows, columns)
    expected = (*x.shape[:-2], *((count,) if count > 1 else ()), width)
    if diagonal.shape != expected:
        raise InvalidArgumentError(
            "Either first dimensions of diagonal don't match input.shape[:-2], or diagonal.shape[:-1] is not equal to "
            f"the longests diagonal in range [{lower}:{upper}].\nInput shape: {list(x.shape)}\n"
            f"Diagonal shape: {list(diagonal.shape)}\nExpected diagonal shape: {list(expected)}"
        )
    band = _band(lower, upper, rows, columns, width, align)
    out = np.array(x)
    packed = diagonal.reshape(*x.shape[:-2], count, width)
    out[..., band.row, band.column] = packed[..., band.diagonal, band.place]
    return out


@kernel("MatrixBandPart", "BatchMatrixBandPart")
def matrix_band_part(x: Array, num_lower: Array, num_upper: Array) -> Array:
    """A negative number keeps all of that triangle."""
    _check_matrix(x)
    rows, columns = x.shape[-2:]
    below, above = scalar(num_lower, "num_lower"), scalar(num_upper, "num_upper")
    if below > rows:
        raise InvalidArgumentError(
            f"num_lower must be negative or less or equal to number of rows ({rows}) got: {below}"
        )
    if above > columns:
        raise InvalidArgumentError(
            f"num_upper must be negative or less or equal to number of columns ({columns}) got: {above}"
        )
    offset = np.arange(columns) - np.arange(rows)[:, None]
    kept = (offset >= (-below if below >= 0 else -rows)) & (offset <= (above if above >= 0 else columns))
    return np.where(kept, x, np.zeros((), x.dtype))


# Diagonals of tensors of any rank


@kernel("Diag")
def diag(diagonal: Array) -> Array:
    if diagonal.ndim < 1:
        raise InvalidArgumentError("Input must be at least rank 1, got 0")
    checked_size(diagonal.shape * 2)
    return matrix_diag(diagonal.ravel()).reshape(diagonal.shape * 2)


@kernel("DiagPart")
def diag_part(x: Array) -> Array:
    half, odd = divmod(x.ndim, 2)
    if odd or not half:
        raise InvalidArgumentError(f"The rank of the tensor should be even and positive, got shape {list(x.shape)}")
    if x.shape[:half] != x.shape[half:]:
        raise InvalidArgumentError(f"Invalid shape {list(x.shape)}: its two halves do not match.")
    size = product(x.shape[:half])
    return np.diagonal(x.reshape(size, size)).reshape(x.shape[:half])


@kernel("MatrixDiagV2")
def matrix_diag_v2(diagonal: Array, k: Array, num_rows: Array, num_cols: Array, padding_value: Array) -> Array:
    return matrix_diag_v3(diagonal, k, num_rows, num_cols, padding_value, align=LEFT_LEFT)


@kernel("MatrixDiagPartV2")
def matrix_diag_part_v2(x: Array, k: Array, padding_value: Array) -> Array:
    return matrix_diag_part_v3(x, k, padding_value, align=LEFT_LEFT)


@kernel("MatrixSetDiagV2")
def matrix_set_diag_v2(x: Array, diagonal: Array, k: Array) -> Array:
    return matrix_set_diag_v3(x, diagonal, k, align=LEFT_LEFT)
