"""The command line: the one room that knows click, rich and exit codes. `main` is the console script."""

from __future__ import annotations

import gc

# Objects before the cycle collector looks: starting makes many that stay, from the very imports on.
gc.set_threshold(100_000)

from smcli.cli.app import main  # noqa: E402

__all__ = ["main"]
