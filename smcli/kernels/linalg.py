"""Linear algebra of (batches of) dense matrices: factorisations, solvers, inverses, determinants.

NumPy's LAPACK gufuncs do the work where they have the op; LU is written out, for NumPy has none. float16 is computed
in float32. Singular and eigenvectors are unique only up to a phase (a sign): TensorFlow's come from Eigen, these from
LAPACK, so a pair of singular vectors, or an eigenvector, may carry the other sign. Only for SelfAdjointEigV2 of small
matrices are Eigen's signs worked out (`_eigenvectors`).
Semantics: tensorflow/core/kernels/linalg/*.cc.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._eigenvectors import MAX_SIZE, self_adjoint_vectors
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

_SIGNS = "vectors may carry another sign or phase, which they leave open"
DEVIATIONS = {
    "Eig": _SIGNS,
    "Svd": _SIGNS,
    "SelfAdjointEig": _SIGNS,
    "SelfAdjointEigV2": "of large matrices, vectors may carry another sign, which they leave open",
}

NOT_INVERTIBLE = "Input is not invertible."


def matrix(x: Array, name: str = "Input") -> Array:
    """`x` in a type that LAPACK knows. Raises InvalidArgumentError below rank 2."""
    if x.ndim < 2:
        raise InvalidArgumentError(f"{name} tensor must have rank >= 2, got shape {list(x.shape)}")
    return x.astype(np.float32) if x.dtype == np.float16 else x


def square(x: Array, name: str = "Input") -> Array:
    """`matrix`, square. Raises InvalidArgumentError else."""
    if x.ndim >= 2 and x.shape[-1] != x.shape[-2]:
        raise InvalidArgumentError(f"{name} matrix must be square, got shape {list(x.shape)}")
    return matrix(x, name)


def attempt(message: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """A call of numpy.linalg whose failure is an InvalidArgumentError with `message`."""
    try:
        return function(*arguments)
    except np.linalg.LinAlgError:
        raise InvalidArgumentError(message) from None


def adjoint_of(x: Array) -> Array:
    turned = x.swapaxes(-1, -2)
    return turned.conj() if x.dtype.kind == "c" else turned


def _pair(a: Array, b: Array) -> tuple[Array, Array]:
    """A matrix and right-hand sides of the same batch and number of rows."""
    a, b = matrix(a, "Input matrix"), matrix(b, "Right-hand side")
    if a.shape[:-2] != b.shape[:-2]:
        raise InvalidArgumentError(
            f"All input tensors must have the same outer dimensions: {list(a.shape)} vs. {list(b.shape)}"
        )
    if a.shape[-2] != b.shape[-2]:
        raise InvalidArgumentError(
            f"Input matrix and right-hand side must have the same number of rows: {a.shape[-2]} != {b.shape[-2]}"
        )
    return a, b


# Factorisations


@kernel("Cholesky", "BatchCholesky")
def cholesky(x: Array) -> Array:
    """The lower factor; only the lower triangle is read. Where there is none, the lower triangle is NaN."""
    wide = square(x)
    if wide.size == 0:
        return x
    try:
        found = np.linalg.cholesky(wide)
    except np.linalg.LinAlgError:
        found = np.tril(np.full(wide.shape, np.nan, wide.dtype))
        for at in np.ndindex(wide.shape[:-2]):
            with suppress(np.linalg.LinAlgError):
                found[at] = np.linalg.cholesky(wide[at])
    return found.astype(x.dtype, copy=False)


@kernel("Qr")
def qr(x: Array, *, full_matrices: bool = False) -> tuple[Array, Array]:
    wide = matrix(x)
    q, r = np.linalg.qr(wide, mode="complete" if full_matrices else "reduced")
    return q.astype(x.dtype, copy=False), r.astype(x.dtype, copy=False)


@kernel("Svd", "BatchSvd")
def svd(x: Array, *, compute_uv: bool = True, full_matrices: bool = False) -> tuple[Array, Array, Array]:
    """(s, u, v), v not adjoint; u and v are 0-d without `compute_uv`. Matrices that hold NaN give NaN."""
    wide = matrix(x)
    if not x.size and not (compute_uv and full_matrices):  # LAPACK works at length on what has no elements
        batch, most = x.shape[:-2], min(x.shape[-2:])
        s, u, v = (np.zeros((*batch, *size, most), x.dtype) for size in ((), x.shape[-2:-1], x.shape[-1:]))
        none = np.zeros((), x.dtype)
        return (s, u, v) if compute_uv else (s, none, none)
    if not compute_uv:
        s = _svd_or_nan(wide, lambda a: (np.linalg.svd(a, compute_uv=False),), 1)[0]
        return s.astype(x.dtype), np.zeros((), x.dtype), np.zeros((), x.dtype)
    s, u, v = _svd_or_nan(wide, lambda a: _suv(a, full_matrices), 3)
    return s.astype(x.dtype), u.astype(x.dtype, copy=False), v.astype(x.dtype, copy=False)


def _suv(a: Array, full_matrices: bool) -> tuple[Array, Array, Array]:
    u, s, vh = np.linalg.svd(a, full_matrices=full_matrices)
    return s, u, adjoint_of(vh)


def _svd_or_nan(a: Array, factor: Callable[[Array], tuple[Array, ...]], count: int) -> tuple[Array, ...]:
    """LAPACK refuses matrices with NaN or infinities; their factors are NaN in TensorFlow."""
    finite: Array = np.asarray(np.isfinite(a).all((-1, -2)))
    if finite.all():
        return factor(a)
    results = factor(np.where(finite[..., None, None], a, np.zeros((), a.dtype)))
    return tuple(
        [
            np.where(
                finite.reshape(finite.shape + (1,) * (item.ndim - finite.ndim)), item, np.array(np.nan, item.dtype)
            )
            for item in results[:count]
        ]
    )


@kernel("SelfAdjointEigV2", "BatchSelfAdjointEigV2")
def self_adjoint_eig_v2(x: Array, *, compute_v: bool = True) -> tuple[Array, Array]:
    """Eigenvalues in ascending order, in the dtype of the input; only the lower triangle is read."""
    wide = square(x)
    message = "Self-adjoint eigen decomposition was not successful. The input might not be valid."
    if not compute_v:
        e: Array = attempt(message, np.linalg.eigvalsh, wide)
        return e.astype(x.dtype), np.zeros((), x.dtype)
    e, v = attempt(message, np.linalg.eigh, wide)
    if 0 < wide.shape[-1] <= MAX_SIZE:
        v = v.copy()
        for at in np.ndindex(wide.shape[:-2]):
            v[at] = _with_eigens_phases(wide[at], e[at], v[at])
    return e.astype(x.dtype), v.astype(x.dtype, copy=False)


def _with_eigens_phases(a: Array, e: Array, v: Array) -> Array:
    """The eigenvectors as Eigen orients them; LAPACK's, should the steps not have led to eigenvectors."""
    if not np.isfinite(v).all():
        return v
    found = self_adjoint_vectors(a)
    whole = np.tril(a) + np.tril(a, -1).conj().T
    error = np.abs(whole @ found - found * e).max()
    return found if error <= 64 * len(a) * np.finfo(a.dtype).eps * np.abs(whole).max() else v


@kernel("SelfAdjointEig", "BatchSelfAdjointEig")
def self_adjoint_eig(x: Array) -> Array:
    """One row of eigenvalues above the eigenvectors."""
    e, v = self_adjoint_eig_v2(x)
    return np.concatenate([e[..., None, :], v], -2)


@kernel("Eig")
def eig(x: Array, *, compute_v: bool = True, Tout: DataType) -> tuple[Array, Array]:
    wide = square(x)
    message = "Eigen decomposition was not successful. The input might not be valid."
    if not compute_v:
        values: Array = attempt(message, np.linalg.eigvals, wide)
        return values.astype(Tout.numpy), np.zeros((), Tout.numpy)
    values, vectors = attempt(message, np.linalg.eig, wide)
    return values.astype(Tout.numpy), vectors.astype(Tout.numpy)


@kernel("Lu")
def lu(x: Array, *, output_idx_type: DataType = DataType.INT32) -> tuple[Array, Array]:
    """Both factors in one matrix, and the permutation p: x[p] = L @ U. Partial pivoting on the absolute value."""
    a = np.array(square(x))
    n = a.shape[-1]
    batch = a.reshape(int(np.prod(a.shape[:-2], dtype=np.int64)), n, n)
    rows = np.tile(np.arange(n), (len(batch), 1))
    every = np.arange(len(batch))
    for k in range(n):
        pivot = k + np.abs(batch[:, k:, k]).argmax(1)
        batch[every, k], batch[every, pivot] = batch[every, pivot], batch[every, k]
        rows[every, k], rows[every, pivot] = rows[every, pivot], rows[every, k]
        head = batch[:, k, k]
        if not head.all():
            raise InvalidArgumentError(NOT_INVERTIBLE)
        batch[:, k + 1 :, k] /= head[:, None]
        batch[:, k + 1 :, k + 1 :] -= batch[:, k + 1 :, k, None] * batch[:, k, None, k + 1 :]
    return batch.reshape(x.shape).astype(x.dtype, copy=False), rows.reshape(x.shape[:-1]).astype(output_idx_type.numpy)


# Determinants


@kernel("MatrixDeterminant", "BatchMatrixDeterminant")
def matrix_determinant(x: Array) -> Array:
    found = np.asarray(np.linalg.det(square(x)))
    return found.astype(x.dtype)


@kernel("LogMatrixDeterminant")
def log_matrix_determinant(x: Array) -> tuple[Array, Array]:
    sign, logarithm = np.linalg.slogdet(square(x))
    return np.asarray(sign).astype(x.dtype), np.asarray(logarithm).astype(x.dtype)


# Inverses and solvers


@kernel("MatrixInverse", "BatchMatrixInverse")
def matrix_inverse(x: Array, *, adjoint: bool = False) -> Array:
    wide = square(x)
    found: Array = attempt(NOT_INVERTIBLE, np.linalg.inv, adjoint_of(wide) if adjoint else wide)
    return found.astype(x.dtype, copy=False)


@kernel("MatrixSolve", "BatchMatrixSolve")
def matrix_solve(a: Array, rhs: Array, *, adjoint: bool = False) -> Array:
    wide, b = _pair(square(a), rhs)
    found: Array = attempt("Input matrix is not invertible.", np.linalg.solve, adjoint_of(wide) if adjoint else wide, b)
    return found.astype(a.dtype, copy=False)


@kernel("MatrixSolveLs", "BatchMatrixSolveLs")
def matrix_solve_ls(a: Array, rhs: Array, l2_regularizer: Array, *, fast: bool = True) -> Array:
    """Least squares: by the normal equations when `fast`, else the solution of least norm (and no regularizer)."""
    wide, b = _pair(a, rhs)
    if l2_regularizer.ndim:
        raise InvalidArgumentError(f"l2_regularizer must be a scalar, got shape {list(l2_regularizer.shape)}")
    if l2_regularizer < 0:
        raise InvalidArgumentError("l2_regularizer must be >= 0.")
    rows, columns = wide.shape[-2:]
    if 0 in (rows, columns, b.shape[-1]):
        return np.zeros((*wide.shape[:-2], columns, b.shape[-1]), a.dtype)
    if not fast:
        found: Array = np.linalg.pinv(wide, rcond=np.finfo(wide.dtype).eps * max(rows, columns)) @ b
        return found
    turned = adjoint_of(wide)
    l2 = float(l2_regularizer)
    gramian = turned @ wide if rows >= columns else wide @ turned
    gramian = gramian + np.eye(len(gramian[..., 0, :].T), dtype=gramian.dtype) * np.array(l2, gramian.dtype)
    message = (
        "Input matrix was rank deficient or ill-conditioned. Try setting fast=False or provide a larger "
        "l2_regularizer > 0."
    )
    factor: Array = attempt(message, np.linalg.cholesky, gramian)
    right = turned @ b if rows >= columns else b
    solved = substituted(adjoint_of(factor), substituted(factor, right, lower=True), lower=False)
    return solved if rows >= columns else turned @ solved


def substituted(a: Array, b: Array, *, lower: bool) -> Array:
    """Solves a triangular system by substitution, row by row; shapes [..., n, n] and [..., n, k] of one batch."""
    out = np.zeros(b.shape, b.dtype)
    n = a.shape[-1]
    for i in range(n) if lower else range(n - 1, -1, -1):
        done = slice(0, i) if lower else slice(i + 1, n)
        known = (a[..., i, None, done] @ out[..., done, :])[..., 0, :]
        out[..., i, :] = (b[..., i, :] - known) / a[..., i, i, None]
    return out


@kernel("MatrixTriangularSolve", "BatchMatrixTriangularSolve")
def matrix_triangular_solve(a: Array, rhs: Array, *, lower: bool = True, adjoint: bool = False) -> Array:
    """Batches broadcast. The other triangle is not read."""
    wide, b = square(a), matrix(rhs, "Right-hand side")
    if wide.shape[-1] != b.shape[-2]:
        raise InvalidArgumentError(
            f"In[0] mismatch In[1] shape: {wide.shape[-1]} vs. {b.shape[-2]}: {list(a.shape)} {list(rhs.shape)}"
        )
    try:
        batch = np.broadcast_shapes(wide.shape[:-2], b.shape[:-2])
    except ValueError:
        raise InvalidArgumentError(
            f"In[0] and In[1] must have compatible batch dimensions: {list(a.shape)} vs. {list(rhs.shape)}"
        ) from None
    b = np.broadcast_to(b, (*batch, *b.shape[-2:]))
    if adjoint:
        return substituted(adjoint_of(wide), b, lower=not lower).astype(a.dtype, copy=False)
    return substituted(wide, b, lower=lower).astype(a.dtype, copy=False)


@kernel("BandedTriangularSolve")
def banded_triangular_solve(bands: Array, rhs: Array, *, lower: bool = True, adjoint: bool = False) -> Array:
    """bands[..., k, i] is the entry of row i at k places before the diagonal when `lower`; else row k from below is the
    entry at k places after it."""
    packed, b = matrix(bands), matrix(rhs, "Right-hand side")
    count, n = packed.shape[-2:]
    if count < 1 or n != b.shape[-2]:
        raise InvalidArgumentError(
            f"In[0] mismatch In[1] shape: {n} vs. {b.shape[-2]}: {list(bands.shape)} {list(rhs.shape)}"
        )
    if count > n:
        raise InvalidArgumentError(f"The number of bands ({count}) must not exceed the size of the matrix ({n})")
    try:
        batch = np.broadcast_shapes(packed.shape[:-2], b.shape[:-2])
    except ValueError:
        raise InvalidArgumentError(f"Incompatible batches: {list(bands.shape)} vs. {list(rhs.shape)}") from None
    if not lower:
        packed = packed[..., ::-1, :]
    if not packed[..., 0, :].all():
        raise InvalidArgumentError("Input matrix is not invertible.")
    if adjoint:  # row i of the adjoint is column i: its entry k places on is conj of row i ± k's
        turned = np.zeros(packed.shape, packed.dtype)
        for k in range(count):
            there, here = slice(k, n), slice(0, n - k)
            turned[..., k, here if lower else there] = packed[..., k, there if lower else here]
        packed, lower = turned.conj(), not lower
    out = np.zeros((*batch, *b.shape[-2:]), b.dtype)
    for i in range(n) if lower else range(n - 1, -1, -1):
        value = b[..., i, :]
        for k in range(1, min(count, i + 1 if lower else n - i)):
            value = value - packed[..., k, i, None] * out[..., i - k if lower else i + k, :]
        out[..., i, :] = value / packed[..., 0, i, None]
    return out


@kernel("TridiagonalSolve")
def tridiagonal_solve(
    diagonals: Array, rhs: Array, *, partial_pivoting: bool = True, perturb_singular: bool = False
) -> Array:
    """diagonals: the superdiagonal (its last entry is not used), the diagonal, the subdiagonal (nor its first).

    A matrix that turns out singular gives NaN.
    """
    packed, b = matrix(diagonals, "Diagonals"), matrix(rhs, "Right-hand side")
    n = b.shape[-2]
    if packed.shape[-2] != 3:
        raise InvalidArgumentError(f"Expected 3 diagonals got {packed.shape[-2]}")
    if packed.shape[-1] != n or packed.shape[:-2] != b.shape[:-2]:
        raise InvalidArgumentError(
            f"Length of diagonals and right-hand side do not match: {list(diagonals.shape)} vs. {list(rhs.shape)}"
        )
    # Row i of the eliminated matrix has entries at i, i + 1 and (after a swap of rows) i + 2.
    upper, main, below = packed[..., 0, :], np.array(packed[..., 1, :]), packed[..., 2, :]
    first = np.array(upper)
    if n:
        first[..., -1] = 0
    second = np.zeros_like(first)
    out = np.array(b)
    for i in range(n):
        if i + 1 < n:
            low, diagonal, high = below[..., i + 1], main[..., i + 1].copy(), first[..., i + 1].copy()
            own, after = main[..., i].copy(), first[..., i].copy()
            swap = np.abs(low) > np.abs(own) if partial_pivoting else np.zeros(own.shape, bool)
            head = np.where(swap, low, own)
            factor = np.where(swap, own, low) / head
            main[..., i] = head
            first[..., i] = np.where(swap, diagonal, after)
            second[..., i] = np.where(swap, high, 0)
            main[..., i + 1] = np.where(swap, after, diagonal) - factor * first[..., i]
            first[..., i + 1] = np.where(swap, 0, high) - factor * second[..., i]
            here, next_row = out[..., i, :].copy(), out[..., i + 1, :].copy()
            out[..., i, :] = np.where(swap[..., None], next_row, here)
            out[..., i + 1, :] = np.where(swap[..., None], here, next_row) - factor[..., None] * out[..., i, :]
    for i in range(n - 1, -1, -1):
        value = out[..., i, :]
        if i + 1 < n:
            value = value - first[..., i, None] * out[..., i + 1, :]
        if i + 2 < n:
            value = value - second[..., i, None] * out[..., i + 2, :]
        out[..., i, :] = value / main[..., i, None]
    out[~main.all(-1)] = np.nan
    return out


@kernel("TridiagonalMatMul")
def tridiagonal_mat_mul(superdiag: Array, maindiag: Array, subdiag: Array, rhs: Array) -> Array:
    b = matrix(rhs, "Right-hand side")
    expected = (*b.shape[:-2], 1, b.shape[-2])
    for name, item in (("superdiag", superdiag), ("maindiag", maindiag), ("subdiag", subdiag)):
        if item.shape != expected:
            raise InvalidArgumentError(f"{name} must have shape {list(expected)}, got {list(item.shape)}")
    out = maindiag.swapaxes(-1, -2) * b
    out[..., :-1, :] += superdiag.swapaxes(-1, -2)[..., :-1, :] * b[..., 1:, :]
    out[..., 1:, :] += subdiag.swapaxes(-1, -2)[..., 1:, :] * b[..., :-1, :]
    return out
