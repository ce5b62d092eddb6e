"""Tokens between white space, or of one Unicode script.

Sources: whitespace_tokenize_kernel.cc, unicode_script_tokenize_kernel.cc, whitespace_tokenizer.cc of TensorFlow Text.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.kernels._bytes import as_list, lengths_of, one
from smcli.kernels._encodings import decode_all
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.kernels.text._rows import checked_splits, splits_of, strings, vector
from smcli.kernels.text._unicode import is_whitespace
from smcli.kernels.unicode import unicode_script

DEVIATIONS = {
    "WhitespaceTokenizeWithOffsets": "text without tokens is no problem, where TensorFlow Text's process dies"
}


def _row_starts(splits: Array, count: int) -> Array:
    """Which of the values from splits[0] to splits[-1] is the first of its row."""
    first = np.zeros(count + 1, bool)
    first[splits[:-1] - splits[0]] = True
    return first[:count]


def _ragged_tokens(
    codes: Array, splits: Array, kept: Array, starts: Array, ends: Array, dtype: Any
) -> tuple[Array, Array, Array, Array, Array]:
    """The outputs of both ops from the kept code points and the places [start, end) of the tokens."""
    base = splits[0]
    position = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept)])
    inner = np.append(position[starts], position[-1])
    outer = np.searchsorted(starts, splits - base)
    origin = (splits - base)[np.searchsorted(splits - base, starts, side="right") - 1]
    return codes[kept], inner.astype(dtype), starts - origin, ends - origin, outer.astype(dtype)


@kernel("WhitespaceTokenizeWithOffsets")
def whitespace_tokenize_with_offsets(input_values: Array, input_splits: Array) -> tuple[Array, ...]:
    """Code points [n] in rows to those of the tokens, inner splits, starts and limits in the row, outer splits."""
    codes = np.asarray(input_values).ravel()
    splits = checked_splits(input_splits, len(codes), "input_splits")
    codes = codes[splits[0] : splits[-1]]
    kept = ~is_whitespace(codes)
    first = _row_starts(splits, len(codes))
    before = np.concatenate([np.zeros(1, bool), kept[:-1]])[: len(codes)] & ~first
    after = np.concatenate([kept[1:] & ~first[1:], np.zeros(1, bool)])[: len(codes)]
    starts = np.flatnonzero(kept & ~before)
    ends = np.flatnonzero(kept & ~after) + 1
    values, inner, begins, limits, outer = _ragged_tokens(codes, splits, kept, starts, ends, input_splits.dtype)
    return values, inner, begins, limits, outer.reshape(np.shape(input_splits))


@kernel("UnicodeScriptTokenizeWithOffsets")
def unicode_script_tokenize_with_offsets(
    input_values: Array, input_splits: Array, *, keep_whitespace: bool = False
) -> tuple[Array, ...]:
    """As WhitespaceTokenizeWithOffsets, with a new token wherever the script changes.

    Without `keep_whitespace`, spaces are left out even inside of a token.
    """
    codes = np.asarray(input_values).ravel()
    splits = checked_splits(input_splits, len(codes), "input_splits")
    codes = codes[splits[0] : splits[-1]]
    count = len(codes)
    spaces = is_whitespace(codes)
    scripts = np.asarray(unicode_script(codes))
    first = _row_starts(splits, count)
    changes = first.copy()
    changes[1:] |= scripts[1:] != scripts[:-1]
    if keep_whitespace:
        changes[1:] |= spaces[1:] != spaces[:-1]
    kept = np.ones(count, bool) if keep_whitespace else ~spaces
    # A token goes from the first to the last kept character of a run between changes.
    run = np.cumsum(changes)[kept]
    places = np.flatnonzero(kept)
    new = np.ones(len(run), bool)
    new[1:] = run[1:] != run[:-1]
    last = np.ones(len(run), bool)
    last[:-1] = new[1:]
    values, inner, begins, limits, outer = _ragged_tokens(
        codes, splits, kept, places[new], places[last] + 1, input_splits.dtype
    )
    return values, inner, begins, limits, outer.reshape(np.shape(input_splits))


def _listed(codes: Array, config: bytes) -> Array:
    """Which code points have their bit set in a WhitespaceTokenizerConfig."""
    bits = np.unpackbits(np.frombuffer(config, np.uint8), bitorder="little").astype(bool)
    known = (codes >= 0) & (codes < len(bits))
    if not len(bits):
        return known
    found: Array = known & bits[np.where(known, codes, 0)]
    return found


def whitespace_spans(values: list[bytes], config: bytes) -> tuple[Array, Array, Array]:
    """Starts and ends (bytes in the string) of the tokens of all strings, and how many each string has."""
    codes, offsets, counts = decode_all(values, "UTF-8")
    lengths = lengths_of(values)
    rows = np.repeat(np.arange(len(values)), counts)
    sizes = np.empty(len(codes), np.int64)
    sizes[:-1] = offsets[1:] - offsets[:-1]
    last = np.cumsum(counts)[counts > 0] - 1
    sizes[last] = lengths[counts > 0] - offsets[last]
    kept = ~_listed(codes, config)
    same_row = np.zeros(len(codes), bool)
    same_row[1:] = rows[1:] == rows[:-1]
    before = same_row.copy()
    before[1:] &= kept[:-1]
    starts = np.flatnonzero(kept & ~before)
    follows = np.zeros(len(codes), bool)
    follows[:-1] = same_row[1:]
    spaced = follows.copy()
    spaced[:-1] &= ~kept[1:]
    finals = np.flatnonzero(kept & (~follows | spaced))
    ends = offsets[finals] + sizes[finals]
    # The kernel counts back one byte from the end of the white space, however long that is.
    ended = np.flatnonzero(spaced[finals])
    ends[ended] += sizes[finals[ended] + 1] - 1
    return offsets[starts], ends, np.bincount(rows[starts], minlength=len(values))


@kernel("TFText>WhitespaceTokenizeWithOffsetsV2", "WhitespaceTokenizeWithOffsetsV2")
def whitespace_tokenize_with_offsets_v2(input_values: Array, input_config: Array) -> tuple[Array, ...]:
    """Tokens of each string, row splits, and their first and last byte (int32).

    `input_config` has a bit for each code point that is white space.
    """
    values = as_list(vector(input_values, "input_values"))
    starts, ends, counts = whitespace_spans(values, one(input_config))
    rows = np.repeat(np.arange(len(values)), counts).tolist()
    spans = zip(rows, starts.tolist(), ends.tolist(), strict=True)
    tokens = [values[row][start:end] for row, start, end in spans]
    return strings(tokens), splits_of(counts), starts.astype(np.int32), ends.astype(np.int32)
