"""Small models of every common kind, saved from Keras 2 and 3, beside a live TensorFlow."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from tests.parity.architectures import BUILDERS, Model
from tests.parity.test_models import assert_same

KERAS = {"keras2": "tf_keras", "keras3": "keras"}


@pytest.mark.xdist_group("keras")
@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
@pytest.mark.parametrize("version", KERAS)
def test_architecture(version: str, build: Callable[..., Model], tmp_path: Path) -> None:
    keras = importlib.import_module(KERAS[version])
    keras.utils.set_random_seed(7)
    model = build(tf, keras)
    module: Any = tf.Module()
    module.parts = model.parts
    # The variables of Keras 3 hold those that TensorFlow saves.
    module.weights = [
        variable.value if version == "keras3" else variable
        for part in model.parts
        for variable in getattr(part, "variables", ())
    ]
    specs = [_spec(name, value) for name, value in model.feeds.items()]
    module.serve = tf.function(model.serve, input_signature=specs)
    tf.saved_model.save(module, str(tmp_path), signatures=module.serve)
    assert_same(tmp_path, "serve", "serving_default", model.feeds)


def _spec(name: str, value: Any) -> Any:
    dtype = tf.string if value.dtype == object else tf.as_dtype(value.dtype)
    return tf.TensorSpec((None, *value.shape[1:]) if value.ndim else (), dtype, name)
