"""Texts to phrases of a vocabulary and back.

Source: phrase_tokenizer.cc of TensorFlow Text.
"""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np

from smcli.errors import FailedPreconditionError, InvalidArgumentError
from smcli.kernels._bytes import as_list
from smcli.kernels.context import Array, Context
from smcli.kernels.registry import kernel
from smcli.kernels.text._flatbuffer import root
from smcli.kernels.text._models import model_of
from smcli.kernels.text._rows import checked_splits, splits_of, strings, vector
from smcli.kernels.text._trie import Trie
from smcli.kernels.text.whitespace import whitespace_spans

DEVIATIONS = {"PhraseTokenize": "a model with a probability draws from another generator; neither has a seed"}
_ENDINGS = (b"'t", b"'s", b".", b",", b"!", b"?", b"'m", b"'re", b"'ll", b"'d", b"'ve")


class Model:
    """A PhraseTokenizerConfig. probability: how often a phrase is taken although a longer one might match."""

    def __init__(self, data: bytes) -> None:
        table = root(data, "phrase_model")
        self.probability = table.scalar(0, "<i") / 100
        self.unknown = table.string(1)
        self.unknown_id: int = table.scalar(2, "<i")
        self.detokenizes = table.flag(3)
        self.vocabulary = table.strings(4)
        trie = table.table(5)
        self.trie = Trie(np.zeros(0, np.uint32) if trie is None else trie.vector(0, "<u4"))
        self.spaces = table.string(6)
        self.splits_endings = table.flag(7)


def _spaced(tokens: list[bytes], splits_endings: bool) -> bytes:
    """Tokens joined by spaces; endings such as 's are tokens of their own."""
    if splits_endings:
        parts = []
        for token in tokens:
            ending = next((ending for ending in _ENDINGS if token.endswith(ending)), b"")
            parts.append(token[: len(token) - len(ending)] + b" " + ending if ending else token)
        tokens = parts
    return b" ".join(tokens)


def _phrases(model: Model, text: bytes) -> list[tuple[bytes, int]]:
    """The longest phrase at each place, as long as it ends where a word ends."""
    found = []
    at = 0
    while at < len(text):
        matches = [
            (number, length)
            for number, length in model.trie.prefixes(text, at)
            if text[at + length : at + length + 1] in (b"", b" ")
        ]
        if not matches:
            found.append((model.unknown, model.unknown_id))
            at = text.find(b" ", at) + 1
            if not at:
                break
            continue
        number, length = matches[-1]
        if model.probability > 0:
            # The kernel draws from a generator without a seed, so there is no sequence to follow.
            number, length = next((match for match in matches if random.random() < model.probability), matches[-1])
        found.append((text[at : at + length], number))
        at += length + 1
    return found


@kernel("PhraseTokenize", stateful=True)
def phrase_tokenize(input_values: Array, phrase_model: Array, *, context: Context) -> tuple[Array, Array, Array]:
    """Phrases, their ids (int64), row splits."""
    model = model_of(phrase_model, Model, context)
    values = as_list(vector(input_values, "input_values"))
    starts, ends, counts = whitespace_spans(values, model.spaces)
    spans = list(zip(starts.tolist(), ends.tolist(), strict=True))
    rows = []
    for value, (first, last) in zip(values, pairwise(splits_of(counts).tolist()), strict=True):
        tokens = [value[start:end] for start, end in spans[first:last]]
        rows.append(_phrases(model, _spaced(tokens, model.splits_endings)))
    phrases = [phrase for row in rows for phrase in row]
    ids = np.array([number for _, number in phrases], np.int64)
    return strings([text for text, _ in phrases]), ids, splits_of([len(row) for row in rows])


@kernel("TFText>PhraseDetokenize")
def phrase_detokenize(input_values: Array, input_row_splits: Array, phrase_model: Array, *, context: Context) -> Array:
    """The text of each row of ids."""
    model = model_of(phrase_model, Model, context)
    if not model.detokenizes:
        raise FailedPreconditionError(
            "Detokenize function is only enabled when support_detokenization is true in the config flatbuffer. Please "
            "rebuild the model flatbuffer by setting support_detokenization=true."
        )
    ids = vector(input_values, "input_values")
    if ids.size and not 0 <= ids.min() <= ids.max() < len(model.vocabulary):
        raise InvalidArgumentError(f"input_values must be ids of the {len(model.vocabulary)} phrases of the model")
    tokens = [model.vocabulary[number] for number in ids.tolist()]
    splits = checked_splits(input_row_splits, len(ids), "input_row_splits").tolist()
    texts = []
    for start, end in pairwise(splits):
        parts: list[bytes] = []
        for token in tokens[start:end]:
            if parts and not (model.splits_endings and token in _ENDINGS):
                parts.append(b" ")
            parts.append(token)
        texts.append(b"".join(parts))
    return strings(texts)
