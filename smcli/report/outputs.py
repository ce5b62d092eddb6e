"""The outputs of a run as text and as .npy files: one place that knows how each dtype prints and is stored."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import IO, Any

import numpy as np

from smcli.errors import SmcliError

Array = np.ndarray[Any, Any]

SUFFIX = ".npy"
MAX_NAME_BYTES = 255  # NAME_MAX of the file systems in use
MAX_PATH_BYTES = 4095  # PATH_MAX of Linux, less the NUL
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_NOT_ON_WINDOWS = r"""(?is)(con|prn|aux|nul|com\d|lpt\d)(\..*)?$|.*[<>:"\\|?*\x00-\x1f]|.*[ .]$"""


def as_fetched(tensor: Array) -> Any:
    """The Python value that a TensorFlow session returns for a tensor: 0-d tensors as a scalar or as bytes."""
    return tensor if tensor.ndim else tensor[()]


def result_text(key: str, value: Any) -> str:
    """The lines that show one output; NumPy's own printing, which elides the middle of large arrays."""
    return f"Result for output key {key}:\n{value!s}"  # str, not format: bfloat16 formats as a Python float


def saved_text(key: str, path: str) -> str:
    return f"Output {key} is saved to {path}"


def output_paths(outdir: str, keys: Iterable[str]) -> dict[str, str]:
    """Where each output is saved: `key.npy` in `outdir`, in a subdirectory for a key with slashes.

    Raises SmcliError for a key that would leave `outdir` or that no file can be named after.
    """
    return {key: _output_path(outdir, key) for key in keys}


def _output_path(outdir: str, key: str) -> str:
    path = os.path.join(outdir, key + SUFFIX)
    folders = key.split("/")[:-1]
    if key.startswith("/") or ".." in folders or not _is_inside(os.path.dirname(path), outdir):
        raise SmcliError(
            f'Output key "{key}" would be saved outside of {outdir}.', hint="Run without --outdir to see the result."
        )
    if not _can_be_named(key + SUFFIX, os.path.abspath(outdir) if "\0" not in outdir else outdir, os.name == "nt"):
        raise SmcliError(
            f'Output key "{key}" can not be the name of a file.', hint="Run without --outdir to see the result."
        )
    return path


def _can_be_named(name: str, folder: str, is_windows: bool) -> bool:
    """Whether a file system can hold the file `name`, which may have slashes, in `folder`."""
    if "\0" in name or len(os.fsencode(os.path.join(folder, name))) > MAX_PATH_BYTES:
        return False
    parts = name.split("/")
    if is_windows and any(re.match(_NOT_ON_WINDOWS, part) for part in parts):
        return False
    return all(len(os.fsencode(part)) <= MAX_NAME_BYTES for part in parts)


def _is_inside(folder: str, outdir: str) -> bool:
    root = os.path.realpath(outdir)
    return os.path.commonpath([root, os.path.realpath(folder)]) == root if "\0" not in folder else True


def check_free(outdir: str, paths: Mapping[str, str], overwrite: bool) -> None:
    """Raise SmcliError when `outdir` can not be a directory, or when outputs exist and may not be overwritten."""
    if os.path.exists(outdir) and not os.path.isdir(outdir):
        raise SmcliError(f"[Errno 17] File exists: {outdir!r}", shown_as="FileExistsError")
    for path in paths.values():
        _check_folders(path, outdir, set(paths.values()))
    existing = [path for path in paths.values() if os.path.lexists(path)]
    if existing and not overwrite:
        others = ", ".join(existing[1:])
        raise _exists(existing[0], hint=f"These exist too: {others}" if others else None)


def _check_folders(path: str, outdir: str, outputs: set[str]) -> None:
    """Raise SmcliError when a file, one that is there or one that will be, stands where a folder must be made."""
    folder = os.path.dirname(path)
    while len(folder) > len(outdir):
        if folder in outputs or (os.path.lexists(folder) and not os.path.isdir(folder)):
            raise SmcliError(f"[Errno 20] Not a directory: {folder!r}", shown_as="NotADirectoryError")
        folder = os.path.dirname(folder)


def _exists(path: str, hint: str | None = None) -> SmcliError:
    message = f'Output file {path} already exists. Add "--overwrite" to overwrite the existing output files.'
    return SmcliError(message, hint=hint)


def save(path: str, value: Any, *, overwrite: bool) -> None:
    """Write `value` to `path` as NumPy saves it, whole or not at all. Raises as `Writing.add`."""
    with Writing(overwrite) as files:
        files.add(path, value)
        files.finish()


class Writing:
    """Files that are written beside their places, and get their names together when all of them are there.

    A context: what has no name when it ends is removed, after an error, Ctrl-C or SIGTERM too.
    """

    def __init__(self, overwrite: bool) -> None:
        self._overwrite = overwrite
        self._waiting: dict[str, tuple[str, str]] = {}  # path: (temporary, final)
        self._guard = contextlib.ExitStack()

    def __enter__(self) -> Writing:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for temporary, _ in self._waiting.values():
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        self._guard.close()

    def add(self, path: str, value: Any) -> None:
        """Write one .npy file. Raises as `add_file`."""
        self.add_file(path, lambda file: _save(file, value))

    def add_file(self, path: str, write: Callable[[IO[bytes]], None]) -> None:
        """Write one file. Missing directories are made. Raises SmcliError, shown as the OSError, when the file system
        refuses."""
        if not self._waiting:
            self._guard.enter_context(ending_on_sigterm())
        final = os.path.realpath(path) if self._overwrite and os.path.islink(path) else path
        folder = os.path.dirname(final)
        temporary = os.path.join(folder, f".smcli-{os.urandom(6).hex()}.tmp")
        try:
            os.makedirs(folder or ".", exist_ok=True)
            self._waiting[path] = (temporary, final)
            _write(temporary, write)
        except OSError as error:
            raise _refused(error, path) from None

    def finish(self) -> None:
        """Give all files their names. Raises SmcliError when one has appeared meanwhile and may not be overwritten."""
        for path, (temporary, final) in list(self._waiting.items()):
            try:
                _put(temporary, final, self._overwrite)
            except OSError as error:
                raise _refused(error, path) from None
            if self._overwrite:
                del self._waiting[path]  # renamed; a link leaves its source, which goes at the end


@contextlib.contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """SIGTERM raises SystemExit in this block, so that what is half done is undone.

    Elsewhere it ends the process at once, as it does by itself. Only the main thread can set that up.
    """
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _write(path: str, write: Callable[[IO[bytes]], None]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
        write(file)


def _save(file: IO[bytes], value: Any) -> None:
    """np.save. Raises OSError before it begins when the disk has no room for the array: one that repeats a few values
    may be of any size."""
    if isinstance(value, np.ndarray) and hasattr(os, "fstatvfs"):
        disk = os.fstatvfs(file.fileno())
        if value.nbytes > disk.f_bavail * disk.f_frsize > 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    np.save(file, in_c_order(value))


def in_c_order(value: Any) -> Any:
    """The value with its last axis closest in memory, as TensorFlow's tensors are; .npy files say which it is."""
    return np.ascontiguousarray(value) if isinstance(value, np.ndarray) and value.flags.fnc else value


def _put(temporary: str, path: str, overwrite: bool) -> None:
    """Give the finished file its final name; without `overwrite` in a way that fails if another run was faster."""
    if overwrite:
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:  # a file system without hard links
        os.rename(temporary, path)


def _refused(error: OSError, path: str) -> SmcliError:
    number = f"[Errno {error.errno}] " if error.errno is not None else ""
    return SmcliError(f"{number}{error.strerror or error}: {path!r}", shown_as=type(error).__name__)
