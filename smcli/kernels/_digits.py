"""Small float32 results to the last digit: arithmetic in the steps, order and rounding of the libraries that
TensorFlow's CPU build runs, Eigen and oneDNN, for the command line, which prints them.

Outside of `followed` kernels take faster routes, which are as exact but round elsewhere. TensorFlow itself rounds
otherwise where processors are older than AVX-512 VNNI, as it leaves oneDNN alone there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from smcli.kernels.context import Array

SMALL_TENSOR = 2**10  # elements up to which a tensor is small
_SMALL_PRODUCT = 2**12  # elements of its result, up to which a product is small, and
_FEW_TERMS = 2**8  # the number of terms of each
_MANY_TERMS = 2**12  # the same where the result is one column

_LANES = 8  # of AVX, which Eigen is compiled for: what fills no packet of eight is computed number by number
_ONEDNN_LANES = 16
_is_followed = False


@contextmanager
def followed() -> Iterator[None]:
    """While in it, kernels compute small float32 tensors by the functions of this module."""
    global _is_followed
    before, _is_followed = _is_followed, True
    try:
        yield
    finally:
        _is_followed = before


def matter(x: Array) -> bool:
    """Whether the digits of a function of `x` are to be TensorFlow's."""
    return _is_followed and x.dtype == np.float32 and x.size <= SMALL_TENSOR


def product_matters(a: Array, b: Array) -> bool:
    """Whether the digits of the product of two matrices are to be TensorFlow's."""
    return (
        _is_followed
        and a.dtype == np.float32
        and b.dtype == np.float32
        and a.shape[0] * b.shape[1] <= _SMALL_PRODUCT
        and a.shape[1] <= (_MANY_TERMS if b.shape[1] == 1 else _FEW_TERMS)
    )


def _numbers(*values: float) -> list[np.float32]:
    return [np.float32(value) for value in values]


def _bits(*patterns: int) -> list[np.float32]:
    return list(np.array(patterns, np.uint32).view(np.float32))


_one, _half, _two, _log2e = _numbers(1, 0.5, 2, 1.44269504088896341)
_ln2_high, _ln2_low = _numbers(-0.693359375, 2.12194440e-4)


def _polynomial(x: Array, coefficients: list[np.float32]) -> Array:
    """By Horner's rule, the highest coefficient first."""
    result: Array = x * coefficients[0] + coefficients[1]
    for coefficient in coefficients[2:]:
        result = result * x + coefficient
    return result


def _in_packets(packet: Callable[[Array], Array], single: Callable[[Array], Array], x: Array) -> Array:
    """`packet` of all numbers but the last few, which `single` computes."""
    flat = x.reshape(-1)
    whole = flat.size - flat.size % _LANES
    return np.concatenate([packet(flat[:whole]), single(flat[whole:])]).reshape(x.shape)


def _rounded_exp(x: Array) -> Array:
    """As the C library has it: the true value, rounded."""
    return np.exp(x.astype(np.float64)).astype(np.float32)


_exp_even = _numbers(8.36894474923610687255859375e-3, 0.16666518151760101318359375)
_exp_odd = _numbers(1.37449637986719608306884765625e-3, 4.166965186595916748046875e-2, 0.49999988079071044921875)
_exp_largest, _exp_smallest = _numbers(88.723, -104.0)


def exp(x: Array) -> Array:
    """e to the power of x (pexp_float in Eigen/src/Core/arch/Default/GenericPacketMathFunctions.h)."""
    return _in_packets(_packet_exp, _rounded_exp, x)


def _packet_exp(x: Array) -> Array:
    (p5, p3), (p6, p4, p2) = _exp_even, _exp_odd
    clipped = np.minimum(x, _exp_largest)
    whole = np.floor(clipped * _log2e + _half)
    rest = whole * _ln2_high + clipped
    rest = whole * _ln2_low + rest
    square = rest * rest
    even = square * (square * p6 + p4) + p2
    odd = square * p5 + p3
    grown = square * (rest * odd + even) + (rest + _one)
    powers = np.where(np.isfinite(whole), whole, 0).astype(np.int32)
    result: Array = np.maximum(np.ldexp(grown, powers), x)
    return np.where(x < _exp_smallest, np.float32(0), result)


_tanh_largest = np.float32(7.90738964080810547)
_tanh_above = _numbers(1.394553628e-8, 2.102733560e-5, 3.520756727e-3, 1.340216100e-1)
_tanh_below = _numbers(8.015776984e-7, 3.326951409e-4, 2.597254514e-2, 4.673548340e-1, 1)


def tanh(x: Array) -> Array:
    """The hyperbolic tangent, a fraction of polynomials (ptanh_float, as exp)."""
    clipped = np.clip(x, -_tanh_largest, _tanh_largest)
    square = clipped * clipped
    above = (square * clipped) * _polynomial(square, _tanh_above) + clipped
    result: Array = above / _polynomial(square, _tanh_below)
    return result


_sigmoid_largest, _sigmoid_smallest = _numbers(16.6355324, -104.0)
_sigmoid_even = _numbers(4.1898667812347412109375e-2, 0.49999141693115234375)
_sigmoid_odd = _numbers(8.33471305668354034423828125e-3, 0.16666877269744873046875)


def sigmoid(x: Array) -> Array:
    """exp(x) / (1 + exp(x)) (scalar_logistic_op in Eigen/src/Core/functors/UnaryFunctors.h)."""
    return _in_packets(_packet_sigmoid, _single_sigmoid, x)


def _packet_sigmoid(x: Array) -> Array:
    halved = np.minimum(x, _sigmoid_largest) * _half
    whole = np.floor(halved * _log2e + _half)
    rest = whole * _ln2_high + halved
    rest = whole * _ln2_low + rest
    square = rest * rest
    inner = rest * _polynomial(square, _sigmoid_odd) + _polynomial(square, _sigmoid_even)
    powers = np.where(np.isfinite(whole), whole, 0).astype(np.int32)
    root = np.ldexp(square * inner + (rest + _one), powers)
    grown = root * root
    return np.where(x < _sigmoid_smallest, np.float32(0), grown / (_one + grown))


def _single_sigmoid(x: Array) -> Array:
    grown = _rounded_exp(np.minimum(x, _sigmoid_largest))
    result: Array = grown / (_one + grown)
    return result


def _multiply_add(a: Array | np.float32, b: Array | np.float32, c: Array | np.float32) -> Array:
    """a · b + c, rounded once (but for the rare sum that float64 rounds to the middle of two float32)."""
    result = np.multiply(a, b, dtype=np.float64)
    result += c
    return result.astype(np.float32)


_library_ln2, _library_largest, _library_smallest = _bits(0x3F317218, 0x42B17218, 0xC2AEAC50)
_library_exp = _bits(0x3C07CFCE, 0x3D2B9D0D, 0x3E2AAD40, 0x3EFFFEE3, 0x3F7FFFFB, 0x3F800000)


def _library_exponential(x: Array) -> Array:
    """e to the power of x ≤ 0 (the exponential in oneDNN's src/cpu/x64/injectors/jit_uni_eltwise_injector.cpp)."""
    clipped = np.clip(x, _library_smallest, _library_largest)
    whole = np.floor(clipped * _log2e + _half)
    rest = _multiply_add(-whole, _library_ln2, clipped)
    result: Array = np.full_like(rest, _library_exp[0])
    for coefficient in _library_exp[1:]:
        result = _multiply_add(result, rest, coefficient)
    powers = np.where(np.isfinite(whole), whole, 0).astype(np.int32)
    return np.ldexp(result, powers - 1) * _two


def fused_sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) where it follows a product at once: oneDNN computes it of the negative number of the two."""
    grown = _library_exponential(-np.abs(x))
    below = grown / (grown + _one)
    result: Array = np.where(np.signbit(x), below, _one - below)
    return result


def fused_tanh(x: Array) -> Array:
    """The hyperbolic tangent where it follows a product at once: oneDNN's, most of which are the nearest number."""
    return np.tanh(x.astype(np.float64)).astype(np.float32)


def softmax(logits: Array) -> Array:
    """exp(x) / Σ exp(x) over the last axis, of size 1 or more, as oneDNN computes it: by the reciprocal of the sum."""
    grown = _library_exponential(logits - logits.max(axis=-1, keepdims=True))
    result: Array = grown * (_one / _library_sums(grown))
    return result


def _library_sums(x: Array) -> Array:
    """The sums of the last axis, which stays with size 1: four sums of vectors of sixteen lanes in turn, the first of
    which takes what fills no vector, added in pairs; then the lanes, halved and halved
    (oneDNN's src/cpu/x64/jit_uni_softmax.cpp)."""
    size = x.shape[-1]
    whole = size - size % _ONEDNN_LANES
    vectors = x[..., :whole].reshape(*x.shape[:-1], -1, _ONEDNN_LANES)
    turns = [np.add.reduce(vectors[..., start::4, :], axis=-2, dtype=np.float32) for start in range(4)]
    if whole < size:
        turns[0][..., : size - whole] += x[..., whole:]
    lanes: Array = (turns[0] + turns[1]) + (turns[2] + turns[3])
    while lanes.shape[-1] > 1:
        width = lanes.shape[-1] // 2
        lanes = lanes[..., :width] + lanes[..., width:]
    return lanes


def product(a: Array, b: Array) -> Array:
    """The product of two matrices, each sum one term after the other, as oneDNN's multiply-adds have it; one column of
    several rows, which it computes by another routine, in lanes."""
    if b.shape[1] == 1 and a.shape[0] > 1:
        return _column(a, b[:, 0])[:, np.newaxis]
    columns, rows = a.T[:, :, np.newaxis].astype(np.float64), b[:, np.newaxis, :].astype(np.float64)
    result: Array = np.zeros((a.shape[0], b.shape[1]), np.float32)
    for column, row in zip(columns, rows):
        result = (column * row + result).astype(np.float32)
    return result


def _column(a: Array, b: Array) -> Array:
    """The product of a matrix and a vector (oneDNN's src/cpu/x64/gemm/f32/jit_avx_gemv_t_f32_kern.cpp): eight lanes of
    multiply-adds as far as there are sixteen terms more; then eight terms, four, two and one, as far as there are."""
    terms = len(b)
    done = terms - terms % 16
    lanes: Array = np.zeros((len(a), _LANES), np.float32)
    for start in range(0, done, _LANES):
        lanes = _multiply_add(a[:, start : start + _LANES], b[start : start + _LANES], lanes)
    result = _across(lanes)
    for width in (8, 4, 2, 1):
        if terms - done >= width:
            result = result + _across(a[:, done : done + width] * b[done : done + width])
            done += width
    return result


def _across(lanes: Array) -> Array:
    """The sums of one, two, four or eight lanes: of neighbours, of those of the two halves, of the two that remain."""
    if lanes.shape[1] > 1:
        lanes = lanes[:, 0::2] + lanes[:, 1::2]
    if lanes.shape[1] > 2:
        lanes = lanes[:, :2] + lanes[:, 2:]
    if lanes.shape[1] > 1:
        lanes = lanes[:, 0::2] + lanes[:, 1::2]
    return lanes[:, 0]
