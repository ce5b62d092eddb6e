"""tf.Examples from rows of JSON and CSV: the command `examples`, and `--input_examples 'KEY=@FILE'`."""

from __future__ import annotations

import gzip
import io
import json
import sys
import zlib
from pathlib import Path

import pytest

from smcli.inputs.records import read_records
from smcli.proto.example_pb2 import Example
from tests.cli.test_own_commands import MODELS, call  # noqa: F401 (a fixture)

REGRESSOR = ["--dir", MODELS / "half_plus_two_tf1", "--signature_def", "regress_x_to_y"]
ESTIMATOR = ["--dir", MODELS / "estimator_dnn_regressor"]


def decoded(path: Path) -> list[dict[str, tuple[str, list[object]]]]:
    """{feature: (kind, values)} of each Example in a TFRecord file."""
    found = []
    for record in read_records(str(path)):
        features = Example.FromString(record).features.feature
        kinds = {name: str(feature.WhichOneof("kind")) for name, feature in sorted(features.items())}
        found.append({name: (kind, list(getattr(features[name], kind).value)) for name, kind in kinds.items()})
    return found


@pytest.fixture
def make(call, tmp_path):  # noqa: F811
    """Writes a file of rows, runs the command on it; gives (exit code, stderr, Examples)."""

    def run(name: str, text: str | bytes, *args: object, output: str = "out.tfrecord"):
        rows, out = tmp_path / name, tmp_path / output
        rows.write_bytes(text.encode() if isinstance(text, str) else text)
        code, _, err = call("examples", rows, "-o", out, *args)
        return code, err.replace(f"{tmp_path}/", ""), decoded(out) if code == 0 else None

    return run


def test_types_are_those_of_all_values_of_a_column(make):
    code, _, made = make("rows.csv", 'age,job,score,zip\n22,cook,1.5,\n31,"a, b",2,7\n')
    assert code == 0
    assert made == [
        {"age": ("int64_list", [22]), "job": ("bytes_list", [b"cook"]), "score": ("float_list", [1.5])},
        {
            "age": ("int64_list", [31]),
            "job": ("bytes_list", [b"a, b"]),
            "score": ("float_list", [2.0]),
            "zip": ("int64_list", [7]),
        },
    ]


def test_marks_between_records_are_no_space_around_numbers(make):
    """Found by the fuzz target `rows`: int() does not take what str.strip() takes away."""
    made = make("rows.tsv", "a\tb\n1\x1f\t 2 \n")[2]
    assert made == [{"a": ("bytes_list", [b"1\x1f"]), "b": ("int64_list", [2])}]


JSON_ROWS = [{"v": [[1, 2], [3, 4.5]], "b": {"b64": "AAEC"}, "t": "ä", "f": True}, {"v": [], "b": None}]
JSON_MADE = [
    {
        "v": ("float_list", [1.0, 2.0, 3.0, 4.5]),
        "b": ("bytes_list", [b"\0\1\2"]),
        "t": ("bytes_list", ["ä".encode()]),
        "f": ("int64_list", [1]),
    },
    {"v": ("float_list", [])},
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.jsonl", "\n\n".join(map(json.dumps, JSON_ROWS))),
        ("rows.ndjson", "\ufeff" + "\r\n".join(map(json.dumps, JSON_ROWS))),
        ("rows.json", json.dumps(JSON_ROWS)),
        ("rows.json", json.dumps({"examples": JSON_ROWS})),
        ("rows.jsonl.gz", gzip.compress("\n".join(map(json.dumps, JSON_ROWS)).encode(), mtime=0)),
    ],
)
def test_json_in_all_its_forms(make, name, text):
    assert make(name, text)[2] == JSON_MADE


@pytest.mark.parametrize(
    ("name", "text", "args", "made"),
    [
        ("r.csv", "a;b\n1;x\n", ["--delimiter", ";"], {"a": ("int64_list", [1]), "b": ("bytes_list", [b"x"])}),
        ("r.tsv", "a\tb\n1\tx\n", [], {"a": ("int64_list", [1]), "b": ("bytes_list", [b"x"])}),
        ("r.csv", "1,x\n", ["--columns", "a, b"], {"a": ("int64_list", [1]), "b": ("bytes_list", [b"x"])}),
        ("r.csv", "a,b\n1|2,x|y\n", ["--split", "|"], {"a": ("int64_list", [1, 2]), "b": ("bytes_list", [b"x", b"y"])}),
        ("r.dat", "a\n1\n", ["--from", "csv"], {"a": ("int64_list", [1])}),
        ("r.csv", "a\n007\n", ["--type", "a=bytes"], {"a": ("bytes_list", [b"007"])}),
        ("r.csv", "a\n7\n", ["--type", "a=float"], {"a": ("float_list", [7.0])}),
        ("r.csv", "a\nAAEC\n", ["--type", "a=base64"], {"a": ("bytes_list", [b"\0\1\2"])}),
        ("r.csv", "x=y\n7\n", ["--type", "x=y=float"], {"x=y": ("float_list", [7.0])}),
        ("r.csv", "a\n9223372036854775808\n", [], {"a": ("float_list", [2.0**63])}),
        ("r.csv", "a\n1_0\n", [], {"a": ("bytes_list", [b"1_0"])}),
        ("r.csv", b"a\n\xff\n", [], {"a": ("bytes_list", [b"\xff"])}),
        ("r.csv", f"a\n{'x' * 200_000}\n", [], {"a": ("bytes_list", [b"x" * 200_000])}),
        ("r.jsonl", '{"a": 7.0}', ["--type", "a=int64"], {"a": ("int64_list", [7])}),
        ("r.jsonl", '{"a": "7"}', ["--type", "a=int64"], {"a": ("int64_list", [7])}),
    ],
)
def test_flags(make, name, text, args, made):
    assert make(name, text, *args)[2] == [made]


def test_bytes_of_files(make, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    rows = f"image\n{tmp_path / 'photo.jpg'}\n"
    assert make("r.csv", rows, "--type", "image=file")[2] == [{"image": ("bytes_list", [b"\xff\xd8"])}]
    code, err, _ = make("r.csv", "image\nnope.jpg\n", "--type", "image=file", "--overwrite")
    assert (code, "nope.jpg; No such file" in err) == (2, True)


@pytest.mark.parametrize("suffix", ["", ".gz", ".zlib"])
def test_compression_is_that_of_the_name(make, tmp_path, suffix):
    _, _, made = make("r.csv", "a\n1\n", output=f"out.tfrecord{suffix}")
    assert made == [{"a": ("int64_list", [1])}]
    data = (tmp_path / f"out.tfrecord{suffix}").read_bytes()
    unpack = {"": bytes, ".gz": gzip.decompress, ".zlib": zlib.decompress}[suffix]
    assert len(unpack(data)) == 16 + len(next(read_records(str(tmp_path / f"out.tfrecord{suffix}"))))


@pytest.mark.parametrize(
    ("name", "text", "args", "message"),
    [
        ("r.dat", "", [], "the format is not clear from the name"),
        ("r.csv", "a,b\n1\n", [], "r.csv, line 2: 1 cells where there are 2 columns"),
        ("r.csv", "a,a\n1,2\n", [], "two columns have the name 'a'"),
        ("r.csv", 'a\n"x"y\n', [], "r.csv, line 2: "),
        ("r.csv", "a\n1\n", ["--delimiter", ";;"], "it has to be one character"),
        ("r.csv", "a\nx\n", ["--type", "a=int64"], "r.csv, line 2, 'a': 'x' is no int64"),
        ("r.csv", "a\n??\n", ["--type", "a=base64"], "r.csv, line 2, 'a': base64: "),
        ("r.csv", "a\n1\n", ["--type", "b=int64"], "has no 'b'; it has a"),
        ("r.csv", "a\n1\n", ["--type", "a=int8"], "--type a=int8: this is no NAME=TYPE"),
        ("r.jsonl", "{\n", [], "r.jsonl, line 1: this is no JSON"),
        ("r.jsonl", "[" * 100_000, [], "r.jsonl, line 1: this is no JSON"),
        ("r.jsonl", "[1]", [], "a row is an object such as"),
        ("r.jsonl", '{"a": {"b": 1}}', [], 'is not {"b64": "…"}'),
        ("r.jsonl", '{"a": [1, null]}', [], "null stands among the values"),
        ("r.jsonl", '{"a": 1}\n{"a": "x"}', [], "r.jsonl, line 1, 'a': 1 is no text"),
        ("r.jsonl", '{"a": "\\ud800"}', [], "is no text"),
        ("r.jsonl", '{"\\ud800": 1}', [], "is no UTF-8"),
        ("r.jsonl", '{"a": 1.5}', ["--type", "a=int64"], "1.5 is no int64"),
        ("r.jsonl", '{"a": ' + "[" * 65 + "]" * 65 + "}", [], "nested more than 64 deep"),
        ("r.json", '{"a": 1}', [], "holds no list of rows"),
        ("r.csv.gz", b"\x1f\x8b\x08\x00", [], "r.csv.gz: "),
        ("r.csv", "x\n1\n", ["--dir", MODELS / "half_plus_two"], "serving_default of"),
        ("r.csv", "x2\n1\n", REGRESSOR, "r.csv, line 2: 'x' is missing, which the model wants in every Example"),
        ("r.csv", "x\na\n", REGRESSOR, "r.csv, line 2, 'x': 'a' is no float"),
        ("r.csv", "x\n1\n", [*REGRESSOR, "--type", "x=int64"], "--type x=int64: the model parses 'x' as float"),
        ("r.jsonl", '{"x": [1, 2]}', REGRESSOR, "2 values, where the model parses a shape of [1]"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(make, tmp_path, name, text, args, message):
    code, err, _ = make(name, text, *args)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == [name]  # nothing half written


def test_the_model_says_types_and_what_it_does_not_parse(make):
    rows = '{"age": 30, "visits": [1, 2, 3], "city": "Rome", "kind": 3.0, "job": null, "id": 7}'
    code, err, made = make("r.jsonl", rows, *ESTIMATOR)
    assert code == 0
    assert made[0]["age"] == ("float_list", [30.0])
    assert made[0]["kind"] == ("int64_list", [3])
    assert err.startswith("Warning: the model does not parse 'id'; it parses age, city, ")


def test_existing_files_are_kept(make):
    assert make("r.csv", "a\n1\n")[0] == 0
    code, err, _ = make("r.csv", "a\n2\n")
    assert code == 2
    assert "already exists" in err
    assert make("r.csv", "a\n2\n", "--overwrite")[2] == [{"a": ("int64_list", [2])}]


def test_rows_of_stdin(call, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"a": 1}\n')))
    code, out, _ = call("examples", "-", "--from", "jsonl", "-o", tmp_path / "out.tfrecord", "--format", "json")
    assert code == 0
    assert json.loads(out)["features"][0] == {
        "name": "a",
        "type": "int64",
        "source": "values",
        "fewest": 1,
        "most": 1,
        "present": 1,
    }


RUN = ["run", "--tag_set", "serve", "--dir", MODELS / "half_plus_two_tf1", "--signature_def", "regress_x_to_y"]


def test_rows_are_fed_as_examples(call, tmp_path):  # noqa: F811
    rows = tmp_path / "rows.csv"
    rows.write_text("x\n1\n2.5\n")
    code, out, err = call(*RUN, "--input_examples", f"inputs=@{rows}", "--output_format", "csv")
    assert (code, out, err) == (0, "outputs[0]\n2.5\n3.25\n", "")
    listed = call(*RUN, "--input_examples", 'inputs=[{"x": [1.0]}, {"x": [2.5]}]', "--output_format", "csv")
    assert listed == (code, out, err)
    records = tmp_path / "rows.tfrecord"
    assert call("examples", rows, "-o", records, *REGRESSOR)[0] == 0
    assert call(*RUN, "--inputs", f"inputs={records}", "--output_format", "csv")[1] == out


def test_rows_and_files_are_fed_to_checks(call, tmp_path):  # noqa: F811
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"x": 1}\n' * 3)
    args = ["check", MODELS / "half_plus_two_tf1", "--signature_def", "regress_x_to_y"]
    assert "inputs [3] -> outputs [3, 1]" in call(*args, "--input_examples", f"inputs=@{rows}")[1]
    assert call("examples", rows, "-o", tmp_path / "rows.tfrecord", *REGRESSOR)[0] == 0
    assert "inputs [3] -> outputs [3, 1]" in call(*args, "--inputs", f"inputs={tmp_path / 'rows.tfrecord'}")[1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("inputs=@nope.csv", "nope.csv; No such file"),
        ("inputs=@{rows}", "'x' is missing, which the model wants in every Example"),
        ("other=@{rows}", '"other" is not a valid input key'),
    ],
)
def test_rows_that_can_not_be_fed(call, tmp_path, given, message):  # noqa: F811
    (tmp_path / "rows.csv").write_text("y\n1\n")
    code, _, err = call(*RUN, "--input_examples", given.format(rows=tmp_path / "rows.csv"))
    assert code == 1
    assert message in err
