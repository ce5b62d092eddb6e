"""Walks the top-level fields of a serialised protocol buffer without decoding it.

Only the framing is read: tags, varints and lengths, each checked against the end of the buffer before it is used
(https://protobuf.dev/programming-guides/encoding/). What a field holds is left to the generated messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from smcli.errors import SmcliError

VARINT, FIXED64, LENGTH_DELIMITED, START_GROUP, END_GROUP, FIXED32 = range(6)
_FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
_MAX_VARINT_BYTES = 10
_MAX_FIELD_NUMBER = 2**29 - 1


class WireError(SmcliError):
    """The bytes are not a protocol buffer; the text says at which offset they stop to be one."""


class Field(NamedTuple):
    """One field of a message, as offsets into the buffer.

    start: where the tag begins; value: where the value begins (after its length, if it has one); end: one past the
    value.
    """

    number: int
    wire_type: int
    start: int
    value: int
    end: int


def read_varint(buffer: memoryview, offset: int, end: int) -> tuple[int, int]:
    """An unsigned varint that starts at `offset`, and the offset after it. Raises WireError when it passes `end`."""
    result = 0
    for index in range(min(_MAX_VARINT_BYTES, end - offset)):
        byte = buffer[offset + index]
        result |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            if result >= 2**64:
                break
            return result, offset + index + 1
    raise WireError(f"a number at byte {offset} is cut off or too long")


def written_varint(value: int) -> bytes:
    """An unsigned number as a varint."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def walk(buffer: memoryview, start: int = 0, end: int | None = None) -> Iterator[Field]:
    """The fields of the message in `buffer[start:end]`, in stored order.

    Raises WireError for anything that is not a whole field; groups, which no SavedModel has, are not fields here.
    """
    if end is None:
        end = len(buffer)
    offset = start
    while offset < end:
        tag, value = read_varint(buffer, offset, end)
        number, wire_type = tag >> 3, tag & 7
        if not 0 < number <= _MAX_FIELD_NUMBER:
            raise WireError(f"no field has number {number} (byte {offset})")
        if wire_type == VARINT:
            after = read_varint(buffer, value, end)[1]
        elif wire_type == LENGTH_DELIMITED:
            length, value = read_varint(buffer, value, end)
            after = value + length
        elif wire_type in _FIXED_SIZES:
            after = value + _FIXED_SIZES[wire_type]
        else:
            raise WireError(f"no field has wire type {wire_type} (byte {offset})")
        if after > end:
            raise WireError(f"field {number} at byte {offset} ends after the message")
        yield Field(number, wire_type, offset, value, after)
        offset = after
