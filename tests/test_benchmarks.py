"""Every op that models are known to use is timed, or there is a reason why not."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from benchmarks import processes, report, rows
from benchmarks.ops.rows import NOT_TIMED, OPS, ROWS
from docs.make_ops import common_ops
from smcli.graph.structural import known_ops


def test_every_common_op_has_a_benchmark_row() -> None:
    timed = set().union(*OPS.values())
    assert not (set(common_ops()) & known_ops()) - timed - set(NOT_TIMED)


def test_no_op_is_excused_that_is_timed() -> None:
    assert not set(NOT_TIMED) & set().union(*OPS.values())


def test_inputs_are_made_when_a_row_is_measured() -> None:
    first, second = ROWS["AddV2"](), ROWS["AddV2"]()
    assert first.keywords["x"].size == 1_000_000
    assert (first.keywords["x"] == second.keywords["x"]).all()


def test_the_slowest_of_many_commands_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, int]] = []

    def alternate(commands: dict[str, list[str]], rounds: int) -> dict[str, dict[str, Any]]:
        name = commands["smcli"][0]
        ran.append((name, rounds))
        if name == "broken":
            return {"smcli": {"fail": True}, "imports": {"all": [1.0], "ms": 1.0}}
        slow = 3.0 if (name, rounds) == ("noisy", rows.SCREENING_ROUNDS) else float(name == "slow") + 1
        return {"smcli": {"all": [slow], "ms": slow}, "imports": {"all": [1.0], "ms": 1.0}}

    monkeypatch.setattr(rows, "alternate", alternate)
    names = ["broken", "noisy", "slow", *map(str, range(8))]
    row = rows._slowest({name: [name] for name in names}, ["imports"], 5)
    assert (row["worst"], row["of"], row["ratios"]) == ("slow", 10, {"smcli": 2.0})
    again = [name for name, rounds in ran if rounds == 10]
    assert len(again) == rows.SCREENED and {"noisy", "slow"} < set(again)
    text = report._commands({"show --all, golden models": row})
    assert "| show --all, golden models: the slowest of 10, slow | 2 | 1 | 2.00 (goal ≤ 2.00) |" in text


def test_a_process_is_not_charged_for_the_memory_of_the_one_that_starts_it() -> None:
    held = bytearray(200 * 2**20)
    found = processes.run_once([sys.executable, "-c", "pass"])
    assert len(held) and found is not None
    assert 1 < found[1] < 100


def test_a_process_that_fails_has_no_time() -> None:
    assert processes.run_once([sys.executable, "-c", "raise SystemExit(3)"]) is None
