"""Structure-aware mutation of whole models: `python fuzz/models.py --count N`.

Seeds are the small SavedModels of fixtures/models and the recorded graphs of fixtures/ops. What is mutated is what
stands in them: ops, inputs, attrs, constants, functions, and what is fed. smcli may answer or raise an SmcliError. A
finding is any other exception, a crash of the process, an input that takes longer than a few seconds or more memory
than it may; loops of a model that do not end are left to `--timeout`. Inputs run in processes forked for a batch, so
that a crash ends only one of them. Input K depends on `--seed` and K alone: `--only K` makes it again.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import os
import random
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.mutate import mutate
from smcli.errors import SmcliError
from smcli.graph.binding import functions_of
from smcli.graph.graph import Graph
from smcli.inputs.names import check_feed, check_fetch
from smcli.kernels.index import MODULE_OF_OP
from smcli.model import ModelFiles, restore_variables, run_init_op
from smcli.proto.graph_pb2 import AttrValue, FunctionDef, GraphDef, NodeDef
from smcli.proto.tensor_pb2 import TensorProto
from smcli.runtime.session import Session
from smcli.savedmodel import MetaGraph, read_saved_model
from smcli.tensors import wire
from smcli.tensors.types import from_numpy
from tests import recorded

FIXTURES = Path(__file__).parents[1] / "fixtures"
MODELS = sorted(path.stem for path in (FIXTURES / "answers").glob("*.json"))
MAX_SECONDS = 5.0  # of work; a busy machine may take longer over it
MAX_WAIT = 120.0
ALARMS = (signal.SIGPROF, signal.SIGALRM)
MAX_GROWTH = 1500 * 2**10  # kB that one input may add to the largest size of the process
MEMORY = 4 * 2**30
# A slow input that is in one of these is a loop of the model; the last two go round as often as an attr or input says.
LOOPS = ("control_flow.py", "frames.py", "loops.py", "clusters.py", "index_shuffle.py")
_SIZES = [-(2**63), -(2**31), -2, -1, 0, 1, 2, 3, 7, 64, 1000, 2**16, 2**31 - 1, 2**31, 2**32, 2**40, 2**62, 2**63 - 1]
_FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 1e-38, 1e38, -1e38, float("inf"), float("-inf"), float("nan")]
_TEXTS = [b"", b"\0", b"\xff\xfe", b"%s", b"../x", b"(((((", b"SAME", b"VALID", b"NHWC", b"linear", b"x" * 5000]


@dataclass(frozen=True)
class Seed:
    """A graph and one way to run it. meta_graph: the SavedModel it stands in, if it does. used: the names of the nodes
    and functions that this way of running it needs."""

    name: str
    graph: bytes
    feeds: dict[str, np.ndarray]
    fetches: list[str]
    targets: list[str]
    init: list[str]
    meta_graph: MetaGraph | None
    used: frozenset[str]


def _used(graph_def: GraphDef, fetches: Sequence[str], feeds: Sequence[str]) -> frozenset[str]:
    graph = Graph(graph_def)
    bodies = [graph.body(fetches, feeds)]
    used: set[str] = set()
    while bodies:
        for node in bodies.pop().nodes:
            used.add(node.name)
            for ref in functions_of(node, graph):
                if ref.name not in used:
                    used.add(ref.name)
                    bodies.append(graph.function_body(ref))
    return frozenset(used)


@cache
def model_seeds(name: str) -> list[Seed]:
    """The recorded calls of one SavedModel of fixtures/models."""
    seeds = []
    for line in json.loads((FIXTURES / "answers" / f"{name}.json").read_text()):
        meta_graph = read_saved_model(FIXTURES / "models" / name).find(line["tags"])
        signature = meta_graph.signatures[line["signature"]]
        feeds = {signature.inputs[key].name: recorded.tensor(text) for key, text in line["inputs"].items()}
        fetches = [signature.outputs[key].name for key in sorted(line["outputs"])]
        graph = meta_graph.graph_def()
        used = _used(graph, fetches, list(feeds))
        text = graph.SerializeToString()
        seeds.append(Seed(f"{name}/{line['signature']}", text, feeds, fetches, [], [], meta_graph, used))
    return seeds


@cache
def op_seeds(family: str) -> list[Seed]:
    """The recorded cases of one family of ops."""
    return [
        Seed(f"{family}/{row.id}", row.graph, row.feeds, row.fetches, row.targets, row.init, None, frozenset())
        for row in recorded.read(family).values()
    ]


def families() -> list[str]:
    return sorted(path.name.partition(".")[0] for path in recorded.FOLDER.glob("*.jsonl.xz"))


# Mutations


class Mutator:
    """Makes small changes to one graph."""

    def __init__(self, graph: GraphDef, used: frozenset[str], rng: random.Random) -> None:
        """used: what is changed most often; all of it when empty."""
        self.graph = graph
        self.used = used
        self.rng = rng

    def pick(self, items: Any) -> Any:
        """One of the nodes or functions, most often one that is used."""
        if self.used and self.rng.random() < 0.8:
            names = [item.name if isinstance(item, NodeDef) else item.signature.name for item in items]
            items = [item for item, name in zip(items, names) if name in self.used] or items
        return self.rng.choice(items)

    def change(self) -> None:
        """One change somewhere."""
        rng = self.rng
        functions = self.graph.library.function
        if functions and rng.random() < 0.15:
            self.change_function(self.pick(functions))
            return
        nodes = self.pick(functions).node_def if functions and rng.random() < 0.8 else self.graph.node
        if nodes:
            self.change_node(nodes)

    def change_node(self, nodes: Any) -> None:
        rng = self.rng
        node: NodeDef = self.pick(nodes)
        kind = rng.randrange(12)
        if kind == 0:
            node.op = self.other_op(nodes)
        elif kind == 1 and len(node.input):
            del node.input[rng.randrange(len(node.input))]
        elif kind == 2:
            node.input.insert(rng.randrange(len(node.input) + 1), self.edge(nodes))
        elif kind == 3 and len(node.input):
            node.input[rng.randrange(len(node.input))] = self.edge(nodes)
        elif kind == 4 and len(node.input) > 1:
            inputs = list(node.input)
            rng.shuffle(inputs)
            node.input[:] = inputs
        elif kind == 5 and rng.random() < 0.3:
            if rng.random() < 0.5:
                nodes.remove(node)
            else:
                node.name = rng.choice(nodes).name
        elif kind == 6 and node.attr:
            del node.attr[rng.choice(sorted(node.attr))]
        elif kind == 7 and node.attr:
            other = rng.choice(nodes)
            if other.attr:
                node.attr[rng.choice(sorted(node.attr))].CopyFrom(other.attr[rng.choice(sorted(other.attr))])
        elif kind in (8, 9) and node.attr:
            self.change_attr(node.attr[rng.choice(sorted(node.attr))])
        else:
            constants = [node for node in nodes if node.op == "Const" and node.attr["value"].HasField("tensor")]
            if constants:
                tensor = rng.choice(constants).attr["value"].tensor
                if rng.random() < 0.7:
                    self.change_values(tensor)
                else:
                    self.change_tensor(tensor)

    def other_op(self, nodes: Any) -> str:
        return str(self.rng.choice([self.rng.choice(nodes).op, self.rng.choice(sorted(MODULE_OF_OP))]))

    def edge(self, nodes: Any) -> str:
        """A reference to some output, most often one that is there."""
        rng = self.rng
        other = rng.choice(nodes)
        present = rng.choice(list(other.input) or [other.name])
        return str(rng.choice([other.name, present, present, f"{other.name}:{rng.randrange(3)}", "^" + other.name]))

    def change_attr(self, value: AttrValue) -> None:
        rng = self.rng
        kind = value.WhichOneof("value")
        if kind is None or rng.random() < 0.1:
            kind = rng.choice(["i", "f", "b", "s", "type", "shape", "tensor", "func", "placeholder", "list"])
        if kind == "i":
            value.i = rng.choice(_SIZES)
        elif kind == "f":
            value.f = rng.choice(_FLOATS)
        elif kind == "b":
            value.b = not value.b
        elif kind == "s":
            value.s = rng.choice(_TEXTS)
        elif kind == "type":
            value.type = self.data_type()
        elif kind == "shape":
            self.change_shape(value.shape)
        elif kind == "tensor":
            self.change_tensor(value.tensor)
        elif kind == "placeholder":
            value.placeholder = "T"
        elif kind == "func":
            self.change_call(value)
        else:
            self.change_list(value)

    def data_type(self) -> Any:
        rng = self.rng
        return rng.choice([rng.randrange(1, 24), rng.randrange(0, 33), rng.choice([0, 99, 101, 120, -1, 2**31 - 1])])

    def change_call(self, value: AttrValue) -> None:
        rng = self.rng
        names = [function.signature.name for function in self.graph.library.function]
        value.func.name = rng.choice([*names, *names, "nowhere", ""])
        if rng.random() < 0.2:
            value.func.attr["T"].type = self.data_type()

    def change_list(self, value: AttrValue) -> None:
        rng = self.rng
        lists = [items for _, items in value.list.ListFields()]
        if not lists:
            value.list.i.append(rng.choice(_SIZES))
            return
        items = rng.choice(lists)
        kind = rng.randrange(4)
        at = rng.randrange(len(items))
        if kind == 0:
            del items[at]
        elif kind == 1:
            items.extend(list(items)[: rng.choice([1, 1, 1000])])
        elif items is value.list.i:
            items[at] = rng.choice(_SIZES)
        elif items is value.list.type:
            items[at] = self.data_type()
        elif items is value.list.f:
            items[at] = rng.choice(_FLOATS)
        elif items is value.list.s:
            items[at] = rng.choice(_TEXTS)
        elif items is value.list.shape:
            self.change_shape(items[at])
        else:
            del items[:]

    def change_shape(self, shape: Any) -> None:
        rng = self.rng
        kind = rng.randrange(4)
        if kind == 0:
            shape.unknown_rank = not shape.unknown_rank
        elif kind == 1 or not shape.dim:
            for _ in range(rng.choice([1, 1, 2, 40])):
                shape.dim.add(size=rng.choice(_SIZES))
        elif kind == 2:
            rng.choice(shape.dim).size = rng.choice(_SIZES)
        else:
            del shape.dim[rng.randrange(len(shape.dim))]

    def change_tensor(self, tensor: TensorProto) -> None:
        rng = self.rng
        kind = rng.randrange(4)
        if kind == 0:
            self.change_shape(tensor.tensor_shape)
        elif kind == 1:
            tensor.dtype = self.data_type()
        elif kind == 2:
            tensor.tensor_content = tensor.tensor_content[: rng.randrange(len(tensor.tensor_content) + 1)]
        else:
            tensor.int_val.append(rng.choice([-1, 0, 1, 2**31 - 1]))

    def change_values(self, tensor: TensorProto) -> None:
        """Other values, or another shape, in a constant that stays well-formed."""
        try:
            array = changed_array(wire.from_proto(tensor), self.rng)
        except (SmcliError, ValueError, MemoryError):
            return
        tensor.CopyFrom(wire.to_proto(array, from_numpy(array.dtype)))

    def change_function(self, function: FunctionDef) -> None:
        rng = self.rng
        kind = rng.randrange(9)
        signature = function.signature
        if kind == 0 and function.ret:
            function.ret[rng.choice(sorted(function.ret))] = self.function_edge(function)
        elif kind == 1 and function.ret:
            del function.ret[rng.choice(sorted(function.ret))]
        elif kind == 2 and function.control_ret:
            function.control_ret[rng.choice(sorted(function.control_ret))] = self.function_edge(function)
        elif kind == 3 and signature.input_arg:
            del signature.input_arg[rng.randrange(len(signature.input_arg))]
        elif kind == 4 and signature.output_arg:
            del signature.output_arg[rng.randrange(len(signature.output_arg))]
        elif kind == 5:
            signature.name = rng.choice(self.graph.library.function).signature.name
        elif kind == 6 and signature.input_arg:
            arg = rng.choice(signature.input_arg)
            arg.number_attr = rng.choice(["N", "T", ""])
            arg.type = self.data_type()
        elif kind == 7 and function.node_def:
            node = rng.choice(function.node_def)
            node.op = rng.choice(self.graph.library.function).signature.name
        elif function.node_def:
            node = rng.choice(function.node_def)
            node.input.append(self.function_edge(function))

    def function_edge(self, function: FunctionDef) -> str:
        """A reference as functions write them."""
        rng = self.rng
        args = [arg.name for arg in function.signature.input_arg]
        edges = [text for node in function.node_def for text in node.input] + list(function.ret.values())
        names = [node.name for node in function.node_def]
        return str(rng.choice([rng.choice(choices) for choices in (args, edges, names) if choices] + ["none", ""]))


def changed_array(array: np.ndarray, rng: random.Random) -> np.ndarray:
    """The array with another value, shape or dtype."""
    kind = rng.randrange(11)
    if kind == 10:
        return empty_array(array, rng)
    if array.dtype != object and kind < 5 and array.size:
        result = array.copy()
        at = rng.randrange(result.size)
        values = _SIZES if result.dtype.kind in "iu" else _FLOATS
        with np.errstate(all="ignore"):
            result.reshape(-1)[at] = np.array(rng.choice(values)).astype(result.dtype)
        return result
    if array.dtype == object and kind < 5 and array.size:
        result = array.copy()
        at = rng.randrange(result.size)
        text = result.reshape(-1)[at]
        known = isinstance(text, bytes) and rng.random() < 0.8
        result.reshape(-1)[at] = mutate(text, [*_TEXTS, text], rng) if known else rng.choice(_TEXTS)
        return result
    if kind == 5:
        return array.reshape(-1)[: rng.randrange(array.size + 1)]
    if kind == 6:
        return array[np.newaxis] if rng.random() < 0.5 else array.reshape(*array.shape, 1)
    if kind == 7:
        return array.reshape(-1)[0] if array.size and array.dtype != object else array[..., :0] if array.ndim else array
    if kind == 8 and array.ndim:
        shape = list(array.shape)
        shape[rng.randrange(len(shape))] = rng.choice([0, 1, 2, 3, 17])
        if array.size:
            return np.resize(array, shape)
        return np.full(shape, b"" if array.dtype == object else 0, array.dtype)
    return np.ones(array.shape, rng.choice([np.float32, np.int32, np.int64, np.bool_, np.complex64, np.uint8]))


def empty_array(array: np.ndarray, rng: random.Random) -> np.ndarray:
    """No elements, but dimensions that may be huge."""
    shape = [rng.choice([0, 1, 3, 2**31, 2**40, 2**56]) for _ in array.shape] or [0]
    shape[rng.randrange(len(shape))] = 0
    while max(shape) > 2**31 and sum(size > 3 for size in shape) > 1:  # NumPy multiplies what is not 0
        shape[shape.index(max(shape))] = 3
    return np.zeros(shape, array.dtype)


def mutated(seed: Seed, rng: random.Random) -> tuple[GraphDef, dict[str, np.ndarray]]:
    """One to four changes of a seed's graph and feeds."""
    graph = GraphDef.FromString(seed.graph)
    mutator = Mutator(graph, seed.used, rng)
    feeds = dict(seed.feeds)
    for _ in range(min(4, 1 + int(rng.expovariate(0.8)))):
        if feeds and rng.random() < (0.15 if seed.meta_graph is not None else 0.6):
            key = rng.choice(sorted(feeds))
            with contextlib.suppress(ValueError, MemoryError):  # no such array can be made
                feeds[key] = np.asarray(changed_array(feeds[key], rng))
        else:
            mutator.change()
    return graph, feeds


# Running


def run(seed: Seed, graph_def: GraphDef, feeds: dict[str, np.ndarray]) -> None:
    """What `smcli run` does with a model, from its graph on."""
    graph = Graph(graph_def)
    if seed.meta_graph is not None:
        session = Session(graph, ModelFiles(seed.meta_graph.directory))
        restore_variables(session, seed.meta_graph)
        run_init_op(session, seed.meta_graph)
    else:
        session = Session(graph)
    if seed.init:
        session.run([], {}, seed.init)
    for name in feeds:
        check_feed(graph, name)
        session.placeholder(name)
    for name in seed.fetches:
        check_fetch(graph, name)
    for _ in range(2):
        session.run(seed.fetches, feeds, seed.targets)


def outcome_of(seed: Seed, graph: GraphDef, feeds: dict[str, np.ndarray]) -> str:
    """What became of one mutation: "answered", "refused", "no memory: …", or the finding's text."""
    try:
        run(seed, graph, feeds)
        return "answered"
    except SmcliError as error:
        return f"no memory: {error}" if "Out of memory" in str(error) else "refused"
    except Exception:
        return traceback.format_exc()


def pick(names: Sequence[str], seed: int, number: int) -> tuple[Seed, random.Random]:
    """The seed and the source of chance of input `number`."""
    rng = random.Random(f"{seed}/{number}")
    name = rng.choice(names)
    return rng.choice(model_seeds(name) if name in MODELS else op_seeds(name)), rng


def run_batch(names: Sequence[str], seed: int, numbers: Sequence[int], log: Path) -> None:
    """Run inputs in this process, noting each before it runs and what became of it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    with log.open("a", buffering=1) as file:
        faulthandler.enable(file)
        # The alarms are handled in the thread that is stuck: another thread can not look at its frames safely.
        for number in ALARMS:
            faulthandler.register(number, file, all_threads=False, chain=True)
        for number in numbers:
            chosen, rng = pick(names, seed, number)
            graph, feeds = mutated(chosen, rng)
            file.write(json.dumps([number, chosen.name]) + "\n")
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
            signal.setitimer(signal.ITIMER_REAL, MAX_WAIT)
            outcome = outcome_of(chosen, graph, feeds)
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.setitimer(signal.ITIMER_PROF, 0)
            growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            if growth > MAX_GROWTH:
                outcome = f"took {growth // 2**10} MB of memory"
            file.write(json.dumps([number, chosen.name, outcome]) + "\n")


@dataclass(frozen=True)
class Finding:
    number: int
    seed: str
    text: str

    def __str__(self) -> str:
        return f"--only {self.number} ({self.seed})\n{self.text}\n"


def search(names: Sequence[str], seed: int, numbers: Sequence[int]) -> tuple[dict[str, int], list[Finding]]:
    """Run inputs in forked processes. Counts of what became of them, and the findings."""
    for module in sorted(set(MODULE_OF_OP.values())):  # once, not in each child
        with contextlib.suppress(ImportError):  # of an extra that is not installed
            import_module(module)
    counts = {"answered": 0, "refused": 0, "no memory": 0, "loops": 0}
    findings: list[Finding] = []
    left = list(numbers)
    while left:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            log.touch()
            batch = left[:200]
            child = os.fork()
            if child == 0:
                try:
                    run_batch(names, seed, batch, log)
                    os._exit(0)
                except BaseException:  # nothing of the parent may run on in the child
                    traceback.print_exc()
                finally:
                    os._exit(1)
            _, status = os.waitpid(child, 0)
            known = len(findings)
            done = _read_log(log.read_text(errors="replace"), status, counts, findings)
            for finding in findings[known:]:
                print(f"FINDING --seed {seed} {finding}", flush=True)
            if not done:
                raise RuntimeError(f"no input ran: {log.read_text(errors='replace')}")
            left = left[done:]
    return counts, findings


def _read_log(text: str, status: int, counts: dict[str, int], findings: list[Finding]) -> int:
    """Sort the lines of one batch's log; the number of inputs that it deals with."""
    begun: tuple[int, str] | None = None
    done = 0
    rest = []
    for line in text.splitlines():
        if not line.startswith("["):
            rest.append(line)
            continue
        row = json.loads(line)
        if len(row) == 2:
            begun = (row[0], row[1])
            done += 1
            continue
        begun = None
        kind, colon, _ = row[2].partition(": ")
        if kind in counts:
            counts[kind] += 1
            if colon:
                print(f"SHORT OF MEMORY {row}", flush=True)
        else:
            findings.append(Finding(*row))
    if begun is not None:
        dump = "\n".join(rest)
        ended = os.waitstatus_to_exitcode(status)
        if -ended in ALARMS and any(name in dump for name in LOOPS):
            counts["loops"] += 1
        else:
            findings.append(Finding(*begun, f"ended by {ended}\n{dump}"))
    return done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", nargs="*", help="models of fixtures/models and families of fixtures/ops; all")
    parser.add_argument("--count", type=int, default=2000, help="number of inputs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one input to run again, in this process")
    options = parser.parse_args()
    names = options.names or [*MODELS, *families()]
    if options.only is not None:
        chosen, rng = pick(names, options.seed, options.only)
        graph, feeds = mutated(chosen, rng)
        run(chosen, graph, feeds)
        return 0
    counts, findings = search(names, options.seed, range(options.count))
    print(f"{options.count} inputs: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    return 1 if findings else 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())
