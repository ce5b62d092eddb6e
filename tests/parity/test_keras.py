"""Keras layers beside a live TensorFlow: many small models in one SavedModel, a signature each, and mixed precision.

The layers come from keras.layers by name, so that a layer whose arguments change is noticed here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smcli.model import open_session
from smcli.savedmodel import read_saved_model
from tests.compare import difference
from tests.parity import HAS_ONEDNN

IMAGE, SEQUENCE, VOLUME = (10, 9, 4), (9, 6), (5, 6, 7, 2)
RTOL, ATOL = 1e-5, 5e-6  # of float32, the absolute one relative to the largest output
TIES = 1 / 500  # of 16-bit results that may be rounded the other way

# A layer, its arguments, and the shape of what it is fed.
LAYERS: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    *(("Activation", {"activation": name}, (8,)) for name in ("gelu", "mish", "selu", "swish", "hard_silu", "celu")),
    ("LeakyReLU", {}, (8,)),
    ("PReLU", {"shared_axes": [1, 2]}, IMAGE),
    ("Softmax", {"axis": 1}, SEQUENCE),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}, SEQUENCE),
    ("Conv2D", {"filters": 6, "kernel_size": 3, "groups": 2, "strides": 2, "padding": "same"}, IMAGE),
    ("Conv3D", {"filters": 3, "kernel_size": 3, "padding": "same"}, VOLUME),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "output_padding": 1}, SEQUENCE),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, IMAGE),
    ("Conv3DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2}, VOLUME),
    ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2}, SEQUENCE),
    ("DepthwiseConv2D", {"kernel_size": 3, "padding": "same", "dilation_rate": 2}, IMAGE),
    ("SeparableConv2D", {"filters": 5, "kernel_size": 3, "strides": 2}, IMAGE),
    ("MaxPooling3D", {"pool_size": 3, "strides": 2, "padding": "same"}, VOLUME),
    ("AveragePooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, IMAGE),
    ("GlobalAveragePooling1D", {"keepdims": True}, SEQUENCE),
    ("ZeroPadding2D", {"padding": ((1, 2), (0, 1))}, IMAGE),
    ("Cropping2D", {"cropping": ((1, 2), (0, 1))}, IMAGE),
    *(("UpSampling2D", {"size": (2, 3), "interpolation": name}, IMAGE) for name in ("nearest", "bicubic", "lanczos3")),
    ("Resizing", {"height": 7, "width": 17, "antialias": True, "crop_to_aspect_ratio": True}, IMAGE),
    ("CenterCrop", {"height": 16, "width": 15}, IMAGE),
    ("BatchNormalization", {"axis": 1}, SEQUENCE),
    ("LayerNormalization", {"axis": [1, 2]}, SEQUENCE),
    ("GroupNormalization", {"groups": 2}, IMAGE),
    ("UnitNormalization", {}, SEQUENCE),
    ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": (None, 5), "bias_axes": "d"}, SEQUENCE),
    *(
        (name, {"units": 5, "return_sequences": True, "go_backwards": True}, SEQUENCE)
        for name in ("SimpleRNN", "LSTM", "GRU")
    ),
    ("ConvLSTM2D", {"filters": 3, "kernel_size": 3, "padding": "same"}, (4, 6, 6, 2)),
    ("Discretization", {"bin_boundaries": [-1.0, 0.0, 1.0]}, SEQUENCE),
    ("Normalization", {"mean": 1.0, "variance": 2.0, "invert": True}, SEQUENCE),
    ("STFTSpectrogram", {"frame_length": 16, "frame_step": 8, "fft_length": 32}, (100, 1)),
    ("Dropout", {"rate": 0.5}, SEQUENCE),
]


def _fill(weights: list[Any], rng: np.random.Generator) -> None:
    """Random weights, variances positive. Integers (seeds) stay."""
    for weight in weights:
        if str(weight.dtype) in ("float32", "float16", "bfloat16"):
            values = rng.standard_normal(weight.shape) * 0.3
            weight.assign((np.abs(values) + 0.5 if "variance" in weight.path else values).astype(np.float32))


def _answer(directory: Path, key: str, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    meta_graph = read_saved_model(directory).find("serve")
    signature = meta_graph.signatures[key]
    names = sorted(signature.outputs)
    values = open_session(meta_graph).run(
        [signature.outputs[name].name for name in names],
        {signature.inputs[name].name: value for name, value in feeds.items()},
    )
    return dict(zip(names, values, strict=True))


def _problems(got: dict[str, np.ndarray], want: dict[str, np.ndarray]) -> list[str]:
    assert sorted(got) == sorted(want)
    problems = []
    for name, value in got.items():
        scale = float(np.max(np.abs(want[name]), initial=0))
        problem = difference(value, want[name], RTOL, ATOL * scale)
        if problem:
            problems.append(f"{name}: {problem}")
    return problems


@pytest.mark.xdist_group("keras")
def test_every_layer(tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(0)
    module = tf.Module()
    module.layers, signatures, feeds = [], {}, {}
    for number, (name, arguments, shape) in enumerate(LAYERS):
        layer = getattr(keras.layers, name)(**arguments)
        layer.build((None, *shape))
        layer(keras.Input(shape))
        _fill(layer.weights, rng)
        module.layers.append([getattr(weight, "value", weight) for weight in layer.variables])
        key = f"{name}_{number}"
        spec = tf.TensorSpec((None, *shape), tf.float32, name="x")
        function = tf.function(lambda x, layer=layer: {"y": layer(x)}, autograph=False)
        signatures[key] = function.get_concrete_function(spec)
        feeds[key] = [rng.standard_normal((batch, *shape)).astype(np.float32) for batch in (1, 3)]
    tf.saved_model.save(module, str(tmp_path), signatures=signatures)
    problems = []
    for key, batches in feeds.items():
        for x in batches:
            want = {"y": signatures[key](x=tf.constant(x))["y"].numpy()}
            problems += [f"{key}: {text}" for text in _problems(_answer(tmp_path, key, {"x": x}), want)]
    assert not problems, "\n".join(problems)


def _transformer(layers: Any, keras: Any) -> Any:
    start = keras.Input((9, 32))
    x = layers.LayerNormalization()(layers.MultiHeadAttention(4, 8)(start, start) + start)
    x = layers.LayerNormalization()(layers.Dense(32)(layers.Dense(64, activation="gelu")(x)) + x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(start, [x, layers.Dense(5, activation="softmax")(x)])


def _images(layers: Any, keras: Any) -> Any:
    start = keras.Input((16, 16, 3))
    x = layers.Conv2D(16, 3, padding="same", activation="swish")(start)
    gate = layers.Dense(16, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.SeparableConv2D(24, 3, strides=2, padding="same")(x * gate)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    up = layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="elu")(x)
    x = layers.AveragePooling2D(3, 2, "same")(x)
    return keras.Model(start, [up, layers.Dense(7, activation="softmax")(layers.Flatten()(x))])


@pytest.mark.xdist_group("keras")
@pytest.mark.skipif(not HAS_ONEDNN, reason="16-bit floats are rounded as with oneDNN; test_onednn.py runs it")
@pytest.mark.parametrize("build", [_transformer, _images])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_rounds_where_tensorflow_does(policy: str, build: Any, tmp_path: Path) -> None:
    """Nearly all bits are equal. The sums of a convolution are float32 in an order of their own, so that one in
    thousands falls on the other side of a tie."""
    import keras
    import tensorflow as tf

    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(policy)
    try:
        model = build(keras.layers, keras)
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    rng = np.random.default_rng(1)
    _fill(model.weights, rng)
    model.export(str(tmp_path), verbose=False)
    x = rng.standard_normal((3, *model.input_shape[1:])).astype(np.float32)
    function = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    (key,) = function.structured_input_signature[1]
    want = {name: value.numpy() for name, value in function(**{key: tf.constant(x)}).items()}
    got = _answer(tmp_path, "serving_default", {key: x})
    assert sorted(got) == sorted(want)
    for name, expected in want.items():
        assert got[name].dtype == expected.dtype
        assert (got[name] != expected).mean() < TIES, name
        assert difference(got[name], expected) is None, name
