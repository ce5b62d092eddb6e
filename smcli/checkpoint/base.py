"""What the two checkpoint formats have in common: the interface, and the names and versions in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from smcli.checkpoint.slices import TensorSlice
from smcli.errors import InvalidArgumentError
from smcli.tensors.lazy import LazyTensor
from smcli.tensors.types import DataType

if TYPE_CHECKING:
    from smcli.proto.graph_pb2 import VersionDef

FORMAT_VERSION = 1  # of TensorBundle and of V1 alike


class Entry(NamedTuple):
    """A variable in a checkpoint: its type, its full shape, and the slices it is stored in (none when it is whole)."""

    dtype: DataType
    shape: tuple[int, ...]
    slices: tuple[TensorSlice, ...] = ()


class Checkpoint(ABC):
    """The variables of a checkpoint. Nothing is read before it is asked for."""

    prefix: str

    @abstractmethod
    def keys(self) -> list[str]:
        """The names of all variables, sorted by their bytes."""

    @abstractmethod
    def entry(self, name: str | bytes) -> Entry:
        """Type and shape of a variable. Raises NotFoundError for a name that is not there."""

    @abstractmethod
    def tensor(self, name: str | bytes, slice_spec: str | bytes = "") -> LazyTensor:
        """A variable, or the part of it that `slice_spec` says: "10 20 0,10:-" is the first half of a 10 x 20 matrix's
        rows, dims first and then (start, length) or - for each.

        Raises NotFoundError for a name that is not there, InvalidArgumentError for a spec that does not fit. Reading
        the LazyTensor raises DataLossError when bytes do not match their checksum, NotFoundError when a shard is
        missing, OutOfRangeError when it is cut short. Arrays are read-only; those of numbers are views of the mapped
        file where their alignment allows.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of the files. Arrays that were read stay valid."""

    def __contains__(self, name: str | bytes) -> bool:
        from smcli.errors import NotFoundError

        try:
            self.entry(name)
        except NotFoundError:
            return False
        return True

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def encode_name(name: str | bytes) -> bytes:
    return name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")


def decode_name(name: str | bytes) -> str:
    return name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")


def check_version(version: VersionDef, file: str) -> None:
    """Raises InvalidArgumentError when readers of our version may not read it (core/framework/versions.cc)."""
    if version.producer < 0:
        raise InvalidArgumentError(f"{file}: Checkpoint producer version {version.producer} below min producer 0")
    if version.min_consumer > FORMAT_VERSION:
        raise InvalidArgumentError(
            f"{file}: Checkpoint min consumer version {version.min_consumer} above current version {FORMAT_VERSION}"
        )
    if FORMAT_VERSION in version.bad_consumers:
        raise InvalidArgumentError(f"{file}: Checkpoint disallows consumer version {FORMAT_VERSION}")
