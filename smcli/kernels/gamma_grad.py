"""Derivatives of the incomplete gamma function and of gamma-distributed numbers with respect to the shape `a`.

The power series and the continued fraction of Igamma are differentiated term by term; both are summed in float64
until they no longer change.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._numbers import Numbers
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.kernels.special import digamma, lgamma

EPSILON = 2.0**-53
MAX_TERMS = 2000
BIG = 2.0**52


def _series(a: Array, x: Array) -> tuple[Array, Array]:
    """The sum of the series of P(a, x) without its leading factor, and its derivative."""
    r, term, total = a.copy(), np.ones_like(a), np.ones_like(a)
    term_slope, slope = np.zeros_like(a), np.zeros_like(a)
    for _ in range(MAX_TERMS):
        r += 1
        factor = x / r
        term_slope = factor * term_slope - factor / r * term
        slope += term_slope
        term = term * factor
        total += term
        if (np.abs(term_slope) <= EPSILON * np.abs(slope)).all():
            break
    return total, slope


def _fraction(a: Array, x: Array) -> tuple[Array, Array]:
    """The continued fraction of 1 - P(a, x) without its leading factor, and its derivative."""
    y = 1 - a
    z = x + y + 1
    p, q = (np.ones_like(x), x + 1), (x.copy(), z * x)
    dp, dq = (np.zeros_like(x), np.zeros_like(x)), (np.zeros_like(x), -x)
    value = p[1] / q[1]
    slope = (dp[1] - value * dq[1]) / q[1]
    for count in range(1, MAX_TERMS + 1):
        y = y + 1
        z = z + 2
        yc = y * count
        new_p, new_q = p[1] * z - p[0] * yc, q[1] * z - q[0] * yc
        new_dp = dp[1] * z - p[1] - dp[0] * yc + p[0] * count
        new_dq = dq[1] * z - q[1] - dq[0] * yc + q[0] * count
        usable = new_q != 0
        before = slope
        value = np.where(usable, new_p / new_q, value)
        slope = np.where(usable, (new_dp - value * new_dq) / new_q, slope)
        p, q, dp, dq = (p[1], new_p), (q[1], new_q), (dp[1], new_dp), (dq[1], new_dq)
        if (usable & (np.abs(slope - before) <= EPSILON * np.abs(slope))).all():
            break
        shrink = np.where(np.abs(new_p) > BIG, 1 / BIG, 1.0)
        p, q, dp, dq = ((pair[0] * shrink, pair[1] * shrink) for pair in (p, q, dp, dq))
    return value, slope


def _slopes(a: Array, x: Array, sampled: bool, tiny: float) -> Array:
    """dP(a, x)/da, or where `sampled` dx/da at constant P. Inputs are float64 vectors; NaN outside of the domain.

    tiny: where the density is less than this, the smallest normal number, TensorFlow takes it for 0, and its
    derivatives too.
    """
    out = np.full(a.shape, np.nan)
    out[x == 0] = 0.0
    inside = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    tail = (x > 1) & (x > a)
    for rows, far in ((np.flatnonzero(inside & ~tail), False), (np.flatnonzero(inside & tail), True)):
        if not rows.size:
            continue
        shape, at = a[rows], x[rows]
        value, slope = (_fraction if far else _series)(shape, at)
        change = slope + value * (np.log(at) - digamma(shape if far else shape + 1))
        change = -change if far else change / shape
        density = np.exp(shape * np.log(at) - at - lgamma(shape))
        out[rows] = np.where(density < tiny, 0.0, -change * at if sampled else change * density)
    return out


def _broadcast(a: Array, x: Array, op: str, sampled: bool) -> Numbers:
    try:
        a, x = np.broadcast_arrays(a, x)
    except ValueError:
        raise InvalidArgumentError(f"{op}: Incompatible shapes: {list(a.shape)} vs. {list(x.shape)}") from None
    shape, at = (value.astype(np.float64).reshape(-1) for value in (a, x))
    return _slopes(shape, at, sampled, float(np.finfo(a.dtype).tiny)).reshape(a.shape).astype(a.dtype)


@kernel("IgammaGradA")
def igamma_grad_a(a: Array, x: Array) -> Numbers:
    """The derivative of Igamma with respect to a."""
    return _broadcast(a, x, "IgammaGradA", False)


@kernel("RandomGammaGrad")
def random_gamma_grad(alpha: Array, sample: Array) -> Numbers:
    """The derivative of a gamma-distributed number with respect to the shape of its distribution."""
    return _broadcast(alpha, sample, "RandomGammaGrad", True)
