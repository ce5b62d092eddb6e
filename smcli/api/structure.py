"""Nested values on one side, flat lists of tensors on the other, as tf.nest orders them.

Functions of a SavedModel say what they take and give as nested signatures whose leaves are type specs. `flatten` lays a
value out as the tensors that the function's graph takes; `pack` builds the value from the tensors that it gives.
"""

from __future__ import annotations

import keyword
from collections import namedtuple
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from smcli.api.composites import IndexedSlices, RaggedTensor, SparseTensor
from smcli.errors import InvalidArgumentError, SmcliError
from smcli.inputs.feeding import as_fed, to_tensor
from smcli.kernels.context import Array
from smcli.savedmodel.structured import DType, NamedTuple, Shape, TensorSpec, TensorValue, TypeSpec, array_of
from smcli.tensors.types import DataType, from_number


class Mismatch(Exception):
    """A value that does not fit a signature."""


def data_type(dtype: DType) -> DataType:
    """Raises InvalidArgumentError for a number that is no data type."""
    try:
        return from_number(dtype.number)
    except ValueError:
        raise InvalidArgumentError(f"A function signature has the unknown data type {dtype.number}") from None


def tensor(value: Any, spec: TensorSpec, convert: bool) -> Array:
    """`value` as a tensor of the spec. convert: Python values and arrays of another dtype of the same kind are welcome.

    Raises Mismatch when it is none.
    """
    wanted = data_type(spec.dtype)
    if not convert and not (isinstance(value, (np.ndarray, np.generic)) and _has_type(value, wanted)):
        raise Mismatch(f"expected {spec!r}")
    if isinstance(value, (RaggedTensor, SparseTensor, IndexedSlices, Mapping)) or value is None:
        raise Mismatch(f"expected {spec!r}")
    try:
        array = np.asarray(value)
        if not _castable(array, wanted):
            raise Mismatch(f"expected {spec!r}, got an array of {array.dtype}")
        array = to_tensor(as_fed(array, wanted), wanted)
    except (SmcliError, ValueError) as error:
        raise Mismatch(f"expected {spec!r}: {error}") from None
    dims = spec.shape.dims
    if dims is not None and (
        len(dims) != array.ndim or any(want not in (None, have) for want, have in zip(dims, array.shape))
    ):
        raise Mismatch(f"expected {spec!r}, got shape {array.shape}")
    return array


def _has_type(value: Array | np.generic, wanted: DataType) -> bool:
    if wanted is DataType.STRING:
        return value.dtype.kind in "OSU"
    return value.dtype == wanted.numpy


def _castable(array: Array, wanted: DataType) -> bool:
    if wanted is DataType.STRING:
        return array.dtype.kind in "OSU" or array.size == 0
    return array.size == 0 or bool(np.can_cast(array.dtype, wanted.numpy, casting="same_kind"))


def components(spec: TypeSpec) -> list[TensorSpec]:
    """The tensors that a composite tensor consists of. Raises InvalidArgumentError for a class that is not known."""
    state = spec.state
    try:
        match spec.class_name:
            case "RaggedTensorSpec":
                shape, dtype, ragged_rank, splits_dtype = state[:4]
                if not 0 <= ragged_rank <= _MAX_RANK:
                    raise InvalidArgumentError(f"A function signature has a ragged rank of {ragged_rank}")
                inner = () if shape.dims is None else tuple(shape.dims[ragged_rank + 1 :])
                values = TensorSpec(None, Shape(None if shape.dims is None else (None, *inner)), dtype)
                return [values] + [TensorSpec(None, Shape((None,)), splits_dtype)] * ragged_rank
            case "SparseTensorSpec":
                shape, dtype = state
                rank = None if shape.dims is None else len(shape.dims)
                int64 = DType(DataType.INT64.value)
                return [
                    TensorSpec(None, Shape((None, rank)), int64),
                    TensorSpec(None, Shape((None,)), dtype),
                    TensorSpec(None, Shape((rank,)), int64),
                ]
            case "IndexedSlicesSpec":
                _, dtype, indices_dtype, shape_dtype, indices_shape = state
                found = [TensorSpec(None, Shape(None), dtype), TensorSpec(None, indices_shape, indices_dtype)]
                return found if shape_dtype is None else [*found, TensorSpec(None, Shape((None,)), shape_dtype)]
            case "NoneTensorSpec":
                return []
    except (TypeError, ValueError, AttributeError):
        raise InvalidArgumentError(f"A function signature holds a broken {spec.class_name}") from None
    raise InvalidArgumentError(f"Values of type {spec!r} are not supported")


_MAX_RANK = 254


def leaves(signature: Any) -> Iterator[TensorSpec]:
    """The specs of the tensors of a signature, in the order in which its function takes or gives them."""
    match signature:
        case TensorSpec():
            yield signature
        case TypeSpec():
            yield from components(signature)
        case NamedTuple():
            for item in signature.values:
                yield from leaves(item)
        case dict():
            for key in sorted(signature):
                yield from leaves(signature[key])
        case list() | tuple():
            for item in signature:
                yield from leaves(item)


def flatten(value: Any, signature: Any, convert: bool) -> list[Array]:
    """The tensors of `value`, which has to fit `signature`. Raises Mismatch when it does not."""
    match signature:
        case TensorSpec():
            return [tensor(value, signature, convert)]
        case TypeSpec():
            parts = _parts(value, signature)
            return [tensor(part, spec, convert) for part, spec in zip(parts, components(signature), strict=True)]
        case NamedTuple():
            names = tuple(name for name, _ in signature.fields)
            if not isinstance(value, tuple) or getattr(value, "_fields", None) != names:
                raise Mismatch(f"expected a named tuple with the fields {', '.join(names)}")
            return [part for item, spec in zip(value, signature.values) for part in flatten(item, spec, convert)]
        case dict():
            if not isinstance(value, Mapping) or set(value) != set(signature):
                raise Mismatch(f"expected a dict with the keys {', '.join(sorted(map(repr, signature)))}")
            return [part for key in sorted(signature) for part in flatten(value[key], signature[key], convert)]
        case list() | tuple():
            if not isinstance(value, type(signature)) or len(value) != len(signature):
                raise Mismatch(f"expected a {type(signature).__name__} of {len(signature)}")
            return [part for item, spec in zip(value, signature) for part in flatten(item, spec, convert)]
        case TensorValue():
            if not np.array_equal(np.asarray(value), array_of(signature.proto)):
                raise Mismatch(f"expected {signature!r}")
            return []
    if isinstance(value, (np.ndarray, RaggedTensor, SparseTensor)) or value != signature:
        raise Mismatch(f"expected {signature!r}")
    return []


def _parts(value: Any, spec: TypeSpec) -> list[Any]:
    match spec.class_name, value:
        case "RaggedTensorSpec", RaggedTensor() if len(value.nested_row_splits) == spec.state[2]:
            return [value.flat_values, *value.nested_row_splits]
        case "RaggedTensorSpec", list() | tuple() | np.ndarray():
            values, *splits = components(spec)
            dtypes = data_type(values.dtype).numpy, data_type(spec.state[3]).numpy
            try:
                return _parts(RaggedTensor.from_lists(value, dtypes[0], len(splits), dtypes[1]), spec)
            except (InvalidArgumentError, ValueError, TypeError) as error:
                raise Mismatch(f"expected {spec!r}: {error}") from None
        case "SparseTensorSpec", SparseTensor():
            return [value.indices, value.values, value.dense_shape]
        case "IndexedSlicesSpec", IndexedSlices():
            parts = [value.values, value.indices, value.dense_shape]
            return parts[: len(components(spec))]
        case "NoneTensorSpec", None:
            return []
    raise Mismatch(f"expected {spec!r}")


def pack(signature: Any, tensors: Iterator[Array]) -> Any:
    """The value that `signature` describes, from the tensors that it consists of."""
    match signature:
        case TensorSpec():
            return next(tensors)
        case TypeSpec():
            parts = [next(tensors) for _ in components(signature)]
            if signature.class_name == "NoneTensorSpec":
                return None
            if signature.class_name == "RaggedTensorSpec":
                return RaggedTensor(parts[0], tuple(parts[1:]))
            return (SparseTensor if signature.class_name == "SparseTensorSpec" else IndexedSlices)(*parts)
        case NamedTuple():
            names = tuple(name for name, _ in signature.fields)
            return _named_tuple(signature.class_name, names)(*[pack(item, tensors) for item in signature.values])
        case dict():
            return {key: pack(signature[key], tensors) for key in sorted(signature)}
        case list():
            return [pack(item, tensors) for item in signature]
        case tuple():
            return tuple([pack(item, tensors) for item in signature])
        case TensorValue():
            return array_of(signature.proto)
    return signature


@lru_cache(maxsize=256)
def _named_tuple(name: str, fields: tuple[str, ...]) -> Any:
    """A named tuple class. Names that Python can not have are replaced, since they come from a file."""
    usable = name.isidentifier() and not keyword.iskeyword(name)
    return namedtuple(name if usable else "NamedTuple", fields, rename=True)
