"""The words of `show` and `run` with restrained colour, for a terminal. The words stay the same."""

from __future__ import annotations

import os
import re
from typing import TextIO

from smcli.report.terminal import Terminal, escaped

_BOLD, _CYAN, _DIM, _RESET = "\x1b[1m", "\x1b[36m", "\x1b[2m", "\x1b[0m"
# what is set off: headings, keys, and what is said of the key
_RULES = (
    (re.compile(r"(?<=output key ).*(?=:$)|(?<=SignatureDef key: ).*|^ *(?:in|out)puts\['.*'\]", re.MULTILINE), _CYAN),
    (re.compile(r"^(?:MetaGraphDef with tag-set:.*|signature_def\[.*|Concrete Functions:)$", re.MULTILINE), _BOLD),
    (re.compile(r"^ *(?:dtype|shape|name|Method name is|Result for output key)(?=[: ])", re.MULTILINE), _DIM),
)
AUTO, ALWAYS, NEVER = "auto", "always", "never"


def wants_colour(wish: str, out: TextIO) -> bool:
    """wish: auto, always or never. Automatically: on a terminal, unless NO_COLOR is set (https://no-color.org)."""
    if wish == AUTO:
        return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wish == ALWAYS


class ColouredOut(Terminal):
    """A terminal that colours what is written to it; each write has to be of whole lines."""

    def write(self, text: str) -> int:
        self.plain.write(coloured(escaped(text)))
        return len(text)


def coloured(text: str) -> str:
    """The text with colour around headings, keys and labels."""
    for pattern, code in _RULES:
        text = pattern.sub(lambda match, code=code: f"{code}{match[0]}{_RESET}", text)  # type: ignore[misc]
    return text
