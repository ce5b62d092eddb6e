"""Grey-scale morphological dilation and its gradients (tensorflow/core/kernels/dilation_ops.cc)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._convolution import compute_dtype
from smcli.kernels._windows import Window, check_bytes, spatial_only, window
from smcli.kernels.context import Array
from smcli.kernels.pool import lowest
from smcli.kernels.registry import kernel

Taps = Iterator[tuple[int, int, Array, tuple[slice, ...]]]


def _windows(
    x: Array, filter: Array, strides: Sequence[int], rates: Sequence[int], padding: str
) -> tuple[Window, Window]:
    if x.ndim != 4:
        raise InvalidArgumentError(f"input must be 4-dimensional, but has shape {list(x.shape)}")
    if filter.ndim != 3:
        raise InvalidArgumentError(f"filter must be 3-dimensional: {list(filter.shape)}")
    if x.shape[3] != filter.shape[2]:
        raise InvalidArgumentError(f"input and filter must have the same depth: {x.shape[3]} vs {filter.shape[2]}")
    steps = spatial_only("strides", strides, "NHWC", 4, InvalidArgumentError)
    spacing = spatial_only("rates", rates, "NHWC", 4, InvalidArgumentError)
    rows, columns = (
        window(x.shape[1 + axis], filter.shape[axis], steps[axis], spacing[axis], padding) for axis in (0, 1)
    )
    check_bytes((x.shape[0], rows.out, columns.out, x.shape[3]), 8)
    return rows, columns


def _candidates(x: Array, filter: Array, rows: Window, columns: Window) -> Taps:
    """For each tap its row and column, input + filter where the input is inside, and for which outputs that is."""
    for i in rows.taps:
        top, bottom = rows.valid(i)
        for j in columns.taps:
            left, right = columns.valid(j)
            if top < bottom and left < right:
                part = x[:, rows.source(i, top, bottom), columns.source(j, left, right)] + filter[i, j]
                yield i, j, part, (slice(None), slice(top, bottom), slice(left, right))


@kernel("Dilation2D")
def dilation_2d(x: Array, filter: Array, *, strides: Sequence[int], rates: Sequence[int], padding: str) -> Array:
    """The maximum over the window of input + filter; padding does not count."""
    rows, columns = _windows(x, filter, strides, rates, padding)
    out: Array = np.full((x.shape[0], rows.out, columns.out, x.shape[3]), lowest(x.dtype), x.dtype)
    for _, _, part, place in _candidates(x, filter, rows, columns):
        target = out[place]
        np.copyto(target, part, where=part > target)
    return out


def _winners(x: Array, filter: Array, rows: Window, columns: Window) -> tuple[Array, Array]:
    """The row and column of the first tap that reaches the maximum; the first tap where none is above the lowest
    value.
    """
    shape = (x.shape[0], rows.out, columns.out, x.shape[3])
    best: Array = np.full(shape, lowest(x.dtype), x.dtype)
    row = np.broadcast_to(np.maximum(0, -(np.arange(rows.out) * rows.stride - rows.before))[:, None, None], shape[1:])
    column = np.broadcast_to(
        np.maximum(0, -(np.arange(columns.out) * columns.stride - columns.before))[:, None], shape[1:]
    )
    won_row = np.broadcast_to(-(-row // rows.dilation), shape).copy()
    won_column = np.broadcast_to(-(-column // columns.dilation), shape).copy()
    for i, j, part, place in _candidates(x, filter, rows, columns):
        better = part > best[place]
        np.copyto(best[place], part, where=better)
        won_row[place][better] = i
        won_column[place][better] = j
    return won_row, won_column


def _check_gradient(x: Array, out_backprop: Array, rows: Window, columns: Window) -> None:
    shape = (x.shape[0], rows.out, columns.out, x.shape[3])
    if out_backprop.shape != shape:
        raise InvalidArgumentError(f"out_backprop must have shape {list(shape)}, but has {list(out_backprop.shape)}")


@kernel("Dilation2DBackpropInput")
def dilation_2d_backprop_input(
    x: Array, filter: Array, out_backprop: Array, *, strides: Sequence[int], rates: Sequence[int], padding: str
) -> Array:
    """The gradient goes to the input of the tap that gave the maximum."""
    rows, columns = _windows(x, filter, strides, rates, padding)
    _check_gradient(x, out_backprop, rows, columns)
    n, y, z, c = np.ix_(*map(np.arange, out_backprop.shape))
    total: Array = np.zeros(x.shape, compute_dtype(x.dtype))
    if not filter.size:  # no tap gave it: it goes to where the window begins, if that is inside
        y, z = np.maximum(y * rows.stride - rows.before, 0), np.maximum(z * columns.stride - columns.before, 0)
        place = np.broadcast_arrays(n, y, z, c)
        inside = (place[1] < x.shape[1]) & (place[2] < x.shape[2])
        np.add.at(total, tuple(part[inside] for part in place), out_backprop[inside].astype(total.dtype, copy=False))
        return total.astype(x.dtype, copy=False)
    i, j = _winners(x, filter, rows, columns)
    place = (
        n,
        y * rows.stride + i * rows.dilation - rows.before,
        z * columns.stride + j * columns.dilation - columns.before,
        c,
    )
    np.add.at(total, place, out_backprop.astype(total.dtype, copy=False))
    return total.astype(x.dtype, copy=False)


@kernel("Dilation2DBackpropFilter")
def dilation_2d_backprop_filter(
    x: Array, filter: Array, out_backprop: Array, *, strides: Sequence[int], rates: Sequence[int], padding: str
) -> Array:
    """The gradient goes to the filter's tap that gave the maximum."""
    rows, columns = _windows(x, filter, strides, rates, padding)
    _check_gradient(x, out_backprop, rows, columns)
    if not filter.size:
        return np.zeros_like(filter)
    i, j = _winners(x, filter, rows, columns)
    c = np.arange(x.shape[3])
    total: Array = np.zeros(filter.shape, compute_dtype(x.dtype))
    np.add.at(total, (i, j, np.broadcast_to(c, i.shape)), out_backprop.astype(total.dtype, copy=False))
    return total.astype(x.dtype, copy=False)
