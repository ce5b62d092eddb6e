"""Convolution in any number of dimensions, with dimension numbers, dilated inputs, and groups of features or batches:
what XLA and the UniformQuantized ops share.

Semantics: https://openxla.org/xla/operation_semantics (ConvWithGeneralPadding).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._windows import check_bytes
from smcli.kernels.context import Array


@dataclass(frozen=True, slots=True)
class Layout:
    """Which dimension of the input, the kernel and the output is which: (batch or output features, features or input
    features, *spatial ones) of each."""

    input: tuple[int, ...]
    kernel: tuple[int, ...]
    output: tuple[int, ...]

    @classmethod
    def plain(cls, rank: int) -> Layout:
        dims = tuple(range(rank))
        return cls(dims, dims, dims)

    def check(self, rank: int) -> None:
        """Raise InvalidArgumentError unless each is a permutation of the dimensions."""
        for dims in (self.input, self.kernel, self.output):
            if sorted(dims) != list(range(rank)):
                raise InvalidArgumentError(f"Dimension numbers {list(dims)} are not the dimensions of rank {rank}")


@dataclass(frozen=True, slots=True)
class Geometry:
    """For each spatial dimension: strides, (before, after) padding that may be negative, and how far inputs and
    kernel elements are apart; and the numbers of groups."""

    strides: Sequence[int]
    padding: Sequence[tuple[int, int]]
    input_dilation: Sequence[int]
    kernel_dilation: Sequence[int]
    feature_groups: int = 1
    batch_groups: int = 1


def dilated(size: int, dilation: int) -> int:
    """How many elements `size` of them take up when they are `dilation` apart."""
    return (size - 1) * dilation + 1 if size else 0


def padded(x: Array, pairs: Sequence[tuple[int, int]], interior: Sequence[int], value: Any) -> Array:
    """x with `interior` values between its elements and pairs of paddings around; negative ones cut off."""
    spread = [dilated(size, between + 1) for size, between in zip(x.shape, interior)]
    shape = [low + size + high for (low, high), size in zip(pairs, spread)]
    if min(shape, default=0) < 0:
        raise InvalidArgumentError(f"Padding {list(pairs)} cuts off more than the shape {list(x.shape)}")
    grown = [max(low, 0) + size + max(high, 0) for (low, high), size in zip(pairs, spread)]
    check_bytes(grown, x.itemsize)
    buffer: Array = np.full(grown, value, x.dtype)
    starts = [max(low, 0) for low, _ in pairs]
    places = zip(starts, spread, interior)
    buffer[tuple(slice(start, start + size, between + 1) for start, size, between in places)] = x
    return buffer[tuple(slice(max(-low, 0), max(-low, 0) + size) for (low, _), size in zip(pairs, shape))]


def convolve(lhs: Array, rhs: Array, geometry: Geometry, fill: Any) -> Array:
    """(batch, features, *spatial) with (outputs, features of a group, *spatial): (batch, outputs, *spatial).

    Sums are of the operands' dtype; padding and gaps hold `fill`. Raises InvalidArgumentError for groups that do not
    fit.
    """
    groups = geometry.feature_groups
    _check_groups(lhs.shape, rhs.shape, geometry)
    if geometry.batch_groups > 1:
        one = replace(geometry, batch_groups=1)
        kernels = np.split(rhs, geometry.batch_groups)
        if groups == 1:
            parts = [convolve(*part, one, fill) for part in zip(np.split(lhs, geometry.batch_groups), kernels)]
            return np.concatenate(parts, axis=1)
        # Of all outputs of all batches, each group of outputs keeps its own batches.
        whole = convolve(lhs, rhs, one, fill)
        size, depth = lhs.shape[0] // geometry.batch_groups, kernels[0].shape[0]
        kept = [whole[i * size : (i + 1) * size, i * depth : (i + 1) * depth] for i in range(geometry.batch_groups)]
        return np.concatenate(kept, axis=1)
    pairs = [(0, 0), (0, 0), *geometry.padding]
    x = padded(lhs, pairs, [0, 0, *(dilation - 1 for dilation in geometry.input_dilation)], fill)
    kernel = rhs.shape[2:]
    counts = [
        max(0, (size - dilated(k, dilation)) // stride + 1)
        for size, k, dilation, stride in zip(x.shape[2:], kernel, geometry.kernel_dilation, geometry.strides)
    ]
    outputs = rhs.shape[0]
    check_bytes((lhs.shape[0], outputs, *counts), 8)
    batch, depth = lhs.shape[0], rhs.shape[1]
    sums: Array = np.zeros((groups, outputs // groups, batch * int(np.prod(counts, dtype=np.int64))), x.dtype)
    for tap in np.ndindex(*kernel) if sums.size else ():
        starts = [i * dilation for i, dilation in zip(tap, geometry.kernel_dilation)]
        span = zip(starts, counts, geometry.strides)
        part = x[(slice(None), slice(None), *(slice(s, s + (n - 1) * stride + 1, stride) for s, n, stride in span))]
        columns = np.moveaxis(part, 1, 0).reshape(groups, depth, -1)
        sums += rhs[(slice(None), slice(None), *tap)].reshape(groups, outputs // groups, depth) @ columns
    return np.moveaxis(sums.reshape(outputs, batch, *counts), 0, 1)


def _check_groups(lhs: tuple[int, ...], rhs: tuple[int, ...], geometry: Geometry) -> None:
    features, batches = geometry.feature_groups, geometry.batch_groups
    if features <= 0:
        raise InvalidArgumentError(f"feature_group_count must be a positive integer, given: {features}")
    if lhs[1] % features or lhs[1] // features != rhs[1]:
        raise InvalidArgumentError(
            f"lhs feature dimension size divided by feature_group_count must equal the rhs input feature dimension "
            f"size, but {lhs[1]} / {features} != {rhs[1]}"
        )
    if rhs[0] % features:
        raise InvalidArgumentError(
            f"rhs output dimension size must be a multiple of feature_group_count, but {rhs[0]} is not a multiple of "
            f"{features}"
        )
    if batches <= 0:
        raise InvalidArgumentError(f"batch_group_count Attr must be a positive integer. Given: {batches}")
    if lhs[0] % batches:
        raise InvalidArgumentError(f"batch_group_count must divide lhs batch dimension size: {batches}, {lhs[0]}")
    if rhs[0] % batches:
        raise InvalidArgumentError(
            f"rhs output dimension size must be a multiple of batch_group_count, but {rhs[0]} is not a multiple of "
            f"{batches}"
        )
