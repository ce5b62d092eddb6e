"""Ragged tensors: conversion, gather, range, fill, counting, crossing."""

import ml_dtypes
import numpy as np

from tests.cases import case, graph_case, graph_cases

rng = np.random.default_rng(43)
DTYPES = [
    np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, np.float16, np.float32,
    np.float64, ml_dtypes.bfloat16, np.complex64, np.complex128, bool,
]  # fmt: skip


def ints(*numbers, dtype=np.int64):
    return np.array(numbers, dtype)


def strings(*texts):
    return np.array([text.encode() for text in texts], object)


SPLITS = ints(0, 2, 2, 5, 6)
IDS = ints(0, 0, 2, 2, 2, 3)
VALUES = np.arange(1, 7, dtype=np.float32)
OUTER = ints(0, 1, 1, 4)  # three rows of the four above


def to_tensor(shape=-1, values=VALUES, default=0, parts=(SPLITS,), kinds=("ROW_SPLITS",)):
    shape = np.array(shape, np.int64) if not isinstance(shape, np.ndarray) else shape
    default = np.asarray(default) if values.dtype == object else np.asarray(default, values.dtype)
    return case(
        "RaggedTensorToTensor",
        shape=shape,
        values=values,
        default_value=default,
        row_partition_tensors=list(parts),
        row_partition_types=list(kinds),
    )


FIRST = ("FIRST_DIM_SIZE", "VALUE_ROWIDS")
CASES = [
    to_tensor(),
    to_tensor(shape=[-1, -1]),
    to_tensor(shape=[4, 3]),
    to_tensor(shape=[6, 5], default=-1),
    to_tensor(shape=[2, 2]),
    to_tensor(shape=[-1, 1]),
    to_tensor(shape=[0, -1]),
    to_tensor(shape=[-1, 0]),
    to_tensor(shape=ints(3, -1, dtype=np.int32)),
    to_tensor(parts=(SPLITS.astype(np.int32),)),
    to_tensor(parts=(np.int64(4), IDS), kinds=FIRST),
    to_tensor(parts=(np.int64(7), IDS), kinds=FIRST, default=9),
    to_tensor(shape=[3, 2], parts=(np.int64(4), IDS), kinds=FIRST),
    to_tensor(parts=(np.int32(4), IDS.astype(np.int32)), kinds=FIRST),
    to_tensor(parts=(OUTER, SPLITS), kinds=("ROW_SPLITS", "ROW_SPLITS")),
    to_tensor(shape=[-1, 2, 2], parts=(OUTER, SPLITS), kinds=("ROW_SPLITS", "ROW_SPLITS")),
    to_tensor(shape=[5, 4, 4], parts=(OUTER, SPLITS), kinds=("ROW_SPLITS", "ROW_SPLITS")),
    to_tensor(parts=(np.int64(3), ints(0, 2, 2, 2), SPLITS), kinds=(*FIRST, "ROW_SPLITS")),
    to_tensor(parts=(np.int64(3), ints(0, 2, 2, 2), IDS), kinds=(*FIRST, "VALUE_ROWIDS")),
    to_tensor(parts=(OUTER, IDS), kinds=("ROW_SPLITS", "VALUE_ROWIDS")),
    to_tensor(values=VALUES.reshape(6, 1) * [1, 10]),
    to_tensor(values=(VALUES.reshape(6, 1) * [1, 10]).astype(np.float32), default=[7, 8]),
    to_tensor(values=(VALUES.reshape(6, 1) * [1, 10]).astype(np.float32), default=[7]),
    to_tensor(values=VALUES.reshape(6, 1, 1).repeat(2, 1).repeat(3, 2), default=[[1], [2]], shape=[4, 2, 2, 3]),
    to_tensor(values=strings("a", "b", "", "dd", "é", "f"), default=b""),
    to_tensor(values=strings("a", "b", "", "dd", "é", "f"), default=b"[PAD]", shape=[5, 2]),
    to_tensor(values=VALUES[:0], parts=(ints(0),)),
    to_tensor(values=VALUES[:0], parts=(ints(0, 0, 0),), shape=[-1, 3], default=2),
    to_tensor(values=VALUES[:0], parts=(np.int64(3), ints()), kinds=FIRST),
    to_tensor(values=VALUES[:0], parts=(np.int64(0), ints()), kinds=FIRST),
    # errors
    to_tensor(shape=[3]),
    to_tensor(shape=[-1, -1, -1]),
    to_tensor(shape=5),
    to_tensor(shape=[-2, -1]),
    to_tensor(parts=(ints(0, 2, 5),)),
    to_tensor(parts=(ints(0, 2, 1, 6),)),
    to_tensor(parts=(np.int64(2), IDS), kinds=FIRST),
    to_tensor(values=VALUES.reshape(6, 1), shape=[-1, -1, 2]),
    to_tensor(values=VALUES.reshape(6, 1), default=[[1, 2]]),
    to_tensor(values=np.float32(1)),
]
CASES += [to_tensor(values=rng.integers(0, 2, 6).astype(t)) for t in DTYPES]


def to_sparse(*splits, values=VALUES):
    return case("RaggedTensorToSparse", rt_nested_splits=list(splits), rt_dense_values=values)


CASES += [
    to_sparse(SPLITS),
    to_sparse(SPLITS.astype(np.int32)),
    to_sparse(OUTER, SPLITS),
    to_sparse(SPLITS, values=VALUES.reshape(6, 1).repeat(2, 1)),
    to_sparse(OUTER, SPLITS, values=VALUES.reshape(6, 1, 1).repeat(2, 1).repeat(2, 2)),
    to_sparse(SPLITS, values=VALUES.reshape(6, 1)[:, :0]),
    to_sparse(SPLITS, values=strings(*"abcdef")),
    to_sparse(ints(0), values=VALUES[:0]),
    to_sparse(ints(0, 0, 0), values=VALUES[:0]),
    to_sparse(ints(1, 2, 6)),
    to_sparse(ints(0, 3, 2, 6)),
    to_sparse(ints(0, 2, 5)),
    to_sparse(ints(0, 2, 7)),
    to_sparse(ints()),
    to_sparse(ints(0, 1, 2), SPLITS),
    to_sparse(SPLITS, values=np.float32(3)),
]
CASES += [to_sparse(SPLITS, values=rng.integers(0, 2, 6).astype(t)) for t in DTYPES]


def gather(*splits, values=VALUES, indices):
    indices = np.asarray(indices)
    rank = len(splits) + indices.ndim - 1
    return case(
        "RaggedGather",
        params_nested_splits=list(splits),
        params_dense_values=values,
        indices=indices,
        OUTPUT_RAGGED_RANK=rank,
    )


CASES += [
    gather(SPLITS, indices=ints(2, 0, 1, 2)),
    gather(SPLITS, indices=ints(2, 0, 1, 2, dtype=np.int32)),
    gather(SPLITS.astype(np.int32), indices=ints(2, 0)),
    gather(SPLITS, indices=ints(2, 0, 1, 3, 3, 3).reshape(2, 3)),
    gather(SPLITS, indices=ints(2, 0, 1, 3).reshape(2, 1, 2)),
    gather(OUTER, SPLITS, indices=ints(2, 1, 0, 2)),
    gather(SPLITS, values=VALUES.reshape(6, 1).repeat(2, 1), indices=ints(3, 2)),
    gather(SPLITS, values=strings(*"abcdef"), indices=ints(2, 0)),
    gather(SPLITS, indices=ints()),
    gather(SPLITS, indices=ints(4)),
    gather(SPLITS, indices=ints(0, -1)),
    gather(ints(0, 2, 9), indices=ints(1)),
    gather(ints(0, 3, 1), indices=ints(1)),
    gather(ints(-1, 3, 4), indices=ints(0)),
]
CASES += [gather(SPLITS, values=rng.integers(0, 2, 6).astype(t), indices=ints(2, 0)) for t in DTYPES]


def ragged_range(starts, limits, deltas, dtype=np.int32, **attrs):
    return case(
        "RaggedRange",
        starts=np.array(starts, dtype),
        limits=np.array(limits, dtype),
        deltas=np.array(deltas, dtype),
        **attrs,
    )


for dtype in (np.int32, np.int64, np.float32, np.float64):
    CASES += [
        ragged_range([0, 5, 8], [3, 5, 12], 1, dtype),
        ragged_range([0, 5, 8], [3, 5, 12], [2, 1, 3], dtype, Tsplits="int32"),
        ragged_range(5, 0, -2, dtype),
        ragged_range(0, [3, 0, -1], 1, dtype),
        ragged_range([], [], 1, dtype),
        ragged_range([3, 1], [0, 9], [-1, 2], dtype),
        ragged_range([0], [1], [0], dtype),
        ragged_range([0, 1], [1, 2, 3], [1], dtype),
        ragged_range([[0]], [1], [1], dtype),
    ]
CASES += [
    ragged_range(0, [1, 2.05], 0.1, np.float32),
    ragged_range(-1, 1, 0.3, np.float64),
    ragged_range(0, np.inf, 1, np.float32),
    ragged_range(0, 2**31 - 1, 2**30, np.int32),
    ragged_range(-(2**31), 2**31 - 1, 2**31 - 1, np.int32),
]


def fill(rowids, values, rows, default):
    return case(
        "RaggedFillEmptyRows",
        value_rowids=rowids,
        values=values,
        nrows=np.int64(rows),
        default_value=np.asarray(default),
    )


CASES += [
    fill(IDS, VALUES, 5, np.float32(-1)),
    fill(IDS, VALUES, 4, np.float32(-1)),
    fill(ints(2, 0, 2), VALUES[:3], 4, np.float32(-1)),
    fill(ints(2, 0, 1), VALUES[:3], 3, np.float32(-1)),
    fill(ints(0, 2), strings("a", "b"), 4, b"x"),
    fill(ints(), VALUES[:0], 3, np.float32(9)),
    fill(ints(), VALUES[:0], 0, np.float32(9)),
    fill(ints(0), VALUES[:1], 0, np.float32(9)),
    fill(ints(0, 5), VALUES[:2], 3, np.float32(9)),
    fill(ints(0, -1), VALUES[:2], 3, np.float32(9)),
    fill(ints(0), VALUES[:2], 3, np.float32(9)),
    fill(ints(0, 1), VALUES[:2], 3, np.zeros(1, np.float32)),
]
CASES += [fill(ints(0, 2), np.array([1, 0]).astype(t), 4, np.array(1).astype(t)) for t in DTYPES]


def round_trip(*splits, values, batched=False, input_rank=None, tsplits="int64"):
    rank = len(splits)

    def build(tf, **feeds):
        levels = [feeds[f"s{i}"] for i in range(rank)]
        variant = tf.raw_ops.RaggedTensorToVariant(
            rt_nested_splits=levels, rt_dense_values=feeds["values"], batched_input=batched
        )
        inner = (max(rank - 1, 0) if batched else rank) if input_rank is None else input_rank
        back = tf.raw_ops.RaggedTensorFromVariant(
            encoded_ragged=variant,
            input_ragged_rank=inner,
            output_ragged_rank=rank if rank else (1 if batched else 0),
            Tvalues=values_type(tf, values),
            Tsplits=getattr(tf, tsplits),
        )
        return [*back.output_nested_splits, back.output_dense_values]

    name = f"variant_{'batched_' if batched else ''}{rank}"
    feeds = {f"s{i}": level for i, level in enumerate(splits)}
    graph_case(name, values=values, _op="RaggedTensorToVariant RaggedTensorFromVariant", **feeds)(build)


def values_type(tf, values):
    return tf.string if values.dtype == object else tf.as_dtype(values.dtype)


for batched in (False, True):
    round_trip(SPLITS, values=VALUES, batched=batched)
    round_trip(SPLITS.astype(np.int32), values=VALUES, batched=batched, tsplits="int32")
    round_trip(OUTER, SPLITS, values=VALUES, batched=batched)
    round_trip(OUTER, SPLITS, values=VALUES.reshape(6, 1).repeat(2, 1), batched=batched)
    round_trip(SPLITS, values=strings(*"abcdef"), batched=batched)
    round_trip(SPLITS, values=VALUES, batched=batched, input_rank=-1)
    round_trip(ints(0), values=VALUES[:0], batched=batched)
    round_trip(values=VALUES.reshape(3, 2), batched=batched)
    round_trip(SPLITS, values=VALUES, batched=batched, tsplits="int32")


@graph_case(
    "stacked_variants", a=ints(0, 2, 3), b=ints(0, 1), x=VALUES[:3], y=VALUES[:1], _op="RaggedTensorFromVariant"
)
def stacked_variants(tf, a, b, x, y):
    one = tf.raw_ops.RaggedTensorToVariant(rt_nested_splits=[a], rt_dense_values=x, batched_input=False)
    two = tf.raw_ops.RaggedTensorToVariant(rt_nested_splits=[b], rt_dense_values=y, batched_input=False)
    both = tf.reshape(tf.stack([one, two, two, one]), [2, 2])
    back = tf.raw_ops.RaggedTensorFromVariant(
        encoded_ragged=both, input_ragged_rank=1, output_ragged_rank=3, Tvalues=tf.float32, Tsplits=tf.int64
    )
    return [*back.output_nested_splits, back.output_dense_values]


@graph_case("ragged_map", splits=SPLITS, values=VALUES)
def ragged_map(tf, splits, values):
    ragged = tf.RaggedTensor.from_row_splits(values, splits, validate=False)
    return [tf.map_fn(lambda row: tf.reduce_sum(row), ragged, fn_output_signature=tf.float32)]


CASES += [
    case(
        "RaggedTensorToVariant",
        _label=f"splits_{splits}",
        rt_nested_splits=[np.int64(splits)],
        rt_dense_values=np.ones(3, np.float32),
        batched_input=False,
    )
    for splits in ([6, 3], [1, 3], [0, 2], [0, 2, 1, 3], [0, 3, 3])
]

CASES += graph_cases()
