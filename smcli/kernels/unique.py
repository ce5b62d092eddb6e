"""Sets, permutations, partitions: Unique, ListDiff, InvertPermutation, DynamicPartition, DynamicStitch, LowerBound."""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._checks import axis_in, product, zeros_of
from smcli.kernels._sorting import row_order, stable_order
from smcli.kernels.context import Array
from smcli.kernels.gather import check_indices
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

_SMALL_TABLE = 8192  # entries that are filled and searched faster than a few hundred values are sorted

# Distinct values, in the order of their first appearance


def _comparable(x: Array) -> Array:
    """The same values in a dtype that NumPy sorts well; exact."""
    return x.astype(np.float32) if x.dtype.kind == "V" else x


def _distinct(rows: Array) -> tuple[Array, Array]:
    """Positions of the rows (of a 2-D array) that are met first, and for each row the number of its first like.

    NaN differs from NaN, as in TensorFlow's hash map.
    """
    count = len(rows)
    if rows.dtype.kind == "O":
        items = rows[:, 0].tolist() if rows.shape[1] == 1 else [tuple(row) for row in rows.tolist()]
        table = {item: number for number, item in enumerate(dict.fromkeys(items))}
        inverse = np.array([table[item] for item in items], np.int64)
        return _first_of(inverse, len(table)), inverse
    if rows.dtype.kind in "iu" and rows.shape[1] == 1 and count:
        low, high = int(rows.min()), int(rows.max())
        if high - low < 4 * count + _SMALL_TABLE and high < 2**63:
            return _distinct_small(rows[:, 0].astype(np.int64) - low, high - low + 1)
    if not rows.size:  # however many columns there are
        return np.zeros(min(count, 1), np.int64), np.zeros(count, np.int64)
    if rows.dtype.kind in "ib" or (rows.dtype.kind == "u" and rows.dtype.itemsize < 8):
        order = row_order(rows.astype(np.int64, copy=False))
    else:
        order = np.lexsort(rows.T) if rows.shape[1] > 1 else np.argsort(rows[:, 0], kind="stable")
    ranked = rows[order]
    is_new = np.ones(count, bool)
    is_new[1:] = (ranked[1:] != ranked[:-1]).any(1)
    group = np.cumsum(is_new) - 1  # of each sorted row; groups are numbered by value
    first = order[is_new]  # the sorts are stable, so a group's first row comes first
    by_appearance = np.argsort(first, kind="stable")
    number = np.empty(len(first), np.int64)
    number[by_appearance] = np.arange(len(first))
    inverse = np.empty(count, np.int64)
    inverse[order] = number[group]
    return first[by_appearance], inverse


def _distinct_small(values: Array, limit: int) -> tuple[Array, Array]:
    """`_distinct` of integers in [0, limit), by a table instead of by sorting."""
    count = len(values)
    first = np.full(limit, count)
    first[values[::-1]] = np.arange(count - 1, -1, -1)
    positions = np.sort(first[first < count])
    number = np.empty(limit, np.int64)
    number[values[positions]] = np.arange(len(positions))
    return positions, number[values]


def _first_of(inverse: Array, count: int) -> Array:
    first = np.zeros(count, np.int64)
    first[inverse[::-1]] = np.arange(len(inverse) - 1, -1, -1)
    return first


def _unique(x: Array, axis: int) -> tuple[Array, Array]:
    moved = np.moveaxis(x, axis, 0)
    first, inverse = _distinct(_comparable(moved.reshape(len(moved), product(moved.shape[1:]))))
    if not x.size:  # take() walks all other axes, however long
        return np.empty((*x.shape[:axis], len(first), *x.shape[axis + 1 :]), x.dtype), inverse
    return x.take(first, axis), inverse


def _check_vector(x: Array) -> None:
    if x.ndim != 1:
        raise InvalidArgumentError("unique expects a 1D vector.")


@kernel("Unique")
def unique(x: Array, *, out_idx: DataType = DataType.INT32) -> tuple[Array, Array]:
    _check_vector(x)
    values, inverse = _unique(x, 0)
    return values, inverse.astype(out_idx.numpy)


@kernel("UniqueWithCounts")
def unique_with_counts(x: Array, *, out_idx: DataType = DataType.INT32) -> tuple[Array, Array, Array]:
    _check_vector(x)
    values, inverse = _unique(x, 0)
    dtype = out_idx.numpy
    return values, inverse.astype(dtype), np.bincount(inverse, minlength=len(values)).astype(dtype)


def _axis_of(x: Array, axis: Array) -> int:
    if axis.ndim != 1:
        raise InvalidArgumentError("axis expects a 1D vector.")
    if axis.size == 0:
        _check_vector(x)
        return 0
    if axis.size > 1:
        raise InvalidArgumentError("axis does not support input tensors larger than 1 elements")
    return axis_in(int(axis[0]), x.ndim, "axis")


@kernel("UniqueV2")
def unique_v2(x: Array, axis: Array, *, out_idx: DataType = DataType.INT32) -> tuple[Array, Array]:
    values, inverse = _unique(x, _axis_of(x, axis))
    return values, inverse.astype(out_idx.numpy)


@kernel("UniqueWithCountsV2")
def unique_with_counts_v2(x: Array, axis: Array, *, out_idx: DataType = DataType.INT32) -> tuple[Array, Array, Array]:
    at = _axis_of(x, axis)
    values, inverse = _unique(x, at)
    dtype = out_idx.numpy
    return values, inverse.astype(dtype), np.bincount(inverse, minlength=values.shape[at]).astype(dtype)


@kernel("ListDiff")
def list_diff(x: Array, y: Array, *, out_idx: DataType = DataType.INT32) -> tuple[Array, Array]:
    for name, value in (("x", x), ("y", y)):
        if value.ndim != 1:
            raise InvalidArgumentError(f"{name} should be a 1D vector.")
    if x.dtype.kind == "O":
        known = set(y.tolist())
        kept = np.array([i for i, value in enumerate(x.tolist()) if value not in known], np.int64)
    else:
        kept = np.flatnonzero(~np.isin(_comparable(x), _comparable(y)))
    return x[kept], kept.astype(out_idx.numpy)


# Permutations, partitions


@kernel("InvertPermutation")
def invert_permutation(x: Array) -> Array:
    if x.ndim != 1:
        raise InvalidArgumentError("invert_permutation expects a 1D vector.")
    check_indices(x, len(x), "index")
    out = np.full(len(x), -1, x.dtype)
    out[x] = np.arange(len(x), dtype=x.dtype)
    if len(x) and out.min() < 0:
        values, counts = np.unique(x, return_counts=True)
        raise InvalidArgumentError(f"{values[counts > 1][0]} is duplicated in the input.")
    return out


@kernel("DynamicPartition")
def dynamic_partition(data: Array, partitions: Array, *, num_partitions: int) -> tuple[Array, ...]:
    if data.shape[: partitions.ndim] != partitions.shape:
        raise InvalidArgumentError(
            f"data.shape must start with partitions.shape, got data.shape = {list(data.shape)}, "
            f"partitions.shape = {list(partitions.shape)}"
        )
    check_indices(partitions, num_partitions, "partitions")
    rows = data.reshape(partitions.size, *data.shape[partitions.ndim :])
    flat = partitions.ravel()
    order = stable_order(flat)
    ends = np.cumsum(np.bincount(flat, minlength=num_partitions))[:-1]
    return tuple(rows[places] for places in np.split(order, ends))


@kernel("DynamicStitch", "ParallelDynamicStitch")
def dynamic_stitch(*inputs: Array) -> Array:
    """Indices first, then as many data tensors. Later rows win; rows that no index names are zero."""
    count = len(inputs) // 2
    indices, data = inputs[:count], inputs[count:]
    inner = data[0].shape[indices[0].ndim :]
    for i, (index, value) in enumerate(zip(indices, data, strict=True)):
        if value.shape != index.shape + inner:
            raise InvalidArgumentError(
                f"data[{i}].shape must start with indices[{i}].shape and end as data[0] does, "
                f"got data[{i}].shape = {list(value.shape)}, indices[{i}].shape = {list(index.shape)}"
            )
    size = max([int(index.max()) + 1 for index in indices if index.size], default=0)
    out = zeros_of((max(size, 0), *inner), data[0].dtype)
    for index, value in zip(indices, data, strict=True):
        check_indices(index, size)
        out[index.ravel()] = value.reshape(index.size, *inner)
    return out


# Places in sorted rows


def _bound(rows: Array, values: Array, side: str, nan_at: int, out_type: DataType) -> Array:
    if rows.ndim != 2 or values.ndim != 2:
        raise InvalidArgumentError("sorted_inputs and values arguments must be matrices")
    if len(rows) != len(values):
        raise InvalidArgumentError("Leading dim_size of both tensors must match.")
    rows, values = _comparable(rows), _comparable(values)
    out = np.zeros(values.shape, out_type.numpy)
    for row, value, place in zip(rows, values, out, strict=True):
        if (row[1:] >= row[:-1]).all():
            place[...] = np.searchsorted(row, value, side)  # type: ignore[call-overload]
        else:
            place[...] = _halved(row, value, side)
    if values.dtype.kind == "f":
        out[np.isnan(values)] = nan_at
    return out


def _halved(row: Array, values: Array, side: str) -> Array:
    """Where the halving of std::lower_bound and std::upper_bound ends in a row that is not sorted."""
    first, count = np.zeros(values.shape, np.int64), np.full(values.shape, len(row))
    while count.any():
        half = count // 2
        middle = row[np.minimum(first + half, len(row) - 1)]
        right = (count > 0) & ((middle < values) if side == "left" else ~(values < middle))
        first = np.where(right, first + half + 1, first)
        count = np.where(right, count - half - 1, half)
    return first


@kernel("LowerBound")
def lower_bound(sorted_inputs: Array, values: Array, *, out_type: DataType = DataType.INT32) -> Array:
    return _bound(sorted_inputs, values, "left", 0, out_type)


@kernel("UpperBound")
def upper_bound(sorted_inputs: Array, values: Array, *, out_type: DataType = DataType.INT32) -> Array:
    return _bound(sorted_inputs, values, "right", sorted_inputs.shape[-1] if sorted_inputs.ndim else 0, out_type)
