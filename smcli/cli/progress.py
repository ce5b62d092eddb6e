"""Progress of long work, on stderr where that is a terminal.

A thread looks at the counters of smcli.runtime.progress; it draws nothing in the first second, and what it has drawn is
gone when the work is done. Without a terminal there are neither counters nor thread.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from smcli.analysis.variables import VariableInfo
    from smcli.checkpoint import Checkpoint
    from smcli.runtime.progress import Progress

DELAY = 1.0  # seconds before anything is drawn
INTERVAL = 0.2  # between two pictures


class Line(NamedTuple):
    """One bar. total: None where it is not known. words: how much is done, in words."""

    label: str
    done: int
    total: int | None
    words: str


def lines(progress: Progress) -> list[Line]:
    """What there is to draw; nothing of what has not begun."""
    from smcli.report.tables import bytes_text

    found = []
    if progress.bytes_asked:
        read, asked = progress.bytes_read, progress.bytes_asked
        found.append(Line("variables", read, asked, f"{bytes_text(read)} of {bytes_text(asked)}"))
    if progress.nodes:
        run, total = progress.nodes_run, progress.nodes
        if run <= total:
            found.append(Line("nodes", run, total, f"{run:,} of {total:,}"))
        else:  # control flow of TensorFlow 1 runs nodes again
            found.append(Line("nodes", run, None, f"{run:,}"))
    if progress.iterations:
        found.append(Line("iterations", progress.iterations, None, f"{progress.iterations:,}"))
    return found


class Shown:
    """progress: the counters to hand to what works, or None when nobody looks."""

    def __init__(self, quiet: bool = False) -> None:
        is_seen = not quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self.progress = _counters() if is_seen else None

    def reading(self, checkpoint: Checkpoint, infos: Iterable[VariableInfo]) -> Checkpoint:
        """The checkpoint, to read these variables of it."""
        if self.progress is None:
            return checkpoint
        return self.progress.reading(checkpoint, sum(info.bytes or 0 for info in infos))

    @contextmanager
    def working(self) -> Iterator[None]:
        """Shows the progress of what is done in this block, should it take long."""
        if self.progress is None:
            yield
            return
        self.progress.begin()
        done = threading.Event()
        thread = threading.Thread(target=_draw, args=(self.progress, done), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def _counters() -> Progress:
    from smcli.runtime.progress import Progress

    return Progress()


def _draw(progress: Progress, done: threading.Event) -> None:
    if done.wait(DELAY):
        return
    from rich import progress as rich
    from rich.console import Console

    from smcli.report.terminal import behind

    console = Console(file=behind(sys.stderr))
    bars = rich.Progress(
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.TextColumn("{task.fields[words]}"),
        rich.TimeElapsedColumn(),
        rich.TextColumn("ETA"),
        rich.TimeRemainingColumn(),
        console=console,
        transient=True,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    tasks: dict[str, rich.TaskID] = {}
    with bars:
        console.show_cursor(True)  # it would stay hidden if this process were killed
        while not done.is_set():
            for line in lines(progress):
                if line.label not in tasks:
                    tasks[line.label] = bars.add_task(line.label, total=line.total, words=line.words)
                bars.update(tasks[line.label], completed=line.done, total=line.total, words=line.words)
            bars.refresh()
            done.wait(INTERVAL)
