"""Pooling: maximum and average over 2-D and 3-D windows, with argmax, and the gradients.

Maxima and sums over a box are taken one axis at a time, each as a few shifted passes over whole arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError, UnimplementedError
from smcli.kernels._convolution import compute_dtype
from smcli.kernels._half_sums import rounded
from smcli.kernels._windows import (
    Window,
    channels_first,
    check_bytes,
    explicit_pairs,
    from_channels_last,
    per_dimension,
    shifted_same,
    to_channels_last,
    window,
)
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

_BEYOND = (
    "a gradient that does not fit the windows is refused, where TensorFlow reads beyond it or leaves some of it out"
)
DEVIATIONS = {"AvgPoolGrad": _BEYOND, "AvgPool3DGrad": _BEYOND}


def lowest(dtype: np.dtype[Any]) -> Any:
    """The smallest finite value of a dtype."""
    if dtype.kind in "iu":
        return dtype.type(np.iinfo(dtype).min)
    if dtype.kind == "f":
        return dtype.type(np.finfo(dtype).min)
    import ml_dtypes

    return dtype.type(ml_dtypes.finfo(dtype).min)  # type: ignore[no-untyped-call]


def pool_windows(
    shape: Sequence[int],
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str,
    explicit_paddings: Sequence[int] = (),
) -> tuple[Window, ...]:
    """The windows of the spatial axes of a channels-last `shape`.

    Raises InvalidArgumentError for bad attrs, UnimplementedError for pooling over the batch or the channels.
    """
    rank = len(shape)
    batch, sizes, channel = per_dimension("ksize", ksize, data_format, rank)
    batch_stride, steps, channel_stride = per_dimension("strides", strides, data_format, rank)
    if min(batch, channel, *sizes) < 1:
        raise InvalidArgumentError(
            f"Sliding window ksize must be positive. The specified or inferred ksize is: {list(ksize)}"
        )
    if min(batch_stride, channel_stride, *steps) < 1:
        raise InvalidArgumentError(
            f"Sliding window strides must be positive. The specified strides are: {list(strides)}"
        )
    if batch != 1 or batch_stride != 1:
        raise UnimplementedError("Pooling is not yet supported on the batch dimension.")
    if channel != 1 or channel_stride != 1:
        raise UnimplementedError("Pooling is not yet supported on the depth dimension together with spatial ones.")
    pads = explicit_pairs(padding, explicit_paddings, data_format, rank)
    for size, (before, after) in zip(sizes, pads, strict=True):
        if before >= size or after >= size:
            raise InvalidArgumentError(f"Padding {[before, after]} needs to be smaller than the window size {size}")
    windows = tuple(
        window(shape[1 + axis], sizes[axis], steps[axis], 1, padding, *pads[axis]) for axis in range(rank - 2)
    )
    check_bytes((shape[0], *(axis.out for axis in windows), shape[-1]), 8)
    return windows


def _volume_windows(
    shape: Sequence[int], ksize: Sequence[int], strides: Sequence[int], padding: str, data_format: str
) -> tuple[Window, ...]:
    windows = pool_windows(shape, ksize, strides, padding, data_format)
    return tuple(shifted_same(along) for along in windows) if padding == "SAME" else windows


def _slices(axis: int, part: slice) -> tuple[slice, ...]:
    return (slice(None),) * axis + (part,)


def fold(x: Array, axis: int, along: Window, ufunc: np.ufunc, identity: Any) -> Array:
    """Combine the taps of a window along one axis by `ufunc`; padding counts as `identity`."""
    shape = (*x.shape[:axis], along.out, *x.shape[axis + 1 :])
    out: Array = np.empty(shape, x.dtype)
    written = False
    for tap in along.taps:
        low, high = along.valid(tap)
        if low >= high:
            continue
        part = x[_slices(axis, along.source(tap, low, high))]
        target = out[_slices(axis, slice(low, high))]
        if written:
            ufunc(target, part, out=target)
        else:  # the first tap that touches the input; padding elsewhere
            out[_slices(axis, slice(0, low))] = identity
            out[_slices(axis, slice(high, None))] = identity
            ufunc(part, identity, out=target)  # not a copy: a maximum drops NaN
            written = True
    if not written:
        out[...] = identity
    return out


def _max_pool(x: Array, windows: Sequence[Window]) -> Array:
    """Maxima over channels-last windows. NaN counts as nothing, and an empty window as the lowest finite value."""
    bottom = lowest(x.dtype)
    ufunc = np.maximum if x.dtype.kind in "iu" else np.fmax
    for axis, along in enumerate(windows, start=1):
        x = fold(x, axis, along, ufunc, bottom)
    return x


def _check_rank(x: Array, rank: int) -> None:
    if x.ndim != rank:
        raise InvalidArgumentError(f"tensor_in must be {rank}-dimensional: {list(x.shape)}")


@kernel("MaxPool")
def max_pool(
    x: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int] = (),
    data_format: str = "NHWC",
) -> Array:
    """Maxima over 2-D windows, or over groups of channels."""
    _check_rank(x, 4)
    if per_dimension("ksize", ksize, data_format, 4)[2] > 1:
        return _depth_pool(x, ksize, strides, data_format)
    images = to_channels_last(x, data_format)
    windows = pool_windows(images.shape, ksize, strides, padding, data_format, explicit_paddings)
    return from_channels_last(_max_pool(images, windows), data_format)


def _depth_pool(x: Array, ksize: Sequence[int], strides: Sequence[int], data_format: str) -> Array:
    """Maxima over groups of neighbouring channels."""
    batch, sizes, depth = per_dimension("ksize", ksize, data_format, 4)
    _, steps, stride = per_dimension("strides", strides, data_format, 4)
    if batch != 1 or any(size != 1 for size in sizes):
        raise UnimplementedError(
            "MaxPooling supports exactly one of pooling across depth or pooling across width/height."
        )
    images = to_channels_last(x, data_format)
    if images.shape[3] % depth:
        raise UnimplementedError("Depthwise max pooling requires the depth window to evenly divide the input depth.")
    if depth != stride:
        raise UnimplementedError("Depthwise max pooling requires the depth window to equal the depth stride.")
    if any(step != 1 for step in steps):
        raise UnimplementedError("Depthwise max pooling requires spatial strides of 1.")
    grouped = images.reshape(*images.shape[:3], -1, depth)
    return from_channels_last(np.maximum.reduce(grouped, axis=4), data_format)


@kernel("MaxPoolV2")
def max_pool_v2(x: Array, ksize: Array, strides: Array, *, padding: str, data_format: str = "NHWC") -> Array:
    """MaxPool with window and strides given as tensors of four numbers."""
    if ksize.shape != (4,):
        raise InvalidArgumentError(f"Sliding window ksize field must specify 4 dimensions: {list(ksize.shape)}")
    if strides.shape != (4,):
        raise InvalidArgumentError(f"Sliding window strides field must specify 4 dimensions: {list(strides.shape)}")
    return max_pool(x, ksize=ksize.tolist(), strides=strides.tolist(), padding=padding, data_format=data_format)


@kernel("MaxPool3D")
def max_pool_3d(
    x: Array, *, ksize: Sequence[int], strides: Sequence[int], padding: str, data_format: str = "NDHWC"
) -> Array:
    """Maxima over 3-D windows."""
    _check_rank(x, 5)
    volumes = to_channels_last(x, data_format)
    windows = _volume_windows(volumes.shape, ksize, strides, padding, data_format)
    pooled = _max_pool_with_nan if np.isnan(volumes).any() else _max_pool
    return from_channels_last(pooled(volumes, windows), data_format)


def _max_pool_with_nan(x: Array, windows: Sequence[Window]) -> Array:
    """Maxima as Eigen's 3-D pooling takes them: a NaN replaces what came before, and is replaced by what comes next."""
    shape = (x.shape[0], *(along.out for along in windows), x.shape[-1])
    best: Array = np.full(shape, lowest(x.dtype), x.dtype)
    for taps in product(*(along.taps for along in windows)):
        spans = [along.valid(tap) for along, tap in zip(windows, taps, strict=True)]
        if all(low < high for low, high in spans):
            source = tuple(along.source(tap, *span) for along, tap, span in zip(windows, taps, spans, strict=True))
            target = best[(slice(None), *(slice(*span) for span in spans))]
            part = x[(slice(None), *source)]
            np.copyto(target, part, where=~(target > part))
    return best


def window_counts(windows: Sequence[Window], dtype: np.dtype[Any]) -> Array:
    """How many input elements each window covers, of shape (…, 1): the padding does not count."""
    counts: Array = np.ones(1, dtype)
    for along in windows:
        start = np.arange(along.out) * along.stride - along.before
        covered = np.minimum(start + along.kernel, along.size) - np.maximum(start, 0)
        counts = counts[..., None] * covered.astype(dtype)
    result: Array = counts[0][..., None]
    return result


def _short_sums(x: Array, windows: Sequence[Window]) -> Array:
    """Sums over 2-D windows of float16, as float32: one element after the other, rounded to 16 bits each time. (oneDNN,
    which computes bfloat16, rounds once.)"""
    rows, columns = windows
    images = x.astype(np.float32)
    sums: Array = np.zeros((x.shape[0], rows.out, columns.out, x.shape[3]), np.float32)
    for row, column in product(rows.taps, columns.taps):
        (top, bottom), (left, right) = rows.valid(row), columns.valid(column)
        part = images[:, rows.source(row, top, bottom), columns.source(column, left, right)]
        target = sums[:, top:bottom, left:right]
        target[...] = rounded(np.add(target, part), x.dtype)
    return sums


def _avg_pool(x: Array, windows: Sequence[Window]) -> Array:
    """Means over channels-last windows, of the elements that they cover."""
    if x.dtype == np.float16 and len(windows) == 2:
        sums = _short_sums(x, windows)
    else:
        sums = x.astype(compute_dtype(x.dtype), copy=False)
        for axis, along in enumerate(windows, start=1):
            sums = fold(sums, axis, along, np.add, 0)
        if sums is x:
            sums = sums.copy()
    area = math.prod(along.kernel for along in windows)
    if all(along.padded <= along.size and not along.before for along in windows):
        sums /= sums.dtype.type(area)
    else:
        sums /= window_counts(windows, sums.dtype)
    return sums.astype(x.dtype, copy=False)


@kernel("AvgPool")
def avg_pool(
    x: Array, *, ksize: Sequence[int], strides: Sequence[int], padding: str, data_format: str = "NHWC"
) -> Array:
    """Means over 2-D windows; padding does not count."""
    _check_rank(x, 4)
    images = to_channels_last(x, data_format)
    windows = pool_windows(images.shape, ksize, strides, padding, data_format)
    return from_channels_last(_avg_pool(images, windows), data_format)


@kernel("AvgPool3D")
def avg_pool_3d(
    x: Array, *, ksize: Sequence[int], strides: Sequence[int], padding: str, data_format: str = "NDHWC"
) -> Array:
    """Means over 3-D windows; padding does not count."""
    _check_rank(x, 5)
    volumes = to_channels_last(x, data_format)
    windows = _volume_windows(volumes.shape, ksize, strides, padding, data_format)
    return from_channels_last(_avg_pool(volumes, windows), data_format)


# ---- Maximum with its position, and gradients


def argmax_positions(x: Array, windows: Sequence[Window]) -> tuple[Array, Array]:
    """The maxima of channels-last 2-D windows, and where each lies: row × columns + column of the image.

    The first of equals is taken; a NaN is kept until a number comes that it is not less than, as maxpooling_op.cc has
    it.
    """
    rows, columns = windows
    shape = (x.shape[0], rows.out, columns.out, x.shape[3])
    best: Array = np.full(shape, lowest(x.dtype), x.dtype)
    where: Array = np.full(shape, -1, np.int64)
    for i in rows.taps:
        top, bottom = rows.valid(i)
        for j in columns.taps:
            left, right = columns.valid(j)
            if top >= bottom or left >= right:
                continue
            row, column = rows.source(i, top, bottom), columns.source(j, left, right)
            part = x[:, row, column]
            target = best[:, top:bottom, left:right]
            place = where[:, top:bottom, left:right]
            better = (target < part) | (place < 0)
            at = np.arange(row.start, row.stop, row.step)[:, None] * columns.size + np.arange(
                column.start, column.stop, column.step
            )
            np.copyto(target, part, where=better)
            np.copyto(place, at[None, :, :, None], where=better)
    return best, where


def _flat_argmax(where: Array, x: Array, include_batch: bool) -> Array:
    """Positions in the image as positions in the flattened tensor (of one image, or of all)."""
    flat = where * x.shape[3] + np.arange(x.shape[3])
    if include_batch:
        flat += (np.arange(x.shape[0]) * math.prod(x.shape[1:])).reshape(-1, 1, 1, 1)
    result: Array = flat
    return result


@kernel("MaxPoolWithArgmax")
def max_pool_with_argmax(
    x: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    include_batch_in_index: bool = False,
    Targmax: DataType = DataType.INT64,
) -> tuple[Array, Array]:
    """Maxima over 2-D windows and their flattened positions ((row · columns + column) · channels + channel)."""
    _check_rank(x, 4)
    if x.size == 0:
        raise InvalidArgumentError("tensor_in must not be empty (2)")
    windows = pool_windows(x.shape, ksize, strides, padding, "NHWC")
    best, where = argmax_positions(x, windows)
    return best, _flat_argmax(where, x, include_batch_in_index).astype(Targmax.numpy)


def _scatter_add(size: int, places: Array, values: Array, dtype: np.dtype[Any]) -> Array:
    """Sums of `values` by place; integers wrap around."""
    total: Array = np.zeros(size, compute_dtype(dtype))
    np.add.at(total, places.ravel(), values.ravel().astype(total.dtype, copy=False))
    return total.astype(dtype, copy=False)


@kernel("MaxPoolGrad")
def max_pool_grad(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int] = (),
    data_format: str = "NHWC",
) -> Array:
    """The gradient goes to the first maximum of each window."""
    for name, value in (("tensor_in", orig_input), ("tensor_out", orig_output), ("out_backprop", grad)):
        if value.ndim != 4:
            raise InvalidArgumentError(f"{name} must be 4-dimensional: {list(value.shape)}")
    images = to_channels_last(orig_input, data_format)
    paddings = explicit_paddings if padding == "EXPLICIT" else ()  # else they are not looked at
    windows = pool_windows(images.shape, ksize, strides, padding, data_format, paddings)
    gradients = to_channels_last(grad, data_format)
    shape = (images.shape[0], *(along.out for along in windows), images.shape[3])
    if gradients.shape != shape or to_channels_last(orig_output, data_format).shape != shape:
        raise InvalidArgumentError(
            f"Expected orig_output and grad shapes to be {list(shape)}, but got {list(gradients.shape)}"
        )
    places = _flat_argmax(argmax_positions(images, windows)[1], images, True)
    out = _scatter_add(images.size, places, gradients, images.dtype).reshape(images.shape)
    return from_channels_last(out, data_format)


def window_attrs(ksize: Array, strides: Array) -> dict[str, list[int]]:
    """Window and strides that are given as tensors, as attrs. Raises InvalidArgumentError for other ranks than 4."""
    if ksize.shape != (4,) or strides.shape != (4,):
        raise InvalidArgumentError("Sliding window ksize and strides must specify 4 dimensions")
    return {"ksize": ksize.tolist(), "strides": strides.tolist()}


@kernel("MaxPoolGradV2")
def max_pool_grad_v2(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    ksize: Array,
    strides: Array,
    *,
    padding: str,
    data_format: str = "NHWC",
) -> Array:
    """MaxPoolGrad with window and strides given as tensors."""
    windows = window_attrs(ksize, strides)
    return max_pool_grad(orig_input, orig_output, grad, **windows, padding=padding, data_format=data_format)


@kernel("MaxPoolGradWithArgmax")
def max_pool_grad_with_argmax(
    x: Array,
    grad: Array,
    argmax: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    include_batch_in_index: bool = False,
) -> Array:
    """The gradient goes to the places that MaxPoolWithArgmax gave."""
    _check_rank(x, 4)
    windows = pool_windows(x.shape, ksize, strides, padding, "NHWC")
    shape = (x.shape[0], *(along.out for along in windows), x.shape[3])
    if grad.shape != shape or argmax.shape != shape:
        raise InvalidArgumentError(f"Expected grad and argmax shapes to be {list(shape)}, but got {list(grad.shape)}")
    places = argmax.astype(np.int64)
    if not include_batch_in_index:
        places = places + (np.arange(x.shape[0]) * math.prod(x.shape[1:])).reshape(-1, 1, 1, 1)
    if places.size and (places.min() < 0 or places.max() >= x.size):
        raise InvalidArgumentError(f"Invalid input index in argmax, should be within [0, {x.size})")
    return _scatter_add(x.size, places, grad, x.dtype).reshape(x.shape)


def _avg_pool_grad(
    sizes: Array, grad: Array, rank: int, ksize: Any, strides: Any, padding: str, data_format: str
) -> Array:
    if sizes.shape != (rank,):
        raise InvalidArgumentError(
            f"out_backprop must be {rank}-dimensional and orig_input_shape 1-dimensional with {rank} elements"
        )
    if grad.ndim != rank:
        raise InvalidArgumentError(f"out_backprop must be {rank}-dimensional: {list(grad.shape)}")
    shape = [int(size) for size in sizes]
    if min(shape) < 0:
        raise InvalidArgumentError(f"orig_input_shape must not be negative: {shape}")
    if channels_first(data_format):
        shape = [shape[0], *shape[2:], shape[1]]
    windows = pool_windows(shape, ksize, strides, padding, data_format)
    check_bytes(shape, 8)
    gradients = to_channels_last(grad, data_format)
    expected = (shape[0], *(along.out for along in windows), shape[-1])
    if gradients.shape != expected:
        raise InvalidArgumentError(f"out_backprop must have shape {list(expected)}, but has {list(gradients.shape)}")
    work = compute_dtype(grad.dtype)
    spread: Array = gradients.astype(work)
    for axis, along in enumerate(windows, start=1):
        if rank == 4 and along.kernel > along.size and along.before:
            spread = _spread_wide(spread, axis, along)
        else:
            counts = window_counts([along], work).reshape(-1, *(1,) * (rank - 1 - axis))
            spread = _unfold(spread / counts, axis, along)
    return from_channels_last(spread.astype(grad.dtype, copy=False), data_format)


def _spread_wide(x: Array, axis: int, along: Window) -> Array:
    """The adjoint of a mean over windows wider than the input, with the spans of avgpooling_op.cc (`GetBroadcastSize`).

    A window that starts in the padding and would end beyond the input counts as covering all from the first element,
    though the forward op does not see it so.
    """
    check_bytes((along.out, along.size), x.itemsize)
    begin = np.arange(along.out) * along.stride
    start = np.maximum(0, begin - along.before)
    size = np.where(begin < along.before, along.kernel + begin - along.before, along.kernel)
    size = np.where(start + along.kernel > along.size, np.minimum(along.size - start, along.kernel), size)
    place = np.arange(along.size)
    covered = (place >= start[:, None]) & (place < (start + size)[:, None])
    shares = (covered / size[:, None]).astype(x.dtype)
    return np.moveaxis(np.tensordot(x, shares, (axis, 0)), -1, axis)


def _unfold(x: Array, axis: int, along: Window) -> Array:
    """The adjoint of a sum over windows along one axis."""
    out: Array = np.zeros((*x.shape[:axis], along.size, *x.shape[axis + 1 :]), x.dtype)
    for tap in along.taps:
        low, high = along.valid(tap)
        if low < high:
            out[_slices(axis, along.source(tap, low, high))] += x[_slices(axis, slice(low, high))]
    return out


@kernel("AvgPoolGrad")
def avg_pool_grad(
    orig_input_shape: Array,
    grad: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str = "NHWC",
) -> Array:
    """Each gradient spread evenly over the elements that its window covers."""
    return _avg_pool_grad(orig_input_shape, grad, 4, ksize, strides, padding, data_format)


@kernel("AvgPool3DGrad")
def avg_pool_3d_grad(
    orig_input_shape: Array,
    grad: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str = "NDHWC",
) -> Array:
    """Each gradient spread evenly over the elements that its window covers."""
    return _avg_pool_grad(orig_input_shape, grad, 5, ksize, strides, padding, data_format)
