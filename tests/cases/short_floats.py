"""float16 and bfloat16 bit for bit: where TensorFlow with oneDNN rounds, and in which order it adds up.

Sizes stand on both sides of Eigen's packets of eight, panels of sixteen columns, unrolled loops and halved rows.
"""

from __future__ import annotations

import ml_dtypes
import numpy as np

from tests.cases import Case, case

ONEDNN = True

_RNG = np.random.default_rng(16)


def _draw(dtype: type, *shape: int) -> np.ndarray:
    return _RNG.standard_normal(shape).astype(np.float32).astype(dtype)


def _exact(op: str, **keywords: object) -> Case:
    return case(op, _rtol=0, _atol=0, **keywords)


def _reductions(dtype: type) -> list[Case]:
    rows = [
        _exact(op, input=_draw(dtype, 2, size), axis=np.int32(1), keep_dims=False)
        for size in (1, 7, 8, 31, 33, 100, 1700)
        for op in ("Sum", "Mean", "Prod")
        if (op != "Prod" or size < 100) and (op == "Sum" or size < 1700)  # longer products are too small for the dtype
    ]
    shapes = [
        ((5, 37), (0,)),
        ((16, 37), (0,)),
        ((33, 12), (0,)),
        ((2, 81, 16), (1,)),
        ((3, 31, 6), (1,)),
        ((3, 4, 33), (0, 2)),
        ((2, 5, 3, 4), (0, 2)),
        ((2, 5, 3, 4), (1, 3)),
        ((70, 5), (0, 1)),
        ((1, 9, 9, 8), (1, 2)),
    ]
    for shape, axes in shapes:
        rows += [_exact(op, input=_draw(dtype, *shape), axis=np.int32(axes), keep_dims=True) for op in ("Sum", "Mean")]
    for size in (3, 9, 33, 100):
        x = _draw(dtype, 2, size)
        rows += [_exact(op, logits=2 * x) for op in ("Softmax", "LogSoftmax")]
    rows.append(_exact("L2Loss", t=_draw(dtype, 7, 9)))
    return rows


def _products(dtype: type) -> list[Case]:
    rows = [
        _exact("MatMul", a=_draw(dtype, 5, 20), b=_draw(dtype, 20, 9)),
        _exact("MatMul", a=_draw(dtype, 20, 3), b=_draw(dtype, 9, 20), transpose_a=True, transpose_b=True),
        _exact("BatchMatMulV2", x=_draw(dtype, 2, 3, 20), y=_draw(dtype, 20, 9)),
    ]
    # batch, rows, inner, columns: small, a row, one and two packets, panels of rows that are not full
    sizes = ((1, 3, 4, 5), (4, 1, 32, 8), (2, 2, 4, 8), (3, 7, 61, 9), (1, 18, 16, 32), (2, 6, 100, 26), (8, 5, 16, 5))
    for batch, count, inner, columns in sizes:
        a, b = _draw(dtype, batch, count, inner), _draw(dtype, batch, inner, columns)
        rows.append(_exact("Einsum", inputs=[a, b], equation="bij,bjk->bik"))
    a, b = _draw(dtype, 2, 9, 4, 8), _draw(dtype, 4, 8, 16)
    rows.append(_exact("Einsum", inputs=[a, b], equation="abcd,cde->abe"))
    return rows


def _windows(dtype: type) -> list[Case]:
    rows = []
    for kernel, stride, padding, channels in ((3, 1, "SAME", 16), (3, 2, "SAME", 8), (2, 2, "VALID", 3)):
        strides = [1, stride, stride, 1]
        x = _draw(dtype, 2, 9, 9, channels)
        rows += [
            _exact("AvgPool", value=x, ksize=[1, kernel, kernel, 1], strides=strides, padding=padding),
            _exact(
                "DepthwiseConv2dNative",
                input=x,
                filter=_draw(dtype, kernel, kernel, channels, 2),
                strides=strides,
                padding=padding,
            ),
        ]
        size = 9 * stride
        rows.append(
            _exact(
                "Conv2DBackpropInput",
                input_sizes=np.int32([2, size, size, 7]),
                filter=_draw(dtype, kernel, kernel, 7, channels),
                out_backprop=x,
                strides=strides,
                padding=padding,
            )
        )
    return rows


def _elements(dtype: type) -> list[Case]:
    x = np.concatenate([4 * _draw(dtype, 500), np.array([np.inf, -np.inf, np.nan, 0, 12, 100, -12, -1e-3], dtype)])
    ids = np.int32([4, 0, 1, 1, 4, -1, 1] * 5)
    data = _draw(dtype, 35, 3)
    return [
        _exact("Sigmoid", x=x),
        _exact("Elu", features=x),
        _exact("UnsortedSegmentSum", data=data, segment_ids=ids, num_segments=np.int32(6)),
        _exact("UnsortedSegmentProd", data=data, segment_ids=ids, num_segments=np.int32(6)),
        _exact("SegmentSum", data=data, segment_ids=np.sort(np.abs(ids))),
        _exact("SegmentMean", data=data, segment_ids=np.sort(np.abs(ids))),
    ]


CASES = [
    row
    for dtype in (np.float16, ml_dtypes.bfloat16)
    for group in (_reductions, _products, _windows, _elements)
    for row in group(dtype)
]
