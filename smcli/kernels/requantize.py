"""Integer arithmetic on quantised tensors: requantisation, QuantizedMatMul.

Source of the fixed-point steps: tensorflow/core/kernels/quantization_utils.h.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._numbers import Numbers
from smcli.kernels.context import Array
from smcli.kernels.matmul import product
from smcli.kernels.quantize import dequantised, quantised, round_half_away, whole_range
from smcli.kernels.quantized_nn import quantized_unclamped, range_of_product
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

_F = np.float32


def _scalar(name: str, value: Array) -> Array:
    """The range input as a 0-d array. Raises InvalidArgumentError for other shapes."""
    if value.size != 1:
        raise InvalidArgumentError(f"{name} must be a scalar, not shape {list(value.shape)}")
    return np.asarray(value).reshape(())


# ---- requantisation


def _to_float(value: int, low: Array, high: Array, dtype: np.dtype[Any]) -> np.float32:
    """What one quantised integer stands for (QuantizedToFloat: in float64, but for the rounded start)."""
    if low == high:
        return _F(low)
    lowest, highest = whole_range(dtype)
    steps = highest - lowest + 1
    scale = float(np.subtract(high, low)) * (steps / (steps - 1.0)) / steps
    start = float(round_half_away(np.asarray(float(low) / float(_F(scale))))) * float(_F(scale))
    return _F(start + (value - lowest) * scale)


def _used_range(x: Array, low: Array, high: Array) -> tuple[np.float32, np.float32]:
    """The floats that the smallest and largest integer of x stand for, the first at most 0.

    Of no integers, the smallest is the largest of all, and the other way round.
    """
    lowest, highest = np.iinfo(x.dtype).min, np.iinfo(x.dtype).max
    bottom = _to_float(int(x.min(initial=highest)), low, high, x.dtype)
    return min(_F(0), bottom), _to_float(int(x.max(initial=lowest)), low, high, x.dtype)


def _in_new_range(x: Array, low: Array, high: Array, new_low: Array, new_high: Array, dtype: np.dtype[Any]) -> Numbers:
    """x, quantised over one range, quantised over another."""
    if dtype != np.uint8 or x.dtype != np.int32:
        return quantised(dequantised(x, low, high), new_low, new_high, dtype)
    shift = 16
    span, new_span = np.subtract(high, low), np.subtract(new_high, new_low)
    inverse = _F(0 if new_span == 0 else 255.0 / float(new_span))
    middle = _F((float(np.add(low, high))) / 2.0)
    if new_span == 0:
        scale, offset = 0, 0
    else:
        scale = int(255.0 * (1 << shift) * float(span) / float(new_span))
        offset = int((1 << shift) * (float(new_low) * 255.0) / float(new_span))
    start = int(_F(middle * inverse) * _F(1 << shift))
    steps = ((x.astype(np.int64) * np.int64(scale)) >> np.int64(32)) + np.int64(start - offset + (1 << (shift - 1)))
    return np.clip(steps >> np.int64(shift), 0, 255).astype(np.uint8)


@kernel("RequantizationRange")
def requantization_range(x: Array, input_min: Array, input_max: Array) -> tuple[Numbers, Numbers]:
    """The range of floats that the values of x take up, 0 included below.

    Of ranges with several elements the first counts. Raises InvalidArgumentError for those without any.
    """
    for name, bound in (("input_min", input_min), ("input_max", input_max)):
        if bound.size == 0:
            raise InvalidArgumentError(f"{name} has no elements")
    return _used_range(x, input_min.reshape(-1)[0], input_max.reshape(-1)[0])


@kernel("Requantize")
def requantize(
    x: Array, input_min: Array, input_max: Array, new_min: Array, new_max: Array, *, out_type: DataType
) -> tuple[Numbers, Numbers, Numbers]:
    """x in another dtype over the range asked for. Raises InvalidArgumentError for a range that leaves out 0."""
    low, high = _scalar("input_min", input_min), _scalar("input_max", input_max)
    bottom, top = _scalar("requested_output_min", new_min), _scalar("requested_output_max", new_max)
    if bottom > 0:
        raise InvalidArgumentError(f"requested_output_min must be <= 0, but got {bottom}")
    if top < bottom:
        raise InvalidArgumentError(f"requested_output_max must be >= requested_output_min, but got {top} and {bottom}")
    return _in_new_range(x, low, high, bottom, top, out_type.numpy), bottom, top


@kernel("QuantizeDownAndShrinkRange")
def quantize_down_and_shrink_range(
    x: Array, input_min: Array, input_max: Array, *, out_type: DataType
) -> tuple[Numbers, Numbers, Numbers]:
    """x in a narrower dtype over the range that its values take up. Raises InvalidArgumentError for ranges that are not
    of rank 0."""
    for name, bound in (("input_min", input_min), ("input_max", input_max)):
        if bound.ndim:
            raise InvalidArgumentError(f"`{name}` must be rank 0 but is rank {bound.ndim}")
    low, high = _scalar("input_min", input_min), _scalar("input_max", input_max)
    bottom, top = (np.asarray(v) for v in _used_range(x, low, high))
    return _in_new_range(x, low, high, bottom, top, out_type.numpy), bottom, top


# ---- arithmetic


@kernel("QuantizedMatMul")
def quantized_matmul(
    a: Array,
    b: Array,
    min_a: Array,
    max_a: Array,
    min_b: Array,
    max_b: Array,
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
) -> tuple[Numbers, Numbers, Numbers]:
    """The product of two quantised matrices in 32-bit integers, and the range that all of those stand for.

    Raises InvalidArgumentError for ranges that are not scalars and matrices that do not fit.
    """
    ranges = [_scalar(name, v) for name, v in zip(("min_a", "max_a", "min_b", "max_b"), (min_a, max_a, min_b, max_b))]
    for name, matrix in (("a", a), ("b", b)):
        if matrix.ndim != 2:
            raise InvalidArgumentError(f"In[{'ab'.index(name)}] is not a matrix")
    left = a.T if transpose_a else a
    right = b.T if transpose_b else b
    if left.shape[1] != right.shape[0]:
        raise InvalidArgumentError(f"Matrix size-compatible: In[0]: {list(a.shape)}, In[1]: {list(b.shape)}")
    a_range = (_F(ranges[0]), _F(ranges[1]), a.dtype)
    b_range = (_F(ranges[2]), _F(ranges[3]), b.dtype)
    left = left.astype(np.int32) - np.int32(quantized_unclamped(0.0, *a_range))
    right = right.astype(np.int32) - np.int32(quantized_unclamped(0.0, *b_range))
    return product(left, right, np.dtype(np.int32)), *range_of_product(a_range, b_range)
