"""Joining and splitting: Pack, Unpack, Concat, ConcatOffset, Split, SplitV, Tile."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._checks import axis_in, checked_size, scalar, vector
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel


def _join(values: Sequence[Array], axis: int) -> Array:
    rank = values[0].ndim
    axis = axis_in(axis, rank, "Expected concatenating dimensions")
    try:
        return np.concatenate(values, axis)
    except ValueError:
        raise _concat_error(values, axis) from None


def _concat_error(values: Sequence[Array], axis: int) -> InvalidArgumentError:
    first = values[0].shape
    for number, value in enumerate(values):
        if value.ndim != len(first):
            return InvalidArgumentError(
                f"ConcatOp : Ranks of all input tensors should match: shape[0] = {list(first)} "
                f"vs. shape[{number}] = {list(value.shape)}"
            )
        if any(a != b for i, (a, b) in enumerate(zip(first, value.shape, strict=True)) if i != axis):
            return InvalidArgumentError(
                f"ConcatOp : Dimension mismatch: shape[0] = {list(first)} vs. shape[{number}] = {list(value.shape)}"
            )
    return InvalidArgumentError("ConcatOp : inputs do not fit together")


@kernel("ConcatV2")
def concat_v2(*inputs: Array) -> Array:
    """The last input is the axis."""
    axis = inputs[-1]
    if axis.size != 1:
        raise InvalidArgumentError(
            f"ConcatOp : Expected concatenating dimensions in one value, but got shape {list(axis.shape)}"
        )
    return _join(inputs[:-1], int(axis.item()))


@kernel("Concat")
def concat(axis: Array, *values: Array) -> Array:
    return _join(values, scalar(axis, "concat_dim"))


@kernel("ConcatOffset")
def concat_offset(concat_dim: Array, *shapes: Array) -> tuple[Array, ...]:
    """For each shape, where its tensor starts in the concatenation."""
    if concat_dim.ndim:
        raise InvalidArgumentError(f"Concat dim tensor should be a scalar, but got shape {list(concat_dim.shape)}")
    rows = [vector(shape, f"input {number}") for number, shape in enumerate(shapes)]
    axis = axis_in(int(concat_dim), len(rows[0]), "Concat dim")
    offset, offsets = 0, []
    for number, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise InvalidArgumentError(f"input {number} should contain {len(rows[0])} elements, but got {len(row)}")
        if any(a != b for i, (a, b) in enumerate(zip(rows[0], row, strict=True)) if i != axis):
            raise InvalidArgumentError(
                f"All dimensions except {axis} must match. Input {number} has shape {row} "
                f"and doesn't match input 0 with shape {rows[0]}."
            )
        start = np.zeros(len(row), shapes[0].dtype)
        start[axis] = offset
        offsets.append(start)
        offset += row[axis]
    return tuple(offsets)


@kernel("Pack")
def pack(*values: Array, axis: int = 0) -> Array:
    first = values[0].shape
    if not first and not -1 <= axis <= 0:
        raise InvalidArgumentError(f"axis = {axis} not in [-1, 1)")
    if not first and values[0].dtype.kind != "O":  # scalars: the commonest case, in shapes being put together
        return np.array(values, values[0].dtype)
    for number, value in enumerate(values):
        if value.shape != first:
            raise InvalidArgumentError(
                f"Shapes of all inputs must match: values[0].shape = {list(first)} "
                f"!= values[{number}].shape = {list(value.shape)}"
            )
    if not -len(first) - 1 <= axis <= len(first):
        raise InvalidArgumentError(f"axis = {axis} not in [{-len(first) - 1}, {len(first) + 1})")
    return np.stack(values, axis)


@kernel("ParallelConcat")
def parallel_concat(*values: Array, shape: tuple[int, ...] | None) -> Array:
    if shape is not None and any(value.shape != (1, *shape[1:]) for value in values):
        raise InvalidArgumentError(f"ParallelConcat inputs must each be a row of shape {list(shape)}")
    return np.concatenate(values)


@kernel("Unpack")
def unpack(value: Array, *, num: int, axis: int = 0) -> tuple[Array, ...]:
    at = axis_in(axis, value.ndim)
    if value.shape[at] != num:
        raise InvalidArgumentError(f"Input shape axis {at} must equal {num}, got shape {list(value.shape)}")
    front: tuple[Any, ...] = (slice(None),) * at
    return tuple([value[(*front, i, ...)] for i in range(num)])


@kernel("Split")
def split(axis: Array, value: Array, *, num_split: int) -> tuple[Array, ...]:
    at = axis_in(scalar(axis, "split_dim"), value.ndim, "split_dim")
    width, rest = divmod(value.shape[at], num_split)
    if rest:
        raise InvalidArgumentError(
            "Number of ways to split should evenly divide the split dimension, but got "
            f"split_dim {at} (size = {value.shape[at]}) and num_split {num_split}"
        )
    return _pieces(value, [width] * num_split, at)


@kernel("SplitV")
def split_v(value: Array, sizes: Array, axis: Array, *, num_split: int) -> tuple[Array, ...]:
    """One size may be -1: what is left."""
    at = axis_in(scalar(axis, "split_dim"), value.ndim, "split_dim")
    widths = vector(sizes, "size_splits")
    if len(widths) != num_split:
        raise InvalidArgumentError(
            f"size_splits must have {num_split} elements, one for each output, but has {len(widths)}"
        )
    if num_split == 1 and widths != [value.shape[at]]:
        raise InvalidArgumentError(
            "If there is only one output, it must have the same size as the input. "
            f"Input size: {value.shape[at]} output size: {widths[0]}"
        )
    known = sum(width for width in widths if width != -1)
    have = value.shape[at]
    if widths.count(-1) > 1 or any(width < -1 for width in widths):
        raise InvalidArgumentError(f"size_splits may hold one -1 and must be non-negative else, but got {widths}")
    if known > have or (-1 not in widths and known != have):
        raise InvalidArgumentError(
            f"Determined shape must either match input shape along split_dim exactly if fully specified, "
            f"or be less than the size of the input along split_dim if not fully specified.  Got: {known}"
        )
    return _pieces(value, [have - known if width == -1 else width for width in widths], at)


def _pieces(value: Array, widths: list[int], axis: int) -> tuple[Array, ...]:
    front = (slice(None),) * axis
    ends = [*accumulate(widths)]
    return tuple([value[(*front, slice(end - width, end))] for end, width in zip(ends, widths)])


@kernel("Tile")
def tile(x: Array, multiples: Array) -> Array:
    times = vector(multiples, "multiples")
    if len(times) != x.ndim:
        raise InvalidArgumentError(
            f"Expected multiples argument to be a vector of length {x.ndim} but got length {len(times)}"
        )
    if any(count < 0 for count in times):
        raise InvalidArgumentError(f"Expected multiples to be non-negative, but got {times}")
    if all(count == 1 for count in times):
        return x
    # (a, b) → (1, a, 1, b), spread to (m, a, n, b) as a view, then one copy
    spread: list[int] = []
    for count, size in zip(times, x.shape, strict=True):
        spread += [count, size]
    target = [count * size for count, size in zip(times, x.shape, strict=True)]
    checked_size(tuple(target))
    lifted = x.reshape([1 if i % 2 == 0 else size for i, size in enumerate(spread)])
    return np.broadcast_to(lifted, spread).reshape(target)
