"""Steps of a plan as Python code: a line a step, slots as local variables, kernels and constants as globals.

Running it looks no slots up, which is what bodies of loops need; compiling it costs as much as running the steps a few
times. Nothing of a graph stands in the text but numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from smcli.graph.graph import Node
from smcli.graph.plan import Plan, Step

# Ufuncs for which Python has an operator. On NumPy's scalars the operator is several times as fast, and gives the same;
# of the dtypes below only, since those of ml_dtypes have operators of their own.
_OPERATORS: dict[Any, str] = {
    np.add: "+",
    np.subtract: "-",
    np.multiply: "*",
    np.less: "<",
    np.less_equal: "<=",
    np.greater: ">",
    np.greater_equal: ">=",
    np.logical_and: "&",
    np.logical_or: "|",
}
_NUMBERS = frozenset({1, 2, 3, 9})  # DT_FLOAT, DT_DOUBLE, DT_INT32, DT_INT64


class CodeWriter:
    """Collects lines of one function `run`, and which node each of them runs."""

    def __init__(self, template: Sequence[Any]) -> None:
        self.lines = ["def run(arguments):"]
        self.nodes: list[Node | None] = [None, None]  # by line number; lines are counted from 1
        self.names: dict[str, Any] = {
            f"v{slot}": as_scalar(value) for slot, value in enumerate(template) if value is not None
        }

    def line(self, text: str, indent: int = 1, node: Node | None = None) -> None:
        self.lines.append(" " * indent + text)
        self.nodes.append(node)

    def unpack(self, slots: Sequence[int]) -> None:
        """The arguments into their slots."""
        self.line(f"[{variables(slots)}] = arguments" if slots else "pass")

    def steps(self, steps: Iterable[Step], indent: int = 1, frees: bool = True) -> None:
        for step in steps:
            text = _assignment(self._call(step), step.output, step.outputs)
            if frees and step.frees:
                text += "; " + " = ".join(f"v{slot}" for slot in step.frees) + " = None"
            self.line(text, indent, step.node)

    def _call(self, step: Step) -> str:
        operator = _OPERATORS.get(step.function) if len(step.inputs) == 2 else None
        if operator is not None and _takes_numbers(step.node):
            return f"v{step.inputs[0]} {operator} v{step.inputs[1]}"
        name = f"f{len(self.nodes)}"
        self.names[name] = step.function
        return f"{name}({variables(step.inputs)})"

    def finish(self) -> Code:
        return Code("\n".join(self.lines), self.names, self.nodes)


class Code:
    """The compiled function. `node_of` says which node an exception that left it came from."""

    def __init__(self, text: str, names: dict[str, Any], nodes: list[Node | None]) -> None:
        exec(compile(text, "<plan>", "exec"), names)
        self.run: Callable[[Sequence[Any]], list[Any]] = names["run"]
        self._nodes = nodes

    def node_of(self, error: Exception) -> Node | None:
        """The node whose line raised the error."""
        code = self.run.__code__
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code is not code:
            trace = trace.tb_next
        line = trace.tb_lineno if trace is not None else 0
        return self._nodes[line] if line < len(self._nodes) else None


def plan_code(plan: Plan) -> Code:
    """A whole plan as a function of the list of its inputs."""
    writer = CodeWriter(plan.template)
    writer.unpack(plan.inputs)
    writer.steps(plan.steps)
    writer.line(f"return [{variables(plan.outputs)}]")
    return writer.finish()


def as_scalar(value: Any) -> Any:
    """A 0-d array of numbers as NumPy's scalar, on which arithmetic is several times as fast; all else as it is."""
    return value[()] if type(value) is np.ndarray and value.ndim == 0 and value.dtype.kind in "biuf" else value


def variables(slots: Iterable[int]) -> str:
    return ", ".join(f"v{slot}" for slot in slots)


def _takes_numbers(node: Node) -> bool:
    """Whether the node is on booleans, which have no attr T, or on numbers that NumPy has scalars for."""
    attr = node.attrs.get("T")
    return attr.type in _NUMBERS if attr is not None else node.op in ("LogicalAnd", "LogicalOr")


def _assignment(call: str, output: int, outputs: tuple[int, ...]) -> str:
    if output >= 0:
        return f"v{output} = {call}"
    if not outputs:
        return call
    if len(outputs) == 1:  # a list of one: a tuple, or the tensor itself
        target = f"v{outputs[0]}"
        return f"{target} = {call}; {target} = {target}[0] if type({target}) is tuple else {target}"
    return f"{variables(outputs)} = {call}"
