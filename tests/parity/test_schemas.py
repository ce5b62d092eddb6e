"""smcli/graph/schemas.jsonl is what TensorFlow registers, and the two packages live in one process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fixtures import make_schemas

ROOT = Path(__file__).resolve().parent.parent.parent


def test_schemas_are_fresh(tmp_path: Path) -> None:
    subprocess.run([sys.executable, make_schemas.__file__, str(tmp_path / "schemas.jsonl")], check=True, cwd=ROOT)
    assert (tmp_path / "schemas.jsonl").read_text() == make_schemas.TARGET.read_text()


def test_schemas_of_tensorflow_text_are_fresh(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow_text")
    target = tmp_path / "schemas_text.jsonl"
    subprocess.run([sys.executable, make_schemas.__file__, "--text", str(target)], check=True, cwd=ROOT)
    assert target.read_text() == make_schemas.TEXT_TARGET.read_text()


@pytest.mark.parametrize("first, second", [("smcli.model", "tensorflow"), ("tensorflow", "smcli.model")])
def test_smcli_and_tensorflow_in_one_process(first: str, second: str) -> None:
    model = ROOT / "fixtures" / "models" / "half_plus_two"
    code = (
        f"import {first}, {second}\n"
        "import numpy as np, tensorflow as tf, smcli.model, smcli.savedmodel\n"
        f"m = smcli.savedmodel.read_saved_model({str(model)!r}).find('serve')\n"
        "session = smcli.model.open_session(m)\n"
        "ours = session.run(['StatefulPartitionedCall'], {'serving_default_x:0': np.float32([4])})\n"
        f"theirs = tf.saved_model.load({str(model)!r})(tf.constant([4.0]))['y']\n"
        "assert ours[0] == theirs.numpy() == 4\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
