"""Every op that models are known to use is timed, or there is a reason why not."""

from __future__ import annotations

from benchmarks.ops.rows import NOT_TIMED, OPS, ROWS
from docs.make_ops import common_ops, known_ops


def test_every_common_op_has_a_benchmark_row() -> None:
    timed = set().union(*OPS.values())
    assert not (set(common_ops()) & known_ops()) - timed - set(NOT_TIMED)


def test_no_op_is_excused_that_is_timed() -> None:
    assert not set(NOT_TIMED) & set().union(*OPS.values())


def test_inputs_are_made_when_a_row_is_measured() -> None:
    first, second = ROWS["AddV2"](), ROWS["AddV2"]()
    assert first.keywords["x"].size == 1_000_000
    assert (first.keywords["x"] == second.keywords["x"]).all()
