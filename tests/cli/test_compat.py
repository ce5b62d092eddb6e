"""The command line is read as saved_model_cli reads it.

fixtures/golden/flags.jsonl holds 600 command lines, drawn at random from words that Abseil and argparse treat
differently, and what the flag layer of saved_model_cli made of each: the command with its flags, or the exit code and
the text.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from smcli.cli import app, compat
from smcli.cli.flags import Flags
from smcli.cli.table import COMMANDS, FLAGS
from smcli.errors import SmcliError
from tests.cli import golden


def _recorded() -> list[dict[str, Any]]:
    with open(golden.GOLDEN / "flags.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Flags]]:
    """Replaces the commands by ones that note how they were called."""
    calls: list[tuple[str, Flags]] = []

    def import_command(name: str) -> Any:
        return lambda flags, *method: calls.append((name, flags))

    monkeypatch.setattr(app, "_import_command", import_command)
    return calls


@pytest.mark.parametrize("row", _recorded(), ids=lambda row: " ".join(row["argv"]))
def test_recorded(row: dict[str, Any], called: list[tuple[str, Flags]], tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ff.txt").write_text("--dir=m\n# c\n\n--tag_set\nserve\n")
    (tmp_path / "ff2.txt").write_text("--flagfile=ff.txt\n--all\n")
    outcome = golden._call(row["argv"])
    if "command" in row:
        [(command, flags)] = called
        read_by_it = [flag.name for flag in FLAGS if row["command"] in flag.commands]
        wanted = {name: row["values"].get(name, getattr(Flags, name)) for name in read_by_it}
        assert (command, {name: getattr(flags, name) for name in read_by_it}) == (row["command"], wanted)
    elif row["stderr"].startswith("AttributeError") and called:
        assert called[0][0] == "convert"  # complains itself that it has no method
    else:
        last = outcome.stderr if row["stderr"].startswith(("usage", "FATAL")) else outcome.stderr.split("\n")[-2:]
        recorded = row["stderr"] if isinstance(last, str) else row["stderr"].split("\n")[-2:]
        assert (outcome.exit_code, outcome.stdout, last) == (row["exit_code"], row["stdout"], recorded)


@pytest.mark.parametrize(
    ("args", "written"),
    [
        (["show", "--dir", "m"], ["show", "--dir=m"]),
        (["--dir=a", "show", "--dir", "b", "--all"], ["show", "--dir=b", "--all"]),
        (["scan", "--dir=m", "--inputs=x", "--all"], ["scan", "--dir=m"]),
        (["convert", "tensorrt", "--dir=m", "--output_dir=o", "--tag_set=t"], None),
        (["run", "--dir=m", "--tag_set=t", "--signature_def=s", "--input_exprs", "-x = 1"], None),
    ],
)
def test_canonical_is_a_fixed_point(args: list[str], written: list[str] | None) -> None:
    canonical = compat.canonical(args, "smcli")
    assert written is None or canonical == written
    assert compat.canonical(canonical, "smcli") == canonical


@pytest.mark.parametrize("name", ["h", "help", "?", "helpshort", "helpfull"])
@pytest.mark.parametrize("command", [None, *[command.name for command in COMMANDS]])
def test_help_wins_over_everything_after_it(name: str, command: str | None) -> None:
    dashes = "-" if len(name) == 1 else "--"
    with pytest.raises(compat.ShowHelp) as wanted:
        compat.canonical([*([command] if command else []), dashes + name, "--nosuchflag"], "smcli")
    assert wanted.value.command == command


@pytest.mark.parametrize(("typed", "meant"), [("shwo", "show"), ("chek", "check"), ("summry", "summary")])
def test_unknown_command_names_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(SmcliError) as error:
        compat.canonical([typed], "smcli")
    assert (error.value.shown_as, error.value.message) == ("KeyError", repr(typed))
    assert f"Did you mean {meant}?" in str(error.value.hint)


@pytest.mark.parametrize(("program", "told"), [("smcli", True), ("saved_model_cli", False)])
def test_smcli_without_a_command_says_where_all_are_listed(program: str, told: bool) -> None:
    with pytest.raises(compat.Exit) as error:
        compat.canonical([], program)
    assert error.value.code == 2
    assert error.value.stderr.startswith("All commands") == told
    assert error.value.stderr.endswith(f"{program}: error: Too few arguments.\n")


def test_flagfiles_that_include_each_other(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_text("--flagfile=b\n--dir=m\n")
    (tmp_path / "b").write_text("--flagfile=a\n--all\n")
    assert compat.canonical(["show", "--flagfile=a"], "smcli") == ["show", "--dir=m", "--all"]


@pytest.mark.parametrize(
    ("a", "b", "distance"), [("", "abc", 3), ("abc", "abc", 0), ("ab", "ba", 1), ("tag_se", "tag_set", 1)]
)
def test_edit_distance(a: str, b: str, distance: int) -> None:
    assert compat.edit_distance(a, b) == compat.edit_distance(b, a) == distance


@pytest.mark.parametrize(
    ("program", "flag", "meant"),
    [
        ("smcli", "foo", ". Did you mean: format ?"),
        ("saved_model_cli", "foo", ""),  # recorded
        ("smcli", "tag_st", ". Did you mean: tag_set ?"),
        ("saved_model_cli", "tag_st", ". Did you mean: tag_set ?"),
    ],
)
def test_flags_of_its_own_are_suggested_under_its_own_name(program: str, flag: str, meant: str) -> None:
    with pytest.raises(compat.Exit) as error:
        compat.canonical(["show", "--dir=m", f"--{flag}"], program)
    assert f"Unknown command line flag '{flag}'{meant}\n" in error.value.stderr
