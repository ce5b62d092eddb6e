"""Activations, softmax, cross-entropy, bias, and their gradients
(tensorflow/core/kernels/{relu,softmax,xent,bias}_op*).

float16 and bfloat16 are computed step by step in their own precision where TensorFlow does so with oneDNN on. Tanh and
Sigmoid are elementwise maths and live in `math`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels import _digits
from smcli.kernels._convolution import compute_dtype
from smcli.kernels._half_sums import reduce_rows, rounded
from smcli.kernels._numbers import is_short_float
from smcli.kernels._short_floats import by_table
from smcli.kernels._windows import channels_first
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel

SELU_SCALE = 1.0507009873554804934193349852946
SELU_SCALE_ALPHA = 1.7580993408473768599402175208123


def _of(value: float, like: Array) -> Any:
    """A constant in the dtype of an array, so that arithmetic keeps it."""
    return like.dtype.type(value)


# ---- Rectifiers


@kernel("Relu")
@by_table
def relu(features: Array) -> Array:
    """max(x, 0); NaN stays NaN."""
    if features.dtype.kind != "f":
        result: Array = np.maximum(features, _of(0, features))
        return result
    return np.clip(features, _of(0, features), _of(np.inf, features))  # twice as fast as maximum with a scalar


@kernel("Relu6")
@by_table
def relu6(features: Array) -> Array:
    """min(max(x, 0), 6); NaN stays NaN."""
    if features.dtype.kind == "V":
        result: Array = np.minimum(np.maximum(features, _of(0, features)), _of(6, features))
        return result
    return np.clip(features, _of(0, features), _of(6, features))


@kernel("LeakyRelu")
def leaky_relu(features: Array, *, alpha: float = 0.20000000298023224) -> Array:
    """x where positive, alpha·x elsewhere."""
    return _leaky_relu(features, alpha=alpha)


@by_table
def _leaky_relu(features: Array, *, alpha: float) -> Array:
    scaled = features * _of(alpha, features)
    if 1e-4 <= alpha <= 1 and features.dtype.kind == "f":  # where ∞ times alpha is not NaN: alpha is not 0 in float16
        result: Array = np.maximum(features, scaled)
        return result
    return np.where(features > 0, features, scaled)


@kernel("Elu")
@by_table
def elu(features: Array) -> Array:
    """x where not negative, exp(x) − 1 elsewhere."""
    if is_short_float(features.dtype):  # where exp is rounded, x may be larger than exp(x) − 1
        grown = np.exp(features.astype(np.float32)).astype(features.dtype)
        result: Array = np.where(features < 0, grown - _of(1, features), features)
        return result
    low: Array = np.minimum(features, _of(0, features))
    low = np.exp(low, out=low if low.ndim else None)
    low -= _of(1, features)  # not expm1: TensorFlow loses the same digits near zero
    return np.maximum(features, low, out=low if low.ndim else None)


@kernel("Selu")
@by_table
def selu(features: Array) -> Array:
    """scale · x where not negative, scale · alpha · (exp(x) − 1) elsewhere."""
    low = (np.exp(features) - _of(1, features)) * _of(SELU_SCALE_ALPHA, features)
    result: Array = np.where(features < 0, low, features * _of(SELU_SCALE, features))
    return result


@kernel("Softplus")
@by_table
def softplus(features: Array) -> Array:
    """log(1 + exp(x)) with both tails taken as their limits (softplus_op.h)."""
    import ml_dtypes

    info = np.finfo(features.dtype) if features.dtype.kind == "f" else ml_dtypes.finfo(features.dtype)  # type: ignore[no-untyped-call]
    threshold = _of(np.log(float(info.eps)) + 2, features)
    grown = np.exp(features)
    middle = np.where(features < threshold, grown, np.log1p(grown))
    return np.where(features > -threshold, features, middle)


@kernel("Softsign")
@by_table
def softsign(features: Array) -> Array:
    """x / (|x| + 1)."""
    result: Array = features / (np.abs(features) + _of(1, features))
    return result


# ---- Gradients of the rectifiers: same shapes, no broadcasting


def _same_shape(gradients: Array, features: Array) -> None:
    if np.shape(gradients) != np.shape(features):
        raise InvalidArgumentError(
            f"Inputs must have the same shape, but got {list(gradients.shape)} and {list(features.shape)}"
        )


@kernel("ReluGrad")
def relu_grad(gradients: Array, features: Array) -> Array:
    """The gradient where x > 0, else 0."""
    _same_shape(gradients, features)
    result: Array = gradients * (features > 0).astype(gradients.dtype)
    return result


@kernel("Relu6Grad")
def relu6_grad(gradients: Array, features: Array) -> Array:
    """The gradient where 0 < x < 6, else 0."""
    _same_shape(gradients, features)
    result: Array = gradients * ((features > 0) & (features < 6)).astype(gradients.dtype)
    return result


@kernel("LeakyReluGrad")
def leaky_relu_grad(gradients: Array, features: Array, *, alpha: float = 0.20000000298023224) -> Array:
    """The gradient where x > 0, else alpha times it."""
    _same_shape(gradients, features)
    return np.where(features > 0, gradients, gradients * _of(alpha, gradients))


@kernel("EluGrad")
def elu_grad(gradients: Array, outputs: Array) -> Array:
    """The gradient of Elu from its outputs."""
    _same_shape(gradients, outputs)
    return np.where(outputs < 0, (outputs + _of(1, outputs)) * gradients, gradients)


@kernel("SeluGrad")
def selu_grad(gradients: Array, outputs: Array) -> Array:
    """The gradient of Selu from its outputs."""
    _same_shape(gradients, outputs)
    low = gradients * (outputs + _of(SELU_SCALE_ALPHA, outputs))
    result: Array = np.where(outputs < 0, low, gradients * _of(SELU_SCALE, outputs))
    return result


@kernel("SoftplusGrad")
def softplus_grad(gradients: Array, features: Array) -> Array:
    """gradient / (exp(−x) + 1)."""
    _same_shape(gradients, features)
    result: Array = gradients / (np.exp(-features) + _of(1, features))
    return result


@kernel("SoftsignGrad")
def softsign_grad(gradients: Array, features: Array) -> Array:
    """gradient / (1 + |x|)²."""
    _same_shape(gradients, features)
    result: Array = gradients / np.square(np.abs(features) + _of(1, features))
    return result


# ---- Softmax and cross-entropy


def _shifted(logits: Array) -> Array:
    """Logits minus the maximum of their row, in the dtype of sums."""
    wide = logits.astype(compute_dtype(logits.dtype), copy=False)
    result: Array = wide - wide.max(axis=-1, keepdims=True)
    return result


def _short_exponentials(logits: Array) -> tuple[Array, Array, Array]:
    """Logits minus their row's maximum, exp of that, and its sum, rounded to 16 bits at each step, as float32."""
    wide = logits.astype(np.float32)
    shifted = rounded(np.subtract(wide, wide.max(axis=-1, keepdims=True)), logits.dtype)
    grown = rounded(np.exp(shifted), logits.dtype)
    total = reduce_rows(np.add, grown.reshape(-1, grown.shape[-1]), logits.dtype)
    return shifted, grown, total.reshape(*grown.shape[:-1], 1)


def _need_vector(logits: Array) -> None:
    if np.ndim(logits) < 1:
        raise InvalidArgumentError("logits must have >= 1 dimension, got []")


@kernel("Softmax")
def softmax(logits: Array) -> Array:
    """exp(x) / Σ exp(x) over the last axis; bfloat16 is rounded once, as oneDNN does."""
    _need_vector(logits)
    if logits.size == 0:
        return logits.copy()
    if _digits.matter(logits):
        return _digits.softmax(logits)
    if logits.dtype == np.float16:
        _, grown, total = _short_exponentials(logits)
        return np.multiply(grown, rounded(np.divide(np.float32(1), total), logits.dtype)).astype(logits.dtype)
    grown = _shifted(logits)
    np.exp(grown, out=grown)
    grown /= grown.sum(axis=-1, keepdims=True)
    return grown.astype(logits.dtype, copy=False)


@kernel("LogSoftmax")
def log_softmax(logits: Array) -> Array:
    """x − log Σ exp(x) over the last axis."""
    _need_vector(logits)
    if logits.size == 0:
        return logits.copy()
    if is_short_float(logits.dtype):
        shifted, _, total = _short_exponentials(logits)
        return np.subtract(shifted, rounded(np.log(total), logits.dtype)).astype(logits.dtype)
    shifted = _shifted(logits)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


@kernel("SoftmaxCrossEntropyWithLogits")
def softmax_cross_entropy(features: Array, labels: Array) -> tuple[Array, Array]:
    """Loss by row and its gradient to the logits; (batch, classes) logits and labels, broadcast against each other."""
    try:
        shape = np.broadcast_shapes(features.shape, labels.shape)
    except ValueError:
        raise InvalidArgumentError(
            f"logits and labels must be broadcastable: logits_size={list(features.shape)} "
            f"labels_size={list(labels.shape)}"
        ) from None
    if len(shape) != 2:
        raise InvalidArgumentError(
            f"logits and labels must be either 2-dimensional, or broadcasted to be 2-dimensional: {shape}"
        )
    dtype = features.dtype
    if 0 in shape:
        return np.zeros(shape[0], dtype), np.zeros(shape, dtype)
    shifted = np.broadcast_to(_shifted(np.broadcast_to(features, shape)), shape)
    wanted = np.broadcast_to(labels, shape).astype(shifted.dtype, copy=False)
    grown = np.exp(shifted)
    total = grown.sum(axis=1, keepdims=True)
    terms = wanted * (np.log(total) - shifted)
    return terms.sum(axis=1).astype(dtype), (grown / total - wanted).astype(dtype)


@kernel("SparseSoftmaxCrossEntropyWithLogits")
def sparse_softmax_cross_entropy(features: Array, labels: Array) -> tuple[Array, Array]:
    """Loss by row and its gradient to the (batch, classes) logits; labels are class numbers, one for each row."""
    if features.ndim != 2:
        raise InvalidArgumentError(f"logits must be 2-D, but got shape {list(features.shape)}")
    if labels.ndim != 1:
        raise InvalidArgumentError(f"labels must be 1-D, but got shape {list(labels.shape)}")
    rows, classes = features.shape
    if len(labels) != rows:
        raise InvalidArgumentError(
            f"logits and labels must have the same first dimension, got logits shape {list(features.shape)} and "
            f"labels shape {list(labels.shape)}"
        )
    if classes == 0:
        raise InvalidArgumentError(f"Must have at least one class, but got logits shape {list(features.shape)}")
    dtype = features.dtype
    if rows == 0:
        return np.zeros(0, dtype), np.zeros((0, classes), dtype)
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        raise InvalidArgumentError(
            f"Received a label value of {int(labels[wrong][0])} which is outside the valid range of [0, {classes})."
        )
    shifted = _shifted(features)
    grown = np.exp(shifted)
    total = grown.sum(axis=1, keepdims=True)
    each = np.arange(rows)
    loss = np.log(total[:, 0]) - shifted[each, labels]
    grown /= total
    grown[each, labels] -= 1
    return loss.astype(dtype), grown.astype(dtype)


# ---- Bias and loss


@kernel("BiasAdd", "BiasAddV1")
def bias_add(value: Array, bias: Array, *, data_format: str = "NHWC") -> Array:
    """Add a vector along the channel axis: the last, or the second for NCHW."""
    if value.ndim < 2:
        raise InvalidArgumentError(f"Input tensor must be at least 2D: {list(value.shape)}")
    if bias.ndim != 1:
        raise InvalidArgumentError(f"Biases must be 1D: {list(bias.shape)}")
    first = channels_first(data_format)
    axis = 1 if first else value.ndim - 1
    if len(bias) != value.shape[axis]:
        raise InvalidArgumentError(
            f"Must provide as many biases as the channel dimension of the input tensor: {list(bias.shape)} vs. "
            f"{value.shape[axis]} in {list(value.shape)}"
        )
    return value + (bias.reshape(-1, *(1,) * (value.ndim - 2)) if first else bias)


@kernel("BiasAddGrad")
def bias_add_grad(out_backprop: Array, *, data_format: str = "NHWC") -> Array:
    """The sum over all axes but the channels'."""
    if out_backprop.ndim < 2:
        raise InvalidArgumentError(f"Input tensor must be at least 2D: {list(out_backprop.shape)}")
    axis = 1 if channels_first(data_format) else out_backprop.ndim - 1
    others = tuple(i for i in range(out_backprop.ndim) if i != axis)
    dtype = out_backprop.dtype
    total: Array = out_backprop.sum(axis=others, dtype=compute_dtype(dtype))
    return total.astype(dtype, copy=False)
