"""Layers with weights that are variables or constants."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.random_programs import Rng, Run, Value, any_axis, op

# Networks. Weights are variables or constants of the module, by turns.


def _weights(rng: Rng, *shape: int) -> Any:
    """A function of (tf, module) that gives a weight: the same each time."""
    array = (rng.integers(-8, 9, shape) / 8).astype(np.float32)
    if rng.integers(2):
        return lambda tf, m: tf.constant(array)
    key = f"w{rng.integers(1 << 60)}"
    return lambda tf, m: m.variable(key, array)


@op("dense", "f", loses=True, weight=6)
def _dense(rng: Rng, a: Value) -> Run | None:
    if a.rank < 1 or not 0 < a.shape[-1] <= 64:
        return None
    units = int(rng.integers(1, 6))
    w, b = _weights(rng, a.shape[-1], units), _weights(rng, units)
    activation = str(rng.choice(["relu", "tanh", "identity", "sigmoid", "gelu"]))

    def run(tf: Any, m: Any, x: Any) -> Any:
        y = tf.matmul(tf.reshape(x, [-1, a.shape[-1]]), w(tf, m))
        y = tf.nn.bias_add(y, b(tf, m))
        y = tf.identity(y) if activation == "identity" else getattr(tf.nn, activation)(y)
        return tf.reshape(y, tf.concat([tf.shape(x)[:-1], [units]], 0))

    return run


@op("matmul", "nn", loses=True, weight=4)
def _matmul(rng: Rng, a: Value, b: Value) -> Run | None:
    if a.dtype != b.dtype or a.rank < 2 or b.rank < 2:
        return None
    ta, tb = (bool(v) for v in rng.integers(0, 2, 2))
    return lambda tf, m, x, y: tf.matmul(x, y, transpose_a=ta, transpose_b=tb)


@op("gram", "f", loses=True, weight=3)
def _gram(rng: Rng, a: Value) -> Run | None:
    return (lambda tf, m, x: tf.matmul(x, x, transpose_b=True)) if a.rank >= 2 else None


@op("einsum", "f", loses=True, weight=3)
def _einsum(rng: Rng, a: Value) -> Run | None:
    texts = {1: ["a,a->", "a,b->ab"], 2: ["ab,ab->a", "ab,cb->ac", "ab,ab->"], 3: ["abc,adc->abd", "abc,abc->b"]}
    if a.rank not in texts:
        return None
    text = str(rng.choice(texts[a.rank]))
    return lambda tf, m, x: tf.einsum(text, x, x)


@op("softmax", "f", loses=True, weight=4)
def _softmax(rng: Rng, a: Value) -> Run | None:
    name, axis = str(rng.choice(["softmax", "log_softmax", "l2_normalize"])), (any_axis(rng, a.rank) if a.rank else 0)
    return (lambda tf, m, x: getattr(tf.nn, name)(x, axis=axis)) if a.rank else None


@op("attention", "f", loses=True, weight=3)
def _attention(rng: Rng, a: Value) -> Run | None:
    if a.rank != 3 or not a.shape[-1]:
        return None

    def run(tf: Any, m: Any, x: Any) -> Any:
        scores = tf.matmul(x, x, transpose_b=True) / tf.sqrt(tf.cast(tf.shape(x)[-1], tf.float32))
        mask = tf.linalg.band_part(tf.ones_like(scores), -1, 0)
        return tf.matmul(tf.nn.softmax(scores + (1.0 - mask) * -1e9), x)

    return run


@op("layer_norm", "f", loses=True, weight=3)
def _layer_norm(rng: Rng, a: Value) -> Run | None:
    if not a.rank or not a.shape[-1] or a.shape[-1] > 64:
        return None
    gain = _weights(rng, a.shape[-1])

    def run(tf: Any, m: Any, x: Any) -> Any:
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, None, gain(tf, m), 1e-2)

    return run


@op("conv2d", "f", loses=True, weight=8)
def _conv2d(rng: Rng, a: Value) -> Run | None:
    if a.rank != 4 or not 0 < a.shape[3] <= 16:
        return None
    filters, k = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    stride, dilation = (1, int(rng.integers(1, 3))) if rng.integers(2) else (int(rng.integers(1, 3)), 1)
    padding = str(rng.choice(["SAME", "VALID"]))
    w, b = _weights(rng, k, int(rng.integers(1, 4)), a.shape[3], filters), _weights(rng, filters)
    tail = rng.choice(["bias", "bias_relu", "bn", "bn_relu6", "add", "none"])
    scale, mean = _weights(rng, filters), _weights(rng, filters)

    def run(tf: Any, m: Any, x: Any) -> Any:
        y = tf.nn.conv2d(x, w(tf, m), stride, padding, dilations=dilation)
        if tail.startswith("bias"):
            y = tf.nn.bias_add(y, b(tf, m))
        if tail.startswith("bn"):
            y = tf.compat.v1.nn.fused_batch_norm(
                y, scale(tf, m), b(tf, m), mean(tf, m), tf.abs(mean(tf, m)) + 0.5, 1e-3, is_training=False
            )[0]
        if tail == "add":
            y = y + b(tf, m)
        return tf.nn.relu(y) if tail == "bias_relu" else tf.nn.relu6(y) if tail == "bn_relu6" else y

    return run


@op("depthwise", "f", loses=True, weight=4)
def _depthwise(rng: Rng, a: Value) -> Run | None:
    if a.rank != 4 or not 0 < a.shape[3] <= 16:
        return None
    stride, padding, w = (
        int(rng.integers(1, 3)),
        str(rng.choice(["SAME", "VALID"])),
        _weights(rng, int(rng.integers(1, 4)), 3, a.shape[3], int(rng.integers(1, 3))),
    )
    return lambda tf, m, x: tf.nn.depthwise_conv2d(x, w(tf, m), [1, stride, stride, 1], padding)


@op("conv_transpose", "f", loses=True, weight=2)
def _conv_transpose(rng: Rng, a: Value) -> Run | None:
    if a.rank != 4 or not 0 < a.shape[3] <= 16:
        return None
    w = _weights(rng, 3, 2, 2, a.shape[3])

    def run(tf: Any, m: Any, x: Any) -> Any:
        n, h, v = (tf.shape(x)[i] for i in range(3))
        return tf.nn.conv2d_transpose(x, w(tf, m), tf.stack([n, h * 2, v * 2, 2]), 2, "SAME")

    return run


@op("conv1d", "f", loses=True, weight=2)
def _conv1d(rng: Rng, a: Value) -> Run | None:
    if a.rank != 3 or not 0 < a.shape[2] <= 16:
        return None
    w, padding = _weights(rng, 2, a.shape[2], 3), str(rng.choice(["SAME", "VALID"]))
    return lambda tf, m, x: tf.nn.conv1d(x, w(tf, m), 1, padding)


@op("pool", "f", loses=True, weight=4)
def _pool(rng: Rng, a: Value) -> Run | None:
    if a.rank != 4:
        return None
    name, k, stride = str(rng.choice(["max_pool2d", "avg_pool2d"])), int(rng.integers(1, 4)), int(rng.integers(1, 3))
    padding = str(rng.choice(["SAME", "VALID"]))
    return lambda tf, m, x: getattr(tf.nn, name)(x, k, stride, padding)


@op("resize", "f", loses=True, weight=2)
def _resize(rng: Rng, a: Value) -> Run | None:
    if a.rank != 4:
        return None
    size = rng.integers(1, 8, 2).tolist()
    method, antialias = str(rng.choice(["bilinear", "nearest", "bicubic", "area", "lanczos3"])), bool(rng.integers(2))
    return lambda tf, m, x: tf.image.resize(x, size, method, antialias=antialias)


@op("recurrent", "f", loses=True, weight=2)
def _recurrent(rng: Rng, a: Value) -> Run | None:
    """A loop with a TensorArray, as Keras' layers have it."""
    if a.rank != 3 or not 0 < a.shape[2] <= 32:
        return None
    w, u = _weights(rng, a.shape[2], 3), _weights(rng, 3, 3)

    def run(tf: Any, m: Any, x: Any) -> Any:
        steps = tf.shape(x)[1]
        out = tf.TensorArray(tf.float32, size=steps, element_shape=[None, 3])

        def body(t: Any, state: Any, out: Any) -> Any:
            state = tf.tanh(tf.matmul(x[:, t], w(tf, m)) + tf.matmul(state, u(tf, m)))
            return t + 1, state, out.write(t, state)

        start = tf.zeros(tf.stack([tf.shape(x)[0], 3]))
        _, state, out = tf.while_loop(lambda t, *_: t < steps, body, (0, start, out))
        return state, tf.transpose(out.stack(), [1, 0, 2])

    return run
