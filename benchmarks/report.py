"""What was measured as text: one line a row on the terminal, tables in docs/performance.md."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import peers
from benchmarks.models import MODELS
from benchmarks.processes import ROOT

PAGE = ROOT / "docs" / "performance.md"
START, END = "<!-- measured: start -->", "<!-- measured: end -->"

SHOW_GOAL, SHOW_ALL_GOAL, RUN_GOAL = 1.4, 2.0, 1.4
ENGINES = (peers.SMCLI, peers.SMCLI_ONEDNN, peers.TENSORFLOW, peers.OPENVINO, peers.ONNXRUNTIME)
HEADS = ("smcli", "smcli[onednn]", "TensorFlow", "OpenVINO", "onnxruntime")


def machine(threads: int) -> dict[str, Any]:
    """Facts of the machine and the versions of what ran on it."""
    name, flags = platform.processor(), ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        pairs = (line.partition(":") for line in info.read_text().splitlines())
        facts = {key.strip(): value.strip() for key, _, value in pairs}
        name, flags = facts.get("model name", name), facts.get("flags", "")
    widest = next((wide for wide in ("avx512f", "avx2", "avx", "asimd") if wide in flags), "")
    versions = {peer: peers.version(peer) for peer in (peers.TENSORFLOW, peers.OPENVINO, peers.ONNXRUNTIME)}
    return {
        "processor": name,
        "vectors": widest,
        "processors": os.cpu_count(),
        "used": threads,
        "system": platform.system(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "versions": versions,
    }


def line(name: str, row: dict[str, Any], before: dict[str, Any] | None) -> str:
    """One row, with the figure of the last recorded run when there is one."""
    figure = _figure(row)
    was = _figure(before) if before else None
    return f"{name}: {figure}" + (f", was {was}" if was and was != figure else "")


def _figure(row: dict[str, Any]) -> str:
    if "fail" in row:
        return f"FAIL {row['fail']}"
    parts = []
    for key, value in row.items():
        if key == "ratios":
            parts += [f"{name} × {ratio:.3f}" for name, ratio in value.items()]
        elif key == "times":
            parts.append(
                " / ".join(_cell(value.get(engine, {})) for engine in (*ENGINES, "imports") if engine in value)
            )
        elif isinstance(value, dict):
            parts.append(f"{key}: {_figure(value)}")
        elif value:
            parts.append(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}")
    return ", ".join(parts)


def _cell(one: dict[str, Any]) -> str:
    """Milliseconds of one engine, or why there are none."""
    if "ms" in one:
        return f"{one['ms']:.0f}" if one["ms"] >= 100 else f"{one['ms']:.3g}"
    return "FAIL" if "fail" in one else "not installed"


def _ratio(found: dict[str, Any], goal: float | None = None) -> str:
    """The ratios of smcli without and with oneDNN."""
    shown = [f"{found[name]:.2f}" for name in (peers.SMCLI, peers.SMCLI_ONEDNN) if name in found]
    best = min(found.values(), default=None)
    return " / ".join(shown) + ("" if goal is None or best is None else f" (goal ≤ {goal:.2f})")


def write_page(results: dict[str, Any]) -> None:
    """Put the tables between the marks of docs/performance.md."""
    head, _, rest = PAGE.read_text().partition(START)
    _, _, tail = rest.partition(END)
    parts = [_facts(results["machine"]), _commands(results["rows"]), _whole(results["rows"])]
    parts += [_steady(results["rows"]), _executor(results["rows"])]
    PAGE.write_text(f"{head}{START}\n" + "\n\n".join(part for part in parts if part) + f"\n{END}{tail}")


def _facts(facts: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version or 'not installed'}" for name, version in facts["versions"].items())
    return (
        f"{facts['processor']}, {facts['used']} of {facts['processors']} processors, {facts['vectors']}; "
        f"Python {facts['python']}, NumPy {facts['numpy']}; {versions}."
    )


def _table(title: str, head: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    if not lines:
        return ""
    rule = ("---", *["---:"] * (len(head) - 1))
    return f"### {title}\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *lines))


def _commands(rows: dict[str, Any]) -> str:
    lines = []
    for name, row in rows.items():
        if name.startswith(("show ", "run ")) and "times" in row:
            smcli, imports = row["times"][peers.SMCLI], row["times"]["imports"]
            goal = SHOW_ALL_GOAL if "--all" in name else SHOW_GOAL if name.startswith("show ") else RUN_GOAL
            peak = f"{smcli['mib']:.0f}" if "mib" in smcli else ""
            if "worst" in row:
                name += f": the slowest of {row['of']}, {row['worst']}"
            lines.append((name, _cell(smcli), _cell(imports), _ratio(row["ratios"], goal), peak))
    head = ("whole process, ms", "smcli", "its imports alone", "ratio", "peak MiB")
    return _table("Start-up", head, lines)


def _whole(rows: dict[str, Any]) -> str:
    lines = []
    for model in MODELS:
        row = rows.get(f"whole {model.name}")
        if row:
            cells = [_cell(row["times"].get(engine, {})) for engine in ENGINES]
            lines.append((model.title, *cells, _ratio(row["ratios"]), _peaks(row["times"])))
    head = ("batch 1, ms", *HEADS[:2], "saved_model_cli", *HEADS[3:], "smcli / saved_model_cli", "peak MiB")
    return _table("Whole process: load, run once, exit", head, lines)


def _peaks(times: dict[str, Any]) -> str:
    return " / ".join(f"{times[name]['mib']:.0f}" for name in (peers.SMCLI, peers.TENSORFLOW) if "mib" in times[name])


def _steady(rows: dict[str, Any]) -> str:
    lines = []
    for model in MODELS:
        row = rows.get(f"steady {model.name}")
        if row:
            batches = [part for key, part in row.items() if key.startswith("batch")]
            cells = [" / ".join(_cell(part["times"].get(engine, {})) for part in batches) for engine in ENGINES]
            cells = [cell.partition(" / ")[0] if cell.startswith(("FAIL", "not")) else cell for cell in cells]
            ratios = [_ratio(part["ratios"]) for part in batches]
            note = f" ({', '.join(row['differs'])} differs)" if row.get("differs") else ""
            lines.append((model.title + note, *cells, *ratios, f"{row['goal']:.1f}"))
    head = ("batch 1 / 8, ms", *HEADS, "ratio, batch 1", "ratio, batch 8", "goal")
    return _table("Steady state: loaded once, run again and again; ratio to TensorFlow", head, lines)


def _executor(rows: dict[str, Any]) -> str:
    lines: list[tuple[str, ...]] = []

    def add(name: str, what: str, text: str, goal: str) -> None:
        row = rows.get(name)
        if row:
            lines.append((what, "FAIL" if "fail" in row else text.format(**row), goal))

    add("executor step", "a step of 10,000 scalar ops, beyond the op itself", "{overhead_us:.2f} µs", "≤ 2 µs")
    add("executor loop", "iterations of a While with a scalar body", "{per_second:,.0f} a second", "≥ 100,000")
    add("executor planning", "planning 100,000 nodes", "{seconds:.2f} s, {growth:.2f} × that of half as many", "≤ 2 s")
    text = "{time:.2f} × the time, {memory:.2f} × the memory"
    add("memory checkpoint", "10 MB of a checkpoint of 1 GB, against one of 10 MB", text, "1 ×")
    for model in MODELS:
        what = f"peak memory of a run, {model.title}"
        text = "{mib:.0f} MiB: weights {weights:.0f}, live activations {activations:.0f}"
        row = rows.get(f"memory {model.name}", {})
        add(f"memory {model.name}", what, text, f"≤ {row.get('allowed', 0):.0f} MiB")
    return _table("The executor", ("what", "measured", "goal"), lines)
