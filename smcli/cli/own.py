"""The commands that saved_model_cli does not have: plain click commands, each in a module of its own.

The flags of the original's commands go through smcli.cli.compat; these do not. A command's module is imported when the
command is called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from smcli.errors import SmcliError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from smcli.savedmodel.meta_graph import MetaGraph

F = TypeVar("F", bound=Callable[..., Any])

_DEFAULT_SIGNATURE = "serving_default"
# name → what `smcli --help` says of it
COMMANDS = {
    "check": "Smoke-test a SavedModel: files, ops, every signature.",
    "checkpoint": "List the variables of a SavedModel or checkpoint.",
    "diff": "Compare two SavedModels or checkpoints.",
    "examples": "Write tf.Examples from rows of JSON or CSV to a TFRecord file.",
    "graph": "Draw a signature or function as HTML, SVG or DOT.",
    "summary": "Show the layers, parameters, FLOPs and memory of a signature.",
    "completion": "Print the completion script of a shell.",
    "doctor": "Say what is installed and what this machine gives.",
}


def load(name: str) -> click.Command:
    """The command `name`, which is one of COMMANDS."""
    command: click.Command = getattr(import_module(f"smcli.cli.{name}"), name)
    return command


def output_format(function: F) -> F:
    """Adds --format: text, as suits the terminal or pipe, or json."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="text for people, json for scripts.",
    )(function)


def completed(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What a shell may complete a value to (see smcli.cli.candidates)."""
    from smcli.cli.candidates import candidates

    return candidates(ctx, param, incomplete)


def tag_set(function: F) -> F:
    """Adds --tag_set."""
    words = "Tags of the MetaGraph, separated by commas; not needed if there is one."
    return click.option("--tag_set", help=words, shell_complete=completed)(function)


def model_directory(function: F) -> F:
    """Adds the SavedModel, as an argument or as --dir; the function gets `directory`."""

    @functools.wraps(function)
    def call(*args: Any, directory: str | None, dir_option: str | None, **kwargs: Any) -> Any:
        found = dir_option or directory
        if not found or (dir_option and directory):
            raise click.UsageError("Say which SavedModel, once: as an argument or with --dir.")
        return function(*args, directory=found, **kwargs)

    call = click.option("--dir", "dir_option", help="Directory of the SavedModel.", shell_complete=completed)(call)
    return cast(F, click.argument("directory", required=False, shell_complete=completed)(call))


def signature_key(meta_graph: MetaGraph, wanted: str | None) -> str:
    """The key of the signature that is wanted, or the only one, or serving_default.

    Raises SmcliError that names the keys where that is not clear.
    """
    from smcli.analysis.check import HIDDEN

    keys = sorted(set(meta_graph.signatures) - HIDDEN)
    if wanted is not None:
        return wanted
    if len(keys) != 1 and _DEFAULT_SIGNATURE not in keys:
        raise SmcliError(f"Say which signature with --signature_def: {', '.join(keys) or 'the model has none'}")
    return keys[0] if len(keys) == 1 else _DEFAULT_SIGNATURE


def find_meta_graph(directory: str, tags: str | None) -> MetaGraph:
    """The MetaGraph of these tags, or the only one. Raises SmcliError that names the tag-sets there are."""
    from smcli.savedmodel.reader import read_saved_model

    model = read_saved_model(directory)
    if tags is None and len(model.meta_graphs) == 1:
        return model.meta_graphs[0]
    if tags is None:
        present = "; ".join(",".join(sorted(set(graph.tags))) for graph in model.meta_graphs)
        raise SmcliError(f"The SavedModel has several MetaGraphs; choose one with --tag_set. There are: {present}")
    return model.find(tags)
