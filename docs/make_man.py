"""Writes docs/man/smcli.1, the man page, from the command line itself: `python -m docs.make_man`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from smcli import __version__
from smcli.cli import main
from smcli.cli.app import SavedModelGroup
from smcli.cli.table import COMMANDS

PAGE = Path(__file__).parent / "man" / "smcli.1"
_DATE = "2026-11-21"  # set by hand when the commands change or a version is released
_WHAT = "show, run, scan, draw and check TensorFlow SavedModels, without TensorFlow"
_EXIT = (
    ("0", "All is well."),
    ("1", "The command failed. check, diff: something was found."),
    ("2", "The command line is wrong, or one of smcli's own commands failed."),
    ("124", "The time that --timeout gives is over."),
    ("125", "The memory that --memory_limit gives, or the machine has, is used up."),
)
_ENVIRONMENT = (
    ("NO_COLOR", "No colour on a terminal, whatever its value, unless --color always is given."),
    ("SMCLI_TRACEBACK", "With 1, an error is shown with its Python traceback."),
    ("SMCLI_DISABLE_REWRITES", "Rewrites of graphs to leave out, separated by commas."),
    ("SMCLI_ONEDNN_LIBRARY", "The path of the oneDNN library to compute with."),
)


def page() -> str:
    """The whole page, in the man macros."""
    settings = {**main.context_settings, "terminal_width": 100, "max_content_width": 100}
    context = click.Context(main, info_name="smcli", **settings)
    lines = [
        '.\\" Written by `python -m docs.make_man` from the command line.',
        f'.TH SMCLI 1 {_DATE} "smcli {__version__}" "User Commands"',
        *_section("NAME", f"smcli \\- {escape(_WHAT)}"),
        *_section("SYNOPSIS", ".B smcli", f".I {escape('COMMAND')}", escape("[OPTION]...")),
        *_section("DESCRIPTION", escape(main.help or "")),
        ".PP",
        escape("smcli COMMAND --help shows the help of a command. Called as saved_model_cli it names itself so."),
        *_section("COMMANDS"),
    ]
    for name in main.list_commands(context):
        lines += _command(main, context, name)
    lines += [*_section("EXIT STATUS"), *_pairs(_EXIT), *_section("ENVIRONMENT"), *_pairs(_ENVIRONMENT)]
    lines += _section("EXAMPLES", *_examples())
    lines += _section(
        "SEE ALSO", escape("The tutorial and the pages on each command in the folder docs of the source.")
    )
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text that roff shows as it is, on one line."""
    text = " ".join(text.replace("\\", "\\e").split()).replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return f"\\&{text}" if text.startswith(".") else text


def _section(title: str, *lines: str) -> list[str]:
    return [f".SH {title}" if " " not in title else f'.SH "{title}"', *lines]


def _pairs(rows: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for term, text in rows:
        yield from (".TP", f".B {escape(term)}", escape(text))


def _command(group: SavedModelGroup, context: click.Context, name: str) -> Iterator[str]:
    command = group.get_command(context, name)
    assert command is not None
    inner = click.Context(command, context, name, **group.context_settings)
    usage = " ".join(command.collect_usage_pieces(inner))
    yield f'.SS "smcli {escape(name)} {escape(usage)}"'
    for index, paragraph in enumerate((command.help or "").split("\n\n")):
        if index:
            yield ".PP"
        yield escape(paragraph.replace("\b", ""))
    for parameter in command.get_params(inner):
        record = parameter.get_help_record(inner)
        if record is not None and "--help" not in parameter.opts:
            yield from (".TP", f".B {escape(record[0])}", escape(record[1]) or "\\&")


def _examples() -> Iterator[str]:
    examples = [example for command in COMMANDS for example in command.examples]
    for index, (what, line) in enumerate(examples):
        if index:
            yield ".PP"
        yield from (f"{escape(what)}:", ".RS 4", ".nf", escape(f"smcli {line}"), ".fi", ".RE")


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
