"""Cases of the tables, changed: other values, shapes, dtypes and attrs, drawn by the op's schema.

A case that is known to work is the best place to start from: one change away from it are the inputs that kernels
disagree about, where a draw from nothing would be refused for its first argument. What is changed is the recorded graph
and what it is fed, so that every op of the tables can be drawn, those in graphs of many nodes too.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from smcli.graph.schema import Arg, Schema, find_schema
from smcli.proto.graph_pb2 import GraphDef, NodeDef
from smcli.tensors import wire
from smcli.tensors.types import DataType, by_name
from tests.parity.referee import Question
from tests.parity.strategies import arrays
from tests.parity.strategies.arrays import Array
from tests.recorded import Recorded

BIG_INTS = [2**31 - 1, -(2**31), 2**31, 2**40]
TYPES = ["float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
         "uint64", "complex64", "complex128", "bool", "string", "qint8", "quint8", "qint32"]  # fmt: skip
TEXTS = ["", "A", "SAME", "VALID", "NHWC", "NCHW", "UTF-8", "%s", ",", "(", "a|b", "\\1", "ab,bc->ac", "true"]


@dataclass
class Drawn:
    """A case under change; `changes` says what was done, `start` with which case it began."""

    start: str
    graph: GraphDef
    feeds: dict[str, Array]
    fetches: list[str]
    targets: list[str]
    init: list[str]
    runs: int
    changes: list[str] = field(default_factory=list)

    def question(self) -> Question:
        return Question(
            self.graph.SerializeToString(deterministic=True),
            self.feeds,
            self.fetches,
            self.targets,
            self.init,
            self.runs,
        )

    def __repr__(self) -> str:
        nodes = [node for node in self.graph.node if node.op not in ("Placeholder", "Const")]
        shown = " ".join(str(nodes[0]).split()) if len(nodes) == 1 else f"{len(nodes)} nodes"
        fed = "\n".join(
            f"{name} {array.dtype}{list(array.shape)} {array.tolist()}" for name, array in self.feeds.items()
        )
        return f"{self.start}: {'; '.join(self.changes)}\n{shown}\n{fed}"


def start(row: Recorded) -> Drawn:
    return Drawn(
        row.id,
        GraphDef.FromString(row.graph),
        dict(row.feeds),
        row.fetches,
        row.targets,
        row.init,
        max(1, len(row.runs)),
    )


Change = Callable[[st.DrawFn, Drawn, str], str | None]
"""Changes the case and says how, or returns None where there is nothing to change. The string is the op to change."""


# Where values are: what is fed, and constants of the graph.


def _node(drawn: Drawn, name: str) -> NodeDef | None:
    name = name.lstrip("^").partition(":")[0]
    return next((node for node in drawn.graph.node if node.name == name), None)


def _constants(drawn: Drawn) -> list[NodeDef]:
    return [node for node in drawn.graph.node if node.op == "Const"]


def _sources(drawn: Drawn) -> list[str]:
    """Names under which `_get` and `_set` know an array: those fed, thrice as likely, and constants."""
    return list(drawn.feeds) * 3 + [node.name for node in _constants(drawn)]


def _get(drawn: Drawn, source: str) -> tuple[Array, DataType]:
    node = _node(drawn, source)
    assert node is not None
    data_type = DataType(node.attr["dtype"].type)
    if source in drawn.feeds:
        return drawn.feeds[source], data_type
    return wire.from_proto(node.attr["value"].tensor), data_type


def _set(drawn: Drawn, source: str, array: Array, data_type: DataType) -> None:
    node = _node(drawn, source)
    assert node is not None
    node.attr["dtype"].type = int(data_type)
    if source in drawn.feeds:
        drawn.feeds[source] = array
    else:
        node.attr["value"].tensor.CopyFrom(wire.to_proto(np.asarray(array), data_type))


def _pick(draw: st.DrawFn, drawn: Drawn) -> str | None:
    sources = [name for name in _sources(drawn) if _get(drawn, name)[1] not in (DataType.RESOURCE, DataType.VARIANT)]
    return draw(st.sampled_from(sources)) if sources else None


# Values.


def _new_values(draw: st.DrawFn, drawn: Drawn, op: str) -> str | None:
    source = _pick(draw, drawn)
    if source is None:
        return None
    array, data_type = _get(drawn, source)
    _set(drawn, source, draw(arrays.arrays(array.dtype, array.shape)), data_type)
    return f"new values in {source}"


def _some_values(draw: st.DrawFn, drawn: Drawn, op: str) -> str | None:
    """One or a few elements become edge values, or go one up or down."""
    source = _pick(draw, drawn)
    if source is None:
        return None
    array, data_type = _get(drawn, source)
    if not array.size:
        return None
    array = array.copy()
    flat = array.reshape(-1)
    for _ in range(draw(st.integers(1, 3))):
        where = draw(st.integers(0, flat.size - 1))
        near: list[Any] = []
        if array.dtype.kind in "iu":
            info = np.iinfo(array.dtype)
            near = [v for v in (int(flat[where]) - 1, int(flat[where]) + 1) if info.min <= v <= info.max] * 4
        flat[where] = draw(st.sampled_from(near + arrays.edges(array.dtype)))
    _set(drawn, source, array, data_type)
    return f"edges in {source}"


def _swap(draw: st.DrawFn, drawn: Drawn, op: str) -> str | None:
    """Two inputs of one dtype change places, or one is given twice."""
    first = _pick(draw, drawn)
    if first is None:
        return None
    a, data_type = _get(drawn, first)
    others = [s for s in _sources(drawn) if s != first and _get(drawn, s)[1] is data_type]
    if not others:
        return None
    second = draw(st.sampled_from(others))
    b, _ = _get(drawn, second)
    _set(drawn, first, b, data_type)
    if draw(st.booleans()):
        _set(drawn, second, a, data_type)
    return f"{first} and {second} swapped or equal"


# Shapes.


def _other_shape(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape near the given one."""
    out = list(shape)
    kind = draw(st.sampled_from(["any", "scalar", "insert", "drop", "dim", "dim", "dim", "move"]))
    if kind == "any":
        return draw(arrays.shapes())
    if kind == "scalar":
        return ()
    if kind == "insert":
        out.insert(draw(st.integers(0, len(out))), draw(st.sampled_from([1, 1, 2, 0])))
    elif out:
        where = draw(st.integers(0, len(out) - 1))
        if kind == "drop":
            del out[where]
        elif kind == "dim":
            out[where] = draw(st.sampled_from([0, 1, 2, out[where] + 1, max(0, out[where] - 1), 2 * out[where]]))
        else:
            out.insert(0, out.pop(where))
    return tuple(out)


def _affordable(shape: tuple[int, ...]) -> bool:
    return math.prod(shape) <= 1 << 14 and len(shape) <= arrays.MAX_RANK


def _new_shape(draw: st.DrawFn, drawn: Drawn, op: str) -> str | None:
    source = _pick(draw, drawn)
    if source is None:
        return None
    array, data_type = _get(drawn, source)
    shape = _other_shape(draw, array.shape)
    if not _affordable(shape):
        return None
    _set(drawn, source, arrays.resized(array, shape), data_type)
    return f"{source} of shape {shape}"


def _all_of_a_shape(draw: st.DrawFn, drawn: Drawn, op: str) -> str | None:
    """All inputs of one shape get another."""
    source = _pick(draw, drawn)
    if source is None:
        return None
    old = _get(drawn, source)[0].shape
    new = _other_shape(draw, old)
    if not _affordable(new):
        return None
    for name in dict.fromkeys(_sources(drawn)):
        array, data_type = _get(drawn, name)
        if array.shape == old:
            _set(drawn, name, arrays.resized(array, new), data_type)
    return f"all of shape {old} now {new}"


def _all_of_a_dim(draw: st.DrawFn, drawn: Drawn, op: str) -> str | None:
    """All dims of one size get another, so that what fitted still fits."""
    source = _pick(draw, drawn)
    if source is None or not _get(drawn, source)[0].shape:
        return None
    old = draw(st.sampled_from(_get(drawn, source)[0].shape))
    new = draw(st.sampled_from([0, 1, 2, 3, old + 1, max(0, old - 1), 2 * old]))
    for name in dict.fromkeys(_sources(drawn)):
        array, data_type = _get(drawn, name)
        shape = tuple(new if dim == old else dim for dim in array.shape)
        if _affordable(shape):
            _set(drawn, name, arrays.resized(array, shape), data_type)
    return f"all dims of {old} now {new}"


# Types and attrs.


def _nodes(drawn: Drawn, op: str) -> list[NodeDef]:
    return [node for node in drawn.graph.node if node.op == op]


def _inputs(node: NodeDef, schema: Schema) -> Iterator[tuple[Arg, str, int]]:
    """(argument, name of the input, its number within the argument) for each input of a node."""
    names = iter([name for name in node.input if not name.startswith("^")])
    for arg in schema.inputs:
        count = 1
        if arg.number_attr:
            count = node.attr[arg.number_attr].i
        elif arg.type_list_attr:
            count = len(node.attr[arg.type_list_attr].list.type)
        for number in range(count):
            name = next(names, None)
            if name is not None:
                yield arg, name, number


def converted(array: Array, data_type: DataType) -> Array:
    """The same numbers, as nearly as may be, in another dtype; strings from and to numbers too."""
    dtype = data_type.numpy
    if dtype == array.dtype:
        return array
    if data_type is DataType.STRING:
        out = np.empty(array.shape, object)
        out.reshape(-1)[:] = [str(v).encode() for v in array.ravel().tolist()]
        return out
    if array.dtype == object:
        array = np.array([len(v) for v in array.ravel().tolist()]).reshape(array.shape)
    if array.dtype.kind == "c" and dtype.kind != "c":
        array = array.real
    with np.errstate(all="ignore"):
        return array.astype(np.float32).astype(dtype) if dtype.kind == "V" else array.astype(dtype)


def _source_of(drawn: Drawn, name: str) -> str | None:
    """The name for `_get` of what a node's input is, when it is fed or constant."""
    if name in drawn.feeds or name + ":0" in drawn.feeds:
        return name if name in drawn.feeds else name + ":0"
    node = _node(drawn, name)
    return node.name if node is not None and node.op == "Const" else None


def _new_type(draw: st.DrawFn, drawn: Drawn, op: str) -> str | None:
    """An attr that names a dtype gets another one, and the inputs of that dtype with it."""
    schema = find_schema(op)
    nodes = _nodes(drawn, op)
    if schema is None or not nodes:
        return None
    names = [name for name, attr in schema.attrs.items() if attr["type"] in ("type", "list(type)")]
    if not names:
        return None
    node, name = draw(st.sampled_from(nodes)), draw(st.sampled_from(names))
    new = by_name(draw(st.sampled_from(schema.attrs[name].get("allowed") or TYPES)))
    attr = node.attr[name]
    position = 0
    if schema.attrs[name]["type"] == "list(type)":
        if not attr.list.type:
            return None
        position = draw(st.integers(0, len(attr.list.type) - 1))
    moved = []
    for arg, source_name, number in _inputs(node, schema):
        if arg.type_attr == name or (arg.type_list_attr == name and number == position):
            source = _source_of(drawn, source_name)
            if source is None:
                return None
            moved.append(source)
    for source in moved:
        array, old = _get(drawn, source)
        if old in (DataType.RESOURCE, DataType.VARIANT):
            return None
        _set(drawn, source, converted(array, new), new)
    if schema.attrs[name]["type"] == "type":
        attr.type = int(new)
    else:
        attr.list.type[position] = int(new)
    return f"{name}={new.tf_name}"


def _numbers_near(value: int, minimum: int | None) -> list[int]:
    near = [0, 1, 2, 3, 4, -1, -2, value + 1, value - 1, 2 * value, *BIG_INTS]
    return near if minimum is None else [*near, minimum, minimum - 1]


FLOATS = [0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 1e-3, 1e-30, 1e30, math.nan, math.inf, -math.inf]


def _new_list(draw: st.DrawFn, values: list[Any], others: list[Any]) -> list[Any]:
    """A list with one element changed, more, or less."""
    values = list(values)
    kind = draw(st.sampled_from(["change", "change", "change", "drop", "append", "empty"]))
    if kind == "empty":
        return []
    if kind == "append" or not values:
        return [*values, draw(st.sampled_from(others))]
    where = draw(st.integers(0, len(values) - 1))
    if kind == "drop":
        del values[where]
    else:
        values[where] = draw(st.sampled_from(others))
    return values


def _new_attr(draw: st.DrawFn, drawn: Drawn, op: str) -> str | None:
    schema = find_schema(op)
    nodes = _nodes(drawn, op)
    if schema is None or not nodes:
        return None
    counts = {arg.number_attr for arg in schema.inputs}
    names = [
        name
        for name, attr in schema.attrs.items()
        if attr["type"] not in ("type", "list(type)", "func", "list(func)", "tensor", "list(shape)")
        and name not in counts
        and name not in ("container", "shared_name")
    ]
    if not names:
        return None
    node, name = draw(st.sampled_from(nodes)), draw(st.sampled_from(names))
    entry, value = schema.attrs[name], node.attr[name]
    if "default" in entry and draw(st.integers(0, 9)) == 0:
        del node.attr[name]
        return f"{name} left out"
    kind = entry["type"]
    allowed = entry.get("allowed")
    if kind == "bool":
        value.b = not value.b
        return f"{name}={value.b}"
    if kind == "int":
        value.i = draw(st.sampled_from(_numbers_near(value.i, entry.get("minimum"))))
        return f"{name}={value.i}"
    if kind == "float":
        value.f = draw(st.sampled_from([*FLOATS, value.f * 2, -value.f]))
        return f"{name}={value.f}"
    if kind == "string":
        others = [*allowed, "nonsense"] if allowed else [*TEXTS, value.s.decode("latin-1")[:-1]]
        value.s = draw(st.sampled_from(others)).encode("utf-8", "surrogateescape")
        return f"{name}={value.s!r}"
    if kind == "shape":
        dims = [] if value.shape.unknown_rank else [dim.size for dim in value.shape.dim]
        new = draw(st.sampled_from([None, *range(len(dims) + 2)]))
        value.shape.Clear()
        if new is None:
            value.shape.unknown_rank = True
            return f"{name} of unknown rank"
        value.shape.SetInParent()
        for number, dim in enumerate([*dims, draw(st.sampled_from([-1, 0, 1, 2]))]):
            value.shape.dim.add().size = draw(st.sampled_from([-1, 0, 1, 2, dim])) if number == new else dim
        return f"{name}={[dim.size for dim in value.shape.dim]}"
    target = {
        "list(int)": value.list.i,
        "list(float)": value.list.f,
        "list(string)": value.list.s,
        "list(bool)": value.list.b,
    }
    if kind not in target:
        return None
    near = _numbers_near(value.list.i[0] if value.list.i else 1, None)
    pool: dict[str, list[Any]] = {
        "list(int)": near[:10] * 3 + near,
        "list(float)": FLOATS,
        "list(string)": [t.encode() for t in TEXTS],
        "list(bool)": [False, True],
    }
    new_values = _new_list(draw, list(target[kind]), pool[kind])
    value.list.SetInParent()
    del target[kind][:]
    target[kind].extend(new_values)
    return f"{name}={new_values}"


def _new_count(draw: st.DrawFn, drawn: Drawn, op: str) -> str | None:
    """An argument that stands for N tensors gets one more or one less."""
    schema = find_schema(op)
    nodes = _nodes(drawn, op)
    if schema is None or not nodes or not any(arg.number_attr for arg in schema.inputs):
        return None
    node = draw(st.sampled_from(nodes))
    name = draw(st.sampled_from(sorted({arg.number_attr for arg in schema.inputs if arg.number_attr})))
    more = draw(st.booleans())
    count = node.attr[name].i
    if not more and count < 1:
        return None
    names = []
    for arg, source, number in _inputs(node, schema):
        last = arg.number_attr == name and number == count - 1
        if not last or more:
            names.append(source)
        if last and more:
            names.append(source)
    control = [source for source in node.input if source.startswith("^")]
    del node.input[:]
    node.input.extend([*names, *control])
    node.attr[name].i = count + (1 if more else -1)
    return f"{name}={node.attr[name].i}"


CHANGES: list[Change] = [
    _new_values, _some_values, _some_values, _swap, _new_shape, _new_shape, _all_of_a_shape, _all_of_a_dim,
    _all_of_a_dim, _new_type, _new_type, _new_attr, _new_attr, _new_attr, _new_count,
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, rows: list[Recorded], op: str) -> Drawn:
    """One of the cases of `op`, with one to three changes."""
    drawn = start(draw(st.sampled_from(rows)))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 2, 3]))):
        before = copy.deepcopy(drawn)
        what = draw(st.sampled_from(CHANGES))(draw, drawn, op)
        if what is None:
            drawn = before
        else:
            drawn.changes.append(what)
    return drawn
