"""Convolutions of uniformly quantised tensors.

Semantics: tensorflow/core/kernels/uniform_quant_ops and tensorflow/core/util/quantization/uniform_quant_ops_params.cc.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._general_conv import Geometry, Layout, convolve, dilated
from smcli.kernels._numbers import Numbers
from smcli.kernels._uniform import (
    check_channels,
    check_positive,
    checked_scales,
    product_factors,
    rescaled,
    steps_of_rows,
)
from smcli.kernels._wire_numbers import numbers_of
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType


def _layout(text: str, rank: int) -> Layout:
    """The attr dimension_numbers (UniformQuantizedConvolutionDimensionNumbersAttr); empty means the plain order."""
    fields = numbers_of(text, "dimension_numbers is not a UniformQuantizedConvolutionDimensionNumbersAttr")
    if not fields.get(3):
        return Layout.plain(rank)

    def one(number: int) -> int:
        return fields.get(number, [0])[-1]

    layout = Layout(
        (one(1), one(2), *fields.get(3, [])), (one(5), one(4), *fields.get(6, [])), (one(7), one(8), *fields.get(9, []))
    )
    layout.check(rank)
    return layout


def _each(name: str, values: Sequence[int], count: int) -> Sequence[int]:
    if not values:
        return (1,) * count
    if len(values) != count:
        raise InvalidArgumentError(f"Size of {name} Attr must be dims - 2.")
    if min(values) < 1:
        raise InvalidArgumentError(f"All elements of {name} must be >= 1. Given {list(values)}")
    return values


def _geometry(
    lhs: tuple[int, ...],
    rhs: tuple[int, ...],
    padding: str,
    explicit_padding: Sequence[int],
    window_strides: Sequence[int],
    lhs_dilation: Sequence[int],
    rhs_dilation: Sequence[int],
    feature_group_count: int,
    batch_group_count: int,
) -> Geometry:
    """lhs, rhs: shapes of the operands in plain order."""
    count = len(lhs) - 2
    strides = _each("window_strides", window_strides, count)
    input_dilation, kernel_dilation = (
        _each("lhs_dilation", lhs_dilation, count),
        _each("rhs_dilation", rhs_dilation, count),
    )
    if padding not in ("EXPLICIT", "SAME", "VALID"):
        raise InvalidArgumentError(f"padding Attr must be one of [EXPLICIT | SAME | VALID], but given: {padding}")
    if padding == "EXPLICIT":
        if len(explicit_padding) != 2 * count:
            raise InvalidArgumentError(
                f"Size of explicit_padding Attr must be 2 * (rank - 2). Given rank {len(lhs)} and explicit_padding of "
                f"size {len(explicit_padding)}"
            )
        if min(explicit_padding, default=0) < 0:
            raise InvalidArgumentError(f"All explicit_padding elems must be >= 0, Given {list(explicit_padding)}")
        pairs = list(zip(explicit_padding[::2], explicit_padding[1::2]))
    elif explicit_padding:
        raise InvalidArgumentError(
            f"If padding Attr is not 'EXPLICIT', explicit_padding Attr must be empty. Given padding {padding} and "
            f"explicit_padding of size {len(explicit_padding)}"
        )
    elif padding == "VALID":
        pairs = [(0, 0)] * count
    else:
        pairs = []
        for axis in range(count):
            size, reach = dilated(lhs[2 + axis], input_dilation[axis]), dilated(rhs[2 + axis], kernel_dilation[axis])
            total = max((-(-size // strides[axis]) - 1) * strides[axis] + reach - size, 0)
            pairs.append((total // 2, total - total // 2))
    for axis, (before, after) in enumerate(pairs):
        size, reach = dilated(lhs[2 + axis], input_dilation[axis]), dilated(rhs[2 + axis], kernel_dilation[axis])
        if (size + before + after - reach) // strides[axis] < -1:
            raise InvalidArgumentError(
                f"Expected shape dimensions to be non-negative: the window {reach} is wider than {size}"
            )
    return Geometry(strides, pairs, input_dilation, kernel_dilation, feature_group_count, batch_group_count)


def _plain_operands(lhs: Array, rhs: Array, dimension_numbers: str) -> tuple[Array, Array, Layout]:
    if lhs.ndim != rhs.ndim:
        raise InvalidArgumentError(
            f"lhs and rhs must have same dims. Given lhs and rhs of shapes: {list(lhs.shape)}{list(rhs.shape)}"
        )
    if lhs.ndim <= 2:
        raise InvalidArgumentError(f"lhs and rhs shape dims must be at least 3. Given: {lhs.ndim}")
    layout = _layout(dimension_numbers, lhs.ndim)
    return lhs.transpose(layout.input), rhs.transpose(layout.kernel), layout


def _check_axis(name: str, axis: int, allowed: int) -> None:
    if axis not in (-1, allowed):
        raise InvalidArgumentError(f"{name} Attr must be -1 (per-tensor) or {allowed} (per-channel).")


def _sums(lhs: Array, rhs: Array, geometry: Geometry) -> Array:
    """int32 sums of the products of integers that are taken from their zero points; exact, then wrapped."""
    exact = convolve(lhs.astype(np.float64), rhs.astype(np.float64), geometry, 0.0)
    return exact.astype(np.int64).astype(np.int32)


def _by_output(values: Array, rank: int) -> Array:
    """A scalar as it is; a vector along the output features of the plain order."""
    return values.reshape((1, -1) + (1,) * (rank - 2)) if values.ndim else values


@kernel("UniformQuantizedConvolution")
def uniform_quantized_convolution(
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
    padding: str,
    window_strides: Sequence[int] = (),
    explicit_padding: Sequence[int] = (),
    lhs_dilation: Sequence[int] = (),
    rhs_dilation: Sequence[int] = (),
    batch_group_count: int = 1,
    feature_group_count: int = 1,
    dimension_numbers: str = "",
    lhs_quantization_axis: int = -1,
    rhs_quantization_axis: int = -1,
    output_quantization_axis: int = -1,
    output_quantization_min_val: int,
    output_quantization_max_val: int,
) -> Numbers:
    """The convolution of two quantised tensors, in steps of its own; the kernel and the result may be by channel."""
    if lhs_quantization_axis != -1:
        raise InvalidArgumentError("lhs_quantization_axis Attr must be -1 (per-tensor).")
    check_positive(lhs_scales, rhs_scales, output_scales)
    x, weights, layout = _plain_operands(lhs, rhs, dimension_numbers)
    geometry = _geometry(
        x.shape, weights.shape, padding, explicit_padding, window_strides, lhs_dilation, rhs_dilation,
        feature_group_count, batch_group_count,
    )  # fmt: skip
    if lhs_scales.ndim or lhs_zero_points.ndim:
        raise InvalidArgumentError(
            f"lhs scales/zero_points must be all scalar tensors. Given: {list(lhs_scales.shape)}"
            f"{list(lhs_zero_points.shape)}"
        )
    _check_axis("rhs_quantization_axis", rhs_quantization_axis, layout.kernel[0])
    _, rhs_zero = checked_scales(rhs.shape, rhs_scales, rhs_zero_points, rhs_quantization_axis)
    _check_axis("output_quantization_axis", output_quantization_axis, layout.output[1])
    wanted = () if output_quantization_axis == -1 else (weights.shape[0],)
    if output_scales.shape != wanted or output_zero_points.shape != wanted:
        raise InvalidArgumentError(
            f"output scales and zero points must have shape {list(wanted)}, given {list(output_scales.shape)} and "
            f"{list(output_zero_points.shape)}"
        )
    check_channels(rhs_scales, output_scales)
    from_zero = (rhs.astype(np.int32) - rhs_zero).transpose(layout.kernel)
    sums = _sums(x.astype(np.int32) - lhs_zero_points, from_zero, geometry)
    rhs_scale, out_scale, out_zero = (
        _by_output(values, lhs.ndim) for values in (rhs_scales, output_scales, output_zero_points)
    )
    factors = product_factors(lhs_scales, rhs_scale, out_scale)
    low, high = output_quantization_min_val, output_quantization_max_val
    return rescaled(sums, factors, out_zero, low, high, Tout.numpy).transpose(np.argsort(layout.output))


@kernel("UniformQuantizedConvolutionHybrid")
def uniform_quantized_convolution_hybrid(
    lhs: Array,
    rhs: Array,
    rhs_scales: Array,
    rhs_zero_points: Array,
    *,
    padding: str,
    window_strides: Sequence[int] = (),
    explicit_padding: Sequence[int] = (),
    lhs_dilation: Sequence[int] = (),
    rhs_dilation: Sequence[int] = (),
    batch_group_count: int = 1,
    feature_group_count: int = 1,
    dimension_numbers: str = "",
    rhs_quantization_axis: int = -1,
) -> Numbers:
    """The convolution of floats, quantised batch by batch, with a quantised kernel; in float32."""
    check_positive(rhs_scales)
    x, weights, layout = _plain_operands(lhs, rhs, dimension_numbers)
    geometry = _geometry(
        x.shape, weights.shape, padding, explicit_padding, window_strides, lhs_dilation, rhs_dilation,
        feature_group_count, batch_group_count,
    )  # fmt: skip
    _check_axis("rhs_quantization_axis", rhs_quantization_axis, layout.kernel[0])
    _, rhs_zero = checked_scales(rhs.shape, rhs_scales, rhs_zero_points, rhs_quantization_axis)
    rows = x.reshape(x.shape[0], math.prod(x.shape[1:]))
    flat, scale = steps_of_rows(rows)
    sums = _sums(flat.reshape(x.shape), (rhs.astype(np.int32) - rhs_zero).transpose(layout.kernel), geometry)
    # With groups of batches, the outputs of a group come of their own batches.
    by_group = np.repeat(scale.reshape(batch_group_count, -1), weights.shape[0] // batch_group_count, axis=0)
    lhs_scale = by_group.T.reshape(sums.shape[:2] + (1,) * (sums.ndim - 2))
    out = sums.astype(np.float32) * lhs_scale * _by_output(rhs_scales, lhs.ndim)
    return out.transpose(np.argsort(layout.output))
