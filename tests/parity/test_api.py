"""smcli.load beside tf.saved_model.load: every trace of every function of the fixture models, on made-up arguments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import smcli
from smcli import errors
from smcli.api import ConcreteFunction, RestoredFunction
from smcli.api.structure import data_type
from smcli.savedmodel.structured import NamedTuple, TensorSpec, TypeSpec
from tests.compare import difference
from tests.models.test_recorded_models import FIXTURES
from tests.parity.conftest import load_ops_of

MODELS = sorted(path.name for path in (FIXTURES / "models").iterdir() if not path.name.endswith("_tf1"))
DRAWN = {"random"}  # its functions draw numbers without a seed


def argument(spec: Any, rng: np.random.Generator) -> Any:
    """A value that fits a signature. Raises NotImplementedError for composite tensors, which tests/api covers."""
    match spec:
        case TensorSpec():
            shape = [2 if dim is None else dim for dim in ((2,) if spec.shape.dims is None else spec.shape.dims)]
            dtype = data_type(spec.dtype).numpy
            if dtype.kind == "O":
                return np.array([b"a word", b"b"] * 1000, dtype=object)[: int(np.prod(shape))].reshape(shape)
            return rng.integers(0, 3, shape).astype(dtype)
        case TypeSpec() | NamedTuple():
            raise NotImplementedError(spec)
        case dict():
            return {key: argument(item, rng) for key, item in spec.items()}
        case list() | tuple():
            return type(spec)(argument(item, rng) for item in spec)
    return spec


def flat(value: Any) -> Iterator[np.ndarray]:
    if isinstance(value, dict):
        for key in sorted(value):
            yield from flat(value[key])
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from flat(item)
    elif value is not None:
        yield np.asarray(value)


@pytest.mark.parametrize("name", [name for name in MODELS if name not in DRAWN])
def test_every_trace_gives_what_tensorflow_gives(name: str) -> None:
    import tensorflow as tf

    load_ops_of(name)
    ours = smcli.load(FIXTURES / "models" / name)
    theirs = tf.saved_model.load(str(FIXTURES / "models" / name))
    rng = np.random.default_rng(0)
    compared = traces_of_composites = 0
    for attribute in dir(ours):
        function = getattr(ours, attribute)
        if isinstance(function, (RestoredFunction, ConcreteFunction)):
            traces = function.concrete_functions if isinstance(function, RestoredFunction) else [function]
            for trace in traces:
                try:
                    args, kwargs = argument(trace.args, rng), argument(trace.kwargs, rng)
                except NotImplementedError:
                    traces_of_composites += 1
                    continue
                if any(item is True for item in (*args, *kwargs.values())):
                    continue  # training mode: dropout draws numbers without a seed
                try:
                    want = list(flat(getattr(theirs, attribute)(*args, **kwargs)))
                except tf.errors.OpError as error:
                    with pytest.raises(getattr(errors, type(error).__name__)):
                        function(*args, **kwargs)
                    continue
                got = list(flat(function(*args, **kwargs)))
                assert len(got) == len(want)
                for mine, expected in zip(got, want, strict=True):
                    scale = float(np.max(np.abs(expected), initial=0)) if expected.dtype.kind == "f" else 0.0
                    assert difference(mine, expected, 1e-5, 5e-6 * scale) is None
                compared += 1
    if traces_of_composites and not compared:
        pytest.skip("all its traces take composite tensors, which tests/api covers")
