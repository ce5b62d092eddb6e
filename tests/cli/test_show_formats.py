"""show as JSON, as tables, and in colour."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from smcli.report.colour import coloured, wants_colour
from tests.cli.test_own_commands import MODELS, call  # noqa: F401 (a fixture)
from tests.report.test_tables import Terminal

ROOT = Path(__file__).resolve().parents[2]
READABLE = sorted(path for path in [*MODELS.iterdir(), *(ROOT / "fixtures" / "golden" / "models").iterdir()])


@pytest.mark.parametrize("model", READABLE, ids=lambda path: path.name)
def test_json_has_the_form_of_the_schema(call, model):  # noqa: F811
    jsonschema = pytest.importorskip("jsonschema", reason="checks JSON against the schema; tox installs it")
    code, out, err = call("show", "--dir", model, "--format", "json")
    if call("show", "--dir", model)[0]:
        assert code == 1
        assert err
        return
    jsonschema.validate(json.loads(out), json.loads((ROOT / "docs" / "show.schema.json").read_text()))


def test_json_of_one_signature(call):  # noqa: F811
    args = ["--dir", MODELS / "module_signatures", "--tag_set", "serve", "--signature_def", "shout", "--format=json"]
    (graph,) = json.loads(call("show", *args)[1])["meta_graphs"]
    assert list(graph["signatures"]) == ["shout"]
    assert graph["signatures"]["shout"]["inputs"]["text"]["dtype"] == "string"
    assert graph["signatures"]["shout"]["inputs"]["text"]["shape"] == [None]
    assert "StringUpper" in graph["ops"]
    assert {function["name"] for function in graph["functions"]} >= {"shout", "bump"}


def test_tables_for_people(call):  # noqa: F811
    _, out, _ = call("show", "--dir", MODELS / "half_plus_two", "--format", "table")
    assert re.search(r"^Signature serving_default$", out, re.MULTILINE)
    assert re.search(r"^input +x +float32 +\[\?\] +serving_default_x:0$", out, re.MULTILINE)
    assert re.search(r"^Function __call__$", out, re.MULTILINE)


def test_unknown_signature_is_told_in_every_format(call):  # noqa: F811
    for form in ("text", "json", "table"):
        code, out, err = call(
            "show", "--dir", MODELS / "half_plus_two", "--tag_set", "serve", "--signature_def", "no", "--format", form
        )
        assert (code, out) == (1, "")
        assert 'Could not find signature "no"' in err


@pytest.mark.parametrize(
    "command", [["--all"], ["--tag_set", "serve"], ["--tag_set=serve", "--signature_def=serving_default"]]
)
def test_colour_leaves_the_words(call, command):  # noqa: F811
    plain = call("show", "--dir", MODELS / "half_plus_two", *command)[1]
    painted = call("show", "--dir", MODELS / "half_plus_two", *command, "--color", "always")[1]
    assert painted != plain
    assert re.sub(r"\x1b\[\d+m", "", painted) == plain


def test_results_are_coloured_too():
    assert coloured("Result for output key y:\n[1.]\n") == (
        "\x1b[2mResult for output key\x1b[0m \x1b[36my\x1b[0m:\n[1.]\n"
    )


@pytest.mark.parametrize(
    ("wish", "environment", "wanted"),
    [
        ("auto", {}, True),
        ("auto", {"NO_COLOR": "1"}, False),
        ("auto", {"TERM": "dumb"}, False),
        ("always", {"NO_COLOR": "1"}, True),
        ("never", {}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(monkeypatch, wish, environment, wanted):
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wants_colour(wish, Terminal()) is wanted


def test_pipes_get_no_colour(call):  # noqa: F811
    assert "\x1b" not in call("show", "--dir", MODELS / "half_plus_two", "--all")[1]
