"""tf.SequenceExample protos to tensors: their context features and their lists of features, one row or a batch.

Sources: tensorflow/core/kernels/example_parsing_ops.cc, core/util/example_proto_fast_parsing.cc.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels import _examples as ex
from smcli.kernels._bytes import as_list
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

_MISMATCH = "Expected type: {want}"
Types = tuple[DataType, ...]
Shapes = tuple[tuple[int, ...] | None, ...]
ListColumn = list[list[ex.Values | None] | None]  # for each row the steps of a feature list, None where it is missing


@dataclass(frozen=True, slots=True)
class _Batch:
    context: ex.Rows
    lists: list[Any]


@dataclass(slots=True)
class _Wanted:
    """What is to be read. dense_lists: key, type, shape of one step, and whether it may be missing."""

    sparse: list[tuple[bytes, DataType]]
    dense: list[ex.Dense]
    sparse_lists: list[tuple[bytes, DataType]]
    dense_lists: list[tuple[bytes, DataType, tuple[int, ...], bool]]
    ragged: list[tuple[bytes, DataType, DataType]] = field(default_factory=list)
    ragged_lists: list[tuple[bytes, DataType, DataType]] = field(default_factory=list)


def _batch(serialized: Any, names: Any) -> _Batch:
    from smcli.proto.example_pb2 import SequenceExample

    if np.ndim(serialized) > 1:
        raise InvalidArgumentError(
            f"Expected serialized to be a scalar or vector, got shape: {ex.brackets(np.shape(serialized))}"
        )
    if np.size(names) and np.shape(names) != np.shape(serialized):
        raise InvalidArgumentError(
            f"Expected debug_name to have the shape of serialized, {ex.brackets(np.shape(serialized))}, "
            f"got {ex.brackets(np.shape(names))}"
        )
    labels = as_list(names)
    messages = ex.parse_all(SequenceExample, as_list(serialized), "sequence example", labels)
    return _Batch(
        ex.Rows([message.context.feature for message in messages], labels),
        [message.feature_lists.feature_list for message in messages],
    )


def _list_column(batch: _Batch, key: bytes, data_type: DataType) -> ListColumn:
    kind, name = ex.kind_of(data_type), key.decode("utf-8", "surrogateescape")
    found: ListColumn = []
    for row, lists in enumerate(batch.lists):
        steps = lists.get(name)
        if steps is None:
            found.append(None)
            continue
        try:
            found.append([ex.values_of(feature, kind) for feature in steps.feature])
        except TypeError as error:
            raise InvalidArgumentError(
                f"{batch.context.label(row)}, Feature list: {name}.  Data types don't match. "
                f"Expected type: {ex.type_name(data_type)}, actual type: {error.args[0]}"
            ) from None
    return found


def _steps(column: ListColumn) -> tuple[list[ex.Values], Array]:
    """The steps of all rows, and how many each row has."""
    counts = np.fromiter([0 if steps is None else len(steps) for steps in column], np.int64, len(column))
    steps = chain.from_iterable(row for row in column if row is not None)
    return [() if values is None else values for values in steps], counts


def _within(counts: Array) -> Array:
    """0, 1, 2, … for each count."""
    places: Array = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return places


def _sparse_list(column: ListColumn, data_type: DataType) -> tuple[Array, Array, Array]:
    """Indices [n, 3] of row, step and position; values; shape [rows, most steps, most values]."""
    steps, step_counts = _steps(column)
    counts = ex.counts_of(steps)
    total = int(counts.sum())
    rows = np.repeat(np.arange(len(column)), step_counts)
    indices = np.stack(
        [np.repeat(rows, counts), np.repeat(_within(step_counts), counts), _within(counts)], axis=1
    ).astype(np.int64)
    shape = np.array([len(column), step_counts.max(initial=0), counts.max(initial=0)], np.int64)
    return indices, ex.flat(steps, total, data_type), shape


def _dense_list(
    batch: _Batch, key: bytes, data_type: DataType, shape: tuple[int, ...], may_miss: bool, column: ListColumn
) -> tuple[Array, Array]:
    """Values [rows, most steps, …shape], padded with zeros or empty strings, and the number of steps in each row."""
    name, size = key.decode("utf-8", "replace"), int(np.prod(shape))
    for row, found in enumerate(column):
        if found is None and not may_miss:
            raise InvalidArgumentError(
                f"{batch.context.label(row)}, Feature list '{name}' is required but could not be found.  Did you mean "
                "to include it in feature_list_dense_missing_assumed_empty or feature_list_dense_defaults?"
            )
        for i, values in enumerate(found or ()):
            count = 0 if values is None else len(values)
            if count != size or values is None:
                raise InvalidArgumentError(
                    f"{batch.context.label(row)}, Key: {name}, Index: {i}.  Number of values != expected.  "
                    f"values size: {count} but output shape: {ex.brackets(shape)}"
                )
    steps, counts = _steps(column)
    longest = int(counts.max(initial=0))
    padding = b"" if data_type is DataType.STRING else 0
    result = ex.filled((len(column), longest, *shape), padding, data_type)
    flat = ex.flat(steps, len(steps) * size, data_type)
    result[np.arange(longest) < counts[:, None]] = flat.reshape(len(steps), *shape)
    return result, counts


def _ragged_list(column: ListColumn, data_type: DataType, split_type: DataType) -> tuple[Array, Array, Array]:
    """Values, the splits of rows into steps, the splits of steps into values."""
    steps, step_counts = _steps(column)
    counts = ex.counts_of(steps)
    values = ex.flat(steps, int(counts.sum()), data_type)
    return values, ex.splits_of(step_counts, split_type), ex.splits_of(counts, split_type)


@dataclass(frozen=True, slots=True)
class _Found:
    sparse: list[tuple[Array, Array, Array]]
    dense: list[Array]
    ragged: list[tuple[Array, Array]]
    sparse_lists: list[tuple[Array, Array, Array]]
    dense_lists: list[tuple[Array, Array]]
    ragged_lists: list[tuple[Array, Array, Array]]


def _check_kinds(wanted: _Wanted) -> None:
    """Raises InvalidArgumentError for a feature that is wanted in two ways."""
    for what, dense, sparse, ragged in (
        ("Context", [spec.key for spec in wanted.dense], wanted.sparse, wanted.ragged),
        ("Sequence", [key for key, *_ in wanted.dense_lists], wanted.sparse_lists, wanted.ragged_lists),
    ):
        seen = dict.fromkeys(dense, "dense")
        for kind, keys in (("sparse", [key for key, _ in sparse]), ("ragged", [key for key, *_ in ragged])):
            for key in keys:
                if seen.setdefault(key, kind) != kind:
                    name = key.decode("utf-8", "replace")
                    raise InvalidArgumentError(f"{what} feature {name} cannot be both {seen[key]} and {kind}")


def _parsed(batch: _Batch, wanted: _Wanted) -> _Found:
    rows = batch.context
    return _Found(
        [ex.sparse(ex.column(rows, key, kind, _MISMATCH), kind) for key, kind in wanted.sparse],
        [ex.dense(rows, spec, ex.column(rows, spec.key, spec.data_type, _MISMATCH)) for spec in wanted.dense],
        [ex.ragged(ex.column(rows, key, kind, _MISMATCH), kind, split) for key, kind, split in wanted.ragged],
        [_sparse_list(_list_column(batch, key, kind), kind) for key, kind in wanted.sparse_lists],
        [
            _dense_list(batch, key, kind, shape, may_miss, _list_column(batch, key, kind))
            for key, kind, shape, may_miss in wanted.dense_lists
        ],
        [_ragged_list(_list_column(batch, key, kind), kind, split) for key, kind, split in wanted.ragged_lists],
    )


def _only(found: _Found) -> _Found:
    """The same without the batch dim, for a single example."""
    return _Found(
        [(indices[:, 1:], values, shape[1:]) for indices, values, shape in found.sparse],
        [_row(part) for part in found.dense],
        [(values, splits[:1].reshape(())) for values, splits in found.ragged],
        [(indices[:, 1:], values, shape[1:]) for indices, values, shape in found.sparse_lists],
        [(values[0], lengths.reshape(())) for values, lengths in found.dense_lists],
        [(values, outer[:1].reshape(()), inner) for values, outer, inner in found.ragged_lists],
    )


def _row(part: Array) -> Array:
    return part[0] if part.ndim > 1 else part.reshape(())


def _transposed(parts: Sequence[tuple[Array, ...]], width: int) -> list[Array]:
    """All first members, then all second ones, …"""
    return [part[i] for i in range(width) for part in parts]


def _known(shapes: Shapes) -> list[tuple[int, ...]]:
    known = []
    for shape in shapes:
        if shape is None or any(size < 0 for size in shape):
            raise InvalidArgumentError(
                f"Shape {'<unknown>' if shape is None else ex.brackets(shape)} is not fully defined"
            )
        known.append(shape)
    return known


def _pairs(keys: Sequence[bytes], *columns: Sequence[Any]) -> list[Any]:
    if any(len(values) != len(keys) for values in columns):
        raise InvalidArgumentError(
            f"There are {len(keys)} keys but {[len(values) for values in columns]} types or shapes"
        )
    return list(zip(keys, *columns, strict=True))


@kernel("ParseSequenceExampleV2")
def parse_sequence_example_v2(
    serialized: Array,
    debug_name: Array,
    context_sparse_keys: Array,
    context_dense_keys: Array,
    context_ragged_keys: Array,
    feature_list_sparse_keys: Array,
    feature_list_dense_keys: Array,
    feature_list_ragged_keys: Array,
    feature_list_dense_missing_assumed_empty: Array,
    *context_dense_defaults: Array,
    Tcontext_dense: Types = (),
    context_sparse_types: Types = (),
    context_ragged_value_types: Types = (),
    context_ragged_split_types: Types = (),
    context_dense_shapes: Shapes = (),
    feature_list_dense_types: Types = (),
    feature_list_sparse_types: Types = (),
    feature_list_ragged_value_types: Types = (),
    feature_list_ragged_split_types: Types = (),
    feature_list_dense_shapes: Shapes = (),
) -> tuple[Array, ...]:
    """Features of one serialised SequenceExample or a vector of them."""
    missing = np.asarray(feature_list_dense_missing_assumed_empty).ravel().tolist()
    wanted = _Wanted(
        _pairs(as_list(context_sparse_keys), context_sparse_types),
        ex.dense_specs(
            as_list(context_dense_keys), Tcontext_dense, _known(context_dense_shapes), context_dense_defaults
        ),
        _pairs(as_list(feature_list_sparse_keys), feature_list_sparse_types),
        _pairs(as_list(feature_list_dense_keys), feature_list_dense_types, _known(feature_list_dense_shapes), missing),
        _pairs(as_list(context_ragged_keys), context_ragged_value_types, context_ragged_split_types),
        _pairs(as_list(feature_list_ragged_keys), feature_list_ragged_value_types, feature_list_ragged_split_types),
    )
    _check_kinds(wanted)
    found = _parsed(_batch(serialized, debug_name), wanted)
    if not np.ndim(serialized):
        found = _only(found)
    return (
        *_transposed(found.sparse, 3),
        *found.dense,
        *_transposed(found.ragged, 2),
        *_transposed(found.sparse_lists, 3),
        *_transposed(found.dense_lists, 2),
        *_transposed(found.ragged_lists, 3),
    )


def _names(keys: tuple[str, ...]) -> list[bytes]:
    return [key.encode("utf-8", "surrogateescape") for key in keys]


@kernel("ParseSequenceExample")
def parse_sequence_example(
    serialized: Array,
    debug_name: Array,
    *context_dense_defaults: Array,
    feature_list_dense_missing_assumed_empty: tuple[str, ...],
    context_sparse_keys: tuple[str, ...],
    context_dense_keys: tuple[str, ...],
    feature_list_sparse_keys: tuple[str, ...],
    feature_list_dense_keys: tuple[str, ...],
    context_sparse_types: Types = (),
    Tcontext_dense: Types = (),
    feature_list_dense_types: Types = (),
    context_dense_shapes: Shapes = (),
    feature_list_sparse_types: Types = (),
    feature_list_dense_shapes: Shapes = (),
) -> tuple[Array, ...]:
    """Features of one serialised SequenceExample or a vector of them; no ragged ones."""
    missing = [key in feature_list_dense_missing_assumed_empty for key in feature_list_dense_keys]
    wanted = _Wanted(
        _pairs(_names(context_sparse_keys), context_sparse_types),
        ex.dense_specs(
            _names(context_dense_keys), Tcontext_dense, _known(context_dense_shapes), context_dense_defaults
        ),
        _pairs(_names(feature_list_sparse_keys), feature_list_sparse_types),
        _pairs(_names(feature_list_dense_keys), feature_list_dense_types, _known(feature_list_dense_shapes), missing),
    )
    _check_kinds(wanted)
    found = _parsed(_batch(serialized, debug_name), wanted)
    if not np.ndim(serialized):
        found = _only(found)
    return (
        *_transposed(found.sparse, 3),
        *found.dense,
        *_transposed(found.sparse_lists, 3),
        *_transposed(found.dense_lists, 2),
    )


@kernel("ParseSingleSequenceExample")
def parse_single_sequence_example(
    serialized: Array,
    feature_list_dense_missing_assumed_empty: Array,
    *inputs: Array,
    Ncontext_sparse: int = 0,
    Ncontext_dense: int = 0,
    Nfeature_list_sparse: int = 0,
    Nfeature_list_dense: int = 0,
    context_sparse_types: Types = (),
    Tcontext_dense: Types = (),
    feature_list_dense_types: Types = (),
    context_dense_shapes: Shapes = (),
    feature_list_sparse_types: Types = (),
    feature_list_dense_shapes: Shapes = (),
) -> tuple[Array, ...]:
    """Features of one serialised SequenceExample.

    inputs: the four lists of keys, the defaults of dense context features, the name for messages.
    """
    if np.ndim(serialized):
        raise InvalidArgumentError(
            f"Expected serialized to be a scalar, got shape: {ex.brackets(np.shape(serialized))}"
        )
    if np.ndim(feature_list_dense_missing_assumed_empty) != 1:
        raise InvalidArgumentError(
            "Expected feature_list_dense_missing_assumed_empty to be a vector, got shape: "
            f"{ex.brackets(np.shape(feature_list_dense_missing_assumed_empty))}"
        )
    ends = np.cumsum([Ncontext_sparse, Ncontext_dense, Nfeature_list_sparse, Nfeature_list_dense]).tolist()
    flat_keys = [as_list(key)[0] for key in inputs[: ends[-1]]]
    sparse, dense, sparse_lists, dense_lists = (
        flat_keys[start:end] for start, end in zip([0, *ends], ends, strict=False)
    )
    may_miss = set(as_list(feature_list_dense_missing_assumed_empty))
    wanted = _Wanted(
        _pairs(sparse, context_sparse_types),
        ex.dense_specs(dense, Tcontext_dense, _known(context_dense_shapes), inputs[ends[-1] : -1]),
        _pairs(sparse_lists, feature_list_sparse_types),
        _pairs(
            dense_lists,
            feature_list_dense_types,
            _known(feature_list_dense_shapes),
            [key in may_miss for key in dense_lists],
        ),
    )
    found = _only(_parsed(_batch(serialized, inputs[-1]), wanted))
    return (
        *_transposed(found.sparse, 3),
        *found.dense,
        *_transposed(found.sparse_lists, 3),
        *(values for values, _ in found.dense_lists),
    )
