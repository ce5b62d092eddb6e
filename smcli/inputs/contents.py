"""Inputs that are the bytes of files: images, audio, texts, records of TFRecord files, for inputs of strings.

What a file's bytes become depends on the input that they are fed to, which is known later: `Contents` waits for it.
"""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from smcli.errors import SmcliError
from smcli.inputs.arguments import Nodes, Waiting
from smcli.inputs.files import check_memory, load, open_file
from smcli.inputs.records import SUFFIXES, selected
from smcli.proto.saved_model_pb2 import TensorInfo
from smcli.tensors.types import DataType
from smcli.tensors.wire import shape_from_proto

STDIN = "-"
ARRAY_SUFFIXES = (".npy", ".npz", ".pkl", ".pickle")  # files that were meant to hold arrays
MAX_STDIN_BYTES = 2**31
_GLOB_CHARS = frozenset("*?")


class Contents(Waiting):
    """Byte strings, to be batched as an input wants them.

    error: what is raised when the input takes no strings; it is that of reading the file as an array, where that was
    tried.
    """

    def __init__(self, strings: Sequence[bytes], name: str, error: SmcliError | None = None) -> None:
        self.strings, self.name, self.error = list(strings), name, error

    def fitted(self, key: str, info: TensorInfo, nodes: Nodes) -> Any:
        """The byte strings in the shape of the input. Raises SmcliError for one that takes no strings, or no such
        batch."""
        if int(info.dtype) != DataType.STRING:
            raise self.error or _error_as_array(self.name) or _misfit(self, key, info)
        batch = np.empty(len(self.strings), dtype=object)
        batch[:] = self.strings
        dims = None if info.tensor_shape.unknown_rank else shape_from_proto(info.tensor_shape) or ()
        if dims is None:
            return batch
        if not dims and len(batch) == 1:
            return batch[0]
        if not dims or any(size not in (-1, 1) for size in dims[1:]):
            raise _misfit(self, key, info)
        return batch.reshape(len(batch), *[1] * (len(dims) - 1))


def _misfit(contents: Contents, key: str, info: TensorInfo) -> SmcliError:
    return SmcliError(
        f"{contents.name} gives {len(contents.strings)} strings, but input {key!r} takes {_declared(info)}.",
        shown_as="ValueError",
    )


def _error_as_array(path: str) -> SmcliError | None:
    """What the original says of the file, which it takes for an array."""
    if path != STDIN:
        try:
            load(path)
        except SmcliError as error:
            return error
    return None


def _declared(info: TensorInfo) -> str:
    from smcli.tensors.types import from_number

    dims = "any shape" if info.tensor_shape.unknown_rank else str(list(shape_from_proto(info.tensor_shape) or ()))
    return f"{from_number(info.dtype).tf_name} {dims}"


def is_contents(path: str) -> bool:
    """Whether `path` names what is never an array: records, several files, or stdin."""
    return path == STDIN or path.lower().endswith(SUFFIXES) or bool(_matching(path))


def load_contents(path: str, index: str | None) -> Contents:
    """The strings of what `is_contents` says yes to. index: which records, or None.

    Raises NotFoundError and its kin, DataLossError for damaged records.
    """
    if path == STDIN:
        return Contents([sys.stdin.buffer.read(MAX_STDIN_BYTES)], STDIN)
    if path.lower().endswith(SUFFIXES):
        return Contents(selected(path, index), path)
    return Contents([_read(name) for name in _matching(path)], path)


def after_failure(path: str, error: SmcliError) -> Contents:
    """The bytes of a file that holds no array. Raises `error` when the file was meant to hold one."""
    if path.lower().endswith(ARRAY_SUFFIXES) or not os.path.isfile(path):
        raise error
    return Contents([_read(path)], path, error)


def _matching(path: str) -> list[str]:
    """The files that a pattern matches, sorted; none for the name of a file that is there."""
    if not _GLOB_CHARS & set(path) or os.path.lexists(path):
        return []
    return sorted(name for name in glob.glob(path) if os.path.isfile(name))


def _read(path: str) -> bytes:
    file, size = open_file(path)
    check_memory(size, path)
    with file:
        return file.read()
