"""Ops that count, rank and sort values into bins: top-k, bincount, histogram, bucketize, isotonic regression."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError, ResourceExhaustedError, UnimplementedError
from smcli.kernels._numbers import Numbers
from smcli.kernels.context import Array
from smcli.kernels.reduce import arg_max
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType
from smcli.tensors.wire import MAX_FILL_BYTES

# ---- the largest k


def _descending(x: Array) -> Numbers:
    """Indices that sort the rows of x, largest first, equal ones by their index, NaN last."""
    backwards = x[:, ::-1]
    if x.dtype.kind not in "iu":
        backwards = np.where(np.isnan(backwards), x.dtype.type(-np.inf), backwards)
    order = np.argsort(backwards, axis=1, kind="stable")
    return (x.shape[1] - 1 - order)[:, ::-1]


def _largest(x: Array, k: int) -> Numbers:
    """Indices of the k largest in each row, largest first."""
    rows, columns = x.shape
    if k * 8 > columns:
        return _descending(x)[:, :k]
    ranked = x if x.dtype.kind in "iu" else np.where(np.isnan(x), x.dtype.type(-np.inf), x)
    threshold = np.partition(ranked, columns - k, axis=1)[:, columns - k, None]
    above = ranked > threshold
    level = ranked == threshold
    missing = k - above.sum(axis=1, keepdims=True)
    chosen = above | (level & (np.cumsum(level, axis=1) <= missing))
    candidates = np.nonzero(chosen)[1].reshape(rows, k)
    order = _descending(np.take_along_axis(ranked, candidates, axis=1))
    return np.take_along_axis(candidates, order, axis=1)


def _heap_of_largest(row: Numbers, k: int) -> list[int]:
    """Indices of the k < len(row) largest as tensorflow/core/lib/gtl/top_n.h leaves them: a heap, the least first."""

    def ranked(indices: Numbers) -> list[tuple[float, int]]:
        return list(zip(row[indices].tolist(), (-indices).tolist()))

    heap = ranked(np.arange(k + 1))
    heapq.heapify(heap)
    heapq.heappop(heap)
    start = k + 1
    while start < row.size:
        stop = min(2 * start, row.size)
        for entry in ranked(start + np.nonzero(row[start:stop] > heap[0][0])[0]):
            if entry > heap[0]:
                heapq.heappop(heap)
                heapq.heappush(heap, entry)
        start = stop
    return [-index for _, index in heap]


def _unsorted_largest(x: Array, k: int) -> Numbers:
    """Indices of the k largest in each row in TensorFlow's order for sorted=false: sorted only when all are taken."""
    if k == x.shape[1]:
        return _descending(x)
    values = x if x.dtype.kind in "iu" else np.where(np.isnan(x), -np.inf, x.astype(np.float64))
    return np.array([_heap_of_largest(row, k) for row in values])


def _top_k(
    x: Array, k: int, index_dtype: np.dtype[Any], choose: Callable[[Array, int], Numbers]
) -> tuple[Array, Array]:
    """The entries of each row whose indices `choose` names; one is named alike by all."""
    if k < 0:
        raise InvalidArgumentError(f"Need k >= 0, got {k}")
    if x.ndim < 1:
        raise InvalidArgumentError(f"input must be >= 1-D, got shape {list(x.shape)}")
    if x.shape[-1] < k:
        raise InvalidArgumentError(f"input must have at least k columns. Had {x.shape[-1]}, needed {k}")
    shape = (*x.shape[:-1], k)
    if k == 0 or x.size == 0:
        return np.empty(shape, x.dtype), np.empty(shape, index_dtype)
    rows = x.reshape(-1, x.shape[-1])
    indices = np.asarray(arg_max(rows, np.asarray(1)))[:, None] if k == 1 else choose(rows, k)
    return np.take_along_axis(rows, indices, axis=1).reshape(shape), indices.astype(index_dtype).reshape(shape)


@kernel("TopKV2")
def top_k_v2(x: Array, k: Array, *, sorted: bool = True, index_type: DataType = DataType.INT32) -> tuple[Array, Array]:
    """The k largest of the last axis, largest first, equal ones by their index; and their indices.

    With sorted=false they are in the order in which TensorFlow's CPU kernel has them. Raises InvalidArgumentError for a
    k that is not a scalar, negative, or larger than the axis.
    """
    if k.ndim:
        raise InvalidArgumentError(f"k must be scalar, got shape {list(k.shape)}")
    return _top_k(x, int(k), index_type.numpy, _largest if sorted else _unsorted_largest)


@kernel("TopK")
def top_k(x: Array, *, k: int, sorted: bool = True) -> tuple[Array, Array]:
    """As TopKV2, k an attr: an op of graphs so old that TensorFlow 2.21 no longer runs it."""
    return _top_k(x, k, np.dtype(np.int32), _largest if sorted else _unsorted_largest)


@kernel("ApproxTopK")
def approx_top_k(x: Array, *, k: int, reduction_dimension: int = -1, is_max_k: bool = True) -> tuple[Array, Array]:
    """The k largest of the last axis, exactly, as TensorFlow's CPU kernel has it.

    Raises UnimplementedError for other axes and for the smallest, which TensorFlow's CPU kernel lacks too.
    """
    if reduction_dimension != -1 or not is_max_k:
        raise UnimplementedError("ApproxTopK on CPU finds the largest of the last axis only")
    return _top_k(x, k, np.dtype(np.int32), _largest)


@kernel("NthElement")
def nth_element(x: Array, n: Array, *, reverse: bool = False) -> Numbers:
    """The element that would stand at place n of the sorted last axis (from the end with `reverse`).

    Raises InvalidArgumentError for an n that is not a scalar, negative, or not below the size of the axis.
    """
    if n.ndim:
        raise InvalidArgumentError(f"N must be scalar but has rank {n.ndim}")
    place = int(n)
    if place < 0:
        raise InvalidArgumentError(f"n must be non-negative but is {place}")
    if x.ndim < 1:
        raise InvalidArgumentError(f"Input must be at least rank 1 but is rank {x.ndim}")
    if x.shape[-1] <= place:
        raise InvalidArgumentError(f"Input must have last dimension > n = {place}")
    if reverse:
        place = x.shape[-1] - 1 - place
    return np.partition(x, place, axis=-1)[..., place]


def _in_top_k(predictions: Array, targets: Array, k: int) -> Numbers:
    if predictions.ndim != 2:
        raise InvalidArgumentError("predictions must be 2-dimensional")
    if targets.ndim != 1:
        raise InvalidArgumentError("targets must be 1-dimensional")
    rows, classes = predictions.shape
    if len(targets) != rows:
        raise InvalidArgumentError(f"First dimension of predictions {rows} must match length of targets {len(targets)}")
    valid = (targets >= 0) & (targets < classes)
    if classes == 0:
        return np.zeros(rows, np.bool_)
    wanted = np.take_along_axis(predictions, np.where(valid, targets, 0)[:, None], axis=1)
    better = (predictions > wanted).sum(axis=1)
    return valid & np.isfinite(predictions).all(axis=1) & (better < k)


@kernel("InTopKV2")
def in_top_k_v2(predictions: Array, targets: Array, k: Array) -> Numbers:
    """For each row, whether fewer than k classes beat the target; false in rows with NaN or infinities.

    Raises InvalidArgumentError when the shapes do not fit.
    """
    if k.ndim:
        raise InvalidArgumentError(f"k must be 0-D, got shape {list(k.shape)}")
    return _in_top_k(predictions, targets, int(k))


@kernel("InTopK")
def in_top_k(predictions: Array, targets: Array, *, k: int) -> Numbers:
    """As InTopKV2, k an attr."""
    return _in_top_k(predictions, targets, k)


# ---- counts


_MOST_BINS = MAX_FILL_BYTES // 8  # counted in int64


def _checked_bins(size: Array) -> int:
    if size.size != 1:
        raise InvalidArgumentError(f"Shape must be rank 0 but is rank {size.ndim}")
    bins = int(size.reshape(()))
    if bins < 0:
        raise InvalidArgumentError(f"size ({bins}) must be non-negative")
    if bins > _MOST_BINS:
        raise ResourceExhaustedError(f"size ({bins}) is too large")
    return bins


def _counts(values: Array, weights: Array | None, size: int, dtype: np.dtype[Any]) -> Array:
    """How often each of 0…size-1 is among the values, or the sum of the weights there; other values are dropped."""
    inside = values < size
    if not inside.all():
        values = values[inside]
        weights = None if weights is None else weights[inside]
    if weights is None:
        return np.bincount(values, minlength=size).astype(dtype)
    if dtype.kind in "fV":  # "V" is bfloat16
        return np.bincount(values, weights=weights.astype(np.float64), minlength=size).astype(dtype)
    totals = np.zeros(size, dtype)
    np.add.at(totals, values, weights)
    return totals


@kernel("Bincount")
def bincount(values: Array, size: Array, weights: Array) -> Array:
    """Counts, or sums of weights, of 0…size-1 among the values; of weights' dtype.

    Raises InvalidArgumentError for negative values or size, and for weights of another shape (none at all mean 1).
    """
    bins = _checked_bins(size)
    if weights.size and weights.size != values.size:
        raise InvalidArgumentError("Input indices and weights must have the same size.")
    if (values < 0).any():
        raise InvalidArgumentError("Input arr must be non-negative!")
    return _counts(values.ravel(), weights.ravel() if weights.size else None, bins, weights.dtype)


@kernel("DenseBincount")
def dense_bincount(values: Array, size: Array, weights: Array, *, binary_output: bool = False) -> Array:
    """As Bincount, for each row of a matrix; with binary_output 1 where there is any.

    Raises InvalidArgumentError for negative values or size, for weights of another shape and for ranks above 2.
    """
    if values.ndim > 2:
        raise InvalidArgumentError(f"Shape must be at most rank 2 but is rank {values.ndim}")
    bins = _checked_bins(size)
    if weights.size and weights.shape != values.shape:
        raise InvalidArgumentError(
            "`weights` must be the same shape as `arr` or a length-0 `Tensor`, in which case it acts as all weights "
            f"equal to 1. Received {list(weights.shape)}"
        )
    if (values < 0).any():
        raise InvalidArgumentError("Input arr must be non-negative!")
    rows = values.shape[0] if values.ndim == 2 else 1
    if rows * bins > _MOST_BINS:
        raise ResourceExhaustedError(f"size ({bins}) is too large for {rows} rows")
    kept = values < bins
    shifted = values.astype(np.int64) + (np.arange(rows)[:, None] * bins if values.ndim == 2 else 0)
    counted = shifted[kept]
    if binary_output:
        totals = np.zeros(rows * bins, weights.dtype)
        totals[counted] = weights.dtype.type(1)
    else:
        totals = _counts(counted, weights[kept] if weights.size else None, rows * bins, weights.dtype)
    return totals.reshape(rows, bins) if values.ndim == 2 else totals


@kernel("HistogramFixedWidth")
def histogram_fixed_width(
    values: Array, value_range: Array, nbins: Array, *, dtype: DataType = DataType.INT32
) -> Array:
    """Counts of the values in nbins bins of one width between the two ends of the range; outliers in the outer bins.

    Raises InvalidArgumentError for an empty range, for nbins below 1 and for NaN.
    """
    if value_range.shape != (2,):
        raise InvalidArgumentError(
            f"value_range should be a vector of 2 elements, but got shape {list(value_range.shape)}"
        )
    if nbins.ndim:
        raise InvalidArgumentError(f"nbins should be a scalar, but has rank {nbins.ndim}")
    bins = int(nbins)
    low, high = value_range
    if not low < high:
        raise InvalidArgumentError(
            f"value_range should satisfy value_range[0] < value_range[1], but got '[{low}, {high}]'"
        )
    if bins <= 0:
        raise InvalidArgumentError(f"nbins should be a positive number, but got '{bins}'")
    if bins > _MOST_BINS:
        raise ResourceExhaustedError(f"nbins ({bins}) is too large")
    if values.dtype.kind not in "iu" and np.isnan(values).any():
        raise InvalidArgumentError("Histogram values must not contain NaN")
    step = (float(high) - float(low)) / bins
    inside = np.minimum(np.maximum(values.ravel(), low), high).astype(np.float64)
    indices = np.minimum((inside - float(low)) / step, bins - 1).astype(np.int64)
    return np.bincount(indices, minlength=bins).astype(dtype.numpy)


# ---- bins


@kernel("Bucketize")
def bucketize(values: Array, *, boundaries: tuple[float, ...]) -> Array:
    """For each value, how many of the sorted boundaries are not above it; int32.

    Raises InvalidArgumentError when the boundaries are not sorted.
    """
    edges = np.array(boundaries, np.float32)
    if (np.diff(edges) < 0).any():
        raise InvalidArgumentError("Expected sorted boundaries")
    compared = values.astype(np.float32) if values.dtype.kind in "iu" else values
    return np.searchsorted(edges.astype(compared.dtype), compared, side="right").astype(np.int32).reshape(values.shape)


@kernel("BoostedTreesBucketize")
def boosted_trees_bucketize(*inputs: Array) -> Numbers:
    """For each feature's values the index of the first boundary not below, at most the last one.

    Inputs are the features' values, then as many vectors of sorted boundaries. Raises InvalidArgumentError for
    boundaries that are not vectors. (tensorflow/core/kernels/boosted_trees/quantile_ops.cc of TensorFlow 2.15, the last
    to have a kernel.)
    """
    half = len(inputs) // 2
    found = []
    for values, edges in zip(inputs[:half], inputs[half:]):
        if edges.ndim != 1 or values.ndim != 1:
            raise InvalidArgumentError("Buckets should be flat vectors.")
        bucket = np.searchsorted(edges, values, side="left")
        found.append(np.clip(bucket, 0, max(len(edges) - 1, 0)).astype(np.int32))
    return tuple(found)


# ---- the rest


@kernel("IsotonicRegression")
def isotonic_regression(x: Array, *, output_dtype: DataType = DataType.FLOAT) -> tuple[Array, Array]:
    """The closest non-increasing row to each row (pool adjacent violators), and which elements were pooled together. A
    scalar is a row of one."""
    if x.size == 0:
        return np.empty(x.shape, output_dtype.numpy), np.empty(x.shape, np.int32)
    rows = np.atleast_1d(x).astype(np.float64).reshape(-1, x.shape[-1] if x.ndim else 1)
    fitted = np.empty(rows.shape, np.float64)
    segments = np.empty(rows.shape, np.int32)
    for row, fit, segment in zip(rows.tolist(), fitted, segments):
        means: list[float] = []
        sizes: list[int] = []
        for value in row:
            mean, size = value, 1
            while means and means[-1] < mean:
                mean = (means[-1] * sizes[-1] + mean * size) / (sizes[-1] + size)
                size += sizes.pop()
                means.pop()
            means.append(mean)
            sizes.append(size)
        fit[:] = np.repeat(means, sizes)
        segment[:] = np.repeat(np.arange(len(sizes)), sizes)
    return fitted.astype(output_dtype.numpy).reshape(x.shape), segments.reshape(x.shape)


@kernel("UnravelIndex")
def unravel_index(indices: Array, dims: Array) -> Array:
    """Coordinates of flat indices in an array of shape `dims`: a vector for a scalar, a column for each of a vector.

    Raises InvalidArgumentError for indices beyond the array or none at all, for dims that hold a zero, and for
    other ranks.
    """
    if indices.ndim > 1:
        raise InvalidArgumentError(f'The indices can only be scalar or vector, got "{list(indices.shape)}"')
    if dims.ndim != 1:
        raise InvalidArgumentError(f'The indices can only be 1-D, got "{list(dims.shape)}"')
    if indices.size == 0:
        raise InvalidArgumentError(f"received empty tensor indices of shape {list(indices.shape)}")
    if (dims == 0).any():
        where = int(np.nonzero(dims == 0)[0][0])
        raise InvalidArgumentError(f"Input dims cannot contain a dim of zero, but dims contains zero at index {where}")
    strides = np.ones(len(dims), np.int64)
    strides[:-1] = np.cumprod(dims[:0:-1].astype(np.int64))[::-1]
    total = int(strides[0] * int(dims[0])) if len(dims) else 1
    if (indices >= total).any():
        raise InvalidArgumentError("index is out of bound as with dims")
    column = strides.reshape(-1, *[1] * indices.ndim)
    rest = np.fmod(indices[None], (column * dims.reshape(column.shape)).astype(np.int64))
    return np.trunc(np.divide(rest, column)).astype(indices.dtype)
