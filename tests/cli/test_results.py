"""What run adds to the original's output: formats, one file, quiet, watched and dumped tensors, fetch and feed."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from smcli.cli.watching import line
from smcli.errors import SmcliError
from smcli.report.formats import text
from smcli.runtime.watch import described
from tests.cli.test_own_commands import MODELS, call  # noqa: F401 (a fixture)

HALF = ["--dir", MODELS / "half_plus_two", "--tag_set", "serve", "--signature_def", "serving_default"]
SHOUT = ["--dir", MODELS / "module_signatures", "--tag_set", "serve", "--signature_def", "shout"]
GIVEN = ["--input_exprs", "x=[1, 2]"]


def test_json_on_stdout(call):  # noqa: F811
    code, out, err = call("run", *HALF, *GIVEN, "--output_format", "json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {"outputs": {"y": [2.5, 3.0]}}


def test_csv_has_a_row_for_each_item(call):  # noqa: F811
    _, out, _ = call("run", *SHOUT, "--input_exprs", "text=['a,b', 'c']", "--output_format=csv")
    assert list(csv.reader(io.StringIO(out))) == [["length", "upper"], ["3", "A,B"], ["1", "C"]]


def test_csv_has_a_column_for_each_number():
    assert text("csv", {"m": np.array([[1, 2], [3, 4]]), "s": np.array([5.0, np.nan])}) == (
        "m[0],m[1],s\n1,2,5.0\n3,4,nan\n"
    )
    assert text("csv", {"scalar": np.float32(2)}) == "scalar\n2.0\n"


def test_csv_of_outputs_of_different_lengths_is_refused():
    with pytest.raises(SmcliError, match=r"different numbers of rows: \[1, 2\]"):
        text("csv", {"a": np.zeros(1), "b": np.zeros(2)})


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (np.array([np.nan, np.inf], np.float32), ["nan", "inf"]),
        (np.array([b"a", b"\xff"], object), ["a", {"b64": "/w=="}]),
        (np.array([1 + 2j]), [{"real": 1.0, "imag": 2.0}]),
        (np.array(True), True),
        (np.int64(2), 2),
        (None, None),
    ],
)
def test_json_holds_every_type(value, wanted):
    assert json.loads(text("json", {"k": value})) == {"outputs": {"k": wanted}}


@pytest.mark.parametrize("name", ["all.npz", "all.json", "all.csv", "all.npy"])
def test_one_file_for_all_outputs(call, tmp_path, name):  # noqa: F811
    path = tmp_path / "new" / name
    code, out, _ = call("run", *HALF, *GIVEN, "--outfile", path)
    assert code == 0
    assert out.endswith(f"Outputs are saved to {path}\n")
    match path.suffix:
        case ".npz":
            assert np.load(path)["y"].tolist() == [2.5, 3.0]
        case ".npy":
            assert np.load(path).tolist() == [2.5, 3.0]
        case ".json":
            assert json.loads(path.read_text())["outputs"]["y"] == [2.5, 3.0]
        case ".csv":
            assert path.read_text() == "y\n2.5\n3.0\n"
    code, out, err = call("run", *HALF, *GIVEN, "--outfile", path)
    assert (code, out) == (1, "")
    assert "already exists" in err
    assert call("run", *HALF, *GIVEN, "--outfile", path, "--overwrite", "-q")[:2] == (0, "")
    assert [found.name for found in path.parent.iterdir()] == [name]


def test_format_chooses_the_file_in_outdir(call, tmp_path):  # noqa: F811
    assert call("run", *HALF, *GIVEN, "--outdir", tmp_path, "--output_format", "npz", "--quiet")[:2] == (0, "")
    assert np.load(tmp_path / "outputs.npz").files == ["y"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--outfile", "out.xyz"], "the format is not clear"),
        (["--output_format", "npz"], "needs --outfile or --outdir"),
        (["--output_format", "xml"], "value should be one of"),
        (["--print_options", "colour=red"], "'colour' is none of precision"),
        (["--print_options", "precision=many"], "'precision=many' is no precision"),
    ],
)
def test_wrong_flags_are_told_before_the_model_runs(call, flags, message):  # noqa: F811
    code, out, err = call("run", *HALF, *GIVEN, *flags)
    assert (code, out) == (1, "")
    assert message in err


def test_npy_file_holds_one_output(call, tmp_path):  # noqa: F811
    code, _, err = call("run", *SHOUT, "--input_exprs", "text=['a']", "--outfile", tmp_path / "x.npy")
    assert code == 1
    assert ".npy holds one output, there are 2" in err
    assert not list(tmp_path.iterdir())


def test_numpy_prints_as_told(call):  # noqa: F811
    _, out, _ = call("run", *HALF, "--input_exprs", "x=[0.123456]", "--print_options", "precision=2,suppress=true")
    assert out.endswith("[2.06]\n")
    assert call("run", *HALF, "--input_exprs", "x=[0.123456]")[1].endswith("[2.061728]\n")


def test_quiet_prints_nothing(call, tmp_path):  # noqa: F811
    assert call("run", *HALF, *GIVEN, "-q", "--outdir", tmp_path)[:2] == (0, "")
    assert np.load(tmp_path / "y.npy").tolist() == [2.5, 3.0]


def test_watched_tensors_are_described_on_stderr(call):  # noqa: F811
    code, out, err = call("run", *HALF, *GIVEN, "--watch", "mul")
    assert code == 0
    assert out == "Result for output key y:\n[2.5 3. ]\n"
    assert "/mul:0  Mul  float32[2]  min 0.5  max 1  mean 0.75" in err
    assert "add" not in err


def test_tensors_are_dumped(call, tmp_path):  # noqa: F811
    code, _, _ = call("run", *HALF, *GIVEN, "--watch", "mul", "--dump_dir", tmp_path)
    assert code == 0
    (file,) = tmp_path.rglob("*.npy")
    assert file.name == "mul_0.npy"
    assert np.load(file).tolist() == [0.5, 1.0]
    call("run", *HALF, *GIVEN, "--dump_dir", tmp_path / "all")
    assert len(list((tmp_path / "all").rglob("*.npy"))) > 3


def test_first_nan_is_named(call):  # noqa: F811
    code, out, err = call("run", *HALF, "--input_exprs", "x=[1.0, float('inf')]", "--stop_at_nan")
    assert (code, out) == (1, "")
    assert "/mul:0 of op Mul has 0 NaN and 1 infinite of 2 values" in err
    assert call("run", *HALF, *GIVEN, "--stop_at_nan")[0] == 0


def test_wrong_pattern_is_told(call):  # noqa: F811
    code, _, err = call("run", *HALF, *GIVEN, "--watch", "(")
    assert code == 1
    assert "--watch: " in err


def test_any_tensor_is_fetched_and_fed(call, tmp_path):  # noqa: F811
    code, out, _ = call("run", *HALF, "--fetch", "StatefulPartitionedCall", "--feed", "serving_default_x:0=[4.0]")
    assert code == 0
    assert out == "Result for output key StatefulPartitionedCall:\n[4.]\n"
    np.save(tmp_path / "x.npy", np.array([4.0], np.float32))
    _, again, _ = call(
        "run", *HALF, "--fetch", "StatefulPartitionedCall:0", "--feed", f"serving_default_x={tmp_path / 'x.npy'}"
    )
    assert again.endswith("[4.]\n")


def test_unknown_fetch_is_told(call):  # noqa: F811
    code, _, err = call("run", *HALF, *GIVEN, "--fetch", "nothing:0")
    assert code == 1
    assert "nothing" in err


@pytest.mark.parametrize(
    ("array", "wanted"),
    [
        (np.array([b"a"], object), "n:0  Op  string[1]"),
        (np.zeros((0, 2), np.float32), "n:0  Op  float32[0, 2]"),
        (np.array([True, False]), "n:0  Op  bool[2]  min 0  max 1  mean 0.5"),
        (np.array([np.nan, np.inf, 1]), "n:0  Op  float64[3]  min 1  max 1  mean 1  1 NaN  1 Inf"),
        (np.array([1j]), "n:0  Op  complex128[1]"),
    ],
)
def test_every_type_is_described(array, wanted):
    assert line(described("n:0", "Op", array)) == wanted
