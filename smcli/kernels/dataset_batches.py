"""Datasets (tf.data) that gather elements: batches, padded batches, windows; that take batches apart; that shuffle.

Semantics from tensorflow/core/kernels/data/{batch,padded_batch,window,shuffle}_dataset_op.cc and
experimental/unbatch_dataset_op.cc.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from smcli.errors import DataLossError, InvalidArgumentError
from smcli.kernels._checks import checked_size
from smcli.kernels._datasets import (
    Dataset,
    Element,
    dataset_of,
    made,
    number,
    scaled,
    stacked,
)
from smcli.kernels._words import Words
from smcli.kernels.context import Array, handle
from smcli.kernels.philox import Philox
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType


def batched(source: Dataset, size: int, drop_remainder: bool, join: Callable[[Sequence[Element]], Element]) -> Dataset:
    """Every `size` elements joined into one."""

    def elements() -> Iterator[Element]:
        found = source.elements()
        while True:
            part = list(islice(found, size))
            if not part or (drop_remainder and len(part) < size):
                return
            yield join(part)

    return Dataset(elements, scaled(source.cardinality, lambda n: n // size if drop_remainder else -(-n // size)))


def _batch_size(tensor: Array) -> int:
    size = number(tensor, "batch_size")
    if size < 1:
        raise InvalidArgumentError("Batch size must be greater than zero.")
    return size


@kernel("BatchDataset", stateful=True)
def batch_dataset(input_dataset: Array, batch_size: Array) -> Array:
    """Batches of elements of equal shapes; the last may be smaller."""
    return handle(batched(dataset_of(input_dataset), _batch_size(batch_size), False, stacked))


@kernel("BatchDatasetV2", stateful=True)
def batch_dataset_v2(input_dataset: Array, batch_size: Array, drop_remainder: Array) -> Array:
    """Batches of elements of equal shapes; a smaller last one is kept or dropped."""
    return handle(batched(dataset_of(input_dataset), _batch_size(batch_size), bool(drop_remainder), stacked))


@kernel("ParallelBatchDataset", stateful=True)
def parallel_batch_dataset(
    input_dataset: Array, batch_size: Array, num_parallel_calls: Array, drop_remainder: Array
) -> Array:
    return batch_dataset_v2(input_dataset, batch_size, drop_remainder)


def _padded(shapes: Sequence[tuple[int, ...]], padding: Sequence[Array]) -> Callable[[Sequence[Element]], Element]:
    """Joins elements, each component padded to a shape, -1 being the longest of the batch."""

    def join(elements: Sequence[Element]) -> Element:
        results = []
        for i, (parts, wanted, value) in enumerate(zip(zip(*elements), shapes, padding)):
            other = next((part.ndim for part in parts if part.ndim != len(wanted)), None)
            if other is not None:
                raise InvalidArgumentError(
                    f"All elements in a batch must have the same rank as the padded shape for component{i}: expected "
                    f"rank {len(wanted)} but got element with rank {other}"
                )
            if value.dtype != parts[0].dtype:
                raise InvalidArgumentError(
                    f"Mismatched type between padding value {i} and input dataset's component {i}: {value.dtype} vs. "
                    f"{parts[0].dtype}"
                )
            longest = [max(sizes) for sizes in zip(*[part.shape for part in parts])]
            for axis, (size, limit) in enumerate(zip(longest, wanted)):
                if limit != -1 and size > limit:
                    raise DataLossError(
                        f"Attempted to pad to a smaller size than the input element: {size} > {limit} in dimension "
                        f"{axis} of component {i}."
                    )
            shape = (len(parts), *[size if limit == -1 else limit for size, limit in zip(longest, wanted)])
            checked_size(shape)
            result = np.empty(shape, parts[0].dtype)
            result.fill(value[()])
            for place, part in enumerate(parts):
                inside: Any = (place, *[slice(size) for size in part.shape])
                result[inside] = part
            results.append(result)
        return tuple(results)

    return join


def _padded_batch(input_dataset: Array, batch_size: Array, settings: Sequence[Array], drop_remainder: bool) -> Array:
    source, size = dataset_of(input_dataset), _batch_size(batch_size)
    half = len(settings) // 2
    shapes, padding = settings[:half], settings[half:]
    if any(shape.ndim != 1 for shape in shapes):
        raise InvalidArgumentError("All padded shapes must be vectors")
    if any(value.ndim for value in padding):
        raise InvalidArgumentError("All padding values must be scalars")
    wanted = [tuple(shape.tolist()) for shape in shapes]
    if any(size < -1 for shape in wanted for size in shape):
        raise InvalidArgumentError("Padded shapes must have dimensions of at least -1")
    return handle(batched(source, size, drop_remainder, _padded(wanted, padding)))


@kernel("PaddedBatchDataset", stateful=True)
def padded_batch_dataset(input_dataset: Array, batch_size: Array, *settings: Array) -> Array:
    """Batches of elements padded to equal shapes; settings: a shape for each component, then a value for each."""
    return _padded_batch(input_dataset, batch_size, settings, False)


@kernel("PaddedBatchDatasetV2", stateful=True)
def padded_batch_dataset_v2(input_dataset: Array, batch_size: Array, *settings: Array) -> Array:
    """As PaddedBatchDataset; the last of the settings says if a smaller last batch is dropped."""
    return _padded_batch(input_dataset, batch_size, settings[:-1], bool(settings[-1]))


@kernel("UnbatchDataset", "ExperimentalUnbatchDataset", stateful=True)
def unbatch_dataset(input_dataset: Array) -> Array:
    """The slices of each element along its first dimension."""
    source = dataset_of(input_dataset)

    def elements() -> Iterator[Element]:
        for element in source.elements():
            if any(part.ndim == 0 for part in element):
                raise InvalidArgumentError("Cannot unbatch an element with scalar components.")
            if len({part.shape[0] for part in element}) > 1:
                raise InvalidArgumentError("Input element must have the same batch size in each component.")
            for i in range(element[0].shape[0]):
                yield tuple([part[i, ...] for part in element])

    return made(elements)


@kernel("WindowDataset", stateful=True)
def window_dataset(
    input_dataset: Array,
    size: Array,
    shift: Array,
    stride: Array,
    drop_remainder: Array,
    *,
    output_types: tuple[DataType, ...],
) -> Array:
    """Windows of every stride-th element, `size` of them, each `shift` elements after the one before; each component of
    a window is a dataset."""
    source = dataset_of(input_dataset)
    length, step, by = (number(t, name) for t, name in ((size, "size"), (shift, "shift"), (stride, "stride")))
    for value, name in ((length, "size"), (step, "shift"), (by, "stride")):
        if value < 1:
            raise InvalidArgumentError(f"Window {name} must be greater than zero.")
    dropped = bool(drop_remainder)
    span = min((length - 1) * by + 1, sys.maxsize)

    def elements() -> Iterator[Element]:
        found = source.elements()
        held: list[Element] = []
        while True:
            held += islice(found, span - len(held))
            if not held or (dropped and len(held) < span):
                return
            window = held[::by]
            yield tuple([_column(window, i) for i in range(len(output_types))])
            if step < len(held):
                held = held[step:]
            else:
                for _ in range(step - len(held)):
                    if next(found, None) is None:
                        return
                held = []

    def count(n: int) -> int:
        return max(-(-(n - span + 1) // step), 0) if dropped else -(-n // step)

    return made(elements, scaled(source.cardinality, count))


def _column(window: list[Element], i: int) -> Array:
    return made(lambda: iter([(element[i],) for element in window]), len(window))


def _shuffled(source: Dataset, size: int, word: Callable[[], int]) -> Iterator[Element]:
    """Elements drawn from a buffer of `size` that is filled up again after each."""
    found = source.elements()
    buffer: list[Element] = []
    start = end = 0
    ended = False
    while True:
        while not ended and end - start < size:
            element = next(found, None)
            if element is None:
                ended = True
                break
            if end % size < len(buffer):
                buffer[end % size] = element
            else:
                buffer.append(element)
            end += 1
        if start == end:
            return
        chosen, first = (start + word() % (end - start)) % size, start % size
        buffer[chosen], buffer[first] = buffer[first], buffer[chosen]
        start += 1
        yield buffer[first]


def _shuffle(
    input_dataset: Array, buffer_size: Array, seeds: tuple[int, int], reshuffle: bool, times: int = 1
) -> Array:
    source = dataset_of(input_dataset)
    size = number(buffer_size, "buffer_size")
    if size == -2:  # as many as there are
        size = sys.maxsize
    if size < 1:
        raise InvalidArgumentError(f"buffer_size must be greater than zero or UNKNOWN_CARDINALITY, but is {size}")
    if seeds == (0, 0):
        seeds = (int(np.random.default_rng().integers(1, 2**62)), 0)
    parent = Words(Philox.from_seeds(*seeds))

    def elements() -> Iterator[Element]:
        one, two = (parent(), parent()) if reshuffle else seeds
        return _shuffled(source, size, Words(Philox.from_seeds(one, two)))

    return made(elements, source.cardinality)


@kernel("ShuffleDataset", stateful=True)
def shuffle_dataset(
    input_dataset: Array,
    buffer_size: Array,
    seed: Array,
    seed2: Array,
    *,
    reshuffle_each_iteration: bool = True,
) -> Array:
    """The elements in a random order, each drawn from the next `buffer_size`."""
    return _shuffle(
        input_dataset, buffer_size, (number(seed, "seed"), number(seed2, "seed2")), reshuffle_each_iteration
    )


@kernel("ShuffleDatasetV3", stateful=True)
def shuffle_dataset_v3(
    input_dataset: Array,
    buffer_size: Array,
    seed: Array,
    seed2: Array,
    seed_generator: Array,
    *,
    reshuffle_each_iteration: bool = True,
) -> Array:
    """As ShuffleDataset; a seed generator that the graph made goes before the seeds."""
    generator: object = seed_generator[()] if not seed_generator.ndim else None
    if isinstance(generator, SeedGenerator):
        return _shuffle(input_dataset, buffer_size, generator.seeds, generator.reshuffle)
    return shuffle_dataset(input_dataset, buffer_size, seed, seed2, reshuffle_each_iteration=reshuffle_each_iteration)


@kernel("ShuffleDatasetV2", stateful=True)
def shuffle_dataset_v2(input_dataset: Array, buffer_size: Array, seed_generator: Array) -> Array:
    """As ShuffleDataset, with the seeds of a seed generator."""
    generator: object = seed_generator[()] if not seed_generator.ndim else None
    if not isinstance(generator, SeedGenerator):
        raise InvalidArgumentError("seed_generator is no seed generator")
    return _shuffle(input_dataset, buffer_size, generator.seeds, generator.reshuffle)


class SeedGenerator:
    """Seeds for the iterations of shuffled datasets."""

    def __init__(self, seeds: tuple[int, int], reshuffle: bool) -> None:
        self.seeds = seeds
        self.reshuffle = reshuffle


@kernel("AnonymousSeedGenerator", stateful=True)
def anonymous_seed_generator(seed: Array, seed2: Array, reshuffle: Array) -> tuple[Array, Array]:
    made_now = SeedGenerator((number(seed, "seed"), number(seed2, "seed2")), bool(reshuffle))
    return handle(made_now), handle(object())
