"""Hostile SavedModels written to disk, and smcli run on them as a process of its own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from smcli.proto.graph_pb2 import FunctionDef, NodeDef
from smcli.proto.saved_model_pb2 import SavedModel
from smcli.tensors.types import DataType
from tests.graphs import const, func, function, node, types

ROOT = Path(__file__).resolve().parents[2]
ONE = types(DataType.FLOAT)


def write_model(
    directory: Path, nodes: Sequence[NodeDef], output: str, functions: Sequence[FunctionDef] = (), key: str = "y"
) -> Path:
    """A SavedModel (tag `serve`) whose signature `s` has no inputs and one output, `key`."""
    model = SavedModel(saved_model_schema_version=1)
    graph = model.meta_graphs.add()
    graph.meta_info_def.tags.append("serve")
    graph.graph_def.node.extend(nodes)
    graph.graph_def.library.function.extend(functions)
    graph.signature_def["s"].outputs[key].name = output
    graph.signature_def["s"].outputs[key].dtype = 1  # type: ignore[assignment]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "saved_model.pb").write_bytes(model.SerializeToString())
    return directory


def command(*args: str, before: str = "") -> list[str]:
    """The command line of smcli in a process of its own. before: Python that runs first."""
    return [sys.executable, "-c", f"{before}\nfrom smcli.cli import main\nmain.main(prog_name='smcli')", *args]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "SMCLI_TRACEBACK": ""}


def smcli(*args: str, before: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*args, before=before),
        env=environment(),
        text=True,
        check=False,
        timeout=60,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


def on_a_terminal(*args: str, before: str = "", stream: str = "stderr", **variables: str) -> tuple[str, str]:
    """What a command line writes to a pipe, and to the terminal that its stdout or stderr (`stream`) is."""
    leader, follower = pty.openpty()
    settings = {**environment(), "TERM": "xterm", **variables}
    settings.pop("NO_COLOR", None) if "NO_COLOR" not in variables else None
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: follower}
    process = subprocess.Popen(command(*args, before=before), env=settings, text=True, **streams)
    os.close(follower)
    shown = b""
    while True:
        try:
            piece = os.read(leader, 1 << 16)
        except OSError:  # Linux says EIO when nobody writes any more
            break
        if not piece:
            break
        shown += piece
    os.close(leader)
    written = process.communicate()
    return written[1] if stream == "stdout" else written[0], shown.decode()


def run_model(directory: Path, *args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return smcli("run", "--dir", str(directory), "--tag_set", "serve", "--signature_def", "s", *args, **options)


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.strip().split("\n")[-1]


# Models that do not end, or take memory without end.

TRUE = function("true", {"x": DataType.FLOAT}, {"r": (DataType.BOOL, "c:output:0")}, const("c", True, np.bool_))
ADD = function(
    "add",
    {"x": DataType.FLOAT},
    {"r": (DataType.FLOAT, "a:z:0")},
    node("a", "AddV2", "x", "x", T=DataType.FLOAT),
)
# x, x, … twice as long in each round
GROW = function(
    "grow",
    {"x": DataType.FLOAT},
    {"r": (DataType.FLOAT, "t:output:0")},
    node("m", "Const", dtype=DataType.INT32, value=np.array([2], np.int32)),
    node("t", "Tile", "x", "m:output:0", T=DataType.FLOAT, Tmultiples=DataType.INT32),
)
JOIN = function(
    "join",
    {"x": DataType.STRING},
    {"r": (DataType.STRING, "j:output:0")},
    node("j", "StringJoin", "x", "x", N=2),
)
TRUE_OF_TEXT = function(
    "true_of_text", {"x": DataType.STRING}, {"r": (DataType.BOOL, "c:output:0")}, const("c", True, np.bool_)
)


def endless_while(directory: Path) -> Path:
    loop = node("w", "While", "c", T=ONE, cond=func("true"), body=func("add"))
    return write_model(directory, [const("c", 1.0), loop], "w:0", [TRUE, ADD])


def endless_frames(directory: Path) -> Path:
    nodes = [
        const("c", 1.0),
        node("t", "Const", dtype=DataType.BOOL, value=np.array(True)),
        node("e", "Enter", "c", T=DataType.FLOAT, frame_name="f"),
        node("p", "Enter", "t", T=DataType.BOOL, frame_name="f", is_constant=True),
        node("m", "Merge", "e", "n", N=2, T=DataType.FLOAT),
        node("l", "LoopCond", "p"),
        node("s", "Switch", "m", "l", T=DataType.FLOAT),
        node("n", "NextIteration", "s:1", T=DataType.FLOAT),
        node("x", "Exit", "s", T=DataType.FLOAT),
    ]
    return write_model(directory, nodes, "x:0")


def growing(directory: Path) -> Path:
    loop = node("w", "While", "c", T=ONE, cond=func("true"), body=func("grow"))
    return write_model(directory, [const("c", [1.0] * 1024), loop], "w:0", [TRUE, GROW])


def growing_text(directory: Path) -> Path:
    text = node("c", "Const", dtype=DataType.STRING, value=np.array(b"0123456789", object))
    loop = node("w", "While", "c", T=types(DataType.STRING), cond=func("true_of_text"), body=func("join"))
    return write_model(directory, [text, loop], "w:0", [TRUE_OF_TEXT, JOIN])


def filled(directory: Path, dims: Sequence[int]) -> Path:
    nodes = [
        node("d", "Const", dtype=DataType.INT64, value=np.array(dims, np.int64)),
        const("v", 1.0),
        node("f", "Fill", "d", "v", T=DataType.FLOAT, index_type=DataType.INT64),
    ]
    return write_model(directory, nodes, "f:0")
