"""TensorBundle: PREFIX.index, an SSTable of entries by variable name, and PREFIX.data-NNNNN-of-NNNNN, the bytes.

Opening reads the index's header; a shard is mapped when the first of its tensors is used, and a tensor is read and
checked against its CRC32C when `LazyTensor.numpy` is called. Behaviour is that of
tensorflow/core/util/tensor_bundle/tensor_bundle.cc, `BundleReader`.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError

from smcli.checkpoint import slices, values
from smcli.checkpoint.assemble import part, paste
from smcli.checkpoint.base import Checkpoint, Entry, check_version, decode_name, encode_name
from smcli.checkpoint.files import MappedFile, map_file
from smcli.checkpoint.slices import Bounds, TensorSlice
from smcli.checkpoint.table import Table
from smcli.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    OutOfRangeError,
    UnimplementedError,
)
from smcli.proto.checkpoint_pb2 import BundleEntryProto, BundleHeaderProto
from smcli.tensors import wire
from smcli.tensors.lazy import LazyTensor
from smcli.tensors.types import DataType, from_number

Array = np.ndarray[Any, Any]


class Stored(NamedTuple):
    """One run of bytes in a shard and the tensor that it is."""

    name: str
    dtype: DataType
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    crc32c: int
    slices: tuple[TensorSlice, ...] = ()


class Bundle(Checkpoint):
    """The checkpoint with the index PREFIX.index."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._table = Table(map_file(f"{prefix}.index"))
        self._shards: dict[int, MappedFile] = {}
        self._num_shards = self._read_header()

    def _read_header(self) -> int:
        name = self._table.name
        data = self._table.get(b"")
        if data is None:
            raise DataLossError(f"Unable to read file ({name}): it has no header entry")
        try:
            header = BundleHeaderProto.FromString(data)
        except DecodeError:
            raise DataLossError(f"Unable to read file ({name}): unable to parse header") from None
        if header.endianness != BundleHeaderProto.LITTLE:
            raise UnimplementedError(
                f"{name}: the checkpoint was written on a big-endian machine; smcli reads little-endian"
            )
        check_version(header.version, name)
        if header.num_shards < 0:
            raise DataLossError(f"{name}: the checkpoint has {header.num_shards} shards")
        return header.num_shards

    def keys(self) -> list[str]:
        # Slices of partitioned variables stand under keys that begin with a NUL; the header under the empty key.
        return [decode_name(key) for key in self._table.all_keys() if key[:1] > b"\0"]

    def entry(self, name: str | bytes) -> Entry:
        stored = self._stored(encode_name(name), decode_name(name))
        return Entry(stored.dtype, stored.shape, stored.slices)

    def tensor(self, name: str | bytes, slice_spec: str | bytes = "") -> LazyTensor:
        stored = self._stored(encode_name(name), decode_name(name))
        if not slice_spec:
            return LazyTensor(stored.dtype, stored.shape, partial(self._load, stored, None))
        full_shape, wanted = slices.parse_spec(decode_name(slice_spec))
        if full_shape != stored.shape:
            raise InvalidArgumentError(
                f"tensor_name = {stored.name}; shape in shape_and_slice spec {slices.shape_text(full_shape)} "
                f"does not match the shape stored in checkpoint: {slices.shape_text(stored.shape)}"
            )
        shape = tuple(end - start for start, end in wanted.bounds(full_shape))
        return LazyTensor(stored.dtype, shape, partial(self._load, stored, wanted))

    def close(self) -> None:
        self._shards.clear()

    def _stored(self, key: bytes, name: str) -> Stored:
        """The entry under `key`. Raises NotFoundError, or DataLossError for one that makes no sense."""
        data = self._table.get(key) if key else None
        if data is None:
            raise NotFoundError(f"Key {name} not found in checkpoint")
        where = f"{self._table.name}: entry for key {name}"
        try:
            proto = BundleEntryProto.FromString(data)
            dtype = from_number(proto.dtype)
        except DecodeError:
            raise DataLossError(f"{where} not parseable") from None
        except ValueError:
            raise DataLossError(f"{where} has the unknown data type {proto.dtype}") from None
        dims = proto.shape
        shape = tuple([dim.size for dim in dims.dim[:]])
        if dims.unknown_rank or (shape and min(shape) < 0):
            raise DataLossError(f"Invalid tensor shape: {name} {list(shape)} in {self._table.name}")
        if dtype is DataType.INVALID or dtype is DataType.RESOURCE:
            raise DataLossError(f"{where} has the data type {dtype.tf_name}")
        parts = tuple([slices.from_proto(item, where) for item in proto.slices[:]])
        return Stored(name, dtype, shape, proto.shard_id, proto.offset, proto.size, proto.crc32c, parts)

    def _load(self, stored: Stored, wanted: TensorSlice | None) -> Array:
        if stored.slices:
            return self._assemble(stored, wanted or slices.full_slice(len(stored.shape)))
        value = self._read(stored)
        return value if wanted is None else part(value, wanted.bounds(stored.shape))

    def _read(self, stored: Stored) -> Array:
        """The checked value of an entry that is not cut into slices."""
        shard = self._shard(stored)
        where = f"{stored.name} in {shard.name}"
        try:
            count = wire.checked_size(stored.shape)
        except InvalidArgumentError as error:
            raise DataLossError(f"{error.message}: variable {where}") from None
        expected = count * stored.dtype.numpy.itemsize
        if not stored.dtype.is_object and stored.size != expected:
            raise DataLossError(
                f"Invalid size in bundle entry: key {stored.name}; stored size {stored.size}; "
                f"expected size {expected}: variable {where}"
            )
        if stored.offset < 0 or stored.size < 0:
            raise DataLossError(f"Bundle entry with offset {stored.offset} and size {stored.size}: variable {where}")
        if stored.offset + stored.size > len(shard):
            raise OutOfRangeError(
                f"Read less bytes than requested: variable {where} ends at {stored.offset + stored.size}, "
                f"the file at {len(shard)}"
            )
        data = np.frombuffer(shard.data, np.uint8, stored.size, stored.offset) if stored.size else np.empty(0, np.uint8)
        try:
            return values.decode(data, stored.dtype, stored.shape, stored.crc32c)
        except values.ChecksumError as error:
            raise DataLossError(
                f"TensorBundle at {self.prefix} shard {stored.shard} ({stored.size} bytes): {error}: variable {where}"
            ) from None
        except OpError as error:
            raise type(error)(f"{error.message}: variable {where}") from None

    def _shard(self, stored: Stored) -> MappedFile:
        if not 0 <= stored.shard < self._num_shards:
            raise DataLossError(
                f"{self._table.name}: entry for key {stored.name} is in shard {stored.shard} of {self._num_shards}"
            )
        shard = self._shards.get(stored.shard)
        if shard is None:
            path = f"{self.prefix}.data-{stored.shard:05d}-of-{self._num_shards:05d}"
            shard = self._shards[stored.shard] = map_file(path)
        return shard

    def _assemble(self, full: Stored, wanted: TensorSlice) -> Array:
        """Put the wanted part of a partitioned variable together from the slices that hold some of it."""
        where = f"variable {full.name} in {self._table.name}"
        cover = slices.cover(where, full.shape, full.slices, wanted)
        pieces = {item: self._stored_slice(full, item, bounds) for item, bounds in cover.items()}
        self._refuse_shared_bytes(full, list(pieces.values()))
        return paste(
            where,
            full.dtype,
            wanted.bounds(full.shape),
            [(bounds, partial(self._read, pieces[item])) for item, bounds in cover.items()],
        )

    def _stored_slice(self, full: Stored, item: TensorSlice, bounds: Bounds) -> Stored:
        """The entry of one slice. Raises DataLossError when it is not of the type and shape that the variable says."""
        stored = self._stored(slices.slice_key(encode_name(full.name), item), f"{full.name} slice {item}")
        shape = tuple(end - start for start, end in bounds)
        if stored.slices or stored.dtype is not full.dtype or stored.shape != shape:
            raise DataLossError(f"{self._table.name}: {stored.name} is not the part that {full.name} says it is")
        return stored._replace(slices=())

    def _refuse_shared_bytes(self, full: Stored, pieces: list[Stored]) -> None:
        """Each piece must have bytes of its own, so that what is assembled can not be larger than the files."""
        end = (-1, 0)
        for shard, offset, size in sorted((piece.shard, piece.offset, piece.size) for piece in pieces):
            if (shard, offset) < end:
                raise DataLossError(f"{self._table.name}: slices of {full.name} share bytes")
            end = (shard, offset + max(size, 0))
