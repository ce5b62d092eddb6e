"""XLA's gather, convolution, dot product and window reduction, which JAX and PyTorch exporters leave in graphs.

Semantics: https://openxla.org/xla/operation_semantics (Gather, ConvWithGeneralPadding, DotGeneral, ReduceWindow); the
dimension numbers are serialised messages of xla/xla_data.proto.
"""

from __future__ import annotations

import math
from itertools import product as cells

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._checks import checked_size, scalar, vector
from smcli.kernels._general_conv import Geometry, Layout, convolve, padded
from smcli.kernels._numbers import is_short_float
from smcli.kernels._wire_numbers import numbers_of
from smcli.kernels.context import Array, Context, FunctionRef
from smcli.kernels.matmul import product
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

OFFSET_DIMS, COLLAPSED_SLICE_DIMS, START_INDEX_MAP, INDEX_VECTOR_DIM = 1, 2, 3, 4  # field numbers


@kernel("XlaGather")
def xla_gather(operand: Array, start_indices: Array, slice_sizes: Array, *, dimension_numbers: str) -> Array:
    """Slices of `slice_sizes` at the given starts, each moved so that it lies inside the operand."""
    numbers = numbers_of(dimension_numbers, "dimension_numbers is not a GatherDimensionNumbers message")
    offsets, collapsed = numbers.get(OFFSET_DIMS, []), numbers.get(COLLAPSED_SLICE_DIMS, [])
    mapped = numbers.get(START_INDEX_MAP, [])
    vector_dim = numbers.get(INDEX_VECTOR_DIM, [0])[-1]
    sizes = vector(slice_sizes, "slice_sizes")
    starts = start_indices
    if vector_dim == starts.ndim:
        starts = starts[..., None]
    if set(numbers) - {OFFSET_DIMS, COLLAPSED_SLICE_DIMS, START_INDEX_MAP, INDEX_VECTOR_DIM}:
        raise InvalidArgumentError("XlaGather with batching dims is not supported")
    valid = (
        vector_dim < starts.ndim
        and len(sizes) == operand.ndim
        and all(0 <= size <= have for size, have in zip(sizes, operand.shape))
        and all(axis < operand.ndim for axis in (*mapped, *collapsed))
        and all(sizes[axis] == 1 for axis in set(collapsed))
        and starts.shape[vector_dim] == len(mapped)
        and len(offsets) == operand.ndim - len(set(collapsed))
    )
    if not valid:
        raise InvalidArgumentError(
            f"XlaGather: dimension numbers {numbers} and slice sizes {sizes} do not fit operand {list(operand.shape)} "
            f"and start indices {list(start_indices.shape)}"
        )
    starts = np.moveaxis(starts, vector_dim, 0)
    batch = starts.shape[1:]
    rank = len(batch) + operand.ndim
    kept = [size for axis, size in enumerate(sizes) if axis not in collapsed]
    if any(axis >= len(batch) + len(kept) for axis in offsets) or len(set(offsets)) != len(offsets):
        raise InvalidArgumentError(f"XlaGather: offset_dims {offsets} are not dims of the output")
    checked_size((*batch, *sizes))
    index = []
    for axis, size in enumerate(sizes):
        steps = np.arange(size).reshape((size,) + (1,) * (operand.ndim - 1 - axis))
        if axis in mapped:
            start = starts[mapped.index(axis)].astype(np.int64).clip(0, operand.shape[axis] - size)
            steps = steps + start.reshape(batch + (1,) * operand.ndim)
        index.append(steps.reshape((1,) * (rank - steps.ndim) + steps.shape))
    found = np.broadcast_to(operand[tuple(index)], (*batch, *sizes)).reshape(*batch, *kept)
    places = [axis for axis in range(found.ndim) if axis not in offsets] + offsets
    return found.transpose(np.argsort(places))


@kernel("XlaReduceWindow")
def xla_reduce_window(
    x: Array,
    init_value: Array,
    window_dimensions: Array,
    window_strides: Array,
    base_dilations: Array,
    window_dilations: Array,
    padding: Array,
    *,
    computation: FunctionRef,
    context: Context,
) -> Array:
    """Folds each window with a function of two scalars, called on whole arrays, a cell of the window a time."""
    windows, strides = vector(window_dimensions, "window_dimensions"), vector(window_strides, "window_strides")
    base, dilations = vector(base_dilations, "base_dilations"), vector(window_dilations, "window_dilations")
    if any(len(values) != x.ndim for values in (windows, strides, base, dilations)) or padding.shape != (x.ndim, 2):
        raise InvalidArgumentError(f"XlaReduceWindow: the window's parameters must have {x.ndim} dims, as the input")
    if any(value < 1 for value in (*windows, *strides, *base, *dilations)):
        raise InvalidArgumentError("XlaReduceWindow: window dimensions, strides and dilations must be positive")
    buffer = padded(x, [(low, high) for low, high in padding.tolist()], [d - 1 for d in base], init_value[()])
    reach = [(w - 1) * d + 1 for w, d in zip(windows, dilations)]
    counts = [(n - r) // s + 1 if n >= r else 0 for n, r, s in zip(buffer.shape, reach, strides)]
    fold = context.function(computation)
    out = np.full(counts, init_value[()], x.dtype)
    for cell in cells(*[range(w) for w in windows]):
        first = [c * d for c, d in zip(cell, dilations)]
        part = buffer[tuple([slice(f, f + (n - 1) * s + 1 if n else f, s) for f, n, s in zip(first, counts, strides)])]
        out = fold([out, part])[0]
    return out


def _layout(text: str, rank: int) -> Layout:
    """A serialised ConvolutionDimensionNumbers."""
    fields = numbers_of(text, "dimension_numbers is not a ConvolutionDimensionNumbers message")

    def dims(first: int, second: int, spatial: int) -> tuple[int, ...]:
        return (fields.get(first, [0])[-1], fields.get(second, [0])[-1], *fields.get(spatial, []))

    layout = Layout(dims(7, 8, 11), dims(4, 3, 6), dims(9, 10, 12))
    layout.check(rank)
    return layout


@kernel("XlaConv", "XlaConvV2")
def xla_conv(
    lhs: Array,
    rhs: Array,
    window_strides: Array,
    padding: Array,
    lhs_dilation: Array,
    rhs_dilation: Array,
    feature_group_count: Array,
    *,
    dimension_numbers: str,
    preferred_element_type: DataType | None = None,
    batch_group_count: int = 1,
) -> Array:
    """Convolution in any number of dimensions. Raises InvalidArgumentError for parameters that do not fit."""
    if lhs.ndim != rhs.ndim or lhs.ndim < 2:
        raise InvalidArgumentError(f"XlaConv: operands of shapes {list(lhs.shape)} and {list(rhs.shape)} do not fit")
    layout, count = _layout(dimension_numbers, lhs.ndim), lhs.ndim - 2
    strides, base, dilations = (
        vector(value, name)
        for value, name in (
            (window_strides, "window_strides"),
            (lhs_dilation, "lhs_dilation"),
            (rhs_dilation, "rhs_dilation"),
        )
    )
    if any(len(values) != count for values in (strides, base, dilations)) or padding.shape != (count, 2):
        raise InvalidArgumentError(f"XlaConv: the window's parameters must be for {count} spatial dimensions")
    if any(value < 1 for value in (*strides, *base, *dilations)):
        raise InvalidArgumentError("XlaConv: strides and dilations must be positive")
    pairs = [(low, high) for low, high in padding.tolist()]
    groups = scalar(feature_group_count, "feature_group_count")
    geometry = Geometry(strides, pairs, base, dilations, groups, batch_group_count)
    out = lhs.dtype if preferred_element_type is None else preferred_element_type.numpy
    dtype = np.dtype(np.float32) if is_short_float(out) else out
    x, weights = lhs.transpose(layout.input), rhs.transpose(layout.kernel)
    sums = convolve(x.astype(dtype, copy=False), weights.astype(dtype, copy=False), geometry, 0)
    return sums.transpose(np.argsort(layout.output)).astype(out, copy=False)


def _dot_dimension_numbers(text: str) -> list[list[int]]:
    """The four lists of a serialised xla.DotDimensionNumbers: contracting axes of either side, batch axes of either.

    (xla/xla_data.proto: repeated int64 fields 1 to 4, packed or not.) Raises InvalidArgumentError for other bytes.
    """
    otherwise = "Error parsing the dimension numbers of a dot product"
    fields = numbers_of(text, otherwise)
    if not fields.keys() <= {1, 2, 3, 4}:
        raise InvalidArgumentError(otherwise)
    return [fields.get(number, []) for number in (1, 2, 3, 4)]


@kernel("XlaDotV2")
def xla_dot_v2(lhs: Array, rhs: Array, *, dimension_numbers: str, preferred_element_type: DataType) -> Array:
    """XLA's DotGeneral: batch axes first, then the free axes of the left, then those of the right.

    Raises InvalidArgumentError when the axes do not pair up.
    """
    left_sum, right_sum, left_batch, right_batch = _dot_dimension_numbers(dimension_numbers)
    for axes, operand in ((left_sum + left_batch, lhs), (right_sum + right_batch, rhs)):
        if len(set(axes)) != len(axes) or any(axis >= operand.ndim for axis in axes):
            raise InvalidArgumentError(f"A dimension number of a dot product is out of range: {axes}")
    pairs = [(lhs.shape[i], rhs.shape[j]) for i, j in zip(left_sum + left_batch, right_sum + right_batch)]
    if len(left_sum) != len(right_sum) or len(left_batch) != len(right_batch) or any(m != n for m, n in pairs):
        raise InvalidArgumentError(f"Cannot infer shape for dot operation: {list(lhs.shape)} <dot> {list(rhs.shape)}")
    left_free = [axis for axis in range(lhs.ndim) if axis not in left_sum + left_batch]
    right_free = [axis for axis in range(rhs.ndim) if axis not in right_sum + right_batch]
    batch = tuple(lhs.shape[axis] for axis in left_batch)
    rows = tuple(lhs.shape[axis] for axis in left_free)
    columns = tuple(rhs.shape[axis] for axis in right_free)
    depth = math.prod(lhs.shape[axis] for axis in left_sum)
    left = lhs.transpose(left_batch + left_free + left_sum).reshape(*batch, math.prod(rows), depth)
    right = rhs.transpose(right_batch + right_sum + right_free).reshape(*batch, depth, math.prod(columns))
    out: Array = product(left, right, preferred_element_type.numpy)
    return out.astype(preferred_element_type.numpy, copy=False).reshape(batch + rows + columns)
