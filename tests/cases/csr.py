"""Sparse matrices in variants."""

from __future__ import annotations

import numpy as np

from tests.cases import graph_case, graph_cases

rng = np.random.default_rng(61)
OUT = "CSRSparseMatrixToSparseTensor CSRSparseMatrixToDense CSRSparseMatrixComponents SparseMatrixNNZ"


def some(*shape, dtype="float32", part=0.5):
    """Numbers, about half of them zeros."""
    values = rng.integers(-9, 10, shape) / 4
    if dtype.startswith("complex"):
        values = values + 1j * rng.integers(-9, 10, shape) / 4
    return np.where(rng.random(shape) < part, 0, values).astype(dtype)


def everything(tf, matrix, dtype, index=0):
    raw = tf.raw_ops
    return [
        *raw.CSRSparseMatrixToSparseTensor(sparse_matrix=matrix, type=dtype),
        raw.CSRSparseMatrixToDense(sparse_input=matrix, type=dtype),
        *raw.CSRSparseMatrixComponents(csr_sparse_matrix=matrix, index=index, type=dtype),
        raw.SparseMatrixNNZ(sparse_matrix=matrix),
    ]


def csr(tf, x, rank):
    """Sparse x, whose rank TensorFlow must know when the graph is built."""
    x = tf.ensure_shape(x, [None] * rank)
    return tf.raw_ops.DenseToCSRSparseMatrix(dense_input=x, indices=tf.where(tf.not_equal(x, tf.zeros([], x.dtype))))


for DTYPE in ("float32", "float64", "complex64", "complex128"):
    for SHAPE in ((3, 4), (2, 3, 4), (3, 0), (0, 2, 3)):
        LABEL = f"{DTYPE}_{'x'.join(map(str, SHAPE))}"
        ONE = some(*SHAPE, dtype=DTYPE)

        @graph_case(f"dense_{LABEL}", _op=f"DenseToCSRSparseMatrix {OUT}", x=ONE)
        def dense(tf, x, shape=SHAPE):
            return everything(tf, csr(tf, x, len(shape)), x.dtype)[:: 1 if shape[0] else 3]

        for CONJUGATE in (False, True):

            @graph_case(f"transpose_{LABEL}_{CONJUGATE}", _op="SparseMatrixTranspose", x=ONE)
            def transpose(tf, x, conjugate=CONJUGATE, shape=SHAPE):
                made = tf.raw_ops.SparseMatrixTranspose(input=csr(tf, x, len(shape)), conjugate=conjugate, type=x.dtype)
                return everything(tf, made, x.dtype)[:: 1 if shape[0] else 3]

    for RANK, BATCH in ((2, ()), (3, (2,))):
        for TA, TB in ((None, None), ("transpose", None), (None, "adjoint"), ("adjoint", "transpose")):
            A = some(*BATCH, *((4, 3) if TA else (3, 4)), dtype=DTYPE)
            B = some(*BATCH, *((5, 4) if TB else (4, 5)), dtype=DTYPE)
            ATTRS = {f"{how}_{side}": True for how, side in ((TA, "a"), (TB, "b")) if how}
            LABEL = f"{DTYPE}_{len(BATCH)}_{TA}_{TB}"

            @graph_case(f"product_{LABEL}", _op="SparseMatrixMatMul", a=A, b=B)
            def product(tf, a, b, attrs=ATTRS, rank=RANK):
                return [
                    tf.raw_ops.SparseMatrixMatMul(
                        a=csr(tf, a, rank), b=b, transpose_output=turn, conjugate_output=turn, **attrs
                    )
                    for turn in (False, True)
                ]

            @graph_case(f"sparse_product_{LABEL}", _op="SparseMatrixSparseMatMul", a=A, b=B)
            def sparse_product(tf, a, b, attrs=ATTRS, rank=RANK):
                made = tf.raw_ops.SparseMatrixSparseMatMul(
                    a=csr(tf, a, rank), b=csr(tf, b, rank), type=a.dtype, **attrs
                )
                return everything(tf, made, a.dtype)

    for RANK, BATCH in ((2, ()), (3, (2,))):
        ROOT = some(*BATCH, 5, 5, dtype=DTYPE, part=0.7)
        POSITIVE = ROOT @ np.swapaxes(ROOT.conj(), -1, -2) + 4 * np.eye(5, dtype=DTYPE)
        ORDER = np.broadcast_to(np.array([3, 0, 4, 1, 2], np.int32), (*BATCH, 5)).copy()

        @graph_case(f"cholesky_{DTYPE}_{len(BATCH)}", _op="SparseMatrixSparseCholesky", x=POSITIVE, order=ORDER)
        def cholesky(tf, x, order, rank=RANK):
            order = tf.ensure_shape(order, [None] * (rank - 1))
            made = tf.raw_ops.SparseMatrixSparseCholesky(input=csr(tf, x, rank), permutation=order, type=x.dtype)
            return everything(tf, made, x.dtype)


def sparse(label, indices, values, shape, index=0, dtype=None):
    @graph_case(
        f"sparse_{label}",
        _op="SparseTensorToCSRSparseMatrix",
        indices=np.array(indices, np.int64),
        values=np.array(values, np.float32),
        dense_shape=np.array(shape, np.int64),
    )
    def build(tf, indices, values, dense_shape):
        rank = len(shape)
        indices, dense_shape = tf.ensure_shape(indices, [None, rank]), tf.ensure_shape(dense_shape, [rank])
        values = tf.ensure_shape(values, [None])
        made = tf.raw_ops.SparseTensorToCSRSparseMatrix(indices=indices, values=values, dense_shape=dense_shape)
        return everything(tf, made, dtype or values.dtype, index)


sparse("matrix", [[0, 1], [0, 3], [2, 0]], [1, 2, 3], [3, 4])
sparse("batch", [[0, 1, 1], [0, 1, 2], [2, 0, 1]], [1, 2, 3], [3, 2, 3], 2)
sparse("empty", np.zeros((0, 2)), [], [3, 4])
sparse("index", [[0, 1]], [1], [3, 4], 1)
sparse("negative_index", [[0, 1, 1]], [1], [3, 4, 2], -1)
sparse("type", [[0, 1]], [1], [3, 4], dtype="float64")


def misfit(label, a, b, **attrs):
    @graph_case(f"misfit_{label}", _op="SparseMatrixMatMul", a=a, b=b)
    def build(tf, a, b, rank=a.ndim):
        return [tf.raw_ops.SparseMatrixMatMul(a=csr(tf, a, rank), b=b, **attrs)]


misfit("inner", some(3, 4), some(3, 2))
misfit("ranks", some(3, 4), some(2, 4, 2))
misfit("batches", some(3, 3, 4), some(2, 4, 2))
misfit("vector", some(3, 4), some(4))


@graph_case("not_positive", _op="SparseMatrixSparseCholesky", x=-np.eye(3, dtype=np.float32))
def not_positive(tf, x):
    made = tf.raw_ops.SparseMatrixSparseCholesky(
        input=csr(tf, x, 2), permutation=np.arange(3, dtype=np.int32), type=x.dtype
    )
    return [tf.raw_ops.CSRSparseMatrixToDense(sparse_input=made, type=x.dtype)]


CASES = graph_cases()
