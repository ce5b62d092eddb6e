"""Recurrent cells in the bodies of loops: the ops of an LSTM or GRU step as one node.

A small step costs what calling NumPy costs, so that two dozen ops as ten calls take less than half the time. The
arithmetic is that of the ops (`smcli.kernels._cells`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from smcli.graph.graph import Body, Edge, Node
from smcli.graph.loops import Loop
from smcli.graph.rewriting import Uses, is_float32, replaced_outputs

_SUMS = ("AddV2", "Add")


def join_cells(loop: Loop) -> list[Node]:
    """`loop.after` with each step of an LSTM or GRU as one node; `loop.nexts` is changed accordingly."""
    if not any(node.op == "Tanh" for node in loop.after):
        return loop.after
    body = Body(loop.name, loop.after, loop.inputs, [loop.test, *loop.nexts], False)
    uses = Uses(Body("", [*loop.before, *loop.after], [], [loop.test, *loop.nexts], False))
    made: dict[Node, tuple[Node, list[Edge]]] = {}
    gone: set[Node] = set()
    for node in loop.after:
        cell = _lstm(node, uses) or _gru(node, uses)
        if cell is not None and not gone & cell.nodes:
            made[cell.last] = cell.joined, cell.results
            gone |= cell.nodes
    joined = replaced_outputs(body, made, gone)
    loop.nexts = joined.outputs[1:]
    return joined.nodes


@dataclass(frozen=True, slots=True)
class _Cell:
    """joined: the node that stands for `nodes`, in the place of `last`; its outputs are their `results`."""

    joined: Node
    last: Node
    results: list[Edge]
    nodes: set[Node]


def _is(node: Node | None, *ops: str) -> bool:
    """Whether a node is one of these ops, on float32, computed by the op's own kernel and unconditionally."""
    return (
        node is not None
        and node.op in ops
        and node.function is None
        and node.value is None
        and not node.guard
        and is_float32(node)
    )


def _only(edge: Edge, uses: Uses, *ops: str) -> Node | None:
    """The one user of a tensor if it is one of these ops."""
    users = uses.consumers(edge)
    node = users[0] if len(users) == 1 else None
    return node if _is(node, *ops) else None


def _others(node: Node, edge: Edge) -> Iterator[Edge]:
    """The other input of a node of two."""
    if len(node.inputs) == 2 and edge in node.inputs:
        yield node.inputs[1 if node.inputs[0] == edge else 0]


def _parts(split: Node, count: int) -> int:
    """The axis, 1 or -1, along which a node splits a matrix into so many parts; 0 when it does not."""
    if not _is(split, "Split") or len(split.inputs) != 2:
        return 0
    axis, number = split.inputs[0][0].value, split.attrs.get("num_split")
    if axis is None or np.shape(axis) != () or number is None or number.i != count:
        return 0
    return int(axis) if axis in (1, -1) else 0


def _lstm(split: Node, uses: Uses) -> _Cell | None:
    """new = sigmoid(f) · cells + sigmoid(i) · tanh(g), sigmoid(o) · tanh(new), of the four parts of a Split."""
    axis = _parts(split, 4)
    if not axis:
        return None
    gates: dict[Node, int] = {}
    nodes, candidate, forget_bias = {split}, None, None
    biased: Node | None = None
    for place in range(4):
        gate = _only((split, place), uses, "Sigmoid", "Tanh", *_SUMS)
        if gate is not None and gate.op in _SUMS:
            (number,) = [other[0].value for other in _others(gate, (split, place))] or [None]
            if biased is not None or number is None or np.shape(number) != ():
                return None
            nodes.add(gate)
            biased = gate = _only((gate, 0), uses, "Sigmoid")
            forget_bias = float(number)
        if gate is None or (gate.op == "Tanh" and candidate is not None):
            return None
        candidate = gate if gate.op == "Tanh" else candidate
        gates[gate] = place
    if candidate is None:
        return None
    entering = _only((candidate, 0), uses, "Mul")
    new = _only((entering, 0), uses, *_SUMS) if entering is not None else None
    if entering is None or new is None:
        return None
    open_in = next(_others(entering, (candidate, 0)), (split, 0))[0]
    kept = next(_others(new, (entering, 0)), (split, 0))[0]
    if not _is(kept, "Mul") or _only((kept, 0), uses, *_SUMS) is not new or len(kept.inputs) != 2:
        return None
    forget = next((one for one, _ in kept.inputs if one in gates and one not in (candidate, open_in)), None)
    ends = [node for node in uses.consumers((new, 0)) if _is(node, "Tanh")]
    result = _only((ends[0], 0), uses, "Mul") if ends and ends[0] is not None else None
    if forget is None or result is None or biased not in (None, forget):
        return None
    open_out = next(_others(result, (ends[0], 0)), (split, 0))[0]  # type: ignore[arg-type]
    order = (open_in, forget, candidate, open_out)
    if set(order) != gates.keys() or any(len(uses.consumers((gate, 0))) != 1 for gate in order):
        return None
    cells = next(_others(kept, (forget, 0)))
    sums, bias = _sums(split.inputs[1], uses, nodes)

    from smcli.kernels._cells import LstmStep

    places = (gates[open_in], gates[forget], gates[candidate], gates[open_out])
    nodes |= {*order, entering, kept, new, ends[0], result}  # type: ignore[arg-type]
    inputs = [*sums, *bias, cells]
    step = LstmStep(places, bool(bias), forget_bias, axis)
    joined = Node(split.name, split.op, split.attrs, inputs, function=step, results=2)
    return _Cell(joined, new, [(new, 0), (result, 0)], nodes)


def _sums(edge: Edge, uses: Uses, nodes: set[Node]) -> tuple[list[Edge], list[Edge]]:
    """What is added up to the tensor at an edge that a Split alone uses: matrices, and a bias or nothing. The nodes
    that add are put among `nodes`."""
    bias: list[Edge] = []
    node = edge[0]
    if _is(node, "BiasAdd") and _only(edge, uses, "Split") is not None and "data_format" not in node.attrs:
        nodes.add(node)
        edge, bias = node.inputs[0], [node.inputs[1]]
        node = edge[0]
        if not _is(node, *_SUMS) or _only(edge, uses, "BiasAdd") is None:
            return [edge], bias
    elif not _is(node, *_SUMS) or _only(edge, uses, "Split") is None:
        return [edge], bias
    nodes.add(node)
    return list(node.inputs), bias


@dataclass(frozen=True, slots=True)
class _Third:
    """A third of the columns of a matrix: `node` takes it from `matrix`; `units`, where known, is how many it has,
    and `axis` that of a Split."""

    node: Node
    matrix: Edge
    place: int
    units: int | None
    axis: int = 0


def _third(edge: Edge) -> _Third | None:
    """The third of a matrix that is at an edge: a piece of a Split, or a slice such as x[:, 8:16]."""
    node, index = edge
    axis = _parts(node, 3)
    if axis:
        return _Third(node, node.inputs[1], index, None, axis)
    if not _is(node, "StridedSlice") or len(node.inputs) != 4:
        return None
    begin, end, strides = [source.value for source, _ in node.inputs[1:]]
    masks = {name: value.i for name, value in node.attrs.items() if name.endswith("_mask")}
    first, last = masks.get("begin_mask", 0), masks.get("end_mask", 0)
    plain = not any(masks.get(f"{name}_mask", 0) for name in ("ellipsis", "new_axis", "shrink_axis"))
    vectors = all(value is not None and np.shape(value) == (2,) for value in (begin, end, strides))
    if not (plain and vectors and first & last & 1 and list(strides) == [1, 1]):
        return None
    start, stop = 0 if first & 2 else int(begin[1]), None if last & 2 else int(end[1])
    if stop is None:  # the last third
        return _Third(node, node.inputs[0], 2, start // 2) if start > 0 and start % 2 == 0 else None
    units = stop - start
    if units <= 0 or start < 0 or start % units or start // units > 1:
        return None
    return _Third(node, node.inputs[0], start // units, units)


def _gru(total: Node, uses: Uses) -> _Cell | None:
    """new = z · state + (1 − z) · tanh(xh + r · hh), gates z and r being sigmoids of sums xz + hz and xr + hr, where
    xz, xr, xh and hz, hr, hh are the thirds of a matrix each. total: the node before tanh."""
    candidate = _only((total, 0), uses, "Tanh") if _is(total, *_SUMS) and len(total.inputs) == 2 else None
    product = next((node for node, _ in total.inputs if _is(node, "Mul")), None) if candidate is not None else None
    if candidate is None or product is None or len(product.inputs) != 2:
        return None
    reset = next((node for node, _ in product.inputs if _is(node, "Sigmoid")), None)
    if reset is None:
        return None
    ours, theirs = _third(next(_others(total, (product, 0)))), _third(next(_others(product, (reset, 0))))
    entering = _only((candidate, 0), uses, "Mul")
    new = _only((entering, 0), uses, *_SUMS) if entering is not None else None
    if ours is None or theirs is None or entering is None or new is None:
        return None
    rest = next(_others(entering, (candidate, 0)), (total, 0))[0]
    kept = next(_others(new, (entering, 0)), (total, 0))[0]
    if not _is(rest, "Sub") or not _is(kept, "Mul") or len(kept.inputs) != 2:
        return None
    (one, _), (update, _) = rest.inputs
    if one.value is None or np.shape(one.value) != () or one.value != 1 or (update, 0) not in kept.inputs:
        return None
    thirds = [ours, theirs]
    places = []
    nodes = {total, candidate, product, reset, entering, new, rest, kept, update}
    for gate in (update, reset):
        sum_ = gate.inputs[0][0] if _is(gate, "Sigmoid") else None
        if sum_ is None or not _is(sum_, *_SUMS) or len(sum_.inputs) != 2:
            return None
        pair = [_third(edge) for edge in sum_.inputs]
        mine = [third for third in pair if third is not None and third.matrix == ours.matrix]
        other = [third for third in pair if third is not None and third.matrix == theirs.matrix]
        if len(mine) != 1 or len(other) != 1 or mine[0].place != other[0].place:
            return None
        thirds += mine + other
        places.append(mine[0].place)
        nodes.add(sum_)
    nodes |= {third.node for third in thirds}
    units, axes = {third.units for third in thirds} - {None}, {third.axis for third in thirds} - {0}
    if ours.place != theirs.place or {*places, ours.place} != {0, 1, 2} or len(units) > 1 or len(axes) > 1:
        return None
    if ours.matrix == theirs.matrix or not _is_private(nodes, new, uses):
        return None

    from smcli.kernels._cells import GruStep

    state = next(_others(kept, (update, 0)))
    step = GruStep((places[0], places[1], ours.place), next(iter(units), None), next(iter(axes), 1))
    joined = Node(total.name, "Tanh", candidate.attrs, [ours.matrix, theirs.matrix, state], function=step)
    return _Cell(joined, new, [(new, 0)], nodes)


def _is_private(nodes: set[Node], last: Node, uses: Uses) -> bool:
    """Whether nothing but the nodes themselves uses what they compute, `last` apart."""
    return all(user in nodes for node in nodes - {last} for user in uses.users(node))
