"""Random ops that newer ones have replaced, and casts that round at random: bit for bit with TensorFlow.

Semantics: tensorflow/core/kernels/{stateful_random_ops,random_poisson_op,random_crop_op,
parameterized_truncated_normal_op}.cc and stochastic_cast_op.h.
"""

from __future__ import annotations

import math

import numpy as np

from smcli.errors import FailedPreconditionError, InvalidArgumentError, UnimplementedError
from smcli.kernels import distributions
from smcli.kernels.context import Array, Context
from smcli.kernels.philox import Philox
from smcli.kernels.random import PHILOX, RESERVED, drawn_from, filled, from_key_counter, reserve, shape_of, state_of
from smcli.kernels.random_bounded import MAX_ITERATIONS, STREAM_DEVIATION, bounded
from smcli.kernels.random_rejection import random_poisson as random_poisson_v2
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

DEVIATIONS = {"ParameterizedTruncatedNormal": STREAM_DEVIATION}
SAMPLES_AT_ONCE = 100  # numbers that share parameters are drawn in batches of so many


@kernel("RandomPoisson", stateful=True)
def random_poisson(shape: Array, rate: Array, *, context: Context, seed: int = 0, seed2: int = 0) -> Array:
    """Poisson numbers in the dtype of their rate, `shape` of them for each of `rate`."""
    dtype = DataType[{"float16": "HALF", "float32": "FLOAT", "float64": "DOUBLE"}[rate.dtype.name]]
    return random_poisson_v2(shape, rate, context=context, seed=seed, seed2=seed2, dtype=dtype)


@kernel("StatefulStandardNormal", stateful=True)
def stateful_standard_normal(resource: Array, shape: Array, *, dtype: DataType = DataType.FLOAT) -> Array:
    """Normal numbers from a generator variable whose state begins with the number of the algorithm."""
    sizes = shape_of(shape)
    variable, state = state_of(resource)
    if state.size < 1:
        raise InvalidArgumentError("Size of tensor must be at least 1")
    if int(state[0]) != PHILOX:
        raise UnimplementedError(f"Unsupported algorithm id: {int(state[0])}")
    if state.size < 4:
        raise InvalidArgumentError(f"For the Philox algorithm, the size of state must be at least 4; got {state.size}")
    generator = drawn_from(variable, state, 1, math.prod(sizes) * RESERVED)
    return filled(distributions.normal, generator, sizes, dtype)


@kernel("RandomCrop", stateful=True)
def random_crop(image: Array, size: Array, *, context: Context, seed: int = 0, seed2: int = 0) -> Array:
    """A part of an image [height, width, channels] at a random place.

    Raises FailedPreconditionError when the image is smaller than the part.
    """
    if image.ndim != 3:
        raise InvalidArgumentError(f"input must be 3-dimensional{list(image.shape)}")
    if size.ndim != 1:
        raise InvalidArgumentError(f"shape_t must be 1-dimensional{list(size.shape)}")
    if size.size != 2:
        raise InvalidArgumentError(f"shape_t must have two elements{list(size.shape)}")
    height, width = (int(side) for side in size)
    if height < 0 or width < 0:
        raise InvalidArgumentError(f"shape must not have negative dimensions: {height}, {width}")
    for name, side, most in (("width", width, image.shape[1]), ("height", height, image.shape[0])):
        if most < side:
            raise FailedPreconditionError(f"{name} must be >= target_{name}: {name} = {most}, target_{name} = {side}")
    words = iter(reserve(context, seed, seed2, 1).words(4).tolist())
    left = next(words) % (image.shape[1] - width + 1) if image.shape[1] > width else 0
    top = next(words) % (image.shape[0] - height + 1) if image.shape[0] > height else 0
    return image[top : top + height, left : left + width]


@kernel("ParameterizedTruncatedNormal", stateful=True)
def parameterized_truncated_normal(
    shape: Array,
    means: Array,
    stdevs: Array,
    minvals: Array,
    maxvals: Array,
    *,
    context: Context,
    seed: int = 0,
    seed2: int = 0,
) -> Array:
    """Normal numbers between bounds; parameters are scalars, or vectors along the first dimension."""
    sizes = shape_of(shape)
    if not sizes:
        raise InvalidArgumentError(f"Shape tensor must not be empty, got {list(shape.shape)}")
    batches, total = sizes[0], math.prod(sizes)
    parameters = {"means": means, "stddevs": stdevs, "minvals": minvals, "maxvals": maxvals}
    for name, value in parameters.items():
        if value.ndim > 1:
            raise InvalidArgumentError(f"Input {name} should be a scalar or vector, got shape: {list(value.shape)}")
    if means.size == stdevs.size == 1 and not minvals.ndim and not maxvals.ndim:
        samples = SAMPLES_AT_ONCE
        batches = -(-total // samples)
    else:
        samples = math.prod(sizes[1:])
        for name, value in parameters.items():
            if value.size not in (1, batches):
                raise InvalidArgumentError(
                    f"Input {name} should have length 1 or shape[0], got shape: {list(value.shape)}"
                )
    generator = reserve(context, seed, seed2, batches * 2 * MAX_ITERATIONS * (samples + 3) // 4)
    output = np.empty(total, means.dtype)
    rows = [np.broadcast_to(value.reshape(-1), batches) for value in parameters.values()]
    for batch, (mean, deviation, low, high) in enumerate(zip(*rows)):
        part = output[batch * samples : (batch + 1) * samples]
        part[...], generator = bounded(generator, part.size, mean, deviation, low, high)
    return output.reshape(sizes)


@kernel("StochasticCastToInt")
def stochastic_cast_to_int(x: Array, key: Array, counter: Array, alg: Array, *, Tout: DataType) -> Array:
    """Integers on either side of x, the nearer one more often; NaN is 0, and what is too large the nearest integer.

    A number that needs rounding takes a block of the stream. Where TensorFlow's conversion is vectorised (float32 and
    float64 to 32-bit integers, eight at a time), eight float32 or four float64 share one.
    """
    from_key_counter(key, counter, alg)  # for its checks: the numbers come from another place of the stream
    generator = Philox.from_seeds(int(counter[0]), int(key[0]))
    flat = x.reshape(-1)
    limits = np.iinfo(Tout.numpy)
    kind = x.dtype.type
    low, high = np.asarray(limits.min).astype(x.dtype), np.asarray(limits.max).astype(x.dtype)
    floor = np.floor(flat)
    rounded = (flat > low) & (flat < high) & (floor != flat)
    noise = np.zeros(flat.size, x.dtype)
    lanes = {4: 8, 8: 4}.get(x.dtype.itemsize, 0) if Tout.numpy.itemsize == 4 else 0
    shared = flat.size // 8 * 8 // lanes if lanes else 0  # blocks that several numbers share
    if shared:
        drawn = distributions.uniform(generator, shared * lanes // 2, x.dtype).reshape(shared, lanes // 2)
        noise[: shared * lanes] = np.concatenate([drawn, drawn], axis=1).reshape(-1)
    alone = np.flatnonzero(rounded[shared * lanes :]) + shared * lanes
    if alone.size:
        per_block = 2 if x.dtype == np.float64 else 4
        noise[alone] = distributions.uniform(generator.skip(shared), alone.size * per_block, x.dtype)[::per_block]
    together = np.arange(flat.size) < shared * lanes
    above = np.where(together, flat + (kind(1) - noise), flat + kind(1) - noise)
    result = np.where(rounded, np.floor(np.where(flat < 0, flat + noise, above)), flat)
    result = np.where(flat >= high, high, np.where(flat <= low, low, result))
    whole = np.where(np.isnan(flat), kind(0), result).astype(np.promote_types(x.dtype, np.float32)).astype(np.int32)
    return whole.astype(Tout.numpy).reshape(x.shape)
