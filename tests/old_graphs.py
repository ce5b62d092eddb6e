"""Graphs as an old TensorFlow wrote them: TensorFlow still runs removed ops when the graph says that it is that old."""

from __future__ import annotations

from typing import Any

import numpy as np

Node = tuple[str, str, list[str], dict[str, Any]]


def const(name: str, value: np.ndarray) -> Node:
    return name, "Const", [], {"dtype": value.dtype, "value": value}


def old_graph(tf: Any, producer: int, nodes: list[Node], x: Any, outputs: list[str]) -> Any:
    """The tensors or operations `outputs` of a graph of (name, op, inputs, attrs); "x" is the tensor x.

    producer: the graph's version, below the one that removed its ops. Attrs are arrays, bools, or dtypes.
    """
    definition = tf.compat.v1.GraphDef()
    definition.versions.producer = producer
    feed = definition.node.add(name="x", op="Placeholder")
    feed.attr["dtype"].type = x.dtype.as_datatype_enum
    for name, op, inputs, attrs in nodes:
        _set_attrs(tf, definition.node.add(name=name, op=op, input=inputs), attrs)
    return tf.import_graph_def(definition, {"x:0": x}, outputs, name="")


def old_op(tf: Any, producer: int, op: str, inputs: list[Any], outputs: int = 1, **attrs: Any) -> Any:
    """The outputs of one op on tensors, in a graph that is so old that it may have it. Attrs as for `old_graph`, and
    ints, floats, strings and lists of ints."""
    definition = tf.compat.v1.GraphDef()
    definition.versions.producer = producer
    for i, tensor in enumerate(inputs):
        feed = definition.node.add(name=f"in_{i}", op="Placeholder")
        feed.attr["dtype"].type = tensor.dtype.as_datatype_enum
    node = definition.node.add(name="op", op=op, input=[f"in_{i}" for i in range(len(inputs))])
    _set_attrs(tf, node, attrs)
    mapped = {f"in_{i}:0": tensor for i, tensor in enumerate(inputs)}
    return tf.import_graph_def(definition, mapped, [f"op:{i}" for i in range(outputs)], name="")


def _set_attrs(tf: Any, node: Any, attrs: dict[str, Any]) -> None:
    for key, value in attrs.items():
        if isinstance(value, bool):
            node.attr[key].b = value
        elif isinstance(value, int):
            node.attr[key].i = value
        elif isinstance(value, float):
            node.attr[key].f = value
        elif isinstance(value, list):
            node.attr[key].list.i.extend(value)
        elif isinstance(value, bytes):
            node.attr[key].s = value
        elif isinstance(value, np.ndarray):
            node.attr[key].tensor.CopyFrom(tf.make_tensor_proto(value))
        else:
            node.attr[key].type = tf.as_dtype(value).as_datatype_enum
