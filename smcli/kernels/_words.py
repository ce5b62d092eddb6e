"""The words of a Philox stream one at a time, and the numbers that TensorFlow's SimplePhilox makes of them
(tensorflow/core/lib/random/{simple_philox.h,exact_uniform_int.h,random_distributions_utils.h})."""

from __future__ import annotations

import struct

from smcli.kernels.philox import Philox

_BLOCKS_AT_ONCE = 64
_MASK32 = 0xFFFFFFFF
_MASK64 = 0xFFFFFFFFFFFFFFFF


class Words:
    """Calling it gives the next 32-bit word of a generator."""

    def __init__(self, generator: Philox) -> None:
        self._generator = generator
        self._held: list[int] = []

    def __call__(self) -> int:
        if not self._held:
            self._held = self._generator.blocks(_BLOCKS_AT_ONCE).reshape(-1).tolist()[::-1]
            self._generator = self._generator.skip(_BLOCKS_AT_ONCE)
        return self._held.pop()

    def word64(self) -> int:
        low = self()
        return low | self() << 32

    def below(self, n: int) -> int:
        """Uniform in [0, n), n of 32 bits."""
        if n & (n - 1) == 0:
            return self() & (n - 1)
        skewed = _MASK32 % n + 1
        word = self()
        while word < skewed:
            word = self()
        return word % n

    def below64(self, n: int) -> int:
        """Uniform in [0, n), n of 64 bits."""
        if n & (n - 1) == 0:
            return self.word64() & (n - 1)
        skewed = _MASK64 % n + 1
        word = self.word64()
        while word < skewed:
            word = self.word64()
        return word % n

    def unit(self) -> float:
        """A float32 in [0, 1)."""
        found: float = struct.unpack("<f", struct.pack("<I", 127 << 23 | self() & 0x7FFFFF))[0]
        return found - 1.0

    def double(self) -> float:
        """A float64 in [0, 1)."""
        high = self() & 0xFFFFF
        found: float = struct.unpack("<d", struct.pack("<Q", 1023 << 52 | high << 32 | self()))[0]
        return found - 1.0
