"""TensorFlow Text's tokenizers that carry a model: fast wordpiece, BERT normalisation, phrases, sentencepiece."""

from __future__ import annotations

import lzma
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.cases import graph_case, graph_cases
from tests.cases.text_strings import ALL, BROKEN, TEXTS, WORDS, strings

REQUIRES = "tensorflow_text"
FOLDER = Path(__file__).resolve().parent.parent.parent / "fixtures" / "text"  # python -m fixtures.make_text


@cache
def stored(name: str) -> bytes:
    """A model that fixtures/make_text.py has made."""
    return lzma.decompress((FOLDER / f"{name}.xz").read_bytes())


def op(tf: Any, name: str, **keywords: Any) -> Any:
    from tests.parity.record import raw_op

    return raw_op(tf, name)(**keywords)


def buffer(tf: Any, name: str) -> Any:
    return tf.constant(np.frombuffer(stored(name), np.uint8))


# Fast wordpiece. Models: texts and words (cut at punctuation or not), and what is special about suffixes.

INPUTS = strings(*TEXTS, *BROKEN, *WORDS.tolist(), "the great, un-wanted straße.", "the" * 40, "##", "## ##b", "a##b")
MODELS = ("wordpiece_texts", "wordpiece_words", "wordpiece_no_suffix", "wordpiece_suffix_unknown", "wordpiece_spaces")
for model in MODELS:

    @graph_case(f"{model}_tokens", _op="FastWordpieceTokenizeWithOffsets", texts=INPUTS)
    def tokens(tf, texts, model=model):
        return list(op(tf, "FastWordpieceTokenizeWithOffsets", input_values=texts, wp_model=buffer(tf, model)))

    @graph_case(f"{model}_no_tokens", _op="FastWordpieceTokenizeWithOffsets", texts=strings())
    def no_tokens(tf, texts, model=model):
        return list(op(tf, "FastWordpieceTokenizeWithOffsets", input_values=texts, wp_model=buffer(tf, model)))


for model in ("wordpiece_texts", "wordpiece_words"):

    @graph_case(f"{model}_text", _op="TFText>FastWordpieceDetokenize", ids=np.arange(12, dtype=np.int32))
    def detokenized(tf, ids, model=model):
        splits = tf.constant([0, 1, 1, 6, 12], tf.int64)
        return op(
            tf,
            "TFText>FastWordpieceDetokenize",
            input_values=ids,
            input_row_splits=splits,
            wp_model=buffer(tf, model),
        )


# BERT normalisation. ALL has every kind of character; offsets with and without.

for model in ("bert_lower", "bert_cased"):
    for offsets in (False, True):
        for label, texts in (("all", ALL), ("none", strings()), ("ascii", strings("Plain", "TEXT\t\x00\x01", ""))):

            @graph_case(f"{model}_{label}_{'offsets' if offsets else 'plain'}", _op="FastBertNormalize", texts=texts)
            def normalized(tf, texts, model=model, offsets=offsets):
                texts = tf.ensure_shape(texts, [None])
                return list(
                    op(
                        tf,
                        "FastBertNormalize",
                        input_values=texts,
                        fast_bert_normalizer_model=tf.ensure_shape(buffer(tf, model), [None]),
                        get_offsets=offsets,
                    )
                )


# Phrases

SPOKEN = strings(
    "I have a dream", "I have coffee's", "coffee. I have  a dream!", "", "  ", "a dreamer", "日本 coffee", "'s"
)
for model in ("phrases", "phrases_with_endings"):

    @graph_case(f"{model}_tokens", _op="PhraseTokenize", texts=SPOKEN)
    def phrases(tf, texts, model=model):
        texts = tf.ensure_shape(texts, [None])
        return list(op(tf, "PhraseTokenize", input_values=texts, phrase_model=buffer(tf, model)))

    @graph_case(f"{model}_text", _op="TFText>PhraseDetokenize", ids=np.array([0, 1, 2, 5, 3, 4, 5], np.int32))
    def phrase_text(tf, ids, model=model):
        return op(
            tf,
            "TFText>PhraseDetokenize",
            input_values=tf.ensure_shape(ids, [None]),
            input_row_splits=tf.constant([0, 4, 4, 7], tf.int64),
            phrase_model=buffer(tf, model),
        )


# Sentencepiece: the library's models

SENTENCES = strings(
    *TEXTS, *BROKEN, "the quick brown fox", "straße été ﬁne Ⅳ", "<sep> x<cls>", "hello\u2581world", "x" * 50
)
SP_MODELS = ("sp_unigram", "sp_bpe", "sp_bytes")


def handle(tf: Any, model: str) -> Any:
    return op(tf, "SentencepieceOp", model=stored(model))


def options(tf: Any, bos: bool = False, eos: bool = False, reverse: bool = False) -> dict[str, Any]:
    return {"add_bos": tf.constant(bos), "add_eos": tf.constant(eos), "reverse": tf.constant(reverse)}


def sampling(tf: Any, size: Any = 0) -> dict[str, Any]:
    return {"nbest_size": tf.constant(size, tf.int32), "alpha": tf.constant(1.0)}


for model in SP_MODELS:
    for out_type in ("int32", "string"):
        for flags in ((False, False, False), (True, True, False), (True, False, True), (False, True, True)):
            label = f"{model}_{out_type}_{''.join(name for name, on in zip('ber', flags, strict=True) if on)}"

            @graph_case(label, _op="SentencepieceTokenizeOp SentencepieceTokenizeWithOffsetsOp", texts=SENTENCES)
            def pieces(tf, texts, model=model, out_type=out_type, flags=flags):
                keywords = {
                    "sp_handle": handle(tf, model),
                    "input": texts,
                    "out_type": tf.as_dtype(out_type),
                    **sampling(tf),
                    **options(tf, *flags),
                }
                plain = op(tf, "SentencepieceTokenizeOp", **keywords, Tsplits=tf.int32)
                places = op(tf, "SentencepieceTokenizeWithOffsetsOp", **(keywords | {"Tsplits": tf.int64}))
                return [*plain, *places]

    @graph_case(f"{model}_words", _op="SentencepieceIdToStringOp SentencepieceStringToIdOp SentencepieceVocabSizeOp")
    def vocabulary(tf, model=model):
        sp = handle(tf, model)
        size = op(tf, "SentencepieceVocabSizeOp", sp_handle=sp)
        ids = tf.range(40)
        words = op(tf, "SentencepieceIdToStringOp", sp_handle=sp, input=ids)
        asked = tf.concat([tf.reshape(words, [-1]), tf.constant(["nothing", "", "\u2581"])], 0)
        return [size, words, op(tf, "SentencepieceStringToIdOp", sp_handle=sp, input=asked)]

    for flags in ((False, False, False), (True, True, False), (False, False, True)):
        label = f"{model}_text_{''.join(name for name, on in zip('ber', flags, strict=True) if on)}"
        ids = np.array([13, 20, 5, 0, 1, 2, 9, 30, 31], np.int32)

        @graph_case(label, _op="SentencepieceDetokenizeOp", ids=ids)
        def text(tf, ids, model=model, flags=flags):
            sp = handle(tf, model)
            splits = tf.constant([0, 3, 3, 6, 9], tf.int64)
            words = op(tf, "SentencepieceIdToStringOp", sp_handle=sp, input=ids)
            keywords = {"sp_handle": sp, "input_splits": splits, **options(tf, *flags)}
            return [
                op(tf, "SentencepieceDetokenizeOp", input_values=ids, **keywords),
                op(tf, "SentencepieceDetokenizeOp", input_values=words, **keywords),
            ]


@graph_case("sp_nbest", _op="SentencepieceTokenizeOp", texts=strings("hello world", "the quick fox", ""))
def nbest(tf, texts):
    keywords = {"sp_handle": handle(tf, "sp_unigram"), "input": texts, **sampling(tf, 3), **options(tf, True)}
    plain = op(tf, "SentencepieceTokenizeOp", out_type=tf.string, Tsplits=tf.int64, return_nbest=True, **keywords)
    places = op(
        tf, "SentencepieceTokenizeWithOffsetsOp", out_type=tf.int32, Tsplits=tf.int64, return_nbest=True, **keywords
    )
    return [*plain, *places]


def tokenized(tf: Any, texts: Any, model: str = "sp_unigram", **changes: Any) -> Any:
    keywords = {"input": texts, **sampling(tf), **options(tf), "out_type": tf.int32, "Tsplits": tf.int64} | changes
    return list(op(tf, "SentencepieceTokenizeOp", sp_handle=handle(tf, model), **keywords))


@graph_case("sp_sizes_for_each", texts=strings("hello world", "the fox"), sizes=np.array([0, 1], np.int32))
def sizes_for_each(tf, texts, sizes):
    return tokenized(tf, texts, nbest_size=sizes)


@graph_case("sp_nothing", texts=strings())
def nothing(tf, texts):
    return tokenized(tf, texts)


@graph_case("sp_matrix", texts=strings("hello", "world", "the", "fox").reshape(2, 2))
def matrix(tf, texts):
    return tokenized(tf, texts)


@graph_case("sp_nbest_of_none", texts=strings("hello"))
def nbest_of_none(tf, texts):
    return tokenized(tf, texts, return_nbest=True)


@graph_case("sp_nbest_for_each", texts=strings("hello"), sizes=np.array([2], np.int32))
def nbest_for_each(tf, texts, sizes):
    return tokenized(tf, texts, return_nbest=True, nbest_size=sizes)


@graph_case("sp_nbest_of_bpe", texts=strings("hello"))
def nbest_of_bpe(tf, texts):
    return tokenized(tf, texts, model="sp_bpe", return_nbest=True, **sampling(tf, 2))


@graph_case("sp_too_many", texts=strings("hello"))
def too_many(tf, texts):
    return tokenized(tf, texts, **sampling(tf, 1000))


@graph_case("sp_no_model", texts=strings("hello"))
def no_model(tf, texts):
    sp = op(tf, "SentencepieceOp", model=b"")
    return op(tf, "SentencepieceStringToIdOp", sp_handle=sp, input=texts)


@graph_case("sp_bad_model", texts=strings("hello"))
def bad_model(tf, texts):
    sp = op(tf, "SentencepieceOp", model=b"no model at all")
    return op(tf, "SentencepieceStringToIdOp", sp_handle=sp, input=texts)


@graph_case("sp_bad_id", ids=np.array([5, 100000], np.int32))
def bad_id(tf, ids):
    keywords = {"sp_handle": handle(tf, "sp_unigram"), "input_splits": tf.constant([0, 2], tf.int64), **options(tf)}
    return op(tf, "SentencepieceDetokenizeOp", input_values=ids, **keywords)


# Fast sentencepiece

for model in ("fast_sp", "fast_sp_plain", "fast_sp_spaces"):
    for flags in ((False, False, False), (True, True, False), (True, False, True)):
        label = f"{model}_{''.join(name for name, on in zip('ber', flags, strict=True) if on)}"

        @graph_case(label, _op="TFText>FastSentencepieceTokenize", texts=SENTENCES)
        def codes(tf, texts, model=model, flags=flags):
            keywords = {"input": texts, **sampling(tf), **options(tf, *flags)}
            return list(
                op(
                    tf,
                    "TFText>FastSentencepieceTokenize",
                    sp_model=buffer(tf, f"{model}_encoder"),
                    out_type=tf.int32,
                    Tsplits=tf.int32,
                    **keywords,
                )
            )

    @graph_case(
        f"{model}_text", _op="TFText>FastSentencepieceDetokenize", ids=np.array([13, 20, 5, 0, 1, 2, 9, 3, 4], np.int32)
    )
    def decoded(tf, ids, model=model):
        return op(
            tf,
            "TFText>FastSentencepieceDetokenize",
            sp_model=buffer(tf, f"{model}_decoder"),
            input_values=ids,
            input_splits=tf.constant([0, 3, 3, 6, 9], tf.int32),
        )


@graph_case("fast_sp_bad_code", _op="TFText>FastSentencepieceDetokenize", ids=np.array([100000], np.int32))
def bad_code(tf, ids):
    return op(
        tf,
        "TFText>FastSentencepieceDetokenize",
        sp_model=buffer(tf, "fast_sp_decoder"),
        input_values=ids,
        input_splits=tf.constant([0, 1], tf.int64),
    )


CASES = graph_cases()
