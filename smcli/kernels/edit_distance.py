"""EditDistance: Levenshtein distances between the rows of two sparse tensors (edit_distance_op.cc)."""

from __future__ import annotations

import numpy as np

from smcli.errors import InternalError, InvalidArgumentError
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel

_MAX_ELEMENTS = 1 << 31


_CELLS = 2**22  # of the rows that are worked on at once


def distances(pairs: list[tuple[Array, Array]]) -> Array:
    """The number of insertions, deletions and substitutions between the two sequences of each pair.

    Pairs of similar lengths go through the rows of their tables together.
    """
    sizes = np.array([(len(first), len(second)) for first, second in pairs], np.int64).reshape(-1, 2)
    found = np.empty(len(pairs), np.int64)
    order = np.lexsort((sizes[:, 1], sizes[:, 0]))
    at = 0
    while at < len(order):
        longest = int(sizes[order[at:], 1].max())
        batch = order[at : at + max(1, _CELLS // (longest + 1))]
        found[batch] = _distances_of_batch([pairs[i] for i in batch.tolist()], sizes[batch])
        at += len(batch)
    return found


def _distances_of_batch(pairs: list[tuple[Array, Array]], sizes: Array) -> Array:
    high, wide = sizes.max(axis=0).tolist()
    first = np.zeros(
        (high, len(pairs)), pairs[0][0].dtype
    )  # padded: what stands beyond a sequence's end is never asked
    second = np.zeros((len(pairs), wide), pairs[0][0].dtype)
    for number, (a, b) in enumerate(pairs):
        first[: len(a), number] = a
        second[number, : len(b)] = b
    steps = np.arange(wide + 1, dtype=np.int32)
    row = np.tile(steps, (len(pairs), 1))
    best = np.empty_like(row)
    every = np.arange(len(pairs))
    found = row[every, sizes[:, 1]].astype(np.int64)  # right where the first sequence is empty
    for count in range(1, high + 1):
        best[:, 0] = count
        np.add(row[:, :-1], second != first[count - 1][:, None], out=best[:, 1:])
        row += 1
        np.minimum(best[:, 1:], row[:, 1:], out=best[:, 1:])
        # insertions: the best of all columns before, plus the steps from there
        best -= steps
        np.minimum.accumulate(best, axis=1, out=row)
        row += steps
        done = np.flatnonzero(sizes[:, 0] == count)
        found[done] = row[done, sizes[done, 1]]
    return found


def _check(name: str, indices: Array, values: Array, shape: Array) -> None:
    if indices.ndim != 2:
        raise InvalidArgumentError(f"{name}_indices should be a matrix, but got shape {list(indices.shape)}")
    if values.ndim != 1:
        raise InvalidArgumentError(f"{name}_values should be a vector, but got shape {list(values.shape)}")
    if shape.ndim != 1:
        raise InvalidArgumentError(f"{name}_shape should be a vector, but got shape {list(shape.shape)}")
    if len(values) != len(indices):
        raise InvalidArgumentError(f"{name}_values has {len(values)} elements for {len(indices)} indices")
    if len(shape) != indices.shape[1]:
        raise InvalidArgumentError(f"{name}_shape has {len(shape)} dims but its indices have {indices.shape[1]}")
    if len(shape) < 2:
        raise InvalidArgumentError(
            f"Input SparseTensors must have rank at least 2, but {name}_shape rank is: {len(shape)}"
        )
    if (shape < 0).any():
        raise InvalidArgumentError(f"{name}_shape {shape.tolist()} has negative dims")


def _groups(indices: Array, values: Array) -> dict[tuple[int, ...], Array]:
    """The values by all dims but the last, in the order in which they stand."""
    if not len(values):
        return {}
    prefix = indices[:, :-1]
    changes = np.flatnonzero((prefix[1:] != prefix[:-1]).any(axis=1)) + 1
    starts = [0, *changes.tolist()]
    return {tuple(prefix[start].tolist()): part for start, part in zip(starts, np.split(values, changes), strict=True)}


@kernel("EditDistance")
def edit_distance(
    hypothesis_indices: Array,
    hypothesis_values: Array,
    hypothesis_shape: Array,
    truth_indices: Array,
    truth_values: Array,
    truth_shape: Array,
    *,
    normalize: bool = True,
) -> Array:
    """float32 distances over all dims but the last; normalised by the length of the truth (infinite when that is 0)."""
    hypothesis = [np.asarray(part) for part in (hypothesis_indices, hypothesis_values, hypothesis_shape)]
    truth = [np.asarray(part) for part in (truth_indices, truth_values, truth_shape)]
    _check("hypothesis", *hypothesis)
    _check("truth", *truth)
    if len(hypothesis[2]) != len(truth[2]):
        raise InvalidArgumentError(
            f"hypothesis_shape and truth_shape should have the same number of dims, but got {len(hypothesis[2])} "
            f"and {len(truth[2])}"
        )
    shape = tuple(np.maximum(hypothesis[2], truth[2])[:-1].tolist())
    if int(np.prod([float(size) for size in shape])) > _MAX_ELEMENTS:
        raise InvalidArgumentError(f"The distances would have shape {list(shape)}, which is too large")
    if 0 in shape:
        raise InvalidArgumentError(f"Got output shape {list(shape)} which has 0 elements")
    result = np.zeros(shape, np.float32)
    guesses, truths = _groups(hypothesis[0], hypothesis[1]), _groups(truth[0], truth[1])
    nothing = np.zeros(0, hypothesis[1].dtype)
    places = list(guesses.keys() | truths.keys())
    for where in places:
        if any(not 0 <= at < size for at, size in zip(where, shape, strict=True)):
            raise InternalError(f"Index {list(where)} is outside of the output, whose shape is {list(shape)}")
    if not places:
        return result
    found = distances([(guesses.get(where, nothing), truths.get(where, nothing)) for where in places])
    values = found.astype(np.float32)
    if normalize:
        lengths = np.array([len(truths.get(where, nothing)) for where in places], np.float32)
        values = np.where(lengths > 0, values / lengths, np.float32(np.inf))
    result[tuple(np.array(places).T)] = values
    return result
