"""A Body compiled to a flat list of steps on numbered slots: the form in which straight-line graphs run.

All decisions are taken here: order, which op is only another name for its input, which constant fills which slot, when
a slot is let go. Running is one loop (smcli.runtime.straight).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from smcli.errors import InvalidArgumentError, OpError, ResourceExhaustedError
from smcli.graph import attrs as attr_values
from smcli.graph.binding import Binder, MakeContext, check_inputs, find_kernel, located
from smcli.graph.graph import ARG, Body, Edge, Graph, Node, output_count
from smcli.graph.schema import find_schema
from smcli.graph.signatures import check_call
from smcli.kernels.context import unbox
from smcli.kernels.registry import Kernel
from smcli.tensors import wire

# Ops whose output is their input. Values are immutable, so they cost nothing at run time.
ALIASES = frozenset(
    {"Identity", "StopGradient", "PreventGradient", "Snapshot", "GuaranteeConst", "PlaceholderWithDefault"}
)
PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2"})
NO_OPS = frozenset({"NoOp", "ControlTrigger"})
MAX_TENSORS = 5_000_000


class Step(NamedTuple):
    """Call `function` on the slots `inputs`; store into `output` (one slot) or, when that is -1, into `outputs`; let go
    of `frees`."""

    function: Callable[..., Any]
    inputs: tuple[int, ...]
    output: int
    outputs: tuple[int, ...]
    frees: tuple[int, ...]
    node: Node


_new = tuple.__new__


class Plan(NamedTuple):
    """template: the slots before a run, constants filled in. inputs and outputs: their slots."""

    steps: list[Step]
    template: list[Any]
    inputs: list[int]
    outputs: list[int]

    def observed(self, wrap: Callable[[Node, Callable[..., Any]], Callable[..., Any]]) -> Plan:
        """The same plan with `wrap` around the function of each step."""
        steps = [step._replace(function=wrap(step.node, step.function)) for step in self.steps]
        return Plan(steps, self.template, self.inputs, self.outputs)


def constant(node: Node) -> Any:
    """The value of a Const node. Raises InvalidArgumentError naming the node."""
    value = node.attrs.get("value")
    if value is None or value.WhichOneof("value") != "tensor":
        raise located(InvalidArgumentError("Const has no tensor"), node)
    try:
        return wire.from_proto(value.tensor)
    except OpError as error:
        raise located(error, node) from None


def placeholder_error(node: Node) -> InvalidArgumentError:
    """The error of running a placeholder that nothing was fed to."""
    dtype = node.attrs.get("dtype")
    shown = attr_values.to_python(dtype).name.lower() if dtype is not None else "unknown"
    shape = node.attrs.get("shape")
    text = ""
    if shape is not None and shape.WhichOneof("value") == "shape" and not shape.shape.unknown_rank:
        text = " and shape [" + ",".join("?" if d.size < 0 else str(d.size) for d in shape.shape.dim) + "]"
    return InvalidArgumentError(f"You must feed a value for placeholder tensor '{node.name}' with dtype {shown}{text}")


def check_total(tensors: int, node: Node) -> None:
    """Raise ResourceExhaustedError for more tensors than any graph has; an attr can ask for a million of a node."""
    if tensors > MAX_TENSORS:
        raise located(ResourceExhaustedError(f"The graph has more than {MAX_TENSORS} tensors"), node)


class _Planner:
    def __init__(self, body: Body, graph: Graph, make_context: MakeContext) -> None:
        self.body = body
        self.graph = graph
        self.make_context = make_context
        self.template: list[Any] = []
        self.binder = Binder(make_context)
        self.facts: dict[str, _Facts] = {}
        self.slots: dict[Node, Sequence[int]] = {}  # a node's outputs
        self.boxed: set[int] = set()
        self.lazy: set[int] = set()  # those of the boxed slots that hold lazy tensors
        self.steps: list[tuple[Callable[..., Any], tuple[int, ...], int, tuple[int, ...], Node]] = []

    def plan(self) -> Plan:
        inputs = []
        for node in self.body.inputs:
            inputs.append(self.new_slot())
            self.slots[node] = [inputs[-1]]
        for node in self.body.nodes:
            if node.op != ARG:
                self.add(node)
        outputs = []
        for edge in self.body.outputs:
            slot = self.slot(edge, edge[0])
            outputs.append(self.unboxed(slot, edge[0]) if slot in self.boxed else slot)
        return Plan(self.with_frees(outputs), self.template, inputs, outputs)

    def new_slot(self, value: Any = None) -> int:
        self.template.append(value)
        return len(self.template) - 1

    def slot(self, edge: Edge, wanted_by: Node) -> int:
        slots = self.slots.get(edge[0])
        if slots is None or edge[1] >= len(slots):
            raise located(InvalidArgumentError(f"Node '{edge[0].name}' has no output {edge[1]}"), wanted_by)
        return slots[edge[1]]

    def add(self, node: Node) -> None:
        op = node.op
        if node.value is not None:
            self.slots[node] = [self.new_slot(node.value)]
        elif op in self.facts and node.function is None:  # most nodes: another of an op that has been met
            self.add_step(node)
        elif node.function is not None:
            slots = [self.slot(edge, node) for edge in node.inputs]
            inputs = tuple([self.unboxed(slot, node) if slot in self.boxed else slot for slot in slots])
            self.append(node, node.function, inputs, node.results, node.results == 1)
        elif op == "Const":
            self.slots[node] = [self.new_slot(constant(node))]
        elif op in NO_OPS:
            self.slots[node] = []
        elif op in ALIASES:
            check_inputs(node)
            slot = self.slot(node.inputs[0], node)
            changes = slot in self.boxed and slot not in self.lazy  # a reference: its value is taken now
            self.slots[node] = [self.unboxed(slot, node) if changes else slot]
        elif op == "IdentityN":
            self.slots[node] = [self.slot(edge, node) for edge in node.inputs]
        elif op in PLACEHOLDERS:
            raise placeholder_error(node)
        else:
            self.add_step(node)

    def add_step(self, node: Node) -> None:
        facts = self.facts.get(node.op)
        if facts is None:
            facts = self.facts[node.op] = _Facts.of(node, self.graph)
        kernel = facts.kernel
        if len(node.inputs) != facts.input_count:
            check_inputs(node)
        check_call(node, self.graph)
        if facts.is_function:
            function = self.make_context(node.name).function(attr_values.bind(node.op, node.attrs))
            bound: Callable[..., Any] = lambda *args: tuple(function(args))  # noqa: E731
        else:
            bound = self.binder.bind(node, kernel)
        inputs = [self.slot(edge, node) for edge in node.inputs]
        if not self.boxed.isdisjoint(inputs):
            for position, slot in enumerate(inputs):
                if slot in self.boxed and position not in kernel.boxed_inputs:
                    inputs[position] = self.unboxed(slot, node)
        count = facts.output_count
        if count is None:
            count = output_count(node, self.graph)
            check_total(len(self.template) + count, node)
        self.append(node, bound, tuple(inputs), count, count == 1 and not facts.returns_list)
        if kernel.boxed_outputs:
            self.boxed.update(self.slots[node])
        if kernel.lazy_outputs:
            self.lazy.update(self.slots[node])

    def append(
        self, node: Node, function: Callable[..., Any], inputs: tuple[int, ...], count: int, single: bool
    ) -> None:
        """A step that runs `function` into new slots. single: it returns its one output, not a tuple."""
        first = len(self.template)
        if count == 1:
            outputs: tuple[int, ...] = (first,)
            self.template.append(None)
        else:
            outputs = tuple(range(first, first + count))
            self.template += [None] * count
        self.slots[node] = outputs
        if node.guard:
            function = guarded(function, tuple(wanted for _, wanted in node.guard), count, single)
            inputs = (*(self.slot(edge, node) for edge, _ in node.guard), *inputs)
        self.steps.append((function, inputs, first if single else -1, () if single else outputs, node))

    def unboxed(self, slot: int, node: Node) -> int:
        """A new slot that receives the array in a boxed slot, as it is just before the node that wants it."""
        target = self.new_slot()
        self.steps.append((unbox, (slot,), target, (), node))
        return target

    def with_frees(self, kept: Iterable[int]) -> list[Step]:
        """The steps, each with the slots whose last use it is."""
        seen = bytearray(value is not None for value in self.template)  # constants are never let go of
        for slot in kept:
            seen[slot] = True
        steps = []
        for function, inputs, output, outputs, node in reversed(self.steps):
            frees = []
            for slot in inputs:
                if not seen[slot]:
                    seen[slot] = True
                    frees.append(slot)
            for slot in outputs if output < 0 else (output,):
                if not seen[slot]:
                    seen[slot] = True
                    frees.append(slot)
            # Step(…) goes through a function in Python, which takes longer than all of the above.
            steps.append(_new(Step, (function, inputs, output, outputs, tuple(frees), node)))
        steps.reverse()
        return steps


class _Facts(NamedTuple):
    """What holds of all nodes of an op. output_count is None where attrs say it; input_count is -1 then, or when the op
    has no schema."""

    kernel: Kernel
    is_function: bool
    input_count: int
    output_count: int | None
    returns_list: bool

    @classmethod
    def of(cls, node: Node, graph: Graph) -> _Facts:
        kernel = find_kernel(node, graph)
        if kernel is None:
            raise located(InvalidArgumentError(f"Op type not registered '{node.op}'"), node)
        schema = find_schema(node.op)
        inputs, outputs = (schema.input_count, schema.output_count) if schema is not None else (None, None)
        return cls(kernel, node.op in graph.functions, -1 if inputs is None else inputs, outputs, outputs is None)


def guarded(function: Callable[..., Any], wanted: tuple[bool, ...], count: int, single: bool) -> Callable[..., Any]:
    """`function` behind predicates, which come first among the arguments: it runs when each is as wanted, and gives
    None for each output otherwise. A predicate that was not computed itself is None."""
    number = len(wanted)
    nothing = None if single else (None,) * count

    def call(*args: Any) -> Any:
        for predicate, want in zip(args, wanted):
            if predicate is None or bool(predicate) is not want:
                return nothing
        return function(*args[number:])

    return call


def compile_plan(body: Body, graph: Graph, make_context: MakeContext) -> Plan:
    """The plan of a body without TF1 control flow."""
    return _Planner(body, graph, make_context).plan()
