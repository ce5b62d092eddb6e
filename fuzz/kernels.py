"""Fuzz targets of kernels that read a format of their own: images, sound, examples, regular expressions, numbers, text.

They run through a session, as in a model, so that what becomes of an error is tested too.
"""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from fuzz.registry import pack, target, unpack
from smcli.graph.graph import Graph
from smcli.proto.graph_pb2 import GraphDef
from smcli.runtime.session import Session
from smcli.tensors.types import DataType
from tests import recorded
from tests.cases.protos import descriptors
from tests.graphs import node

FIXTURES = Path(__file__).parents[1] / "fixtures"
_STRING = DataType.STRING


@cache
def _session(op: str, inputs: int, **attrs: Any) -> Session:
    """A graph of one node `y` with string placeholders x0, x1, …"""
    names = [f"x{i}" for i in range(inputs)]
    nodes = [*(node(name, "Placeholder", dtype=_STRING) for name in names), node("y", op, *names, **attrs)]
    return Session(Graph(GraphDef(node=nodes)))


def _run(op: str, *values: bytes, fetches: tuple[str, ...] = ("y:0",), **attrs: Any) -> list[Any]:
    feeds = {f"x{i}:0": np.array(value, object) for i, value in enumerate(values)}
    return _session(op, len(values), **attrs).run(fetches, feeds)


def _images(*suffixes: str) -> list[bytes]:
    found = [path.read_bytes() for path in sorted((FIXTURES / "images").iterdir()) if path.suffix in suffixes]
    return [*found, *_recorded_strings("codecs", suffixes)]


def _recorded_strings(family: str, suffixes: tuple[str, ...]) -> list[bytes]:
    """What the recorded cases of image decoders are fed."""
    magics = {".jpg": b"\xff\xd8", ".png": b"\x89PNG", ".gif": b"GIF", ".bmp": b"BM", ".webp": b"RIFF"}
    wanted = tuple(magics[suffix] for suffix in suffixes)
    found = set()
    for row in recorded.read(family).values():
        for array in row.feeds.values():
            if array.dtype == object:
                found.update(text for text in array.ravel().tolist() if text.startswith(wanted) and len(text) < 3000)
    return sorted(found)[:40]


@target("images", lambda: _images(".jpg", ".png", ".gif", ".bmp"))
def images(data: bytes) -> None:
    for channels in (0, 3, 4):
        try:
            _run("DecodeImage", data, channels=channels, dtype=DataType.UINT8, expand_animations=channels != 3)
        except Exception:
            if channels == 4:
                raise


@target("webp", lambda: _images(".webp"))
def webp(data: bytes) -> None:
    _run("DecodeWebP", data, channels=(0, 3, 4)[len(data) % 3], dtype=DataType.UINT8)


@target("png", lambda: _images(".png"))
def png(data: bytes) -> None:
    """A PNG whose checksums are made right."""
    fixed, at = bytearray(data[:8]), 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 4 : at + 8 + size]
        fixed += data[at : at + 4] + body + zlib.crc32(body).to_bytes(4, "big")
        at += 12 + size
    _run("DecodePng", bytes(fixed), channels=len(data) % 5, dtype=DataType.UINT16)


@target("gif", lambda: _images(".gif"))
def gif(data: bytes) -> None:
    _run("DecodeGif", data)


@target("jpeg", lambda: _images(".jpg"))
def jpeg(data: bytes) -> None:
    _run("DecodeJpeg", data, channels=(0, 1, 3)[len(data) % 3], try_recover_truncated=len(data) % 2 == 0)


def _wav_seeds() -> list[bytes]:
    samples = np.arange(40, dtype="<i2").tobytes()
    head = b"WAVEfmt \x10\0\0\0\x01\0\x02\0\x80>\0\0\x00\xfa\0\0\x04\0\x10\0"
    body = head + b"data" + len(samples).to_bytes(4, "little") + samples
    return [b"RIFF" + (len(body) + 4).to_bytes(4, "little") + body]


@target("wav", _wav_seeds)
def wav(data: bytes) -> None:
    _run("DecodeWav", data, fetches=("y:0", "y:1"), desired_samples=(-1, 10, 10**6)[len(data) % 3])


def _family_strings(family: str, ops: tuple[str, ...]) -> list[bytes]:
    found = set()
    for row in recorded.read(family).values():
        if any(one.op in ops for one in GraphDef.FromString(row.graph).node):
            for array in row.feeds.values():
                if array.dtype == object:
                    found.update(text for text in array.ravel().tolist() if 0 < len(text) < 2000)
    return sorted(found)[:60]


@cache
def _family_sessions(family: str, op: str) -> list[tuple[Session, recorded.Recorded]]:
    rows = [row for row in recorded.read(family).values() if row.error is None and not row.init]
    rows = [row for row in rows if any(one.op == op for one in GraphDef.FromString(row.graph).node)]
    return [(Session.from_graph_def(GraphDef.FromString(row.graph)), row) for row in rows[:40]]


def _replayed(family: str, op: str, data: bytes) -> None:
    """One of the recorded graphs, with `data` in the place of one of the strings that are fed."""
    sessions = _family_sessions(family, op)
    session, row = sessions[zlib.crc32(data[:2]) % len(sessions)]
    feeds = dict(row.feeds)
    names = [name for name, array in feeds.items() if array.dtype == object and array.size]
    if names:
        name = names[len(data) % len(names)]
        feeds[name] = feeds[name].copy()
        feeds[name].reshape(-1)[0] = data
    session.run(row.fetches, feeds, row.targets)


for _name, _family, _op in (
    ("parse_example", "parsing", "ParseExampleV2"),
    ("parse_single_example", "parsing", "ParseSingleExample"),
    ("parse_sequence_example", "sequence_parsing", "ParseSequenceExampleV2"),
    ("csv", "serialization", "DecodeCSV"),
    ("json_example", "serialization", "DecodeJSONExample"),
    ("sparse_records", "sparse_records", "DeserializeSparse"),
    ("unicode_transcode", "unicode", "UnicodeTranscode"),
    ("unicode_decode", "unicode", "UnicodeDecodeWithOffsets"),
    ("string_to_number", "strings", "StringToNumber"),
):
    target(_name, lambda family=_family, op=_op: _family_strings(family, (op,)))(  # type: ignore[misc]
        lambda data, family=_family, op=_op: _replayed(family, op, data)  # type: ignore[misc]
    )


@target("parse_tensor", lambda: _family_strings("serialization", ("ParseTensor",)))
def parse_tensor(data: bytes) -> None:
    """As the type that the bytes say, when they say one."""
    claimed = data[1] if data[:1] == b"\x08" and len(data) > 1 else 1
    _run("ParseTensor", data, out_type=DataType(claimed) if claimed in iter(DataType) else DataType.FLOAT)


def _regex_seeds() -> list[bytes]:
    patterns = [
        b"a+b*c?", b"(a|b)+$", b"^\\s*([a-z]+)\\d{2,5}", b"[^\\w\\pL]", "(?i)straße".encode(),
        b"\\p{Greek}+", b"(a+)+$", b"(.*)(.*)(.*)x",
        b"\\bfoo\\b", b"[[:alpha:]]{0,30}", b"(?P<n>x)(?:y)?", b"\\Q.*\\E.", b"(x{1,30}){1,30}", b"\\x{1F600}|\\n",
    ]  # fmt: skip
    texts = [b"aab", b"a" * 30, "straße Ω".encode(), b"foo 12 bar\n", b"\xff\xfe"]
    return [pack(p, b"<\\1\\0>", texts[i % len(texts)]) for i, p in enumerate(patterns)]


_FIELDS = ("int32_v", "int32_r", "message_r", "group_v", "string_d", "sint64_p", "enum_d", "double_r")
_FIELD_TYPES = ("int32", "int32", "string", "string", "string", "int64", "int32", "float64")


def _message_seeds() -> list[bytes]:
    """Descriptors, a message, its fields, and their types."""
    whole = descriptors()
    small = FileDescriptorSet(file=whole.file[1:])
    old = b"\x28\x07\xc8\x06\x01\xc8\x06\x02\xfa\x06\x02\x08\x01\x53\x08\x05\x54\xf2\x13\x02\x01\x02"
    new = b"\x0a\x02\x01\x7f\x12\x01a\x1a\x00\x2a\x05\x0a\x01k\x10\x02\x30\x05"
    fields = [(",".join(_FIELDS), ",".join(_FIELD_TYPES)), ("a,s,b,kv,o1", "int32,string,string,string,int64")]
    made = ((whole, old, "t.All", fields[0]), (small, new, "t3.M", fields[1]))
    return [
        pack(files.SerializeToString(), data, name.encode(), names.encode(), kinds.encode())
        for files, data, name, (names, kinds) in made
    ]


@target("decode_proto", _message_seeds)
def decode_proto(data: bytes) -> None:
    source, message, name, fields, kinds = unpack(data, 5)
    one = node("y", "DecodeProtoV2", "x", sanitize=len(data) % 2 == 0)
    for key, value in (("descriptor_source", b"bytes://" + source), ("message_type", name)):
        one.attr[key].s = value
    one.attr["message_format"].s = b"text" if len(data) % 5 == 0 else b"binary"
    one.attr["field_names"].list.s.extend(fields.split(b","))
    types = {kind.tf_name: int(kind) for kind in DataType}
    one.attr["output_types"].list.type.extend(
        types.get(kind.decode("latin-1"), int(_STRING)) for kind in kinds.split(b",")
    )
    graph = GraphDef(node=[node("x", "Placeholder", dtype=_STRING), one])
    Session(Graph(graph)).run(["y:0"], {"x:0": np.array([message, b""], object)})


@target("regex", _regex_seeds)
def regex(data: bytes) -> None:
    pattern, rewrite, text = unpack(data, 3)
    _run("RegexFullMatch", text, pattern)
    _run("RegexReplace", text, pattern, rewrite, replace_global=len(data) % 2 == 0)


def _inflate_seeds() -> list[bytes]:
    return [zlib.compress(b"some text " * 20), zlib.compress(b"\0" * 100_000), b"plain"]


@target("inflate", _inflate_seeds)
def inflate(data: bytes) -> None:
    _run("DecodeCompressed", data, compression_type=("ZLIB", "GZIP", "")[len(data) % 3])


def _format_seeds() -> list[bytes]:
    return [pack(b"a {} b {}", b"{}"), pack(b"%s", b"%s"), pack(b"", b"")]


@target("string_format", _format_seeds)
def string_format(data: bytes) -> None:
    template, placeholder = (part.decode("latin-1") for part in unpack(data, 2))
    graph = GraphDef(node=[node("x", "Placeholder", dtype=_STRING), node("y", "StringFormat", "x", template=template)])
    graph.node[1].attr["placeholder"].s = placeholder.encode("latin-1")
    graph.node[1].attr["T"].list.type.append(int(_STRING))
    Session(Graph(graph)).run(["y:0"], {"x:0": np.array([data, b"b"], object)})
