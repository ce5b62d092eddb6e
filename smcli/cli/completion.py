"""`completion`: scripts that complete commands and flags in bash, zsh and fish."""

from __future__ import annotations

import sys

import click
from click.shell_completion import get_completion_class

from smcli.errors import SmcliError


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell: for commands, flags, directories, and the tag-sets and signatures of the
    model that --dir names.

    For bash: eval "$(smcli completion bash)", in ~/.bashrc. For zsh the same in ~/.zshrc. For fish: smcli completion
    fish > ~/.config/fish/completions/smcli.fish
    """
    from smcli.cli.app import COMPLETE, main

    found = get_completion_class(shell)
    if found is None:
        raise SmcliError(f"There is no completion for {shell}")
    sys.stdout.write(found(main, {}, "smcli", COMPLETE).source() + "\n")
