"""DecodeProtoV2 and EncodeProto: fields of any protocol buffers to tensors and back.

Semantics from tensorflow/core/kernels/decode_proto_op.cc and encode_proto_op.cc. Messages are read off the wire field
by field, without building them; their numbers are converted in bulk at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np

from smcli.errors import DataLossError, InvalidArgumentError
from smcli.kernels._bytes import as_array, as_list
from smcli.kernels._examples import filled
from smcli.kernels._proto_schemas import (
    END_GROUP,
    FIXED32,
    FIXED64,
    GROUP,
    LENGTH_DELIMITED,
    START_GROUP,
    VARINT,
    Field,
    fields_of,
    find_message,
    message_class,
    varints,
    written_varints,
)
from smcli.kernels.context import Array, Context
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

_CONTINUED = bytes(range(128, 256))  # the octets that do not end a varint
_TOO_LONG = re.compile(rb"[\x80-\xff]{10}")
_MAX_LENGTH = 2**31 - 1
_MAX_GROUPS = 100  # nested in each other, protobuf's own limit

DEVIATIONS = dict.fromkeys(
    ("DecodeProtoV2", "EncodeProto"),
    "`local://` holds tf.Example, TensorProto and their parts, and the common types of google.protobuf. A descriptor "
    "file outside of the model is read when the op is allowed by name. The text format is Python's, which wants "
    "strings in UTF-8.",
)


class _Corrupt(Exception):
    """The bytes are not a message."""


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned varint of at most ten bytes, and the offset after it."""
    result = shift = 0
    for shift in range(0, 70, 7):
        octet = data[at]  # an IndexError where the data ends
        at += 1
        result |= (octet & 0x7F) << shift
        if octet < 0x80:
            return result & 0xFFFFFFFFFFFFFFFF, at
    raise _Corrupt


def _value_end(data: bytes, at: int, wire_type: int) -> tuple[int, int]:
    """Where the value of a field that starts at `at` begins and ends; a group's end is after its end tag."""
    if wire_type == VARINT:
        end = _varint(data, at)[1]
    elif wire_type == LENGTH_DELIMITED:
        length, at = _varint(data, at)
        length &= 0xFFFFFFFF  # as much as TensorFlow reads of it
        if length > _MAX_LENGTH:
            raise _Corrupt
        end = at + length
    elif wire_type in (FIXED32, FIXED64):
        end = at + (4 if wire_type == FIXED32 else 8)
    elif wire_type == START_GROUP:
        end = _group_end(data, at)
    else:
        raise _Corrupt
    if end > len(data):
        raise _Corrupt
    return at, end


def _group_end(data: bytes, at: int) -> int:
    """The offset after the end tag of a group whose contents start at `at`."""
    depth = 1
    while depth:
        tag, at = _varint(data, at)
        wire_type = tag & 7
        if wire_type == START_GROUP:
            depth += 1
            if depth > _MAX_GROUPS:
                raise _Corrupt
        elif wire_type == END_GROUP:
            depth -= 1
        else:
            at = _value_end(data, at, wire_type)[1]
    return at


class _Column:
    """The values of one field over all messages: how many each has, and all of them as they stand on the wire."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.counts: list[int] = []
        self.numbers = bytearray()
        self.texts: list[bytes] = []
        self.lost: list[int] = []  # positions whose value TensorFlow counts but does not store
        self.size = 0
        self.last = 0  # where the last number begins
        kind = field.kind
        self.width = np.dtype(kind.wire_dtype).itemsize if kind.wire_dtype and kind.wire_type != VARINT else 0

    def add(self, data: bytes, start: int, at: int, end: int) -> None:
        """A value at data[at:end], whose tag starts at `start`."""
        field = self.field
        if not field.repeated and self.counts[-1]:
            self._drop_last()
        if field.kind.wire_dtype:
            self.last = len(self.numbers)
            self.numbers += data[at:end]
        else:
            # TensorFlow gives a group with its tags.
            self.texts.append(data[start if field.kind is GROUP else at : end])
        self.counts[-1] += 1
        self.size += 1

    def add_packed(self, data: bytes) -> None:
        """Many numbers in one value, whether the field is declared packed or not."""
        if self.width:
            count, rest = divmod(len(data), self.width)
        else:
            count = len(data.translate(None, _CONTINUED))
            rest = bool(data) and (data[-1] > 0x7F or _TOO_LONG.search(data) is not None)
        if rest:
            raise _Corrupt
        if not self.field.repeated and count:
            if self.counts[-1]:
                raise _Corrupt
            count, data = 1, bytes(self.width or 1)
            self.lost.append(self.size)
        self.last = len(self.numbers)
        self.numbers += data
        self.counts[-1] += count
        self.size += count

    def _drop_last(self) -> None:
        self.counts[-1] -= 1
        self.size -= 1
        if self.lost and self.lost[-1] == self.size:
            self.lost.pop()
        if self.field.kind.wire_dtype:
            del self.numbers[self.last :]
        else:
            self.texts.pop()

    def values(self, data_type: DataType) -> Array:
        """All values, [n]."""
        kind = self.field.kind
        if not kind.wire_dtype:
            return as_array(self.texts, (len(self.texts),))
        if self.width:
            found = np.frombuffer(bytes(self.numbers), kind.wire_dtype)
        else:
            found = varints(bytes(self.numbers))
            found = found != 0 if kind.wire_dtype == "?" else found.astype(kind.wire_dtype)
        if kind.zigzag:
            one = found.dtype.type(1)
            found = ((found >> one) ^ (~(found & one) + one)).view(found.dtype.str.replace("u", "i"))
        found = found.astype(data_type.numpy)
        found[self.lost] = self.field.default
        return found

    def padded(self, data_type: DataType) -> tuple[Array, Array]:
        """Counts [rows] and values [rows, max(longest, 1)], with the default where there is no value."""
        counts = np.array(self.counts, np.int32)
        width = max(int(counts.max(initial=0)), 1)
        result = filled((len(counts), width), self.field.default, data_type)
        result[np.arange(width) < counts[:, None]] = self.values(data_type)
        return counts, result


def _scan(data: bytes, columns: dict[int, _Column]) -> None:
    """Adds the fields of one message to their columns."""
    at, size = 0, len(data)
    while at < size:
        start = at
        tag, at = _varint(data, at)
        tag &= 0xFFFFFFFF
        wire_type = tag & 7
        if tag >> 3 == 0:
            raise _Corrupt
        value, at = _value_end(data, at, wire_type)
        column = columns.get(tag >> 3)
        if column is None:
            continue
        kind = column.field.kind
        if wire_type == kind.wire_type:
            column.add(data, start, value, at)
        elif wire_type == LENGTH_DELIMITED and kind.wire_dtype:
            column.add_packed(data[value:at])


def _text_parser(message: Any) -> Callable[[bytes], bytes]:
    from google.protobuf import text_format

    made = message_class(message)

    def parse(text: bytes) -> bytes:
        try:
            found: bytes = text_format.Parse(text, made()).SerializePartialToString(deterministic=True)
        except (text_format.ParseError, UnicodeDecodeError, RecursionError):
            raise DataLossError("Unable to parse text protobuf") from None
        return found

    return parse


def _sanitizer(message: Any) -> Callable[[bytes], bytes]:
    from google.protobuf.message import DecodeError

    made = message_class(message)

    def sanitize(data: bytes) -> bytes:
        try:
            found: bytes = made.FromString(data).SerializePartialToString(deterministic=True)
        except DecodeError:
            raise DataLossError("Unable to parse binary protobuf") from None
        return found

    return sanitize


@kernel("DecodeProtoV2")
def decode_proto(
    serialized: Array,
    *,
    message_type: str,
    field_names: tuple[str, ...],
    output_types: tuple[DataType, ...],
    descriptor_source: str = "local://",
    message_format: str = "binary",
    sanitize: bool = False,
    context: Context,
) -> tuple[Array, ...]:
    """How often each field stands in each message, int32 […, fields], and per field its values […, most].

    Raises DataLossError for bytes that are no message, InvalidArgumentError for attrs that do not fit together.
    """
    message = find_message(message_type, descriptor_source, "DecodeProtoV2", context)
    if len(field_names) != len(output_types):
        raise InvalidArgumentError("field_names and output_types attributes must have the same length")
    fields = fields_of(message, field_names)
    for field, data_type in zip(fields, output_types):
        if data_type not in field.kind.dtypes:
            raise InvalidArgumentError(
                f"Unexpected output type for {field.full_name}: {field.kind.name} to {data_type.tf_name}"
            )
    if message_format not in ("binary", "text"):
        raise InvalidArgumentError("format must be one of binary or text")
    if not serialized.size:
        raise InvalidArgumentError("Bufs argument must contain at least one value")
    rows = as_list(serialized)
    if message_format == "text":
        rows = list(map(_text_parser(message), rows))
    elif sanitize:
        rows = list(map(_sanitizer(message), rows))
    columns = [_Column(field) for field in fields]
    wanted = {column.field.number: column for column in reversed(columns)}  # of a name given twice, the first
    for number, row in enumerate(rows):
        for column in columns:
            column.counts.append(0)
        try:
            _scan(row, wanted)
        except (_Corrupt, IndexError):
            raise DataLossError(f"Message {number} is no {message_type}: it can not be read to its end") from None
    shape = serialized.shape
    sizes = np.empty((len(rows), len(fields)), np.int32)
    outputs = []
    for i, (column, data_type) in enumerate(zip(columns, output_types)):
        sizes[:, i], values = column.padded(data_type)
        outputs.append(values.reshape(*shape, values.shape[1]))
    return (sizes.reshape(*shape, len(fields)), *outputs)


def _varint_bytes(number: int) -> bytes:
    """`number`, an int64 or uint64, as a varint."""
    number &= 0xFFFFFFFFFFFFFFFF
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    octets.append(number)
    return bytes(octets)


def _wire_form(field: Field, values: Array) -> tuple[bytes, list[int]]:
    """All values of a tensor as they stand on the wire, without tags, and the offsets of their beginnings and end."""
    kind = field.kind
    if not kind.wire_dtype:
        end = _varint_bytes(field.number << 3 | END_GROUP)
        texts = as_list(values)
        texts = [text + end if kind is GROUP else _varint_bytes(len(text)) + text for text in texts]
        return b"".join(texts), [0, *accumulate(map(len, texts))]
    if kind.zigzag:
        signed = values.astype(kind.wire_dtype.replace("u", "i"))
        values = ((signed << 1) ^ (signed >> 8 * signed.dtype.itemsize - 1)).view(kind.wire_dtype)
    numbers = values.ravel().astype(kind.wire_dtype)
    if kind.wire_type == VARINT:
        return written_varints(numbers)
    width = numbers.dtype.itemsize
    if width < values.dtype.itemsize and numbers.dtype.kind == "f":
        numbers[np.abs(numbers) < np.finfo(numbers.dtype).tiny] *= 0  # TensorFlow flushes what it converts
    return numbers.tobytes(), list(range(0, len(numbers) * width + 1, width))


def _check_encoded(sizes: Array, fields: list[Field], values: tuple[Array, ...], types: tuple[DataType, ...]) -> None:
    for field, value, data_type in zip(fields, values, types):
        if data_type not in field.kind.dtypes:
            raise InvalidArgumentError(
                f"Incompatible type for field {field.name}.  Saw dtype: {data_type.tf_name} but field type is: "
                f"{field.kind.name}"
            )
        if value.ndim < 2:
            raise InvalidArgumentError(
                f"Invalid shape for field {field.name}.  Saw shape {list(value.shape)} but it should be at least a "
                "matrix."
            )
    batch = values[0].shape[:-1]
    if sizes.shape != (*batch, len(fields)):
        raise InvalidArgumentError(
            f"sizes should be batch_size + [len(field_names)].  Saw: {list(sizes.shape)} but expected: "
            f"{[*batch, len(fields)]}"
        )
    for field, value in zip(fields, values):
        if value.shape[:-1] != batch:
            raise InvalidArgumentError(
                f"Values must match up to the last dimension. Saw {list(value.shape)} for field {field.name}, not "
                f"{[*batch, '?']}"
            )
    widths = np.array([value.shape[-1] for value in values])
    bad = np.argwhere(sizes.reshape(-1, len(fields)) > widths)
    if bad.size:
        row, i = bad[0].tolist()
        raise InvalidArgumentError(
            f"Size to write must not be larger than value tensor; but saw: {sizes.reshape(-1, len(fields))[row, i]} > "
            f"{widths[i]} at message {row} field {i}"
        )


@kernel("EncodeProto")
def encode_proto(
    sizes: Array,
    *values: Array,
    field_names: tuple[str, ...],
    message_type: str,
    Tinput_types: tuple[DataType, ...],
    descriptor_source: str = "local://",
    context: Context,
) -> Array:
    """Messages […] of the first `sizes[…, i]` values of each field, fields in the order of their numbers.

    sizes: int32 […, fields]; values: per field […, most]. Raises InvalidArgumentError for what does not fit together.
    """
    message = find_message(message_type, descriptor_source, "EncodeProto", context)
    fields = fields_of(message, field_names)
    if len(values) != len(fields):
        raise InvalidArgumentError("Length of inputs list must match field_names")
    _check_encoded(sizes, fields, values, Tinput_types)
    shape = sizes.shape[:-1]
    counts = sizes.reshape(-1, len(fields))
    rows: list[list[bytes]] = [[] for _ in range(len(counts))]
    for i in sorted(range(len(fields)), key=lambda i: fields[i].number):
        _append(rows, fields[i], counts[:, i].tolist(), values[i].reshape(len(rows), values[i].shape[-1]))
    return as_array([b"".join(row) for row in rows], shape)


def _append(rows: list[list[bytes]], field: Field, counts: list[int], values: Array) -> None:
    """Writes the first values of one field, [rows, n], into all messages."""
    tag = _varint_bytes(field.number << 3 | (LENGTH_DELIMITED if field.packed else field.kind.wire_type))
    data, offsets = _wire_form(field, values)
    for number, (row, count) in enumerate(zip(rows, counts)):
        first = number * values.shape[1]
        if not field.packed:
            for at in range(first, first + count):
                row += (tag, data[offsets[at] : offsets[at + 1]])
        elif count:
            packed = data[offsets[first] : offsets[first + max(count, 0)]]
            row += (tag, _varint_bytes(len(packed)), packed)
