"""`diff`: what was added, removed and changed from one SavedModel or checkpoint to another."""

from __future__ import annotations

import contextlib
import os
import sys

import click

from smcli.analysis import difference
from smcli.analysis.variables import open_variables, variables
from smcli.checkpoint import Checkpoint
from smcli.cli.limited import bounded
from smcli.cli.own import find_meta_graph, output_format, tag_set
from smcli.cli.progress import Shown
from smcli.errors import NotFoundError
from smcli.report.tables import Table, write, write_json
from smcli.savedmodel.reader import holds_saved_model

_DIFFERENT = 1  # the exit code, as of diff(1)


@click.command()
@click.argument("old")
@click.argument("new")
@tag_set
@click.option("--name", default="", help="Only variables whose name this regular expression matches somewhere.")
@click.option(
    "--rtol", default=0.0, show_default=True, help="Values this far apart, relative to the old one, are equal."
)
@click.option("--atol", default=0.0, show_default=True, help="Values this far apart are equal.")
@output_format
@bounded
@click.pass_context
def diff(
    context: click.Context, old: str, new: str, tag_set: str | None, name: str, rtol: float, atol: float, form: str
) -> None:
    """Compare two SavedModels or checkpoints.

    Compares signatures, how often each op is used, functions with their traces, and variables with their values. Ends
    with 0 when there is no difference and with 1 when there is one.
    """
    changes: list[difference.Change] = []
    if holds_saved_model(old) and holds_saved_model(new):
        changes += difference.of_graphs(find_meta_graph(old, tag_set), find_meta_graph(new, tag_set))
    with contextlib.ExitStack() as stack:
        before, after = _opened(stack, old), _opened(stack, new)
        if before is not None and after is not None:
            shown = Shown()
            with shown.working():
                read_old, read_new = (shown.reading(opened, variables(opened, name)) for opened in (before, after))
                changes += difference.of_checkpoints(read_old, read_new, name, rtol, atol)
        elif before is not None or after is not None:
            have, lack = (old, new) if before is not None else (new, old)
            changes.append(difference.Change("variable", "", "changed", f"{have} has variables, {lack} has none"))
    if form == "json":
        write_json({"changes": [change._asdict() for change in changes], "counts": difference.counted(changes)})
    elif changes:
        write(Table("", ["kind", "name", "how", "what"], changes))
    else:
        sys.stdout.write("No differences.\n")
    context.exit(_DIFFERENT if changes else 0)


def _opened(stack: contextlib.ExitStack, path: str) -> Checkpoint | None:
    """The variables of a model, or None for a SavedModel that has none. Raises NotFoundError for other paths."""
    try:
        return stack.enter_context(open_variables(path))
    except NotFoundError:
        if os.path.isdir(path) and holds_saved_model(path):
            return None
        raise
