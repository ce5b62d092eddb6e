"""Counting the values of ragged, sparse and dense inputs, into dense rows or sparse tensors.

Semantics from tensorflow/core/kernels/bincount_op.cc and count_ops.cc. Dense bincount is with the other array kernels.
"""

from __future__ import annotations

import math

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._sorting import row_order
from smcli.kernels.context import Array
from smcli.kernels.ragged import MAX_OUTPUT
from smcli.kernels.registry import kernel
from smcli.kernels.sparse import check_bounds
from smcli.tensors.types import DataType


def _check_size(size: Array) -> int:
    if size.ndim and size.size != 1:
        raise InvalidArgumentError(f"Shape must be rank 0 but is rank {size.ndim}")
    count = int(size.reshape(-1)[0])
    if count < 0:
        raise InvalidArgumentError(f"size ({count}) must be non-negative")
    return count


def _tallied(rows: Array, values: Array, shape: tuple[int, int], weights: Array, binary_output: bool) -> Array:
    """Counts [rows, size] of the values below `size`, weighted or 1 at most; the dtype is that of the weights."""
    if (values < 0).any():
        raise InvalidArgumentError("Input arr must be non-negative!")
    if math.prod(shape) > MAX_OUTPUT:
        raise InvalidArgumentError(f"an output of shape {list(shape)} has too many elements")
    keep = values < shape[1]
    keys = rows[keep] * shape[1] + values[keep].astype(np.int64)
    output = np.zeros(math.prod(shape), weights.dtype)
    if binary_output:
        output[keys] = 1
    elif weights.size:
        np.add.at(output, keys, weights.reshape(-1)[keep])
    else:
        output += np.bincount(keys, minlength=output.size).astype(output.dtype)
    return output.reshape(shape)


def _check_weights(weights: Array, values: Array) -> None:
    if weights.size and weights.shape != values.shape:
        raise InvalidArgumentError(
            f"Weights and values must have the same shape. Weight shape: {list(weights.shape)}; "
            f"values shape: {list(values.shape)}"
        )


def _ragged_rows(splits: Array, values: Array) -> Array:
    """The row of each value. Raises InvalidArgumentError when splits and values do not fit."""
    if splits.ndim != 1 or splits.size == 0:
        raise InvalidArgumentError("Splits must be a vector that is not empty")
    if splits[0] != 0:
        raise InvalidArgumentError(f"Splits must start with 0, not with {int(splits[0])}")
    if int(splits[-1]) != values.size:
        raise InvalidArgumentError(
            f"Splits must end with the number of values, got {int(splits[-1])} instead of {values.size}"
        )
    lengths: Array = np.diff(splits)
    if (lengths < 0).any():
        raise InvalidArgumentError("Splits must not decrease")
    return np.repeat(np.arange(lengths.size), lengths)


@kernel("RaggedBincount")
def ragged_bincount(splits: Array, values: Array, size: Array, weights: Array, *, binary_output: bool = False) -> Array:
    """[rows, size] counts of the values of each row."""
    _check_weights(weights, values)
    count = _check_size(size)
    rows = _ragged_rows(splits, values)
    return _tallied(rows, values.reshape(-1), (splits.size - 1, count), weights, binary_output)


@kernel("SparseBincount")
def sparse_bincount(
    indices: Array, values: Array, dense_shape: Array, size: Array, weights: Array, *, binary_output: bool = False
) -> Array:
    """[size], or [rows, size] for a sparse matrix, counts of the values.

    Negative values are refused in a vector and not counted in a matrix. Weights count by their number, and not at all
    where one is the most.
    """
    _check_sparse(indices, values, dense_shape)
    if binary_output:
        weights = weights[:0] if weights.ndim else np.zeros(0, weights.dtype)
    elif weights.size not in (0, values.size):
        raise InvalidArgumentError(f"Input indices and weights must have the same size, got {weights.size} weights")
    weights = weights.reshape(-1)
    count = _check_size(size)
    if dense_shape.size == 1:
        row: Array = _tallied(np.zeros(values.size, np.int64), values, (1, count), weights, binary_output)[0]
        return row
    known = values >= 0
    if not known.all():
        indices, values, weights = indices[known], values[known], weights[known] if weights.size else weights
    return _tallied(indices[:, 0], values, (int(dense_shape[0]), count), weights, binary_output)


def _check_sparse(indices: Array, values: Array, dense_shape: Array) -> None:
    if indices.ndim != 2:
        raise InvalidArgumentError(f"Input indices must be a 2-dimensional tensor. Got: {list(indices.shape)}")
    if values.ndim != 1:
        raise InvalidArgumentError(f"Input values must be a vector. Got: {list(values.shape)}")
    if dense_shape.ndim != 1:
        raise InvalidArgumentError(f"Input shape must be a vector. Got: {list(dense_shape.shape)}")
    if indices.shape[0] != values.shape[0]:
        raise InvalidArgumentError(
            f"Number of values must match first dimension of indices. Got {values.shape[0]} values, "
            f"indices shape: {list(indices.shape)}"
        )
    if indices.shape[1] != dense_shape.shape[0]:
        raise InvalidArgumentError(
            f"Number of dimensions must match second dimension of indices. Got {dense_shape.shape[0]} dimensions, "
            f"indices shape: {list(indices.shape)}"
        )
    if dense_shape.size == 0:
        raise InvalidArgumentError("The shape argument requires at least one element.")
    if (dense_shape < 0).any():
        raise InvalidArgumentError(f"Elements in dense_shape must be >= 0. Instead got: {dense_shape.tolist()}")
    check_bounds(indices, tuple(int(n) for n in dense_shape), "indices")


def _sparse_counts(
    rows: Array,
    values: Array,
    weights: Array,
    batches: int | None,
    minlength: int,
    maxlength: int,
    binary_output: bool,
    output_type: DataType,
) -> tuple[Array, Array, Array]:
    """Sparse [size] (no batches) or [batches, size] counts of the values within bounds."""
    if (values < 0).any():
        raise InvalidArgumentError("Input values must all be non-negative")
    dtype = output_type.numpy
    keep = values < maxlength if maxlength >= 0 else np.ones(values.size, dtype=bool)
    rows, values = rows[keep], values[keep].astype(np.int64)
    both = np.stack([rows, values], axis=1)
    order = row_order(both)
    ranked = both[order]
    is_new = np.ones(len(ranked), bool)
    is_new[1:] = (ranked[1:, 0] != ranked[:-1, 0]) | (ranked[1:, 1] != ranked[:-1, 1])
    pairs = ranked[is_new]
    where = np.empty(len(ranked), np.int64)
    where[order] = np.cumsum(is_new) - 1
    totals = np.zeros(pairs.shape[0], dtype)
    if binary_output:
        totals[:] = 1
    elif weights.size:
        np.add.at(totals, where, weights.reshape(-1)[keep])
    else:
        totals += np.bincount(where, minlength=totals.size).astype(dtype)
    width = maxlength if maxlength >= 0 else max(int(values.max(initial=0)) + 1, minlength)
    if batches is None:
        return pairs[:, 1:], totals, np.array([width], dtype=np.int64)
    return pairs, totals, np.array([batches, width], dtype=np.int64)


@kernel("DenseCountSparseOutput")
def dense_count_sparse_output(
    values: Array,
    weights: Array,
    *,
    minlength: int = -1,
    maxlength: int = -1,
    binary_output: bool,
    output_type: DataType,
) -> tuple[Array, Array, Array]:
    """Sparse counts of a vector's values, or of those of each row of a matrix."""
    if values.ndim not in (1, 2):
        raise InvalidArgumentError(f"Input must be a 1 or 2-dimensional tensor. Got: {list(values.shape)}")
    _check_weights(weights, values)
    if values.ndim == 2 and values.shape[0] == 0:
        raise InvalidArgumentError("Invalid input: Shapes dimension cannot be 0.")
    batches = values.shape[0] if values.ndim == 2 else None
    rows = (
        np.repeat(np.arange(values.shape[0]), values.shape[1]) if values.ndim == 2 else np.zeros(values.size, np.int64)
    )
    return _sparse_counts(rows, values.reshape(-1), weights, batches, minlength, maxlength, binary_output, output_type)


@kernel("SparseCountSparseOutput")
def sparse_count_sparse_output(
    indices: Array,
    values: Array,
    dense_shape: Array,
    weights: Array,
    *,
    minlength: int = -1,
    maxlength: int = -1,
    binary_output: bool,
    output_type: DataType,
) -> tuple[Array, Array, Array]:
    """Sparse counts of the values of a sparse tensor, by its first dimension."""
    _check_sparse(indices, values, dense_shape)
    _check_weights(weights, values)
    flat = dense_shape.size == 1
    batches = None if flat else int(dense_shape[0])
    if batches is not None and not 0 < batches < 2**31 - 1:
        raise InvalidArgumentError(f"Cannot allocate {batches} batches, is the dense shape too wide?")
    rows = np.zeros(values.size, np.int64) if flat else indices[:, 0]
    return _sparse_counts(rows, values, weights, batches, minlength, maxlength, binary_output, output_type)


@kernel("RaggedCountSparseOutput")
def ragged_count_sparse_output(
    splits: Array,
    values: Array,
    weights: Array,
    *,
    minlength: int = -1,
    maxlength: int = -1,
    binary_output: bool,
    output_type: DataType,
) -> tuple[Array, Array, Array]:
    """Sparse counts of the values of each row of a ragged tensor."""
    _check_weights(weights, values)
    if splits.size < 2:
        raise InvalidArgumentError("Must provide at least 2 elements for the splits argument")
    rows = _ragged_rows(splits, values)
    return _sparse_counts(
        rows, values.reshape(-1), weights, splits.size - 1, minlength, maxlength, binary_output, output_type
    )
