"""Convolution, pooling and rectifiers over quantised numbers (tensorflow/core/kernels/quantized_*).

A quantised tensor comes as plain integers with the floats that its lowest and highest integer stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._convolution import convolve, pack_filter
from smcli.kernels._windows import check_bytes, spatial_only, window
from smcli.kernels.context import Array
from smcli.kernels.pool import fold, pool_windows, window_counts
from smcli.kernels.registry import kernel


def _one(name: str, value: Array) -> np.float32:
    """The only element, whatever the rank: what convolutions take."""
    if value.size != 1:
        raise InvalidArgumentError(f"{name} must be a scalar, but has shape {list(value.shape)}")
    return np.float32(value.item())


def _scalar(name: str, value: Array) -> np.float32:
    if value.ndim:
        raise InvalidArgumentError(f"{name} must be rank 0 but is rank {value.ndim}")
    return np.float32(value)


def _round_away(x: float) -> int:
    """C's round: halves away from zero."""
    return int(np.copysign(np.floor(abs(x) + 0.5), x)) if np.isfinite(x) else 0


def quantized_unclamped(value: float, low: np.float32, high: np.float32, dtype: np.dtype[Any]) -> int:
    """The integer that stands for `value` in a range, without bounds (quantization_utils.h)."""
    info = np.iinfo(dtype)
    if low == high:
        return int(info.min)
    steps = 2**info.bits
    width = (float(high) - float(low)) * (steps / (steps - 1.0))
    scale = steps / width
    return _round_away(value * scale) - _round_away(float(low) * scale) + int(info.min)


def quantized(value: float, low: np.float32, high: np.float32, dtype: np.dtype[Any]) -> int:
    """The integer that stands for `value` in a range, within the dtype."""
    info = np.iinfo(dtype)
    return min(max(quantized_unclamped(value, low, high, dtype), int(info.min)), int(info.max))


def _one_level(low: np.float32, high: np.float32, dtype: np.dtype[Any]) -> np.float32:
    info = np.iinfo(dtype)
    return np.float32((high - low) / np.float32(int(info.max) - int(info.min)))


def range_of_product(
    a: tuple[np.float32, np.float32, np.dtype[Any]], b: tuple[np.float32, np.float32, np.dtype[Any]]
) -> tuple[np.float32, np.float32]:
    """The floats that the lowest and highest int32 stand for in a sum of products."""
    level = _one_level(*a) * _one_level(*b)
    return level * np.float32(-(2**31)), level * np.float32(2**31 - 1)


@kernel("QuantizedConv2D")
def quantized_conv2d(
    x: Array,
    filter: Array,
    min_input: Array,
    max_input: Array,
    min_filter: Array,
    max_filter: Array,
    *,
    strides: Sequence[int],
    padding: str,
    dilations: Sequence[int] = (1, 1, 1, 1),
) -> tuple[Array, np.float32, np.float32]:
    """Convolution of quint8 images with a quint8 or qint8 filter: qint32 sums, and the floats of its range."""
    stride = spatial_only("strides", strides, "NHWC", 4, InvalidArgumentError)
    if stride[0] != stride[1]:
        raise InvalidArgumentError(
            "Current implementation only supports equal length strides in the row and column dimensions."
        )
    if any(dilation != 1 for dilation in dilations) or len(dilations) != 4:
        raise InvalidArgumentError("Current implementation does not yet support dilations in any dimension.")
    for name, value in (("input", x), ("filter", filter)):
        if value.ndim != 4:
            raise InvalidArgumentError(f"{name} must be rank 4 but is rank {value.ndim}")
    if x.shape[3] != filter.shape[2]:
        raise InvalidArgumentError(f"input and filter must have the same depth: {x.shape[3]} vs {filter.shape[2]}")
    if filter.size == 0:
        raise InvalidArgumentError(f"filter must not have zero elements: {list(filter.shape)}")
    a = (_one("min_input", min_input), _one("max_input", max_input), x.dtype)
    b = (_one("min_filter", min_filter), _one("max_filter", max_filter), filter.dtype)
    rows, columns = (window(x.shape[1 + axis], filter.shape[axis], stride[axis], 1, padding) for axis in (0, 1))
    check_bytes((x.shape[0], rows.out, columns.out, filter.shape[3]), 8)
    # Sums of fewer than 2^21 products of 9- and 10-bit numbers are exact in float64, and its GEMM is fast.
    images = x.astype(np.float64) - quantized_unclamped(0.0, *a)
    taps = filter.astype(np.float64) - quantized_unclamped(0.0, *b)
    sums = convolve(images, pack_filter(taps, 1), rows, columns)
    return np.clip(sums, -(2.0**31), 2.0**31 - 1).astype(np.int32), *range_of_product(a, b)


@kernel("QuantizedMaxPool")
def quantized_max_pool(
    x: Array, min_input: Array, max_input: Array, *, ksize: Sequence[int], strides: Sequence[int], padding: str
) -> tuple[Array, np.float32, np.float32]:
    """Maxima of the integers over 2-D windows; the range stays."""
    span = _scalar("min_input", min_input), _scalar("max_input", max_input)
    if x.ndim != 4:
        raise InvalidArgumentError(f"tensor_in must be 4-dimensional: {list(x.shape)}")
    pooled = x
    for axis, along in enumerate(pool_windows(x.shape, ksize, strides, padding, "NHWC"), start=1):
        pooled = fold(pooled, axis, along, np.maximum, np.iinfo(x.dtype).min)
    return pooled.copy() if pooled is x else pooled, *span


@kernel("QuantizedAvgPool")
def quantized_avg_pool(
    x: Array, min_input: Array, max_input: Array, *, ksize: Sequence[int], strides: Sequence[int], padding: str
) -> tuple[Array, np.float32, np.float32]:
    """Means of the integers over 2-D windows, rounded towards zero; the range stays."""
    span = _scalar("min_input", min_input), _scalar("max_input", max_input)
    if x.ndim != 4:
        raise InvalidArgumentError(f"tensor_in must be 4-dimensional: {list(x.shape)}")
    windows = pool_windows(x.shape, ksize, strides, padding, "NHWC")
    sums = x.astype(np.int32)
    for axis, along in enumerate(windows, start=1):
        sums = fold(sums, axis, along, np.add, 0)
    counts = window_counts(windows, np.dtype(np.int32))
    means = np.sign(sums) * (np.abs(sums) // np.maximum(counts, 1))
    return means.astype(x.dtype), *span


@kernel("QuantizedRelu")
def quantized_relu(features: Array, min_features: Array, max_features: Array) -> tuple[Array, np.float32, np.float32]:
    """The integers, but no lower than the one for 0; the range stays."""
    span = _scalar("min_features", min_features), _scalar("max_features", max_features)
    bottom = quantized(0.0, *span, features.dtype)
    return np.maximum(features, features.dtype.type(bottom)), *span


@kernel("QuantizedRelu6")
def quantized_relu6(features: Array, min_features: Array, max_features: Array) -> tuple[Array, np.float32, np.float32]:
    """The integers between those for 0 and 6; the range stays."""
    span = _scalar("min_features", min_features), _scalar("max_features", max_features)
    as_type = features.dtype.type
    bottom, top = (as_type(quantized(value, *span, features.dtype)) for value in (0.0, 6.0))
    return np.minimum(np.maximum(features, bottom), top), *span
