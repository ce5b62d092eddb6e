"""Records of TFRecord files, plain or compressed with gzip or zlib: read and written.

A record is its length in 8 bytes, the masked CRC-32C of these in 4, its bytes, and their masked CRC-32C
(tensorflow/core/lib/io/record_reader.cc).
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import IO, cast

import google_crc32c

from smcli.checkpoint.table import mask
from smcli.errors import DataLossError, SmcliError
from smcli.inputs.files import open_file

SUFFIXES = (".tfrecord", ".tfrecords", ".tfrecord.gz", ".tfrecords.gz", ".tfrecord.zlib", ".tfrecords.zlib")
MAX_RECORD_BYTES = 2**30
MAX_TOTAL_BYTES = 2**31  # of what a compressed file may become
_GZIP_MAGIC = b"\x1f\x8b"
_HEAD_BYTES = 12


def read_records(path: str) -> Iterator[bytes]:
    """The records of a file, one after the other.

    Raises NotFoundError and its kin when the file can not be opened, DataLossError when it is damaged or cut short.
    """
    file, _ = open_file(path)
    with file:
        stream, total, number = _decompressed(file, path), 0, 0
        while head := _read(stream, _HEAD_BYTES, path, number):
            length = int.from_bytes(head[:8], "little")
            if mask(google_crc32c.value(head[:8])) != int.from_bytes(head[8:], "little"):
                raise DataLossError(f"{path}: the length of record {number} is damaged")
            total += length
            if length > MAX_RECORD_BYTES or total > MAX_TOTAL_BYTES:
                raise SmcliError(f"{path}: record {number} is larger than smcli reads")
            body = _read(stream, length + 4, path, number, is_begun=True)
            if mask(google_crc32c.value(body[:length])) != int.from_bytes(body[length:], "little"):
                raise DataLossError(f"{path}: record {number} is damaged")
            yield body[:length]
            number += 1


def _decompressed(file: IO[bytes], path: str) -> IO[bytes]:
    """The bytes of the file, whatever it is compressed with. A plain one begins with a length that checks out."""
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    if head.startswith(_GZIP_MAGIC):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if len(head) >= 2 and head[0] & 0x0F == 8 and (head[0] << 8 | head[1]) % 31 == 0 and not _is_plain(head):
        return io.BytesIO(_inflated(file, path))
    return file


def _is_plain(head: bytes) -> bool:
    return len(head) == _HEAD_BYTES and mask(google_crc32c.value(head[:8])) == int.from_bytes(head[8:], "little")


def _inflated(file: IO[bytes], path: str) -> bytes:
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(file.read(), MAX_TOTAL_BYTES)
    except zlib.error as error:
        raise DataLossError(f"{path}: {error}") from None
    if inflate.unconsumed_tail:
        raise SmcliError(f"{path} holds more than smcli decompresses")
    if not inflate.eof:
        raise DataLossError(f"{path} is cut short")
    return data


def _read(stream: IO[bytes], count: int, path: str, number: int, is_begun: bool = False) -> bytes:
    """`count` bytes, or none at the end of the file when no record is begun."""
    try:
        data = stream.read(count)
    except (OSError, EOFError, zlib.error) as error:  # gzip raises all three
        raise DataLossError(f"{path}: {error}") from None
    if len(data) < count and (data or is_begun):
        raise DataLossError(f"{path}: record {number} is cut short")
    return data


def write_records(file: IO[bytes], records: Iterable[bytes], name: str) -> None:
    """Write records; compressed with gzip or zlib where the name of the file ends with .gz or .zlib."""
    if name.lower().endswith(".gz"):
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
            _write(packed.write, records)
    elif name.lower().endswith(".zlib"):
        deflate = zlib.compressobj()
        _write(lambda data: file.write(deflate.compress(data)), records)
        file.write(deflate.flush())
    else:
        _write(file.write, records)


def _write(write: Callable[[bytes], object], records: Iterable[bytes]) -> None:
    for record in records:
        head = len(record).to_bytes(8, "little")
        write(head + _checksum(head) + record + _checksum(record))


def _checksum(data: bytes) -> bytes:
    return mask(google_crc32c.value(data)).to_bytes(4, "little")


def selected(path: str, index: str | None) -> list[bytes]:
    """The records that `index` picks: all for None, one for "3", some for "2:5", ":10", "7:" and "-2:".

    Raises SmcliError for an index that is none or beyond the end.
    """
    records = list(read_records(path))
    if index is None:
        return records
    start, colon, stop = (part.strip() for part in index.partition(":"))
    try:
        if colon:
            return records[slice(int(start) if start else None, int(stop) if stop else None)]
        return [records[int(start)]]
    except ValueError:
        raise SmcliError(f"{path}[{index}]: records are picked by a number or by a slice such as [2:5]") from None
    except IndexError:
        raise SmcliError(f"{path}[{index}]: the file has {len(records)} records") from None
