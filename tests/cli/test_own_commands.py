"""The commands that saved_model_cli does not have: checkpoint, diff, doctor."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import smcli
from smcli.analysis.variables import Statistics, statistics
from smcli.cli import main

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
MODELS, CHECKPOINTS = FIXTURES / "models", FIXTURES / "checkpoints"


@pytest.fixture
def call(capsys):
    """Runs a command line; gives (exit code, stdout, stderr)."""

    def run(*args: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(arg) for arg in args], "smcli")
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


def test_help_lists_the_originals_commands_apart_from_smclis_own(call):
    _, out, _ = call("--help")
    assert out.index("Commands of saved_model_cli") < out.index("freeze_model") < out.index("Commands of smcli")
    assert "doctor" in out[out.index("Commands of smcli") :]


@pytest.mark.parametrize("given", [["--dir", MODELS / "half_plus_two"], [MODELS / "half_plus_two"]])
def test_checkpoint_lists_variables_with_totals(call, given):
    code, out, _ = call("checkpoint", *given, "--name", "^[ab]/")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert lines[0] == ["name", "dtype", "shape", "size"]
    assert lines[1] == ["a/.ATTRIBUTES/VARIABLE_VALUE", "float32", "[]", "4", "B"]
    assert out.endswith("2 variables, 2 numbers, 8 B\n")


@pytest.mark.parametrize("path", ["sharded", "sharded.index", "v1", "v1_sharded-?????-of-00002"])
def test_checkpoint_takes_bare_checkpoints(call, path):
    code, out, _ = call("checkpoint", CHECKPOINTS / path, "--values")
    assert code == 0
    assert " variables, " in out


def test_checkpoint_takes_the_latest_of_a_directory(call, tmp_path):
    for file in CHECKPOINTS.glob("grid.*"):
        shutil.copy(file, tmp_path)
    assert call("checkpoint", tmp_path)[0] == 2
    (tmp_path / "checkpoint").write_text(
        'model_checkpoint_path: "/elsewhere/grid"\nall_model_checkpoint_paths: "grid"\n'
    )
    assert call("checkpoint", tmp_path)[0] == 0


def test_checkpoint_shows_values_and_statistics_as_json(call):
    _, out, _ = call("checkpoint", MODELS / "half_plus_two", "--name", "^a/", "--values", "--stats", "--format", "json")
    listed = json.loads(out)
    assert listed["total"] == {"variables": 1, "bytes": 4}
    assert listed["variables"][0]["values"] == 0.5
    assert listed["variables"][0]["statistics"]["max"] == 0.5


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nope"], "There is no checkpoint nope"),
        ([FIXTURES], "neither the variables of a SavedModel nor a checkpoint"),
        ([], "Say which checkpoint, once"),
        (["a", "--dir", "b"], "Say which checkpoint, once"),
        ([MODELS / "half_plus_two", "--name", "("], "--name: "),
    ],
)
def test_checkpoint_says_what_is_wrong(call, args, message):
    code, out, err = call("checkpoint", *args)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_statistics_count_what_is_not_finite():
    assert statistics(np.array([0, 2, np.nan, -np.inf], np.float32)) == Statistics(0, 2, 1, 1, 1, 1, 1)
    assert statistics(np.array([np.nan])) == Statistics(None, None, None, None, 0, 1, 0)
    assert statistics(np.array([b"a"], object)) is None


def test_equal_models_have_no_differences(call):
    code, out, _ = call("diff", MODELS / "keras2_gru", MODELS / "keras2_gru")
    assert (code, out) == (0, "No differences.\n")


def test_diff_shows_signatures_ops_and_functions(call):
    code, out, _ = call("diff", MODELS / "half_plus_two", MODELS / "module_signatures", "--format", "json")
    changes = {(change["kind"], change["name"]): change for change in json.loads(out)["changes"]}
    assert code == 1
    assert changes["signature", "serving_default"]["how"] == "removed"
    assert changes["signature", "project"]["how"] == "added"
    assert changes["op", "MatMul"]["how"] == "added"
    assert changes["function", "shout"]["how"] == "added"


@pytest.fixture
def changed(tmp_path):
    """half_plus_two with another bias: `b` is 2 in the original, 2.5 here."""
    copy = tmp_path / "changed"
    shutil.copytree(MODELS / "half_plus_two", copy)
    data = next(copy.glob("variables/*.data-*"))
    content = data.read_bytes()
    old, new = np.float32(2).tobytes(), np.float32(2.5).tobytes()
    assert content.count(old) == 1
    data.write_bytes(content.replace(old, new))
    index = copy / "variables" / "variables.index"
    index.write_bytes(_with_checksum(index.read_bytes(), old, new))
    return copy


def _with_checksum(index: bytes, old: bytes, new: bytes) -> bytes:
    """The index with the masked checksum of `old` replaced by that of `new`, and that of its block made right."""
    import google_crc32c

    def masked(data: bytes) -> bytes:
        crc = google_crc32c.value(data)
        return (((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF).to_bytes(4, "little")

    assert index.count(masked(old)) == 1
    index = index.replace(masked(old), masked(new))
    for size in range(len(index) - 5):  # the block that holds the entry begins the file; its checksum follows it
        if masked(b"".join([_ORIGINAL_INDEX[: size + 1]])) == _ORIGINAL_INDEX[size + 1 : size + 5]:
            return index[: size + 1] + masked(index[: size + 1]) + index[size + 5 :]
    raise AssertionError("no block found")


_ORIGINAL_INDEX = (MODELS / "half_plus_two" / "variables" / "variables.index").read_bytes()


def test_diff_says_how_far_values_are_apart(call, changed):
    code, out, _ = call("diff", MODELS / "half_plus_two", changed)
    assert code == 1
    assert out.splitlines()[1].split()[:3] == ["variable", "b/.ATTRIBUTES/VARIABLE_VALUE", "changed"]
    assert "1 of 1 values, by up to 0.5 (0.25 of the old value)" in out
    assert len(out.splitlines()) == 2


@pytest.mark.parametrize("tolerance", [["--atol", "0.5"], ["--rtol", "0.25"], ["--name", "^a/"]])
def test_diff_within_the_tolerance_is_none(call, changed, tolerance):
    assert call("diff", MODELS / "half_plus_two", changed, *tolerance)[:2] == (0, "No differences.\n")


def test_diff_of_bare_checkpoints(call):
    assert call("diff", CHECKPOINTS / "sharded", CHECKPOINTS / "sharded")[0] == 0
    code, out, _ = call("diff", CHECKPOINTS / "sharded", CHECKPOINTS / "many")
    assert code == 1
    assert "removed" in out
    assert "added" in out


def test_diff_of_what_is_not_there_is_trouble(call):
    code, _, err = call("diff", "nope", MODELS / "half_plus_two")
    assert (code, err) == (2, "Error: There is no checkpoint nope\n")


def test_doctor_names_versions(call, monkeypatch):
    monkeypatch.setenv("SMCLI_DISABLE_REWRITES", "fold")
    code, out, _ = call("doctor")
    assert code == 0
    assert smcli.__version__ in out
    assert np.__version__ in out
    assert "SMCLI_DISABLE_REWRITES  fold" in out
    facts = json.loads(call("doctor", "--format", "json")[1])
    assert facts["packages"]["numpy"] == np.__version__
    assert facts["facts"]["ops"] > 700


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_asks_smcli(call, shell):
    code, out, _ = call("completion", shell)
    assert code == 0
    assert "_SMCLI_COMPLETE" in out


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        (["show", "--dir", "{}", "--tag_set", ""], ["plain,gpu,serve", "plain,serve", "plain,train"]),
        (["show", "--dir={}", "--tag_set", "g"], ["plain,gpu,serve"]),
        (
            ["show", "--dir", "{}", "--tag_set", "serve", "--signature_def", "s"],
            ["plain,serving_default", "plain,sig_3"],
        ),
        (["run", "--dir", "{}", "--tag_set", "serve", "--input_exprs", ""], []),
        (["show", "--dir", "nowhere", "--tag_set", ""], []),
        (["show", "--tag_set", ""], []),
        (["show", "--dir", "mod"], ["dir,mod"]),
        (["run", "--outfile", "o"], ["file,o"]),
        (["graph", "--dir", "{}", "--tag_set", "t"], ["plain,train"]),
    ],
)
def test_values_are_completed_from_the_model(call, monkeypatch, typed, wanted):
    model = MODELS.parent / "golden" / "models" / "multi_meta"
    words = ["smcli", *(word.format(model) for word in typed)]
    monkeypatch.setenv("_SMCLI_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "\n".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    assert call()[1].split() == wanted


@pytest.mark.parametrize(
    ("words", "wanted"),
    [("smcli che", {"check", "checkpoint"}), ("smcli run --out", {"--outdir", "--outfile", "--output_format"})],
)
def test_commands_and_flags_are_completed(call, monkeypatch, words, wanted):
    monkeypatch.setenv("_SMCLI_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    code, out, _ = call()
    assert code == 0
    assert {line.partition(",")[2] for line in out.splitlines()} == wanted


def test_reference_page_is_the_help():
    from docs import make_reference

    assert make_reference.PAGE.read_text(encoding="utf-8") == make_reference.page()


def test_man_page_is_the_help():
    from docs import make_man

    assert make_man.PAGE.read_text(encoding="utf-8") == make_man.page()


def test_man_page_escapes_what_roff_would_read():
    from docs.make_man import escape

    assert escape(".TH 'a-b'\n\n`c`") == "\\&.TH \\(aqa\\-b\\(aq \\(gac\\(ga"
    assert escape("a\\b") == "a\\eb"


@pytest.mark.parametrize(
    "checker", ["man --warnings -Tutf8 -l", "groff -man -ww -Kutf8 -Tutf8", "mandoc -Tlint -Wwarning"]
)
def test_man_page_has_no_mistakes(checker):
    from docs import make_man

    program = checker.partition(" ")[0]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(
        [*checker.split(), make_man.PAGE], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    complaints = done.stdout if program == "mandoc" else done.stderr
    assert (done.returncode, complaints) == (0, "")
