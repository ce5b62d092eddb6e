"""Integer arithmetic on quantised tensors: requantisation, QuantizedMatMul, the UniformQuantized ops.

Sources of the fixed-point steps: tensorflow/core/kernels/quantization_utils.h and uniform_quant_ops/math_utils.h.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._numbers import Numbers
from smcli.kernels.context import Array
from smcli.kernels.matmul import product
from smcli.kernels.quantize import along, dequantised, quantised, round_half_away, whole_range
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


# ---- the UniformQuantized family


def _scales(x_shape: tuple[int, ...], scales: Array, zero_points: Array, axis: int) -> tuple[Array, Array]:
    """Scales and zero points shaped to broadcast against x. Raises InvalidArgumentError when they do not fit."""
    if not -1 <= axis < len(x_shape):
        raise InvalidArgumentError(f"quantization_axis must be -1 or within the rank {len(x_shape)}, given {axis}")
    wanted = () if axis == -1 else (x_shape[axis],)
    for name, value in (("scales", scales), ("zero_points", zero_points)):
        if value.shape != wanted:
            raise InvalidArgumentError(f"{name} shape must be {list(wanted)}, but given {list(value.shape)}")
    if axis == -1:
        return scales, zero_points
    return along(scales, len(x_shape), axis), along(zero_points, len(x_shape), axis)


def _check_positive(scales: Array) -> None:
    if (scales <= 0).any():
        raise InvalidArgumentError("scales elements must be all positive.")


def _check_limits(low: int, high: int) -> None:
    if low > high:
        raise InvalidArgumentError(
            f"quantization_min_val must not be above quantization_max_val, given {low} and {high}"
        )


def _affine_quantised(x: Array, inverse: Array, zero: Array, low: int, high: int, dtype: np.dtype[Any]) -> Numbers:
    steps = np.floor(x * inverse + _F(0.5)).astype(np.int32) + zero
    return np.maximum(np.minimum(steps, np.int32(high)), np.int32(low)).astype(dtype)


@kernel("UniformQuantize")
def uniform_quantize(
    x: Array,
    scales: Array,
    zero_points: Array,
    *,
    Tout: DataType,
    quantization_axis: int = -1,
    quantization_min_val: int,
    quantization_max_val: int,
) -> Numbers:
    """floor(x / scale + 1/2) + zero point, kept within the limits. Raises InvalidArgumentError."""
    _check_limits(quantization_min_val, quantization_max_val)
    scale, zero = _scales(x.shape, scales, zero_points, quantization_axis)
    inverse = np.divide(_F(1), scale)
    return _affine_quantised(x, inverse, zero, quantization_min_val, quantization_max_val, Tout.numpy)


@kernel("UniformDequantize")
def uniform_dequantize(
    x: Array, scales: Array, zero_points: Array, *, Tout: DataType, quantization_axis: int = -1
) -> Numbers:
    """(x - zero point) * scale. Raises InvalidArgumentError for scales that do not fit."""
    scale, zero = _scales(x.shape, scales, zero_points, quantization_axis)
    _check_positive(scales)
    return ((x.astype(np.int32) - zero).astype(np.float32) * scale).astype(Tout.numpy)


def _multipliers(factors: Array) -> tuple[Array, Array]:
    """Positive factors as (31-bit integer, shift). Raises InvalidArgumentError for others."""
    fixed, shifts = [], []
    for factor in factors.reshape(-1).tolist():
        if not (math.isfinite(factor) and factor > 0):
            raise InvalidArgumentError(f"double_multiplier must be a poisitive finite number. Given {factor}")
        mantissa, shift = math.frexp(factor)
        whole = math.floor(mantissa * 2**31 + 0.5)
        if whole == 2**31:
            whole, shift = whole // 2, shift + 1
        if shift < -31:
            whole, shift = 0, 0
        if shift > 30:
            whole, shift = 2**31 - 1, 30
        fixed.append(whole)
        shifts.append(shift)
    return np.array(fixed, np.int64).reshape(factors.shape), np.array(shifts, np.int64).reshape(factors.shape)


def _rescaled(x: Array, factors: Array, zero: Array, low: int, high: int, dtype: np.dtype[Any]) -> Numbers:
    """x times factors in fixed point, plus the zero point, kept within the limits."""
    multiplier, shift = _multipliers(factors)
    total = np.int64(31) - shift
    scaled = (x.astype(np.int64) * multiplier + (np.int64(1) << (total - np.int64(1)))) >> total
    info = np.iinfo(np.int32)
    moved = np.clip(scaled, info.min, info.max) + zero
    return np.clip(moved, low, high).astype(dtype)


def _check_dot(lhs: Array, rhs: Array) -> None:
    for name, operand in (("lhs", lhs), ("rhs", rhs)):
        if operand.ndim != 2:
            raise InvalidArgumentError(f"{name} rank must be 2, but given {name} shape {list(operand.shape)}")
    if lhs.shape[1] != rhs.shape[0]:
        raise InvalidArgumentError(
            "lhs.dim_size(1) and rhs.dim_size(0) must be equal, but given lhs shape "
            f"{list(lhs.shape)} and rhs shape {list(rhs.shape)}"
        )


@kernel("UniformQuantizedDot")
def uniform_quantized_dot(
    lhs: Array,
    rhs: Array,
    lhs_scales: Array,
    lhs_zero_points: Array,
    rhs_scales: Array,
    rhs_zero_points: Array,
    output_scales: Array,
    output_zero_points: Array,
    *,
    Tout: DataType,
    output_quantization_min_val: int,
    output_quantization_max_val: int,
) -> Numbers:
    """The product of two quantised matrices, in steps of its own; the right side and the result may be by column.

    Raises InvalidArgumentError for shapes and scales that do not fit.
    """
    _check_dot(lhs, rhs)
    _scales(lhs.shape, lhs_scales, lhs_zero_points, -1)
    rhs_scale, rhs_zero = _scales(rhs.shape, rhs_scales, rhs_zero_points, -1 if rhs_scales.ndim == 0 else 1)
    out_shape = (lhs.shape[0], rhs.shape[1])
    out_scale, out_zero = _scales(out_shape, output_scales, output_zero_points, -1 if output_scales.ndim == 0 else 1)
    if output_scales.ndim and not rhs_scales.ndim:
        raise InvalidArgumentError("If output is per-channel quantized, rhs must be per-channel quantized too.")
    for scales in (lhs_scales, rhs_scales, output_scales):
        _check_positive(scales)
    total = product(lhs.astype(np.int32) - lhs_zero_points, rhs.astype(np.int32) - rhs_zero, np.dtype(np.int32))
    factors = np.asarray(lhs_scales.astype(np.float64) * rhs_scale.astype(np.float64) / out_scale.astype(np.float64))
    low, high = output_quantization_min_val, output_quantization_max_val
    return _rescaled(total, factors, out_zero, low, high, Tout.numpy)


def _asymmetric(rows: Array) -> tuple[Array, Array]:
    """Scale and zero point of int8 for each row, 0 exact (TFLite's AsymmetricQuantize)."""
    least, most = -128.0, 127.0
    low = np.minimum(rows.min(axis=1, initial=0), 0).astype(np.float64)
    high = np.maximum(rows.max(axis=1, initial=0), 0).astype(np.float64)
    flat = low == high
    scale = np.where(flat, 1.0, (high - low) / (most - least))
    from_low, from_high = least - low / scale, most - high / scale
    nearer_low = 128.0 + np.abs(low / scale) < 127.0 + np.abs(high / scale)
    zero = np.clip(round_half_away(np.where(nearer_low, from_low, from_high)), least, most)
    return scale.astype(np.float32)[:, None], np.where(flat, 0, zero).astype(np.int32)[:, None]


@kernel("UniformQuantizedDotHybrid")
def uniform_quantized_dot_hybrid(lhs: Array, rhs: Array, rhs_scales: Array, rhs_zero_points: Array) -> Numbers:
    """The product of floats, quantised row by row, with a quantised matrix; in float32.

    Raises InvalidArgumentError for shapes and scales that do not fit.
    """
    _check_dot(lhs, rhs)
    rhs_scale, rhs_zero = _scales(rhs.shape, rhs_scales, rhs_zero_points, -1 if rhs_scales.ndim == 0 else 1)
    _check_positive(rhs_scales)
    scale, zero = _asymmetric(lhs)
    left = _affine_quantised(lhs, np.divide(_F(1), scale), zero, -128, 127, np.dtype(np.int32))
    total = product(left - zero, rhs.astype(np.int32) - rhs_zero, np.dtype(np.int32))
    return total.astype(np.float32) * scale * rhs_scale


@kernel("UniformRequantize")
def uniform_requantize(
    x: Array,
    input_scales: Array,
    input_zero_points: Array,
    output_scales: Array,
    output_zero_points: Array,
    *,
    Tout: DataType,
    input_quantization_axis: int = -1,
    output_quantization_axis: int = -1,
    output_quantization_min_val: int,
    output_quantization_max_val: int,
) -> Numbers:
    """x in steps of another size, kept within the limits. Raises InvalidArgumentError for scales that do not fit."""
    axes = {axis for axis in (input_quantization_axis, output_quantization_axis) if axis != -1}
    if len(axes) > 1:
        raise InvalidArgumentError("If input and output are both per-axis quantized, the axes must be same.")
    in_scale, in_zero = _scales(x.shape, input_scales, input_zero_points, input_quantization_axis)
    out_scale, out_zero = _scales(x.shape, output_scales, output_zero_points, output_quantization_axis)
    for scales in (input_scales, output_scales):
        _check_positive(scales)
    factors = np.asarray(in_scale.astype(np.float64) / out_scale.astype(np.float64))
    shifted = x.astype(np.int32) - in_zero
    return _rescaled(shifted, factors, out_zero, output_quantization_min_val, output_quantization_max_val, Tout.numpy)


@kernel("UniformQuantizedClipByValue")
def uniform_quantized_clip_by_value(
    x: Array, low: Array, high: Array, scales: Array, zero_points: Array, *, quantization_axis: int = -1
) -> Numbers:
    """x between two bounds in its own steps. Raises InvalidArgumentError for bounds that do not fit."""
    _scales(x.shape, scales, zero_points, quantization_axis)
    _check_positive(scales)
    for name, bound in (("min", low), ("max", high)):
        if bound.shape != scales.shape:
            raise InvalidArgumentError(f"{name} shape must be {list(scales.shape)}, but given {list(bound.shape)}")
    if quantization_axis != -1:
        low, high = along(low, x.ndim, quantization_axis), along(high, x.ndim, quantization_axis)
    return np.maximum(np.minimum(x, high), low)
