"""The signs and phases of Eigen's eigenvectors: TensorFlow's SelfAdjointEigV2 returns what Eigen computes.

Eigenvectors are unique up to a phase, which falls out of the steps of the algorithm; so its steps are followed here:
Householder reduction to a tridiagonal matrix, then implicit QR steps with Wilkinson shifts
(Eigen/src/Eigenvalues/Tridiagonalization.h, SelfAdjointEigenSolver.h; Golub & Van Loan, Matrix Computations, 8.3).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

MAX_SIZE = 64  # the steps are Python's; beyond this size they would take longer than the decomposition is worth
MAX_SWEEPS = 30


def self_adjoint_vectors(matrix: Array) -> Array:
    """Eigenvectors in columns, by ascending eigenvalue, of a Hermitian matrix [n, n] given by its lower triangle."""
    n = len(matrix)
    if n == 1:
        return np.ones_like(matrix)
    a = np.tril(matrix)
    scale = np.abs(a).max()
    a = a / (scale if scale else scale.dtype.type(1))
    a = a + np.tril(a, -1).conj().T
    diagonal, below, vectors = _tridiagonal(a)
    _diagonalize(diagonal, below, vectors)
    return vectors[:, _selection_order(diagonal)]


def _tridiagonal(a: Array) -> tuple[Array, Array, Array]:
    """The diagonal and subdiagonal (real) of Q^H A Q, and Q."""
    n = len(a)
    real = np.zeros((), a.dtype).real.dtype
    below = np.zeros(n - 1, real)
    reflections = []
    for i in range(n - 1):
        column = a[i + 1 :, i].copy()
        tail = float((np.abs(column[1:]) ** 2).sum())
        head = column[0]
        if tail <= np.finfo(real).tiny and np.imag(head) ** 2 <= np.finfo(real).tiny:
            tau, beta = a.dtype.type(0), real.type(np.real(head))
            column[1:] = 0
        else:
            beta = real.type(math.sqrt(abs(complex(head)) ** 2 + tail))
            beta = -beta if np.real(head) >= 0 else beta
            column[1:] /= head - beta
            tau = a.dtype.type(np.conj((beta - head) / beta))
        column[0] = 1
        below[i] = beta
        reflections.append((column, tau))
        block = a[i + 1 :, i + 1 :]
        p = (block @ (np.conj(tau) * column)).astype(a.dtype)
        p = p + (np.conj(tau) * a.dtype.type(-0.5) * np.vdot(p, column)) * column
        block -= np.outer(column, p.conj()) + np.outer(p, column.conj())
    q = np.eye(n, dtype=a.dtype)
    for i, (column, tau) in reversed(list(enumerate(reflections))):
        block = q[i + 1 :, i + 1 :]
        block -= np.conj(tau) * np.outer(column, column.conj() @ block)
    return np.diagonal(a).real.copy(), below, q


def _diagonalize(diagonal: Array, below: Array, vectors: Array) -> None:
    """Implicit QR steps until the subdiagonal is gone; all in place."""
    real = diagonal.dtype
    limit, precision = np.finfo(real).tiny, 1 / np.finfo(real).eps
    end, start = len(diagonal) - 1, 0
    for _ in range(MAX_SWEEPS * len(diagonal)):
        for i in range(start, end):
            small = abs(below[i]) < limit
            if small or (precision * below[i]) ** 2 <= abs(diagonal[i]) + abs(diagonal[i + 1]):
                below[i] = 0
        while end > 0 and below[end - 1] == 0:
            end -= 1
        if end <= 0:
            return
        start = end - 1
        while start > 0 and below[start - 1] != 0:
            start -= 1
        _qr_step(diagonal, below, start, end, vectors)


def _qr_step(diagonal: Array, below: Array, start: int, end: int, vectors: Array) -> None:
    one = diagonal.dtype.type(1)
    td = (diagonal[end - 1] - diagonal[end]) * diagonal.dtype.type(0.5)
    e = below[end - 1]
    mu = diagonal[end]
    if td == 0:
        mu = mu - abs(e)
    elif e != 0:
        h = np.hypot(td, e)
        mu = mu - e * e / (td + (h if td > 0 else -h))
    x, z = diagonal[start] - mu, below[start]
    for k in range(start, end):
        if z == 0:
            return
        c, s = _givens(x, z, one)
        upper = s * diagonal[k] + c * below[k]
        lower = s * below[k] + c * diagonal[k + 1]
        diagonal[k] = c * (c * diagonal[k] - s * below[k]) - s * (c * below[k] - s * diagonal[k + 1])
        diagonal[k + 1] = s * upper + c * lower
        below[k] = c * upper - s * lower
        if k > start:
            below[k - 1] = c * below[k - 1] - s * z
        x = below[k]
        if k < end - 1:
            z = -s * below[k + 1]
            below[k + 1] = c * below[k + 1]
        left, right = vectors[:, k].copy(), vectors[:, k + 1].copy()
        vectors[:, k] = c * left - s * right
        vectors[:, k + 1] = s * left + c * right


def _givens(p: Any, q: Any, one: Any) -> tuple[Any, Any]:
    """The rotation (c, s) that turns (p, q) into (r, 0), with Eigen's choice of signs."""
    if q == 0:
        return (-one if p < 0 else one), one * 0
    if p == 0:
        return one * 0, (one if q < 0 else -one)
    if abs(p) > abs(q):
        t = q / p
        u = np.sqrt(one + t * t)
        u = -u if p < 0 else u
        return one / u, -t * (one / u)
    t = p / q
    u = np.sqrt(one + t * t)
    u = -u if q < 0 else u
    return -t * (-one / u), -one / u


def _selection_order(values: Array) -> list[int]:
    """The order that a selection sort by swaps ends with."""
    order = list(range(len(values)))
    for i in range(len(order) - 1):
        least = min(range(i, len(order)), key=lambda j: values[order[j]])
        order[i], order[least] = order[least], order[i]
    return order
