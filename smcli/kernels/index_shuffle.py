"""RandomIndexShuffle: where one index goes in a random permutation, without making the permutation.

The permutation is a Feistel cipher of as many bits as the largest index needs, applied again until the result is in
range (cycle walking); its rounds are those of Beaulieu et al., "The SIMON and SPECK families of lightweight block
ciphers" (2013). Semantics: tensorflow/core/kernels/random_index_shuffle.cc.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel

MIN_BLOCK = 16  # bits
_Z = 0x7369F885192C0EF5
_C = 0xFFFFFFFC


def _round_keys(keys: Array, word: Array, rounds: int) -> list[Array]:
    """The keys of the rounds, uint64 [n] each, from keys uint32 [n, 3] and words of so many bits."""
    mask = (np.uint64(1) << word) - np.uint64(1)
    found = [keys[:, i].astype(np.uint64) & mask for i in range(3)]
    z = np.uint64(_Z) & mask
    for _ in range(3, rounds):
        last = found[-1]
        turned = _left(last, word - np.uint64(3), word) ^ _left(last, word - np.uint64(4), word)
        found.append((np.uint64(_C) & mask) ^ (z & np.uint64(1)) ^ found[-3] ^ turned)
        z = z >> np.uint64(1)
    return found


def _left(x: Array, by: Array, word: Array) -> Array:
    """x turned left by some bits, in words of so many bits."""
    mask = (np.uint64(1) << word) - np.uint64(1)
    turned: Array = ((x << by) | (x >> (word - by))) & mask
    return turned


def _mix(x: Array, word: Array) -> Array:
    one, two, eight = (np.full_like(word, by) for by in (1, 2, 8))
    mixed: Array = (_left(x, one, word) & _left(x, eight, word)) ^ _left(x, two, word)
    return mixed


def _encrypted(value: Array, keys: list[Array], word: Array) -> Array:
    mask = (np.uint64(1) << word) - np.uint64(1)
    left: Array = (value >> word) & mask
    right: Array = value & mask
    for even, odd in zip(keys[::2], keys[1::2]):
        left = left ^ _mix(right, word) ^ even
        right = right ^ _mix(left, word) ^ odd
    joined: Array = (left << word) | right
    return joined


def _word_sizes(most: Array) -> Array:
    """Half of the bits of a block that holds numbers up to `most`, by the rounded logarithm that TensorFlow takes."""
    bits = np.ceil(np.log2(np.maximum(most, np.uint64(1)).astype(np.float64))).astype(np.int64)
    block = np.clip(bits + bits % 2, MIN_BLOCK, 64)
    sizes: Array = (block // 2).astype(np.uint64)
    return sizes


def _walked(at: Array, keys: Array, most: Array, rounds: int) -> Array:
    """Where indices come to rest: encrypted again and again until they are in range."""
    word = _word_sizes(most)
    round_keys = _round_keys(keys, word, rounds)
    found = np.zeros_like(at)
    rows = np.arange(at.size)
    while rows.size:
        at = _encrypted(at, [key[rows] for key in round_keys], word[rows])
        done = at <= most[rows]
        found[rows[done]] = at[done]
        rows, at = rows[~done], at[~done]
    return found


def _whole_permutation(key: Array, most: int, rounds: int) -> Array:
    """Where each number of the smallest block comes to rest, by jumps of doubling length: uint64 [2 ** 16].

    Numbers that never get into range, since no number in range leads to them, are of no meaning.
    """
    size = 2**MIN_BLOCK
    word = np.full(size, MIN_BLOCK // 2, np.uint64)
    table = _encrypted(
        np.arange(size, dtype=np.uint64), _round_keys(np.broadcast_to(key, (size, 3)), word, rounds), word
    )
    for _ in range(MIN_BLOCK):
        outside = np.flatnonzero(table > most)
        table[outside] = table[table[outside]]
    return table


@kernel("RandomIndexShuffle")
def random_index_shuffle(index: Array, seed: Array, max_index: Array, *, rounds: int = 4) -> Array:
    """The new places of indices in [0, max_index], each scalar or a vector; seed [3] or [n, 3].

    Raises InvalidArgumentError for shapes that do not fit, for indices that are out of range, and for an odd number of
    rounds or fewer than 4, for which TensorFlow reads past the end of its keys.
    """
    count = max(index.size, max_index.size, seed.size // 3)
    if not (index.ndim == 0 or index.shape == (count,)):
        raise InvalidArgumentError("Index bust be a scalar or vector.")
    if seed.shape not in ((3,), (count, 3)):
        raise InvalidArgumentError(
            f"Seed must be a vector of size [3] or a matrix of size [{count}, 3] but got {list(seed.shape)}."
        )
    if not (max_index.ndim == 0 or max_index.shape == (count,)):
        raise InvalidArgumentError(
            f"Maxval must be a scalar or a vector of the same size as index but got {list(max_index.shape)}"
        )
    if rounds < 4 or rounds % 2:
        raise InvalidArgumentError(f"Rounds must be an even number and at least 4 but got {rounds}")
    most = np.broadcast_to(max_index.astype(np.uint64), count)
    at = np.broadcast_to(index.astype(np.uint64), count)
    if (at > most).any():
        raise InvalidArgumentError("index must be within the range of [0, max_index]")
    keys = np.broadcast_to(seed.astype(np.uint32), (count, 3))
    found = np.zeros(count, np.uint64)
    rows = np.flatnonzero(most)  # 0 is the only index of a range of one
    if seed.ndim == 1 and max_index.ndim == 0 and 0 < int(max_index) < 2 ** (MIN_BLOCK - 1):
        # Few numbers of a block are in range, so that a walk is long.
        found[rows] = _whole_permutation(keys[0], int(max_index), rounds)[at[rows]]
    else:
        found[rows] = _walked(at[rows], keys[rows], most[rows], rounds)
    scalar = index.ndim == max_index.ndim == 0 and seed.ndim == 1
    return found.astype(index.dtype).reshape(() if scalar else (count,))
