"""Gradients of elementwise ops, from the op's output y and the gradient dy that comes in
(tensorflow/core/kernels/cwise_ops_gradients.h)."""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._numbers import Numbers
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel


def _fitted(dy: Array, y: Array) -> Array:
    """dy in the shape of y: the gradients of elementwise ops go by the number of elements. Raises InvalidArgumentError
    when it differs."""
    if y.size != dy.size:
        raise InvalidArgumentError(
            f"The two arguments to a cwise op must have same number of elements, got {y.size} and {dy.size}"
        )
    return dy if dy.shape == y.shape else dy.reshape(y.shape)


def _zero_where_zero(gradient: Array, dy: Array) -> Numbers:
    """No gradient where none comes in, even where the slope is infinite."""
    still = dy == 0
    return np.where(still, gradient.dtype.type(0), gradient) if still.any() else gradient


@kernel("TanhGrad")
def tanh_grad(y: Array, dy: Array) -> Numbers:
    """dy * (1 - y²), in the shape of y. Raises InvalidArgumentError when the sizes differ."""
    return np.multiply(_fitted(dy, y), y.dtype.type(1) - np.square(y))


@kernel("SigmoidGrad")
def sigmoid_grad(y: Array, dy: Array) -> Numbers:
    """dy * y * (1 - y), in the shape of y. Raises InvalidArgumentError when the sizes differ."""
    return np.multiply(np.multiply(_fitted(dy, y), y), y.dtype.type(1) - y)


@kernel("SqrtGrad")
def sqrt_grad(y: Array, dy: Array) -> Numbers:
    """dy / (2 conj(y)), in the shape of y; 0 where dy is 0. Raises InvalidArgumentError when the sizes differ."""
    dy = _fitted(dy, y)
    return _zero_where_zero(np.divide(np.multiply(dy, y.dtype.type(0.5)), np.conjugate(y)), dy)


@kernel("RsqrtGrad")
def rsqrt_grad(y: Array, dy: Array) -> Numbers:
    """-dy * conj(y)³ / 2, in the shape of y; 0 where dy is 0. Raises InvalidArgumentError when the sizes differ."""
    dy, y = _fitted(dy, y), np.conjugate(y)
    return _zero_where_zero(np.multiply(np.multiply(np.multiply(y, y), np.multiply(dy, y)), y.dtype.type(-0.5)), dy)


@kernel("InvGrad", "ReciprocalGrad")
def reciprocal_grad(y: Array, dy: Array) -> Numbers:
    """-dy * conj(y)², in the shape of y; 0 where dy is 0. Raises InvalidArgumentError when the sizes differ."""
    dy, y = _fitted(dy, y), np.conjugate(y)
    return _zero_where_zero(np.multiply(np.negative(dy), np.multiply(y, y)), dy)
