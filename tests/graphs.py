"""GraphDefs made by hand, in the shape that tests read well: `node("y", "AddV2", "x", "x", T=np.float32)`."""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.proto.graph_pb2 import AttrValue, FunctionDef, GraphDef, NodeDef
from smcli.tensors import wire
from smcli.tensors.types import DataType, from_numpy


def attr(value: Any) -> AttrValue:
    """An AttrValue of the kind that the Python value suggests; an AttrValue as it is."""
    proto = AttrValue()
    if isinstance(value, AttrValue):
        return value
    if isinstance(value, DataType):
        proto.type = int(value)
    elif isinstance(value, type) and issubclass(value, np.generic):
        proto.type = int(from_numpy(np.dtype(value)))
    elif isinstance(value, bool):
        proto.b = value
    elif isinstance(value, int):
        proto.i = value
    elif isinstance(value, float):
        proto.f = value
    elif isinstance(value, str):
        proto.s = value.encode()
    elif isinstance(value, np.ndarray):
        proto.tensor.CopyFrom(wire.to_proto(value, from_numpy(value.dtype)))
    else:
        raise TypeError(value)
    return proto


def func(name: str) -> AttrValue:
    proto = AttrValue()
    proto.func.name = name
    return proto


def types(*values: DataType) -> AttrValue:
    proto = AttrValue()
    proto.list.SetInParent()
    proto.list.type.extend(int(value) for value in values)
    return proto


def shape(*dims: int) -> AttrValue:
    """A shape attr; without dims, that of a scalar."""
    proto = AttrValue()
    proto.shape.SetInParent()
    for size in dims:
        proto.shape.dim.add(size=size)
    return proto


def node(name: str, op: str, *inputs: str, **attrs: Any) -> NodeDef:
    proto = NodeDef(name=name, op=op, input=inputs)
    for key, value in attrs.items():
        proto.attr[key].CopyFrom(attr(value))
    return proto


def const(name: str, value: Any, dtype: Any = np.float32) -> NodeDef:
    array = np.asarray(value, dtype)
    return node(name, "Const", dtype=from_numpy(array.dtype), value=array)


def placeholder(name: str, dtype: Any = np.float32) -> NodeDef:
    return node(name, "Placeholder", dtype=dtype)


def graph(*nodes: NodeDef, functions: tuple[FunctionDef, ...] = ()) -> GraphDef:
    proto = GraphDef(node=nodes)
    proto.library.function.extend(functions)
    return proto


def function(
    name: str, inputs: dict[str, DataType], outputs: dict[str, tuple[DataType, str]], *nodes: NodeDef
) -> FunctionDef:
    """outputs: name → (dtype, edge), edges in the form of function bodies (`node:z:0`)."""
    proto = FunctionDef(node_def=nodes)
    proto.signature.name = name
    for key, data_type in inputs.items():
        proto.signature.input_arg.add(name=key, type=int(data_type))
    for key, (data_type, edge) in outputs.items():
        proto.signature.output_arg.add(name=key, type=int(data_type))
        proto.ret[key] = edge
    return proto


def counting_loop() -> GraphDef:
    """`out`: an int32 counted up from 0 by a While for as long as it is less than the placeholder `n`."""
    args = {"i": DataType.INT32, "n": DataType.INT32}
    cond = function("cond", args, {"r": (DataType.BOOL, "less:z:0")}, node("less", "Less", "i", "n", T=DataType.INT32))
    body = function(
        "body",
        args,
        {"i2": (DataType.INT32, "next:z:0"), "n2": (DataType.INT32, "n")},
        const("one", 1, np.int32),
        node("next", "AddV2", "i", "one:output:0", T=DataType.INT32),
    )
    loop_types = types(DataType.INT32, DataType.INT32)
    return graph(
        placeholder("n", np.int32),
        const("zero", 0, np.int32),
        node("loop", "While", "zero", "n", cond=func("cond"), body=func("body"), T=loop_types),
        node("out", "Identity", "loop:0", T=DataType.INT32),
        functions=(cond, body),
    )
