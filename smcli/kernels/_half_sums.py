"""Sums and products of 16-bit floats, with the roundings and the order that TensorFlow's CPU kernels have.

Eigen adds float16 and bfloat16 up in their own precision, a packet of eight at a time, so that the order of the
additions decides the last digits. Here the numbers are float32 that hold 16-bit values, and each step is rounded to
16 bits. The orders are those of InnerMostDimReducer, InnerMostDimPreserver and GenericDimReducer in Eigen's
TensorReduction.h.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.kernels.context import Array

_PACKET = 8  # 16-bit floats that Eigen computes on at a time
_LEAF = 200 * _PACKET  # longer rows are halved, and the halves reduced by themselves
MOST_STEPS = 2**17  # what takes more steps, one after the other, is rounded once
_UNROLLED = 16  # from so many steps on, columns have four running totals

_EXPONENT = np.int32(0x7F800000)
_LEAST_NORMAL = np.int32((127 - 14) << 23)  # the exponent of the smallest normal float16, as float32 has it
_TOO_LARGE = np.int32((127 + 15) << 23)  # from here on, rounding may give infinity
_MAGIC = np.int32((13 << 23) | 0x400000)  # times 1.5 · 2^13


def rounded(x: Array, dtype: np.dtype[Any]) -> Array:
    """float32 numbers rounded to a 16-bit float dtype, as float32. A zero may lose its sign.

    NumPy turns float32 into float16 one number at a time. Adding 1.5 · 2^(e + 13) and taking it away again leaves the
    eleven bits that float16 has for a number of exponent e, rounded to even, at the cost of a few additions.
    """
    if dtype != np.float16:
        return x.astype(dtype).astype(np.float32)
    bits: Array = np.asarray(x).view(np.int32)
    power = np.bitwise_and(bits, _EXPONENT)
    if power.size and power.max() >= _TOO_LARGE:
        return x.astype(np.float16).astype(np.float32)
    power = np.maximum(power, _LEAST_NORMAL)
    power = np.asarray(np.add(power, _MAGIC))
    magic = power.view(np.float32)
    out: Array = np.add(x, magic)
    return np.subtract(out, magic)


def reduce_rows(ufunc: np.ufunc, x: Array, dtype: np.dtype[Any]) -> Array:
    """`ufunc` (add or multiply) over the rows of a matrix."""
    rows, columns = x.shape
    if columns <= _LEAF:
        return _reduced_leaf(ufunc, x, dtype)
    if columns % _PACKET == 0:  # then all rows are cut alike
        return _halved(ufunc, x, 0, dtype)
    return np.concatenate([_halved(ufunc, x[i : i + 1], i * columns, dtype) for i in range(rows)])


def _halved(ufunc: np.ufunc, x: Array, start: int, dtype: np.dtype[Any]) -> Array:
    """`reduce_rows` of rows that begin at place `start` of the tensor: packets are cut where the tensor's are."""
    columns = x.shape[1]
    if columns <= _LEAF:
        return _reduced_leaf(ufunc, x, dtype)
    middle = -(-(start + -(-columns // 2)) // _PACKET) * _PACKET - start
    left = _halved(ufunc, x[:, :middle], start, dtype)
    right = _halved(ufunc, x[:, middle:], start + middle, dtype)
    return rounded(ufunc(left, right), dtype)


def _reduced_leaf(ufunc: np.ufunc, x: Array, dtype: np.dtype[Any]) -> Array:
    """Four packets of running totals, then one, then numbers by themselves."""
    rows, columns = x.shape
    whole = columns // _PACKET * _PACKET
    wide = columns // (4 * _PACKET) * (4 * _PACKET)
    total: Array = np.full((rows, 4 * _PACKET), ufunc.identity, np.float32)
    for at in range(0, wide, 4 * _PACKET):
        total = rounded(ufunc(total, x[:, at : at + 4 * _PACKET]), dtype)
    first, *others = np.split(total, 4, axis=1)
    if wide:
        for other in others:
            first = rounded(ufunc(first, other), dtype)
    for at in range(wide, whole, _PACKET):
        first = rounded(ufunc(first, x[:, at : at + _PACKET]), dtype)
    while first.shape[1] > 1:  # across a packet in float32
        half = first.shape[1] // 2
        first = ufunc(first[:, :half], first[:, half:])
    rest: Array = np.full(rows, ufunc.identity, np.float32)
    for at in range(whole, columns):
        rest = rounded(ufunc(rest, x[:, at]), dtype)
    return rounded(ufunc(rest, rounded(first[:, 0], dtype)), dtype)


def reduce_runs(ufunc: np.ufunc, x: Array, starts: Array, dtype: np.dtype[Any]) -> Array:
    """`ufunc` over each run of rows of a matrix, one row after the other: run i begins at starts[i]."""
    sizes = np.diff(starts, append=len(x))
    longest = int(sizes.max(initial=0))
    if longest > MOST_STEPS:
        out: Array = ufunc.reduceat(x, starts, axis=0)
        return rounded(out, dtype)
    total: Array = x[starts]
    for step in range(1, longest):
        going = np.flatnonzero(sizes > step)
        total[going] = rounded(ufunc(total[going], x[starts[going] + step]), dtype)
    return total


def reduce_in_turn(ufunc: np.ufunc, x: Array, dtype: np.dtype[Any]) -> Array:
    """`ufunc` over the middle axis of (outer, count, inner), one after the other."""
    if x.shape[1] > MOST_STEPS:
        out: Array = ufunc.reduce(x, axis=1)
        return rounded(out, dtype)
    total: Array = np.full((x.shape[0], x.shape[2]), ufunc.identity, np.float32)
    for at in range(x.shape[1]):
        total = rounded(ufunc(total, x[:, at]), dtype)
    return total


def reduce_columns(ufunc: np.ufunc, x: Array, dtype: np.dtype[Any]) -> Array:
    """`ufunc` over the middle axis of (outer, count, inner): four totals for what lies in whole packets."""
    outer, count, inner = x.shape
    if count < _UNROLLED or inner < _PACKET:
        return reduce_in_turn(ufunc, x, dtype)
    totals: Array = np.full((4, outer, inner), ufunc.identity, np.float32)
    even = count // 4 * 4
    for at in range(0, even, 4):
        totals = rounded(ufunc(totals, x[:, at : at + 4].swapaxes(0, 1)), dtype)
    total = totals[0]
    for other in totals[1:]:
        total = rounded(ufunc(total, other), dtype)
    for at in range(even, count):
        total = rounded(ufunc(total, x[:, at]), dtype)
    places = np.arange(outer * inner)
    begins = places // _PACKET * _PACKET
    in_packets = (begins % inner + _PACKET <= inner) & (begins + _PACKET <= len(places))
    if not in_packets.all():
        total = np.where(in_packets.reshape(outer, inner), total, reduce_in_turn(ufunc, x, dtype))
    result: Array = total
    return result


def reduce_axes(ufunc: np.ufunc, x: Array, axes: tuple[int, ...]) -> Array:
    """`ufunc` over the axes of a tensor of 16-bit floats, as float32 without these axes.

    Neighbouring axes that are all reduced, or all kept, count as one (tensorflow/core/kernels/reduction_ops_common.cc).
    """
    kept = tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
    wide = x.astype(np.float32)
    if x.size == 0:
        nothing: Array = np.full(kept, ufunc.identity, np.float32)
        return nothing
    runs: list[tuple[bool, int]] = []
    for axis, size in enumerate(x.shape):
        if size == 1:
            continue
        is_reduced = axis in axes
        if runs and runs[-1][0] == is_reduced:
            runs[-1] = (is_reduced, runs[-1][1] * size)
        else:
            runs.append((is_reduced, size))
    sizes = [size for _, size in runs]
    if not any(is_reduced for is_reduced, _ in runs):
        return wide.reshape(kept)
    match [is_reduced for is_reduced, _ in runs]:
        case [True]:
            out = reduce_rows(ufunc, wide.reshape(1, -1), x.dtype)
        case [False, True]:
            out = reduce_rows(ufunc, wide.reshape(sizes), x.dtype)
        case [True, False]:
            out = reduce_columns(ufunc, wide.reshape(1, *sizes), x.dtype)
        case [False, True, False]:
            out = reduce_columns(ufunc, wide.reshape(sizes), x.dtype)
        case [True, False, True]:
            turned = wide.reshape(sizes).transpose(1, 2, 0)
            out = reduce_in_turn(ufunc, turned.reshape(sizes[1], -1, 1), x.dtype)
        case _:
            others = [axis for axis in range(x.ndim) if axis not in axes]
            rows = wide.transpose(*others, *sorted(axes)).reshape(int(np.prod(kept)), -1)
            out = reduce_rows(ufunc, rows, x.dtype)
    return out.reshape(kept)
