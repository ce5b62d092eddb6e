"""What the executor itself costs, each figure in a process of its own.

`python -m benchmarks.executor NAME [ARGUMENT…]` prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.model import open_session
from smcli.proto.graph_pb2 import GraphDef
from smcli.runtime.session import Session
from smcli.savedmodel import read_saved_model
from tests import graphs

SERVING = "serving_default"


def _chain(length: int) -> GraphDef:
    """x + 1 + 1 …, `length` ops that no rewrite can fold."""
    nodes = [graphs.placeholder("n0"), graphs.const("one", 1.0)]
    nodes += [graphs.node(f"n{i + 1}", "AddV2", f"n{i}", "one", T=np.float32) for i in range(length)]
    return graphs.graph(*nodes)


def step() -> dict[str, float]:
    """Microseconds a step of a graph of 10,000 scalar ops, beside the ops themselves in a plain loop."""
    length = 10_000
    session = Session.from_graph_def(_chain(length))
    feeds = {"n0:0": np.array(0, np.float32)}
    fetches = [f"n{length}:0"]
    for _ in range(3):
        session.run(fetches, feeds)
    one = np.array(1, np.float32)
    ran, bare = [], []
    for _ in range(15):
        start = time.perf_counter()
        session.run(fetches, feeds)
        ran.append(time.perf_counter() - start)
        value: Any = feeds["n0:0"]
        start = time.perf_counter()
        for _ in range(length):
            value = np.add(value, one)
        bare.append(time.perf_counter() - start)
    whole, ops = float(np.median(ran)) / length * 1e6, float(np.median(bare)) / length * 1e6
    return {"us_per_step": whole, "us_per_op": ops, "overhead_us": whole - ops}


def loop() -> dict[str, float]:
    """Iterations a second of `while i < n: i += 1`."""
    count = 200_000
    session = Session.from_graph_def(graphs.counting_loop())
    feeds = {"n:0": np.array(count, np.int32)}
    session.run(["out:0"], {"n:0": np.array(10, np.int32)})
    took = []
    for _ in range(3):
        start = time.perf_counter()
        (result,) = session.run(["out:0"], feeds)
        took.append(time.perf_counter() - start)
    assert int(result) == count
    return {"per_second": count / float(np.median(took))}


def planning() -> dict[str, float]:
    """Seconds from a GraphDef of 50,000 and of 100,000 nodes in one chain to the first answer."""
    seconds = {}
    for length in (50_000, 100_000):
        graph_def = _chain(length)
        start = time.perf_counter()
        Session.from_graph_def(graph_def).run([f"n{length}:0"], {"n0:0": np.array(0, np.float32)})
        seconds[length] = time.perf_counter() - start
    return {"seconds": seconds[100_000], "growth": seconds[100_000] / seconds[50_000]}


def memory(directory: str, inputs: str) -> dict[str, float]:
    """MiB of the weights that the signature uses (read from disk, and in the graph) and of the largest set of live
    activations, the inputs among them."""
    from benchmarks.worker import read_inputs
    from smcli.kernels.context import Variable
    from smcli.runtime.profile import Recorder

    meta_graph = read_saved_model(directory).find("serve")
    signature = meta_graph.signatures[SERVING]
    feeds = {signature.inputs[key].name: value for key, value in read_inputs(inputs).items()}
    names = [signature.outputs[key].name for key in sorted(signature.outputs)]
    session = open_session(meta_graph)
    recorder = Recorder()
    session.observe = recorder.wrap
    session.run(names, feeds)
    variables = session.resources.of_type(Variable)
    weights = sum(one.value.nbytes for one in variables if isinstance(one.value, np.ndarray))
    graph = os.path.getsize(os.path.join(directory, "saved_model.pb"))
    fed = sum(value.nbytes for value in feeds.values())
    return {"weights": (weights + graph) / 2**20, "activations": (recorder.peak_bytes + fed) / 2**20}


def first(directory: str, inputs: str) -> dict[str, float]:
    """Peak MiB of a process that loads a model and runs it once."""
    from benchmarks.worker import load_smcli, read_inputs

    start = time.perf_counter()
    load_smcli(directory)(read_inputs(inputs))
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "mib": _peak()}


def _peak() -> float:
    """The largest MiB that this process has taken. getrusage may count those of the process that it came from."""
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


MEASUREMENTS: dict[str, Callable[..., dict[str, float]]] = {
    "step": step,
    "loop": loop,
    "planning": planning,
    "memory": memory,
    "first": first,
}

if __name__ == "__main__":
    print(json.dumps(MEASUREMENTS[sys.argv[1]](*sys.argv[2:])))
