"""Small float32 arithmetic with the formulas and in the order of the Eigen kernels that TensorFlow's CPU build runs, so
that printed digits agree. Larger inputs go to faster routines, which are as exact but round elsewhere.

TensorFlow's wheel computes without fused multiply-add here, in packets of eight, so NumPy's float32 steps are the same.
"""

from __future__ import annotations

import numpy as np

from smcli.kernels.context import Array

# Up to here exactness is cheap: elements of a tensor, and of a matrix that a row is multiplied by.
SMALL_TENSOR = 2**10
SMALL_MATRIX = 2**12
MOST_ROWS = 127  # of such a matrix; from there on Eigen sums in blocks

_PACKET = 8

_one = np.float32(1)
_half = np.float32(0.5)
_log2e = np.float32(1.44269504088896341)
_ln2_high, _ln2_low = np.float32(-0.693359375), np.float32(2.12194440e-4)
_coefficients = tuple(
    np.float32(value)
    for value in (
        0.49999988079071044921875,
        0.16666518151760101318359375,
        4.166965186595916748046875e-2,
        8.36894474923610687255859375e-3,
        1.37449637986719608306884765625e-3,
    )
)
_largest, _smallest = np.float32(88.723), np.float32(-104.0)


def exp(x: Array) -> Array:
    """e to the power of float32 numbers (pexp_float in Eigen/src/Core/arch/Default/GenericPacketMathFunctions.h)."""
    p2, p3, p4, p5, p6 = _coefficients
    clipped = np.minimum(x, _largest)
    whole = np.floor(clipped * _log2e + _half)
    rest = whole * _ln2_high + clipped
    rest = whole * _ln2_low + rest
    square = rest * rest
    even = square * (square * p6 + p4) + p2
    odd = square * p5 + p3
    grown = square * (rest * odd + even) + (rest + _one)
    powers = np.where(np.isfinite(whole), whole, 0).astype(np.int32)
    result: Array = np.maximum(np.ldexp(grown, powers), x)
    return np.where(x < _smallest, np.float32(0), result)


def row_sums(x: Array) -> Array:
    """The sums of the last axis, which stays with size 1, in Eigen's order (InnerMostDimReducer in
    unsupported/Eigen/CXX11/src/Tensor/TensorReduction.h): four packets side by side as long as there are four, then
    one by one, then the lanes of the packet halved and halved; what fills no packet is summed by itself.
    """
    size = x.shape[-1]
    packed, fours = size - size % _PACKET, size - size % (4 * _PACKET)
    total = np.zeros((*x.shape[:-1], 1), np.float32)
    if packed:
        lanes = np.zeros((*x.shape[:-1], _PACKET), np.float32)
        if fours:
            lanes = _in_turn(_in_turn(x[..., :fours].reshape(*x.shape[:-1], -1, 4, _PACKET), -3), -2)
        for start in range(fours, packed, _PACKET):
            lanes = lanes + x[..., start : start + _PACKET]
        width = _PACKET
        while width > 1:
            width //= 2
            lanes = lanes[..., :width] + lanes[..., width:]
        total = lanes
    rest = np.zeros_like(total)
    for index in range(packed, size):
        rest = rest + x[..., index : index + 1]
    return total + rest


def _in_turn(x: Array, axis: int) -> Array:
    """The sum along an axis that is not the last, one after the other."""
    result: Array = np.add.reduce(x, axis=axis)
    return result


def softmax(logits: Array) -> Array:
    """exp(x) / Σ exp(x) over the last axis, by the reciprocal of the sum
    (tensorflow/core/kernels/softmax_op_functor.h).

    From eight rows on TensorFlow takes an approximate reciprocal, whose digits are those of the processor.
    """
    grown = exp(logits - logits.max(axis=-1, keepdims=True))
    result: Array = grown * (_one / row_sums(grown))
    return result


def row_product(row: Array, matrix: Array) -> Array:
    """The product of a matrix of one row and one of at most MOST_ROWS rows, which are summed one after the other
    (Eigen/src/Core/products/GeneralMatrixVector.h)."""
    products = row.reshape(-1, 1) * matrix
    if products.shape[1] == 1 and products.size:  # NumPy would sum a column in pairs
        return np.cumsum(products, axis=0)[-1:]
    return np.add.reduce(products, axis=0, keepdims=True)
