"""Casts and transposes in a row: which become one, and that no value changes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from smcli.errors import SmcliError
from smcli.graph.pairs import join_casts, join_transposes
from smcli.runtime.session import Session
from smcli.tensors.types import DataType
from tests.graph.test_rewrites import folded
from tests.graphs import const, graph, node, placeholder, shape

F = DataType.FLOAT
NUMBERS = [DataType[name] for name in ("BOOL", "INT8", "UINT8", "INT16", "INT32", "UINT32", "INT64", "UINT64")]
NUMBERS += [DataType[name] for name in ("HALF", "BFLOAT16", "FLOAT", "DOUBLE")]


def casts(*path: DataType):
    nodes = [
        node(f"c{i}", "Cast", f"c{i - 1}" if i else "x", SrcT=a, DstT=b) for i, (a, b) in enumerate(pairwise(path))
    ]
    return graph(placeholder("x", path[0]), *nodes), f"c{len(nodes) - 1}"


def left(graph_def, fetch: str, rewrite=join_casts) -> list[str]:
    return [n.name for n in folded(graph_def, fetch, rewrite=rewrite).nodes if n.value is None and n.name != "x"]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ((F, F), []),
        ((DataType.INT32, DataType.INT64, DataType.INT32), []),
        ((DataType.BOOL, DataType.INT32, F), ["c1"]),
        ((DataType.UINT8, F, DataType.INT32), ["c1"]),
        ((DataType.HALF, F, DataType.HALF), []),
        ((DataType.INT8, DataType.INT32, DataType.INT64, F), ["c2"]),
        ((DataType.INT64, DataType.INT32, DataType.INT64), ["c0", "c1"]),
        ((DataType.INT32, F, DataType.INT32), ["c0", "c1"]),
        ((DataType.UINT8, F, DataType.INT8), ["c0", "c1"]),
        ((DataType.HALF, F, DataType.INT32), ["c0", "c1"]),
    ],
)
def test_casts_in_a_row_are_one_where_the_first_loses_nothing(path: tuple[DataType, ...], names: list[str]) -> None:
    assert left(*casts(*path)) == names


@pytest.mark.parametrize("first", NUMBERS, ids=lambda t: t.name)
def test_no_value_changes(first: DataType, monkeypatch: pytest.MonkeyPatch) -> None:
    bits = np.random.default_rng(0).integers(0, 256, 8 * 64, dtype=np.uint8)
    x = bits.view(first.numpy) if first is not DataType.BOOL else bits > 127
    for between in NUMBERS:
        for last in NUMBERS:
            graph_def, fetch = casts(first, between, last)
            monkeypatch.delenv("SMCLI_DISABLE_REWRITES", raising=False)
            (joined,) = Session.from_graph_def(graph_def).run([fetch], {"x": x})
            monkeypatch.setenv("SMCLI_DISABLE_REWRITES", "cast")
            (apart,) = Session.from_graph_def(graph_def).run([fetch], {"x": x})
            assert joined.dtype == apart.dtype
            if joined.dtype.kind not in "biu":  # NaN of bfloat16 is not known to NumPy
                joined, apart = (value.astype(np.float64) for value in (joined, apart))
            np.testing.assert_array_equal(joined, apart, err_msg=f"{first.name} {between.name} {last.name}")


def test_a_cast_that_drops_bits_stays() -> None:
    dropped = graph(
        placeholder("x", DataType.HALF),
        node("wide", "Cast", "x", SrcT=DataType.HALF, DstT=F, Truncate=True),
        node("y", "Cast", "wide", SrcT=F, DstT=DataType.HALF),
    )
    assert left(dropped, "y") == ["wide", "y"]


def test_a_cast_of_a_reference_variable_takes_its_value_at_its_own_time() -> None:
    assigned = graph(
        const("one", 1),
        const("five", 5),
        node("v", "VariableV2", dtype=F, shape=shape()),
        node("init", "Assign", "v", "one", T=F),
        node("before", "Cast", "v", "^init", SrcT=F, DstT=DataType.DOUBLE),
        node("set", "Assign", "v", "five", "^before", T=F),
        node("y", "Cast", "before", "^set", SrcT=DataType.DOUBLE, DstT=F),
    )
    assert Session.from_graph_def(assigned).run(["y"]) == [1]


def transposes(*perms: list[int]):
    nodes = [placeholder("x")]
    for i, perm in enumerate(perms):
        nodes += [const(f"p{i}", perm, np.int32)]
        nodes += [node(f"t{i}", "Transpose", f"t{i - 1}" if i else "x", f"p{i}", T=F, Tperm=DataType.INT32)]
    return graph(*nodes)


@pytest.mark.parametrize("perms", [([0, 2, 3, 1], [0, 3, 1, 2]), ([1, 2, 3, 0], [3, 1, 0, 2], [2, 3, 0, 1])])
def test_transposes_in_a_row_are_one(perms: tuple[list[int], ...]) -> None:
    last = f"t{len(perms) - 1}"
    assert len(left(transposes(*perms), last, join_transposes)) == 1
    x = np.arange(120, dtype=np.float32).reshape(2, 3, 4, 5)
    (y,) = Session.from_graph_def(transposes(*perms)).run([last], {"x": x})
    for perm in perms:
        x = x.transpose(perm)
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("second", [[0, 2], [0, 1, 1], [0, 1, -1], [0, 1, 2, 3]])
def test_what_is_no_permutation_is_left_for_the_run(second: list[int]) -> None:
    assert left(transposes([0, 2, 1], second), "t1", join_transposes) == ["t0", "t1"]


def test_a_tensor_of_another_rank_is_found_where_it_was() -> None:
    session = Session.from_graph_def(transposes([0, 2, 1], [0, 2, 1]))
    with pytest.raises(SmcliError, match=r"vector of size 2.*\[node t0, op Transpose\]"):
        session.run(["t1"], {"x": np.ones((2, 2), np.float32)})
