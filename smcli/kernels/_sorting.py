"""Sorting and grouping of whole arrays of integer keys, faster than NumPy's own stable sort and `reduceat`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.kernels.context import Array

_FEW = 16  # runs that are still going on when reducing them one by one beats reducing them side by side
_BLOCK = 2**20  # elements taken at a time of a run reduced by itself


def stable_order(keys: Array) -> Array:
    """The stable permutation that sorts a vector of integers.

    Key and place are packed into one integer where they fit, because sorting plain int64 is some ten times faster than
    a stable argsort.
    """
    count = len(keys)
    if count < 2 or (keys[1:] >= keys[:-1]).all():
        return np.arange(count)
    low, high = int(keys.min()), int(keys.max())
    bits = (count - 1).bit_length()
    if (high - low) >> (62 - bits):
        return np.argsort(keys, kind="stable")
    packed = keys.astype(np.int64)
    packed -= low
    packed <<= bits
    packed |= np.arange(count)
    packed.sort()
    packed &= (1 << bits) - 1
    return packed


def row_order(rows: Array) -> Array:
    """The stable permutation that sorts the rows [n, columns] of integers, first column first."""
    if rows.shape[1] == 0 or len(rows) == 0:
        return np.arange(len(rows))
    lows = [int(column.min()) for column in rows.T]
    sizes = [int(column.max()) - low + 1 for column, low in zip(rows.T, lows)]
    if math.prod(sizes) >= 2**62:
        return np.lexsort(rows.T[::-1])
    keys = np.zeros(len(rows), np.int64)
    for column, low, size in zip(rows.T, lows, sizes):
        keys *= size
        keys += column - low
    return stable_order(keys)


def run_starts(keys: Array) -> Array:
    """Where each run of equal, neighbouring keys begins."""
    if len(keys) == 0:
        return np.zeros(0, np.int64)
    is_start = np.empty(len(keys), bool)
    is_start[0] = True
    np.not_equal(keys[1:], keys[:-1], out=is_start[1:])
    return np.flatnonzero(is_start)


def reduce_runs(ufunc: np.ufunc, take: Callable[[Any], Array], starts: Array, count: int) -> Array:
    """ufunc over each run of rows, in order: run i is the rows starts[i] to starts[i + 1] of `count` in all.

    `take` gives the rows at some places (an array or a slice), as a new array where the places are one. The first rows
    of all runs are taken together, then the second ones of those that have two, and so on, longest runs first.
    """
    if len(starts) == 1 and count <= _BLOCK // max(1, math.prod(take(starts).shape[1:])):
        rows = take(slice(int(starts[0]), count))
        return np.asarray(ufunc.reduce(rows, axis=0, dtype=rows.dtype, keepdims=True))
    sizes = np.diff(starts, append=count)
    longest = stable_order(-sizes)
    starts, sizes = starts[longest], sizes[longest]
    totals = take(starts)
    going = len(starts)
    step = 1
    while True:
        going = int(np.searchsorted(-sizes[:going], -step, side="left"))  # those of more than `step` rows
        if going <= _FEW:
            break
        ufunc(totals[:going], take(starts[:going] + step), out=totals[:going])
        step += 1
    width = max(1, math.prod(totals.shape[1:]))
    block = max(1, _BLOCK // width)
    for run in range(going):
        end = int(starts[run] + sizes[run])
        for at in range(int(starts[run]) + step, end, block):
            part = take(slice(at, min(at + block, end)))
            first = totals[run : run + 1]
            totals[run] = ufunc.reduce(np.concatenate([first, part]), axis=0, dtype=totals.dtype)
    out = np.empty_like(totals)
    out[longest] = totals
    return out
