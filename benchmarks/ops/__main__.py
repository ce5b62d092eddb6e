"""Times single ops on large inputs beside TensorFlow: `python -m benchmarks.ops [--threads N] [--slow] [WORD…]`.

Each row (see `inputs.py`) is a small graph that a session of smcli and a function of TensorFlow run in turn, with its
rewriting off, on inputs that are there already. With one thread what counts is processor time, which other work on the
machine disturbs least, and the least of several runs; with more it is wall time. Rows with one of the words in their
names are measured, or all. Writes benchmarks/ops/results.json and the table of the slowest rows in docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Runner = Callable[[], Any]
RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "performance.md"
START, END = "<!-- ops: start -->", "<!-- ops: end -->"
SHOWN = 3.0  # rows slower than this many times TensorFlow's time are in the table
SECONDS = 0.6  # of runs a row and a side
MOST_ROUNDS = 12


def threads_wanted() -> int:
    """The value of --threads, needed before NumPy is imported."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--threads", type=int, default=1)
    return int(parser.parse_known_args()[0].threads)


for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = str(threads_wanted())
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

from benchmarks.ops.rows import ROWS  # noqa: E402
from smcli.graph.schema import find_schema  # noqa: E402
from smcli.proto.graph_pb2 import GraphDef  # noqa: E402
from smcli.runtime.session import Session  # noqa: E402
from tests.cases import Case  # noqa: E402
from tests.parity.record import Built, build  # noqa: E402


def tensorflow_runner(tf: Any, case: Case, built: Built) -> Runner:
    """A function without arguments that runs a row in TensorFlow: a raw op eagerly, which adds little to its kernel,
    any other graph as a function; in a session what functions can not have, reference variables and old queues."""
    definition = built.graph.as_graph_def()
    if built.init or any(node.op in ("Variable", "VariableV2", "FIFOQueue") for node in definition.node):
        session = tf.compat.v1.Session(graph=built.graph)
        for operation in built.init:
            session.run(operation)
        feeds = {name: array for name, (array, _) in built.feeds.items()}
        operations = [tensor.op for tensor in built.fetches] + built.targets
        return lambda: session.run(operations, feeds)
    tensors = [tf.constant(array, dtype) for array, dtype in built.feeds.values()]
    if case.build is None:
        left = iter(tensors)
        inputs = {argument.name for argument in find_schema(case.op).inputs}
        keywords = {
            name: value
            if name not in inputs
            else [next(left) for _ in value]
            if isinstance(value, list)
            else next(left)
            for name, value in case.keywords.items()
        }
        run = getattr(tf.raw_ops, case.op)
        return lambda: run(**keywords)
    wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(definition, name=""), [])
    element = wrapped.graph.as_graph_element
    wanted = [element(item.name) for item in (*built.fetches, *built.targets)]
    pruned = wrapped.prune([element(name) for name in built.feeds], wanted)
    return lambda: pruned(*tensors)


def smcli_runner(built: Built) -> Runner:
    session = Session.from_graph_def(GraphDef.FromString(built.graph.as_graph_def().SerializeToString()))
    if built.init:
        session.run([], {}, [operation.name for operation in built.init])
    fetches = [tensor.name for tensor in built.fetches]
    targets = [operation.name for operation in built.targets]
    feeds = {name: plain(array) for name, (array, _) in built.feeds.items()}
    return lambda: session.run(fetches, feeds, targets)


def plain(array: Any) -> Any:
    """TensorFlow's quantised NumPy types have one field, and are plain integers in smcli."""
    return array if array.dtype.names is None else array.view(array.dtype[0])


def measure(runners: list[Any], clock: Any) -> list[float]:
    """The least seconds of each, the runners taking turns after one run each to warm up."""
    spent = []
    for run in runners:
        run()
        start = clock()
        run()
        spent.append(clock() - start)
    least = spent[:]
    rounds = min(MOST_ROUNDS, int(SECONDS / max(*spent, 1e-4)))
    for _ in range(rounds):
        for number, run in enumerate(runners):
            start = clock()
            run()
            least[number] = min(least[number], clock() - start)
    return least


def table(results: dict[str, dict[str, float]]) -> str:
    """The rows that take more than `SHOWN` times as long as TensorFlow's kernel, and how many take how long."""
    ratios = {name: found["ratio"] for name, found in results.items() if "ratio" in found}
    counts = [
        sum(low <= ratio < high for ratio in ratios.values()) for low, high in ((0, 1), (1, 3), (3, 10), (10, 1e9))
    ]
    lines = [
        f"{len(ratios)} rows: {counts[0]} faster than TensorFlow's kernel, {counts[1]} up to 3 times slower, "
        f"{counts[2]} up to 10 times, {counts[3]} more.",
        "",
        "| op | smcli, ms | TensorFlow, ms | ratio, one thread | two threads |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in sorted(ratios, key=lambda name: -ratios[name]):
        if ratios[name] < SHOWN:
            break
        found = results[name]
        two = f"{found['ratio_2']:.1f}" if "ratio_2" in found else ""
        lines.append(
            f"| {name} | {found['smcli_ms']:.2f} | {found['tensorflow_ms']:.2f} | {found['ratio']:.1f} | {two} |"
        )
    return "\n".join(lines)


def write_page(results: dict[str, dict[str, float]]) -> None:
    page = PAGE.read_text()
    head, _, rest = page.partition(START)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{START}\n{table(results)}\n{END}{tail}")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.ops", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--slow", action="store_true", help="only rows of the table, and those never measured")
    parser.add_argument("--dry", action="store_true", help="print only, write nothing")
    options = parser.parse_args(arguments)
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    clock = time.process_time if options.threads == 1 else time.perf_counter
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name, make in ROWS.items():
        if options.words and not any(word in name for word in options.words):
            continue
        if options.slow and results.get(name, {}).get("ratio", SHOWN) < SHOWN:
            continue
        try:
            case = make()
            built = build(tf, case)
            ours, theirs = measure([smcli_runner(built), tensorflow_runner(tf, case, built)], clock)
        except Exception as error:
            print(f"{name:45s} FAILED {type(error).__name__}: {str(error)[:300]}", flush=True)
            continue
        found = {"smcli_ms": ours * 1000, "tensorflow_ms": theirs * 1000, "ratio": ours / theirs}
        if options.threads == 1:
            results[name] = {**results.get(name, {}), **found}
        else:
            results.setdefault(name, {})[f"ratio_{options.threads}"] = found["ratio"]
        print(f"{name:45s} {ours * 1000:9.3f} ms {theirs * 1000:9.3f} ms  ratio {ours / theirs:7.2f}", flush=True)
    if not options.dry:
        results = {name: results[name] for name in ROWS if name in results}
        RESULTS.write_text(json.dumps(rounded(results), indent=1) + "\n")
        write_page(results)


def rounded(results: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return {name: {key: float(f"{value:.3g}") for key, value in found.items()} for name, found in results.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
