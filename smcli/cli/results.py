"""What becomes of the outputs of a run: printed, saved, or both, in the format that the flags ask for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from smcli.cli.flags import Flags
from smcli.errors import SmcliError
from smcli.report import outputs as report


class Results:
    """Where the outputs of one run go. Made before the model runs, so that what is in the way is told in time."""

    def __init__(self, flags: Flags, keys: Sequence[str]) -> None:
        """Raises SmcliError when an output can not be saved where it should be."""
        self._flags = flags
        self._form = flags.output_format or ""
        self._paths = report.output_paths(flags.outdir, keys) if flags.outdir and not self._outfile else {}
        if flags.outdir and not self._outfile:
            report.check_free(flags.outdir, self._paths, flags.overwrite)
        if self._outfile:
            from smcli.report.formats import form_of

            self._form = form_of(self._outfile, self._form)
            report.check_free(os.path.dirname(self._outfile) or ".", {"": self._outfile}, flags.overwrite)
        self._printing = _printing(flags.print_options or "")

    @property
    def _outfile(self) -> str:
        """The one file for all outputs, if there is one."""
        if self._flags.outfile:
            return self._flags.outfile
        form = self._flags.output_format
        if form in ("", None, "npy"):
            return ""
        if self._flags.outdir:
            return os.path.join(self._flags.outdir, f"outputs.{form}")
        if form == "npz":
            raise SmcliError("--output_format npz needs --outfile or --outdir.", shown_as="ValueError")
        return ""

    def give(self, values: Mapping[str, Any]) -> None:
        """Prints the outputs, and saves those that are to be saved: all of them, or none."""
        with self._printing:
            if self._outfile:
                self._save_one(values)
            elif self._form in ("json", "csv"):
                from smcli.report.formats import text

                sys.stdout.write(text(self._form, values))
            else:
                self._save_each(values)

    def _save_one(self, values: Mapping[str, Any]) -> None:
        from smcli.report.formats import writer

        path = self._outfile
        with report.Writing(self._flags.overwrite) as files:
            files.add_file(path, writer(self._form, values))
            files.finish()
        if not self._flags.quiet:
            for key, value in values.items():
                sys.stdout.write(report.result_text(key, value) + "\n")
            sys.stdout.write(f"Outputs are saved to {path}\n")

    def _save_each(self, values: Mapping[str, Any]) -> None:
        lines: list[str] = []
        with report.Writing(self._flags.overwrite) as files:
            try:
                for key, value in values.items():
                    lines.append("" if self._flags.quiet else report.result_text(key, value) + "\n")
                    if key in self._paths:
                        files.add(self._paths[key], value)
                files.finish()
            except SmcliError:
                sys.stdout.write("".join(lines))
                raise
        for key, line in zip(values, lines):
            sys.stdout.write(line)
            if key in self._paths and not self._flags.quiet:
                sys.stdout.write(report.saved_text(key, self._paths[key]) + "\n")


def _printing(options: str) -> AbstractContextManager[None]:
    if not options:
        return nullcontext()
    from smcli.report.formats import print_options

    return _numpy_printing(print_options(options))


@contextmanager
def _numpy_printing(options: dict[str, Any]) -> Iterator[None]:
    import numpy as np

    with np.printoptions(**options):
        yield
