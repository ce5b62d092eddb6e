"""`checkpoint`: the variables of a SavedModel or checkpoint, as inspect_checkpoint and list_variables showed them."""

from __future__ import annotations

import sys
from typing import Any

import click

from smcli.analysis.variables import VariableInfo, open_variables, statistics, variables
from smcli.checkpoint import Checkpoint
from smcli.cli.limited import bounded
from smcli.cli.own import output_format
from smcli.cli.progress import Shown
from smcli.report.tables import Table, bytes_text, write, write_json


@click.command()
@click.argument("path", required=False)
@click.option("--dir", "directory", help="The same as PATH.")
@click.option("--name", default="", help="Only variables whose name this regular expression matches somewhere.")
@click.option("--values", is_flag=True, help="Print the values too.")
@click.option(
    "--stats", is_flag=True, help="Print minimum, maximum, mean, deviation, and how many are 0, NaN, infinite."
)
@output_format
@bounded
def checkpoint(path: str | None, directory: str | None, name: str, values: bool, stats: bool, form: str) -> None:
    """List the variables of a SavedModel or checkpoint.

    PATH is a SavedModel directory, a directory with checkpoints (the latest is taken), a checkpoint prefix, or an
    .index file. Values are only read where --values or --stats asks for them.
    """
    found = path or directory
    if not found or (path and directory):
        raise click.UsageError("Say which checkpoint, once: as an argument or with --dir.")
    with open_variables(found) as opened:
        infos = list(variables(opened, name))
        shown = Shown()
        with shown.working():
            source = shown.reading(opened, infos) if values or stats else opened
            listed = _as_json(source, infos, values, stats) if form == "json" else _table(source, infos, stats)
        if isinstance(listed, dict):
            write_json(listed)
            return
        write(listed)
        if values:
            for info in infos:
                sys.stdout.write(f"\n{info.name}\n{opened.tensor(info.name).numpy()}\n")
    count = sum(info.elements for info in infos if info.bytes is not None)
    size = sum(info.bytes or 0 for info in infos)
    sys.stdout.write(f"\n{len(infos)} variables, {count:,} numbers, {bytes_text(size)}\n")


_STATS = ("min", "max", "mean", "std", "zeros", "nan", "inf")


def _table(opened: Checkpoint, infos: list[VariableInfo], stats: bool) -> Table:
    rows: list[list[Any]] = []
    for info in infos:
        shown = "[" + ", ".join(map(str, info.shape)) + "]"
        row: list[Any] = [info.name, info.dtype, shown, None if info.bytes is None else bytes_text(info.bytes)]
        if stats:
            row.extend(statistics(opened.tensor(info.name).numpy()) or [None] * len(_STATS))
        rows.append(row)
    return Table("", ["name", "dtype", "shape", "size", *(_STATS if stats else ())], rows)


def _as_json(opened: Checkpoint, infos: list[VariableInfo], values: bool, stats: bool) -> dict[str, Any]:
    listed = []
    for info in infos:
        item: dict[str, Any] = info._asdict()
        if stats:
            found = statistics(opened.tensor(info.name).numpy())
            item["statistics"] = dict(zip(_STATS, found)) if found else None
        if values:
            item["values"] = _listed(opened.tensor(info.name).numpy().tolist())
        listed.append(item)
    size = sum(info.bytes or 0 for info in infos)
    return {"variables": listed, "total": {"variables": len(infos), "bytes": size}}


def _listed(value: Any) -> Any:
    if isinstance(value, list):
        return [_listed(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value) if isinstance(value, complex) else value
