"""How far a run has come: counters for someone who looks at them from another thread now and then.

Nodes of the main graph are counted one by one; inside of functions and loops only iterations are, so that what runs a
million times costs what it does without.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smcli.graph.graph import Node

if TYPE_CHECKING:
    from smcli.checkpoint import Checkpoint


@dataclass(slots=True)
class Progress:
    """bytes_asked: of the variables that were restored, which are read when they are needed. nodes: how many there are
    to run; some run several times, or not at all, where the graph has control flow of TensorFlow 1."""

    bytes_asked: int = 0
    bytes_read: int = 0
    nodes: int = 0
    nodes_run: int = 0
    iterations: int = 0

    def begin(self) -> None:
        """From here on another piece of work is counted."""
        self.bytes_asked = self.bytes_read = self.nodes = self.nodes_run = self.iterations = 0

    def watched(self, checkpoint: Checkpoint) -> Checkpoint:
        """The same checkpoint; what is asked for and what is read is counted."""
        from smcli.checkpoint.watched import Watched

        return Watched(checkpoint, self._asked, self._read)

    def reading(self, checkpoint: Checkpoint, size: int) -> Checkpoint:
        """The same checkpoint, of which so many bytes are going to be read; what is read is counted."""
        from smcli.checkpoint.watched import Watched

        self.bytes_asked += size
        return Watched(checkpoint, lambda size: None, self._read)

    def wrap(self, node: Node, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, which computes `node`, so that its calls are counted (see Session.observe)."""
        if node.op == "LoopCond":
            return self._counting_iterations(function)
        if self.nodes_run:  # planned while the main graph runs: the inside of a function or loop
            return function
        self.nodes += 1

        def call(*args: Any) -> Any:
            self.nodes_run += 1
            return function(*args)

        return call

    def _counting_iterations(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            self.iterations += 1
            return function(*args)

        return call

    def _asked(self, size: int) -> None:
        self.bytes_asked += size

    def _read(self, size: int) -> None:
        self.bytes_read += size
