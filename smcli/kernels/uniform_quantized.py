"""Uniformly quantised tensors, which are integers with scales and zero points: in and out, sums, products, bounds.

Semantics: tensorflow/core/kernels/uniform_quant_ops.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._checks import check_int32
from smcli.kernels._numbers import Numbers
from smcli.kernels._uniform import (
    affine_quantised,
    by_float,
    check_channels,
    check_positive,
    checked_scales,
    product_factors,
    rescaled,
    steps_of_rows,
)
from smcli.kernels.context import Array
from smcli.kernels.matmul import product
from smcli.kernels.quantize import along
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

_F = np.float32
INT32 = np.iinfo(np.int32)


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
    check_int32(quantization_min_val, quantization_max_val)
    scale, zero = checked_scales(x.shape, scales, zero_points, quantization_axis)
    inverse = np.divide(_F(1), scale)
    return affine_quantised(x, inverse, zero, quantization_min_val, quantization_max_val, Tout.numpy)


@kernel("UniformDequantize")
def uniform_dequantize(
    x: Array, scales: Array, zero_points: Array, *, Tout: DataType, quantization_axis: int = -1
) -> Numbers:
    """(x - zero point) * scale. Raises InvalidArgumentError for scales that do not fit."""
    scale, zero = checked_scales(x.shape, scales, zero_points, quantization_axis)
    check_positive(scales)
    return ((x.astype(np.int32) - zero).astype(np.float32) * scale).astype(Tout.numpy)


def _check_dot(lhs: Array, rhs: Array) -> None:
    for name, operand in (("lhs", lhs), ("rhs", rhs)):
        if operand.ndim != 2:
            raise InvalidArgumentError(f"{name} rank must be 2, but given {name} shape {list(operand.shape)}")
    if lhs.shape[1] != rhs.shape[0]:
        raise InvalidArgumentError(
            "lhs.dim_size(1) and rhs.dim_size(0) must be equal, but given lhs shape "
            f"{list(lhs.shape)} and rhs shape {list(rhs.shape)}"
        )


def _check_columns(name: str, axis: int) -> None:
    if axis not in (-1, 1):
        raise InvalidArgumentError(f"{name}_quantization_axis Attr must be 1 (per-channel) or -1 (per-tensor).")


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
    lhs_quantization_axis: int = -1,
    rhs_quantization_axis: int = -1,
    output_quantization_axis: int = -1,
    output_quantization_min_val: int,
    output_quantization_max_val: int,
) -> Numbers:
    """The product of two quantised matrices, in steps of its own; the right side and the result may be by column.

    Raises InvalidArgumentError for shapes and scales that do not fit.
    """
    if lhs_quantization_axis != -1:
        raise InvalidArgumentError("lhs_quantization_axis Attr must be -1 (per-tensor).")
    _check_columns("rhs", rhs_quantization_axis)
    _check_columns("output", output_quantization_axis)
    _check_dot(lhs, rhs)
    checked_scales(lhs.shape, lhs_scales, lhs_zero_points, -1)
    rhs_scale, rhs_zero = checked_scales(rhs.shape, rhs_scales, rhs_zero_points, -1 if rhs_scales.ndim == 0 else 1)
    out_shape = (lhs.shape[0], rhs.shape[1])
    out_scale, out_zero = checked_scales(
        out_shape, output_scales, output_zero_points, -1 if output_scales.ndim == 0 else 1
    )
    check_channels(rhs_scales, output_scales)
    check_positive(lhs_scales, rhs_scales, output_scales)
    total = product(lhs.astype(np.int32) - lhs_zero_points, rhs.astype(np.int32) - rhs_zero, np.dtype(np.int32))
    factors = product_factors(lhs_scales, rhs_scale, out_scale)
    low, high = output_quantization_min_val, output_quantization_max_val
    return rescaled(total, factors, out_zero, low, high, Tout.numpy)


@kernel("UniformQuantizedDotHybrid")
def uniform_quantized_dot_hybrid(
    lhs: Array, rhs: Array, rhs_scales: Array, rhs_zero_points: Array, *, rhs_quantization_axis: int = -1
) -> Numbers:
    """The product of floats, quantised row by row, with a quantised matrix; in float32.

    Raises InvalidArgumentError for shapes and scales that do not fit.
    """
    _check_columns("rhs", rhs_quantization_axis)
    _check_dot(lhs, rhs)
    rhs_scale, rhs_zero = checked_scales(rhs.shape, rhs_scales, rhs_zero_points, -1 if rhs_scales.ndim == 0 else 1)
    check_positive(rhs_scales)
    left, scale = steps_of_rows(lhs)
    total = product(left, rhs.astype(np.int32) - rhs_zero, np.dtype(np.int32))
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
    in_scale, in_zero = checked_scales(x.shape, input_scales, input_zero_points, input_quantization_axis)
    out_scale, out_zero = checked_scales(x.shape, output_scales, output_zero_points, output_quantization_axis)
    check_positive(input_scales, output_scales)
    factors = np.asarray(in_scale.astype(np.float64) / out_scale.astype(np.float64))
    shifted = by_float(x) - in_zero
    return rescaled(shifted, factors, out_zero, output_quantization_min_val, output_quantization_max_val, Tout.numpy)


@kernel("UniformQuantizedClipByValue")
def uniform_quantized_clip_by_value(
    x: Array, low: Array, high: Array, scales: Array, zero_points: Array, *, quantization_axis: int = -1
) -> Numbers:
    """x between two bounds in its own steps. Raises InvalidArgumentError for bounds that do not fit."""
    checked_scales(x.shape, scales, zero_points, quantization_axis)
    for name, bound in (("min", low), ("max", high)):
        if bound.shape != scales.shape:
            raise InvalidArgumentError(f"{name} shape must be {list(scales.shape)}, but given {list(bound.shape)}")
    if quantization_axis != -1:
        low, high = along(low, x.ndim, quantization_axis), along(high, x.ndim, quantization_axis)
    return np.maximum(np.minimum(x, high), low)


@kernel("UniformQuantizedAdd")
def uniform_quantized_add(
    lhs: Array,
    rhs: Array,
    lhs_scales: Array,
    lhs_zero_points: Array,
    rhs_scales: Array,
    rhs_zero_points: Array,
    output_scales: Array,
    output_zero_points: Array,
    *,
    lhs_quantization_axis: int = -1,
    rhs_quantization_axis: int = -1,
    output_quantization_axis: int = -1,
    output_quantization_min_val: int,
    output_quantization_max_val: int,
) -> Numbers:
    """The sum of two tensors that broadcast, each brought to the steps of the result first."""
    check_int32(output_quantization_min_val, output_quantization_max_val)
    axes = {"lhs": lhs_quantization_axis, "rhs": rhs_quantization_axis, "output": output_quantization_axis}
    checked_scales(lhs.shape, lhs_scales, lhs_zero_points, lhs_quantization_axis)
    checked_scales(rhs.shape, rhs_scales, rhs_zero_points, rhs_quantization_axis)
    try:
        shape = np.broadcast_shapes(lhs.shape, rhs.shape)
    except ValueError:
        raise InvalidArgumentError(f"Cannot Add tensors of shapes: {list(lhs.shape)}{list(rhs.shape)}") from None
    _, zero = checked_scales(shape, output_scales, output_zero_points, output_quantization_axis)
    for name, x in (("lhs", lhs), ("rhs", rhs)):
        if min(axes[name], axes["output"]) >= 0 and x.ndim - axes[name] != len(shape) - axes["output"]:
            raise InvalidArgumentError(
                f"If {name} and output is both per-axis quantized, the quantization axis must match."
            )
    check_positive(lhs_scales, rhs_scales, output_scales)
    total = zero.astype(np.int64)
    for x, scales, points, axis in (
        (lhs, lhs_scales, lhs_zero_points, axes["lhs"]),
        (rhs, rhs_scales, rhs_zero_points, axes["rhs"]),
    ):
        scale, point = checked_scales(x.shape, scales, points, axis)
        target, _ = checked_scales(x.shape, output_scales, output_zero_points, axis if output_scales.ndim else -1)
        factors = np.asarray(scale.astype(np.float64) / target.astype(np.float64))
        nothing = np.zeros((), np.int32)
        steps = rescaled(by_float(x) - point, factors, nothing, INT32.min, INT32.max, x.dtype)
        total = total + by_float(steps)
    wrapped = total.astype(np.int32)
    return np.clip(wrapped, output_quantization_min_val, output_quantization_max_val).astype(lhs.dtype)
