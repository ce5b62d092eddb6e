"""The pages on show, scan and compatibility say what is true."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.cli import golden
from tests.cli.test_golden import DEVIATIONS

DOCS = golden.GOLDEN.parents[1] / "docs"
PAGES = [
    "../README.md",
    "show.md",
    "scan.md",
    "run.md",
    "check.md",
    "checkpoint.md",
    "examples.md",
    "summary.md",
    "graph.md",
    "tutorial.md",
]


def test_every_deviation_is_on_the_page() -> None:
    rows = re.findall(r"^\|.*\| ((?:`\w+` ?)+)\|$", (DOCS / "compatibility.md").read_text(), re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(DEVIATIONS)


def _console_blocks(page: str) -> list[tuple[str, str]]:
    """Command line and recorded output, for each `$ smcli …` and `$ printf …` in the console blocks of a page.

    What installs something first is taken as done.
    """
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, output = part.partition("\n")
            line = re.sub(r"^pip install \S+ && ", "", line)
            if line.startswith(("smcli ", "printf ")):
                found.append((line, output))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_console_blocks(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a page in one directory, one after the other, as a reader would."""
    (tmp_path / "fixtures").symlink_to(Path(golden.GOLDEN).parents[0])
    monkeypatch.chdir(tmp_path)
    blocks = _console_blocks(page)
    assert blocks
    for line, output in blocks:
        if line.startswith("printf "):
            done = subprocess.run(line, shell=True, capture_output=True, text=True, check=True)
            assert done.stdout == output
            continue
        program, *args = shlex.split(line)
        outcome = golden._call(args)
        assert (program, outcome.stdout + outcome.stderr) == ("smcli", output), line


def _python_blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["python.md", "../README.md"])
def test_python_blocks(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a page in one namespace. What stands after `# ->` is the repr of the line's value."""
    (tmp_path / "fixtures").symlink_to(Path(golden.GOLDEN).parents[0])
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in _python_blocks(page):
        for statement in ast.parse(block).body:
            code = ast.get_source_segment(block, statement) or ""
            wanted = re.search(r"#\s*->\s*(.*)$", block.splitlines()[(statement.end_lineno or 1) - 1])
            if isinstance(statement, ast.Expr) and wanted:
                assert repr(eval(code, names)) == wanted[1], code
            else:
                exec(code, names)
