"""What `scan` says beyond the original, on stderr."""

from __future__ import annotations

from tests.cli import golden


def _scan(model: str, *more: str) -> golden.Outcome:
    return golden._call(["scan", "--dir", str(golden.GOLDEN / "models" / model), *more])


def test_ops_without_a_kernel_are_named_with_their_nodes() -> None:
    said = _scan("custom_op_tf2").stderr
    assert "MyCustomOp is an op that smcli does not have: " in said
    assert said.split(": ")[1].startswith("__inference_")


def test_nothing_is_said_of_models_that_run() -> None:
    for model in ("keras2_lstm", "control_flow", "sparse_ragged_tf1", "table_tf1"):
        assert _scan(model).stderr == ""


def test_a_denylist_of_ones_own_is_all_that_is_looked_for() -> None:
    assert _scan("custom_op_tf2", "--op_denylist", "Const").stderr == ""
