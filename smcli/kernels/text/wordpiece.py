"""Words to word pieces by a vocabulary in a lookup table, the longest piece first.

Source: wordpiece_tokenizer.cc of TensorFlow Text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._bytes import as_list, text
from smcli.kernels._encodings import decode_one
from smcli.kernels._tables import StaticTable, Table
from smcli.kernels.context import Array, Context
from smcli.kernels.lookup import table_of
from smcli.kernels.registry import kernel
from smcli.kernels.text._rows import splits_of, strings
from smcli.tensors.types import DataType

_OUTSIDE = -1  # the value of words that are not in the vocabulary
_CACHE = 100_000  # words whose pieces are kept
_CHARACTER = re.compile(
    rb"[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}", re.DOTALL
)

Pieces = tuple[list[bytes], list[int], list[int]]


def _vocabulary(table: Table, memory: dict[str, Any]) -> frozenset[bytes]:
    """The words of the table. Those of a table that never changes are remembered."""
    known = memory.get("vocabulary")
    if known is not None and known[0] is table:
        return known[1]  # type: ignore[no-any-return]
    if table.key_dtype is not DataType.STRING or table.value_dtype is not DataType.INT64:
        raise InvalidArgumentError(
            f"vocab_lookup_table must map string to int64, not {table.key_dtype.tf_name} to {table.value_dtype.tf_name}"
        )
    keys, values = table.export()
    words = frozenset(keys[values != _OUTSIDE].tolist())
    if isinstance(table, StaticTable):
        memory.clear()
        memory["vocabulary"] = (table, words)
    return words


def _character_ends(word: bytes) -> list[int]:
    """Where the characters end; bytes that are none as ICU counts them."""
    if word.isascii():
        return list(range(1, len(word) + 1))
    ends = [match.end() for match in _CHARACTER.finditer(word)]
    try:
        word.decode()
    except UnicodeDecodeError:
        _, offsets = decode_one(word, "utf-8")
        ends = [*offsets[1:].tolist(), len(word)]
    return ends


def _splitter(
    vocabulary: Collection[bytes],
    suffix: bytes,
    unknown: bytes | None,
    max_bytes: int,
    max_characters: int,
    split_unknown: bool,
) -> Callable[[bytes], Pieces]:
    """The function from a word to its pieces with their first and last byte. unknown: None to leave words as they
    are."""
    longest = max(map(len, vocabulary), default=0)

    def split(word: bytes) -> Pieces:
        if len(word) > max_bytes:
            replaced = word if unknown is None else unknown
            return [replaced], [0], [len(replaced)]
        pieces: list[bytes] = []
        starts: list[int] = []
        ends: list[int] = []
        borders = _character_ends(word)
        start, number, count = 0, 0, len(borders)
        while number < count:
            prefix = suffix if start else b""
            last = count if max_characters <= 0 else min(count, number + max_characters)
            reach = start + longest - len(prefix)
            for end in range(last, number, -1):
                border = borders[end - 1]
                if border <= reach and prefix + word[start:border] in vocabulary:
                    pieces.append(prefix + word[start:border])
                    break
            else:
                if not split_unknown:
                    return [word if unknown is None else unknown], [0], [len(word)]
                end = number + 1
                border = borders[number]
                pieces.append(prefix + (word[start:border] if unknown is None else unknown))
            starts.append(start)
            ends.append(border)
            start, number = border, end
        return pieces, starts, ends

    return split


@kernel("WordpieceTokenizeWithOffsets")
def wordpiece_tokenize_with_offsets(
    input_values: Array,
    vocab_lookup_table: Any,
    *,
    suffix_indicator: str,
    max_bytes_per_word: int,
    use_unknown_token: bool,
    unknown_token: str,
    max_chars_per_token: int = 0,
    split_unknown_characters: bool = False,
    output_row_partition_type: str = "row_lengths",
    context: Context,
) -> tuple[Array, Array, Array, Array]:
    """Pieces, lengths of rows (or row splits), and the pieces' first and last byte in their word."""
    vocabulary = _vocabulary(table_of(vocab_lookup_table), context.memory)
    split = _splitter(
        vocabulary,
        text(suffix_indicator),
        text(unknown_token) if use_unknown_token else None,
        max_bytes_per_word,
        max_chars_per_token,
        split_unknown_characters,
    )
    cache: dict[bytes, Pieces] = context.memory.setdefault("pieces", {}) if "vocabulary" in context.memory else {}
    if len(cache) > _CACHE:
        cache.clear()
    pieces: list[bytes] = []
    starts: list[int] = []
    ends: list[int] = []
    counts = []
    for word in as_list(input_values):
        found = cache.get(word)
        if found is None:
            found = cache[word] = split(word)
        pieces += found[0]
        starts += found[1]
        ends += found[2]
        counts.append(len(found[0]))
    partition = np.array(counts, np.int64) if output_row_partition_type == "row_lengths" else splits_of(counts)
    return strings(pieces), partition, np.array(starts, np.int64), np.array(ends, np.int64)
