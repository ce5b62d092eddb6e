"""Bounds on the time and the memory of a run: what `--timeout` and `--memory_limit` do.

Time: an alarm raises in the thread that works, at the next instruction of Python. A call that does not come back to
Python in time (one long NumPy operation, a library) can only be ended from outside, so the command line works in a
child process, which its parent ends a little later. Memory: the system refuses what goes beyond the bound
(RLIMIT_DATA, which leaves mapped files out), and NumPy and Python turn that into a MemoryError. Where a system lacks
one of these calls, the rest of the protection still works; `memory_limit` says so when it can do nothing.

Imports no NumPy, and little else before it is asked: every command comes through here.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from smcli.errors import OutOfTimeError

GRACE = 1.0  # seconds between the alarm and the end of a process that does not heed it
EXIT_TIMEOUT = 124  # as timeout(1)
_STATUS = "/proc/self/status"
_MEMINFO = "/proc/meminfo"
_OWN_CGROUPS = "/proc/self/cgroup"
_CGROUPS = "/sys/fs/cgroup"


class TimeIsUp(BaseException):
    """Raised by the alarm in the middle of anything; no `except Exception` of a kernel may take it for its own."""


def out_of_time(seconds: float) -> OutOfTimeError:
    return OutOfTimeError(f"Not done after {seconds:g} s, the limit that --timeout sets")


# Time


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTimeError in this block when it has not ended after `seconds`.

    Works in any thread. What Python can not interrupt ends by itself first; see `watched`.
    """
    alarm = _signal_alarm if _can_signal() else _thread_alarm
    try:
        with alarm(seconds):
            yield
    except TimeIsUp:
        raise out_of_time(seconds) from None


def _can_signal() -> bool:
    import signal

    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def _signal_alarm(seconds: float) -> Iterator[None]:
    import signal

    def ring(*_: object) -> None:
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _thread_alarm(seconds: float) -> Iterator[None]:
    """Raises in the thread that entered the block, from a timer's thread."""
    import ctypes

    thread = threading.get_ident()
    lock = threading.Lock()
    is_over = False

    def ring() -> None:
        with lock:
            if not is_over:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TimeIsUp))

    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            is_over = True
        timer.cancel()


def watched(seconds: float) -> int | None:
    """Go on in a child process whose parent, this process, ends it when it outlives its time.

    None in the process that is to do the work. In the parent the exit code, once the child has ended: its own, 128 and
    the signal that ended it, or EXIT_TIMEOUT after a message. Without fork, or when other threads run already, the work
    stays here, and a thread ends the process; it can not while a library keeps Python's lock.
    """
    if not hasattr(os, "fork") or threading.active_count() > 1 or not _has_real_stdout():
        _end_later(seconds + GRACE, out_of_time(seconds))
        return None
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    alive, kept_open = os.pipe()  # the child's end closes when it ends, however it ends
    child = os.fork()
    if child == 0:
        os.close(alive)
        return None
    os.close(kept_open)
    try:
        return _watch(child, alive, seconds)
    finally:
        os.close(alive)


def _has_real_stdout() -> bool:
    """False when something in this process collects what is written: it would not see what a child writes."""
    try:
        return sys.stdout.fileno() == 1
    except (OSError, ValueError, AttributeError):
        return False


def _watch(child: int, alive: int, seconds: float) -> int:
    import signal

    def pass_on(number: int, _: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGHUP)}
    # The terminal sends Ctrl-C to both processes. The child's answer to it becomes the answer of this one.
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        if not _ended_within(alive, seconds + GRACE):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return _say(out_of_time(seconds))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return code if code >= 0 else 128 - code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ended_within(alive: int, seconds: float) -> bool:
    import select

    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if select.select([alive], [], [], min(left, 3600))[0]:
            return True
    return False


def _say(error: OutOfTimeError) -> int:
    sys.stderr.write(f"{error.shown_as}: {error.message}\n")
    sys.stderr.flush()
    return EXIT_TIMEOUT


def _end_later(seconds: float, error: OutOfTimeError) -> None:
    def end() -> None:
        os._exit(_say(error))

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


# Memory


@contextlib.contextmanager
def memory_limit(limit: int | None) -> Iterator[bool]:
    """Let this block take at most `limit` bytes more than the process has already; all that is free when None, without
    bound when 0.

    Beyond it, allocations fail with MemoryError. Mapped files do not count. Yields False when the system knows no such
    bound.
    """
    wanted = free_memory() if limit is None else limit
    if not wanted:
        yield limit == 0
        return
    restore = _bound_data(wanted)
    try:
        yield restore is not None
    finally:
        if restore is not None:
            restore()


def _bound_data(more: int) -> Any:
    """Bound the process's data segment to `more` bytes above its size; a function that undoes it, or None."""
    taken = _data_bytes()
    if taken is None:
        return None
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bounds = [bound for bound in (taken + more, soft, hard) if bound != resource.RLIM_INFINITY]
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (min(bounds), hard))
    except (ValueError, OSError, OverflowError):
        return None
    return lambda: resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int | None:
    """What RLIMIT_DATA counts of this process now; None where it is not known (only Linux applies it to mappings)."""
    return _kilobytes(_STATUS, "VmData:")


def free_memory() -> int | None:
    """Bytes that the machine and the control groups of this process have left; None when nothing says so."""
    found = [size for size in (_available(), *_cgroups_left()) if size is not None]
    return max(min(found), 0) if found else None


def _available() -> int | None:
    available = _kilobytes(_MEMINFO, "MemAvailable:")
    if available is not None:
        return available
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _kilobytes(path: str, key: str) -> int | None:
    """The number behind `key` in a file of /proc, in bytes."""
    try:
        with open(path) as lines:
            return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(key)), None)
    except (OSError, ValueError, IndexError):
        return None


def _cgroups_left() -> Iterator[int]:
    """What each control group above this process may still take: version 2's files, and version 1's."""
    try:
        with open(_OWN_CGROUPS) as file:
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        controllers, _, path = line.partition(":")[2].partition(":")
        if controllers == "":
            root, names = _CGROUPS, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root = os.path.join(_CGROUPS, "memory")
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        # In a container the path may be the host's: then only the root is there.
        parts = [part for part in path.split("/") if part]
        for depth in range(len(parts), -1, -1):
            left = _left_in(os.path.join(root, *parts[:depth]), *names)
            if left is not None:
                yield left


def _left_in(folder: str, limit: str, used: str, cache: str) -> int | None:
    """The limit less what is used and is no page cache; None without a limit."""
    try:
        with open(os.path.join(folder, limit)) as file:
            bound = int(file.read())
        if bound >= 2**60:  # version 1 writes "no limit" as a number near 2**63
            return None
        with open(os.path.join(folder, used)) as file:
            taken = int(file.read())
        with open(os.path.join(folder, "memory.stat")) as lines:
            taken -= next((int(line.split()[1]) for line in lines if line.startswith(f"{cache} ")), 0)
    except (OSError, ValueError, IndexError):  # not there, or "max"
        return None
    return max(bound - taken, 0)
