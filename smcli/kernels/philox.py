"""The Philox4x32-10 generator, by blocks of four 32-bit words, many at a time.

The generator of Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC11), with the seeding that TensorFlow
gives it (tensorflow/core/lib/random/philox_random.h, core/kernels/stateless_random_ops.cc).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import numpy as np

from smcli.kernels.context import Array

MASK32 = 0xFFFFFFFF
MASK64 = 0xFFFFFFFFFFFFFFFF
MASK128 = (1 << 128) - 1
_LOW = np.uint64(MASK32)
_32 = np.uint64(32)
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)


@dataclass(frozen=True, slots=True)
class Philox:
    """A place in a stream: a 128-bit counter and a 64-bit key. Drawing does not move it; `skip` gives a later place."""

    counter: int
    key: int

    @classmethod
    def from_seeds(cls, seed: int, seed2: int) -> Philox:
        """The generator of a stateful op with these two seeds."""
        return cls((seed2 & MASK64) << 64, seed & MASK64)

    @classmethod
    def from_attrs(cls, seed: int, seed2: int) -> Philox:
        """The generator of a stateful op whose attrs are these; of seeds that no one knows where both are 0."""
        if seed == 0 and seed2 == 0:
            seed, seed2 = secrets.randbits(64), secrets.randbits(64)
        return cls.from_seeds(seed, seed2)

    @classmethod
    def from_stateless_seed(cls, seed: int, seed2: int) -> Philox:
        """The generator of a stateless op: the seeds are scrambled, so that weak ones do no harm."""
        mixed = Philox((seed & MASK64) | (seed2 & MASK64) << 64, 0x02461E29_3EC8F720).blocks(1)[0]
        words = [int(word) for word in mixed]
        return cls((words[2] | words[3] << 32) << 64, words[0] | words[1] << 32)

    def skip(self, blocks: int) -> Philox:
        return Philox((self.counter + blocks) & MASK128, self.key)

    def blocks(self, count: int) -> Array:
        """The next `count` blocks: uint32 [count, 4]."""
        low = np.arange(count, dtype=np.uint64) + np.uint64(self.counter & MASK64)
        carry = low < np.uint64(self.counter & MASK64)
        high = np.uint64(self.counter >> 64) + carry.astype(np.uint64)
        return _rounds(low, high, self.key)

    def blocks_from(self, offsets: Array, count: int) -> Array:
        """For each offset (int64 [n], in blocks), `count` blocks from there: uint32 [n, count, 4]."""
        at = (offsets.astype(np.uint64)[:, None] + np.arange(count, dtype=np.uint64)).reshape(-1)
        low = at + np.uint64(self.counter & MASK64)
        high = np.uint64(self.counter >> 64) + (low < at).astype(np.uint64)
        return _rounds(low, high, self.key).reshape(offsets.size, count, 4)

    def words(self, count: int) -> Array:
        """The next `count` words of the stream: uint32 [count]."""
        return self.blocks(-(-count // 4)).reshape(-1)[:count]


def _rounds(low: Array, high: Array, key: int) -> Array:
    """Ten rounds over counters given by their low and high 64 bits: uint32 [n, 4]."""
    c0, c1, c2, c3 = low & _LOW, low >> _32, high & _LOW, high >> _32
    k0, k1 = key & MASK32, key >> 32
    for _ in range(10):
        product0 = c0 * _MULTIPLIERS[0]
        product1 = c2 * _MULTIPLIERS[1]
        c0 = (product1 >> _32) ^ c1 ^ np.uint64(k0)
        c2 = (product0 >> _32) ^ c3 ^ np.uint64(k1)
        c1 = product1 & _LOW
        c3 = product0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & MASK32, (k1 + _WEYL[1]) & MASK32
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)
