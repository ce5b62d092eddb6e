"""What is true of every command: names, help, exit codes, errors, what is imported."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from smcli import __version__
from smcli.cli import app
from smcli.cli.table import COMMANDS
from smcli.errors import SmcliError
from tests.cli import golden

MODEL = str(golden.GOLDEN / "models" / "simple_save")
ROOT = golden.GOLDEN.parents[1]


def _python(*args: str, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}  # type: ignore[dict-item]
    return subprocess.run(
        [sys.executable, *args],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        **options,  # type: ignore[call-overload]
    )


def test_names_itself_after_the_link_that_was_called(tmp_path: Path) -> None:
    for name in ("smcli", "saved_model_cli"):
        script = tmp_path / name
        script.write_text("from smcli.cli import main\nmain()\n")
        assert f"{name}: error: Too few arguments." in _python(str(script)).stderr
        assert _python(str(script), "--version").stdout.startswith(f"{name} {__version__}")
    assert "smcli: error" in _python("-m", "smcli").stderr


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_help_shows_flags_and_examples(command: str) -> None:
    outcome = golden._call([command, "--help"])
    assert outcome.exit_code == 0
    assert "--dir" in outcome.stdout
    examples = outcome.stdout.partition("Examples:\n")[2].split("\n")
    assert any(line.strip().startswith(f"saved_model_cli {command} ") for line in examples)


def test_program_help_lists_all_commands() -> None:
    outcome = golden._call(["-h"])
    for command in COMMANDS:
        assert f"  {command.name} " in outcome.stdout


@pytest.mark.parametrize("args", [["show", "--all"], ["show", "--tag_set", "serve", "--list_ops"], ["scan"]])
def test_show_and_scan_import_neither_numpy_nor_rich(args: list[str]) -> None:
    code = (
        "import sys; from smcli.cli import main\n"
        "try: main.main(args=sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('numpy', 'rich', 'scipy') if name in sys.modules])"
    )
    done = _python("-c", code, *args, "--dir", str(golden.GOLDEN / "models" / "keras_export_dense"))
    loaded = done.stdout.strip().split("\n")[-1]
    assert loaded == "[]"


def test_command_modules_are_imported_when_called() -> None:
    code = "import sys, smcli.cli; print([m for m in sys.modules if m.startswith('smcli.')])"
    loaded = _python("-c", code).stdout
    assert "smcli.cli.app" in loaded
    for command in COMMANDS:
        assert f"'smcli.cli.{command.name}'" not in loaded


def test_the_cycle_collector_waits_but_is_on() -> None:
    code = "import gc, smcli.cli; print(gc.isenabled(), gc.get_threshold()[0], gc.get_stats()[2]['collections'])"
    is_on, threshold, collections = _python("-c", code).stdout.split()
    assert (is_on, collections) == ("True", "0")
    assert int(threshold) > 10_000


# What a run of a small model loads beside NumPy, click and protobuf. A module is added here when each run needs it.
RUN_MODULES = """
checkpoint checkpoint.assemble checkpoint.base checkpoint.bundle checkpoint.files checkpoint.slices checkpoint.table
checkpoint.values checkpoint.variants cli cli.app cli.compat cli.flags cli.limited cli.own cli.progress cli.results
cli.run cli.table cli.values errors graph graph.attrs graph.binding graph.constants graph.graph graph.inline graph.plan
graph.rewrites graph.schema graph.signatures graph.structural inputs inputs.arguments inputs.expressions inputs.feeding
inputs.names kernels kernels._checks kernels._digits kernels._numbers kernels._short_floats kernels._threads
kernels.array kernels.context kernels.index kernels.math kernels.registry kernels.state model processors proto
proto._build proto.checkpoint_pb2 proto.graph_pb2 proto.object_graph_pb2 proto.saved_model_pb2 proto.structure_pb2
proto.tensor_pb2 proto.types_pb2 report report.outputs runtime runtime.control_flow runtime.files runtime.limits
runtime.session runtime.straight runtime.threads savedmodel savedmodel.meta_graph savedmodel.reader savedmodel.wire
tensors tensors.lazy tensors.types tensors.variants tensors.wire
"""
# Each of these took milliseconds of every start once.
SLOW_MODULES = ["pathlib", "random", "secrets", "hashlib", "glob", "rich", "scipy", "ml_dtypes", "asyncio", "email"]
SLOW_MODULES += ["cramjam", "signal"]


def test_run_imports_what_it_needs() -> None:
    code = (
        "import sys; from smcli.cli import main\n"
        "try: main.main(args=sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    model = ROOT / "fixtures" / "models" / "half_plus_two"
    argv = ["run", "--dir", str(model), "--tag_set", "serve", "--signature_def", "serving_default"]
    done = _python("-c", code, *argv, "--input_exprs", "x=[1.0]")
    assert done.stdout.endswith("[2.5]\n"), done.stderr
    loaded = set(done.stderr.split())
    assert {name for name in loaded if name.startswith("smcli.")} <= {f"smcli.{name}" for name in RUN_MODULES.split()}
    baseline = set(
        _python("-c", "import numpy, click, google.protobuf.message, sys; print(*sys.modules)").stdout.split()
    )
    assert not loaded.intersection(SLOW_MODULES) - baseline


def test_traceback_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMCLI_TRACEBACK", raising=False)
    assert golden._call(["show", "--dir", "nope"]).stderr == "OSError: SavedModel file does not exist at: nope\n"
    monkeypatch.setenv("SMCLI_TRACEBACK", "1")
    assert "Traceback" in golden._call(["show", "--dir", "nope"]).stderr


@pytest.mark.parametrize(
    ("error", "stderr"),
    [
        (SmcliError("m"), "RuntimeError: m\n"),
        (SmcliError("m", shown_as="ValueError", hint="do this"), "do this\nValueError: m\n"),
        (
            ZeroDivisionError("x"),
            "This is a bug in smcli; SMCLI_TRACEBACK=1 shows where it happened.\nZeroDivisionError: x\n",
        ),
        (KeyError(), "This is a bug in smcli; SMCLI_TRACEBACK=1 shows where it happened.\nKeyError\n"),
    ],
)
def test_errors_of_commands(monkeypatch: pytest.MonkeyPatch, error: Exception, stderr: str) -> None:
    def command(flags: object) -> None:
        print("so far")
        raise error

    monkeypatch.setattr(app, "_import_command", lambda name: command)
    outcome = golden._call(["show", "--dir", "m"])
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (1, "so far\n", stderr)


def test_interrupt_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    def command(flags: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(app, "_import_command", lambda name: command)
    outcome = golden._call(["show", "--dir", "m"])
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (130, "", "")


def test_closed_pipe_is_quiet() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "smcli", "show", "--all", "--dir", MODEL]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=environment, check=False)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_paths_that_are_not_utf8(tmp_path: Path) -> None:
    directory = os.fsencode(tmp_path) + b"/\xff\xfe"
    command = [sys.executable, "-m", "smcli", "show", "--dir"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    missing = subprocess.run([*command, directory], capture_output=True, env=environment, check=False)
    assert missing.returncode == 1 and b"SavedModel file does not exist at: " in missing.stderr
    shutil.copytree(os.fsencode(MODEL), directory)
    found = subprocess.run([*command, directory], capture_output=True, env=environment, check=True)
    assert found.stdout.endswith(b"'serve'\n")
