"""Sparse tensors: densify, reshape, slice, join, sort, fill, and arithmetic."""

import ml_dtypes
import numpy as np

from tests.cases import case, graph_case, graph_cases

rng = np.random.default_rng(44)
INTS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
FLOATS = [np.float16, np.float32, np.float64, ml_dtypes.bfloat16]
COMPLEX = [np.complex64, np.complex128]


def ints(*numbers, dtype=np.int64):
    return np.array(numbers, dtype)


def strings(*texts):
    return np.array([text.encode() for text in texts], object)


NOTHING = np.zeros((0, 2), np.int64)
AT = ints([0, 1], [0, 3], [2, 0], [2, 2], [2, 3])
VALUES = np.array([1.5, -2, 3, 0.25, 5], np.float32)
SHAPE = ints(4, 5)
AT3 = ints([0, 0, 1], [0, 2, 0], [1, 1, 1], [1, 1, 3], [1, 2, 2])
SHAPE3 = ints(2, 3, 4)


def dense(indices, shape, values, default=0, **attrs):
    values = np.asarray(values)
    default = np.asarray(default) if values.dtype == object else np.asarray(default, values.dtype)
    return case(
        "SparseToDense",
        sparse_indices=np.asarray(indices),
        output_shape=np.asarray(shape),
        sparse_values=values,
        default_value=default,
        **attrs,
    )


CASES = [
    dense(AT, SHAPE, VALUES),
    dense(AT, SHAPE, VALUES, -1),
    dense(AT.astype(np.int32), SHAPE.astype(np.int32), VALUES),
    dense(AT, SHAPE, np.float32(7)),
    dense(ints(1, 3), ints(5), VALUES[:2]),
    dense(np.int64(2), ints(5), np.float32(3)),
    dense(np.int64(2), ints(5), VALUES[:1]),
    dense(AT, SHAPE, strings(*"abcde"), b""),
    dense(AT, SHAPE, strings(*"abcde"), b"?"),
    dense(NOTHING, SHAPE, VALUES[:0]),
    dense(NOTHING, ints(0, 5), VALUES[:0]),
    dense(np.zeros((1, 0), np.int64), ints(), VALUES[:1]),
    dense(AT[::-1], SHAPE, VALUES, validate_indices=False),
    dense(AT[::-1], SHAPE, VALUES),
    dense(ints(1, 1), ints(3), VALUES[:2]),
    dense(ints(1, 1), ints(3), VALUES[:2], validate_indices=False),
    dense(ints(1, 3), ints(3), VALUES[:2]),
    dense(ints(1, 3), ints(3), VALUES[:2], validate_indices=False),
    dense(ints(-1), ints(3), VALUES[:1]),
    dense(AT, SHAPE, VALUES[:2]),
    dense(AT, ints(4), VALUES),
    dense(AT, ints(4, -5), VALUES),
    dense(AT[None], SHAPE, VALUES),
    case("SparseToDense", sparse_indices=AT, output_shape=SHAPE, sparse_values=VALUES, default_value=VALUES[:1]),
]
CASES += [dense(AT, SHAPE, (VALUES * 2).astype(np.int64).astype(t), 1) for t in [*INTS, *FLOATS, *COMPLEX, bool]]


def reshape(indices, shape, new):
    return case("SparseReshape", input_indices=indices, input_shape=shape, new_shape=new)


CASES += [
    reshape(AT, SHAPE, ints(2, 10)),
    reshape(AT, SHAPE, ints(20)),
    reshape(AT, SHAPE, ints(2, -1)),
    reshape(AT, SHAPE, ints(-1)),
    reshape(AT, SHAPE, ints(2, 5, 2)),
    reshape(AT3, SHAPE3, ints(-1, 4)),
    reshape(NOTHING, SHAPE, ints(5, 4)),
    reshape(np.array([[6, 3], [2, -1], [-1, -4], [-4, -4], [-2, 5]]), SHAPE, ints(2, -1, 2)),
    reshape(np.array([[6, 3], [2, -1], [-1, -4]]), SHAPE, SHAPE),
    reshape(NOTHING, ints(0, 3), ints(0, -1, 3)),
    reshape(NOTHING, ints(0, 3), ints(0)),
    reshape(NOTHING, ints(0, 3), ints(3, -1)),
    reshape(NOTHING, ints(0, 3), ints(0, -1)),
    reshape(AT, SHAPE, ints(3, -1)),
    reshape(AT, SHAPE, ints(3, 7)),
    reshape(AT, SHAPE, ints(-1, -1)),
    reshape(AT, SHAPE, ints(-2, 10)),
    reshape(AT, SHAPE3, ints(20)),
    reshape(AT[0], SHAPE, ints(20)),
    reshape(AT, SHAPE, np.int64(20)),
    reshape(AT, ints(2**40, 2**40), ints(-1)),
]


def fill(indices, values, shape, default):
    return case(
        "SparseFillEmptyRows", indices=indices, values=values, dense_shape=shape, default_value=np.asarray(default)
    )


CASES += [
    fill(AT, VALUES, SHAPE, np.float32(-1)),
    fill(AT[[2, 0, 4, 1, 3]], VALUES, SHAPE, np.float32(-1)),
    fill(ints([1, 0], [0, 1]), VALUES[:2], ints(2, 2), np.float32(-1)),
    fill(ints([0, 0], [1, 1]), VALUES[:2], ints(2, 2), np.float32(-1)),
    fill(AT, strings(*"abcde"), SHAPE, b"none"),
    fill(AT3, VALUES, ints(4, 3, 4), np.float32(-1)),
    fill(NOTHING, VALUES[:0], SHAPE, np.float32(-1)),
    fill(NOTHING, VALUES[:0], ints(0, 4), np.float32(-1)),
    fill(AT, VALUES, ints(0, 4), np.float32(-1)),
    fill(AT, VALUES, ints(2, 4), np.float32(-1)),
    fill(ints([-1, 0]), VALUES[:1], ints(2, 4), np.float32(-1)),
    fill(AT, VALUES[:2], SHAPE, np.float32(-1)),
    fill(AT, VALUES, SHAPE3, np.float32(-1)),
    fill(AT, VALUES, SHAPE, VALUES[:1]),
    fill(AT, VALUES, np.int64(4), np.float32(-1)),
]
CASES += [
    fill(AT[:2], np.array([1, 0]).astype(t), SHAPE, np.array(1).astype(t)) for t in [*INTS, *FLOATS, *COMPLEX, bool]
]


def sp(indices=AT, values=VALUES, shape=SHAPE, prefix="input_"):
    return {f"{prefix}indices": indices, f"{prefix}values": values, f"{prefix}shape": shape}


CASES += [
    case("SparseReorder", **sp()),
    case("SparseReorder", **sp(AT[::-1], VALUES[::-1].copy())),
    case("SparseReorder", **sp(AT3[[3, 1, 4, 0, 2]], strings(*"abcde"), SHAPE3)),
    case("SparseReorder", **sp(NOTHING, VALUES[:0])),
    case("SparseReorder", **sp(AT[0])),
    case("SparseReorder", **sp(AT, VALUES[:2])),
    case("SparseReorder", **sp(AT, VALUES, SHAPE3)),
]
CASES += [
    case("SparseSlice", **sp(prefix=""), start=ints(*start), size=ints(*size))
    for start, size in [
        ((0, 0), (4, 5)),
        ((0, 1), (3, 2)),
        ((2, 0), (9, 9)),
        ((1, 1), (1, 1)),
        ((4, 0), (1, 1)),
        ((7, 0), (1, 1)),
        ((0, 0), (0, 3)),
        ((0, 0), (-1, 3)),
        ((-1, 0), (2, 3)),
        ((0,), (3,)),
    ]
]
CASES += [
    case("SparseSlice", **sp(AT3, strings(*"abcde"), SHAPE3, ""), start=ints(0, 1, 0), size=ints(2, 2, 3)),
    case("SparseSlice", **sp(NOTHING, VALUES[:0], prefix=""), start=ints(0, 1), size=ints(2, 2)),
]


def concat(*parts, dim):
    columns = list(zip(*parts))
    return case(
        "SparseConcat", indices=list(columns[0]), values=list(columns[1]), shapes=list(columns[2]), concat_dim=dim
    )


OTHER = (ints([1, 0], [3, 1]), np.array([9, 8], np.float32), ints(4, 2))
ONE = (AT, VALUES, SHAPE)
CASES += [
    concat(ONE, OTHER, dim=1),
    concat(ONE, OTHER, ONE, dim=-1),
    concat(ONE, ONE, dim=0),
    concat(ONE, (NOTHING, VALUES[:0], ints(2, 5)), ONE, dim=0),
    concat((AT, strings(*"abcde"), SHAPE), (AT, strings(*"fghij"), SHAPE), dim=1),
    concat((AT3, VALUES, SHAPE3), (AT3, VALUES, SHAPE3), dim=1),
    concat(ONE, OTHER, dim=0),
    concat(ONE, (AT3, VALUES, SHAPE3), dim=0),
    concat(ONE, ONE, dim=2),
]
CASES += [
    case("SparseSplit", split_dim=np.int64(dim), **sp(prefix=""), num_split=n)
    for dim, n in [(0, 2), (1, 5), (1, 2), (0, 4), (1, 3), (0, 1), (0, 5), (2, 1), (-1, 2)]
]
CASES += [
    case("SparseSplit", split_dim=np.int64(2), **sp(AT3, strings(*"abcde"), SHAPE3, ""), num_split=3),
    case("SparseSplit", split_dim=ints(1), **sp(prefix=""), num_split=2),
    case("SparseSplit", split_dim=np.int64(0), **sp(NOTHING, VALUES[:0], prefix=""), num_split=2),
]


def product(indices=AT, values=VALUES, shape=SHAPE, b=None, **attrs):
    return case("SparseTensorDenseMatMul", a_indices=indices, a_values=values, a_shape=shape, b=b, _atol=1e-6, **attrs)


B = rng.normal(size=(5, 3)).astype(np.float32)
CASES += [
    product(b=B),
    product(b=B.T.copy(), adjoint_b=True),
    product(b=B[:4], adjoint_a=True),
    product(b=B[:4].T.copy(), adjoint_a=True, adjoint_b=True),
    product(AT[[3, 1, 0, 4, 2]].astype(np.int32), b=B),
    product(np.concatenate([AT, AT]), np.concatenate([VALUES, VALUES]), b=B),
    product(NOTHING, VALUES[:0], b=B),
    product(b=B[:, :0]),
    product(b=rng.normal(size=(5, 70)).astype(np.float32)),
    product(b=B[:4]),
    product(b=B[0]),
    product(ints([0, 7]), VALUES[:1], b=B),
    product(ints([9, 0]), VALUES[:1], b=B),
    product(shape=SHAPE3, b=B),
    product(AT, VALUES[:2], b=B),
]
CASES += [
    product(values=VALUES.astype(t), b=np.rint(B * 4).astype(t))
    for t in [np.float64, np.int32, *COMPLEX, ml_dtypes.bfloat16]
]
Z = (B + 1j * B[::-1]).astype(np.complex64)
CASES += [product(values=(VALUES * (1 + 2j)).astype(np.complex64), b=Z[:4].T.copy(), adjoint_a=True, adjoint_b=True)]
CASES += [
    case("SparseMatMul", a=B, b=B.T.copy(), _atol=1e-6),
    case("SparseMatMul", a=B, b=B, transpose_a=True, a_is_sparse=True, _atol=1e-6),
    case("SparseMatMul", a=B, b=B, transpose_b=True, b_is_sparse=True, _atol=1e-6),
    case("SparseMatMul", a=B.astype(ml_dtypes.bfloat16), b=B.T.astype(ml_dtypes.bfloat16).copy(), _atol=1e-6),
    case("SparseMatMul", a=B.astype(ml_dtypes.bfloat16), b=B.T.copy(), _atol=1e-6),
    case("SparseMatMul", a=B, b=B),
    case("SparseMatMul", a=B[0], b=B),
    case("SparseMatMul", a=B[:0], b=B.T.copy()),
]

AT_B = ints([0, 1], [1, 1], [2, 0], [3, 4])
VALUES_B = np.array([-1.5, 4, np.nan, 2], np.float32)


def pair(op, a=(AT, VALUES, SHAPE), b=(AT_B, VALUES_B, SHAPE), **more):
    return case(op, **sp(*a, "a_"), **sp(*b, "b_"), **more)


for thresh in (0.0, 1.0, 4.5):
    CASES += [pair("SparseAdd", thresh=np.float32(thresh))]
CASES += [
    pair(
        "SparseAdd",
        (AT, (VALUES * 2).astype(t), SHAPE),
        (AT_B, np.array([-3, 4, 5, 1]).astype(t), SHAPE),
        thresh=np.array(2, t if t not in COMPLEX else np.dtype(t).type(0).real.dtype),
    )
    for t in [np.int8, np.int16, np.int32, np.int64, np.float64, *COMPLEX]
]
for op in ("SparseSparseMaximum", "SparseSparseMinimum"):
    CASES += [pair(op), pair(op, (AT_B, VALUES_B, SHAPE), (AT, VALUES, SHAPE))]
    CASES += [pair(op, b=(NOTHING, VALUES[:0], SHAPE)), pair(op, b=(AT_B, VALUES_B, ints(4, 6)))]
    CASES += [pair(op, b=(AT3, VALUES, SHAPE3))]
    CASES += [
        pair(op, (AT, np.array([1, 2, 3, 0, 5]).astype(t), SHAPE), (AT_B, np.array([3, 4, 5, 1]).astype(t), SHAPE))
        for t in [*INTS, np.float16, np.float64, ml_dtypes.bfloat16]
    ]
CASES += [
    pair("SparseAdd", b=(NOTHING, VALUES[:0], SHAPE), thresh=np.float32(0)),
    pair("SparseAdd", b=(AT_B, VALUES_B, ints(4, 6)), thresh=np.float32(0)),
    pair("SparseAdd", b=(AT3, VALUES, SHAPE3), thresh=np.float32(0)),
    pair("SparseAdd", b=(AT_B, VALUES_B[:2], SHAPE), thresh=np.float32(0)),
    pair("SparseAdd", thresh=VALUES[:1]),
]

D = rng.integers(1, 9, size=(4, 5)).astype(np.float32)
CASES += [
    case("SparseTensorDenseAdd", **sp(prefix="a_"), b=D),
    case("SparseTensorDenseAdd", **sp(AT.astype(np.int32), VALUES, SHAPE.astype(np.int32), "a_"), b=D),
    case("SparseTensorDenseAdd", **sp(AT3, VALUES, SHAPE3, "a_"), b=np.ones(SHAPE3, np.float32)),
    case("SparseTensorDenseAdd", **sp(ints([0, 0], [0, 0]), VALUES[:2], SHAPE, "a_"), b=D),
    case("SparseTensorDenseAdd", **sp(NOTHING, VALUES[:0], SHAPE, "a_"), b=D),
    case("SparseTensorDenseAdd", **sp(prefix="a_"), b=D[:3]),
    case("SparseTensorDenseAdd", **sp(ints([0, 9]), VALUES[:1], SHAPE, "a_"), b=D),
]
CASES += [
    case("SparseTensorDenseAdd", **sp(AT, VALUES.astype(t), SHAPE, "a_"), b=D.astype(t))
    for t in [*INTS[:3], np.int32, np.int64, *FLOATS, *COMPLEX]
]
for op in ("SparseDenseCwiseMul", "SparseDenseCwiseDiv", "SparseDenseCwiseAdd"):
    CASES += [
        case(op, **sp(prefix="sp_"), dense=D),
        case(op, **sp(prefix="sp_"), dense=D[0]),
        case(op, **sp(prefix="sp_"), dense=D[:, :1].copy()),
        case(op, **sp(prefix="sp_"), dense=D[:1]),
        case(op, **sp(prefix="sp_"), dense=np.float32(0)),
        case(op, **sp(AT3, VALUES, SHAPE3, "sp_"), dense=D[:3, :1].copy()),
        case(op, **sp(NOTHING, VALUES[:0], SHAPE, "sp_"), dense=D),
        case(op, **sp(prefix="sp_"), dense=D[:, :2].copy()),
        case(op, **sp(prefix="sp_"), dense=np.ones((2, 4, 5), np.float32)),
        case(op, **sp(ints([0, 9]), VALUES[:1], SHAPE, "sp_"), dense=D),
    ]
    CASES += [
        case(op, **sp(AT, (VALUES * 4).astype(t), SHAPE, "sp_"), dense=D.astype(t))
        for t in [np.int8, np.uint8, np.int16, np.int32, np.int64, *FLOATS]
    ]

for op in ("SparseReduceSum", "SparseReduceMax", "SparseReduceSumSparse", "SparseReduceMaxSparse"):
    for axes in ([0], [1], [0, 1], [-1], [], [1, 1]):
        CASES += [case(op, **sp(), reduction_axes=ints(*axes, dtype=np.int32), keep_dims=k) for k in (False, True)]
    CASES += [
        case(op, **sp(AT3, VALUES, SHAPE3), reduction_axes=ints(0, 2, dtype=np.int32)),
        case(op, **sp(AT3, VALUES, SHAPE3), reduction_axes=ints(1, dtype=np.int32)),
        case(op, **sp(), reduction_axes=np.int32(1)),
        case(op, **sp(NOTHING, VALUES[:0]), reduction_axes=ints(1, dtype=np.int32)),
        case(op, **sp(NOTHING, VALUES[:0]), reduction_axes=ints(0, 1, dtype=np.int32)),
        case(op, **sp(AT[[4, 2, 0, 1, 3]]), reduction_axes=ints(1, dtype=np.int32)),
        case(op, **sp(), reduction_axes=ints(2, dtype=np.int32)),
    ]
    CASES += [
        case(op, **sp(AT, (VALUES * 4).astype(t)), reduction_axes=ints(1, dtype=np.int32))
        for t in [np.int8, np.uint8, np.int16, np.int32, np.int64, *FLOATS] + (COMPLEX if "Sum" in op else [])
    ]
CASES += [
    case("SparseSoftmax", **sp(prefix="sp_")),
    case("SparseSoftmax", **sp(AT3, VALUES, SHAPE3, "sp_")),
    case("SparseSoftmax", **sp(NOTHING, VALUES[:0], SHAPE, "sp_")),
    case("SparseSoftmax", **sp(ints([1], [2]), VALUES[:2], ints(4), "sp_")),
    case("SparseSoftmax", **sp(AT, VALUES.astype(np.float64), SHAPE, "sp_")),
    case("SparseSoftmax", **sp(AT, VALUES.astype(np.float16), SHAPE, "sp_")),
    case("SparseSoftmax", **sp(AT, VALUES[:2], SHAPE, "sp_")),
]


@graph_case("reduce_and_densify", x=D)
def reduce_and_densify(tf, x):
    sparse = tf.sparse.from_dense(x - 4)
    return [
        tf.sparse.reduce_sum(sparse, 1),
        tf.sparse.to_dense(tf.sparse.transpose(sparse)),
        tf.sparse.softmax(sparse).values,
    ]


CASES += graph_cases()
