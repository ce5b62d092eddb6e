"""The JSON of every command has the form that docs/*.schema.json says; show has tests of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_own_commands import CHECKPOINTS, MODELS, call  # noqa: F401 (a fixture)

DOCS = MODELS.parents[1] / "docs"
GOLDEN = MODELS.parent / "golden" / "models"
jsonschema = pytest.importorskip("jsonschema", reason="checks JSON against the schemas; tox installs it")

SERVE = ["--tag_set", "serve", "--signature_def"]
LINES = [
    ["check", MODELS / "half_plus_two"],
    ["check", GOLDEN / "var_flipped"],
    ["check", GOLDEN / "composite"],
    ["diff", MODELS / "half_plus_two", MODELS / "module_signatures"],
    ["diff", MODELS / "half_plus_two", MODELS / "half_plus_two"],
    ["checkpoint", MODELS / "keras2_lookups"],
    ["checkpoint", MODELS / "keras2_dense", "--stats", "--values"],
    ["checkpoint", CHECKPOINTS / "sharded", "--stats", "--values"],
    ["summary", MODELS / "keras2_gru"],
    ["summary", MODELS / "estimator_linear"],
    ["doctor"],
    ["run", "--dir", MODELS / "half_plus_two", *SERVE, "serving_default", "--input_exprs", "x=[1.0, float('nan')]"],
    ["run", "--dir", MODELS / "module_signatures", *SERVE, "shout", "--input_exprs", "text=['a', b'\\xff']"],
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: " ".join(getattr(word, "name", word) for word in line))
def test_json_has_the_form_of_the_schema(call, line):  # noqa: F811
    flag = "--output_format" if line[0] == "run" else "--format"
    _, out, err = call(*line, flag, "json")
    jsonschema.validate(json.loads(out), schema(line[0]))
    assert "Traceback" not in err


def test_json_of_examples(call, tmp_path):  # noqa: F811
    (tmp_path / "rows.csv").write_text("a,b\n1,x\n2,\n")
    _, out, _ = call("examples", tmp_path / "rows.csv", "-o", tmp_path / "o.tfrecord", "--format", "json")
    jsonschema.validate(json.loads(out), schema("examples"))


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.schema.json")), ids=lambda path: path.name)
def test_schemas_are_strict_and_named_on_a_page(path: Path):
    described = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(described)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({}, described)
    assert any(f"({path.name})" in page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))


def schema(command: str) -> object:
    return json.loads((DOCS / f"{command}.schema.json").read_text(encoding="utf-8"))
