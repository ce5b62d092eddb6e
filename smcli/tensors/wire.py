"""TensorProto and TensorShapeProto to NumPy and back.

Every length is checked before memory is taken: the shape must be non-negative and small enough, and the bytes present
must be what the shape asks for (tensorflow/core/framework/tensor.cc, `Tensor::FromProto`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError, OutOfMemoryError, UnimplementedError
from smcli.proto import types_pb2
from smcli.proto.tensor_pb2 import TensorProto
from smcli.tensors.types import DataType, from_number

Array = np.ndarray[Any, Any]

MAX_ELEMENTS = 2**40  # more than any machine holds; keeps products of dims far from overflow
MAX_FILL_BYTES = 2**33  # a single repeated value may blow up to this much, no more

_HALF_LIKE = frozenset({DataType.HALF, DataType.BFLOAT16})
_FLOAT8 = frozenset(t for t in DataType if t.name.startswith("FLOAT8"))
_PACKED = frozenset({DataType.INT4, DataType.UINT4, DataType.INT2, DataType.UINT2, DataType.FLOAT4_E2M1FN})
_FIELD = {
    DataType.FLOAT: "float_val",
    DataType.DOUBLE: "double_val",
    DataType.INT64: "int64_val",
    DataType.BOOL: "bool_val",
    DataType.UINT32: "uint32_val",
    DataType.UINT64: "uint64_val",
    DataType.COMPLEX64: "scomplex_val",
    DataType.COMPLEX128: "dcomplex_val",
}  # every other numeric type is in int_val


def shape_from_proto(proto: types_pb2.TensorShapeProto) -> tuple[int, ...] | None:
    """Dims with -1 for unknown, or None for unknown rank. Raises InvalidArgumentError for dims below -1."""
    if proto.unknown_rank:
        return None
    shape = tuple([dim.size for dim in proto.dim])
    if any(size < -1 for size in shape):
        raise InvalidArgumentError(f"Shape {list(shape)} has dimensions below -1")
    return shape


def checked_size(shape: tuple[int, ...]) -> int:
    """The number of elements. Raises InvalidArgumentError for negative dims or an absurd product."""
    if any(size < 0 for size in shape):
        raise InvalidArgumentError(f"Shape {list(shape)} is not fully defined")
    size = math.prod(shape)
    if size > MAX_ELEMENTS or any(dim > MAX_ELEMENTS for dim in shape):
        raise InvalidArgumentError(f"Shape {list(shape)} has too many elements")
    return size


def data_type_of(proto: TensorProto) -> DataType:
    """The dtype of a TensorProto. Raises InvalidArgumentError for numbers that stand for none."""
    try:
        data_type = from_number(proto.dtype)
    except ValueError:
        raise InvalidArgumentError(f"Unknown data type {proto.dtype} in a tensor") from None
    if data_type is DataType.INVALID:
        raise InvalidArgumentError("A tensor has no data type")
    return data_type


def from_proto(proto: TensorProto) -> Array:
    """The array that a TensorProto stands for; read-only where it shares the proto's bytes.

    Raises InvalidArgumentError when shape, dtype and bytes do not fit together, UnimplementedError for resource and
    variant values, OutOfMemoryError for one repeated value that does not fit into memory.
    """
    try:
        return _from_proto(proto)
    except MemoryError as error:
        raise OutOfMemoryError(f"Out of memory: {error}") from None


def _from_proto(proto: TensorProto) -> Array:
    data_type = data_type_of(proto)
    shape = shape_from_proto(proto.tensor_shape)
    if shape is None:
        raise InvalidArgumentError("A tensor has unknown rank")
    size = checked_size(shape)
    if data_type is DataType.STRING:
        return _strings(proto, shape, size)
    if data_type.is_object:
        raise UnimplementedError(f"Constants of type {data_type.tf_name} are not supported")
    dtype = data_type.numpy
    if proto.tensor_content:
        return from_content(proto.tensor_content, data_type, shape)
    values = _values(proto, data_type, dtype)
    if len(values) >= size:  # TensorFlow ignores what is too much
        return values[:size].reshape(shape)
    if size * dtype.itemsize > MAX_FILL_BYTES:
        raise InvalidArgumentError(f"A tensor of shape {list(shape)} is too large to be filled from one value")
    if len(values) == 0:
        return np.zeros(shape, dtype)
    if len(values) == 1:
        return np.full(shape, values[0], dtype)
    return np.concatenate([values, np.full(size - len(values), values[-1], dtype)]).reshape(shape)


def from_content(content: bytes | memoryview | Array, data_type: DataType, shape: tuple[int, ...]) -> Array:
    """Numbers as they lie in memory, in an array that shares `content` where it can.

    Raises InvalidArgumentError when there are not as many bytes as the shape needs.
    """
    dtype = data_type.numpy
    needed = checked_size(shape) * dtype.itemsize
    if len(content) != needed:
        raise InvalidArgumentError(
            f"A tensor of type {data_type.tf_name} and shape {list(shape)} needs {needed} bytes but has {len(content)}"
        )
    if data_type in _PACKED:
        return np.frombuffer(content, np.uint8).astype(np.int8).astype(dtype).reshape(shape)
    if data_type is DataType.BOOL:
        # NumPy relies on the bytes of a bool being 0 or 1; a file may hold others.
        numbers = np.frombuffer(content, np.uint8)
        return (numbers.view(bool) if numbers.max(initial=0) <= 1 else numbers != 0).reshape(shape)
    return np.frombuffer(content, dtype).reshape(shape)


def _strings(proto: TensorProto, shape: tuple[int, ...], size: int) -> Array:
    values = list(proto.string_val[:size])
    if size * 8 > MAX_FILL_BYTES:
        raise InvalidArgumentError(f"A tensor of shape {list(shape)} is too large to be filled from one value")
    array = np.empty(size, dtype=object)
    array[: len(values)] = values
    array[len(values) :] = values[-1] if values else b""
    return array.reshape(shape)


def value_count(proto: TensorProto, data_type: DataType) -> int:
    """The number of elements that a TensorProto spells out in its typed field, `tensor_content` left aside."""
    if data_type is DataType.STRING:
        return len(proto.string_val)
    if data_type in _HALF_LIKE:
        return len(proto.half_val)
    if data_type in _FLOAT8:
        return len(proto.float8_val)
    count = len(getattr(proto, _FIELD.get(data_type, "int_val")))
    return count // 2 if data_type.is_complex else count


def _values(proto: TensorProto, data_type: DataType, dtype: np.dtype[Any]) -> Array:
    if data_type in _HALF_LIKE:
        return np.array(proto.half_val, np.uint32).astype(np.uint16).view(dtype)
    if data_type in _FLOAT8:
        return np.frombuffer(proto.float8_val, dtype)
    field = getattr(proto, _FIELD.get(data_type, "int_val"))
    if data_type.is_complex:
        part = np.float32 if data_type is DataType.COMPLEX64 else np.float64
        return np.array(field, part)[: len(field) // 2 * 2].view(dtype)
    if field is proto.int_val or data_type not in _FIELD:
        return np.array(field, np.int32).astype(dtype)
    return np.array(field, dtype)


def to_proto(array: Array, data_type: DataType) -> TensorProto:
    """A TensorProto of `array`: numbers as tensor_content, strings as string_val."""
    proto = TensorProto(dtype=data_type.value)  # type: ignore[arg-type]
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if data_type is DataType.STRING:
        proto.string_val.extend(array.ravel().tolist())
    elif data_type in _PACKED:
        proto.int_val.extend(array.astype(np.int32).ravel().tolist())
    else:
        proto.tensor_content = np.ascontiguousarray(array, dtype=data_type.numpy).tobytes()
    return proto
