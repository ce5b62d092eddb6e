"""Random numbers: uniform, normal, truncated normal and integers, in the four ways that TensorFlow asks for them.

Stateless ops take a seed, or a key and counter; stateful ops draw on from their node's own generator, seeded by attrs
(or by the system when both are zero); ops on a generator variable read and write its state. All give TensorFlow's
numbers bit for bit. Other distributions are in `random_rejection`; shuffles and samples of classes are here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.errors import FailedPreconditionError, InvalidArgumentError
from smcli.kernels import distributions
from smcli.kernels.context import Array, Context, Variable
from smcli.kernels.philox import MASK64, Philox
from smcli.kernels.ragged import MAX_OUTPUT
from smcli.kernels.registry import kernel, register
from smcli.tensors.types import DataType

Fill = Callable[[Philox, int, np.dtype[Any]], Array]

RESERVED = 256  # blocks of the stream that a stateful op sets aside for each number
PHILOX, THREEFRY, AUTO = 1, 2, 3  # tensorflow/core/framework/rng_alg.h


def shape_of(shape: Array) -> tuple[int, ...]:
    """A shape tensor as a tuple. Raises InvalidArgumentError for anything but a vector of sizes."""
    if shape.ndim != 1:
        raise InvalidArgumentError(f"shape must be a vector of {{int32,int64}}, got shape {list(shape.shape)}")
    sizes = tuple(int(size) for size in shape)
    if any(size < 0 for size in sizes):
        raise InvalidArgumentError(f"shape {list(sizes)} must not have negative dimensions")
    if math.prod(sizes) > MAX_OUTPUT:
        raise InvalidArgumentError(f"shape {list(sizes)} has too many elements")
    return sizes


def filled(fill: Fill, generator: Philox, sizes: tuple[int, ...], dtype: DataType) -> Array:
    return fill(generator, math.prod(sizes), dtype.numpy).reshape(sizes)


# ---- where the generator comes from --------------------


def from_seed(seed: Array) -> Philox:
    """The generator of a stateless op from its seed [2]."""
    if seed.shape != (2,):
        raise InvalidArgumentError(f"seed must have shape [2], not {list(seed.shape)}")
    return Philox.from_stateless_seed(int(seed[0]), int(seed[1]))


def from_key_counter(key: Array, counter: Array, alg: Array) -> Philox:
    """The generator of a stateless V2 op. Raises InvalidArgumentError for algorithms that have no CPU kernel."""
    if alg.ndim:
        raise InvalidArgumentError(f"algorithm must be of shape [], not {list(alg.shape)}")
    if int(alg) not in (PHILOX, AUTO):
        raise InvalidArgumentError(f"Unsupported algorithm id: {int(alg)}")
    if key.shape != (1,):
        raise InvalidArgumentError(f"key must have shape [1], not {list(key.shape)}")
    if counter.ndim != 1 or counter.shape[0] < 2:
        raise InvalidArgumentError(
            f"counter must be a vector with at least 2 elements for Philox, got shape {list(counter.shape)}"
        )
    return Philox((int(counter[0]) & MASK64) | (int(counter[1]) & MASK64) << 64, int(key[0]) & MASK64)


def reserve(context: Context, seed: int, seed2: int, blocks: int) -> Philox:
    """The place of this node's generator, which is then moved on by `blocks`."""
    generator: Philox | None = context.memory.get("generator")
    if generator is None:
        generator = Philox.from_attrs(seed, seed2)
    context.memory["generator"] = generator.skip(blocks)
    return generator


def state_of(resource: Array) -> tuple[Variable, Array]:
    """A generator variable and its state, int64 [n]. Raises FailedPreconditionError, InvalidArgumentError."""
    variable = resource.item()
    if not isinstance(variable, Variable):
        raise FailedPreconditionError("the resource of a random number generator is not a variable")
    state = variable.read()
    if state.dtype != np.int64 or state.ndim != 1:
        raise InvalidArgumentError(f"RNG state must be a vector of int64, not {state.dtype} {list(state.shape)}")
    return variable, state


def drawn_from(variable: Variable, state: Array, first: int, blocks: int) -> Philox:
    """The generator that three numbers of a state stand for, the `first` and those after it; the variable's is moved on
    by `blocks`."""
    low, high, key = (int(word) & MASK64 for word in state[first : first + 3])
    generator = Philox(low | high << 64, key)
    moved = generator.skip(blocks).counter
    after = state.copy()
    after[first : first + 2] = np.array([moved & MASK64, moved >> 64], dtype=np.uint64).view(np.int64)
    variable.value = after
    return generator


def read_and_skip(resource: Array, alg: int, blocks: int) -> tuple[Array, Philox]:
    """The state of a generator variable before it is moved on by `blocks`, and the generator that it stands for."""
    if alg not in (PHILOX, AUTO):
        raise InvalidArgumentError(f"Unsupported algorithm id: {alg}")
    variable, state = state_of(resource)
    if state.shape[0] < 3:
        raise InvalidArgumentError(f"For Philox, the size of state must be at least 3; got {state.shape[0]}")
    return state, drawn_from(variable, state, 0, blocks)


# ---- the families --------------------


def _stateless(fill: Fill) -> Callable[..., Array]:
    def stateless(shape: Array, seed: Array, *, dtype: DataType = DataType.FLOAT) -> Array:
        sizes = shape_of(shape)
        return filled(fill, from_seed(seed), sizes, dtype)

    return stateless


def _stateless_full(shape: Array, seed: Array, *, dtype: DataType = DataType.UINT64) -> Array:
    return _stateless(distributions.full_integers)(shape, seed, dtype=dtype)


def _stateless_v2(fill: Fill, default: DataType) -> Callable[..., Array]:
    def stateless_v2(shape: Array, key: Array, counter: Array, alg: Array, *, dtype: DataType = default) -> Array:
        sizes = shape_of(shape)
        return filled(fill, from_key_counter(key, counter, alg), sizes, dtype)

    return stateless_v2


def _stateful(fill: Fill) -> Callable[..., Array]:
    def stateful(shape: Array, *, context: Context, dtype: DataType, seed: int = 0, seed2: int = 0) -> Array:
        sizes = shape_of(shape)
        generator = reserve(context, seed, seed2, math.prod(sizes) * RESERVED)
        return filled(fill, generator, sizes, dtype)

    return stateful


def _on_variable(fill: Fill, default: DataType) -> Callable[..., Array]:
    def on_variable(resource: Array, algorithm: Array, shape: Array, *, dtype: DataType = default) -> Array:
        if algorithm.ndim:
            raise InvalidArgumentError(f"algorithm must be of shape [], not {list(algorithm.shape)}")
        sizes = shape_of(shape)
        _, generator = read_and_skip(resource, int(algorithm), math.prod(sizes) * RESERVED)
        return filled(fill, generator, sizes, dtype)

    return on_variable


for _name, _fill, _on_state in (
    ("RandomUniform", distributions.uniform, "StatefulUniform"),
    ("RandomNormal", distributions.normal, "StatefulStandardNormalV2"),
    ("TruncatedNormal", distributions.truncated_normal, "StatefulTruncatedNormal"),
):
    register(f"Stateless{_name}", _stateless(_fill))
    register(f"Stateless{_name}V2", _stateless_v2(_fill, DataType.FLOAT))
    register(_on_state, _on_variable(_fill, DataType.FLOAT), stateful=True)
register("StatelessRandomUniformFullInt", _stateless_full)
register("StatelessRandomUniformFullIntV2", _stateless_v2(distributions.full_integers, DataType.UINT64))
register("StatefulUniformFullInt", _on_variable(distributions.full_integers, DataType.UINT64), stateful=True)
register("RandomUniform", _stateful(distributions.uniform), stateful=True)
register("RandomStandardNormal", _stateful(distributions.normal), stateful=True)
register("TruncatedNormal", _stateful(distributions.truncated_normal), stateful=True)


# ---- integers between bounds --------------------


def _between(generator: Callable[[int], Philox], shape: Array, minval: Array, maxval: Array) -> Array:
    """Integers in [minval, maxval) of the bounds' dtype, from the generator for so many numbers."""
    sizes = shape_of(shape)
    count = math.prod(sizes)
    if count == 0:  # the bounds are not looked at
        return np.zeros(sizes, minval.dtype)
    for name, bound in (("minval", minval), ("maxval", maxval)):
        if bound.ndim:
            raise InvalidArgumentError(f"{name} must be 0-D, got shape {list(bound.shape)}")
    low, high = int(minval), int(maxval)
    if low >= high:
        raise InvalidArgumentError(f"Need minval < maxval, got {low} >= {high}")
    return distributions.integers(generator(count), count, minval.dtype, low, high).reshape(sizes)


@kernel("RandomUniformInt", stateful=True)
def random_uniform_int(
    shape: Array, minval: Array, maxval: Array, *, context: Context, seed: int = 0, seed2: int = 0
) -> Array:
    """Integers in [minval, maxval) from the node's generator."""
    return _between(lambda count: reserve(context, seed, seed2, count * RESERVED), shape, minval, maxval)


@kernel("StatelessRandomUniformInt")
def stateless_random_uniform_int(shape: Array, seed: Array, minval: Array, maxval: Array) -> Array:
    """Integers in [minval, maxval) from a seed."""
    generator = from_seed(seed)
    return _between(lambda count: generator, shape, minval, maxval)


@kernel("StatelessRandomUniformIntV2")
def stateless_random_uniform_int_v2(
    shape: Array, key: Array, counter: Array, alg: Array, minval: Array, maxval: Array
) -> Array:
    """Integers in [minval, maxval) from a key and counter."""
    return _between(lambda count: from_key_counter(key, counter, alg), shape, minval, maxval)


@kernel("StatefulUniformInt", stateful=True)
def stateful_uniform_int(resource: Array, algorithm: Array, shape: Array, minval: Array, maxval: Array) -> Array:
    """Integers in [minval, maxval) from a generator variable."""
    return _between(lambda count: read_and_skip(resource, int(algorithm), count * RESERVED)[1], shape, minval, maxval)


# ---- keys and states --------------------


@kernel("StatelessRandomGetKeyCounter")
def stateless_random_get_key_counter(seed: Array) -> tuple[Array, Array]:
    """Key uint64 [1] and counter uint64 [2] for a seed."""
    generator = from_seed(seed)
    counter = [generator.counter & MASK64, generator.counter >> 64]
    return np.array([generator.key], dtype=np.uint64), np.array(counter, dtype=np.uint64)


@kernel("StatelessRandomGetAlg", stateful=True)
def stateless_random_get_alg() -> Array:
    """The number of the algorithm that V2 ops use on the CPU."""
    return np.array(PHILOX, dtype=np.int32)


@kernel("StatelessRandomGetKeyCounterAlg")
def stateless_random_get_key_counter_alg(seed: Array) -> tuple[Array, Array, Array]:
    """Key, counter and algorithm for a seed."""
    key, counter = stateless_random_get_key_counter(seed)
    return key, counter, stateless_random_get_alg()


def _skip_amount(delta: Array) -> int:
    if delta.ndim:
        raise InvalidArgumentError(f"delta must be of shape [], not {list(delta.shape)}")
    return int(delta) & MASK64


@kernel("RngReadAndSkip", stateful=True)
def rng_read_and_skip(resource: Array, alg: Array, delta: Array) -> Array:
    """The state of a generator variable, which is then moved on past `delta` numbers."""
    if alg.ndim:
        raise InvalidArgumentError(f"algorithm must be of shape [], not {list(alg.shape)}")
    return read_and_skip(resource, int(alg), _skip_amount(delta) * RESERVED)[0][:3]


@kernel("RngSkip", stateful=True)
def rng_skip(resource: Array, algorithm: Array, delta: Array) -> tuple[()]:
    """Move a generator variable on past `delta` numbers."""
    read_and_skip(resource, int(algorithm), _skip_amount(delta) * RESERVED)
    return ()


# ---- shuffles and classes --------------------


def _shuffled(value: Array, generator: Philox) -> Array:
    """The rows of `value` in an order made by swaps from the front (Fisher and Yates), one word each."""
    size = value.shape[0]
    picks = (generator.words(size - 1) % np.arange(size, 1, -1, dtype=np.uint32)).tolist()
    order = list(range(size))
    for i, pick in enumerate(picks):
        order[i], order[i + pick] = order[i + pick], order[i]
    shuffled: Array = value[np.array(order)]
    return shuffled


@kernel("RandomShuffle", stateful=True)
def random_shuffle(value: Array, *, context: Context, seed: int = 0, seed2: int = 0) -> Array:
    """The rows of a tensor in random order."""
    if value.size <= 1 or value.shape[0] <= 1:
        return value
    return _shuffled(value, reserve(context, seed, seed2, (value.shape[0] - 1 + 3) // 4))


@kernel("StatelessShuffle")
def stateless_shuffle(value: Array, key: Array, counter: Array, alg: Array) -> Array:
    """The rows of a tensor in random order, from a key and counter."""
    generator = from_key_counter(key, counter, alg)
    if value.size <= 1 or value.shape[0] <= 1:
        return value
    return _shuffled(value, generator)


def _check_logits(logits: Array, num_samples: Array) -> int:
    if logits.ndim != 2:
        raise InvalidArgumentError(f"logits should be a matrix, got shape {list(logits.shape)}")
    if num_samples.ndim:
        raise InvalidArgumentError(f"num_samples should be a scalar, got shape {list(num_samples.shape)}")
    count = int(num_samples)
    if count < 0:
        raise InvalidArgumentError(f"num_samples should be non-negative, got {count}")
    if logits.shape[1] == 0:
        raise InvalidArgumentError("num_classes should be positive, got 0")
    return count


def _sampled_classes(logits: Array, count: int, generator: Philox, dtype: np.dtype[Any]) -> Array:
    """`count` classes for each row of `logits`, by searching in the sums of their probabilities."""
    rows = logits.shape[0]
    if rows * count == 0:
        return np.zeros((rows, count), dtype)
    finite = np.isfinite(logits)
    values = logits.astype(np.float64)
    lowest = float(np.finfo(logits.dtype).min) if logits.dtype.kind == "f" else -3.3895313892515355e38
    top = np.where(finite, values, lowest).max(axis=1, keepdims=True)
    sums = np.cumsum(np.where(finite, np.exp(values - top), 0.0), axis=1)
    draws = distributions.uniform(generator, rows * count, np.dtype(np.float64)).reshape(rows, count)
    wanted = draws * sums[:, -1:]
    output = np.empty((rows, count), dtype)
    for row in range(rows):
        output[row] = np.searchsorted(sums[row], wanted[row], side="right")
    return output


@kernel("Multinomial", stateful=True)
def multinomial(
    logits: Array,
    num_samples: Array,
    *,
    context: Context,
    seed: int = 0,
    seed2: int = 0,
    output_dtype: DataType = DataType.INT64,
) -> Array:
    """Classes drawn for each row of log-probabilities [batch, classes]: [batch, num_samples]."""
    count = _check_logits(logits, num_samples)
    generator = reserve(context, seed, seed2, logits.shape[0] * (-(-count // 4) * 8) * RESERVED)
    return _sampled_classes(logits, count, generator, output_dtype.numpy)


@kernel("StatelessMultinomial")
def stateless_multinomial(
    logits: Array, num_samples: Array, seed: Array, *, output_dtype: DataType = DataType.INT64
) -> Array:
    """Classes drawn for each row of log-probabilities, from a seed."""
    generator = from_seed(seed)
    return _sampled_classes(logits, _check_logits(logits, num_samples), generator, output_dtype.numpy)
