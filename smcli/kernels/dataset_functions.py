"""Datasets (tf.data) whose elements functions of the graph make: map, filter, flat_map, interleave, scan, group.

Semantics from tensorflow/core/kernels/data/*_dataset_op.cc. What TensorFlow computes in parallel is computed one by one
here, in the order that it has when it is told to be deterministic. Maps and filters are built-in iterators and no
generators, so that elements go on after one that raised an error.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from smcli.errors import InvalidArgumentError, OutOfRangeError
from smcli.kernels._datasets import (
    Dataset,
    Element,
    calls,
    dataset_of,
    made,
    number,
    predicate_value,
    stacked,
)
from smcli.kernels.context import Array, Context, FunctionRef, handle
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

Function = Callable[[Sequence[Array]], list[Array]]
IN_ORDER = "Elements come in the order that TensorFlow gives when it is deterministic."
DEVIATIONS = dict.fromkeys(
    (
        "ParallelMapDataset",
        "ParallelMapDatasetV2",
        "ParallelInterleaveDatasetV2",
        "ParallelInterleaveDatasetV3",
        "ParallelInterleaveDatasetV4",
        "LegacyParallelInterleaveDatasetV2",
        "MapAndBatchDataset",
        "ParallelFilterDataset",
    ),
    IN_ORDER,
)


def _mapped(source: Dataset, function: Function, preserve_cardinality: bool) -> Callable[[], Iterator[Element]]:
    def step(element: Element) -> Element:
        try:
            return tuple(function(element))
        except OutOfRangeError as error:
            if preserve_cardinality:
                raise InvalidArgumentError(f"Function invocation produced OutOfRangeError: {error.message}") from None
            raise StopIteration from None

    return lambda: map(step, source.elements())


@kernel("MapDataset", stateful=True)
def map_dataset(
    input_dataset: Array,
    *other_arguments: Array,
    f: FunctionRef,
    preserve_cardinality: bool = False,
    context: Context,
) -> Array:
    """f of each element."""
    source = dataset_of(input_dataset)
    return made(_mapped(source, calls(f, other_arguments, context), preserve_cardinality), source.cardinality)


@kernel("ParallelMapDataset", "ParallelMapDatasetV2", stateful=True)
def parallel_map_dataset(
    input_dataset: Array,
    *arguments: Array,
    f: FunctionRef,
    preserve_cardinality: bool = False,
    context: Context,
) -> Array:
    """f of each element; the last argument is the number of parallel calls."""
    source = dataset_of(input_dataset)
    parallel = number(arguments[-1], "num_parallel_calls")
    if parallel != -1 and parallel < 1:
        raise InvalidArgumentError("num_parallel_calls must be greater than zero.")
    return made(_mapped(source, calls(f, arguments[:-1], context), preserve_cardinality), source.cardinality)


@kernel("MapAndBatchDataset", "ExperimentalMapAndBatchDataset", stateful=True)
def map_and_batch_dataset(
    input_dataset: Array,
    *arguments: Array,
    f: FunctionRef,
    preserve_cardinality: bool = False,
    context: Context,
) -> Array:
    """Batches of f of each element; the last arguments are batch size, number of parallel calls and whether a
    smaller last batch is dropped."""
    from smcli.kernels.dataset_batches import batched

    source = dataset_of(input_dataset)
    *captured, batch_size, parallel_calls, drop_remainder = arguments
    size = number(batch_size, "batch_size", 1)
    calls_at_once = number(parallel_calls, "num_parallel_calls")
    if calls_at_once != -1 and calls_at_once < 1:
        raise InvalidArgumentError("num_parallel_calls must be greater than zero.")
    elements = _mapped(source, calls(f, captured, context), preserve_cardinality)
    return handle(batched(Dataset(elements, source.cardinality), size, bool(drop_remainder), stacked))


@kernel("FilterDataset", stateful=True)
def filter_dataset(input_dataset: Array, *other_arguments: Array, predicate: FunctionRef, context: Context) -> Array:
    """The elements for which the predicate holds."""
    source, test = dataset_of(input_dataset), calls(predicate, other_arguments, context)
    return made(lambda: filter(lambda element: predicate_value(test(element)), source.elements()))


@kernel("ParallelFilterDataset", stateful=True)
def parallel_filter_dataset(input_dataset: Array, *arguments: Array, predicate: FunctionRef, context: Context) -> Array:
    """The elements for which the predicate holds; the last argument is the number of parallel calls."""
    return filter_dataset(input_dataset, *arguments[:-1], predicate=predicate, context=context)


@kernel("TakeWhileDataset", "ExperimentalTakeWhileDataset", stateful=True)
def take_while_dataset(
    input_dataset: Array, *other_arguments: Array, predicate: FunctionRef, context: Context
) -> Array:
    """The elements before the first for which the predicate does not hold."""
    source, test = dataset_of(input_dataset), calls(predicate, other_arguments, context)

    def elements() -> Iterator[Element]:
        for element in source.elements():
            if not predicate_value(test(element)):
                return
            yield element

    return made(elements)


@kernel("ScanDataset", "ExperimentalScanDataset", stateful=True)
def scan_dataset(
    input_dataset: Array,
    *arguments: Array,
    f: FunctionRef,
    Tstate: tuple[DataType, ...],
    preserve_cardinality: bool = False,
    context: Context,
) -> Array:
    """What f gives of the state and each element, beside the next state; the arguments begin with the first state."""
    source = dataset_of(input_dataset)
    width = len(Tstate)
    function = calls(f, arguments[width:], context)

    def elements() -> Iterator[Element]:
        state: list[Array] = list(arguments[:width])
        for element in source.elements():
            try:
                results = function([*state, *element])
            except OutOfRangeError as error:
                if preserve_cardinality:
                    raise InvalidArgumentError(
                        f"Function invocation produced OutOfRangeError: {error.message}"
                    ) from None
                return
            state = results[:width]
            yield tuple(results[width:])

    return made(elements, source.cardinality if preserve_cardinality else -2)


def _inner(results: Sequence[Array]) -> Iterator[Element]:
    """The elements of the dataset that a function returned."""
    if len(results) != 1:
        raise InvalidArgumentError("Function must return a single scalar of dtype DT_VARIANT.")
    return dataset_of(results[0]).elements()


@kernel("FlatMapDataset", stateful=True)
def flat_map_dataset(input_dataset: Array, *other_arguments: Array, f: FunctionRef, context: Context) -> Array:
    """The elements of the datasets that f makes of each element."""
    source, function = dataset_of(input_dataset), calls(f, other_arguments, context)

    def elements() -> Iterator[Element]:
        for element in source.elements():
            yield from _inner(function(element))

    return made(elements)


def _interleaved(source: Dataset, function: Function, cycle: int, block: int) -> Iterator[Element]:
    outer = source.elements()
    running: list[Iterator[Element] | None] = []
    open_count, place, taken, ended = 0, 0, 0, False
    while not ended or open_count:
        if place == len(running):
            running.append(None)
        current = running[place]
        if current is None and not ended:
            element = next(outer, None)
            if element is None:
                ended = True
                continue
            running[place] = _inner(function(element))
            open_count += 1
            continue
        if current is not None:
            found = next(current, None)
            if found is not None:
                yield found
                taken += 1
                if taken < block:
                    continue
            else:
                running[place] = None
                open_count -= 1
        taken = 0
        place = (place + 1) % (len(running) if ended else cycle)


def _interleave(
    input_dataset: Array, arguments: Sequence[Array], settings: int, f: FunctionRef, context: Context
) -> Array:
    """arguments: the captured inputs, then cycle and block length and `settings` other numbers."""
    source = dataset_of(input_dataset)
    end = len(arguments) - settings
    cycle_length, block_length = arguments[end - 2 : end]
    function = calls(f, arguments[: end - 2], context)
    cycle = number(cycle_length, "cycle_length")
    if cycle == -1:
        cycle = os.cpu_count() or 1
    if cycle < 1:
        raise InvalidArgumentError("`cycle_length` must be > 0")
    block = number(block_length, "block_length", 1)
    return made(lambda: _interleaved(source, function, cycle, block))


@kernel("InterleaveDataset", stateful=True)
def interleave_dataset(input_dataset: Array, *arguments: Array, f: FunctionRef, context: Context) -> Array:
    """Blocks of block_length elements of cycle_length datasets that f makes, in turn."""
    return _interleave(input_dataset, arguments, 0, f, context)


@kernel("ParallelInterleaveDatasetV2", "ParallelInterleaveDatasetV3", stateful=True)
def parallel_interleave_dataset(input_dataset: Array, *arguments: Array, f: FunctionRef, context: Context) -> Array:
    return _interleave(input_dataset, arguments, 1, f, context)


@kernel("LegacyParallelInterleaveDatasetV2", stateful=True)
def legacy_parallel_interleave_dataset(
    input_dataset: Array, *arguments: Array, f: FunctionRef, context: Context
) -> Array:
    return _interleave(input_dataset, arguments, 2, f, context)


@kernel("ParallelInterleaveDatasetV4", stateful=True)
def parallel_interleave_dataset_v4(input_dataset: Array, *arguments: Array, f: FunctionRef, context: Context) -> Array:
    return _interleave(input_dataset, arguments, 3, f, context)


def _key(results: Sequence[Array]) -> int:
    if len(results) != 1 or results[0].ndim or results[0].dtype != np.int64:
        raise InvalidArgumentError("`key_func` must return a scalar int64.")
    return int(results[0])


@kernel("GroupByWindowDataset", stateful=True)
def group_by_window_dataset(
    input_dataset: Array,
    *arguments: Array,
    key_func: FunctionRef,
    reduce_func: FunctionRef,
    window_size_func: FunctionRef,
    Tkey_func_other_arguments: tuple[DataType, ...],
    Treduce_func_other_arguments: tuple[DataType, ...],
    context: Context,
) -> Array:
    """The elements of reduce_func(key, group), a group being the next window_size_func(key) elements of one key."""
    source = dataset_of(input_dataset)
    first = len(Tkey_func_other_arguments)
    second = first + len(Treduce_func_other_arguments)
    key_of = calls(key_func, arguments[:first], context)
    reduce_group = calls(reduce_func, arguments[first:second], context)
    window_size = calls(window_size_func, arguments[second:], context)

    def reduced(key: int, group: list[Element]) -> Iterator[Element]:
        return _inner(reduce_group([np.asarray(np.int64(key)), made(lambda: iter(group), len(group))]))

    def elements() -> Iterator[Element]:
        groups: dict[int, list[Element]] = {}
        sizes: dict[int, int] = {}
        for element in source.elements():
            key = _key(key_of(element))
            if key not in groups:
                groups[key] = []
                results = window_size([np.asarray(np.int64(key))])
                if len(results) != 1 or results[0].ndim or results[0].dtype != np.int64 or int(results[0]) < 1:
                    raise InvalidArgumentError("Window size must be greater than zero, but got something else.")
                sizes[key] = int(results[0])
            groups[key].append(element)
            if len(groups[key]) == sizes[key]:
                yield from reduced(key, groups.pop(key))
        for key in sorted(groups):
            yield from reduced(key, groups[key])

    return made(elements)


@kernel("GroupByReducerDataset", "ExperimentalGroupByReducerDataset", stateful=True)
def group_by_reducer_dataset(
    input_dataset: Array,
    *arguments: Array,
    key_func: FunctionRef,
    init_func: FunctionRef,
    reduce_func: FunctionRef,
    finalize_func: FunctionRef,
    Tkey_func_other_arguments: tuple[DataType, ...],
    Tinit_func_other_arguments: tuple[DataType, ...],
    Treduce_func_other_arguments: tuple[DataType, ...],
    context: Context,
) -> Array:
    """For each key, in order, finalize_func of the state to which reduce_func has come over the key's elements."""
    source = dataset_of(input_dataset)
    functions, at = [], 0
    counts = [len(t) for t in (Tkey_func_other_arguments, Tinit_func_other_arguments, Treduce_func_other_arguments)]
    for function, size in zip((key_func, init_func, reduce_func, finalize_func), [*counts, len(arguments)]):
        functions.append(calls(function, arguments[at : at + size], context))
        at += size
    key_of, begin, step, end = functions

    def elements() -> Iterator[Element]:
        states: dict[int, list[Array]] = {}
        for element in source.elements():
            key = _key(key_of(element))
            if key not in states:
                states[key] = begin([np.asarray(np.int64(key))])
            states[key] = step([*states[key], *element])
        for key in sorted(states):
            yield tuple(end(states[key]))

    return made(elements)


@kernel("ReduceDataset", stateful=True)
def reduce_dataset(
    input_dataset: Array, *arguments: Array, f: FunctionRef, Tstate: tuple[DataType, ...], context: Context
) -> tuple[Array, ...]:
    """The state to which f has come over all elements; the arguments begin with the first state."""
    width = len(Tstate)
    function = calls(f, arguments[width:], context)
    state: list[Array] = list(arguments[:width])
    for element in dataset_of(input_dataset).elements():
        try:
            results = function([*state, *element])
        except OutOfRangeError:
            break
        if len(results) != width:
            raise InvalidArgumentError(f"The number of components of the state is {width}, not {len(results)}")
        state = results
    return tuple(state)
