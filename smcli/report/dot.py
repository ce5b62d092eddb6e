"""A view of a model in the DOT language of Graphviz: every node, scopes as clusters."""

from __future__ import annotations

from collections.abc import Iterator

from smcli.analysis.model_graph import INPUT, OUTPUT, View
from smcli.analysis.scopes import Scopes, scopes_of, short_text, type_of
from smcli.report.boxes import node_box
from smcli.report.terminal import printable


def dot_text(title: str, view: View) -> str:
    """The whole file. Nodes are numbered by their places; names are in their labels, where they are quoted."""
    scopes = scopes_of(view)
    return "".join([_head(title), *_clusters(view, scopes), *_edges(view, scopes), "}\n"])


def _head(title: str) -> str:
    return (
        f"digraph {quoted(title)} {{\n"
        f"  label={quoted(title)}; labelloc=t; compound=true;\n"
        '  node [shape=box, fontname="Helvetica", fontsize=11]; edge [fontname="Helvetica", fontsize=9];\n'
    )


def quoted(text: str) -> str:
    """A double-quoted string of DOT that shows as the text does."""
    escaped = printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _clusters(view: View, scopes: Scopes) -> Iterator[str]:
    """The nodes, each in the braces of its scope; those of a group come before those of the groups within."""
    waiting: list[tuple[int, str] | str] = [(0, "  ")]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
            continue
        place, indent = item
        group = scopes.groups[place]
        if place:
            yield f"{indent[2:]}subgraph cluster_{place} {{ label={quoted(group.label)};\n"
            waiting.append(f"{indent[2:]}}}\n")
        for child in group.children:
            if child < 0:
                waiting.append((-1 - child, indent + "  "))
                continue
            box = node_box(view, scopes, child, group.scope)
            lines = [box.title, *box.lines, *[f"{name} {value}".rstrip() for name, value, _ in box.rows]]
            shape = ", shape=oval" if view.nodes[child].op in (INPUT, OUTPUT) else ""
            label = "\\n".join([quoted(line)[1:-1] for line in lines])
            yield f'{indent}n{child} [label="{label}"{shape}];\n'


def _edges(view: View, scopes: Scopes) -> Iterator[str]:
    """The tensors that flow between nodes that are drawn; what only says what is first is dashed."""
    drawn = {child for group in scopes.groups for child in group.children if child >= 0}
    for place in sorted(drawn):
        node = view.nodes[place]
        for source, output in dict.fromkeys(node.inputs):
            if source in drawn:
                label = quoted(short_text(type_of(view, (source, output))))
                yield f"  n{source} -> n{place} [label={label}];\n"
        for source in node.controls:
            if source in drawn:
                yield f"  n{source} -> n{place} [style=dashed];\n"
