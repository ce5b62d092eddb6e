"""The variables of a SavedModel or of a bare checkpoint."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from smcli.checkpoint import Checkpoint, checkpoint_exists, open_checkpoint
from smcli.errors import NotFoundError, SmcliError
from smcli.kernels.context import Array
from smcli.model import VARIABLES
from smcli.tensors.types import DataType

_STATE_FILE = "checkpoint"  # in which TensorFlow writes the name of the latest checkpoint of a directory
_LATEST = re.compile(r'^model_checkpoint_path:\s*"((?:[^"\\]|\\.)*)"', re.MULTILINE)
_MAX_STATE_BYTES = 1 << 20


class VariableInfo(NamedTuple):
    """One tensor of a checkpoint. bytes: of its values in memory; None for strings, whose length is not known."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    elements: int
    bytes: int | None


def find_prefix(path: str) -> str:
    """The checkpoint at `path`: the variables of a SavedModel directory, the latest checkpoint of another directory, a
    checkpoint prefix, or its .index file.

    Raises NotFoundError when there is none.
    """
    if os.path.isdir(path):
        inside = os.path.join(path, *VARIABLES)
        if checkpoint_exists(inside):
            return inside
        latest = _latest(path)
        if latest is not None:
            return latest
        raise NotFoundError(f"{path} holds neither the variables of a SavedModel nor a checkpoint")
    prefix = path.removesuffix(".index")
    if not checkpoint_exists(prefix):
        raise NotFoundError(f"There is no checkpoint {path}")
    return prefix


def _latest(directory: str) -> str | None:
    try:
        with open(os.path.join(directory, _STATE_FILE), encoding="utf-8", errors="replace") as file:
            found = _LATEST.search(file.read(_MAX_STATE_BYTES))
    except OSError:
        return None
    if found is None:
        return None
    prefix = os.path.join(directory, os.path.basename(found[1]))
    return prefix if checkpoint_exists(prefix) else None


def variables(checkpoint: Checkpoint, name: str = "") -> Iterator[VariableInfo]:
    """The tensors whose name the regular expression `name` matches somewhere. Nothing but the index is read.

    Raises SmcliError for an expression that is none.
    """
    try:
        wanted = re.compile(name)
    except re.error as error:
        raise SmcliError(f"--name: {error}") from None
    for key in checkpoint.keys():  # noqa: SIM118 (a Checkpoint is no mapping)
        if wanted.search(key):
            entry = checkpoint.entry(key)
            elements = int(np.prod(entry.shape, dtype=object)) if entry.shape else 1
            size = None if entry.dtype is DataType.STRING else elements * entry.dtype.numpy.itemsize
            yield VariableInfo(key, entry.dtype.tf_name, entry.shape, elements, size)


class Statistics(NamedTuple):
    """Of the finite values of an array; None where there are none. nan, inf: how many are not finite."""

    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    zeros: int
    nan: int
    inf: int


def statistics(array: Array) -> Statistics | None:
    """Of a real, integer or boolean array; None for other types."""
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        return None
    values = array.astype(np.float64)
    finite = values[np.isfinite(values)]
    nan = int(np.isnan(values).sum())
    inf = values.size - finite.size - nan
    if not finite.size:
        return Statistics(None, None, None, None, 0, nan, inf)
    return Statistics(
        float(finite.min()),
        float(finite.max()),
        float(finite.mean()),
        float(finite.std()),
        int((values == 0).sum()),
        nan,
        inf,
    )


def open_variables(path: str) -> Checkpoint:
    """The checkpoint at `path`; see find_prefix."""
    return open_checkpoint(find_prefix(path))
