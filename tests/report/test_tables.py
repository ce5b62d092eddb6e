"""Tables as plain columns, on a terminal, and as JSON."""

from __future__ import annotations

import io
import json
import math

import pytest

from smcli.report.tables import Table, bytes_text, plain_text, write, write_json

TABLE = Table("Fruits", ["name", "count", "share"], [["apple", 12, 0.5], ["fig", 3, None]])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_columns_are_padded_and_numbers_stand_right():
    assert plain_text(TABLE) == (
        "Fruits\n"
        "name   count  share\n"
        "apple     12    0.5\n"
        "fig        3\n"
    )  # fmt: skip


def test_table_without_heads_has_rows_only():
    assert plain_text(Table("", ["", ""], [["a", "b"]])) == "a  b\n"


def test_table_without_rows_has_heads_only():
    assert plain_text(Table("", ["a", "b"], [])) == "a  b\n"


def test_control_characters_do_not_reach_the_terminal():
    assert plain_text(Table("", ["name"], [["a\x1b[31mb\n"]])) == "name\na\\x1b[31mb\\n\n"


def test_terminal_gets_a_drawn_table():
    out = Terminal()
    write(TABLE, out)
    assert "Fruits" in out.getvalue()
    assert "│" in out.getvalue()
    pipe = io.StringIO()
    write(TABLE, pipe)
    assert pipe.getvalue() == plain_text(TABLE)


def test_markup_in_cells_is_text():
    out = Terminal()
    write(Table("", ["name"], [["[bold]x[/bold]"]]), out)
    assert "[bold]x[/bold]" in out.getvalue()


def test_json_is_valid_whatever_the_numbers():
    out = io.StringIO()
    write_json({"b": [1.5, math.nan, -math.inf], "a": {"c": None}}, out)
    assert json.loads(out.getvalue()) == {"a": {"c": None}, "b": [1.5, "nan", "-inf"]}


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (1 << 30, "1.0 GiB"), (5 << 40, "5.0 TiB")]
)
def test_bytes_for_people(count, text):
    assert bytes_text(count) == text
