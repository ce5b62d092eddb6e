"""BOISE tags (Begin, Outside, Inside, Singleton, End) from spans over tokens, and back.

Source: boise_offset_converter.cc of TensorFlow Text.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._bytes import as_list
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.kernels.text._rows import checked_splits, splits_of, strings, vector

Span = tuple[int, int, bytes]


def _same_splits(first: Array, others: list[Array], size: int, what: str) -> list[int]:
    """Row splits that several tensors share, checked to be the same."""
    for other in others:
        if np.size(other) != np.size(first) or (np.ravel(other)[:-1] != np.ravel(first)[:-1]).any():
            raise InvalidArgumentError(f"Row splits must be the same for {what}.")
    splits: list[int] = checked_splits(first, size).tolist()
    return splits


def _tags(tokens: list[tuple[int, int]], spans: list[Span], strict: bool) -> list[bytes]:
    """A tag for each token. Both lists are in order; a span is left behind when a token goes past it."""
    tags = []
    at = 0
    for start, end in tokens:
        tag = b"O"  # what the token gets when no span decides
        while at < len(spans):
            first, last, kind = spans[at]
            if end <= first:
                break
            if start >= last:
                at += 1
                continue
            begins = start <= first and end <= last
            ends = start >= first and end >= last
            if begins and ends:
                tag = b"S-" + kind
                at += 1
                break
            if begins:
                if not strict or start == first:
                    tag = b"B-" + kind
                break
            if ends:
                at += 1
                if strict and end != last:
                    break
                tag = b"E-" + kind
            elif start >= first:
                tag = b"I-" + kind
                break
            else:  # the span is inside of the token
                tag = b"B-" + kind
                at += 1
        tags.append(tag)
    return tags


@kernel("TFText>OffsetsToBoiseTags")
def offsets_to_boise_tags(
    input_token_begin_offsets: Array,
    input_token_end_offsets: Array,
    input_span_begin_offsets: Array,
    input_span_end_offsets: Array,
    input_span_type: Array,
    input_token_begin_row_splits: Array,
    input_token_end_row_splits: Array,
    input_span_begin_row_splits: Array,
    input_span_end_row_splits: Array,
    input_span_type_row_splits: Array,
    input_use_strict_boundary_mode: Array,
) -> Array:
    """One tag for each token."""
    token_starts = vector(input_token_begin_offsets, "input_token_begin_offsets").tolist()
    token_ends = vector(input_token_end_offsets, "input_token_end_offsets").tolist()
    starts = vector(input_span_begin_offsets, "input_span_begin_offsets").tolist()
    ends = vector(input_span_end_offsets, "input_span_end_offsets").tolist()
    kinds = as_list(vector(input_span_type, "input_span_type"))
    if len(token_starts) != len(token_ends) or len(starts) != len(ends) or len(starts) != len(kinds):
        raise InvalidArgumentError(
            "Token begin/end offsets must have the same size. Span begin/end offsets and span type must have the same "
            f"size. Got {len(token_starts)}, {len(token_ends)}; {len(starts)}, {len(ends)}, {len(kinds)}"
        )
    token_splits = _same_splits(
        input_token_begin_row_splits, [input_token_end_row_splits], len(token_starts), "token begin and end offsets"
    )
    span_splits = _same_splits(
        input_span_begin_row_splits,
        [input_span_end_row_splits, input_span_type_row_splits],
        len(starts),
        "span begin, end offsets and span type",
    )
    if len(span_splits) < len(token_splits):
        raise InvalidArgumentError("There are fewer rows of spans than of tokens")
    tokens = list(zip(token_starts, token_ends, strict=True))
    spans = list(zip(starts, ends, kinds, strict=True))
    strict = bool(np.asarray(input_use_strict_boundary_mode).item())
    tags: list[bytes] = []
    for (first, last), (low, high) in zip(pairwise(token_splits), pairwise(span_splits), strict=False):
        tags += _tags(tokens[first:last], spans[low:high], strict)
    return strings(tags)


def _spans(starts: list[int], ends: list[int], tags: list[bytes]) -> list[Span]:
    """The spans that a row of tags stands for; tags out of place are taken for the nearest sense."""
    spans: list[Span] = []
    opened, kind = -1, b""
    inside = False
    for number, (start, end, tag) in enumerate(zip(starts, ends, tags, strict=True)):
        mark = tag[:2]
        if mark in (b"E-", b"S-"):
            spans.append((opened if inside else start, end, tag[2:]))
            inside = False
        elif mark in (b"B-", b"I-"):
            if not inside:
                opened = start
            inside, kind = True, tag[2:]
        elif inside and tag[:1] == b"O":
            spans.append((opened, ends[number - 1], kind))
            inside = False
    if inside:
        spans.append((opened, ends[-1], kind))
    return spans


@kernel("TFText>BoiseTagsToOffsets")
def boise_tags_to_offsets(
    input_token_begin_offsets: Array,
    input_token_end_offsets: Array,
    input_boise_tags: Array,
    input_token_begin_row_splits: Array,
    input_token_end_row_splits: Array,
    input_boise_tags_row_splits: Array,
) -> tuple[Array, Array, Array, Array]:
    """Starts and ends of spans (int32), their types, row splits."""
    starts = vector(input_token_begin_offsets, "input_token_begin_offsets").tolist()
    ends = vector(input_token_end_offsets, "input_token_end_offsets").tolist()
    tags = as_list(vector(input_boise_tags, "input_boise_tags"))
    if len(starts) != len(ends) or len(starts) != len(tags):
        raise InvalidArgumentError(
            "Token begin/end offsets and boise tags must have the same size. "
            f"Got {len(starts)}, {len(ends)} and {len(tags)}"
        )
    splits = _same_splits(
        input_token_begin_row_splits,
        [input_token_end_row_splits, input_boise_tags_row_splits],
        len(starts),
        "token begin/end offsets and BOISE tags",
    )
    rows = [_spans(starts[a:b], ends[a:b], tags[a:b]) for a, b in pairwise(splits)]
    spans = [span for row in rows for span in row]
    return (
        np.array([start for start, _, _ in spans], np.int32),
        np.array([end for _, end, _ in spans], np.int32),
        strings([kind for _, _, kind in spans]),
        splits_of([len(row) for row in rows]),
    )
