"""What the tokenizers must know of characters, and the normalisation forms, as TensorFlow Text's ICU has them.

Normalisation is Python's, which agrees with ICU on all characters that both know. Characters newer than Unicode 13.0
(that of Python 3.10) have their rules in `_unicode_data`, so that the results do not depend on Python's version.
Bytes that are not UTF-8 pass through unchanged (as surrogate escapes), as in ICU.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
import zlib
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal

import numpy as np

from smcli.kernels.context import Array
from smcli.kernels.text._unicode_data import PACKED

MAX = 0x10FFFF
WHITESPACE = (
    *range(0x9, 0xE),
    0x20,
    0x85,
    0xA0,
    0x1680,
    *range(0x2000, 0x200B),
    0x2028,
    0x2029,
    0x202F,
    0x205F,
    0x3000,
)
# Chinese characters and ASCII symbols that count as punctuation (fast_wordpiece_tokenizer_utils.h)
_CHINESE = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
_SYMBOLS = b"$+<=>^`|~"

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]

SPACE, PUNCTUATION, BREAKING, TERMINAL, CLOSE, OPEN = 1, 2, 4, 8, 16, 32


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(zlib.decompress(base64.b85decode(PACKED)))
    return data


@cache
def flags() -> Array:
    """For each code point the properties SPACE, PUNCTUATION (category P), BREAKING (what fast wordpiece splits at, bar
    spaces), TERMINAL, CLOSE and OPEN, as bits of a uint8."""
    table = np.zeros(MAX + 1, np.uint8)
    table[list(WHITESPACE)] |= SPACE
    for name, bits in (
        ("punctuation", PUNCTUATION | BREAKING),
        ("terminal", TERMINAL),
        ("close", CLOSE),
        ("open", OPEN),
    ):
        runs = _data()[name]
        for start, end in zip(runs[::2], runs[1::2], strict=True):
            table[start:end] |= bits
    for first, last in _CHINESE:
        table[first : last + 1] |= BREAKING
    table[list(_SYMBOLS)] |= BREAKING
    return table


@cache
def flag_bytes() -> bytes:
    """`flags` for lookups one by one."""
    return flags().tobytes()


def is_whitespace(codes: Array) -> Array:
    """Which code points are white space (u_isUWhiteSpace). Numbers that are no code points are not."""
    valid = (codes >= 0) & (codes <= MAX)
    spaces: Array = valid & ((flags()[np.where(valid, codes, 0)] & SPACE) != 0)
    return spaces


def decoded(value: bytes) -> str:
    """The text of a string; bytes that are not UTF-8 as surrogate escapes."""
    return value.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@cache
def _newer() -> re.Pattern[str]:
    """Matches the characters that the tables below have rules for."""
    data = _data()
    characters = {chr(int(code)) for name in ("canonical", "compatible", "classes") for code in data[name]}
    characters.update(char for text in data["canonical"].values() for char in text if not unicodedata.combining(char))
    return re.compile("[" + "".join(map(re.escape, sorted(characters))) + "]")


@cache
def _classes() -> dict[str, int]:
    return {chr(int(code)): value for code, value in _data()["classes"].items()}


@cache
def _decompositions(compatible: bool) -> dict[str, str]:
    data = _data()
    names = ("canonical", "compatible") if compatible else ("canonical",)
    return {chr(int(code)): text for name in names for code, text in data[name].items()}


@cache
def newer_canonical() -> dict[str, str]:
    """Characters after Unicode 13.0 to the two that compose to them."""
    whole = {text: chr(int(code)) for code, text in _data()["canonical"].items()}
    return {char: whole.get(text[:-1], text[:-1]) + text[-1] for text, char in whole.items()}


@cache
def _compositions() -> dict[str, str]:
    """Pairs of characters to what they compose to."""
    return {pair: char for char, pair in newer_canonical().items()}


def combining_class(char: str) -> int:
    return _classes().get(char) or unicodedata.combining(char)


def decompose(char: str, compatible: bool) -> str:
    """The full decomposition of one character, in canonical order."""
    found = _decompositions(compatible).get(char)
    return found if found is not None else unicodedata.normalize("NFKD" if compatible else "NFD", char)


def _compose_pair(first: str, second: str) -> str | None:
    found = _compositions().get(first + second)
    if found is not None:
        return found
    joined = unicodedata.normalize("NFC", first + second)
    return joined if len(joined) == 1 else None


def reordered(chars: Iterable[str]) -> list[str]:
    """Characters with the marks between starters sorted by their combining classes."""
    result: list[str] = []
    marks: list[str] = []
    for char in chars:
        if combining_class(char):
            marks.append(char)
            continue
        result += sorted(marks, key=combining_class)
        marks.clear()
        result.append(char)
    return result + sorted(marks, key=combining_class)


def composed(chars: list[str]) -> list[str]:
    """The canonical composition of decomposed characters (Unicode, section 3.11)."""
    result: list[str] = []
    starter, last_class = -1, 0  # where the last starter is in `result`, the class of what was last kept after it
    for char in chars:
        this_class = combining_class(char)
        if starter >= 0 and (last_class < this_class or starter == len(result) - 1):
            joined = _compose_pair(result[starter], char)
            if joined is not None:
                result[starter] = joined
                continue
        if this_class == 0:
            starter = len(result)
        last_class = this_class
        result.append(char)
    return result


def normalize(text: str, form: Form) -> str:
    """`text` in NFC, NFD, NFKC or NFKD."""
    if text.isascii():
        return text
    if _newer().search(text) is None:
        return unicodedata.normalize(form, text)
    chars = reordered(part for char in text for part in decompose(char, "K" in form))
    return "".join(composed(chars) if form.endswith("C") else chars)


class _Folding(dict[int, str]):
    """Code point to its NFKC_Casefold, worked out when first asked for."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folded = unicodedata.normalize("NFD", char).casefold()
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold())
        folded = self[code] = unicodedata.normalize("NFKC", folded)
        return folded


@cache
def _folding() -> _Folding:
    data = _data()
    table = _Folding({int(code): text for code, text in data["folded"].items()})
    for start, end in zip(data["ignored"][::2], data["ignored"][1::2], strict=True):
        table.update(dict.fromkeys(range(start, end), ""))
    return table


def casefold(text: str) -> str:
    """NFKC_Casefold: each character's mapping, then NFC."""
    return text.lower() if text.isascii() else normalize(text.translate(_folding()), "NFC")
