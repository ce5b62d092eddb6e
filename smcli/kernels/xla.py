"""XLA's gather and window reduction, which JAX and PyTorch exporters leave in graphs.

Semantics: https://openxla.org/xla/operation_semantics (Gather, ReduceWindow); the dimension numbers are the serialised
GatherDimensionNumbers of xla/xla_data.proto.
"""

from __future__ import annotations

from itertools import product as cells

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._checks import checked_size, vector
from smcli.kernels._wire_numbers import numbers_of
from smcli.kernels.context import Array, Context, FunctionRef
from smcli.kernels.registry import kernel

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
    pairs = padding.tolist()
    spread = [max(n - 1, 0) * d + 1 if n else 0 for n, d in zip(x.shape, base)]
    padded = [low + n + high for (low, high), n in zip(pairs, spread)]
    reach = [(w - 1) * d + 1 for w, d in zip(windows, dilations)]
    counts = [(n - r) // s + 1 if n >= r else 0 for n, r, s in zip(padded, reach, strides)]
    checked_size(tuple([max(n, 0) for n in padded]))
    buffer = np.full(
        [low + n + high for (low, high), n in zip([(max(a, 0), max(b, 0)) for a, b in pairs], spread)],
        init_value[()],
        x.dtype,
    )
    buffer[tuple([slice(max(low, 0), max(low, 0) + n, d) for (low, _), n, d in zip(pairs, spread, base)])] = x
    buffer = buffer[tuple([slice(max(-low, 0), max(-low, 0) + max(n, 0)) for (low, _), n in zip(pairs, padded)])]
    fold = context.function(computation)
    out = np.full(counts, init_value[()], x.dtype)
    for cell in cells(*[range(w) for w in windows]):
        first = [c * d for c, d in zip(cell, dilations)]
        part = buffer[tuple([slice(f, f + (n - 1) * s + 1 if n else f, s) for f, n, s in zip(first, counts, strides)])]
        out = fold([out, part])[0]
    return out
