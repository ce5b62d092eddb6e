"""Decodes transposed chunks of Riegeli files, where serialised messages lie column by column.

A chunk holds a state machine whose nodes each write one piece of a message (a field, the begin or end of a submessage
or of a record), buffers with the values that the nodes take, and the transitions between nodes. Messages are written
backwards, the last field of the last record first. See docs/formats.md, "Riegeli".
"""

from __future__ import annotations

from dataclasses import dataclass

from smcli.savedmodel.riegeli import Chunk, decompress
from smcli.savedmodel.wire import (
    END_GROUP,
    FIXED32,
    FIXED64,
    LENGTH_DELIMITED,
    START_GROUP,
    VARINT,
    WireError,
    read_varint,
    written_varint,
)

# What stands in place of a field's tag in nodes that write no field.
NO_OP, NON_PROTO, START_OF_SUBMESSAGE, START_OF_MESSAGE = range(4)
END_OF_SUBMESSAGE = 6  # as a wire type: the tag with it instead of LENGTH_DELIMITED

INLINE = 10  # subtypes of varint fields: below, the length minus one; from here on, the value itself
_MAX_INLINE = INLINE + 0x7F
_MAX_UINT32 = 2**32 - 1
_EXTRA_STEPS = 64


@dataclass(slots=True)
class _Node:
    """kind: one of the constants above, or the wire type of a field.
    tag: the tag as written, with the value after it when that is inline. size: of the value in `buffer`."""

    kind: int
    tag: bytes
    size: int
    buffer: int
    next: int
    implicit: bool


_FIELD = 8  # kinds from here on are fields: _FIELD + wire type
_END_OF_SUBMESSAGE = _FIELD + END_OF_SUBMESSAGE


class _Reader:
    """A cursor in a run of bytes."""

    __slots__ = ("position", "view")

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self.view = memoryview(data)
        self.position = 0

    def varint32(self) -> int:
        value, self.position = read_varint(self.view, self.position, len(self.view))
        if value > _MAX_UINT32:
            raise WireError(f"the number {value} has more than 32 bits")
        return value

    def varint64(self) -> int:
        value, self.position = read_varint(self.view, self.position, len(self.view))
        return value

    def take(self, size: int) -> bytes:
        end = self.position + size
        if end > len(self.view):
            raise WireError("a buffer is too short")
        taken = bytes(self.view[self.position : end])
        self.position = end
        return taken

    @property
    def left(self) -> int:
        return len(self.view) - self.position


def decode_transposed(chunk: Chunk) -> list[bytes]:
    """The records of a transposed chunk. Raises WireError."""
    source = _Reader(chunk.data)
    compression = source.take(1)[0]
    # Each node, buffer and bucket takes some bytes of the header, which so may not be absurdly larger than the chunk.
    limit = chunk.decoded_size + 1000 * len(chunk.data)
    header = _Reader(decompress(memoryview(source.take(source.varint64())), compression, limit))
    buffers = _read_buffers(header, source, compression, limit)
    nodes = _read_nodes(header, len(buffers))
    first = header.varint32()
    if first >= len(nodes) or header.left:
        raise WireError("the state machine of a transposed chunk has no proper end")
    _refuse_implicit_loops(nodes)
    transitions = decompress(memoryview(source.take(source.left)), compression, limit)
    return _run(chunk, nodes, buffers, first, bytes(transitions))


def _read_buffers(header: _Reader, source: _Reader, compression: int, limit: int) -> list[_Reader]:
    """The values, in buffers that follow one another in buckets, each bucket compressed on its own."""
    bucket_count, buffer_count = header.varint32(), header.varint32()
    if bucket_count > header.left or buffer_count > header.left:
        raise WireError("a transposed chunk claims more buffers than its header describes")
    buckets = []
    for _ in range(bucket_count):
        bucket = decompress(memoryview(source.take(header.varint64())), compression, limit)
        limit -= len(bucket)
        buckets.append(_Reader(bucket))
    buffers: list[_Reader] = []
    index = 0
    for _ in range(buffer_count):
        while index < len(buckets) - 1 and not buckets[index].left and buffers:
            index += 1
        if index >= len(buckets):
            raise WireError("a transposed chunk has buffers but no buckets")
        buffers.append(_Reader(buckets[index].take(header.varint64())))
    if any(bucket.left for bucket in buckets):
        raise WireError("a transposed chunk has more data than buffers")
    return buffers


def _read_nodes(header: _Reader, buffer_count: int) -> list[_Node]:
    count = header.varint32()
    if 2 * count > header.left:
        raise WireError("a transposed chunk claims more nodes than its header describes")
    tags = [header.varint32() for _ in range(count)]
    following = [header.varint32() for _ in range(count)]
    subtypes = _Reader(header.take(sum(tag > START_OF_MESSAGE and tag & 7 == VARINT for tag in tags)))

    def buffer_index() -> int:
        index = header.varint32()
        if index >= buffer_count:
            raise WireError(f"there is no buffer {index}")
        return index

    nodes = []
    for tag, after in zip(tags, following):
        implicit = after >= count
        target = after - count if implicit else after
        if target >= count:
            raise WireError(f"there is no node {target}")
        if tag <= START_OF_MESSAGE:
            buffer = buffer_index() if tag == NON_PROTO else 0
            nodes.append(_Node(tag, b"", 0, buffer, target, implicit))
            continue
        wire_type = tag & 7
        if tag < 8 or wire_type > END_OF_SUBMESSAGE:
            raise WireError(f"no field has the tag {tag}")
        written = written_varint(tag - END_OF_SUBMESSAGE + LENGTH_DELIMITED if wire_type == END_OF_SUBMESSAGE else tag)
        node = _Node(_FIELD + wire_type, written, 0, 0, target, implicit)
        if wire_type == VARINT:
            subtype = subtypes.take(1)[0]
            if subtype > _MAX_INLINE:
                raise WireError(f"no field has the subtype {subtype}")
            if subtype < INLINE:
                node.size, node.buffer = subtype + 1, buffer_index()
            else:
                node.tag += bytes([subtype - INLINE])
        elif wire_type in (FIXED32, FIXED64, LENGTH_DELIMITED):
            node.size = {FIXED32: 4, FIXED64: 8}.get(wire_type, 0)
            node.buffer = buffer_index()
        nodes.append(node)
    return nodes


def _refuse_implicit_loops(nodes: list[_Node]) -> None:
    """Nodes that follow one another without a transition must come to an end."""
    seen = [0] * len(nodes)
    for walk, _ in enumerate(nodes, 1):
        index = walk - 1
        while not seen[index]:
            seen[index] = walk
            if not nodes[index].implicit:
                break
            index = nodes[index].next
            if seen[index] == walk:
                raise WireError("the nodes of a transposed chunk go round in circles")


def _run(chunk: Chunk, nodes: list[_Node], buffers: list[_Reader], first: int, transitions: bytes) -> list[bytes]:
    """Walk the nodes and write the records, last piece first."""
    pieces: list[bytes] = []  # what is written, to be reversed
    written = 0
    limits: list[tuple[int, int]] = []  # for each record, from the last: how many pieces and bytes are written after it
    open_submessages: list[tuple[int, bytes]] = []  # where they end, and their tags
    lengths = buffers[-1] if buffers else _Reader(b"")  # of records that are no messages

    def write(piece: bytes) -> None:
        nonlocal written
        pieces.append(piece)
        written += len(piece)
        if written > chunk.decoded_size:
            raise WireError(f"the chunk at byte {chunk.begin} holds more than {chunk.decoded_size} bytes")

    def start_message() -> None:
        if open_submessages or len(limits) == chunk.record_count:
            raise WireError(f"the records of the chunk at byte {chunk.begin} are not in order")
        limits.append((len(pieces), written))

    node = nodes[first]
    position, repeats = 0, int(node.implicit)
    # Nodes without output could be walked for ever in a small chunk; no honest one has many of them in a row.
    steps = _EXTRA_STEPS * (len(transitions) + chunk.decoded_size + chunk.record_count + len(nodes))
    while True:
        steps -= 1
        if steps < 0:
            raise WireError(f"the state machine of the chunk at byte {chunk.begin} does not come to an end")
        kind = node.kind
        if kind == _END_OF_SUBMESSAGE:
            open_submessages.append((written, node.tag))
        elif kind == START_OF_SUBMESSAGE:
            if not open_submessages:
                raise WireError(f"a submessage of the chunk at byte {chunk.begin} begins but does not end")
            end, tag = open_submessages.pop()
            write(tag + written_varint(written - end))
        elif kind == START_OF_MESSAGE:
            start_message()
        elif kind == NON_PROTO:
            write(buffers[node.buffer].take(lengths.varint32()))
            start_message()
        elif kind == _FIELD + VARINT and node.size:
            value = buffers[node.buffer].take(node.size)
            write(node.tag + bytes([byte | 0x80 for byte in value[:-1]]) + value[-1:])
        elif kind == _FIELD + LENGTH_DELIMITED:
            buffer = buffers[node.buffer]
            start = buffer.position
            size = buffer.varint32()
            size += buffer.position - start
            buffer.position = start
            write(node.tag + buffer.take(size))
        elif kind in (_FIELD + FIXED32, _FIELD + FIXED64):
            write(node.tag + buffers[node.buffer].take(node.size))
        elif kind in (_FIELD + VARINT, _FIELD + START_GROUP, _FIELD + END_GROUP):
            write(node.tag)
        if repeats == 0:
            if position == len(transitions):
                break
            byte = transitions[position]
            position += 1
            index = node.next + (byte >> 2)
            if index >= len(nodes):
                raise WireError(f"there is no node {index}")
            node = nodes[index]
            repeats = (byte & 3) + int(node.implicit)
        else:
            node = nodes[node.next]
            repeats -= int(not node.implicit)
    if open_submessages or len(limits) != chunk.record_count or written != chunk.decoded_size:
        raise WireError(f"the records of the chunk at byte {chunk.begin} are not complete")
    if (limits[-1] if limits else (0, 0)) != (len(pieces), written):
        raise WireError(f"the first record of the chunk at byte {chunk.begin} has no begin")
    records, start = [], 0
    for end, _ in limits:
        records.append(b"".join(reversed(pieces[start:end])))
        start = end
    return records[::-1]
