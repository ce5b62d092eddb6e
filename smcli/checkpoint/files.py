"""Files mapped into memory for reading, with the errors that TensorFlow's file system gives.

Only regular files are taken: a FIFO would block for ever and a directory has no bytes.
"""

from __future__ import annotations

import mmap
import os
import stat

from smcli.errors import FailedPreconditionError, NotFoundError, OpError, PermissionDeniedError, UnknownError


class MappedFile:
    """The bytes of a file. `data` lives as long as something refers to it; there is nothing to close."""

    __slots__ = ("data", "name")

    def __init__(self, name: str, data: mmap.mmap | bytes) -> None:
        self.name, self.data = name, data

    def __len__(self) -> int:
        return len(self.data)


def map_file(path: str) -> MappedFile:
    """Map the regular file at `path`.

    Raises NotFoundError, PermissionDeniedError or FailedPreconditionError (not a regular file), naming the file.
    """
    try:
        # Without O_NONBLOCK, opening a FIFO that nobody writes to would hang before fstat can tell what it is.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise file_error(path, error) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            what = "Is a directory" if stat.S_ISDIR(status.st_mode) else "Not a regular file"
            raise FailedPreconditionError(f"{path}; {what}")
        if status.st_size == 0:
            return MappedFile(path, b"")  # an empty file can not be mapped
        return MappedFile(path, mmap.mmap(descriptor, status.st_size, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise file_error(path, error) from None
    finally:
        os.close(descriptor)


def file_error(path: str, error: OSError | ValueError) -> OpError:
    """The status-code error for a failed system call, in the words of tsl/platform/errors.cc: "PATH; reason"."""
    if isinstance(error, ValueError):  # a NUL in the name
        return NotFoundError(f"{path!r}; {error}")
    message = f"{path}; {error.strerror or error}"
    if isinstance(error, FileNotFoundError):
        return NotFoundError(message)
    if isinstance(error, PermissionError):
        return PermissionDeniedError(message)
    if isinstance(error, (NotADirectoryError, IsADirectoryError)):
        return FailedPreconditionError(message)
    return UnknownError(message)
