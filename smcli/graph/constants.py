"""Constant folding: variables that a run does not change and all that is computed from constants alone.

What is computed here is what the run would compute, by the same kernels, so results are the same bit for bit. A node
that can not be folded (its kernel raises, its result is large) is left for the run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.graph.binding import Binder, MakeContext, bodies_in_reach, check_inputs, kernel_of
from smcli.graph.graph import REFERENCE_VARIABLES, Body, Graph, Node
from smcli.graph.plan import ALIASES, constant
from smcli.graph.schema import find_schema
from smcli.graph.structural import STRUCTURAL
from smcli.kernels.context import Array, Variable
from smcli.kernels.registry import Kernel

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
    return any(_may_change(op) for one in bodies_in_reach(body, graph) for op in one.ops())


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
    kernels = {op: _foldable(op, graph) for op in body.ops()}
    binder = Binder(make_context)
    for node in body.nodes:
        if node.function is not None:
            continue
        if node.op == "Const":
            node.value = constant(node)
        elif node.inputs:
            source = node.inputs[0][0]
            if source.op in _VARIABLES and _reads(node.op, source.op):
                variable = variable_of(source) if frozen else None
                if variable is not None and variable.value is not None:
                    node.value = variable.read()
                    guards.append((variable, node.value))
            elif source.value is not None:
                kernel = kernels[node.op]
                if kernel is not None and _all_known(node):
                    node.value = _computed(node, kernel, binder)
    return guards


def _reads(op: str, source: str) -> bool:
    """True for what gives a variable's value; an alias of a reference variable does, one of a handle does not."""
    return (op == "ReadVariableOp" and source == "VarHandleOp") or (op in ALIASES and source in REFERENCE_VARIABLES)


def _all_known(node: Node) -> bool:
    return all(source.value is not None and index == 0 for source, index in node.inputs)


def _foldable(op: str, graph: Graph) -> Kernel | None:
    """The kernel of an op that gives one output, the same each time; None for all other ops."""
    schema = find_schema(op)
    if op in STRUCTURAL or schema is None or schema.output_count != 1 or schema.stateful:
        return None
    kernel = kernel_of(op, graph)
    if kernel is None or kernel.stateful or kernel.needs_context or kernel.boxed_inputs or kernel.boxed_outputs:
        return None
    return kernel


def _computed(node: Node, kernel: Kernel, binder: Binder) -> Any:
    """The single output of a node whose inputs are known, or None when it has to wait for the run."""
    try:
        check_inputs(node)
        value = np.asarray(binder.bind(node, kernel)(*[source.value for source, _ in node.inputs]))
    except Exception:
        return None  # whatever it is, the run meets it and reports it
    return value if value.nbytes <= MAX_BYTES else None


def without_dead(body: Body) -> Body:
    """The body without what only constants needed, once those have their values.

    A node that nothing took an input from was there for its effect, or for the error it may raise; it stays.
    """
    consumed: set[Node] | None = None
    needed = {source for source, _ in body.outputs}
    kept = []
    for node in reversed(body.nodes):
        if node not in needed:
            if node.value is not None:
                continue
            if consumed is None:
                consumed = {source for other in body.nodes for source, _ in other.inputs}
            if node in consumed and not _has_effect(node):
                continue
        kept.append(node)
        if node.value is None:
            for source, _ in node.inputs:
                needed.add(source)
    kept.reverse()
    return Body(body.name, kept, body.inputs, body.outputs, body.has_frames)


def _has_effect(node: Node) -> bool:
    schema = find_schema(node.op)
    if schema is None:
        return True
    return (schema.stateful or any(arg.is_ref for arg in schema.inputs)) and node.op not in _READING


_READING = _VARIABLES | {"ReadVariableOp"}
