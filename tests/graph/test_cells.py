"""Recurrent cells as one node each, and the products of sequences that are taken out of loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smcli.graph.cells import join_cells
from smcli.graph.constants import fold
from smcli.graph.graph import WHILES, Body, Node
from smcli.graph.inline import inline
from smcli.graph.loops import Loop, hoist, while_loop
from smcli.graph.sequences import take_out_products
from smcli.kernels._cells import GruStep, LstmStep, products_of_items
from smcli.kernels.context import handle
from smcli.model import open_session
from smcli.runtime.session import Session
from smcli.savedmodel import read_saved_model
from smcli.tensors.types import DataType
from smcli.tensors.variants import TensorList

MODELS = Path(__file__).resolve().parents[2] / "fixtures" / "models"
rng = np.random.default_rng(0)


def _numbers(*shape: int) -> np.ndarray:
    return rng.uniform(-3, 3, shape).astype(np.float32)


def _loops(name: str) -> tuple[Session, list[Loop]]:
    """The loops of a model's signature, constants folded."""
    meta_graph = read_saved_model(MODELS / name).find("serve")
    session = open_session(meta_graph)
    signature = meta_graph.signatures["serving_default"]
    fetches = [info.name for info in signature.outputs.values()]
    body = inline(session.graph.body(fetches, [info.name for info in signature.inputs.values()]), session.graph)
    loops = []
    for node in body.nodes:
        loop = while_loop(node, session.graph) if node.op in WHILES else None
        if loop is not None:
            whole = Body("", [*loop.before, *loop.after], loop.inputs, loop.nexts, False)
            fold(whole, session.graph, session._context_maker(""), lambda node: None)
            loops.append(loop)
    return session, loops


def _functions(nodes: list[Node], kind: type) -> list[object]:
    return [node.function for node in nodes if isinstance(node.function, kind)]


@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("keras3_lstm", LstmStep, 2),
        ("keras2_lstm", LstmStep, 2),
        ("keras3_gru", GruStep, 1),
        ("keras2_gru", GruStep, 1),
    ],
)
def test_cells_of_keras_are_found(name: str, kind: type, count: int) -> None:
    _, loops = _loops(name)
    assert sum(len(_functions(join_cells(loop), kind)) for loop in loops) == count


def test_products_of_a_sequence_are_taken_out() -> None:
    session, (loop, _) = _loops("keras3_lstm")
    first, rest = take_out_products(loop, *hoist(loop, session.graph), session.graph)
    assert [node.op for node in first].count("MatMul") == 1
    assert "TensorListGetItem" not in [node.op for node in rest]


@pytest.mark.parametrize("batch", [1, 3, 40])
@pytest.mark.parametrize("forget_bias", [None, 1.0])
def test_an_lstm_step_is_its_ops_bit_for_bit(batch: int, forget_bias: float | None) -> None:
    units = 33
    step = LstmStep((0, 2, 1, 3), True, forget_bias)
    x, h, bias, cells = (
        _numbers(batch, 4 * units),
        _numbers(batch, 4 * units),
        _numbers(4 * units),
        _numbers(batch, units),
    )
    given = [array.copy() for array in (x, h, bias, cells)]
    for one, other in zip(step(x, h, bias, cells), step._by_ops(x + h + bias, cells)):
        np.testing.assert_array_equal(one, other)
    for before, after in zip(given, (x, h, bias, cells)):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("batch", [1, 3, 60])
def test_a_gru_step_is_its_ops_bit_for_bit(batch: int) -> None:
    step = GruStep((0, 1, 2), 33)
    outer, inner, state = _numbers(batch, 99), _numbers(batch, 99), _numbers(batch, 33)
    given = [array.copy() for array in (outer, inner, state)]
    np.testing.assert_array_equal(step(outer, inner, state), step._by_ops(outer, inner, state))
    for before, after in zip(given, (outer, inner, state)):
        np.testing.assert_array_equal(before, after)


def test_states_that_broadcast_are_left_to_the_ops() -> None:
    z, cells = _numbers(3, 8), _numbers(1, 2)
    new, hidden = LstmStep((0, 1, 2, 3), False, None)(z, cells)
    assert new.shape == hidden.shape == (3, 2)
    assert GruStep((0, 1, 2))(_numbers(3, 6), _numbers(3, 6), _numbers(1, 2)).shape == (3, 2)


def test_items_of_different_shapes_are_multiplied_one_by_one() -> None:
    def products(*items: np.ndarray | None) -> object:
        return products_of_items(handle(TensorList(DataType.FLOAT, None, list(items))), _numbers(40, 130))

    even = [_numbers(2, 40), _numbers(2, 40)]
    assert len(products(*even)) == 2  # type: ignore[arg-type]
    for odd in ([], [None, *even], [_numbers(3, 40), *even], [_numbers(2, 41)], [_numbers(40)]):
        assert products(*odd) is None


@pytest.mark.parametrize("name", ["keras3_lstm", "keras3_gru"])
def test_sequences_as_products_agree(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    meta_graph = read_saved_model(MODELS / name).find("serve")
    signature = meta_graph.signatures["serving_default"]
    feeds = {
        info.name: rng.uniform(-2, 2, [4 if dim.size < 0 else dim.size for dim in info.tensor_shape.dim]).astype("f")
        for info in signature.inputs.values()
    }
    names = [info.name for info in signature.outputs.values()]
    found = open_session(meta_graph).run(names, feeds)
    monkeypatch.setenv("SMCLI_DISABLE_REWRITES", "sequence")
    for one, other in zip(found, open_session(meta_graph).run(names, feeds)):
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=2e-6)
