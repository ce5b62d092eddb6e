"""Iterators over datasets: resources that MakeIterator points at a dataset and that give its elements one by one.

Semantics from tensorflow/core/kernels/data/iterator_ops.cc and single_element_dataset_op.cc. In a SavedModel the
iterators of an input pipeline are not initialised, for the op that does so is no part of a signature; their outputs
can be fed.
"""

from __future__ import annotations

from collections.abc import Iterator as PythonIterator
from typing import Any

import numpy as np

from smcli.errors import FailedPreconditionError, InvalidArgumentError, OutOfRangeError
from smcli.kernels._datasets import Dataset, Element, check_element, dataset_of
from smcli.kernels.context import Array, Context, FunctionRef, handle
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType
from smcli.tensors.variants import Optional

Shapes = tuple[tuple[int, ...] | None, ...]


class Iterator:
    """An iterator, without a dataset at first."""

    def __init__(self) -> None:
        self._elements: PythonIterator[Element] | None = None

    def start(self, dataset: Dataset) -> None:
        self._elements = dataset.elements()

    def next(self) -> Element | None:
        """The next element, or None at the end. Raises FailedPreconditionError without a dataset."""
        if self._elements is None:
            raise FailedPreconditionError(
                "GetNext() failed because the iterator has not been initialized. Ensure that you have run the "
                "initializer operation for this iterator before getting the next element."
            )
        return next(self._elements, None)


def _iterator(resource: Array) -> Iterator:
    found: object = resource[()] if resource.ndim == 0 else None
    if not isinstance(found, Iterator):
        raise InvalidArgumentError("resource must be a scalar handle of an iterator")
    return found


@kernel("IteratorV2", "Iterator", stateful=True)
def iterator_v2(*, container: str = "", shared_name: str = "", context: Context) -> Array:
    """The handle of an iterator."""
    return handle(context.resource("iterator", container, shared_name, Iterator))


@kernel("AnonymousIterator", "AnonymousIteratorV3", stateful=True)
def anonymous_iterator() -> Array:
    """The handle of an iterator that no other op knows."""
    return handle(Iterator())


@kernel("AnonymousIteratorV2", stateful=True)
def anonymous_iterator_v2() -> tuple[Array, Array]:
    return handle(Iterator()), handle(object())


@kernel("OneShotIterator", stateful=True)
def one_shot_iterator(
    *, dataset_factory: FunctionRef, container: str = "", shared_name: str = "", context: Context
) -> Array:
    """The handle of an iterator over the dataset that a function makes, once."""

    def make() -> Iterator:
        results = context.function(dataset_factory)([])
        if len(results) != 1:
            raise InvalidArgumentError(
                "The `dataset_factory` function must return a single scalar of dtype DT_VARIANT."
            )
        made = Iterator()
        made.start(dataset_of(np.asarray(results[0])))
        return made

    found: Iterator | None = context.memory.get("iterator")
    if found is None:
        found = context.memory["iterator"] = make()
    return handle(found)


@kernel("MakeIterator", stateful=True)
def make_iterator(dataset: Array, iterator: Array) -> None:
    """Points an iterator at the beginning of a dataset."""
    _iterator(iterator).start(dataset_of(dataset))


@kernel("DeleteIterator", stateful=True)
def delete_iterator(resource: Array, deleter: Array, *, context: Context) -> None:
    context.resources.drop(_iterator(resource))


@kernel("IteratorGetNext", "IteratorGetNextSync", stateful=True)
def iterator_get_next(iterator: Array, *, output_types: tuple[DataType, ...], output_shapes: Shapes) -> tuple[Any, ...]:
    """The components of the next element. Raises OutOfRangeError at the end."""
    element = _iterator(iterator).next()
    if element is None:
        raise OutOfRangeError("End of sequence")
    return check_element(element, output_types, output_shapes)


@kernel("IteratorGetNextAsOptional", stateful=True)
def iterator_get_next_as_optional(
    iterator: Array, *, output_types: tuple[DataType, ...], output_shapes: Shapes
) -> Array:
    """An optional of the next element, without a value at the end."""
    element = _iterator(iterator).next()
    return handle(Optional(None if element is None else check_element(element, output_types, output_shapes)))


@kernel("DatasetToSingleElement", stateful=True)
def dataset_to_single_element(
    dataset: Array, *, output_types: tuple[DataType, ...], output_shapes: Shapes
) -> tuple[Any, ...]:
    """The components of the one element of a dataset. Raises InvalidArgumentError when there are none or more."""
    elements = dataset_of(dataset).elements()
    element = next(elements, None)
    if element is None:
        raise InvalidArgumentError("Dataset was empty.")
    if next(elements, None) is not None:
        raise InvalidArgumentError("Dataset had more than one element.")
    return check_element(element, output_types, output_shapes)


@kernel("IteratorToStringHandle", stateful=True)
def iterator_to_string_handle(resource_handle: Array, *, context: Context) -> Array:
    """A name by which IteratorFromStringHandle finds the iterator."""
    found = _iterator(resource_handle)
    name = f"smcli-iterator-{id(found)}"
    return handle(context.resources.get("iterator handle", "", name, lambda: (name.encode(), found))[0])


@kernel("IteratorFromStringHandle", "IteratorFromStringHandleV2", stateful=True)
def iterator_from_string_handle(string_handle: Array, *, context: Context) -> Array:
    if string_handle.ndim:
        raise InvalidArgumentError("string_handle must be a scalar")
    text: Any = string_handle[()]
    name = text.decode("utf-8", "replace")
    found = context.resources.find("iterator handle", "", name)
    if found is None:
        raise InvalidArgumentError(f"{name!r} is the string handle of no iterator")
    return handle(found[1])
