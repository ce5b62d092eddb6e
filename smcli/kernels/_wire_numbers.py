"""The integers of a small serialised message: what ops carry in attrs named dimension_numbers."""

from __future__ import annotations

from smcli.errors import InvalidArgumentError


def _varint(data: bytes, at: int, otherwise: str) -> tuple[int, int]:
    """A varint and the position after it. Raises InvalidArgumentError at the end of the data."""
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise InvalidArgumentError(otherwise)


def numbers_of(text: str, otherwise: str) -> dict[int, list[int]]:
    """The integers in a serialised message by field number; repeated fields packed or not.

    Raises InvalidArgumentError that says `otherwise` for anything else.
    """
    data = text.encode("utf-8", "surrogateescape")
    fields: dict[int, list[int]] = {}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at, otherwise)
        value, at = _varint(data, at, otherwise)
        values = fields.setdefault(tag >> 3, [])
        if tag & 7 == 0:
            values.append(value)
            continue
        end = at + value
        if tag & 7 != 2 or end > len(data):
            raise InvalidArgumentError(otherwise)
        while at < end:
            value, at = _varint(data, at, otherwise)
            values.append(value)
    return fields
