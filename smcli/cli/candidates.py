"""What a shell may complete the value of a flag to: directories, files, and the tag-sets and signatures of the model
that stands before it on the line."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

from smcli.errors import SmcliError
from smcli.savedmodel.reader import read_saved_model

_DIRECTORIES = frozenset({"dir", "dir_option", "directory", "outdir", "output_dir", "dump_dir"})
_FILES = frozenset({"outfile", "profile_trace", "checkpoint_path"})
_NAMES = frozenset({"tag_set", "signature_def", "signature_def_key"})


def candidates(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The values that begin with what was typed; none where the model can not be read."""
    if param.name in _DIRECTORIES:
        return [CompletionItem(incomplete, type="dir")]
    if param.name in _FILES:
        return [CompletionItem(incomplete, type="file")]
    directory = next((ctx.params[name] for name in ("dir", "dir_option", "directory") if ctx.params.get(name)), None)
    if directory is None or param.name not in _NAMES:
        return []
    try:
        found = sorted(set(_names(str(param.name), directory, ctx.params.get("tag_set"))))
    except (SmcliError, OSError):
        return []
    return [CompletionItem(name) for name in found if name and name.startswith(incomplete)]


def _names(flag: str, directory: str, tags: str | None) -> Iterable[str]:
    graphs = read_saved_model(directory).meta_graphs
    if flag == "tag_set":
        return [",".join(sorted(set(graph.tags))) for graph in graphs]
    if tags is not None:
        graphs = [graph for graph in graphs if set(graph.tags) == set(tags.split(","))]
    return [key for graph in graphs for key in graph.signatures if key != "__saved_model_init_op"]
