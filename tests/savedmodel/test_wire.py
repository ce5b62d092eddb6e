"""The wire walker: what it finds, and what it refuses."""

from __future__ import annotations

import pytest

from smcli.proto.saved_model_pb2 import MetaGraphDef, SavedModel
from smcli.savedmodel import wire


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**32, 2**63, 2**64 - 1])
def test_varint(number: int) -> None:
    data = b"\xff" + _varint(number) + b"\xff"
    assert wire.read_varint(memoryview(data), 1, len(data)) == (number, len(data) - 1)
    assert wire.written_varint(number) == data[1:-1]


@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"\xff" * 9, b"\xff" * 10, b"\x80" * 10 + b"\x01", b"\xff" * 9 + b"\x02"]
)
def test_bad_varint(data: bytes) -> None:
    with pytest.raises(wire.WireError, match="number at byte 0"):
        wire.read_varint(memoryview(data), 0, len(data))


def test_fields_are_found_with_their_places() -> None:
    data = b"\x08\x96\x01" + b"\x12\x03abc" + b"\x1d\x01\x02\x03\x04" + b"\x21" + bytes(8)
    fields = list(wire.walk(memoryview(data)))
    assert [(f.number, f.wire_type) for f in fields] == [
        (1, wire.VARINT),
        (2, wire.LENGTH_DELIMITED),
        (3, wire.FIXED32),
        (4, wire.FIXED64),
    ]
    assert data[fields[1].value : fields[1].end] == b"abc"
    assert [f.start for f in fields] == [0, *[f.end for f in fields[:-1]]]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x12\x04abc", "ends after the message"),
        (b"\x12" + _varint(2**63), "ends after the message"),
        (b"\x09" + bytes(7), "ends after the message"),
        (b"\x0d" + bytes(3), "ends after the message"),
        (b"\x02\x00", "no field has number 0"),
        (_varint(2**32 << 3) + b"\x00", "no field has number"),
        (b"\x0b\x0c", "wire type 3"),
        (b"\x0c", "wire type 4"),
        (b"\x0e", "wire type 6"),
        (b"\x0f", "wire type 7"),
        (b"\x08", "cut off"),
    ],
)
def test_broken_framing_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(wire.WireError, match=words):
        list(wire.walk(memoryview(data)))


def test_every_truncation_is_refused_or_ends_between_fields() -> None:
    model = SavedModel(saved_model_schema_version=1)
    for name in ("a", "b" * 200):
        model.meta_graphs.add(meta_info_def=MetaGraphDef.MetaInfoDef(tags=[name]))
    data = model.SerializeToString()
    whole = {field.end for field in wire.walk(memoryview(data))} | {0}
    for length in range(len(data)):
        if length in whole:
            list(wire.walk(memoryview(data), 0, length))
        else:
            with pytest.raises(wire.WireError):
                list(wire.walk(memoryview(data), 0, length))
