"""smcli beside its peers: `tox -e bench`, or `python -m benchmarks [ROW…]`.

Everything is run in turn, A B C A B C …, and medians are kept, so that a machine whose speed drifts does not decide.
Absolute times mean nothing from one machine to another; the ratios are what is quoted. Writes the tables in
docs/performance.md and benchmarks/results.json, and says what changed against the last results.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import models, peers, report, rows
from benchmarks.processes import ROOT

RESULTS = ROOT / "benchmarks" / "results.json"
THREADS = 2


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Time smcli beside its peers.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="rows with one of these words in their names; all")
    parser.add_argument("--rounds", type=int, default=5, help="alternating runs of each (default 5)")
    parser.add_argument("--seconds", type=float, default=0.15, help="time of a steady run (default 0.15)")
    parser.add_argument("--dry", action="store_true", help="write no files")
    options = parser.parse_args(arguments)

    cache = Path(os.environ.get("SMCLI_BENCH_CACHE") or ROOT / "build" / "bench")
    cache.mkdir(parents=True, exist_ok=True)
    _use_processors(THREADS)
    last = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results: dict[str, Any] = {"machine": report.machine(THREADS), "rows": dict(last.get("rows", {}))}
    with tempfile.TemporaryDirectory() as outdir:
        for name, measure in _rows(cache, Path(outdir), options.rounds, options.seconds).items():
            if options.rows and not any(word in name for word in options.rows):
                continue
            start = time.perf_counter()
            results["rows"][name] = measure()
            seconds = time.perf_counter() - start
            before = last.get("rows", {}).get(name)
            print(f"{report.line(name, results['rows'][name], before)}  [{seconds:.0f} s]", flush=True)
            if not options.dry:  # after each row, so that a run that is ended early loses none
                _save(results)
    if not options.dry:
        report.write_page(results)


def _save(results: dict[str, Any]) -> None:
    """Write the results to a file beside, which then takes the place of the last ones, whole."""
    part = RESULTS.with_suffix(".part")
    part.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    part.replace(RESULTS)


def _rows(cache: Path, outdir: Path, rounds: int, seconds: float) -> dict[str, Callable[[], dict[str, Any]]]:
    """{name: what measures it}, in the order in which they are run and shown."""
    found: dict[str, Callable[[], dict[str, Any]]] = dict(rows.commands(cache, outdir, 2 * rounds))
    for model in models.MODELS:
        found[f"whole {model.name}"] = lambda model=model: rows.whole(model, cache, outdir, rounds)  # type: ignore[misc]
        if model.steady_goal is not None:
            found[f"steady {model.name}"] = lambda model=model: rows.steady_state(model, cache, rounds, seconds)  # type: ignore[misc]
    return found | rows.executor(cache)


def _use_processors(count: int) -> None:
    """Keep this process and its children on the first `count` processors, so that all engines have as many."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


if __name__ == "__main__":
    if sys.argv[1:] == ["--make-peers"]:
        peers.main()
    else:
        main(sys.argv[1:])
