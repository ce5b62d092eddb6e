"""A checkpoint that tells how much of it is asked for and how much has been read."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from smcli.checkpoint.base import Checkpoint, Entry
from smcli.tensors.lazy import LazyTensor

Array = np.ndarray[Any, Any]


class Watched(Checkpoint):
    """Another checkpoint, with `asked` called for each tensor that is asked for, and `read` once it is read, both with
    its size in bytes; that of strings is not known and counts as nothing."""

    def __init__(self, inner: Checkpoint, asked: Callable[[int], None], read: Callable[[int], None]) -> None:
        self.prefix = inner.prefix
        self._inner, self._asked, self._read = inner, asked, read

    def keys(self) -> list[str]:
        return self._inner.keys()

    def entry(self, name: str | bytes) -> Entry:
        return self._inner.entry(name)

    def tensor(self, name: str | bytes, slice_spec: str | bytes = "") -> LazyTensor:
        found = self._inner.tensor(name, slice_spec)
        size = 0 if found.dtype.is_object else math.prod(found.shape) * found.dtype.numpy.itemsize
        self._asked(size)
        return LazyTensor(found.dtype, found.shape, partial(self._load, found.load, size))

    def close(self) -> None:
        self._inner.close()

    def _load(self, load: Callable[[], Array], size: int) -> Array:
        value = load()
        self._read(size)
        return value
