"""Rows cut to a common budget, round robin, and n-grams of rows.

Sources: round_robin_trimmer.h and ngrams_kernel_template.h of TensorFlow Text.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import InternalError, InvalidArgumentError
from smcli.kernels._bytes import as_array, as_list, text
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.kernels.text._rows import checked_splits, splits_of, vector


def _budget(max_sequence_length: Array) -> int:
    if np.size(max_sequence_length) != 1:
        raise InvalidArgumentError(f"Shape must be a scalar: {list(np.shape(max_sequence_length))}")
    return max(int(np.asarray(max_sequence_length).item()), 0)


def _used(sizes: Array, budget: int) -> Array:
    """How much of each row [segments, batch] is used: the shortest rows whole as long as the others could have as
    much, the rest evenly, and what is left over one by one in the order of the segments."""
    segments = len(sizes)
    order = np.argsort(sizes, axis=0, kind="stable")
    ranked = np.take_along_axis(sizes, order, 0)
    before = np.cumsum(ranked, axis=0) - ranked
    others = np.arange(segments, 0, -1)[:, None]
    whole = np.logical_and.accumulate(ranked * others <= budget - before, axis=0)
    filled = whole.sum(axis=0)
    left = budget - np.where(whole, ranked, 0).sum(axis=0)
    share = left // np.maximum(segments - filled, 1)
    used = np.empty_like(sizes)
    np.put_along_axis(used, order, np.where(whole, ranked, share), 0)
    left = left - share * (segments - filled)
    hungry = used < sizes
    used += hungry & (np.cumsum(hungry, axis=0) <= left)
    return used


def _sizes(splits: list[Array]) -> Array:
    if len({len(one) for one in splits}) > 1:
        raise InvalidArgumentError(f"input_row_splits must have one length, got {[len(one) for one in splits]}")
    return np.diff(np.stack(splits), axis=1)


def _mask(sizes: Array, used: Array) -> Array:
    """For each value of rows of these sizes whether it is among the first `used` of its row."""
    position = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return position < np.repeat(used, sizes)  # type: ignore[no-any-return]


@kernel("TFText>RoundRobinTrim")
def round_robin_trim(max_sequence_length: Array, *inputs: Array, N: int) -> tuple[Array, ...]:
    """The trimmed values and row splits of N ragged tensors: inputs are N values, then N row splits."""
    values = [vector(value, "input_values") for value in inputs[:N]]
    splits = [checked_splits(one, len(value)) for one, value in zip(inputs[N:], values, strict=True)]
    sizes = _sizes(splits)
    used = _used(sizes, _budget(max_sequence_length))
    trimmed = [
        # The kernel takes each row from where the number of rows before it says, whatever the first split is.
        value[one[0] : one[-1]][_mask(size, use)]
        for value, one, size, use in zip(values, splits, sizes, used, strict=True)
    ]
    return (*trimmed, *(splits_of(use, inputs[N].dtype) for use in used))


@kernel("TFText>RoundRobinGenerateMasks")
def round_robin_generate_masks(max_sequence_length: Array, *inputs: Array, N: int) -> tuple[Array, ...]:
    """Which values of N ragged tensors RoundRobinTrim would keep."""
    splits = [checked_splits(one, len(value)) for value, one in zip(inputs[:N], inputs[N:], strict=True)]
    sizes = _sizes(splits)
    used = _used(sizes, _budget(max_sequence_length))
    return tuple(_mask(size, use) for size, use in zip(sizes, used, strict=True))


@kernel("TFText>NgramsStringJoin")
def ngrams_string_join(
    input_values: Array, *input_row_splits: Array, width: int, axis: int, string_separator: str, RAGGED_RANK: int
) -> tuple[Array, ...]:
    """N-grams along the innermost dimension of a tensor, or of a ragged tensor's rows; the outer splits stay."""
    if axis != -1:
        raise InternalError(f"axis != -1: {axis}")
    if width < 1:
        raise InvalidArgumentError(f"width must be at least 1, got {width}")
    values = np.asarray(input_values, dtype=object)
    items = as_list(values)
    if RAGGED_RANK:
        splits = checked_splits(input_row_splits[-1], len(items), "input_row_splits")
    elif not values.ndim or not values.shape[-1]:
        raise InvalidArgumentError(f"input_values must have a last dimension that is not 0, got {list(values.shape)}")
    else:
        splits = np.arange(0, len(items) + 1, values.shape[-1])
    counts = np.maximum(np.diff(splits) - width + 1, 0)
    starts = np.repeat(splits[:-1], counts) + np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    join = text(string_separator).join
    ngrams = [join(items[start : start + width]) for start in starts.tolist()]
    if not RAGGED_RANK:
        shape = (*values.shape[:-1], max(values.shape[-1] - width + 1, 0))
        return (as_array(ngrams, shape),)
    return (as_array(ngrams, (len(ngrams),)), *input_row_splits[:-1], splits_of(counts))
