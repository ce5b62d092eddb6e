"""Runs a Plan: one loop over its steps, or, for plans that run again and again, the same steps as Python code.

The loop starts at once. Code generated from the steps runs them without looking slots up, which is what bodies of While
loops need, but compiling it costs as much as running it a few times.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from smcli.errors import InvalidArgumentError, OpError, OutOfMemoryError, ResourceExhaustedError, SmcliError
from smcli.graph.binding import located
from smcli.graph.graph import Node
from smcli.graph.plan import Plan
from smcli.kernels.context import Array

if TYPE_CHECKING:
    from smcli.runtime.code import Code

# What a NumPy ufunc says of operands that do not broadcast; TensorFlow has a sentence of its own for it.
_MISFIT = r"operands could not be broadcast together with shapes (\([\d,]*\)) (\([\d,]*\))"

CALLS_BEFORE_CODE = 3  # runs by which a plan has shown that it is run often
MAX_CODE_STEPS = 1000  # compiling is linear, but a plan this long has little overhead a step to save


class StraightRunner:
    """Calls a plan: list of inputs to list of outputs. Errors carry the name of the node that raised them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._calls = 0
        self._code: Code | None = None

    def __call__(self, arguments: Sequence[Array]) -> list[Array]:
        if self._code is not None:
            return run_code(self._code, arguments)
        self._calls += 1
        if self._calls == CALLS_BEFORE_CODE:
            from smcli.runtime.pages import keep_pages

            keep_pages()
            if len(self.plan.steps) <= MAX_CODE_STEPS:
                from smcli.runtime.code import plan_code

                self._code = plan_code(self.plan)
        return run(self.plan, arguments)


def run(plan: Plan, arguments: Sequence[Array]) -> list[Array]:
    """The outputs of a plan for these inputs."""
    values = plan.template.copy()
    for slot, argument in zip(plan.inputs, arguments):
        values[slot] = argument
    node = None
    try:
        for function, inputs, output, outputs, frees, node in plan.steps:  # noqa: B007 (the handler wants the node)
            result = function(*[values[slot] for slot in inputs])
            if output >= 0:
                values[output] = result
            elif type(result) is tuple:
                if len(result) != len(outputs):
                    raise wrong_count(len(result), len(outputs))
                for slot, item in zip(outputs, result):
                    values[slot] = item
            elif outputs:
                values[outputs[0]] = result
            for slot in frees:
                values[slot] = None
    except Exception as error:
        if node is None:
            raise
        raise node_error(error, node) from error
    return [values[slot] for slot in plan.outputs]


def run_code(code: Code, arguments: Sequence[Array]) -> list[Array]:
    """The outputs of generated code for these inputs."""
    try:
        return code.run(arguments)
    except Exception as error:
        node = code.node_of(error)
        if node is None:
            raise
        raise node_error(error, node) from error


def wrong_count(got: int, expected: int) -> InvalidArgumentError:
    """The error of a function of the library that returns fewer or more values than its caller declares."""
    return InvalidArgumentError(f"Got {got} outputs where {expected} are declared")


def node_error(error: Exception, node: Node) -> SmcliError:
    """What an exception from a kernel becomes: smcli's own errors located at the node, anything else as its status
    class."""
    if isinstance(error, OpError):
        return located(error, node)
    if isinstance(error, SmcliError):
        return error
    if isinstance(error, MemoryError):
        return located(OutOfMemoryError(f"Out of memory: {error or 'allocation failed'}"), node)
    if isinstance(error, RecursionError):
        return located(ResourceExhaustedError("Functions are nested too deeply"), node)
    misfit = re.match(_MISFIT, str(error))
    if misfit is not None:
        left, right = (shape.strip("()").rstrip(",") for shape in misfit.groups())
        return located(InvalidArgumentError(f"Incompatible shapes: [{left}] vs. [{right}]"), node)
    return located(InvalidArgumentError(f"{type(error).__name__}: {error}"), node)
