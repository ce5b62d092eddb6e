"""Transposed convolutions (the gradients of convolutions to their input) and gradients to filters.

A transposed convolution with stride s is s × s plain convolutions with stride 1, each with the taps of the filter that
reach one phase (position modulo s) of the result, so that nothing is scattered or added up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import gcd, prod
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels import _half_products
from smcli.kernels._convolution import Filter, compute_dtype, convolve, pack_filter
from smcli.kernels._half_sums import rounded
from smcli.kernels._windows import (
    Window,
    channels_first,
    check_bytes,
    explicit_pairs,
    from_channels_last,
    spatial_only,
    to_channels_last,
    trimmed,
    window,
)
from smcli.kernels.context import Array
from smcli.kernels.conv import check_depths
from smcli.kernels.registry import kernel


def _phases(along: Window) -> Iterator[tuple[slice, slice, Window]]:
    """For each phase that taps reach: the input positions, the taps, and the window over the outputs that they make.

    Input position q · stride + phase gets tap i of output q + (phase + before − i · dilation) / stride. The taps of the
    window are in the opposite order.
    """
    step = along.stride // gcd(along.stride, along.dilation)
    spacing = step * along.dilation // along.stride
    for first in range(min(step, along.kernel)):
        phase = (first * along.dilation - along.before) % along.stride
        if phase >= along.size:
            continue
        last = range(first, along.kernel, step)[-1]
        count = len(range(phase, along.size, along.stride))
        lowest = (phase + along.before - last * along.dilation) // along.stride
        taps = (last - first) // step + 1
        window_of_phase = Window(along.out, taps, 1, spacing, -lowest, 0, count)
        yield slice(phase, None, along.stride), slice(first, None, step), window_of_phase


def transposed_filter(filter: Array, groups: int) -> Array:
    """(rows, columns, channels of a group, outputs), turned around, as the filter from outputs to channels."""
    height, width, depth, outputs = filter.shape
    split = filter.reshape(height, width, depth, groups, outputs // groups)
    turned = split[::-1, ::-1].transpose(0, 1, 4, 3, 2)
    return turned.reshape(height, width, outputs // groups, groups * depth)


def convolve_transposed(gradients: Array, filter: Array, groups: int, rows: Window, columns: Window) -> Array:
    """The adjoint of a channels-last 2-D convolution: (batch, rows.out, columns.out, outputs) to the input's shape."""
    height, width, depth, outputs = filter.shape
    if gradients.dtype == np.float16 and groups == 1:
        positions = len(gradients) * rows.out * columns.out
        if _half_products.is_exact(positions, outputs, height * width * depth):
            return _short_transposed(gradients, filter, rows, columns)
    return prepare_transposed(filter, groups, rows, columns)(gradients)


def _short_transposed(gradients: Array, filter: Array, rows: Window, columns: Window) -> Array:
    """As `convolve_transposed` of float16, rounding as TensorFlow does without oneDNN: one matrix product, whose
    pieces are added to the result one after the other (Conv2DCustomBackpropInputOp in conv_grad_input_ops.h)."""
    height, width, depth, outputs = filter.shape
    matrix = filter.reshape(-1, outputs).T.astype(np.float32)
    pieces = _half_products.block_panel(gradients.reshape(-1, outputs).astype(np.float32), matrix, filter.dtype)
    pieces = pieces.reshape(len(gradients), rows.out, columns.out, height, width, depth)
    total: Array = np.zeros((len(gradients), rows.size, columns.size, depth), np.float32)
    for row in reversed(rows.taps):  # what reaches a place from above and from the left is added first
        for column in reversed(columns.taps):
            (top, bottom), (left, right) = rows.valid(row), columns.valid(column)
            target = total[:, rows.source(row, top, bottom), columns.source(column, left, right)]
            part = pieces[:, top:bottom, left:right, row, column]
            target[...] = rounded(np.add(target, part), gradients.dtype)
    return total.astype(gradients.dtype)


def prepare_transposed(filter: Array, groups: int, rows: Window, columns: Window) -> Callable[[Array], Array]:
    """`convolve_transposed` for a filter and windows that are known beforehand."""
    parts: list[tuple[tuple[slice, ...], Filter, Window, Window]] = []
    filled = 0
    for row_place, row_taps, row_window in _phases(rows):
        (row_used, row_window) = trimmed(row_window)
        for column_place, column_taps, column_window in _phases(columns):
            (column_used, column_window) = trimmed(column_window)
            taps = transposed_filter(filter[row_taps, column_taps], groups)[row_used, column_used]
            place = (slice(None), row_place, column_place)
            parts.append((place, pack_filter(taps, groups), row_window, column_window))
            filled += row_window.out * column_window.out
    channels = filter.shape[2] * groups
    make = np.empty if filled == rows.size * columns.size else np.zeros

    def transposed(gradients: Array) -> Array:
        out: Array = make((gradients.shape[0], rows.size, columns.size, channels), gradients.dtype)
        for place, packed, row_window, column_window in parts:
            convolve(gradients, packed, row_window, column_window, out=out[place])
        return out

    return transposed


def _input_shape(sizes: Array, gradients: Array, filter: Array, data_format: str) -> tuple[int, ...]:
    """The channels-last input shape that `input_sizes` stands for: all dimensions, or the spatial ones alone."""
    rank = gradients.ndim
    if sizes.ndim != 1:
        raise InvalidArgumentError(f"Conv2DBackpropInput: input_sizes input must be 1-dim, not {sizes.ndim}-dim")
    shape = tuple(int(size) for size in sizes)
    if len(shape) == rank - 2:
        shape = (gradients.shape[0], *shape, filter.shape[-2])
    elif len(shape) != rank:
        raise InvalidArgumentError(f"input_sizes must contain {rank} values or {rank - 2} values, not {len(shape)}")
    elif channels_first(data_format):
        shape = (shape[0], *shape[2:], shape[1])
    if min(shape) < 0:
        raise InvalidArgumentError(f"Dimension of input_sizes must be >= 0, but got {list(shape)}")
    return shape


def _backprop_windows(
    shape: Sequence[int], filter_shape: Sequence[int], gradients: Array, attrs: tuple[Any, ...]
) -> tuple[Window, ...]:
    """The windows of the convolution whose gradient is taken. Raises InvalidArgumentError when shapes do not fit."""
    strides, dilations, padding, pads = attrs
    if gradients.shape[0] != shape[0]:
        raise InvalidArgumentError(
            f"input and out_backprop must have the same batch size. Input batch: {shape[0]}, "
            f"outbackprop batch: {gradients.shape[0]}"
        )
    windows = tuple(
        window(shape[1 + axis], filter_shape[axis], strides[axis], dilations[axis], padding, *pads[axis])
        for axis in range(len(strides))
    )
    for axis, along in enumerate(windows, start=1):
        if along.out != gradients.shape[axis]:
            raise InvalidArgumentError(
                f"Size of out_backprop doesn't match computed: actual = {gradients.shape[axis]}, "
                f"computed = {along.out} spatial_dim: {axis} input: {along.size} filter: {along.kernel} "
                f"output: {gradients.shape[axis]} "
                f"stride: {along.stride} dilation: {along.dilation}"
            )
    if filter_shape[-1] != gradients.shape[-1]:
        raise InvalidArgumentError(
            f"filter and out_backprop must have the same out_depth: {filter_shape[-1]} and {gradients.shape[-1]}"
        )
    return windows


def _attrs(
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
    dilations: Sequence[int],
    rank: int,
) -> tuple[Any, ...]:
    return (
        spatial_only("strides", strides, data_format, rank, InvalidArgumentError),
        spatial_only("dilations", dilations, data_format, rank, InvalidArgumentError),
        padding,
        explicit_pairs(padding, explicit_paddings, data_format, rank),
    )


def _check_rank(name: str, value: Array, rank: int) -> None:
    if value.ndim != rank:
        raise InvalidArgumentError(f"{name} must be {rank}-dimensional, but has shape {list(value.shape)}")


@kernel("Conv2DBackpropInput")
def conv2d_backprop_input(
    input_sizes: Array,
    filter: Array,
    out_backprop: Array,
    *,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int] = (),
    data_format: str = "NHWC",
    dilations: Sequence[int] = (1, 1, 1, 1),
) -> Array:
    """Transposed 2-D convolution: from (batch, rows, columns, outputs) to a tensor of shape `input_sizes`."""
    attrs = _attrs(strides, padding, explicit_paddings, data_format, dilations, 4)
    _check_rank("filter", filter, 4)
    _check_rank("out_backprop", out_backprop, 4)
    gradients = to_channels_last(out_backprop, data_format)
    shape = _input_shape(input_sizes, gradients, filter, data_format)
    check_bytes(shape, 8)
    groups = check_depths(shape[3], filter.shape)
    rows, columns = _backprop_windows(shape, filter.shape, gradients, attrs)
    return from_channels_last(convolve_transposed(gradients, filter, groups, rows, columns), data_format)


@kernel("Conv3DBackpropInputV2")
def conv3d_backprop_input_v2(
    input_sizes: Array,
    filter: Array,
    out_backprop: Array,
    *,
    strides: Sequence[int],
    padding: str,
    data_format: str = "NDHWC",
    dilations: Sequence[int] = (1, 1, 1, 1, 1),
) -> Array:
    """Transposed 3-D convolution: from (batch, planes, rows, columns, outputs) to a tensor of shape `input_sizes`."""
    attrs = _attrs(strides, padding, (), data_format, dilations, 5)
    _check_rank("filter", filter, 5)
    _check_rank("out_backprop", out_backprop, 5)
    gradients = to_channels_last(out_backprop, data_format)
    shape = _input_shape(input_sizes, gradients, filter, data_format)
    check_bytes(shape, 8)
    groups = check_depths(shape[4], filter.shape)
    planes, rows, columns = _backprop_windows(shape, filter.shape, gradients, attrs)
    work = compute_dtype(gradients.dtype)
    sums: Array = np.zeros(shape, work)
    for tap in planes.taps:
        low, high = planes.valid(tap)
        transposed = prepare_transposed(filter[tap], groups, rows, columns)
        for total, volume in zip(sums, gradients, strict=True):
            if high > low:
                total[planes.source(tap, low, high)] += transposed(volume[low:high].astype(work, copy=False))
    return from_channels_last(sums.astype(gradients.dtype, copy=False), data_format)


@kernel("Conv3DBackpropInput")
def conv3d_backprop_input(
    x: Array,
    filter: Array,
    out_backprop: Array,
    *,
    strides: Sequence[int],
    padding: str,
    dilations: Sequence[int] = (1, 1, 1, 1, 1),
) -> Array:
    """Conv3DBackpropInputV2 for the shape of x."""
    _check_rank("input", x, 5)
    shape = np.array(x.shape)
    return conv3d_backprop_input_v2(shape, filter, out_backprop, strides=strides, padding=padding, dilations=dilations)


# ---- Gradients to filters


def _filter_shape(sizes: Array, rank: int) -> tuple[int, ...]:
    if sizes.ndim != 1 or len(sizes) != rank:
        raise InvalidArgumentError(f"filter_sizes must be a vector of {rank} values, not {list(sizes.shape)}")
    shape = tuple(int(size) for size in sizes)
    if min(shape) < 0:
        raise InvalidArgumentError(f"Dimension of filter_sizes must be >= 0, but got {list(shape)}")
    check_bytes(shape, 8)
    return shape


def _filter_gradient(x: Array, shape: tuple[int, ...], gradients: Array, attrs: tuple[Any, ...]) -> Array:
    """One GEMM for each tap: (channels, positions) @ (positions, outputs), by group."""
    groups = check_depths(x.shape[-1], shape)
    windows = _backprop_windows(x.shape, shape, gradients, attrs)
    work = compute_dtype(x.dtype)
    wide, dy = x.astype(work, copy=False), gradients.astype(work, copy=False)
    out: Array = np.zeros(shape, work)
    depth, outputs = shape[-2:]
    for tap in np.ndindex(*shape[:-2]):
        ranges = [along.valid(i) for along, i in zip(windows, tap, strict=True)]
        if any(low >= high for low, high in ranges):
            continue
        source = tuple(along.source(i, *span) for along, i, span in zip(windows, tap, ranges, strict=True))
        left = wide[(slice(None), *source)].reshape(-1, groups, depth).transpose(1, 2, 0)
        right = dy[(slice(None), *(slice(*span) for span in ranges))].reshape(-1, groups, outputs // groups)
        out[tap] = np.matmul(left, right.transpose(1, 0, 2)).transpose(1, 0, 2).reshape(depth, outputs)
    return out.astype(x.dtype, copy=False)


@kernel("Conv2DBackpropFilter")
def conv2d_backprop_filter(
    x: Array,
    filter_sizes: Array,
    out_backprop: Array,
    *,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int] = (),
    data_format: str = "NHWC",
    dilations: Sequence[int] = (1, 1, 1, 1),
) -> Array:
    """The gradient of a 2-D convolution to its filter, of shape `filter_sizes`."""
    attrs = _attrs(strides, padding, explicit_paddings, data_format, dilations, 4)
    _check_rank("input", x, 4)
    _check_rank("out_backprop", out_backprop, 4)
    shape = _filter_shape(filter_sizes, 4)
    return _filter_gradient(to_channels_last(x, data_format), shape, to_channels_last(out_backprop, data_format), attrs)


@kernel("Conv3DBackpropFilterV2")
def conv3d_backprop_filter_v2(
    x: Array,
    filter_sizes: Array,
    out_backprop: Array,
    *,
    strides: Sequence[int],
    padding: str,
    data_format: str = "NDHWC",
    dilations: Sequence[int] = (1, 1, 1, 1, 1),
) -> Array:
    """The gradient of a 3-D convolution to its filter, of shape `filter_sizes`."""
    attrs = _attrs(strides, padding, (), data_format, dilations, 5)
    _check_rank("input", x, 5)
    _check_rank("out_backprop", out_backprop, 5)
    shape = _filter_shape(filter_sizes, 5)
    if not (x.size and prod(shape) and out_backprop.size):
        raise InvalidArgumentError("input, filter_sizes and out_backprop tensors must all have at least 1 element")
    return _filter_gradient(to_channels_last(x, data_format), shape, to_channels_last(out_backprop, data_format), attrs)


@kernel("Conv3DBackpropFilter")
def conv3d_backprop_filter(
    x: Array,
    filter: Array,
    out_backprop: Array,
    *,
    strides: Sequence[int],
    padding: str,
    dilations: Sequence[int] = (1, 1, 1, 1, 1),
) -> Array:
    """Conv3DBackpropFilterV2 for the shape of `filter`."""
    _check_rank("filter", filter, 5)
    shape = np.array(filter.shape)
    return conv3d_backprop_filter_v2(x, shape, out_backprop, strides=strides, padding=padding, dilations=dilations)


# ---- Depthwise


def _depthwise_windows(
    shape: tuple[int, ...], filter_shape: tuple[int, ...], gradients: Array, attrs: tuple[Any, ...]
) -> tuple[Window, ...]:
    channels, multiplier = filter_shape[2:]
    if shape[3] != channels:
        raise InvalidArgumentError(f"input and filter must have the same in_depth: {shape[3]} vs {channels}")
    if attrs[0][0] != attrs[0][1]:
        raise InvalidArgumentError(
            "Current implementation only supports equal length strides in the row and column dimensions."
        )
    return _backprop_windows(shape, (*filter_shape[:2], channels, channels * multiplier), gradients, attrs)


@kernel("DepthwiseConv2dNativeBackpropInput")
def depthwise_backprop_input(
    input_sizes: Array,
    filter: Array,
    out_backprop: Array,
    *,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int] = (),
    data_format: str = "NHWC",
    dilations: Sequence[int] = (1, 1, 1, 1),
) -> Array:
    """The gradient of a depthwise convolution to its input, of shape `input_sizes`."""
    attrs = _attrs(strides, padding, explicit_paddings, data_format, dilations, 4)
    _check_rank("filter", filter, 4)
    _check_rank("out_backprop", out_backprop, 4)
    if input_sizes.shape != (4,):
        raise InvalidArgumentError(f"input_sizes must be a vector of 4 values, not {list(input_sizes.shape)}")
    gradients = to_channels_last(out_backprop, data_format)
    shape = _input_shape(input_sizes, gradients, filter, data_format)
    check_bytes(shape, 8)
    rows, columns = _depthwise_windows(shape, filter.shape, gradients, attrs)
    work = compute_dtype(gradients.dtype)
    out: Array = np.zeros(shape, work)
    by_channel = gradients.astype(work, copy=False).reshape(*gradients.shape[:3], *filter.shape[2:])
    for i in rows.taps:
        top, bottom = rows.valid(i)
        for j in columns.taps:
            left, right = columns.valid(j)
            if top < bottom and left < right:
                part = by_channel[:, top:bottom, left:right]
                place = (slice(None), rows.source(i, top, bottom), columns.source(j, left, right))
                out[place] += np.einsum("nhwcm,cm->nhwc", part, filter[i, j].astype(work, copy=False))
    return from_channels_last(out.astype(gradients.dtype, copy=False), data_format)


@kernel("DepthwiseConv2dNativeBackpropFilter")
def depthwise_backprop_filter(
    x: Array,
    filter_sizes: Array,
    out_backprop: Array,
    *,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int] = (),
    data_format: str = "NHWC",
    dilations: Sequence[int] = (1, 1, 1, 1),
) -> Array:
    """The gradient of a depthwise convolution to its filter, of shape `filter_sizes`."""
    attrs = _attrs(strides, padding, explicit_paddings, data_format, dilations, 4)
    _check_rank("input", x, 4)
    _check_rank("out_backprop", out_backprop, 4)
    shape = _filter_shape(filter_sizes, 4)
    images, gradients = to_channels_last(x, data_format), to_channels_last(out_backprop, data_format)
    rows, columns = _depthwise_windows(images.shape, shape, gradients, attrs)
    work = compute_dtype(x.dtype)
    out: Array = np.zeros(shape, work)
    if prod(shape) and gradients.size:
        by_channel = gradients.astype(work, copy=False).reshape(*gradients.shape[:3], *shape[2:])
        wide = images.astype(work, copy=False)
        for i in rows.taps:
            top, bottom = rows.valid(i)
            for j in columns.taps:
                left, right = columns.valid(j)
                if top < bottom and left < right:
                    part = wide[:, rows.source(i, top, bottom), columns.source(j, left, right)]
                    out[i, j] = np.einsum("nhwc,nhwcm->cm", part, by_channel[:, top:bottom, left:right])
    return out.astype(x.dtype, copy=False)
