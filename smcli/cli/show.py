"""`show`: what a SavedModel says of itself."""

from __future__ import annotations

import sys

from smcli.cli.flags import Flags
from smcli.errors import SmcliError
from smcli.report import show as report
from smcli.savedmodel.meta_graph import MetaGraph, SavedModel, find_signature, split_items
from smcli.savedmodel.ops import used_ops
from smcli.savedmodel.reader import read_saved_model


def show(flags: Flags) -> None:
    """Prints what the flags ask for. What could be printed before an error stays printed, as in the original."""
    directory, tag_set = flags.dir or "", flags.tag_set
    out = sys.stdout.write
    if flags.format != "text":
        _show_described(read_saved_model(directory), flags)
    elif flags.all:
        _show_all(read_saved_model(directory))
    elif tag_set is None:
        if flags.list_ops:
            out("--list_ops must be paired with a tag-set or with --all.\n")
        out(report.tag_sets_text([graph.tags for graph in read_saved_model(directory).meta_graphs]))
    else:
        if flags.list_ops:
            graph = _find_stripped(directory, tag_set)
            out(report.ops_text(graph.tags, used_ops(graph.graph_def())))
        if flags.signature_def is None:
            # Only here does the original not strip the tags.
            out(report.signature_keys_text(read_saved_model(directory).find(tag_set).signatures))
        else:
            graph = _find_stripped(directory, tag_set)
            sys.stdout.writelines(report.signature_lines(find_signature(graph, flags.signature_def)))


def _show_described(model: SavedModel, flags: Flags) -> None:
    """The whole model, or the MetaGraph of --tag_set, or its one signature, as JSON or tables."""
    from smcli.report.description import description, write_tables
    from smcli.report.tables import write_json

    graphs = model.meta_graphs
    if flags.tag_set is not None and not flags.all:
        graphs = [model.find(",".join(split_items(flags.tag_set, "tag_set")))]
        if flags.signature_def is not None:
            find_signature(graphs[0], flags.signature_def)
    described = description(graphs, flags.signature_def if flags.tag_set is not None and not flags.all else None)
    if flags.format == "json":
        write_json(described)
    else:
        write_tables(described)


def _find_stripped(directory: str, tag_set: str) -> MetaGraph:
    tags = ",".join(split_items(tag_set, "tag_set"))
    return read_saved_model(directory).find(tags)


def _show_all(model: SavedModel) -> None:
    out = sys.stdout.write
    for graph in sorted(model.meta_graphs, key=lambda graph: graph.tags):
        out(report.meta_graph_title(graph.tags))
        for key in sorted(graph.signatures):
            out(report.signature_title(key))
            sys.stdout.writelines(report.signature_lines(graph.signatures[key], indent=1))
        out(report.ops_text(graph.tags, used_ops(graph.graph_def())))
    with_objects = [graph for graph in model.meta_graphs if graph.has_object_graph]
    if with_objects:
        _show_functions(with_objects[0])


def _show_functions(graph: MetaGraph) -> None:
    from smcli.report.functions import FUNCTIONS_FAILED, FUNCTIONS_TITLE, functions_text
    from smcli.savedmodel.functions import root_functions

    sys.stdout.write(FUNCTIONS_TITLE)
    try:
        text = functions_text(root_functions(graph))
    except SmcliError:
        text = FUNCTIONS_FAILED
    sys.stdout.write(text)
