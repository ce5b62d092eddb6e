"""Arithmetic on sparse tensors: products with matrices, sums, maxima, reductions, softmax, and with dense tensors.

Semantics from tensorflow/core/kernels/sparse_*_op.cc.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from smcli.errors import InternalError, InvalidArgumentError
from smcli.kernels._sorting import reduce_runs, row_order, run_starts, stable_order
from smcli.kernels.context import Array
from smcli.kernels.ragged import MAX_OUTPUT, places_in_runs
from smcli.kernels.registry import kernel
from smcli.kernels.sparse import check_bounds, check_sparse, linear, unlinear

DEVIATIONS = {
    "SparseAdd": "a threshold of another type than the sum's is compared as the number that it is, not by its bits"
}

DENSE_CELLS = 2**24  # of a sparse matrix that is filled with zeros for a product


def is_half(dtype: np.dtype[Any]) -> bool:
    """True for float16 and bfloat16, which TensorFlow accumulates in float32."""
    return dtype.itemsize == 2 and dtype.kind not in "iu" and dtype.name in ("float16", "bfloat16")


def _adjoint(matrix: Array) -> Array:
    return matrix.conj().T if matrix.dtype.kind == "c" else matrix.T


@kernel("SparseTensorDenseMatMul")
def sparse_tensor_dense_mat_mul(
    a_indices: Array, a_values: Array, a_shape: Array, b: Array, *, adjoint_a: bool = False, adjoint_b: bool = False
) -> Array:
    """[m, n]: the product of a sparse [m, k] and a dense [k, n] matrix."""
    if b.ndim != 2:
        raise InvalidArgumentError(f"Tensor 'b' is not a matrix: {list(b.shape)}")
    if a_shape.ndim != 1 or a_shape.shape[0] != 2:
        raise InvalidArgumentError(f"Tensor 'a_shape' must have 2 elements, got shape {list(a_shape.shape)}")
    shape = check_sparse(a_indices, a_values, a_shape, "a")
    rows, columns = a_indices[:, 0].astype(np.int64), a_indices[:, 1].astype(np.int64)
    if adjoint_a:
        rows, columns, shape = columns, rows, shape[::-1]
        a_values = a_values.conj() if a_values.dtype.kind == "c" else a_values
    if adjoint_b:
        b = _adjoint(b)
    if shape[1] != b.shape[0]:
        raise InvalidArgumentError(
            f"Cannot multiply A and B because inner dimension does not match: {shape[1]} vs. {b.shape[0]}"
        )
    if shape[0] * b.shape[1] > MAX_OUTPUT:
        raise InvalidArgumentError(f"a product of shape [{shape[0]}, {b.shape[1]}] has too many elements")
    if rows.size == 0 or b.size == 0:
        return np.zeros((shape[0], b.shape[1]), a_values.dtype)
    for name, index, limit in (("k", columns, shape[1]), ("m", rows, shape[0])):
        bad = (index < 0) | (index >= limit)
        if bad.any():
            raise InvalidArgumentError(f"{name} ({int(index[bad][0])}) from an index is out of bounds (>={limit})")
    dtype = np.dtype(np.float32) if is_half(a_values.dtype) else a_values.dtype
    values, b = a_values.astype(dtype, copy=False), b.astype(dtype, copy=False)
    if _pays_as_dense(shape, rows.size, b):
        dense = np.zeros(shape, dtype)
        np.add.at(dense.reshape(-1), rows * shape[1] + columns, values)
        product: Array = dense @ b
        return product.astype(a_values.dtype, copy=False)
    order = stable_order(rows)
    rows, columns, values = rows[order], columns[order], values[order]
    output = np.zeros((shape[0], b.shape[1]), dtype)
    starts = run_starts(rows)
    output[rows[starts]] = reduce_runs(
        np.add, lambda places: values[places, None] * b[columns[places]], starts, rows.size
    )
    return output.astype(a_values.dtype, copy=False)


def _pays_as_dense(shape: tuple[int, ...], count: int, b: Array) -> bool:
    """Whether the product of a sparse matrix of `count` values and b is faster, and the same, with zeros filled in."""
    cells = shape[0] * shape[1]
    return b.dtype.kind == "f" and cells <= min(DENSE_CELLS, 64 * count) and bool(np.isfinite(b).all())


# ---- two sparse tensors --------------------


def _occurrence(keys: Array) -> Array:
    """For each of the sorted `keys`, how many equal ones stand before it."""
    return places_in_runs(np.diff(run_starts(keys), append=keys.size))


def _paired(a: Sequence[Array], b: Sequence[Array], shape: tuple[int, ...]) -> tuple[Array, Array, Array, Array, Array]:
    """The union of the places of two sparse tensors in order: keys, then each side's values there and if it has any.

    A place that one side holds twice is taken as two places. Values that are missing are zero.
    """
    keys = [linear(side[0], shape) for side in (a, b)]
    order = [stable_order(k) for k in keys]
    keys = [k[o] for k, o in zip(keys, order)]
    both = np.stack([np.concatenate(keys), np.concatenate([_occurrence(k) for k in keys])], axis=1)
    merged = row_order(both)
    ranked = both[merged]
    is_new = np.ones(len(ranked), bool)
    is_new[1:] = (ranked[1:, 0] != ranked[:-1, 0]) | (ranked[1:, 1] != ranked[:-1, 1])
    union = ranked[is_new, 0]
    where = np.empty(len(ranked), np.int64)
    where[merged] = np.cumsum(is_new) - 1
    values, present = [], []
    for side, o, at in zip((a, b), order, (where[: keys[0].size], where[keys[0].size :])):
        full = np.zeros(union.shape[0], side[1].dtype)
        full[at] = side[1][o]
        has = np.zeros(union.shape[0], dtype=bool)
        has[at] = True
        values.append(full)
        present.append(has)
    return union, values[0], present[0], values[1], present[1]


def _check_pair(a: Sequence[Array], b: Sequence[Array]) -> tuple[int, ...]:
    """The one shape of two sparse tensors. Raises InvalidArgumentError when theirs differ."""
    shape = check_sparse(a[0], a[1], a[2], "a")
    other = check_sparse(b[0], b[1], b[2], "b")
    if len(shape) != len(other):
        raise InvalidArgumentError(f"Ranks of input tensors must match: {len(shape)} vs {len(other)}")
    if shape != other:
        raise InvalidArgumentError(f"Operands' shapes do not match: {list(shape)} vs {list(other)}")
    return shape


def _ordered(indices: Array, shape: tuple[int, ...]) -> bool:
    """Whether all rows are in bounds and in row-major order."""
    if len(indices) == 0:
        return True
    if (indices < 0).any() or (indices >= np.array(shape, np.int64)).any():
        return False
    keys = linear(indices, shape)
    return bool((keys[1:] >= keys[:-1]).all())


def _walked(a: Sequence[Array], b: Sequence[Array]) -> tuple[Array, Array, Array, Array, Array]:
    """What `_paired` gives, with rows for keys, for indices in any order: TensorFlow goes along both lists once and
    takes the smaller row, or both where they are equal."""
    left, right = a[0].tolist(), b[0].tolist()
    picks: list[tuple[int, int]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        takes_left, takes_right = left[i] <= right[j], right[j] <= left[i]
        picks.append((i if takes_left else -1, j if takes_right else -1))
        i += takes_left
        j += takes_right
    picks += [(at, -1) for at in range(i, len(left))] + [(-1, at) for at in range(j, len(right))]
    from_a, from_b = np.array(picks, np.int64).reshape(-1, 2).T
    in_a, in_b = from_a >= 0, from_b >= 0
    sides = []
    for side, at, present in ((a, from_a, in_a), (b, from_b, in_b)):
        values = np.zeros(len(at), side[1].dtype)
        values[present] = side[1][at[present]]
        sides.append(values)
    rows = np.empty((len(picks), a[0].shape[1]), np.int64)
    rows[in_b] = b[0][from_b[in_b]]
    rows[in_a] = a[0][from_a[in_a]]
    return rows, sides[0], in_a, sides[1], in_b


@kernel("SparseAdd")
def sparse_add(
    a_indices: Array,
    a_values: Array,
    a_shape: Array,
    b_indices: Array,
    b_values: Array,
    b_shape: Array,
    thresh: Array,
) -> tuple[Array, Array, Array]:
    """The sum of two sparse tensors of one shape, without sums of two values that are smaller than `thresh`."""
    if thresh.ndim:
        raise InvalidArgumentError(f"The magnitude threshold must be a scalar: got shape {list(thresh.shape)}")
    shape = _check_pair((a_indices, a_values, a_shape), (b_indices, b_values, b_shape))
    if not shape:
        raise InvalidArgumentError("Tensors must not be empty")
    sides = (a_indices, a_values), (b_indices, b_values)
    if _ordered(a_indices, shape) and _ordered(b_indices, shape):
        keys, a, in_a, b, in_b = _paired(*sides, shape)
        rows = unlinear(keys, shape)
    else:
        rows, a, in_a, b, in_b = _walked(*sides)
    total = a + b
    # What stands on one side only is kept, however small.
    keep = (np.abs(total) >= thresh) | ~(in_a & in_b)
    return rows[keep], total[keep], a_shape


def _pairwise(ufunc: Callable[[Array, Array], Array]) -> Callable[..., tuple[Array, Array]]:
    def pairwise(
        a_indices: Array, a_values: Array, a_shape: Array, b_indices: Array, b_values: Array, b_shape: Array
    ) -> tuple[Array, Array]:
        shape = _check_pair((a_indices, a_values, a_shape), (b_indices, b_values, b_shape))
        check_bounds(a_indices, shape, "a_indices")
        check_bounds(b_indices, shape, "b_indices")
        keys, a, _, b, _ = _paired((a_indices, a_values), (b_indices, b_values), shape)
        return unlinear(keys, shape), ufunc(a, b)

    return pairwise


kernel("SparseSparseMaximum")(_pairwise(np.maximum))
kernel("SparseSparseMinimum")(_pairwise(np.minimum))


# ---- sparse and dense --------------------


@kernel("SparseTensorDenseAdd")
def sparse_tensor_dense_add(a_indices: Array, a_values: Array, a_shape: Array, b: Array) -> Array:
    """The dense sum of a sparse and a dense tensor of one shape."""
    shape = check_sparse(a_indices, a_values, a_shape, "a")
    if shape != b.shape:
        raise InvalidArgumentError(f"a_shape {list(shape)} and the shape of b {list(b.shape)} must be the same")
    check_bounds(a_indices, shape)
    output = b.reshape(-1).copy()
    np.add.at(output, linear(a_indices.astype(np.int64), shape), a_values)
    return output.reshape(shape)


def _gathered(indices: Array, shape: tuple[int, ...], dense: Array) -> Array:
    """The values of `dense`, broadcast to `shape`, at the indices. Only the dense side is broadcast."""
    if dense.ndim > len(shape):
        raise InvalidArgumentError(
            f"SparseDenseBinaryOpShared broadcasts dense to sparse only; got incompatible shapes: "
            f"{list(shape)} vs. {list(dense.shape)}"
        )
    check_bounds(indices, shape)
    lead = len(shape) - dense.ndim
    for size, wanted in zip(dense.shape, shape[lead:]):
        if size not in (1, wanted):
            raise InvalidArgumentError(
                f"SparseDenseBinaryOpShared broadcasts dense to sparse only; got incompatible shapes: "
                f"{list(shape)} vs. {list(dense.shape)}"
            )
    columns = tuple(indices[:, lead + i] if size != 1 else 0 for i, size in enumerate(dense.shape))
    return np.broadcast_to(dense[columns], indices.shape[:1])


def _cwise(operation: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    def cwise(sp_indices: Array, sp_values: Array, sp_shape: Array, dense: Array) -> Array:
        shape = check_sparse(sp_indices, sp_values, sp_shape, "sp")
        return operation(sp_values, _gathered(sp_indices, shape, dense))

    return cwise


def _divide(a: Array, b: Array) -> Array:
    if a.dtype.kind not in "iu":
        ratio: Array = np.divide(a, b).astype(a.dtype, copy=False)
        return ratio
    quotient: Array = np.floor_divide(a, b)
    quotient += (quotient < 0) & (quotient * b != a)  # towards zero, as C divides
    return quotient


kernel("SparseDenseCwiseMul")(_cwise(np.multiply))
kernel("SparseDenseCwiseAdd")(_cwise(np.add))


@kernel("SparseDenseCwiseDiv")
def sparse_dense_cwise_div(sp_indices: Array, sp_values: Array, sp_shape: Array, dense: Array) -> Array:
    """The values over what stands in `dense` at their places; a zero anywhere in `dense` is refused."""
    if (dense == 0).any():
        raise InvalidArgumentError("SparseDenseCwiseDiv cannot divide by zero, but input dense tensor contains zero")
    return _cwise(_divide)(sp_indices, sp_values, sp_shape, dense)


# ---- reductions --------------------


def _groups(
    indices: Array, values: Array, shape_in: Array, reduction_axes: Array, operation: np.ufunc
) -> tuple[Array, Array, tuple[int, ...], list[int]]:
    """Coordinates [n, kept axes] of the groups that hold something, their reduced values, the kept shape, and the kept
    axes. Indices are not looked at any closer: groups can lie out of bounds."""
    shape = check_sparse(indices, values, shape_in)
    if reduction_axes.ndim > 1:
        raise InvalidArgumentError("reduction_axes must be a scalar or vector")
    axes = set()
    for axis in reduction_axes.reshape(-1).tolist():
        if not -len(shape) <= axis < len(shape):
            raise InvalidArgumentError(f"Invalid reduction dimension {axis}, for input with {len(shape)} dimensions.")
        axes.add(axis % len(shape))
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    kept_shape = tuple(shape[axis] for axis in kept)
    order = row_order(indices[:, kept + sorted(axes)])
    rows, ordered = indices[order][:, kept], values[order]
    if len(rows) == 0:
        return rows, ordered, kept_shape, kept
    starts = _row_starts(rows)
    if is_half(values.dtype) and operation is np.add:
        ordered = ordered.astype(np.float32)
    reduced = operation.reduceat(ordered, starts).astype(values.dtype, copy=False)
    return rows[starts], reduced, kept_shape, kept


def _row_starts(rows: Array) -> Array:
    """Where each run of equal, neighbouring rows [n, columns] begins; n is not 0."""
    return np.flatnonzero(np.concatenate([[True], (rows[1:] != rows[:-1]).any(axis=1)]))


def _with_kept(shape: Array, kept: list[int], keep_dims: bool) -> tuple[int, ...]:
    if keep_dims:
        return tuple(int(size) if axis in kept else 1 for axis, size in enumerate(shape))
    return tuple(int(shape[axis]) for axis in kept)


def _reduce(operation: np.ufunc) -> Callable[..., Array]:
    def reduce(
        input_indices: Array,
        input_values: Array,
        input_shape: Array,
        reduction_axes: Array,
        *,
        keep_dims: bool = False,
    ) -> Array:
        rows, values, shape, kept = _groups(input_indices, input_values, input_shape, reduction_axes, operation)
        if math.prod(shape) > MAX_OUTPUT:
            raise InvalidArgumentError(f"an output of shape {list(shape)} has too many elements")
        keys = linear(rows, shape)
        if ((keys < 0) | (keys >= math.prod(shape))).any():
            raise InternalError(f"Obtained a write index beyond bounds: {rows.tolist()} for shape {list(shape)}"[:300])
        output = np.zeros(math.prod(shape), values.dtype)
        output[keys] = values
        return output.reshape(_with_kept(input_shape, kept, keep_dims))

    return reduce


def _reduce_sparse(operation: np.ufunc) -> Callable[..., tuple[Array, Array, Array]]:
    def reduce_sparse(
        input_indices: Array,
        input_values: Array,
        input_shape: Array,
        reduction_axes: Array,
        *,
        keep_dims: bool = False,
    ) -> tuple[Array, Array, Array]:
        rows, values, _, kept = _groups(input_indices, input_values, input_shape, reduction_axes, operation)
        shape = _with_kept(input_shape, kept, keep_dims)
        if keep_dims:
            full = np.zeros((len(rows), len(shape)), np.int64)
            full[:, kept] = rows
            rows = full
        return rows, values, np.array(shape, dtype=np.int64)

    return reduce_sparse


kernel("SparseReduceSum")(_reduce(np.add))
kernel("SparseReduceMax")(_reduce(np.maximum))
kernel("SparseReduceSumSparse")(_reduce_sparse(np.add))
kernel("SparseReduceMaxSparse")(_reduce_sparse(np.maximum))


@kernel("SparseSoftmax")
def sparse_softmax(sp_indices: Array, sp_values: Array, sp_shape: Array) -> Array:
    """The values, in the order of their indices, after a softmax over what is present of each innermost row."""
    shape = check_sparse(sp_indices, sp_values, sp_shape, "sp")
    if len(shape) < 2:
        raise InvalidArgumentError(f"Input should have rank >= 2, got {len(shape)}")
    if sp_values.size == 0:
        return sp_values
    order = row_order(sp_indices)
    rows = sp_indices[order][:, :-1]
    starts = _row_starts(rows)
    lengths = np.diff(np.append(starts, len(rows)))
    dtype = np.dtype(np.float32) if is_half(sp_values.dtype) else sp_values.dtype
    values = sp_values[order].astype(dtype, copy=False)
    values = np.exp(values - np.repeat(np.maximum.reduceat(values, starts), lengths))
    output: Array = values / np.repeat(np.add.reduceat(values, starts), lengths)
    return output.astype(sp_values.dtype, copy=False)
