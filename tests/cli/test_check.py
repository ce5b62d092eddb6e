"""The command check, what it makes up, and the requests that it replays."""

from __future__ import annotations

import gzip
import json
import shutil
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import google_crc32c
import numpy as np
import pytest

from smcli.analysis.check import FAILED, Result
from smcli.checkpoint.table import mask
from smcli.cli.check import junit
from smcli.errors import DataLossError, NotFoundError, SmcliError
from smcli.inputs.generate import tiny_png, tiny_wav
from smcli.inputs.records import read_records, selected
from smcli.inputs.warmup import WARMUP_FILE, warmup_requests
from smcli.kernels import registry
from smcli.proto.serving_pb2 import PredictionLog
from smcli.tensors import wire
from tests.cli.test_own_commands import MODELS, call  # noqa: F401 (a fixture)
from tests.graphs import const, node
from tests.security.models import write_model

GOLDEN = MODELS.parent / "golden" / "models"
# the other two take row splits, which made-up numbers are not
SOUND = sorted(path.name for path in MODELS.iterdir() if path.name not in ("module_signatures", "ragged_input"))


def record(data: bytes) -> bytes:
    head = len(data).to_bytes(8, "little")
    sums = [mask(google_crc32c.value(part)).to_bytes(4, "little") for part in (head, data)]
    return head + sums[0] + data + sums[1]


@pytest.mark.parametrize("name", SOUND)
def test_sound_models_pass(call, name):  # noqa: F811
    code, out, _ = call("check", MODELS / name, "-q")
    assert (code, out) == (0, "")


@pytest.mark.parametrize(
    ("name", "step", "text"),
    [
        ("var_flipped", "variables", "Checksum does not match"),
        ("var_bad_index", "variables", "block checksum mismatch"),
        ("var_missing", "variables", "There is no checkpoint"),
        ("var_truncated", "variables", "Read less bytes than requested"),
        ("custom_op_tf1", "ops", "MyCustomOp (z)"),
        ("asset_missing", "load", "No such file or directory"),
        ("scan_tf1", "signature read", "ReadFile touches files outside"),
        ("runtime_error", "signature matmul", "Matrix size-incompatible"),
    ],
)
def test_broken_models_fail_where_they_are_broken(call, name, step, text):  # noqa: F811
    code, out, _ = call("check", GOLDEN / name, "--tag_set", "serve", "--format", "json")
    results = {result["name"]: result for result in json.loads(out)["results"]}
    assert code == 1
    assert results[step]["status"] == "failed"
    assert text in results[step]["detail"]


def test_composite_signatures_are_skipped(call):  # noqa: F811
    code, out, _ = call("check", GOLDEN / "composite")
    assert code == 0
    assert "-    signature ragged: " in out
    assert "is a composite tensor" in out


def test_steps_are_printed_one_a_line(call):  # noqa: F811
    code, out, _ = call("check", "--dir", MODELS / "half_plus_two")
    assert code == 0
    assert [line.partition(":")[0] for line in out.splitlines()] == [
        "ok   variables",
        "-    assets",
        "ok   ops",
        "ok   load",
        "ok   signature serving_default",
        "-    warm-up requests",
    ]


def test_given_inputs_are_used(call):  # noqa: F811
    _, out, _ = call("check", MODELS / "half_plus_two", "--input_exprs", "x=[1.0]*5")
    assert "x [5] -> y [5]" in out
    code, out, _ = call("check", MODELS / "half_plus_two", "--input_exprs", "x=[['a']]")
    assert code == 1


def test_only_the_wanted_signatures_run(call):  # noqa: F811
    _, out, _ = call("check", MODELS / "module_signatures", "--signature_def", "shout", "--signature_def", "bump")
    assert out.count("ok   signature") == 2
    assert "ok   signature shout" in out


def test_nan_in_an_output_is_said(call):  # noqa: F811
    _, out, _ = call("check", MODELS / "half_plus_two", "--input_exprs", "x=[float('nan')]")
    assert "NaN or infinity in y" in out


def test_recorded_answers_are_compared(call, tmp_path):  # noqa: F811
    model, golden = MODELS / "half_plus_two", tmp_path / "golden"
    code, out, _ = call("check", model, "--golden", golden)
    assert code == 1
    assert "--update records it" in out
    assert call("check", model, "--golden", golden, "--update", "--input_exprs", "x=[1.0, 2.0]")[0] == 0
    assert np.load(golden / "serving_default" / "outputs" / "y.npy").tolist() == [2.5, 3.0]
    assert call("check", model, "--golden", golden)[0] == 0
    np.save(golden / "serving_default" / "outputs" / "y.npy", np.array([2.5, 3.1], np.float32))
    code, out, _ = call("check", model, "--golden", golden)
    assert code == 1
    assert "Output 'y': 1 of 2 values differ" in out
    assert call("check", model, "--golden", golden, "--atol", "0.2")[0] == 0
    np.save(golden / "serving_default" / "outputs" / "y.npy", np.array([2.5, 3.0]))
    assert "recorded as float64 [2]" in call("check", model, "--golden", golden)[1]


def test_junit_has_a_case_for_each_step(call):  # noqa: F811
    code, out, _ = call("check", GOLDEN / "var_flipped", "--format", "junit")
    suite = ET.fromstring(out)
    assert code == 1
    assert int(suite.get("tests", "0")) == len(suite)
    assert int(suite.get("failures", "0")) == len(suite.findall("testcase/failure")) > 0
    assert int(suite.get("skipped", "0")) == len(suite.findall("testcase/skipped"))


def test_junit_holds_whatever_a_model_is_called(call, tmp_path):  # noqa: F811
    key = "</failure>]]>&\"'\x00\x1b[2J\ud800"
    nodes = [const("c", 1.0), node("y", "Unheard<of>&\x1b", "c")]
    model = write_model(tmp_path / "m<&\x1b>", nodes, "y:0", key=key.replace("\ud800", ""))
    out = call("check", model, "--format", "junit")[1]
    suite = ET.fromstring(out)
    assert {element.tag for element in suite.iter()} <= {"testsuite", "testcase", "failure", "skipped", "system-out"}
    assert "\x1b" not in out and "Unheard&lt;of&gt;&amp;" in out
    assert ET.fromstring(junit("d", [Result(key, FAILED, key, 0.0)])).find("testcase/failure") is not None


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "Say which SavedModel, once"),
        (["nope"], "SavedModel file does not exist"),
        ([MODELS / "half_plus_two", "--update"], "--update needs --golden"),
        ([MODELS / "half_plus_two", "--tag_set", "gpu"], "could not be found"),
    ],
)
def test_trouble_is_told_from_failure(call, args, message):  # noqa: F811
    code, _, err = call("check", *args)
    assert code == 2
    assert message in err


@pytest.fixture
def with_warmup(tmp_path):
    """half_plus_two with the requests that the caller writes."""
    model = tmp_path / "model"
    shutil.copytree(MODELS / "half_plus_two", model)
    (model / "assets.extra").mkdir()

    def write(*logs: PredictionLog) -> Path:
        (model / WARMUP_FILE).write_bytes(b"".join(record(log.SerializeToString()) for log in logs))
        return model

    return write


def predict_log(key: str, values: list[float], signature: str = "") -> PredictionLog:
    log = PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature
    tensor = log.predict_log.request.inputs[key]
    tensor.dtype = 1
    tensor.tensor_shape.dim.add(size=len(values))
    tensor.float_val.extend(values)
    return log


def test_warmup_requests_are_replayed(call, with_warmup):  # noqa: F811
    model = with_warmup(predict_log("x", [1, 2, 3]), predict_log("x", [1], "serving_default"))
    code, out, _ = call("check", model)
    assert code == 0
    assert "ok   warm-up requests: 2 read" in out
    assert "ok   warm-up request 0 (serving_default): x [3] -> y [3]" in out


def test_wrong_warmup_requests_fail(call, with_warmup):  # noqa: F811
    model = with_warmup(predict_log("z", [1]), predict_log("x", [1], "other"))
    code, out, _ = call("check", model, "-q")
    assert code == 1
    assert "The signature has no input z" in out
    assert 'Could not find signature "other"' in out


def test_classification_requests_hold_examples(with_warmup):
    log = PredictionLog()
    log.classify_log.request.model_spec.signature_name = "classify"
    listed = log.classify_log.request.input.example_list_with_context
    listed.context.features.feature["a"].int64_list.value.append(1)
    listed.examples.add().features.feature["b"].int64_list.value.append(2)
    (request,) = warmup_requests(str(with_warmup(log)))
    assert request.signature == "classify"
    assert b"a" in request.inputs["inputs"][0]
    assert b"b" in request.inputs["inputs"][0]


def test_damaged_warmup_file_is_told(with_warmup):
    model = with_warmup(predict_log("x", [1]))
    (model / WARMUP_FILE).write_bytes(record(b"\xff\xff"))
    with pytest.raises(DataLossError, match="record 0 is no PredictionLog"):
        list(warmup_requests(str(model)))


# Records.

RECORDS = [b"first", b"", b"third" * 100]
PLAIN = b"".join(map(record, RECORDS))


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zlib.compress])
def test_records_are_read_whatever_compresses_them(tmp_path, compress):
    path = tmp_path / "file"
    path.write_bytes(compress(PLAIN))
    assert list(read_records(str(path))) == RECORDS


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zlib.compress])
def test_every_truncation_of_records_is_told_or_ends_between_two(tmp_path, compress):
    path, whole = tmp_path / "file", compress(PLAIN)
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        try:
            assert list(read_records(str(path))) in ([], RECORDS[:1], RECORDS[:2])
        except DataLossError as error:
            assert str(path) in error.message


def test_every_flipped_byte_of_records_is_told(tmp_path):
    path = tmp_path / "file"
    for place in range(len(PLAIN)):
        path.write_bytes(PLAIN[:place] + bytes([PLAIN[place] ^ 1]) + PLAIN[place + 1 :])
        with pytest.raises((DataLossError, SmcliError)):
            list(read_records(str(path)))


def test_missing_record_file_is_told():
    with pytest.raises(NotFoundError):
        list(read_records("nope.tfrecord"))


@pytest.mark.parametrize(
    ("index", "wanted"),
    [
        (None, RECORDS),
        ("0", RECORDS[:1]),
        ("-1", RECORDS[2:]),
        ("0:2", RECORDS[:2]),
        (":", RECORDS),
        ("-2:", RECORDS[1:]),
    ],
)
def test_records_are_picked(tmp_path, index, wanted):
    path = tmp_path / "file"
    path.write_bytes(PLAIN)
    assert selected(str(path), index) == wanted


@pytest.mark.parametrize(("index", "message"), [("3", "the file has 3 records"), ("x", "a number or by a slice")])
def test_wrong_picks_are_told(tmp_path, index, message):
    path = tmp_path / "file"
    path.write_bytes(PLAIN)
    with pytest.raises(SmcliError, match=message):
        selected(str(path), index)


# What is made up.


def test_made_up_png_is_a_png():
    pytest.importorskip("PIL", reason="Pillow, extra image")
    kernel = registry.find("DecodePng")
    assert kernel is not None
    image = kernel.function(np.array(tiny_png(8, 4), dtype=object), channels=0)
    assert image.shape == (4, 8, 3)


def test_made_up_wav_is_a_wav():
    kernel = registry.find("DecodeWav")
    assert kernel is not None
    samples, rate = kernel.function(np.array(tiny_wav(100), dtype=object))
    assert samples.shape == (100, 1)
    assert rate == 16000


def test_tensors_of_requests_are_decoded_by_the_one_reader():
    assert wire.from_proto(predict_log("x", [1.5]).predict_log.request.inputs["x"]).tolist() == [1.5]
