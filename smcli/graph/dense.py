"""Products of a tensor's last axis with a matrix, which `tensordot` writes as a dozen ops: found, and computed as one.

What is looked for is tensordot's own form: the tensor with its axes in order, reshaped to the products of its free
axes and of its last one, multiplied, and reshaped to the free axes and the number of columns, all of which is read from
the tensor's shape in the run.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from smcli.graph.graph import Body, Edge, Node
from smcli.graph.rewriting import Uses, is_float32, replaced
from smcli.kernels.matmul import LastAxis


def join_tensordots(body: Body) -> Body:
    """The body with each tensordot of a tensor's last axis with a matrix as one node."""
    uses = Uses(body)
    made: dict[Node, Node] = {}
    parts: set[Node] = set()
    for node in body.nodes:
        found = _last_axis_product(node) if node.op == "Reshape" and node.value is None else None
        if found is not None:
            product, tensor, rank = found
            inputs = [tensor, product.inputs[1]]
            made[node] = Node(product.name, "MatMul", product.attrs, inputs, function=LastAxis(rank))
            parts.update(_upstream(node, tensor))
    gone: set[Node] = set()
    for node in reversed(body.nodes):
        if node in parts and node not in made and all(user in gone or user in made for user in uses.users(node)):
            gone.add(node)
    return replaced(body, made, gone)


def _upstream(node: Node, tensor: Edge) -> Iterator[Node]:
    """The nodes between `tensor` and `node`, constants left out."""
    waiting, seen = [node], {tensor[0]}
    while waiting:
        for source, _ in waiting.pop().inputs:
            if source not in seen and source.value is None:
                seen.add(source)
                waiting.append(source)
                yield source


def _last_axis_product(node: Node) -> tuple[Node, Edge, int] | None:
    """For the last Reshape of a tensordot: its MatMul, the tensor, and the tensor's rank."""
    if len(node.inputs) != 2:
        return None
    (product, _), (shape, _) = node.inputs
    if product.op != "MatMul" or product.value is not None or len(product.inputs) != 2 or not is_float32(product):
        return None
    matrix = product.inputs[1][0].value
    if matrix is None or matrix.ndim != 2 or any(_true(product, name) for name in ("transpose_a", "transpose_b")):
        return None
    flat = product.inputs[0][0]
    if flat.op != "Reshape" or flat.value is not None or len(flat.inputs) != 2:
        return None
    ordered, sizes = flat.inputs[0][0], flat.inputs[1][0]
    if ordered.op != "Transpose" or ordered.value is not None or len(ordered.inputs) != 2:
        return None
    tensor, axes = ordered.inputs[0], _integers(ordered.inputs[1])
    if axes is None or len(axes) < 2 or axes != list(range(len(axes))):
        return None
    rank = len(axes)
    free, last = list(range(rank - 1)), [rank - 1]
    by_product = sizes.op == "Pack" and len(sizes.inputs) == 2 and sizes.value is None
    if not by_product or not all(
        _is_product_of(edge, tensor, wanted) for edge, wanted in zip(sizes.inputs, (free, last), strict=True)
    ):
        return None
    joined = shape.op == "ConcatV2" and shape.value is None and len(shape.inputs) == 3
    if not joined or not _is_shape_of(shape.inputs[0], tensor, free):
        return None
    if _integers(shape.inputs[1]) != [matrix.shape[1]] or _integers(shape.inputs[2]) != [0]:
        return None
    return product, tensor, rank


def _true(node: Node, name: str) -> bool:
    attr = node.attrs.get(name)
    return attr is not None and attr.b


def _integers(edge: Edge) -> list[int] | None:
    """The known integers of a vector or scalar, or None."""
    value = edge[0].value
    if value is None or value.dtype.kind != "i" or value.ndim > 1 or value.size > 32:
        return None
    return [int(number) for number in np.ravel(value)]


def _is_product_of(edge: Edge, tensor: Edge, axes: list[int]) -> bool:
    """Whether an edge is the product of the sizes of these axes of `tensor`."""
    node = edge[0]
    whole = node.op == "Prod" and node.value is None and len(node.inputs) == 2 and not _true(node, "keep_dims")
    return whole and _integers(node.inputs[1]) == [0] and _is_shape_of(node.inputs[0], tensor, axes)


def _is_shape_of(edge: Edge, tensor: Edge, axes: list[int]) -> bool:
    """Whether an edge is the sizes of these axes of `tensor`."""
    node = edge[0]
    if node.op != "GatherV2" or node.value is not None or len(node.inputs) != 3:
        return False
    (shape, _), indices, axis = node.inputs
    batch = node.attrs.get("batch_dims")
    plain = shape.op == "Shape" and shape.value is None and shape.inputs == [tensor] and not (batch and batch.i)
    return plain and _integers(indices) == axes and _integers(axis) == [0]
