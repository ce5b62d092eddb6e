"""The command graph: forms, files, errors, and models that mean harm."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from smcli.report.boxes import kind_of, text_width
from smcli.report.terminal import printable
from tests.cli.test_own_commands import MODELS, call  # noqa: F401 (a fixture)
from tests.graphs import node, placeholder
from tests.security import models

SVG = "{http://www.w3.org/2000/svg}"
# names that would do something where they are not escaped
BAD_NAMES = [
    "</script><script>document.title='taken'</script>",
    "<img src=x onerror=\"document.title='taken'\">",
    "]]><script>document.title='taken'</script>",
    "<!--<script>",
    "a\"'><svg onload=document.title='taken'>",
    "\x00\x1b[31m\u202e\ufffe",
    '"]; malice [label="',
    "\\",
]


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(SVG + "text")]


def test_svg_shows_layers_shapes_and_weights(call):  # noqa: F811
    code, out, err = call("graph", MODELS / "keras3_cnn")
    assert (code, err) == (0, "")
    found = texts(out)
    assert found[0] == "keras3_cnn: serving_default"
    assert {"Conv2D", "conv2d_1/convolution", "float32 [?, 8, 8, 8]", "functional_1"} <= set(found)
    assert "filterfloat32 [3, 3, 3, 8]" in found
    assert "ReadVariableOp" not in out


def test_svg_boxes_lie_within_the_picture(call):  # noqa: F811
    root = ElementTree.fromstring(call("graph", MODELS / "frames_tf1")[1])
    width, height = float(root.get("width")), float(root.get("height"))
    places = [
        re.fullmatch(r"translate\(([\d.]+),([\d.]+)\)", g.get("transform")).groups() for g in root.iter(SVG + "g")
    ]
    assert len(places) > 20
    assert all(0 <= float(x) < width and 0 <= float(y) < height for x, y in places)
    assert any("back" in path.get("class", "") for path in root.iter(SVG + "path"))


def test_unfold_says_how_deep(call):  # noqa: F811
    sizes = [len(texts(call("graph", MODELS / "keras3_cnn", "--unfold", depth)[1])) for depth in (0, 1, 9)]
    assert sizes[0] < sizes[1] / 2 < sizes[2] / 4


@pytest.mark.parametrize("name", ["half_plus_two", "wide_deep_tf1", "keras2_bidirectional", "tables", "control_flow"])
@pytest.mark.parametrize("form", ["svg", "html", "dot", "json"])
def test_forms_of_all_kinds_of_models(call, name, form, tmp_path):  # noqa: F811
    file = tmp_path / f"deep/model.{form}"
    choice = ["--all"] if name in ("tables", "control_flow") else []
    code, out, err = call("graph", "--dir", MODELS / name, "-o", file, *choice)
    assert (code, out, err) == (0, "", "")
    text = file.read_text(encoding="utf-8")
    begins = {"svg": "<svg ", "html": "<!DOCTYPE html>", "dot": "digraph ", "json": "{"}
    assert text.startswith(begins[form])
    assert text.endswith({"svg": "</svg>\n", "html": "</html>\n", "dot": "}\n", "json": "}\n"}[form])


def test_json_is_the_graph_as_data(call):  # noqa: F811
    _, out, _ = call("graph", MODELS / "keras3_cnn", "--format", "json")
    found = json.loads(out)
    view = found["views"][found["path"][-1]]
    conv = next(node for node in view["nodes"] if node["op"] == "Conv2D")
    assert found["version"] == 1
    assert conv["outputs"] == [{"dtype": "float32", "shape": [None, 8, 8, 8]}]
    assert view["nodes"][conv["inputs"][1][0]]["op"] == "ReadVariableOp"


def test_dot_has_clusters_and_labelled_edges(call):  # noqa: F811
    _, out, _ = call("graph", MODELS / "keras3_cnn", "--format", "dot")
    assert 'subgraph cluster_1 { label="functional_1";' in out
    assert re.search(r'^  n\d+ -> n\d+ \[label="float32 \[\?, 8, 8, 8\]"\];$', out, re.MULTILINE)
    assert out.count("{") == out.count("}")


def test_function_is_drawn_by_the_name_of_the_attribute(call):  # noqa: F811
    code, out, _ = call("graph", MODELS / "module_signatures", "--function", "ragged")
    assert code == 0
    assert texts(out)[0] == "module_signatures: ragged"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nope"], "SavedModel file does not exist"),
        ([], "Say which SavedModel, once"),
        ([MODELS / "half_plus_two", "--function", "nope"], "The model has no function nope"),
        ([MODELS / "half_plus_two", "--signature_def", "nope"], 'Could not find signature "nope"'),
        ([MODELS / "half_plus_two", "--all", "--function", "f"], "Give only one of"),
        ([MODELS / "half_plus_two", "-o", "picture.bmp"], "Say with --format what picture.bmp shall hold"),
        ([MODELS / "half_plus_two", "-o", "/dev/null/x.svg"], "/dev/null"),
        ([MODELS / "keras2_lstm", "--max_nodes", 100], "119 nodes or more; the limit is 100"),
    ],
)
def test_says_what_is_wrong(call, args, message):  # noqa: F811
    code, out, err = call("graph", *args)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def hostile_model(directory: Path) -> Path:
    """A model whose names, ops, attrs, function and signature key are BAD_NAMES."""
    nodes = [placeholder("x")]
    for name in BAD_NAMES:
        nodes.append(node(f"{name}/{name}", name.replace("/", "|"), nodes[-1].name, text=name))
        nodes.append(node(f"{name}/other", "Relu", nodes[-1].name, T=np.float32))
    return models.write_model(directory, nodes, nodes[-1].name + ":0", key=BAD_NAMES[0])


class _Tags(HTMLParser):
    """The tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append(tag)


def test_hostile_names_are_text_in_every_form(call, tmp_path):  # noqa: F811
    model = hostile_model(tmp_path / BAD_NAMES[4].replace("/", "|"))
    svg = call("graph", model, "--unfold", 9)[1]
    assert {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(svg).iter()} <= {
        *("svg", "title", "style", "defs", "marker", "path", "rect", "text", "tspan", "g")
    }
    assert "\x1b" not in svg
    page = call("graph", model, "--format", "html")[1]
    tags = _Tags()
    tags.feed(page)
    assert tags.found.count("script") == 2
    assert "img" not in tags.found
    assert page.count("</script>") == 2
    dot = call("graph", model, "--format", "dot")[1]
    plain = re.sub(r'"(?:[^"\\]|\\.)*"', '""', dot)
    assert "malice" not in plain
    assert '"' not in plain.replace('""', "")
    names = [each["name"] for each in json.loads(call("graph", model, "--format", "json")[1])["views"][0]["nodes"]]
    assert f"{BAD_NAMES[0]}/other" in names


def test_the_page_may_load_nothing(call):  # noqa: F811
    page = call("graph", MODELS / "half_plus_two", "--format", "html")[1]
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert set(re.findall(r"https?://[^\"'\s<]+", page)) == {"http://www.w3.org/2000/svg"}


def test_letters_that_can_not_be_seen_are_written_out():
    assert printable("a\x00\x1b\u202e\ud800é×") == "a\\x00\\x1b\\u202e\\ud800é×"
    assert text_width("WW", 10) > text_width("ii", 10) > 0


def test_kinds_of_ops():
    kinds = {op: kind_of(op) for op in ("Conv2D", "Relu", "If", "Identity", "VarHandleOp", "Placeholder", "Maximum")}
    assert list(kinds.values()) == ["layer", "activation", "flow", "plain", "state", "io", "plain"]
