"""Sparse tensors as (indices, values, dense shape): densify, reshape, slice, join, split, sort and fill.

Rows of indices are turned into single integer keys, so that everything is sorting and searching whole arrays.
Arithmetic is in `sparse_math`, sets in `sets`. Semantics from tensorflow/core/kernels/sparse_*.cc and
core/util/sparse/sparse_tensor.h.
"""

from __future__ import annotations

import math

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._sorting import row_order
from smcli.kernels.context import Array
from smcli.kernels.ragged import MAX_OUTPUT, fill_empty_rows
from smcli.kernels.registry import kernel

MAX_INT64 = 2**63 - 1


def check_sparse(indices: Array, values: Array, shape: Array, name: str = "input") -> tuple[int, ...]:
    """The dense shape of a sparse tensor whose three parts fit together. Raises InvalidArgumentError."""
    if indices.ndim != 2:
        raise InvalidArgumentError(f"{name} indices should be a matrix but received shape {list(indices.shape)}")
    if values.ndim != 1:
        raise InvalidArgumentError(f"{name} values should be a vector but received shape {list(values.shape)}")
    if shape.ndim != 1:
        raise InvalidArgumentError(f"{name} shape should be a vector but received shape {list(shape.shape)}")
    if indices.shape[0] != values.shape[0]:
        raise InvalidArgumentError(
            f"{name}: number of indices and values must match: {indices.shape[0]} vs. {values.shape[0]}"
        )
    if indices.shape[1] != shape.shape[0]:
        raise InvalidArgumentError(
            f"{name}: indices have {indices.shape[1]} columns but the dense shape has {shape.shape[0]} dimensions"
        )
    return checked_shape(shape, name)


def checked_shape(shape: Array, name: str = "dense") -> tuple[int, ...]:
    """A shape tensor as ints. Raises InvalidArgumentError for negative sizes or a product past int64."""
    sizes = tuple(int(size) for size in shape)
    if any(size < 0 for size in sizes):
        raise InvalidArgumentError(f"{name} shape {list(sizes)} must not have negative dimensions")
    if math.prod(size for size in sizes if size) > MAX_INT64:
        raise InvalidArgumentError(f"{name} shape {list(sizes)} would have more than 2**63 - 1 elements")
    return sizes


def check_bounds(indices: Array, shape: tuple[int, ...], name: str = "indices") -> None:
    """Raises InvalidArgumentError for the first row of `indices` [n, rank] that is outside of `shape`."""
    if all(
        size > int(column.max()) and int(column.min()) >= 0 for column, size in zip(indices.T, shape) if len(column)
    ):
        return
    bad = ((indices < 0) | (indices >= np.array(shape, dtype=np.int64))).any(axis=1)
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise InvalidArgumentError(
            f"{name}[{at}] = {indices[at].tolist()} is out of bounds: need 0 <= index < {list(shape)}"
        )


def linear(indices: Array, shape: tuple[int, ...]) -> Array:
    """The row-major position of each row of in-bounds `indices` in a tensor of `shape`."""
    keys = np.zeros(indices.shape[0], dtype=np.int64)
    for column, size in enumerate(shape):
        keys = keys * size + indices[:, column]
    return keys


def unlinear(keys: Array, shape: tuple[int, ...]) -> Array:
    """The inverse of `linear`: int64 [n, rank]."""
    indices = np.empty((keys.size, len(shape)), dtype=np.int64)
    for column in range(len(shape) - 1, 0, -1):
        size = max(shape[column], 1)
        rest = keys // size
        indices[:, column] = keys - rest * size
        keys = rest
    if shape:
        indices[:, 0] = keys
    return indices


@kernel("SparseToDense")
def sparse_to_dense(
    sparse_indices: Array,
    output_shape: Array,
    sparse_values: Array,
    default_value: Array,
    *,
    validate_indices: bool = True,
) -> Array:
    """`default_value` everywhere but at the indices (a scalar, [n], or [n, rank]), where the values are."""
    if sparse_indices.ndim > 2:
        raise InvalidArgumentError(
            f"sparse_indices should be a scalar, vector, or matrix, got shape {list(sparse_indices.shape)}"
        )
    if output_shape.ndim != 1:
        raise InvalidArgumentError(f"output_shape must be rank 1, got shape {list(output_shape.shape)}")
    rows = sparse_indices.shape[0] if sparse_indices.ndim else 1
    rank = sparse_indices.shape[1] if sparse_indices.ndim == 2 else 1
    if output_shape.shape[0] != rank:
        raise InvalidArgumentError(
            f"output_shape has incorrect number of elements: {output_shape.shape[0]} should be: {rank}"
        )
    if sparse_values.ndim > 1 or (sparse_values.ndim == 1 and sparse_values.shape[0] != rows):
        raise InvalidArgumentError(
            f"sparse_values has incorrect shape {list(sparse_values.shape)}, should be [] or [{rows}]"
        )
    if default_value.ndim:
        raise InvalidArgumentError("default_value should be a scalar.")
    shape = checked_shape(output_shape, "output")
    if math.prod(shape) > MAX_OUTPUT:
        raise InvalidArgumentError(f"output_shape {list(shape)} has too many elements")
    indices = sparse_indices.reshape(rows, rank).astype(np.int64)
    check_bounds(indices, shape)
    keys = linear(indices, shape)
    if validate_indices:
        wrong = np.flatnonzero(keys[1:] <= keys[:-1])
        if wrong.size:
            at = int(wrong[0]) + 1
            what = "is repeated" if keys[at] == keys[at - 1] else "is out of order"
            raise InvalidArgumentError(
                f"indices[{at}] = {indices[at].tolist()} {what}. Many sparse ops require sorted indices."
            )
    output = np.full(math.prod(shape), default_value, sparse_values.dtype)
    output[keys] = sparse_values
    return output.reshape(shape)


@kernel("SparseReshape")
def sparse_reshape(input_indices: Array, input_shape: Array, new_shape: Array) -> tuple[Array, Array]:
    """Indices and shape of the same values in another shape, of which one dimension may be -1."""
    if input_indices.ndim != 2:
        raise InvalidArgumentError(f"Input indices should be a matrix but received shape {list(input_indices.shape)}")
    if input_shape.ndim != 1 or new_shape.ndim != 1:
        raise InvalidArgumentError("Input shape and target shape should be vectors")
    if input_indices.shape[1] != input_shape.shape[0]:
        raise InvalidArgumentError(
            f"Input tensor rank must match input shape length: {input_indices.shape[1]} vs {input_shape.shape[0]}"
        )
    old = checked_shape(input_shape, "input")
    total = math.prod(old)
    target = [int(size) for size in new_shape]
    unknown = [i for i, size in enumerate(target) if size == -1]
    if len(unknown) > 1:
        raise InvalidArgumentError(f"only one output dimension may be -1, not both {unknown[0]} and {unknown[1]}")
    if any(size < -1 for size in target):
        raise InvalidArgumentError(f"size of the new shape {target} must be non-negative")
    known = math.prod(size for size in target if size != -1)
    if known > MAX_INT64:
        raise InvalidArgumentError(f"the new shape {target} would have more than 2**63 - 1 elements")
    if unknown:
        if known == 0:
            raise InvalidArgumentError("reshape cannot infer the missing input size for an empty tensor")
        if total % known:
            raise InvalidArgumentError(
                f"Input to reshape is a SparseTensor with {total} dense values, but the requested shape "
                f"requires a multiple of {known}. input_shape={list(old)} output_shape={target}"
            )
        target[unknown[0]] = total // known
    if math.prod(target) != total:
        raise InvalidArgumentError(
            f"Input to reshape is a tensor with {total} dense values, but the requested shape has "
            f"{math.prod(target)}. input_shape={list(old)} output_shape={target}"
        )
    if target == list(old):
        return input_indices, input_shape
    if input_indices.shape[0] and total == 0:
        raise InvalidArgumentError("Input tensor has values but its dense shape has no elements")
    if total == 0 and not input_indices.shape[0]:
        return np.empty((0, len(target)), np.int64), np.array(target, dtype=np.int64)
    # Indices are not checked to be in bounds; quotients round towards zero as C's do (reshape_util.cc).
    keys = linear(input_indices, old)
    columns = []
    for stride in [math.prod(target[i + 1 :]) for i in range(len(target))]:
        column = np.abs(keys) // stride * np.sign(keys)
        keys = keys - column * stride
        columns.append(column)
    indices = np.stack(columns, axis=1) if columns else np.empty((len(keys), 0), np.int64)
    return indices, np.array(target, dtype=np.int64)


@kernel("SparseFillEmptyRows")
def sparse_fill_empty_rows(
    indices: Array, values: Array, dense_shape: Array, default_value: Array
) -> tuple[Array, Array, Array, Array]:
    """Indices and values with the default at column 0 of each empty row, which were empty, where each value went."""
    if dense_shape.ndim != 1:
        raise InvalidArgumentError(f"dense_shape must be a vector, saw: {list(dense_shape.shape)}")
    if indices.ndim != 2:
        raise InvalidArgumentError(f"indices must be a matrix, saw: {list(indices.shape)}")
    if values.ndim != 1:
        raise InvalidArgumentError(f"values must be a vector, saw: {list(values.shape)}")
    if indices.shape[0] != values.shape[0]:
        raise InvalidArgumentError(
            f"The length of `values` ({values.shape[0]}) must match the first dimension of `indices` "
            f"({indices.shape[0]})."
        )
    if indices.shape[1] != dense_shape.shape[0]:
        raise InvalidArgumentError(
            f"The length of `dense_shape` ({dense_shape.shape[0]}) must match the second dimension of `indices` "
            f"({indices.shape[1]})."
        )
    if default_value.ndim:
        raise InvalidArgumentError(f"default_value must be a scalar, saw: {list(default_value.shape)}")
    if dense_shape.size == 0:
        raise InvalidArgumentError("Dense shape cannot be empty.")
    sources, rows, filled, is_empty, where = fill_empty_rows(
        indices[:, 0], int(dense_shape[0]), values, default_value, lambda i: f"indices({i}, 0)"
    )
    if filled is values:  # no row is empty
        return indices, filled, is_empty, where
    output = np.zeros((rows.size, indices.shape[1]), dtype=np.int64)
    kept = sources >= 0
    output[kept] = indices[sources[kept]]
    output[:, 0] = rows
    return output, filled, is_empty, where


@kernel("SparseReorder")
def sparse_reorder(input_indices: Array, input_values: Array, input_shape: Array) -> tuple[Array, Array]:
    """The same sparse tensor with its indices in row-major order."""
    check_sparse(input_indices, input_values, input_shape)
    order = row_order(input_indices)
    return input_indices[order], input_values[order]


@kernel("SparseSlice")
def sparse_slice(indices: Array, values: Array, shape: Array, start: Array, size: Array) -> tuple[Array, Array, Array]:
    """The part of a sparse tensor from `start`, of at most `size`."""
    sizes = check_sparse(indices, values, shape)
    if start.ndim != 1 or size.ndim != 1 or start.shape != shape.shape or size.shape != shape.shape:
        raise InvalidArgumentError(
            f"start and size should be vectors of {len(sizes)}, got shapes {list(start.shape)} and {list(size.shape)}"
        )
    begins, lengths = start.tolist(), size.tolist()
    output = []
    for dim, (total, begin, length) in enumerate(zip(sizes, begins, lengths)):
        if length < 0:
            raise InvalidArgumentError(f"size[{dim}] = {length} must not be negative")
        output.append(max(0, min(length, total - begin)))
    new_shape = np.array(output, dtype=np.int64)
    keep = ((indices >= start) & (indices - start < new_shape)).all(axis=1)
    return indices[keep] - start, values[keep], new_shape


@kernel("SparseConcat")
def sparse_concat(*inputs: Array, concat_dim: int) -> tuple[Array, Array, Array]:
    """Sparse tensors joined along `concat_dim`: inputs are all indices, then all values, then all shapes."""
    count = len(inputs) // 3
    parts = list(zip(inputs[:count], inputs[count : 2 * count], inputs[2 * count :]))
    if not parts:
        raise InvalidArgumentError("Number of inputs must be positive")
    shapes = [check_sparse(*part, name=f"inputs[{i}]") for i, part in enumerate(parts)]
    rank = len(shapes[0])
    dim = concat_dim + rank if concat_dim < 0 else concat_dim
    if not 0 <= dim < rank:
        raise InvalidArgumentError(f"Concat dimension must be in range [{-rank}, {rank}), got {concat_dim}")
    for i, shape in enumerate(shapes[1:], 1):
        if len(shape) != rank:
            raise InvalidArgumentError(
                f"Ranks of all input tensors must match: expected {rank} but got {len(shape)} at position {i}"
            )
        for axis in range(rank):
            if axis != dim and shape[axis] != shapes[0][axis]:
                raise InvalidArgumentError(
                    f"Input shapes must match: expected {shapes[0][axis]} for dimension {axis} "
                    f"but got {shape[axis]} at position {i}"
                )
    moved, offset = [], 0
    for (indices, _, _), shape in zip(parts, shapes):
        step = np.zeros(rank, dtype=np.int64)
        step[dim] = offset
        moved.append(indices + step)
        offset += shape[dim]
    joined = np.concatenate(moved)
    values = np.concatenate([part[1] for part in parts])
    order = row_order(joined)
    new_shape = list(shapes[0])
    new_shape[dim] = offset
    return joined[order], values[order], np.array(new_shape, dtype=np.int64)


@kernel("SparseSplit")
def sparse_split(split_dim: Array, indices: Array, values: Array, shape: Array, *, num_split: int) -> tuple[Array, ...]:
    """`num_split` parts along a dimension, the first ones longer by one where it does not divide.

    Returns the indices of all parts, then their values, then their shapes.
    """
    if split_dim.ndim:
        raise InvalidArgumentError(f"Input axis should be a scalar but received shape {list(split_dim.shape)}")
    axis = int(split_dim)
    sizes = check_sparse(indices, values, shape)
    if not -len(sizes) <= axis < len(sizes):
        raise InvalidArgumentError(f"Input split_dim should be between 0 and rank ({len(sizes)}), got {axis}")
    axis %= len(sizes)
    if not 1 <= num_split <= sizes[axis]:
        raise InvalidArgumentError(
            f"Input num_split should be between 1 and the splitting dimension size ({sizes[axis]}), got {num_split}"
        )
    check_bounds(indices, sizes)
    each, rest = divmod(sizes[axis], num_split)
    lengths = [each + (part < rest) for part in range(num_split)]
    ends = np.cumsum(lengths)
    part_of = np.searchsorted(ends, indices[:, axis], side="right")
    output: list[list[Array]] = [[], [], []]
    for part, length in enumerate(lengths):
        keep = part_of == part
        moved = indices[keep]
        moved[:, axis] -= ends[part] - length
        new_shape = np.array(sizes, dtype=np.int64)
        new_shape[axis] = length
        for column, item in zip(output, (moved, values[keep], new_shape)):
            column.append(item)
    return (*output[0], *output[1], *output[2])
