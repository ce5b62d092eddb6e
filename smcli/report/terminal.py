"""What a model calls things, shown on a terminal: nothing that moves the cursor, colours or renames a window.

Names of tensors, keys and strings of a model may hold any character. A pipe gets them as they are, as the original
writes them; people at a terminal see control characters written out, as Python writes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TextIO

# C0 but tab and newline, DEL, C1, and the marks that turn the direction of what follows (Unicode's UAX 9)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def escaped(text: str) -> str:
    """The text with control characters written out; tabs and ends of lines stay."""
    return _CONTROLS.sub(lambda match: repr(match[0])[1:-1], text)


def printable(text: str) -> str:
    """The text on one line: whatever does not print is written out, tabs and ends of lines too."""
    return text if text.isprintable() else "".join([c if c.isprintable() else repr(c)[1:-1] for c in text])


class Terminal:
    """A stream that shows control characters instead of obeying them. plain: the stream behind it, for what draws."""

    def __init__(self, plain: TextIO) -> None:
        self.plain = plain

    def write(self, text: str) -> int:
        self.plain.write(escaped(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)


def behind(out: TextIO) -> TextIO:
    """The stream that obeys escape sequences: `out` itself, or what stands behind a Terminal."""
    return out.plain if isinstance(out, Terminal) else out
