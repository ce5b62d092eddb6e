"""What `run --profile` and `--profile_trace` write: tables on stderr, so that stdout stays the original's, and a file
for Chrome's tracing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from smcli.cli.flags import Flags
from smcli.errors import SmcliError
from smcli.report import profile as report
from smcli.report.tables import write
from smcli.runtime.profile import Recorder, trace_events
from smcli.runtime.session import Session


@contextmanager
def profiled(flags: Flags, session: Session) -> Iterator[None]:
    """Records what the session runs inside of this, and writes it at the end.

    Raises SmcliError when the trace can not be written.
    """
    recorder = Recorder(keep_events=bool(flags.profile_trace))
    session.observe = recorder.wrap
    yield
    session.observe = None
    if flags.profile_trace:
        try:
            with open(flags.profile_trace, "w", encoding="utf-8") as file:
                json.dump({"displayTimeUnit": "ms", "traceEvents": trace_events(recorder)}, file)
        except OSError as error:
            raise SmcliError(f"{flags.profile_trace}: {error.strerror}", shown_as=type(error).__name__) from None
    if flags.profile:
        nodes = recorder.by_node()
        by_op, by_node = report.tables(recorder.by_op(), nodes)
        write(by_op, sys.stderr)
        sys.stderr.write("\n")
        write(by_node, sys.stderr)
        sys.stderr.write(report.left_out(nodes))
