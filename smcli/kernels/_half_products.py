"""Matrix products of float16 as Eigen computes them without float32: by Einsum and transposed convolutions.

MatMul and its like convert to float32 and back, as oneDNN does with bfloat16. What calls Eigen's products itself adds
up in float16, each
product and each sum rounded, in the order of Eigen's GeneralBlockPanelKernel.h: columns of the result sixteen and eight
at a time, which round products before adding them, and single ones, which do not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.kernels._half_sums import rounded
from smcli.kernels.context import Array

_PACKET = 8
_PANEL = 4  # rows of the left matrix that are multiplied together
_STEPS = 8  # steps of the inner axis that are unrolled
_SMALL = 20  # a product with a smaller sum of sizes is computed number by number
_MOST = 2**24  # multiplications; larger products are rounded once, which is a hundred times faster


def is_exact(rows: int, inner: int, columns: int) -> bool:
    """Whether a product of these sizes is small enough to be computed step by step."""
    return rows * inner * columns <= _MOST


def _in_turn(a: Array, b: Array, dtype: np.dtype[Any], products_rounded: bool) -> Array:
    total: Array = np.zeros((*a.shape[:-1], b.shape[-1]), np.float32)
    for k in range(a.shape[-1]):
        step = np.multiply(a[..., :, k, None], b[..., k, None, :])
        total = rounded(np.add(total, rounded(step, dtype) if products_rounded else step), dtype)
    return total


def _by_turns(a: Array, b: Array, dtype: np.dtype[Any]) -> Array:
    """Two running totals, one of even and one of odd steps, and then what the unrolled loop leaves."""
    unrolled = a.shape[-1] // _STEPS * _STEPS
    even, odd = (_in_turn(a[..., i:unrolled:2], b[..., i:unrolled:2, :], dtype, True) for i in (0, 1))
    total = rounded(np.add(even, odd), dtype)
    for k in range(unrolled, a.shape[-1]):
        step = rounded(np.multiply(a[..., :, k, None], b[..., k, None, :]), dtype)
        total = rounded(np.add(total, step), dtype)
    return total


def block_panel(a: Array, b: Array, dtype: np.dtype[Any]) -> Array:
    """a (…, rows, inner) times b (…, inner, columns), float32 that hold numbers of `dtype`, in and out."""
    rows, columns = a.shape[-2], b.shape[-1]
    pairs, packets = columns // (2 * _PACKET) * (2 * _PACKET), columns // _PACKET * _PACKET
    parts = [_in_turn(a, b[..., :pairs], dtype, True)]
    if packets > pairs:
        panels = rows // _PANEL * _PANEL
        last = b[..., pairs:packets]
        halves = (_by_turns(a[..., :panels, :], last, dtype), _in_turn(a[..., panels:, :], last, dtype, True))
        parts.append(np.concatenate(halves, axis=-2))
    parts.append(_in_turn(a, b[..., packets:], dtype, False))
    return np.concatenate(parts, axis=-1)


def product(a: Array, b: Array, dtype: np.dtype[Any]) -> Array:
    """The product of matrices or batches of them, each by itself, as Einsum has it; in `dtype`.

    A row times a matrix, and what is small, fuse each product with its sum (BatchMatMul's own kernel in
    tensorflow/core/kernels/matmul_op_impl.h chooses how).
    """
    rows, inner, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    batches = int(np.prod(np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), dtype=np.int64))
    wide = a.astype(np.float32), b.astype(np.float32)
    if not is_exact(batches * rows, inner, columns):
        out: Array = np.matmul(*wide).astype(dtype)
        return out
    in_parallel = min(rows, inner, columns) > 1 and (batches == 1 or rows * inner * columns > 128 * 128)
    is_small = not in_parallel and rows + inner + columns < _SMALL
    if rows == 1 or is_small:
        return _in_turn(*wide, dtype, False).astype(dtype)
    return block_panel(*wide, dtype).astype(dtype)
