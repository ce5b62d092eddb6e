"""Shapes and what is made of them; joining and splitting."""

from __future__ import annotations

import numpy as np

from tests.cases import case, graph_case, graph_cases
from tests.values import COMPLEX, NUMBERS, PLAIN, QUANTIZED, cast, i32, i64, ramp

nan, inf = np.nan, np.inf
S = np.int32  # 0-d int32

TILED = [d for d in PLAIN if d not in ("uint16", "uint64")]

CASES = [
    # the shape as a value
    *[case("Shape", _label=d, input=ramp((2, 3), d)) for d in PLAIN],
    case("Shape", input=ramp((2, 0, 3)), out_type="int64"),
    case("Shape", input=np.float32(1)),
    case("ShapeN", input=[ramp((2, 3)), ramp((0,)), np.float32(1)]),
    case("ShapeN", input=[ramp((2, 3)), ramp((4,))], out_type="int64"),
    case("ShapeN", input=[ramp((2, 3))]),
    *[case("Size", _label=d, input=ramp((2, 3), d)) for d in ("float32", "string", "bool", "int8")],
    case("Size", input=np.float32(1), out_type="int64"),
    case("Size", input=ramp((2, 0))),
    case("Rank", input=ramp((2, 0, 1))),
    case("Rank", input=np.float32(1)),
    case("EnsureShape", input=ramp((2, 3)), shape=[2, None]),
    case("EnsureShape", input=ramp((2, 3)), shape=None),
    case("EnsureShape", input=ramp((2, 3), "string"), shape=[2, 3]),
    case("EnsureShape", input=ramp((2, 3)), shape=[2, 4]),
    case("EnsureShape", input=ramp((2, 3)), shape=[2]),
    case("BroadcastArgs", s0=i32(2, 1, 3), s1=i32(4, 1)),
    case("BroadcastArgs", s0=i64(), s1=i64(0, 1)),
    case("BroadcastArgs", s0=i64(1), s1=i64(0)),
    case("BroadcastArgs", s0=i32(2, 3), s1=i32(4, 3)),
    case("BroadcastArgs", s0=S(2), s1=i32(4, 3)),
    case("BroadcastGradientArgs", s0=i32(2, 1, 3), s1=i32(4, 1)),
    case("BroadcastGradientArgs", s0=i32(2, 1, 3), s1=i32(2, 1, 3)),
    case("BroadcastGradientArgs", s0=i32(1, 2, 1), s1=i32(3, 1, 1, 1)),
    case("BroadcastGradientArgs", s0=i64(), s1=i64(3, 2)),
    case("BroadcastGradientArgs", s0=i64(0, 3), s1=i64(1)),
    case("BroadcastGradientArgs", s0=i32(2), s1=i32(3)),
    # the same values under another shape
    *[case("Reshape", _label=d, tensor=ramp((2, 3), d), shape=i32(3, -1)) for d in PLAIN + QUANTIZED],
    case("Reshape", tensor=ramp((2, 3)), shape=i64(6)),
    case("Reshape", tensor=ramp((2, 3)), shape=S(-1)),
    case("Reshape", tensor=ramp((1, 1)), shape=i32()),
    case("Reshape", tensor=ramp((), "string"), shape=i32(1, 1)),
    case("Reshape", tensor=ramp((1,), "string"), shape=i32()),
    case("Reshape", tensor=ramp((0, 3)), shape=i32(-1, 3)),
    case("Reshape", tensor=ramp((0, 3)), shape=i32(0, 7)),
    case("Reshape", tensor=ramp((0, 3)), shape=i32(-1, 0)),
    case("Reshape", tensor=ramp((2, 3)), shape=i32(-1, -1)),
    case("Reshape", tensor=ramp((2, 3)), shape=i32(-2, 3)),
    case("Reshape", tensor=ramp((2, 3)), shape=i32(4, -1)),
    case("Reshape", tensor=ramp((2, 3)), shape=i32(7)),
    case("Reshape", tensor=ramp((2, 3)), shape=i32([2, 3])),
    *[case("ExpandDims", _label=d, input=ramp((2, 3), d), axis=S(1)) for d in PLAIN],
    *[case("ExpandDims", input=ramp((2, 3)), axis=np.int64(a)) for a in (-3, -2, -1, 0, 2)],
    case("ExpandDims", input=np.float32(5), axis=i32(0)),
    case("ExpandDims", input=ramp((), "string"), axis=S(-1)),
    case("ExpandDims", input=ramp((2, 3)), axis=S(3)),
    case("ExpandDims", input=ramp((2, 3)), axis=S(-4)),
    *[case("Squeeze", _label=d, input=ramp((1, 3, 1), d)) for d in PLAIN],
    case("Squeeze", input=ramp((1, 3, 1)), axis=[0]),
    case("Squeeze", input=ramp((1, 3, 1)), axis=[-1, 0]),
    case("Squeeze", input=ramp((1, 1), "string")),
    case("Squeeze", input=ramp((1, 0, 1))),
    case("Squeeze", input=ramp((1, 3, 1)), axis=[1]),
    case("Squeeze", input=ramp((1, 3, 1)), axis=[3]),
    *[case("Transpose", _label=d, x=ramp((2, 3), d), perm=i32(1, 0)) for d in PLAIN],
    case("Transpose", x=ramp((2, 3, 4)), perm=i64(2, 0, 1)),
    case("Transpose", x=ramp((2, 0, 4)), perm=i64(2, 0, 1)),
    case("Transpose", x=np.float32(1), perm=i32()),
    case("Transpose", x=ramp((2, 3)), perm=i32(1, 1)),
    case("Transpose", x=ramp((2, 3)), perm=i32(-1, 0)),
    case("Transpose", x=ramp((2, 3)), perm=i32(0)),
    case("Transpose", x=ramp((2, 3)), perm=i32(0, 2)),
    *[case("ConjugateTranspose", _label=d, x=ramp((2, 3), d), perm=i32(1, 0)) for d in [*COMPLEX, "float32", "int8"]],
    *[case("BroadcastTo", _label=d, input=ramp((2, 1), d), shape=i32(2, 2, 3)) for d in PLAIN],
    case("BroadcastTo", input=np.float32(1), shape=i64(2, 0)),
    case("BroadcastTo", input=np.float32(1), shape=i64()),
    case("BroadcastTo", input=ramp((), "string"), shape=i64(2)),
    case("BroadcastTo", input=ramp((2, 3)), shape=i32(3)),
    case("BroadcastTo", input=ramp((2, 3)), shape=i32(2, 4)),
    case("BroadcastTo", input=ramp((1, 3)), shape=i32(-1, 3)),
    # new values
    *[case("Fill", _label=d, dims=i32(2, 3), value=ramp((), d, 7)) for d in PLAIN],
    case("Fill", dims=i64(), value=np.float32(1)),
    case("Fill", dims=i64(0, 2), value=ramp((), "string")),
    case("Fill", dims=i32(-1), value=np.float32(1)),
    case("Fill", dims=i32(2), value=ramp((1,))),
    case("Fill", dims=i32([2]), value=np.float32(1)),
    *[case("ZerosLike", _label=d, x=ramp((2, 3), d, 5)) for d in PLAIN],
    case("ZerosLike", x=ramp((), "string")),
    case("ZerosLike", x=ramp((0, 2))),
    *[case("OnesLike", _label=d, x=ramp((2, 3), d, 5)) for d in [*NUMBERS, "bool"]],
    case("OnesLike", x=np.float32(3)),
    *[case("Empty", _label=d, shape=i32(2, 2), dtype=d, init=True) for d in ("float32", "float64", "int32", "int64")],
    case("Empty", shape=i32(2), dtype="string", init=True),
    case("Empty", shape=i32(), dtype="float32", init=True),
    case("Empty", shape=i32(-2), dtype="float32", init=True),
    case("Empty", shape=i32([2]), dtype="float32", init=True),
    *[
        case(
            "OneHot", _label=d, indices=i32(0, 2, -1, 5), depth=S(3), on_value=ramp((), d, 9), off_value=ramp((), d, 4)
        )
        for d in PLAIN
    ],
    *[
        case("OneHot", indices=i64([0, 1], [2, 0]), depth=S(3), on_value=np.float32(1), off_value=np.float32(0), axis=a)
        for a in (-1, 0, 1, 2)
    ],
    *[
        case("OneHot", _label=d, indices=cast([0, 1, 200], d), depth=S(2), on_value=S(1), off_value=S(0))
        for d in ("uint8", "int8", "int32", "int64")
    ],
    case("OneHot", indices=S(1), depth=S(3), on_value=np.float32(1), off_value=np.float32(0)),
    case("OneHot", indices=i32(0, 1), depth=S(0), on_value=np.float32(1), off_value=np.float32(0)),
    case("OneHot", indices=i32(), depth=S(2), on_value=np.float32(1), off_value=np.float32(0)),
    case("OneHot", indices=i32(0, 1), depth=S(-1), on_value=np.float32(1), off_value=np.float32(0)),
    case("OneHot", indices=i32(0, 1), depth=i32(1), on_value=np.float32(1), off_value=np.float32(0)),
    case("OneHot", indices=i32(0, 1), depth=S(2), on_value=np.float32(1), off_value=np.float32(0), axis=2),
    # choosing
    *[case("Where", _label=d, condition=cast([[0, 1, 0], [2, 0, 3]], d)) for d in [*NUMBERS[1:], "bool"]],
    case("Where", condition=np.array([nan, 0.0, -0.0, inf], np.float32)),
    case("Where", condition=np.bool_(True)),
    case("Where", condition=np.bool_(False)),
    case("Where", condition=np.zeros((2, 0), bool)),
    case("Where", condition=np.zeros((0, 3, 2), bool)),
    case("Where", condition=np.arange(60).reshape(3, 4, 5) % 7 == 1),
    case("Where", condition=np.arange(16).reshape(2, 2, 2, 2) % 3 == 0),
    *[
        case("SelectV2", _label=d, condition=np.array([True, False]), t=ramp((2, 2), d), e=ramp((2, 1), d, 10))
        for d in PLAIN
    ],
    case("SelectV2", condition=np.bool_(True), t=ramp((), "string"), e=ramp((), "string", 9)),
    case("SelectV2", condition=np.bool_(False), t=np.float32(1), e=ramp((2, 3))),
    case("SelectV2", condition=ramp((2, 1)) > 0, t=ramp((3,)), e=np.float32(-1)),
    case("SelectV2", condition=np.zeros((0,), bool), t=ramp((1,)), e=ramp((1,))),
    case("SelectV2", condition=ramp((3,)) > 0, t=ramp((2,)), e=np.float32(-1)),
    # names for the input
    case("Identity", input=ramp((2,), "string")),
    case("Identity", input=np.float32(3)),
    case("IdentityN", input=[ramp((2,)), ramp((), "string"), ramp((0, 1), "int8")]),
    case("IdentityN", input=[ramp((2,))]),
    case("StopGradient", input=ramp((2,))),
    case("PreventGradient", input=ramp((2,)), message="no"),
    case("Snapshot", input=ramp((2,))),
    case("GuaranteeConst", input=ramp((2,))),
    # rows replaced in a copy
    *[
        case(op, _label=d, x=ramp((3, 2), d), i=i32(0, 2), v=ramp((2, 2), d, 5))
        for op in ("InplaceUpdate", "InplaceAdd", "InplaceSub")
        for d in ("float32", "int32", "int64", "float64", "bfloat16")
    ],
    case("InplaceUpdate", x=ramp((3, 2), "bool"), i=i32(1), v=ramp((1, 2), "bool")),
    case("InplaceUpdate", x=ramp((3, 2)), i=i32(-1), v=ramp((1, 2), start=7)),
    case("InplaceUpdate", x=ramp((3, 2)), i=S(1), v=ramp((1, 2), start=7)),
    case("InplaceAdd", x=ramp((3, 2)), i=i32(0, 0), v=ramp((2, 2), start=7)),
    case("InplaceUpdate", x=ramp((3, 2)), i=i32(0, 1), v=ramp((1, 2))),
    case("InplaceUpdate", x=ramp((3, 2)), i=i32(0), v=ramp((1, 3))),
    # layout names as numbers
    case("DataFormatDimMap", x=i32(0, 1, 2, 3, -1, -4)),
    case("DataFormatDimMap", x=i64([1, 2], [0, 3]), src_format="NCHW", dst_format="NHWC"),
    case("DataFormatDimMap", x=S(2), src_format="NDHWC", dst_format="NCDHW"),
    case("DataFormatDimMap", x=i32(4)),
    case("DataFormatVecPermute", x=i32(1, 2, 3, 4)),
    case("DataFormatVecPermute", x=i64([1, 2], [3, 4], [5, 6], [7, 8]), src_format="NCHW", dst_format="NHWC"),
    case("DataFormatVecPermute", x=i32(5, 6), src_format="HWNC", dst_format="NCWH"),
    case("DataFormatVecPermute", x=i32([1, 2], [3, 4])),
    case("DataFormatVecPermute", x=i32(1, 2, 3)),
    case("DataFormatVecPermute", x=S(1)),
    # joining
    *[case("ConcatV2", _label=d, values=[ramp((2, 3), d), ramp((2, 1), d, 50)], axis=S(1)) for d in PLAIN + QUANTIZED],
    case("ConcatV2", values=[ramp((2, 3)), ramp((1, 3))], axis=np.int64(-2)),
    case("ConcatV2", values=[ramp((0,)), ramp((2,))], axis=S(0)),
    case("ConcatV2", values=[ramp((0, 3)), ramp((2, 3))], axis=S(0)),
    case("ConcatV2", values=[ramp((2, 3)), ramp((1, 3))], axis=S(1)),
    case("ConcatV2", values=[ramp((2, 3)), ramp((3,))], axis=S(0)),
    case("ConcatV2", values=[ramp((2, 3)), ramp((2, 3))], axis=S(2)),
    case("ConcatV2", values=[np.float32(1), np.float32(2)], axis=S(0)),
    case("ConcatV2", values=[ramp((2, 3)), ramp((2, 3))], axis=i32(0, 1)),
    case("ConcatV2", values=[ramp((2, 3)), ramp((2, 3))], axis=i32(1)),
    *[case("Concat", _label=d, concat_dim=S(0), values=[ramp((1, 2), d), ramp((2, 2), d)]) for d in PLAIN],
    case("Concat", concat_dim=S(-1), values=[ramp((2, 1)), ramp((2, 2))]),
    case("Concat", concat_dim=S(0), values=[ramp((2, 1)), ramp((2, 2))]),
    case("ConcatOffset", concat_dim=S(1), shape=[i32(2, 2, 7), i32(2, 3, 7), i32(2, 9, 7)]),
    case("ConcatOffset", concat_dim=S(-1), shape=[i32(2, 2), i32(2, 3)]),
    case("ConcatOffset", concat_dim=S(0), shape=[i32(2, 2), i32(2, 3)]),
    case("ConcatOffset", concat_dim=S(2), shape=[i32(2, 2), i32(2, 2)]),
    case("ConcatOffset", concat_dim=S(0), shape=[i32(2, 2), i32(2)]),
    *[case("Pack", _label=d, values=[ramp((2,), d), ramp((2,), d, 50)]) for d in PLAIN + QUANTIZED],
    *[case("Pack", _label=d, values=[ramp((), d), ramp((), d, 50)]) for d in PLAIN],
    *[case("Pack", values=[ramp((2, 3)), ramp((2, 3), start=6)], axis=a) for a in (-3, -1, 0, 1, 2)],
    case("Pack", values=[ramp((2, 0))]),
    case("Pack", values=[ramp((2,)), ramp((3,))]),
    case("Pack", values=[ramp(()), ramp((1,))]),
    case("Pack", values=[ramp((2,))], axis=2),
    *[case("Unpack", _label=d, value=ramp((2, 3), d), num=2) for d in PLAIN],
    *[case("Unpack", value=ramp((2, 3)), num=n, axis=a) for n, a in ((3, 1), (3, -1), (2, -2))],
    case("Unpack", value=ramp((3,), "string"), num=3),
    case("Unpack", value=ramp((3, 0)), num=3),
    case("Unpack", value=ramp((1, 3)), num=1),
    case("Unpack", value=ramp((0, 3)), num=0),
    case("Unpack", value=ramp((3,)), num=2),
    case("Unpack", value=ramp((3,)), num=2, axis=1),
    # splitting
    *[case("Split", _label=d, axis=S(1), value=ramp((2, 4), d), num_split=2) for d in [*PLAIN, "quint8"]],
    case("Split", axis=S(-2), value=ramp((2, 4)), num_split=1),
    case("Split", axis=S(0), value=ramp((0, 4)), num_split=3),
    case("Split", axis=S(0), value=ramp((3, 4)), num_split=2),
    case("Split", axis=S(2), value=ramp((3, 4)), num_split=2),
    *[case("SplitV", _label=d, value=ramp((2, 4), d), size_splits=i32(1, 3), axis=S(1), num_split=2) for d in PLAIN],
    case("SplitV", value=ramp((5,)), size_splits=i64(1, -1, 2), axis=S(0), num_split=3),
    case("SplitV", value=ramp((5,)), size_splits=i64(5, -1), axis=S(-1), num_split=2),
    case("SplitV", value=ramp((5,)), size_splits=i32(5), axis=S(-1), num_split=1),
    case("SplitV", value=ramp((5,)), size_splits=i32(-1), axis=S(-1), num_split=1),
    case("SplitV", value=ramp((5,)), size_splits=i32(1, 3), axis=S(0), num_split=2),
    case("SplitV", value=ramp((5,)), size_splits=i32(-1, -1), axis=S(0), num_split=2),
    case("SplitV", value=ramp((5,)), size_splits=i32(1, 3, 1), axis=S(0), num_split=2),
    case("SplitV", value=ramp((5,)), size_splits=i32(6, -1), axis=S(0), num_split=2),
    case("SplitV", value=ramp((5,)), size_splits=i32(2, 3), axis=S(1), num_split=2),
    *[case("Tile", _label=d, input=ramp((2, 2), d), multiples=i32(2, 1)) for d in TILED],
    case("Tile", input=ramp((2, 3)), multiples=i64(2, 3)),
    case("Tile", input=ramp((2, 3)), multiples=i64(0, 3)),
    case("Tile", input=np.float32(4), multiples=i32()),
    case("Tile", input=ramp((0, 3)), multiples=i32(2, 2)),
    case("Tile", input=ramp((1, 2, 1, 2)), multiples=i32(2, 1, 3, 2)),
    case("Tile", input=ramp((2, 3)), multiples=i32(2)),
    case("Tile", input=ramp((2, 3)), multiples=i32(2, -1)),
]


@graph_case("chain_of_shapes", x=ramp((2, 3, 4)))
def chain_of_shapes(tf, x):
    shape = tf.shape(x)
    flat = tf.reshape(x, tf.stack([shape[0] * shape[1], -1]))
    return [flat, tf.reshape(tf.transpose(flat), tf.concat([shape[:1], [-1]], 0)), tf.zeros(shape[1:], tf.float64)]


@graph_case("parallel_concat", _op="ParallelConcat", x=ramp((1, 2)), y=ramp((1, 2), start=5))
def parallel_concat(tf, x, y):
    rows = [tf.ensure_shape(x, (1, 2)), tf.ensure_shape(y, (1, 2))]
    return tf.raw_ops.ParallelConcat(values=rows, shape=[2, 2])


def select(tf, condition, x, y):
    return tf.raw_ops.Select(condition=condition, x=x, y=y)  # the raw op's names are not those of the op's definition


_SELECTS = [
    *[(np.array([True, False]), ramp((2, 2), d), ramp((2, 2), d, 10)) for d in PLAIN],
    (np.bool_(True), ramp((2, 3)), ramp((2, 3), start=9)),
    (np.bool_(False), ramp((), "string"), ramp((), "string", 9)),
    (ramp((2, 3)) % 2 == 0, ramp((2, 3)), ramp((2, 3), start=9)),
    (np.array([True]), ramp((2, 2)), ramp((2, 2))),
    (np.bool_(True), ramp((2, 2)), ramp((2, 1))),
    (ramp((2, 1)) > 0, ramp((2, 2)), ramp((2, 2))),
]
for _condition, _x, _y in _SELECTS:
    graph_case("select", _op="Select", condition=_condition, x=_x, y=_y)(select)

CASES += graph_cases()
