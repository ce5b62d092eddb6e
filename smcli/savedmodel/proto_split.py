"""Puts a saved_model.cpb together: TensorFlow cuts protos above 2 GB into chunks, each a record of a Riegeli file.

The last record is a ChunkMetadata: which record goes to which place of the message, as paths of field numbers, indices
of repeated fields and map keys (docs/formats.md, "Proto splitter"; tensorflow/tools/proto_splitter). Merging is done on
the wire format, so it needs no descriptors and keeps fields that smcli does not know.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError

from smcli.checkpoint.files import map_file
from smcli.errors import DataLossError, InvalidArgumentError
from smcli.proto.chunks_pb2 import ChunkedField, ChunkedMessage, ChunkMetadata, FieldIndex
from smcli.savedmodel.riegeli import Record, read_records
from smcli.savedmodel.wire import LENGTH_DELIMITED, WireError, walk, written_varint

JOIN_VERSION = 0  # of the merging that is done here (tensorflow/tools/proto_splitter/version.py)
_MAX_DEPTH = 100  # protobuf parses no deeper

# One step of a path: a field's number, and which element of it: an index, a map key in wire format, or None.
Step = tuple[int, "int | bytes | None"]


@dataclass(slots=True)
class _Message:
    """What goes into one message: bytes to append, and what goes into its fields."""

    chunks: list[bytes] = field(default_factory=list)
    children: dict[Step, _Message] = field(default_factory=dict)
    replace: bool = False  # a bytes or string field, which has one value

    def at(self, path: list[Step]) -> _Message:
        message = self
        for step in path:
            message = message.children.setdefault(step, _Message())
        return message


def read_proto_split(path: str | os.PathLike[str]) -> bytes:
    """The serialised message that is stored in chunks in the file at `path`.

    Raises DataLossError when the file is damaged, InvalidArgumentError when it demands a newer reader, NotFoundError
    and the like when it can not be read; each names the file.
    """
    file = map_file(os.fspath(path))
    try:
        return merge(read_records(file.data, file.name))
    except (WireError, DecodeError) as error:
        raise DataLossError(f"{file.name}: the chunks can not be put together: {error}") from None
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{file.name}: {error.message}") from None


def merge(records: list[Record]) -> bytes:
    """The message in the chunks of a file, the last of which says how. Raises WireError, DecodeError.

    `records` is emptied, so that the chunks need not all be kept beside the message.
    """
    if not records:
        raise WireError("there are no records")
    metadata = ChunkMetadata.FromString(records[-1].data)
    if metadata.version.join_version > JOIN_VERSION or JOIN_VERSION in metadata.version.bad_consumers:
        raise InvalidArgumentError(f"the chunks must be joined as of version {metadata.version.join_version}")
    if not metadata.chunks or {chunk.offset for chunk in metadata.chunks} != {
        record.position for record in records[:-1]
    }:
        raise WireError("the last record does not describe the chunks")
    chunks = _Chunks(records, metadata)
    records.clear()
    root = _Message()
    _collect(root, metadata.message, chunks, 0)
    return _serialise(root, b"", 0)


class _Chunks:
    """The chunks of a file by their index in the metadata. Each is used once: merging can not multiply bytes."""

    def __init__(self, records: list[Record], metadata: ChunkMetadata) -> None:
        self._records = {record.position: record.data for record in records[:-1]}
        self._metadata = metadata

    def take(self, index: int) -> tuple[bytes, bool]:
        """A chunk, and whether it is the value of a bytes or string field rather than a message."""
        if index >= len(self._metadata.chunks):
            raise WireError(f"there is no chunk {index}")
        info = self._metadata.chunks[index]
        chunk = self._records.pop(info.offset, None)
        if chunk is None:
            raise WireError(f"chunk {index} is used twice")
        if len(chunk) != info.size:
            raise WireError(f"chunk {index} has {len(chunk)} bytes instead of {info.size}")
        return chunk, info.type == info.BYTES


def _collect(target: _Message, message: ChunkedMessage, chunks: _Chunks, depth: int) -> None:
    """Put the chunks that `message` names to where they go below `target`."""
    if depth > _MAX_DEPTH:
        raise WireError("chunks are nested too deeply")
    if message.HasField("chunk_index"):
        chunk, target.replace = chunks.take(message.chunk_index)
        target.chunks.append(chunk)
    # Elements of one field are merged in the order of their chunks, whatever order they are listed in.
    for item in sorted(message.chunked_fields, key=_chunk_index):
        path = list(_path(item))
        if depth + len(path) > _MAX_DEPTH:
            raise WireError("chunks are nested too deeply")
        _collect(target.at(path), item.message, chunks, depth + len(path))


def _chunk_index(item: ChunkedField) -> int:
    return item.message.chunk_index


def _path(item: ChunkedField) -> Iterator[Step]:
    """A field's tags as steps: an index or a map key belongs to the field number before it."""
    tags = list(item.field_tag)
    for position, tag in enumerate(tags):
        if tag.WhichOneof("kind") != "field":
            if position == 0 or tags[position - 1].WhichOneof("kind") != "field":
                raise WireError("an index or map key belongs to no field")
            continue
        if not 0 < tag.field < 2**29:
            raise WireError(f"no field has number {tag.field}")
        after = tags[position + 1] if position + 1 < len(tags) else None
        kind = after.WhichOneof("kind") if after is not None else None
        if after is not None and kind == "index":
            yield tag.field, after.index
        elif after is not None and kind == "map_key":
            yield tag.field, _map_key(after.map_key)
        else:
            yield tag.field, None


def _map_key(key: FieldIndex.MapKey) -> bytes:
    """A map key as the wire format has it: the bytes of a string, the varint of a number."""
    kind = key.WhichOneof("type")
    if kind is None:
        raise WireError("a map key has no value")
    if kind == "s":
        return b"s" + key.s.encode()
    return b"n" + written_varint(int(getattr(key, kind)) % 2**64)


def _serialise(message: _Message, base: bytes, depth: int) -> bytes:
    """The message that was `base`, with all that goes into it."""
    if message.replace:
        return message.chunks[-1]
    base = base + b"".join(message.chunks) if message.chunks else base
    if not message.children:
        return base
    changed = {number for number, _ in message.children}
    maps = {number for number, element in message.children if isinstance(element, bytes)}
    pending = dict(message.children)
    counts = dict.fromkeys(changed, 0)
    singles: dict[int, list[bytes]] = {}
    pieces: list[bytes] = []
    view = memoryview(base)
    kept = 0  # what is before this offset is in `pieces`
    for part in walk(view):
        if part.number not in changed or part.wire_type != LENGTH_DELIMITED:
            continue
        number, value = part.number, base[part.value : part.end]
        index = counts[number]
        counts[number] += 1
        if (number, None) in message.children:
            # The parts of a singular message stand for one message; it is written below.
            singles.setdefault(number, []).append(value)
            pieces.append(base[kept : part.start])
            kept = part.end
            continue
        elements: tuple[int | bytes, ...] = _keys_of(value) if number in maps else (index,)
        steps: list[Step] = [(number, element) for element in elements if (number, element) in pending]
        if not steps:
            continue
        step = steps[0]
        pieces += [base[kept : part.start], _element(step, pending.pop(step), value, depth)]
        kept = part.end
    pieces.append(base[kept:])
    for step, child in pending.items():
        number, element = step
        if isinstance(element, int):
            if element != counts[number]:
                raise WireError(f"field {number} has {counts[number]} elements; there can be none at index {element}")
            counts[number] += 1
        value = b"".join(singles.get(number, ())) if element is None else _new_element(element)
        pieces.append(_element(step, child, value, depth))
    return b"".join(pieces)


def _element(step: Step, child: _Message, value: bytes, depth: int) -> bytes:
    """A field of the wire format: the value, changed as `child` says."""
    number, element = step
    if isinstance(element, bytes):  # a map entry, whose value is its field 2
        value = _serialise(_Message(children={(2, None): child}), value, depth + 1)
    else:
        value = _serialise(child, value, depth + 1)
    return b"".join([written_varint(number << 3 | LENGTH_DELIMITED), written_varint(len(value)), value])


def _new_element(element: int | bytes) -> bytes:
    """What a new element of a repeated field, or a new entry of a map, has before anything is put in."""
    if isinstance(element, int):
        return b""
    key = element[1:]
    return b"\x0a" + written_varint(len(key)) + key if element[:1] == b"s" else b"\x08" + key


def _keys_of(entry: bytes) -> tuple[bytes, ...]:
    """The key of a map entry in the form of `_map_key`: two that it may mean when it is left out."""
    keys: tuple[bytes, ...] = (b"s", b"n\0")
    for part in walk(memoryview(entry)):
        if part.number == 1:
            keys = ((b"s" if part.wire_type == LENGTH_DELIMITED else b"n") + entry[part.value : part.end],)
    return keys
