"""A session: a graph, its resources, and the plans made so far. Feeds in, fetches out."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from smcli.errors import InvalidArgumentError, OutOfBounds
from smcli.graph import attrs as attr_values
from smcli.graph.binding import MakeContext, require_kernels
from smcli.graph.constants import changes_variables, fold
from smcli.graph.graph import WHILES, Body, Graph, Node, parse_tensor_name
from smcli.graph.inline import inline
from smcli.graph.plan import Plan, compile_plan
from smcli.graph.rewrites import CONDITIONALS, divided, divided_function, enabled, rewrite
from smcli.kernels import _digits
from smcli.kernels._threads import computing
from smcli.kernels.context import Array, Context, Files, FunctionRef, NoFiles, Resources, Variable
from smcli.proto.graph_pb2 import GraphDef
from smcli.runtime.straight import StraightRunner
from smcli.tensors import wire
from smcli.tensors.types import DataType

if TYPE_CHECKING:
    from smcli.graph.loops import Loop
    from smcli.runtime.code import Code
    from smcli.runtime.loops import LoopRunner


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Planning makes many objects that live long; the cycle collector would walk them again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


Runner = Callable[[Sequence[Array]], list[Array]]
Observer = Callable[[Node, Callable[..., Any]], Callable[..., Any]]


def _text_attr(node: Node, name: str) -> str:
    value = node.attrs.get(name)
    return value.s.decode("utf-8", "surrogateescape") if value is not None else ""


def _no_variable(node: Node) -> None:
    return None


class Session:
    """Runs parts of one graph. Resources (variables, tables, generators) last as long as the session.

    files: what the graph may reach of the file system. allow: ops with effects outside that the user allowed by name.
    observe: when set, the function of each node is what this makes of it (see smcli.runtime.profile); plans that were
    made before stay as they are.
    runs_once: each plan is run once only (the command line), so that preparations have to pay at once, and small
    results are rounded as TensorFlow rounds them, since they are printed.
    as_written: nothing is rewritten, so that each node of the graph runs, and is observed, under its own name.
    """

    def __init__(self, graph: Graph, files: Files | None = None, allow: frozenset[str] = frozenset()) -> None:
        self.graph = graph
        self.files = files or NoFiles()
        self.allow = allow
        self.resources = Resources()
        self.observe: Observer | None = None
        self.runs_once = False
        self.as_written = False
        self._step: dict[Any, Any] = {}
        self._plans: dict[tuple[tuple[str, ...], ...], Runner] = {}
        self._functions: dict[FunctionRef, Runner] = {}
        self._loop_nodes = 0  # in the loops of this session's plans
        self._memories: dict[str, dict[str, Any]] = {}

    @classmethod
    def from_graph_def(cls, graph_def: GraphDef, files: Files | None = None) -> Session:
        return cls(Graph(graph_def), files)

    def run(
        self, fetches: Sequence[str], feeds: Mapping[str, Array] | None = None, targets: Sequence[str] = ()
    ) -> list[Array]:
        """The values of the tensors `fetches` (names with or without `:0`), given those in `feeds`; runs the nodes
        `targets` too.

        Raises UnsupportedOpsError before anything runs when a needed op has no kernel, NotFoundError for unknown names,
        and the status errors of the kernels, with the node's name.
        """
        feeds = feeds or {}
        key = (tuple(fetches), tuple(feeds), tuple(targets))
        rounding = _digits.followed() if self.runs_once else contextlib.nullcontext()
        with np.errstate(all="ignore"), computing(), rounding:
            runner = self._plans.get(key)
            if runner is None:
                runner = self._plans[key] = self._compile_main(*key)
            self._step.clear()
            try:
                return [np.asarray(value) for value in runner(list(feeds.values()))]
            finally:
                self._step.clear()

    def close(self) -> None:
        """Let go of resources and plans. What runs after this finds no variable."""
        self.resources = Resources()
        for made in (self._plans, self._functions, self._memories):
            made.clear()

    def placeholder(self, tensor: str) -> tuple[DataType, tuple[int, ...] | None]:
        """The dtype and shape (-1 for unknown dims, None for unknown rank) that a placeholder declares.

        Raises NotFoundError when there is no such node. A fed tensor that is no placeholder has unknown rank.
        """
        name, _ = parse_tensor_name(tensor)
        node = self.graph.node_def(name)
        dtype = node.attr["dtype"].type if "dtype" in node.attr else node.attr["T"].type if "T" in node.attr else 0
        shape = wire.shape_from_proto(node.attr["shape"].shape) if "shape" in node.attr else None
        if shape == () and node.op == "Placeholder" and not node.attr["shape"].HasField("shape"):
            shape = None
        return attr_values.data_type(dtype), shape

    def _compile_main(self, fetches: tuple[str, ...], feeds: tuple[str, ...], targets: tuple[str, ...]) -> Runner:
        with _collector_paused():
            body = self.graph.body(fetches, feeds, targets)
            require_kernels(body, self.graph)
            body = inline(body, self.graph)
            variable_of = self._variable_of
            if body.has_frames:
                if changes_variables(body, self.graph):  # which can not be seen once loops are one node
                    variable_of = _no_variable
                body = self._without_frames(body, "")
            if body.has_frames or targets or self.as_written:
                return self._compiled(body, "")
            if enabled("branch") and not CONDITIONALS.isdisjoint(body.ops()):
                from smcli.graph.branches import take_known_branches

                body = take_known_branches(body, self.graph, self._context_maker(""))
            self._join_loops(body.nodes)
            guards = fold(body, self.graph, self._context_maker(""), variable_of) if enabled("fold") else []
            if any(node.guard for node in body.nodes):  # rewrites know nothing of guards
                body.nodes = divided(body.nodes)
                runner = self._compiled(body, "")
            else:
                runner = self._offloaded(rewrite(body, self.graph))
        if not guards:
            return runner

        def run(arguments: Sequence[Array]) -> list[Array]:
            nonlocal runner
            if any(variable.value is not value for variable, value in guards):
                runner = self._compile_main(fetches, feeds, targets)
                guards.clear()  # the new one has guards of its own
            return runner(arguments)

        return run

    def _offloaded(self, body: Body) -> Runner:
        """The runner of a rewritten body, with what oneDNN can compute computed by it where that is on and there."""
        if not enabled("onednn") or all(node.function is None for node in body.nodes):
            return self._compiled(body, "")
        from smcli.kernels.onednn import library

        if not library.is_present():  # spares the import of what would use it
            return self._compiled(body, "")
        from smcli.graph.offload import offload, restore

        nodes = offload(body, self.graph, self.runs_once)
        runner = self._compiled(body, "")
        if not nodes:
            return runner
        restore(nodes)
        plain: Runner | None = None

        def run(arguments: Sequence[Array]) -> list[Array]:
            nonlocal plain
            try:
                return runner(arguments)
            except OutOfBounds:
                plain = plain or self._compiled(body, "")
                self._step.clear()
                return plain(arguments)

        return run

    def _variable_of(self, node: Node) -> Variable | None:
        """The variable that a VarHandleOp or VariableV2 stands for, if it is there already."""
        name, container = (_text_attr(node, key) for key in ("shared_name", "container"))
        found = self.resources.find("variable", container, name or node.name)
        return found if isinstance(found, Variable) else None

    def _compiled(self, body: Body, scope: str) -> Runner:
        make_context = self._context_maker(scope)
        if body.has_frames:
            from smcli.runtime.frames import FramesPlan

            frames = FramesPlan(body, self.graph, make_context)
            return (frames if self.observe is None else frames.observed(self.observe)).run
        return StraightRunner(self._observed(compile_plan(body, self.graph, make_context)))

    def _observed(self, plan: Plan) -> Plan:
        return plan if self.observe is None else plan.observed(self.observe)

    def _without_frames(self, body: Body, scope: str) -> Body:
        """The body with its TF1 control flow lowered, or as it is."""
        if not enabled("frames"):
            return body
        from smcli.graph.lowering import lower

        lowered = lower(body, self.graph, lambda loop: self._runner_of(loop, scope))
        return body if lowered is None else lowered

    def _own(self, body: Body, scope: str) -> Body:
        """A copy of a function's body, which others may use too, with its loops joined."""
        if body.has_frames:
            return self._without_frames(body, scope)
        if not any(node.op in WHILES for node in body.nodes):
            return body
        from smcli.graph.loops import copied

        nodes, follow = copied(body.nodes, {})
        self._join_loops(nodes)
        return Body(body.name, nodes, body.inputs, [follow(edge) for edge in body.outputs], False)

    def _join_loops(self, nodes: Sequence[Node]) -> None:
        """Give each While among the nodes a function that runs test and step as one."""
        whiles = [node for node in nodes if node.op in WHILES and node.function is None]
        if not whiles or not enabled("loop"):
            return
        from smcli.graph.loops import MAX_ALL, while_loop

        for node in whiles:
            if self._loop_nodes < MAX_ALL:
                loop = while_loop(node, self.graph)
                if loop is not None:
                    self._loop_nodes += len(loop.before) + len(loop.after)
                    node.function, node.results = self._runner_of(loop, ""), len(loop.nexts)

    def _runner_of(self, loop: Loop, scope: str) -> LoopRunner:
        from smcli.runtime.loops import LoopRunner, compile_loop

        def make() -> Code:
            self._join_loops(loop.before)
            self._join_loops(loop.after)
            return compile_loop(loop, self.graph, self._context_maker(scope), self._observed)

        return LoopRunner(make)

    def _context_maker(self, scope: str) -> MakeContext:
        def make(node: str) -> Context:
            full = scope + node
            return Context(
                node=full,
                resources=self.resources,
                files=self.files,
                function=self._function,
                memory=self._memories.setdefault(full, {}),
                allow=self.allow,
                step=self._step,
            )

        return make

    def _function(self, ref: FunctionRef) -> Runner:
        runner = self._functions.get(ref)
        if runner is None:
            body = self.graph.function_body(ref)
            expected, scope = len(body.inputs), f"{ref.name}/"
            own = self._own(inline(body, self.graph), scope)
            if not self.as_written:
                own = divided_function(ref.name, own, self.graph)
            compiled = self._compiled(own, scope)

            def call(arguments: Sequence[Array]) -> list[Array]:
                if len(arguments) != expected:
                    raise InvalidArgumentError(
                        f"Function {ref.name} takes {expected} arguments but got {len(arguments)}"
                    )
                return compiled(arguments)

            runner = self._functions[ref] = call
        return runner
