"""How many threads the libraries are told to use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from smcli import processors as counted
from smcli.runtime import threads

ROOT = Path(__file__).resolve().parents[2]


def _set(count: int, environment: dict[str, str]) -> dict[str, str]:
    threads.use_threads(count, environment)
    return environment


def test_a_given_number_is_used_whatever_the_environment_says() -> None:
    assert _set(3, {"OMP_NUM_THREADS": "8"}) == dict.fromkeys(threads.VARIABLES, "3")


def test_the_environment_is_left_alone_without_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "allowed_processors", lambda: 1)
    monkeypatch.setattr(threads, "processors", lambda: 4)
    assert _set(0, {"OMP_NUM_THREADS": "8"}) == {"OMP_NUM_THREADS": "8"}
    assert _set(0, {}) == dict.fromkeys(threads.VARIABLES, "1")


@pytest.mark.parametrize(
    ("text", "processors"),
    [("max 100000", 4), ("150000 100000", 2), ("50000 100000", 1), ("800000 100000", 4), ("", 4), ("x y", 4)],
)
def test_quota_of_a_container(text: str, processors: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(text)
    monkeypatch.setattr(counted, "_QUOTA_V2", str(quota))
    monkeypatch.setattr(counted, "processors", lambda: 4)
    assert counted.allowed_processors() == processors


def test_quota_of_the_first_kind_of_control_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "quota").write_text("-1\n")
    (tmp_path / "period").write_text("100000\n")
    monkeypatch.setattr(counted, "_QUOTA_V2", str(tmp_path / "missing"))
    monkeypatch.setattr(counted, "_QUOTA_V1", (str(tmp_path / "quota"), str(tmp_path / "period")))
    assert counted._quota() is None
    (tmp_path / "quota").write_text("250000\n")
    assert counted._quota() == 2.5


def test_results_agree_with_one_thread_and_with_two(tmp_path: Path) -> None:
    model = ROOT / "fixtures" / "models" / "keras3_attention"
    command = [sys.executable, "-m", "smcli", "run", "--dir", str(model), "--tag_set", "serve"]
    inputs = f"{_input_key(model)}={tmp_path / 'x.npy'}"
    command += ["--signature_def", "serving_default", "--inputs", inputs, "--outdir"]
    np.save(tmp_path / "x.npy", np.arange(64 * 9, dtype=np.int32).reshape(64, 9) % 20)
    answers = []
    for count in ("1", "2"):
        out = tmp_path / count
        done = subprocess.run([*command, str(out), "--num_threads", count], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        answers.append({name: np.load(out / name) for name in sorted(os.listdir(out))})
    assert answers[0].keys() == answers[1].keys() != set()
    for name, one in answers[0].items():
        np.testing.assert_allclose(one, answers[1][name], rtol=1e-5, atol=1e-6)


def _input_key(model: Path) -> str:
    from smcli.savedmodel import read_saved_model

    return str(next(iter(read_saved_model(model).find("serve").signatures["serving_default"].inputs)))
