"""Graphs frozen by smcli run in TensorFlow, with the answers of the model they came from."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from smcli.savedmodel import read_saved_model
from tests.parity.conftest import tensorflow_answer

ROOT = Path(__file__).resolve().parent.parent.parent
W = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)


def tf2_model(path: str) -> None:
    class Layer(tf.Module):
        def __init__(self) -> None:
            self.w, self.b = tf.Variable(W), tf.Variable(np.ones(4, np.float32))

        @tf.function(input_signature=[tf.TensorSpec([2, 3], tf.float32, name="x")])
        def __call__(self, x):
            y = tf.matmul(x, self.w) + self.b
            return {"y": tf.nn.relu(y), "best": tf.argmax(y, 1)}

    layer = Layer()
    tf.saved_model.save(layer, path, signatures=layer.__call__)


def tf1_model(path: str) -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [2, 3], name="x")
        w = v1.get_variable("w", initializer=tf.constant(W), use_resource=False)
        b = v1.get_variable("b", initializer=tf.ones(4), use_resource=True)
        y = tf.matmul(x, w) + b
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, path, {"x": x}, {"y": tf.nn.relu(y), "best": tf.argmax(y, 1)})


def branches_and_loops(path: str) -> None:
    """Variables that are handed to branches, bodies and functions of data pipelines; some under several names."""

    class Module(tf.Module):
        def __init__(self) -> None:
            self.w, self.c = tf.Variable(W[:, :2]), tf.Variable(3.0)

        @tf.function(input_signature=[tf.TensorSpec([2, 3], tf.float32, name="x")])
        def __call__(self, x):
            branch = tf.cond(tf.reduce_sum(x) > 0, lambda: x @ self.w, lambda: tf.zeros([2, 2]) + self.c)
            total = tf.zeros([2, 2])
            for i in tf.range(3):
                if i % 2 == 0:
                    total += x @ self.w
                else:
                    total += self.c + tf.gather(self.w, 1)
            picked = tf.switch_case(tf.size(x) - 5, [lambda: self.c, lambda: self.w[1, 1], lambda: self.c + 1])
            rows = tf.map_fn(lambda row: tf.reduce_sum(row) * self.c, x)
            data = tf.data.Dataset.range(3).map(lambda i: tf.cast(i, tf.float32) * self.c)
            streamed = data.reduce(0.0, lambda a, b: a + b)
            return {"y": branch, "total": total, "picked": picked, "best": tf.argmax(rows), "streamed": streamed}

    module = Module()
    tf.saved_model.save(module, path, signatures=module.__call__)


@pytest.mark.parametrize("build", [tf1_model, tf2_model, branches_and_loops])
def test_a_frozen_graph_answers_as_its_model(build: Callable[[str], None], tmp_path: Path) -> None:
    model, frozen = tmp_path / "model", tmp_path / "frozen"
    build(str(model))
    arguments = ["freeze_model", "--dir", str(model), "--tag_set", "serve", "--output_prefix", str(frozen)]
    subprocess.run([sys.executable, "-m", "smcli", *arguments], check=True, cwd=ROOT)
    signature = read_saved_model(model).find("serve").signatures["serving_default"]
    inputs = {"x": np.random.default_rng(1).standard_normal((2, 3)).astype(np.float32)}
    want = tensorflow_answer(str(model), "serve", "serving_default", inputs)

    definition = tf.compat.v1.GraphDef.FromString((frozen / "frozen_graph.pb").read_bytes())
    assert not {node.op for node in definition.node} & {"VarHandleOp", "VariableV2", "ReadVariableOp"}
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.import_graph_def(definition, name="")
        got = session.run(
            {key: info.name for key, info in signature.outputs.items()}, {signature.inputs["x"].name: inputs["x"]}
        )
    assert got.keys() == want.keys() >= {"best", "y"}
    for key, value in want.items():
        np.testing.assert_array_equal(got[key], value)
