"""From a MetaGraph to a session that is ready to run: variables restored, tables filled, assets found.

What TensorFlow's loader does (tensorflow/python/saved_model/loader_impl.py): run the model's own restore subgraph, then
its init op with the paths of its assets fed in.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from google.protobuf.message import DecodeError

from smcli.checkpoint import open_checkpoint
from smcli.errors import DataLossError, InvalidArgumentError, NotFoundError, PermissionDeniedError, SmcliError
from smcli.graph.graph import Graph
from smcli.kernels.context import Array
from smcli.proto.saved_model_pb2 import AssetFileDef
from smcli.runtime.session import Session
from smcli.savedmodel import MetaGraph

if TYPE_CHECKING:
    from smcli.runtime.progress import Progress

INIT_SIGNATURE = "__saved_model_init_op"
INIT_COLLECTIONS = ("saved_model_main_op", "legacy_init_op")
VARIABLES = ("variables", "variables")
ASSETS = "assets"
RESTORE_FAILED = (
    "Restoring from checkpoint failed. This is most likely due to a Variable name or other graph key that is missing "
    "from the checkpoint. Please ensure that you have not altered the graph expected based on the checkpoint."
)
ASSETS_COLLECTION = "saved_model_assets"


class ModelFiles:
    """The files that a model's graph may reach: its own assets and variables.

    The `_outside` methods are only called by ops that the user has allowed by name.
    """

    def __init__(self, directory: str | os.PathLike[str], progress: Progress | None = None) -> None:
        """progress: counts what is read of checkpoints."""
        self._progress = progress
        self.directory = os.fspath(directory)
        self._checkpoints: dict[bytes, Any] = {}

    def open_checkpoint(self, prefix: bytes) -> Any:
        """The checkpoint at `prefix`, opened once. Raises NotFoundError when it is not there."""
        found = self._checkpoints.get(prefix)
        if found is None:
            found = open_checkpoint(self._inside(prefix))
            if self._progress is not None:
                found = self._progress.watched(found)
            self._checkpoints[prefix] = found
        return found

    def read_bytes(self, path: bytes) -> bytes:
        """The contents of an asset. Raises NotFoundError, and PermissionDeniedError for a path outside of the
        SavedModel."""
        return _read(self._inside(path))

    def read_outside(self, path: bytes) -> bytes:
        return _read(os.fsdecode(path))

    def write_outside(self, path: bytes, contents: bytes) -> None:
        try:
            with open(os.fsdecode(path), "wb") as file:
                file.write(contents)
        except OSError as error:
            raise PermissionDeniedError(f"{os.fsdecode(path)}: {error.strerror}") from None

    def match_outside(self, pattern: bytes) -> list[bytes]:
        import glob

        return sorted(glob.glob(pattern))

    def _inside(self, path: bytes) -> str:
        text = os.fsdecode(path)
        root = os.path.realpath(self.directory)
        if b"\0" in path or not os.path.realpath(text).startswith(root.rstrip(os.sep) + os.sep):
            raise PermissionDeniedError(f"{text} is outside of the SavedModel {self.directory}")
        return text


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise NotFoundError(f"{path}; {error.strerror}") from None
    except OSError as error:
        raise PermissionDeniedError(f"{path}; {error.strerror}") from None


def open_session(
    meta_graph: MetaGraph, allow: frozenset[str] = frozenset(), progress: Progress | None = None
) -> Session:
    """A session on the MetaGraph's graph with its variables restored and its init op run.

    Variables are restored by the model's own restore op, whose tensors stay on disk until a kernel needs them. `allow`
    names ops that may touch files outside of the model. progress: counts what is read of the variables.
    """
    files = ModelFiles(meta_graph.directory, progress)
    session = Session(Graph(meta_graph.graph_def()), files, allow)
    restore_variables(session, meta_graph)
    run_init_op(session, meta_graph)
    return session


def restore_variables(session: Session, meta_graph: MetaGraph) -> None:
    """Run the model's restore op on its own checkpoint, if it has a saver."""
    restore_from(session, meta_graph, os.path.join(str(meta_graph.directory), *VARIABLES))


def restore_from(session: Session, meta_graph: MetaGraph, prefix: str) -> None:
    """Run the model's restore op on the checkpoint `prefix`, if it has a saver.

    Raises SmcliError, shown as ValueError, when there is no checkpoint, and NotFoundError when it lacks a variable.
    """
    saver = meta_graph.saver_def
    if saver is None or not saver.restore_op_name:
        return
    if not _is_prefix(prefix):
        raise SmcliError(f"The passed save_path is not a valid checkpoint: {prefix}", shown_as="ValueError")
    try:
        session.run([], {_tensor(saver.filename_tensor_name): _string(prefix)}, [saver.restore_op_name])
    except NotFoundError as error:  # in the words of tensorflow/python/training/saver.py
        raise NotFoundError(f"{RESTORE_FAILED} Original error:\n\n{error.message}") from None


def _is_prefix(prefix: str) -> bool:
    """Whether there is a checkpoint of either format under this name."""
    if os.path.exists(f"{prefix}.index"):
        return True
    import glob

    return bool(glob.glob(f"{glob.escape(prefix)}*"))


def run_init_op(session: Session, meta_graph: MetaGraph) -> None:
    """Run the model's init op, if it has one, with the paths of its assets fed in."""
    name = init_op(meta_graph)
    if name is None:
        return
    feeds = {}
    for asset in assets_of(meta_graph):
        path = os.path.join(str(meta_graph.directory), ASSETS, asset.filename)
        feeds[_tensor(asset.tensor_info.name)] = _string(path)
    session.run([], feeds, [name])


def assets_of(meta_graph: MetaGraph) -> list[AssetFileDef]:
    """The assets that the init op reads; TF1 writes them into a collection instead of `asset_file_def`."""
    if meta_graph.asset_file_defs or ASSETS_COLLECTION not in meta_graph.collections:
        return list(meta_graph.asset_file_defs)
    packed = meta_graph.collections[ASSETS_COLLECTION].any_list.value
    try:
        return [AssetFileDef.FromString(message.value) for message in packed]
    except DecodeError:
        raise DataLossError(f"Collection {ASSETS_COLLECTION} of the model holds no asset descriptions") from None


def init_op(meta_graph: MetaGraph) -> str | None:
    """The name of the op that fills tables and the like, or None. Raises InvalidArgumentError when there are
    several."""
    if INIT_SIGNATURE in meta_graph.signatures:
        outputs = meta_graph.signatures[INIT_SIGNATURE].outputs
        if INIT_SIGNATURE in outputs:
            return outputs[INIT_SIGNATURE].name.partition(":")[0]
    for key in INIT_COLLECTIONS:
        if key in meta_graph.collections:
            names = meta_graph.collections[key].node_list.value
            if len(names) > 1:
                raise InvalidArgumentError(f"Expected exactly one init op in collection {key}, found {len(names)}")
            if names:
                return str(names[0]).partition(":")[0]
    return None


def _tensor(name: str) -> str:
    return name if ":" in name else name + ":0"


def _string(text: str) -> Array:
    return np.array(os.fsencode(text), dtype=object)
