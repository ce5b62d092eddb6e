"""Models with the ops of TensorFlow Text, from raw strings on the command line. saved_model_cli can not run these."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli import golden

MODELS = Path(__file__).resolve().parent.parent.parent / "fixtures" / "models"


def run(model: str, expressions: str) -> golden.Outcome:
    directory = str(MODELS / model)
    serving = ["--tag_set", "serve", "--signature_def", "serving_default"]
    return golden.run({"argv": ["run", "--dir", directory, *serving, "--input_exprs", expressions], "setup": ""})


@pytest.mark.parametrize("model", ["bert_preprocessing", "fast_bert_preprocessing"])
def test_bert_preprocessing_packs_two_texts(model: str) -> None:
    done = run(model, "first=['They want un-wanted straße!'];second=['the great']")
    assert done.exit_code == 0, done.stderr
    # [CLS] they [UNK] un - [UNK] … from the vocabulary in fixtures/make_text.py
    assert "Result for output key input_mask:\n[[1 1 1 1 1 1 1 1 1 1 1" in done.stdout
    assert "Result for output key input_type_ids:\n[[0 0 0 0 0 0 0 0" in done.stdout
    assert "Result for output key input_word_ids:\n[[ 2  4 " in done.stdout


def test_sentences_are_encoded() -> None:
    pytest.importorskip("sentencepiece")
    done = run("sentence_encoder", "text=['Hello WORLD','the quick brown fox']")
    assert done.exit_code == 0, done.stderr
    assert "Result for output key text:\n[b'hello world' b'the quick brown fox']" in done.stdout
    assert "Result for output key embedding:\n[[" in done.stdout
