"""What is measured: commands beside bare imports, models beside other engines, and the executor by itself."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from benchmarks import models, peers
from benchmarks.models import BATCHES, Model
from benchmarks.processes import ROOT, WORKER, Worker, alternate, environment, ratio, steady
from fixtures.large_models import SERVING

Measure = Callable[[], dict[str, Any]]

GOLDEN = ROOT / "fixtures" / "golden" / "models"
HALF = ROOT / "fixtures" / "models" / "half_plus_two"
SIGNATURE = ["--tag_set", "serve", "--signature_def", SERVING]
SCREENING_ROUNDS, SCREENED = 3, 5
AGREE = 1e-2  # how far checksums of outputs may part


def smcli_python() -> str:
    """The interpreter that runs smcli: that of its own environment, or this one."""
    return str(peers.python(peers.SMCLI) or sys.executable)


def commands(cache: Path, outdir: Path, rounds: int) -> dict[str, Measure]:
    """Start-up of commands beside what they can not do without."""
    smcli = [smcli_python(), "-m", "smcli"]
    click = [smcli_python(), "-c", "import click, google.protobuf.message"]
    numpy = [smcli_python(), "-c", "import numpy, click, google.protobuf.message"]
    run = ["run", "--dir", str(HALF), *SIGNATURE, "--input_exprs", "x=[1.0, 2.0]"]

    def beside(command: list[str], baseline: list[str]) -> dict[str, Any]:
        return _compared(alternate({"smcli": command, "imports": baseline}, rounds), "imports")

    found: dict[str, Measure] = {}
    for title, directory in _shown_models(cache).items():
        show = ["show", "--dir", str(directory), *SIGNATURE]
        found[f"show {title}"] = lambda show=show: beside([*smcli, *show], click)  # type: ignore[misc]
    for title, flags in {"--all": ["--all"], "of a signature": SIGNATURE}.items():
        shows = {path.name: [*smcli, "show", "--dir", str(path), *flags] for path in sorted(GOLDEN.iterdir())}
        found[f"show {title}, golden models"] = lambda shows=shows: _slowest(shows, click, rounds)  # type: ignore[misc]
    found["run half_plus_two"] = lambda: beside([*smcli, *run], numpy)
    return found


def _slowest(commands: dict[str, list[str]], baseline: list[str], rounds: int) -> dict[str, Any]:
    """The row of the command with the largest ratio. All are run a few times, and the slowest of those again: the
    largest of many ratios of few runs is that of the run that was interrupted most. Those that fail do not count."""

    def measured(names: Iterable[str], rounds: int) -> dict[str, dict[str, Any]]:
        rows = {
            name: _compared(alternate({peers.SMCLI: commands[name], "imports": baseline}, rounds), "imports")
            for name in names
        }
        return dict(sorted(rows.items(), key=lambda row: -row[1]["ratios"].get(peers.SMCLI, 0)))

    found = measured(commands, SCREENING_ROUNDS)
    name, row = next(iter(measured(list(found)[:SCREENED], 2 * rounds).items()))
    return row | {"worst": name, "of": sum(bool(row["ratios"]) for row in found.values())}


def _shown_models(cache: Path) -> dict[str, Path]:
    shown = {"half_plus_two": HALF}
    for name in ("bert_base", "large_checkpoint"):
        if (cache / name / "saved_model.pb").exists():
            shown[name] = cache / name
    return shown


def whole(model: Model, cache: Path, outdir: Path, rounds: int) -> dict[str, Any]:
    """Whole processes at batch 1: the command lines, and the other engines reading, compiling and inferring once."""
    directory = models.directory(model, cache)
    files, flags = models.input_files(model, directory, cache)
    run = ["run", "--dir", str(directory), *SIGNATURE, "--inputs", flags, "--outdir", str(outdir), "--overwrite"]
    lines: dict[str, list[str]] = {peers.SMCLI: [smcli_python(), "-m", "smcli", *run]}
    onednn = peers.python(peers.SMCLI_ONEDNN)
    if onednn:
        lines[peers.SMCLI_ONEDNN] = [str(onednn), "-m", "smcli", *run]
    tensorflow = peers.python(peers.TENSORFLOW)
    if tensorflow:
        lines[peers.TENSORFLOW] = [str(tensorflow.with_name("saved_model_cli")), *run]
    for engine, source in _other_engines(model, directory, cache).items():
        lines[engine] = [str(peers.python(engine)), WORKER, "--once", engine, source, files[0]]
    return _compared(_with_failures(alternate(lines, rounds)), peers.TENSORFLOW)


def steady_state(model: Model, cache: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """Loaded once, run again and again, at each batch size."""
    directory = models.directory(model, cache)
    files, _ = models.input_files(model, directory, cache)
    engines: dict[str, tuple[str, str, str]] = {peers.SMCLI: (smcli_python(), "smcli", str(directory))}
    for name, engine in ((peers.SMCLI_ONEDNN, "smcli"), (peers.TENSORFLOW, "tensorflow")):
        python = peers.python(name)
        if python:
            engines[name] = (str(python), engine, str(directory))
    for engine, source in _other_engines(model, directory, cache).items():
        engines[engine] = (str(peers.python(engine)), engine, source)
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(closing(Worker(Path(python), engine, source, files)))
            for name, (python, engine, source) in engines.items()
        }
        result: dict[str, Any] = {}
        for index, batch in enumerate(BATCHES):
            times = _with_failures(steady(workers, index, rounds, seconds))
            result[f"batch {batch}"] = _compared(times, peers.TENSORFLOW)
        result["differs"] = _differing({name: worker.sums for name, worker in workers.items()})
    result["goal"] = model.steady_goal
    return result


def _other_engines(model: Model, directory: Path, cache: Path) -> dict[str, str]:
    """The engines that are neither smcli nor TensorFlow, and what they read; those that can not read it are in the
    tables as failed."""
    found = {}
    if peers.python(peers.OPENVINO):
        found[peers.OPENVINO] = str(directory)
    if peers.python(peers.ONNXRUNTIME) and peers.python(peers.TF2ONNX):
        found[peers.ONNXRUNTIME] = models.onnx_file(model, directory, cache) or "no such file"
    return found


def _with_failures(times: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Peers that are not installed, so that the tables say so."""
    for name in (peers.SMCLI_ONEDNN, peers.TENSORFLOW, peers.OPENVINO, peers.ONNXRUNTIME):
        times.setdefault(name, {"missing": True})
    return times


def _compared(times: dict[str, dict[str, Any]], against: str) -> dict[str, Any]:
    """The times with the ratio of each smcli to `against`; the single rounds are left out."""
    ratios = {}
    for name in (peers.SMCLI, peers.SMCLI_ONEDNN):
        found = ratio(times.get(name, {}), times.get(against, {}))
        if found is not None:
            ratios[name] = found
    times = {name: {key: value for key, value in one.items() if key != "all"} for name, one in times.items()}
    return {"times": times, "ratios": ratios}


def _differing(sums: dict[str, list[float] | None]) -> list[str]:
    """Engines whose outputs are not those of TensorFlow (or, without it, of smcli)."""
    reference = sums.get(peers.TENSORFLOW) or sums.get(peers.SMCLI)
    if reference is None:
        return []
    return [
        name
        for name, found in sums.items()
        if found and any(abs(a - b) > AGREE * max(1.0, abs(b)) for a, b in zip(found, reference))
    ]


def executor(cache: Path) -> dict[str, Measure]:
    """Figures of the executor itself, each from a fresh process; see benchmarks/executor.py."""

    def figure(name: str, *arguments: str) -> dict[str, Any]:
        command = [smcli_python(), "-m", "benchmarks.executor", name, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=ROOT)
        if done.returncode:
            return {"fail": done.stderr.strip()[-300:]}
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def median(name: str, *arguments: str) -> dict[str, Any]:
        found = [figure(name, *arguments) for _ in range(3)]
        if any("fail" in one for one in found):
            return found[0]
        return {key: statistics.median(one[key] for one in found) for key in found[0]}

    def peak(model: Model) -> dict[str, Any]:
        directory = models.directory(model, cache)
        files, _ = models.input_files(model, directory, cache)
        needs, took = figure("memory", str(directory), files[0]), median("first", str(directory), files[0])
        if "fail" in needs or "fail" in took:
            return needs | took
        allowed = needs["weights"] + 1.3 * needs["activations"] + 60 * 1e6 / 2**20
        return needs | {"mib": took["mib"], "allowed": allowed}

    def checkpoint() -> dict[str, Any]:
        found = {}
        for name in ("small_checkpoint", "large_checkpoint"):
            model = Model(name, name, None)
            directory = models.directory(model, cache)
            files, _ = models.input_files(model, directory, cache)
            found[name] = median("first", str(directory), files[0])
            if "fail" in found[name]:
                return found[name]
        small, large = found.values()
        return {
            "small": small,
            "large": large,
            "time": large["seconds"] / small["seconds"],
            "memory": large["mib"] / small["mib"],
        }

    found: dict[str, Measure] = {
        "executor step": lambda: median("step"),
        "executor loop": lambda: median("loop"),
        "executor planning": lambda: median("planning"),
        "memory checkpoint": checkpoint,
    }
    for model in models.MODELS:
        if model.name in ("MobileNetV2", "ResNet50", "InceptionV3", "bert_base", "lstm"):
            found[f"memory {model.name}"] = lambda model=model: peak(model)  # type: ignore[misc]
    return found
