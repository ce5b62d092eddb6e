"""The tables of `run --profile`: plain columns, or rich tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from smcli.runtime.profile import Tally

MAX_NODES = 30  # the longest; a trace has them all

_COLUMNS = ("calls", "total ms", "mean ms", "share", "output MB")


def plain(ops: Sequence[Tally], nodes: Sequence[Tally]) -> str:
    """Two tables with columns padded by spaces: by op, and the longest nodes."""
    parts = []
    for head, tallies in (("op", ops), ("node", nodes[:MAX_NODES])):
        rows = [(head, *_COLUMNS), *_rows(tallies, _share_base(ops))]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        parts.append("\n".join(_line(row, widths) for row in rows))
    return "\n\n".join(parts) + _left_out(nodes)


def tables(ops: Sequence[Tally], nodes: Sequence[Tally]) -> list[Table]:
    """The same as rich tables."""
    from rich.table import Table

    made = []
    for head, tallies in (("op", ops), ("node", nodes[:MAX_NODES])):
        table = Table(caption=_left_out(nodes).strip() if head == "node" else None)
        table.add_column(head, overflow="fold")
        for column in _COLUMNS:
            table.add_column(column, justify="right", no_wrap=True)
        for row in _rows(tallies, _share_base(ops)):
            table.add_row(*row)
        made.append(table)
    return made


def _share_base(ops: Sequence[Tally]) -> float:
    return sum(tally.own for tally in ops) or 1.0


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


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))
    )
    return "  ".join((first, *rest))


def _left_out(nodes: Sequence[Tally]) -> str:
    left = len(nodes) - MAX_NODES
    return f"\nand {left} more nodes; --profile_trace writes all" if left > 0 else ""
