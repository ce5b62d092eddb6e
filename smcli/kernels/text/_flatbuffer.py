"""FlatBuffers tables, read with every offset checked: https://flatbuffers.dev/internals/.

A table starts with the distance back to its vtable, which holds for each field where it is in the table, 0 for absent.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels.context import Array

_MAX_FIELDS = 64  # of one table; the models here have 14 at most


class Table:
    """One table of a buffer. `what` names it in errors, all of which are InvalidArgumentErrors."""

    def __init__(self, data: bytes, position: int, what: str) -> None:
        self._data = data
        self._what = what
        self._position = position
        vtable = position - self._number("<i", position)
        size = self._number("<H", vtable)
        if size < 4 or size % 2:
            raise self._error()
        count = min(size // 2 - 2, _MAX_FIELDS)
        self._fields = [self._number("<H", vtable + 4 + 2 * index) for index in range(count)]

    def _error(self) -> InvalidArgumentError:
        return InvalidArgumentError(f"The {self._what} can not be read: it is cut off or damaged")

    def _number(self, code: str, position: int) -> Any:
        if not 0 <= position <= len(self._data) - struct.calcsize(code):
            raise self._error()
        return struct.unpack_from(code, self._data, position)[0]

    def _place(self, field: int) -> int | None:
        offset = self._fields[field] if field < len(self._fields) else 0
        return self._position + offset if offset else None

    def scalar(self, field: int, code: str, default: Any = 0) -> Any:
        """A number, by its struct code."""
        place = self._place(field)
        return default if place is None else self._number(code, place)

    def flag(self, field: int) -> bool:
        return bool(self.scalar(field, "<B"))

    def _target(self, place: int) -> int:
        return place + int(self._number("<I", place))

    def table(self, field: int) -> Table | None:
        place = self._place(field)
        return None if place is None else Table(self._data, self._target(place), self._what)

    def _span(self, target: int, width: int) -> tuple[int, int]:
        """Where the items of a vector start, and how many there are."""
        count = int(self._number("<I", target))
        if count * width > len(self._data) - target - 4:
            raise self._error()
        return target + 4, count

    def vector(self, field: int, dtype: str) -> Array:
        """A vector of numbers; empty when absent."""
        place = self._place(field)
        if place is None:
            return np.zeros(0, dtype)
        start, count = self._span(self._target(place), np.dtype(dtype).itemsize)
        return np.frombuffer(self._data, dtype, count, start)

    def _string(self, target: int) -> bytes:
        start, count = self._span(target, 1)
        return self._data[start : start + count]

    def string(self, field: int) -> bytes:
        place = self._place(field)
        return b"" if place is None else self._string(self._target(place))

    def strings(self, field: int) -> list[bytes]:
        """A vector of strings; no more text in all than the buffer is long, for strings may share bytes."""
        place = self._place(field)
        if place is None:
            return []
        start, count = self._span(self._target(place), 4)
        found = [self._string(self._target(start + 4 * index)) for index in range(count)]
        if sum(map(len, found)) > len(self._data):
            raise self._error()
        return found


def root(data: bytes, what: str) -> Table:
    """The table that a buffer holds."""
    if len(data) < 8:
        raise InvalidArgumentError(f"The {what} can not be read: it has {len(data)} bytes")
    return Table(data, struct.unpack_from("<I", data)[0], what)
