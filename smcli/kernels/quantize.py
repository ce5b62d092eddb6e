"""Quantisation and its simulation: fake-quant, QuantizeV2, Dequantize, QuantizeAndDequantize.

Quantised tensors are arrays of plain integers; the ranges that they stand for travel beside them as float32 scalars.
The arithmetic is float32 where that of TensorFlow is, since the rounded results depend on it (tensorflow/core/kernels:
quantize_op.cc, dequantize_op.cc, quantize_and_dequantize_op.h, fake_quant_ops_functor.h, quantization_utils.h).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError, UnimplementedError
from smcli.kernels._numbers import Numbers
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

_F = np.float32
_MAX_FLOAT = np.finfo(np.float32).max


def round_half_away(x: Array) -> Numbers:
    """Rounded to the nearest integer, ties away from zero."""
    below_half = np.nextafter(x.dtype.type(0.5), x.dtype.type(0))
    return np.trunc(x + np.copysign(below_half, x))


def along(values: Array, rank: int, axis: int) -> Array:
    """A vector shaped to broadcast along `axis` of an array of `rank`."""
    return values.reshape([-1 if i == axis else 1 for i in range(rank)])


def _clamped(x: Array, low: Numbers, high: Numbers) -> Numbers:
    """A new array of x kept between low and high."""
    inside = np.minimum(x, high)
    return np.maximum(inside, low) if inside.ndim == 0 else np.maximum(inside, low, out=inside)


# ---- fake quantisation


def _nudged(low: Array, high: Array, num_bits: int, narrow_range: bool) -> tuple[Numbers, Numbers, Numbers]:
    """(low, high, scale) moved so that zero is one of the steps."""
    first, last = _F(1 if narrow_range else 0), _F(2**num_bits - 1)
    scale = np.divide(np.subtract(high, low), last - first)
    zero_from_low = first - np.divide(low, scale)
    zero = np.where(zero_from_low < first, first, np.where(zero_from_low > last, last, round_half_away(zero_from_low)))
    return (first - zero) * scale, (last - zero) * scale, scale


def _fake_quantised(x: Array, low: Array, high: Array, num_bits: int, narrow_range: bool) -> Numbers:
    nudged_low, nudged_high, scale = _nudged(low, high, num_bits, narrow_range)
    # By channel, TensorFlow takes the inverse of the scale from the bounds themselves.
    wide, span = (_F(2**num_bits - 1 - narrow_range), np.subtract(high, low)) if low.ndim else (_F(1), scale)
    return _in_steps(x, low, high, nudged_low, nudged_high, scale, np.divide(wide, span))


def _in_steps(
    x: Array, low: Array, high: Array, nudged_low: Numbers, nudged_high: Numbers, scale: Numbers, inverse: Numbers
) -> Numbers:
    zero = np.floor(-nudged_low * inverse + _F(0.5))
    steps = np.atleast_1d(_clamped(x, nudged_low, nudged_high))
    steps -= nudged_low
    steps *= inverse
    steps -= zero
    steps += _F(0.5)
    np.floor(steps, out=steps)
    steps *= scale
    nothing = (low == 0) & (high == 0)
    if nothing.any():
        steps = np.where(nothing, _F(0), steps)
    return steps.astype(np.float32, copy=False).reshape(x.shape)


def _check_bits(num_bits: int) -> None:
    if not 2 <= num_bits <= 16:
        raise InvalidArgumentError(f"num_bits must be between 2 and 16, inclusive, got {num_bits}")


def _check_per_channel(x: Array, low: Array, high: Array) -> None:
    if x.ndim < 1:
        raise InvalidArgumentError("inputs must be at least of rank 1")
    for name, bound in (("min", low), ("max", high)):
        if bound.ndim != 1 or bound.size != x.shape[-1]:
            raise InvalidArgumentError(f"{name} has incorrect size, expected {x.shape[-1]} was {bound.size}")


def _check_scalars(low: Array, high: Array) -> None:
    for name, bound in (("min", low), ("max", high)):
        if bound.ndim:
            raise InvalidArgumentError(f"`{name}` must be rank 0 but is rank {bound.ndim}")


@kernel("FakeQuantWithMinMaxArgs")
def fake_quant_with_min_max_args(
    x: Array, *, min: float = -6.0, max: float = 6.0, num_bits: int = 8, narrow_range: bool = False
) -> Numbers:
    """x rounded to 2**num_bits steps between min and max, attrs. Raises InvalidArgumentError for an empty range."""
    _check_bits(num_bits)
    if not min < max:
        raise InvalidArgumentError(f"min has to be smaller than max, was: {min} >= {max}")
    low, high = np.asarray(min, np.float32), np.asarray(max, np.float32)
    nudged_low, nudged_high, scale = _nudged(low, high, num_bits, narrow_range)
    inverse = np.divide(_F(2**num_bits - (2 if narrow_range else 1)), high - low)  # rounded once, unlike 1 / scale
    return _in_steps(x, low, high, nudged_low, nudged_high, scale, inverse)


@kernel("FakeQuantWithMinMaxVars")
def fake_quant_with_min_max_vars(
    x: Array, low: Array, high: Array, *, num_bits: int = 8, narrow_range: bool = False
) -> Numbers:
    """x rounded to 2**num_bits steps between two scalars; zeros when both are 0."""
    _check_bits(num_bits)
    _check_scalars(low, high)
    return _fake_quantised(x, low, high, num_bits, narrow_range)


@kernel("FakeQuantWithMinMaxVarsPerChannel")
def fake_quant_with_min_max_vars_per_channel(
    x: Array, low: Array, high: Array, *, num_bits: int = 8, narrow_range: bool = False
) -> Numbers:
    """x rounded to steps between the bounds of its last axis. Raises InvalidArgumentError for other bounds."""
    _check_bits(num_bits)
    _check_per_channel(x, low, high)
    return _fake_quantised(x, low, high, num_bits, narrow_range)


@kernel("FakeQuantWithMinMaxArgsGradient")
def fake_quant_with_min_max_args_gradient(
    gradients: Array,
    x: Array,
    *,
    min: float = -6.0,
    max: float = 6.0,
    num_bits: int = 8,
    narrow_range: bool = False,
) -> Numbers:
    """The gradient where x is within the nudged range, else 0."""
    if gradients.shape != x.shape:
        raise InvalidArgumentError(
            f"gradients and inputs must have the same size and shape, not {list(gradients.shape)} and {list(x.shape)}"
        )
    _check_bits(num_bits)
    if not min < max:
        raise InvalidArgumentError(f"min has to be smaller than max, was: {min} >= {max}")
    low, high, _ = _nudged(np.asarray(min, np.float32), np.asarray(max, np.float32), num_bits, narrow_range)
    return gradients * ((x >= low) & (x <= high)).astype(_F)


def _fake_quant_gradients(
    gradients: Array, x: Array, low: Array, high: Array, num_bits: int, narrow_range: bool, axes: tuple[int, ...]
) -> tuple[Numbers, Numbers, Numbers]:
    if gradients.shape != x.shape:
        raise InvalidArgumentError("gradient and input must be the same size")
    nudged_low, nudged_high, _ = _nudged(low, high, num_bits, narrow_range)
    below, above = x < nudged_low, x > nudged_high
    inside = gradients * ((x >= nudged_low) & (x <= nudged_high)).astype(_F)  # infinities times 0 and all
    by_low = np.sum(gradients * below.astype(_F), axis=axes, dtype=np.float32)
    by_high = np.sum(gradients * above.astype(_F), axis=axes, dtype=np.float32)
    nothing = (low == 0) & (high == 0)
    total = np.sum(gradients, axis=axes, dtype=np.float32)
    return (
        np.where(nothing, gradients, inside),
        np.where(nothing, _F(0) * total, by_low),
        np.where(nothing, _F(0), by_high),
    )


@kernel("FakeQuantWithMinMaxVarsGradient")
def fake_quant_with_min_max_vars_gradient(
    gradients: Array, x: Array, low: Array, high: Array, *, num_bits: int = 8, narrow_range: bool = False
) -> tuple[Numbers, Numbers, Numbers]:
    """The gradients with respect to x, low and high."""
    _check_bits(num_bits)
    _check_scalars(low, high)
    return _fake_quant_gradients(gradients, x, low, high, num_bits, narrow_range, tuple(range(x.ndim)))


@kernel("FakeQuantWithMinMaxVarsPerChannelGradient")
def fake_quant_with_min_max_vars_per_channel_gradient(
    gradients: Array, x: Array, low: Array, high: Array, *, num_bits: int = 8, narrow_range: bool = False
) -> tuple[Numbers, Numbers, Numbers]:
    """The gradients with respect to x and to the bounds of its last axis."""
    _check_bits(num_bits)
    _check_per_channel(x, low, high)
    return _fake_quant_gradients(gradients, x, low, high, num_bits, narrow_range, tuple(range(x.ndim - 1)))


# ---- QuantizeV2 and Dequantize


def _bounds_of(x: Array, low: Array, high: Array, axis: int) -> tuple[Array, Array]:
    """The ranges, one or one per slice of the axis. Raises InvalidArgumentError for other numbers of them."""
    if axis >= x.ndim:
        raise InvalidArgumentError(f"Axis must be less than input dimension({x.ndim}), got {axis}")
    if axis < -1:
        raise InvalidArgumentError(f"Axis must be at least -1. Found {axis}")
    slices = x.shape[axis] if axis > -1 else 1
    for name, bound in (("min", low), ("max", high)):
        if bound.size != slices or (axis > -1 and bound.ndim != 1):
            raise InvalidArgumentError(
                f"input_{name}_range must have as many elements as input on the quantization axis ({axis}), "
                f"got {bound.size}, expected {slices}"
            )
    if axis == -1:
        return low.reshape(()), high.reshape(())
    return low, high


def whole_range(dtype: np.dtype[Any]) -> tuple[float, float]:
    """The smallest and the largest integer of a dtype."""
    info = np.iinfo(dtype)
    return float(info.min), float(info.max)


@kernel("QuantizeV2")
def quantize_v2(
    x: Array,
    min_range: Array,
    max_range: Array,
    *,
    T: DataType,
    mode: str = "MIN_COMBINED",
    round_mode: str = "HALF_AWAY_FROM_ZERO",
    narrow_range: bool = False,
    axis: int = -1,
    ensure_minimum_range: float = 0.01,
) -> tuple[Numbers, Numbers, Numbers]:
    """x as integers of T, and the range that they stand for, which is widened to hold 0 and not be empty.

    Raises InvalidArgumentError for ranges turned round or of the wrong number, UnimplementedError for MIN_FIRST by
    axis.
    """
    low, high = _bounds_of(x, min_range, max_range, axis)
    if low.size == 1:  # one slice along the axis is the whole
        low, high, axis = low.reshape(()), high.reshape(()), -1
    if (high < low).any():
        raise InvalidArgumentError("input_max_range must be larger than input_min_range.")
    if mode == "MIN_FIRST" and low.size != 1:
        raise UnimplementedError("MIN_FIRST mode is not implemented for Quantize with axis != -1.")
    widest = np.maximum(np.maximum(np.abs(low), np.abs(high)), _F(1))
    bottom = np.minimum(low, _F(0))
    top = np.maximum(np.maximum(high, bottom + widest * _F(ensure_minimum_range)), _F(0))
    dtype = T.numpy
    if mode == "MIN_FIRST":
        return quantised(x, bottom.reshape(()), top.reshape(()), dtype), bottom, top
    lowest, highest = whole_range(dtype)
    shaped = (bottom, top) if axis == -1 else (along(bottom, x.ndim, axis), along(top, x.ndim, axis))
    if mode == "MIN_COMBINED":
        scale = np.divide(highest - lowest, (shaped[1] - shaped[0]).astype(np.float64)).astype(np.float32)
        steps = np.atleast_1d(_clamped(x, *shaped))
        steps -= shaped[0]
        steps *= scale
        steps = steps.reshape(x.shape)
        if lowest < 0:
            return round_half_away(steps - _F((highest - lowest + 1) / 2)).astype(dtype), bottom, top
        return (steps + _F(0.5)).astype(dtype), bottom, top
    least = _F(lowest + (1 if narrow_range else 0))
    scale = np.minimum(
        np.where(least * bottom > 0, np.divide(least, bottom), _MAX_FLOAT),
        np.where(_F(highest) * top > 0, np.divide(_F(highest), top), _MAX_FLOAT),
    )
    bottom, top = np.divide(least, scale), np.divide(_F(highest), scale)
    if axis != -1:
        shaped, scale = (along(bottom, x.ndim, axis), along(top, x.ndim, axis)), along(scale, x.ndim, axis)
    else:
        shaped = (bottom, top)
    steps = _clamped(x, *shaped) * scale
    rounded = np.rint(steps) if round_mode == "HALF_TO_EVEN" else round_half_away(steps)
    return rounded.astype(dtype), bottom, top


def quantised(x: Array, low: Array, high: Array, dtype: np.dtype[Any]) -> Numbers:
    """x in steps that start at `low` (FloatToQuantizedStruct in quantization_utils.h)."""
    lowest, highest = whole_range(dtype)
    span = float(np.subtract(high, low))
    scale = _F(0 if span == 0 else (highest - lowest) / span)
    first = round_half_away(low * scale)
    steps = round_half_away(x * scale) - (first - _F(lowest))
    return (
        _clamped(steps, _F(max(lowest, -2147483648.0)), _F(min(highest, 2147483520.0))).astype(np.int32).astype(dtype)
    )


def dequantised(x: Array, low: Array, high: Array) -> Numbers:
    """The numbers that integers stand for (QuantizedToFloatStruct in quantization_utils.h)."""
    lowest, highest = whole_range(x.dtype)
    scale = _F(float(np.subtract(high, low)) / (highest - lowest))
    first = low if high == low else round_half_away(np.divide(low, scale)) * scale
    return (first - _F(lowest) * scale) + x.astype(np.float32) * scale


@kernel("Dequantize")
def dequantize(
    x: Array,
    min_range: Array,
    max_range: Array,
    *,
    mode: str = "MIN_COMBINED",
    narrow_range: bool = False,
    axis: int = -1,
    dtype: DataType = DataType.FLOAT,
) -> Numbers:
    """The floats that quantised integers stand for.

    Raises InvalidArgumentError for ranges of the wrong number, UnimplementedError for MIN_FIRST by axis.
    """
    if dtype is DataType.BFLOAT16 and mode != "MIN_COMBINED":
        raise InvalidArgumentError(f"When output type is bfloat16, Mode string must be 'MIN_COMBINED', is '{mode}'")
    low, high = _bounds_of(x, min_range, max_range, axis)
    if mode == "MIN_FIRST":
        if low.size != 1:
            raise UnimplementedError("MIN_FIRST mode is not implemented for Dequantize with axis != -1.")
        return dequantised(x, low.reshape(()), high.reshape(()))
    if axis != -1:
        low, high = along(low, x.ndim, axis), along(high, x.ndim, axis)
    lowest, highest = whole_range(x.dtype)
    if mode == "SCALED":
        scale = np.divide(high, _F(highest))
        if lowest < 0:
            scale = np.maximum(np.divide(low, _F(lowest + (1 if narrow_range else 0))), scale)
        return x.astype(np.float32) * scale
    scale = np.divide(high - low, _F(highest) - _F(lowest))
    half = _F((highest - lowest + 1) / 2 if lowest < 0 else 0)
    return ((x.astype(np.float32) + half) * scale + low).astype(dtype.numpy)


# ---- QuantizeAndDequantize


def _there_and_back(
    x: Array,
    low: Array,
    high: Array,
    signed_input: bool,
    num_bits: int,
    range_given: bool,
    round_mode: str,
    narrow_range: bool,
    axis: int,
) -> Numbers:
    """x rounded to the steps of a symmetric integer type and back, by the range given or found."""
    if not 0 < num_bits < (62 if signed_input else 63):
        raise InvalidArgumentError(
            f"num_bits is out of range: {num_bits} with signed_input_ {'true' if signed_input else 'false'}"
        )
    if axis < -1 or axis >= x.ndim:
        raise InvalidArgumentError(
            f"Axis requested is larger than input dimensions. Axis: {axis} Input Dimensions: {x.ndim}"
        )
    others = tuple(i for i in range(x.ndim) if i != axis)
    if range_given:
        low, high = _given_range(x, low, high, axis)
    else:
        low = np.minimum.reduce(x, axis=others, initial=np.inf)
        high = np.maximum.reduce(x, axis=others, initial=-np.inf)
    least = -(2 ** (num_bits - 1)) + (1 if narrow_range else 0) if signed_input else 0
    most = 2 ** (num_bits - 1) - 1 if signed_input else 2**num_bits - 1
    t = x.dtype.type
    largest = np.finfo(x.dtype).max
    by_low = np.where(t(least) * low > 0, np.divide(t(least), low), largest)
    by_high = np.where(t(most) * high > 0, np.divide(t(most), high), largest)
    low_rules = by_low < by_high
    scale = np.where(low_rules, by_low, by_high)
    inverse = np.where(low_rules, np.divide(low, t(least)), np.divide(high, t(most)))
    top = np.where(low_rules, t(most) * inverse, high)
    bottom = np.where(low_rules, low, t(least) * inverse)
    if axis != -1:
        scale, inverse, bottom, top = (along(v, x.ndim, axis) for v in (scale, inverse, bottom, top))
    steps = (_clamped(x, bottom, top) if range_given else x) * scale
    rounded = np.rint(steps) if round_mode == "HALF_TO_EVEN" else np.floor(steps + t(0.5))
    return (rounded * inverse).astype(x.dtype)


def _given_range(x: Array, low: Array, high: Array, axis: int) -> tuple[Array, Array]:
    """The range for the whole tensor or one per slice. Raises InvalidArgumentError."""
    slices = x.shape[axis] if axis != -1 else 1
    for name, bound in (("min", low), ("max", high)):
        if axis == -1 and bound.ndim:
            raise InvalidArgumentError(f"If axis is -1, input_{name} must be a scalar, not shape {list(bound.shape)}")
        if axis != -1 and bound.shape != (slices,):
            raise InvalidArgumentError(f"Shape must be of length {slices} for input_{name}, not {list(bound.shape)}")
    if not (low <= high).all():
        raise InvalidArgumentError(f"Invalid range: input_min {low} > input_max {high}")
    return low, high


@kernel("QuantizeAndDequantize")
def quantize_and_dequantize(
    x: Array,
    *,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    input_min: float = 0.0,
    input_max: float = 0.0,
) -> Numbers:
    """x rounded to the steps of a num_bits integer, the range an attr."""
    t = x.dtype.type
    low, high = np.asarray(t(input_min)), np.asarray(t(input_max))
    return _there_and_back(x, low, high, signed_input, num_bits, range_given, "HALF_TO_EVEN", False, -1)


@kernel("QuantizeAndDequantizeV2", "QuantizeAndDequantizeV4")
def quantize_and_dequantize_v2(
    x: Array,
    input_min: Array,
    input_max: Array,
    *,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    round_mode: str = "HALF_TO_EVEN",
    narrow_range: bool = False,
    axis: int = -1,
) -> Numbers:
    """x rounded to the steps of a num_bits integer, as a whole or by slices of an axis.

    Raises InvalidArgumentError for ranges turned round, and for given ranges that are not scalars.
    """
    if range_given:
        for name, bound in (("min", input_min), ("max", input_max)):
            if bound.ndim:
                raise InvalidArgumentError(f"input_{name} must be a scalar.")
    return _there_and_back(x, input_min, input_max, signed_input, num_bits, range_given, round_mode, narrow_range, axis)


@kernel("QuantizeAndDequantizeV3")
def quantize_and_dequantize_v3(
    x: Array,
    input_min: Array,
    input_max: Array,
    num_bits: Array,
    *,
    signed_input: bool = True,
    range_given: bool = True,
    narrow_range: bool = False,
    axis: int = -1,
) -> Numbers:
    """As QuantizeAndDequantizeV2, num_bits a scalar tensor, ties to even."""
    if num_bits.ndim:
        raise InvalidArgumentError(f"num_bits must be a scalar, not shape {list(num_bits.shape)}")
    bits = int(num_bits)
    return _there_and_back(x, input_min, input_max, signed_input, bits, range_given, "HALF_TO_EVEN", narrow_range, axis)


@kernel("QuantizeAndDequantizeV4Grad")
def quantize_and_dequantize_v4_grad(
    gradients: Array, x: Array, input_min: Array, input_max: Array, *, axis: int = -1
) -> tuple[Numbers, Numbers, Numbers]:
    """The gradient where x is within the range, else 0; nothing for the range itself."""
    if gradients.shape != x.shape:
        raise InvalidArgumentError(
            f"gradient and input must be the same size, {list(gradients.shape)}, {list(x.shape)}"
        )
    if axis < -1 or axis >= x.ndim:
        raise InvalidArgumentError(f"Axis should be >= -1 and < {x.ndim}. Found {axis}")
    low, high = _given_range(x, input_min, np.maximum(input_min, input_max), axis)
    if axis != -1:
        low, high = along(low, x.ndim, axis), along(input_max, x.ndim, axis)
    inside = np.where((x >= low) & (x <= high), gradients, x.dtype.type(0))
    return inside, np.zeros_like(input_min), np.zeros_like(input_max)
