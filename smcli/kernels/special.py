"""Special functions: the error functions, gamma and its relatives, Bessel, Fresnel and the rest.

erf, erfc, lgamma and digamma of up to 32 bits are computed here with NumPy alone, since models use them (GELU is erf);
their approximations were fitted for this module and their error bounds stand beside them. Everything else, and float64,
asks SciPy, in float64 whatever the dtype, and then mends the edges of the domains where TensorFlow answers otherwise.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError, MissingExtraError
from smcli.kernels._numbers import Numbers, broadcast_shape
from smcli.kernels._short_floats import by_table
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel, register


def _scipy(op: str) -> Any:
    """scipy.special. Raises MissingExtraError when SciPy is not installed."""
    try:
        import scipy.special
    except ImportError:
        raise MissingExtraError(op, "scipy") from None
    return scipy.special


def _is_double(x: Array) -> bool:
    return bool(x.dtype == np.float64)


# ---- the error functions

# erf(x) / x as a ratio of polynomials in x² for |x| <= 3.925, beyond which erf is 1 in float32.
# Worst relative error, evaluated in float32: 4.2e-7 (3.5 units of 2**-23).
_ERF_LIMIT = np.float32(3.925)
_ERF_P = np.array(
    [
        *[1.1283791065216064, 0.1905938684940338, 0.05276931822299957, 0.003772556548938155],
        *[0.0002848439908120781, 2.0460302039282396e-06],
    ],
    np.float32,
)
_ERF_Q = np.array(
    [1.0, 0.5022421479225159, 0.11418277025222778, 0.014983209781348705, 0.001163859968073666, 3.804782681982033e-05],
    np.float32,
)
_BLOCK = 1 << 16  # elements that are worked on at a time: all temporaries stay in the cache


def _horner(coefficients: Any, x: Array, out: Array) -> Array:
    """The polynomial with these coefficients, lowest first, of x."""
    np.multiply(x, coefficients[-1], out=out)
    for c in coefficients[-2:0:-1]:
        out += c
        out *= x
    out += coefficients[0]
    return out


def _erf_float32(x: Array) -> Array:
    flat = np.ascontiguousarray(x).reshape(-1)
    result = np.empty(flat.shape, np.float32)
    for start in range(0, flat.size, _BLOCK):
        y = result[start : start + _BLOCK]
        clipped = np.clip(flat[start : start + _BLOCK], -_ERF_LIMIT, _ERF_LIMIT)
        square = np.square(clipped)
        _horner(_ERF_P, square, y)
        y *= clipped
        y /= _horner(_ERF_Q, square, clipped)
        np.clip(y, np.float32(-1), np.float32(1), out=y)
    return result.reshape(x.shape)


@kernel("Erf")
@by_table
def erf(x: Array) -> Numbers:
    """The error function."""
    if x.ndim == 0 and not np.isinf(x):
        return x.dtype.type(math.erf(x))
    if _is_double(x):
        return np.where(np.isinf(x), np.nan, _scipy("Erf of float64").erf(x))  # NaN it is, from TensorFlow's kernel
    return _erf_float32(x.astype(np.float32, copy=False)).astype(x.dtype, copy=False)


# erfc(x) exp(x²) / t for x >= 0 as a polynomial in 2t - 1, where t = 1 / (1 + x/2). Worst relative error 1.7e-9.
_ERFC = [0.510791352761, 0.34358033297, 0.139736032662, 0.0182213842458, -0.0107551161527, -0.00324185489538]
_ERFC += [0.001544047683, 0.000427020150758, -0.000328100147744, -3.29515392556e-05, 6.76878066231e-05]
_ERFC += [-1.32739552476e-06, -8.50886979051e-06]
_ERFC32 = np.array(_ERFC, np.float32)
_ZERO, _ONE = np.float32(0), np.float32(1)


@kernel("Erfc")
@by_table
def erfc(x: Array) -> Numbers:
    """1 - erf(x), exact to the last digits where erf is nearly 1."""
    if _is_double(x):
        return _scipy("Erfc of float64").erfc(x)
    flat = np.ascontiguousarray(x).reshape(-1)
    result = np.empty(flat.shape, x.dtype)
    for start in range(0, flat.size, _BLOCK):
        result[start : start + _BLOCK] = _erfc_float32(flat[start : start + _BLOCK].astype(np.float32, copy=False))
    return result.reshape(x.shape)


def _erfc_float32(x: Array) -> Array:
    """erfc of float32; x is contiguous. Mostly in place: each temporary is a pass over memory."""
    size = np.abs(x)
    np.clip(size, _ZERO, np.float32(11), out=size)  # where erfc is 0, or 2
    t = np.multiply(size, np.float32(0.5))
    t += _ONE
    np.divide(_ONE, t, out=t)
    twice = np.add(t, t)
    twice -= _ONE
    tail = _horner(_ERFC32, twice, np.empty_like(t))
    tail *= t
    # exp(-x²) needs more digits of x² than float32 has: x² = head² + (x - head)(x + head), and head² is exact.
    head = np.bitwise_and(size.view(np.int32), np.int32(-0x1000), out=t.view(np.int32)).view(np.float32)
    rest = np.subtract(head, size, out=twice)
    size += head
    rest *= size
    np.multiply(head, head, out=size)
    np.negative(size, out=size)
    tail *= np.exp(size, out=size)
    tail *= np.exp(rest, out=rest)
    # 2 - tail for x < 0, without a choice, which takes as long as all of the above: sign · tail + (1 - sign)
    sign = np.bitwise_and(x.view(np.int32), np.int32(-0x80000000), out=size.view(np.int32))
    sign |= _ONE.view(np.int32)
    tail *= sign.view(np.float32)
    tail += np.subtract(_ONE, sign.view(np.float32), out=rest)
    return tail


# ---- gamma

# The series of Stirling's formula in 1/z: B(2k) / (2k (2k - 1)), and of digamma in 1/z²: B(2k) / 2k (Abramowitz and
# Stegun 6.1.41 and 6.3.18). From z = 8 on, their errors are below 1e-12.
_STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360]
_DIGAMMA = [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760]
_SHIFT = 8


def _lgamma_positive(x: Array) -> Numbers:
    """log Γ(x) for x > 0 in float64: Stirling's formula at x + 8 where x is small."""
    small = x < _SHIFT
    near = np.where(small, x, 1.0)
    rising = near.copy()
    for i in range(1, _SHIFT):
        rising *= near + i
    z = np.where(small, x + _SHIFT, x)
    inverse = 1.0 / z
    series = _horner(_STIRLING, np.square(inverse), np.empty_like(z)) * inverse
    value = (z - 0.5) * np.log(z) - z + 0.5 * np.log(2 * np.pi) + series
    return np.where(small, value - np.log(rising), value)


@kernel("Lgamma")
def lgamma(x: Array) -> Numbers:
    """log |Γ(x)|; infinite at 0 and the negative integers."""
    if _is_double(x):
        value = _scipy("Lgamma of float64").gammaln(x)
    else:
        wide = np.atleast_1d(x).astype(np.float64)
        reflected = wide < 0.5
        positive = _lgamma_positive(np.where(reflected, 1.0 - wide, wide))
        sine = np.abs(np.sin(np.pi * (wide - np.rint(wide))))
        value = np.where(reflected, np.log(np.pi / sine) - positive, positive).reshape(x.shape)
    return np.where(np.isinf(x), np.inf, value).astype(x.dtype)


@kernel("Digamma")
def digamma(x: Array) -> Numbers:
    """The derivative of log Γ(x); NaN at 0 and the negative integers."""
    if _is_double(x):
        value = _scipy("Digamma of float64").psi(x)
    else:
        wide = np.atleast_1d(x).astype(np.float64)
        reflected = wide < 0.5
        positive = np.where(reflected, 1.0 - wide, wide)
        small = positive < _SHIFT
        lowered = np.zeros_like(wide)
        for i in range(_SHIFT):
            lowered += 1.0 / (positive + i)
        z = np.where(small, positive + _SHIFT, positive)
        series = np.square(1.0 / z)
        value = np.log(z) - 0.5 / z - _horner(_DIGAMMA, series, np.empty_like(z)) * series
        value = np.where(small, value - lowered, value)
        value = np.where(np.isposinf(wide), np.inf, value)
        cotangent = np.pi / np.tan(np.pi * (wide - np.rint(wide)))
        value = np.where(reflected, value - cotangent, value).reshape(x.shape)
    pole = (x <= 0) & (np.floor(x) == x)
    return np.where(pole, np.nan, value).astype(x.dtype)


# ---- functions of one variable, by SciPy


def _from_scipy(op: str, name: str, undefined: Any) -> None:
    """Register `op` as scipy.special's `name`; `undefined(x)` lists (where, value) of TensorFlow's other opinions."""

    def function(x: Array) -> Numbers:
        value = getattr(_scipy(op), name)(np.asarray(x).astype(np.float64))
        for where, other in undefined(x):
            value = np.where(where, other, value)
        return value.astype(x.dtype)

    register(op, function, module=__name__)


def _nowhere(x: Array) -> list[tuple[Any, float]]:
    return []


def _nan_at_infinity(x: Array) -> list[tuple[Any, float]]:
    return [(np.isinf(x), np.nan)]


def _infinite_below_zero(x: Array) -> list[tuple[Any, float]]:
    return [(x <= 0, np.inf)]


def _minus_infinite_below_zero(x: Array) -> list[tuple[Any, float]]:
    return [(x <= 0, -np.inf), (np.isposinf(x), np.nan)]


def _nan_below_zero(x: Array) -> list[tuple[Any, float]]:
    return [((x < 0) | np.isinf(x), np.nan)]


def _nan_at_zero(x: Array) -> list[tuple[Any, float]]:
    return [*_minus_infinite_below_zero(x), ((x == 0) & (not _is_double(x)), np.nan)]


for _op, _name, _undefined in [
    ("BesselI0", "i0", _nan_at_infinity),
    ("BesselI0e", "i0e", _nowhere),
    ("BesselI1", "i1", _nan_at_infinity),
    ("BesselI1e", "i1e", _nowhere),
    ("BesselJ0", "j0", _nan_at_infinity),
    ("BesselJ1", "j1", _nan_at_infinity),
    ("BesselK0", "k0", _infinite_below_zero),
    ("BesselK0e", "k0e", _infinite_below_zero),
    ("BesselK1", "k1", _infinite_below_zero),
    ("BesselK1e", "k1e", _infinite_below_zero),
    ("BesselY0", "y0", _minus_infinite_below_zero),
    ("BesselY1", "y1", _nan_at_zero),
    ("Dawsn", "dawsn", _nowhere),
    ("Erfinv", "erfinv", _nowhere),
    ("Expint", "expi", _nan_below_zero),
    ("Ndtri", "ndtri", _nowhere),
    ("Spence", "spence", _nan_below_zero),
]:
    _from_scipy(_op, _name, _undefined)


@kernel("FresnelCos")
def fresnel_cos(x: Array) -> Numbers:
    """The integral of cos(π t² / 2) from 0 to x."""
    return _scipy("FresnelCos").fresnel(np.asarray(x).astype(np.float64))[1].astype(x.dtype)


@kernel("FresnelSin")
def fresnel_sin(x: Array) -> Numbers:
    """The integral of sin(π t² / 2) from 0 to x."""
    return _scipy("FresnelSin").fresnel(np.asarray(x).astype(np.float64))[0].astype(x.dtype)


# ---- functions of two and three variables, by SciPy


def _pair(a: Array, x: Array) -> tuple[Array, Array]:
    """Both in float64, broadcast. Raises InvalidArgumentError when they do not fit."""
    broadcast_shape(a, x)
    wide_a, wide_x = np.broadcast_arrays(np.asarray(a).astype(np.float64), np.asarray(x).astype(np.float64))
    return wide_a, wide_x


@kernel("Igamma")
def igamma(a: Array, x: Array) -> Numbers:
    """The lower regularised incomplete gamma function P(a, x)."""
    wide_a, wide_x = _pair(a, x)
    value = _scipy("Igamma").gammainc(wide_a, wide_x)
    value = np.where(np.isposinf(wide_a) & (wide_x > 0), 0.0, value)
    undefined = (wide_a <= 0) | np.isnan(wide_a) | (wide_x < 0) | np.isnan(wide_x)
    value = np.where(undefined, np.nan, value)
    return np.where(wide_x == 0, 0.0, value).astype(x.dtype)


@kernel("Igammac")
def igammac(a: Array, x: Array) -> Numbers:
    """The upper regularised incomplete gamma function Q(a, x)."""
    wide_a, wide_x = _pair(a, x)
    value = _scipy("Igammac").gammaincc(wide_a, wide_x)
    value = np.where(np.isposinf(wide_a), np.where(np.isposinf(wide_x), 0.0, 1.0), value)
    undefined = (wide_a <= 0) | np.isnan(wide_a) | (wide_x < 0) | np.isnan(wide_x)
    return np.where(undefined, np.nan, value).astype(x.dtype)


def _zeta(x: Array, q: Array) -> Numbers:
    """Hurwitz's zeta in float64, its edges as in Eigen (SpecialFunctionsImpl.h)."""
    value = _scipy("Zeta").zeta(x, q)
    infinite = np.isposinf(x)
    value = np.where(infinite, np.where(q > 1, 0.0, np.where(q == 1, 1.0, np.inf)), value)
    whole, even = np.floor(x) == x, np.fmod(x, 2) == 0
    value = np.where((q <= 0) & (np.floor(q) == q), np.where(even | infinite, np.inf, np.nan), value)
    value = np.where((q < 0) & (np.floor(q) != q) & ~whole, np.nan, value)
    value = np.where((x < 1) | np.isnan(q) | np.isnan(x), np.nan, value)
    return np.where(x == 1, np.inf, value)


@kernel("Zeta")
def zeta(x: Array, q: Array) -> Numbers:
    """The Hurwitz zeta function, the sum of (k + q) to the power -x."""
    return _zeta(*_pair(x, q)).astype(x.dtype)


@kernel("Polygamma")
def polygamma(a: Array, x: Array) -> Numbers:
    """The a-th derivative of digamma; NaN where a is not a whole number from 0 on."""
    order, wide = _pair(a, x)
    special = _scipy("Polygamma")
    sign = np.where(np.fmod(order, 2) == 0, -1.0, 1.0)
    value = sign * np.exp(special.gammaln(order + 1)) * _zeta(order + 1, wide)
    psi = np.where((wide <= 0) & (np.floor(wide) == wide), np.nan, special.psi(wide))
    value = np.where(order == 0, psi, value)
    return np.where((order >= 0) & (np.floor(order) == order), value, np.nan).astype(x.dtype)


@kernel("Betainc")
def betainc(a: Array, b: Array, x: Array) -> Numbers:
    """The regularised incomplete beta function; a scalar fits every shape.

    Raises InvalidArgumentError for shapes that differ.
    """
    shaped = [operand for operand in (a, b, x) if operand.ndim]
    for name, operand in (("b", b), ("x", x)):
        if operand.ndim and shaped[0].shape != operand.shape:
            raise InvalidArgumentError(
                f"Shapes of a and {name} are inconsistent: {list(shaped[0].shape)} vs. {list(operand.shape)}"
            )
    wide = np.broadcast_arrays(*[np.asarray(operand).astype(np.float64) for operand in (a, b, x)])
    value = _scipy("Betainc").betainc(*wide)
    undefined = ~((wide[0] > 0) & (wide[1] > 0) & (wide[2] >= 0) & (wide[2] <= 1))
    undefined |= np.isinf(wide[0]) | np.isinf(wide[1])
    return np.where(undefined, np.nan, value).astype(x.dtype)
