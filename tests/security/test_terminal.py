"""Names and strings of a model can not steer a terminal; a pipe gets them as they are."""

from __future__ import annotations

import io
import re
import subprocess
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from smcli.proto.saved_model_pb2 import SavedModel
from smcli.report.colour import ColouredOut
from smcli.report.terminal import Terminal, behind, escaped, printable
from smcli.tensors.types import DataType
from tests.graphs import node
from tests.security.models import command, environment, on_a_terminal, smcli, write_model

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b1m\r\u202e"
SHOWN = "\\x1b]0;owned\\x07\\x1b[2J\\x9b1m\\r\\u202e"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A model with EVIL in its tag, keys, node and function names, op and output; its signature is `s`."""
    nodes = [
        node("c", "Const", dtype=DataType.STRING, value=np.array(EVIL.encode(), object)),
        node(f"read{EVIL}", "ReadFile", "c"),
        node("strange", f"Op{EVIL}", "c"),
    ]
    made = write_model(tmp_path / "m", nodes, "c:0", key=f"key{EVIL}")
    model = SavedModel.FromString((made / "saved_model.pb").read_bytes())
    model.meta_graphs[0].signature_def["s"].outputs[f"key{EVIL}"].dtype = int(DataType.STRING)  # type: ignore[assignment]
    other = model.meta_graphs[0].signature_def[f"s{EVIL}"]
    other.inputs[f"in{EVIL}"].name = f"name{EVIL}:0"
    other.outputs["read"].name, other.outputs["strange"].name = f"read{EVIL}:0", "strange:0"
    model.meta_graphs.add().CopyFrom(model.meta_graphs[0])
    model.meta_graphs[1].meta_info_def.tags[0] = f"tag{EVIL}"
    (made / "saved_model.pb").write_bytes(model.SerializeToString())
    return made


def commands(directory: Path) -> list[list[str]]:
    run = ["run", "--dir", str(directory), "--tag_set", "serve", "--signature_def", "s"]
    return [
        ["show", "--dir", str(directory), "--all"],
        ["show", "--dir", str(directory)],
        ["show", "--dir", str(directory), "--all", "--format", "table"],
        ["scan", "--dir", str(directory)],
        run,
        [*run, "--output_format", "csv"],
        ["graph", str(directory), "--all", "--tag_set", "serve", "--format", "json"],
        ["summary", str(directory), "--tag_set", "serve", "--signature_def", "s"],
        ["check", str(directory), "--tag_set", "serve"],
        ["check", str(directory), "--tag_set", "serve", "--format", "junit"],
        ["diff", str(directory), str(directory)],
        ["diff", str(directory), str(directory), "--tag_set", "serve"],
    ]


@pytest.mark.parametrize("number", range(12))
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_a_model_is_called_does_not_steer_a_terminal(directory: Path, number: int, stream: str) -> None:
    _, shown = on_a_terminal(*commands(directory)[number], stream=stream)
    own = re.sub(r"\x1b\[[0-9;]*m|\r(?=\n)", "", shown)  # tables have bold heads
    assert not set(own) & set("\x1b\x07\x9b\r\u202e")
    if number == 0 and stream == "stdout":
        assert f"tag{SHOWN}" in shown and f"name{SHOWN}:0" in shown


def test_a_pipe_gets_the_names_as_they_are(directory: Path) -> None:
    done = subprocess.run(
        command("show", "--dir", str(directory), "--all"), env=environment(), capture_output=True, check=True
    )
    assert f"name{EVIL}:0".encode() in done.stdout


def test_colour_that_is_asked_for_is_all_there_is(directory: Path) -> None:
    shown = smcli("show", "--dir", str(directory), "--all", "--color", "always").stdout
    assert "\x1b[36m" in shown
    assert f"name{SHOWN}:0" in shown and EVIL not in shown


def test_scan_says_each_thing_on_a_line_of_its_own(tmp_path: Path) -> None:
    """No name can look like another verdict."""
    text = node("c", "Const", dtype=DataType.STRING, value=np.array(b"", object))
    made = write_model(tmp_path / "m", [text, node("a\nAll is well", "ReadFile", "c")], "a\nAll is well:0")
    lines = smcli("scan", "--dir", str(made)).stderr.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["ReadFile reads any file"]
    assert "a\\nAll is well" in lines[0]


def test_errors_are_shown_too(tmp_path: Path) -> None:
    made = write_model(tmp_path / "m", [node(f"y{EVIL}", "ReadFile", "nowhere")], f"y{EVIL}:0")
    args = ["run", "--dir", str(made), "--tag_set", "serve", "--signature_def", "s"]
    shown = on_a_terminal(*args)[1]
    assert SHOWN in shown and "\x1b" not in shown


def test_streams() -> None:
    out = io.StringIO()
    terminal = Terminal(out)
    assert print("a\tb\x1b\n", end="", file=cast(io.StringIO, terminal)) is None
    terminal.writelines(["c\x7f", "d"])
    assert out.getvalue() == "a\tb\\x1b\nc\\x7fd"
    assert behind(cast(io.StringIO, terminal)) is out and behind(out) is out
    ColouredOut(out).write("x\x1b")
    assert out.getvalue().endswith("x\\x1b")


@pytest.mark.parametrize("text", ["plain", "Größe ☃ 🙂", "tab\tline\n"])
def test_what_harms_nobody_stays(text: str) -> None:
    assert escaped(text) == text
    assert printable(text) == text.replace("\t", "\\t").replace("\n", "\\n")
