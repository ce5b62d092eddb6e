"""While loops as one body each, test and step together, instead of two functions that a kernel calls in turn.

What does not change from one iteration to the next is known here by its place: arguments that the body hands on as they
came, what only depends on them, and variables that nothing in the loop assigns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from smcli.errors import InvalidArgumentError, SmcliError
from smcli.graph import attrs as attr_values
from smcli.graph.constants import changes_variables
from smcli.graph.graph import ARG, REFERENCE_VARIABLES, WHILES, Body, Edge, Graph, Node
from smcli.graph.inline import inline
from smcli.graph.plan import ALIASES
from smcli.graph.rewriting import is_pure_op
from smcli.graph.signatures import check_call
from smcli.kernels.context import FunctionRef

MAX_NODES = 5_000  # of a loop; a longer one is left to the kernel, which runs two plans in turn
MAX_ALIASES = 100  # that are looked through in a row
MAX_ALL = 200_000  # of all loops of a session, since a loop is copied for each node that calls for it


@dataclass(slots=True)
class Loop:
    """`before` runs up to the test, `after` when it is true; both see the values of `inputs`.

    inputs: Arg nodes, of the variables of the loop first, then of what it only reads. test: whether to go on. nexts:
    the variables' values for the next iteration. All nodes are copies of its own.
    """

    name: str
    inputs: list[Node]
    before: list[Node]
    test: Edge
    after: list[Node]
    nexts: list[Edge]


def copied(
    nodes: Iterable[Node], arguments: dict[Node, Edge], prefix: str = ""
) -> tuple[list[Node], Callable[[Edge], Edge]]:
    """Copies of nodes in dependency order, and what tells the edge of a copy from that of the original.

    arguments: what the nodes that are not among them stand for.
    """
    copies: dict[Node, Node] = {}

    def follow(edge: Edge) -> Edge:
        copy = copies.get(edge[0])
        return (copy, edge[1]) if copy is not None else arguments.get(edge[0], edge)

    for node in nodes:
        copy = Node(prefix + node.name, node.op, node.attrs, [follow(edge) for edge in node.inputs])
        copies[node] = copy
    return list(copies.values()), follow


def while_loop(node: Node, graph: Graph) -> Loop | None:
    """The loop of a While node, or None when it has to stay with the kernel (TF1 control flow, size, misfits)."""
    try:
        refs = [_function(node, name) for name in ("cond", "body")]
        bodies = [inline(graph.function_body(ref), graph) for ref in refs]
        check_call(node, graph)
    except SmcliError:
        return None  # whatever it is, the kernel meets it and reports it, if the loop is entered
    count = len(node.inputs)
    if any(body.has_frames or len(body.inputs) != count for body in bodies):
        return None
    if len(bodies[0].outputs) != 1 or len(bodies[1].outputs) != count:
        return None
    if sum(len(body.nodes) for body in bodies) > MAX_NODES:
        return None
    inputs = [Node(arg.name, ARG, {}) for arg in bodies[1].inputs]
    parts = []
    for ref, body in zip(refs, bodies):
        arguments = {arg: (mine, 0) for arg, mine in zip(body.inputs, inputs)}
        nodes, follow = copied(body.nodes, arguments, f"{ref.name}/")
        parts.append((nodes, [follow(edge) for edge in body.outputs]))
    (before, (test,)), (after, nexts) = parts
    return Loop(node.name, inputs, before, test, after, nexts)


def _function(node: Node, name: str) -> FunctionRef:
    value = node.attrs.get(name)
    if value is None or value.WhichOneof("value") != "func":
        raise InvalidArgumentError(f"Attr '{name}' is not a function")
    return attr_values.function_ref(value.func)


def hoist(loop: Loop, graph: Graph) -> tuple[list[Node], list[Node]]:
    """`loop.after` in two: what gives the same in each iteration and has no effect, and the rest."""
    body = Body("", [*loop.before, *loop.after], [], [], False)
    # What a loop that came from frames assigns is not seen from here.
    hidden = any(node.op in WHILES and "body" not in node.attrs for node in body.nodes)
    reads = not hidden and not changes_variables(body, graph)
    same = set(loop.inputs[len(loop.nexts) :])
    for argument, following in zip(loop.inputs, loop.nexts):
        if unaliased(following) == (argument, 0):
            same.add(argument)
    first, rest = [], []
    for node in loop.after:
        if node.value is not None:
            first.append(node)
        elif all(source in same or source.value is not None for source, _ in node.inputs) and (
            _is_pure(node, graph) or (reads and _reads_variable(node))
        ):
            same.add(node)
            first.append(node)
        else:
            rest.append(node)
    return first, rest


def unaliased(edge: Edge) -> Edge:
    """The edge that an Identity, or several, hand on."""
    for _ in range(MAX_ALIASES):
        node, index = edge
        if node.op not in ALIASES or len(node.inputs) != 1 or index or node.inputs[0][0].op in REFERENCE_VARIABLES:
            break
        edge = node.inputs[0]
    return edge


def _reads_variable(node: Node) -> bool:
    return node.op == "ReadVariableOp"


def _is_pure(node: Node, graph: Graph) -> bool:
    """Whether a node gives the same each time and has no effect. One without inputs is a constant, or is not pure."""
    if not node.inputs or node.function is not None or node.guard:
        return False
    if node.op in ALIASES:
        return node.inputs[0][0].op not in REFERENCE_VARIABLES
    return is_pure_op(node.op, graph)
