"""Rows of ops that move elements: slices, gathers, scatters, segments, sorting, sets, sparse and ragged tensors."""

from __future__ import annotations

import numpy as np

from benchmarks.ops.inputs import (
    HALVES,
    MILLION,
    applied,
    bools,
    graph_row,
    ints,
    later,
    normal,
    ordered,
    row,
    shuffled,
    texts,
    uniform,
)
from tests.values import i32, i64

I32, F32 = np.int32, np.float32
IMAGE = normal(8, 128, 128, 16)

row("BroadcastArgs", s0=i32(5, 1, 7), s1=i32(1, 3, 7))
row("BroadcastGradientArgs", s0=i32(5, 1, 7), s1=i32(1, 3, 7))
row("BroadcastTo", input=normal(1000), shape=i32(1000, 1000))
row("Transpose", x=normal(1000, 1000), perm=i32(1, 0))
row("Transpose", "heads", x=normal(8, 128, 12, 64), perm=i32(0, 2, 1, 3))
row("Transpose", "channels", x=IMAGE, perm=i32(0, 3, 1, 2))
row("Transpose", "float16", x=normal(1000, 1000, dtype="float16"), perm=i32(1, 0))
row("ConjugateTranspose", x=normal(1000, 1000, dtype="complex64"), perm=i32(1, 0))
row("Empty", shape=i32(1000, 1000), dtype="float32", init=True)
row("EnsureShape", input=normal(MILLION), shape=[None])
row("ExpandDims", input=normal(MILLION), axis=I32(0))
row("Fill", dims=i32(1000, 1000), value=F32(2))
row("Identity", input=normal(MILLION))
row("IdentityN", input=[normal(MILLION), normal(MILLION)])
row("OneHot", indices=ints(0, 1000, 1000), depth=I32(1000), on_value=F32(1), off_value=F32(0))
row("OneHot", "middle", indices=ints(0, 100, 100, 100), depth=I32(100), on_value=F32(1), off_value=F32(0), axis=1)
row("PreventGradient", input=normal(MILLION))
row("StopGradient", input=normal(MILLION))
for op in ("Rank", "Shape", "Size"):
    row(op, input=normal(MILLION))
row("ShapeN", input=[normal(MILLION), normal(MILLION)])
row("Reshape", tensor=normal(MILLION), shape=i32(-1, 10))
row("Squeeze", input=normal(1, MILLION))


@graph_row("Where", x=bools(1000, 1000))
def where_true(tf, x):
    return tf.raw_ops.Where(condition=x)


@graph_row("Where float32", "Where", x=applied(np.round, normal(1000, 1000)))
def where_not_zero(tf, x):
    return tf.raw_ops.Where(condition=x)


for op, keywords in (
    ("Concat", {"concat_dim": I32(1), "values": [normal(1000, 500), normal(1000, 500)]}),
    ("ConcatV2", {"axis": I32(0), "values": [normal(500, 1000), normal(500, 1000)]}),
    ("Pack", {"values": [normal(500, 1000), normal(500, 1000)], "axis": 1}),
    ("Split", {"axis": I32(1), "value": normal(1000, 1000), "num_split": 4}),
    (
        "SplitV",
        {"axis": I32(1), "value": normal(1000, 1000), "num_split": 2, "size_splits": i32(300, 700)},
    ),
    ("Tile", {"input": normal(100, 100), "multiples": i32(10, 10)}),
    ("Unpack", {"value": normal(1000, 1000), "num": 1000, "axis": 1}),
):
    row(op, **keywords)
row("ConcatV2", "strings", axis=I32(0), values=[texts(100_000), texts(100_000)])

row("Slice", input=normal(1000, 1000), begin=i32(10, 10), size=i32(900, 900))
SLICE = {"begin": i32(0, 10), "end": i32(1000, 900), "strides": i32(2, 1)}
row("StridedSlice", input=normal(1000, 1000), **SLICE)
row("StridedSlice", "reversed", input=normal(1000, 1000), begin=i32(0, -1), end=i32(1000, 0), strides=i32(1, -1))
row("TensorStridedSliceUpdate", input=normal(1000, 1000), **SLICE, value=normal(500, 890))
row("Pad", input=IMAGE, paddings=i32([0, 0], [1, 1], [2, 2], [0, 0]))
row("PadV2", input=IMAGE, paddings=i32([0, 0], [1, 1], [2, 2], [0, 0]), constant_values=F32(1))
row("MirrorPad", input=IMAGE, paddings=i32([0, 0], [3, 3], [3, 3], [0, 0]), mode="REFLECT")
row("Reverse", tensor=normal(1000, 1000), dims=np.array([False, True]))
row("ReverseV2", tensor=normal(1000, 1000), axis=i32(1))
row("ReverseSequence", input=normal(100, 100, 100), seq_lengths=ints(0, 100, 100), seq_dim=1)
row("Roll", input=normal(1000, 1000), shift=I32(10), axis=I32(1))


@graph_row("BatchToSpaceND", x=IMAGE)
def batch_to_space(tf, x):
    return tf.raw_ops.BatchToSpaceND(input=x, block_shape=i32(2, 2), crops=i32([0, 0], [0, 0]))


@graph_row("SpaceToBatchND", x=IMAGE)
def space_to_batch(tf, x):
    return tf.raw_ops.SpaceToBatchND(input=x, block_shape=i32(2, 2), paddings=i32([0, 0], [0, 0]))


row("DepthToSpace", input=IMAGE, block_size=2)
row("SpaceToDepth", input=IMAGE, block_size=2)
row("UnravelIndex", indices=ints(0, MILLION, MILLION), dims=i32(1000, 1000))

row("Diag", diagonal=normal(1000))
row("MatrixBandPart", input=normal(1000, 1000), num_lower=i64(5)[0], num_upper=i64(-1)[0])
row("MatrixDiag", diagonal=normal(10, 300))
row("MatrixDiagPart", input=normal(10, 300, 300))
row("MatrixDiagPartV2", input=normal(10, 300, 300), k=i32(-2, 2), padding_value=F32(0))
row("MatrixDiagPartV3", input=normal(10, 300, 300), k=i32(-2, 2), padding_value=F32(0))
for version in ("V2", "V3"):
    row(
        f"MatrixDiag{version}", diagonal=normal(10, 5, 300), k=i32(-2, 2), num_rows=I32(-1), num_cols=I32(-1),
        padding_value=F32(0),
    )  # fmt: skip
row("MatrixSetDiagV3", input=normal(10, 300, 300), diagonal=normal(10, 5, 300), k=i32(-2, 2))

row("Gather", params=normal(10_000, 100), indices=ints(0, 10_000, 10_000))
row("GatherV2", params=normal(10_000, 100), indices=ints(0, 10_000, 10_000), axis=I32(0))
row("GatherV2", "columns", params=normal(1000, 1000), indices=ints(0, 1000, 1000), axis=I32(1))
row("GatherV2", "scalars", params=normal(MILLION), indices=ints(0, MILLION, MILLION), axis=I32(0))
row("GatherV2", "batched", params=normal(100, 1000, 10), indices=ints(0, 1000, 100, 1000), axis=I32(1), batch_dims=1)
row("GatherNd", params=normal(1000, 1000), indices=ints(0, 1000, 300_000, 2))
row("GatherNd", "rows", params=normal(1000, 1000), indices=ints(0, 1000, 1000, 1))
row("ScatterNd", indices=ints(0, 10_000, 10_000, 1), updates=normal(10_000, 100), shape=i32(10_000, 100))
row("ScatterNd", "cells", indices=ints(0, 1000, 300_000, 2), updates=normal(300_000), shape=i32(1000, 1000))
for name in ("Add", "Max", "Min", "Sub", "Update"):
    row(
        f"TensorScatter{name}", tensor=normal(10_000, 100), indices=ints(0, 10_000, 10_000, 1),
        updates=normal(10_000, 100),
    )  # fmt: skip
    row(
        f"TensorScatter{name}", "cells", tensor=normal(1000, 1000), indices=ints(0, 1000, 300_000, 2),
        updates=normal(300_000),
    )  # fmt: skip
for dtype in HALVES:
    row(
        "TensorScatterAdd", dtype, tensor=normal(1000, 1000, dtype=dtype), indices=ints(0, 1000, 300_000, 2),
        updates=normal(300_000, dtype=dtype),
    )  # fmt: skip

SORTED, UNSORTED = ordered(0, 1000, 10_000), ints(0, 1000, 10_000)
for name in ("Max", "Mean", "Min", "Prod", "Sum"):
    row(f"Segment{name}", data=uniform(0.5, 1.5, 10_000, 100), segment_ids=SORTED)
    row(f"Segment{name}", "vector", data=uniform(0.5, 1.5, MILLION), segment_ids=ordered(0, 10_000, MILLION))
    if name != "Mean":
        op = f"UnsortedSegment{name}"
        row(op, data=uniform(0.5, 1.5, 10_000, 100), segment_ids=UNSORTED, num_segments=I32(1000))
        row(
            op, "vector", data=uniform(0.5, 1.5, MILLION), segment_ids=ints(0, 10_000, MILLION),
            num_segments=I32(10_000),
        )  # fmt: skip
        for dtype in HALVES:
            row(
                op,
                dtype,
                data=uniform(0.5, 1.5, 10_000, 100, dtype=dtype),
                segment_ids=UNSORTED,
                num_segments=I32(1000),
            )
for name in ("Mean", "SqrtN", "Sum"):
    sparse = {"data": normal(10_000, 64), "indices": ints(0, 10_000, 20_000), "segment_ids": ordered(0, 1000, 20_000)}
    row(f"SparseSegment{name}", **sparse)
    row(f"SparseSegment{name}WithNumSegments", **sparse, num_segments=I32(1001))

row("Unique", x=ints(0, 10_000, MILLION))
row("Unique", "strings", x=texts(100_000, kinds=1000))
row("UniqueV2", x=ints(0, 10_000, MILLION), axis=i32())
row("UniqueV2", "rows", x=ints(0, 10, 10_000, 4), axis=i32(0))
row("UniqueWithCounts", x=ints(0, 10_000, MILLION, dtype="int64"))
row("DynamicPartition", data=normal(MILLION), partitions=ints(0, 10, MILLION), num_partitions=10)
row("DynamicPartition", "rows", data=normal(10_000, 100), partitions=ints(0, 10, 10_000), num_partitions=10)
HALF = 500_000


@later
def part_of_shuffle(half: int) -> np.ndarray:
    return np.random.default_rng(3).permutation(2 * HALF)[half * HALF : (half + 1) * HALF].astype(I32)


for op in ("DynamicStitch", "ParallelDynamicStitch"):
    row(op, indices=[part_of_shuffle(0), part_of_shuffle(1)], data=[normal(HALF), normal(HALF)])
row("InvertPermutation", x=shuffled(MILLION))
row("ListDiff", x=ints(0, MILLION, MILLION), y=ints(0, MILLION, 300_000))
row("TopKV2", input=normal(100, 10_000), k=I32(10))
row("TopKV2", "one row", input=normal(1, MILLION), k=I32(100))
row("TopKV2", "sort", input=normal(100, 10_000), k=I32(10_000))
row("TopKV2", "float16", input=normal(100, 10_000, dtype="float16"), k=I32(10))


@graph_row("ApproxTopK", x=normal(100, 10_000))
def approximate_top(tf, x):
    return tf.raw_ops.ApproxTopK(input=tf.ensure_shape(x, [100, 10_000]), k=10)


row("InTopKV2", predictions=normal(1000, 1000), targets=ints(0, 1000, 1000), k=I32(5))
row("NthElement", input=normal(1000, 1000), n=I32(10))
row("IsotonicRegression", input=normal(100, 1000))
row("Bincount", arr=ints(0, 1000, MILLION), size=I32(1000), weights=F32([]))
row("Bincount", "weights", arr=ints(0, 1000, MILLION), size=I32(1000), weights=normal(MILLION))
row("DenseBincount", input=ints(0, 1000, 1000, 1000), size=I32(1000), weights=F32([]))
row("DenseBincount", "binary", input=ints(0, 1000, 1000, 100), size=I32(1000), weights=F32([]), binary_output=True)
row("DenseCountSparseOutput", values=ints(0, 1000, 1000, 100), weights=F32([]), binary_output=False)


@later
def splits(rows: int, each: int, dtype: str = "int64") -> np.ndarray:
    return np.arange(0, rows * each + 1, each).astype(dtype)


@later
def ragged_splits(rows: int, total: int) -> np.ndarray:
    cuts = np.sort(np.random.default_rng(5).integers(0, total, rows - 1))
    return np.concatenate([[0], cuts, [total]]).astype(np.int64)


row(
    "RaggedBincount",
    splits=ragged_splits(1000, 100_000),
    values=ints(0, 1000, 100_000),
    size=I32(1000),
    weights=F32([]),
)
row(
    "RaggedGather", params_nested_splits=[ragged_splits(10_000, MILLION)], params_dense_values=normal(MILLION),
    indices=ints(0, 10_000, 10_000), OUTPUT_RAGGED_RANK=1,
)  # fmt: skip
row("RaggedRange", starts=np.int64(0), limits=ints(0, 100, 10_000, dtype="int64"), deltas=np.int64(1))
row("RaggedTensorToSparse", rt_nested_splits=[ragged_splits(10_000, MILLION)], rt_dense_values=normal(MILLION))
row(
    "RaggedTensorToTensor", shape=i64(-1, -1), values=normal(MILLION), default_value=F32(0),
    row_partition_tensors=[ragged_splits(10_000, MILLION)], row_partition_types=["ROW_SPLITS"],
)  # fmt: skip
row(
    "RaggedTensorToTensor", "strings", shape=i64(-1, -1), values=texts(100_000), default_value=np.array(b"", object),
    row_partition_tensors=[ragged_splits(1000, 100_000)], row_partition_types=["ROW_SPLITS"],
)  # fmt: skip
row(
    "RaggedTensorToTensor", "rowids", shape=i64(-1, -1), values=normal(MILLION), default_value=F32(0),
    row_partition_tensors=[np.int64(10_000), ordered(0, 10_000, MILLION, dtype="int64")],
    row_partition_types=["FIRST_DIM_SIZE", "VALUE_ROWIDS"],
)  # fmt: skip
row(
    "RaggedTensorToTensor", "two levels", shape=i64(-1, -1, -1), values=normal(MILLION), default_value=F32(0),
    row_partition_tensors=[splits(1000, 10), ragged_splits(10_000, MILLION)],
    row_partition_types=["ROW_SPLITS", "ROW_SPLITS"],
)  # fmt: skip


@graph_row("RaggedTensorToVariant", splits=splits(10_000, 100), values=normal(MILLION))
def to_variant(tf, splits, values):
    return tf.raw_ops.RaggedTensorToVariant(rt_nested_splits=[splits], rt_dense_values=values, batched_input=True)


@graph_row("RaggedTensorFromVariant", splits=splits(10_000, 100), values=normal(MILLION))
def from_variant(tf, splits, values):
    encoded = tf.raw_ops.RaggedTensorToVariant(rt_nested_splits=[splits], rt_dense_values=values, batched_input=True)
    return tf.raw_ops.RaggedTensorFromVariant(
        encoded_ragged=encoded, input_ragged_rank=0, output_ragged_rank=1, Tvalues=values.dtype
    )


@later
def cells(rows: int, columns: int, count: int, seed: int = 0) -> np.ndarray:
    """The sorted, distinct indices of a sparse matrix."""
    flat = np.sort(np.random.default_rng(seed).choice(rows * columns, count, replace=False))
    return np.stack([flat // columns, flat % columns], 1).astype(np.int64)


@later
def unordered_cells(rows: int, columns: int, count: int) -> np.ndarray:
    flat = np.random.default_rng(0).choice(rows * columns, count, replace=False)
    return np.stack([flat // columns, flat % columns], 1).astype(np.int64)


N = 200_000
CELLS, OTHERS, VALUES, SHAPE = cells(1000, 1000, N), cells(1000, 1000, N, 1), normal(N), i64(1000, 1000)
TWO = {"a_indices": CELLS, "a_values": VALUES, "a_shape": SHAPE}
OTHER = {"b_indices": OTHERS, "b_values": VALUES, "b_shape": SHAPE}
row("SparseConcat", indices=[CELLS, OTHERS], values=[VALUES, VALUES], shapes=[SHAPE, SHAPE], concat_dim=1)
row(
    "SparseFillEmptyRows",
    indices=cells(100_000, 10, N),
    values=VALUES,
    dense_shape=i64(100_000, 10),
    default_value=F32(0),
)
row("SparseReorder", input_indices=unordered_cells(1000, 1000, N), input_values=VALUES, input_shape=SHAPE)
row("SparseReshape", input_indices=CELLS, input_shape=SHAPE, new_shape=i64(100, -1))
row("SparseSlice", indices=CELLS, values=VALUES, shape=SHAPE, start=i64(100, 100), size=i64(800, 800))
row("SparseToDense", sparse_indices=CELLS, output_shape=SHAPE, sparse_values=VALUES, default_value=F32(0))
row("SparseAdd", **TWO, **OTHER, thresh=F32(0))
row("SparseDenseCwiseMul", sp_indices=CELLS, sp_values=VALUES, sp_shape=SHAPE, dense=normal(1000, 1000))
for op in ("SparseReduceMax", "SparseReduceSum"):
    row(op, input_indices=CELLS, input_values=VALUES, input_shape=SHAPE, reduction_axes=i32(1))
row("SparseSoftmax", sp_indices=CELLS, sp_values=VALUES, sp_shape=SHAPE)
row("SparseSparseMaximum", **TWO, **OTHER)
row("SparseTensorDenseAdd", **TWO, b=normal(1000, 1000))
row("SparseTensorDenseMatMul", **TWO, b=normal(1000, 64))
row(
    "EditDistance", hypothesis_indices=cells(1000, 100, 50_000), hypothesis_values=ints(0, 30, 50_000, dtype="int64"),
    hypothesis_shape=i64(1000, 100), truth_indices=cells(1000, 100, 50_000, 1),
    truth_values=ints(0, 30, 50_000, dtype="int64"), truth_shape=i64(1000, 100),
)  # fmt: skip
row(
    "DenseToDenseSetOperation",
    set1=ints(0, 1000, 1000, 100),
    set2=ints(0, 1000, 1000, 100),
    set_operation="intersection",
)
