"""Tables for people: plain columns for a pipe, rich ones for a terminal, and the same rows as JSON for scripts."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, TextIO

from smcli.report.terminal import behind, printable

Cell = str | int | float | None


class Table(NamedTuple):
    """title: may be empty. columns: their heads; all empty for none. rows: a cell for each column.

    Columns of numbers are set to the right, and those whose heads are in `right`.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    right: Collection[str] = ()


def plain_text(table: Table) -> str:
    """Columns padded by spaces, a line a row, each line with its newline."""
    head = [list(table.columns)] if any(table.columns) else []
    rows = [*head, *[[cell_text(cell) for cell in row] for row in table.rows]]
    widths = [max((len(row[place]) for row in rows), default=0) for place in range(len(table.columns))]
    right = [_is_set_right(table, place) for place in range(len(table.columns))]
    lines = [
        "  ".join(
            [cell.rjust(width) if at_right else cell.ljust(width) for cell, width, at_right in zip(row, widths, right)]
        )
        for row in rows
    ]
    return "".join(f"{line.rstrip()}\n" for line in ([printable(table.title), *lines] if table.title else lines))


def write(table: Table, out: TextIO | None = None) -> None:
    """Writes the table as suits `out` (default: stdout): a rich table to a terminal, plain columns elsewhere."""
    out = out or sys.stdout
    if not out.isatty():
        out.write(plain_text(table))
        return
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    made = RichTable(
        title=Text(printable(table.title)) if table.title else None,
        title_justify="left",
        show_header=any(table.columns),
    )
    for place, column in enumerate(table.columns):
        at_right = _is_set_right(table, place)
        made.add_column(Text(column), justify="right" if at_right else "left", overflow="fold", no_wrap=at_right)
    for row in table.rows:
        made.add_row(*[Text(cell_text(cell)) for cell in row])
    Console(file=behind(out)).print(made)


def cell_text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.6g}"
    return printable(str(cell))


def _is_set_right(table: Table, place: int) -> bool:
    if table.columns[place] in table.right:
        return True
    cells = [row[place] for row in table.rows if row[place] is not None]
    return bool(cells) and all(isinstance(cell, (int, float)) for cell in cells)


def write_json(value: Mapping[str, Any], out: TextIO | None = None) -> None:
    """Writes JSON with sorted keys; NaN and infinities, which JSON does not have, become strings."""
    json.dump(_finite(value), out or sys.stdout, indent=2, sort_keys=True, allow_nan=False)
    (out or sys.stdout).write("\n")


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def bytes_text(count: int) -> str:
    """A number of bytes for people: 0 B, 1.5 KiB, 97.8 MiB."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
