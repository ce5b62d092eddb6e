"""Sentencepiece: models in the graph, run by the sentencepiece library (the extra smcli[text]).

Source: sentencepiece_kernels.cc of TensorFlow Text. The library trusts the tables inside of a model, so these are
checked before it sees them. Sampling draws from the library's generator, which has no seed in TensorFlow either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from smcli.errors import InternalError, InvalidArgumentError, MissingExtraError, OutOfRangeError
from smcli.kernels._bytes import as_array, as_list, text
from smcli.kernels.context import Array, Context, handle
from smcli.kernels.registry import kernel
from smcli.kernels.text._rows import checked_splits, splits_of, strings
from smcli.proto.sentencepiece_pb2 import NBestSentencePieceText, SentencePieceModel, SentencePieceText
from smcli.tensors.types import DataType

_SAMPLING = "sampling draws from the generator of another release of the library; neither has a seed"
DEVIATIONS = {"SentencepieceTokenizeOp": _SAMPLING, "SentencepieceTokenizeWithOffsetsOp": _SAMPLING}
_LEAF = 0x80000000
_MAX_NBEST = 512  # of SampleEncode (unigram_model.cc)
_TYPES = range(1, 7)  # normal, unknown, control, user defined, unused, byte
_UNKNOWN = 2

Pieces = list[tuple[bytes, int, int, int]]  # piece, id, begin, end


def _check_charsmap(blob: bytes) -> None:
    """A trie (its size in bytes, then its units) and the texts that its values point into, each ended by a NUL.

    Raises InvalidArgumentError when a walk through the trie could leave it.
    """
    if not blob:
        return
    size = int.from_bytes(blob[:4], "little")
    texts = blob[4 + size :]
    if len(blob) < 4 or size % 1024 or not 0 < size <= len(blob) - 4 or not texts.endswith(b"\0"):
        raise InvalidArgumentError("The sentencepiece model's normalisation rules are damaged")
    units = np.frombuffer(blob, "<u4", size // 4, 4)
    nodes = np.flatnonzero(units < _LEAF)
    distance = (units[nodes] >> 10).astype(np.int64) << ((units[nodes] & 0x200) >> 6)
    if ((nodes ^ distance) | 0xFF).max(initial=0) >= len(units):
        raise InvalidArgumentError("The sentencepiece model's normalisation rules point outside of their trie")
    if (units[units >= _LEAF] & 0x7FFFFFFF).max(initial=0) >= len(texts):
        raise InvalidArgumentError("The sentencepiece model's normalisation rules point outside of their texts")


def _check_model(serialized: bytes) -> None:
    """Raises InternalError or InvalidArgumentError for a model that the library should not see."""
    try:
        model = SentencePieceModel.FromString(serialized)
    except DecodeError:
        raise InternalError("The sentencepiece model can not be parsed") from None
    _check_charsmap(model.normalizer_spec.precompiled_charsmap)
    _check_charsmap(model.denormalizer_spec.precompiled_charsmap)
    if sum(piece.type == _UNKNOWN for piece in model.pieces) != 1:
        raise InvalidArgumentError("The sentencepiece model must have one unknown piece")
    for piece in model.pieces:
        if not piece.piece or b"\0" in piece.piece or piece.type not in _TYPES or not math.isfinite(piece.score):
            raise InvalidArgumentError(f"The sentencepiece model has a damaged piece: {piece.piece!r}")


class Processor:
    """A model, with what the library does with it as plain values."""

    def __init__(self, serialized: bytes) -> None:
        try:
            import sentencepiece
        except ImportError:
            raise MissingExtraError("A sentencepiece model", "text") from None
        _check_model(serialized)
        self.library: Any = sentencepiece.SentencePieceProcessor()
        try:
            self.library.LoadFromSerializedProto(serialized)
        except (RuntimeError, ValueError) as error:
            raise InternalError(f"The sentencepiece model can not be loaded: {error}") from None
        self.size: int = self.library.GetPieceSize()

    def _rows(self, proto: Any) -> Pieces:
        return [(piece.piece, piece.id, piece.begin, piece.end) for piece in proto.pieces]

    def encode_plain(self, values: list[bytes], out_type: type) -> list[list[Any]]:
        """The ids (int) or pieces (str) of each string, without their places."""
        found: list[list[Any]] = self._run("Encode", values, out_type)
        return found

    def encode(self, values: list[bytes], **sampling: Any) -> list[Pieces]:
        encoded = self._run("Encode", values, **sampling)
        return [self._rows(SentencePieceText.FromString(one)) for one in encoded]

    def nbest(self, value: bytes, size: int) -> list[Pieces]:
        (encoded,) = self._run("NBestEncode", [value], nbest_size=size)
        return [self._rows(one) for one in NBestSentencePieceText.FromString(encoded).nbests]

    def decode(self, rows: list[list[int]] | list[list[str]]) -> list[bytes]:
        return [SentencePieceText.FromString(one).text for one in self._run("Decode", rows)]

    def _run(self, method: str, values: list[Any], out_type: Any = "serialized_proto", **options: Any) -> Any:
        try:
            return getattr(self.library, method)(values, out_type=out_type, **options)
        except (RuntimeError, ValueError, IndexError) as error:
            raise InternalError(str(error)) from None

    def special(self, ident: int, name: str) -> tuple[bytes, int]:
        """The piece for the beginning or end of a text."""
        if ident < 0:
            raise InternalError(f"id for `{name}` is not defined.")
        return text(self.library.IdToPiece(ident)), ident


@dataclass(frozen=True)
class Options:
    """What is added around a text's pieces, and whether all of it is turned round in the end."""

    bos: tuple[bytes, int] | None
    eos: tuple[bytes, int] | None
    reverse: bool

    def around(self, pieces: Pieces) -> Pieces:
        start = [(*self.bos, 0, 0)] if self.bos else []
        end = [(*self.eos, 0, 0)] if self.eos else []
        found = [*start, *pieces, *end]
        return found[::-1] if self.reverse else found


def _options(processor: Processor, add_bos: Array, add_eos: Array, reverse: Array) -> Options:
    wanted = [bool(np.asarray(option).item()) for option in (add_bos, add_eos, reverse)]
    return Options(
        processor.special(processor.library.bos_id(), "<s>") if wanted[0] else None,
        processor.special(processor.library.eos_id(), "</s>") if wanted[1] else None,
        wanted[2],
    )


@kernel("SentencepieceOp", stateful=True)
def sentencepiece_op(
    *,
    model: str = "",
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    context: Context,
) -> Array:
    """The handle of a model."""
    serialized = text(model)
    if not serialized:
        raise InvalidArgumentError("Model argument must be specified.")
    if shared_name or use_node_name_sharing:
        return handle(context.resource("sentencepiece", container, shared_name, lambda: Processor(serialized)))
    if "processor" not in context.memory:
        context.memory["processor"] = Processor(serialized)
    return handle(context.memory["processor"])


def _processor(sp_handle: Any) -> Processor:
    found = np.asarray(sp_handle, dtype=object).item() if np.size(sp_handle) == 1 else None
    if not isinstance(found, Processor):
        raise InvalidArgumentError(f"The handle is not that of a sentencepiece model but of {type(found).__name__}")
    return found


def _each(values: Array, count: int, name: str) -> list[Any]:
    """A scalar for all strings, or a vector with a value for each."""
    values = np.asarray(values)
    if values.ndim == 1 and len(values) == count:
        return values.tolist()  # type: ignore[no-any-return]
    if values.size != 1:
        raise InvalidArgumentError(f"{name} must be a scalar or have {count} elements, got shape {list(values.shape)}")
    return [values.item()] * count


def _tokenized(
    sp_handle: Any,
    strings: Array,
    nbest_size: Array,
    alpha: Array,
    options: tuple[Array, Array, Array],
    return_nbest: bool,
) -> list[Pieces]:
    """The pieces of each string, or of each of its best segmentations."""
    processor = _processor(sp_handle)
    values = as_list(strings)
    around = _options(processor, *options).around
    if return_nbest:
        if np.ndim(nbest_size) != 0:
            raise InvalidArgumentError(
                f"When return_nbest is true nbest_size must be a scalar; got {list(np.shape(nbest_size))} instead"
            )
        size = int(np.asarray(nbest_size).item())
        if size < 1:
            raise InvalidArgumentError(f"When return_nbest is true nbest_size must be >= 1; got {size}")
        return [around(row) for value in values for row in processor.nbest(value, size)]
    sizes = _each(nbest_size, len(values), "nbest_size")
    if all(size in (0, 1) for size in sizes):
        rows = processor.encode(values) if values else []
    else:
        if max(sizes) > _MAX_NBEST:
            raise InternalError(f"nbest_size must be nbest_size <= {_MAX_NBEST}")
        rows = []
        for value, size, weight in zip(values, sizes, _each(alpha, len(values), "alpha"), strict=True):
            sampling = {} if size in (0, 1) else {"enable_sampling": True, "nbest_size": size, "alpha": weight}
            rows += processor.encode([value], **sampling)
    return [around(row) for row in rows]


def _joined(rows: list[Pieces], out_type: DataType, split_type: DataType) -> tuple[Array, Array, Pieces]:
    """Ids or pieces of all rows, where each row begins, and all that is known of each piece."""
    pieces = [piece for row in rows for piece in row]
    splits = splits_of([len(row) for row in rows], split_type.numpy)
    if out_type is DataType.STRING:
        return strings([piece for piece, *_ in pieces]), splits, pieces
    return np.array([ident for _, ident, *_ in pieces], np.int32), splits, pieces


@kernel("SentencepieceTokenizeOp", stateful=True)
def sentencepiece_tokenize(
    sp_handle: Any,
    input: Array,
    nbest_size: Array,
    alpha: Array,
    add_bos: Array,
    add_eos: Array,
    reverse: Array,
    *,
    out_type: DataType = DataType.INT32,
    Tsplits: DataType = DataType.INT64,
    return_nbest: bool = False,
) -> tuple[Array, Array]:
    """Ids or pieces, and row splits."""
    if not return_nbest and np.isin(nbest_size, (0, 1)).all() and np.size(input):
        return _tokenized_plain(sp_handle, input, (add_bos, add_eos, reverse), out_type, Tsplits)
    rows = _tokenized(sp_handle, input, nbest_size, alpha, (add_bos, add_eos, reverse), return_nbest)
    return _joined(rows, out_type, Tsplits)[:2]


def _tokenized_plain(
    sp_handle: Any, input: Array, options: tuple[Array, Array, Array], out_type: DataType, Tsplits: DataType
) -> tuple[Array, Array]:
    """The best segmentations, with no more asked of the library than ids or pieces."""
    processor = _processor(sp_handle)
    is_text = out_type is DataType.STRING
    around = _options(processor, *options)
    column = 0 if is_text else 1
    start = [around.bos[column]] if around.bos else []
    end = [around.eos[column]] if around.eos else []
    rows: list[list[Any]] = processor.encode_plain(as_list(input), str if is_text else int)
    if is_text:
        rows = [[text(piece) for piece in row] for row in rows]
    if start or end or around.reverse:
        rows = [[*start, *row, *end][:: -1 if around.reverse else 1] for row in rows]
    flat = [item for row in rows for item in row]
    values = strings(flat) if is_text else np.array(flat, np.int32)
    return values, splits_of([len(row) for row in rows], Tsplits.numpy)


@kernel("SentencepieceTokenizeWithOffsetsOp", stateful=True)
def sentencepiece_tokenize_with_offsets(
    sp_handle: Any,
    input: Array,
    nbest_size: Array,
    alpha: Array,
    add_bos: Array,
    add_eos: Array,
    reverse: Array,
    *,
    out_type: DataType = DataType.INT32,
    Tsplits: DataType = DataType.INT64,
    return_nbest: bool = False,
) -> tuple[Array, Array, Array, Array]:
    """Ids or pieces, row splits, first and last byte of each piece."""
    rows = _tokenized(sp_handle, input, nbest_size, alpha, (add_bos, add_eos, reverse), return_nbest)
    values, splits, pieces = _joined(rows, out_type, Tsplits)
    starts = np.array([piece[2] for piece in pieces], np.int64)
    limits = np.array([piece[3] for piece in pieces], np.int64)
    return values, splits, starts, limits


@kernel("SentencepieceDetokenizeOp", stateful=True)
def sentencepiece_detokenize(
    sp_handle: Any, input_values: Array, input_splits: Array, add_bos: Array, add_eos: Array, reverse: Array
) -> Array:
    """The text of each row of ids or pieces."""
    processor = _processor(sp_handle)
    options = _options(processor, add_bos, add_eos, reverse)
    values = np.ravel(input_values)
    splits = checked_splits(input_splits, len(values), "input_splits").tolist()
    if not len(values):
        return as_array([b""] * (len(splits) - 1), (len(splits) - 1,))
    is_text = values.dtype == object
    if is_text:
        items: list[Any] = [value.decode("utf-8", "replace") for value in values.tolist()]
    else:
        items = values.tolist()
        wrong = next((item for item in items if not 0 <= item < processor.size), None)
        if wrong is not None:
            raise OutOfRangeError(f"Invalid id: {wrong}")
    column = 0 if is_text else 1
    start = [options.bos[column]] if options.bos else []
    end = [options.eos[column]] if options.eos else []
    rows = [[*start, *items[a:b], *end] for a, b in pairwise(splits)]
    if is_text:
        rows = [[item.decode() if isinstance(item, bytes) else item for item in row] for row in rows]
    return strings(processor.decode([row[::-1] for row in rows] if options.reverse else rows))


@kernel("SentencepieceVocabSizeOp", stateful=True)
def sentencepiece_vocab_size(sp_handle: Any) -> Any:
    return np.int32(_processor(sp_handle).size)


@kernel("SentencepieceIdToStringOp", stateful=True)
def sentencepiece_id_to_string(sp_handle: Any, input: Array) -> Array:
    """The pieces of ids, in the shape of the ids."""
    processor = _processor(sp_handle)
    ids = np.asarray(input)
    if ids.size and not 0 <= ids.min() <= ids.max() < processor.size:
        raise InvalidArgumentError(f"Ids must be in [0, {processor.size}), got {ids.min()} to {ids.max()}")
    pieces = [text(piece) for piece in processor.library.IdToPiece(ids.ravel().tolist())] if ids.size else []
    return as_array(pieces, ids.shape)


@kernel("SentencepieceStringToIdOp", stateful=True)
def sentencepiece_string_to_id(sp_handle: Any, input: Array) -> Array:
    """The ids (int32) of pieces, that of the unknown piece for strings that are none."""
    library = _processor(sp_handle).library
    pieces = [piece.decode("utf-8", "replace") for piece in as_list(input)]
    return np.array(library.PieceToId(pieces) if pieces else [], np.int32).reshape(np.shape(input))
