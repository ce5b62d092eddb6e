"""The update rules of optimisers: pure functions from a variable, its slots, hyperparameters and a gradient to the new
variable and slots.

Parameters have the names and the order of the ops' inputs (tensorflow/core/kernels/training_ops.cc). All arrays are of
one float dtype; hyperparameters are 0-d.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.kernels.context import Array

Updated = tuple[Any, ...]


def momentum(var: Array, accum: Array, lr: Array, grad: Array, momentum: Array, *, use_nesterov: bool) -> Updated:
    accum = accum * momentum + grad
    if use_nesterov:
        return var - (grad * lr + accum * momentum * lr), accum
    return var - accum * lr, accum


def keras_momentum(var: Array, accum: Array, lr: Array, grad: Array, momentum: Array, *, use_nesterov: bool) -> Updated:
    """The learning rate is part of what is accumulated."""
    accum = accum * momentum - grad * lr
    return var + (accum * momentum - grad * lr if use_nesterov else accum), accum


def _moments(m: Array, v: Array, beta1: Array, beta2: Array, grad: Array) -> tuple[Any, Any]:
    one = grad.dtype.type(1)
    return m + (grad - m) * (one - beta1), v + (grad * grad - v) * (one - beta2)


def _adam_rate(one: Any, lr: Array, beta1_power: Array, beta2_power: Array) -> Any:
    """The learning rate, corrected for moments that began at zero."""
    return lr * np.sqrt(one - beta2_power) / (one - beta1_power)


def adam(
    var: Array,
    m: Array,
    v: Array,
    beta1_power: Array,
    beta2_power: Array,
    lr: Array,
    beta1: Array,
    beta2: Array,
    epsilon: Array,
    grad: Array,
    *,
    use_nesterov: bool,
) -> Updated:
    one = grad.dtype.type(1)
    rate = _adam_rate(one, lr, beta1_power, beta2_power)
    m, v = _moments(m, v, beta1, beta2, grad)
    step = grad * (one - beta1) + beta1 * m if use_nesterov else m
    return var - step * rate / (np.sqrt(v) + epsilon), m, v


def adam_with_amsgrad(
    var: Array,
    m: Array,
    v: Array,
    vhat: Array,
    beta1_power: Array,
    beta2_power: Array,
    lr: Array,
    beta1: Array,
    beta2: Array,
    epsilon: Array,
    grad: Array,
) -> Updated:
    rate = _adam_rate(grad.dtype.type(1), lr, beta1_power, beta2_power)
    m, v = _moments(m, v, beta1, beta2, grad)
    vhat = np.maximum(vhat, v)
    return var - m * rate / (np.sqrt(vhat) + epsilon), m, v, vhat


def ada_max(
    var: Array,
    m: Array,
    v: Array,
    beta1_power: Array,
    lr: Array,
    beta1: Array,
    beta2: Array,
    epsilon: Array,
    grad: Array,
) -> Updated:
    one = grad.dtype.type(1)
    m = m + (grad - m) * (one - beta1)
    v = np.maximum(beta2 * v, np.abs(grad))
    return var - lr / (one - beta1_power) * (m / (v + epsilon)), m, v


def adagrad(var: Array, accum: Array, lr: Array, grad: Array, *, update_slots: bool) -> Updated:
    accum = accum + grad * grad if update_slots else accum
    return var - grad * lr / np.sqrt(accum), accum


def adagrad_v2(var: Array, accum: Array, lr: Array, epsilon: Array, grad: Array, *, update_slots: bool) -> Updated:
    accum = accum + grad * grad if update_slots else accum
    return var - grad * lr / (np.sqrt(accum) + epsilon), accum


def adagrad_da(
    var: Array,
    gradient_accumulator: Array,
    gradient_squared_accumulator: Array,
    grad: Array,
    lr: Array,
    l1: Array,
    l2: Array,
    global_step: Array,
) -> Updated:
    """Adagrad dual averaging: the variable is made anew from the sums of all gradients."""
    total, squares = gradient_accumulator + grad, gradient_squared_accumulator + grad * grad
    step = global_step.astype(grad.dtype)
    pull = np.sign(total) * np.maximum(np.abs(total) - l1 * step, grad.dtype.type(0)) if l1 > 0 else total
    return -lr * pull / (l2 * step * lr + np.sqrt(squares)), total, squares


def adadelta(
    var: Array, accum: Array, accum_update: Array, lr: Array, rho: Array, epsilon: Array, grad: Array
) -> Updated:
    rest = grad.dtype.type(1) - rho
    accum = accum * rho + grad * grad * rest
    update = np.sqrt(accum_update + epsilon) / np.sqrt(accum + epsilon) * grad
    return var - update * lr, accum, accum_update * rho + update * update * rest


def rms_prop(
    var: Array, ms: Array, mom: Array, lr: Array, rho: Array, momentum: Array, epsilon: Array, grad: Array
) -> Updated:
    ms = ms + (grad * grad - ms) * (grad.dtype.type(1) - rho)
    mom = mom * momentum + grad * lr / np.sqrt(ms + epsilon)
    return var - mom, ms, mom


def centered_rms_prop(
    var: Array, mg: Array, ms: Array, mom: Array, lr: Array, rho: Array, momentum: Array, epsilon: Array, grad: Array
) -> Updated:
    rest = grad.dtype.type(1) - rho
    ms = ms + (grad * grad - ms) * rest
    mg = mg + (grad - mg) * rest
    mom = mom * momentum + grad * lr / np.sqrt(ms - mg * mg + epsilon)
    return var - mom, mg, ms, mom


def ftrl_v2(
    var: Array,
    accum: Array,
    linear: Array,
    grad: Array,
    lr: Array,
    l1: Array,
    l2: Array,
    l2_shrinkage: Array,
    lr_power: Array,
    *,
    multiply_linear_by_lr: bool,
) -> Updated:
    """Follow the regularised leader; with `multiply_linear_by_lr` the slot `linear` holds the learning rate too."""
    two = grad.dtype.type(2)
    grown = accum + grad * grad
    shrunk = grad + two * l2_shrinkage * var
    difference = grown**-lr_power - accum**-lr_power
    if multiply_linear_by_lr:
        linear = linear + shrunk * lr - difference * var
        bound, curve = l1 * lr, grown**-lr_power + two * l2 * lr
    else:
        linear = linear + shrunk - difference / lr * var
        bound, curve = l1, grown**-lr_power / lr + two * l2
    pull = np.clip(linear, -bound, bound) - linear
    return np.where(np.abs(linear) > bound, pull / curve, grad.dtype.type(0)), grown, linear


def ftrl(
    var: Array,
    accum: Array,
    linear: Array,
    grad: Array,
    lr: Array,
    l1: Array,
    l2: Array,
    lr_power: Array,
    *,
    multiply_linear_by_lr: bool,
) -> Updated:
    none = np.zeros((), grad.dtype)
    return ftrl_v2(var, accum, linear, grad, lr, l1, l2, none, lr_power, multiply_linear_by_lr=multiply_linear_by_lr)


def _shrunk(moved: Any, rate: Any, l1: Array, l2: Array) -> Any:
    """The proximal step: towards zero by rate * l1, then by the factor of l2."""
    zero, one = l1.dtype.type(0), l1.dtype.type(1)
    if l1 > 0:
        moved = np.sign(moved) * np.maximum(np.abs(moved) - rate * l1, zero)
    return moved / (one + l2 * rate)


def proximal_gradient_descent(var: Array, alpha: Array, l1: Array, l2: Array, grad: Array) -> Updated:
    return (_shrunk(var - grad * alpha, alpha, l1, l2),)


def proximal_adagrad(var: Array, accum: Array, lr: Array, l1: Array, l2: Array, grad: Array) -> Updated:
    accum = accum + grad * grad
    rate = lr / np.sqrt(accum)
    return _shrunk(var - grad * rate, rate, l1, l2), accum


def add_sign(var: Array, m: Array, lr: Array, alpha: Array, sign_decay: Array, beta: Array, grad: Array) -> Updated:
    m = m * beta + grad * (grad.dtype.type(1) - beta)
    agreement = np.sign(grad) * np.sign(m)
    return var - lr * (alpha + sign_decay * agreement) * grad, m


def power_sign(var: Array, m: Array, lr: Array, logbase: Array, sign_decay: Array, beta: Array, grad: Array) -> Updated:
    m = m * beta + grad * (grad.dtype.type(1) - beta)
    agreement = np.sign(grad) * np.sign(m)
    return var - lr * np.exp(logbase * sign_decay * agreement) * grad, m
