"""One pool of threads for kernels that split their work: over tiles, rows or images.

NumPy lets other threads run while it computes, and a BLAS may start threads of its own. The two would fight for the
same processors, so that within a run (`computing`) the BLAS is told to use one thread, and products are split here like
all else; small ones, which are most of what recurrent nets do, are not split at all. Where the BLAS takes no such
order, it keeps its threads and there is no pool.

The pool is made when there is first something to split, is not used for work within its own work, or by two callers at
once, and is forgotten in a forked process.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from queue import SimpleQueue
from typing import Any, TypeVar

import numpy as np

from smcli.processors import allowed_processors

T = TypeVar("T")
MAX_THREADS = 64
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class _Work:
    """Items that several threads take one by one. The caller takes some too, and waits for those that were taken."""

    def __init__(self, function: Callable[[Any], object], items: Iterable[Any]) -> None:
        self._function = function
        self._items = iter(items)
        self._lock = threading.Lock()
        self._finished = threading.Lock()
        self._finished.acquire()
        self._helpers, self._closed = 0, False
        self.error: BaseException | None = None

    def help(self) -> None:
        """What a thread of the pool does."""
        with self._lock:
            if self._closed:
                return
            self._helpers += 1
        try:
            self._take()
        except BaseException as error:  # handed to the caller
            self.error = error
        with self._lock:
            self._helpers -= 1
            if self._closed and not self._helpers:
                self._finished.release()

    def lead(self) -> None:
        """What the caller does. Raises what any item raised."""
        try:
            self._take()
        finally:
            with self._lock:
                self._closed = True
                wait = self._helpers > 0
            if wait:
                self._finished.acquire()
        if self.error is not None:
            raise self.error

    def _take(self) -> None:
        while self.error is None:
            with self._lock:
                item = next(self._items, self)
            if item is self:
                return
            self._function(item)


class _Pool:
    """Threads beside the caller's own."""

    def __init__(self, helpers: int) -> None:
        self._queue: SimpleQueue[_Work] = SimpleQueue()
        self._busy = threading.Lock()
        self._helpers = 0
        with contextlib.suppress(RuntimeError):  # the system has no room for more
            for number in range(helpers):
                threading.Thread(target=self._serve, name=f"smcli-{number}", daemon=True).start()
                self._helpers += 1

    def _serve(self) -> None:
        with np.errstate(all="ignore"):  # as the runtime has it; it counts for one thread only
            while True:
                self._queue.get().help()

    def run(self, function: Callable[[Any], object], items: Sequence[Any]) -> bool:
        """Call the function with each item. False, and nothing is done, when the pool is at work already."""
        if not self._busy.acquire(blocking=False):
            return False
        try:
            work = _Work(function, items)
            for _ in range(min(self._helpers, len(items) - 1)):
                self._queue.put(work)
            work.lead()
        finally:
            self._busy.release()
        return True


@lru_cache(maxsize=1)
def _pool(helpers: int) -> _Pool:
    return _Pool(helpers)


@lru_cache(maxsize=1)
def threads() -> int:
    """How many threads compute: as OMP_NUM_THREADS or OPENBLAS_NUM_THREADS say, or the processors; 1 when the BLAS does
    not let itself be told."""
    for name in VARIABLES:
        text = os.environ.get(name, "").split(",")[0].strip()
        if text.isdigit() and int(text):
            count = int(text)
            break
    else:
        count = allowed_processors()
    return min(count, MAX_THREADS) if _blas() is not None else 1


def each(function: Callable[[T], object], items: Sequence[T]) -> None:
    """Call the function with each item, in several threads where there are; what it does must not depend on the order.
    Raises what a call raised."""
    if len(items) > 1 and threads() > 1 and _pool(threads() - 1).run(function, items):
        return
    for item in items:
        function(item)


def spans(total: int, least: int) -> list[slice]:
    """range(total) in as many equal parts as there are threads, none of them shorter than `least`."""
    count = max(1, min(threads(), total // max(1, least)))
    step = max(1, -(-total // count))
    return [slice(start, min(total, start + step)) for start in range(0, total, step)]


# ---- the threads of the BLAS


class _Blas:
    """The two functions of an OpenBLAS that say and set how many threads it uses."""

    def __init__(self, library: Any, prefix: str, suffix: str) -> None:
        self.get = getattr(library, f"{prefix}openblas_get_num_threads{suffix}")
        self.set = getattr(library, f"{prefix}openblas_set_num_threads{suffix}")
        self.lock = threading.Lock()
        self.users, self.before = 0, 1


@lru_cache(maxsize=1)
def _blas() -> _Blas | None:
    """NumPy's OpenBLAS, or None where NumPy has another."""
    import ctypes

    try:
        extension = import_module("numpy._core._multiarray_umath")  # its symbols, and those of what it links
    except ImportError:  # NumPy 1
        extension = import_module("numpy.core._multiarray_umath")
    try:
        library = ctypes.CDLL(extension.__file__)
    except OSError:
        return None
    for prefix in ("scipy_", ""):
        for suffix in ("64_", ""):
            with contextlib.suppress(AttributeError):
                return _Blas(library, prefix, suffix)
    return None


@contextlib.contextmanager
def computing() -> Iterator[None]:
    """While this is open, by any number of threads, the BLAS uses one thread."""
    blas = _blas() if threads() > 1 else None
    if blas is None:
        yield
        return
    with blas.lock:
        if not blas.users:
            blas.before = blas.get()
            blas.set(1)
        blas.users += 1
    try:
        yield
    finally:
        with blas.lock:
            blas.users -= 1
            if not blas.users:
                blas.set(blas.before)


def _forget() -> None:
    """Threads do not survive a fork, and a lock may have been held."""
    _pool.cache_clear()
    blas = _blas() if _blas.cache_info().currsize else None
    if blas is not None:
        blas.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
