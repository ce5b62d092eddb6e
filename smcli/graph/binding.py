"""A node's kernel with its attrs bound: everything about one op that can be decided before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Any

from smcli.errors import InvalidArgumentError, OpError, SmcliError, UnsupportedOpsError
from smcli.graph import attrs as attr_values
from smcli.graph.graph import Body, Graph, Node, arg_count
from smcli.graph.inline import callee
from smcli.graph.schema import find_schema
from smcli.graph.structural import STRUCTURAL
from smcli.kernels import registry
from smcli.kernels.context import Context, FunctionRef

MakeContext = Callable[[str], Context]


def bind_attrs(node: Node, kernel: registry.Kernel) -> dict[str, Any]:
    """The keyword arguments that the node's attrs give its kernel. Raises InvalidArgumentError naming node and attr."""
    schema = find_schema(node.op)
    keywords: dict[str, Any] = {}
    try:
        for name in kernel.attrs:
            value = node.attrs.get(name)
            if value is not None:
                keywords[name] = attr_values.checked(name, value, schema)
            elif name not in kernel.defaults:
                raise InvalidArgumentError(f"NodeDef missing attr '{name}' from Op {node.op}")
    except SmcliError as error:
        raise located(InvalidArgumentError(error.message), node) from None
    return keywords


def bind(node: Node, kernel: registry.Kernel, make_context: MakeContext) -> Callable[..., Any]:
    """The node's kernel as a function of its inputs alone."""
    keywords = bind_attrs(node, kernel)
    if kernel.needs_context:
        keywords["context"] = make_context(node.name)
    return partial(kernel.function, **keywords) if keywords else kernel.function


def located(error: OpError, node: Node) -> OpError:
    """The error with the node's name added, once."""
    if error.node is None:
        error.node = node.name
        error.args = (f"{error.message} [node {node.name}, op {node.op}]",)
    return error


def check_inputs(node: Node) -> None:
    """Raise InvalidArgumentError unless the node has as many inputs as its op takes."""
    schema = find_schema(node.op)
    if schema is None:
        return
    expected = schema.input_count
    if expected is None:
        expected = sum(arg_count(arg, node.attrs, schema) for arg in schema.inputs)
    if len(node.inputs) != expected:
        raise located(InvalidArgumentError(f"Op {node.op} takes {expected} inputs but got {len(node.inputs)}"), node)


def find_kernel(node: Node, graph: Graph) -> registry.Kernel | None:
    """The kernel of a node: of its op or, when the op is a function of the library, the one that calls functions."""
    kernel = registry.find(node.op)
    if kernel is None and node.op in graph.functions:
        return registry.find("PartitionedCall")
    return kernel


@cache
def _takes_functions(op: str) -> bool:
    """Whether an op has attrs that are functions; true where its schema is not known."""
    schema = find_schema(op)
    return schema is None or any(attr["type"] in ("func", "list(func)") for attr in schema.attrs.values())


def functions_of(node: Node, graph: Graph) -> Iterable[FunctionRef]:
    """The functions that a node may call: through its attrs, or by its very op."""
    direct = callee(node, graph)
    if direct is not None:
        yield direct
        return
    if not _takes_functions(node.op):
        return
    for value in node.attrs.values():
        kind = value.WhichOneof("value")
        if kind == "func":
            yield attr_values.function_ref(value.func)
        elif kind == "list":
            for func in value.list.func:
                yield attr_values.function_ref(func)


def bodies_in_reach(body: Body, graph: Graph) -> Iterator[Body]:
    """The body and those of all functions that it calls, directly or not; each once."""
    seen: set[FunctionRef] = set()
    bodies = [body]
    while bodies:
        current = bodies.pop()
        yield current
        for node in current.nodes:
            for ref in functions_of(node, graph):
                if ref not in seen:
                    seen.add(ref)
                    if ref.name in graph.functions:
                        bodies.append(graph.function_body(ref))


def require_kernels(body: Body, graph: Graph) -> None:
    """Raise UnsupportedOpsError naming every op, here and in all functions within reach, that has no kernel."""
    missing: dict[str, list[str]] = {}
    for current in bodies_in_reach(body, graph):
        prefix = f"{current.name}/" if current.name else ""
        for node in current.nodes:
            if node.op not in STRUCTURAL and find_kernel(node, graph) is None:
                missing.setdefault(node.op, []).append(prefix + node.name)
    if missing:
        raise UnsupportedOpsError(missing)
