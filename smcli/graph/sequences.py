"""Products of the items of a sequence with a matrix, in a loop that takes one item after the other: all of them by one
multiplication before the loop.

An item comes out of a TensorList that the loop only reads. A large product takes a fraction of the time of as many
small ones; its sums are rounded in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from smcli.errors import SmcliError
from smcli.graph.binding import bind_attrs, find_kernel
from smcli.graph.graph import Edge, Graph, Node
from smcli.graph.loops import Loop
from smcli.graph.rewriting import is_float32
from smcli.kernels.context import Array


def take_out_products(loop: Loop, first: list[Node], rest: list[Node], graph: Graph) -> tuple[list[Node], list[Node]]:
    """`first` and `rest`, what runs once and what runs in each iteration, with the products of items among the former.

    Nodes of the loop that are replaced have their users' inputs changed; `loop.nexts` too.
    """
    same = {*loop.inputs[len(loop.nexts) :], *first}
    same |= {argument for argument, (node, _) in zip(loop.inputs, loop.nexts) if node is argument}
    users: dict[Edge, int] = {}
    for edge in [edge for node in (*loop.before, *rest) for edge in node.inputs] + [loop.test, *loop.nexts]:
        users[edge] = users.get(edge, 0) + 1
    once, repeated = list(first), []
    for node in rest:
        source = node.inputs[0][0] if _is_product(node, same) else None
        get = _kernel(source, graph) if source is not None and _is_item(source, same) else None
        multiply = _kernel(node, graph)
        if source is None or get is None or multiply is None or users[source, 0] != 1:
            repeated.append(node)
            continue
        all_products = Node(f"{node.name}/all", node.op, node.attrs, [source.inputs[0], node.inputs[1]])
        all_products.function = _products
        once.append(all_products)
        node.function = _Pick(get, multiply)
        node.inputs = [(all_products, 0), *source.inputs, node.inputs[1]]
        repeated.remove(source)
        repeated.append(node)
    return once, repeated


def _is_product(node: Node, same: set[Node]) -> bool:
    """Whether a node multiplies something by a matrix that does not change."""
    plain = node.op == "MatMul" and node.function is None and node.value is None and not node.guard
    if not plain or len(node.inputs) != 2 or not is_float32(node):
        return False
    matrix = node.inputs[1][0]
    straight = not any(name in node.attrs and node.attrs[name].b for name in ("transpose_a", "transpose_b"))
    return straight and (matrix in same or matrix.value is not None)


def _is_item(node: Node, same: set[Node]) -> bool:
    """Whether a node takes an item of a list that does not change."""
    plain = node.op == "TensorListGetItem" and node.function is None and not node.guard and len(node.inputs) == 3
    return plain and node.inputs[0][0] in same


def _kernel(node: Node, graph: Graph) -> Any:
    """The kernel of a node with its attrs, or None."""
    kernel = find_kernel(node, graph)
    try:
        return partial(kernel.function, **bind_attrs(node, kernel)) if kernel is not None else None
    except SmcliError:
        return None


def _products(tensors: Array, matrix: Array) -> Sequence[Array] | None:
    from smcli.kernels._cells import products_of_items

    return products_of_items(tensors, matrix)


class _Pick:
    """One of the products, or, where there are none, the product of the item itself."""

    __slots__ = ("_get", "_multiply")

    def __init__(self, get: Any, multiply: Any) -> None:
        self._get, self._multiply = get, multiply

    def __call__(
        self, products: Sequence[Array] | None, tensors: Array, index: Array, shape: Array, matrix: Array
    ) -> Any:
        if products is not None and 0 <= index < len(products):
            return products[int(index)]
        return self._multiply(self._get(tensors, index, shape), matrix)
