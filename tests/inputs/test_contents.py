"""Inputs that are the contents of files, JSON, or made up: what run adds to the original's flags."""

from __future__ import annotations

import base64
import io
import json
import sys

import numpy as np
import pytest

from smcli.errors import SmcliError
from smcli.inputs.json_values import values_of
from tests.cli.test_check import record
from tests.cli.test_own_commands import MODELS, call  # noqa: F401 (a fixture)

SHOUT = ["--dir", MODELS / "module_signatures", "--tag_set", "serve", "--signature_def", "shout"]
HALF = ["--dir", MODELS / "half_plus_two", "--tag_set", "serve", "--signature_def", "serving_default"]


def upper(out: str) -> str:
    return out.partition("output key upper:\n")[2].strip()


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"first")
    (tmp_path / "b.txt").write_bytes(b"second")
    (tmp_path / "all.tfrecord").write_bytes(b"".join(map(record, [b"x", b"y", b"z"])))
    (tmp_path / "broken.npy").write_bytes(b"none")
    return tmp_path


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("text=a.txt", "[b'FIRST']"),
        ("text=*.txt", "[b'FIRST' b'SECOND']"),
        ("text=all.tfrecord", "[b'X' b'Y' b'Z']"),
        ("text=all.tfrecord[1]", "[b'Y']"),
        ("text=all.tfrecord[1:]", "[b'Y' b'Z']"),
    ],
)
def test_files_feed_inputs_of_strings(call, files, given, wanted):  # noqa: F811
    code, out, err = call("run", *SHOUT, "--inputs", given)
    assert (code, err) == (0, "")
    assert upper(out) == wanted


def test_stdin_feeds_an_input_of_strings(call, monkeypatch):  # noqa: F811
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"piped\xff")))
    _, out, _ = call("run", *SHOUT, "--inputs", "text=-")
    assert upper(out) == r"[b'PIPED\xff']"


@pytest.mark.parametrize(
    ("signature", "given", "message"),
    [
        (HALF, "x=a.txt", "UnpicklingError"),  # as the original says it
        (HALF, "x=all.tfrecord", "UnpicklingError"),
        (HALF, "x=*.txt", "NotFoundError: *.txt"),
        (SHOUT, "text=broken.npy", "UnpicklingError"),
        (SHOUT, "text=all.tfrecord[9]", "the file has 3 records"),
        (SHOUT, "text=nope.txt", "NotFoundError: nope.txt"),
        (SHOUT, "text=*.nope", "NotFoundError"),
        (SHOUT, "other=a.txt", "UnpicklingError"),
        ([*SHOUT[:-1], "gone"], "text=a.txt", "UnpicklingError"),
    ],
)
def test_files_that_do_not_fit_are_refused(call, files, signature, given, message):  # noqa: F811
    code, out, err = call("run", *signature, "--inputs", given)
    assert (code, out) == (1, "")
    assert message in err


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        ({"instances": ["a", "b"]}, "[b'A' b'B']"),
        ({"instances": [{"text": "a"}, {"text": "b"}]}, "[b'A' b'B']"),
        ({"inputs": ["a"]}, "[b'A']"),
        ({"inputs": {"text": ["a", {"b64": base64.b64encode(b"\xfe").decode()}]}}, r"[b'A' b'\xfe']"),
        ({"instances": [{"b64": base64.b64encode(b"z").decode()}]}, "[b'Z']"),
    ],
)
def test_json_requests_are_those_of_serving(call, tmp_path, request_, wanted, monkeypatch):  # noqa: F811
    text = json.dumps(request_)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert upper(call("run", *SHOUT, "--input_json", "-")[1]) == wanted
    assert upper(call("run", *SHOUT, "--input_json", text)[1]) == wanted
    (tmp_path / "request.json").write_text(text)
    assert upper(call("run", *SHOUT, "--input_json", tmp_path / "request.json")[1]) == wanted


@pytest.mark.parametrize(
    "request_",
    [
        5,
        {},
        {"instances": 3},
        {"instances": [], "inputs": []},
        {"instances": [{"a": 1}, {"b": 1}]},
        {"inputs": {"a": {"c64": "x"}}},
        {"inputs": {"a": {"b64": "x"}}},
    ],
)
def test_malformed_json_requests_are_refused(request_):
    with pytest.raises(SmcliError, match="--input_json: "):
        values_of(request_, ["a"])


def test_json_without_names_needs_one_input():
    assert values_of({"instances": [[1], [2]]}, ["a"]) == {"a": [[1], [2]]}
    with pytest.raises(SmcliError, match="it has a, b"):
        values_of({"inputs": [1]}, ["a", "b"])


def test_deep_json_is_refused(call):  # noqa: F811
    for text in ('{"inputs": ' + "[" * 400 + "]" * 400 + "}", "[" * 100000):
        code, _, err = call("run", *HALF, "--input_json", text)
        assert code == 1
        assert "ValueError: --input_json" in err


def test_made_up_inputs_repeat_with_their_seed(call):  # noqa: F811
    first = call("run", *HALF, "--input_random")[1]
    assert first == call("run", *HALF, "--input_random", "--input_seed", "0")[1]
    assert first != call("run", *HALF, "--input_random", "--input_seed", "1")[1]


def test_given_values_win_over_made_up_ones(call):  # noqa: F811
    assert "[2.5]" in call("run", *HALF, "--input_random", "--input_exprs", "x=[1]")[1]


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_arrays_are_still_arrays(call, files, suffix):  # noqa: F811
    name = f"array{suffix}"
    (np.save if suffix == ".npy" else np.savez)(name, np.array(["a", "b"]))
    assert upper(call("run", *SHOUT, "--inputs", f"text={name}")[1]) == "[b'A' b'B']"
