"""smcli's own commands on hostile models: each answers, or ends with one clear error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smcli.proto.graph_pb2 import FunctionDef, NodeDef
from smcli.proto.saved_model_pb2 import SavedModel
from smcli.tensors.types import DataType
from tests.cli.test_own_commands import call  # noqa: F401 (a fixture)
from tests.graphs import const, node, placeholder
from tests.graphs import shape as shape_of
from tests.security.models import write_model
from tests.security.test_graphs import call as call_of
from tests.security.test_graphs import chain, doubling, of_one

FLOAT = DataType.FLOAT
COMMANDS = {
    "graph": ["graph", "MODEL"],
    "page": ["graph", "MODEL", "--all", "--format", "html"],
    "dot": ["graph", "MODEL", "--all", "--format", "dot"],
    "summary": ["summary", "MODEL"],
    "check": ["check", "MODEL", "--format", "junit"],
    "diff": ["diff", "MODEL", "MODEL"],
    "show": ["show", "--dir", "MODEL", "--all", "--format", "table"],
    "scan": ["scan", "--dir", "MODEL"],
}


def deep_names(directory: Path) -> Path:
    name = "/".join(["scope"] * 3000)
    return write_model(directory, [const("c", 1.0), node(name, "Neg", "c", T=FLOAT)], f"{name}:0")


def wide(directory: Path) -> Path:
    nodes = [const("c", 1.0), *(node(f"n{i}", "Neg", "c", T=FLOAT) for i in range(2000))]
    nodes.append(node("y", "AddN", *(f"n{i}" for i in range(2000)), N=2000, T=FLOAT))
    return write_model(directory, nodes, "y:0")


def cyclic(directory: Path) -> Path:
    functions = [
        of_one("f", call_of("y", "g", "x"), result="y:output:0"),
        of_one("g", call_of("y", "f", "x"), result="y:output:0"),
    ]
    return write_model(directory, [const("c", 1.0), call_of("y", "f", "c")], "y:0", functions)


def a_cycle_of_nodes(directory: Path) -> Path:
    return write_model(directory, [node("a", "Neg", "b", T=FLOAT), node("b", "Neg", "a", T=FLOAT)], "a:0")


def doubled(directory: Path) -> Path:
    """Two calls at each of 12 levels."""
    model = doubling(12)
    return write_model(directory, model.node, "y:0", model.library.function)


def levels_of_functions(directory: Path) -> Path:
    """300 functions that call each other in a row."""
    functions: list[FunctionDef] = [
        of_one(f"f{i}", call_of("y", f"f{i + 1}", "x"), result="y:output:0") for i in range(300)
    ]
    functions.append(of_one("f300", node("n", "Neg", "x", T=FLOAT), result="n:y:0"))
    return write_model(directory, [const("c", 1.0), call_of("y", "f0", "c")], "y:0", functions)


def large_attrs(directory: Path) -> Path:
    made = node("y", "Neg", "c", T=FLOAT, _output_shapes=shape_of(*[2**62] * 254))
    made.attr["_texts"].list.s.extend([b"x" * 100] * 20_000)
    for i in range(5000):
        made.attr[f"_a{i}"].i = i
    return write_model(directory, [const("c", 1.0), made], "y:0")


def huge_shapes(directory: Path) -> Path:
    """An input of 2 to the 80th numbers, and a constant that claims as many."""
    claimed: NodeDef = const("c", 1.0)
    claimed.attr["value"].tensor.tensor_shape.dim.add(size=2**40)
    claimed.attr["value"].tensor.tensor_shape.dim.add(size=2**40)
    nodes = [placeholder("x"), claimed, node("y", "AddV2", "x", "c", T=FLOAT)]
    write_model(directory, nodes, "y:0")
    model = SavedModel.FromString((directory / "saved_model.pb").read_bytes())
    info = model.meta_graphs[0].signature_def["s"].inputs["x"]
    info.name, info.dtype = "x:0", int(FLOAT)  # type: ignore[assignment]
    for size in (2**40, 2**40):
        info.tensor_shape.dim.add(size=size)
    (directory / "saved_model.pb").write_bytes(model.SerializeToString())
    return directory


def edges_to_nowhere(directory: Path) -> Path:
    return write_model(directory, [node("y", "Neg", "nowhere:9", T=FLOAT)], "y:0")


def odd_outputs(directory: Path) -> Path:
    nodes = [const("c", 1.0), node("n", "IdentityN", "c", T=np.float32), node("", "", "c")]
    return write_model(directory, nodes, "c:99999999999")


MAKERS = [
    deep_names, wide, cyclic, a_cycle_of_nodes, doubled, levels_of_functions, large_attrs, huge_shapes,
    edges_to_nowhere, odd_outputs,
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_hostile_models_are_answered_or_refused(
    call: Callable[..., tuple[int, str, str]],  # noqa: F811
    tmp_path: Path,
    make: Callable[[Path], Path],
    command: str,
) -> None:
    directory = make(tmp_path / "m")
    code, out, err = call(*[directory if word == "MODEL" else word for word in COMMANDS[command]])
    assert code in (0, 1, 2)
    assert "bug in smcli" not in err + out and "recursion" not in err + out
    if code == 2:
        assert err.startswith("Error: ") and err.count("\n") == 1
    if command in ("diff", "show", "scan"):
        assert code == 0


@pytest.mark.parametrize("command", ["graph", "diff"])
def test_a_chain_of_100_000_nodes_is_drawn_within_limits(
    call: Callable[..., tuple[int, str, str]],  # noqa: F811
    tmp_path: Path,
    command: str,
) -> None:
    directory = write_model(tmp_path / "m", chain(100_000), "n100000:0")
    code, out, err = call(*[directory if word == "MODEL" else word for word in COMMANDS[command]])
    if command == "graph":
        assert (code, out) == (2, "") and "the limit is 50,000" in err
    else:
        assert (code, out) == (0, "No differences.\n")
