"""The gates of recurrent cells: a Split whose pieces go into Sigmoid and Tanh, as one node.

The sigmoid of the whole costs one pass where that of the pieces costs one each, which is most of what a small LSTM step
costs. Each element is computed as before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.graph.graph import Edge, Node
from smcli.graph.loops import Loop
from smcli.graph.rewriting import is_float32
from smcli.kernels.context import Array

_GATES = frozenset({"Sigmoid", "Tanh"})


def join_gates(loop: Loop) -> list[Node]:
    """`loop.after` with each Split that is followed by two Sigmoids or more joined with its gates."""
    uses: dict[Edge, list[Node | None]] = {}
    for node in (*loop.before, *loop.after):
        for edge in node.inputs:
            uses.setdefault(edge, []).append(node)
    for edge in (loop.test, *loop.nexts):
        uses.setdefault(edge, []).append(None)

    replaced: dict[Edge, Edge] = {}
    nodes: list[Node] = []
    gone: set[Node] = set()
    for node in loop.after:
        node.inputs = [replaced.get(edge, edge) for edge in node.inputs]
        gates = _gates(node, uses)
        if gates is not None:
            new = Node(node.name, node.op, node.attrs, node.inputs[1:])
            new.function, new.results = (
                _function(int(node.inputs[0][0].value), tuple(None if g is None else g.op for g in gates)),
                len(gates),
            )
            for index, gate in enumerate(gates):
                replaced[node, index] = (new, index)
                if gate is not None:
                    replaced[gate, 0] = (new, index)
                    gone.add(gate)
            nodes.append(new)
        elif node not in gone:
            nodes.append(node)
    loop.nexts = [replaced.get(edge, edge) for edge in loop.nexts]
    return nodes


def _gates(node: Node, uses: dict[Edge, list[Node | None]]) -> list[Node | None] | None:
    """For each piece of a Split the gate that alone uses it, or None; None as a whole when joining is of no use."""
    if node.op != "Split" or node.guard or node.function is not None or not is_float32(node):
        return None
    axis = node.inputs[0][0].value
    count = node.attrs.get("num_split")
    if axis is None or np.shape(axis) != () or count is None or not 2 <= count.i <= 16:
        return None
    gates: list[Node | None] = []
    for index in range(count.i):
        users = uses.get((node, index), [])
        only = users[0] if len(users) == 1 else None
        gates.append(only if only is not None and only.op in _GATES and not only.guard and not only.function else None)
    return gates if sum(gate is not None and gate.op == "Sigmoid" for gate in gates) >= 2 else None


def _function(axis: int, gates: tuple[str | None, ...]) -> Callable[[Array], tuple[Any, ...]]:
    """The pieces of an array along `axis`, each through its gate."""
    from smcli.kernels import _digits, concat, math

    at, count = np.array(axis), len(gates)

    def split(x: Array) -> tuple[Any, ...]:
        pieces = concat.split(at, x, num_split=count)
        if _digits.matter(x):
            functions = {"Sigmoid": math.sigmoid, "Tanh": math.tanh}
            return tuple([functions[gate](piece) if gate else piece for piece, gate in zip(pieces, gates)])
        opened = concat.split(at, math.sigmoid(x), num_split=count)
        return tuple(
            [b if gate == "Sigmoid" else np.tanh(a) if gate else a for a, b, gate in zip(pieces, opened, gates)]
        )

    return split
