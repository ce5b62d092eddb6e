"""Matrix products: MatMul and its batched forms, and Cross.

Floats go to BLAS; float16 and bfloat16 are multiplied in float32, integers in float64 while the sums are exact there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from smcli.errors import FailedPreconditionError, InvalidArgumentError
from smcli.kernels._numbers import Numbers, is_short_float, widened
from smcli.kernels._products import multiply, multiply_stacks, takes_threads
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

_BLAS_WORTH = 4096  # multiplications from which converting integers to floats pays
_EXACT = 2**53  # float64 holds all integers up to here


def product(a: Array, b: Array, dtype: np.dtype[Any]) -> Numbers:
    """a @ b with NumPy's broadcasting, in `dtype`; sums of 16-bit floats are rounded once, as oneDNN does."""
    if dtype.kind in "iu":
        return _integer_product(a.astype(dtype, copy=False), b.astype(dtype, copy=False))
    if is_short_float(dtype):
        out: Array = np.matmul(a.astype(np.float32), b.astype(np.float32))
        return out.astype(dtype)
    return multiply_stacks(a, b) if takes_threads(dtype) and a.dtype == b.dtype == dtype else np.matmul(a, b)


def _integer_product(a: Array, b: Array) -> Numbers:
    """a @ b, wrapping; through float64 when no sum can be inexact there."""
    if a.size * b.shape[-1] >= _BLAS_WORTH and b.size:
        largest = int(np.abs(a.astype(np.float64)).max()) * int(np.abs(b.astype(np.float64)).max())
        if largest * a.shape[-1] < _EXACT:
            return np.matmul(a.astype(np.float64), b.astype(np.float64)).astype(np.int64).astype(a.dtype)
    return np.matmul(a, b)


def _swapped(x: Array) -> Array:
    return x.swapaxes(-1, -2)


@kernel("MatMul")
def matmul(a: Array, b: Array, *, transpose_a: bool = False, transpose_b: bool = False) -> Numbers:
    """The product of two matrices, either transposed first. Raises InvalidArgumentError when they do not fit."""
    straight = a.dtype.char == "f" and a.ndim == b.ndim == 2 and not (transpose_a or transpose_b)
    if straight and len(a) > 1 and a.shape[1] == len(b):  # small products are most of what loops do
        return multiply(a, b)
    if a.ndim != b.ndim:
        raise InvalidArgumentError(f"In[0] and In[1] has different ndims: {list(a.shape)} vs. {list(b.shape)}")
    if a.ndim != 2:
        raise InvalidArgumentError(f"In[0] and In[1] ndims must be == 2: {a.ndim}")
    left = a.T if transpose_a else a
    right = b.T if transpose_b else b
    if left.shape[1] != right.shape[0]:
        raise InvalidArgumentError(f"Matrix size-incompatible: In[0]: {list(a.shape)}, In[1]: {list(b.shape)}")
    if a.dtype == np.float32 or a.dtype == np.float64:
        return multiply(left, right)
    return product(left, right, a.dtype)


@dataclass(frozen=True, slots=True)
class LastAxis:
    """The product of the last axis of a tensor of this rank with a matrix: what tensordot computes by a MatMul."""

    rank: int

    def __call__(self, x: Array, matrix: Array) -> Array:
        if x.ndim != self.rank:
            raise InvalidArgumentError(
                f"transpose expects a vector of size {x.ndim}. But input(1) is a vector of size {self.rank}"
            )
        rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
        out: Array = matmul(rows, matrix)
        return out.reshape(*x.shape[:-1], matrix.shape[1])


def prepare_matmul(
    b: Array,
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    rank: int = 2,
    epilogue: Callable[[Array], None] | None = None,
) -> Callable[[Array], Array]:
    """A function that multiplies matrices, or the last axis of tensors of `rank`, by `b`.

    epilogue: called on the result, to change it in place.
    """
    last_axis = LastAxis(rank)
    plain = b.ndim == 2 and b.dtype.char == "f" and not transpose_a
    right = b.T if transpose_b else b

    def multiply_by(a: Array) -> Array:
        if plain and a.dtype == b.dtype and a.ndim == rank and a.shape[-1] == len(right) and a.size > len(right):
            out = multiply(a.reshape(-1, len(right)), right, change=epilogue)
            return out.reshape(*a.shape[:-1], right.shape[1])
        out = last_axis(a, b) if rank != 2 else matmul(a, b, transpose_a=transpose_a, transpose_b=transpose_b)
        if epilogue is not None:
            epilogue(out)
        return out

    return multiply_by


@kernel("SparseMatMul")
def sparse_matmul(a: Array, b: Array, *, transpose_a: bool = False, transpose_b: bool = False) -> Numbers:
    """As MatMul, of float32 or bfloat16 (mixed, too), in float32."""
    return matmul(widened(a), widened(b), transpose_a=transpose_a, transpose_b=transpose_b)


def _batch_product(x: Array, y: Array, adj_x: bool, adj_y: bool, dtype: np.dtype[Any]) -> Numbers:
    left = _swapped(np.conjugate(x) if x.dtype.kind == "c" else x) if adj_x else x
    right = _swapped(np.conjugate(y) if y.dtype.kind == "c" else y) if adj_y else y
    if left.shape[-1] != right.shape[-2]:
        raise InvalidArgumentError(f"Matrix size-incompatible: In[0]: {list(x.shape)}, In[1]: {list(y.shape)}")
    return product(left, right, dtype)


def _check_matrices(x: Array, y: Array) -> None:
    for i, operand in enumerate((x, y)):
        if operand.ndim < 2:
            raise InvalidArgumentError(f"In[{i}] ndims must be >= 2: {operand.ndim}")


@kernel("BatchMatMul")
def batch_matmul(x: Array, y: Array, *, adj_x: bool = False, adj_y: bool = False) -> Numbers:
    """Products of the matrices in the last two axes, either adjoined first.

    Raises InvalidArgumentError when they do not fit, or when the leading axes differ.
    """
    _check_matrices(x, y)
    if x.shape[:-2] != y.shape[:-2]:
        raise InvalidArgumentError(
            f"In[0] and In[1] must have compatible batch dimensions: {list(x.shape)} vs. {list(y.shape)}"
        )
    return _batch_product(x, y, adj_x, adj_y, x.dtype)


def _check_batches(x: Array, y: Array) -> None:
    try:
        np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    except ValueError:
        raise InvalidArgumentError(
            f"In[0] and In[1] must have compatible batch dimensions: {list(x.shape)} vs. {list(y.shape)}"
        ) from None


@kernel("BatchMatMulV2")
def batch_matmul_v2(x: Array, y: Array, *, adj_x: bool = False, adj_y: bool = False) -> Numbers:
    """As BatchMatMul, the leading axes broadcast."""
    _check_matrices(x, y)
    _check_batches(x, y)
    return _batch_product(x, y, adj_x, adj_y, x.dtype)


@kernel("BatchMatMulV3")
def batch_matmul_v3(x: Array, y: Array, *, Tout: DataType, adj_x: bool = False, adj_y: bool = False) -> Numbers:
    """As BatchMatMulV2, of dtypes that may differ, into a dtype of its own."""
    _check_matrices(x, y)
    _check_batches(x, y)
    return _batch_product(x, y, adj_x, adj_y, Tout.numpy)


@kernel("Cross")
def cross(a: Array, b: Array) -> Array:
    """Cross products of the 3-vectors in the last axis.

    Raises InvalidArgumentError when the shapes differ, FailedPreconditionError for vectors of another length.
    """
    if a.shape != b.shape:
        raise InvalidArgumentError(f"Both inputs must be of same shape: {list(a.shape)} vs. {list(b.shape)}")
    if a.ndim < 1:
        raise InvalidArgumentError(f"Input must be at least 1D: {list(a.shape)}")
    if a.shape[-1] != 3:
        raise FailedPreconditionError(f"Cross-products are only defined for 3-element vectors, not {list(a.shape)}.")
    out = np.empty(a.shape, a.dtype)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        out[..., i] = np.subtract(a[..., j] * b[..., k], a[..., k] * b[..., j])
    return out
