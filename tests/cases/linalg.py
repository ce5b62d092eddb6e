"""Factorisations, solvers and functions of matrices.

What is unique only up to a phase (singular vectors, eigenvectors) is compared by absolute value and by what the factors
multiply to.
"""

from __future__ import annotations

import numpy as np

from tests.cases import case, graph_case, graph_cases
from tests.old_graphs import const, old_graph

TYPES = ["float16", "float32", "float64", "complex64", "complex128"]
WIDE = TYPES[1:]
TOLERANCES = {
    "float16": {"_rtol": 2e-2, "_atol": 2e-2},
    "float32": {"_rtol": 2e-4, "_atol": 2e-5},
    "complex64": {"_rtol": 2e-4, "_atol": 2e-5},
    "float64": {"_rtol": 1e-9, "_atol": 1e-10},
    "complex128": {"_rtol": 1e-9, "_atol": 1e-10},
}
NAN = np.float32(np.nan)


def drawn(shape, dtype: str, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape)
    if dtype.startswith("complex"):
        values = values + 1j * rng.normal(size=shape)
    return values.astype(dtype)


def regular(shape, dtype: str, seed: int = 0) -> np.ndarray:
    """Matrices far from singular."""
    return (drawn(shape, dtype, seed) + 3 * np.eye(shape[-1])).astype(dtype)


def positive(shape, dtype: str, seed: int = 0) -> np.ndarray:
    """Hermitian positive definite matrices, of so few binary digits that every processor finds the same."""
    a = drawn(shape, "complex128" if dtype.startswith("complex") else "float64", seed)
    a = np.round(a * 2**10) / 2**10
    return (a @ a.conj().swapaxes(-1, -2) + np.eye(shape[-1])).astype(dtype)


def rows(op: str, dtypes: list[str], build, **attrs) -> list:
    return [case(op, _label=d, **TOLERANCES[d], **build(d), **attrs) for d in dtypes]


SQUARES = [
    "Cholesky",
    "MatrixInverse",
    "MatrixDeterminant",
    "LogMatrixDeterminant",
    "Lu",
    "MatrixSquareRoot",
]
CASES = [
    *rows("Cholesky", WIDE, lambda d: {"input": positive((2, 3, 3), d)}),
    case("Cholesky", input=np.triu(np.full((3, 3), NAN), 1) + positive((3, 3), "float32")),
    case("Cholesky", input=-np.eye(2, dtype=np.float32)),
    case("Cholesky", input=np.stack([-np.eye(2), 4 * np.eye(2)])),
    *[
        row
        for full in (False, True)
        for shape in ((3, 3), (4, 2), (2, 4), (2, 3, 2))
        for row in rows("Qr", TYPES, lambda d, shape=shape: {"input": drawn(shape, d)}, full_matrices=full)
    ],
    case("Qr", input=np.zeros((3, 2), np.float32)),
    *[
        row
        for adjoint in (False, True)
        for row in rows("MatrixInverse", TYPES, lambda d: {"input": regular((2, 3, 3), d)}, adjoint=adjoint)
    ],
    *rows("MatrixDeterminant", WIDE, lambda d: {"input": regular((2, 3, 3), d)}),
    *rows("LogMatrixDeterminant", WIDE, lambda d: {"input": regular((2, 3, 3), d, 1)}),
    case("MatrixDeterminant", input=np.ones((2, 2), np.float32)),
    case("LogMatrixDeterminant", input=np.zeros((2, 2), np.float32)),
    case("LogMatrixDeterminant", input=np.zeros((2, 2), np.complex64)),
    *rows("Lu", WIDE, lambda d: {"input": drawn((2, 4, 4), d)}),
    case("Lu", input=drawn((3, 3), "float32"), output_idx_type="int64", _rtol=1e-4),
    case("Lu", input=np.ones((2, 2), np.float32)),
    *rows("MatrixLogarithm", ["complex64", "complex128"], lambda d: {"input": regular((2, 3, 3), d)}),
    case("MatrixLogarithm", input=np.zeros((0, 2, 2), np.complex64)),
    case("MatrixLogarithm", input=drawn((2, 3), "complex64")),
    *rows("MatrixSquareRoot", WIDE, lambda d: {"input": positive((2, 3, 3), d)}),
    *[case(op, _label="empty", input=np.zeros((0, 2, 2), np.float32)) for op in [*SQUARES, "Qr"]],
    *[case(op, _label="zero", input=np.zeros((2, 0, 0), np.float32)) for op in SQUARES],
    *[case(op, _label="one", input=np.full((1, 1), 4, np.float32)) for op in SQUARES],
    *[case(op, _label="not_square", input=drawn((2, 3), "float32")) for op in SQUARES],
    *[case(op, _label="vector", input=drawn((3,), "float32")) for op in [*SQUARES, "Qr"]],
    case("MatrixInverse", input=np.ones((2, 2), np.float32)),
    case("MatrixInverse", input=np.zeros((2, 2), np.float64)),
    # solvers
    *[
        row
        for adjoint in (False, True)
        for row in rows(
            "MatrixSolve",
            WIDE,
            lambda d: {"matrix": regular((2, 3, 3), d), "rhs": drawn((2, 3, 2), d, 1)},
            adjoint=adjoint,
        )
    ],
    case("MatrixSolve", matrix=np.ones((2, 2), np.float32), rhs=drawn((2, 1), "float32")),
    case("MatrixSolve", matrix=np.eye(2, dtype=np.float32), rhs=drawn((3, 1), "float32")),
    case("MatrixSolve", matrix=drawn((2, 3), "float32"), rhs=drawn((2, 1), "float32")),
    case("MatrixSolve", matrix=regular((2, 2, 2), "float32"), rhs=drawn((2, 1), "float32")),
    case("MatrixSolve", matrix=np.eye(2, dtype=np.float32), rhs=drawn((2, 0), "float32")),
    *[
        row
        for fast in (True, False)
        for shape in ((4, 2), (2, 4), (2, 3, 3))
        for row in rows(
            "MatrixSolveLs",
            WIDE,
            lambda d, shape=shape: {
                "matrix": drawn(shape, d, 2),
                "rhs": drawn((*shape[:-1], 2), d, 3),
                "l2_regularizer": np.float64(0.25),
            },
            fast=fast,
        )
    ],
    case(
        "MatrixSolveLs",
        matrix=np.zeros((2, 2), np.float32),
        rhs=drawn((2, 1), "float32"),
        l2_regularizer=np.float64(0),
        fast=True,
    ),
    case(
        "MatrixSolveLs",
        matrix=np.zeros((2, 2), np.float32),
        rhs=drawn((2, 1), "float32"),
        l2_regularizer=np.float64(0),
        fast=False,
    ),
    case(
        "MatrixSolveLs",
        matrix=np.zeros((2, 2), np.float32),
        rhs=drawn((3, 1), "float32"),
        l2_regularizer=np.float64(0),
    ),
    *[
        row
        for lower in (True, False)
        for adjoint in (False, True)
        for row in rows(
            "MatrixTriangularSolve",
            WIDE,
            lambda d: {"matrix": regular((2, 3, 3), d), "rhs": drawn((2, 3, 2), d, 1)},
            lower=lower,
            adjoint=adjoint,
        )
    ],
    case("MatrixTriangularSolve", matrix=regular((3, 3), "float32"), rhs=drawn((2, 3, 1), "float32"), _rtol=1e-4),
    case("MatrixTriangularSolve", matrix=regular((2, 1, 3, 3), "float64"), rhs=drawn((4, 3, 1), "float64"), _rtol=1e-9),
    case("MatrixTriangularSolve", matrix=np.ones((3, 3), np.float32), rhs=drawn((2, 1), "float32")),
    case("MatrixTriangularSolve", matrix=np.zeros((2, 2), np.float32), rhs=drawn((2, 1), "float32")),
    case("MatrixTriangularSolve", matrix=np.ones((2, 3), np.float32), rhs=drawn((3, 1), "float32")),
    *[
        row
        for lower in (True, False)
        for adjoint in (False, True)
        for count in (1, 2, 4)
        for row in rows(
            "BandedTriangularSolve",
            ["float32", "float64", "complex64", "complex128"],
            lambda d, count=count: {
                "matrix": (drawn((2, count, 4), d) + 2).astype(d),
                "rhs": drawn((2, 4, 2), d, 1),
            },
            lower=lower,
            adjoint=adjoint,
        )
    ],
    case("BandedTriangularSolve", matrix=np.zeros((2, 3), np.float32), rhs=drawn((3, 1), "float32")),
    case("BandedTriangularSolve", matrix=np.ones((2, 3), np.float32), rhs=drawn((4, 1), "float32")),
    *[
        row
        for pivoting in (True, False)
        for row in rows(
            "TridiagonalSolve",
            WIDE,
            lambda d: {"diagonals": (drawn((2, 3, 5), d) + 0.1).astype(d), "rhs": drawn((2, 5, 2), d, 1)},
            partial_pivoting=pivoting,
        )
    ],
    case(
        "TridiagonalSolve",
        diagonals=np.array([[1, 1, 0], [0, 1, 0], [0, 1, 1]], np.float32),
        rhs=drawn((3, 1), "float32"),
        _rtol=1e-4,
    ),
    case("TridiagonalSolve", diagonals=np.zeros((3, 3), np.float32), rhs=drawn((3, 1), "float32")),
    case(
        "TridiagonalSolve", diagonals=np.zeros((3, 3), np.float32), rhs=drawn((3, 1), "float32"), partial_pivoting=False
    ),
    case("TridiagonalSolve", diagonals=np.ones((2, 3), np.float32), rhs=drawn((3, 1), "float32")),
    case("TridiagonalSolve", diagonals=np.ones((3, 3), np.float32), rhs=drawn((4, 1), "float32")),
    case("TridiagonalSolve", diagonals=np.full((3, 1), 2, np.float32), rhs=drawn((1, 2), "float32")),
    *rows(
        "TridiagonalMatMul",
        WIDE,
        lambda d: {
            "superdiag": drawn((2, 1, 4), d),
            "maindiag": drawn((2, 1, 4), d, 1),
            "subdiag": drawn((2, 1, 4), d, 2),
            "rhs": drawn((2, 4, 3), d, 3),
        },
    ),
    case(
        "TridiagonalMatMul",
        superdiag=np.ones((1, 3), np.float32),
        maindiag=np.ones((1, 4), np.float32),
        subdiag=np.ones((1, 4), np.float32),
        rhs=drawn((4, 2), "float32"),
    ),
    # without vectors
    case("Svd", input=np.zeros((2, 0), np.float32)),
    case("Svd", input=np.zeros((0, 2, 2), np.float32)),
    case("Svd", input=np.zeros((3,), np.float32)),
    case("SelfAdjointEigV2", input=np.zeros((0, 0), np.float32)),
    case("SelfAdjointEigV2", input=np.zeros((2, 3), np.float32)),
    case("Eig", input=np.zeros((2, 3), np.float32), Tout="complex64"),
    case("Eig", input=np.zeros((0, 2, 2), np.float32), Tout="complex64"),
]

for _d in WIDE:
    for _shape in ((3, 3), (4, 2), (2, 4), (2, 3, 2)):
        for _full in (False, True):

            @graph_case(f"svd_{_d}", _op="Svd", **TOLERANCES[_d], x=drawn(_shape, _d))
            def svd(tf, x, full=_full, shape=_shape):
                s, u, v = tf.raw_ops.Svd(input=x, full_matrices=full)
                k = min(shape[-2:])
                both = tf.matmul(u[..., :k] * tf.cast(s, x.dtype)[..., None, :], v[..., :k], adjoint_b=True)
                return [s, both, tf.abs(u[..., :k]), tf.abs(v[..., :k]), tf.shape(u), tf.shape(v)]

    @graph_case(f"self_adjoint_eig_{_d}", _op="SelfAdjointEigV2", **TOLERANCES[_d], x=positive((2, 4, 4), _d))
    def self_adjoint_eig(tf, x):
        e, v = tf.raw_ops.SelfAdjointEigV2(input=x)
        return [e, tf.abs(v), tf.matmul(v * e[..., None, :], v, adjoint_b=True)]

    for _n in (1, 2, 3, 5, 7):

        @graph_case(f"self_adjoint_signs_{_d}", _op="SelfAdjointEigV2", **TOLERANCES[_d], x=positive((2, _n, _n), _d))
        def self_adjoint_signs(tf, x):
            return list(tf.raw_ops.SelfAdjointEigV2(input=x))

    @graph_case(f"eig_{_d}", _op="Eig", **TOLERANCES[_d], x=drawn((2, 3, 3), _d, 5))
    def eig(tf, x):
        wide = tf.complex64 if x.dtype.size in (4, 8) and x.dtype != tf.float64 else tf.complex128
        e, v = tf.raw_ops.Eig(input=x, Tout=wide)
        alone, _ = tf.raw_ops.Eig(input=x, Tout=wide, compute_v=False)
        rest = tf.matmul(tf.cast(x, wide), v) - v * e[..., None, :]
        by_size = [tf.sort(tf.math.real(item) + 0.5 * tf.abs(tf.math.imag(item))) for item in (e, alone)]
        return [*by_size, rest, tf.reduce_sum(tf.abs(v) ** 2, -2)]


@graph_case("self_adjoint_eig_equal", _op="SelfAdjointEigV2", x=np.diag(np.array([2, 1, 2, 0], np.float32)))
def self_adjoint_eig_equal(tf, x):
    return list(tf.raw_ops.SelfAdjointEigV2(input=x))


@graph_case("self_adjoint_eig_zero", _op="SelfAdjointEigV2", x=np.zeros((2, 3, 3), np.float64))
def self_adjoint_eig_zero(tf, x):
    return list(tf.raw_ops.SelfAdjointEigV2(input=x))


@graph_case("self_adjoint_eig_lower", _op="SelfAdjointEigV2", _rtol=1e-4, x=drawn((3, 3), "float32"))
def self_adjoint_eig_lower(tf, x):
    return tf.raw_ops.SelfAdjointEigV2(input=x, compute_v=False).e


for _d in WIDE:

    @graph_case(f"svd_values_{_d}", _op="Svd", **TOLERANCES[_d], x=drawn((2, 4, 3), _d))
    def svd_values(tf, x):
        return tf.raw_ops.Svd(input=x, compute_uv=False).s

    @graph_case(f"eig_values_{_d}", _op="SelfAdjointEigV2", **TOLERANCES[_d], x=positive((2, 3, 3), _d))
    def eig_values(tf, x):
        return tf.raw_ops.SelfAdjointEigV2(input=x, compute_v=False).e

    for _x in (drawn((2, 3, 3), _d), np.zeros((2, 2), _d), 8 * regular((3, 3), _d), np.zeros((0, 2, 2), _d)):

        @graph_case(f"exponential_{_d}", _op="MatrixExponential", **TOLERANCES[_d], x=_x.astype(_d))
        def exponential(tf, x, dtype=_d):
            return old_graph(tf, 26, [("y", "MatrixExponential", ["x"], {"T": dtype})], x, ["y:0"])


@graph_case("svd_nan", _op="Svd", x=np.full((2, 2), NAN))
def svd_nan(tf, x):
    return tf.raw_ops.Svd(input=x, compute_uv=False).s


@graph_case(
    "old_names",
    _op="BatchCholesky BatchMatrixInverse BatchMatrixSolve BatchMatrixSolveLs BatchMatrixTriangularSolve "
    "BatchMatrixDeterminant BatchSelfAdjointEig BatchSelfAdjointEigV2 BatchSvd SelfAdjointEig",
    _rtol=1e-4,
    _atol=1e-5,
    x=positive((2, 3, 3), "float32"),
)
def old_names(tf, x):
    f32 = {"T": np.float32}
    nodes = [
        const("l2", np.array(0.5)),
        ("cholesky", "BatchCholesky", ["x"], f32),
        ("inverse", "BatchMatrixInverse", ["x"], {**f32, "adjoint": False}),
        ("solved", "BatchMatrixSolve", ["x", "cholesky"], {**f32, "adjoint": False}),
        ("ls", "BatchMatrixSolveLs", ["x", "cholesky", "l2"], {**f32, "fast": True}),
        ("triangular", "BatchMatrixTriangularSolve", ["cholesky", "x"], {**f32, "lower": True, "adjoint": False}),
        ("determinant", "BatchMatrixDeterminant", ["x"], f32),
        ("eig", "BatchSelfAdjointEig", ["x"], f32),
        ("single", "SelfAdjointEig", ["x"], f32),
        ("eig_v2", "BatchSelfAdjointEigV2", ["x"], {**f32, "compute_v": True}),
        ("svd", "BatchSvd", ["x"], {**f32, "compute_uv": True, "full_matrices": False}),
    ]
    plain = ["cholesky:0", "inverse:0", "solved:0", "ls:0", "triangular:0", "determinant:0", "eig_v2:0", "svd:0"]
    signed = ["eig:0", "single:0", "eig_v2:1", "svd:1", "svd:2"]
    found = old_graph(tf, 10, nodes, x, plain + signed)
    return [*found[: len(plain)], *[tf.abs(item) for item in found[len(plain) :]]]


CASES += [
    case("MatrixSolveLs", _label="negative_l2", matrix=np.eye(2), rhs=np.ones((2, 1)), l2_regularizer=np.float64(-1)),
]

CASES += graph_cases()
