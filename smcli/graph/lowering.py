"""TF1 control flow without frames: loops of Enter … Exit as Loops, conditionals of Switch and Merge as guards.

A body with frames is run by the arrival of inputs (smcli.runtime.frames), which is right for any graph and slow. The
graphs that tf.while_loop, tf.cond and tf.nn.dynamic_rnn wrote have more order: each loop variable goes from its Enter
through one Merge and one Switch to one Exit and one NextIteration, and each Merge outside of that joins the two sides
of one predicate. Here such graphs become bodies in which the order of the list decides: a loop is one node, a node in a
conditional has a guard, a Merge picks the side that ran. `lower` gives None for everything else.

Deadness is what the executor of TensorFlow has for branches not taken (tensorflow/core/common_runtime/
propagator_state.cc): a node is dead when any input is, so its condition is the conjunction of those of its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from smcli.graph.graph import ARG, Body, Edge, Graph, Node, in_order
from smcli.graph.loops import Loop, unaliased
from smcli.graph.plan import constant
from smcli.kernels.context import Array

Path = tuple[str, ...]  # frames by name, the outermost first
Guard = tuple[tuple[Edge, bool], ...]
MakeLoop = Callable[[Loop], Callable[..., Any]]

_REFERENCES = frozenset({"RefSwitch", "RefMerge", "RefEnter", "RefExit", "RefNextIteration"})
_INPUTS = {"Enter": 1, "Exit": 1, "NextIteration": 1, "LoopCond": 1, "Switch": 2}
_MAX_DEPTH = 50  # frames in frames, and predicates of one node
_NEVER: Guard = (((Node("never", "Const", {}), 0), True),)


class _Irregular(Exception):
    """The body has a shape that only the frames' own rules can run."""


def lower(body: Body, graph: Graph, make_loop: MakeLoop) -> Body | None:
    """The body without TF1 control flow, or None. make_loop: the function of a node that is this loop."""
    if any(node.op in _REFERENCES or len(node.inputs) != _INPUTS.get(node.op, len(node.inputs)) for node in body.nodes):
        return None
    try:
        return _Lowering(body, make_loop).lowered()
    except _Irregular:
        return None


def _require(true: bool) -> None:
    if not true:
        raise _Irregular


class _Lowering:
    def __init__(self, body: Body, make_loop: MakeLoop) -> None:
        self.body = body
        self.make_loop = make_loop
        self.consumers: dict[Node, list[tuple[Node, int]]] = {}  # with the output that they take
        self.followers: dict[Node, list[Node]] = {}  # by control edges
        for node in body.nodes:
            for source, index in node.inputs:
                self.consumers.setdefault(source, []).append((node, index))
            for source in node.controls:
                self.followers.setdefault(source, []).append(node)
        self.paths = self._paths()
        self.frames: dict[Path, list[Node]] = {(): []}  # the nodes that run in each
        self.exits: dict[Path, Node] = {}  # one Exit of each
        for node in body.nodes:
            self.frames.setdefault(self.paths[node], []).append(node)
            if node.op == "Exit" and node.inputs:
                self.exits.setdefault(self.paths[node.inputs[0][0]], node)
        self.tested: set[Node] = set()  # the Switches of loops whose part behind the test is being read
        self.edges: dict[Edge, Edge] = {}  # what stands for an edge of the body in the new one
        self.nodes: dict[Node, Node] = {}  # new nodes by the old ones
        self.conditions: dict[Node, Guard] = {}  # of old nodes, within their frame

    def lowered(self) -> Body:
        for node in self.body.inputs:
            self.nodes[node], self.conditions[node] = node, ()
        nodes = self._scope((), self.frames[()])
        outputs = [self._live(edge) for edge in self.body.outputs]
        ordered = [node for node in in_order(nodes) if node.op != ARG]
        return Body(self.body.name, ordered, self.body.inputs, outputs, False)

    def _paths(self) -> dict[Node, Path]:
        """The frame that each node runs in. An Enter stands in the frame that it enters, an Exit in the one it leaves
        to."""
        paths: dict[Node, Path] = dict.fromkeys(self.body.inputs, ())
        for node in self.body.nodes:
            sources = [*(source for source, _ in node.inputs), *node.controls]
            found = {paths[source] for source in sources if source in paths}  # a NextIteration may come later
            _require(len(found) <= 1)
            path = found.pop() if found else ()
            if node.op == "Enter":
                path = (*path, _text(node, "frame_name"))
                _require(len(path) <= _MAX_DEPTH)
            elif node.op == "Exit":
                _require(bool(path))
                path = path[:-1]
            paths[node] = path
        for node in self.body.nodes:
            if node.op == "Merge":
                _require(all(paths[source] == paths[node] for source, _ in node.inputs))
        return paths

    # One frame, or the body outside of all frames

    def _scope(self, path: Path, nodes: list[Node]) -> list[Node]:
        """New nodes for the nodes of one frame, the loops entered from it included."""
        made: list[Node | None] = []
        for node in self._ordered(nodes):
            if node in self.conditions or node.op in ("Enter", "NextIteration", "LoopCond"):
                continue  # the loop that it belongs to has dealt with it
            if node.op == "Exit":
                made.append(self._exit(node, path))
            elif node.op == "Switch":
                self._switch(node)
            else:
                made.append(self._merge(node) if node.op == "Merge" else self._plain(node))
        return [node for node in made if node is not None]

    def _ordered(self, nodes: list[Node]) -> list[Node]:
        """The nodes of one frame, each after what it depends on; an Exit after all that enters the loop behind it."""
        inside = set(nodes)
        done: dict[Node, bool] = {}
        order = []
        for root in nodes:
            if root in done:
                continue
            done[root] = False
            stack = [(root, iter(self._sources(root)))]
            while stack:
                node, rest = stack[-1]
                needed = next((one for one in rest if one in inside and not done.get(one, False)), None)
                if needed is None:
                    stack.pop()
                    done[node] = True
                    order.append(node)
                else:
                    _require(needed not in done)
                    done[needed] = False
                    stack.append((needed, iter(self._sources(needed))))
        return order

    def _sources(self, node: Node) -> list[Node]:
        if node.op != "Exit" or not node.inputs:
            return [*(source for source, _ in node.inputs if source.op != "NextIteration"), *node.controls]
        path = self.paths[node.inputs[0][0]]
        if self.exits[path] is not node:
            return [self.exits[path]]
        enters = [enter for enter in self.frames[path] if enter.op == "Enter"]
        return [source for enter in enters for source in (*(s for s, _ in enter.inputs), *enter.controls)]

    def _plain(self, node: Node) -> Node | None:
        guard = self.conditions[node] = self._condition(node)
        if guard == _NEVER:
            return None
        new = self.nodes[node] = Node(node.name, node.op, node.attrs, [self._edge(edge) for edge in node.inputs])
        self._guarded(new, guard, node.controls)
        return new

    def _guarded(self, new: Node, guard: Guard, controls: Iterable[Node]) -> None:
        """Let a new node wait for the predicates of its guard, and for what the old one waited for."""
        new.guard = guard
        new.controls = [
            *(predicate for (predicate, _), _ in guard),
            *(self.nodes[source] for source in controls if source in self.nodes),
        ]

    def _edge(self, edge: Edge) -> Edge:
        """The edge of the new body that carries the value of an old one."""
        found = self.edges.get(edge)
        if found is not None:
            return found
        node = self.nodes.get(edge[0])
        if node is None:
            raise _Irregular
        return node, edge[1]

    def _live(self, edge: Edge) -> Edge:
        """The same, of a value that is always there."""
        _require(self._edge_condition(edge) == ())
        return self._edge(edge)

    # Conditionals

    def _condition(self, node: Node) -> Guard:
        """What has to be true for a node to run: the conditions of all that it waits for."""
        guards = [self._edge_condition(edge) for edge in node.inputs]
        guards += [self._control_condition(source) for source in node.controls]
        return _both(guards)

    def _control_condition(self, source: Node) -> Guard:
        _require(source in self.conditions)
        return self.conditions[source]

    def _edge_condition(self, edge: Edge) -> Guard:
        source, index = edge
        condition = self._control_condition(source)
        if source in self.tested:
            _require(index == 1)
            return condition
        if source.op != "Switch" or condition == _NEVER:
            return condition
        side = index == 1
        known = _known(source.inputs[1])
        if known is not None:
            return condition if known is side else _NEVER
        return _both([condition, ((self._edge(unaliased(source.inputs[1])), side),)])

    def _switch(self, node: Node) -> None:
        """Both outputs are the input: who takes one has the predicate in its guard."""
        _require(len(node.inputs) == 2)
        _require(unaliased(node.inputs[1])[0].op != "LoopCond")
        guard = self.conditions[node] = self._condition(node)
        if guard != _NEVER:
            data = self._edge(node.inputs[0])
            self.edges[node, 0] = self.edges[node, 1] = data
            self.nodes[node] = data[0]

    def _merge(self, node: Node) -> Node | None:
        """A node that picks the one of two inputs that ran."""
        conditions = [self._edge_condition(edge) for edge in node.inputs]
        live = [(i, edge) for i, edge in enumerate(node.inputs) if conditions[i] != _NEVER]
        for source in node.controls:
            _require(source in self.conditions)
        if not live:
            self.conditions[node] = _NEVER
            return None
        _require(len(live) <= 2)
        new = Node(node.name, "Merge", {}, [self._edge(edge) for _, edge in live], results=2)
        guard = conditions[live[0][0]]
        if len(live) == 1:
            new.function = _only(live[0][0])
        else:
            (first, _), (second, _) = live
            guard, predicate, side = _joined(guard, conditions[second])
            new.inputs.insert(0, predicate)
            new.function = _pick(first, second, side)
        self.conditions[node], self.nodes[node] = guard, new
        self._guarded(new, guard, node.controls)
        return new

    # Loops

    def _exit(self, node: Node, path: Path) -> Node | None:
        """The loop that an Exit leaves."""
        _require(len(node.inputs) == 1)
        switch, side = node.inputs[0]
        _require(switch.op == "Switch" and side == 0)
        inner = self.paths[switch]
        _require(inner[:-1] == path)
        new = _LoopReader(self, inner).read()
        _require(node in self.conditions)
        return new


class _LoopReader:
    """Reads one frame: its variables, its test, what runs before and after the test."""

    def __init__(self, outer: _Lowering, path: Path) -> None:
        self.outer = outer
        self.path = path
        self.nodes = outer.frames[path]
        self.enters = [node for node in self.nodes if node.op == "Enter"]
        self.merges = [n for n in self.nodes if n.op == "Merge" and any(s.op == "NextIteration" for s, _ in n.inputs)]
        self.places = {merge: place for place, merge in enumerate(self.merges)}

    def read(self) -> Node | None:
        """The node that is the loop; None when it is in a branch that is never taken. The frame's Exits stand for it
        from then on."""
        outer = self.outer
        tests = [node for node in self.nodes if node.op == "LoopCond"]
        _require(len(tests) == 1 and bool(self.merges))
        test = tests[0]
        switches = [node for node in self.nodes if node.op == "Switch" and unaliased(node.inputs[1]) == (test, 0)]
        variables = [self._variable(merge) for merge in self.merges]
        entered = [enter for enter, _ in variables]
        known = set(entered)
        constants = [enter for enter in self.enters if enter not in known]
        _require(all(_flag(enter, "is_constant") for enter in constants))
        exits = self._exits(switches)
        guard = self._entered_when(entered, constants)
        if guard == _NEVER:
            outer.conditions.update(dict.fromkeys(exits, _NEVER))
            return None

        inputs = [Node(enter.name, ARG, {}) for enter in (*entered, *constants)]
        for enter, argument in zip((*entered, *constants), inputs):
            self._stands_for(enter, argument)
        for merge, argument in zip(self.merges, inputs):
            _require(not merge.controls and all(index == 0 for _, index in outer.consumers.get(merge, ())))
            self._stands_for(merge, argument)
        after = self._after(switches)
        before = outer._scope(self.path, [node for node in self.nodes if node not in after])
        _require(outer._edge_condition(test.inputs[0]) == ())
        tested = outer._edge(test.inputs[0])
        self._stands_for(test, tested[0])
        outer.edges[test, 0] = tested
        for switch in switches:
            self._stands_for(switch, outer._edge(switch.inputs[0])[0])
            outer.edges[switch, 1] = outer._edge(switch.inputs[0])
            outer.tested.add(switch)
        later = outer._scope(self.path, [node for node in self.nodes if node in after])
        nexts = [outer._live(following.inputs[0]) for _, following in variables]
        first = [node for node in in_order(before) if node.op != ARG]
        loop = Loop(test.name, inputs, first, tested, _rest(first, later), nexts)

        node = Node(loop.name, "While", {}, [outer._edge(enter.inputs[0]) for enter in (*entered, *constants)])
        node.function, node.results = outer.make_loop(loop), len(nexts)
        outer._guarded(node, guard, dict.fromkeys(c for enter in (*entered, *constants) for c in enter.controls))
        for exit_, position in exits.items():
            _require(not exit_.controls)
            outer.nodes[exit_], outer.conditions[exit_] = node, guard
            outer.edges[exit_, 0] = (node, position)
        return node

    def _entered_when(self, entered: list[Node], constants: list[Node]) -> Guard:
        """The condition of the loop. Its variables have to live or die together; what it only reads may be there
        although the loop is not run."""
        guards = [self.outer._condition(enter) for enter in entered]
        _require(all(guard == guards[0] for guard in guards))
        together = _both([guards[0], *(self.outer._condition(enter) for enter in constants)])
        _require(together in (guards[0], _NEVER))
        return guards[0] if guards[0] == together else _NEVER

    def _stands_for(self, old: Node, new: Node) -> None:
        self.outer.nodes[old] = new
        self.outer.conditions[old] = ()

    def _variable(self, merge: Node) -> tuple[Node, Node]:
        """The Enter and the NextIteration of a variable."""
        _require(len(merge.inputs) == 2)
        sources = {source.op: source for source, _ in merge.inputs}
        _require(sources.keys() == {"Enter", "NextIteration"})
        enter, following = sources["Enter"], sources["NextIteration"]
        _require(not _flag(enter, "is_constant"))
        _require([consumer for consumer, _ in self.outer.consumers[enter]] == [merge])
        _require([consumer for consumer, _ in self.outer.consumers[following]] == [merge])
        return enter, following

    def _exits(self, switches: list[Node]) -> dict[Node, int]:
        """The Exits of the frame, with the variable that each gives."""
        exits = {}
        for switch in switches:
            source, index = switch.inputs[0]
            _require(index == 0 and source in self.places)
            for consumer, output in self.outer.consumers.get(switch, ()):
                if output == 0:
                    _require(consumer.op == "Exit")
                    exits[consumer] = self.places[source]
        return exits

    def _after(self, switches: list[Node]) -> set[Node]:
        """What needs the test to be true: all that depends on a Switch of it, by way of loops inside of this one
        too."""
        outer, depth = self.outer, len(self.path)
        after = set(switches)
        waiting = list(switches)
        while waiting:
            node = waiting.pop()
            for one in (*(consumer for consumer, _ in outer.consumers.get(node, ())), *outer.followers.get(node, ())):
                if one not in after and outer.paths[one][:depth] == self.path and one not in self.places:
                    _require(one.op != "LoopCond" or len(outer.paths[one]) > depth)
                    after.add(one)
                    waiting.append(one)
        return after


def _rest(first: list[Node], later: list[Node]) -> list[Node]:
    """The nodes that come after the test, in order."""
    done = set(first)
    return [node for node in in_order([*first, *later]) if node not in done and node.op != ARG]


def _both(guards: Iterable[Guard]) -> Guard:
    """The conjunction. _NEVER when it contradicts itself."""
    found: dict[Edge, bool] = {}
    for guard in guards:
        if guard == _NEVER:
            return _NEVER
        for predicate, side in guard:
            if found.setdefault(predicate, side) is not side:
                return _NEVER
    _require(len(found) <= _MAX_DEPTH)
    return tuple(found.items())


def _joined(a: Guard, b: Guard) -> tuple[Guard, Edge, bool]:
    """The condition of a Merge of the two sides of one predicate, the predicate, and the side of the first input."""
    first, second = dict(a), dict(b)
    differing = [p for p in first if p in second and first[p] is not second[p]]
    _require(len(differing) == 1)
    predicate = differing[0]
    side = first.pop(predicate)
    second.pop(predicate)
    _require(first == second)
    return tuple(first.items()), predicate, side


def _pick(first: int, second: int, side: bool) -> Callable[[Any, Any, Any], tuple[Any, Any]]:
    """Of two values, the first when the predicate is `side`, with its position among the inputs of the Merge."""

    def pick(predicate: Array, a: Any, b: Any) -> tuple[Any, Any]:
        return (a, np.int32(first)) if bool(predicate) is side else (b, np.int32(second))

    return pick


def _only(position: int) -> Callable[[Any], tuple[Any, Any]]:
    return lambda value: (value, np.int32(position))


def _known(edge: Edge) -> bool | None:
    """The value of a predicate that is a constant."""
    node, index = unaliased(edge)
    if node.op != "Const" or index != 0:
        return None
    value = constant(node)
    return bool(value) if np.shape(value) == () and value.dtype == np.bool_ else None


def _text(node: Node, name: str) -> str:
    value = node.attrs.get(name)
    _require(value is not None and value.WhichOneof("value") == "s")
    return value.s.decode("utf-8", "surrogateescape")  # type: ignore[union-attr]


def _flag(node: Node, name: str) -> bool:
    value = node.attrs.get(name)
    return value is not None and value.b
