"""The syntax of the three input flags."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from smcli.errors import SmcliError
from smcli.inputs.arguments import load_inputs, parse_examples, parse_inputs, split_expressions
from smcli.proto.example_pb2 import Example


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("x=a.npy", {"x": ("a.npy", None)}),
        ("x=a.npz[b];;y=c=d", {"x": ("a.npz", "b"), "y": ("c=d", None)}),
        (" x=a.npy", {" x": ("a.npy", None)}),
        ("x=a;x=b", {"x": ("b", None)}),
        ("x=a,y=b", {"x": ("a,y=b", None)}),
        ("", {}),
    ],
)
def test_inputs(text: str, parsed: dict[str, tuple[str, str | None]]) -> None:
    assert parse_inputs(text) == parsed


@pytest.mark.parametrize("text", ["x", "x=", "=a", "x=a[", "x=a[]", "x=a[b]c", "x=[b]", "x=a]"])
def test_malformed_inputs(text: str) -> None:
    with pytest.raises(SmcliError, match="format is incorrect"):
        parse_inputs(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a=1;b=2", ["a=1", "b=2"]),
        ("a='x;y';b=2", ["a='x;y'", "b=2"]),
        ('a="it\'s;";b=2', ['a="it\'s;"', "b=2"]),
        ("a='''x';y''';b=2", ["a='''x';y'''", "b=2"]),
        (r"a='\';';b=2", [r"a='\';'", "b=2"]),
        ("a=f(x, ';', [';']);b=2", ["a=f(x, ';', [';'])", "b=2"]),
        ("a=b=1;;c", ["a=b=1", "", "c"]),
        ("it's=1;b=2", ["it's=1", "b=2"]),
        ("a='x;b=2", ["a='x", "b=2"]),  # unbalanced: as the original splits
        ("a=(1;b=2", ["a=(1", "b=2"]),
        ("a=(1;b=2]", ["a=(1", "b=2]"]),
        ("a=1);b=2", ["a=1)", "b=2"]),
        ("a=1;", ["a=1", ""]),
        (";", ["", ""]),
        ("", [""]),
    ],
)
def test_semicolons(text: str, parts: list[str]) -> None:
    assert split_expressions(text) == parts


def test_what_fails_anyway_is_split_as_the_original_splits() -> None:
    with pytest.raises(SmcliError, match=re.escape('Expression "[1" is not')):
        load_inputs("", "a=[1;2]", "", lambda _: None)


def test_examples_are_typed_by_their_first_item() -> None:
    (data,) = parse_examples("x=[{'f': [1.0, 2], 'i': [1, 2], 's': ['é'], b'b': [b'\\xff']}]")["x"]
    features = Example.FromString(data).features.feature
    assert list(features["f"].float_list.value) == [1.0, 2.0]
    assert list(features["i"].int64_list.value) == [1, 2]
    assert list(features["s"].bytes_list.value) == ["é".encode()]
    assert list(features["b"].bytes_list.value) == [b"\xff"]


@pytest.mark.parametrize(
    ("text", "shown_as", "message"),
    [
        ("x=1", "ValueError", "tf.Example input must be a list of dictionaries"),
        ("x=[1]", "AttributeError", "'int' object has no attribute 'items'"),
        ("x=[{'a': 1}]", "ValueError", "feature value must be a list"),
        ("x=[{'a': []}]", "IndexError", "list index out of range"),
        ("x=[{'a': ['s', b'b']}]", "AttributeError", "'bytes' object has no attribute 'encode'"),
        ("x=[{'a': [1, True, 2.5]}]", "TypeError", "Expected an int, got a boolean"),
        ("x=[{'a': [None]}]", "ValueError", "is not supported for tf.train.Feature"),
        ("x=[{'a': [2**70]}]", "RuntimeError", "is not a valid python literal"),
        ("x=[{'a': [10000000000000000000000]}]", "ValueError|OverflowError", "out of range|too large|too big"),
    ],
)
def test_malformed_examples(text: str, shown_as: str, message: str) -> None:
    with pytest.raises(SmcliError, match=message) as raised:
        parse_examples(text)
    assert raised.value.shown_as in shown_as.split("|")


def test_who_wins_and_what_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros(1))
    warnings: list[str] = []
    values = load_inputs(f"a={path}[q];b={path};c={path}", "b=1;c=2", "c=[]", warnings.append)
    assert (values["b"], values["c"]) == (1, [])
    assert warnings == [
        f'Input file {path} contains a single ndarray. Name key "q" ignored.',
        "input_key b has been specified with both --inputs and --input_exprs options."
        " Value in --input_exprs will be used.",
        "input_key c has been specified with both --inputs and --input_exprs options."
        " Value in --input_exprs will be used.",
        "input_key c has been specified in multiple options. Value in --input_examples will be used.",
    ]


def test_expressions_come_before_files() -> None:
    with pytest.raises(SmcliError, match='Expression "foo"'):
        load_inputs("a=nope.npy", "b=foo", "", lambda _: None)
