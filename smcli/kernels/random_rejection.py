"""Random numbers by rejection: gamma, Poisson and binomial numbers, bit for bit with TensorFlow.

Every output has a stretch of the stream to itself, so all outputs that are not settled yet make their next attempt
together. Methods: Marsaglia and Tsang (gamma), Knuth and Hörmann (Poisson), inversion and Hörmann's BTRS (binomial);
their order of draws is that of tensorflow/core/kernels/{stateless_random_gamma_op,random_poisson_op,
random_binomial_op}.cc.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels.context import Array, Context
from smcli.kernels.distributions import box_muller64, unit_float64
from smcli.kernels.philox import Philox
from smcli.kernels.random import RESERVED, from_key_counter, from_seed, read_and_skip, reserve, shape_of
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

F64 = np.float64


class _Streams:
    """Many streams read side by side, a block of four words at a time; `at` is each one's place."""

    def __init__(self, generator: Philox, offsets: Array) -> None:
        self.generator = generator
        self.at = offsets.astype(np.int64)

    def words(self, rows: Array) -> Array:
        """The next block of these streams: uint32 [rows, 4]."""
        block = self.generator.blocks_from(self.at[rows], 1)[:, 0]
        self.at[rows] += 1
        return block


class _Buffer:
    """Numbers of a distribution that come by twos from a block and are handed out last first."""

    def __init__(self, streams: _Streams, make: Callable[[Array], Array], count: int) -> None:
        self.streams = streams
        self.make = make
        self.held = np.zeros((count, 2))
        self.left = np.zeros(count, np.int64)

    def take(self, rows: Array) -> Array:
        """One number for each of these streams."""
        empty = rows[self.left[rows] == 0]
        if empty.size:
            self.held[empty] = self.make(self.streams.words(empty))
            self.left[empty] = 2
        self.left[rows] -= 1
        return self.held[rows, self.left[rows]]


def _uniforms(words: Array) -> Array:
    return np.stack([unit_float64(words[:, 0], words[:, 1]), unit_float64(words[:, 2], words[:, 3])], axis=1)


def _by_parameter(sizes: tuple[int, ...], count: int) -> int:
    """How many samples each of `count` parameters has in an output of `sizes`."""
    return math.prod(sizes) // count if count else 0


def _check_tail(sizes: tuple[int, ...], shape: tuple[int, ...]) -> None:
    if len(shape) > len(sizes) or sizes[len(sizes) - len(shape) :] != shape:
        raise InvalidArgumentError("Shape passed in must end with broadcasted shape.")


# ---- gamma --------------------


def _gammas(generator: Philox, alphas: Array, samples: int) -> Array:
    """float64 [samples, alphas]. Streams are numbered by parameter first."""
    count = alphas.size * samples
    alpha = np.repeat(alphas.astype(F64), samples)
    output = np.zeros(count)
    streams = _Streams(generator, np.arange(count) * RESERVED)
    one = np.flatnonzero(alpha == 1.0)
    if one.size:
        output[one] = -np.log1p(-_uniforms(streams.words(one))[:, 1])
    normal = _Buffer(streams, box_muller64, count)
    uniform = _Buffer(streams, _uniforms, count)
    small = alpha < 1
    d = alpha + np.where(small, 2.0 / 3, -1.0 / 3)
    c = 1.0 / 3 / np.sqrt(d)
    rows = np.flatnonzero((alpha != 1.0) & (alpha > 0))
    output[~(alpha > 0)] = np.nan
    while rows.size:
        x = normal.take(rows)
        v = 1 + c[rows] * x
        trying = v > 0
        again = rows[~trying]
        rows, x, v = rows[trying], x[trying], v[trying]
        v = v * v * v
        u = uniform.take(rows)
        fits = (u < 1 - 0.0331 * (x * x) * (x * x)) | (np.log(u) < 0.5 * x * x + d[rows] * (1 - v + np.log(v)))
        settled = rows[fits]
        result = d[settled] * v[fits]
        low = small[settled]
        if low.any():
            result[low] *= uniform.take(settled[low]) ** (1 / alpha[settled[low]])
        output[settled] = result
        rows = np.sort(np.concatenate([again, rows[~fits]]))
    return output.reshape(alphas.size, samples).T


def _gamma_output(generator: Philox, sizes: tuple[int, ...], alpha: Array) -> Array:
    _check_tail(sizes, alpha.shape)
    if alpha.size == 0:
        raise InvalidArgumentError("Input alpha should have non-zero element count, got: 0")
    values = _gammas(generator, alpha.reshape(-1), _by_parameter(sizes, alpha.size))
    return values.reshape(sizes).astype(alpha.dtype)


@kernel("StatelessRandomGammaV2")
def stateless_random_gamma_v2(shape: Array, seed: Array, alpha: Array) -> Array:
    """Gamma numbers of unit scale; `shape` ends with that of `alpha`."""
    sizes = shape_of(shape)
    generator = from_seed(seed)
    return _gamma_output(generator, sizes, alpha) if math.prod(sizes) else np.zeros(sizes, alpha.dtype)


@kernel("StatelessRandomGammaV3")
def stateless_random_gamma_v3(shape: Array, key: Array, counter: Array, alg: Array, alpha: Array) -> Array:
    """Gamma numbers of unit scale, from a key and counter."""
    sizes = shape_of(shape)
    generator = from_key_counter(key, counter, alg)
    return _gamma_output(generator, sizes, alpha) if math.prod(sizes) else np.zeros(sizes, alpha.dtype)


@kernel("RandomGamma", stateful=True)
def random_gamma(shape: Array, alpha: Array, *, context: Context, seed: int = 0, seed2: int = 0) -> Array:
    """Gamma numbers of unit scale, `shape` of them for each of `alpha`."""
    sizes = shape_of(shape)
    output = (*sizes, *alpha.shape)
    samples = math.prod(sizes)
    if samples * alpha.size == 0:
        return np.zeros(output, alpha.dtype)
    generator = reserve(context, seed, seed2, samples * alpha.size * RESERVED)
    return _gammas(generator, alpha.reshape(-1), samples).reshape(output).astype(alpha.dtype)


# ---- Poisson --------------------


def _lgamma(x: Array) -> Array:
    """The logarithm of the gamma function from the C library, whose rounding TensorFlow shares."""
    return np.fromiter(map(math.lgamma, x.tolist()), F64, x.size)


def _poissons(generator: Philox, rates: Array, samples: int) -> Array:
    """float64 [samples, rates]."""
    count = rates.size * samples
    rate = np.repeat(rates.astype(F64), samples)
    output = np.full(count, np.nan)
    output[np.isposinf(rate)] = np.inf
    streams = _Streams(generator, np.arange(count) * RESERVED)
    uniform = _Buffer(streams, _uniforms, count)
    rows = np.flatnonzero((rate < 10) & (rate >= 0))
    limit = np.exp(-rate)
    product, events = np.ones(count), np.zeros(count)
    while rows.size:
        product[rows] *= uniform.take(rows)
        done = product[rows] <= limit[rows]
        output[rows[done]] = events[rows[done]]
        rows = rows[~done]
        events[rows] += 1
    rows = np.flatnonzero((rate >= 10) & np.isfinite(rate))
    if rows.size:
        b = 0.931 + 2.53 * np.sqrt(rate)
        a = -0.059 + 0.02483 * b
        inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
        while rows.size:
            u = uniform.take(rows) - 0.5
            v = uniform.take(rows)
            mean, wide, slope = rate[rows], b[rows], a[rows]
            near = 0.5 - np.abs(u)
            k = np.floor((2 * slope / near + wide) * u + mean + 0.43)
            accepted = (near >= 0.07) & (v <= 0.9277 - 3.6224 / (wide - 2))
            possible = ~accepted & ~((k < 0) | ((near < 0.013) & (v > near)))
            s = np.log(v * inverse_alpha[rows] / (slope / (near * near) + wide))
            t = -mean + k * np.log(mean) - _lgamma(np.where(k < 0, 0, k) + 1)
            accepted |= possible & (s <= t)
            output[rows[accepted]] = k[accepted]
            rows = rows[~accepted]
    return output.reshape(rates.size, samples).T


@kernel("RandomPoissonV2", stateful=True)
def random_poisson(
    shape: Array,
    rate: Array,
    *,
    context: Context,
    seed: int = 0,
    seed2: int = 0,
    dtype: DataType = DataType.INT64,
) -> Array:
    """Poisson numbers, `shape` of them for each of `rate`."""
    sizes = shape_of(shape)
    samples = math.prod(sizes)
    output = (*sizes, *rate.shape)
    if samples * rate.size == 0:
        return np.zeros(output, dtype.numpy)
    generator = reserve(context, seed, seed2, samples * rate.size * RESERVED)
    return _poissons(generator, rate.reshape(-1), samples).reshape(output).astype(dtype.numpy)


@kernel("StatelessRandomPoisson")
def stateless_random_poisson(shape: Array, seed: Array, lam: Array, *, dtype: DataType) -> Array:
    """Poisson numbers; `shape` ends with that of `lam`."""
    sizes = shape_of(shape)
    generator = from_seed(seed)
    if math.prod(sizes) == 0:
        return np.zeros(sizes, dtype.numpy)
    _check_tail(sizes, lam.shape)
    values = _poissons(generator, lam.reshape(-1), _by_parameter(sizes, lam.size))
    return values.reshape(sizes).astype(dtype.numpy)


# ---- binomial --------------------

_STIRLING = np.array([
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
    0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287,
])  # fmt: skip


def _stirling_tail(k: Array) -> Array:
    square = (k + 1) * (k + 1)
    formula = (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)
    table: Array = _STIRLING[np.clip(k, 0, 9).astype(np.int64)]
    return np.where(k <= 9, table, formula)


def _inverted(generator: Philox, index: Array, count: Array, prob: Array) -> Array:
    """Binomial numbers by adding up geometric ones; for means below 10."""
    uniform = _Buffer(_Streams(generator, index * 42), _uniforms, index.size)
    total, trials = np.zeros(index.size), np.zeros(index.size)
    rows = np.arange(index.size)
    while rows.size:
        total[rows] += np.ceil(np.log(uniform.take(rows)) / np.log1p(-prob[rows]))
        rows = rows[~(total[rows] > count[rows])]
        trials[rows] += 1
    return trials


def _btrs(generator: Philox, index: Array, count: Array, prob: Array) -> Array:
    """Binomial numbers by transformed rejection; for means of 10 and more."""
    uniform = _Buffer(_Streams(generator, index * RESERVED), _uniforms, index.size)
    spread = np.sqrt(count * prob * (1 - prob))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    c = count * prob + 0.5
    v_r = 0.92 - 4.2 / b
    r = prob / (1 - prob)
    alpha = (2.83 + 5.1 / b) * spread
    m = np.floor((count + 1) * prob)
    output = np.zeros(index.size)
    rows = np.arange(index.size)
    while rows.size:
        u = uniform.take(rows)
        v = uniform.take(rows)
        u = u - 0.5
        near = 0.5 - np.abs(u)
        n, odds, mode = count[rows], r[rows], m[rows]
        k = np.floor((2 * a[rows] / near + b[rows]) * u + c[rows])
        accepted = (near >= 0.07) & (v <= v_r[rows])
        possible = ~accepted & (k >= 0) & (k <= n)
        safe = np.clip(k, 0, n)
        v = np.log(v * alpha[rows] / (a[rows] / (near * near) + b[rows]))
        bound = (
            (mode + 0.5) * np.log((mode + 1) / (odds * (n - mode + 1)))
            + (n + 1) * np.log((n - mode + 1) / (n - safe + 1))
            + (safe + 0.5) * np.log(odds * (n - safe + 1) / (safe + 1))
            + _stirling_tail(mode)
            + _stirling_tail(n - mode)
            - _stirling_tail(safe)
            - _stirling_tail(n - safe)
        )
        accepted |= possible & (v <= bound)
        output[rows[accepted]] = k[accepted]
        rows = rows[~accepted]
    return output


def _binomials(generator: Philox, counts: Array, probs: Array, samples: int) -> Array:
    """float64 [samples, parameters] of counts and probabilities of one dtype, [parameters] each."""
    kind = probs.dtype.type
    flipped = probs > kind(0.5)
    part = np.where(flipped, kind(1) - probs, probs)
    many = counts * part >= kind(10)
    total = counts.size * samples
    index = np.arange(total)
    count = np.repeat(counts.astype(F64), samples)
    prob = np.repeat(part.astype(F64), samples)
    output = np.full(total, np.nan)
    endless = np.isinf(counts)
    drawn = np.repeat((counts > 0) & ~endless & (probs > 0) & (probs < 1), samples)
    by_rejection = np.repeat(many, samples)
    for rows, draw in ((drawn & by_rejection, _btrs), (drawn & ~by_rejection, _inverted)):
        if rows.any():
            output[rows] = draw(generator, index[rows], count[rows], prob[rows])
    turned = drawn & np.repeat(flipped, samples)
    output[turned] = count[turned] - output[turned]
    output[np.repeat(~(counts > 0) | (probs <= 0), samples)] = 0
    certain = np.repeat((counts > 0) & ((probs >= 1) | (endless & (probs > 0))), samples)
    output[certain] = count[certain]
    return output.reshape(counts.size, samples).T


def _binomial_output(
    sizes: tuple[int, ...], counts: Array, probs: Array, dtype: DataType, generator: Callable[[int, int], Philox]
) -> Array:
    """generator: gives the generator for so many parameters with so many samples each."""
    try:
        inner = np.broadcast_shapes(counts.shape, probs.shape)
    except ValueError:
        raise InvalidArgumentError(
            f"counts and probs must have compatible batch dimensions: {list(counts.shape)} vs. {list(probs.shape)}"
        ) from None
    _check_tail(sizes, inner)
    if math.prod(sizes) == 0:
        return np.zeros(sizes, dtype.numpy)
    flat = [np.broadcast_to(x, inner).reshape(-1) for x in (counts, probs)]
    samples = _by_parameter(sizes, flat[0].size)
    values = _binomials(generator(flat[0].size, samples), flat[0], flat[1], samples)
    return values.reshape(sizes).astype(dtype.numpy)


@kernel("StatelessRandomBinomial")
def stateless_random_binomial(
    shape: Array, seed: Array, counts: Array, probs: Array, *, dtype: DataType = DataType.INT64
) -> Array:
    """Binomial numbers; `shape` ends with that of counts and probs together."""
    generator = from_seed(seed)
    return _binomial_output(shape_of(shape), counts, probs, dtype, lambda *_: generator)


@kernel("StatefulRandomBinomial", stateful=True)
def stateful_random_binomial(
    resource: Array, algorithm: Array, shape: Array, counts: Array, probs: Array, *, dtype: DataType = DataType.INT64
) -> Array:
    """Binomial numbers from a generator variable."""

    def generator(parameters: int, samples: int) -> Philox:
        return read_and_skip(resource, int(algorithm), parameters * 2 * 100 * (samples + 3) // 4)[1]

    return _binomial_output(shape_of(shape), counts, probs, dtype, generator)
