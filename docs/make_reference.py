"""Writes docs/reference.md from the command line itself: `python -m docs.make_reference`."""

from __future__ import annotations

from pathlib import Path

import click

from smcli.cli import main

PAGE = Path(__file__).parent / "reference.md"
_HEAD = """# Command line

Written by `python -m docs.make_reference` from `smcli COMMAND --help`.
"""


def page() -> str:
    """The whole page."""
    settings = {**main.context_settings, "terminal_width": 100, "max_content_width": 100}
    context = click.Context(main, info_name="smcli", **settings)
    parts = [_HEAD, _section("smcli", main.get_help(context))]
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        inner = click.Context(command, context, name, **settings)
        parts.append(_section(f"smcli {name}", command.get_help(inner)))
    return "\n".join(parts)


def _section(title: str, text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return f"## {title}\n\n```text\n{lines}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
