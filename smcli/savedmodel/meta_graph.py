"""What a SavedModel file holds: MetaGraphs that decode their parts when asked.

A MetaGraph keeps the serialised bytes it was cut from (often a memory map) and the places of its fields, so that a
signature can be read without touching the graph beside it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from smcli.errors import SmcliError
from smcli.proto.saved_model_pb2 import MetaGraphDef
from smcli.savedmodel import wire

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from smcli.proto.graph_pb2 import GraphDef
    from smcli.proto.object_graph_pb2 import SavedObjectGraph
    from smcli.proto.saved_model_pb2 import AssetFileDef, CollectionDef, SaverDef, SignatureDef, TensorInfo

    M = TypeVar("M", bound=Message)

_CORRUPT = "Wire format was corrupt."
_GRAPH_DEF = MetaGraphDef.GRAPH_DEF_FIELD_NUMBER
_OBJECT_GRAPH_DEF = MetaGraphDef.OBJECT_GRAPH_DEF_FIELD_NUMBER
_LARGE_FIELDS = frozenset({_GRAPH_DEF, _OBJECT_GRAPH_DEF})


class MetaGraph:
    """One MetaGraphDef of a SavedModel.

    tags: in stored order. signatures, collections: by key, in no particular order. directory: the SavedModel's.
    """

    def __init__(self, buffer: memoryview, start: int, end: int, file: str) -> None:
        """The MetaGraphDef in `buffer[start:end]`, which was read from `file`. Raises SmcliError for broken bytes."""
        self._buffer = buffer
        self._file = file
        self._spans: dict[int, list[tuple[int, int]]] = {number: [] for number in _LARGE_FIELDS}
        small: list[memoryview] = []
        try:
            for field in wire.walk(buffer, start, end):
                if field.number in _LARGE_FIELDS and field.wire_type == wire.LENGTH_DELIMITED:
                    self._spans[field.number].append((field.value, field.end))
                else:
                    small.append(buffer[field.start : field.end])
        except wire.WireError as error:
            raise corrupt_file(file) from error
        self._small: MetaGraphDef = self._decode(MetaGraphDef, b"".join(small))

    @property
    def directory(self) -> str:
        return os.path.dirname(self._file)

    @property
    def tags(self) -> list[str]:
        return list(self._small.meta_info_def.tags)

    @property
    def meta_info(self) -> MetaGraphDef.MetaInfoDef:
        return self._small.meta_info_def

    @property
    def signatures(self) -> Mapping[str, SignatureDef]:
        """Signature key → SignatureDef. Look a key up with `in` first: indexing a missing key makes an empty one."""
        return self._small.signature_def

    @property
    def saver_def(self) -> SaverDef | None:
        return self._small.saver_def if self._small.HasField("saver_def") else None

    @property
    def collections(self) -> Mapping[str, CollectionDef]:
        return self._small.collection_def

    @property
    def asset_file_defs(self) -> Sequence[AssetFileDef]:
        return self._small.asset_file_def

    @property
    def has_object_graph(self) -> bool:
        """True for MetaGraphs that tf.saved_model.save wrote (TensorFlow 2)."""
        return bool(self._spans[_OBJECT_GRAPH_DEF])

    def object_graph(self) -> SavedObjectGraph:
        """The object graph, decoded at the first call; an empty one when there is none."""
        return self._object_graph

    def graph_def(self) -> GraphDef:
        """The graph, decoded at the first call."""
        return self._graph_def

    @cached_property
    def _object_graph(self) -> SavedObjectGraph:
        from smcli.proto.object_graph_pb2 import SavedObjectGraph

        return self._decode(SavedObjectGraph, self._bytes_of(_OBJECT_GRAPH_DEF))

    @cached_property
    def _graph_def(self) -> GraphDef:
        from smcli.proto.graph_pb2 import GraphDef

        return self._decode(GraphDef, self._bytes_of(_GRAPH_DEF))

    def _bytes_of(self, number: int) -> bytes:
        # A message field that stands several times is the concatenation of its parts.
        return b"".join([self._buffer[start:end] for start, end in self._spans[number]])

    def _decode(self, message: type[M], data: bytes) -> M:
        from google.protobuf.message import DecodeError

        try:
            return message.FromString(data)
        except DecodeError as error:
            raise corrupt_file(self._file, _reason(error)) from error


class SavedModel:
    """The MetaGraphs of a SavedModel directory, in stored order."""

    def __init__(self, directory: str, meta_graphs: list[MetaGraph]) -> None:
        self.directory = directory
        self.meta_graphs = meta_graphs

    def find(self, tag_set: str) -> MetaGraph:
        """The MetaGraph whose tags are exactly those of `tag_set`, which separates them by commas.

        As in saved_model_cli, empty tags do not count ("" is the empty tag-set), spaces do, and order does not.
        Raises SmcliError that names the tag-sets there are.
        """
        wanted = {tag for tag in tag_set.split(",") if tag}
        for meta_graph in self.meta_graphs:
            if set(meta_graph.tags) == wanted:
                return meta_graph
        present = [",".join(sorted(set(meta_graph.tags))) for meta_graph in self.meta_graphs]
        raise SmcliError(
            f"MetaGraphDef associated with tag-set {tag_set} could not be found in the SavedModel. "
            f"Please use one of the following tag-sets: {present}"
        )


def split_items(text: str, name: str) -> list[str]:
    """The stripped, non-empty items of a comma-separated flag value, in order.

    Raises SmcliError (a ValueError in the original) when there is none; `name` is the flag's.
    """
    items = [item.strip() for item in text.split(",")]
    items = [item for item in items if item]
    if not items:
        raise SmcliError(f"{name} must contain at least one non-empty item.", shown_as="ValueError")
    return items


def find_signature(meta_graph: MetaGraph, key: str) -> SignatureDef:
    """The signature called `key`. Raises SmcliError that names those there are."""
    signatures = meta_graph.signatures
    if key not in signatures:
        raise SmcliError(
            f'Could not find signature "{key}". Please choose from: {", ".join(sorted(signatures))}',
            shown_as="ValueError",
        )
    return signatures[key]


def _reason(error: Exception) -> str:
    # Newer protobuf says "Error parsing message with type 'T': reason."; older only the first part.
    return str(error).partition("': ")[2] or _CORRUPT


def corrupt_file(file: str, reason: str = _CORRUPT) -> SmcliError:
    """The error for a SavedModel file that can not be decoded, in the original's words."""
    return SmcliError(
        f"Cannot parse proto file {shown_path(file)}: "
        f"Error parsing message with type 'tensorflow.SavedModel': {reason}",
        shown_as="OSError",
    )


def shown_path(file: str) -> str:
    """A path as the original shows the files it reads: the repr of its bytes."""
    return repr(os.fsencode(file))


def tensor_names(info: TensorInfo) -> list[str]:
    """The tensors of a TensorInfo: one, the three of a sparse tensor, or those of a composite one."""
    kind = info.WhichOneof("encoding")
    if kind == "coo_sparse":
        sparse = info.coo_sparse
        return [sparse.indices_tensor_name, sparse.values_tensor_name, sparse.dense_shape_tensor_name]
    if kind == "composite_tensor":
        return [part.name for part in info.composite_tensor.components if part.name]
    return [info.name] if info.name else []
