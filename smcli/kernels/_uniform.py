"""Scales, zero points and fixed-point steps of uniformly quantised tensors: what the UniformQuantized ops share.

Source: tensorflow/core/kernels/uniform_quant_ops/math_utils.h.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._checks import check_int32
from smcli.kernels._numbers import Numbers
from smcli.kernels.context import Array
from smcli.kernels.quantize import along, round_half_away

_F = np.float32


def checked_scales(x_shape: tuple[int, ...], scales: Array, zero_points: Array, axis: int) -> tuple[Array, Array]:
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


def check_positive(*scales: Array) -> None:
    """Raise InvalidArgumentError unless all elements of all scales are positive."""
    if any((one <= 0).any() for one in scales):
        raise InvalidArgumentError("scales elements must be all positive.")


def check_channels(rhs_scales: Array, output_scales: Array) -> None:
    """Raise InvalidArgumentError for a result of a product that is quantised by channel where its right side is not."""
    if output_scales.ndim and not rhs_scales.ndim:
        raise InvalidArgumentError("If output is per-channel quantized, rhs must be per-channel quantized too.")


def product_factors(lhs_scales: Array, rhs_scales: Array, output_scales: Array) -> Array:
    """float64: how many steps of the result a step of the product of both sides is."""
    return np.asarray(lhs_scales.astype(np.float64) * rhs_scales.astype(np.float64) / output_scales.astype(np.float64))


def by_float(x: Array) -> Array:
    """Integers as int64, but qint32 by way of float32: how TensorFlow's requantisation reads and writes it."""
    if x.dtype.itemsize < 4:
        return x.astype(np.int64)
    return x.astype(_F).astype(np.int64).astype(np.int32).astype(np.int64)


def affine_quantised(x: Array, inverse: Array, zero: Array, low: int, high: int, dtype: np.dtype[Any]) -> Numbers:
    steps = np.floor(x * inverse + _F(0.5)).astype(np.int32) + zero
    return np.maximum(np.minimum(steps, np.int32(high)), np.int32(low)).astype(dtype)


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


def rescaled(x: Array, factors: Array, zero: Array, low: int, high: int, dtype: np.dtype[Any]) -> Numbers:
    """x times factors in fixed point, plus the zero point, kept within the limits."""
    check_int32(low, high)
    multiplier, shift = _multipliers(factors)
    if not factors.ndim:  # TensorFlow takes zero points off in 32 bits, but by axis in more
        x = x.astype(np.int32)
    total = np.int64(31) - shift
    scaled = (x.astype(np.int64) * multiplier + (np.int64(1) << (total - np.int64(1)))) >> total
    info = np.iinfo(np.int32)
    moved = (np.clip(scaled, info.min, info.max) + zero).astype(np.int32)  # wraps, as TensorFlow's sum
    return np.clip(moved, low, high).astype(dtype)


def steps_of_rows(rows: Array) -> tuple[Array, Array]:
    """Floats as int8 steps from their zero points, 0 exact, and the scale of each row (TFLite's AsymmetricQuantize)."""
    least, most = -128.0, 127.0
    low = np.minimum(rows.min(axis=1, initial=0), 0).astype(np.float64)
    high = np.maximum(rows.max(axis=1, initial=0), 0).astype(np.float64)
    flat = low == high
    exact = np.where(flat, 1.0, (high - low) / (most - least))
    scale = exact.astype(_F)
    from_low, from_high = least - low / scale, most - high / scale
    nearer_low = 128.0 + np.abs(low / scale) < 127.0 + np.abs(high / scale)
    nudged = np.clip(round_half_away(np.where(nearer_low, from_low, from_high)), least, most)
    zero = np.where(flat, 0, nudged).astype(np.int32)[:, None]
    inverse = (1.0 / exact).astype(_F)[:, None]
    return affine_quantised(rows, inverse, zero, -128, 127, np.dtype(np.int32)) - zero, scale[:, None]
