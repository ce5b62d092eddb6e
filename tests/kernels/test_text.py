"""The ops of TensorFlow Text beyond the recorded cases: other names, damaged models, characters newer than Python's."""

from __future__ import annotations

import lzma
import struct
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from smcli.errors import InvalidArgumentError, SmcliError
from smcli.graph.schema import find_schema
from smcli.kernels import registry
from smcli.kernels.context import Array, Context, NoFiles, Resources
from smcli.kernels.text import _unicode
from smcli.kernels.text._edits import offsets_map
from smcli.kernels.text.fast_wordpiece import Model, fast_wordpiece_tokenize_with_offsets, tokenize
from smcli.kernels.text.splitting import regex_split_with_offsets
from smcli.kernels.text.whitespace import whitespace_tokenize_with_offsets

FOLDER = Path(__file__).resolve().parent.parent.parent / "fixtures" / "text"
ALIASES = {
    "TFText>FastBertNormalize": "FastBertNormalize",
    "TFText>FastWordpieceTokenizeWithOffsets": "FastWordpieceTokenizeWithOffsets",
    "WhitespaceTokenizeWithOffsetsV2": "TFText>WhitespaceTokenizeWithOffsetsV2",
}


def stored(name: str) -> bytes:
    return lzma.decompress((FOLDER / f"{name}.xz").read_bytes())


def strings(*values: bytes) -> Array:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def scalar(value: bytes) -> Array:
    return np.array(value, dtype=object)


@pytest.mark.parametrize("alias", ALIASES)
def test_ops_of_other_releases_are_the_same(alias: str) -> None:
    found, original = registry.find(alias), registry.find(ALIASES[alias])
    assert found is not None
    assert original is not None
    assert found.function is original.function
    ours, theirs = find_schema(alias), find_schema(ALIASES[alias])
    assert ours is not None
    assert theirs is not None
    assert (ours.inputs, ours.outputs, ours.attrs) == (theirs.inputs, theirs.outputs, theirs.attrs)


def test_failure_links_in_a_circle_end() -> None:
    model = Model(stored("wordpiece_words"))
    model.failure = [5] * len(model.failure)
    model.pops = [0] * len(model.pops)
    with pytest.raises(InvalidArgumentError, match="circle"):
        tokenize(model, b"abcdefgh")


@pytest.mark.parametrize("size", [0, 3, 8, 60, 300])
def test_a_cut_model_is_refused(size: int) -> None:
    buffer = np.frombuffer(stored("wordpiece_words")[:size], np.uint8)
    context = Context("node", Resources(), NoFiles(), lambda ref: lambda values: [])
    with pytest.raises(SmcliError):
        fast_wordpiece_tokenize_with_offsets(strings(b"hello"), buffer, context=context)


def test_a_vector_longer_than_the_buffer_is_refused() -> None:
    data = bytearray(stored("wordpiece_words"))
    table = struct.unpack_from("<I", data)[0]
    vtable = table - struct.unpack_from("<i", data, table)[0]
    place = table + struct.unpack_from("<H", data, vtable + 4)[0]
    struct.pack_into("<I", data, place + struct.unpack_from("<I", data, place)[0], 2**31)
    with pytest.raises(InvalidArgumentError, match="cut off or damaged"):
        Model(bytes(data))


def test_sentencepiece_tables_are_checked() -> None:
    sentence_pieces = pytest.importorskip("smcli.kernels.text.sentence_pieces")
    pytest.importorskip("sentencepiece")
    model = stored("sp_unigram")
    start = model.index(b"\x12", model.index(b"nmt_nfkc") + 8)
    damaged = bytearray(model)
    damaged[start + 2000 : start + 2400] = b"\x7f" * 400
    with pytest.raises(InvalidArgumentError, match="outside of their"):
        sentence_pieces.Processor(bytes(damaged))


def test_a_delimiter_that_matches_nothing_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="empty string"):
        regex_split_with_offsets(strings(b"abc"), scalar(rb"(x*)"), scalar(b""))


def test_white_space_alone_has_no_tokens() -> None:
    codes = np.array([32, 9], np.int32)
    values, inner, starts, limits, outer = whitespace_tokenize_with_offsets(codes, np.array([0, 1, 2]))
    assert (values.tolist(), inner.tolist(), starts.tolist(), limits.tolist()) == ([], [0], [], [])
    assert outer.tolist() == [0, 0, 0]


def test_characters_newer_than_python_are_normalised() -> None:
    for text, form, expected in [
        ("\U000105d2\u0307", "NFC", "\U000105c9"),
        ("\U000105c9", "NFD", "\U000105d2\u0307"),
        ("\U0001ccd6", "NFKC", "A"),
        ("\U00016d6a", "NFD", "\U00016d63\U00016d67\U00016d67"),
    ]:
        assert _unicode.normalize(text, form) == expected  # type: ignore[arg-type]


def test_own_composition_is_pythons() -> None:
    """The slow path, which newer characters need, on characters that Python knows."""
    for code in [*range(0xC0, 0x250), *range(0x1E00, 0x2000), 0xAC00, 0xAC01, 0x0DDD, 0x0F73]:
        char = chr(code)
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            text = char + "\u0323\u0301"
            chars = _unicode.reordered(part for one in text for part in _unicode.decompose(one, "K" in form))
            done = "".join(_unicode.composed(chars) if form.endswith("C") else chars)
            assert done == unicodedata.normalize(form, text), (char, form)


def test_offsets_beyond_the_text_are_its_end() -> None:
    edits = offsets_map("a½b", "NFKC")
    assert edits.source_offsets(np.array([-1, 0, 1, 2, 6, 7, 99])).tolist() == [0, 0, 1, 3, 3, 4, 4]
