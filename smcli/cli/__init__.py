"""The command line: the one room that knows click, rich and exit codes. `main` is the console script."""

from __future__ import annotations

import gc

_is_collecting = gc.isenabled()
gc.disable()  # nothing of what is imported is garbage, and looking for some takes a fiftieth of a start
try:
    from smcli.cli.app import main
finally:
    if _is_collecting:
        gc.enable()

__all__ = ["main"]
