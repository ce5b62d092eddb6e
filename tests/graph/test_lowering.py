"""TF1 control flow lowered, beside the frames' own rules: the same answers, and which shapes are left to the frames."""

from __future__ import annotations

import random

import numpy as np
import pytest

from smcli.errors import InvalidArgumentError
from smcli.graph.graph import Graph
from smcli.graph.lowering import lower
from smcli.proto.graph_pb2 import NodeDef
from smcli.runtime.session import Session
from tests.graphs import const, graph, node, placeholder

I32 = np.int32


class Writer:
    """Writes int32 graphs as tf.cond and tf.while_loop of TensorFlow 1 wrote them."""

    def __init__(self) -> None:
        self.nodes: list[NodeDef] = []

    def add(self, op: str, *inputs: str, **attrs: object) -> str:
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(node(name, op, *inputs, **{"T": I32, **attrs}))
        return name

    def const(self, value: int, *controls: str) -> str:
        name = f"const_{len(self.nodes)}"
        self.nodes.append(const(name, value, I32))
        self.nodes[-1].input.extend(controls)
        return name

    def cond(self, predicate: str, value: str, then: object, otherwise: object) -> str:
        """then, otherwise: functions of the writer, the value, and the pivot that constants wait for."""
        results = []
        for side, branch in ((0, otherwise), (1, then)):
            pivot = self.add("Identity", f"{self.add('Switch', predicate, predicate, T=np.bool_)}:{side}", T=np.bool_)
            inside = f"{self.add('Switch', value, predicate)}:{side}"
            results.append(branch(self, inside, f"^{pivot}"))  # type: ignore[operator]
        return self.add("Merge", *results, N=2)

    def loop(self, times: str, value: str, step: object, frame: str) -> str:
        """`value` after `times` steps. step: a function as those of `cond`, given the loop's counter as well."""
        zero = self.const(0)
        limit = self.add("Enter", times, frame_name=frame, is_constant=True)
        merges = []
        for first in (zero, value):
            enter = self.add("Enter", first, frame_name=frame)
            merges.append(self.add("Merge", enter, "later", N=2))
        test = self.add("LoopCond", self.add("Less", merges[0], limit), T=np.bool_)
        switches = [self.add("Switch", merge, test) for merge in merges]
        inside = [self.add("Identity", f"{switch}:1") for switch in switches]
        following = self.add("AddV2", inside[0], self.const(1, f"^{inside[0]}"))
        result = step(self, inside[1], f"^{inside[0]}", inside[0])  # type: ignore[operator]
        for merge, after in zip(merges, (following, result)):
            proto = next(one for one in self.nodes if one.name == merge)
            proto.input[1] = self.add("NextIteration", after)
        return self.add("Exit", f"{switches[1]}:0")


def program(seed: int) -> tuple[list[NodeDef], str]:
    """A random program of additions, conditionals and loops, nested at most three deep."""
    rng = random.Random(seed)
    writer = Writer()
    frames = iter(range(1000))

    def block(w: Writer, value: str, pivot: str, depth: int) -> str:
        for _ in range(rng.randint(1, 3)):
            kind = rng.choice(["add", "mul", "cond", "loop"]) if depth < 3 else rng.choice(["add", "mul"])
            number = w.const(rng.randint(1, 5), *([pivot] if pivot else []))
            if kind == "cond":
                odd = w.add("FloorMod", value, w.const(2, *([pivot] if pivot else [])))
                predicate = w.add("Equal", odd, w.const(rng.randint(0, 1), *([pivot] if pivot else [])))
                value = w.cond(
                    predicate,
                    value,
                    lambda w, v, p: block(w, v, p, depth + 1),
                    lambda w, v, p: block(w, v, p, depth + 1),
                )
            elif kind == "loop":
                times = w.add("FloorMod", value, number)
                # In a branch, the counter's first value has to wait for the branch, as tf.while_loop has it wait.
                start = len(w.nodes)
                value = w.loop(
                    times, value, lambda w, v, p, i: block(w, w.add("AddV2", v, i), p, depth + 1), f"f{next(frames)}"
                )
                if pivot:
                    w.nodes[start].input.append(pivot)
            else:
                value = w.add("AddV2" if kind == "add" else "Mul", value, number)
        return w.add("Identity", value)

    writer.nodes.append(placeholder("x", I32))
    return writer.nodes, block(writer, "x", "", 0)


@pytest.mark.parametrize("seed", range(40))
def test_lowered_programs_answer_as_frames_do(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes, result = program(seed)
    proto = graph(*nodes)
    body = Graph(proto).body([f"{result}:0"], ["x:0"])
    if body.has_frames:
        assert lower(body, Graph(proto), lambda loop: lambda *args: args) is not None
    for x in (0, 1, 6, 7):
        feeds = {"x:0": np.array(x, I32)}
        monkeypatch.setenv("SMCLI_DISABLE_REWRITES", "")
        (got,) = Session.from_graph_def(proto).run([f"{result}:0"], feeds)
        monkeypatch.setenv("SMCLI_DISABLE_REWRITES", "frames")
        (want,) = Session.from_graph_def(proto).run([f"{result}:0"], feeds)
        assert got == want


def test_a_branch_that_a_constant_rules_out_is_gone() -> None:
    writer = Writer()
    writer.nodes += [placeholder("x", I32), const("never", False, np.bool_)]
    result = writer.cond("never", "x", lambda w, v, p: w.add("Neg", v), lambda w, v, p: w.add("Abs", v))
    proto = graph(*writer.nodes)
    lowered = lower(Graph(proto).body([result], ["x:0"]), Graph(proto), lambda loop: lambda *args: args)
    assert lowered is not None
    assert "Neg" not in {one.op for one in lowered.nodes}
    assert Session.from_graph_def(proto).run([result], {"x:0": np.array(-3, I32)})[0] == 3


def test_what_is_not_taken_does_not_run() -> None:
    """The side that divides by zero is dead."""
    writer = Writer()
    writer.nodes += [placeholder("x", I32), placeholder("p", np.bool_)]
    zero = writer.const(0)
    result = writer.cond("p", "x", lambda w, v, p: w.add("FloorDiv", v, zero), lambda w, v, p: w.add("Identity", v))
    session = Session.from_graph_def(graph(*writer.nodes))
    assert session.run([result], {"x:0": np.array(7, I32), "p:0": np.array(False)})[0] == 7
    with pytest.raises(InvalidArgumentError):
        session.run([result], {"x:0": np.array(7, I32), "p:0": np.array(True)})


def test_a_dead_result_is_an_error_still() -> None:
    writer = Writer()
    writer.nodes += [placeholder("x", I32), placeholder("p", np.bool_)]
    switch = writer.add("Switch", "x", "p")
    proto = graph(*writer.nodes)
    assert (
        lower(Graph(proto).body([f"{switch}:1"], ["x:0", "p:0"]), Graph(proto), lambda loop: lambda *args: args) is None
    )
    session = Session.from_graph_def(proto)
    assert session.run([f"{switch}:1"], {"x:0": np.array(7, I32), "p:0": np.array(True)})[0] == 7
    with pytest.raises(InvalidArgumentError, match="does not have value"):
        session.run([f"{switch}:1"], {"x:0": np.array(7, I32), "p:0": np.array(False)})


def test_a_merge_of_two_predicates_is_left_to_the_frames() -> None:
    nodes = [
        placeholder("x", I32), placeholder("p", np.bool_), placeholder("q", np.bool_),
        node("a", "Switch", "x", "p", T=I32), node("b", "Switch", "x", "q", T=I32),
        node("m", "Merge", "a:0", "b:1", T=I32, N=2),
    ]  # fmt: skip
    proto = graph(*nodes)
    feeds = {"x:0": np.array(7, I32), "p:0": np.array(True), "q:0": np.array(True)}
    assert lower(Graph(proto).body(["m"], list(feeds)), Graph(proto), lambda loop: lambda *args: args) is None
    assert Session.from_graph_def(proto).run(["m:0", "m:1"], feeds)[1] == 1
