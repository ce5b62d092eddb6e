"""Messages of types that a descriptor set in an attr describes, to tensors and back."""

from __future__ import annotations

import struct

import numpy as np
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet

from smcli.tensors.types import DataType
from tests.cases import case

TYPES = [
    "double",
    "float",
    "int64",
    "uint64",
    "int32",
    "fixed64",
    "fixed32",
    "bool",
    "string",
    "group",
    "message",
    "bytes",
    "uint32",
    "enum",
    "sfixed32",
    "sfixed64",
    "sint32",
    "sint64",
]
PLAIN = [name for name in TYPES if name not in ("group", "message")]
NUMERIC = [name for name in PLAIN if name not in ("string", "bytes")]
DTYPES = {
    **{name: (name,) for name in ("int64", "uint64", "bool", "string")},
    **dict.fromkeys(("int32", "sfixed32", "sint32"), ("int32", "int64")),
    **dict.fromkeys(("fixed32", "uint32"), ("uint32", "uint64")),
    **dict.fromkeys(("sfixed64", "sint64"), ("int64",)),
    **dict.fromkeys(("group", "message", "bytes"), ("string",)),
    "fixed64": ("uint64",),
    "double": ("float64",),
    "float": ("float32", "float64"),
    "enum": ("int32",),
}
DEFAULTS = {"double": "2.5", "float": "-1.5", "bool": "true", "string": "hey", "bytes": "a\\001b", "enum": "BLUE"}


def descriptors() -> FileDescriptorSet:
    """t.All has a field of each type: x_v, repeated x_r, with a default x_d, packed x_p; t3.M is of proto3."""
    files = FileDescriptorSet()
    old = files.file.add(name="t2.proto", package="t", syntax="proto2")
    colour = old.enum_type.add(name="Color")
    for name, number in (("RED", 3), ("GREEN", 0), ("BLUE", -5)):
        colour.value.add(name=name, number=number)
    inner = old.message_type.add(name="Inner")
    inner.field.add(name="x", number=1, type=FieldDescriptorProto.TYPE_INT32, label=1)
    inner.field.add(name="s", number=2, type=FieldDescriptorProto.TYPE_STRING, label=1)
    whole = old.message_type.add(name="All")
    for suffix in ("_v", "_r"):
        group = whole.nested_type.add(name=f"Group{suffix}")
        group.field.add(name="a", number=1, type=FieldDescriptorProto.TYPE_INT32, label=1)
    named = {"message": ".t.Inner", "enum": ".t.Color"}
    for number, name in enumerate(TYPES, 1):
        for base, suffix, label in ((0, "_v", 1), (100, "_r", 3), (200, "_d", 1), (300, "_p", 3)):
            if (suffix == "_d" and name not in PLAIN) or (suffix == "_p" and name not in NUMERIC):
                continue
            field = whole.field.add(name=name + suffix, number=base + number, type=number, label=label)
            type_name = f".t.All.Group{suffix}" if name == "group" else named.get(name)
            if type_name:
                field.type_name = type_name
            if suffix == "_d":
                field.default_value = DEFAULTS.get(name, "7")
            if suffix == "_p":
                field.options.packed = True
    new = files.file.add(name="t3.proto", package="t3", syntax="proto3")
    message = new.message_type.add(name="M")
    message.field.add(name="a", number=1, type=FieldDescriptorProto.TYPE_INT32, label=3)
    message.field.add(name="s", number=2, type=FieldDescriptorProto.TYPE_STRING, label=1)
    message.field.add(name="b", number=3, type=FieldDescriptorProto.TYPE_BYTES, label=3)
    entry = message.nested_type.add(name="KvEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=FieldDescriptorProto.TYPE_STRING, label=1)
    entry.field.add(name="value", number=2, type=FieldDescriptorProto.TYPE_INT64, label=1)
    message.field.add(name="kv", number=5, type=FieldDescriptorProto.TYPE_MESSAGE, label=3, type_name=".t3.M.KvEntry")
    message.oneof_decl.add(name="o")
    message.field.add(name="o1", number=6, type=FieldDescriptorProto.TYPE_INT64, label=1, oneof_index=0)
    message.field.add(name="o2", number=7, type=FieldDescriptorProto.TYPE_STRING, label=1, oneof_index=0)
    return files


SOURCE = b"bytes://" + descriptors().SerializeToString()
NO_FILE = descriptors()
NO_FILE.file[0].dependency.append("nowhere.proto")


def varint(number: int) -> bytes:
    number &= 2**64 - 1
    octets = bytearray()
    while number > 127:
        octets.append(number & 127 | 128)
        number >>= 7
    return bytes([*octets, number])


def tag(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)


def text(number: int, value: bytes) -> bytes:
    return tag(number, 2) + varint(len(value)) + value


def decode(rows, *names: str, message: str = "t.All", source: bytes = SOURCE, label: str = "", **more):
    """A row whose fields are named `field` or `field:dtype`."""
    types = [name.partition(":")[2] or DTYPES.get(name.rpartition("_")[0], ("string",))[0] for name in names]
    fields = [name.partition(":")[0] for name in names]
    return case(
        "DecodeProtoV2",
        _label=label,
        bytes=np.array(rows, object),
        message_type=message,
        **{"field_names": fields, "output_types": types, "descriptor_source": source, **more},
    )


def encode(sizes, *fields, message: str = "t.All", source: bytes = SOURCE, **more):
    """A row whose fields are pairs of a name and an array."""
    return case(
        "EncodeProto",
        sizes=np.array(sizes, np.int32),
        values=[value for _, value in fields],
        **{"field_names": [name for name, _ in fields], "message_type": message, "descriptor_source": source, **more},
    )


def numbers(name: str, dtype: str) -> np.ndarray:
    """Values [2, 3] of a type of field, at its edges."""
    if dtype == "bool":
        return np.array([[True, False, True], [False, True, True]])
    if dtype.startswith("float"):
        return np.array([[1.5, -np.inf, 1e-40], [np.nan, 0.1, -0.0]], dtype)
    if dtype == "string":
        return np.array([[b"a", b"", b"\xff\x00"], [b"x" * 200, b"b", b"c"]], object)
    info = np.iinfo(dtype if name.endswith("64") or name == "enum" else dtype.replace("64", "32"))
    return np.array([[0, 1, info.max], [info.min, 127, 128]], dtype)


GROUP = tag(10, 3) + tag(1, 0) + b"\1" + tag(10, 4)
MANY = tag(105, 0) + b"\3" + tag(105, 0) + varint(-1)
PACKED = {
    "int32": b"\x01\x82\x01\x05",
    "float": struct.pack("<3f", 1, 2, -3),
    "double": struct.pack("<2d", 1, 2),
    "bool": b"\x00\x01\x07",
    "sint32": varint(5) + varint(2**32 - 1),
    "sint64": varint(2**64 - 1) + varint(2**63),
    "enum": varint(-5) + varint(99),
    "fixed32": b"\xff\xff\xff\xff",
    "sfixed64": b"\xff" * 16,
    "uint64": varint(2**64 - 1) + b"\1",
}
CASES = [
    # What each type looks like, wherever it stands.
    decode([b"", b"\x08\x01"[:0]], *(f"{name}_v" for name in TYPES), label="absent"),
    decode([b""], *(f"{name}_r" for name in TYPES), label="absent_repeated"),
    decode([b""], *(f"{name}_d" for name in PLAIN), label="defaults"),
    *(
        decode([b"", text(300 + TYPES.index(name) + 1, data)], f"{name}_p:{dtype}")
        for name, data in PACKED.items()
        for dtype in DTYPES[name]
    ),
    *(decode([text(100 + TYPES.index(name) + 1, data)], f"{name}_r") for name, data in PACKED.items()),
    *(decode([text(1 + TYPES.index(name), data)], f"{name}_v", label="packed_single") for name, data in PACKED.items()),
    decode(
        [
            b"".join(tag(number, 0) + varint(value) for value in (2**40 + 7, -7, 2**63 + 1))
            for number in (103, 104, 105, 108, 113, 114, 117, 118)
        ],
        *(f"{name}_r" for name in ("int64", "uint64", "int32", "bool", "uint32", "enum", "sint32", "sint64")),
        *("int32_r:int64", "uint32_r:uint64", "sint32_r:int64"),
    ),
    decode([text(305, b"".join(map(varint, range(-50, 5000, 37))))], "int32_p"),
    decode([text(303, b"".join(map(varint, np.linspace(-(2**62), 2**62, 99).astype(int).tolist())))], "int64_p"),
    # Several in a message.
    decode([tag(5, 0) + b"\5" + tag(5, 0) + b"\6"], "int32_v", label="twice"),
    decode([text(9, b"a") + text(9, b"b")], "string_v", label="twice"),
    decode([struct.pack("<Bf", 21, 2.5) + struct.pack("<Bf", 21, 3.5)], "float_v", label="twice"),
    *(
        decode([text(11, tag(1, 0) + b"\5") + text(11, text(2, b"q"))], "message_v", label="twice", sanitize=sanitize)
        for sanitize in (False, True)
    ),
    decode([tag(305, 0) + b"\3" + text(305, b"\x09\x08") + tag(305, 0) + b"\4"], "int32_p", label="mixed"),
    decode([text(5, b"\7\x08\x09") + tag(5, 0) + b"\2"], "int32_v", label="packed_then_plain"),
    decode([tag(5, 0) + b"\2" + text(5, b"\7\x08\x09")], "int32_v", label="plain_then_packed"),
    decode([text(5, b"")], "int32_v", label="packed_empty"),
    decode([text(205, b"\1")], "int32_d", label="packed_with_a_default"),
    decode(
        [tag(102, 5) + struct.pack("<f", 1e-40) + text(102, struct.pack("<f", -1e-40))], "float_r", "float_r:float64"
    ),
    decode([text(302, struct.pack("<f", 1e-40))], "float_p:float64"),
    decode([GROUP], "group_v"),
    decode([(tag(110, 3) + tag(1, 0) + b"\1" + tag(110, 4)) * 2, b""], "group_r"),
    decode([tag(999, 3) + tag(1, 3) + tag(1, 4) + tag(999, 4) + tag(5, 0) + b"\x09"], "int32_v", label="strange_group"),
    decode([tag(999, 0) + b"\1" + text(1000, b"zz") + tag(5, 0) + b"\2"], "int32_v", label="strange_fields"),
    decode([tag(5, 5) + b"\1\2\3\4"], "int32_v", label="wrong_wire_type"),
    decode([tag(9, 0) + b"\1"], "string_v", label="wrong_wire_type"),
    decode([tag(105, 5) + b"\1\2\3\4" + tag(105, 0) + b"\4"], "int32_r", label="wrong_wire_type"),
    decode([b"\xa8\x80\x80\x80\x10\x05"], "int32_v", label="long_tag"),
    decode([b"\xa8\x80\x80\x80\x80\x80\x01\x05"], "int32_v", label="longer_tag"),
    decode([tag(3, 0) + b"\xff" * 9 + b"\x7f"], "int64_v", label="long_varint"),
    decode([text(5, text(1, b"k") + tag(2, 0) + b"\4") + text(5, text(1, b"j"))], "kv:string", message="t3.M"),
    *(
        decode([tag(6, 0) + b"\4" + text(7, b"x")], "o1:int64", "o2:string", message="t3.M", sanitize=sanitize)
        for sanitize in (False, True)
    ),
    *(decode([text(2, b"\xff")], "s:string", message="t3.M", sanitize=sanitize) for sanitize in (False, True)),
    *(decode([tag(14, 0) + varint(77)], "enum_v", sanitize=sanitize) for sanitize in (False, True)),
    # Shapes and attrs.
    decode([[b"", MANY]], "int32_r"),
    decode(MANY, "int32_r"),
    decode(np.array([], object), "int32_r"),
    decode([b"", MANY]),
    decode([MANY + text(9, b"q")], "string_v", "int32_r"),
    decode([MANY], "int32_r", "int32_r:int64", label="twice_asked"),
    *(decode([b""], f"{name}_v:{dtype}") for name in ("int32", "enum", "string") for dtype in ("float32", "string")),
    decode([b""], "nope:int32"),
    decode([b""], "int32_v", message="t.Nope"),
    decode([b""], "int32_v", message=".t.All"),
    decode([b""], "int32_v", output_types=["int32", "int32"]),
    decode([b""], "int32_v", message_format="json"),
    *(decode([b""], "int32_v", source=source) for source in (b"bytes://", b"bytes://zz", b"")),
    decode([b""], "int32_v", source=b"bytes://" + NO_FILE.SerializeToString()),
    decode([text(1, b"abc") * 2, b""], "value:string", message="tensorflow.BytesList", source=b"local://"),
    decode([b"\x08\x01"], "dtype:int32", message="tensorflow.TensorProto", source=b"local://"),
    decode([text(1, b"u")], "type_url:string", "value:string", message="google.protobuf.Any", source=b"local://"),
    decode([b""], "x:int32", message="tensorflow.Nothing", source=b"local://"),
    # Text.
    *(
        decode([value], *names, message_format="text", label="text")
        for value, names in [
            (
                b"int32_v: 5 string_v: 'a\\nb' message_v { x: 4 } enum_v: BLUE int32_r: [1,2] int32_p: 4",
                ("int32_v", "string_v", "message_v", "enum_v", "int32_r", "int32_p"),
            ),
            (b"enum_v: 3 enum_r: -5 # said\nfloat_v: inf, double_v: -1e3; bool_v: t", ("enum_v", "enum_r", "bool_v")),
            (b"float_v: nan double_v: 0x10", ("float_v", "double_v")),
            (b"float_v: 1.5f double_v: 1e400", ("float_v", "double_v")),
            (b"Group_v { a: 1 }", ("group_v",)),
            (b"", ("int32_v", "int32_d")),
            (b"int32_v: x", ("int32_v",)),
            (b"zzz: 1", ("int32_v",)),
            (b"enum_v: 99", ("enum_v",)),
            (b"message_v { x: 4", ("message_v",)),
            (b"int32_v: 5000000000", ("int32_v",)),
            (b"int32_v: 1 int32_v: 2", ("int32_v",)),
        ]
    ),
    # Bytes that are no message.
    *(
        decode([b"", data], *names, label="damaged", sanitize=sanitize)
        for sanitize in (False, True)
        for data, names in [
            (text(9, b"abc")[:-1], ("string_v",)),
            (text(9, b"abc")[:-1], ("int32_v",)),
            (b"\x80", ("string_v",)),
            (b"\x00\x01", ("int32_v",)),
            (tag(9, 6) + b"\0", ("int32_v",)),
            (tag(999, 7) + b"\0", ("int32_v",)),
            (GROUP[:-1], ("group_v",)),
            (tag(5, 0) + b"\1" + tag(999, 4), ("int32_v",)),
            (tag(5, 0) + b"\xff" * 10 + b"\1", ("int32_v",)),
            (text(302, b"\1\2\3\4\5"), ("float_p",)),
            (text(305, b"\1\x82"), ("int32_p",)),
            (tag(9, 2) + varint(2**63), ("string_v",)),
            (tag(9, 2) + varint(2**64 - 1), ("string_v",)),
            (tag(2, 5) + b"\1\2", ("float_v",)),
        ]
    ),
    decode([text(9, b"abc")[:-1]], label="damaged_unread"),
    # Encoding.
    *(
        encode([[3], [2]], (f"{name}{suffix}", numbers(name, dtype)))
        for suffix in ("_v", "_r", "_p")
        for name in (NUMERIC if suffix == "_p" else TYPES)
        for dtype in DTYPES[name]
    ),
    *(
        encode([[1]], (f"{name}_v", np.array([[1]], dtype)))
        for name in ("double", "float", "int32", "uint64", "bool")
        for dtype in ("int32", "float32", "float64", "int64", "uint8")
        if dtype not in DTYPES[name]
    ),
    encode([[1, 2]], ("int32_v", np.array([[5]], np.int32)), ("string_r", np.array([[b"a", b"b"]], object))),
    encode([[2, 1]], ("string_r", np.array([[b"a", b"b"]], object)), ("int32_v", np.array([[5]], np.int32))),
    encode([[1, 1]], ("int32_v", np.array([[5]], np.int32)), ("int32_v", np.array([[6]], np.int32))),
    *(encode([[size]], ("int32_r", np.array([[5, 6]], np.int32))) for size in (0, 1, -1, 3)),
    *(encode([[size]], ("int32_p", np.array([[5, 600]], np.int32))) for size in (0, 1, -1, 3)),
    encode([[2]], ("a", np.array([[5, 600]], np.int32)), message="t3.M"),
    encode([[1]], ("s", np.array([[b"\xff"]], object)), message="t3.M"),
    encode([[[2]], [[1]]], ("int32_r", np.arange(4, dtype=np.int32).reshape(2, 1, 2))),
    *(encode(sizes, ("int32_r", np.array([[5, 6]], np.int32))) for sizes in ([[2, 1]], [[2], [1]], 1, [1])),
    *(encode([1], ("int32_r", np.array(value, np.int32))) for value in (5, [5])),
    encode([[1, 1]], ("int32_v", np.array([[5]], np.int32)), ("int32_r", np.array([[5], [6]], np.int32))),
    encode(np.zeros((0, 1)), ("int32_r", np.zeros((0, 2), np.int32))),
    *(encode([[size]], ("int32_r", np.zeros((1, 0), np.int32))) for size in (0, 1)),
    encode([[1]], ("nope", np.array([[5]], np.int32))),
    encode([[1]], ("int32_v", np.array([[5]], np.int32)), message="t.Nope"),
    encode([[1]], ("int32_v", np.array([[5]], np.int32)), field_names=["int32_v", "int32_r"]),
    encode([[1]], ("value", np.array([[b"zz"]], object)), message="tensorflow.BytesList", source=b"local://"),
]
assert {data_type.tf_name for data_type in DataType} >= {name for names in DTYPES.values() for name in names}
