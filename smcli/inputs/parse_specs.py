"""What a model's parsing ops say of the tf.Examples that they take: names, types and shapes of features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from smcli.errors import SmcliError
from smcli.graph.graph import Node
from smcli.kernels.context import Array
from smcli.tensors.types import DataType, from_number
from smcli.tensors.wire import from_proto, shape_from_proto

EXAMPLE_OPS = frozenset({"ParseExample", "ParseExampleV2", "ParseSingleExample"})


class FeatureSpec(NamedTuple):
    """A feature that a model parses. dtype: int64, float32 or string. shape: of a dense one, -1 first where any number
    of rows will do; None for sparse and ragged ones, of which any number of values will do. required: an Example
    without it is refused."""

    name: str
    dtype: DataType
    shape: tuple[int, ...] | None
    required: bool


def feature_specs(nodes: Iterable[Node]) -> dict[str, FeatureSpec]:
    """The features that these nodes parse from tf.Examples, by name.

    Raises SmcliError when two of them parse one feature in ways that no value fits both of.
    """
    found: dict[str, FeatureSpec] = {}
    for node in nodes:
        if node.op in EXAMPLE_OPS:
            for spec in _specs(node):
                found[spec.name] = _both(found.get(spec.name, spec), spec)
    return found


def _both(one: FeatureSpec, other: FeatureSpec) -> FeatureSpec:
    if one.dtype is not other.dtype:
        raise SmcliError(f"The model parses {one.name!r} both as {one.dtype.tf_name} and as {other.dtype.tf_name}")
    shape = one.shape if one.shape is not None else other.shape
    return FeatureSpec(one.name, one.dtype, shape, one.required or other.required)


def _specs(node: Node) -> Iterator[FeatureSpec]:
    yield from dense_specs(node)
    lists = [(_sparse_names(node), "sparse_types")]
    if node.op == "ParseExampleV2":
        lists.append((_texts(node, 4), "ragged_value_types"))
    for names, attr in lists:
        for name, number in zip(names, _types(node, attr)):
            yield FeatureSpec(name, from_number(number), None, required=False)


def dense_specs(node: Node) -> Iterator[FeatureSpec]:
    """The dense features of one parsing op. Those whose names the graph computes are left out."""
    types = _types(node, "Tdense")
    if node.op == "ParseSingleExample":
        names, first = [_text(name) for name in node.attrs["dense_keys"].list.s], 1
    elif node.op == "ParseExampleV2":
        names, first = _texts(node, 3), 5
    else:
        before = 2 + len(_types(node, "sparse_types"))
        names = [name for place in range(len(types)) for name in _texts(node, before + place)]
        first = before + len(types)
    shapes = node.attrs["dense_shapes"].list.shape if "dense_shapes" in node.attrs else []
    for place, (name, number, proto) in enumerate(zip(names, types, shapes)):
        shape = shape_from_proto(proto)
        default = _constant(node, first + place)
        required = default is not None and not default.size and (shape is None or -1 not in shape)
        yield FeatureSpec(name, from_number(number), shape, required)


def _sparse_names(node: Node) -> list[str]:
    if node.op == "ParseSingleExample":
        return [_text(name) for name in node.attrs["sparse_keys"].list.s]
    if node.op == "ParseExampleV2":
        return _texts(node, 2)
    return [name for place in range(len(_types(node, "sparse_types"))) for name in _texts(node, 2 + place)]


def _types(node: Node, attr: str) -> list[int]:
    return [int(number) for number in node.attrs[attr].list.type] if attr in node.attrs else []


def _texts(node: Node, place: int) -> list[str]:
    """The strings of a constant input; none where it is no constant."""
    value = _constant(node, place)
    if value is None or not value.dtype.hasobject:
        return []
    return [_text(item) for item in np.atleast_1d(value).ravel().tolist()]


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _constant(node: Node, place: int) -> Array | None:
    source = node.inputs[place][0] if place < len(node.inputs) else None
    if source is None or source.op != "Const" or "value" not in source.attrs:
        return None
    return from_proto(source.attrs["value"].tensor)
