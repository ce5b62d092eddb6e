"""Runs case tables in TensorFlow and writes what came out: `python -m tests.parity.record [FAMILY…]`."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

from smcli.graph.schema import find_schema
from tests import cases, recorded
from tests.cases import Case, Typed
from tests.parity import HAS_ONEDNN, VARIABLE


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _tensor(tf: Any, value: Any, dtype: Any) -> str:
    return _b64(tf.make_tensor_proto(value, dtype=dtype).SerializeToString(deterministic=True))


def _array(tf: Any, value: Any) -> tuple[Any, Any]:
    """A keyword's value as (array to feed, tf dtype)."""
    if isinstance(value, Typed):
        dtype = tf.as_dtype(value.dtype)
        array = np.ascontiguousarray(value.array)
        return (array.view(dtype.as_numpy_dtype) if array.shape else array.astype(dtype.as_numpy_dtype)), dtype
    array = np.asarray(value)
    if array.dtype.kind in "SUO":
        array = array.astype(object)
        return array, tf.string
    return array, tf.as_dtype(array.dtype)


@dataclass(frozen=True)
class Built:
    """A case as a graph: what is fed, with TensorFlow's dtypes, and what is asked for."""

    graph: Any
    init: list[Any]
    feeds: dict[str, tuple[Any, Any]]
    fetches: list[Any]
    targets: list[Any]


def build(tf: Any, row: Case) -> Built:
    """The graph of one case, its inputs fed through placeholders."""
    feeds: dict[str, tuple[Any, Any]] = {}

    def placeholder(name: str, value: Any) -> Any:
        array, dtype = _array(tf, value)
        tensor = tf.compat.v1.placeholder(dtype, shape=None, name=f"feed_{name}")
        feeds[tensor.name] = (array, dtype)
        return tensor

    graph = tf.Graph()
    with graph.as_default():
        init: list[Any] = []
        if row.build is not None:
            outputs = row.build(tf, **{name: placeholder(name, value) for name, value in row.keywords.items()})
            if isinstance(outputs, tuple) and len(outputs) == 2 and isinstance(outputs[1], list):
                outputs, init = outputs
        else:
            schema = find_schema(row.op)
            if schema is None:
                raise ValueError(f"no schema for {row.op}")
            names = {arg.name for arg in schema.inputs}
            keywords = {}
            for name, value in row.keywords.items():
                if name not in names:
                    keywords[name] = value
                elif isinstance(value, (list, tuple)):
                    keywords[name] = [placeholder(f"{name}_{i}", item) for i, item in enumerate(value)]
                else:
                    keywords[name] = placeholder(name, value)
            outputs = raw_op(tf, row.op)(**keywords)
        fetches, targets = _fetches(tf, outputs)
    return Built(graph, init, feeds, fetches, targets)


def raw_op(tf: Any, op: str) -> Any:
    """The function that adds an op to the graph. Ops of loaded libraries are not in tf.raw_ops, and have no
    defaults."""
    if hasattr(tf.raw_ops, op):
        return getattr(tf.raw_ops, op)
    from tensorflow.python.framework import op_def_library, op_def_registry

    op_def = op_def_registry.get(op)
    inferred = {name for arg in op_def.input_arg for name in (arg.type_attr, arg.number_attr, arg.type_list_attr)}
    defaults = {
        attr.name: getattr(attr.default_value, attr.default_value.WhichOneof("value"))
        for attr in op_def.attr
        if attr.HasField("default_value") and attr.name not in inferred
    }
    return partial(op_def_library.apply_op, op, **defaults)


def answer(tf: Any, row: Case) -> dict[str, Any]:
    """What TensorFlow answers to one case, as a line of the recorded file."""
    line: dict[str, Any] = {"id": row.id}
    for key in ("rtol", "atol"):
        if getattr(row, key) is not None:
            line[key] = getattr(row, key)
    built = build(tf, row)
    graph, init, feeds, fetches, targets = built.graph, built.init, built.feeds, built.fetches, built.targets
    definition = graph.as_graph_def()
    line["graph"] = _b64(definition.SerializeToString(deterministic=True))
    if init:
        line["init"] = [op.name for op in init]
    line["feeds"] = {name: _tensor(tf, array, dtype) for name, (array, dtype) in feeds.items()}
    line["fetches"] = [tensor.name for tensor in fetches]
    if targets:
        line["targets"] = [op.name for op in targets]
    digest = hashlib.sha256(repr([row.runs, sorted(line["feeds"].items()), line["fetches"]]).encode())
    line["digest"] = digest.hexdigest()[:16]
    config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=2)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = -1
    with tf.compat.v1.Session(graph=graph, config=config) as session:
        try:
            if init:
                session.run(init)
            runs = []
            for _ in range(row.runs):
                values = session.run(fetches + targets, {name: array for name, (array, _) in feeds.items()})
                runs.append([_tensor(tf, value, t.dtype) for t, value in zip(fetches, values, strict=False)])
            line["runs"] = runs
        except tf.errors.OpError as error:
            text = error.message.split("\n\t [[")[0]
            if text.startswith("Graph execution error"):  # TensorFlow puts a stack trace before the message
                text = text.rpartition("\n")[2]
            if "No OpKernel" in text or "Could not find device" in text or "not supported by" in text.lower():
                raise ValueError(f"{row.id}: TensorFlow has no CPU kernel for this case: {text[:300]}") from None
            line["error"] = type(error).__name__
            line["message"] = text[:400]
    return line


def _fetches(tf: Any, outputs: Any) -> tuple[list[Any], list[Any]]:
    """Tensors to fetch and operations to run for whatever a raw op or a builder returned."""
    if isinstance(outputs, (tf.Tensor, tf.Operation, tf.Variable)):
        outputs = [outputs]
    flat = tf.nest.flatten(outputs, expand_composites=True)
    tensors, operations = [], []
    for item in flat:
        if isinstance(item, tf.Operation):
            operations.append(item)
        elif item.dtype.base_dtype in (tf.resource, tf.variant):
            operations.append(item.op)
        else:
            tensors.append(item)
    return tensors, operations


def main(arguments: list[str]) -> None:
    """Records the families that are named, or all, those that want oneDNN in a process of their own."""
    families = [family for family in arguments or cases.families() if cases.with_onednn(family) == HAS_ONEDNN]
    others = [family for family in arguments or cases.families() if family not in families]
    if others and not HAS_ONEDNN:
        subprocess.run([sys.executable, "-m", __spec__.name, *others], check=True, env=os.environ | {VARIABLE: "1"})
    if not families:
        return
    import tensorflow as tf

    for family in families:
        lines, bad = [], []
        required = cases.requirement(family)
        if required is not None:
            if find_spec(required) is None:
                print(f"{family}: left out, {required} is not installed")
                continue
            import_module(required)
        for row in cases.load(family):
            try:
                lines.append(answer(tf, row))
            except Exception as error:
                bad.append(f"{row.id}: {type(error).__name__}: {str(error)[:500]}")
        recorded.write(family, lines)
        errors = [f"{line['id']}: {line['error']}" for line in lines if "error" in line]
        print(f"{family}: {len(lines)} recorded, {len(errors)} of them errors, {len(bad)} bad rows")
        for text in bad:
            print("  BAD", text)
        if "-v" in sys.argv:
            print("\n".join("  error " + text for text in errors))


if __name__ == "__main__":
    main([argument for argument in sys.argv[1:] if not argument.startswith("-")])
