"""One engine with one model loaded, in a process of its own: `PYTHON worker.py ENGINE MODEL INPUTS…`.

Run by the interpreter of a peer's environment, so it imports nothing of smcli unless smcli is the engine. Each INPUTS
is an .npz file. With `--once` it infers once on the first and exits: the whole process is what is timed. Without, it
answers each line `INDEX CALLS` on stdin by a line of JSON with the seconds that each call took.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

Runner = Callable[[dict[str, Any]], list[Any]]


def load_smcli(directory: str) -> Runner:
    from smcli.model import open_session
    from smcli.savedmodel import read_saved_model

    meta_graph = read_saved_model(directory).find("serve")
    signature = meta_graph.signatures["serving_default"]
    session = open_session(meta_graph)
    names = [signature.outputs[key].name for key in sorted(signature.outputs)]
    return lambda inputs: session.run(names, {signature.inputs[key].name: value for key, value in inputs.items()})


def load_tensorflow(directory: str) -> Runner:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(2)
    try:
        model = tf.saved_model.load(directory)
    except AttributeError:  # Keras objects of a version that is gone; sessions do not look at them
        return _tensorflow_session(tf, directory)
    function = model.signatures["serving_default"]

    def run(inputs: dict[str, Any]) -> list[Any]:
        _ = model  # it holds the variables
        outputs = function(**{key: tf.constant(value) for key, value in inputs.items()})
        return [outputs[key].numpy() for key in sorted(outputs)]

    return run


def _tensorflow_session(tf: Any, directory: str) -> Runner:
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        meta_graph = tf.compat.v1.saved_model.loader.load(session, ["serve"], directory)
    signature = meta_graph.signature_def["serving_default"]
    keys = sorted(signature.inputs)
    fetches = [signature.outputs[key].name for key in sorted(signature.outputs)]
    call = session.make_callable(fetches, [signature.inputs[key].name for key in keys])
    return lambda inputs: call(*[inputs[key] for key in keys])


def load_openvino(directory: str) -> Runner:
    import openvino

    core = openvino.Core()
    core.set_property("CPU", {"INFERENCE_NUM_THREADS": 2, "PERFORMANCE_HINT": "LATENCY"})
    compiled = core.compile_model(core.read_model(directory), "CPU")
    keys = [port.get_any_name() for port in compiled.inputs]
    ports: dict[frozenset[str], dict[str, str]] = {}

    def run(inputs: dict[str, Any]) -> list[Any]:
        match = ports.setdefault(frozenset(inputs), _matched(inputs, keys))
        results = compiled({match[key]: value for key, value in inputs.items()})
        return [results[port] for port in compiled.outputs]

    return run


def load_onnxruntime(file: str) -> Runner:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    keys = [one.name for one in session.get_inputs()]
    outputs = [one.name for one in session.get_outputs()]
    ports: dict[frozenset[str], dict[str, str]] = {}

    def run(inputs: dict[str, Any]) -> list[Any]:
        match = ports.setdefault(frozenset(inputs), _matched(inputs, keys))
        return session.run(outputs, {match[key]: value for key, value in inputs.items()})

    return run


def _matched(inputs: dict[str, Any], keys: list[str]) -> dict[str, str]:
    """The signature's keys to the engine's names, which may have a prefix or a suffix of the engine's own."""
    if len(inputs) == 1 == len(keys):
        return {next(iter(inputs)): keys[0]}
    found = {}
    for key in inputs:
        found[key] = next((k for k in keys if k == key), None) or next(k for k in keys if key in k)
    return found


LOADERS = {
    "smcli": load_smcli,
    "tensorflow": load_tensorflow,
    "openvino": load_openvino,
    "onnxruntime": load_onnxruntime,
}


def read_inputs(file: str) -> dict[str, Any]:
    import numpy as np

    with np.load(file) as found:
        return {key: found[key].astype(object) if found[key].dtype.kind == "S" else found[key] for key in found.files}


def checksum(outputs: list[Any]) -> float:
    """A number by which wrong outputs show: the sum of the sizes of all finite numbers in them."""
    import numpy as np

    arrays = [np.asarray(value) for value in outputs]
    return float(sum(np.abs(np.nan_to_num(a.astype(np.float64))).sum() for a in arrays if a.dtype.kind in "fiub"))


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if argument != "--once"]
    engine, model, *files = arguments
    run = LOADERS[engine](model)
    inputs = [read_inputs(file) for file in files]
    if "--once" in sys.argv:
        run(inputs[0])
        return
    sums = [checksum(run(one)) for one in inputs]
    print(json.dumps(sums), flush=True)
    for line in sys.stdin:
        index, calls = map(int, line.split())
        seconds = []
        for _ in range(calls):
            start = time.perf_counter()
            run(inputs[index])
            seconds.append(time.perf_counter() - start)
        print(json.dumps(seconds), flush=True)


if __name__ == "__main__":
    main()
