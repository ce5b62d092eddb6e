"""Crosses of features: every combination of one value from each column, joined as text or hashed to one number.

Columns are sparse, ragged or dense matrices of int64 or strings; combinations of all rows are laid out at once.
Semantics from tensorflow/core/kernels/sparse_cross_op.cc and ragged_cross_op.cc.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels.context import Array
from smcli.kernels.hashing import fingerprint64, fingerprint_cat64, siphash24
from smcli.kernels.ragged import check_nested_splits, places_in_runs
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

DEVIATIONS = {"RaggedCross": "a column with more values than indices is refused, where TensorFlow does not look"}

MAX_INT64 = 2**63 - 1
MAX_CROSSES = 2**31


@dataclass(frozen=True, slots=True)
class _Column:
    """One input: all its values in a row, and where those of each batch entry begin. dense: it came as a matrix."""

    values: Array
    starts: Array
    counts: Array
    dense: bool

    @property
    def is_text(self) -> bool:
        return bool(self.values.dtype.kind == "O")


def _sparse_column(indices: Array, values: Array, batch: int) -> _Column:
    """What comes after the first index out of order or out of the batch is not reached."""
    rows = indices[:, 0]
    strays = np.flatnonzero((rows < np.concatenate([[0], rows[:-1]])) | (rows >= batch))
    edges = np.searchsorted(rows[: strays[0]] if strays.size else rows, np.arange(batch + 1), side="left")
    return _Column(values, edges[:-1], np.diff(edges), False)


def _ragged_from_sparse(indices: Array, values: Array, batch: int) -> _Column:
    """What comes after an index out of order belongs to the last row met."""
    reached = np.maximum.accumulate(indices[:, 0]) if len(indices) else indices[:, 0]
    edges = np.concatenate([[0], np.searchsorted(reached, np.arange(batch), side="right")])
    return _Column(values, edges[:-1], np.diff(edges), False)


def _dense_column(values: Array) -> _Column:
    batch, width = values.shape
    return _Column(values.reshape(-1), np.arange(batch) * width, np.full(batch, width), True)


def _check_inputs(
    indices: Sequence[Array], values: Sequence[Array], shapes: Sequence[Array], dense: Sequence[Array]
) -> int:
    """The batch size, once all inputs have been found to fit together."""
    for i, (index, value, shape) in enumerate(zip(indices, values, shapes)):
        if index.ndim != 2:
            raise InvalidArgumentError(
                f"Input indices should be a matrix but received shape {list(index.shape)} at position {i}"
            )
        if index.shape[1] != 2:
            raise InvalidArgumentError(f"Expected D2 of index to be 2 got {index.shape[1]} at position {i}")
        if value.ndim != 1:
            raise InvalidArgumentError(
                f"Input values should be a vector but received shape {list(value.shape)} at position {i}"
            )
        if value.shape[0] != index.shape[0]:
            raise InvalidArgumentError(
                f"Expected size of values to be {index.shape[0]} got {value.shape[0]} at position {i}"
            )
        if shape.ndim != 1 or shape.shape[0] != 2:
            raise InvalidArgumentError(f"shape should imply a 2D tensor, but got {list(shape.shape)} at position {i}")
    for i, matrix in enumerate(dense):
        if matrix.ndim != 2:
            raise InvalidArgumentError(
                f"Dense inputs should be a matrix but received shape {list(matrix.shape)} at position {i}"
            )
    sizes = [int(shape[0]) for shape in shapes] + [matrix.shape[0] for matrix in dense]
    for size in sizes:
        if size != sizes[0]:
            raise InvalidArgumentError(f"Expected batch size {sizes[0]} got {size}")
    batch = sizes[0] if sizes else 0
    if batch < 0 or batch > MAX_CROSSES:
        raise InvalidArgumentError(f"batch size {batch} is not possible")
    return batch


def _combinations(columns: Sequence[_Column], batch: int) -> tuple[Array, Array, list[Array]]:
    """How many crosses each batch entry has, the entry of each cross, and for each column the value that it takes."""
    counts = np.ones(batch, dtype=np.int64)
    for column in columns:
        counts = counts * column.counts
        if counts.size and int(counts.max()) > MAX_CROSSES:
            raise InvalidArgumentError("the features have too many crosses")
    if int(counts.sum()) > MAX_CROSSES:
        raise InvalidArgumentError("the features have too many crosses")
    entry = np.repeat(np.arange(batch), counts)
    place = places_in_runs(counts)
    picks: list[Array] = []
    for column in reversed(columns):  # the last column changes fastest
        size = column.counts[entry]
        picks.append(column.starts[entry] + place % np.maximum(size, 1))
        place = place // np.maximum(size, 1)
    return counts, entry, picks[::-1]


def _joined(columns: Sequence[_Column], picks: Sequence[Array], separator: bytes) -> Array:
    """The crosses as text."""
    parts = []
    for column, pick in zip(columns, picks):
        values = column.values.tolist()
        texts = values if column.is_text else [str(value).encode() for value in values]
        parts.append([texts[i] for i in pick.tolist()])
    output = np.empty(picks[0].size if picks else 0, dtype=object)
    output[:] = [separator.join(texts) for texts in zip(*parts)]
    return output


def _into_buckets(hashes: Array, num_buckets: int) -> Array:
    return (hashes % np.uint64(num_buckets if num_buckets > 0 else MAX_INT64)).astype(np.int64)


def _plain_hash(column: _Column) -> Array:
    """Fingerprints of texts; integers stand for themselves."""
    return fingerprint64(column.values.tolist()) if column.is_text else column.values.astype(np.int64).view(np.uint64)


def _hashed(columns: Sequence[_Column], picks: Sequence[Array], num_buckets: int, hash_key: int) -> Array:
    """The crosses as fingerprints chained from `hash_key`."""
    hashes = np.full(picks[0].size if picks else 0, hash_key & (2**64 - 1), dtype=np.uint64)
    for column, pick in zip(columns, picks):
        hashes = fingerprint_cat64(hashes, _plain_hash(column)[pick])
    return _into_buckets(hashes, num_buckets)


def _sparse_result(counts: Array, entry: Array, values: Array) -> tuple[Array, Array, Array]:
    indices = np.stack([entry, places_in_runs(counts)], axis=1).astype(np.int64)
    shape = np.array([counts.size, int(counts.max()) if counts.size else 0], dtype=np.int64)
    return indices, values, shape


def _sparse_and_dense(inputs: Sequence[Array], count: int) -> tuple[list[_Column], int]:
    indices, values, shapes = inputs[:count], inputs[count : 2 * count], inputs[2 * count : 3 * count]
    dense = inputs[3 * count :]
    batch = _check_inputs(indices, values, shapes, dense)
    columns = [_sparse_column(index, value, batch) for index, value in zip(indices, values)]
    return columns + [_dense_column(matrix) for matrix in dense], batch


@kernel("SparseCross")
def sparse_cross(
    *inputs: Array, N: int, num_buckets: int, hash_key: int, out_type: DataType, internal_type: DataType
) -> tuple[Array, Array, Array]:
    """Indices, values and shape of the crosses: all indices, all values, all shapes, then dense matrices.

    The type of the output says whether they are hashed; the attr hashed_output is not looked at.
    """
    columns, batch = _sparse_and_dense(inputs, N)
    if internal_type is DataType.STRING and not all(column.is_text for column in columns):
        raise InvalidArgumentError("Input values should be of internal type string but received int64")
    counts, entry, picks = _combinations(columns, batch)
    if out_type is DataType.INT64:
        values = _hashed(columns, picks, num_buckets, hash_key)
    else:
        values = _joined(columns, picks, b"_X_")
    return _sparse_result(counts, entry, values)


@kernel("SparseCrossV2")
def sparse_cross_v2(*inputs: Array, N: int) -> tuple[Array, Array, Array]:
    """Crosses as text with a separator, the last input."""
    *columns_in, separator = inputs
    columns, batch = _sparse_and_dense(columns_in, N)
    if separator.ndim:
        raise InvalidArgumentError(f"Input separator should be a scalar. Received: {list(separator.shape)}")
    counts, entry, picks = _combinations(columns, batch)
    return _sparse_result(counts, entry, _joined(columns, picks, separator.item()))


def _salted(strong: bool, salt: tuple[int, int]) -> Callable[[_Column], Array]:
    def first_bytes(values: Array) -> list[bytes]:
        # TensorFlow takes the size of its DataType enumeration, four bytes, for that of the value.
        return [value.tobytes() for value in values.astype("<i8").view("<i4")[::2]]

    def features(column: _Column) -> Array:
        if strong:
            return siphash24(column.values.tolist() if column.is_text else first_bytes(column.values), salt)
        if column.is_text or column.dense:
            return _plain_hash(column)
        return fingerprint64(first_bytes(column.values))

    return features


@kernel("SparseCrossHashed")
def sparse_cross_hashed(*inputs: Array, N: int) -> tuple[Array, Array, Array]:
    """Crosses as hashes; the last inputs are the number of buckets, whether to hash strongly, and the salt [2]."""
    *columns_in, num_buckets, strong_hash, salt = inputs
    columns, batch = _sparse_and_dense(columns_in, N)
    for name, value in (("num_buckets", num_buckets), ("strong_hash", strong_hash)):
        if value.size != 1:
            raise InvalidArgumentError(f"Input {name} should be a scalar. Received: {list(value.shape)}")
    if salt.shape != (2,):
        raise InvalidArgumentError(f"Input 'salt' must have exactly two elements. Received: {list(salt.shape)}")
    counts, entry, picks = _combinations(columns, batch)
    key = (int(salt[0]) & (2**64 - 1), int(salt[1]) & (2**64 - 1))
    features = _salted(bool(strong_hash), key)
    hashes = np.zeros(entry.size, dtype=np.uint64)
    for number, (column, pick) in enumerate(zip(columns, picks)):
        found = features(column)[pick]
        hashes = found if number == 0 else fingerprint_cat64(hashes, found)
    return _sparse_result(counts, entry, _into_buckets(hashes, int(num_buckets.item())))


@kernel("RaggedCross")
def ragged_cross(
    *inputs: Array,
    ragged_values_types: tuple[DataType, ...],
    Nsparse: int,
    input_order: str,
    num_buckets: int,
    hash_key: int,
    out_values_type: DataType,
    out_row_splits_type: DataType,
) -> tuple[Array, Array]:
    """Values and row splits of the crosses. input_order: R, S or D for each column, ragged, sparse or dense.

    out_values_type says whether they are hashed; the attr hashed_output is not looked at.
    """
    at = 0

    def take(count: int) -> tuple[Array, ...]:
        nonlocal at
        at += count
        return inputs[at - count : at]

    ragged = len(ragged_values_types)
    ragged_values, ragged_splits = take(ragged), take(ragged)
    indices, values, shapes = take(Nsparse), take(Nsparse), take(Nsparse)
    dense = inputs[at:]
    if len(input_order) != ragged + Nsparse + len(dense):
        raise InvalidArgumentError("Invalid length for input_order")
    for value, splits in zip(ragged_values, ragged_splits):
        if value.ndim != 1 or splits.ndim != 1:
            raise InvalidArgumentError("tf.ragged.cross only supports inputs with rank=2.")
        check_nested_splits((splits,), value.size)
    sizes = [splits.size - 1 for splits in ragged_splits]
    if indices or dense:
        sizes.append(_check_inputs(indices, values, shapes, dense))
    if any(size != sizes[0] for size in sizes):
        raise InvalidArgumentError("inputs must all have the same batch dimension size.")
    batch = sizes[0] if sizes else 0
    kinds = {
        "R": [
            _Column(value, splits[:-1].astype(np.int64), np.diff(splits.astype(np.int64)), False)
            for value, splits in zip(ragged_values, ragged_splits)
        ],
        "S": [_ragged_from_sparse(index, value, batch) for index, value in zip(indices, values)],
        "D": [_dense_column(matrix) for matrix in dense],
    }
    columns = []
    for kind in input_order:
        if not kinds.get(kind):
            raise InvalidArgumentError("input_order must name each input once")
        columns.append(kinds[kind].pop(0))
    counts, _, picks = _combinations(columns, batch)
    splits = np.concatenate([[0], np.cumsum(counts)])
    if splits[-1] > np.iinfo(out_row_splits_type.numpy).max:
        raise InvalidArgumentError(f"{int(splits[-1])} crosses do not fit {out_row_splits_type.tf_name} row splits")
    if out_values_type is DataType.INT64:
        output = _hashed(columns, picks, num_buckets, hash_key)
    else:
        output = _joined(columns, picks, b"_X_")
    return output, splits.astype(out_row_splits_type.numpy)
