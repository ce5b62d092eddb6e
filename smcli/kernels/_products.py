"""Products of float matrices, large ones in several threads.

A thread computes some rows, or columns where rows are few, so that each number is the same sum as without threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.kernels import _digits
from smcli.kernels._threads import each, spans, threads
from smcli.kernels.context import Array

Change = Callable[[Array], None]

PAYS = 2**20  # multiplications of one thread that outweigh waking it
_FEW_ROWS = 128  # where each thread would spend its time on laying out the same right side
_CHANGE_PAYS = 2**14  # elements whose change outweighs waking a thread
_CHANGED = 2**19  # elements that are changed at once: they are still in cache


def multiply(a: Array, b: Array, out: Array | None = None, change: Change | None = None) -> Array:
    """a @ b of two float matrices, into `out` if it is given. change: called on rows of the result, in place."""
    if _digits.product_matters(a, b):
        return _finished(_digits.product(a, b), out, change)
    rows, columns = a.shape[0], b.shape[1]
    work = rows * columns * b.shape[0]
    if work < 2 * PAYS or threads() == 1:
        result: Array = np.matmul(a, b, out=out)
        _changed(result, change)
        return result
    if out is None:
        out = np.empty((rows, columns), a.dtype)
    target = out
    if rows < _FEW_ROWS <= columns:
        parts = spans(columns, max(_FEW_ROWS // 2, PAYS * columns // work))
        each(lambda part: np.matmul(a, b[:, part], out=target[:, part]), parts)
        if change is not None:
            each(lambda part: _changed(target[part], change), spans(rows, max(1, _CHANGE_PAYS // columns)))
        return target

    def multiply_rows(part: slice) -> None:
        np.matmul(a[part], b, out=target[part])
        _changed(target[part], change)

    each(multiply_rows, spans(rows, max(1, PAYS * rows // work)))
    return target


def _finished(x: Array, out: Array | None, change: Change | None) -> Array:
    _changed(x, change)
    if out is None:
        return x
    out[...] = x
    return out


def _changed(x: Array, change: Change | None) -> None:
    if change is None:
        return
    step = max(1, _CHANGED // max(1, x.shape[1]))
    for low in range(0, len(x), step):
        change(x[low : low + step])


def multiply_stacks(a: Array, b: Array) -> Array:
    """a @ b of stacks of float matrices, which broadcast, as NumPy has it."""
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    count = threads()
    axis = next((axis for axis, size in enumerate(lead) if size >= count), None)
    size = a.shape[-2] * b.shape[-1]
    work = size * a.shape[-1]
    for length in lead:
        work *= length
    if count == 1 or axis is None or work < 2 * PAYS:
        result: Array = np.matmul(a, b)
        return result
    out: Array = np.empty((*lead, a.shape[-2], b.shape[-1]), a.dtype)

    def along(x: Array, part: slice) -> Array:
        """The part of an operand that a part of the result needs."""
        place = axis - len(lead) + x.ndim - 2
        return x if place < 0 or x.shape[place] == 1 else x[(slice(None),) * place + (part,)]

    def multiply_part(part: slice) -> None:
        np.matmul(along(a, part), along(b, part), out=along(out, part))

    each(multiply_part, spans(lead[axis], max(1, PAYS * lead[axis] // work)))
    return out


def takes_threads(dtype: np.dtype[Any]) -> bool:
    """Whether products of a dtype are the BLAS's work."""
    return dtype.char in "fd"
