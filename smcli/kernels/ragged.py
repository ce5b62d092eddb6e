"""Ragged tensors as kernels see them: row splits beside flat values, and the ops that build, gather and pad them.

Everything works on whole arrays: a partition is turned into "which row" and "which place in the row" for all values
at once. Counting and crossing of ragged inputs live in `counts` and `crosses`. Semantics from
tensorflow/core/kernels/ragged_*.cc.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels.context import Array, handle
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType, from_numpy
from smcli.tensors.variants import RaggedVariant

INT64 = np.dtype(np.int64)
MAX_OUTPUT = 2**40  # elements: more than any machine holds


def empty_like_type(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Zeros, or empty strings for an object dtype."""
    return np.full(shape, b"", dtype) if dtype.kind == "O" else np.zeros(shape, dtype)


def places_in_runs(lengths: Array) -> Array:
    """0, 1, … n-1 for each n of `lengths`, joined."""
    starts = np.cumsum(lengths) - lengths
    places: Array = np.arange(int(lengths.sum()), dtype=np.int64) - np.repeat(starts, lengths)
    return places


# ---- RaggedTensorToTensor --------------------


def _row_of_value_ids(rowids: Array) -> tuple[Array, Array]:
    """The start of the run that each row id is in, and its place there; runs are of neighbours that are equal."""
    index = np.arange(rowids.size, dtype=np.int64)
    is_first = np.ones(rowids.size, dtype=bool)
    is_first[1:] = rowids[1:] != rowids[:-1]
    first = np.maximum.accumulate(np.where(is_first, index, 0))
    return first, index - first


def _split_lengths(splits: Array) -> Array:
    lengths = np.diff(splits.astype(np.int64))
    if (lengths < 0).any():
        raise InvalidArgumentError("Invalid row split: row splits must not decrease")
    return lengths


def _max_width(kind: str, partition: Array) -> int:
    if kind == "VALUE_ROWIDS":
        return int(_row_of_value_ids(partition)[1].max()) + 1 if partition.size else 0
    lengths = _split_lengths(partition)
    return int(lengths.max()) if lengths.size else 0


def _child_positions(kind: str, partition: Array, parents: Array, size: int, multiplier: int) -> Array:
    """Where each value of a level begins in the flat output, -1 for what falls outside.

    parents: the same for the rows of this level. size: this level's width in the output; multiplier: its stride.
    """
    if kind == "VALUE_ROWIDS":
        rows = partition.astype(np.int64)
        bad = (rows < 0) | (rows >= parents.size)
        if bad.any():
            raise InvalidArgumentError(
                f"Got next_value_rowid={int(rows[bad][0])}, which is not in [0, {parents.size}), the rows of its parent"
            )
        place = _row_of_value_ids(rows)[1]
    else:
        lengths = _split_lengths(partition)
        if lengths.size > parents.size:
            raise InvalidArgumentError(f"Row split has {lengths.size} rows, but its parent has {parents.size}")
        rows = np.repeat(np.arange(lengths.size), lengths)
        place = places_in_runs(lengths)
        if partition.size and place.size != int(partition[-1]):
            raise InvalidArgumentError("Invalid row split size.")
    base = parents[rows]
    return np.where((base >= 0) & (place < size), base + place * multiplier, -1)


def _dense_shape(shape: Array, values: Array, ragged_rank: int) -> list[int]:
    """The output shape with -1 where the data decides (CombineRaggedTensorToTensorShapes)."""
    rank = ragged_rank + values.ndim
    if shape.ndim == 0:
        if int(shape) != -1:
            raise InvalidArgumentError("The only valid scalar shape tensor is the fully unknown shape specified as -1.")
        return [-1] * (ragged_rank + 1) + list(values.shape[1:])
    wanted = [int(n) for n in shape]
    if any(n < -1 for n in wanted):
        raise InvalidArgumentError(f"Shape {wanted} must not have dimensions below -1")
    if len(wanted) != rank:
        raise InvalidArgumentError(
            f"rt_input.shape and shape={wanted} are incompatible: rt_input.rank = {rank} but shape.rank = {len(wanted)}"
        )
    for i, size in enumerate(values.shape[1:], ragged_rank + 1):
        if wanted[i] < 0:
            wanted[i] = size
        elif wanted[i] != size:
            raise InvalidArgumentError(
                f"rt_input.shape and shape={wanted} are incompatible: rt_input.shape[{i}] = {size} "
                f"but shape[{i}] = {wanted[i]}"
            )
    return wanted


@kernel("RaggedTensorToTensor")
def ragged_tensor_to_tensor(
    shape: Array, values: Array, default_value: Array, *partitions: Array, row_partition_types: tuple[str, ...]
) -> Array:
    """The values in a dense tensor, rows cut or padded with `default_value`.

    partitions: one tensor for each of `row_partition_types` (FIRST_DIM_SIZE, VALUE_ROWIDS, ROW_SPLITS), outer first.
    """
    if len(partitions) != len(row_partition_types) or not partitions:
        raise InvalidArgumentError(
            f"{len(partitions)} row partitions for {len(row_partition_types)} row_partition_types"
        )
    for kind in row_partition_types:
        if kind not in ("FIRST_DIM_SIZE", "VALUE_ROWIDS", "ROW_SPLITS"):
            raise InvalidArgumentError(f"Unsupported row partition type: {kind}")
    head = row_partition_types[0]
    if head == "VALUE_ROWIDS":
        raise InvalidArgumentError("Cannot handle VALUE_ROWIDS in first dimension.")
    if head == "FIRST_DIM_SIZE":
        if partitions[0].ndim != 0:
            raise InvalidArgumentError("The first dimension size must be a scalar")
        rows = int(partitions[0])
        kinds, levels = row_partition_types[1:], partitions[1:]
    else:
        rows = max(partitions[0].size - 1, 0)
        kinds, levels = row_partition_types, partitions
    if "FIRST_DIM_SIZE" in kinds:
        raise InvalidArgumentError("FIRST_DIM_SIZE must be the first row partition")
    if values.ndim == 0:
        raise InvalidArgumentError("values must not be a scalar")
    if any(level.ndim != 1 for level in levels):
        raise InvalidArgumentError("Row partitions must be vectors")
    wanted = _dense_shape(shape, values, len(kinds))
    size = [rows if wanted[0] < 0 else wanted[0]]
    for kind, level, width in zip(kinds, levels, wanted[1:]):
        size.append(_max_width(kind, level) if width < 0 else width)
    element_shape = tuple(wanted[len(kinds) + 1 :])
    if default_value.ndim > len(element_shape):
        raise InvalidArgumentError(
            f"default_value.shape={list(default_value.shape)} and rt_input.flat_values.shape={list(values.shape)} "
            "are incompatible"
        )
    total = math.prod(size) * max(math.prod(element_shape), 1)
    if total > MAX_OUTPUT:
        raise InvalidArgumentError(f"The output shape {size + list(element_shape)} has too many elements")
    try:
        fill = np.broadcast_to(default_value, element_shape)
    except ValueError:
        raise InvalidArgumentError(
            f"default_value.shape={list(default_value.shape)} and rt_input.flat_values.shape={list(values.shape)} "
            "are incompatible"
        ) from None
    strides = [math.prod(size[i + 1 :]) for i in range(len(size))]
    places = np.arange(max(rows, 0), dtype=np.int64) * strides[0]
    places[size[0] :] = -1
    for depth, (kind, level) in enumerate(zip(kinds, levels), 1):
        places = _child_positions(kind, level, places, size[depth], strides[depth])
    if places.size > values.shape[0]:
        raise InvalidArgumentError(f"Row partitions describe {places.size} values, but there are {values.shape[0]}")
    output = np.empty((math.prod(size), *element_shape), values.dtype)
    output[...] = fill
    keep = places >= 0
    output[places[keep]] = values[: places.size][keep]
    return output.reshape(*size, *element_shape)


# ---- to and from other forms --------------------


def check_nested_splits(splits: tuple[Array, ...], values_rows: int) -> None:
    """Each level of splits must start at 0, not decrease, and end where the next level has its number of rows."""
    for depth, level in enumerate(splits):
        if level.ndim != 1 or level.size == 0:
            raise InvalidArgumentError("ragged splits may not be empty.")
        if level[0] != 0:
            raise InvalidArgumentError("First value of ragged splits must be 0.")
        if (level[1:] < level[:-1]).any():
            raise InvalidArgumentError("Ragged splits should be non decreasing.")
        rows = splits[depth + 1].size - 1 if depth + 1 < len(splits) else values_rows
        if int(level[-1]) != rows:
            raise InvalidArgumentError(
                "Final value of ragged splits must match the length of the corresponding ragged values: "
                f"{int(level[-1])} vs {rows}"
            )


@kernel("RaggedTensorToSparse")
def ragged_tensor_to_sparse(*inputs: Array) -> tuple[Array, Array, Array]:
    """Indices [n, rank], values [n] and dense shape [rank] of a ragged tensor."""
    splits, values = inputs[:-1], inputs[-1]
    if not splits:
        raise InvalidArgumentError("ragged tensor must have at least one level of row splits")
    if values.ndim == 0:
        raise InvalidArgumentError("rt_dense_values must not be a scalar")
    check_nested_splits(splits, values.shape[0])
    columns: list[Array] = [np.arange(splits[0].size - 1, dtype=np.int64)]
    shape = [splits[0].size - 1]
    for level in splits:
        lengths: Array = np.diff(level.astype(np.int64))
        columns = [np.repeat(column, lengths) for column in columns]
        columns.append(places_in_runs(lengths))
        shape.append(int(lengths.max()) if lengths.size else 0)
    inner = values.shape[1:]
    count = math.prod(inner)
    columns = [np.repeat(column, count) for column in columns]
    if inner:
        places = np.indices(inner, dtype=np.int64).reshape(len(inner), -1)
        columns.extend(np.tile(row, values.shape[0]) for row in places)
    indices = np.stack(columns, axis=1).astype(np.int64, copy=False)
    return indices, values.reshape(-1), np.array([*shape, *inner], dtype=np.int64)


@kernel("RaggedTensorToVariant")
def ragged_tensor_to_variant(*inputs: Array, batched_input: bool) -> Array:
    """One variant for the whole ragged tensor, or with `batched_input` a vector of one for each outermost row."""
    splits, values = inputs[:-1], inputs[-1]
    for level in splits:
        if level.ndim != 1 or level.size == 0:
            raise InvalidArgumentError("All row splits must be vectors that are not empty")
    for level, below in zip(splits, [*(inner.size - 1 for inner in splits[1:]), len(values) if values.ndim else 0]):
        if level[0] != 0 or level[-1] != below or (level[1:] < level[:-1]).any():
            raise InvalidArgumentError(
                f"Invalid ragged splits: they must rise from 0 to the number of ragged values ({below})"
            )
    if not batched_input:
        return handle(RaggedVariant(splits, values))
    return unbatch(splits, values)


def unbatch(splits: tuple[Array, ...], values: Array) -> Array:
    """A vector of RaggedVariants, one for each outermost row; without splits, for each row of the values."""
    if splits:
        starts, ends = splits[0][:-1].tolist(), splits[0][1:].tolist()
    elif values.ndim:
        starts, ends = list(range(values.shape[0])), list(range(1, values.shape[0] + 1))
    else:
        raise InvalidArgumentError("batched_input needs values of rank 1 or more")
    output = np.empty(len(starts), dtype=object)
    for row, (start, end) in enumerate(zip(starts, ends)):
        inner = []
        for level in splits[1:]:
            if not 0 <= start <= end < level.size:
                raise InvalidArgumentError(f"Row split {end} is not within the {level.size - 1} rows of the next level")
            part = level[start : end + 1]
            inner.append(part - part[0])
            start, end = int(part[0]), int(part[-1])
        if not 0 <= start <= end <= values.shape[0]:
            raise InvalidArgumentError(f"Row splits {start} to {end} are not within the {values.shape[0]} values")
        output[row] = RaggedVariant(tuple(inner), values[start:end] if splits else values[row])
    return output


@kernel("RaggedTensorFromVariant")
def ragged_tensor_from_variant(
    encoded_ragged: Array,
    *,
    input_ragged_rank: int,
    output_ragged_rank: int,
    Tvalues: DataType,
    Tsplits: DataType = DataType.INT64,
) -> tuple[Array, ...]:
    """Nested splits and flat values of the ragged tensor that a variant, or a tensor of variants, holds."""
    rank = encoded_ragged.ndim
    if input_ragged_rank == -1:
        input_ragged_rank = output_ragged_rank - rank
        if input_ragged_rank < 0:
            raise InvalidArgumentError(
                f"Inferred input_ragged_rank (output_ragged_rank - encoded_variant.dims()) must be >= 0, found "
                f"output_ragged_rank: {output_ragged_rank}, encoded_variant.dims(): {rank}, "
                f"inferred input_ragged_rank: {input_ragged_rank}"
            )
    if rank + input_ragged_rank != output_ragged_rank:
        raise InvalidArgumentError(
            f"output_ragged_rank must be equal to input_ragged_rank + encoded_ragged.dims(); output_ragged_rank: "
            f"{output_ragged_rank}, input_ragged_rank: {input_ragged_rank}, encoded_variant.dims(): {rank}."
        )
    items: list[RaggedVariant] = encoded_ragged.ravel().tolist()
    for i, item in enumerate(items):
        if not isinstance(item, RaggedVariant):
            raise InvalidArgumentError(f"Input Variant element at index {i} doesn't hold a RaggedTensorVariant")
        if len(item.nested_splits) != input_ragged_rank:
            raise InvalidArgumentError(
                f"Encoded input RaggedTensorVariant has ragged_rank={len(item.nested_splits)}. "
                f"Expected ragged_rank={input_ragged_rank}."
            )
        if item.values.dtype != Tvalues.numpy:
            raise InvalidArgumentError(
                f"Expected values Tensor dtype: {Tvalues.tf_name}, found: {from_numpy(item.values.dtype).tf_name}"
            )
        if any(level.dtype != Tsplits.numpy for level in item.nested_splits):
            raise InvalidArgumentError(f"Expected row_splits Tensor dtype: {Tsplits.tf_name}")
        if (input_ragged_rank or rank) and item.values.ndim < (1 if input_ragged_rank or rank else 0):
            raise InvalidArgumentError(f"Ragged values must have rank >= 1; encoded_ragged element: {i}")
    if rank == 0:
        return (*items[0].nested_splits, items[0].values)
    return stack_variants(items, encoded_ragged.shape, input_ragged_rank, Tvalues.numpy, Tsplits.numpy)


def stack_variants(
    items: list[RaggedVariant],
    shape: tuple[int, ...],
    inner_rank: int,
    dtype: np.dtype[Any],
    splits_dtype: np.dtype[Any],
) -> tuple[Array, ...]:
    """Nested splits and values of the stack of ragged tensors of `inner_rank`; `shape` is that of the stack."""
    splits: list[Array] = []
    for depth in range(len(shape) - 1):
        rows = math.prod(shape[: depth + 1])
        splits.append((np.arange(rows + 1) * shape[depth + 1]).astype(splits_dtype))
    for depth in range(inner_rank + 1):
        if depth == 0:
            rows_of = [(item.nested_splits[0].size - 1 if inner_rank else item.values.shape[0]) for item in items]
            lengths = np.array(rows_of, dtype=np.int64)
        else:
            parts = [np.diff(item.nested_splits[depth - 1]) for item in items]
            lengths = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        splits.append(np.concatenate([[0], np.cumsum(lengths)]).astype(splits_dtype))
    if not items:
        return (*splits, empty_like_type((0,), dtype))
    inner = items[0].values.shape[1:]
    for item in items:
        if item.values.shape[1:] != inner:
            raise InvalidArgumentError(
                f"All flat_values must have compatible shapes. Shape at index 0: {list(items[0].values.shape)}. "
                f"Found: {list(item.values.shape)}"
            )
    return (*splits, np.concatenate([item.values for item in items]))


# ---- gather, range, fill --------------------


@kernel("RaggedGather")
def ragged_gather(*inputs: Array, OUTPUT_RAGGED_RANK: int) -> tuple[Array, ...]:
    """Rows of a ragged tensor, as nested splits and flat values: inputs are its splits, its values, and the indices."""
    *splits, values, indices = inputs
    if indices.ndim == 0:
        raise InvalidArgumentError("indices must not be a scalar")
    if values.ndim == 0:
        raise InvalidArgumentError("params.rank must be nonzero")
    if not splits:
        raise InvalidArgumentError("params must have at least one level of row splits")
    if len(splits) + indices.ndim - 1 != OUTPUT_RAGGED_RANK:
        raise InvalidArgumentError(
            f"OUTPUT_RAGGED_RANK is {OUTPUT_RAGGED_RANK}, but params and indices make it "
            f"{len(splits) + indices.ndim - 1}"
        )
    rows = splits[0].size - 1
    flat = indices.reshape(-1).astype(np.int64)
    bad = (flat < 0) | (flat >= rows)
    if bad.any():
        raise InvalidArgumentError(
            f"indices[{int(np.flatnonzero(bad)[0])}] = {int(flat[bad][0])} is not in [0, {rows})"
        )
    dtype = splits[0].dtype
    output: list[Array] = []
    for depth in range(indices.ndim - 1):
        count = math.prod(indices.shape[: depth + 1])
        output.append((np.arange(count + 1) * indices.shape[depth + 1]).astype(dtype))
    for depth, level in enumerate(splits):
        limit = splits[depth + 1].size - 1 if depth + 1 < len(splits) else values.shape[0]
        if level.size and (level[0] < 0 or level[-1] > limit or (level[1:] < level[:-1]).any()):
            raise InvalidArgumentError(
                "Ragged splits must be sorted and within the values"
                if level[-1] <= limit
                else "Ragged splits must not point past values"
            )
        starts = level[:-1][flat].astype(np.int64)
        lengths = level[1:][flat].astype(np.int64) - starts
        output.append(np.concatenate([[0], np.cumsum(lengths)]).astype(dtype))
        flat = np.repeat(starts, lengths) + places_in_runs(lengths)
    return (*output, values[flat])


def _range_sizes(starts: Array, limits: Array, deltas: Array) -> Array:
    """How many values each range has; int64."""
    if starts.dtype.kind == "f":
        sizes = np.ceil(np.abs((limits - starts) / deltas))
        sizes = np.where(((deltas > 0) & (limits < starts)) | ((deltas < 0) & (limits > starts)), 0, sizes)
        if (sizes > 2**62).any() or np.isnan(sizes).any():
            raise InvalidArgumentError("Requires ((limit - start) / delta) <= 2^63 - 1")
        return sizes.astype(np.int64)
    ends = np.concatenate([starts, limits, deltas])
    if ends.size == 0 or (int(ends.min()) > -(2**61) and int(ends.max()) < 2**61):  # nothing can overflow
        wide = [x.astype(np.int64) for x in (starts, limits, deltas)]
        span = np.where(wide[2] > 0, wide[1] - wide[0], wide[0] - wide[1])
        whole: Array = np.maximum(0, -(-span // np.abs(wide[2])))
        return whole
    span = np.where(deltas > 0, limits.astype(object) - starts, starts.astype(object) - limits)
    step = np.abs(deltas.astype(object))
    sizes = np.array([max(0, -(-s // d)) for s, d in zip(span.tolist(), step.tolist())], dtype=object)
    if any(size > 2**62 for size in sizes.tolist()):
        raise InvalidArgumentError("Requires ((limit - start) / delta) <= 2^63 - 1")
    return sizes.astype(np.int64)


@kernel("RaggedRange")
def ragged_range(
    starts: Array, limits: Array, deltas: Array, *, Tsplits: DataType = DataType.INT64
) -> tuple[Array, Array]:
    """Row splits and values of `range(start, limit, delta)` for each row; scalars are broadcast."""
    inputs = {"starts": starts, "limits": limits, "deltas": deltas}
    for name, value in inputs.items():
        if value.ndim > 1:
            raise InvalidArgumentError(f"{name} must be a scalar or vector")
    sizes = {value.shape[0] for value in inputs.values() if value.ndim == 1}
    if len(sizes) > 1:
        raise InvalidArgumentError("starts, limits, and deltas must have the same shape")
    rows = sizes.pop() if sizes else 1
    starts, limits, deltas = (np.broadcast_to(value, (rows,)) for value in inputs.values())
    if (deltas == 0).any():
        raise InvalidArgumentError("Requires delta != 0")
    lengths = _range_sizes(starts, limits, deltas)
    splits = np.cumsum(lengths)
    dtype = Tsplits.numpy
    total = int(splits[-1]) if rows else 0
    if total > min(np.iinfo(dtype).max, MAX_OUTPUT) or total < 0:
        raise InvalidArgumentError(f"Requires the total number of values ({total}) to fit {Tsplits.tf_name}")
    splits = np.concatenate([[0], splits]).astype(dtype)
    if starts.dtype.kind == "f":
        # TensorFlow adds the delta again and again, so rounding accumulates.
        parts = []
        for start, delta, count in zip(starts, deltas, lengths.tolist()):
            steps = np.full(count, delta, starts.dtype)
            steps[:1] = start
            parts.append(np.add.accumulate(steps, dtype=starts.dtype))
        return splits, np.concatenate(parts) if parts else np.zeros(0, starts.dtype)
    values = np.repeat(starts, lengths) + np.repeat(deltas, lengths) * places_in_runs(lengths).astype(starts.dtype)
    return splits, values.astype(starts.dtype, copy=False)


def fill_empty_rows(
    rows: Array, count: int, values: Array, default_value: Array, name_row: Callable[[int], str]
) -> tuple[Array, Array, Array, Array, Array]:
    """Put one default value into each row that has none, rows in order.

    As in tensorflow/core/kernels/fill_empty_rows_functor.h.

    rows: the row of each value; count: how many rows there are; name_row: how a message calls the row of value i.
    Returns the order (an index into the values, or -1 for a default), the new rows, the new values, which rows were
    empty, and where each old value went.
    """
    if values.shape[0] != rows.size:
        raise InvalidArgumentError(f"{rows.size} rows but {values.shape[0]} values")
    if count <= 0 and rows.size:
        raise InvalidArgumentError(f"Received dense number of rows = {count} but there are {rows.size} values")
    bad = (rows < 0) | (rows >= count)
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise InvalidArgumentError(f"{name_row(at)} is invalid: {int(rows[at])} is not in [0, {count})")
    filled = np.bincount(rows, minlength=count)[:count] if count > 0 else np.zeros(0, np.int64)
    is_empty = filled == 0
    if not is_empty.any() and (rows[1:] >= rows[:-1]).all():  # nothing to add, nothing to move
        places = np.arange(rows.size)
        return places, rows.astype(np.int64, copy=False), values, is_empty, places
    missing = np.flatnonzero(is_empty)
    all_rows = np.concatenate([rows, missing])
    sources = np.concatenate([np.arange(rows.size), np.full(missing.size, -1)])
    order = np.argsort(all_rows, kind="stable")
    sources, new_rows = sources[order], all_rows[order].astype(np.int64)
    new_values = np.empty((sources.size, *values.shape[1:]), values.dtype)
    new_values[...] = default_value
    kept = sources >= 0
    new_values[kept] = values[sources[kept]]
    where = np.empty(rows.size, dtype=np.int64)
    where[sources[kept]] = np.flatnonzero(kept)
    return sources, new_rows, new_values, is_empty, where


@kernel("RaggedFillEmptyRows")
def ragged_fill_empty_rows(
    value_rowids: Array, values: Array, nrows: Array, default_value: Array
) -> tuple[Array, Array, Array, Array]:
    """Row ids and values with the default in each empty row, which rows were empty, and where each value went."""
    if nrows.ndim != 0:
        raise InvalidArgumentError(f"nrows must be a scalar, saw: {list(nrows.shape)}")
    if value_rowids.ndim != 1:
        raise InvalidArgumentError(f"value_rowids must be a vector, saw: {list(value_rowids.shape)}")
    if values.ndim != 1:
        raise InvalidArgumentError(f"values must be a vector, saw: {list(values.shape)}")
    if default_value.ndim != 0:
        raise InvalidArgumentError(f"default_value must be a scalar, saw: {list(default_value.shape)}")
    _, rows, filled, is_empty, where = fill_empty_rows(
        value_rowids, int(nrows), values, default_value, lambda i: f"value_rowids({i})"
    )
    if int(nrows) == 0:  # TensorFlow gives the row ids of nothing a second dimension
        rows = rows.reshape(0, 1)
    return rows, filled, is_empty, where
