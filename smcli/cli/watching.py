"""What `run --watch`, `--dump_dir` and `--stop_at_nan` do: lines on stderr, files of tensors, an early end."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from smcli.cli.flags import Flags
from smcli.kernels.context import Array
from smcli.report import outputs
from smcli.report.tables import cell_text
from smcli.runtime.session import Session
from smcli.runtime.watch import Seen, Watch

_NOTHING = r"(?!)"  # matches nowhere


@contextmanager
def watched(flags: Flags, session: Session) -> Iterator[None]:
    """Looks at what the session runs inside of this. Raises SmcliError for a pattern that is none, and for a tensor
    that can not be saved."""
    calls: Counter[str] = Counter()

    def report(seen: Seen, array: Array) -> None:
        if flags.watch:
            print(line(seen), file=sys.stderr)
        if flags.dump_dir:
            number = calls[seen.name]
            calls[seen.name] += 1
            key = seen.name.replace(":", "_") + (f"_{number}" if number else "")
            path = outputs.output_paths(flags.dump_dir, [key])[key]
            outputs.save(path, array, overwrite=flags.overwrite)

    pattern = flags.watch or (".*" if flags.dump_dir else _NOTHING)
    session.as_written = True
    session.observe = Watch(pattern, report, flags.stop_at_nan).wrap
    try:
        if flags.dump_dir:
            os.makedirs(flags.dump_dir, exist_ok=True)
        yield
    finally:
        session.observe, session.as_written = None, False


def line(seen: Seen) -> str:
    """One line: name, op, dtype, shape, then minimum, maximum and mean of the finite values, then what is not."""
    parts = [seen.name, seen.op, f"{seen.dtype}{list(seen.shape)}"]
    for label, value in (("min", seen.minimum), ("max", seen.maximum), ("mean", seen.mean)):
        if value is not None:
            parts.append(f"{label} {value:.6g}")
    parts += [f"{count} {what}" for count, what in ((seen.nan, "NaN"), (seen.inf, "Inf")) if count]
    return cell_text("  ".join(parts))
