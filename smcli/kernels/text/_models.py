"""Models that travel as tensors: read once, remembered by the node that uses them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels.context import Array, Context

M = TypeVar("M")


def model_of(buffer: Array, read: Callable[[bytes], M], context: Context) -> M:
    """What `read` makes of a uint8 vector, or what it made of an equal one the last time."""
    buffer = np.asarray(buffer)
    known = context.memory.get("model")
    if known is not None and (known[0] is buffer or np.array_equal(known[0], buffer)):
        found: M = known[1]
        return found
    if buffer.ndim != 1:
        raise InvalidArgumentError(f"The model must be rank 1, but has shape {list(buffer.shape)}")
    model = read(buffer.tobytes())
    context.memory["model"] = (buffer, model)
    return model
