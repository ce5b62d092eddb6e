"""Drawn cases of ops in TensorFlow and in smcli: `python -m tests.parity.drawn [OP…] [--examples N] [--seed N]`.

Prints where the two differ, one block a kind of difference: for hunting with many draws. `test_drawn_ops.py` keeps a
fixed number of the same draws in the parity suite.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pickle
import resource
import signal
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

from smcli import errors
from smcli.proto.graph_pb2 import GraphDef
from smcli.runtime.session import Session
from tests import cases, recorded
from tests.compare import ULPS, difference, eps_of, is_float
from tests.parity.referee import Answer, Question, Referee
from tests.parity.strategies.mutations import Drawn, mutated
from tests.recorded import Recorded

SECONDS = 60
MEMORY = 3 << 30


@cache
def rows_by_op() -> dict[str, list[Recorded]]:
    """The recorded cases that hold each op outside of functions; those about that op alone come first."""
    alone: dict[str, list[Recorded]] = defaultdict(list)
    among: dict[str, list[Recorded]] = defaultdict(list)
    for family in cases.families():
        for row in recorded.read(family).values():
            ops = {node.op for node in GraphDef.FromString(row.graph).node} - {"Placeholder", "Const"}
            for op in ops:
                (alone if len(ops) == 1 else among)[op].append(row)
    return {op: alone[op] or among[op] for op in {*alone, *among}}


class TooLate(BaseException):
    """Not an Exception, which the runtime would take for an error of a kernel."""


@contextlib.contextmanager
def _within(seconds: int) -> Iterator[None]:
    def late(*_: Any) -> None:
        raise TooLate

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def answer(question: Question) -> Answer:
    """What smcli answers; "bug" stands for an exception that is not an SmcliError."""
    try:
        with _within(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("error")
            session = Session.from_graph_def(GraphDef.FromString(question.graph))
            if question.init:
                session.run([], {}, question.init)
            runs = [session.run(question.fetches, question.feeds, question.targets) for _ in range(question.runs)]
        return Answer(runs)
    except errors.SmcliError as error:
        return Answer(error=type(error).__name__, message=str(error)[:500])
    except TooLate:
        return Answer(error="hang", message=f"{SECONDS} s")
    except Exception as error:
        return Answer(error="bug", message=f"{type(error).__name__}: {error}"[:500])


NO_KERNEL = ("No OpKernel was registered", "Could not find device", "could not find kernel", "Could not find compiler")


def compare(
    drawn: Drawn, theirs: Answer, ours: Answer, rtol: float | None, atol: float | None
) -> tuple[str, str] | None:
    """None where smcli is right, else the kind of difference and a line about it.

    Kinds: "bug" and "hang" of smcli; "answers" what TensorFlow refuses to run, or "import" to load; "refuses" what it
    answers; "class" of the error; "dtype", "shape", "values" of integers, strings and booleans; of floats "limits"
    (infinite or NaN on one side), "floats" (1 % or more), "rounding".

    Where TensorFlow died, took too long, ran out of memory or has no kernel there is nothing to compare, but smcli
    must still answer or refuse.
    """
    if ours.error in ("hang", "bug"):
        return ours.error, ours.message
    if theirs.error in ("crash", "hang", "large", "ResourceExhaustedError"):
        return None
    if theirs.error is not None and any(text in theirs.message for text in NO_KERNEL):
        return None
    if theirs.error is not None:
        if ours.error is None:
            return ("import" if theirs.error == "import" else "answers"), f"{theirs.error}: {theirs.message}"
        if theirs.error not in ("import", ours.error) and len(drawn.changes) == 1:
            return "class", f"{ours.error}: {ours.message[:150]} — TensorFlow: {theirs.error}: {theirs.message}"
        return None
    if ours.error is not None:
        return "refuses", f"{ours.error}: {ours.message}"
    for number, (got, want) in enumerate(zip(ours.runs, theirs.runs, strict=True)):
        for name, a, b in zip(drawn.fetches, got, want, strict=True):
            problem = difference(a, b, _widest(b, rtol), _at_least(b, atol))
            if problem is not None:
                return kind_of(a, b, problem), f"run {number}, {name}: {problem}"
    return None


def _widest(want: np.ndarray, rtol: float | None) -> float | None:
    """A case's own tolerance is for its own dtype; in a drawn one rounding may be coarser."""
    if not rtol or not is_float(want.dtype):
        return rtol
    return max(rtol, ULPS * eps_of(want.dtype))


def _at_least(want: np.ndarray, atol: float | None) -> float | None:
    """Sums of drawn numbers cancel: what is lost is to be measured by the largest of them, not by what is left."""
    if not is_float(want.dtype):
        return atol
    with np.errstate(all="ignore"):
        sizes = np.abs(want.astype(np.complex128 if want.dtype.kind == "c" else np.float64))
    largest = float(np.max(sizes, initial=0, where=np.isfinite(sizes)))
    return max(atol or 0.0, float(ml_dtypes.finfo(want.dtype).tiny), ULPS * eps_of(want.dtype) * min(largest, 1e30))


def kind_of(a: np.ndarray, b: np.ndarray, problem: str) -> str:
    if problem.startswith(("dtype", "shape")):
        return problem.split()[0]
    if not is_float(b.dtype):
        return "values"
    wide = np.complex128 if b.dtype.kind == "c" else np.float64
    with np.errstate(all="ignore"):
        x, y = a.astype(wide), b.astype(wide)
        finite = np.isfinite(x) & np.isfinite(y)
        if not (finite | (x == y) | (np.isnan(x) & np.isnan(y))).all():
            return "limits"
        if difference(a, b, 1e-2, 1e-30) is not None:
            return "floats"
    return "rounding"


def judge(referee: Referee, drawn: Drawn, row: Recorded) -> tuple[str, str] | None:
    """What is wrong with smcli's answer to a drawn case; see `compare`. What TensorFlow answers otherwise when asked
    again is not compared."""
    question = drawn.question()
    theirs = referee.ask(question)
    ours = answer(question)
    found = compare(drawn, theirs, ours, row.rtol, row.atol)
    if found is not None and found[0] in ("values", "limits", "floats", "rounding"):
        again = referee.ask(question)
        if again.error or compare(drawn, again, Answer(theirs.runs), 0, 0):
            return None
    return found


def hunt(op: str, referee: Referee, examples: int, number: int) -> Iterator[tuple[str, str, Drawn]]:
    """All differences among `examples` draws of one op."""
    rows = rows_by_op()[op]
    by_id = {row.id: row for row in rows}
    found: list[tuple[str, str, Drawn]] = []

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn=mutated(rows, op))
    def one(drawn: Drawn) -> None:
        wrong = judge(referee, drawn, by_id[drawn.start])
        COUNTS[op] += 1
        if wrong is not None:
            found.append((*wrong, drawn))

    one()
    yield from found


COUNTS: Counter[str] = Counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ops", nargs="*")
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="a file for all differences, pickled")
    parser.add_argument("--shown", type=int, default=2, help="how many of a kind to print")
    options = parser.parse_args()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what graphs print
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    referee = Referee()
    everything = []
    for op in options.ops or sorted(rows_by_op()):
        began = time.time()
        kinds: dict[str, list[tuple[str, Drawn]]] = defaultdict(list)
        try:
            for kind, text, drawn in hunt(op, referee, options.examples, options.seed):
                kinds[kind].append((text, drawn))
        except Exception as error:
            print(f"== {op}: {type(error).__name__}: {error}")
            raise
        everything.append((op, dict(kinds)))
        print(f"== {op}: {COUNTS[op]} draws, {time.time() - began:.1f} s", flush=True)
        for kind, items in kinds.items():
            print(f"-- {op} {kind}: {len(items)}")
            for text, drawn in items[: options.shown]:
                print(f"   {text[:400]}")
                print("   " + repr(drawn)[:1500].replace("\n", "\n   "), flush=True)
    referee.close()
    print(f"{sum(COUNTS.values())} draws of {len(COUNTS)} ops")
    if options.save:
        slim = [
            (op, kind, text, d.start, d.changes, d.question())
            for op, kinds in everything
            for kind, items in kinds.items()
            for text, d in items
        ]
        options.save.write_bytes(pickle.dumps(slim))


if __name__ == "__main__":
    sys.exit(main())
