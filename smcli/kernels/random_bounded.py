"""Normal numbers of any mean and deviation between bounds, by the method that accepts most (Robert, 1995).

The parameters are worked through one after the other on one stream, as
tensorflow/core/kernels/parameterized_truncated_normal_op.cc does in one thread; with more threads TensorFlow's own
numbers depend on how the work is split.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from smcli.errors import InternalError, InvalidArgumentError
from smcli.kernels import distributions
from smcli.kernels.context import Array
from smcli.kernels.philox import Philox
from smcli.kernels.random import from_seed, shape_of
from smcli.kernels.registry import kernel

STREAM_DEVIATION = (
    "the numbers are those of TensorFlow with one thread; with more its own depend on how the work is split"
)
DEVIATIONS = {"StatelessParameterizedTruncatedNormal": STREAM_DEVIATION}

MAX_ITERATIONS = 1000


def _exp(x: Array) -> Array:
    """The exponential in the dtype of x; that of float32 is rounded once."""
    return np.exp(x.astype(np.float64)).astype(x.dtype)


def _proposals(generator: Philox, rounds: int, low: Any, high: Any, kind: Any) -> tuple[Array, Array, int]:
    """Candidates in order, which of them are accepted, and how many blocks make one round of them."""
    dtype = np.dtype(kind)
    size = 2 if dtype == np.float64 else 4
    root = np.sqrt(low * low + kind(4))
    cutoff = kind(2) * _exp(np.asarray(kind(0.5) + (low * (low - root)) / kind(4))) / (low + root)
    edge = kind(1.3)
    if (low < -edge and high >= 0) or (high > edge and low <= 0):
        values = distributions.normal(generator, rounds * size, dtype)
        return values, (values >= low) & (values <= high), 1
    if high - low < cutoff:
        words = distributions.uniform(generator, 2 * rounds * size, dtype).reshape(rounds, 2, size)
        z = words[:, 0] * (high - low) + low
        plus = kind(0) if low < 0 else low * low
        accepted = words[:, 1] <= _exp((plus - z * z) / kind(2))
        return z.reshape(-1), accepted.reshape(-1), 2
    alpha = (low + root) / kind(2)
    pairs = distributions.uniform(generator, rounds * size, dtype).reshape(-1, 2)
    z = -np.log(pairs[:, 0].astype(np.float64)).astype(dtype) / alpha + low
    x = alpha - z if low < alpha else np.full_like(z, low - alpha)
    accepted = (pairs[:, 1] <= _exp(-x * x / kind(2))) & (z < high)
    return z, accepted, 1


def bounded(generator: Philox, count: int, mean: Any, deviation: Any, low: Any, high: Any) -> tuple[Array, Philox]:
    """`count` numbers, and the place after the blocks that they took."""
    kind = type(mean)
    if not (deviation > 0 and low < high and (np.isfinite(low) or np.isfinite(high))):
        raise InvalidArgumentError("Invalid parameters")
    if (np.isinf(low) and low < 0) or high < mean:
        low, high, deviation = high, low, -deviation
    lower, upper = (low - mean) / deviation, (high - mean) / deviation
    found: list[Array] = []
    missing = count
    failed = 0
    while missing:
        rounds = max(4, missing // 2)
        values, accepted, blocks = _proposals(generator, rounds, lower, upper, kind)
        hits = np.flatnonzero(accepted)[:missing]
        edges = np.concatenate([[-1 - failed], hits, [values.size] if hits.size < missing else []])
        if int(np.diff(edges).max(initial=0)) > MAX_ITERATIONS:
            raise InternalError("TruncatedNormal rejection sampler failed to accept a sample.")
        found.append(values[hits])
        missing -= hits.size
        if missing:
            failed = values.size - 1 - int(edges[-2])
            generator = generator.skip(rounds * blocks)
        else:
            per_round = values.size // rounds
            generator = generator.skip((int(hits[-1]) // per_round + 1) * blocks)
    return np.concatenate(found) * deviation + mean, generator


@kernel("StatelessParameterizedTruncatedNormal")
def stateless_parameterized_truncated_normal(
    shape: Array, seed: Array, means: Array, stddevs: Array, minvals: Array, maxvals: Array
) -> Array:
    """Normal numbers between bounds; `shape` ends with that of the parameters together."""
    sizes = shape_of(shape)
    parameters = (means, stddevs, minvals, maxvals)
    try:
        inner = np.broadcast_shapes(*(x.shape for x in parameters))
    except ValueError:
        raise InvalidArgumentError(
            "means, stddevs, minvals, maxvals must have compatible batch dimensions: "
            + " vs. ".join(str(list(x.shape)) for x in parameters)
        ) from None
    if len(inner) > len(sizes) or sizes[len(sizes) - len(inner) :] != inner:
        raise InvalidArgumentError("Shape passed in must end with broadcasted shape.")
    generator = from_seed(seed)
    if math.prod(sizes) == 0:
        return np.zeros(sizes, means.dtype)
    flat = [np.broadcast_to(x, inner).reshape(-1) for x in parameters]
    samples = math.prod(sizes) // flat[0].size
    output = np.empty((samples, flat[0].size), means.dtype)
    for column, (mean, deviation, low, high) in enumerate(zip(*flat)):
        output[:, column], generator = bounded(generator, samples, mean, deviation, low, high)
    return output.reshape(sizes)
