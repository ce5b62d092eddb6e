"""Variables of a loaded model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.inputs.feeding import as_fed, to_tensor
from smcli.kernels import context
from smcli.kernels.context import Array


class Variable:
    """One variable of a loaded model. Reading it is lazy: its bytes leave the disk at the first `numpy()`."""

    def __init__(self, find: Callable[[], context.Variable], trainable: bool | None = None) -> None:
        """find: gives the variable of the session. trainable: None where the model does not say."""
        self._find = find
        self.trainable = trainable

    @property
    def name(self) -> str:
        return f"{self._find().name}:0"

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._find().dtype.numpy

    @property
    def shape(self) -> tuple[int, ...]:
        variable = self._find()
        value = variable.value
        return tuple(value.shape) if value is not None else tuple(variable.shape or ())

    def numpy(self) -> Array:
        """The value, read-only. Raises FailedPreconditionError when there is none yet."""
        value = np.asarray(self._find().read()).view()
        value.flags.writeable = False
        return value

    def assign(self, value: Any) -> None:
        """Gives the variable a value, for all signatures and functions of this model.

        Raises InvalidArgumentError when its shape does not fit, SmcliError when its type does not.
        """
        variable = self._find()
        array = to_tensor(as_fed(value, variable.dtype), variable.dtype)
        shape = variable.shape
        if shape is not None and (
            len(shape) != array.ndim or any(want not in (-1, have) for want, have in zip(shape, array.shape))
        ):
            raise InvalidArgumentError(f"{self.name} has shape {list(shape)}, the value has shape {list(array.shape)}")
        variable.value = array.copy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.numpy(), dtype=dtype)

    def __repr__(self) -> str:
        return f"<smcli.Variable {self.name!r} shape={self.shape} dtype={self.dtype.name}>"
