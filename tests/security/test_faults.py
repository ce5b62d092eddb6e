"""Faults around a run: signals, closed pipes, full disks, files in the way, FIFOs and devices for files."""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from smcli.errors import FailedPreconditionError, SmcliError
from smcli.inputs import files
from smcli.report import outputs
from smcli.savedmodel import read_saved_model
from tests.graphs import const
from tests.security import models

TWO = [const("a", [1.0, 2.0]), const("b", [3.0] * 3000)]
PRINTS = "import sys\nimport smcli.model as m, smcli.cli.run as r\n"
# Says that it runs, so that a signal can be sent then.
SAYS_SO = PRINTS + (
    "import smcli.runtime.session as s\nbefore = s.Session.run\n"
    "def run(*a, **k):\n print('running', flush=True)\n return before(*a, **k)\ns.Session.run = run\n"
)
SLOW_SAVE = PRINTS + (
    "import numpy as np, time\nbefore = np.save\n"
    "def save(file, value):\n before(file, value)\n file.flush()\n print('saving', flush=True)\n time.sleep(60)\n"
    "np.save = save\n"
)


def two_outputs(directory: Path) -> Path:
    models.write_model(directory, TWO, "a:0", key="a")
    path = directory / "saved_model.pb"
    model = models.SavedModel.FromString(path.read_bytes())
    model.meta_graphs[0].signature_def["s"].outputs["b"].name = "b:0"
    path.write_bytes(model.SerializeToString())
    return directory


def start(directory: Path, *args: str, before: str) -> subprocess.Popen[str]:
    """smcli run as a process that has said its first line."""
    line = models.command(
        "run", "--dir", str(directory), "--tag_set", "serve", "--signature_def", "s", *args, before=before
    )
    process = subprocess.Popen(
        line, env=models.environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() in ("running", "saving")
    return process


@pytest.mark.parametrize("more", [(), ("--timeout", "50")], ids=["alone", "watched"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_while_the_model_runs(tmp_path: Path, number: int, code: int, more: tuple[str, ...]) -> None:
    out = tmp_path / "o"
    directory = models.endless_while(tmp_path / "m")
    process = start(directory, "--outdir", str(out), *more, before=SAYS_SO)
    time.sleep(0.3)
    if number == signal.SIGINT and more:  # as the terminal does: to all of its processes
        children = subprocess.run(["ps", "--ppid", str(process.pid), "-o", "pid="], capture_output=True, text=True)
        for child in children.stdout.split():
            os.kill(int(child), number)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode in (code, -number), stderr
    assert stderr == ""
    assert not out.exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_while_outputs_are_written(tmp_path: Path, number: int, code: int) -> None:
    out = tmp_path / "o"
    out.mkdir()
    (out / "a.npy").write_text("before")
    process = start(two_outputs(tmp_path / "m"), "--outdir", str(out), "--overwrite", before=SLOW_SAVE)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (code, "")
    assert os.listdir(out) == ["a.npy"]
    assert (out / "a.npy").read_text() == "before"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_while_a_graph_is_frozen(tmp_path: Path, number: int, code: int) -> None:
    out = tmp_path / "o"
    slow = (
        "import os, time\nbefore = os.replace\n"
        "def replace(*args):\n print('saving', flush=True)\n time.sleep(60)\n before(*args)\nos.replace = replace\n"
    )
    line = [
        "freeze_model",
        "--dir",
        str(two_outputs(tmp_path / "m")),
        "--tag_set",
        "serve",
        "--output_prefix",
        str(out),
    ]
    process = subprocess.Popen(
        models.command(*line, "--signature_def_key", "s", before=slow),
        env=models.environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "saving\n"
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (code, "")
    assert os.listdir(out) == []


@pytest.mark.parametrize("args", [["show", "--all"], ["run", "--tag_set", "serve", "--signature_def", "s"]])
def test_a_closed_pipe(tmp_path: Path, args: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = models.smcli(args[0], "--dir", str(two_outputs(tmp_path)), *args[1:], stdout=write)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_disk_that_fills_up_leaves_all_that_was_there(tmp_path: Path) -> None:
    out = tmp_path / "o"
    out.mkdir()
    (out / "a.npy").write_text("before")
    full = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
    done = models.run_model(two_outputs(tmp_path / "m"), "--outdir", str(out), "--overwrite", before=full)
    assert done.returncode == 1
    assert models.last_line(done).startswith("OSError: ")
    assert done.stdout.startswith("Result for output key a:\n[1. 2.]\n")
    assert "is saved to" not in done.stdout
    assert os.listdir(out) == ["a.npy"]
    assert (out / "a.npy").read_text() == "before"


def test_an_array_that_no_disk_holds(tmp_path: Path) -> None:
    with pytest.raises(SmcliError, match="No space left") as raised:
        outputs.save(str(tmp_path / "x.npy"), np.broadcast_to(np.float32(1), (2**45,)), overwrite=False)
    assert raised.value.shown_as == "OSError"
    assert os.listdir(tmp_path) == []


def test_a_folder_that_can_not_be_written_to(tmp_path: Path) -> None:
    done = models.run_model(two_outputs(tmp_path), "--outdir", "/proc/smcli")
    assert done.returncode == 1
    assert models.last_line(done).startswith(("FileNotFoundError: ", "PermissionError: ", "OSError: "))


@pytest.mark.parametrize(
    ("key", "in_the_way"),
    [("a/b", "a"), ("a/b/c", "a/b"), ("a", "a.npy"), ("a.npy/b", "a.npy")],
)
def test_conflicts_are_reported_before_the_model_runs(tmp_path: Path, key: str, in_the_way: str) -> None:
    directory = models.endless_while(tmp_path / "m")  # it would run for ever
    path = directory / "saved_model.pb"
    model = models.SavedModel.FromString(path.read_bytes())
    kept = model.meta_graphs[0].signature_def["s"].outputs.pop("y")
    model.meta_graphs[0].signature_def["s"].outputs[key].CopyFrom(kept)
    path.write_bytes(model.SerializeToString())
    (tmp_path / "o" / in_the_way).parent.mkdir(parents=True)
    (tmp_path / "o" / in_the_way).write_text("before")
    done = models.run_model(directory, "--outdir", str(tmp_path / "o"))
    assert (done.returncode, done.stdout) == (1, "")
    assert in_the_way in models.last_line(done)
    assert (tmp_path / "o" / in_the_way).read_text() == "before"


def test_two_keys_of_which_one_is_the_others_folder(tmp_path: Path) -> None:
    paths = outputs.output_paths(str(tmp_path), ["a", "a.npy/b"])
    with pytest.raises(SmcliError, match="Not a directory"):
        outputs.check_free(str(tmp_path), paths, overwrite=True)


def test_two_processes_that_write_the_same_files(tmp_path: Path) -> None:
    out = tmp_path / "o"
    out.mkdir()
    arrays = [np.full(200_000, value) for value in (1.0, 2.0)]
    stop = threading.Event()
    seen: list[bool] = []

    def write(array: np.ndarray) -> None:
        while not stop.is_set():
            outputs.save(str(out / "x.npy"), array, overwrite=True)

    threads = [threading.Thread(target=write, args=(array,)) for array in arrays]
    for thread in threads:
        thread.start()
    while not (out / "x.npy").exists():
        time.sleep(0.01)
    for _ in range(50):
        found = np.load(out / "x.npy")
        seen.append(found.shape == (200_000,) and len(set(found[::997].tolist())) == 1)
    stop.set()
    for thread in threads:
        thread.join()
    assert all(seen)
    assert os.listdir(out) == ["x.npy"]


@pytest.mark.parametrize(
    ("name", "on_linux", "on_windows"),
    [
        ("a.npy", True, True),
        ("con.npy", True, False),
        ("a/NUL.npy", True, False),
        ("com1", True, False),
        ("conf.npy", True, True),
        ("a:b.npy", True, False),
        ("..\\x.npy", True, False),
        ("a/b ", True, False),
        ("x\0.npy", False, False),
        ("a" * 252 + ".npy", False, False),
        ("a/" * 2048 + "x.npy", False, False),
    ],
)
def test_names_that_file_systems_can_not_hold(name: str, on_linux: bool, on_windows: bool) -> None:
    assert outputs._can_be_named(name, "/out", False) == on_linux
    assert outputs._can_be_named(name, "/out", True) == on_windows


# What is no file


def test_a_fifo_that_nobody_writes_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PIPE_SECONDS", 0.2)
    os.mkfifo(tmp_path / "f")
    with pytest.raises(SmcliError, match="No data left"):
        files.load(str(tmp_path / "f"))


def test_a_fifo_whose_writer_comes_late(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f")
    data = io.BytesIO()
    np.save(data, np.arange(300_000))

    def write() -> None:
        time.sleep(0.3)
        (tmp_path / "f").write_bytes(data.getvalue())

    thread = threading.Thread(target=write)
    thread.start()
    np.testing.assert_array_equal(files.load(str(tmp_path / "f")), np.arange(300_000))
    thread.join()


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/dev/full"])
def test_devices_are_no_inputs(path: str) -> None:
    with pytest.raises(FailedPreconditionError, match="Not a regular file"):
        files.load(path)


@pytest.mark.parametrize("what", ["fifo", "directory", "dangling", "device"])
def test_model_files_that_are_no_files(tmp_path: Path, what: str) -> None:
    path = tmp_path / "saved_model.pb"
    if what == "fifo":
        os.mkfifo(path)
    elif what == "directory":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if what == "device" else tmp_path / "nowhere")
    assert what != "fifo" or stat.S_ISFIFO(path.stat().st_mode)
    with pytest.raises(SmcliError, match=r"saved_model\.pb"):
        read_saved_model(tmp_path)
