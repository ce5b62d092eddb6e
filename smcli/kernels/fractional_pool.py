"""FractionalMaxPool and FractionalAvgPool: pooling over regions of uneven, random heights and widths.

After Graham, "Fractional Max-Pooling" (arXiv:1412.6071), with the sequences of
tensorflow/core/kernels/fractional_pool_common.cc.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from smcli.errors import InvalidArgumentError, UnimplementedError
from smcli.kernels.context import Array
from smcli.kernels.philox import Philox
from smcli.kernels.pool import lowest
from smcli.kernels.registry import kernel


def _uniform_double(words: Array) -> float:
    """A double in [0, 1) from two 32-bit words (random_distributions.h, Uint64ToDouble)."""
    return ((int(words[0]) & 0xFFFFF) << 32 | int(words[1])) / 2**52


def _pseudo_random_steps(size: int, out: int, words: Array) -> list[int]:
    alpha, k = size / out, size // out
    most = min((k + 2) / alpha - 1, (size + 1 - k) / alpha - (out - 1))
    u = _uniform_double(words) * most
    places = [1, *(math.ceil(alpha * (i + u)) for i in range(1, out)), size + 1]
    return [b - a for a, b in pairwise(places)]


def _random_steps(size: int, out: int, words: Array) -> list[int]:
    """Each step is size // out or one more, in an order shuffled by one word for each place but the last."""
    steps = [size // out + (i < size % out) for i in range(out)]
    for i in range(out - 1):
        j = i + int(words[i]) % (out - i)
        steps[i], steps[j] = steps[j], steps[i]
    return steps


def _sequence(size: int, out: int, pseudo_random: bool, generator: Philox) -> tuple[Array, Philox]:
    """Where the regions of one axis start, with the end, and the generator after it."""
    count = 2 if pseudo_random else out
    words = generator.words(count)
    steps = (_pseudo_random_steps if pseudo_random else _random_steps)(size, out, words)
    return np.concatenate([[0], np.cumsum(steps)]).astype(np.int64), generator.skip(-(-count // 4))


def _sequences(
    value: Array, pooling_ratio: Sequence[float], pseudo_random: bool, deterministic: bool, seed: int, seed2: int
) -> tuple[Array, Array]:
    """The row and column sequences.

    Raises InvalidArgumentError, UnimplementedError for attrs and shapes that do not fit.
    """
    if len(pooling_ratio) != 4:
        raise InvalidArgumentError("pooling_ratio field must specify 4 dimensions")
    if any(not ratio >= 1 for ratio in pooling_ratio):
        raise InvalidArgumentError(f"pooling_ratio cannot be smaller than 1, got: {list(pooling_ratio)}")
    if pooling_ratio[0] != 1 or pooling_ratio[3] != 1:
        raise UnimplementedError("Fractional pooling is not yet supported on the batch nor channel dimension.")
    if not deterministic and (seed or seed2):
        raise InvalidArgumentError("Both seed and seed2 should be 0 if deterministic is false.")
    if value.ndim != 4:
        raise InvalidArgumentError("tensor_in must be 4-dimensional")
    sizes = value.shape[1:3]
    outs = [math.floor(size / ratio) for size, ratio in zip(sizes, pooling_ratio[1:3], strict=True)]
    if min(*outs, *value.shape) < 1:
        raise InvalidArgumentError(f"pooling_ratio is too large or the input too small: {list(value.shape)}")
    generator = Philox.from_attrs(seed, seed2)
    rows, generator = _sequence(sizes[0], outs[0], pseudo_random, generator)
    columns, _ = _sequence(sizes[1], outs[1], pseudo_random, generator)
    return rows, columns


def _combine(ufunc: np.ufunc, x: Array, starts: Array, axis: int, overlapping: bool) -> Array:
    """Reduce the regions of one axis; overlapping regions include the first element of the next."""
    out: Array = ufunc.reduceat(x, starts[:-1], axis=axis, dtype=x.dtype)
    if overlapping and len(starts) > 2:
        inner = (slice(None),) * axis + (slice(0, -1),)
        out[inner] = ufunc(out[inner], np.take(x, starts[1:-1], axis=axis))
    return out


@kernel("FractionalMaxPool", stateful=True)
def fractional_max_pool(
    value: Array,
    *,
    pooling_ratio: Sequence[float],
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
) -> tuple[Array, Array, Array]:
    """Maxima over the regions, and where rows and columns of regions start."""
    rows, columns = _sequences(value, pooling_ratio, pseudo_random, deterministic, seed, seed2)
    ufunc = np.maximum if value.dtype.kind == "i" else np.fmax
    out = _combine(ufunc, _combine(ufunc, value, rows, 1, overlapping), columns, 2, overlapping)
    return ufunc(out, lowest(value.dtype)), rows, columns


@kernel("FractionalAvgPool", stateful=True)
def fractional_avg_pool(
    value: Array,
    *,
    pooling_ratio: Sequence[float],
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
) -> tuple[Array, Array, Array]:
    """Means over the regions (integers rounded towards zero), and where rows and columns of regions start."""
    rows, columns = _sequences(value, pooling_ratio, pseudo_random, deterministic, seed, seed2)
    sums = _combine(np.add, _combine(np.add, value, rows, 1, overlapping), columns, 2, overlapping)
    height, width = np.diff(rows), np.diff(columns)
    if overlapping:
        height[:-1] += 1
        width[:-1] += 1
    counts = (height[:, None] * width)[None, :, :, None].astype(value.dtype)
    if value.dtype.kind == "i":
        return np.sign(sums) * (np.abs(sums) // counts), rows, columns
    return sums / counts, rows, columns
