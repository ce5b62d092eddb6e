"""Inputs that no documentation allows, of ops of all families, and what TensorFlow makes of them: often more than one
would think. Drawn cases (tests/parity/drawn.py) found them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.cases import Typed, case, graph_case, graph_cases
from tests.old_graphs import const, old_graph

F32, I32, I64 = np.float32, np.int32, np.int64


def floats(*values: Any) -> Any:
    return np.array(values, F32)


def ints(*values: Any) -> Any:
    return np.array(values, I32)


def longs(*values: Any) -> Any:
    return np.array(values, I64)


def words(*values: Any) -> Any:
    return np.array(values, object)


CASES = []

# Gradients of elementwise ops: the shape is that of y, and no gradient comes out where none comes in.
for op in ("InvGrad", "ReciprocalGrad", "RsqrtGrad", "SqrtGrad", "SigmoidGrad", "TanhGrad"):
    y = floats(0, -0.0, np.inf, np.nan, 2, 0)
    CASES += [
        case(op, y=F32(2), dy=floats(3)),
        case(op, y=y.reshape(2, 3), dy=y[:, None]),
        case(op, y=y, dy=floats(0, 0, -0.0, 0, 0, 5)),
        case(op, y=np.tile(y, 4), dy=np.tile(floats(0, 0, -0.0, 0, 0, 5), 4)),
        case(op, y=y, dy=y[:3]),
    ]
for dtype in (
    "bool",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "int64",
    "uint64",
    "float16",
    "float32",
    "complex64",
):
    CASES += [case("ToBool", input=np.zeros(shape, dtype)) for shape in ((), (0,), (2,))]

# Sparse indices in any order, and out of bounds.
STRAYS = [
    longs([0, 1], [0, 1], [2, 2], [1, 0], [9, 9]),
    longs([0, 9], [0, 1], [1, 2], [2, 0], [3, 9]),
    longs([0, 1], [0, 1], [1, 2], [2, 0], [-3, 0]),
    longs([6, 3], [2, -1], [-1, -4], [-4, -4], [-2, 5]),
]
VALUES, SHAPE = floats(1.5, -2, 3, 0.25, 5), longs(4, 5)
for indices in STRAYS:
    for op in ("SparseReduceSum", "SparseReduceMax", "SparseReduceSumSparse", "SparseReduceMaxSparse"):
        for axes in ([0], [1], [0, 1], []):
            CASES += [
                case(
                    op,
                    input_indices=indices,
                    input_values=VALUES,
                    input_shape=SHAPE,
                    reduction_axes=np.array(axes, I32),
                    keep_dims=keep,
                )
                for keep in (False, True)
            ]
    CASES.append(case("SparseSoftmax", sp_indices=indices, sp_values=VALUES, sp_shape=SHAPE))
    for other in (longs([0, 1], [2, 2]), longs([2, 2], [0, 1]), longs([9, 9], [-1, 0])):
        a = {"a_indices": indices, "a_values": VALUES, "a_shape": SHAPE}
        b = {"b_indices": other, "b_values": floats(10, 20), "b_shape": SHAPE}
        CASES.append(case("SparseAdd", **a, **b, thresh=F32(0)))
NO_RANK = {f"{side}_indices": np.zeros((2, 0), I64) for side in "ab"}
CASES.append(
    case(
        "SparseAdd",
        **NO_RANK,
        a_values=floats(1, 2),
        b_values=floats(1, 2),
        a_shape=longs(),
        b_shape=longs(),
        thresh=F32(0),
    )
)
for values, size, weights, indices, shape in (
    ([1, -1, 2], 5, [], [[0], [1], [2]], [3]),
    ([1, 2, 2], 5, 1.0, [[0], [1], [2]], [3]),
    ([1, 2, 2], 5, [[1.0, 2.0, 4.0]], [[0], [1], [2]], [3]),
    ([1, 2, 2], 5, [1.0, 2.0], [[0], [1], [2]], [3]),
    ([1, -1, 2], 5, [], [[0, 0], [1, 0], [1, 1]], [2, 2]),
    ([1, -1, 2], 5, [1.0, 2.0, 3.0], [[0, 0], [1, 0], [1, 1]], [2, 2]),
):
    CASES += [
        case(
            "SparseBincount",
            indices=np.array(indices, I64),
            values=np.array(values, I32),
            dense_shape=np.array(shape, I64),
            size=I32(size),
            weights=np.array(weights, F32),
            binary_output=binary,
        )
        for binary in (False, True)
    ]

# Crosses: rows out of order, sizes of one element, and which type comes out.
for indices in ([[6, 3], [2, -1]], [[1, 0], [0, 0]], [[0, 0], [0, 1]], [[5, 5], [0, 0]], [[-1, 0], [0, 0]]):
    column = {"indices": [np.array(indices, I64)], "values": [words(b"x", b"y")], "shapes": [longs(2, 2)]}
    CASES += [
        case("SparseCrossV2", **column, dense_inputs=[words([b"p"], [b"q"])], sep=np.array(b"_", object)),
        case(
            "RaggedCross",
            ragged_values=[words(b"a", b"b")],
            ragged_row_splits=[longs(0, 1, 2)],
            sparse_indices=column["indices"],
            sparse_values=column["values"],
            sparse_shape=column["shapes"],
            dense_inputs=[],
            input_order="RS",
            hashed_output=False,
            num_buckets=7,
            hash_key=3,
            out_values_type="string",
            out_row_splits_type="int64",
        ),
    ]
ONE = {"indices": [longs([0, 0])], "values": [words(b"a")], "shapes": [longs(1, 1)], "dense_inputs": [words([b"b"])]}
for hashed in (False, True):
    for kind in ("int64", "string"):
        CASES += [
            case(
                "SparseCross",
                **ONE,
                hashed_output=hashed,
                num_buckets=7,
                hash_key=3,
                out_type=kind,
                internal_type=inner,
            )
            for inner in ("int64", "string")
        ]
        CASES.append(
            case(
                "RaggedCross",
                ragged_values=[words(b"a")],
                ragged_row_splits=[longs(0, 1)],
                sparse_indices=[],
                sparse_values=[],
                sparse_shape=[],
                dense_inputs=[words([b"b"])],
                input_order="RD",
                hashed_output=hashed,
                num_buckets=7,
                hash_key=3,
                out_values_type=kind,
                out_row_splits_type="int64",
            )
        )
for buckets in (longs(3), longs([3])):
    strong = np.zeros(buckets.shape, bool)
    CASES.append(case("SparseCrossHashed", **ONE, num_buckets=buckets, strong_hash=strong, salt=longs(1, 2)))

# Seeds and bounds of random numbers when there are none to draw.
for seed in (ints(1), ints(1, 2, 3), ints([1, 2]), I32(1)):
    for count in (0, 3):
        shape = {"shape": ints(count), "seed": seed}
        CASES += [
            case("StatelessRandomUniformInt", **shape, minval=I32(0), maxval=I32(5)),
            case("StatelessRandomBinomial", **shape, counts=F32(2), probs=F32(0.5)),
            case("StatelessRandomPoisson", **shape, lam=F32(2), dtype="float32"),
            case("StatelessRandomGammaV2", **shape, alpha=F32(2)),
        ]
for count in (0, 3):
    for low, high in ((ints(1, 2), I32(5)), (I32(5), ints(7, 8)), (I32(6), I32(5))):
        shape = {"shape": ints(count), "seed": ints(1, 2)}
        CASES.append(case("StatelessRandomUniformInt", **shape, minval=low, maxval=high))
for number in (np.inf, -1.0, 1e20):
    CASES += [
        case("StatelessRandomBinomial", shape=ints(6), seed=ints(1, 2), counts=F32(number), probs=F32(p))
        for p in (0.5, -1.0, 2.0, 1e-3)
    ]

# Quantisation: ranges of other ranks, empty tensors, gradients that are not finite.
for bound in (floats(-1.0), floats([-1.0, 3.0]), floats(), F32(-1)):
    for op, more in (("RequantizationRange", {}), ("QuantizeDownAndShrinkRange", {"out_type": "quint8"})):
        CASES += [
            case(op, input=Typed(x, "qint32"), input_min=bound, input_max=F32(7), **more)
            for x in (ints(5, -3), np.zeros((2, 0), I32))
        ]
for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
    CASES += [
        case(
            "QuantizeV2",
            input=floats([1], [2]),
            min_range=low,
            max_range=np.abs(low) * 2,
            T="qint8",
            mode=mode,
            axis=axis,
        )
        for low, axis in ((floats(-1), 1), (F32(-1), 1), (floats(-1), -1), (floats(-1, -2), 0))
    ]
GRADIENTS = floats(np.inf, np.nan, -np.inf, -3)
for inputs in (np.full(4, 9, F32), np.full(4, 3, F32), np.full(4, -9, F32)):
    CASES += [
        case("FakeQuantWithMinMaxArgsGradient", gradients=GRADIENTS, inputs=inputs, min=0.0, max=6.0),
        case("FakeQuantWithMinMaxVarsGradient", gradients=GRADIENTS, inputs=inputs, min=F32(0), max=F32(6)),
        case(
            "FakeQuantWithMinMaxVarsPerChannelGradient",
            gradients=GRADIENTS[:, None],
            inputs=inputs[:, None],
            min=floats(0),
            max=floats(6),
        ),
    ]
CASES += [
    case("FakeQuantWithMinMaxArgsGradient", gradients=floats(1), inputs=floats(1), min=low, max=high)
    for low, high in ((1.0, 1.0), (2.0, 1.0), (0.0, float("nan")))
]

# The rest.
CASES += [
    case("ReverseV2", tensor=F32(3), axis=ints(1)),
    case("ReverseV2", tensor=F32(3), axis=ints([0, 0])),
    case("ReverseV2", tensor=np.zeros((0, 3), F32), axis=ints(7)),
    case("IsotonicRegression", input=F32(-3.5), output_dtype="float32"),
    case(
        "MaxPoolGrad",
        orig_input=np.arange(16, dtype=F32).reshape(1, 4, 4, 1),
        orig_output=np.ones((1, 2, 2, 1), F32),
        grad=np.ones((1, 2, 2, 1), F32),
        ksize=[1, 2, 2, 1],
        strides=[1, 2, 2, 1],
        padding="SAME",
        explicit_paddings=[-2],
    ),
]
for tokens in (words(b"a", b"b"), words()):
    CASES += [
        case(
            "StringNGrams",
            data=tokens,
            data_splits=np.array(splits, I64),
            separator=" ",
            ngram_widths=[2],
            left_pad="l",
            right_pad="r",
            pad_width=-1,
            preserve_short_sequences=True,
        )
        for splits in ([0], [], [0, 5], [1, 2], [0, 2, 1], [0, 1, 1, 2])
    ]
for row, values in (
    ([3.0, 1.0], [2.0]),
    ([3.0, 1.0, 2.0, 0.0], [2.0, 0.5, -1.0]),
    ([1.0, np.nan, 3.0], [2.0, np.nan]),
):
    CASES += [case(op, sorted_inputs=floats(row), values=floats(values)) for op in ("LowerBound", "UpperBound")]


CASES += [case("ToBool", input=Typed(np.ones(shape, np.int8), "qint8")) for shape in ((), (2,))]
CASES += [case("BroadcastTo", input=floats(1), shape=shape) for shape in (I32(2), ints(2), ints([2]))]
CASES.append(
    case(
        "StringNGrams",
        data=words(),
        data_splits=I64(0),
        separator=" ",
        ngram_widths=[2],
        left_pad="l",
        right_pad="r",
        pad_width=-1,
        preserve_short_sequences=True,
    )
)
CASES += [
    case(
        "SparseSegmentSum",
        data=np.array([[2**63 - 1, 1], [-(2**62) - 1, 2**53 + 1]]).astype(dtype),
        indices=ints(0, 1),
        segment_ids=ints(0, 1),
    )
    for dtype in (I64, np.uint64)
]


def _resized(size: Any) -> None:
    @graph_case(f"list_resized_{size.shape}", _op="TensorListResize", size=size)
    def build(tf: Any, size: Any) -> Any:
        handle = tf.raw_ops.TensorListFromTensor(
            tensor=tf.constant([1.0, 2.0]), element_shape=tf.constant([], tf.int32)
        )
        return tf.raw_ops.TensorListLength(input_handle=tf.raw_ops.TensorListResize(input_handle=handle, size=size))


for _size in (I32(3), ints(3), ints([3])):
    _resized(_size)


def _unpacked(size: int) -> None:
    @graph_case(
        f"unpacked_into_{size}", _op="TensorArrayUnpack TensorArrayPack", x=np.arange(6, dtype=F32).reshape(3, 2)
    )
    def build(tf: Any, x: Any) -> Any:
        reads = {"dtype": F32}
        nodes = [
            const("flow", np.array(0, F32)),
            const("size", np.array(size, I32)),
            ("one", "TensorArray", ["size"], reads),
            ("unpacked", "TensorArrayUnpack", ["one", "x", "flow"], {"T": F32}),
            ("packed", "TensorArrayPack", ["one", "unpacked"], reads),
        ]
        return old_graph(tf, 15, nodes, x, ["packed:0"])


for _count in (2, 3, 4):
    _unpacked(_count)


@graph_case("popped_as_another_type", _op="Stack StackPop", x=floats(1))
def popped_as_another_type(tf: Any, x: Any) -> Any:
    nodes = [
        ("stack", "Stack", [], {"elem_type": F32}),
        ("pushed", "StackPush", ["stack", "x"], {"T": F32}),
        ("popped", "StackPop", ["stack", "^pushed"], {"elem_type": I32}),
    ]
    return old_graph(tf, 15, nodes, x, ["popped:0"])


@graph_case("map_value_of_another_type", _op="TensorMapLookup", k=floats(1))
def map_value_of_another_type(tf: Any, k: Any) -> Any:
    raw = tf.raw_ops
    one = raw.TensorMapInsert(input_handle=raw.EmptyTensorMap(), key=k, value=k)
    return raw.TensorMapLookup(input_handle=one, key=k, value_dtype=tf.int32)


@graph_case("dense_table_keys_of_rank_2", _op="LookupTableInsertV2", k=longs([5], [6], [7]))
def dense_table_keys_of_rank_2(tf: Any, k: Any) -> Any:
    raw = tf.raw_ops
    zero, last = tf.constant(0, tf.int64), tf.constant(-1, tf.int64)
    table = raw.MutableDenseHashTableV2(empty_key=zero, deleted_key=last, value_dtype=tf.int64)
    insert = raw.LookupTableInsertV2(table_handle=table, keys=k, values=tf.constant([1, 2, 3], tf.int64))
    with tf.control_dependencies([insert]):
        return raw.LookupTableSizeV2(table_handle=table)


# Functions called with other types than they declare.


def _f(tf: Any, run: Any, *dtypes: Any) -> Any:
    return tf.function(run).get_concrete_function(*[tf.TensorSpec([], dtype) for dtype in dtypes])


def _calls(given: str, wanted: str) -> None:
    def double(tf: Any) -> Any:
        return _f(tf, lambda v: v * 2.0, tf.float32)

    @graph_case(f"call_{given}_for_{wanted}", _op="PartitionedCall", x=np.array(3, given))
    def call(tf: Any, x: Any) -> Any:
        return tf.raw_ops.PartitionedCall(args=[x], Tout=[wanted], f=double(tf))

    @graph_case(f"stateful_call_{given}_for_{wanted}", _op="StatefulPartitionedCall", x=np.array(3, given))
    def stateful_call(tf: Any, x: Any) -> Any:
        return tf.raw_ops.StatefulPartitionedCall(args=[x], Tout=[wanted], f=double(tf))

    @graph_case(f"remote_call_{given}_for_{wanted}", _op="RemoteCall", x=np.array(3, given))
    def remote_call(tf: Any, x: Any) -> Any:
        target = tf.constant("/job:localhost/replica:0/task:0/device:CPU:0")
        return tf.raw_ops.RemoteCall(target=target, args=[x], Tout=[wanted], f=double(tf))

    for op in ("If", "StatelessIf"):

        @graph_case(f"{op}_{given}_for_{wanted}", _op=op, x=np.array(3, given))
        def branch(tf: Any, x: Any, op: str = op) -> Any:
            function = double(tf)
            return getattr(tf.raw_ops, op)(
                cond=tf.constant(True), input=[x], Tout=[wanted], then_branch=function, else_branch=function
            )

    for op in ("Case", "StatelessCase"):

        @graph_case(f"{op}_{given}_for_{wanted}", _op=op, x=np.array(3, given))
        def branches(tf: Any, x: Any, op: str = op) -> Any:
            function = double(tf)
            return getattr(tf.raw_ops, op)(branch_index=tf.constant(0), input=[x], Tout=[wanted], branches=[function])


for _given, _wanted in (("float32", "float32"), ("float32", "int32"), ("int64", "float32")):
    _calls(_given, _wanted)


def _loops(op: str) -> None:
    @graph_case(f"{op}_of_another_type", _op=op, x=I64(3))
    def build(tf: Any, x: Any) -> Any:
        cond, body = _f(tf, lambda v: v < 10.0, tf.float32), _f(tf, lambda v: v * 2.0, tf.float32)
        return getattr(tf.raw_ops, op)(input=[x], cond=cond, body=body)

    @graph_case(f"{op}_to_another_type", _op=op, x=F32(3))
    def changing(tf: Any, x: Any) -> Any:
        cond, body = _f(tf, lambda v: v < 10.0, tf.float32), _f(tf, lambda v: tf.cast(v, tf.int32), tf.float32)
        return getattr(tf.raw_ops, op)(input=[x], cond=cond, body=body)


for _op in ("While", "StatelessWhile"):
    _loops(_op)


@graph_case("for_of_another_type", _op="For", x=I64(3))
def for_of_another_type(tf: Any, x: Any) -> Any:
    body = _f(tf, lambda i, v: v * 2.0, tf.int32, tf.float32)
    return tf.raw_ops.For(start=tf.constant(0), limit=tf.constant(3), delta=tf.constant(1), input=[x], body=body)


def _mapped(label: str, output_type: str, output_shape: list[int], given: str) -> None:
    @graph_case(f"map_defun_{label}", _op="MapDefun", x=np.ones((3, 2), given))
    def build(tf: Any, x: Any) -> Any:
        f = tf.function(lambda v: v * 2.0).get_concrete_function(tf.TensorSpec([2], tf.float32))
        return tf.raw_ops.MapDefun(
            arguments=[x], captured_inputs=[], output_types=[output_type], output_shapes=[output_shape], f=f
        )


_mapped("as_declared", "float32", [2], "float32")
_mapped("other_shape", "float32", [3], "float32")
_mapped("other_rank", "float32", [2, 1], "float32")
_mapped("other_output", "int32", [2], "float32")
_mapped("other_input", "float32", [2], "int32")


@graph_case("batch_function_of_another_type", _op="BatchFunction", x=np.ones((3, 2), np.int32))
def batch_function_of_another_type(tf: Any, x: Any) -> Any:
    f = tf.function(lambda v: v * 2.0).get_concrete_function(tf.TensorSpec([None, 2], tf.float32))
    return tf.raw_ops.BatchFunction(
        in_tensors=[x],
        captured_tensors=[],
        f=f,
        num_batch_threads=1,
        max_batch_size=8,
        batch_timeout_micros=0,
        Tout=[tf.float32],
    )


@graph_case("batch_function_of_no_rows", _op="BatchFunction", x=np.ones((0, 2), np.float32))
def batch_function_of_no_rows(tf: Any, x: Any) -> Any:
    f = tf.function(lambda v: v * 2.0).get_concrete_function(tf.TensorSpec([None, 2], tf.float32))
    return tf.raw_ops.BatchFunction(
        in_tensors=[x],
        captured_tensors=[],
        f=f,
        num_batch_threads=1,
        max_batch_size=8,
        batch_timeout_micros=0,
        Tout=[tf.float32],
    )


def _executor(name: str) -> None:
    @graph_case(f"executor_{name}", _op="PartitionedCall", x=F32(3))
    def build(tf: Any, x: Any) -> Any:
        f = _f(tf, lambda v: v * 2.0, tf.float32)
        return tf.raw_ops.PartitionedCall(args=[x], Tout=[tf.float32], f=f, executor_type=name)


for _name in ("DEFAULT", "SINGLE_THREADED_EXECUTOR", "nonsense"):
    _executor(_name)

CASES += graph_cases()
