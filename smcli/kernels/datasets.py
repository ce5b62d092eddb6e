"""Datasets (tf.data) of tensors, and those that take, repeat, join or pass on the elements of others.

Semantics from tensorflow/core/kernels/data/*_dataset_op.cc. All of these ops are stateful to the planner: a dataset may
call functions with effects, and keeps what it has cached.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice, repeat

import numpy as np

from smcli.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    OpError,
    OutOfRangeError,
    PermissionDeniedError,
    UnimplementedError,
)
from smcli.kernels._datasets import INFINITE, UNKNOWN, Dataset, Element, dataset_of, least, made, number, scaled
from smcli.kernels.context import Array, handle
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

DEVIATIONS = {
    **dict.fromkeys(("CacheDataset", "CacheDatasetV2"), "Caches in memory; a file to cache in is refused."),
    **dict.fromkeys(
        ("PrefetchDataset", "ModelDataset", "OptimizeDataset", "OptimizeDatasetV2"),
        "Passes the elements on: they are computed when they are asked for.",
    ),
}


@kernel("TensorDataset", stateful=True)
def tensor_dataset(*components: Array) -> Array:
    """One element: the components."""
    return made(lambda: iter([components]), 1)


@kernel("TensorSliceDataset", stateful=True)
def tensor_slice_dataset(*components: Array) -> Array:
    """The slices of the components along their first dimension."""
    if any(component.ndim == 0 for component in components):
        raise InvalidArgumentError("All components must be at least 1-dimensional")
    size = components[0].shape[0]
    if any(component.shape[0] != size for component in components):
        raise InvalidArgumentError("All components must have the same size in the 0th dimension")

    def elements() -> Iterator[Element]:
        for i in range(size):
            yield tuple([component[i, ...] for component in components])

    return made(elements, size)


@kernel("ListDataset", stateful=True)
def list_dataset(*tensors: Array, Tinput_types: tuple[DataType, ...], output_types: tuple[DataType, ...]) -> Array:
    """Elements of as many tensors as there are output types, one after the other."""
    width = len(output_types)
    if len(tensors) % width:
        raise InvalidArgumentError(f"{len(tensors)} tensors can not be split into elements of {width}")
    for i, data_type in enumerate(Tinput_types):
        if data_type is not output_types[i % width]:
            raise InvalidArgumentError(
                f"Input tensor {i} is {data_type.tf_name}, not {output_types[i % width].tf_name}"
            )
    rows = [tensors[i : i + width] for i in range(0, len(tensors), width)]
    return made(lambda: iter(rows), len(rows))


@kernel("SparseTensorSliceDataset", stateful=True)
def sparse_tensor_slice_dataset(indices: Array, values: Array, dense_shape: Array) -> Array:
    """The slices of a sparse tensor along its first dimension: indices, values and shape of each."""
    if indices.ndim != 2 or values.ndim != 1 or dense_shape.ndim != 1:
        raise InvalidArgumentError("Input indices should be a matrix, values and shape vectors")
    if indices.shape[0] != values.shape[0] or indices.shape[1] != dense_shape.shape[0] or not dense_shape.size:
        raise InvalidArgumentError("Indices, values and shape of a sparse tensor do not fit together")
    rows = indices[:, 0]
    if (np.diff(rows) < 0).any():
        raise UnimplementedError(
            "The SparseTensor must be ordered in the batch dimension; handling arbitrarily ordered input is not "
            "currently supported."
        )
    size = max(int(dense_shape[0]), 0)

    def elements() -> Iterator[Element]:
        for i in range(size):
            first, last = np.searchsorted(rows, (i, i + 1))
            yield indices[first:last, 1:], values[first:last], dense_shape[1:]

    return made(elements, size)


@kernel("RangeDataset", stateful=True)
def range_dataset(start: Array, stop: Array, step: Array, *, output_types: tuple[DataType, ...]) -> Array:
    """Numbers from start up to stop, as the first of output_types."""
    first, last, by = number(start, "start"), number(stop, "stop"), _step(step)
    numbers = range(first, last, by)
    dtype = output_types[0].numpy

    def elements() -> Iterator[Element]:
        for i in numbers:
            yield (np.asarray(np.int64(i)).astype(dtype),)

    return made(elements, max(-((first - last) // by), 0))  # len() fails of so many


def _step(step: Array) -> int:
    found = number(step, "step")
    if found == 0:
        raise InvalidArgumentError("step must be a non-zero integer.")
    return found


@kernel("TakeDataset", stateful=True)
def take_dataset(input_dataset: Array, count: Array) -> Array:
    """The first `count` elements, all of them for a negative count."""
    source, n = dataset_of(input_dataset), number(count, "count")
    if n < 0:
        return made(source.elements, source.cardinality)
    found = n if source.cardinality == INFINITE else scaled(source.cardinality, lambda size: min(size, n))
    return made(lambda: islice(source.elements(), n) if n else iter(()), found if n else 0)


@kernel("SkipDataset", stateful=True)
def skip_dataset(input_dataset: Array, count: Array) -> Array:
    """All but the first `count` elements, none for a negative count."""
    source, n = dataset_of(input_dataset), number(count, "count")
    if n < 0:
        return made(lambda: iter(()), 0)

    def elements() -> Iterator[Element]:
        found = source.elements()
        for _ in range(n):
            if next(found, None) is None:
                return
        yield from found

    return made(elements, scaled(source.cardinality, lambda size: max(size - n, 0)))


@kernel("RepeatDataset", stateful=True)
def repeat_dataset(input_dataset: Array, count: Array) -> Array:
    """The elements `count` times over, for ever for a negative count."""
    source, n = dataset_of(input_dataset), number(count, "count")

    def elements() -> Iterator[Element]:
        for _ in repeat(None) if n < 0 else range(n):
            empty = True
            for element in source.elements():
                empty = False
                yield element
            if empty and (n < 0 or source.cardinality == 0):
                return

    if n < 0:
        return made(elements, 0 if source.cardinality == 0 else INFINITE)
    return made(elements, 0 if n == 0 else scaled(source.cardinality, lambda size: size * n))


@kernel("ZipDataset", stateful=True)
def zip_dataset(*input_datasets: Array) -> Array:
    """Elements side by side, until the first of the datasets ends."""
    sources = [dataset_of(tensor) for tensor in input_datasets]

    def elements() -> Iterator[Element]:
        for parts in zip(*[source.elements() for source in sources]):
            yield tuple(chain.from_iterable(parts))

    return made(elements, least([source.cardinality for source in sources]))


@dataclass(frozen=True, slots=True, eq=False)
class _Joined(Dataset):
    """Two datasets, one after the other."""

    parts: tuple[Dataset, ...] = ()


def _one_by_one(*sources: Dataset) -> Iterator[Element]:
    """The elements of all sources; those that are joined of others are walked without recursion, however many."""
    left = [*reversed(sources)]
    while left:
        source = left.pop()
        if isinstance(source, _Joined):
            left.extend(reversed(source.parts))
        else:
            yield from source.elements()


@kernel("ConcatenateDataset", stateful=True)
def concatenate_dataset(input_dataset: Array, another_dataset: Array) -> Array:
    """The elements of one dataset and then those of the other."""
    parts = first, second = dataset_of(input_dataset), dataset_of(another_dataset)
    sizes = (first.cardinality, second.cardinality)
    total = INFINITE if INFINITE in sizes else UNKNOWN if UNKNOWN in sizes else sum(sizes)
    return handle(_Joined(partial(_one_by_one, *parts), total, parts=parts))


@kernel("ShardDataset", stateful=True)
def shard_dataset(input_dataset: Array, num_shards: Array, index: Array, *, require_non_empty: bool = False) -> Array:
    """Each num_shards-th element from that at `index`."""
    source, shards, place = dataset_of(input_dataset), number(num_shards, "num_shards"), number(index, "index")
    if shards < 1:
        raise InvalidArgumentError(f"Number of shards must be greater than zero (currently num_shards = {shards}).")
    if not 0 <= place < shards:
        raise InvalidArgumentError(
            f"Index must be between 0 and {shards - 1} (currently index = {place}, num_shards = {shards})."
        )

    def elements() -> Iterator[Element]:
        for i, element in enumerate(source.elements()):
            if i % shards == place:
                yield element

    return made(elements, scaled(source.cardinality, lambda size: size // shards + (place < size % shards)))


@kernel("DirectedInterleaveDataset", stateful=True)
def directed_interleave_dataset(
    selector_input_dataset: Array, *data_input_datasets: Array, stop_on_empty_dataset: bool = False
) -> Array:
    """One element at a time of the dataset whose number the selector gives."""
    selector = dataset_of(selector_input_dataset)
    sources = [dataset_of(tensor) for tensor in data_input_datasets]

    def elements() -> Iterator[Element]:
        running: list[Iterator[Element] | None] = [source.elements() for source in sources]
        for chosen in selector.elements():
            place = int(chosen[0])
            if not 0 <= place < len(sources):
                raise InvalidArgumentError(f"Selector index out of range: {place} >= {len(sources)}")
            found = running[place]
            element = None if found is None else next(found, None)
            if element is not None:
                yield element
                continue
            running[place] = None
            if stop_on_empty_dataset or not any(running):
                return

    return made(elements)


@kernel("CacheDataset", "CacheDatasetV2", stateful=True)
def cache_dataset(input_dataset: Array, filename: Array, *cache: Array) -> Array:
    """The elements, kept in memory once all have been asked for."""
    source = dataset_of(input_dataset)
    if filename.ndim:
        raise InvalidArgumentError("filename must be a scalar")
    if filename[()]:
        raise PermissionDeniedError("A dataset may not be cached in a file: smcli writes no files for a model")
    kept: list[Element] | None = None

    def elements() -> Iterator[Element]:
        nonlocal kept
        if kept is not None:
            yield from kept
            return
        seen = []
        for element in source.elements():
            seen.append(element)
            yield element
        kept = seen

    return made(elements, source.cardinality)


@kernel(
    "AssertNextDataset",
    "BytesProducedStatsDataset",
    "LatencyStatsDataset",
    "MaxIntraOpParallelismDataset",
    "ModelDataset",
    "NonSerializableDataset",
    "OptimizeDataset",
    "OptimizeDatasetV2",
    "PrefetchDataset",
    "PrivateThreadPoolDataset",
    "RewriteDataset",
    "SleepDataset",
    stateful=True,
)
def passed_on(input_dataset: Array, *settings: Array) -> Array:
    """The dataset as it is: what these ops change is how fast elements come."""
    return handle(dataset_of(input_dataset))


@kernel("OptionsDataset", stateful=True)
def options_dataset(input_dataset: Array, *, serialized_options: str) -> Array:
    """The dataset, with these options."""
    source = dataset_of(input_dataset)
    options = serialized_options.encode("utf-8", "surrogateescape")
    return handle(Dataset(source.elements, source.cardinality, options))


@kernel("WrapDatasetVariant", "UnwrapDatasetVariant", stateful=True)
def dataset_variant(input_handle: Array) -> Array:
    return handle(dataset_of(input_handle))


@kernel("AssertCardinalityDataset", stateful=True)
def assert_cardinality_dataset(input_dataset: Array, cardinality: Array) -> Array:
    """The elements; an error in the place of the one too many or the first that is missing."""
    source, wanted = dataset_of(input_dataset), number(cardinality, "cardinality")

    def elements() -> Iterator[Element]:
        seen = 0
        for element in source.elements():
            seen += 1
            if 0 <= wanted < seen:
                raise FailedPreconditionError(
                    f"Input dataset was expected to contain {wanted} elements but contained more than {wanted} "
                    "elements."
                )
            yield element
        if wanted == INFINITE or seen < wanted:
            many = "an infinite number of" if wanted == INFINITE else wanted
            raise FailedPreconditionError(
                f"Input dataset was expected to contain {many} elements but contained only {seen} elements."
            )

    return made(elements, wanted)


@kernel("IgnoreErrorsDataset", "ExperimentalIgnoreErrorsDataset", stateful=True)
def ignore_errors_dataset(input_dataset: Array) -> Array:
    """The elements that can be computed; those that raise an error are left out."""
    source = dataset_of(input_dataset)

    def elements() -> Iterator[Element]:
        found = source.elements()
        while True:
            try:
                yield next(found)
            except StopIteration:
                return
            except OutOfRangeError:
                raise
            except OpError:
                continue

    return made(elements)


@kernel("UniqueDataset", "ExperimentalUniqueDataset", stateful=True)
def unique_dataset(input_dataset: Array) -> Array:
    """The elements that have not been before; they have one component."""
    source = dataset_of(input_dataset)

    def elements() -> Iterator[Element]:
        seen = set()
        for element in source.elements():
            value = element[0]
            key = (value.shape, tuple(value.ravel().tolist()) if value.dtype.kind == "O" else value.tobytes())
            if key not in seen:
                seen.add(key)
                yield element

    return made(elements)


@kernel("DatasetCardinality", "ExperimentalDatasetCardinality", stateful=True)
def dataset_cardinality(input_dataset: Array) -> np.int64:
    """How many elements there are; -1 for endless, -2 for unknown."""
    return np.int64(min(dataset_of(input_dataset).cardinality, np.iinfo(np.int64).max))


@kernel("GetOptions", stateful=True)
def get_options(input_dataset: Array) -> Array:
    """The serialised options of a dataset."""
    return handle(dataset_of(input_dataset).options)


@kernel("DummyMemoryCache", "DummySeedGenerator", stateful=True)
def dummy() -> Array:
    return handle(object())


@kernel("AnonymousMemoryCache", stateful=True)
def anonymous_memory_cache() -> tuple[Array, Array]:
    return handle(object()), handle(object())
