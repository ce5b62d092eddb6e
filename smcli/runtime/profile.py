"""Where the time of a run goes: a recorder that a session calls around each node it runs.

`session.observe = Recorder().wrap` before the first run. Times are wall times by the clock of time.perf_counter; a node
that runs functions (While, If) has a time of its own beside its total. Nodes that a rewrite took into another (a bias
into its convolution) are in that one's time.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from smcli.graph.graph import Node
from smcli.kernels.context import Array

MAX_EVENTS = 1_000_000  # of a trace; a loop could make any number of them


@dataclass(slots=True)
class Tally:
    """Calls of a node, or of all nodes of an op. Seconds; bytes of the tensors that it gave."""

    op: str
    name: str
    calls: int = 0
    total: float = 0.0
    own: float = 0.0
    output_bytes: int = 0

    def add(self, other: Tally) -> None:
        self.calls += other.calls
        self.total += other.total
        self.own += other.own
        self.output_bytes += other.output_bytes


@dataclass(slots=True)
class Recorder:
    """keep_events: keep each call for a trace, up to MAX_EVENTS. peak_bytes: the most that the results of nodes took at
    one time."""

    keep_events: bool = False
    tallies: dict[Node, Tally] = field(default_factory=dict)
    events: list[tuple[Tally, float, float, int]] = field(default_factory=list)  # what, start, seconds, thread
    live_bytes: int = 0
    peak_bytes: int = 0
    _alive: dict[int, Any] = field(default_factory=dict)
    _nested: threading.local = field(default_factory=threading.local)  # .inner: time of functions, by depth

    def wrap(self, node: Node, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, which computes `node`, so that each call is recorded."""
        tally = self.tallies.setdefault(node, Tally(node.op, node.name))
        nested = self._nested
        clock = time.perf_counter

        def call(*args: Any) -> Any:
            outer = getattr(nested, "inner", 0.0)
            nested.inner = 0.0
            start = clock()
            result = None
            try:
                result = function(*args)
                return result
            finally:
                seconds = clock() - start
                tally.calls += 1
                tally.total += seconds
                tally.own += seconds - nested.inner
                nested.inner = outer + seconds
                self._take(tally, result)
                if self.keep_events and len(self.events) < MAX_EVENTS:
                    self.events.append((tally, start, seconds, threading.get_ident()))

        return call

    def by_node(self) -> list[Tally]:
        """What was called, the longest first."""
        return _longest_first(tally for tally in self.tallies.values() if tally.calls)

    def by_op(self) -> list[Tally]:
        """The same, all nodes of an op together."""
        ops: dict[str, Tally] = {}
        for tally in self.by_node():
            ops.setdefault(tally.op, Tally(tally.op, "")).add(tally)
        return _longest_first(ops.values())

    def _take(self, tally: Tally, result: Any) -> None:
        for value in result if type(result) is tuple else (result,):
            if isinstance(value, np.ndarray):
                tally.output_bytes += value.nbytes
                self._watch(value)

    def _watch(self, value: Array) -> None:
        """Count the memory under `value` once, as long as it lives. Memory of a file is not counted."""
        owner = value
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        key = id(owner)
        if owner.base is not None or key in self._alive:
            return
        size = owner.nbytes

        def gone(_: Any) -> None:
            del self._alive[key]
            self.live_bytes -= size

        self._alive[key] = weakref.ref(owner, gone)
        self.live_bytes += size
        self.peak_bytes = max(self.peak_bytes, self.live_bytes)


def _longest_first(tallies: Iterable[Tally]) -> list[Tally]:
    return sorted(tallies, key=lambda tally: tally.own, reverse=True)


def trace_events(recorder: Recorder) -> list[dict[str, Any]]:
    """The calls in the JSON form of Chrome's tracing (complete events, microseconds from the first)."""
    first = min((start for _, start, _, _ in recorder.events), default=0.0)
    threads = {thread: number for number, thread in enumerate(dict.fromkeys(e[3] for e in recorder.events))}
    return [
        {
            "name": tally.op,
            "cat": "op",
            "ph": "X",
            "ts": round((start - first) * 1e6, 3),
            "dur": round(seconds * 1e6, 3),
            "pid": 0,
            "tid": threads[thread],
            "args": {"node": tally.name},
        }
        for tally, start, seconds, thread in recorder.events
    ]
