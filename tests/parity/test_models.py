"""Whole models beside a live TensorFlow: the fixtures, large ones with random weights, and two that people use."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fixtures import large_models
from smcli.model import open_session
from smcli.savedmodel import read_saved_model
from tests.compare import difference
from tests.models.test_recorded_models import FIXTURES, NAMES
from tests.parity.conftest import load_ops_of, tensorflow_answer
from tests.recorded import tensor

# How far a model's float outputs may be from TensorFlow's, relative to the largest of them. TensorFlow with oneDNN on
# is 4e-7 to 7e-7 from itself with oneDNN off on MobileNetV2, ResNet50 and EfficientNetB0 with random weights, and 7e-4
# on basic-pitch, whose logarithms of near silence make much of rounding.
RTOL, ATOL = 1e-5, 5e-6
BASIC_PITCH_ATOL = 1e-3


def smcli_answer(directory: Path | str, tags: str, key: str, inputs: dict) -> dict:
    meta_graph = read_saved_model(directory).find(tags)
    signature = meta_graph.signatures[key]
    feeds = {signature.inputs[name].name: value for name, value in inputs.items()}
    names = sorted(signature.outputs)
    return dict(
        zip(names, open_session(meta_graph).run([signature.outputs[n].name for n in names], feeds), strict=True)
    )


def assert_same(directory: Path | str, tags: str, key: str, inputs: dict, atol: float = ATOL) -> dict:
    """Run both; compare all outputs; return smcli's."""
    want = tensorflow_answer(str(directory), tags, key, inputs)
    got = smcli_answer(directory, tags, key, inputs)
    assert sorted(got) == sorted(want)
    for name, value in got.items():
        expected = np.asarray(want[name])
        scale = float(np.max(np.abs(expected), initial=0)) if expected.dtype.kind == "f" else 0.0
        problem = difference(value, expected, RTOL, atol * scale)
        assert problem is None, f"{name}: {problem}"
    return got


@pytest.mark.parametrize("name", NAMES)
def test_fixture_answers_are_what_tensorflow_gives(name: str) -> None:
    load_ops_of(name)
    for line in json.loads((FIXTURES / "answers" / f"{name}.json").read_text()):
        inputs = {key: tensor(text) for key, text in line["inputs"].items()}
        assert_same(FIXTURES / "models" / name, line["tags"], line["signature"], inputs)


@pytest.mark.xdist_group("large")
@pytest.mark.parametrize(
    "name", ["MobileNetV2", "ResNet50", "EfficientNetB0", "bert_small", "lstm", "dynamic_rnn", "text_vectorization"]
)
@pytest.mark.parametrize("batch", [1, 2])
def test_large_models(name: str, batch: int, cache: Path) -> None:
    directory = large_models.build(name, cache)
    assert_same(directory, "serve", large_models.SERVING, large_models.feeds_of(name, directory, batch))


@pytest.mark.xdist_group("large")
def test_basic_pitch_hears_the_notes(cache: Path) -> None:
    """Two seconds of A4 (440 Hz) and E5 (659.26 Hz): both are the loudest rows of the note output, key 48 and 55 of
    88."""
    rate, length = 22050, 43844
    t = np.arange(length) / rate
    wave = sum(np.sin(2 * np.pi * f * k * t) / k for f in (440.0, 659.26) for k in range(1, 6)) * 0.2
    audio = wave.astype(np.float32)[None, :, None]
    directory = large_models.build("basic-pitch", cache)
    signature = read_saved_model(directory).find("serve").signatures[large_models.SERVING]
    outputs = assert_same(
        directory, "serve", large_models.SERVING, {next(iter(signature.inputs)): audio}, BASIC_PITCH_ATOL
    )
    assert sorted(np.argsort(outputs["note"][0].mean(0))[-2:].tolist()) == [48, 55]


SOURCES = {
    "py": """import os

def main(argv):
    for name in os.listdir('.'):
        print(f'{name!r}')
    return None

class Thing(object):
    def __init__(self, value=None):
        self.value = value

if __name__ == '__main__':
    main([])
""",
    "c": """#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    char *p = malloc(10);
    printf("%d\\n", argc);
    free(p);
    return 0;
}
""",
    "html": """<!DOCTYPE html>
<html>
<head><title>Page</title></head>
<body><p class='x'>Hello</p><div><a href='#'>link</a></div></body>
</html>
""",
}


@pytest.mark.xdist_group("large")
@pytest.mark.parametrize("language", SOURCES)
def test_guesslang_names_the_language(language: str, cache: Path) -> None:
    directory = large_models.build("guesslang", cache)
    signatures = read_saved_model(directory).find("serve").signatures
    key = large_models.SERVING
    text = np.array([SOURCES[language].encode()], dtype=object)
    outputs = assert_same(directory, "serve", key, {next(iter(signatures[key].inputs)): text})
    best = outputs["classes"].ravel()[outputs["scores"].ravel().argmax()]
    assert best.decode() == language
