"""Gradients of recurrent cells, pooling, crops, scaling, 3-D convolution and the gamma function."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from tests.cases import case, graph_case, graph_cases
from tests.old_graphs import old_op
from tests.values import cast, i32, i64

rng = np.random.default_rng(92)
F32 = np.float32
CASES = []


def drawn(*shape, dtype=F32):
    return (rng.normal(size=shape) / 2).astype(dtype)


# ---- recurrent cells

NEAR = {np.float16: 2e-2, np.float32: 2e-6}


def lstm(dtype=F32, batch=2, inputs=3, cells=4, lead=(), **changed):
    """Inputs that the cells' gradients share; values of gates need not be those of a forward pass."""
    shape = (*lead, batch, cells)
    values = {
        "x": drawn(*lead, batch, inputs, dtype=dtype),
        "cs_prev": drawn(batch, cells, dtype=dtype),
        "h_prev": drawn(batch, cells, dtype=dtype),
        "w": drawn(inputs + cells, 4 * cells, dtype=dtype),
        **{name: drawn(cells, dtype=dtype) for name in ("wci", "wcf", "wco")},
        "b": drawn(4 * cells, dtype=dtype),
        **{name: rng.random(shape).astype(dtype) for name in ("i", "f", "o")},
        **{name: drawn(*shape, dtype=dtype) for name in ("cs", "ci", "co", "cs_grad", "h_grad")},
    }
    if lead:
        values["h"] = drawn(*shape, dtype=dtype)
        values["seq_len_max"] = np.int64(lead[0])
    return values | changed


for dtype, near in NEAR.items():
    for use in (False, True):
        CASES.append(case("LSTMBlockCellGrad", _atol=near, _rtol=near, **lstm(dtype), use_peephole=use))
        for op in ("BlockLSTMGrad", "BlockLSTMGradV2"):
            for seq in (3, 2):
                values = lstm(dtype, lead=(3,), seq_len_max=np.int64(seq))
                CASES.append(case(op, _atol=4 * near, _rtol=4 * near, **values, use_peephole=use))
BLOCK = {"lead": (2,)}
CASES += [
    case("LSTMBlockCellGrad", _label="w", **lstm(w=drawn(6, 16)), use_peephole=False),
    case("LSTMBlockCellGrad", _label="b", **lstm(b=drawn(15)), use_peephole=False),
    case("LSTMBlockCellGrad", _label="i", **lstm(i=drawn(2, 5)), use_peephole=False),
    case("LSTMBlockCellGrad", _label="h_prev", **lstm(h_prev=drawn(1, 4)), use_peephole=False),
    case("BlockLSTMGrad", _label="none", **lstm(**BLOCK, seq_len_max=np.int64(0)), use_peephole=False),
    case("BlockLSTMGrad", _label="rank", **lstm(**BLOCK, x=drawn(2, 3)), use_peephole=False),
    case("BlockLSTMGrad", _label="ci", **lstm(**BLOCK, ci=drawn(2, 4)), use_peephole=False),
]


def gru(**changed):
    batch, inputs, cells = 2, 3, 4
    values = {
        "x": drawn(batch, inputs),
        "h_prev": drawn(batch, cells),
        "w_ru": drawn(inputs + cells, 2 * cells),
        "w_c": drawn(inputs + cells, cells),
        "b_ru": drawn(2 * cells),
        "b_c": drawn(cells),
        **{name: rng.random((batch, cells)).astype(F32) for name in "ru"},
        "c": drawn(batch, cells),
        "d_h": drawn(batch, cells),
    }
    return values | changed


CASES += [
    case("GRUBlockCellGrad", _atol=1e-6, **gru()),
    case("GRUBlockCellGrad", _atol=1e-6, **gru(c=np.full((2, 4), np.nan, F32))),
    case("GRUBlockCellGrad", _label="rank", **gru(x=drawn(3))),
    case("GRUBlockCellGrad", _label="w_ru", **gru(w_ru=drawn(7, 7))),
    case("GRUBlockCellGrad", _label="w_c", **gru(w_c=drawn(6, 4))),
    case("GRUBlockCellGrad", _label="d_h", **gru(d_h=drawn(2, 3))),
]

# ---- pooling


def pooled(x, ksize, strides, padding):
    """The maxima of windows, computed plainly: any rank."""
    import itertools

    sizes = x.shape[1:-1]
    if padding == "SAME":
        outs = [-(-n // s) for n, s in zip(sizes, strides)]
        befores = [max((o - 1) * s + k - n, 0) // 2 for o, s, k, n in zip(outs, strides, ksize, sizes)]
    else:
        outs = [(n - k) // s + 1 for n, s, k in zip(sizes, strides, ksize)]
        befores = [0] * len(sizes)
    y = np.zeros((x.shape[0], *outs, x.shape[-1]), x.dtype)
    for place in itertools.product(*map(range, outs)):
        at = tuple(
            slice(max(0, p * s - b), p * s - b + k) for p, s, b, k in zip(place, strides, befores, ksize, strict=True)
        )
        y[(slice(None), *place)] = x[(slice(None), *at)].max(axis=tuple(range(1, x.ndim - 1)))
    return y


def second(op, dtype, ksize, strides, padding, shape, label="", **changed):
    x = rng.integers(0, 9, shape).astype(dtype)
    y = pooled(x, ksize, strides, padding)
    grad = rng.integers(0, 50, shape if op.endswith("GradGrad") or "GradGrad" in op else y.shape).astype(dtype)
    values = {"orig_input": x, "orig_output": y, "grad": grad, "padding": padding}
    window = {"ksize": [1, *ksize, 1], "strides": [1, *strides, 1]}
    if op.endswith("V2"):
        window = {name: i32(*value) for name, value in window.items()}
    CASES.append(case(op, _label=label, **values | window | changed))


NUMBERS = (np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.int32, np.int64, np.int16, np.int8, np.uint8,
           np.uint16, np.uint32, np.uint64)  # fmt: skip
for dtype in NUMBERS:
    second("MaxPoolGradGrad", dtype, (2, 2), (2, 2), "SAME", (2, 5, 4, 3))
for op in ("MaxPoolGradGrad", "MaxPoolGradGradV2"):
    second(op, F32, (3, 2), (1, 2), "VALID", (2, 5, 6, 2))
    second(op, F32, (3, 3), (2, 2), "SAME", (1, 6, 7, 1))
    second(op, F32, (2, 2), (2, 2), "SAME", (2, 5, 4, 3), "rank", orig_input=drawn(5, 4, 3))
    second(op, F32, (2, 2), (2, 2), "SAME", (2, 5, 4, 3), "grad rank", grad=drawn(5, 4, 3))
for dtype in (np.float32, ml_dtypes.bfloat16):
    second("MaxPool3DGrad", dtype, (2, 2, 2), (2, 2, 2), "SAME", (2, 5, 4, 3, 2))
    second("MaxPool3DGrad", dtype, (2, 3, 1), (1, 2, 1), "VALID", (1, 4, 5, 3, 2))
for dtype in (np.float32, ml_dtypes.bfloat16):
    second("MaxPool3DGradGrad", dtype, (2, 2, 2), (2, 2, 2), "VALID", (2, 4, 4, 4, 2))
    second("MaxPool3DGradGrad", dtype, (3, 2, 2), (1, 2, 1), "SAME", (1, 4, 5, 3, 2))
second("MaxPool3DGrad", F32, (2, 2, 2), (2, 2, 2), "VALID", (1, 4, 4, 4, 1), "rank", orig_input=drawn(4, 4, 4, 1))

for dtype in (np.float32, np.float64, np.int32, np.int64):
    for overlapping in (False, True):
        rows, columns = i64(0, 2, 3, 5, 7), i64(0, 1, 3, 6)
        x = rng.integers(0, 6, (2, 7, 6, 2)).astype(dtype)
        y = np.zeros((2, 4, 3, 2), dtype)
        more = 1 if overlapping else 0
        for r in range(4):
            for c in range(3):
                cell = x[:, rows[r] : rows[r + 1] + more, columns[c] : columns[c + 1] + more]
                y[:, r, c] = cell.max(axis=(1, 2))
        grad = rng.integers(1, 60, y.shape).astype(dtype)
        places = {"row_pooling_sequence": rows, "col_pooling_sequence": columns, "overlapping": overlapping}
        CASES += [
            case("FractionalMaxPoolGrad", orig_input=x, orig_output=y, out_backprop=grad, **places),
            case("FractionalAvgPoolGrad", orig_input_tensor_shape=i64(*x.shape), out_backprop=grad, **places),
        ]
places = {"row_pooling_sequence": i64(0, 2, 4), "col_pooling_sequence": i64(0, 2, 4)}
X, Y = drawn(1, 4, 4, 1), drawn(1, 2, 2, 1)
CASES += [
    case("FractionalMaxPoolGrad", _label="grad", orig_input=X, orig_output=Y, out_backprop=Y[:, :1], **places),
    case("FractionalMaxPoolGrad", _label="batch", orig_input=X, orig_output=drawn(2, 2, 2, 1),
         out_backprop=drawn(2, 2, 2, 1), **places),
    case("FractionalMaxPoolGrad", _label="rows", orig_input=X, orig_output=Y, out_backprop=Y,
         **places | {"row_pooling_sequence": i64(0, 4)}),
    case("FractionalAvgPoolGrad", _label="shape", orig_input_tensor_shape=i64(1, 4, 4), out_backprop=Y, **places),
]  # fmt: skip

# ---- crops and scaling

BOXES = np.array([[0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9], [-0.3, 0.5, 0.6, 1.4], [0.8, 0.9, 0.1, 0.2]], F32)
WHICH = i32(0, 1, 1, 0)
for dtype in ("float32", "float64", "float16"):
    for method in ("bilinear", "nearest"):
        for height, width in ((3, 4), (1, 2), (2, 1)):
            near = 2e-2 if dtype == "float16" else 1e-6
            CASES.append(
                case("CropAndResizeGradImage", _atol=near, _rtol=near, grads=drawn(4, height, width, 2), boxes=BOXES,
                     box_ind=WHICH, image_size=i32(2, 5, 6, 2), T=dtype, method=method)
            )  # fmt: skip
for dtype in ("float32", "float64", "float16", "uint8", "uint16", "int8", "int16", "int32", "int64"):
    for height, width in ((3, 4), (1, 1)):
        image = cast(rng.integers(0, 90, (2, 5, 6, 2)), dtype)
        CASES.append(
            case("CropAndResizeGradBoxes", _rtol=1e-5, _atol=1e-3, grads=drawn(4, height, width, 2), image=image,
                 boxes=BOXES, box_ind=WHICH)
        )  # fmt: skip
CROP = {"grads": drawn(4, 3, 3, 2), "boxes": BOXES, "box_ind": WHICH}
SIZE, IMAGE = i32(2, 5, 6, 2), drawn(2, 5, 6, 2)
for label, changed in (
    ("grads", {"grads": drawn(4, 3, 3)}),
    ("count", {"grads": drawn(3, 3, 3, 2)}),
    ("boxes", {"boxes": BOXES[:, :3]}),
    ("index", {"box_ind": i32(0, 1)}),
    ("outside", {"box_ind": i32(0, 1, 2, 0)}),
    ("depth", {"grads": drawn(4, 3, 3, 1)}),
):
    CASES.append(case("CropAndResizeGradImage", _label=label, **CROP | changed, image_size=SIZE, T="float32"))
    CASES.append(case("CropAndResizeGradBoxes", _label=label, **CROP | changed, image=IMAGE))
CASES += [
    case("CropAndResizeGradImage", _label="size", **CROP, image_size=i32(2, 5, 6), T="float32"),
    case("CropAndResizeGradImage", _label="none", **CROP, image_size=i32(2, 0, 6, 2), T="float32"),
    case("CropAndResizeGradBoxes", _label="rank", **CROP, image=IMAGE[0]),
    case("CropAndResizeGradImage", _label="empty", grads=drawn(0, 3, 3, 2), boxes=BOXES[:0], box_ind=WHICH[:0],
         image_size=SIZE, T="float32"),
]  # fmt: skip
for kernel_type in ("lanczos1", "lanczos3", "lanczos5", "gaussian", "box", "triangle", "keyscubic", "mitchellcubic"):
    for antialias in (True, False):
        CASES.append(
            case("ScaleAndTranslateGrad", _rtol=1e-5, _atol=1e-5, grads=drawn(2, 4, 9, 3),
                 original_image=drawn(2, 7, 5, 3), scale=np.array([0.6, 1.7], F32),
                 translation=np.array([0.4, -1.2], F32), kernel_type=kernel_type, antialias=antialias)
        )  # fmt: skip
TWO = np.array([0.5, 2], F32)
CASES += [
    case("ScaleAndTranslateGrad", _label="rank", grads=drawn(4, 4, 3), original_image=drawn(2, 7, 5, 3), scale=TWO,
         translation=TWO),
    case("ScaleAndTranslateGrad", _label="scale", grads=drawn(2, 4, 4, 3), original_image=drawn(2, 7, 5, 3),
         scale=TWO[:1], translation=TWO),
    case("ScaleAndTranslateGrad", _label="type", grads=drawn(2, 4, 4, 3), original_image=drawn(2, 7, 5, 3),
         scale=TWO, translation=TWO, kernel_type="spline"),
]  # fmt: skip

# ---- the gamma function

for dtype, near in ((np.float32, 2e-4), (np.float64, 1e-9)):
    a = np.exp(rng.uniform(-4, 6, 60)).astype(dtype)
    x = (a * np.exp(rng.uniform(-1.5, 1.5, 60))).astype(dtype)
    edges = np.array([0, 1, -1, np.nan, np.inf, 0.5], dtype)
    CASES += [
        case("IgammaGradA", _rtol=near, _atol=near / 100, a=a, x=x),
        case("RandomGammaGrad", _rtol=near, alpha=a, sample=x),
        case("IgammaGradA", _rtol=near, a=edges[:, None][:4], x=edges[:4]),
        case("RandomGammaGrad", _rtol=near, alpha=edges[:, None][:4], sample=edges[:4]),
        case("IgammaGradA", a=a[:0], x=dtype(1)),
    ]
CASES += [
    case("IgammaGradA", a=np.ones(2, F32), x=np.ones(3, F32)),
    case("RandomGammaGrad", alpha=np.ones(2, F32), sample=np.ones(3, F32)),
]


# ---- ops that were removed


def older(op: str, producer: int, label: str, *inputs, atol=None, outputs=1, **attrs) -> None:
    feeds = {f"x{i}": value for i, value in enumerate(inputs)}

    @graph_case(f"{op}-{label}", _op=op, _atol=atol, _rtol=atol, **feeds)
    def build(tf, **tensors):
        return list(old_op(tf, producer, op, list(tensors.values()), outputs, **attrs))


for dtype in (np.float32, np.float64):
    name = np.dtype(dtype).name
    factor = np.tril(drawn(2, 3, 3, dtype=dtype)) + 2 * np.eye(3, dtype=dtype)
    older("BatchCholeskyGrad", 12, name, factor, drawn(2, 3, 3, dtype=dtype), atol=1e-5, T=dtype)
for dtype in (np.float16, np.float32, np.float64):
    name = np.dtype(dtype).name
    vectors = [(rng.random(3) + 0.5).astype(dtype) for _ in range(3)]
    for scaled in (True, False):
        older(
            "BatchNormWithGlobalNormalizationGrad",
            8,
            f"{name}_{scaled}",
            drawn(2, 2, 3, 3, dtype=dtype),
            *vectors,
            drawn(2, 2, 3, 3, dtype=dtype),
            atol=16 * float(np.finfo(dtype).eps),
            outputs=5,
            T=dtype,
            variance_epsilon=0.01,
            scale_after_normalization=scaled,
        )
    strides = [1, 1, 2, 1, 1]
    x, filter = drawn(2, 3, 4, 3, 2, dtype=dtype), drawn(2, 2, 2, 2, 3, dtype=dtype)
    grad = drawn(2, 2, 2, 2, 3, dtype=dtype)
    near = 64 * float(np.finfo(dtype).eps)
    for op in ("Conv3DBackpropInput", "Conv3DBackpropFilter"):
        older(op, 9, name, x, filter, grad, atol=near, T=dtype, strides=strides, padding=b"VALID")
older(
    "Conv3DBackpropInput",
    9,
    "rank",
    drawn(2, 3, dtype=np.float64),
    filter,
    grad,
    T=np.float64,
    strides=strides,
    padding=b"VALID",
)
CASES += graph_cases()
