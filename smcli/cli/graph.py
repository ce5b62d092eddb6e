"""`graph`: a picture of a model, as a page to look around in, an SVG file, DOT or JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import IO

import click

from smcli.analysis.model_graph import MOST_NODES, ModelGraph, function_graph, signature_graph, whole_graph
from smcli.cli.limited import bounded
from smcli.cli.own import find_meta_graph, model_directory, signature_key, tag_set
from smcli.errors import SmcliError
from smcli.savedmodel.meta_graph import MetaGraph, find_signature

_VERSION = 1  # of the JSON; grows when a field changes its meaning
_SUFFIXES = {".svg": "svg", ".html": "html", ".htm": "html", ".dot": "dot", ".gv": "dot", ".json": "json"}


@click.command()
@model_directory
@tag_set
@click.option("--signature_def", help="What this signature runs; not needed if there is one, or serving_default.")
@click.option("--function", "function_name", help="The body of this function, or of this attribute of the model.")
@click.option("--all", "all_nodes", is_flag=True, help="All nodes of the MetaGraph.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["svg", "html", "dot", "json"]),
    help="What is written; by the name of the outfile, or svg, when it is not given.",
)
@click.option("-o", "--outfile", help="The file to write, also over an old one; stdout when it is not given.")
@click.option(
    "--unfold", type=click.IntRange(0), help="svg: scopes to unfold, by depth; as many as suit a page by default."
)
@click.option(
    "--max_nodes", default=MOST_NODES, show_default=True, type=click.IntRange(1), help="More than these are refused."
)
@bounded
def graph(
    directory: str,
    tag_set: str | None,
    signature_def: str | None,
    function_name: str | None,
    all_nodes: bool,
    form: str | None,
    outfile: str | None,
    unfold: int | None,
    max_nodes: int,
) -> None:
    """Draw what a signature or a function is made of, with dtypes and shapes as the file tells them.

    html is a page of its own, without a network: scopes fold, functions can be entered, nodes searched and looked at.
    svg and dot show one function, that of the model's layers. Nothing is run.
    """
    if sum([signature_def is not None, function_name is not None, all_nodes]) > 1:
        raise click.UsageError("Give only one of --signature_def, --function and --all.")
    form = form or _form_of(outfile)
    if not outfile and form != "json" and sys.stdout.isatty():
        raise click.UsageError("Say where the picture goes: -o model.html, or a pipe.")
    meta_graph = find_meta_graph(directory, tag_set)
    found = _read(meta_graph, signature_def, function_name, all_nodes, max_nodes)
    found.title = f"{os.path.basename(os.path.abspath(directory))}: {found.title}"
    _write(_writer(form)(found, unfold), outfile)


def _form_of(outfile: str | None) -> str:
    if not outfile:
        return "svg"
    suffix = os.path.splitext(outfile)[1].lower()
    if suffix not in _SUFFIXES:
        raise SmcliError(f"Say with --format what {outfile} shall hold, or name it {', '.join(sorted(_SUFFIXES))}.")
    return _SUFFIXES[suffix]


def _read(
    meta_graph: MetaGraph, signature: str | None, function: str | None, everything: bool, most: int
) -> ModelGraph:
    if function is not None:
        return function_graph(meta_graph, function, most)
    if everything:
        return whole_graph(meta_graph, most)
    key = signature_key(meta_graph, signature)
    return signature_graph(meta_graph, key, find_signature(meta_graph, key), most)


def _writer(form: str) -> Callable[[ModelGraph, int | None], str]:
    return {"svg": _svg, "html": _html, "dot": _dot, "json": _json}[form]


def _svg(found: ModelGraph, unfold: int | None) -> str:
    from smcli.report.svg import svg_text

    return svg_text(found.title, found.views[found.first_path()[-1]], unfold)


def _html(found: ModelGraph, unfold: int | None) -> str:
    from smcli.report.page import page_text

    return page_text(found)


def _dot(found: ModelGraph, unfold: int | None) -> str:
    from smcli.report.dot import dot_text

    return dot_text(found.title, found.views[found.first_path()[-1]])


def _json(found: ModelGraph, unfold: int | None) -> str:
    import json

    views = [{"title": view.title, "nodes": [_node(asdict(node)) for node in view.nodes]} for view in found.views]
    data = {"version": _VERSION, "title": found.title, "path": found.first_path(), "views": views}
    return json.dumps(data, indent=1) + "\n"


def _node(fields: dict[str, object]) -> dict[str, object]:
    """shape: null for an unknown rank, with null for unknown dims; dtype: null where it is not known."""
    outputs = fields["outputs"]
    assert isinstance(outputs, list)
    return fields | {"outputs": [{"dtype": dtype or None, "shape": shape} for dtype, shape in outputs]}


def _write(text: str, outfile: str | None) -> None:
    data = text.encode("utf-8", "backslashreplace")
    if not outfile:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return
    from smcli.report.outputs import Writing

    def put(file: IO[bytes]) -> None:
        file.write(data)

    with Writing(overwrite=True) as files:
        files.add_file(outfile, put)
        files.finish()
