"""Cases of convolution, pooling and rectifiers over quantised numbers."""

from __future__ import annotations

import numpy as np

from tests.cases import Typed, case, graph_cases

rng = np.random.default_rng(50)


def values(dtype, *shape):
    info = np.iinfo(dtype)
    low, high = (info.min, info.max) if info.bits == 8 else (-(2**20), 2**20)
    return Typed(rng.integers(low, high, shape, endpoint=True).astype(dtype), "q" + np.dtype(dtype).name)


def between(low, high, what):
    return {f"min_{what}": np.float32(low), f"max_{what}": np.float32(high)}


def conv(
    x_shape,
    filter_shape,
    stride=1,
    padding="SAME",
    filter_dtype=np.uint8,
    ranges=((-1.5, 2.0), (-0.75, 0.5)),
    label="",
    **attrs,
):
    return case(
        "QuantizedConv2D",
        _label=label,
        input=values(np.uint8, *x_shape),
        filter=values(filter_dtype, *filter_shape),
        **between(*ranges[0], "input"),
        **between(*ranges[1], "filter"),
        **{"strides": [1, stride, stride, 1], "padding": padding, "out_type": "qint32"} | attrs,
    )


# TensorFlow leaves a qint8 filter to its oneDNN build, so only quint8 filters can be recorded everywhere.
CASES = []
for filter_dtype in (np.uint8,):
    CASES += [
        conv((2, 5, 6, 3), (3, 3, 3, 4), filter_dtype=filter_dtype),
        conv((1, 6, 5, 2), (3, 2, 2, 3), 2, "VALID", filter_dtype),
        conv((1, 4, 4, 3), (1, 1, 3, 2), filter_dtype=filter_dtype, ranges=((0.0, 6.0), (-1.0, 1.0))),
        conv((1, 3, 3, 1), (3, 3, 1, 2), filter_dtype=filter_dtype, ranges=((1.0, 6.0), (-3.0, -1.0))),
        conv((1, 3, 3, 1), (3, 3, 1, 2), filter_dtype=filter_dtype, ranges=((1.0, 1.0), (0.0, 0.0)), label="no range"),
    ]
CASES += [
    conv((1, 3, 3, 2), (3, 3, 3, 2), label="depths"),
    conv((3, 3, 2), (3, 3, 2, 2), label="rank"),
    conv((1, 3, 3, 2), (3, 3, 2), label="filter rank"),
    conv((1, 3, 3, 2), (2, 2, 2, 2), label="strides", strides=[1, 1, 2, 1]),
    conv((1, 3, 3, 2), (2, 2, 2, 2), label="dilations", dilations=[1, 2, 2, 1]),
]
for dtype in (np.uint8, np.int8):
    for op in ("QuantizedMaxPool", "QuantizedAvgPool"):
        for ksize, strides, padding in (((2, 2), (2, 2), "SAME"), ((3, 2), (1, 1), "VALID"), ((3, 3), (1, 2), "SAME")):
            CASES.append(
                case(
                    op,
                    input=values(dtype, 2, 5, 5, 3),
                    **between(-1, 3, "input"),
                    ksize=[1, *ksize, 1],
                    strides=[1, *strides, 1],
                    padding=padding,
                )
            )
for op in ("QuantizedMaxPool", "QuantizedAvgPool"):
    attrs = {"ksize": [1, 2, 2, 1], "strides": [1, 1, 1, 1], "padding": "VALID"}
    CASES += [
        case(op, _label="rank", input=values(np.uint8, 5, 5, 3), **between(-1, 3, "input"), **attrs),
        case(
            op,
            _label="range",
            input=values(np.uint8, 1, 5, 5, 3),
            min_input=np.float32([1, 2]),
            max_input=np.float32(3),
            **attrs,
        ),
        case(
            op,
            _label="window",
            input=values(np.uint8, 1, 5, 5, 3),
            **between(-1, 3, "input"),
            **attrs | {"ksize": [1, 7, 7, 1]},
        ),
    ]
for op in ("QuantizedRelu", "QuantizedRelu6"):
    for dtype in (np.uint8, np.int32):
        for low, high in ((-1.0, 2.0), (0.0, 12.0), (-10.0, -2.0), (3.0, 20.0), (-5e-4, 7e-4)):
            CASES.append(
                case(
                    op,
                    features=values(dtype, 4, 5),
                    **between(low, high, "features"),
                    out_type="q" + np.dtype(dtype).name,
                )
            )
CASES += [
    case(
        "QuantizedRelu",
        _label="range_of_a_vector",
        features=Typed(np.arange(4, dtype=np.uint8), "quint8"),
        min_features=np.zeros(1, np.float32),
        max_features=np.float32(1),
    ),
]

CASES += graph_cases()
