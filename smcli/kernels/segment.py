"""Sums, products, means and extremes of the rows that share a segment id: sorted, unsorted, and of gathered rows.

All of them come down to reducing runs of rows that stand together. Sums and products
of 16-bit floats are rounded to 16 bits at each step, as TensorFlow rounds them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError, ResourceExhaustedError
from smcli.kernels import _half_sums
from smcli.kernels._numbers import Numbers, is_short_float, widened
from smcli.kernels._sorting import reduce_runs, run_starts, stable_order
from smcli.kernels.context import Array
from smcli.kernels.reduce import highest, lowest
from smcli.kernels.registry import kernel, register
from smcli.tensors.wire import MAX_FILL_BYTES


def _checked_rows(rows: int, row_shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[int, ...]:
    """The shape of the result. Raises InvalidArgumentError when an id asks for more than an int64 counts, and
    ResourceExhaustedError for more than a machine has."""
    if rows * math.prod(row_shape) >= 2**63:
        raise InvalidArgumentError(f"Encountered overflow when multiplying {rows} with {math.prod(row_shape)}")
    if rows * math.prod(row_shape) * dtype.itemsize > MAX_FILL_BYTES:
        raise ResourceExhaustedError(f"A result of shape {[rows, *row_shape]} is too large")
    return (rows, *row_shape)


def _reduced(ufunc: np.ufunc, data: Array, ids: Array, rows: int, default: Numbers) -> Array:
    """ufunc over the rows of data with the same id; ids are sorted and below `rows`, rows without any are `default`."""
    out = np.full(_checked_rows(rows, data.shape[1:], data.dtype), default, data.dtype)
    if len(ids):
        starts = run_starts(ids)
        wide = widened(data)
        if ufunc in (np.add, np.multiply) and is_short_float(data.dtype):
            sums = _half_sums.reduce_runs(ufunc, wide.reshape(len(ids), -1), starts, data.dtype)
            out[ids[starts]] = sums.reshape(-1, *data.shape[1:])
            return out
        if ufunc in (np.maximum, np.minimum) and wide.dtype.kind == "f":
            wide = _forgetting_before_nan(wide, starts, -np.inf if ufunc is np.maximum else np.inf)
        if data.ndim == 1:
            out[ids[starts]] = ufunc.reduceat(wide, starts, dtype=wide.dtype)
        else:
            out[ids[starts]] = reduce_runs(ufunc, lambda places: wide[places], starts, len(ids))
    return out


def _forgetting_before_nan(data: Array, starts: Array, identity: float) -> Array:
    """data, where a row that follows NaN in its segment wipes out the NaN and all before it.

    TensorFlow's extremes go through the rows one by one, and a comparison with NaN yields the later operand.
    """
    is_nan = np.isnan(data)
    if not is_nan.any():
        return data
    row = np.arange(len(data)).reshape(-1, *[1] * (data.ndim - 1))
    last_nan = np.maximum.reduceat(np.where(is_nan, row, -1), starts, axis=0)
    sizes = np.diff(np.append(starts, len(data)))
    ends = np.repeat(starts + sizes - 1, sizes).reshape(row.shape)
    last_nan = np.repeat(last_nan, sizes, axis=0)
    return np.where((row <= last_nan) & (last_nan < ends), data.dtype.type(identity), data)


def _counts(ids: Array, rows: int, row_rank: int) -> Numbers:
    """How many rows each id has, at least 1, shaped to broadcast against rows of data."""
    return np.maximum(np.bincount(ids, minlength=rows), 1).reshape(-1, *[1] * row_rank)


def _divided(total: Array, counts: Array) -> Numbers:
    """total / counts in total's dtype, integers towards zero."""
    if total.dtype.kind in "iu":
        quotient = np.abs(total) // counts.astype(total.dtype)
        return np.where(total < 0, np.negative(quotient), quotient).astype(total.dtype)
    wide = widened(total)
    return np.divide(wide, counts.astype(wide.real.dtype)).astype(total.dtype)


# ---- sorted


def _check_sorted(ids: Array, rows: int) -> None:
    """Raises InvalidArgumentError for ids that decrease or leave [0, rows)."""
    if (ids[1:] < ids[:-1]).any():
        raise InvalidArgumentError("segment ids are not increasing")
    if len(ids) and ids[0] < 0:
        raise InvalidArgumentError(
            f"Segment id {ids[0]} out of range [0, {rows}), possibly because 'segment_ids' input is not sorted."
        )


def _segments(data: Array, ids: Array) -> int:
    """The number of segments. Raises InvalidArgumentError for ids that are not sorted or do not fit the data."""
    if data.ndim < 1:
        raise InvalidArgumentError("Shape must be at least rank 1 but is rank 0")
    if ids.ndim != 1:
        raise InvalidArgumentError("segment_ids should be a vector.")
    if len(ids) != len(data):
        raise InvalidArgumentError("segment_ids should be the same size as dimension 0 of input.")
    rows = int(ids[-1]) + 1 if len(ids) else 0
    _check_sorted(ids, rows)
    return rows


@kernel("SegmentSum")
def segment_sum(data: Array, ids: Array) -> Array:
    """Sums of rows by sorted id; 0 for ids without rows. Raises InvalidArgumentError for ids that are not sorted."""
    return _reduced(np.add, data, ids, _segments(data, ids), 0)


@kernel("SegmentProd")
def segment_prod(data: Array, ids: Array) -> Array:
    """Products of rows by sorted id; 1 for ids without rows. Raises InvalidArgumentError for ids out of order."""
    return _reduced(np.multiply, data, ids, _segments(data, ids), 1)


@kernel("SegmentMax")
def segment_max(data: Array, ids: Array) -> Array:
    """Largest of rows by sorted id; 0 for ids without rows. Raises InvalidArgumentError for ids that are not sorted."""
    return _reduced(np.maximum, data, ids, _segments(data, ids), 0)


@kernel("SegmentMin")
def segment_min(data: Array, ids: Array) -> Array:
    """Smallest of rows by sorted id; 0 for ids without rows. Raises InvalidArgumentError for ids out of order."""
    return _reduced(np.minimum, data, ids, _segments(data, ids), 0)


@kernel("SegmentMean")
def segment_mean(data: Array, ids: Array) -> Numbers:
    """Means of rows by sorted id; 0 for ids without rows. Raises InvalidArgumentError for ids that are not sorted."""
    rows = _segments(data, ids)
    total = _reduced(np.add, data, ids, rows, 0)
    return _divided(total, _counts(ids, rows, data.ndim - 1))


# ---- unsorted


def _number(num_segments: Array) -> int:
    if num_segments.ndim:
        raise InvalidArgumentError(f"num_segments should be a scalar, not shape {list(num_segments.shape)}")
    return int(num_segments)


_IDENTITY: dict[np.ufunc, Callable[[np.dtype[Any]], Any]] = {
    np.add: lambda dtype: 0,
    np.multiply: lambda dtype: 1,
    np.maximum: lowest,
    np.minimum: highest,
}


def _unsorted(ufunc: np.ufunc, data: Array, ids: Array, num_segments: Array, default: Numbers) -> Array:
    """ufunc over the rows by id in any order; ids fill the leading axes of data, negative ones are left out."""
    rows = _number(num_segments)
    if data.shape[: ids.ndim] != ids.shape:
        raise InvalidArgumentError(
            f"data.shape = {list(data.shape)} does not start with segment_ids.shape = {list(ids.shape)}"
        )
    if rows < 0:
        raise InvalidArgumentError(f"Input num_segments == {rows} must not be negative.")
    flat_ids = ids.reshape(-1)
    beyond = np.flatnonzero(flat_ids >= rows)
    if len(beyond):
        where = [int(i) for i in np.unravel_index(beyond[0], ids.shape)]
        raise InvalidArgumentError(f"segment_ids{where} = {flat_ids[beyond[0]]} is out of range [0, {rows})")
    flat = data.reshape(flat_ids.shape + data.shape[ids.ndim :])
    kept = flat_ids >= 0
    if not kept.all():
        flat_ids, flat = flat_ids[kept], flat[kept]
    if ufunc is np.add and flat.ndim == 1 and flat.dtype.kind == "f":
        _checked_rows(rows, (), flat.dtype)
        return np.bincount(flat_ids, weights=flat, minlength=rows).astype(flat.dtype)
    if flat.ndim == 1 and flat.dtype.char in "fdbBhHiIlLqQ" and not np.isnan(flat).any():
        out = np.full(_checked_rows(rows, (), flat.dtype), _IDENTITY[ufunc](flat.dtype), flat.dtype)
        ufunc.at(out, flat_ids, flat)
        out[np.bincount(flat_ids, minlength=rows) == 0] = default
        return out
    if (flat_ids[1:] < flat_ids[:-1]).any():
        order = stable_order(flat_ids)
        flat_ids, flat = flat_ids[order], flat[order]
    return _reduced(ufunc, flat, flat_ids, rows, default)


def _extreme(dtype: np.dtype[Any], largest: bool) -> Numbers:
    """The largest or smallest finite value of a dtype."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).max if largest else np.iinfo(dtype).min
    import ml_dtypes

    finfo: Any = ml_dtypes.finfo
    return finfo(dtype).max if largest else finfo(dtype).min


@kernel("UnsortedSegmentSum")
def unsorted_segment_sum(data: Array, ids: Array, num_segments: Array) -> Array:
    """Sums of rows by id; 0 for ids without rows.

    Raises InvalidArgumentError for ids beyond num_segments and for shapes that do not fit.
    """
    return _unsorted(np.add, data, ids, num_segments, 0)


@kernel("UnsortedSegmentProd")
def unsorted_segment_prod(data: Array, ids: Array, num_segments: Array) -> Array:
    """Products of rows by id; 1 for ids without rows. Errors as UnsortedSegmentSum."""
    return _unsorted(np.multiply, data, ids, num_segments, 1)


@kernel("UnsortedSegmentMax")
def unsorted_segment_max(data: Array, ids: Array, num_segments: Array) -> Array:
    """Largest of rows by id; the lowest finite value for ids without rows. Errors as UnsortedSegmentSum."""
    return _unsorted(np.maximum, data, ids, num_segments, _extreme(data.dtype, False))


@kernel("UnsortedSegmentMin")
def unsorted_segment_min(data: Array, ids: Array, num_segments: Array) -> Array:
    """Smallest of rows by id; the highest finite value for ids without rows. Errors as UnsortedSegmentSum."""
    return _unsorted(np.minimum, data, ids, num_segments, _extreme(data.dtype, True))


# ---- gathered rows


def _gathered(data: Array, indices: Array, ids: Array, rows: int) -> Array:
    """Sums of the rows data[indices] by sorted id, in float32 for 16-bit floats. Raises InvalidArgumentError."""
    if data.ndim < 1:
        raise InvalidArgumentError("Shape must be at least rank 1")
    if indices.ndim != 1:
        raise InvalidArgumentError("indices should be a vector.")
    if ids.ndim != 1:
        raise InvalidArgumentError("segment_ids should be a vector.")
    if len(ids) != len(indices):
        raise InvalidArgumentError("segment_ids and indices should have same size.")
    _check_sorted(ids, rows)
    if len(indices) and not (indices.min() >= 0 and indices.max() < len(data)):
        where = np.flatnonzero((indices < 0) | (indices >= len(data)))[0]
        raise InvalidArgumentError(f"Bad: indices[{where}] == {indices[where]} out of range [0, {len(data)})")
    if data.ndim == 1:
        return _reduced(np.add, widened(data[indices]), ids, rows, 0)
    wide = widened(data[:0]).dtype
    out = np.zeros(_checked_rows(rows, data.shape[1:], wide), wide)
    if len(ids):
        starts = run_starts(ids)
        out[ids[starts]] = reduce_runs(np.add, lambda places: widened(data[indices[places]]), starts, len(ids))
    return out


def _scale(mode: str, ids: Array, rows: int, row_rank: int) -> Numbers:
    """What the sums are divided by: 1, the number of rows, or its square root."""
    if mode == "Sum":
        return 1
    counts = _counts(ids, rows, row_rank)
    return counts if mode == "Mean" else np.sqrt(counts)


def _sparse_segment(mode: str, data: Array, indices: Array, ids: Array, rows: int) -> Numbers:
    total = _gathered(data, indices, ids, rows)
    if mode == "Sum":  # not divided, which would make floats of large integers
        return total.astype(data.dtype, copy=False)
    scale = _scale(mode, ids, rows, data.ndim - 1)
    return np.divide(total, np.asarray(scale).astype(total.dtype)).astype(data.dtype)


def _rows_of_last(ids: Array) -> int:
    return int(ids[-1]) + 1 if ids.ndim == 1 and len(ids) else 0


def _check_number(rows: int, ids: Array) -> None:
    if rows < 0:
        raise InvalidArgumentError("segment ids must be >= 0")
    if ids.ndim == 1 and len(ids) and ids[-1] >= rows:
        raise InvalidArgumentError("segment ids must be < num_segments")


def _register_sparse(mode: str) -> None:
    """The six ops of one mode: with the number of segments found or given, and the gradients."""

    def sparse_segment(data: Array, indices: Array, ids: Array) -> Numbers:
        """Sums, means or sums over the root of the count of data[indices] by sorted id.

        Raises InvalidArgumentError for indices out of range and ids that are not sorted.
        """
        return _sparse_segment(mode, data, indices, ids, _rows_of_last(ids))

    def with_number(data: Array, indices: Array, ids: Array, num_segments: Array) -> Numbers:
        """The same with a given number of segments, of which the last may be empty."""
        rows = _number(num_segments)
        _check_number(rows, ids)
        return _sparse_segment(mode, data, indices, ids, rows)

    def gradient(grad: Array, indices: Array, ids: Array, output_dim0: Array) -> Array:
        """The gradient with respect to data, of output_dim0 rows; ids need not be sorted."""
        rows = int(output_dim0)
        values = _scattered_gradient(mode, grad, indices, ids, rows)
        return _unsorted(np.add, values, indices, np.asarray(rows), 0).astype(grad.dtype)

    def gradient_of_rows(grad: Array, indices: Array, ids: Array, dense_output_dim0: Array) -> tuple[Array, Array]:
        """The rows of that gradient that are not zero, and their sorted indices."""
        values = _scattered_gradient(mode, grad, indices, ids, int(dense_output_dim0))
        unique, position = np.unique(indices, return_inverse=True)
        total = _unsorted(np.add, values, position.reshape(-1), np.asarray(len(unique)), 0)
        return total.astype(grad.dtype), unique

    for suffix, function in (
        ("", sparse_segment),
        ("WithNumSegments", with_number),
        ("Grad", gradient),
        ("GradV2", gradient_of_rows),
    ):
        register(f"SparseSegment{mode}{suffix}", function, module=__name__)


def _scattered_gradient(mode: str, grad: Array, indices: Array, ids: Array, rows: int) -> Numbers:
    """The gradient that each gathered row gets. Raises InvalidArgumentError for ids or indices out of range."""
    if len(indices) != len(ids):
        raise InvalidArgumentError("segment_ids and indices should have same size.")
    outside = (indices < 0) | (indices >= rows)
    if outside.any():
        raise InvalidArgumentError(f"Index {indices[np.argmax(outside)]} out of range [0, {rows}).")
    if ((ids < 0) | (ids >= len(grad))).any():
        raise InvalidArgumentError("Invalid number of segments")
    wide = widened(grad)
    scale = np.asarray(_scale(mode, ids, len(grad), grad.ndim - 1)).astype(wide.dtype)
    return np.divide(wide, scale)[ids]


for _mode in ("Sum", "Mean", "SqrtN"):
    _register_sparse(_mode)
