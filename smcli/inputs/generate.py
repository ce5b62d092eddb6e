"""Made-up inputs that fit a signature: for smoke tests, where any valid input will do.

Numbers are small, so that they are valid as indices of tables and embeddings too. Strings are what the graph goes on to
read: an encoded image where it decodes one, a tf.Example with the features it parses, else words.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from smcli.errors import InvalidArgumentError, SmcliError
from smcli.graph.binding import bodies_in_reach
from smcli.graph.graph import Graph, Node
from smcli.graph.inline import inline
from smcli.inputs.parse_specs import EXAMPLE_OPS, dense_specs
from smcli.kernels.context import Array
from smcli.proto.example_pb2 import Example, Feature
from smcli.proto.saved_model_pb2 import SignatureDef, TensorInfo
from smcli.tensors.types import DataType, from_number
from smcli.tensors.wire import shape_from_proto

MAX_ELEMENTS = 2**28  # of one input
UNKNOWN_RANK = 1  # rank that is tried where a signature says none
_WORDS = (b"the quick brown fox", b"jumps over", b"the lazy dog", b"hello world")
_IMAGE_OPS = frozenset({"DecodeJpeg", "DecodePng", "DecodeImage", "DecodeAndCropJpeg", "DecodeBmp", "DecodeGif"})
_NUMBER_OPS = frozenset({"StringToNumber"})


def nodes_fed(graph: Graph, signature: SignatureDef) -> list[Node]:
    """The nodes that a signature runs, those of the functions it calls among them."""
    outputs = [info.name for info in signature.outputs.values() if ":" in info.name]
    body = graph.body(outputs, [info.name for info in signature.inputs.values()])
    bodies = bodies_in_reach(inline(body, graph), graph)
    return [node for found in bodies for node in found.nodes]


def made_up(
    inputs: Mapping[str, TensorInfo], sizes: Sequence[int], seed: int, nodes: Iterable[Node] = ()
) -> dict[str, Array]:
    """An array for each input key.

    sizes: of the unknown dims, the first of a tensor's is the batch; the last counts for all further ones. nodes:
    what the inputs are fed to, to find out what strings have to hold. Raises SmcliError for an input that is too large
    to make up and for types that can not be.
    """
    rng = np.random.default_rng(seed)
    ops = {node.op: node for node in nodes}
    return {key: _array(key, info, sizes, rng, ops) for key, info in sorted(inputs.items())}


def _array(
    key: str, info: TensorInfo, sizes: Sequence[int], rng: np.random.Generator, ops: Mapping[str, Node]
) -> Array:
    dims = (-1,) * UNKNOWN_RANK if info.tensor_shape.unknown_rank else shape_from_proto(info.tensor_shape) or ()
    shape = tuple(_filled(dims, sizes))
    if np.prod(shape, dtype=object) > MAX_ELEMENTS:
        raise SmcliError(f"Input {key!r} of shape {list(shape)} is too large to make up; give one with --inputs")
    try:
        dtype = from_number(info.dtype)
    except ValueError:
        raise InvalidArgumentError(f"Input {key!r} has the unknown data type {info.dtype}") from None
    if dtype is DataType.STRING:
        count = int(np.prod(shape, dtype=np.int64))
        values = np.empty(count, dtype=object)
        values[:] = _strings(count, ops)
        return values.reshape(shape)
    if dtype in (DataType.RESOURCE, DataType.VARIANT):
        raise SmcliError(f"Input {key!r} is a {dtype.tf_name}, which can not be made up")
    if dtype is DataType.BOOL:
        return rng.integers(0, 2, shape).astype(bool)
    kind = dtype.numpy.kind
    if kind in "iu" or dtype.is_quantized:
        return rng.integers(0, 2, shape).astype(dtype.numpy)
    if kind == "c":
        return (rng.random(shape) + 1j * rng.random(shape)).astype(dtype.numpy)
    return rng.random(shape).astype(dtype.numpy)


def _filled(dims: Sequence[int], sizes: Sequence[int]) -> Iterator[int]:
    place = 0
    for dim in dims:
        if dim < 0:
            yield sizes[min(place, len(sizes) - 1)]
            place += 1
        else:
            yield dim


def _strings(count: int, ops: Mapping[str, Node]) -> list[bytes]:
    found = _contents(count, ops)
    return [base64.urlsafe_b64encode(value) for value in found] if "DecodeBase64" in ops else found


def _contents(count: int, ops: Mapping[str, Node]) -> list[bytes]:
    for op in EXAMPLE_OPS:
        if op in ops:
            return [_example(ops[op])] * count
    if _IMAGE_OPS & ops.keys():
        return [tiny_png(32, 32)] * count
    if "DecodeWav" in ops:
        return [tiny_wav(16000)] * count
    if _NUMBER_OPS & ops.keys():
        return [b"1"] * count
    return [_WORDS[place % len(_WORDS)] for place in range(count)]


def _example(node: Node) -> bytes:
    """A tf.Example with the dense features that a parsing op asks for; sparse and ragged ones may be missing."""
    message = Example()
    for spec in dense_specs(node):
        count = int(np.prod([max(size, 1) for size in spec.shape or ()], dtype=object))
        if count <= MAX_ELEMENTS:
            _fill(message.features.feature[spec.name.encode("utf-8", "replace").decode()], spec.dtype, count)
    return bytes(message.SerializeToString(deterministic=True))


def _fill(feature: Feature, number: int, count: int) -> None:
    if number == DataType.STRING:
        feature.bytes_list.value.extend([b"a"] * count)
    elif number == DataType.INT64:
        feature.int64_list.value.extend([1] * count)
    else:
        feature.float_list.value.extend([0.5] * count)


def tiny_png(width: int, height: int) -> bytes:
    """An RGB image with a gradient, as a PNG file (https://www.w3.org/TR/png/)."""
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # each row begins with its filter type, 0
    rows[:, 1:] = np.add.outer(np.arange(height) * 5, np.arange(3 * width) * 2) % 256

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes())) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def tiny_wav(samples: int, rate: int = 16000) -> bytes:
    """One channel of a 440 Hz tone, 16 bits a sample, as a WAVE file."""
    tone = (np.sin(np.arange(samples) * (2 * np.pi * 440 / rate)) * 8000).astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", 1, 1, rate, rate * 2, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(tone)) + tone
    return bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
