"""The flags --timeout and --memory_limit, around the work of a command."""

from __future__ import annotations

import contextlib
import functools
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import click

from smcli.cli.flags import Flags
from smcli.cli.table import FLAGS
from smcli.errors import OutOfMemoryError, SmcliError

F = TypeVar("F", bound=Callable[..., Any])
# Commands that run a model: bounded by the memory that is free, unless told otherwise.
BOUNDED = ("run", "freeze_model")
_BYTES = r"(\d{1,18})([KMGT]?)(?:i?B)?\Z"


def bounded(function: F) -> F:
    """Adds --timeout and --memory_limit to a command of smcli's own that runs models."""

    @functools.wraps(function)
    def call(*args: Any, timeout: str, memory_limit: str, **kwargs: Any) -> Any:
        with limited(Flags(timeout=timeout, memory_limit=memory_limit), BOUNDED[0]):
            return function(*args, **kwargs)

    for flag in (flag for flag in FLAGS if flag.name in ("timeout", "memory_limit")):
        call = click.option(f"--{flag.name}", default="", help=flag.help)(call)
    return cast(F, call)


@contextlib.contextmanager
def limited(flags: Flags, command: str) -> Iterator[None]:
    """The block ends with OutOfTimeError or OutOfMemoryError when it goes beyond what the flags allow.

    Raises SmcliError for values that are none, and click's Exit with the child's exit code in a process that only
    watches over another one which does the work.
    """
    seconds, size = _seconds(flags.timeout or ""), _size(flags.memory_limit or "")
    with contextlib.ExitStack() as stack:
        if seconds is not None:
            _bound_time(stack, seconds)
        if size is not None or command in BOUNDED:
            _bound_memory(stack, size)
        try:
            yield
        except MemoryError as error:
            raise _with_hint(OutOfMemoryError(f"Out of memory: {error or 'allocation failed'}")) from error
        except OutOfMemoryError as error:
            raise _with_hint(error) from error.__cause__


def _bound_time(stack: contextlib.ExitStack, seconds: float) -> None:
    from smcli.runtime import limits

    code = limits.watched(seconds)
    if code is not None:
        raise click.exceptions.Exit(code)
    stack.enter_context(limits.time_limit(seconds))


def _bound_memory(stack: contextlib.ExitStack, size: int | None) -> None:
    from smcli.runtime import limits

    is_bounded = stack.enter_context(limits.memory_limit(size))
    if size is not None and not is_bounded:
        print("--memory_limit has no effect: this system can not bound a process.", file=sys.stderr)


def _with_hint(error: OutOfMemoryError) -> OutOfMemoryError:
    error.hint = "--memory_limit sets how much may be taken; what the machine has free when it is not given."
    return error


def _seconds(text: str) -> float | None:
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 1e9:
        raise SmcliError(f"--timeout {text} is no positive number of seconds", shown_as="ValueError")
    return seconds


def _size(text: str) -> int | None:
    if not text:
        return None
    match = re.match(_BYTES, text.strip(), re.IGNORECASE)
    if match is None:
        raise SmcliError(
            f"--memory_limit {text} is no number of bytes",
            shown_as="ValueError",
            hint="Write bytes as 500000000, 500M or 4G.",
        )
    return int(match[1]) << 10 * " KMGT".index(match[2].upper() or " ")
