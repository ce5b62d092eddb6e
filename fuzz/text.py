"""Fuzz targets for the models that TensorFlow Text's tokenizers carry: damaged buffers on a few strings."""

from __future__ import annotations

import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fuzz.registry import target
from smcli.kernels.context import Array, Context, NoFiles, Resources

FOLDER = Path(__file__).parents[1] / "fixtures" / "text"
_TEXTS = [b"", b"hello the great", b"abcabcab##c", "日本 straße, été 'n!".encode(), b"\xff\0 x" * 20, b"a" * 300]
_LARGE = 10_000  # models beyond are tables of characters: slow to mutate, and no different


def _context() -> Context:
    def no_function(_: Any) -> Any:
        raise AssertionError

    return Context("fuzz", Resources(), NoFiles(), no_function)


def _texts() -> Array:
    array = np.empty(len(_TEXTS), dtype=object)
    array[:] = _TEXTS
    return array


def _models(*names: str) -> Callable[[], list[bytes]]:
    def seeds() -> list[bytes]:
        models = [lzma.decompress((FOLDER / f"{name}.xz").read_bytes()) for name in names]
        return [model for model in models if len(model) < _LARGE]

    return seeds


_IDS = np.arange(-1, 12, dtype=np.int32)
_OFF, _NO_NBEST = np.array(False), np.int32(0)


@target("text_wordpiece", _models("wordpiece_words", "wordpiece_suffix_unknown"))
def wordpiece(data: bytes) -> None:
    from smcli.kernels.text.fast_wordpiece import fast_wordpiece_tokenize_with_offsets

    fast_wordpiece_tokenize_with_offsets(_texts(), np.frombuffer(data, np.uint8), context=_context())


@target("text_wordpiece_ids", _models("wordpiece_suffix_unknown"))
def wordpiece_ids(data: bytes) -> None:
    from smcli.kernels.text.fast_wordpiece import fast_wordpiece_detokenize

    splits = np.array([0, 1, 3])
    fast_wordpiece_detokenize(_IDS[1:4], splits, np.frombuffer(data, np.uint8), context=_context())


@target("text_bert", _models("bert_cased"))
def bert(data: bytes) -> None:
    from smcli.kernels.text.bert_normalize import fast_bert_normalize

    fast_bert_normalize(_texts(), np.frombuffer(data, np.uint8), get_offsets=True, context=_context())


@target("text_phrases", _models("phrases", "phrases_with_endings"))
def phrases(data: bytes) -> None:
    from smcli.kernels.text.phrases import phrase_detokenize, phrase_tokenize

    model = np.frombuffer(data, np.uint8)
    phrase_tokenize(_texts(), model, context=_context())
    phrase_detokenize(_IDS[1:4], np.array([0, 3]), model, context=_context())


@target("text_sentencepiece", _models("fast_sp_plain_encoder", "fast_sp_spaces_encoder"))
def sentencepiece(data: bytes) -> None:
    from smcli.kernels.text.fast_sentencepiece import fast_sentencepiece_tokenize

    model = np.frombuffer(data, np.uint8)
    fast_sentencepiece_tokenize(model, _texts(), _NO_NBEST, _NO_NBEST, _OFF, _OFF, _OFF, context=_context())


@target("text_sentencepiece_ids", _models("fast_sp_plain_decoder", "fast_sp_spaces_decoder"))
def sentencepiece_ids(data: bytes) -> None:
    from smcli.kernels.text.fast_sentencepiece import fast_sentencepiece_detokenize

    splits = np.array([0, len(_IDS) - 1])
    fast_sentencepiece_detokenize(np.frombuffer(data, np.uint8), _IDS[1:], splits, context=_context())
