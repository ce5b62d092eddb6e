"""Runs a body with TF1 control flow: Switch, Merge, Enter, Exit, NextIteration, LoopCond, nested at will.

What runs is only known while running, so nodes are scheduled by the arrival of their inputs, each in a frame and an
iteration, and deadness flows along untaken branches. The rules are those of tensorflow/core/common_runtime
(propagator_state.cc): a node is dead when any input is; a Merge runs on its first live input, and is dead when all its
inputs are (or when a dead Enter feeds it); a dead NextIteration stops; a dead Exit counts only once its frame is done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from smcli.errors import InvalidArgumentError, SmcliError
from smcli.graph import attrs as attr_values
from smcli.graph.binding import MakeContext, bind, check_inputs, find_kernel, located
from smcli.graph.graph import ARG, Body, Graph, Node, output_count
from smcli.graph.plan import ALIASES, NO_OPS, PLACEHOLDERS, check_total, constant, placeholder_error
from smcli.graph.signatures import check_call
from smcli.kernels.context import Array, unbox
from smcli.runtime.straight import node_error, wrong_count

MAX_DEPTH = 100  # frames in frames; loops that people write nest a handful deep
DEAD = object()  # what travels along the edges of a branch not taken

_KINDS = {
    "Switch": "switch",
    "RefSwitch": "switch",
    "Merge": "merge",
    "RefMerge": "merge",
    "Enter": "enter",
    "RefEnter": "enter",
    "Exit": "exit",
    "RefExit": "exit",
    "NextIteration": "next",
    "RefNextIteration": "next",
}


@dataclass(slots=True, eq=False)
class _Item:
    """A node as the executor needs it. consumers: by output, (item, input position); followers: items with a control
    edge."""

    node: Node
    kind: str
    function: Callable[..., Any] | None
    takes_boxes: bool
    data_count: int
    control_count: int
    output_count: int
    consumers: list[list[tuple[_Item, int]]] = field(default_factory=list)
    followers: list[_Item] = field(default_factory=list)
    frame_name: str = ""
    is_constant: bool = False
    value: Any = None
    fetches: list[tuple[int, int]] = field(default_factory=list)  # (output, position among the results)


class _Pending:
    """The inputs of one item in one iteration that have arrived so far."""

    __slots__ = ("controls", "dead", "inputs", "missing", "value")

    def __init__(self, item: _Item) -> None:
        self.inputs: list[Any] = [None] * item.data_count
        self.missing = item.data_count + item.control_count
        self.controls = item.control_count
        self.dead = 0
        self.value: tuple[int, Any] | None = None  # a Merge's first live input


class _Frame:
    __slots__ = (
        "depth",
        "entered",
        "invariants",
        "iterations",
        "key",
        "latest",
        "live_exits",
        "parent",
        "parent_iteration",
        "to_enter",
    )

    def __init__(self, key: Any, parent: _Frame | None, parent_iteration: int, to_enter: int) -> None:
        self.key = key
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self.parent = parent
        self.parent_iteration = parent_iteration
        self.iterations: dict[int, dict[_Item, _Pending]] = {0: {}}
        self.latest = 0
        self.invariants: list[tuple[_Item, Any]] = []
        self.live_exits: set[_Item] = set()
        self.entered = 0
        self.to_enter = to_enter

    def table(self, iteration: int) -> dict[_Item, _Pending]:
        """What has arrived so far in one iteration."""
        table = self.iterations.get(iteration)
        if table is None:
            table = self.iterations[iteration] = {}
        return table

    def start(self, iteration: int) -> None:
        """Begin an iteration, and forget earlier ones in which nothing waits for more inputs.

        Something may still arrive there (from an inner loop that runs behind); then its table is made anew.
        """
        self.latest = iteration
        self.iterations[iteration] = {}
        for old in list(self.iterations)[:2]:
            if old < iteration - 1 and all(pending.missing < 0 for pending in self.iterations[old].values()):
                del self.iterations[old]


class FramesPlan:
    """A body with TF1 control flow, ready to run any number of times."""

    def __init__(self, body: Body, graph: Graph, make_context: MakeContext) -> None:
        self.body = body
        items: dict[Node, _Item] = {}
        tensors = 0
        for node in (*body.inputs, *body.nodes):
            items[node] = _item(node, graph, make_context)
            tensors += items[node].output_count
            check_total(tensors, node)
        self.items = list(items.values())
        self.arguments = [items[node] for node in body.inputs]
        self.enters: dict[str, list[_Item]] = {}
        self.roots: list[_Item] = []
        for item in items.values():
            node = item.node
            for position, (source, index) in enumerate(node.inputs):
                producer = items[source]
                if index >= producer.output_count:
                    raise located(InvalidArgumentError(f"Node '{source.name}' has no output {index}"), node)
                producer.consumers[index].append((item, position))
            for source in node.controls:
                items[source].followers.append(item)
            if item.kind == "enter":
                self.enters.setdefault(item.frame_name, []).append(item)
            if not node.inputs and not node.controls and node.op != ARG:
                self.roots.append(item)
        self.exits = _exits_by_frame(items.values())
        for position, (node, index) in enumerate(body.outputs):
            if index >= items[node].output_count:
                raise InvalidArgumentError(f"Node '{node.name}' has no output {index}")
            items[node].fetches.append((index, position))

    def observed(self, wrap: Callable[[Node, Callable[..., Any]], Callable[..., Any]]) -> FramesPlan:
        """This plan, with `wrap` around the function of each node."""
        for item in self.items:
            if item.function is not None:
                item.function = wrap(item.node, item.function)
        return self

    def run(self, arguments: Sequence[Array]) -> list[Array]:
        """The outputs for these inputs. Raises InvalidArgumentError when a wanted output turns out dead."""
        return _Run(self).run(arguments)


def _item(node: Node, graph: Graph, make_context: MakeContext) -> _Item:
    op = node.op
    kind = _KINDS.get(op, "op")
    function: Callable[..., Any] | None = None
    takes_boxes = kind != "op"
    value = None
    if op == ARG:
        kind, count = "arg", 1
    elif op == "Const":
        kind, count, value = "const", 1, constant(node)
    elif op in NO_OPS:
        kind, count = "none", 0
    elif op in PLACEHOLDERS:
        raise placeholder_error(node)
    elif kind != "op":
        check_inputs(node)
        count = 2 if kind in ("switch", "merge") else 1
    elif op in ALIASES or op == "LoopCond":
        check_inputs(node)
        kind, count = "alias", 1
        takes_boxes = False
    else:
        kernel = find_kernel(node, graph)
        if kernel is None:
            raise located(InvalidArgumentError(f"Op type not registered '{op}'"), node)
        check_inputs(node)
        check_call(node, graph)
        if op in graph.functions:
            call = make_context(node.name).function(attr_values.bind(op, node.attrs))
            function = lambda *args: tuple(call(args))  # noqa: E731
        else:
            function = bind(node, kernel, make_context)
        takes_boxes = bool(kernel.boxed_inputs)
        if takes_boxes:
            function = _partly_boxed(function, kernel.boxed_inputs)
        count = output_count(node, graph)
    item = _Item(node, kind, function, takes_boxes, len(node.inputs), len(node.controls), count, value=value)
    item.consumers = [[] for _ in range(count)]
    if kind == "enter":
        name = node.attrs.get("frame_name")
        if name is None or name.WhichOneof("value") != "s":
            raise located(InvalidArgumentError("Enter has no frame_name"), node)
        item.frame_name = attr_values.to_python(name)
        constant_attr = node.attrs.get("is_constant")
        item.is_constant = constant_attr is not None and constant_attr.b
    return item


def _partly_boxed(function: Callable[..., Any], boxed: frozenset[int]) -> Callable[..., Any]:
    """`function` with all inputs unboxed but those that it wants as boxes."""

    def call(*args: Any) -> Any:
        return function(*[arg if i in boxed else unbox(arg) for i, arg in enumerate(args)])

    return call


def _exits_by_frame(items: Any) -> dict[str, list[_Item]]:
    """The Exit nodes of each frame, found by following the edges from its Enters."""
    exits: dict[str, list[_Item]] = {}
    frames: dict[_Item, tuple[str, ...]] = {}
    waiting = deque(item for item in items if not item.node.inputs and not item.node.controls)
    for item in waiting:
        frames[item] = ()
    while waiting:
        item = waiting.popleft()
        path = frames[item]
        if item.kind == "enter":
            if len(path) == MAX_DEPTH:
                raise _too_deep(item.node)
            path = (*path, item.frame_name)
        elif item.kind == "exit":
            if path:
                exits.setdefault(path[-1], []).append(item)
            path = path[:-1]
        for consumer in (*(c for output in item.consumers for c, _ in output), *item.followers):
            if consumer not in frames:
                frames[consumer] = path
                waiting.append(consumer)
    return exits


class _Run:
    """The state of one run."""

    def __init__(self, plan: FramesPlan) -> None:
        self.plan = plan
        self.root = _Frame(None, None, 0, 0)
        self.frames: dict[Any, _Frame] = {}
        self.ready: deque[tuple[_Item, _Frame, int, list[Any], bool]] = deque()
        self.results: list[Any] = [DEAD] * len(plan.body.outputs)

    def run(self, arguments: Sequence[Array]) -> list[Array]:
        for item, argument in zip(self.plan.arguments, arguments):
            self.emit(item, self.root, 0, 0, argument)
            self.follow(item, self.root, 0, False)
        for item in self.plan.roots:
            self.ready.append((item, self.root, 0, [], False))
        while True:
            self.drain()
            if not self.close_a_frame():
                break
        for position, value in enumerate(self.results):
            if value is DEAD:
                name = self.plan.body.outputs[position][0].name
                raise InvalidArgumentError(f"Retval[{position}] does not have value: '{name}' was not reached")
        return [unbox(value) for value in self.results]

    def drain(self) -> None:
        ready = self.ready
        while ready:
            item, frame, iteration, inputs, dead = ready.popleft()
            self.fire(item, frame, iteration, inputs, dead)

    def fire(self, item: _Item, frame: _Frame, iteration: int, inputs: list[Any], dead: bool) -> None:
        """Run one node and send on what it gives."""
        kind = item.kind
        if kind == "op" or kind == "alias":
            self.compute(item, frame, iteration, inputs, dead)
        elif kind == "switch":
            taken = -1 if dead else _branch(inputs[1], item.node)
            for output in (0, 1):
                self.emit(item, frame, iteration, output, inputs[0] if output == taken else DEAD)
        elif kind == "merge":
            position, value = (0, DEAD) if dead else inputs
            self.emit(item, frame, iteration, 0, value)
            self.emit(item, frame, iteration, 1, DEAD if dead else _index(position))
        elif kind == "enter":
            self.enter(item, frame, iteration, DEAD if dead else inputs[0])
            return
        elif kind == "exit":
            if frame.parent is None:
                raise located(InvalidArgumentError("Exit outside of a frame"), item.node)
            if dead:
                return
            frame.live_exits.add(item)
            self.emit(item, frame.parent, frame.parent_iteration, 0, inputs[0])
            self.follow(item, frame.parent, frame.parent_iteration, False)
            return
        elif kind == "next":
            if dead:
                return
            self.advance(item, frame, iteration, inputs[0])
            return
        elif kind == "const":
            self.emit(item, frame, iteration, 0, DEAD if dead else item.value)
        self.follow(item, frame, iteration, dead)

    def compute(self, item: _Item, frame: _Frame, iteration: int, inputs: list[Any], dead: bool) -> None:
        if dead:
            for output in range(item.output_count):
                self.emit(item, frame, iteration, output, DEAD)
            return
        if not item.takes_boxes:
            inputs = [unbox(value) for value in inputs]
        if item.function is None:
            self.emit(item, frame, iteration, 0, inputs[0])
            return
        try:
            result = item.function(*inputs)
        except Exception as error:
            raise node_error(error, item.node) from error
        if type(result) is tuple:
            if len(result) != item.output_count:
                raise node_error(wrong_count(len(result), item.output_count), item.node)
            for output, value in enumerate(result):
                self.emit(item, frame, iteration, output, value)
        elif item.output_count:
            self.emit(item, frame, iteration, 0, result)

    def enter(self, item: _Item, frame: _Frame, iteration: int, value: Any) -> None:
        key = (frame.key, iteration, item.frame_name)
        child = self.frames.get(key)
        if child is None:
            if frame.depth == MAX_DEPTH:
                raise _too_deep(item.node)
            child = self.frames[key] = _Frame(key, frame, iteration, len(self.plan.enters[item.frame_name]))
        child.entered += 1
        if item.is_constant:
            child.invariants.append((item, value))
            for known in range(child.latest + 1):
                self.emit(item, child, known, 0, value)
        else:
            self.emit(item, child, 0, 0, value)
        self.follow(item, child, 0, value is DEAD)

    def advance(self, item: _Item, frame: _Frame, iteration: int, value: Any) -> None:
        following = iteration + 1
        if following > frame.latest:
            frame.start(following)
            for invariant, constant_value in frame.invariants:
                self.emit(invariant, frame, following, 0, constant_value)
        self.emit(item, frame, following, 0, value)
        self.follow(item, frame, following, False)

    def emit(self, item: _Item, frame: _Frame, iteration: int, output: int, value: Any) -> None:
        """Send one output to its consumers."""
        if item.fetches and frame is self.root:
            for index, position in item.fetches:
                if index == output:
                    self.results[position] = value
        consumers = item.consumers[output]
        if not consumers:
            return
        table = frame.table(iteration)
        for consumer, position in consumers:
            pending = table.get(consumer)
            if pending is None:
                pending = table[consumer] = _Pending(consumer)
            if consumer.kind == "merge":
                self.arrive_at_merge(consumer, pending, table, frame, iteration, position, value, item.kind == "enter")
                continue
            pending.inputs[position] = value
            pending.missing -= 1
            if value is DEAD:
                pending.dead += 1
            if not pending.missing:
                del table[consumer]
                self.ready.append((consumer, frame, iteration, pending.inputs, pending.dead > 0))

    def arrive_at_merge(
        self,
        merge: _Item,
        pending: _Pending,
        table: dict[_Item, _Pending],
        frame: _Frame,
        iteration: int,
        position: int,
        value: Any,
        from_enter: bool,
    ) -> None:
        if value is not DEAD:
            if pending.value is None:
                pending.value = (position, value)
        else:
            pending.dead += merge.data_count if from_enter else 1
        self.try_merge(merge, pending, table, frame, iteration)

    def try_merge(
        self, merge: _Item, pending: _Pending, table: dict[_Item, _Pending], frame: _Frame, iteration: int
    ) -> None:
        if pending.controls or pending.missing < 0:
            return
        if pending.value is not None:
            pending.missing = -1  # it stays in the table, so that a second live input does not run it again
            self.ready.append((merge, frame, iteration, list(pending.value), False))
        elif pending.dead >= merge.data_count:
            pending.missing = -1
            self.ready.append((merge, frame, iteration, [], True))

    def follow(self, item: _Item, frame: _Frame, iteration: int, dead: bool) -> None:
        """Send the news that a node has run along its control edges."""
        if not item.followers:
            return
        table = frame.table(iteration)
        for follower in item.followers:
            pending = table.get(follower)
            if pending is None:
                pending = table[follower] = _Pending(follower)
            if follower.kind == "merge":
                pending.controls -= 1
                self.try_merge(follower, pending, table, frame, iteration)
                continue
            pending.missing -= 1
            if dead:
                pending.dead += 1
            if not pending.missing:
                del table[follower]
                self.ready.append((follower, frame, iteration, pending.inputs, pending.dead > 0))

    def close_a_frame(self) -> bool:
        """Close the deepest frames that all inputs have entered: their exits that never fired are dead in the
        parent."""
        done = [frame for frame in self.frames.values() if frame.entered >= frame.to_enter]
        if not done:
            return False
        deepest = max(frame.depth for frame in done)
        for frame in done:
            if frame.depth != deepest:
                continue
            del self.frames[frame.key]
            assert frame.parent is not None
            for item in self.plan.exits.get(frame.key[2], ()):
                if item not in frame.live_exits:
                    self.emit(item, frame.parent, frame.parent_iteration, 0, DEAD)
                    self.follow(item, frame.parent, frame.parent_iteration, True)
        return True


def _too_deep(node: Node) -> SmcliError:
    return located(InvalidArgumentError(f"Frames are nested more than {MAX_DEPTH} deep"), node)


def _branch(predicate: Any, node: Node) -> int:
    predicate = unbox(predicate)
    if getattr(predicate, "shape", None) != ():
        raise located(InvalidArgumentError("The second input must be a scalar"), node)
    return int(bool(predicate))


def _index(position: int) -> Any:
    import numpy as np

    return np.int32(position)
