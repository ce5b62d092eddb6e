"""Sparse matrices in variants, which TensorFlow keeps as compressed rows (tensorflow/core/kernels/sparse).

What TensorFlow has no CPU kernel for (SparseMatrixAdd, Mul, Softmax, Zeros) has none here either.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._checks import checked_size, scalar, vector
from smcli.kernels._numbers import Numbers
from smcli.kernels._sorting import row_order, stable_order
from smcli.kernels.context import Array, handle
from smcli.kernels.registry import kernel
from smcli.kernels.sparse_math import sparse_tensor_dense_mat_mul
from smcli.tensors.types import DataType
from smcli.tensors.variants import CsrMatrix

MAX_CHOLESKY = 4096  # rows: the factors are computed as dense matrices


def _matrix(tensor: Array, data_type: DataType | None = None) -> CsrMatrix:
    found: object = tensor.item() if tensor.size == 1 else None
    if not isinstance(found, CsrMatrix):
        raise InvalidArgumentError(f"Expected a CSRSparseMatrix, got a {type(found).__name__}")
    if data_type is not None and found.data_type is not data_type:
        raise InvalidArgumentError(
            f"Asked for a CSRSparseMatrix of type {data_type.tf_name} but saw dtype: {found.data_type.tf_name}"
        )
    return found


def _check_shape(shape: tuple[int, ...], indices: Array) -> None:
    if len(shape) not in (2, 3):
        raise InvalidArgumentError(f"SparseTensor must have rank 2 or 3; but indices has rank: {len(shape)}")
    if indices.ndim != 2 or indices.shape[1] != len(shape):
        raise InvalidArgumentError(f"indices must be a matrix of {len(shape)} columns, got {list(indices.shape)}")
    if ((indices < 0) | (indices >= np.array(shape, np.int64))).any():
        raise InvalidArgumentError(f"indices are not within the shape {list(shape)}")


def _by_rows(data_type: DataType, shape: tuple[int, ...], indices: Array, values: Array) -> Array:
    """A variant of what is given in any order."""
    order = stable_order(_rows(indices, shape))
    return handle(CsrMatrix(data_type, shape, indices[order], values[order]))


def _rows(indices: Array, shape: tuple[int, ...]) -> Array:
    """Which row of all rows of all matrices."""
    rows: Array = indices[:, -2]
    return rows if len(shape) == 2 else indices[:, 0] * shape[1] + rows


@kernel("DenseToCSRSparseMatrix")
def dense_to_csr_sparse_matrix(dense: Array, indices: Array, *, T: DataType) -> Array:
    """The values at the indices [n, rank] of a matrix or a batch of matrices. Raises InvalidArgumentError."""
    _check_shape(dense.shape, indices)
    return _by_rows(T, dense.shape, indices, dense[tuple(indices.T)])


@kernel("SparseTensorToCSRSparseMatrix")
def sparse_tensor_to_csr_sparse_matrix(indices: Array, values: Array, dense_shape: Array, *, T: DataType) -> Array:
    """A sparse tensor of rank 2 or 3. Raises InvalidArgumentError for other ranks and indices out of bounds."""
    shape = tuple(vector(dense_shape, "dense_shape"))
    _check_shape(shape, indices)
    if values.shape != (len(indices),):
        raise InvalidArgumentError(f"Expected {len(indices)} values, got shape {list(values.shape)}")
    return _by_rows(T, shape, indices, values)


@kernel("CSRSparseMatrixToSparseTensor")
def csr_sparse_matrix_to_sparse_tensor(sparse_matrix: Array, *, type: DataType) -> tuple[Array, Array, Array]:
    """Indices, values and dense shape."""
    found = _matrix(sparse_matrix, type)
    return found.indices, found.values, np.array(found.shape, np.int64)


@kernel("CSRSparseMatrixToDense")
def csr_sparse_matrix_to_dense(sparse_input: Array, *, type: DataType) -> Array:
    """The dense tensor; of values at one place the last counts."""
    return _dense(_matrix(sparse_input, type))


def _dense(found: CsrMatrix) -> Array:
    checked_size(found.shape)
    dense = np.zeros(found.shape, found.values.dtype)
    dense[tuple(found.indices.T)] = found.values
    return dense


@kernel("CSRSparseMatrixComponents")
def csr_sparse_matrix_components(
    csr_sparse_matrix: Array, index: Array, *, type: DataType
) -> tuple[Array, Array, Array]:
    """(row pointers, columns, values) of one matrix of the batch. Raises InvalidArgumentError for others."""
    found, number = _matrix(csr_sparse_matrix, type), scalar(index, "index")
    count = found.shape[0] if len(found.shape) == 3 else 1
    if not 0 <= number < count:
        raise InvalidArgumentError(f"index ({number}) not in [0, {count})")
    mine = slice(None) if len(found.shape) == 2 else found.indices[:, 0] == number
    rows, columns = found.indices[mine, -2], found.indices[mine, -1]
    checked_size((found.shape[-2] + 1,))
    pointers = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=found.shape[-2]))])
    return pointers.astype(np.int32), columns.astype(np.int32), found.values[mine]


@kernel("SparseMatrixNNZ")
def sparse_matrix_nnz(sparse_matrix: Array) -> Numbers:
    """How many values each matrix holds."""
    found = _matrix(sparse_matrix)
    if len(found.shape) == 2:
        return np.int32(len(found.values))
    checked_size(found.shape[:1])
    return np.bincount(found.indices[:, 0], minlength=found.shape[0]).astype(np.int32)


def _transposed(found: CsrMatrix, conjugate: bool) -> CsrMatrix:
    indices = found.indices.copy()
    indices[:, -2:] = found.indices[:, :-3:-1]
    shape = (*found.shape[:-2], found.shape[-1], found.shape[-2])
    order = row_order(indices)
    values = found.values[order]
    return CsrMatrix(found.data_type, shape, indices[order], values.conj() if conjugate else values)


@kernel("SparseMatrixTranspose")
def sparse_matrix_transpose(input: Array, *, type: DataType, conjugate: bool = False) -> Array:
    """Each matrix transposed."""
    return handle(_transposed(_matrix(input, type), conjugate))


def _turned(found: CsrMatrix, name: str, transpose: bool, adjoint: bool) -> CsrMatrix:
    if transpose and adjoint:
        raise InvalidArgumentError(f"Only one of adjoint_{name} and transpose_{name} may be true.")
    return _transposed(found, adjoint) if transpose or adjoint else found


def _check_product(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    if len(a) != len(b):
        raise InvalidArgumentError(f"Ranks of a and b must match, saw: {len(a)} vs. {len(b)}.")
    if a[:-2] != b[:-2]:
        raise InvalidArgumentError(f"Batch sizes of a and b must match, saw: {a[0]} vs. {b[0]}.")
    if a[-1] != b[-2]:
        raise InvalidArgumentError(
            f"Inner product dimensions of A and B do not agree.  Shapes are: {list(a)} vs. {list(b)}"
        )


@kernel("SparseMatrixMatMul")
def sparse_matrix_mat_mul(
    a: Array,
    b: Array,
    *,
    T: DataType,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    transpose_output: bool = False,
    conjugate_output: bool = False,
) -> Array:
    """The dense product of sparse and dense matrices. Raises InvalidArgumentError for shapes that do not fit."""
    left = _turned(_matrix(a, T), "a", transpose_a, adjoint_a)
    if transpose_b and adjoint_b:
        raise InvalidArgumentError("Only one of adjoint_b and transpose_b may be true.")
    if b.ndim not in (2, 3):
        raise InvalidArgumentError(f"Ranks of a and b must match, saw: {len(left.shape)} vs. {b.ndim}.")
    right = np.swapaxes(b, -1, -2) if transpose_b or adjoint_b else b
    right = right.conj() if adjoint_b else right
    _check_product(left.shape, right.shape)
    shape = np.array(left.shape[-2:], np.int64)
    if right.ndim == 2:
        product = sparse_tensor_dense_mat_mul(left.indices, left.values, shape, right)
    else:
        checked_size((len(right), left.shape[1], right.shape[2]))
        product = np.zeros((len(right), left.shape[1], right.shape[2]), right.dtype)
        for number, one in enumerate(right):
            mine = left.indices[:, 0] == number
            product[number] = sparse_tensor_dense_mat_mul(left.indices[mine, 1:], left.values[mine], shape, one)
    product = np.swapaxes(product, -1, -2) if transpose_output else product
    return product.conj() if conjugate_output else product


@kernel("SparseMatrixSparseMatMul")
def sparse_matrix_sparse_mat_mul(
    a: Array,
    b: Array,
    *,
    type: DataType,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
) -> Array:
    """The sparse product of sparse matrices, which holds a value wherever terms meet, be their sum 0."""
    left = _turned(_matrix(a, type), "a", transpose_a, adjoint_a)
    right = _turned(_matrix(b, type), "b", transpose_b, adjoint_b)
    _check_product(left.shape, right.shape)
    shape = (*left.shape[:-1], right.shape[-1])
    batches = shape[0] if len(shape) == 3 else 1
    inner, columns = left.shape[-1], right.shape[-1]
    checked_size((batches, shape[-2], columns))
    checked_size((batches, inner))
    # Each value of the left meets the run of the right's values in the row that its column names.
    met = left.indices[:, -1] + (left.indices[:, 0] * inner if len(shape) == 3 else 0)
    rows = _rows(right.indices, right.shape)
    starts, ends = np.searchsorted(rows, met, "left"), np.searchsorted(rows, met, "right")
    lengths = ends - starts
    checked_size((int(lengths.sum()),))
    from_left = np.repeat(np.arange(len(met)), lengths)
    from_right = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths) + starts[from_left]
    places = _rows(left.indices, left.shape)[from_left] * columns + right.indices[from_right, -1]
    held, where = np.unique(places, return_inverse=True)
    values = np.zeros(len(held), left.values.dtype)
    np.add.at(values, where, left.values[from_left] * right.values[from_right])
    parts = np.unravel_index(held, shape) if len(held) else [np.zeros(0, np.int64)] * len(shape)
    return handle(CsrMatrix(type, shape, np.stack(parts, axis=1).astype(np.int64), values))


@kernel("SparseMatrixSparseCholesky")
def sparse_matrix_sparse_cholesky(input: Array, permutation: Array, *, type: DataType) -> Array:
    """L of each matrix, its rows and columns taken in the order of `permutation`: P·A·Pᵀ = L·Lᴴ.

    Raises InvalidArgumentError for matrices that are not square, not positive definite, or beyond 4096 rows.
    """
    found = _matrix(input, type)
    size = found.shape[-1]
    if found.shape[-2] != size:
        raise InvalidArgumentError(f"sparse matrix must be square, got: {found.shape[-2]} != {size}")
    if permutation.shape != found.shape[:-1]:
        raise InvalidArgumentError(
            f"permutation must have shape {list(found.shape[:-1])}, got {list(permutation.shape)}"
        )
    if size > MAX_CHOLESKY:
        raise InvalidArgumentError(f"a sparse matrix of {size} rows is beyond the {MAX_CHOLESKY} that smcli factors")
    if (np.sort(permutation, axis=-1) != np.arange(size)).any():
        raise InvalidArgumentError("permutation must hold each row once")
    batched = len(found.shape) == 3
    matrices = _dense(found).reshape(-1, size, size)
    held = np.zeros(found.shape, bool)
    held[tuple(found.indices.T)] = True
    indices, values = [], []
    for number, (matrix, here) in enumerate(zip(matrices, held.reshape(-1, size, size))):
        order = permutation.reshape(-1, size)[number]
        lower = np.tril(matrix[np.ix_(order, order)])
        try:
            factor = np.linalg.cholesky(lower)  # which reads the lower half
        except np.linalg.LinAlgError:
            raise InvalidArgumentError(f"Sparse Cholesky factorization failed for batch index {number}") from None
        cells = np.argwhere(_filled_in(np.tril(here[np.ix_(order, order)])))
        values.append(factor[tuple(cells.T)])
        indices.append(np.insert(cells, 0, number, axis=1) if batched else cells)
    if not indices:
        return handle(CsrMatrix(type, found.shape, np.zeros((0, 3), np.int64), found.values[:0]))
    return handle(CsrMatrix(type, found.shape, np.concatenate(indices), np.concatenate(values)))


def _filled_in(held: Array) -> Array:
    """Where the factor of a lower triangle holds values: elimination of a column fills in what its rows share."""
    held = held.copy()
    for column in range(len(held)):
        rows = np.flatnonzero(held[column + 1 :, column]) + column + 1
        held[np.ix_(rows, rows)] = True
    return np.tril(held)
