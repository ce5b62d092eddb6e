"""SSTables, the sorted maps from bytes to bytes that checkpoint indexes and V1 checkpoints are.

The format is LevelDB's (docs/formats.md, "SSTable"). Reading is lazy: opening decodes the footer and the index block,
a lookup reads the one block that can hold the key. Every offset and length is checked against what is there, and
every block against its checksum, before use.
"""

from __future__ import annotations

from collections.abc import Iterator

import google_crc32c

from smcli.checkpoint.files import MappedFile
from smcli.errors import DataLossError

FOOTER_SIZE = 48
MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
TRAILER_SIZE = 5  # compression type, then the masked CRC32C of the block and the type

_NO_COMPRESSION = 0
_SNAPPY = 1
_MAX_EXPANSION = 64  # a Snappy copy of 64 bytes takes at least 3, so a bigger claim is a lie
_MAX_KEY = 2**16
_MAX_VARINT64 = 10
_CACHED_BLOCKS = 64
_SEARCHES = 64  # lookups in one block after which decoding it whole is cheaper than searching again


def unmask(masked: int) -> int:
    """The CRC32C behind its stored form (tsl/lib/hash/crc32c.h, `Unmask`)."""
    rotated = (masked - 0xA282EAD8) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def mask(crc: int) -> int:
    """The form in which a CRC32C is stored beside the data that it covers."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def read_varint(data: bytes, position: int, end: int) -> tuple[int, int]:
    """The varint64 at `position` and the position after it. Raises ValueError when it does not end before `end`."""
    value = 0
    for index in range(_MAX_VARINT64):
        if position >= end:
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if value >> 64:
                break
            return value, position
    raise ValueError("bad varint")


class Block:
    """A sorted run of entries, each key stored as what it does not share with the key before.

    `name` is the file's name, for messages.
    """

    __slots__ = ("_all", "_data", "_end", "_name", "_restarts", "_searches")

    def __init__(self, data: bytes, name: str) -> None:
        self._data = data
        self._name = name
        self._all: dict[bytes, bytes] | None = None
        self._searches = 0
        if len(data) < 4:
            raise self._bad()
        count = int.from_bytes(data[-4:], "little")
        self._end = len(data) - 4 - 4 * count
        if self._end < 0 or (count == 0 and self._end > 0):
            raise self._bad()
        self._restarts = count

    def _bad(self) -> DataLossError:
        return DataLossError(f"{self._name}: bad entry in block")

    def _restart(self, index: int) -> int:
        start = self._end + 4 * index
        position = int.from_bytes(self._data[start : start + 4], "little")
        if position > self._end:
            raise self._bad()
        return position

    def entries_from(self, position: int) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values from a restart point to the end. Raises DataLossError for keys that are not in order."""
        data, end = self._data, self._end
        key, first = b"", True
        while position < end:
            header = data[position : position + 3]
            if len(header) == 3 and header[0] | header[1] | header[2] < 0x80:
                shared, unshared, size = header
                position += 3
            else:
                try:
                    shared, position = read_varint(data, position, end)
                    unshared, position = read_varint(data, position, end)
                    size, position = read_varint(data, position, end)
                except ValueError:
                    raise self._bad() from None
            value_start = position + unshared
            value_end = value_start + size
            if shared > len(key) or value_end > end or shared + unshared > _MAX_KEY:
                raise self._bad()
            previous, key = key, key[:shared] + data[position:value_start]
            if key <= previous and not first:
                raise DataLossError(f"{self._name}: keys are not in order")
            first = False
            yield key, data[value_start:value_end]
            position = value_end

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        return self.entries_from(0)

    def seek(self, key: bytes) -> tuple[bytes, bytes] | None:
        """The first entry whose key is not below `key`."""
        low, high = 0, self._restarts - 1  # the wanted entry is after restart `low` and not after restart `high + 1`
        while low < high:
            middle = (low + high + 1) // 2
            found = next(self.entries_from(self._restart(middle)), None)
            if found is not None and found[0] < key:
                low = middle
            else:
                high = middle - 1
        if high < 0:
            return None
        for entry in self.entries_from(self._restart(low)):
            if entry[0] >= key:
                return entry
        return None

    def get(self, key: bytes) -> bytes | None:
        """The value under exactly this key."""
        if self._all is None:
            self._searches += 1
            if self._searches <= _SEARCHES:
                found = self.seek(key)
                return found[1] if found is not None and found[0] == key else None
            self._all = dict(self.items())
        return self._all.get(key)


class Table:
    """An SSTable in a mapped file.

    Raises DataLossError, naming the file, when opened or read and the bytes are not what the format demands.
    """

    def __init__(self, file: MappedFile) -> None:
        self._file = file
        self._blocks: dict[int, Block] = {}
        if len(file) < FOOTER_SIZE:
            raise DataLossError(f"{file.name}: file is too short to be an sstable")
        footer = file.data[len(file) - FOOTER_SIZE :]
        if footer[-8:] != MAGIC:
            raise DataLossError(f"{file.name}: not an sstable (bad magic number)")
        _, _, position = self._handle(footer, 0, FOOTER_SIZE - 8)  # the meta-index, which holds nothing
        offset, size, _ = self._handle(footer, position, FOOTER_SIZE - 8)
        self._index = Block(self._contents(offset, size), file.name)

    @property
    def name(self) -> str:
        return self._file.name

    def _handle(self, data: bytes, position: int, end: int) -> tuple[int, int, int]:
        try:
            offset, position = read_varint(data, position, end)
            size, position = read_varint(data, position, end)
        except ValueError:
            raise DataLossError(f"{self._file.name}: bad block handle") from None
        return offset, size, position

    def _contents(self, offset: int, size: int) -> bytes:
        """The checked and decompressed bytes of a block."""
        name = self._file.name
        if offset + size + TRAILER_SIZE > len(self._file):
            raise DataLossError(f"{name}: truncated block read")
        block = self._file.data[offset : offset + size + 1]
        stored = int.from_bytes(self._file.data[offset + size + 1 : offset + size + TRAILER_SIZE], "little")
        if google_crc32c.value(block) != unmask(stored):
            raise DataLossError(f"{name}: block checksum mismatch")
        if block[-1] == _NO_COMPRESSION:
            return block[:-1]
        if block[-1] != _SNAPPY:
            raise DataLossError(f"{name}: bad block type {block[-1]}")
        import cramjam  # which few index files need

        try:
            length, _ = read_varint(block, 0, size)
            if length > size * _MAX_EXPANSION:
                raise ValueError
            data = bytes(cramjam.snappy.decompress_raw(block[:-1]))
        except (ValueError, cramjam.DecompressionError):
            raise DataLossError(f"{name}: corrupted compressed block contents") from None
        return data

    def _block(self, handle: bytes) -> Block:
        offset, size, _ = self._handle(handle, 0, len(handle))
        block = self._blocks.get(offset)
        if block is None:
            if len(self._blocks) >= _CACHED_BLOCKS:
                self._blocks.clear()
            block = self._blocks[offset] = Block(self._contents(offset, size), self._file.name)
        return block

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`, or None."""
        found = self._index.seek(key)
        return None if found is None else self._block(found[1]).get(key)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All entries in the order of their keys."""
        last: bytes | None = None
        for _, handle in self._index.items():
            for key, value in self._block(handle).items():
                if last is not None and key <= last:
                    raise DataLossError(f"{self._file.name}: keys are not in order")
                last = key
                yield key, value

    def all_keys(self) -> list[bytes]:
        """All keys in order. Raises DataLossError when sharing of prefixes makes them absurdly larger than the file."""
        budget = 2**25 + 64 * len(self._file)
        keys = []
        for key, _ in self.items():
            budget -= len(key)
            if budget < 0:
                raise DataLossError(f"{self._file.name}: the keys are too long to be true")
            keys.append(key)
        return keys
