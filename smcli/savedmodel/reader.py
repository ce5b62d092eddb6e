"""Finds and opens the SavedModel file of a directory: saved_model.pb, saved_model.pbtxt or saved_model.cpb.

When several are there, the first of these is read, as tensorflow/python/tools/saved_model_utils.py does for the two
that it knows.
"""

from __future__ import annotations

import mmap
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from smcli.errors import FailedPreconditionError, NotFoundError, PermissionDeniedError, SmcliError, UnknownError
from smcli.savedmodel import wire
from smcli.savedmodel.meta_graph import MetaGraph, SavedModel, corrupt_file, shown_path

if TYPE_CHECKING:
    from pathlib import Path

PB, PBTXT, CPB = "saved_model.pb", "saved_model.pbtxt", "saved_model.cpb"

_META_GRAPHS = 2  # SavedModel.meta_graphs


def holds_saved_model(directory: str) -> bool:
    """Whether there is a SavedModel file in `directory`, of any of the three kinds."""
    return any(os.path.lexists(os.path.join(directory, name)) for name in (PB, PBTXT, CPB))


def read_saved_model(directory: str | Path) -> SavedModel:
    """The SavedModel in `directory`, decoded only as far as its signatures.

    Raises SmcliError when there is none or when it can not be read or decoded.
    """
    # Paths stay strings: messages show them as they were given, and Path would make "m" of "./m".
    directory = os.fspath(directory)
    for name, read in ((PB, _read_pb), (PBTXT, _read_pbtxt), (CPB, _read_cpb)):
        file = os.path.join(directory, name)
        if os.path.lexists(file):
            return SavedModel(directory, _meta_graphs(read(file), file))
    hint = _nearby_hint(directory)
    raise SmcliError(f"SavedModel file does not exist at: {directory}", shown_as="OSError", hint=hint)


def _nearby_hint(directory: str) -> str | None:
    """Where to look instead, when `directory` is not quite a SavedModel's."""
    if os.path.isfile(directory):
        return f"{directory} is a file; --dir names the directory that holds saved_model.pb."
    try:
        entries = sorted(os.listdir(directory or "."))
    except OSError:
        return None
    inner = [entry for entry in entries if os.path.exists(os.path.join(directory, entry, PB))]
    if inner:
        return f"There are SavedModels in its subdirectories: {', '.join(inner[:5])}"
    return None


def _meta_graphs(buffer: memoryview, file: str) -> list[MetaGraph]:
    try:
        fields = [field for field in wire.walk(buffer) if field.number == _META_GRAPHS]
    except wire.WireError as error:
        raise corrupt_file(file) from error
    return [MetaGraph(buffer, f.value, f.end, file) for f in fields if f.wire_type == wire.LENGTH_DELIMITED]


def _open(file: str) -> BinaryIO:
    """Opens a regular file. Raises SmcliError for anything else; a FIFO or device is refused before it could block."""
    try:
        mode = os.stat(file).st_mode
        if stat.S_ISDIR(mode):
            raise FailedPreconditionError(f"{file}; Is a directory")
        if not stat.S_ISREG(mode):
            raise FailedPreconditionError(f"{file} is not a regular file")
        return open(file, "rb")
    except FileNotFoundError:
        raise NotFoundError(f"{file}; No such file or directory") from None
    except PermissionError:
        raise PermissionDeniedError(f"{file}; Permission denied") from None
    except OSError as error:
        raise UnknownError(f"{file}; {error.strerror}") from error


def _read_pb(file: str) -> memoryview:
    with _open(file) as opened:
        if os.fstat(opened.fileno()).st_size == 0:
            return memoryview(b"")  # an empty file is an empty SavedModel, and can not be mapped
        return memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))


def _read_pbtxt(file: str) -> memoryview:
    from smcli.savedmodel.text import parse_saved_model

    with _open(file) as opened:
        content = opened.read()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SmcliError(str(error), shown_as="UnicodeDecodeError") from error
    return memoryview(parse_saved_model(text, shown_path(file)).SerializeToString())


def _read_cpb(file: str) -> memoryview:
    from pathlib import Path

    from smcli.savedmodel.proto_split import read_proto_split

    return memoryview(read_proto_split(Path(file)))
