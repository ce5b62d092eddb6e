"""The pytest plugin, as a project that uses it would see it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "fixtures" / "models"
GOLDEN = ROOT / "fixtures" / "golden" / "models"


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs pytest in an empty project with the plugin loaded."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return lambda *args: pytester.runpytest_subprocess("-p", "smcli.testing", *map(str, args))


def given(directory: Path | str) -> str:
    return f"--savedmodel={directory}"


def test_each_signature_is_a_test(run):
    result = run(given(MODELS / "module_signatures"), "-v")
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["*module_signatures::files PASSED*", "*module_signatures::shout PASSED*"])
    result.stdout.fnmatch_lines(["signature ragged: InvalidArgumentError: assertion failed*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_damaged_files_fail(run):
    result = run(given(GOLDEN / "var_flipped"))
    result.stdout.fnmatch_lines(["variables: DataLossError:*Checksum does not match*"])
    assert result.ret == 1


def test_what_can_not_be_fed_is_skipped(run):
    run(given(GOLDEN / "composite")).assert_outcomes(passed=1, skipped=2)


def test_fixture_gives_the_loaded_model(run, pytester):
    pytester.makepyfile(
        """
        def test_half(savedmodel):
            signature = savedmodel.signatures["serving_default"]
            assert signature([2.0] if "tf1" not in savedmodel.directory else [[2.0]])["y"].ravel().tolist() == [3.0]
        """
    )
    models = [MODELS / "half_plus_two", MODELS / "half_plus_two_tf1"]
    run(given(models[0])).assert_outcomes(passed=3)
    run(given(models[0]), given(models[1]), "-k", "test_half").assert_outcomes(passed=2, deselected=7)
    run().assert_outcomes(skipped=1)


def test_missing_model_is_a_usage_error(run):
    result = run(given("nope"))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--savedmodel nope: SavedModel file does not exist at: nope*"])
