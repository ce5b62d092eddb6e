"""FastSentencepiece: unigram models as a buffer with tries, without the sentencepiece library.

Sources: optimized_encoder.cc and optimized_decoder.cc of TensorFlow Text, and the fields of its EncoderConfig and
DecoderConfig.
"""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np

from smcli.errors import InternalError, InvalidArgumentError
from smcli.kernels._bytes import as_list
from smcli.kernels.context import Array, Context
from smcli.kernels.registry import kernel
from smcli.kernels.text._flatbuffer import root
from smcli.kernels.text._models import model_of
from smcli.kernels.text._rows import checked_splits, splits_of, strings
from smcli.kernels.text._trie import Trie

_SEVERAL_SPACES = re.compile(rb"[ \t\r\n]{2,}")
_SPACE = re.compile(rb"[ \t\r\n]")
_SPACE_SYMBOL = "\u2581".encode()
_SENTENCE_PIECE = 0  # the only version
_CACHE = 100_000  # normalised characters that are kept


class Encoder:
    """An EncoderConfig."""

    def __init__(self, data: bytes) -> None:
        table = root(data, "sp_model")
        if table.scalar(0, "<B") != _SENTENCE_PIECE:
            raise InternalError("Sentencepiece conversion failed")
        self.start_code: int = table.scalar(1, "<i")
        self.end_code: int = table.scalar(2, "<i")
        self.unknown_code: int = table.scalar(3, "<i", -1)
        self.unknown_penalty = np.float32(table.scalar(4, "<f"))
        self.encoding_offset: int = table.scalar(5, "<i")
        pieces = table.table(6)
        if pieces is None:
            raise InvalidArgumentError("The sp_model has no pieces")
        self.pieces = Trie(pieces.vector(0, "<u4"))
        self.scores = list(table.vector(7, "<f4"))
        self.remove_extra_spaces = table.flag(8)
        self.add_dummy_prefix = table.flag(9)
        self.escape_spaces = table.flag(10)
        prefixes = table.table(11)
        self.prefixes = None if prefixes is None else Trie(prefixes.vector(0, "<u4"))
        self.replacements = table.vector(12, "u1").tobytes()

    def _replaced(self, text: bytes) -> bytes:
        """`text` with the longest known prefix at each place replaced."""
        assert self.prefixes is not None
        parts = []
        at = 0
        while at < len(text):
            matches = self.prefixes.prefixes(text, at)
            if matches:
                start, length = matches[-1]
                end = self.replacements.find(b"\0", start)
                if start >= len(self.replacements) or end < 0:
                    raise InvalidArgumentError("The sp_model replaces text by what is outside of its strings")
                parts.append(self.replacements[start:end])
                at += length
            else:
                parts.append(text[at : at + 1])
                at += 1
        return b"".join(parts)

    def normalized(self, text: bytes) -> bytes:
        if not text:
            return text
        if self.add_dummy_prefix:
            text = b" " + text
        if self.prefixes is not None and self.replacements:
            text = self._replaced(text)
        if self.remove_extra_spaces:
            text = _SEVERAL_SPACES.sub(b" ", text)
            text = text[:-1] if _SPACE.match(text[-1:]) else text
        return _SPACE.sub(_SPACE_SYMBOL, text) if self.escape_spaces else text

    def _lattice(self, text: bytes) -> tuple[list[int], list[int]]:
        """The best way to each byte: the code of the last piece and where it starts (-1: there is no way).

        Scores are float32, as the kernel's: the winner can hang on the rounding.
        """
        size = len(text)
        unknown, scores, prefixes = self.unknown_code, self.scores, self.pieces.prefixes
        best: list[np.float32] = [np.float32(0)] * (size + 1)
        codes, previous = [-1] * (size + 1), [-1] * (size + 1)
        for position in range(size):
            if position and previous[position] < 0:
                continue
            score = best[position]
            if unknown >= 0:
                penalized = score + self.unknown_penalty
                target = position + 1
                if previous[target] < 0 or best[target] < penalized:
                    best[target], codes[target] = penalized, unknown
                    previous[target] = previous[position] if codes[position] == unknown else position
            for number, length in prefixes(text, position):
                if number >= len(scores):
                    raise InvalidArgumentError(f"The sp_model has no score for piece {number}")
                total = score + scores[number]
                target = position + length
                if previous[target] < 0 or best[target] < total:
                    best[target], codes[target], previous[target] = total, number, position
        return codes, previous

    def encode(self, text: bytes, add_bos: bool, add_eos: bool, reverse: bool) -> list[int]:
        """The codes of a text."""
        text = self.normalized(text)
        codes, previous = self._lattice(text)
        found = [self.end_code] if add_eos else []
        position = len(text) if previous[-1] >= 0 else 0
        while position > 0:
            code = codes[position]
            found.append(code if code == self.unknown_code else code + self.encoding_offset)
            position = previous[position]
        if add_bos:
            found.append(self.start_code)
        return found if reverse else found[::-1]


class Decoder:
    """A DecoderConfig."""

    def __init__(self, data: bytes) -> None:
        table = root(data, "sp_model")
        if table.scalar(0, "<B") != _SENTENCE_PIECE:
            raise InternalError("Sentencepiece conversion failed")
        self.encoding_offset: int = table.scalar(1, "<i")
        # The kernel takes the pieces for texts that a NUL ends.
        self.pieces = [piece.split(b"\0", 1)[0] for piece in table.strings(2)]
        self.remove_dummy_prefix = table.flag(5)

    def decode(self, codes: list[int]) -> bytes:
        parts = []
        for code in codes:
            number = code - self.encoding_offset
            if not 0 <= number < len(self.pieces):
                raise InternalError("Sentencepiece conversion failed")
            parts.append(self.pieces[number])
        if parts and self.remove_dummy_prefix:
            parts[0] = parts[0].removeprefix(b" ")
        return b"".join(parts)


@kernel("TFText>FastSentencepieceTokenize")
def fast_sentencepiece_tokenize(
    sp_model: Array,
    input: Array,
    nbest_size: Array,
    alpha: Array,
    add_bos: Array,
    add_eos: Array,
    reverse: Array,
    *,
    context: Context,
) -> tuple[Array, Array]:
    """Codes and row splits (int32 both); there is no sampling."""
    model = model_of(sp_model, Encoder, context)
    options = [bool(np.asarray(option).item()) for option in (add_bos, add_eos, reverse)]
    rows = [model.encode(text, *options) for text in as_list(input)]
    codes = np.array([code for row in rows for code in row], np.int32)
    return codes, splits_of([len(row) for row in rows], np.int32)


@kernel("TFText>FastSentencepieceDetokenize")
def fast_sentencepiece_detokenize(
    sp_model: Array, input_values: Array, input_splits: Array, *, context: Context
) -> Array:
    """The text of each row of codes."""
    model = model_of(sp_model, Decoder, context)
    codes = np.ravel(input_values)
    splits = checked_splits(input_splits, len(codes), "input_splits")
    # The kernel takes the lengths of the rows from the splits, and the values from the first on.
    numbers = codes.tolist()
    return strings([model.decode(numbers[start:end]) for start, end in pairwise((splits - splits[0]).tolist())])
