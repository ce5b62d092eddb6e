"""Writes the table of advisories into docs/security.md: `python -m docs.make_security`.

The table is made from tests/cases/advisories.py, what TensorFlow answers today from fixtures/ops/advisories.jsonl.xz.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from tests import cases, recorded
from tests.cases.advisories import ADVISORIES

PAGE = Path(__file__).with_name("security.md")
START, END = "<!-- advisories: start -->", "<!-- advisories: end -->"


def answers() -> dict[str, set[str]]:
    """Advisory → what its recorded rows answer: classes of errors, or "an answer"."""
    found: dict[str, set[str]] = defaultdict(set)
    rows = recorded.read("advisories")
    for row in cases.load("advisories"):
        found[row.label].add(rows[row.id].error or "an answer")
    return found


def advisory_table() -> str:
    lines = [START, "| advisory | CVE | what it is about | smcli and TensorFlow 2.21 |", "| --- | --- | --- | --- |"]
    recorded_answers = answers()
    for number, (cve, what) in sorted(ADVISORIES.items()):
        said = ", ".join(sorted(recorded_answers.get(number, {"refused"})))
        lines.append(f"| {number} | {cve} | {what} | {said} |")
    return "\n".join([*lines, END])


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(START)
    PAGE.write_text(before + advisory_table() + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
