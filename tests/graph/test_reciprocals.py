"""Where divisions by constants are products with the reciprocal, as recorded with TensorFlow 2.21: in calls, branches
and loops, but not in the functions of datasets, nor where the constant comes from outside of the function."""

from __future__ import annotations

import numpy as np
import pytest

from smcli.proto.graph_pb2 import AttrValue, GraphDef
from smcli.runtime.session import Session
from smcli.tensors.types import DataType
from tests.graphs import const, func, function, graph, node, placeholder, types

F, B, INT = DataType.FLOAT, DataType.BOOL, DataType.INT32
X = np.arange(1, 2000, dtype=np.float32)
QUOTIENTS, PRODUCTS = X / np.float32(3), X * (np.float32(1) / np.float32(3))

_three = const("three", 3)
_third = function("third", {"v": F}, {"r": (F, "q:z:0")}, _three, node("q", "RealDiv", "v", "three:output:0", T=F))


def _shape(*sizes: int) -> AttrValue:
    """A list of one shape."""
    proto = AttrValue()
    shape = proto.list.shape.add()
    for size in sizes:
        shape.dim.add(size=size)
    return proto


def _choice(*outside: str) -> GraphDef:
    """`y`: a third of `x` by a branch of an If; with `outside`, the divisor is handed in."""
    names = ("v", "d") if outside else ("v",)
    args = dict.fromkeys(names, F)
    quotient = node("q", "RealDiv", "v", "d" if outside else "three:output:0", T=F)
    third = function("third", args, {"r": (F, "q:z:0")}, *([] if outside else [_three]), quotient)
    attrs = {"Tcond": B, "Tin": types(*[F] * len(args)), "Tout": types(F)}
    branches = {"then_branch": func("third"), "else_branch": func("same")}
    same = function("same", args, {"r": (F, "v")})
    chosen = node("y", "StatelessIf", "c", "x", *outside, **attrs, **branches)
    return graph(placeholder("x"), placeholder("c", np.bool_), _three, chosen, functions=(third, same))


def _loop() -> GraphDef:
    args = {"i": INT, "v": F}
    one, quotient = const("one", 1, np.int32), node("q", "RealDiv", "v", "three:output:0", T=F)
    body = function(
        "body",
        args,
        {"i2": (INT, "n:z:0"), "v2": (F, "q:z:0")},
        one,
        _three,
        quotient,
        node("n", "AddV2", "i", "one:output:0", T=INT),
    )
    cond = function("cond", args, {"r": (B, "l:z:0")}, one, node("l", "Less", "i", "one:output:0", T=INT))
    loop = node("l", "StatelessWhile", "zero", "x", cond=func("cond"), body=func("body"), T=types(INT, F))
    zero, last = const("zero", 0, np.int32), node("y", "Identity", "l:1", T=F)
    return graph(placeholder("x"), zero, loop, last, functions=(cond, body))


def _call() -> GraphDef:
    call = node("y", "PartitionedCall", "x", f=func("third"), Tin=types(F), Tout=types(F))
    return graph(placeholder("x"), call, functions=(_third,))


@pytest.mark.parametrize("model", [_choice(), _loop(), _call()], ids=["branch", "loop", "call"])
def test_bodies_multiply_by_reciprocals(model: GraphDef) -> None:
    feeds = {"x:0": X, "c:0": np.True_} if any(each.name == "c" for each in model.node) else {"x:0": X}
    [y] = Session.from_graph_def(model).run(["y:0"], feeds)
    np.testing.assert_array_equal(y, PRODUCTS)
    assert (PRODUCTS != QUOTIENTS).any()


def test_a_divisor_that_is_handed_in_divides() -> None:
    [y] = Session.from_graph_def(_choice("three")).run(["y:0"], {"x:0": X, "c:0": np.True_})
    np.testing.assert_array_equal(y, QUOTIENTS)


def test_functions_of_datasets_divide() -> None:
    model = graph(
        placeholder("x"),
        node("all", "TensorSliceDataset", "x", Toutput_types=types(F), output_shapes=_shape()),
        node(
            "thirds",
            "MapDataset",
            "all",
            f=func("third"),
            Targuments=types(),
            output_types=types(F),
            output_shapes=_shape(),
        ),
        const("size", len(X), np.int64),
        node("batch", "BatchDataset", "thirds", "size", output_types=types(F), output_shapes=_shape(-1)),
        node("y", "DatasetToSingleElement", "batch", output_types=types(F), output_shapes=_shape(-1)),
        functions=(_third,),
    )
    [y] = Session.from_graph_def(model).run(["y:0"], {"x:0": X})
    np.testing.assert_array_equal(y, QUOTIENTS)
