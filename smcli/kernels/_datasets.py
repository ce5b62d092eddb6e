"""A dataset (tf.data) as a value: how to go over its elements, and how many there are.

An element is a tuple of tensors. Elements are made one by one as they are asked for, by Python generators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels.context import Array, Context, FunctionRef, handle
from smcli.tensors.types import DataType

Element = tuple[Array, ...]
Shape = tuple[int, ...]
INFINITE, UNKNOWN = -1, -2


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """The value of a dataset's variant.

    elements: begins to go over the elements anew.
    cardinality: how many there are, or INFINITE or UNKNOWN.
    options: serialised options that were set on it.
    """

    elements: Callable[[], Iterator[Element]]
    cardinality: int = UNKNOWN
    options: bytes = b""


def dataset_of(tensor: Array) -> Dataset:
    """The dataset in a variant scalar. Raises InvalidArgumentError for another value."""
    if tensor.ndim:
        raise InvalidArgumentError("Dataset tensor must be a scalar of dtype DT_VARIANT.")
    found: object = tensor[()]
    if not isinstance(found, Dataset):
        raise InvalidArgumentError("Dataset tensor must be a scalar of dtype DT_VARIANT.")
    return found


def made(elements: Callable[[], Iterator[Element]], cardinality: int = UNKNOWN) -> Array:
    """A dataset as a tensor."""
    return handle(Dataset(elements, cardinality))


def number(tensor: Array, name: str, least: int | None = None) -> int:
    """A scalar argument. Raises InvalidArgumentError for another rank, or when it is below `least`."""
    if tensor.ndim:
        raise InvalidArgumentError(f"{name} must be a scalar")
    value = int(tensor)
    if least is not None and value < least:
        raise InvalidArgumentError(f"{name} must be at least {least}, but is {value}")
    return value


def calls(f: FunctionRef, captured: Sequence[Array], context: Context) -> Callable[[Sequence[Array]], list[Array]]:
    """The function with its captured inputs, compiled when it is first called."""

    def call(element: Sequence[Array]) -> list[Array]:
        return [np.asarray(value) for value in context.function(f)([*element, *captured])]

    return call


def predicate_value(results: Sequence[Array]) -> bool:
    """What a predicate answered. Raises InvalidArgumentError unless it is one scalar."""
    if len(results) != 1 or results[0].ndim or results[0].dtype != bool:
        raise InvalidArgumentError("Filter predicate `predicate` must return a scalar bool.")
    return bool(results[0])


def compatible(shape: Shape, declared: Shape | None) -> bool:
    if declared is None:
        return True
    return len(shape) == len(declared) and all(known in (-1, size) for size, known in zip(shape, declared))


def check_element(element: Element, types: Sequence[DataType], shapes: Sequence[Shape | None]) -> Element:
    """The element, if it is as the op declares. Raises InvalidArgumentError otherwise."""
    if len(element) != len(types):
        raise InvalidArgumentError(f"Expected {len(types)} components but got {len(element)}.")
    for i, (value, data_type, shape) in enumerate(zip(element, types, shapes)):
        if value.dtype != data_type.numpy:
            raise InvalidArgumentError(f"Expected component {i} to be {data_type.tf_name} but it is {value.dtype}.")
        if not compatible(value.shape, shape):
            raise InvalidArgumentError(
                f"Expected component {i} to be compatible with shape {shape} but it has {list(value.shape)}."
            )
    return element


def stacked(elements: Sequence[Element], what: str = "batch") -> Element:
    """Elements of equal shapes along a new first dimension. Raises InvalidArgumentError for other shapes."""
    results = []
    for i, parts in enumerate(zip(*elements)):
        first = parts[0].shape
        for place, part in enumerate(parts):
            if part.shape != first:
                raise InvalidArgumentError(
                    f"Cannot {what} tensors with different shapes in component {i}. First element had shape "
                    f"{list(first)} and element {place} had shape {list(part.shape)}."
                )
        result = np.empty((len(parts), *first), parts[0].dtype)
        for place, part in enumerate(parts):
            result[place] = part[()] if result.dtype.kind == "O" and not part.ndim else part
        results.append(result)
    return tuple(results)


def scaled(cardinality: int, change: Callable[[int], int]) -> int:
    """The cardinality of what is made of a dataset of `cardinality` elements; INFINITE and UNKNOWN stay."""
    return cardinality if cardinality < 0 else change(cardinality)


def least(cardinalities: Sequence[int]) -> int:
    """The cardinality of datasets side by side."""
    if UNKNOWN in cardinalities:
        return UNKNOWN
    return min((c for c in cardinalities if c >= 0), default=INFINITE)
