"""Attrs of nodes as short text, for people who look at a graph. Short, whatever a file holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from smcli.errors import SmcliError
from smcli.graph.attrs import Attrs
from smcli.proto.graph_pb2 import AttrValue
from smcli.proto.tensor_pb2 import TensorProto
from smcli.proto.types_pb2 import TensorShapeProto
from smcli.tensors.types import REF_OFFSET, from_number

Shape = tuple[int | None, ...]

MOST_TEXT = 400  # characters of one attr
MOST_ITEMS = 24  # of a list
MOST_VALUES = 32  # of a tensor
MOST_RANK = 8  # of a tensor whose values are shown
MOST_DIMS = 254  # TensorFlow's own limit of a rank
_HIDDEN = ("_output_shapes", "config_proto")  # said in another place; serialised options of a session


def attr_texts(attrs: Attrs) -> dict[str, str]:
    """Attr name → text, sorted by name, those of TensorFlow's own bookkeeping last."""
    shown = sorted((name for name in attrs if name not in _HIDDEN), key=lambda name: (name.startswith("_"), name))
    return {cut(name): attr_text(attrs[name]) for name in shown}


def attr_text(value: AttrValue) -> str:
    """One attr: `True`, `[1, 2, 2, 1]`, `float32`, `"SAME"`, `f()`."""
    kind = value.WhichOneof("value")
    if kind is None:
        return "no value"
    if kind == "list":
        return cut("[" + ", ".join(_items(value)) + "]")
    return cut(_text(kind, getattr(value, kind)))


def cut(text: str, most: int = MOST_TEXT) -> str:
    """The text, its middle left out when it is longer than `most`."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-most // 2 + 1 :]}"


def _items(value: AttrValue) -> list[str]:
    for field, items in value.list.ListFields():
        more = [f"… ({len(items)} in all)"] if len(items) > MOST_ITEMS else []
        return [_text(field.name, item) for item in items[:MOST_ITEMS]] + more
    return []


def _text(kind: str, value: Any) -> str:
    if kind == "s":
        return _bytes_text(value)
    if kind == "type":
        return dtype_text(value)
    if kind == "shape":
        return shape_text(shape_of(value))
    if kind == "tensor":
        return tensor_text(value)
    if kind == "func":
        return f"{cut(value.name)}()"
    return f"{value:.6g}" if kind == "f" else str(value)


def _bytes_text(value: bytes) -> str:
    text = value[:MOST_TEXT].decode("utf-8", "backslashreplace")
    if not all(char.isprintable() or char in "\t\n" for char in text):
        return f"{len(value)} bytes"
    return f'"{text}{"…" if len(value) > MOST_TEXT else ""}"'


def dtype_text(number: int) -> str:
    """The name of a dtype by its number; a `_ref` follows that of a reference."""
    try:
        return from_number(number).tf_name + ("_ref" if number > REF_OFFSET else "")
    except ValueError:
        return f"dtype {number}"


def shape_of(proto: TensorShapeProto) -> Shape | None:
    """Dims with None for unknown ones; None for an unknown rank, or more dims than a tensor can have."""
    if proto.unknown_rank or len(proto.dim) > MOST_DIMS:
        return None
    return tuple([None if dim.size < 0 else dim.size for dim in proto.dim])


def shape_text(shape: Shape | None) -> str:
    """`[?, 3]`; `unknown` where the rank is."""
    return "unknown" if shape is None else f"[{', '.join('?' if size is None else str(size) for size in shape)}]"


def tensor_text(proto: TensorProto) -> str:
    """dtype and shape of a tensor, and its values when they are few."""
    shape = shape_of(proto.tensor_shape)
    head = f"{dtype_text(proto.dtype)} {shape_text(shape)}"
    values = few_values(proto)
    return head if values is None else f"{head}: {values}"


def few_values(proto: TensorProto) -> str | None:
    """The values of a small tensor as Python writes lists; None for a large one, or one that is broken."""
    shape = shape_of(proto.tensor_shape)
    if shape is None or None in shape or len(shape) > MOST_RANK or math.prod(size or 0 for size in shape) > MOST_VALUES:
        return None
    from smcli.tensors.wire import from_proto

    try:
        return cut(_values_text(from_proto(proto).tolist()))
    except SmcliError:
        return None


def _values_text(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, (bytes, str)):
        return f"[{', '.join([_values_text(item) for item in value])}]"
    if isinstance(value, bytes):
        return _bytes_text(value[: MOST_TEXT + 1])
    return f"{value:.6g}" if isinstance(value, float) else str(value)
