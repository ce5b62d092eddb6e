"""The tables of `run --profile`: by op, and the nodes that took longest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from smcli.report.tables import Table

if TYPE_CHECKING:
    from smcli.runtime.profile import Tally

MAX_NODES = 30  # the longest; a trace has them all

_COLUMNS = ("calls", "total ms", "mean ms", "share", "output MB")


def tables(ops: Sequence[Tally], nodes: Sequence[Tally]) -> list[Table]:
    """Two tables: by op, and the longest nodes."""
    whole = sum(tally.own for tally in ops) or 1.0
    return [
        Table("", [head, *_COLUMNS], list(_rows(tallies, whole)), right=_COLUMNS)
        for head, tallies in (("op", ops), ("node", nodes[:MAX_NODES]))
    ]


def left_out(nodes: Sequence[Tally]) -> str:
    """A line on the nodes that are in no table, if there are any."""
    left = len(nodes) - MAX_NODES
    return f"and {left} more nodes; --profile_trace writes all\n" if left > 0 else ""


def _rows(tallies: Sequence[Tally], whole: float) -> Iterator[tuple[str, ...]]:
    """Times are those of the node itself, without the functions that it runs."""
    for tally in tallies:
        yield (
            f"{tally.op} {tally.name}".rstrip(),
            str(tally.calls),
            f"{tally.own * 1e3:.3f}",
            f"{tally.own / tally.calls * 1e3:.4f}",
            f"{tally.own / whole:.1%}",
            f"{tally.output_bytes / 1e6:.2f}",
        )
