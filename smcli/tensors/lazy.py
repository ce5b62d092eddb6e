"""A tensor whose bytes have not been read yet: what restoring a checkpoint yields."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from smcli.tensors.types import DataType

if TYPE_CHECKING:
    import numpy as np


class LazyTensor:
    """A tensor of known dtype and shape; `load` reads and checks its bytes when `numpy()` is first called.

    `load` raises DataLossError when the bytes do not match their checksum.
    """

    __slots__ = ("_value", "dtype", "load", "shape")

    def __init__(self, dtype: DataType, shape: tuple[int, ...], load: Callable[[], np.ndarray[Any, Any]]) -> None:
        self.dtype, self.shape, self.load = dtype, shape, load
        self._value: np.ndarray[Any, Any] | None = None

    def numpy(self) -> np.ndarray[Any, Any]:
        """The tensor's value, read at most once."""
        if self._value is None:
            self._value = self.load()
        return self._value
