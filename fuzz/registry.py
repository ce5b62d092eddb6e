"""What a fuzz target is: seeds to start from, and a function that reads one input.

A target may answer, or raise an SmcliError; anything else is a finding.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Target:
    seeds: Callable[[], list[bytes]]
    run: Callable[[bytes], None]


TARGETS: dict[str, Target] = {}


def target(name: str, seeds: Callable[[], list[bytes]]) -> Callable[[Callable[[bytes], None]], Callable[[bytes], None]]:
    """Decorator: this function reads one input of the target `name`."""

    def wrap(run: Callable[[bytes], None]) -> Callable[[bytes], None]:
        TARGETS[name] = Target(seeds, run)
        return run

    return wrap


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A new folder in memory where there is one."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as path:
        yield Path(path)


def pack(*parts: bytes) -> bytes:
    """Several byte strings as one, so that mutations reach them all."""
    return b"".join(len(part).to_bytes(4, "little") + part for part in parts)


def unpack(data: bytes, count: int) -> list[bytes]:
    parts, position = [], 0
    for _ in range(count):
        size = int.from_bytes(data[position : position + 4], "little")
        parts.append(data[position + 4 : position + 4 + size])
        position += 4 + size
    return parts
