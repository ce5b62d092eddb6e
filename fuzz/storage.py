"""Fuzz targets of what is stored in containers: checkpoints, Riegeli files, split protos.

Targets whose name ends in `_sealed` get their input into a file with right checksums, so that what lies behind the
checksums is reached.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import google_crc32c
from google.protobuf.message import DecodeError

from fuzz.registry import folder, pack, target, unpack
from smcli.checkpoint import open_checkpoint, values
from smcli.checkpoint.slices import parse_spec
from smcli.proto.chunks_pb2 import ChunkedMessage, ChunkMetadata
from smcli.savedmodel.proto_split import merge, read_proto_split
from smcli.savedmodel.riegeli import read_records
from smcli.tensors.types import DataType
from tests.checkpoint.table_writer import assemble, block, masked
from tests.savedmodel.riegeli_writer import COMPRESSIONS, File, path_tags, split_file

FIXTURES = Path(__file__).parents[1] / "fixtures" / "checkpoints"
_SMALL = 30_000  # larger fixtures make no better seeds


def read_everything(prefix: Path) -> None:
    """Open a checkpoint and read all its variables; one that can not be read does not keep the others from it."""
    from smcli.errors import SmcliError

    failure: SmcliError | None = None
    with open_checkpoint(prefix) as checkpoint:
        for name in checkpoint.keys():  # noqa: SIM118 - a checkpoint is no dict
            try:
                entry = checkpoint.entry(name)
                value = checkpoint.tensor(name).numpy()
                assert value.shape == entry.shape, (name, value.shape, entry.shape)
                dims = " ".join(map(str, entry.shape))
                if all(entry.shape) and entry.shape:
                    checkpoint.tensor(name, f"{dims} " + ":".join(["0,1"] * len(entry.shape))).numpy()
            except SmcliError as error:
                failure = error
    if failure is not None:
        raise failure


# TensorBundle


def _bundles() -> list[str]:
    return [path.stem for path in sorted(FIXTURES.glob("*.index")) if path.stat().st_size < _SMALL]


def _index_seeds() -> list[bytes]:
    return [(FIXTURES / f"{name}.index").read_bytes() for name in _bundles()]


@target("index", _index_seeds)
def index(data: bytes) -> None:
    """PREFIX.index over the shard of `types`."""
    with folder() as path:
        (path / "ck.index").write_bytes(data)
        for name in ("ck.data-00000-of-00001", "ck.data-00000-of-00003"):
            (path / name).symlink_to(FIXTURES / "types.data-00000-of-00001")
        read_everything(path / "ck")


def _index_block_seeds() -> list[bytes]:
    from smcli.checkpoint.files import MappedFile
    from smcli.checkpoint.table import Table

    seeds = []
    for name in _bundles():
        rows = list(Table(MappedFile(name, (FIXTURES / f"{name}.index").read_bytes())).items())
        data = b"".join(path.read_bytes() for path in sorted(FIXTURES.glob(f"{name}.data-*")))
        seeds.append(pack(block(rows), data))
    return seeds


@target("index_sealed", _index_block_seeds)
def index_sealed(data: bytes) -> None:
    """The content of an index block, and a shard."""
    content, shard = unpack(data, 2)
    with folder() as path:
        (path / "ck.index").write_bytes(assemble([(b"\xff" * 9, content)], snappy=len(data) % 2 == 0))
        for name in ("ck.data-00000-of-00001", "ck.data-00000-of-00003"):
            (path / name).write_bytes(shard)
        read_everything(path / "ck")


def _data_seeds() -> list[bytes]:
    return [(FIXTURES / "types.data-00000-of-00001").read_bytes()]


@target("data", _data_seeds)
def data_shard(data: bytes) -> None:
    """A shard under the index of `types`."""
    with folder() as path:
        (path / "ck.index").symlink_to(FIXTURES / "types.index")
        (path / "ck.data-00000-of-00001").write_bytes(data)
        read_everything(path / "ck")


def _string_seeds() -> list[bytes]:
    return [
        pack(b"\x03", b"\x01\x00\x02", b"abc"),
        pack(b"\x02", b"\x80\x01\x05", b"x" * 133),
        pack(b"\x04", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x00", b""),
        pack(b"\x00", b"", b""),
    ]


@target("strings_sealed", _string_seeds)
def strings_sealed(data: bytes) -> None:
    """A string tensor: number of elements, varints of the lengths, text."""
    import numpy as np

    from smcli.errors import SmcliError

    count_bytes, lengths, text = unpack(data, 3)
    count = int.from_bytes(count_bytes[:2], "little")
    try:
        claimed, _ = values.varints(np.frombuffer(lengths + bytes(4), np.uint8), count)
    except SmcliError:
        claimed = []
    counted = b"".join(length.to_bytes(4 if length < 2**32 else 8, "little") for length in claimed)
    stored = lengths + masked(counted).to_bytes(4, "little") + text
    crc = google_crc32c.value(counted + masked(counted).to_bytes(4, "little") + text)
    crc = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    values.decode(np.frombuffer(stored, np.uint8), DataType.STRING, (count,), crc)


def _variant_seeds() -> list[bytes]:
    shard = (FIXTURES / "variants.data-00000-of-00001").read_bytes()
    seeds = []
    with open_checkpoint(FIXTURES / "variants") as checkpoint:
        for name in checkpoint.keys():  # noqa: SIM118 - a checkpoint is no dict
            stored = checkpoint._stored(name.encode(), name)  # type: ignore[attr-defined]
            element = shard[stored.offset : stored.offset + stored.size]
            if stored.shape == () and element[0] < 128:
                seeds.append(element[1 : 1 + element[0]])
    return seeds


@target("variants_sealed", _variant_seeds)
def variants_sealed(data: bytes) -> None:
    """A VariantTensorDataProto."""
    from smcli.checkpoint.variants import decode_variant
    from smcli.proto.tensor_pb2 import VariantTensorDataProto

    with contextlib.suppress(DecodeError):
        decode_variant(VariantTensorDataProto.FromString(data))


# V1


def _v1_seeds() -> list[bytes]:
    return [(FIXTURES / name).read_bytes() for name in ("v1", "partitioned_v1", "v1_sharded-00000-of-00002")]


@target("v1", _v1_seeds)
def v1(data: bytes) -> None:
    with folder() as path:
        (path / "ck").write_bytes(data)
        read_everything(path / "ck")


def _v1_block_seeds() -> list[bytes]:
    from smcli.checkpoint.files import MappedFile
    from smcli.checkpoint.table import Table

    return [block(list(Table(MappedFile("seed", seed)).items())) for seed in _v1_seeds()]


@target("v1_sealed", _v1_block_seeds)
def v1_sealed(data: bytes) -> None:
    """The content of the block of a V1 checkpoint."""
    v1(assemble([(b"\xff" * 9, data)], snappy=len(data) % 2 == 0))


def _spec_seeds() -> list[bytes]:
    return [b"10 20 0,10:-", b"4 6 2 2,2:1,5:-", b"3 -", b"9223372036854775807 0,9223372036854775807"]


@target("slice_spec", _spec_seeds)
def slice_spec(data: bytes) -> None:
    parse_spec(data.decode("utf-8", "surrogateescape"))


# Riegeli and split protos


def _messages() -> list[bytes]:
    return [
        b"",
        b"\x08\x01\x10\x96\x01\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x0d\1\2\3\4\x11\1\2\3\4\5\6\7\x08",
        b"\x0a\x06\x0a\x04\x0a\x02\x08\x07\x0a\x00\x10\x05",
        b"\xff\xfe not a message",
    ]


def _riegeli_seeds() -> list[bytes]:
    seeds = []
    for compression in COMPRESSIONS:
        for transposed in (False, True):
            file = File()
            (file.transposed if transposed else file.records)(_messages(), compression)
            file.chunk(b"p", bytes(10))
            seeds.append(bytes(file.data))
    return seeds


@target("riegeli", _riegeli_seeds)
def riegeli(data: bytes) -> None:
    read_records(data, "fuzz")


def _chunk_seeds() -> list[bytes]:
    seeds = []
    for seed in _riegeli_seeds():
        header = seed[64:104]
        size = int.from_bytes(header[8:16], "little")
        seeds.append(header[24:40] + seed[104 : 104 + size])
    return seeds


@target("riegeli_sealed", _chunk_seeds)
def riegeli_sealed(data: bytes) -> None:
    """Kind, number of records, decoded size and data of one chunk."""
    file = File()
    count = int.from_bytes(data[1:8], "little")
    file.chunk(data[:1] or b"r", data[16:], count % 100_000, int.from_bytes(data[8:16], "little"))
    read_records(bytes(file.data), "fuzz")


def _split_parts() -> tuple[list[tuple[str, bytes]], ChunkedMessage]:
    message = ChunkedMessage(chunk_index=0)
    for number, path in enumerate([(2, ("index", 0), 5, "value", 8, 4), (2, ("index", 0)), (), (7, ("i32", 1))], 1):
        item = message.chunked_fields.add()
        path_tags(item, path)
        item.message.chunk_index = number
    node = b"\x12\x12\x0a\x01n\x2a\x0d\x0a\x05value\x12\x04\x42\x02\x08\x01"
    return [
        ("message", node),
        ("bytes", b"content"),
        ("message", b"\x12\x01O"),
        ("message", b"\x0a\0"),
        ("message", b""),
    ], message


def _split_seeds() -> list[bytes]:
    return [split_file(*_split_parts(), compression=compression) for compression in COMPRESSIONS]


@target("proto_split", _split_seeds)
def proto_split(data: bytes) -> None:
    with folder() as path:
        (path / "saved_model.cpb").write_bytes(data)
        read_proto_split(path / "saved_model.cpb")


def _split_part_seeds() -> list[bytes]:
    chunks, message = _split_parts()
    return [pack(message.SerializeToString(), *[chunk for _, chunk in chunks])]


@target("proto_split_sealed", _split_part_seeds)
def proto_split_sealed(data: bytes) -> None:
    """A ChunkedMessage and five chunks."""
    from smcli.savedmodel.riegeli import Record

    instructions, *chunks = unpack(data, 6)
    metadata = ChunkMetadata()
    with contextlib.suppress(DecodeError):
        metadata.message.ParseFromString(instructions)
        records = []
        for position, chunk in enumerate(chunks):
            metadata.chunks.add(type=2 if position == 1 else 1, size=len(chunk), offset=position)  # type: ignore[arg-type]
            records.append(Record(position, chunk))
        merge([*records, Record(len(chunks), metadata.SerializeToString())])
