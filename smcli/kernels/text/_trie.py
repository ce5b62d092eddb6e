"""Double-array tries as darts-clone lays them out: https://github.com/s-yata/darts-clone.

A unit is 32 bits: the label in the lowest eight, a bit for "has a value", and the distance to its children, which lie
at `position ^ distance ^ label`. A value's unit has the top bit set. Every step checks that it stays in the array.
"""

from __future__ import annotations

from smcli.kernels.context import Array

_LABEL = 0x800000FF
_HAS_VALUE = 0x100
_VALUE = 0x7FFFFFFF


class Trie:
    """A trie over bytes. Nodes are positions in the array, the root is 0."""

    def __init__(self, units: Array) -> None:
        self._units: list[int] = units.tolist()
        self._size = len(self._units)

    def step(self, node: int, byte: int) -> int:
        """The node that `byte` leads to, or -1."""
        if node >= self._size:
            return -1
        unit = self._units[node]
        node ^= ((unit >> 10) << ((unit & 0x200) >> 6)) ^ byte
        return node if node < self._size and self._units[node] & _LABEL == byte else -1

    def walk(self, node: int, text: bytes) -> int:
        """The node that all of `text` leads to, or -1."""
        for byte in text:
            node = self.step(node, byte)
            if node < 0:
                break
        return node

    def value(self, node: int) -> int:
        """The value of a node, or -1 when it has none."""
        if node >= self._size:
            return -1
        unit = self._units[node]
        if not unit & _HAS_VALUE:
            return -1
        node ^= (unit >> 10) << ((unit & 0x200) >> 6)
        return self._units[node] & _VALUE if node < self._size else -1

    def prefixes(self, text: bytes, start: int) -> list[tuple[int, int]]:
        """The keys that `text[start:]` begins with: (value, length), the shortest first."""
        found: list[tuple[int, int]] = []
        units, size, node = self._units, self._size, 0
        if not size:
            return found
        unit = units[0]
        for position in range(start, len(text)):
            byte = text[position]
            node ^= ((unit >> 10) << ((unit & 0x200) >> 6)) ^ byte
            if node >= size:
                break
            unit = units[node]
            if unit & _LABEL != byte:
                break
            if unit & _HAS_VALUE:
                value = node ^ ((unit >> 10) << ((unit & 0x200) >> 6))
                if value >= size:
                    break
                found.append((units[value] & _VALUE, position - start + 1))
        return found
