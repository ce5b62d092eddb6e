"""TensorMap ops (maps from tensors to tensors in variants) and Optional ops (a tuple of tensors, or nothing).

Semantics: tensorflow/core/kernels/map_kernels.h, optional_ops.cc.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import InternalError, InvalidArgumentError
from smcli.kernels.context import Array, handle
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType
from smcli.tensors.variants import Optional, TensorMap

Key = tuple[str, tuple[int, ...], bytes]


def _map(tensor: Array) -> TensorMap:
    found: object = tensor[()]
    if not isinstance(found, TensorMap):
        raise InvalidArgumentError(f"Input handle is not a map. Saw: '{type(found).__name__}'")
    return found


def _key(key: Array) -> Key:
    content = repr(key.tolist()).encode() if key.dtype.kind == "O" else key.tobytes()
    return key.dtype.name, key.shape, content


@kernel("EmptyTensorMap")
def empty_tensor_map() -> Array:
    return handle(TensorMap({}))


@kernel("TensorMapSize")
def tensor_map_size(tensor: Array) -> np.int32:
    return np.int32(len(_map(tensor).items))


@kernel("TensorMapInsert")
def tensor_map_insert(tensor: Array, key: Array, value: Array) -> Array:
    return handle(TensorMap({**_map(tensor).items, _key(key): (key, value)}))


@kernel("TensorMapLookup")
def tensor_map_lookup(tensor: Array, key: Array, *, value_dtype: DataType) -> Array:
    found = _map(tensor).items.get(_key(key))
    if found is None:
        raise InvalidArgumentError("Trying to lookup non-existent key. Could not find key.")
    if np.asarray(found[1]).dtype != value_dtype.numpy:
        raise InternalError(f"A value of type {found[1].dtype} does not match the type {value_dtype.tf_name}")
    return found[1]


@kernel("TensorMapErase")
def tensor_map_erase(tensor: Array, key: Array) -> Array:
    items = dict(_map(tensor).items)
    if items.pop(_key(key), None) is None:
        raise InvalidArgumentError("Trying to erase non-existent item.")
    return handle(TensorMap(items))


@kernel("TensorMapHasKey")
def tensor_map_has_key(tensor: Array, key: Array) -> np.bool_:
    return np.bool_(_key(key) in _map(tensor).items)


@kernel("TensorMapStackKeys")
def tensor_map_stack_keys(tensor: Array, *, key_dtype: DataType) -> Array:
    """The keys in the order of their insertion (TensorFlow's order is that of a hash table)."""
    keys = [key for key, _ in _map(tensor).items.values()]
    if not keys:
        raise InvalidArgumentError("TensorMapStackKeys cannot be called on empty map.")
    for key in keys:
        if key.dtype != key_dtype.numpy:
            raise InvalidArgumentError("Key does not match requested dtype.")
        if key.shape != keys[0].shape:
            raise InvalidArgumentError("Keys must all have the same shape.")
    return np.stack(keys)


def _optional(tensor: Array) -> Optional:
    found: object = tensor[()]
    if not isinstance(found, Optional):
        raise InvalidArgumentError(f"Input is not an optional. Saw: '{type(found).__name__}'")
    return found


@kernel("OptionalFromValue")
def optional_from_value(*components: Array) -> Array:
    return handle(Optional(components))


@kernel("OptionalNone")
def optional_none() -> Array:
    return handle(Optional(None))


@kernel("OptionalHasValue")
def optional_has_value(tensor: Array) -> np.bool_:
    return np.bool_(_optional(tensor).components is not None)


@kernel("OptionalGetValue")
def optional_get_value(
    tensor: Array, *, output_types: tuple[DataType, ...], output_shapes: tuple[tuple[int, ...] | None, ...]
) -> tuple[Array, ...]:
    components = _optional(tensor).components
    if components is None:
        raise InvalidArgumentError("The given optional does not have a value.")
    if len(components) != len(output_types):
        raise InvalidArgumentError(
            f"The given optional has {len(components)} components, expected {len(output_types)}."
        )
    for i, (component, dtype, shape) in enumerate(zip(components, output_types, output_shapes, strict=True)):
        if component.dtype != dtype.numpy:
            raise InvalidArgumentError(
                f"The given optional does not match the expected type for component {i}. "
                f"Expected: {dtype.tf_name}. Actual: {component.dtype.name}."
            )
        if shape is not None and (
            len(shape) != component.ndim
            or any(want not in (-1, got) for want, got in zip(shape, component.shape, strict=True))
        ):
            raise InvalidArgumentError(
                f"The given optional does not match the expected shape for component {i}. "
                f"Expected: {list(shape)}. Actual: {list(component.shape)}."
            )
    return components
