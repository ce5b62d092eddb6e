"""Fuzz targets of what the command line is given: expressions, examples, rows, arrays, pickles, records, requests."""

from __future__ import annotations

import gzip
import io
import pickle
import pickletools
from typing import Any

import google_crc32c
import numpy as np

from fuzz.registry import folder, target
from smcli.inputs import arguments, features, feeding, files, json_values, records, rows, unpickle, warmup
from smcli.proto.serving_pb2 import PredictionLog
from smcli.tensors.types import DataType

_TYPES = (DataType.FLOAT, DataType.INT32, DataType.STRING, DataType.BOOL, DataType.COMPLEX64, DataType.QINT8)


def _feed(value: Any, chance: int) -> None:
    """What `run` does with a value before the graph sees it."""
    data_type = _TYPES[chance % len(_TYPES)]
    array = feeding.as_fed(value, data_type)
    if array.nbytes < 2**24:
        feeding.to_tensor(array, data_type)


def _ignore(_: str) -> None:
    pass


def _expression_seeds() -> list[bytes]:
    return [
        b"x=1", b"x=[1, 2.5, -3];y='a;b'", b"x=np.ones((2, 3)) * 2",
        b"x=np.arange(12).reshape(3, 4)[1:, ::2].T.tolist()",
        b"x=np.random.default_rng(0).normal(size=(2, 2)).astype('float32')", b"x=np.linspace(0, 1, 5) ** 2 > 0.5",
        b"x={'a': (1, None, True), b'b': {1, 2}}",
        b"x=np.concatenate([np.zeros(3), np.full((2,), 7, dtype=np.int64)])",
        b"x=np.array(['a', 'bc'], dtype=object)", b"x=2 ** 100 // 7 % 5 << 3", b"x='ab' * 3 + 'c'[0]",
        b"x=np.sqrt(np.eye(3) @ np.ones((3, 3))).max(axis=-1, keepdims=True) if 1 < 2 else 0",
        b"x=np.where(np.array([True, False]), np.float32(1e38), np.nan)", b"x=b'\\xff' b'\\x00'", b"x=[[1, 2], [3]]",
        b"x=np.random.rand(2, 3) + np.pi", b"x=np.pad(np.ones(2), 1).repeat(3).clip(0, 1)", b"x=-1 in [1, 2] and not 0",
        b"x=np.einsum('ij,jk->ik', np.ones((2, 3)), np.ones((3, 2)))", b"x=np.meshgrid([1, 2], [3, 4])[0]",
        b"x=np.frombuffer(b'abcd', dtype=np.uint8)", b"x=np.fft.fft(np.ones(4)).real", b"x='%s' % 1", b"x=1j * 2",
    ]  # fmt: skip


@target("expressions", _expression_seeds)
def expressions(data: bytes) -> None:
    values = arguments.load_inputs("", data.decode("utf-8", "surrogateescape"), "", _ignore)
    for value in values.values():
        _feed(value, len(data))


def _example_seeds() -> list[bytes]:
    return [
        b"x=[{'a': [1.0, 2.0], 'b': ['s', b'\\xff']}, {'c': [1, -2]}]",
        b'k=[{"age": [22], "job": ["cook"]}];l=[{}]',
        b"x=[{'a': []}]",
    ]


@target("examples", _example_seeds)
def examples(data: bytes) -> None:
    arguments.load_inputs("", "", data.decode("utf-8", "surrogateescape"), _ignore)


def _arrays() -> list[Any]:
    return [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=">i8").reshape(3, 2)),
        np.array([b"ab", "c", None, 3], object),
        np.array(["abc", "d"]),
        np.zeros(2, [("a", "<f4"), ("b", "<i8", (2,))]),
        np.float64(2.5),
        np.array([], np.int8),
        {"a": np.arange(3), "b": [1, (2.5, "x"), {3, 4}]},
    ]


def _npy_seeds() -> list[bytes]:
    seeds = []
    for array in _arrays()[:-1]:
        file = io.BytesIO()
        np.save(file, array)
        seeds.append(file.getvalue())
    return seeds


def _file(data: bytes) -> None:
    with folder() as path:
        (path / "f").write_bytes(data)
        value = files.load(str(path / "f"))
        for item in [value[key] for key in value.files[:5]] if isinstance(value, files.NpzFile) else [value]:
            _feed(item, len(data))


target("npy", _npy_seeds)(_file)


def _npz_seeds() -> list[bytes]:
    seeds = []
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, a=np.arange(5), b=np.ones((2, 2), np.float32))
        seeds.append(file.getvalue())
    return seeds


target("npz", _npz_seeds)(_file)


def _pickle_seeds() -> list[bytes]:
    values = [*_arrays(), [1, "a", b"b", 2.5, None, True, {"k": (1, 2)}], np.dtype("<f4"), 10**30, 1j]
    made = [pickle.dumps(value, protocol) for value in values for protocol in (0, 2, 4, 5)]
    return [pickletools.optimize(text) for text in made]


@target("pickles", _pickle_seeds)
def pickles(data: bytes) -> None:
    _feed(unpickle.loads(data, "fuzz"), len(data))


def _masked(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    return (((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF).to_bytes(4, "little")


def _record(data: bytes) -> bytes:
    head = len(data).to_bytes(8, "little")
    return head + _masked(head) + data + _masked(data)


def _record_seeds() -> list[bytes]:
    plain = b"".join(_record(part) for part in (b"", b"abc", b"x" * 300))
    return [plain, gzip.compress(plain, mtime=0)]


@target("tfrecords", _record_seeds)
def tfrecords(data: bytes) -> None:
    with folder() as path:
        (path / "f.tfrecord").write_bytes(data)
        list(records.read_records(str(path / "f.tfrecord")))


def _warmup_seeds() -> list[bytes]:
    plain = PredictionLog()
    tensor = plain.predict_log.request.inputs["x"]
    tensor.dtype = int(DataType.FLOAT)  # type: ignore[assignment]
    tensor.tensor_shape.dim.add(size=2)
    tensor.float_val.extend([1.0, 2.0])
    classes = PredictionLog()
    examples = classes.classify_log.request.input.example_list_with_context
    examples.examples.add().features.feature["a"].int64_list.value.append(3)
    examples.context.features.feature["b"].bytes_list.value.append(b"b")
    return [plain.SerializeToString(), classes.SerializeToString()]


@target("warmup_sealed", _warmup_seeds)
def warmup_sealed(data: bytes) -> None:
    """One recorded request, in a file whose checksums are right."""
    with folder() as path:
        file = path / warmup.WARMUP_FILE
        file.parent.mkdir()
        file.write_bytes(_record(data))
        for request in warmup.warmup_requests(str(path)):
            for value in request.inputs.values():
                _feed(value, len(data))


def _request_seeds() -> list[bytes]:
    return [
        b'{"instances": [[1, 2.5], [3, -4e1]]}', b'{"inputs": {"x": [[1, true]], "y": {"b64": "aGk="}}}',
        b'{"instances": [{"x": "a", "y": [null]}, {"x": {"b64": "+/8="}, "y": []}]}', b'{"inputs": "a\\u00e9\\ud800"}',
        b'{"signature_name": "s", "instances": [NaN, -Infinity, 1e400, 123456789012345678901234567890]}',
    ]  # fmt: skip


@target("json_requests", _request_seeds)
def json_requests(data: bytes) -> None:
    with folder() as path:
        (path / "r.json").write_bytes(data)
        values = json_values.values_of(json_values.read_json(str(path / "r.json")), ["x"])
    for value in values.values():
        _feed(value, len(data))


def _row_seeds() -> list[bytes]:
    return [
        b'{"a": 1, "b": ["x", {"b64": "aGk="}]}\n{"a": 2.5, "b": []}\n', b'[{"a": [[1, 2], [3]]}, {"a": null}]',
        b"a,b\n1,x\n-2.5,\"y,\n\"\n", b"a\tb\n1\t2\n", gzip.compress(b'{"a": 1}\n' * 3, mtime=0),
    ]  # fmt: skip


@target("rows", _row_seeds)
def example_rows(data: bytes) -> None:
    """Rows of which `examples` makes tf.Examples, in each of the formats."""
    name = ("r.jsonl", "r.json", "r.csv", "r.tsv", "r.jsonl.gz")[len(data) % 5]
    with folder() as path:
        (path / name).write_bytes(data)
        found = rows.open_rows(str(path / name), csv_form=rows.CsvForm(split="|"))
        list(features.encoder(found, {}, {}).encoded(found))
