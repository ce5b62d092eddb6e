"""Progress on a terminal: what is counted, when it is drawn, and that nothing is drawn elsewhere."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from smcli.checkpoint import open_checkpoint
from smcli.cli.progress import Line, Shown, lines
from smcli.graph.graph import Node
from smcli.runtime.progress import Progress
from smcli.runtime.session import Session
from tests import graphs
from tests.cli.test_own_commands import MODELS
from tests.report.test_tables import Terminal
from tests.security.models import on_a_terminal

SHARDED = MODELS.parent / "checkpoints" / "sharded"


def observed(graph_def) -> tuple[Session, Progress]:
    session, progress = Session.from_graph_def(graph_def), Progress()
    session.observe = progress.wrap
    return session, progress


def test_nodes_of_the_main_graph_are_counted():
    session, progress = observed(
        graphs.graph(
            graphs.placeholder("x"),
            graphs.node("a", "Abs", "x", T=np.float32),
            graphs.node("b", "Exp", "a", T=np.float32),
        )
    )
    session.run(["b:0"], {"x:0": np.ones(3, np.float32)})
    assert (progress.nodes, progress.nodes_run, progress.iterations) == (2, 2, 0)


def test_of_a_loop_only_iterations_are_counted():
    session, progress = observed(graphs.counting_loop())
    assert session.run(["out:0"], {"n:0": np.array(50, np.int32)})[0] == 50
    assert (progress.nodes, progress.nodes_run) == (1, 1)
    assert progress.iterations == 51  # the last test says no


def test_what_runs_inside_of_nodes_is_not_slowed_down():
    progress = Progress()
    outer = progress.wrap(Node("outer", "While", {}), lambda: progress.wrap(Node("inner", "Add", {}), abs))
    assert outer() is abs


def test_bytes_of_variables_are_counted_as_they_are_asked_for_and_read():
    progress = Progress()
    with progress.watched(open_checkpoint(SHARDED)) as checkpoint:
        tensor = checkpoint.tensor("shard0/a")
        assert (progress.bytes_asked, progress.bytes_read) == (16, 0)
        assert tensor.numpy().shape == (4,)
        assert (progress.bytes_asked, progress.bytes_read) == (16, 16)
        checkpoint.tensor("shard0/c").numpy()  # strings, whose size is not known
        assert (progress.bytes_asked, progress.bytes_read) == (16, 16)
        assert checkpoint.entry("shard0/a").shape == (4,)
        assert "shard0/a" in checkpoint.keys()  # noqa: SIM118
    progress.begin()
    with progress.reading(open_checkpoint(SHARDED), 100) as checkpoint:
        checkpoint.tensor("shard0/a").numpy()
    assert (progress.bytes_asked, progress.bytes_read) == (100, 16)


@pytest.mark.parametrize(
    ("progress", "wanted"),
    [
        (Progress(), []),
        (Progress(bytes_asked=2048, bytes_read=1024), [Line("variables", 1024, 2048, "1.0 KiB of 2.0 KiB")]),
        (Progress(nodes=1200, nodes_run=7), [Line("nodes", 7, 1200, "7 of 1,200")]),
        (Progress(nodes=2, nodes_run=7), [Line("nodes", 7, None, "7")]),
        (
            Progress(nodes=2, nodes_run=1, iterations=1000),
            [Line("nodes", 1, 2, "1 of 2"), Line("iterations", 1000, None, "1,000")],
        ),
    ],
)
def test_what_is_drawn(progress, wanted):
    assert lines(progress) == wanted


@pytest.mark.parametrize(
    ("quiet", "stream", "term", "is_shown"),
    [
        (False, Terminal(), "xterm", True),
        (True, Terminal(), "xterm", False),
        (False, Terminal(), "dumb", False),
        (False, open(os.devnull, "w"), "xterm", False),  # noqa: SIM115
    ],
)
def test_only_a_terminal_that_can_show_it_is_written_to(monkeypatch, quiet, stream, term, is_shown):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", term)
    assert (Shown(quiet).progress is not None) is is_shown


RUN = ["run", "--dir", str(MODELS / "half_plus_two"), "--tag_set", "serve", "--signature_def", "serving_default"]
AT_ONCE = "import smcli.cli.progress as p; p.DELAY = 0"  # draws from the beginning


def test_a_long_run_is_shown_and_leaves_no_trace():
    out, shown = on_a_terminal(*RUN, "--input_exprs", "x=[1.0]", before=f"{AT_ONCE}\n{SLEEPY}")
    assert out.endswith("[2.5]\n")
    words = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert re.search(r"nodes .* \d of 2 +0:00:0\d ETA", words)
    assert re.search(r"variables .* [48] B of 8 B", words)
    assert "\x1b[3" in shown  # colour
    assert shown.rstrip().endswith(("\x1b[2K", "\x1b[?25h"))  # the lines are erased and the cursor is there


# Each node takes a moment, so that there is something to look at.
SLEEPY = (
    "import time\n"
    "from smcli.runtime.progress import Progress\n"
    "plain = Progress.wrap\n"
    "def slow(self, node, function):\n"
    "    def call(*args):\n"
    "        time.sleep(0.25)\n"
    "        return function(*args)\n"
    "    return plain(self, node, call)\n"
    "Progress.wrap = slow\n"
)


def test_no_color_is_plain():
    _, shown = on_a_terminal(*RUN, "--input_exprs", "x=[1.0]", before=f"{AT_ONCE}\n{SLEEPY}", NO_COLOR="1")
    assert "nodes" in shown
    assert not re.search(r"\x1b\[[0-9;]*3\d", shown)


@pytest.mark.parametrize(
    ("args", "before"),
    [
        ([], ""),  # over in less than a second
        (["-q"], f"{AT_ONCE}\n{SLEEPY}"),
        (["--quiet"], f"{AT_ONCE}\n{SLEEPY}"),
    ],
)
def test_nothing_is_drawn_of_short_or_quiet_runs(args, before):
    assert on_a_terminal(*RUN, "--input_exprs", "x=[1.0]", *args, before=before)[1] == ""


def test_watching_writes_its_lines_alone():
    _, shown = on_a_terminal(*RUN, "--input_exprs", "x=[1.0]", "--watch", "mul", before=AT_ONCE)
    assert shown.split()[1] == "Mul"
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    "args", [["check", "half_plus_two"], ["summary", "half_plus_two"], ["checkpoint", "half_plus_two", "--stats"]]
)
def test_other_commands_show_it_too(args):
    command, model, *rest = args
    out, shown = on_a_terminal(command, str(MODELS / model), *rest, before=AT_ONCE)
    assert out
    assert "Traceback" not in shown


def test_an_error_stands_after_what_was_drawn(tmp_path: Path):
    _, shown = on_a_terminal(*RUN, "--input_exprs", "x=[[1.0]]", before=AT_ONCE)
    assert "Cannot feed value of shape (1, 1)" in shown.splitlines()[-1]
