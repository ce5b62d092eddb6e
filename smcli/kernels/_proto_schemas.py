"""Message types by name, for the ops that read and write any protocol buffer.

Where the types come from (descriptor_source) follows tensorflow/core/util/proto/descriptors.cc; which dtype holds which
field, tensorflow/core/util/proto/proto_utils.cc.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError, NotFoundError
from smcli.kernels._named_files import read_named
from smcli.kernels.context import Array, Context
from smcli.tensors.types import DataType

LOCAL, BYTES = "local://", "bytes://"
VARINT, FIXED64, LENGTH_DELIMITED, START_GROUP, END_GROUP, FIXED32 = range(6)

# Of these files smcli has all messages whole; the other files of TensorFlow are not in the local pool.
_LOCAL_FILES = ("types", "tensor", "example")
_GOOGLE_FILES = ("any", "duration", "timestamp", "struct", "wrappers", "field_mask", "empty", "descriptor")


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of field: its name, wire type, dtypes that hold it, and for numbers the dtype of their wire form."""

    name: str
    wire_type: int
    dtypes: tuple[DataType, ...]
    wire_dtype: str = ""
    zigzag: bool = False


_I32, _U32 = (DataType.INT32, DataType.INT64), (DataType.UINT32, DataType.UINT64)
_TEXT = (DataType.STRING,)
GROUP = Kind("group", START_GROUP, _TEXT)
KINDS = {  # by FieldDescriptorProto.Type
    1: Kind("double", FIXED64, (DataType.DOUBLE,), "<f8"),
    2: Kind("float", FIXED32, (DataType.FLOAT, DataType.DOUBLE), "<f4"),
    3: Kind("int64", VARINT, (DataType.INT64,), "<i8"),
    4: Kind("uint64", VARINT, (DataType.UINT64,), "<u8"),
    5: Kind("int32", VARINT, _I32, "<i4"),
    6: Kind("fixed64", FIXED64, (DataType.UINT64,), "<u8"),
    7: Kind("fixed32", FIXED32, _U32, "<u4"),
    8: Kind("bool", VARINT, (DataType.BOOL,), "?"),
    9: Kind("string", LENGTH_DELIMITED, _TEXT),
    10: GROUP,
    11: Kind("message", LENGTH_DELIMITED, _TEXT),
    12: Kind("bytes", LENGTH_DELIMITED, _TEXT),
    13: Kind("uint32", VARINT, _U32, "<u4"),
    14: Kind("enum", VARINT, (DataType.INT32,), "<i4"),
    15: Kind("sfixed32", FIXED32, _I32, "<i4"),
    16: Kind("sfixed64", FIXED64, (DataType.INT64,), "<i8"),
    17: Kind("sint32", VARINT, _I32, "<u4", zigzag=True),
    18: Kind("sint64", VARINT, (DataType.INT64,), "<u8", zigzag=True),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message. default: what stands where the field is absent."""

    name: str
    full_name: str
    number: int
    kind: Kind
    repeated: bool
    packed: bool
    default: Any


def find_message(name: str, source: str, op: str, context: Context) -> Any:
    """The descriptor of a message type, found in a pool of its own. Raises InvalidArgumentError for a source that
    holds no descriptors or lacks the type, PermissionDeniedError for a file outside of the model."""
    pool = _local_pool(name) if source in ("", LOCAL) else _pool(_file_set(source, op, context))
    try:
        return pool.FindMessageTypeByName(name)
    except KeyError:
        raise InvalidArgumentError(f"No descriptor found for message type {name}") from None


def message_class(descriptor: Any) -> Any:
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(descriptor)


def fields_of(message: Any, names: Sequence[str]) -> list[Field]:
    """The named fields. Raises InvalidArgumentError for names that the message does not have."""
    found = []
    for name in names:
        field = message.fields_by_name.get(name)
        if field is None:
            raise InvalidArgumentError(f"Unknown field: {name} in message type {message.full_name}")
        kind = KINDS[field.type]
        repeated = field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED
        packed = repeated and kind.wire_dtype != "" and _packed(field)
        found.append(Field(name, field.full_name, field.number, kind, repeated, packed, _default(field, repeated)))
    return found


def _default(field: Any, repeated: bool) -> Any:
    kind = KINDS[field.type]
    if not kind.wire_dtype:
        value = b"" if repeated or kind.name in ("group", "message") else field.default_value
        return value.encode() if isinstance(value, str) else value
    if not repeated:
        return field.default_value
    return 0 if field.enum_type is None else field.enum_type.values[0].number


def _packed(field: Any) -> bool:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    options = field.GetOptions()
    if options.HasField("packed"):
        return bool(options.packed)
    return FileDescriptorProto.FromString(field.file.serialized_pb).syntax not in ("", "proto2")


def _file_set(source: str, op: str, context: Context) -> bytes:
    """The serialised FileDescriptorSet that a source names."""
    if source.startswith(BYTES):
        return source[len(BYTES) :].encode("utf-8", "surrogateescape")
    path = source.removeprefix("file://").encode("utf-8", "surrogateescape")
    try:
        return read_named(path, op, "its descriptor_source", context)
    except NotFoundError:
        raise _no_source(source) from None


def _no_source(source: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"Source does not represent serialized file descriptor set proto: {source[:200]!r}")


def _pool(serialized: bytes) -> Any:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet
    from google.protobuf.message import DecodeError

    try:
        files = FileDescriptorSet.FromString(serialized).file
    except DecodeError:
        raise _no_source(repr(serialized[:50])) from None
    return _pool_of(files)


def _pool_of(files: Sequence[Any]) -> Any:
    from google.protobuf.descriptor_pool import DescriptorPool

    pool = DescriptorPool()
    for file in files:
        try:
            pool.AddSerializedFile(file.SerializeToString())
        except (TypeError, ValueError) as error:
            raise InvalidArgumentError(f"Failed to load FileDescriptorProto {file.name}: {error}") from None
    return pool


def _local_pool(name: str) -> Any:
    """The types that TensorFlow's own binary holds, as far as smcli has them."""
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    google = name.startswith("google.protobuf.")
    files = []
    for file in _GOOGLE_FILES if google else _LOCAL_FILES:
        module = import_module(f"google.protobuf.{file}_pb2" if google else f"smcli.proto.{file}_pb2")
        text = module.DESCRIPTOR.serialized_pb
        files.append(FileDescriptorProto.FromString(text))
        if not google:
            files[-1].package = "tensorflow"
            for message in files[-1].message_type:
                _rename(message)
    return _pool_of(files)


def _rename(message: Any) -> None:
    """Type names of smcli's package into those of TensorFlow's."""
    for field in message.field:
        if field.type_name.startswith(".smcli."):
            field.type_name = ".tensorflow." + field.type_name.removeprefix(".smcli.")
    for nested in message.nested_type:
        _rename(nested)


def varints(data: Any) -> Array:
    """The unsigned varints that fill a buffer, uint64 [n]. Raises ValueError when one is cut off or too long."""
    octets = np.frombuffer(data, np.uint8)
    if not octets.size:
        return np.empty(0, np.uint64)
    ends = np.flatnonzero(octets < 0x80)
    if not ends.size or ends[-1] != octets.size - 1:
        raise ValueError("cut off")
    starts = np.empty_like(ends)
    starts[0], starts[1:] = 0, ends[:-1] + 1
    lengths = ends - starts + 1
    if lengths.max() > 10:
        raise ValueError("too long")
    places = (np.arange(octets.size) - np.repeat(starts, lengths)).astype(np.uint64)
    return np.add.reduceat((octets & 0x7F).astype(np.uint64) << (np.uint64(7) * places), starts)


def written_varints(numbers: Array) -> tuple[bytes, list[int]]:
    """Integers (negative ones as uint64) [n] as varints one after the other, and their n + 1 offsets."""
    raw = numbers.astype(np.int64 if numbers.dtype.kind == "i" else np.uint64).view(np.uint64)
    shifts = np.arange(0, 70, 7, dtype=np.uint64)
    groups = raw[:, None] >> shifts
    lengths = np.maximum((groups != 0).sum(1), 1)
    places = np.arange(10)
    octets = (groups & np.uint64(0x7F)).astype(np.uint8) | np.where(places < lengths[:, None] - 1, 0x80, 0).astype(
        np.uint8
    )
    return octets[places < lengths[:, None]].tobytes(), [0, *np.cumsum(lengths).tolist()]
