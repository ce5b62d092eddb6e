"""A whole model as one HTML page: scopes that fold, functions to enter, search, details of each node.

The page holds all it needs and asks for nothing: its only script and style sheet are named by their hashes in a content
security policy, so that a browser runs and loads nothing else, whatever names the model has. Names reach the page as
JSON in which `<` is not written, and reach the document as text nodes only.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Hashable
from typing import Any

from smcli.analysis.attr_text import cut
from smcli.analysis.model_graph import ModelGraph, View, ViewNode
from smcli.analysis.scopes import Bundle, Group, Scopes, scopes_of
from smcli.report.boxes import GAP_X, GAP_Y, GAP_Y_LABEL, HEAD, LINE, PADDING, SMALL, Box, Level, level_of
from smcli.report.layers import BEND_WEIGHT, ROUNDS
from smcli.report.svg import asset, escape
from smcli.report.terminal import printable

_MOST_NAME = 1000  # letters
_MEASURES = {
    "gapX": GAP_X,
    "gapY": GAP_Y,
    "gapYLabel": GAP_Y_LABEL,
    "head": HEAD,
    "line": LINE,
    "padding": PADDING,
    "small": SMALL,
    "bendWeight": BEND_WEIGHT,
    "rounds": ROUNDS,
}


def page_text(graph: ModelGraph) -> str:
    """The whole file."""
    style, script = asset("picture.css") + asset("page.css"), asset("page.js")
    sources = f"style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:"
    policy = f"default-src 'none'; {sources}; base-uri 'none'"
    data = json.dumps(page_data(graph), separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e")
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(printable(graph.title))}</title>\n"
        '<link rel="icon" href="data:,">\n'
        f"<style>{style}</style></head>\n"
        f"<body>{asset('page.html')}"
        f'<script type="application/json" id="model">{data}</script>\n'
        f"<script>{script}</script></body></html>\n"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class _Table:
    """Values that many nodes share, each once."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[Hashable, int] = {}

    def place(self, key: Hashable, value: Any) -> int:
        if key not in self._places:
            self._places[key] = len(self.values)
            self.values.append(value)
        return self._places[key]


def page_data(graph: ModelGraph) -> dict[str, Any]:
    """What the page's script reads; report/assets/page.js says how."""
    types, attrs = _Table(), _Table()
    views = [_view(view, types, attrs) for view in graph.views]
    return {
        "title": printable(graph.title),
        "path": graph.first_path(),
        "views": views,
        "types": types.values,
        "attrs": attrs.values,
        "measures": _MEASURES,
    }


def _view(view: View, types: _Table, attrs: _Table) -> dict[str, Any]:
    scopes = scopes_of(view)
    made = [level_of(view, scopes, group) for group in scopes.groups]
    return {
        "title": printable(view.title),
        "nodes": [_node(node, types, attrs) for node in view.nodes],
        "groups": [_group(group, level) for group, level in zip(scopes.groups, made)],
        "rows": _rows(scopes),
        "opened": scopes.opened,
    }


def _node(node: ViewNode, types: _Table, attrs: _Table) -> dict[str, Any]:
    shown = tuple((printable(name), printable(value)) for name, value in node.attrs.items())
    found: dict[str, Any] = {
        "name": printable(cut(node.name, _MOST_NAME)),
        "op": printable(node.op),
        "inputs": [number for edge in node.inputs for number in edge],
        "outputs": [types.place(type_, str(type_)) for type_ in node.outputs],
    }
    optional = {
        "arguments": [printable(name) for name in node.arguments],
        "controls": node.controls,
        "calls": [[printable(name), place] for name, place in node.calls.items()],
        "note": printable(node.note),
        "attrs": attrs.place(shown, shown) if shown else None,
    }
    return found | {name: value for name, value in optional.items() if value not in ([], "", None)}


def _rows(scopes: Scopes) -> list[list[int]]:
    """Pairs of a value and a node that uses it."""
    return [[value, place] for place, rows in scopes.rows.items() for _, value in rows]


def _group(group: Group, level: Level) -> dict[str, Any]:
    return {
        "label": printable(group.label),
        "scope": printable(cut(group.scope, _MOST_NAME)),
        "parent": group.parent,
        "size": group.size,
        "children": group.children,
        "inputs": group.inputs,
        "outputs": group.outputs,
        "bundles": [_bundle(*each) for each in zip(group.bundles, level.labels, level.at_start)],
        "boxes": [_box(box) for box in level.boxes],
        "layers": level.layers.rows,
        "routes": level.layers.routes,
        "turned": level.layers.turned,
        "room": level.room,
        "headRoom": level.head,
    }


def _bundle(bundle: Bundle, label: str, at_start: bool) -> list[Any]:
    ports = (bundle.start_port, bundle.end_port)
    return [bundle.start, bundle.end, *ports, len(bundle.tensors), printable(label), int(at_start)]


def _box(box: Box) -> list[Any]:
    return [box.kind, box.title, box.lines, [list(row) for row in box.rows], box.width, box.height]
