"""What a recorder sees of a run."""

from __future__ import annotations

import numpy as np
import pytest

from smcli.report import profile as report
from smcli.report.tables import plain_text
from smcli.runtime.profile import Recorder, trace_events
from smcli.runtime.session import Session
from tests import graphs


def _recorded(keep_events: bool = False) -> Recorder:
    """x + 1 + 1, then the sum of both, run twice."""
    session = Session.from_graph_def(
        graphs.graph(
            graphs.placeholder("x"),
            graphs.const("one", 1.0),
            graphs.node("a", "AddV2", "x", "one", T=np.float32),
            graphs.node("b", "AddV2", "a", "one", T=np.float32),
            graphs.node("c", "Mul", "a", "b", T=np.float32),
        )
    )
    recorder = Recorder(keep_events=keep_events)
    session.observe = recorder.wrap
    for _ in range(2):
        np.testing.assert_array_equal(session.run(["c:0"], {"x:0": np.zeros(1000, np.float32)})[0], np.full(1000, 2.0))
    return recorder


def test_calls_and_bytes_of_each_node() -> None:
    recorder = _recorded()
    seen = {tally.name: (tally.op, tally.calls, tally.output_bytes) for tally in recorder.by_node()}
    assert seen == {"a": ("AddV2", 2, 8000), "b": ("AddV2", 2, 8000), "c": ("Mul", 2, 8000)}
    assert {tally.op: tally.calls for tally in recorder.by_op()} == {"AddV2": 4, "Mul": 2}


def test_peak_of_live_results() -> None:
    assert _recorded().peak_bytes == 12_000  # a and b are there while c is made


def test_a_loop_is_not_counted_twice() -> None:
    session = Session.from_graph_def(graphs.counting_loop())
    recorder = Recorder()
    session.observe = recorder.wrap
    assert session.run(["out:0"], {"n:0": np.array(50, np.int32)})[0] == 50
    tallies = recorder.by_node()
    loop = next(tally for tally in tallies if tally.op == "While")
    assert loop.total == pytest.approx(sum(tally.own for tally in tallies))


def test_trace_events_nest_and_name_their_nodes() -> None:
    events = trace_events(_recorded(keep_events=True))
    assert [event["args"]["node"] for event in events] == ["a", "b", "c"] * 2
    assert events[0]["ts"] == 0
    assert all(event["ph"] == "X" and event["dur"] > 0 for event in events)


def test_tables() -> None:
    recorder = _recorded()
    by_op, by_node = report.tables(recorder.by_op(), recorder.by_node())
    head, *lines = plain_text(by_op).splitlines()
    assert head.split() == ["op", "calls", "total", "ms", "mean", "ms", "share", "output", "MB"]
    assert {line.split()[0] for line in lines} == {"AddV2", "Mul"}
    assert all(line.index("4") < head.index("calls") + len("calls") for line in lines if "AddV2" in line)
    assert (by_node.columns[0], len(by_node.rows)) == ("node", 3)
    assert report.left_out(recorder.by_node()) == ""
    assert report.left_out(recorder.by_node() * 11) == "and 3 more nodes; --profile_trace writes all\n"
