"""The models of the benchmarks: built, with inputs in files, and converted for the engines that read another format."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import peers
from benchmarks.processes import TIMEOUT, environment
from fixtures import large_models

ROOT = Path(__file__).resolve().parent.parent
BATCHES = (1, 8)
OPSET = 17


@dataclass(frozen=True)
class Model:
    """title: as the tables name it. steady_goal: smcli's time over TensorFlow's, once loaded."""

    name: str
    title: str
    steady_goal: float | None


MODELS = (
    Model("half_plus_two", "half_plus_two", None),
    Model("MobileNetV2", "MobileNetV2", 1.5),
    Model("ResNet50", "ResNet50", 1.0),
    Model("EfficientNetB0", "EfficientNetB0", 1.5),
    Model("InceptionV3", "InceptionV3", 1.0),
    Model("lstm", "LSTM", 1.0),
    Model("dynamic_rnn", "LSTM in frames (TF1)", 1.0),
    Model("text_vectorization", "TextVectorization", 1.0),
    Model("basic-pitch", "basic-pitch", 1.0),
    Model("guesslang", "guesslang", 1.0),
    Model("bert_base", "BERT-base, 128", 1.0),
)


def directory(model: Model, cache: Path) -> Path:
    """The SavedModel; a large one is built by the interpreter that has TensorFlow unless it is there already."""
    if model.name == "half_plus_two":
        return ROOT / "fixtures" / "models" / model.name
    if model.name in large_models.WHEELS or (cache / model.name / "saved_model.pb").exists():
        return large_models.build(model.name, cache)
    python = peers.python(peers.TF2ONNX if model.name == "dynamic_rnn" else peers.TENSORFLOW)
    if python is None:
        raise FileNotFoundError(f"{model.name} is not built, and TensorFlow, which builds it, is not installed")
    subprocess.run(
        [str(python), "-m", "fixtures.large_models", str(cache), model.name],
        check=True,
        env=environment(),
        cwd=ROOT,
    )
    return cache / model.name


def inputs(model: Model, where: Path, cache: Path) -> list[dict[str, np.ndarray]]:
    """The inputs of each batch size."""
    if model.name == "half_plus_two":
        return [{"x": np.ones(batch, np.float32)} for batch in BATCHES]
    return [large_models.feeds_of(model.name, where, batch) for batch in BATCHES]


def input_files(model: Model, where: Path, cache: Path) -> tuple[list[str], str]:
    """(an .npz file for each batch size, the --inputs flag for batch 1)."""
    folder = cache / "inputs"
    folder.mkdir(exist_ok=True)
    files, flags = [], []
    for batch, values in zip(BATCHES, inputs(model, where, cache)):
        plain = {key: value.astype("S") if value.dtype == object else value for key, value in values.items()}
        files.append(str(folder / f"{model.name}-{batch}.npz"))
        np.savez(files[-1], **plain)
        if batch == 1:
            for key, value in plain.items():
                one = folder / f"{model.name}.{key}.npy"
                np.save(one, value)
                flags.append(f"{key}={one}")
    return files, ";".join(flags)


def onnx_file(model: Model, where: Path, cache: Path) -> str | None:
    """The model as ONNX: the file that it was published with, or converted by tf2onnx, once per cache.

    None when tf2onnx can not do it or is not there; a failure is kept too, as an empty file.
    """
    published = where.with_name(where.name + ".onnx")
    if published.exists():
        return str(published)
    folder = cache / "onnx"
    folder.mkdir(exist_ok=True)
    file = folder / f"{model.name}.onnx"
    python = peers.python(peers.TF2ONNX)
    if not file.exists() and python is not None:
        command = [str(python), "-m", "tf2onnx.convert", "--saved-model", str(where), "--tag", "serve"]
        command += ["--signature_def", large_models.SERVING, "--opset", str(OPSET), "--output", str(file)]
        try:
            subprocess.run(command, check=True, env=environment(), capture_output=True, timeout=2 * TIMEOUT)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            file.write_bytes(b"")
    return str(file) if file.exists() and file.stat().st_size else None
