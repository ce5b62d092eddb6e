"""Random bits to numbers: the distributions of TensorFlow's fills, bit for bit.

Each function gives the first `count` numbers of a distribution from a generator's place, laid out over blocks as
tensorflow/core/kernels/random_op.cc (FillPhiloxRandom) does; the formulas are those of
tensorflow/core/lib/random/random_distributions.h.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from smcli.kernels.context import Array
from smcli.kernels.philox import Philox

F32 = np.float32
EPSILON = 1.0e-7  # smallest uniform that the normal transform takes the logarithm of
TRUNCATE_AT = 2.0  # standard deviations


def unit_float32(words: Array) -> Array:
    """Words to float32 in [0, 1): 23 bits each."""
    return ((words & np.uint32(0x7FFFFF)) | np.uint32(0x3F800000)).view(F32) - F32(1)


def unit_float64(high: Array, low: Array) -> Array:
    """Pairs of words to float64 in [0, 1): 52 bits each."""
    bits = ((high.astype(np.uint64) & np.uint64(0xFFFFF)) << np.uint64(32)) | low
    return (bits | np.uint64(0x3FF0000000000000)).view(np.float64) - 1.0


def _unit_16(words: Array, dtype: np.dtype[Any]) -> Array:
    mantissa, one = (0x3FF, 0x3C00) if dtype == np.float16 else (0x7F, 0x3F80)
    halves = ((words & np.uint32(mantissa)) | np.uint32(one)).astype(np.uint16).view(dtype)
    return (halves - np.ones((), dtype)).astype(dtype, copy=False)


def uniform(generator: Philox, count: int, dtype: np.dtype[Any]) -> Array:
    """Numbers in [0, 1): float16, bfloat16 and float32 take a word each, float64 takes two."""
    if dtype == np.float64:
        words = generator.words(2 * count)
        return unit_float64(words[0::2], words[1::2])
    words = generator.words(count)
    return unit_float32(words) if dtype == F32 else _unit_16(words, dtype)


def full_integers(generator: Philox, count: int, dtype: np.dtype[Any]) -> Array:
    """Integers of all values of a 32- or 64-bit dtype."""
    if dtype.itemsize == 4:
        return generator.words(count).view(dtype)
    words = generator.words(2 * count).astype(np.uint64)
    return (words[0::2] | words[1::2] << np.uint64(32)).view(dtype)


def integers(generator: Philox, count: int, dtype: np.dtype[Any], low: int, high: int) -> Array:
    """Integers in [low, high), as remainders of full ones."""
    unsigned = np.dtype(f"u{dtype.itemsize}")
    bits = full_integers(generator, count, unsigned)
    size = unsigned.type((high - low) & (2 ** (8 * dtype.itemsize) - 1))
    numbers: Array = bits % size + unsigned.type(low & (2 ** (8 * dtype.itemsize) - 1))
    return numbers.view(dtype)


def box_muller32(words: Array) -> Array:
    """Pairs of words [..., 2k] to pairs of float32 normals (Box and Muller's sine first).

    logf, sinf and cosf round to nearest nearly always, so they are taken in float64 and rounded once.
    """
    u = np.maximum(unit_float32(words[..., 0::2]), F32(EPSILON)).astype(np.float64)
    angle = (2.0 * math.pi * unit_float32(words[..., 1::2]).astype(np.float64)).astype(F32).astype(np.float64)
    radius = np.sqrt(F32(-2) * np.log(u).astype(F32))
    return np.stack([np.sin(angle).astype(F32) * radius, np.cos(angle).astype(F32) * radius], axis=-1).reshape(
        words.shape
    )


def box_muller64(words: Array) -> Array:
    """Fours of words [..., 4k] to pairs of float64 normals [..., 2k]."""
    u = np.maximum(unit_float64(words[..., 0::4], words[..., 1::4]), EPSILON)
    angle = 2.0 * math.pi * unit_float64(words[..., 2::4], words[..., 3::4])
    radius = np.sqrt(-2.0 * np.log(u))
    pairs = np.stack([np.sin(angle) * radius, np.cos(angle) * radius], axis=-1)
    return pairs.reshape(*words.shape[:-1], words.shape[-1] // 2)


def normal(generator: Philox, count: int, dtype: np.dtype[Any]) -> Array:
    """Standard normal numbers; 16-bit ones are rounded from float32."""
    if dtype == np.float64:
        return box_muller64(generator.words(4 * -(-count // 2)))[:count]
    return box_muller32(generator.words(4 * -(-count // 4)))[:count].astype(dtype, copy=False)


def truncated_normal(generator: Philox, count: int, dtype: np.dtype[Any]) -> Array:
    """Standard normal numbers of less than two standard deviations.

    Each group (four numbers, or two of float64) has a stretch of the stream of its own, 256 words for a number, and
    takes the first normals of it that are within bounds.
    """
    wide = dtype == np.float64
    size = 2 if wide else 4
    groups = -(-count // size)
    output = np.zeros((groups, size), np.float64 if wide else F32)
    waiting = np.arange(groups)
    blocks = 1
    while waiting.size:
        words = generator.blocks_from(waiting * (size * 256 // 4), blocks).reshape(waiting.size, -1)
        normals = box_muller64(words) if wide else box_muller32(words)
        good = np.abs(normals) < TRUNCATE_AT
        at_once = good[:, :size].all(axis=1)  # the usual case
        output[waiting[at_once]] = normals[at_once, :size]
        waiting, normals, good = waiting[~at_once], normals[~at_once], good[~at_once]
        full = good.sum(axis=1) >= size
        first = np.argsort(~good[full], axis=1, kind="stable")[:, :size]
        output[waiting[full]] = np.take_along_axis(normals[full], first, axis=1)
        waiting = waiting[~full]
        blocks *= 2
    return output.reshape(-1)[:count].astype(dtype, copy=False)
