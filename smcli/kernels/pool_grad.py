"""Gradients of pooling that exported graphs seldom hold: the second gradient of maxima, maxima of volumes, and pooling
over uneven regions.

Semantics: tensorflow/core/kernels/{maxpooling_op,pooling_ops_3d,fractional_max_pool_op,fractional_avg_pool_op}.cc.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._convolution import compute_dtype
from smcli.kernels._windows import Window, check_bytes, shifted_same
from smcli.kernels.context import Array
from smcli.kernels.pool import lowest, pool_windows, window_attrs
from smcli.kernels.registry import kernel


def _check_ranks(rank: int, **arrays: Array) -> None:
    for name, array in arrays.items():
        if array.ndim != rank:
            raise InvalidArgumentError(f"{name} must be {rank}-dimensional, but has shape {list(array.shape)}")


def _check_format(data_format: str, wanted: str) -> None:
    if data_format != wanted:
        raise InvalidArgumentError(f"this gradient only supports {wanted} on device type CPU")


def _taps(windows: Sequence[Window]) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """For each tap of the windows, in order, where it reads the input and which outputs it serves."""
    for tap in product(*(along.taps for along in windows)):
        ranges = [along.valid(i) for along, i in zip(windows, tap)]
        if all(low < high for low, high in ranges):
            source = tuple(along.source(i, low, high) for along, i, (low, high) in zip(windows, tap, ranges))
            yield (slice(None), *source), (slice(None), *(slice(low, high) for low, high in ranges))


def _check_fit(x: Array, y: Array, windows: Sequence[Window], **others: Array) -> None:
    shape = (x.shape[0], *(along.out for along in windows), x.shape[-1])
    if y.shape != shape:
        raise InvalidArgumentError(f"Expected orig_output shape to be {list(shape)}, but got {list(y.shape)}")
    for name, array in others.items():
        if array.shape != x.shape:
            raise InvalidArgumentError(f"Expected {name} shape to be {list(x.shape)}, but got {list(array.shape)}")


def _at_maxima(
    x: Array, y: Array, grad: Array, ksize: Sequence[int], strides: Sequence[int], padding: str, data_format: str
) -> Array:
    """For each window the gradient at the first input that equals its output; 0 where none does."""
    _check_ranks(len(data_format), tensor_in=x, tensor_out=y, out_grad_backprop=grad)
    windows = pool_windows(x.shape, ksize, strides, padding, data_format)
    _check_fit(x, y, windows, grad=grad)
    found = np.zeros(y.shape, bool)
    out: Array = np.zeros(y.shape, grad.dtype)
    for source, target in _taps(windows):
        hit = (x[source] == y[target]) & ~found[target]
        np.copyto(out[target], grad[source], where=hit)
        found[target] |= hit
    return out


@kernel("MaxPoolGradGrad")
def max_pool_grad_grad(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str = "NHWC",
) -> Array:
    """The gradient of MaxPoolGrad to its gradient: `grad`, of the input's shape, at the maxima."""
    _check_format(data_format, "NHWC")
    return _at_maxima(orig_input, orig_output, grad, ksize, strides, padding, data_format)


@kernel("MaxPoolGradGradV2")
def max_pool_grad_grad_v2(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    ksize: Array,
    strides: Array,
    *,
    padding: str,
    data_format: str = "NHWC",
) -> Array:
    """MaxPoolGradGrad with window and strides given as tensors."""
    windows = window_attrs(ksize, strides)
    return max_pool_grad_grad(orig_input, orig_output, grad, **windows, padding=padding, data_format=data_format)


def _volumes(x: Array, ksize: Sequence[int], strides: Sequence[int], padding: str) -> tuple[Window, ...]:
    windows = pool_windows(x.shape, ksize, strides, padding, "NDHWC")
    return tuple(shifted_same(along) for along in windows) if padding == "SAME" else windows


@kernel("MaxPool3DGrad")
def max_pool_3d_grad(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str = "NDHWC",
) -> Array:
    """The gradient goes to all inputs of a window that are within 1e-5 of its maximum."""
    _check_format(data_format, "NDHWC")
    _check_ranks(5, tensor_in=orig_input, tensor_out=orig_output, out_backprop=grad)
    windows = _volumes(orig_input, ksize, strides, padding)
    _check_fit(orig_input, orig_output, windows)
    if grad.shape != orig_output.shape:
        raise InvalidArgumentError(f"Expected grad shape to be {list(orig_output.shape)}, but got {list(grad.shape)}")
    near = orig_input.dtype.type(1e-5)
    total: Array = np.zeros(orig_input.shape, compute_dtype(grad.dtype))
    for source, target in _taps(windows):
        hit = np.abs(orig_input[source] - orig_output[target]) < near
        total[source] += np.where(hit, grad[target], grad.dtype.type(0))
    return total.astype(grad.dtype, copy=False)


@kernel("MaxPool3DGradGrad")
def max_pool_3d_grad_grad(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str = "NDHWC",
) -> Array:
    """The gradient of MaxPool3DGrad to its gradient: `grad`, of the input's shape, at the maxima."""
    _check_format(data_format, "NDHWC")
    return _at_maxima(orig_input, orig_output, grad, ksize, strides, padding, data_format)


# ---- uneven regions


def _regions(sequence: Array, out: int, size: int, overlapping: bool, name: str) -> tuple[Array, Array]:
    """First and last index of each region along an axis. Raises InvalidArgumentError for sequences that do not fit."""
    if sequence.ndim != 1 or sequence.size != out + 1:
        raise InvalidArgumentError(
            f"{name} must be a vector of {out + 1} places for {out} regions, but has shape {list(sequence.shape)}"
        )
    first = sequence[:-1]
    last = np.minimum(sequence[1:] - (0 if overlapping else 1), size - 1)
    if sequence.size and (sequence.min() < 0 or (first >= size).any() or (last < first).any()):
        raise InvalidArgumentError(f"{name} must rise within [0, {size}]")
    return first, last


def _cells(rows: tuple[Array, Array], columns: tuple[Array, Array]) -> Iterator[tuple[Array, Array, Array, Array]]:
    """The cells of regions, the n-th of all regions at a time and in order: which regions have one, as row and column
    numbers that broadcast, and the row and column of the image that it is."""
    tall, wide = ((last - first).max(initial=-1) + 1 for first, last in (rows, columns))
    for down in range(int(tall)):
        row = np.flatnonzero(rows[0] + down <= rows[1])[:, None]
        for right in range(int(wide)):
            column = np.flatnonzero(columns[0] + right <= columns[1])
            yield row, column, rows[0][row] + down, columns[0][column] + right


@kernel("FractionalMaxPoolGrad")
def fractional_max_pool_grad(
    orig_input: Array,
    orig_output: Array,
    out_backprop: Array,
    row_pooling_sequence: Array,
    col_pooling_sequence: Array,
    *,
    overlapping: bool = False,
) -> Array:
    """The gradient goes to the first maximum of each region.

    Raises InvalidArgumentError unless the maxima are those of `orig_output`.
    """
    _check_ranks(4, orig_input=orig_input, orig_output=orig_output, out_backprop=out_backprop)
    batch, height, width, depth = orig_input.shape
    if out_backprop.shape != orig_output.shape or orig_output.shape[::3] != (batch, depth):
        raise InvalidArgumentError(
            f"out_backprop and orig_output must have the same shape, and the batch and depth of the input: "
            f"{list(out_backprop.shape)}, {list(orig_output.shape)}, {list(orig_input.shape)}"
        )
    if orig_input.size == 0:
        raise InvalidArgumentError("orig_input must not be empty")
    if orig_output.size == 0:
        raise InvalidArgumentError("orig_output must not be empty")
    rows = _regions(row_pooling_sequence, orig_output.shape[1], height, overlapping, "row_pooling_sequence")
    columns = _regions(col_pooling_sequence, orig_output.shape[2], width, overlapping, "col_pooling_sequence")
    best: Array = np.full(orig_output.shape, lowest(orig_input.dtype), orig_input.dtype)
    where: Array = np.full(orig_output.shape, -1, np.int64)
    for row, column, y, x in _cells(rows, columns):
        part, at = orig_input[:, y, x], (y * width + x)[None, :, :, None]
        target, place = best[:, row, column], where[:, row, column]
        better = (target < part) | (place < 0)
        best[:, row, column] = np.where(better, part, target)
        where[:, row, column] = np.where(better, at, place)
    if (best != orig_output).any():
        raise InvalidArgumentError("orig_output is not what pooling orig_input gives")
    image = np.arange(batch).reshape(-1, 1, 1, 1) * height * width
    flat: Array = np.zeros(orig_input.size, out_backprop.dtype)
    np.add.at(flat, (((image + where) * depth) + np.arange(depth)).ravel(), out_backprop.ravel())
    return flat.reshape(orig_input.shape)


@kernel("FractionalAvgPoolGrad")
def fractional_avg_pool_grad(
    orig_input_tensor_shape: Array,
    out_backprop: Array,
    row_pooling_sequence: Array,
    col_pooling_sequence: Array,
    *,
    overlapping: bool = False,
) -> Array:
    """The gradient of each region is spread over it evenly; sums are float64."""
    if orig_input_tensor_shape.shape != (4,):
        raise InvalidArgumentError("original input tensor shape must be 1-dimensional and 4 elements")
    _check_ranks(4, out_backprop=out_backprop)
    shape = tuple(orig_input_tensor_shape.tolist())
    if min(shape) < 0 or out_backprop.shape[::3] != shape[::3]:
        raise InvalidArgumentError(
            f"out_backprop must have the batch and depth of the input: {list(out_backprop.shape)} vs. {list(shape)}"
        )
    check_bytes(shape, 8)
    rows = _regions(row_pooling_sequence, out_backprop.shape[1], shape[1], overlapping, "row_pooling_sequence")
    columns = _regions(col_pooling_sequence, out_backprop.shape[2], shape[2], overlapping, "col_pooling_sequence")
    sizes = [last - first + 1 for first, last in (rows, columns)]
    shares = out_backprop.astype(np.float64) / (sizes[0][:, None] * sizes[1])[None, :, :, None]
    total: Array = np.zeros(shape, np.float64)
    # Backwards, so that a pixel takes from its regions in their order.
    for row, column, y, x in reversed(list(_cells(rows, columns))):
        total[:, y, x] += shares[:, row, column]
    return total.astype(out_backprop.dtype)
