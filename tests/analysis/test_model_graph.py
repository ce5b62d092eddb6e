"""Models as views, scopes and bundles: what a picture is made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from smcli.analysis.attr_text import attr_text, few_values
from smcli.analysis.model_graph import (
    INPUT,
    OUTPUT,
    ModelGraph,
    TensorType,
    View,
    ViewNode,
    function_graph,
    signature_graph,
    whole_graph,
)
from smcli.analysis.scopes import MOST_CHILDREN, bundle_text, scopes_of
from smcli.errors import SmcliError
from smcli.proto.graph_pb2 import AttrValue
from smcli.proto.tensor_pb2 import TensorProto
from smcli.savedmodel import MetaGraph, read_saved_model
from smcli.savedmodel.meta_graph import find_signature
from tests.graphs import attr, const, counting_loop, node, placeholder
from tests.security.models import write_model

MODELS = Path(__file__).resolve().parents[2] / "fixtures" / "models"


def meta_graph(name: str) -> MetaGraph:
    return read_saved_model(str(MODELS / name)).meta_graphs[0]


def drawn(name: str) -> ModelGraph:
    graph = meta_graph(name)
    return signature_graph(graph, "serving_default", find_signature(graph, "serving_default"))


def named(view: View, name: str) -> ViewNode:
    return next(node for node in view.nodes if node.name == name)


def test_a_signature_begins_where_its_layers_are() -> None:
    found = drawn("keras3_cnn")
    path = found.first_path()
    assert [len(found.views[place].nodes) > 30 for place in path] == [False, False, True]
    assert found.views[0].title == "signature serving_default"
    view = found.views[path[-1]]
    assert [node.op for node in view.nodes if not node.inputs][:2] == [INPUT, INPUT]
    assert view.nodes[-1].op == OUTPUT
    assert view.nodes[-1].outputs == [TensorType("float32", (None, 5))]


def test_nodes_have_names_of_arguments_shapes_and_attrs() -> None:
    found = drawn("keras3_cnn")
    view = found.views[found.first_path()[-1]]
    conv = named(view, "functional_1/conv2d_1/convolution")
    assert conv.arguments == ["input", "filter"]
    assert conv.outputs == [TensorType("float32", (None, 8, 8, 8))]
    assert str(conv.outputs[0]) == "float32 [?, 8, 8, 8]"
    assert conv.attrs["padding"] == '"SAME"'
    assert "_output_shapes" not in conv.attrs
    assert view.nodes[conv.inputs[1][0]].op == "ReadVariableOp"


def test_captured_variables_have_the_names_that_the_caller_knows() -> None:
    found = drawn("half_plus_two")
    notes = {node.note for node in found.views[found.first_path()[-1]].nodes if node.op == INPUT}
    assert {"a", "b"} <= notes


def test_bodies_of_loops_are_views(tmp_path: Path) -> None:
    model = counting_loop()
    path = write_model(tmp_path, model.node, "out:0", model.library.function)
    found = signature_graph(*_signature(path))
    calls = named(found.views[0], "loop").calls
    assert {name: found.views[place].title for name, place in calls.items()} == {"body": "body", "cond": "cond"}
    assert [node.op for node in found.views[calls["cond"]].nodes] == [INPUT, INPUT, "Less", OUTPUT]


def _signature(path: Path) -> tuple[MetaGraph, str, object]:
    graph = read_saved_model(str(path)).meta_graphs[0]
    return graph, "s", find_signature(graph, "s")  # type: ignore[return-value]


def test_old_loops_are_no_endless_ones() -> None:
    found = drawn("frames_tf1")
    ops = {node.op for node in found.views[0].nodes}
    assert {"Enter", "Merge", "NextIteration"} <= ops


def test_whole_graph_has_what_no_signature_runs() -> None:
    graph = meta_graph("half_plus_two")
    assert {"RestoreV2", "SaveV2"} & {node.op for view in whole_graph(graph).views for node in view.nodes}


@pytest.mark.parametrize("name", ["ragged", "__inference_ragged_175444"])
def test_functions_are_found_by_either_name(name: str) -> None:
    found = function_graph(meta_graph("module_signatures"), name)
    assert found.views[0].title == "__inference_ragged_175444"


def test_an_unknown_function_is_told_with_the_nearest() -> None:
    with pytest.raises(SmcliError, match=r"has no function raged; the nearest are: .*ragged"):
        function_graph(meta_graph("module_signatures"), "raged")


def test_a_name_of_several_traces_is_told_with_all() -> None:
    with pytest.raises(SmcliError, match=r"Function \w+ has \d traces; choose one of: __inference_"):
        function_graph(meta_graph("polymorphic"), _traced_often("polymorphic"))


def _traced_often(name: str) -> str:
    from smcli.savedmodel.functions import root_functions

    return next(one.name for one in root_functions(meta_graph(name)) if len(one.concrete_functions) > 1)


def test_more_nodes_than_the_limit_are_refused() -> None:
    with pytest.raises(SmcliError, match="119 nodes or more; the limit is 100") as caught:
        signature_graph(meta_graph("keras2_lstm"), "serving_default", _serving("keras2_lstm"), 100)
    assert "--max_nodes" in (caught.value.hint or "")


def _serving(name: str) -> object:
    return find_signature(meta_graph(name), "serving_default")


def test_more_edges_than_the_limit_are_refused(tmp_path: Path) -> None:
    many = node("y", "AddN", *["x"] * 1000, T=np.float32, N=1000)
    path = write_model(tmp_path, [placeholder("x"), many], "y:0")
    with pytest.raises(SmcliError, match="edges or more"):
        signature_graph(*_signature(path), 10)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [-1, 10**12])
def test_a_wrong_count_names_the_node(tmp_path: Path, count: int) -> None:
    path = write_model(tmp_path, [placeholder("x"), node("y", "Split", "x", "x", T=np.float32, num_split=count)], "y:0")
    with pytest.raises(SmcliError, match="Node y: Attr 'num_split'"):
        signature_graph(*_signature(path))  # type: ignore[arg-type]


def test_an_unknown_op_is_drawn_as_it_is(tmp_path: Path) -> None:
    path = write_model(tmp_path, [placeholder("x"), node("y", "MyOwnOp", "x", "x", deep=3)], "y:0")
    own = named(signature_graph(*_signature(path)).views[0], "y")  # type: ignore[arg-type]
    assert (own.op, own.outputs, own.arguments, own.attrs) == ("MyOwnOp", [], [], {"deep": "3"})


# ---- attrs


def test_attrs_are_short() -> None:
    long = AttrValue()
    long.list.i.extend(range(5000))
    assert attr_text(long).startswith("[0, 1, 2")
    assert attr_text(long).endswith("(5000 in all)]")
    assert len(attr_text(attr("x" * 10**6))) < 500
    assert attr_text(attr(np.array([1.5, 2], np.float32))) == "float32 [2]: [1.5, 2]"
    assert attr_text(AttrValue(s=b"\xff\0\1")) == "3 bytes"
    assert attr_text(AttrValue(type=999)) == "dtype 999"  # type: ignore[arg-type]
    assert attr_text(AttrValue()) == "no value"


def test_values_of_large_and_broken_constants_are_not_looked_at() -> None:
    huge = TensorProto(dtype=1, float_val=[1.0])  # type: ignore[arg-type]
    for size in (2**30, 2**30):
        huge.tensor_shape.dim.add(size=size)
    broken = TensorProto(dtype=1, tensor_content=b"abc")  # type: ignore[arg-type]
    ranked = TensorProto(dtype=1, float_val=[1.0])  # type: ignore[arg-type]
    for _ in range(200):
        ranked.tensor_shape.dim.add(size=1)
    assert [few_values(proto) for proto in (huge, broken, ranked)] == [None, None, None]


# ---- scopes


def view_of(*nodes: tuple[str, str, Sequence[int]]) -> View:
    """Nodes of (name, op, sources)."""
    return View(
        "",
        [
            ViewNode(name, op, [(s, 0) for s in sources], outputs=[TensorType("float32", (2,))])
            for name, op, sources in nodes
        ],
    )


def test_scopes_nest_and_edges_pass_their_borders() -> None:
    view = view_of(
        ("x", INPUT, []), ("a/b/f", "Relu", [0]), ("a/b/g", "Relu", [1]), ("a/h", "Tanh", [2]), ("y", OUTPUT, [3])
    )
    groups = scopes_of(view).groups
    assert [(group.label, group.scope, group.size) for group in groups] == [
        ("", "", 5),
        ("a", "a/", 3),
        ("b", "a/b/", 2),
    ]
    root, outer, inner = groups
    assert root.children == [0, -2, 4]
    assert [(b.start, b.start_port, b.end, b.end_port, b.tensors) for b in root.bundles] == [
        (0, None, 1, 0, [(0, 0)]),
        (1, 0, 2, None, [(3, 0)]),
    ]
    # slots: -3, 3, what comes in, what goes out
    assert sorted((b.start, b.end) for b in outer.bundles) == [(0, 1), (1, 3), (2, 0)]
    assert (inner.inputs, inner.outputs) == (1, 1)


def test_scopes_that_hold_one_thing_are_one_with_it() -> None:
    view = view_of(("x", INPUT, []), ("a/b/c/f", "Relu", [0]), ("a/b/c/g", "Relu", [1]), ("d/e", "Tanh", [2]))
    scopes = scopes_of(view)
    assert [group.label for group in scopes.groups] == ["", "a/b/c"]
    assert scopes.groups[0].children == [0, -2, 3]


def test_a_node_of_the_name_of_a_scope_is_in_it() -> None:
    view = view_of(
        ("x", INPUT, []),
        ("conv/ExpandDims", "ExpandDims", [0]),
        ("conv", "Conv2D", [1]),
        ("conv/Squeeze", "Squeeze", [2]),
    )
    groups = scopes_of(view).groups
    assert sorted(groups[1].children) == [1, 2, 3]


def test_values_are_rows_of_what_uses_them() -> None:
    view = view_of(
        ("x", INPUT, []),
        ("w", "VarHandleOp", []),
        ("w/read", "ReadVariableOp", [1]),
        ("y", "MatMul", [0, 2]),
        ("c", "Const", []),
        ("out", OUTPUT, [4]),
    )
    scopes = scopes_of(view)
    assert scopes.rows == {3: [("input 1", 2)]}
    assert scopes.groups[0].children == [0, 3, 4, 5]  # a constant that is a result has a box


def test_a_label_says_what_flows() -> None:
    view = view_of(("x", INPUT, []), ("y", "Relu", [0]))
    view.nodes[1].outputs = [TensorType("int64", ()), TensorType("", None)]
    assert bundle_text(view, [(0, 0)]) == "float32 [2]"
    assert bundle_text(view, [(1, 0)]) == "int64"
    assert bundle_text(view, [(1, 1)]) == "?, shape unknown"
    assert bundle_text(view, [(1, 7)]) == "?, shape unknown"
    assert bundle_text(view, [(0, 0), (1, 0)]) == "2 tensors"
    assert bundle_text(view, []) == ""


@pytest.mark.parametrize("count", [MOST_CHILDREN + 1, 20_000])
def test_large_scopes_are_cut_into_parts(count: int) -> None:
    view = view_of(("n0", INPUT, []), *[(f"n{i}", "Relu", [i - 1]) for i in range(1, count)])
    groups = scopes_of(view).groups
    assert max(len(group.children) for group in groups) <= MOST_CHILDREN
    assert sum(child >= 0 for group in groups for child in group.children) == count
    assert groups[0].size == count


def test_names_may_be_deep() -> None:
    names = ["a" + "/a" * depth for depth in range(3000)]
    view = view_of(("x", INPUT, []), *[(name, "Relu", [place]) for place, name in enumerate(names)])
    groups = scopes_of(view).groups
    assert groups[0].size == 3001
    assert max(group.depth for group in groups) < 40


def test_constants_are_read(tmp_path: Path) -> None:
    path = write_model(tmp_path, [const("c", [1, 2]), node("y", "Neg", "c", T=np.float32)], "y:0")
    assert named(signature_graph(*_signature(path)).views[0], "c").note == "[1, 2]"  # type: ignore[arg-type]
