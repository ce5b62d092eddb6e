"""Gradients of normalisation, padding, resizing, sparse tensors and Cholesky."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from tests.cases import case, graph_case, graph_cases
from tests.values import FLOATS, cast, i32, i64, ramp

rng = np.random.default_rng(61)
F32 = np.float32


def drawn(*shape, dtype=F32):
    return rng.normal(size=shape).astype(dtype)


def batch_norm(op: str, label: str, shape=(2, 3, 4, 5), dtype=F32, channels=5, **attrs) -> None:
    """The outputs that TensorFlow leaves uninitialised are not fetched."""
    vectors = {name: (rng.random(channels) + 0.5).astype(F32) for name in ("scale", "mean", "variance")}
    near = 16 * float(ml_dtypes.finfo(dtype).eps)

    @graph_case(f"{op}_{label}", _op=op, _atol=near, _rtol=near, x=drawn(*shape, dtype=dtype),
                y=drawn(*shape, dtype=dtype), **vectors)  # fmt: skip
    def build(tf, x, y, scale, mean, variance):
        spaces = {"reserve_space_1": mean, "reserve_space_2": variance}
        if op.endswith("V3"):
            spaces["reserve_space_3"] = tf.constant([], tf.float32)
        out = getattr(tf.raw_ops, op)(y_backprop=y, x=x, scale=scale, **spaces, **attrs)
        return list(out[:3])


for _training in (True, False):
    batch_norm("FusedBatchNormGrad", f"{_training}", is_training=_training)
    for _op in ("FusedBatchNormGradV2", "FusedBatchNormGradV3"):
        for _dtype in (F32, np.float16, ml_dtypes.bfloat16):
            batch_norm(_op, f"{_training}_{np.dtype(_dtype).name}", dtype=_dtype, is_training=_training, epsilon=0.01)
    batch_norm(
        "FusedBatchNormGradV3", f"{_training}_ndhwc", (2, 2, 3, 4, 5), is_training=_training, data_format="NDHWC"
    )
batch_norm("FusedBatchNormGradV3", "channels", channels=4)
batch_norm("FusedBatchNormGradV3", "rank", (2, 3, 5))

CASES = []
IMAGE = drawn(2, 3, 2, 5)
for radius, alpha in ((1, 0.5), (2, 1.0), (5, 2.0)):
    CASES.append(
        case(
            "LRNGrad",
            _rtol=1e-5,
            _atol=1e-5,
            input_grads=drawn(2, 3, 2, 5),
            input_image=IMAGE,
            output_image=drawn(2, 3, 2, 5),
            depth_radius=radius,
            alpha=alpha,
            bias=1.5,
            beta=0.75,
        )
    )
CASES += [
    case("LRNGrad", _label="shape", input_grads=IMAGE, input_image=IMAGE, output_image=IMAGE[:1]),
    case("LRNGrad", _label="rank", input_grads=IMAGE[0], input_image=IMAGE[0], output_image=IMAGE[0]),
]

for mode in ("REFLECT", "SYMMETRIC"):
    for d in [*FLOATS, "int32"]:
        CASES.append(case("MirrorPadGrad", _label=d, input=ramp((5, 7), d), paddings=i32([1, 1], [2, 1]), mode=mode))
    CASES += [
        case("MirrorPadGrad", input=ramp((6,)), paddings=i64([[2, 0]]), mode=mode),
        case("MirrorPadGrad", input=ramp((6,)), paddings=i32([0, 0]), mode=mode),
        case("MirrorPadGrad", _label="edge", input=ramp((6,)), paddings=i32([3, 0]), mode=mode),
        case("MirrorPadGrad", _label="too much", input=ramp((6,)), paddings=i32([4, 0]), mode=mode),
        case("MirrorPadGrad", _label="negative", input=ramp((6,)), paddings=i32([-1, 0]), mode=mode),
        case("MirrorPadGrad", _label="rank", input=ramp((6,)), paddings=i32([1, 0], [1, 0]), mode=mode),
        case("MirrorPadGrad", input=ramp((4, 3, 5)), paddings=i32([1, 0], [0, 0], [1, 1]), mode=mode),
    ]

CORNERS = ({}, {"align_corners": True}, {"half_pixel_centers": True})
NEAR = {"_rtol": 1e-5, "_atol": 1e-5}
for attrs in (*CORNERS, {"align_corners": True, "half_pixel_centers": True}):
    for old, new in (((3, 4), (5, 7)), ((5, 6), (3, 2)), ((4, 4), (4, 4)), ((1, 1), (3, 3)), ((4, 5), (1, 1))):
        for op in ("ResizeBilinearGrad", "ResizeBicubicGrad"):
            for dtype in ("float32", "float64"):
                image = cast(drawn(2, *old, 3), dtype)
                CASES.append(case(op, **NEAR, _label=dtype, grads=drawn(2, *new, 3), original_image=image, **attrs))
        CASES.append(case("ResizeNearestNeighborGrad", **NEAR, grads=drawn(2, *new, 3), size=i32(*old), **attrs))
for d in ("uint8", "int8", "int32", "float16", "float64"):
    grads = cast(rng.integers(0, 5, (1, 4, 5, 2)), d)
    CASES.append(case("ResizeNearestNeighborGrad", _label=d, grads=grads, size=i32(2, 3)))
CASES += [
    case(
        "ResizeBilinearGrad",
        _label="float16",
        _rtol=0.01,
        _atol=0.01,
        grads=drawn(1, 4, 4, 2),
        original_image=drawn(1, 2, 3, 2, dtype=np.float16),
    ),
    case("ResizeBilinearGrad", _label="rank", grads=drawn(4, 4, 2), original_image=drawn(1, 2, 3, 2)),
    case("ResizeBilinearGrad", _label="image rank", grads=drawn(1, 4, 4, 2), original_image=drawn(2, 3, 2)),
    case("ResizeNearestNeighborGrad", _label="size", grads=drawn(1, 4, 4, 2), size=i32(2)),
    case("ResizeNearestNeighborGrad", _label="zero", grads=drawn(1, 4, 4, 2), size=i32(0, 2)),
]

for d in ("float32", "float64", "int32", "int64", "complex64"):
    CASES += [
        case("SparseFillEmptyRowsGrad", _label=d, reverse_index_map=i64(0, 3, 2), grad_values=ramp((5,), d, 1)),
        case("SparseAddGrad", _label=d, backprop_val_grad=ramp((3,), d, 1), a_indices=i64([0, 1], [2, 0]),
             b_indices=i64([0, 1], [1, 1], [3, 3]), sum_indices=i64([0, 1], [1, 1], [2, 0])),
        case("SparseSliceGrad", _label=d, backprop_val_grad=ramp((2,), d, 1),
             input_indices=i64([0, 1], [1, 1], [2, 2], [3, 0]), input_start=i64(1, 1),
             output_indices=i64([0, 0], [1, 1])),
    ]  # fmt: skip
CASES += [
    case("SparseFillEmptyRowsGrad", _label="beyond", reverse_index_map=i64(0, 5), grad_values=ramp((5,))),
    case("SparseFillEmptyRowsGrad", _label="rank", reverse_index_map=i64([0, 4]), grad_values=ramp((5,))),
    case("SparseFillEmptyRowsGrad", _label="none", reverse_index_map=i64(), grad_values=ramp((5,))),
    case("RaggedFillEmptyRowsGrad", reverse_index_map=i64(0, 3, 2), grad_values=ramp((5,), "float32", 1)),
    case("SparseAddGrad", _label="count", backprop_val_grad=ramp((2,)), a_indices=i64([0, 1]), b_indices=i64([0, 1]),
         sum_indices=i64([0, 1])),
    case("SparseAddGrad", _label="rank", backprop_val_grad=ramp((1,)), a_indices=i64([0, 1]), b_indices=i64([[0]]),
         sum_indices=i64([0, 1])),
]  # fmt: skip


def lower(*shape):
    return np.tril(rng.random(shape) + np.eye(shape[-1]) * 2)


for dtype in (F32, np.float64):
    near = {"_rtol": 1e-4, "_atol": 1e-4} if dtype is F32 else {"_rtol": 1e-9, "_atol": 1e-9}
    CASES += [
        case("CholeskyGrad", **near, l=lower(4, 4).astype(dtype), grad=drawn(4, 4, dtype=dtype)),
        case("CholeskyGrad", **near, _label="batch", l=lower(2, 3, 3).astype(dtype), grad=drawn(2, 3, 3, dtype=dtype)),
        case("CholeskyGrad", _label="empty", l=np.zeros((0, 0), dtype), grad=np.zeros((0, 0), dtype)),
    ]
CASES += graph_cases()
