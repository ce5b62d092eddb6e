"""The click group with its commands, and what becomes of errors.

The commands' options are made from smcli.cli.table; the command line goes through smcli.cli.compat before click sees
it; a command's module is imported when the command is called.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn, TextIO, cast

import click

from smcli import __version__
from smcli.cli import compat, own
from smcli.cli.flags import Flags
from smcli.cli.limited import limited
from smcli.cli.table import BOOL, COMMANDS, ENUM, FLAGS, INT, SAVED_MODEL_CLI_VERSION, STRING, CommandSpec, FlagSpec
from smcli.errors import OutOfMemoryError, OutOfTimeError, SmcliError

# 124 as timeout(1); every other error is 1
_EXIT_CODES: dict[type[Exception], int] = {OutOfTimeError: 124, OutOfMemoryError: 125}
_EXIT_OWN = 2  # for smcli's own commands, which say with 1 that they found something
_EXIT_INTERRUPTED = 130  # 128 + SIGINT
_EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE
COMPLETE = "_SMCLI_COMPLETE"  # set by the scripts of smcli.cli.completion
_CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"]}


def _program_name() -> str:
    """The name that the user called: saved_model_cli when that is a link to smcli."""
    name = os.path.basename(sys.argv[0]) if sys.argv else ""
    return "saved_model_cli" if name.removesuffix(".exe") == "saved_model_cli" else "smcli"


class _HelpOption(click.Command):
    """Shows its help option where it lists its options; smcli.cli.compat answers it before click sees the line."""

    def get_help_option(self, ctx: click.Context) -> click.Option:
        # click's own looks for translations of its text in several directories.
        names = sorted(self.get_help_option_names(ctx))
        return click.Option(names, is_flag=True, expose_value=False, help="Show this message and exit.")


class SavedModelGroup(_HelpOption, click.Group):
    """The commands of saved_model_cli. Takes its command line, and ends the process as it does."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Runs one command line and exits. Only `args` (default: sys.argv) and `prog_name` are looked at."""
        program = prog_name or _program_name()
        if COMPLETE in os.environ:
            from click.shell_completion import shell_complete

            sys.exit(shell_complete(self, {}, program, COMPLETE, os.environ[COMPLETE]))
        atexit.register(gc.freeze)  # the interpreter would look through all objects twice before it ends
        sys.exit(_run(self, list(sys.argv[1:] if args is None else args), program))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*[command.name for command in COMMANDS], *own.COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in own.COMMANDS:
            return own.load(cmd_name)
        return next((_command(spec) for spec in COMMANDS if spec.name == cmd_name), None)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands of saved_model_cli"):
            formatter.write_dl([(command.name, command.summary) for command in COMMANDS])
        with formatter.section("Commands of smcli"):
            formatter.write_dl(list(own.COMMANDS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_examples(formatter, ctx.command_path, [command.examples[0] for command in COMMANDS[:3]])


class SavedModelCommand(_HelpOption):
    """A command whose help ends with whole command lines."""

    def __init__(self, spec: CommandSpec, **attrs: Any) -> None:
        super().__init__(spec.name, **attrs)
        self._spec = spec

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        program = ctx.parent.command_path if ctx.parent else "smcli"
        _write_examples(formatter, program, self._spec.examples)


def _write_examples(formatter: click.HelpFormatter, program: str, examples: Sequence[tuple[str, str]]) -> None:
    with formatter.section("Examples"):
        for what, line in examples:
            formatter.write(f"{'':{formatter.current_indent}}# {what}\n")
            formatter.write(f"{'':{formatter.current_indent}}{program} {line}\n")


def _command(spec: CommandSpec) -> click.Command:
    params: list[click.Parameter] = [_option(flag) for flag in FLAGS if spec.name in flag.commands]
    if spec.methods:
        params.append(click.Argument(["method"], type=click.Choice(spec.methods), required=False))

    def call(**values: Any) -> None:
        method = [values.pop("method")] if spec.methods else []
        flags = Flags(**values)
        if spec.name == "run":
            from smcli.runtime.threads import use_threads

            use_threads(flags.num_threads)
        command = _import_command(spec.name)
        with limited(flags, spec.name), _colour(flags.color):
            command(flags, *method)

    return SavedModelCommand(
        spec, context_settings=_CONTEXT, params=params, callback=call, help=spec.summary, short_help=spec.summary
    )


@contextlib.contextmanager
def _colour(wish: str) -> Iterator[None]:
    """What is printed in this block is coloured, if that is wished and looked at."""
    if wish == "never" or (wish == "auto" and not sys.stdout.isatty()):
        yield
        return
    from smcli.report.colour import ColouredOut, wants_colour
    from smcli.report.terminal import behind

    before = sys.stdout
    if wants_colour(wish, before):
        sys.stdout = cast(TextIO, ColouredOut(behind(before)))
    try:
        yield
    finally:
        sys.stdout = before


@contextlib.contextmanager
def _no_control() -> Iterator[None]:
    """In this block nothing that a model is called can steer a terminal."""
    before = sys.stdout, sys.stderr
    if any(stream is not None and stream.isatty() for stream in before):
        from smcli.report.terminal import Terminal

        sys.stdout, sys.stderr = (
            cast(TextIO, Terminal(stream)) if stream is not None and stream.isatty() else stream for stream in before
        )
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _import_command(name: str) -> Any:
    from importlib import import_module

    return getattr(import_module(f"smcli.cli.{name}"), name)


def _option(flag: FlagSpec) -> click.Option:
    default = getattr(Flags, flag.name)
    if flag.kind == BOOL:
        return click.Option([f"--{flag.name}/--no{flag.name}"], default=default, help=flag.help)
    kind = click.Choice(flag.choices) if flag.kind == ENUM else click.INT if flag.kind == INT else click.STRING
    complete = own.completed if flag.kind == STRING else None  # of the rest click knows the values
    return click.Option([f"--{flag.name}"], type=kind, default=default, help=flag.help, shell_complete=complete)


def _run(group: click.Group, args: list[str], program: str) -> int:
    """Runs the command line and returns the exit code; nothing is raised."""
    try:
        try:
            with _no_control():
                return _invoke(group, args, program)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more when it exits; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _EXIT_BROKEN_PIPE


def _invoke(group: click.Group, args: list[str], program: str) -> int:
    is_own = bool(args) and args[0] in own.COMMANDS
    try:
        if not is_own:
            args = compat.canonical(args, program)
        with group.make_context(program, args) as context:
            group.invoke(context)
        return 0
    except compat.ShowHelp as wanted:
        click.echo(_help(group, program, wanted.command))
        return 0
    except compat.ShowVersion:
        click.echo(f"{program} {__version__} (answers as saved_model_cli {SAVED_MODEL_CLI_VERSION} of TensorFlow 2.21)")
        return 0
    except compat.Exit as answer:
        sys.stdout.write(answer.stdout)
        sys.stderr.write(answer.stderr)
        return answer.code
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception as error:
        _show_error(error, is_own)
        return _EXIT_CODES.get(type(error), _EXIT_OWN if is_own else 1)


def _help(group: click.Group, program: str, name: str | None) -> str:
    context = click.Context(group, info_name=program, **_CONTEXT)
    command = group.get_command(context, name) if name else None
    return command.get_help(click.Context(command, context, name, **_CONTEXT)) if command else group.get_help(context)


def _show_error(error: Exception, is_own: bool) -> None:
    """Writes an error as the last line that the original would write, without its traceback; one of smcli's own
    commands as click writes errors.

    What is not an SmcliError is a mistake of smcli's own; it is shown in the same way. SMCLI_TRACEBACK=1 shows all.
    """
    sys.stdout.flush()
    if os.environ.get("SMCLI_TRACEBACK", "") not in ("", "0"):
        import traceback

        traceback.print_exc()
        return
    if isinstance(error, SmcliError):
        if error.hint:
            print(error.hint, file=sys.stderr)
        print(f"{'Error' if is_own else error.shown_as}: {error.message}", file=sys.stderr)
    else:
        name = type(error).__name__
        print("This is a bug in smcli; SMCLI_TRACEBACK=1 shows where it happened.", file=sys.stderr)
        print(f"{name}: {error}" if str(error) else name, file=sys.stderr)


main = SavedModelGroup(
    "smcli",
    context_settings=_CONTEXT,
    params=[click.Option(["--version"], is_flag=True, expose_value=False, help="Show the version and exit.")],
    help="Show, run, scan and check TensorFlow SavedModels, without TensorFlow. Answers as saved_model_cli does.",
)
