"""Reads a command line as saved_model_cli reads it, and writes it down in the one form that click is then given.

The original parses its command line twice. First Abseil takes the flags out, wherever they stand
(absl/flags/_flagvalues.py); then argparse parses the whole line again, with a parser for the program and one for each
command (absl/flags/argparse_flags.py). Each has its own opinion and its own words on mistakes. Both passes are here,
as far as they can be told apart from outside; what comes out is a command name followed by `--flag=value`, each flag
once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from smcli.cli.table import (
    BOOL,
    COMMANDS,
    ENUM,
    FLAGS,
    FLOAT,
    HELP_FLAGS,
    IGNORED_FLAGS,
    INT,
    SAVED_MODEL_CLI_VERSION,
    STRING,
    CommandSpec,
)
from smcli.errors import SmcliError

_COMMANDS = {command.name: command for command in COMMANDS}
_CHOICES = {flag.name: flag.choices for flag in FLAGS}
_KINDS = {flag.name: flag.kind for flag in FLAGS} | IGNORED_FLAGS
_KINDS_OF_ABSL = _KINDS | dict.fromkeys((*HELP_FLAGS, "only_check_flags"), BOOL)
ORIGINAL = "saved_model_cli"  # the name under which nothing of its own is spoken of
_OWN = frozenset({flag.name for flag in FLAGS if flag.own})


class Exit(Exception):
    """The command line is answered already, without a command: print `stdout` and `stderr`, exit with `code`."""

    def __init__(self, code: int, stdout: str = "", stderr: str = "") -> None:
        super().__init__(code)
        self.code, self.stdout, self.stderr = code, stdout, stderr


class ShowVersion(Exception):
    """The version was asked for."""


class ShowHelp(Exception):
    """Help was asked for: of `command`, or of the program when it is None."""

    def __init__(self, command: str | None) -> None:
        super().__init__(command)
        self.command = command


def canonical(args: Sequence[str], program: str) -> list[str]:
    """The same command line as `[command, "--flag=value", …, method]`, each flag that the command reads with the value
    that counts.

    Raises Exit for lines that the original answers without starting a command (mistakes too), ShowHelp or
    ShowVersion when these are asked for, and SmcliError where the original dies of an exception.
    """
    try:
        args = _expand_flagfiles(["--quiet" if arg == "-q" else arg for arg in args])
        found = _absl_pass(args, program)
    except _FlagError as error:
        text = str(error)
        head = "FATAL Flags parsing error:"
        head += "\n" + "\n".join([f"  {line}" for line in text.split("\n")]) if "\n" in text else f" {text}"
        raise Exit(1, stderr=f"{head}\nPass --helpshort or --helpfull to see help on flags.\n") from None
    if found.values.get("only_check_args") == "true":
        raise Exit(0)
    if not found.positionals:
        raise _too_few(program)
    command = _COMMANDS.get(found.positionals[0])
    if command is None:
        raise _unknown_command(found.positionals[0])
    name, method = _argparse_pass(args, program, found.values, command.required)
    return [name, *_written(name, found.values), *([method] if method else [])]


def _written(command: str, values: dict[str, str]) -> list[str]:
    written = []
    for flag in FLAGS:
        if flag.name in values and command in flag.commands:
            value = values[flag.name]
            if flag.kind == BOOL:
                written.append(f"--{flag.name}" if value == "true" else f"--no{flag.name}")
            else:
                written.append(f"--{flag.name}={value}")
    return written


# The first pass: Abseil.


class _FlagError(Exception):
    """What Abseil calls a flags parsing error."""


class _Found:
    """What Abseil takes from a line: flag values (booleans as true and false), the rest, and unknown flags."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.positionals: list[str] = []
        self.unknown: list[str] = []


def _absl_pass(args: Sequence[str], program: str) -> _Found:
    found = _Found()
    undefok: set[str] = set()
    rest = iter(args)
    for arg in rest:
        if not arg.startswith("-"):
            found.positionals.append(arg)
            continue
        if arg == "--":
            break
        name, equals, value = arg.removeprefix("-").removeprefix("-").partition("=")
        given = value if equals else None
        if not name:
            found.positionals.append(arg)
        elif name == "undefok":
            names = [item.strip() for item in (_value(arg, given, rest)).split(",")]
            undefok.update(names, [f"no{item}" for item in names])
        elif name == "version" and given is None:
            raise ShowVersion
        elif name in _KINDS_OF_ABSL or name == "h":
            kind = _KINDS_OF_ABSL.get(name, BOOL)
            text = given if kind == BOOL and given is not None else "true" if kind == BOOL else _value(arg, given, rest)
            _take(found, name, kind, text)
        elif name.startswith("no") and _KINDS_OF_ABSL.get(name[2:]) == BOOL:
            if given is not None:
                raise SmcliError(f"{arg} does not take an argument", shown_as="ValueError")
            _take(found, name[2:], BOOL, "false")
        else:
            found.unknown.append(name)
    found.positionals.extend(rest)
    for name in found.unknown:
        if name not in undefok:
            raise _FlagError(f"Unknown command line flag '{name}'{_did_you_mean(name, program)}")
    return found


def _value(arg: str, given: str | None, rest: object) -> str:
    if given is not None:
        return given
    following = next(rest, None)  # type: ignore[call-overload]
    if following is None:
        raise _FlagError(f"Missing value for flag {arg}")
    return str(following)


def _take(found: _Found, name: str, kind: str, value: str) -> None:
    value = _checked(name, kind, value)
    if name in (*HELP_FLAGS, "h"):
        if value == "true":
            raise ShowHelp(next((word for word in found.positionals if word in _COMMANDS), None))
    elif name == "only_check_flags":
        if value == "true":
            raise Exit(0, stdout="SUCCESS: All Abseil flags are valid.\n")
    elif kind in (STRING, BOOL) or name in _CHOICES:
        found.values[name] = value


def _checked(name: str, kind: str, value: str) -> str:
    """The value in its plain form. Raises _FlagError for one that the flag can not have."""
    try:
        if kind == BOOL:
            return _boolean(value)
        if kind == INT:
            return str(int(value, _base(value)))
        if kind == FLOAT:
            return str(float(value))
        if kind == ENUM and value not in _CHOICES[name]:
            raise ValueError(f"value should be one of <{'|'.join(_CHOICES[name])}>")
    except ValueError as error:
        raise _FlagError(f"flag --{'verbosity' if name == 'v' else name}={value}: {error}") from None
    return value


def _boolean(value: str) -> str:
    if value.lower() in ("true", "t", "1"):
        return "true"
    if value.lower() in ("false", "f", "0"):
        return "false"
    raise ValueError("Non-boolean argument to boolean flag", value)


def _base(value: str) -> int:
    return {"0x": 16, "0o": 8}.get(value[:2], 10) if len(value) > 2 else 10


def _did_you_mean(name: str, program: str) -> str:
    """The nearest flags of the original; those of smcli's own where there are none, under its own name."""
    nearest = _nearest(name, _KINDS_OF_ABSL.keys() - _OWN)
    if program != ORIGINAL:
        nearest = nearest or _nearest(name, _OWN)
    return f". Did you mean: {', '.join(nearest)} ?" if nearest else ""


def _nearest(name: str, flags: Iterable[str]) -> list[str]:
    """The flags whose beginning is nearest to `name`, if they are near (absl/flags/_helpers.py)."""
    distances = sorted([(edit_distance(name, known[: len(name)]), known) for known in flags])
    if len(name) <= 2 or not distances or distances[0][0] >= 0.5 * len(name):
        return []
    return [known for errors, known in distances if errors == distances[0][0]]


def edit_distance(a: str, b: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours that make `b` of `a`."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, char in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            row.append(min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (char != other)))
            if i > 1 and j > 1 and char == b[j - 2] and other == a[i - 2]:
                row[j] = min(row[j], before[j - 2] + 1)
        before, last = last, row
    return last[-1]


def _expand_flagfiles(args: Sequence[str]) -> list[str]:
    expanded: list[str] = []
    rest = list(args)
    while rest:
        arg = rest.pop(0)
        name, equals, value = arg.partition("=")
        if name in ("--flagfile", "-flagfile"):
            if not equals and not rest:
                raise _FlagError("--flagfile with no argument")
            expanded.extend(_flagfile_lines(value.strip() if equals else rest.pop(0), ()))
            continue
        expanded.append(arg)
        if arg == "--":
            break
        takes_value = not equals and arg.startswith("-") and _KINDS_OF_ABSL.get(arg.lstrip("-"), BOOL) != BOOL
        if takes_value and rest and not rest[0].startswith("-"):
            expanded.append(rest.pop(0))
    return expanded + rest


def _flagfile_lines(name: str, opened: tuple[str, ...]) -> list[str]:
    """The arguments in a flagfile, one a line; `opened` are the files that it is included from."""
    name = os.path.expanduser(name)
    if not name or name in opened:
        return []
    try:
        with open(name) as file:
            lines = file.readlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _FlagError(f"ERROR:: Unable to open flagfile: {error}") from None
    args = []
    for line in lines:
        if line.isspace() or line.startswith(("#", "//")):
            continue
        if line.startswith(("--flagfile=", "-flagfile=")):
            args.extend(_flagfile_lines(line.partition("=")[2].strip(), (*opened, name)))
        else:
            args.append(line.strip())
    return args


# The second pass: argparse.

# In the order in which the original's parser knows them, which is that of its messages.
_ARGPARSE_OPTIONS = (
    "--help",
    "--helpshort",
    "--helpfull",
    "--undefok",
    *[
        option
        for name, kind in {**IGNORED_FLAGS, **{flag.name: flag.kind for flag in FLAGS}}.items()
        if name != "v" and name not in _OWN
        for option in ((f"--{name}", f"--no{name}") if kind == BOOL else (f"--{name}",))
    ],
    "--version",
)


def _argparse_pass(
    args: Sequence[str], program: str, values: dict[str, str], required: Sequence[str]
) -> tuple[str, str | None]:
    """Complains of what argparse would complain of. Returns the command and the conversion method of `convert`.

    Values that argparse sees differently from Abseil are changed in `values`.
    """
    main = _Parser(program, _main_usage(program), choices=tuple(_COMMANDS), shows_version=True)
    main.refuse_ambiguous(args)
    rest = main.parse(args)
    if not rest:
        raise _too_few(program)
    command, method = _COMMANDS[rest[0]], None
    parser = _command_parser(program, command)
    rest = parser.parse(rest[1:])
    parsers = [main, parser]
    if rest:
        method = rest[0]
        parser = _Parser(f"{parser.program} {method}", f"usage: {parser.program} {method} [-h] [--helpfull]\n")
        parser.parse(rest[1:])
        parsers.append(parser)
    for each in parsers:  # where the passes differ, as in "-dir --tag_set=t", the second one counts
        values.update(each.values)
    missing = [
        f"flag --{name}=None: Flag --{name} must have a value other than None."
        for name in required
        if name not in values
    ]
    if missing:
        raise _usage_error(parser.program, parser.usage, "\n".join(missing))
    undefok = {name for each in parsers for name in each.undefok}
    extras = [arg for each in parsers for arg in each.extras if not _is_undefok(arg, undefok)]
    if extras:
        raise _usage_error(program, main.usage, f"unrecognized arguments: {' '.join(extras)}")
    return command.name, method


def _is_undefok(arg: str, undefok: set[str]) -> bool:
    name = arg.removeprefix("-").removeprefix("-").partition("=")[0]
    return arg.startswith("-") and (name in undefok or name.removeprefix("no") in undefok)


class _Parser:
    """One ArgumentParser: takes known flags, keeps what it does not know, stops at its first positional."""

    def __init__(self, program: str, usage: str, choices: tuple[str, ...] = (), shows_version: bool = False) -> None:
        self.program, self.usage = program, usage
        self._choices, self._shows_version = choices, shows_version
        self.extras: list[str] = []
        self.undefok: set[str] = set()
        self.values: dict[str, str] = {}

    def parse(self, args: Sequence[str]) -> Sequence[str]:
        """From the first positional on, if the parser has a choice to make; else nothing, the rest is in `extras`."""
        place = 0
        while place < len(args):
            arg = args[place]
            if arg == "--" or not _looks_like_flag(arg):
                if self._choices and args[place:] != ["--"]:
                    if arg not in self._choices:
                        raise self._invalid_choice(arg)
                    return args[place:]
                if arg == "--":
                    self.extras.extend(args[place:])
                    return ()
                self.extras.append(arg)
                place += 1
                continue
            place += self._take_flag(arg, args[place + 1 : place + 2])
        return ()

    def refuse_ambiguous(self, args: Sequence[str]) -> None:
        """Raises Exit for a word that more than one flag begins with, wherever it stands: argparse looks for those
        first."""
        for arg in args:
            if arg == "--":
                return
            option = arg.partition("=")[0]
            if arg.startswith("--") and _option(option)[1] is None:
                matches = [known for known in _ARGPARSE_OPTIONS if known.startswith(option)]
                if len(matches) > 1:
                    raise self._error(f"ambiguous option: {arg} could match {', '.join(matches)}")

    def _take_flag(self, arg: str, following: Sequence[str]) -> int:
        option, equals, value = arg.partition("=")
        if option == "-v" and self._shows_version:
            if equals:
                raise self._error(f"argument -v/--version: ignored explicit argument {value!r}")
            raise Exit(0, stdout=f"{SAVED_MODEL_CLI_VERSION}\n")
        name, kind = _option(option)
        if kind is None:
            self.extras.append(arg)
            return 1
        if kind == BOOL:
            if equals:
                raise self._error(f"argument --{name}/--no{name}: ignored explicit argument {value!r}")
            self.values[name] = "true" if option == f"--{name}" else "false"
            return 1
        taken = 1
        if not equals:
            if not following or following[0] == "--" or _looks_like_flag(following[0]):
                shown = "-v/--verbosity" if name in ("v", "verbosity") and not self._shows_version else f"--{name}"
                raise self._error(f"argument {shown}: expected one argument")
            value, taken = following[0], 2
        if name == "undefok":
            self.undefok = {item.strip() for item in value.split(",")}
        elif kind == STRING:
            self.values[name] = value
        return taken

    def _invalid_choice(self, arg: str) -> Exit:
        shown = ", ".join(map(repr, self._choices))
        return self._error(f"argument {{{','.join(self._choices)}}}: invalid choice: {arg!r} (choose from {shown})")

    def _error(self, message: str) -> Exit:
        return _usage_error(self.program, self.usage, message)


def _option(option: str) -> tuple[str, str | None]:
    """Name and kind of what argparse knows `option` as; kind None for what it does not know."""
    if option == "-v":
        return "v", INT
    name = option.removeprefix("--")
    if name == option or name == "v":
        return name, None
    if name == "undefok":
        return name, STRING
    if name.startswith("no") and _KINDS.get(name[2:]) == BOOL:
        return name[2:], BOOL
    return name, _KINDS.get(name)


def _looks_like_flag(arg: str) -> bool:
    if not arg.startswith("-") or len(arg) == 1:
        return False
    if _option(arg.partition("=")[0])[1] is not None:
        return True
    return not _is_negative_number(arg) and " " not in arg


def _is_negative_number(arg: str) -> bool:
    whole, point, fraction = arg[1:].partition(".")
    if point:
        return fraction.isdecimal() and (not whole or whole.isdecimal())
    return whole.isdecimal()


# Messages.


def _command_parser(program: str, command: CommandSpec) -> _Parser:
    name = f"{program} {command.name}"
    methods = f" {{{','.join(command.methods)}}} ..." if command.methods else ""
    return _Parser(name, f"usage: {name} [-h] [--helpfull]{methods}\n", choices=command.methods)


def _main_usage(program: str) -> str:
    indent = " " * len(f"usage: {program} ")
    return f"usage: {program} [-h] [--helpfull] [-v]\n{indent}{{{','.join(_COMMANDS)}}}\n{indent}...\n"


def _usage_error(program: str, usage: str, message: str) -> Exit:
    return Exit(2, stderr=f"{usage}{program}: error: {message}\n")


def _too_few(program: str) -> Exit:
    hint = "" if program == ORIGINAL else f"All commands, with those of smcli's own: {program} --help\n"
    return _usage_error(program, hint + _main_usage(program), "Too few arguments.")


def _unknown_command(name: str) -> SmcliError:
    from smcli.cli import own

    names = [*_COMMANDS, *own.COMMANDS]
    nearest = min(names, key=lambda known: edit_distance(name, known))
    hint = f"There is no command {name!r}. The commands are {', '.join(names)}."
    if edit_distance(name, nearest) <= len(nearest) // 2:
        hint += f" Did you mean {nearest}?"
    return SmcliError(repr(name), shown_as="KeyError", hint=hint)
