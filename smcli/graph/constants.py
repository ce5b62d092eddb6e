"""Constant folding: variables that a run does not change and all that is computed from constants alone.

What is computed here is what the run would compute, by the same kernels, so results are the same bit for bit. A node
that can not be folded (its kernel raises, its result is large) is left for the run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.graph.binding import MakeContext, bind, check_inputs, find_kernel, functions_of
from smcli.graph.graph import REFERENCE_VARIABLES, Body, Graph, Node
from smcli.graph.plan import ALIASES, constant
from smcli.graph.schema import find_schema
from smcli.graph.structural import STRUCTURAL
from smcli.kernels.context import Array, Variable

Guards = list[tuple[Variable, Array]]

MAX_BYTES = 2**24  # larger results stay in the run, which lets go of them

_VARIABLES = REFERENCE_VARIABLES | {"VarHandleOp"}
# Stateful by their schema, but none of them changes a variable.
_HARMLESS = _VARIABLES | {
    "ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VarIsInitializedOp", "VariableShape",
    "IsVariableInitialized",
    "StatefulPartitionedCall", "PartitionedCall", "If", "While", "Case", "Assert", "Print", "PrintV2", "Multinomial",
    "TruncatedNormal", "RefIdentity",
}  # fmt: skip
_HARMLESS_PREFIXES = ("Random", "TensorArray", "Stack", "LookupTable", "HashTable", "MutableHashTable", "MutableDense")


def changes_variables(body: Body, graph: Graph) -> bool:
    """True when an op of the body, or of a function within reach, may change a variable."""
    seen = set()
    bodies = [body]
    while bodies:
        for node in bodies.pop().nodes:
            if _may_change(node.op):
                return True
            for ref in functions_of(node, graph):
                if ref not in seen and ref.name in graph.functions:
                    seen.add(ref)
                    bodies.append(graph.function_body(ref))
    return False


def _may_change(op: str) -> bool:
    if op in STRUCTURAL or op in _HARMLESS or op.startswith(_HARMLESS_PREFIXES):
        return False
    schema = find_schema(op)
    if schema is None:  # a function of the library: its body is looked at by itself
        return False
    return schema.stateful or any(arg.is_ref for arg in schema.inputs)


def fold(body: Body, graph: Graph, make_context: MakeContext, variable_of: Callable[[Node], Variable | None]) -> Guards:
    """Give every node whose value is known its value. Returns the variables this rests on, with the values they had.

    variable_of: the variable that a VarHandleOp or VariableV2 stands for, if it exists already.
    """
    guards: Guards = []
    frozen = not changes_variables(body, graph)
    for node in body.nodes:
        if node.function is not None:
            continue
        if node.op == "Const":
            node.value = constant(node)
        elif _reads_variable(node):
            variable = variable_of(node.inputs[0][0]) if frozen else None
            if variable is not None and variable.value is not None:
                node.value = variable.read()
                guards.append((variable, node.value))
        elif node.op not in STRUCTURAL and node.inputs and _all_known(node):
            node.value = _computed(node, graph, make_context)
    return guards


def _reads_variable(node: Node) -> bool:
    """True for what gives a variable's value; an alias of a reference variable does, one of a handle does not."""
    if not node.inputs:
        return False
    source = node.inputs[0][0].op
    return (node.op == "ReadVariableOp" and source == "VarHandleOp") or (
        node.op in ALIASES and source in REFERENCE_VARIABLES
    )


def _all_known(node: Node) -> bool:
    return all(source.value is not None and index == 0 for source, index in node.inputs)


def _computed(node: Node, graph: Graph, make_context: MakeContext) -> Any:
    """The single output of a node whose inputs are known, or None when it has to wait for the run."""
    schema = find_schema(node.op)
    kernel = find_kernel(node, graph)
    if schema is None or kernel is None or schema.output_count != 1 or schema.stateful:
        return None
    if kernel.stateful or kernel.needs_context or kernel.boxed_inputs or kernel.boxed_outputs:
        return None
    try:
        check_inputs(node)
        value = np.asarray(bind(node, kernel, make_context)(*[source.value for source, _ in node.inputs]))
    except Exception:
        return None  # whatever it is, the run meets it and reports it
    return value if value.nbytes <= MAX_BYTES else None


def without_dead(body: Body) -> Body:
    """The body without what only constants needed, once those have their values.

    A node that nothing took an input from was there for its effect, or for the error it may raise; it stays.
    """
    consumed = {source for node in body.nodes for source, _ in node.inputs}
    needed = {source for source, _ in body.outputs}
    kept = []
    for node in reversed(body.nodes):
        if node in needed or (node.value is None and (node not in consumed or _has_effect(node))):
            kept.append(node)
            if node.value is None:
                needed.update(source for source, _ in node.inputs)
    kept.reverse()
    return Body(body.name, kept, body.inputs, body.outputs, body.has_frames)


def _has_effect(node: Node) -> bool:
    schema = find_schema(node.op)
    if schema is None:
        return True
    return (schema.stateful or any(arg.is_ref for arg in schema.inputs)) and node.op not in _READING


_READING = _VARIABLES | {"ReadVariableOp"}
