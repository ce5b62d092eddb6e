"""A node's kernel with its attrs bound: everything about one op that can be decided before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache, partial
from typing import Any

from smcli.errors import InvalidArgumentError, NoCpuKernelError, OpError, SmcliError, UnsupportedOpsError
from smcli.graph import attrs as attr_values
from smcli.graph.graph import Body, Graph, Node, arg_count
from smcli.graph.inline import callee
from smcli.graph.schema import find_schema
from smcli.graph.structural import STRUCTURAL
from smcli.kernels import registry
from smcli.kernels.context import Context, FunctionRef

MakeContext = Callable[[str], Context]


@lru_cache(maxsize=4096)
def _in_order(op: str, attrs: frozenset[str]) -> tuple[str, ...]:
    """The attrs as the op declares them, which is the order in which TensorFlow complains of them."""
    schema = find_schema(op)
    declared = list(schema.attrs) if schema is not None else []
    return tuple(sorted(attrs, key=lambda name: (declared.index(name) if name in declared else len(declared), name)))


def bind_attrs(node: Node, kernel: registry.Kernel) -> dict[str, Any]:
    """The keyword arguments that the node's attrs give its kernel. Raises InvalidArgumentError naming node and attr."""
    schema = find_schema(node.op)
    keywords: dict[str, Any] = {}
    try:
        for name in _in_order(node.op, kernel.attrs):
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


class Binder:
    """Binds kernels to nodes. Nodes of one op whose attrs are the same share the bound kernel, unless it keeps state.

    Decoding and checking an attr takes many times as long as finding that its bytes were met before.
    """

    def __init__(self, make_context: MakeContext) -> None:
        self._make_context = make_context
        self._bound: dict[tuple[object, ...], Callable[..., Any]] = {}

    def bind(self, node: Node, kernel: registry.Kernel) -> Callable[..., Any]:
        if kernel.needs_context:
            return bind(node, kernel, self._make_context)
        if not kernel.attrs:
            return kernel.function
        attrs = [node.attrs.get(name) for name in kernel.attrs]
        key = (node.op, *[None if value is None else value.SerializeToString() for value in attrs])
        found = self._bound.get(key)
        if found is None:
            found = self._bound[key] = bind(node, kernel, self._make_context)
        return found


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
    return kernel_of(node.op, graph)


def kernel_of(op: str, graph: Graph) -> registry.Kernel | None:
    """The kernel of an op, which may be a function of the library."""
    kernel = registry.find(op)
    if kernel is None and op in graph.functions:
        return registry.find("PartitionedCall")
    return kernel


@cache
def takes_functions(op: str) -> bool:
    """Whether an op has attrs that are functions; true where its schema is not known."""
    schema = find_schema(op)
    return schema is None or any(attr["type"] in ("func", "list(func)") for attr in schema.attrs.values())


def functions_of(node: Node, graph: Graph) -> Iterable[FunctionRef]:
    """The functions that a node may call: through its attrs, or by its very op."""
    direct = callee(node, graph)
    if direct is not None:
        yield direct
        return
    if not takes_functions(node.op):
        return
    for value in node.attrs.values():
        kind = value.WhichOneof("value")
        if kind == "func":
            yield attr_values.function_ref(value.func)
        elif kind == "list":
            for func in value.list.func:
                yield attr_values.function_ref(func)


def _callers(body: Body, graph: Graph) -> Iterator[Node]:
    """The nodes of a body that may call functions."""
    ops = {op for op in body.ops() if op in graph.functions or takes_functions(op)}
    return (node for node in body.nodes if node.op in ops) if ops else iter(())


def bodies_in_reach(body: Body, graph: Graph) -> Iterator[Body]:
    """The body and those of all functions that it calls, directly or not; each once."""
    seen: set[FunctionRef] = set()
    bodies = [body]
    while bodies:
        current = bodies.pop()
        yield current
        for node in _callers(current, graph):
            for ref in functions_of(node, graph):
                if ref not in seen:
                    seen.add(ref)
                    if ref.name in graph.functions:
                        bodies.append(graph.function_body(ref))


def require_kernels(body: Body, graph: Graph) -> None:
    """Raise UnsupportedOpsError naming every op, here and in all functions within reach, that has no kernel.

    Raises NoCpuKernelError, as TensorFlow does, where nothing is missing but ops that need another device.
    """
    missing: dict[str, list[str]] = {}
    elsewhere: dict[str, tuple[str, ...]] = {}
    for current in bodies_in_reach(body, graph):
        lacking = {op for op in current.ops() if op not in STRUCTURAL and kernel_of(op, graph) is None}
        prefix = f"{current.name}/" if current.name else ""
        for node in current.nodes if lacking else ():
            if node.op in lacking:
                missing.setdefault(node.op, []).append(prefix + node.name)
                schema = find_schema(node.op)
                if schema is not None and schema.devices is not None:
                    elsewhere[node.op] = schema.devices
    if missing.keys() - elsewhere.keys():
        raise UnsupportedOpsError({op: nodes for op, nodes in missing.items() if op not in elsewhere})
    if missing:
        raise NoCpuKernelError(missing, elsewhere)
