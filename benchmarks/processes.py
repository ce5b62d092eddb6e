"""Processes as they are timed: whole ones from start to exit, and workers that answer again and again."""

from __future__ import annotations

import json
import os
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WORKER = str(Path(__file__).with_name("worker.py"))
TIMEOUT = 300.0  # seconds after which an engine counts as unable

ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",  # on older processors TensorFlow leaves its faster kernels off
    "CUDA_VISIBLE_DEVICES": "-1",
    "PYTHONPATH": str(ROOT),
    "OPENVINO_TELEMETRY": "0",
}


def environment() -> dict[str, str]:
    """This process's variables with those above; byte code is kept, as it is for people."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"} | ENVIRONMENT


# A process that comes from a larger one has that one's peak on its account: this small one stands between.
_LAUNCHER = """
import os, sys, time
null = os.open(os.devnull, os.O_WRONLY)
quiet = [(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
start = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, usage = os.wait4(pid, 0)
print(status, time.perf_counter() - start, usage.ru_maxrss / 1024)
"""


def run_once(command: Sequence[str]) -> tuple[float, float] | None:
    """Wall seconds and peak MiB of one process, by the operating system's own account; None when it fails."""
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command]
    done = subprocess.run(launcher, env=environment(), capture_output=True, text=True, check=True)
    status, seconds, mib = map(float, done.stdout.split())
    return None if status else (seconds, mib)


def alternate(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, dict[str, Any]]:
    """{name: {"ms": median, "mib": median peak, "all": ms of each round}} of whole processes, run A B C A B C …

    Each runs once before, to warm the file cache; one that fails then is {"fail": True}.
    """
    results: dict[str, dict[str, Any]] = {}
    for name, command in commands.items():
        results[name] = {"fail": True} if run_once(command) is None else {"all": [], "peaks": []}
    for _ in range(rounds):
        for name, command in commands.items():
            done = None if "fail" in results[name] else run_once(command)
            if done is not None:
                results[name]["all"].append(done[0] * 1000)
                results[name]["peaks"].append(done[1])
    for result in results.values():
        if "fail" not in result:
            result["ms"] = statistics.median(result["all"])
            result["mib"] = statistics.median(result.pop("peaks"))
    return results


class Worker:
    """A process of benchmarks/worker.py. `sums`: a checksum of the outputs for each file of inputs, or None when it
    failed."""

    def __init__(self, python: Path, engine: str, model: str, inputs: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [str(python), WORKER, engine, model, *inputs],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            text=True,
            bufsize=1,
        )
        self.sums: list[float] | None = self._answer()

    def time(self, index: int, calls: int) -> list[float] | None:
        """Seconds of each of `calls` runs on the inputs of that index."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{index} {calls}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return None
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        while select.select([self._process.stdout], [], [], TIMEOUT)[0]:
            line = self._process.stdout.readline()
            if not line:
                break
            if line.startswith("["):
                return json.loads(line)
        return None

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def steady(workers: Mapping[str, Worker], index: int, rounds: int, seconds: float) -> dict[str, dict[str, Any]]:
    """{name: {"ms": median, "all": median ms of each round}}; in each round each worker runs for about `seconds`."""
    results: dict[str, dict[str, Any]] = {}
    calls: dict[str, int] = {}
    for name, worker in workers.items():
        first = worker.time(index, 3) if worker.sums is not None else None
        results[name] = {"fail": True} if first is None else {"all": []}
        if first is not None:
            calls[name] = max(2, min(500, int(seconds / min(first))))
    for _ in range(rounds):
        for name in calls:
            time.sleep(0.02)  # threads of the one before go to sleep
            took = workers[name].time(index, calls[name])
            if took is None:
                results[name] = {"fail": True}
            elif "all" in results[name]:
                results[name]["all"].append(statistics.median(took) * 1000)
    for result in results.values():
        if "fail" not in result:
            result["ms"] = statistics.median(result["all"])
    return results


def ratio(a: Mapping[str, Any], b: Mapping[str, Any]) -> float | None:
    """The median, over the rounds, of a's time over b's; None when one of them failed."""
    if not a.get("all") or not b.get("all"):
        return None
    return statistics.median(x / y for x, y in zip(a["all"], b["all"]))
