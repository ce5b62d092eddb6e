"""Arrays from .npy, .npz and pickle files of any origin.

What `numpy.load(file, allow_pickle=True)` gives, with the same choice of format by the first bytes; but sizes are
checked before memory is taken, large .npy files are mapped, and pickles, whole or inside of .npy and .npz, go through
`smcli.inputs.unpickle`. What reads archives and pickles is imported when there is one: it takes longer than reading an
array.
"""

from __future__ import annotations

import ast
import errno
import io
import math
import os
import re
import stat
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any, Literal, cast

import numpy as np

from smcli.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, PermissionDeniedError, SmcliError

if TYPE_CHECKING:
    import zipfile

Array = np.ndarray[Any, Any]

NPY_MAGIC = b"\x93NUMPY"
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
MAX_HEADER_BYTES = 2**20
MAP_FROM_BYTES = 2**20  # smaller arrays are read: a mapping costs more than a copy
MAX_STREAM_BYTES = 2**31  # what is read of a pipe
PIPE_SECONDS = 10  # until someone must write into it
READ_BYTES = 2**18  # NumPy reads in pieces of this size, and says so in its errors
END_RECORD_BYTES, END_LOCATOR_BYTES = 22, 20  # of the end of a zip archive
_KIND_OF_ERROR = {
    errno.ENOENT: NotFoundError,
    errno.EISDIR: FailedPreconditionError,
    errno.ENOTDIR: FailedPreconditionError,
}


class NpzFile(Mapping[str, Any]):
    """The arrays of an .npz archive by name, with or without `.npy`; read when asked for.

    `files` lists the short names.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        import zipfile

        self.name = name
        try:
            self._zip = zipfile.ZipFile(file)
        except Exception as error:  # a damaged archive can raise anything
            raise _bad_zip(error) from None
        self._members = self._zip.namelist()
        self.files = [member.removesuffix(".npy") for member in self._members]

    def __iter__(self) -> Any:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def __contains__(self, key: object) -> bool:
        return key in self.files or key in self._members

    def __getitem__(self, key: str) -> Any:
        member = key if key in self._members else f"{key}.npy"
        try:
            info = self._zip.getinfo(member)
            with self._zip.open(info) as file:
                if cast("zipfile.ZipExtFile", file).peek(len(NPY_MAGIC))[: len(NPY_MAGIC)] != NPY_MAGIC:
                    check_memory(info.file_size, f"{self.name}[{key}]")
                    return file.read()
                return _read_npy(file, info.file_size, f"{self.name}[{key}]")
        except (SmcliError, MemoryError):
            raise
        except Exception as error:  # a damaged archive can raise anything
            raise _bad_zip(error) from None


def _bad_zip(error: Exception) -> SmcliError:
    import zipfile

    if isinstance(error, (zipfile.BadZipFile, ValueError)):
        return SmcliError(str(error), shown_as="zipfile.BadZipFile")
    return SmcliError(str(error) or "The archive is damaged", shown_as=type(error).__name__)


def load(path: str) -> Any:
    """What the file holds: an array, an `NpzFile`, or the value of a pickle.

    Raises NotFoundError and its kin when the file can not be opened, SmcliError when it can not be read.
    """
    file, size = open_file(path)
    magic = file.read(len(NPY_MAGIC))
    file.seek(0)
    if magic.startswith(ZIP_MAGICS):
        _check_zip_size(size)
        return NpzFile(file, path)
    with file:
        if magic == NPY_MAGIC:
            return _read_npy(file, size, path)
        if not magic:
            raise SmcliError("No data left in file", shown_as="EOFError")
        check_memory(size, path)
        from smcli.inputs import unpickle

        return unpickle.load(file, path)


def open_file(path: str) -> tuple[IO[bytes], int]:
    """The file opened for reading, and its size. A FIFO is read whole, up to a bound; it needs a writer soon.

    Raises NotFoundError and its kin, FailedPreconditionError for directories, devices and the like.
    """
    try:
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, "Is a directory")
        # Without O_NONBLOCK, opening a FIFO that nobody writes to would hang.
        file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0)))  # noqa: SIM115
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode):
            return file, status.st_size  # an .npz stays open as long as its arrays are asked for
        with file:
            if not stat.S_ISFIFO(status.st_mode):
                raise FailedPreconditionError(f"{path}; Not a regular file")
            data = _read_pipe(file)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        kind = _KIND_OF_ERROR.get(getattr(error, "errno", None) or errno.ENOENT, PermissionDeniedError)
        raise kind(f"{path}; {reason}") from None
    if len(data) > MAX_STREAM_BYTES:
        raise SmcliError(f"{path} is no regular file and gives more than {MAX_STREAM_BYTES} bytes.")
    return io.BytesIO(data), len(data)


def _read_pipe(file: IO[bytes]) -> bytes:
    """Up to one byte more than may be; nothing when no one begins to write in time."""
    import select

    if hasattr(select, "poll"):
        waiting = select.poll()
        waiting.register(file.fileno(), select.POLLIN | select.POLLHUP)
        waiting.poll(PIPE_SECONDS * 1000)
    os.set_blocking(file.fileno(), True)
    return file.read(MAX_STREAM_BYTES + 1)


def _check_zip_size(size: int) -> None:
    """An archive without members makes the original seek before its start."""
    for needed in (END_RECORD_BYTES, END_RECORD_BYTES + END_LOCATOR_BYTES):
        if size < needed:
            raise InvalidArgumentError(f"Seeking to a negative position: {size - needed}")


def _read_npy(file: IO[bytes], size: int, name: str) -> Any:
    """The array in `file`, which has `size` bytes in all."""
    shape, is_fortran, dtype = _read_header(file, name)
    order: Literal["F", "C"] = "F" if is_fortran else "C"
    if dtype.hasobject:
        if dtype.kind != "O":
            raise SmcliError(
                f"{name} has records with Python objects, which smcli does not load.", shown_as="ValueError"
            )
        check_memory(size, name)
        return _read_objects(file, shape, name)
    start = file.tell()
    if dtype.itemsize == 0:
        raise _bad_header(f"descr has no size: {dtype}")
    count = math.prod(shape)
    wanted = count * dtype.itemsize
    if wanted > size - start:
        raise _too_short(wanted, max(size - start, 0), dtype.itemsize)
    if wanted >= MAP_FROM_BYTES and isinstance(file, io.BufferedReader):
        return np.memmap(cast("Any", file), dtype, "r", start, shape, order).view(np.ndarray)
    check_memory(wanted, name)
    data = bytearray(wanted)
    got = _read_into(file, data)
    if got < wanted:
        raise _too_short(wanted, got, dtype.itemsize)
    flat = np.frombuffer(data, dtype) if wanted else np.empty(count, dtype)
    return flat.reshape(shape, order=order)


def _read_header(file: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    prefix = _exactly(file, 8, "magic string")
    version = (prefix[6], prefix[7])
    if version not in ((1, 0), (2, 0), (3, 0)):
        message = f"we only support format version (1,0), (2,0), and (3,0), not {version}"
        raise SmcliError(message, shown_as="ValueError")
    length = int.from_bytes(_exactly(file, 2 if version == (1, 0) else 4, "array header length"), "little")
    if length > MAX_HEADER_BYTES:
        raise SmcliError(
            f"{name} has a header of {length} bytes; smcli reads at most {MAX_HEADER_BYTES}.", shown_as="ValueError"
        )
    text = _exactly(file, length, "array header").decode("utf-8" if version == (3, 0) else "latin-1", "replace")
    return _parse_header(text)


def _parse_header(text: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        header = ast.literal_eval(re.sub(r"(?<=\d)L\b", "", text) if "L" in text else text)  # 3L: Python 2
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise _bad_header(f"Cannot parse header: {text[:200]!r}") from None
    if not isinstance(header, dict):
        raise _bad_header(f"Header is not a dictionary: {header!r:.200}")
    if header.keys() != {"descr", "fortran_order", "shape"}:
        raise _bad_header(f"Header does not contain the correct keys: {sorted(map(str, header))!r:.200}")
    shape = header["shape"]
    if not isinstance(shape, tuple) or not all(isinstance(size, int) for size in shape) or len(shape) > 64:
        raise _bad_header(f"shape is not valid: {shape!r:.200}")
    if any(size < 0 for size in shape):
        raise _bad_header(f"negative dimensions are not allowed: {shape!r:.200}")
    if not isinstance(header["fortran_order"], bool):
        raise _bad_header(f"fortran_order is not a valid bool: {header['fortran_order']!r:.200}")
    try:
        dtype = np.lib.format.descr_to_dtype(header["descr"])
    except Exception:  # a crafted descr can raise anything
        raise _bad_header(f"descr is not a valid dtype descriptor: {header['descr']!r:.200}") from None
    return shape, header["fortran_order"], dtype


def _bad_header(message: str) -> SmcliError:
    return SmcliError(message, shown_as="ValueError")


def _read_objects(file: IO[bytes], shape: tuple[int, ...], name: str) -> Array:
    from smcli.inputs import unpickle

    value = unpickle.load(file, name)
    if not isinstance(value, np.ndarray) or value.size != math.prod(shape):
        raise SmcliError(f"{name} does not hold the array that its header describes.", shown_as="ValueError")
    return value.reshape(shape)


def _exactly(file: IO[bytes], count: int, what: str) -> bytes:
    data = file.read(count)
    if len(data) != count:
        message = f"EOF: reading {what}, expected {count} bytes got {len(data)}"
        raise SmcliError(message, shown_as="ValueError")
    return data


def _read_into(file: IO[bytes], data: bytearray) -> int:
    """Fill `data` from a file that may give less than asked for at a time; returns how much there was."""
    view, got = memoryview(data), 0
    while got < len(data):
        piece = file.read(min(READ_BYTES, len(data) - got))
        if not piece:
            break
        view[got : got + len(piece)] = piece
        got += len(piece)
    return got


def _too_short(wanted: int, got: int, itemsize: int) -> SmcliError:
    piece = max(READ_BYTES // itemsize, 1) * itemsize
    whole = got // piece * piece
    message = f"EOF: reading array data, expected {min(piece, wanted - whole)} bytes got {got - whole}"
    return SmcliError(message, shown_as="ValueError")


def check_memory(wanted: int, name: str) -> None:
    """Raise SmcliError, shown as MemoryError, when `wanted` bytes are more than the machine has."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else wanted
    if wanted > total:
        raise SmcliError(f"{name} needs {wanted} bytes of memory; the machine has {total}.", shown_as="MemoryError")
