"""Finds and opens libdnnl, declares the part of its C API (oneDNN 3.x) that smcli calls, and holds engine and stream.

Nothing is opened before a plan has work for it. Where there is no library, or one of another generation, `get` is None
and stays None.
"""

from __future__ import annotations

import ctypes
import os
import site
import sys
import threading
from ctypes import POINTER, c_char, c_char_p, c_float, c_int, c_int32, c_int64, c_size_t, c_uint, c_void_p
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

MAX_DIMS = 12  # DNNL_MAX_NDIMS
GENERATION = 3  # the C API changes with the major version only
CPU = 1  # dnnl_cpu
IN_ORDER = 1  # dnnl_stream_in_order
NATIVE_RUNTIMES = (1, 2, 4)  # sequential, OpenMP, TBB: those whose calls return when the work is done

Dims = c_int64 * MAX_DIMS


class Argument(ctypes.Structure):
    """dnnl_exec_arg_t: which argument of a primitive, and its memory."""

    _fields_ = [("index", c_int), ("memory", c_void_p)]


class _Version(ctypes.Structure):
    _fields_ = [
        ("major", c_int),
        ("minor", c_int),
        ("patch", c_int),
        ("hash", c_char_p),
        ("cpu_runtime", c_uint),
        ("gpu_runtime", c_uint),
    ]


_HANDLE = POINTER(c_void_p)
# Argument types by function; all of these return a status, which is 0 when all went well.
_STATUS_FUNCTIONS: dict[str, list[Any]] = {
    "dnnl_engine_create": [_HANDLE, c_int, c_size_t],
    "dnnl_stream_create": [_HANDLE, c_void_p, c_uint],
    "dnnl_memory_desc_create_with_strides": [_HANDLE, c_int, Dims, c_int, Dims],
    "dnnl_memory_desc_create_with_tag": [_HANDLE, c_int, Dims, c_int, c_int],
    "dnnl_memory_desc_destroy": [c_void_p],
    "dnnl_memory_create": [_HANDLE, c_void_p, c_void_p, c_void_p],
    "dnnl_memory_set_data_handle": [c_void_p, c_void_p],
    "dnnl_memory_destroy": [c_void_p],
    "dnnl_post_ops_create": [_HANDLE],
    "dnnl_post_ops_append_eltwise": [c_void_p, c_int, c_float, c_float],
    "dnnl_post_ops_append_sum": [c_void_p, c_float, c_int32, c_int],
    "dnnl_post_ops_append_binary": [c_void_p, c_int, c_void_p],
    "dnnl_post_ops_destroy": [c_void_p],
    "dnnl_primitive_attr_create": [_HANDLE],
    "dnnl_primitive_attr_set_post_ops": [c_void_p, c_void_p],
    "dnnl_primitive_attr_set_scales_mask": [c_void_p, c_int, c_int],
    "dnnl_primitive_attr_destroy": [c_void_p],
    "dnnl_convolution_forward_primitive_desc_create": [_HANDLE, c_void_p, c_int, c_int]
    + [c_void_p] * 4
    + [Dims] * 4
    + [c_void_p],
    "dnnl_matmul_primitive_desc_create": [_HANDLE] + [c_void_p] * 6,
    "dnnl_reorder_primitive_desc_create": [_HANDLE] + [c_void_p] * 5,
    "dnnl_primitive_desc_destroy": [c_void_p],
    "dnnl_primitive_create": [_HANDLE, c_void_p],
    "dnnl_primitive_execute": [c_void_p, c_void_p, c_int, POINTER(Argument)],
    "dnnl_primitive_destroy": [c_void_p],
    "dnnl_sgemm": [c_char, c_char, c_int64, c_int64, c_int64, c_float]
    + [c_void_p, c_int64] * 2
    + [c_float, c_void_p, c_int64],
}


class Library:
    """An open libdnnl with one CPU engine and one stream.

    lock: held while a primitive runs. Work of several threads would only fight for the same cores, and the buffers that
    a primitive points to belong to one call at a time.
    """

    def __init__(self, path: str) -> None:
        """Raises OSError when there is no such library, or none that smcli can use."""
        self.dll = ctypes.CDLL(path)
        self.lock = threading.Lock()
        try:
            self._declare()
        except AttributeError as error:
            raise OSError(str(error)) from None
        self.dll.dnnl_version.restype = POINTER(_Version)
        version = self.dll.dnnl_version().contents
        self.version = (version.major, version.minor, version.patch)
        if version.major != GENERATION or version.cpu_runtime not in NATIVE_RUNTIMES:
            raise OSError(f"oneDNN {self.version} with CPU runtime {version.cpu_runtime} is none that smcli can use")
        self._process = os.getpid()
        self.engine, self.stream = c_void_p(), c_void_p()
        status = self.dll.dnnl_engine_create(self.engine, CPU, 0)
        status = status or self.dll.dnnl_stream_create(self.stream, self.engine, IN_ORDER)
        if status:
            raise OSError(f"oneDNN has no CPU engine (status {status})")

    @property
    def usable(self) -> bool:
        """False in a process forked from the one that opened the library: OpenMP's threads do not survive a fork."""
        return os.getpid() == self._process

    def _declare(self) -> None:
        for name, argument_types in _STATUS_FUNCTIONS.items():
            function = getattr(self.dll, name)
            function.argtypes = argument_types
            function.restype = c_int
        self.dll.dnnl_primitive_desc_query_md.argtypes = [c_void_p, c_int, c_int]
        self.dll.dnnl_primitive_desc_query_md.restype = c_void_p
        self.dll.dnnl_memory_desc_get_size.argtypes = [c_void_p]
        self.dll.dnnl_memory_desc_get_size.restype = c_size_t


@dataclass(frozen=True, slots=True)
class _Places:
    """Files that may be the library, and what to ask the system's loader for when none of them is there."""

    paths: tuple[str, ...]
    name: str | None


def _places() -> _Places:
    """The file that SMCLI_ONEDNN_LIBRARY names, or else where wheels and conda put it, and what the loader finds."""
    named = os.environ.get("SMCLI_ONEDNN_LIBRARY")
    if named:
        return _Places((named,), None)
    if sys.platform == "win32":
        folder, name = "Library/bin", f"dnnl-{GENERATION}.dll"
    elif sys.platform == "darwin":
        folder, name = "lib", f"libdnnl.{GENERATION}.dylib"
    else:
        folder, name = "lib", f"libdnnl.so.{GENERATION}"
    roots = [sys.prefix]
    if site.ENABLE_USER_SITE and site.USER_BASE:
        roots.append(site.USER_BASE)
    return _Places(tuple(str(Path(root, folder, name)) for root in roots), name)


def is_present() -> bool:
    """Whether there is a library. Opens it only where that is the one way to know."""
    return any(map(os.path.exists, _places().paths)) or get() is not None


@lru_cache(maxsize=1)
def _open() -> Library | None:
    added = _make_threads_sleep()
    try:
        places = _places()
        names = [path for path in places.paths if os.path.exists(path)] + ([places.name] if places.name else [])
        for name in names:
            try:
                return Library(name)
            except OSError:
                continue
        return None
    finally:
        for name in added:
            os.environ.pop(name, None)


def _make_threads_sleep() -> list[str]:
    """Let OpenMP's threads wait for work for some microseconds only, unless the user has said how long.

    libgomp's own default is milliseconds, in which the waiting threads take the cores from whatever else is running: on
    a busy machine a run took three times as long. libgomp reads the variable when it is loaded. Returns what was set.
    """
    if "OMP_WAIT_POLICY" in os.environ or "GOMP_SPINCOUNT" in os.environ:
        return []
    os.environ["GOMP_SPINCOUNT"] = "10000"
    return ["GOMP_SPINCOUNT"]


def get() -> Library | None:
    """The library, opened when first asked for, or None where there is none to use."""
    library = _open()
    return library if library is not None and library.usable else None
