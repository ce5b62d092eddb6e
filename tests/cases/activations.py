"""Cases of activations, softmax, cross-entropy, bias and their gradients."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from tests.cases import case, graph_cases

rng = np.random.default_rng(41)

FLOATS = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]
INTS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
COMPLEX = [np.complex64, np.complex128]

EDGES = np.array(
    [
        -np.inf,
        -1e4,
        -88.0,
        -20.0,
        -9.5,
        -6.5,
        -3,
        -1,
        -0.5,
        -1e-3,
        -1e-6,
        -0.0,
        0,
        1e-6,
        0.25,
        1,
        3,
        5.75,
        6,
        6.5,
        13.5,
        21,
        90,
        np.inf,
        np.nan,
    ]
)


def values(dtype, *shape):
    """Multiples of 1/8 for floats, small integers for integers, so that short sums are exact."""
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        return rng.integers(0 if dtype.kind == "u" else -9, 10, shape).astype(dtype)
    if dtype.kind == "c":
        return (rng.integers(-16, 17, shape) / 8 + 1j * rng.integers(-16, 17, shape) / 8).astype(dtype)
    return (rng.integers(-32, 33, shape) / 8).astype(dtype)


CASES = []

for op in ("Relu", "Relu6", "LeakyRelu"):
    CASES += [case(op, features=EDGES.astype(dtype)) for dtype in FLOATS]
    CASES += [case(op, features=values(dtype, 3, 5)) for dtype in INTS if op != "LeakyRelu"]
    CASES += [case(op, features=values(np.float32, *shape)) for shape in ((), (0,), (2, 0, 3), (2, 3, 2, 2))]
CASES += [
    case("LeakyRelu", features=EDGES.astype(dtype), alpha=a) for dtype in FLOATS for a in (0.0, 1.0, 1.5, -0.25, 1e-30)
]

for op in ("Elu", "Selu", "Softplus", "Softsign"):
    # exp(x) - 1 near 0 is held to the rounding of 1.
    CASES += [case(op, features=EDGES.astype(dtype), _atol=float(ml_dtypes.finfo(dtype).eps)) for dtype in FLOATS]
    CASES += [case(op, features=rng.standard_normal((3, 17)).astype(dtype) * 3) for dtype in FLOATS]
    CASES += [case(op, features=values(np.float32, *shape)) for shape in ((), (0,), (2, 0, 3))]

for op in ("ReluGrad", "Relu6Grad", "LeakyReluGrad", "SoftplusGrad", "SoftsignGrad", "EluGrad", "SeluGrad"):
    second = "outputs" if op in ("EluGrad", "SeluGrad") else "features"
    edges = np.where(np.isinf(EDGES), 2, EDGES)
    CASES += [case(op, gradients=values(dtype, len(edges)), **{second: edges.astype(dtype)}) for dtype in FLOATS]
    if op in ("ReluGrad", "Relu6Grad"):
        CASES += [case(op, gradients=values(dtype, 4, 3), **{second: values(dtype, 4, 3)}) for dtype in INTS]
    CASES += [
        case(op, gradients=values(np.float32), **{second: values(np.float32)}),
        case(op, gradients=values(np.float32, 0, 2), **{second: values(np.float32, 0, 2)}),
        case(op, _label="shapes", gradients=values(np.float32, 3), **{second: values(np.float32, 4)}),
    ]
CASES += [case("LeakyReluGrad", gradients=values(np.float32, 5), features=values(np.float32, 5), alpha=-1.5)]

for op in ("Softmax", "LogSoftmax"):
    # A log-probability near 0 is the difference of larger numbers, so it is held to the rounding of those.
    for dtype in FLOATS:
        near = 4 * float(ml_dtypes.finfo(dtype).eps) if op == "LogSoftmax" else None
        CASES += [case(op, logits=values(dtype, *shape), _atol=near) for shape in ((7,), (3, 5), (2, 2, 4), (3, 1))]
    CASES += [
        case(op, logits=np.array([[1e4, -1e4, 3], [-np.inf, 0, 1], [-1e30, -1e30, -1e30]], np.float32)),
        case(op, logits=np.array([[np.inf, 0], [np.nan, 0], [-np.inf, -np.inf]], np.float32)),
        case(op, logits=np.zeros((0, 3), np.float32)),
        case(op, logits=np.zeros((3, 0), np.float32)),
        case(op, _label="scalar", logits=np.float32(1)),
        case(op, logits=rng.standard_normal((2, 300)).astype(np.float32) * 10, _atol=5e-7),
    ]

op = "SoftmaxCrossEntropyWithLogits"
for dtype in FLOATS:
    one_hot = np.eye(4)[[0, 3, 1]].astype(dtype)
    # The gradient p - label loses digits where both are near, so it is held to the rounding of 1.
    near = float(ml_dtypes.finfo(dtype).eps)
    CASES += [
        case(op, features=values(dtype, 3, 4), labels=one_hot, _atol=near),
        case(op, features=values(dtype, 3, 4), labels=np.full((3, 4), 0.25, dtype), _atol=near),
    ]
CASES += [
    case(op, _label="broadcast", features=values(np.float32, 1, 4), labels=np.eye(4, dtype=np.float32), _atol=1e-7),
    case(op, _label="broadcast", features=values(np.float32, 3, 4), labels=np.eye(4, dtype=np.float32)[:1], _atol=1e-7),
    case(op, features=np.array([[-np.inf, 1, 2]], np.float32), labels=np.array([[0, 1, 0]], np.float32), _atol=1e-7),
    case(op, features=np.zeros((0, 4), np.float32), labels=np.zeros((0, 4), np.float32)),
    case(op, features=np.zeros((3, 0), np.float32), labels=np.zeros((3, 0), np.float32)),
    case(op, _label="shapes", features=values(np.float32, 3, 4), labels=values(np.float32, 3, 5)),
    case(op, _label="rank", features=values(np.float32, 4), labels=values(np.float32, 4)),
]

op = "SparseSoftmaxCrossEntropyWithLogits"
for dtype in FLOATS:
    for index in (np.int32, np.int64):
        near = float(ml_dtypes.finfo(dtype).eps)
        CASES.append(case(op, features=values(dtype, 3, 4), labels=np.array([0, 3, 1], index), _atol=near))
CASES += [
    case(op, features=np.zeros((0, 4), np.float32), labels=np.zeros(0, np.int32)),
    case(op, _label="label too large", features=values(np.float32, 2, 4), labels=np.array([0, 4])),
    case(op, _label="label negative", features=values(np.float32, 2, 4), labels=np.array([-1, 2])),
    case(op, _label="lengths", features=values(np.float32, 2, 4), labels=np.array([0, 1, 2])),
    case(op, _label="rank", features=values(np.float32, 4), labels=np.array([0])),
    case(op, _label="no classes", features=values(np.float32, 2, 0), labels=np.array([0, 0])),
]

for dtype in FLOATS + INTS + COMPLEX:
    CASES += [
        case("BiasAdd", value=values(dtype, 2, 3, 2, 4), bias=values(dtype, 4)),
        case("BiasAdd", value=values(dtype, 2, 4, 3), bias=values(dtype, 4), data_format="NCHW"),
        case("BiasAddV1", value=values(dtype, 2, 4), bias=values(dtype, 4)),
        case("BiasAddGrad", out_backprop=values(dtype, 2, 3, 4)),
        case("BiasAddGrad", out_backprop=values(dtype, 2, 4, 3, 2), data_format="NCHW"),
    ]
CASES += [
    case("BiasAdd", value=values(np.float32, 2, 4), bias=values(np.float32, 4)),
    case("BiasAdd", value=values(np.float32, 2, 4, 2, 3, 2), bias=values(np.float32, 4), data_format="NCHW"),
    case("BiasAdd", value=values(np.float32, 0, 4), bias=values(np.float32, 4)),
    case("BiasAdd", value=values(np.float32, 2, 0), bias=values(np.float32, 0)),
    case("BiasAdd", _label="rank", value=values(np.float32, 4), bias=values(np.float32, 4)),
    case("BiasAdd", _label="bias rank", value=values(np.float32, 2, 4), bias=values(np.float32, 1, 4)),
    case("BiasAdd", _label="depth", value=values(np.float32, 2, 4), bias=values(np.float32, 3)),
    case("BiasAdd", _label="no broadcast", value=values(np.float32, 2, 4), bias=values(np.float32, 1)),
    case("BiasAddGrad", out_backprop=values(np.float32, 0, 4)),
    case("BiasAddGrad", _label="rank", out_backprop=values(np.float32, 4)),
]

for dtype in FLOATS:
    CASES += [case("L2Loss", t=values(dtype, *shape)) for shape in ((), (5,), (2, 3), (0,))]

CASES += graph_cases()
