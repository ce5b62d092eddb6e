"""Strings into tokens, tokens into n-grams.

tensorflow/core/kernels/string_split_op.cc, string_ngrams_op.cc.
"""

from __future__ import annotations

import re
from functools import partial
from itertools import chain, pairwise

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._bytes import as_array, as_list, lengths_of, one, text
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel

Sparse = tuple[Array, Array, Array]  # indices [n, 2], values [n], dense shape [2]


def _checked(x: Array, separator: Array, name: str) -> tuple[list[bytes], bytes]:
    if np.ndim(x) != 1:
        raise InvalidArgumentError(f"input must be a vector, got shape: {list(np.shape(x))}")
    if np.ndim(separator) != 0:
        raise InvalidArgumentError(f"{name} must be a scalar, got shape: {list(np.shape(separator))}")
    return as_list(x), one(separator)


def _sparse(rows: list[list[bytes]]) -> Sparse:
    counts = np.fromiter(map(len, rows), np.int64, len(rows))
    return _sparse_of(list(chain.from_iterable(rows)), counts)


def _sparse_of(values: list[bytes], counts: Array) -> Sparse:
    """All rows' tokens, and how many each row has."""
    indices = np.empty((len(values), 2), np.int64)
    indices[:, 0] = np.repeat(np.arange(len(counts)), counts)
    indices[:, 1] = np.arange(len(values)) - np.repeat(np.cumsum(counts) - counts, counts)
    return indices, as_array(values, (len(values),)), np.array([len(counts), counts.max(initial=0)], np.int64)


_SPACE = b" \t\n\v\f\r"


def _sums_by_row(flags: Array, values: list[bytes]) -> Array:
    """How many flags are set in each string of strings joined by single bytes, the joints not counted with either."""
    totals = np.concatenate([np.zeros(1, np.int64), np.cumsum(flags)])
    lengths = lengths_of(values)
    starts = np.cumsum(lengths) - lengths + np.arange(len(values))
    sums: Array = totals[starts + lengths] - totals[starts]
    return sums


def _tokens(values: list[bytes], separators: bytes) -> Sparse:
    """What stands between runs of separators, in one go: the strings joined by one have the same tokens."""
    one_of = separators[:1]
    joined = one_of.join(values)
    if len(separators) > 1:
        joined = joined.translate(bytes.maketrans(separators, one_of * len(separators)))
    is_separator = np.frombuffer(joined, np.uint8) == one_of[0]
    starts = ~is_separator
    starts[1:] &= is_separator[:-1]
    return _sparse_of(list(filter(None, joined.split(one_of))), _sums_by_row(starts, values))


def _all_at_byte(values: list[bytes], separator: bytes) -> Sparse:
    """Split at one byte in one go: the strings joined by it have the same pieces."""
    if not values:
        return _sparse([])
    joined = separator.join(values)
    found = np.frombuffer(joined, np.uint8) == separator[0]
    return _sparse_of(joined.split(separator), _sums_by_row(found, values) + 1)


def _split_space_some(value: bytes, maxsplit: int) -> list[bytes]:
    """At most `maxsplit` tokens and then the rest, even if the rest is empty."""
    tokens = value.split(None, maxsplit)
    if len(tokens) == maxsplit:
        return [*tokens, b""]
    return tokens


@kernel("StringSplitV2")
def string_split_v2(x: Array, sep: Array, *, maxsplit: int = -1) -> Sparse:
    """Each string split at `sep`, or at runs of white space when `sep` is empty, as a sparse tensor.

    x: [rows]; sep: []. Raises InvalidArgumentError for other ranks.
    """
    values, separator = _checked(x, sep, "sep")
    if maxsplit == 0:
        return _sparse([[value] for value in values])
    if len(separator) == 1 and maxsplit < 0:
        return _all_at_byte(values, separator)
    if separator:
        return _sparse([value.split(separator, maxsplit) for value in values])
    if maxsplit > 0:
        return _sparse([_split_space_some(value, maxsplit) for value in values])
    return _tokens(values, _SPACE)


_BYTES = [bytes([value]) for value in range(256)]


def _single_bytes(value: bytes) -> list[bytes]:
    return list(map(_BYTES.__getitem__, value))


@kernel("StringSplit")
def string_split(x: Array, delimiter: Array, *, skip_empty: bool = True) -> Sparse:
    """Each string split at every byte that is in `delimiter`, or into single bytes when that is empty."""
    values, delimiters = _checked(x, delimiter, "delimiter")
    if not delimiters:
        return _sparse(list(map(_single_bytes, values)))
    if skip_empty:
        return _tokens(values, delimiters)
    split = re.compile(b"[" + re.escape(delimiters) + b"]").split
    return _sparse([split(value) if value else [] for value in values])


def _check_splits(splits: Array, size: int) -> Array:
    """Row splits as int64. Raises InvalidArgumentError unless they rise from 0 to `size`."""
    found = np.asarray(splits, np.int64)
    if found.size == 0:
        return np.zeros(1, np.int64)
    if found[0] != 0:
        raise InvalidArgumentError(f"First split value must be 0, got {found[0]}")
    if (found[1:] < found[:-1]).any() or (found > size).any():
        raise InvalidArgumentError(f"Invalid split values, must be in the range [0, {size}] and not fall")
    if found[-1] != size:
        raise InvalidArgumentError(f"Last split value must be data size. Expected {size}, got {found[-1]}")
    return found


def _padded(values: list[bytes], splits: Array, left: bytes, right: bytes, pad: int) -> tuple[list[bytes], Array]:
    """All tokens, each row with `pad` tokens on both sides, and where the padded rows start."""
    if not pad:
        return values, splits[:-1]
    ends = splits.tolist()
    before, after = [left] * pad, [right] * pad
    padded: list[bytes] = []
    for start, end in pairwise(ends):
        padded += before
        padded += values[start:end]
        padded += after
    return padded, splits[:-1] + 2 * pad * np.arange(len(splits) - 1)


@kernel("StringNGrams")
def string_ngrams(
    data: Array,
    data_splits: Array,
    *,
    separator: str,
    ngram_widths: tuple[int, ...],
    left_pad: str,
    right_pad: str,
    pad_width: int,
    preserve_short_sequences: bool,
) -> tuple[Array, Array]:
    """N-grams of each row of a ragged [rows, None] tensor: row by row, width by width.

    Returns values and row splits.
    """
    splits_type = np.asarray(data_splits).dtype
    if any(width <= 0 for width in ngram_widths):
        raise InvalidArgumentError(f"ngram_widths must contain positive values, got {list(ngram_widths)}")
    if preserve_short_sequences and not ngram_widths and pad_width < 0:
        raise InvalidArgumentError(
            "pad_width should be >= 0 when preserve_short_sequences is True and ngram_widths are not provided, "
            f"got {pad_width}"
        )
    shape, data_splits = data_splits.shape, data_splits.reshape(-1)  # a scalar counts as a vector of one
    if data_splits.size == 0:  # TensorFlow gives as many empty strings as there are tokens
        return np.full(data.shape, b"", object), data_splits
    values = as_list(data)
    splits = _check_splits(data_splits, len(values))
    lengths = np.diff(splits)
    join = text(separator).join
    columns: list[list[list[bytes]]] = []
    for width in ngram_widths:
        pad = min(width - 1 if pad_width < 0 else pad_width, width - 1)
        tokens, starts = _padded(values, splits, text(left_pad), text(right_pad), pad)
        counts = np.maximum(lengths + 2 * pad - width + 1, 0)
        columns.append(_windows(tokens, starts, counts, partial(map, join), width))
    rows = (
        [list(chain.from_iterable(parts)) for parts in zip(*columns, strict=True)] if columns else [[] for _ in lengths]
    )
    if preserve_short_sequences:
        before, after = [text(left_pad)] * max(pad_width, 0), [text(right_pad)] * max(pad_width, 0)
        ends = splits.tolist()
        for i in np.flatnonzero((lengths > 0) & np.array([not row for row in rows], bool)).tolist():
            rows[i] = [join(before + values[ends[i] : ends[i + 1]] + after)]
    ngrams = list(chain.from_iterable(rows))
    row_splits = np.zeros(len(rows) + 1, splits_type)
    np.cumsum(lengths_of(rows), out=row_splits[1:])  # type: ignore[arg-type]
    return as_array(ngrams, (len(ngrams),)), row_splits.reshape(shape)


def _windows(
    tokens: list[bytes], starts: Array, counts: Array, join_all: partial[map[bytes]], width: int
) -> list[list[bytes]]:
    """For each row, its `counts[i]` windows of `width` tokens from `starts[i]` on, joined."""
    shifted = [tokens[k:] for k in range(width)]
    joined = list(join_all(zip(*shifted, strict=False)))  # the windows at every start; those across rows are not used
    return [joined[s : s + n] for s, n in zip(starts.tolist(), counts.tolist(), strict=True)]
