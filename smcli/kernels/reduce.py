"""Reductions over axes, running totals, and sums of several tensors.

Axes come as a scalar or a vector (a scalar for the running totals); negative ones count from the end.
16-bit floats are added up as TensorFlow does: bfloat16 in float32, float16 by `_half_sums`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._half_sums import reduce_axes, reduce_rows, rounded
from smcli.kernels._numbers import Numbers, is_short_float, widened
from smcli.kernels._short_floats import ORDER_PAYS, by_table, in_order, order_of
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

# NumPy's type stubs have no overload for a `keepdims` that is only known at run time
_sum: Any = np.add.reduce
_prod: Any = np.multiply.reduce
_max: Any = np.maximum.reduce
_min: Any = np.minimum.reduce
_all: Any = np.logical_and.reduce
_any: Any = np.logical_or.reduce


def reduction_axes(indices: Array, rank: int) -> tuple[int, ...]:
    """The axes to reduce, non-negative. Raises InvalidArgumentError for axes out of range or given twice."""
    axes: list[int] = []
    for axis in np.ravel(indices).tolist():
        if not -rank <= axis < rank:
            raise InvalidArgumentError(f"Invalid reduction dimension ({axis} for input with {rank} dimension(s)")
        axis += rank if axis < 0 else 0
        if axis in axes:
            raise InvalidArgumentError(f"Invalid reduction arguments: Axes contains duplicate dimension: {axis}")
        axes.append(axis)
    return tuple(axes)


_ROWS = 32  # from which a product with ones adds rows up faster than NumPy's loops, and more exactly
_ROW = 2048  # up to this length of rows


def _float_sum(x: Array, axis: tuple[int, ...], keepdims: bool) -> Numbers:
    """The sum over axes. Axes that lie together before others are summed as rows of a matrix, by BLAS."""
    if x.dtype in (np.float32, np.float64) and axis and x.flags.c_contiguous and x.size:
        first, end = min(axis), max(axis) + 1
        rows, length = math.prod(x.shape[first:end]), math.prod(x.shape[end:])
        if len(axis) == end - first and rows >= _ROWS and 1 < length <= _ROW:
            total = np.matmul(np.ones(rows, x.dtype), x.reshape(-1, rows, length))
            return total.reshape(*x.shape[:first], *(1,) * (len(axis) * keepdims), *x.shape[end:])
    return _sum(x, axis=axis, dtype=x.dtype, keepdims=keepdims)


def _short_total(ufunc: np.ufunc, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    """The sum or product of 16-bit floats over axes, in float32. bfloat16 alone is added up in float32."""
    if ufunc is np.add and x.dtype != np.float16:
        return np.asarray(_float_sum(x.astype(np.float32), axis, keepdims))
    total = reduce_axes(ufunc, x, axis)
    return np.expand_dims(total, axis) if keepdims else total


@kernel("Sum")
def reduce_sum(x: Array, axes: Array, *, keep_dims: bool = False) -> Numbers:
    """The sum over axes, in x's dtype; integers wrap."""
    axis = reduction_axes(axes, x.ndim)
    if is_short_float(x.dtype):
        return _short_total(np.add, x, axis, keep_dims).astype(x.dtype)
    return _float_sum(x, axis, keep_dims)


@kernel("Prod")
def reduce_prod(x: Array, axes: Array, *, keep_dims: bool = False) -> Numbers:
    """The product over axes, in x's dtype; integers wrap."""
    axis = reduction_axes(axes, x.ndim)
    if is_short_float(x.dtype):
        return _short_total(np.multiply, x, axis, keep_dims).astype(x.dtype)
    return _prod(x, axis=axis, dtype=x.dtype, keepdims=keep_dims)


@kernel("Mean")
def reduce_mean(x: Array, axes: Array, *, keep_dims: bool = False) -> Numbers:
    """The mean over axes, in x's dtype; of integers truncated, of nothing NaN or 0.

    Integers are added up in 64 bits (tensorflow/core/kernels/reduction_ops_common.h).
    """
    axis = reduction_axes(axes, x.ndim)
    count = 1
    for i in axis:
        count *= x.shape[i]
    if x.dtype.kind in "iu":
        wide = np.int64 if x.dtype.kind == "i" else np.uint64
        total = _sum(x, axis=axis, dtype=wide, keepdims=keep_dims)
        if count == 0:
            return total.astype(x.dtype)
        quotient = np.floor_divide(total, wide(count))
        if x.dtype.kind == "i":
            quotient = quotient + ((total < 0) & (quotient * count != total))
        return quotient.astype(x.dtype)
    total = _short_total(np.add, x, axis, keep_dims) if is_short_float(x.dtype) else _float_sum(x, axis, keep_dims)
    return np.divide(total, total.dtype.type(count)).astype(x.dtype, copy=False)


@kernel("Max")
def reduce_max(x: Array, axes: Array, *, keep_dims: bool = False) -> Numbers:
    """The largest over axes; NaN where there is one, the lowest value of the dtype where there is nothing."""
    axis = reduction_axes(axes, x.ndim)
    if x.size >= ORDER_PAYS and is_short_float(x.dtype):
        order = order_of(x)
        if order is not None:
            first = order_of(np.asarray(lowest(x.dtype)))
            return in_order(_max(order, axis=axis, keepdims=keep_dims, initial=first), x.dtype)
    return _max(x, axis=axis, keepdims=keep_dims, initial=lowest(x.dtype))


@kernel("Min")
def reduce_min(x: Array, axes: Array, *, keep_dims: bool = False) -> Numbers:
    """The smallest over axes; NaN where there is one, the highest value of the dtype where there is nothing."""
    axis = reduction_axes(axes, x.ndim)
    if x.size >= ORDER_PAYS and is_short_float(x.dtype):
        order = order_of(x)
        if order is not None:
            first = order_of(np.asarray(highest(x.dtype)))
            return in_order(_min(order, axis=axis, keepdims=keep_dims, initial=first), x.dtype)
    return _min(x, axis=axis, keepdims=keep_dims, initial=highest(x.dtype))


def lowest(dtype: np.dtype[Any]) -> Numbers:
    """The identity of the maximum: minus infinity, or the smallest integer."""
    return np.iinfo(dtype).min if dtype.kind in "iu" else dtype.type(-np.inf)


def highest(dtype: np.dtype[Any]) -> Numbers:
    """The identity of the minimum: infinity, or the largest integer."""
    return np.iinfo(dtype).max if dtype.kind in "iu" else dtype.type(np.inf)


@kernel("All")
def reduce_all(x: Array, axes: Array, *, keep_dims: bool = False) -> Numbers:
    """True where all along the axes are true."""
    return _all(x, axis=reduction_axes(axes, x.ndim), keepdims=keep_dims)


@kernel("Any")
def reduce_any(x: Array, axes: Array, *, keep_dims: bool = False) -> Numbers:
    """True where any along the axes is true."""
    return _any(x, axis=reduction_axes(axes, x.ndim), keepdims=keep_dims)


_square = by_table(np.square)


@kernel("EuclideanNorm")
def euclidean_norm(x: Array, axes: Array, *, keep_dims: bool = False) -> Numbers:
    """The square root of the sum of squared moduli over axes, in x's dtype (integers wrap, then truncate)."""
    squares = np.multiply(x, np.conjugate(x)) if x.dtype.kind == "c" else _square(x)
    return np.sqrt(reduce_sum(squares, axes, keep_dims=keep_dims)).astype(x.dtype, copy=False)


@kernel("L2Loss")
def l2_loss(x: Array) -> Numbers:
    """Half the sum of squares, a scalar."""
    if is_short_float(x.dtype):
        squares = rounded(np.square(np.ravel(x).astype(np.float32)), x.dtype)
        return np.multiply(reduce_rows(np.add, squares[None], x.dtype)[0], np.float32(0.5)).astype(x.dtype)
    flat = np.ravel(x)
    return np.divide(np.dot(flat, flat), flat.dtype.type(2)).astype(x.dtype, copy=False)


# ---- the position of the largest and smallest


def _position_axis(x: Array, dimension: Array) -> int:
    if dimension.ndim:
        raise InvalidArgumentError(f"dim must be a scalar, but received tensor of shape: {list(dimension.shape)}")
    axis = int(dimension)
    if not -x.ndim <= axis < x.ndim:
        raise InvalidArgumentError(f"Expected dimension in the range [{-x.ndim}, {x.ndim}), but got {axis}")
    axis += x.ndim if axis < 0 else 0
    if x.shape[axis] == 0:
        raise InvalidArgumentError(f"Reduction axis {axis} is empty in shape {list(x.shape)}")
    return axis


def _without_nan(x: Array, position: Array, axis: int, worst: float) -> Array | None:
    """x with NaN replaced by `worst` if NumPy took a NaN for the extreme, else None: TensorFlow passes over NaN."""
    if x.dtype.kind in "iub":
        return None
    found = np.take_along_axis(x, np.expand_dims(position, axis), axis)
    if not np.isnan(found).any():
        return None
    return np.where(np.isnan(x), x.dtype.type(worst), x)


@kernel("ArgMax")
def arg_max(x: Array, dimension: Array, *, output_type: DataType = DataType.INT64) -> Numbers:
    """The index of the first largest element along an axis; NaN counts as smallest.

    Raises InvalidArgumentError for an axis out of range or of no elements.
    """
    axis = _position_axis(x, dimension)
    position = np.argmax(x, axis=axis)
    cleaned = _without_nan(x, position, axis, -np.inf)
    if cleaned is not None:
        position = np.argmax(cleaned, axis=axis)
    return position.astype(output_type.numpy)


@kernel("ArgMin")
def arg_min(x: Array, dimension: Array, *, output_type: DataType = DataType.INT64) -> Numbers:
    """The index of the first smallest element along an axis; NaN counts as largest.

    Raises InvalidArgumentError for an axis out of range or of no elements.
    """
    axis = _position_axis(x, dimension)
    position = np.argmin(x, axis=axis)
    cleaned = _without_nan(x, position, axis, np.inf)
    if cleaned is not None:
        position = np.argmin(cleaned, axis=axis)
    return position.astype(output_type.numpy)


# ---- running totals


def _scan_axis(x: Array, axis: Array) -> int:
    if axis.ndim:
        raise InvalidArgumentError(f"ScanOp: axis must be a scalar, not {list(axis.shape)}")
    where = int(axis)
    if not -x.ndim <= where < x.ndim:
        raise InvalidArgumentError(f"ScanOp: Expected scan axis in the range [{-x.ndim}, {x.ndim}), but got {where}")
    return where + x.ndim if where < 0 else where


def _scan(ufunc: np.ufunc, x: Array, axis: Array, exclusive: bool, reverse: bool, identity: Numbers) -> Array:
    """ufunc accumulated along an axis; `exclusive` shifts the result by one, `identity` first."""
    where = _scan_axis(x, axis)
    moved = np.moveaxis(x, where, 0)
    if reverse:
        moved = moved[::-1]
    out = np.empty(x.shape, x.dtype)
    target = np.moveaxis(out, where, 0)
    if reverse:
        target = target[::-1]
    if not exclusive:
        ufunc.accumulate(moved, axis=0, dtype=x.dtype, out=target)
    elif len(moved):
        target[0] = identity
        ufunc.accumulate(moved[:-1], axis=0, dtype=x.dtype, out=target[1:])
    return out


@kernel("Cumsum")
def cumsum(x: Array, axis: Array, *, exclusive: bool = False, reverse: bool = False) -> Array:
    """Running sums along an axis, in x's dtype. Raises InvalidArgumentError for an axis that is not there."""
    return _scan(np.add, x, axis, exclusive, reverse, 0)


@kernel("Cumprod")
def cumprod(x: Array, axis: Array, *, exclusive: bool = False, reverse: bool = False) -> Array:
    """Running products along an axis, in x's dtype. Raises InvalidArgumentError for an axis that is not there."""
    return _scan(np.multiply, x, axis, exclusive, reverse, 1)


@kernel("CumulativeLogsumexp")
def cumulative_logsumexp(x: Array, axis: Array, *, exclusive: bool = False, reverse: bool = False) -> Array:
    """log of the running sums of exp(x) along an axis. Raises InvalidArgumentError for an axis that is not there."""
    return _scan(np.logaddexp, widened(x), axis, exclusive, reverse, -np.inf).astype(x.dtype, copy=False)


# ---- several tensors


@kernel("AddN", "AccumulateNV2")
def add_n(*inputs: Array) -> Numbers:
    """The sum of tensors of one shape, or of lists of tensors. Raises InvalidArgumentError when the shapes differ."""
    first = inputs[0]
    if first.dtype == object and first.ndim == 0:
        from smcli.kernels.tensor_list import sum_of_lists

        return sum_of_lists(inputs)
    for i, other in enumerate(inputs):
        if other.shape != first.shape:
            raise InvalidArgumentError(
                "Inputs to operation AddN must have the same size and shape. "
                f"Input 0: {list(first.shape)} != input {i}: {list(other.shape)}"
            )
    if len(inputs) == 1:
        return first
    total = np.add(first, inputs[1])
    for other in inputs[2:]:
        total = np.add(total, other) if total.ndim == 0 else np.add(total, other, out=total)
    return total
