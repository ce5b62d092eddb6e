"""Runs a Loop as one Python function, compiled when the loop is first entered.

An iteration costs its kernels and little else: no call of a test and a body as plans of their own, no lists of values
in between. What does not change is computed once, after the first test, so that a loop that runs no iteration computes
nothing that TensorFlow would not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from smcli.graph.binding import MakeContext
from smcli.graph.cells import join_cells
from smcli.graph.constants import fold
from smcli.graph.gates import join_gates
from smcli.graph.graph import Body, Graph, Node
from smcli.graph.loops import Loop, hoist
from smcli.graph.plan import Plan, Step, compile_plan
from smcli.graph.rewrites import divided, enabled
from smcli.graph.sequences import take_out_products
from smcli.runtime.code import Code, CodeWriter, as_scalar, variables
from smcli.runtime.control_flow import truth
from smcli.runtime.straight import run_code

Observe = Callable[[Plan], Plan]


class LoopRunner:
    """The function of a node that is a loop: the variables' first values and what it reads, to their last values."""

    def __init__(self, make: Callable[[], Code]) -> None:
        self._make = make
        self._code: Code | None = None

    def __call__(self, *arguments: Any) -> Any:
        if self._code is None:
            self._code = self._make()
        results = run_code(self._code, [as_scalar(argument) for argument in arguments])
        return tuple(results) if len(results) != 1 else results[0]


def compile_loop(loop: Loop, graph: Graph, make_context: MakeContext, observed: Observe) -> Code:
    """The code of a loop. observed: what to make of its plan (see Session.observe)."""
    test = Node(loop.name, "LoopCond", {}, [loop.test], function=truth)
    body = Body(loop.name, [*loop.before, test, *loop.after], loop.inputs, loop.nexts, False)
    fold(body, graph, make_context, lambda node: None)
    loop.before, loop.after = (divided(part) for part in (loop.before, loop.after))
    if enabled("cells"):
        loop.after = join_cells(loop)
    if enabled("gates"):
        loop.after = join_gates(loop)
    first, rest = hoist(loop, graph)
    if enabled("sequence"):
        first, rest = take_out_products(loop, first, rest, graph)
    body.nodes, body.outputs = [*loop.before, test, *first, *rest], loop.nexts
    plan = observed(compile_plan(body, graph, make_context))

    tested = next(number for number, step in enumerate(plan.steps) if step.node is test)
    once = set(first)
    before, after = plan.steps[: tested + 1], plan.steps[tested + 1 :]
    hoisted = [step for step in after if step.node in once]
    repeated = [step for step in after if step.node not in once]
    return _written(plan, len(loop.nexts), before, hoisted, repeated)


def _written(plan: Plan, count: int, before: Sequence[Step], hoisted: Sequence[Step], repeated: Sequence[Step]) -> Code:
    changing = plan.inputs[:count]
    kept = {slot for slot, value in enumerate(plan.template) if value is not None} | {*plan.outputs}
    kept |= {*plan.inputs[count:], *(slot for step in hoisted for slot in _results(step))}
    moved = [(to, source) for to, source in zip(changing, plan.outputs) if to != source]
    spent = {source for _, source in moved} - {*plan.inputs} - {slot for slot in kept if slot not in plan.outputs}
    spent -= {slot for step in hoisted for slot in _results(step)}
    spent -= {slot for slot, value in enumerate(plan.template) if value is not None}

    writer = CodeWriter(plan.template)
    writer.unpack(plan.inputs)
    writer.steps(before, frees=False)
    goes_on = f"v{before[-1].output}"
    writer.line(f"if {goes_on}:")
    writer.steps(hoisted, 2, frees=False)
    writer.line("while True:", 2)
    writer.steps(_with_frees(repeated, kept), 3)
    if moved:
        writer.line(f"{variables(to for to, _ in moved)} = {variables(source for _, source in moved)}", 3)
    if spent:
        writer.line(" = ".join(f"v{slot}" for slot in sorted(spent)) + " = None", 3)
    writer.steps(before, 3, frees=False)
    writer.line(f"if not {goes_on}: break", 3)
    writer.line(f"return [{variables(changing)}]")
    return writer.finish()


def _results(step: Step) -> tuple[int, ...]:
    return (step.output,) if step.output >= 0 else step.outputs


def _with_frees(steps: Sequence[Step], kept: set[int]) -> list[Step]:
    """The steps, each letting go of the slots whose last use in an iteration it is."""
    seen = set(kept)
    made = []
    for step in reversed(steps):
        frees = [slot for slot in dict.fromkeys((*step.inputs, *_results(step))) if slot not in seen]
        seen.update(frees)
        made.append(step._replace(frees=tuple(frees)))
    made.reverse()
    return made
