"""What a kernel with state sees of the runtime: resources, functions, files, and its own memory.

The runtime makes one `Context` for each node of a plan. Resources are Python objects; a resource handle in a tensor is
the object itself inside a 0-d object array, so passing handles through Identity, Switch, Gather or a function call
needs nothing special.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np

from smcli.errors import FailedPreconditionError, PermissionDeniedError
from smcli.tensors.lazy import LazyTensor
from smcli.tensors.types import DataType

Array = np.ndarray[Any, Any]
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class FunctionRef:
    """A function of the graph's library, by name, with the attrs that the call binds (serialised AttrValues)."""

    name: str
    attrs: tuple[tuple[str, bytes], ...] = ()


@dataclass(slots=True, eq=False)
class Variable:
    """A variable: resource variables (VarHandleOp) and reference variables (VariableV2) alike.

    The array in `value` is never written into; assignment replaces it, so that what was read earlier stays as it was.
    """

    name: str
    dtype: DataType
    shape: tuple[int, ...] | None
    value: Array | LazyTensor | None = None

    def read(self) -> Array:
        """The current value. Raises FailedPreconditionError before the first assignment."""
        value = self.value
        if type(value) is LazyTensor:
            value = self.value = value.numpy()
        if value is None:
            raise FailedPreconditionError(
                f"Could not find variable {self.name}. This could mean that the variable has not been initialized."
            )
        return value  # type: ignore[return-value]


Box = Variable | LazyTensor


def unbox(box: Any) -> Any:
    """The array in a Box; anything else as it is."""
    if isinstance(box, LazyTensor):
        return box.numpy()
    if isinstance(box, Variable):
        return box.read()
    return box


def handle(resource: object) -> Array:
    """A 0-d object array that holds `resource`: the tensor form of a resource or variant."""
    array = np.empty((), dtype=object)
    array[()] = resource
    return array


class Files(Protocol):
    """What graphs may reach of the file system: their own assets and checkpoints."""

    def open_checkpoint(self, prefix: bytes) -> Any:
        """The checkpoint at `prefix` (see smcli.checkpoint). Raises NotFoundError."""

    def read_bytes(self, path: bytes) -> bytes:
        """The contents of an asset. Raises NotFoundError, PermissionDeniedError."""

    # The rest is for ops that the user has allowed by name.

    def read_outside(self, path: bytes) -> bytes:
        """The contents of any file."""

    def write_outside(self, path: bytes, contents: bytes) -> None:
        """Writes any file."""

    def match_outside(self, pattern: bytes) -> list[bytes]:
        """The files that a glob pattern matches, sorted."""


class NoFiles:
    """Files for graphs that come without a directory: every access is refused."""

    def open_checkpoint(self, prefix: bytes) -> Any:
        raise PermissionDeniedError(f"no checkpoint can be opened here: {prefix!r}")

    def read_bytes(self, path: bytes) -> bytes:
        raise PermissionDeniedError(f"no file can be read here: {path!r}")

    def read_outside(self, path: bytes) -> bytes:
        return self.read_bytes(path)

    def write_outside(self, path: bytes, contents: bytes) -> None:
        raise PermissionDeniedError(f"no file can be written here: {path!r}")

    def match_outside(self, pattern: bytes) -> list[bytes]:
        raise PermissionDeniedError(f"no files can be listed here: {pattern!r}")


@dataclass(slots=True)
class Resources:
    """Resources of one session by (kind, container, shared name)."""

    _by_key: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, kind: str, container: str, name: str, make: Callable[[], R]) -> R:
        """The resource of that name, made by `make` if there is none yet."""
        key = (kind, container, name)
        with self._lock:
            if key not in self._by_key:
                self._by_key[key] = make()
            found: R = self._by_key[key]
            return found

    def find(self, kind: str, container: str, name: str) -> Any:
        """The resource of that name, or None."""
        with self._lock:
            return self._by_key.get((kind, container, name))

    def of_type(self, kind: type[R]) -> list[R]:
        """All resources of a class."""
        with self._lock:
            return [value for value in self._by_key.values() if isinstance(value, kind)]

    def drop(self, resource: object) -> bool:
        """Forget a resource (DestroyResourceOp). True if it was there."""
        with self._lock:
            for key, value in self._by_key.items():
                if value is resource:
                    del self._by_key[key]
                    return True
        return False


@dataclass(slots=True)
class Context:
    """One node's view of the session that runs it.

    node: the node's name, for messages and for resources without a shared name.
    resources: the session's resources.
    files: assets and checkpoints.
    function: compiles a FunctionRef; the callable takes and returns lists of arrays.
    memory: a dict of this node's own that lasts as long as the session (random generators, counters).
    allow: names of ops that the user allowed to touch the outside (`WriteFile`, …).
    step: resources that live for one run of the session (TensorArrays, stacks, temporaries), by any key.
    """

    node: str
    resources: Resources
    files: Files
    function: Callable[[FunctionRef], Callable[[Sequence[Array]], list[Array]]]
    memory: dict[str, Any] = field(default_factory=dict)
    allow: frozenset[str] = frozenset()
    step: dict[Any, Any] = field(default_factory=dict)

    def resource(self, kind: str, container: str, shared_name: str, make: Callable[[], R]) -> R:
        """The resource under its shared name, or under the node's name when it has none."""
        return self.resources.get(kind, container, shared_name or self.node, make)
