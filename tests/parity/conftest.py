"""Everything below needs TensorFlow; `tox -e parity` has it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

collect_ignore_glob: list[str] = []
try:
    import tensorflow as tf
except ImportError:
    collect_ignore_glob.append("test_*.py")


@pytest.fixture(scope="session")
def cache() -> Path:
    """Where large models are kept for the length of one run of the suite (or longer, when the variable is set)."""
    folder = Path(os.environ.get("SMCLI_PARITY_CACHE") or "build/parity")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


NEED_TENSORFLOW_TEXT = {"bert_preprocessing", "fast_bert_preprocessing", "sentence_encoder"}


def load_ops_of(model: str) -> None:
    """Teach TensorFlow the ops of a fixture model that are not its own; the test is skipped where no one has them."""
    if model in NEED_TENSORFLOW_TEXT:
        pytest.importorskip("tensorflow_text")


def tensorflow_answer(directory: str, tags: str, key: str, inputs: dict) -> dict:
    """What TensorFlow answers to a signature, run in a session as saved_model_cli runs it."""
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta = tf.compat.v1.saved_model.loader.load(session, [t for t in tags.split(",") if t], directory)
        signature = meta.signature_def[key]
        feeds = {signature.inputs[name].name: value for name, value in inputs.items()}
        return session.run({name: info.name for name, info in signature.outputs.items()}, feeds)
