"""`--timeout` and `--memory_limit`: what does not end, or takes memory without end, is stopped; exit codes."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from smcli.cli import limited
from smcli.cli.flags import Flags
from smcli.errors import OutOfTimeError, SmcliError
from smcli.runtime import limits
from tests.security import models

# Every kernel is replaced by this one.
KERNEL = """
from smcli.graph.binding import Binder
def kernel(*args, **attrs): {}
Binder.bind = lambda *args: kernel
"""
STUCK = KERNEL.format("sum(range(10**15))")  # holds Python's lock and never comes back to the interpreter


@pytest.mark.parametrize("make", [models.endless_while, models.endless_frames])
def test_a_loop_that_does_not_end(tmp_path: Path, make: object) -> None:
    began = time.monotonic()
    done = models.run_model(make(tmp_path), "--timeout", "1.5")  # type: ignore[operator]
    assert done.returncode == 124
    assert done.stdout == ""
    assert models.last_line(done).endswith(
        "errors_impl.DeadlineExceededError: Not done after 1.5 s, the limit that --timeout sets"
    )
    assert done.stderr.count("\n") == 1
    assert time.monotonic() - began < 20


def test_a_call_that_does_not_come_back(tmp_path: Path) -> None:
    done = models.run_model(models.filled(tmp_path, [2, 2]), "--timeout", "1", before=STUCK)
    assert done.returncode == 124
    assert "DeadlineExceededError: Not done after 1 s" in models.last_line(done)


def test_a_call_that_does_not_come_back_without_fork(tmp_path: Path) -> None:
    sleeps = KERNEL.format("import ctypes; ctypes.CDLL(None).usleep(30_000_000)")
    no_fork = f"import os, signal\ndel os.fork, signal.setitimer\n{sleeps}"
    done = models.run_model(models.filled(tmp_path, [2, 2]), "--timeout", "1", before=no_fork)
    assert done.returncode == 124
    assert "DeadlineExceededError: Not done after 1 s" in models.last_line(done)


def test_what_ends_in_time_answers_as_ever(tmp_path: Path) -> None:
    done = models.run_model(models.filled(tmp_path, [2]), "--timeout", "60", "--memory_limit", "1G")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Result for output key y:\n[1. 1.]\n", "")


def test_the_exit_code_of_the_child_is_that_of_the_command(tmp_path: Path) -> None:
    assert models.run_model(models.filled(tmp_path, [-1]), "--timeout", "60").returncode == 1
    crash = KERNEL.format("import os; os.kill(os.getpid(), 11)")
    assert models.run_model(models.filled(tmp_path, [2]), "--timeout", "60", before=crash).returncode == 128 + 11


@pytest.mark.parametrize("command", ["show", "scan"])
def test_commands_that_run_nothing_take_the_flags(tmp_path: Path, command: str) -> None:
    models.filled(tmp_path, [2])
    done = models.smcli(command, "--dir", str(tmp_path), "--timeout", "60", "--memory_limit", "1G")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize("command", ["summary", "check"])
def test_commands_that_run_a_model_for_a_look_are_bounded(tmp_path: Path, command: str) -> None:
    done = models.smcli(command, str(models.endless_while(tmp_path / "m")), "--timeout", "2")
    assert (done.returncode, done.stderr.count("\n")) == (124, 1)


@pytest.mark.parametrize("args", [["graph", "--all"], ["checkpoint"], ["diff", "m"]])
def test_commands_that_look_at_a_model_take_the_flags(tmp_path: Path, args: list[str]) -> None:
    models.filled(tmp_path / "m", [2])
    done = models.smcli(*args, "m", "--timeout", "60", "--memory_limit", "1G", cwd=tmp_path)
    assert "Traceback" not in done.stderr
    assert done.stdout or args == ["checkpoint"]


needs_bound = pytest.mark.skipif(limits._data_bytes() is None, reason="this system can not bound a process")


@needs_bound
@pytest.mark.parametrize(
    ("make", "size"),
    [
        (models.growing, "300M"),
        (models.growing_text, "300M"),
        (lambda path: models.filled(path, [2**14, 2**14]), "300M"),
        (lambda path: models.filled(path, [2**38]), ""),
        (lambda path: models.filled(path, [2**38]), "100T"),
    ],
)
def test_memory_without_end(tmp_path: Path, make: object, size: str) -> None:
    done = models.run_model(make(tmp_path), *(["--memory_limit", size] if size else []))  # type: ignore[operator]
    assert (done.returncode, done.stdout) == (125, "")
    hint, last = done.stderr.strip().split("\n")
    assert hint.startswith("--memory_limit sets how much may be taken")
    assert "errors_impl.ResourceExhaustedError: Out of memory" in last and "[node " in last


@needs_bound
def test_the_bound_is_taken_away_again() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    with limits.memory_limit(100 * 2**20) as is_bounded:
        assert is_bounded
        assert resource.getrlimit(resource.RLIMIT_DATA) != before
        with pytest.raises(MemoryError):
            np.ones(2**27)
        np.ones(2**20)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    np.ones(2**25)


@needs_bound
def test_no_bound_when_asked_for_none() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    with limits.memory_limit(0) as is_bounded:
        assert is_bounded
        assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_system_that_can_not_bound(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(limits, "_STATUS", "/nowhere")
    with limited.limited(Flags(memory_limit="1G"), "run"):
        pass
    assert "--memory_limit has no effect" in capsys.readouterr().err
    with limited.limited(Flags(), "run"):  # the default bound is not missed
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("path", ["", "/docker/abc", "/a/b"])
@pytest.mark.parametrize("version", [1, 2])
def test_memory_left_in_control_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, version: int
) -> None:
    own = f"12:cpu:/x\n4:memory:{path or '/'}\n" if version == 1 else f"0::{path or '/'}\n"
    names = {
        1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        2: ("memory.max", "memory.current", "inactive_file"),
    }[version]
    (tmp_path / "own").write_text(own)
    root = tmp_path / "cgroup" / ("memory" if version == 1 else "")
    for folder, limit in ((root, "max" if version == 2 else str(2**63 - 4096)), (root / "a", "1000000")):
        folder.mkdir(parents=True)
        (folder / names[0]).write_text(f"{limit}\n")
        (folder / names[1]).write_text("300000\n")
        (folder / "memory.stat").write_text(f"anon 5\n{names[2]} 100000\n")
    monkeypatch.setattr(limits, "_OWN_CGROUPS", str(tmp_path / "own"))
    monkeypatch.setattr(limits, "_CGROUPS", str(tmp_path / "cgroup"))
    assert list(limits._cgroups_left()) == ([800_000] if path == "/a/b" else [])


def test_free_memory_is_the_least_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_available", lambda: 500)
    monkeypatch.setattr(limits, "_cgroups_left", lambda: iter([700, 300]))
    assert limits.free_memory() == 300


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"timeout": "0"}, "--timeout 0 is no positive number of seconds"),
        ({"timeout": "-1"}, "no positive number"),
        ({"timeout": "nan"}, "no positive number"),
        ({"timeout": "soon"}, "no positive number"),
        ({"memory_limit": "-1"}, "--memory_limit -1 is no number of bytes"),
        ({"memory_limit": "4X"}, "no number of bytes"),
        ({"memory_limit": "1" * 30}, "no number of bytes"),
    ],
)
def test_values_that_are_none(flags: dict[str, str], said: str) -> None:
    with pytest.raises(SmcliError, match=said), limited.limited(Flags(**flags), "run"):
        pass


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("1000", 1000), ("2K", 2048), ("3MB", 3 << 20), ("4GiB", 4 << 30), ("1t", 1 << 40)]
)
def test_sizes(text: str, size: int) -> None:
    assert limited._size(text) == size


def test_time_limit_in_the_main_thread_and_in_another() -> None:
    outcomes = []

    def endless() -> None:
        try:
            with limits.time_limit(0.3):
                while True:
                    with contextlib.suppress(Exception):
                        time.sleep(0.01)
        except OutOfTimeError as error:
            outcomes.append(str(error))

    endless()
    thread = threading.Thread(target=endless)
    thread.start()
    thread.join(30)
    assert outcomes == ["Not done after 0.3 s, the limit that --timeout sets"] * 2
    with limits.time_limit(0.05):
        pass
    time.sleep(0.1)  # nothing rings afterwards
