"""Strings cut at regular expressions, at given bytes, or where labels and scores say.

Sources: regex_split.cc, split_merge_tokenize_kernel.cc, tokenizer_from_logits_kernel.cc, byte_splitter.cc and
utf8_binarize.cc of TensorFlow Text.
"""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np

from smcli.errors import InternalError, InvalidArgumentError
from smcli.kernels._bytes import as_list, lengths_of, one
from smcli.kernels._checks import checked_size
from smcli.kernels._encodings import decode_all
from smcli.kernels._re2 import Pattern, compile_pattern, pattern_for
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.kernels.text._rows import checked_splits, splits_of, strings, vector
from smcli.kernels.text._unicode import WHITESPACE

DEVIATIONS = {
    "RegexSplitWithOffsets": "delimiters that match the empty string are refused, where TensorFlow Text runs for ever"
}

# One character by the length that its first byte claims; what the text is too short for is one character too.
_CHARACTER = re.compile(rb"[\x00-\xbf]|[\xc0-\xdf].|[\xe0-\xef]..|[\xf0-\xff]...|.+", re.DOTALL)
_SPACES = frozenset(chr(code).encode() for code in WHITESPACE)
_LOOKS_BACK = re.compile(rb"\^|\\[AbB]|\(\?[a-zA-Z-]*m")


def _delimiters(text: bytes, pattern: Pattern, looks_back: bool) -> list[tuple[int, int, int]]:
    """Where the delimiters (the pattern's first group) start and end, and where each match ends.

    RE2 forgets what came before when it goes on after a match, so `^` and `\\b` see the rest as a text of its own.
    """
    found: list[tuple[int, int, int]] = []
    position = 0
    while True:
        match = pattern.search(text[position:], 0) if looks_back else pattern.search(text, position)
        if match is None:
            return found
        shift = position if looks_back else 0
        end = match[0][1] + shift
        if end == match[0][0] + shift or match[1][0] < 0:
            raise InvalidArgumentError("delim_regex_pattern matches the empty string, or leaves its first group out")
        found.append((match[1][0] + shift, match[1][1] + shift, end))
        position = end


@kernel("RegexSplitWithOffsets")
def regex_split_with_offsets(
    input: Array, delim_regex_pattern: Array, keep_delim_regex_pattern: Array
) -> tuple[Array, ...]:
    """Tokens between delimiters, their first and last byte, row splits.

    Delimiters that all of `keep_delim_regex_pattern` matches are tokens too.
    """
    values = as_list(input)
    longest = max(map(len, values), default=0)
    source, keep_source = one(delim_regex_pattern), one(keep_delim_regex_pattern)
    pattern = pattern_for(compile_pattern(source), longest)
    keep = pattern_for(compile_pattern(keep_source), longest) if keep_source else None
    looks_back = _LOOKS_BACK.search(source) is not None
    spans: list[tuple[int, int]] = []
    tokens: list[bytes] = []
    counts = []
    for value in values:
        text = value.split(b"\0", 1)[0]  # the kernel takes the text for one that a NUL ends
        start, before = 0, len(spans)
        for first, last, end in _delimiters(text, pattern, looks_back) if pattern.groups else ():
            if first > start:
                spans.append((start, first))
            if keep is not None and keep.full_match(text[first:last]):
                spans.append((first, last))
            start = end
        if start < len(text):
            spans.append((start, len(text)))
        tokens += [text[first:last] for first, last in spans[before:]]
        counts.append(len(spans) - before)
    places = np.array(spans, np.int64).reshape(len(spans), 2)
    return strings(tokens), places[:, 0].copy(), places[:, 1].copy(), splits_of(counts)


class _Tokens:
    """Tokens as they are put together from characters."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.starts: list[int] = []
        self.limits: list[int] = []
        self.counts: list[int] = []

    def add(self, characters: list[bytes], splits: list[bool], force: bool) -> None:
        """The tokens of one string: a new one where `splits` says so, after a space if `force`, and at the start."""
        before, start, was_space = len(self.values), 0, False
        for character, split in zip(characters, splits, strict=False):
            space = character in _SPACES
            end = start + len(character)
            if not space:
                if split or len(self.values) == before or (was_space and force):
                    self.values.append(character)
                    self.starts.append(start)
                    self.limits.append(end)
                else:
                    self.values[-1] += character
                    self.limits[-1] = end
            start, was_space = end, space
        self.counts.append(len(self.values) - before)

    def outputs(self) -> tuple[Array, Array, Array, Array]:
        starts, limits = np.array(self.starts, np.int64), np.array(self.limits, np.int64)
        return strings(self.values), splits_of(self.counts), starts, limits


@kernel("SplitMergeTokenizeWithOffsets")
def split_merge_tokenize_with_offsets(
    input_values: Array, labels: Array, row_splits: Array, *, force_split_at_break_character: bool = True
) -> tuple[Array, ...]:
    """Tokens, row splits, first and last byte of each; label 0 starts a new token at its character."""
    values = as_list(input_values)
    if len(np.ravel(row_splits)) != len(values) + 1:
        raise InvalidArgumentError(f"Expecting row_splits have {len(values) + 1} elements, got {np.size(row_splits)}")
    flat = np.ravel(labels)
    bounds = checked_splits(row_splits, len(flat), "row_splits").tolist()
    splits = (flat == 0).tolist()
    tokens = _Tokens()
    for value, (first, last) in zip(values, pairwise(bounds), strict=True):
        characters = _CHARACTER.findall(value)
        if len(characters) > last - first:
            shown = value.decode("utf-8", "replace")
            raise InvalidArgumentError(f"Number of labels {last - first} is insufficient for text {shown}")
        tokens.add(characters, splits[first:last], force_split_at_break_character)
    return tokens.outputs()


@kernel("TokenizerFromLogits")
def tokenizer_from_logits(
    strings: Array, logits: Array, force_split_at_break_character: Array
) -> tuple[Array, Array, Array, Array]:
    """SplitMergeTokenizeWithOffsets where logits [strings, characters, 2] score splitting and merging."""
    values, logits = as_list(strings), np.asarray(logits)
    if logits.ndim != 3 or len(logits) != len(values):
        raise InvalidArgumentError(
            f"Expecting logits to have {len(values)} rows and rank 3, got shape {list(logits.shape)}"
        )
    if logits.shape[2] != 2:
        raise InternalError(f"Bad logits dimension #2: {logits.shape[2]} != 2")
    force = bool(np.asarray(force_split_at_break_character).item())
    splits = (logits[:, :, 0] > logits[:, :, 1]).tolist()
    tokens = _Tokens()
    for value, row in zip(values, splits, strict=True):
        characters = _CHARACTER.findall(value)
        if len(characters) > len(row):
            shown = value.decode("utf-8", "replace")
            raise InvalidArgumentError(f'Number of logits, {len(row)}, is insufficient for text "{shown}"')
        tokens.add(characters, row, force)
    return tokens.outputs()


@kernel("TFText>ByteSplitWithOffsets")
def byte_split_with_offsets(input_values: Array) -> tuple[Array, Array, Array, Array]:
    """All bytes (uint8), row splits, first and last byte of each byte in its string (int32)."""
    values = as_list(vector(input_values, "Input values shape"))
    splits = splits_of(lengths_of(values))
    starts = (np.arange(splits[-1]) - np.repeat(splits[:-1], np.diff(splits))).astype(np.int32)
    return np.frombuffer(b"".join(values), np.uint8), splits, starts, starts + np.int32(1)


@kernel("TFText>ByteSplitByOffsets")
def byte_split_by_offsets(
    input_values: Array, input_start_offsets: Array, input_end_offsets: Array, input_row_splits: Array
) -> tuple[Array, Array]:
    """The bytes [start, end) of each string, and row splits."""
    values = as_list(vector(input_values, "Input values shape"))
    starts = vector(input_start_offsets, "Input start offsets shape")
    ends = vector(input_end_offsets, "Input end offsets shape")
    splits = checked_splits(input_row_splits, min(len(starts), len(ends)), "input_row_splits")
    if len(splits) < len(values) + 1:
        raise InvalidArgumentError(f"{len(values)} strings need {len(values) + 1} row splits, but got {len(splits)}")
    counts = np.diff(splits)[: len(values)]
    span = slice(splits[0], splits[len(values)])
    first, last = starts[span].astype(np.int64), ends[span].astype(np.int64)
    sizes = np.repeat(lengths_of(values), counts)
    if ((first < 0) | (first > sizes)).any():
        raise InvalidArgumentError("Start offsets out of range.")
    if ((last < 0) | (last > sizes)).any():
        raise InvalidArgumentError("End offsets out of range.")
    if (first > last).any():
        raise InvalidArgumentError("Start offset after end offset.")
    rows = np.repeat(np.arange(len(values)), counts).tolist()
    pieces = [values[row][a:b] for row, a, b in zip(rows, first.tolist(), last.tolist(), strict=True)]
    return strings(pieces), splits_of(counts)


@kernel("TFText>Utf8Binarize")
def utf8_binarize(input_tokens: Array, *, word_length: int, bits_per_char: int, replacement_char: int) -> Array:
    """The lowest bits of the first `word_length` code points of each string, as float32 0 and 1."""
    values = as_list(vector(input_tokens, "input_tokens"))
    if word_length < 0 or bits_per_char < 0:
        raise InvalidArgumentError(f"word_length {word_length} and bits_per_char {bits_per_char} must not be negative")
    checked_size((len(values), word_length, bits_per_char))
    codes, _, counts = decode_all(values, "UTF-8")
    codes = np.where(codes < 0, replacement_char, codes).astype(np.int32)
    rows = np.repeat(np.arange(len(values)), counts)
    columns = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    seen = columns < word_length
    result = np.zeros((len(values), word_length, bits_per_char), np.float32)
    shifts = np.minimum(np.arange(bits_per_char), 31)
    result[rows[seen], columns[seen]] = codes[seen, None] >> shifts & 1
    return result.reshape(len(values), word_length * bits_per_char)
