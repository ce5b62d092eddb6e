"""Saves random programs, many to a SavedModel, and compares what smcli answers to their signatures with TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from smcli.errors import SmcliError
from smcli.model import open_session
from smcli.savedmodel import read_saved_model
from tests.compare import difference
from tests.parity.conftest import tensorflow_answer
from tests.parity.random_programs import Program, as_array, plan
from tests.parity.steps import OPS

# Programs chain up to 40 steps, each of which may lose a few units of rounding of its largest value.
RTOL, ATOL = 1e-4, 1e-5


def _caller(tf: Any, module: Any, program: Program) -> Callable[..., dict[str, Any]]:
    def call(*values: Any) -> dict[str, Any]:
        return {f"y{i:03}": y for i, y in enumerate(program(tf, module, list(values)))}

    return call


def _spec(tf: Any, array: np.ndarray, name: str) -> Any:
    """Of unknown sizes, but for the channels of images, which convolutions must know."""
    shape = [None] * array.ndim if array.ndim < 4 else [None, None, None, array.shape[3]]
    return tf.TensorSpec(shape, tf.string if array.dtype == object else tf.as_dtype(array.dtype), name=name)


def save(tf: Any, directory: Path | str, seeds: list[int], steps: int) -> dict[str, Program]:
    """A SavedModel with a signature `s<seed>` for each program that TensorFlow could trace."""

    class Module(tf.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.variables_by_key: dict[str, Any] = {}
            self.tables_by_key: dict[str, Any] = {}
            self.others_by_key: dict[str, Any] = {}

        def variable(self, key: str, start: np.ndarray) -> Any:
            if key not in self.variables_by_key:
                with tf.init_scope():
                    self.variables_by_key[key] = tf.Variable(start, name=key)
            return self.variables_by_key[key]

        def table(self, key: str, keys: list[Any], values: list[int]) -> Any:
            if key not in self.tables_by_key:
                with tf.init_scope():
                    typed = tf.constant(keys, tf.string if isinstance(keys[0], str) else tf.int64)
                    start = tf.lookup.KeyValueTensorInitializer(typed, tf.constant(values, tf.int64))
                    self.tables_by_key[key] = tf.lookup.StaticHashTable(start, -1)
            return self.tables_by_key[key]

        def resource(self, key: str, make: Callable[[], Any]) -> Any:
            if key not in self.others_by_key:
                with tf.init_scope():
                    self.others_by_key[key] = make()
            return self.others_by_key[key]

    module = Module()
    programs, signatures = {}, {}
    for seed in seeds:
        program = plan(tf, module, seed, OPS, steps)
        specs = [_spec(tf, array, f"x{i}") for i, array in enumerate(program.inputs)]
        traced = tf.function(_caller(tf, module, program), input_signature=specs, autograph=False)
        try:
            signatures[f"s{seed}"] = traced.get_concrete_function()
        except (ValueError, TypeError, NotImplementedError, tf.errors.OpError):
            continue  # what needs static shapes works eagerly only
        programs[f"s{seed}"] = program
    tf.saved_model.save(module, str(directory), signatures)
    return programs


def _misfit(got: list[np.ndarray], want: list[np.ndarray], names: list[str]) -> str | None:
    for name, a, b in zip(names, got, want, strict=True):
        # Sums that should cancel leave something or nothing, by their order.
        scale = float(np.max(np.abs(b), initial=1e-6)) if b.dtype.kind == "f" else 0.0
        problem = difference(a, b, RTOL, ATOL * scale)
        if problem is not None:
            return f"{name}: {problem}"
    return None


def _refuses(directory: Path | str, key: str, inputs: dict[str, np.ndarray], error: str) -> bool:
    """Whether TensorFlow refuses to run the saved graph too, with an error of that name: it is not always as its own
    answers of planning."""
    import tensorflow as tf

    try:
        tensorflow_answer(str(directory), "serve", key, inputs)
    except tf.errors.OpError as refusal:
        return type(refusal).__name__ == error
    return False


def differences(directory: Path | str, programs: dict[str, Program], without: str = "") -> Iterator[str]:
    """A line for each program to which smcli gives another answer; `without` names the rewrites to switch off.

    Each is run twice in one session, the second time over what the first left behind. TensorFlow's answers are those of
    planning; where smcli differs, those of the saved graph count, whose random numbers can be others.
    """
    before = os.environ.get("SMCLI_DISABLE_REWRITES")
    os.environ["SMCLI_DISABLE_REWRITES"] = without
    try:
        meta_graph = read_saved_model(directory).find("serve")
        session = open_session(meta_graph)
        for key, program in programs.items():
            signature = meta_graph.signatures[key]
            names = sorted(signature.outputs)
            inputs = {f"x{i}": array for i, array in enumerate(program.inputs) if f"x{i}" in signature.inputs}
            feeds = {signature.inputs[name].name: array for name, array in inputs.items()}
            for _ in range(2):
                try:
                    got = session.run([signature.outputs[name].name for name in names], feeds)
                except SmcliError as error:
                    if not _refuses(directory, key, inputs, type(error).__name__):
                        yield f"{key}: {type(error).__name__}: {error}"
                    break
                if _misfit(got, program.answers, names) is not None:
                    answers = tensorflow_answer(str(directory), "serve", key, inputs)
                    problem = _misfit(got, [as_array(answers[name]) for name in names], names)
                    if problem is not None:
                        yield f"{key}: {problem}"
                        break
    finally:
        if before is None:
            del os.environ["SMCLI_DISABLE_REWRITES"]
        else:
            os.environ["SMCLI_DISABLE_REWRITES"] = before
