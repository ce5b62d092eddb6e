"""Sums and convolutions of uniformly quantised tensors (the rest of the family is in quantize.py)."""

from __future__ import annotations

import numpy as np

from tests.cases import Typed, case

rng = np.random.default_rng(71)
f = np.float32
CASES = []


def q(dtype, *shape, reach=127):
    info = np.iinfo(dtype)
    low, high = max(info.min, -reach), min(info.max, reach)
    return Typed(rng.integers(low, high, shape, endpoint=True).astype(dtype), "q" + np.dtype(dtype).name)


def steps(side, scales, points=0):
    scales = f(scales)
    return {f"{side}_scales": scales, f"{side}_zero_points": np.broadcast_to(np.int32(points), scales.shape).copy()}


def limits(*sides, low=-(2**31), high=2**31 - 1):
    return {f"{side}_quantization_{end}_val": v for side in sides for end, v in (("min", low), ("max", high))}


# ---- sums

ADD = limits("lhs", "rhs", "output")
EVEN = {**steps("lhs", 0.1, 3), **steps("rhs", 0.25, -7), **steps("output", 0.05, 11)}
COLUMNS = {
    **steps("lhs", [0.1, 0.2, 0.5, 1.5], [1, 0, -4, 9]),
    **steps("rhs", [0.3, 0.7, 0.01, 2], 5),
    **steps("output", [0.2, 0.1, 0.05, 3], [0, 2, 100, -1]),
}


def add(label, lhs_shape, rhs_shape, scales, reach=5000, **attrs):
    lhs, rhs = q(np.int32, *lhs_shape, reach=reach), q(np.int32, *rhs_shape, reach=reach)
    CASES.append(case("UniformQuantizedAdd", _label=label, lhs=lhs, rhs=rhs, **scales, **{**ADD, **attrs}))


AXES = {f"{side}_quantization_axis": 1 for side in ("lhs", "rhs", "output")}
add("same", (3, 4), (3, 4), EVEN)
add("wide", (3, 4), (3, 4), EVEN, reach=2**31 - 1)
add("spread", (2, 1, 4), (3, 1), EVEN)
add("scalar", (), (3,), EVEN)
add("empty", (0, 4), (4,), EVEN)
add("misfit", (3, 4), (3,), EVEN)
add("clamped", (3, 4), (3, 4), EVEN, **limits("output", low=-50, high=60))
add("columns", (3, 4), (3, 4), COLUMNS, **AXES)
add("row", (3, 4), (4,), COLUMNS, **{**AXES, "rhs_quantization_axis": 0})
add("row_axis", (3, 4), (4,), COLUMNS, **AXES)
add("other_axis", (4, 4), (4, 4), COLUMNS, **{**AXES, "lhs_quantization_axis": 0})
add("short", (3, 4), (3, 4), {**COLUMNS, **steps("lhs", [0.1, 2])}, **AXES)
add("negative", (3, 4), (3, 4), {**EVEN, **steps("rhs", -0.1)})
add("beyond", (3, 4), (3, 4), COLUMNS, **{**AXES, "lhs_quantization_axis": 2})

# ---- convolutions

ONE = {**steps("lhs", 0.1, 3), **steps("rhs", 0.02, -7), **steps("output", 0.5, 4)}
EACH = {**ONE, **steps("rhs", [0.02, 0.3, 0.1, 0.7], [0, 3, -4, 1])}
ALL = {**EACH, **steps("output", [0.5, 1, 0.1, 3], [0, -9, 4, 2])}
FULL = {**limits("lhs", "rhs", low=-128, high=127), **limits("output"), "Tout": "qint32", "padding": "VALID"}


def numbers(inputs, kernel, outputs):
    """UniformQuantizedConvolutionDimensionNumbersAttr, serialised: batch, feature and spatial dimensions of each."""
    data = b""
    for first, dims in ((1, inputs), (4, kernel), (7, outputs)):
        # The kernel's fields come in the order input feature, output feature.
        a, b = (dims[1], dims[0]) if first == 4 else dims[:2]
        data += bytes([first << 3, a, (first + 1) << 3, b, (first + 2) << 3 | 2, len(dims) - 2, *dims[2:]])
    return data


def conv(label, lhs_shape, rhs_shape, scales=ONE, **attrs):
    lhs, rhs = q(np.int8, *lhs_shape), q(np.int8, *rhs_shape)
    CASES.append(case("UniformQuantizedConvolution", _label=label, lhs=lhs, rhs=rhs, **scales, **{**FULL, **attrs}))
    if any(key.startswith(("lhs_q", "output_q", "lhs_s", "output_s")) for key in attrs):
        return
    floats = rng.normal(size=lhs_shape).astype(f)
    kernel = {key: value for key, value in scales.items() if key.startswith("rhs")}
    bounds = {**limits("rhs", low=-128, high=127), "Tout": "float32", "padding": "VALID"}
    CASES.append(
        case(
            "UniformQuantizedConvolutionHybrid",
            _label=label,
            _rtol=1e-5,
            lhs=floats,
            rhs=rhs,
            **kernel,
            **{**bounds, **attrs},
        )
    )


NHWC = numbers((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2))
IMAGE, KERNEL = (2, 3, 6, 5), (4, 3, 2, 3)
conv("plain", IMAGE, KERNEL)
conv("same", IMAGE, KERNEL, padding="SAME")
conv("same_strides", IMAGE, KERNEL, padding="SAME", window_strides=[2, 3])
conv("explicit", IMAGE, KERNEL, padding="EXPLICIT", explicit_padding=[0, 1, 2, 0])
conv("dilated", IMAGE, KERNEL, rhs_dilation=[2, 1], padding="SAME")
conv("spread", IMAGE, KERNEL, lhs_dilation=[2, 3], rhs_dilation=[1, 2])
conv("spread_same", IMAGE, KERNEL, lhs_dilation=[2, 3], padding="SAME", window_strides=[2, 1])
conv("channels", IMAGE, KERNEL, EACH, rhs_quantization_axis=0)
conv("all_channels", IMAGE, KERNEL, ALL, rhs_quantization_axis=0, output_quantization_axis=1)
conv("last", (2, 6, 5, 3), (2, 3, 3, 4), EACH, dimension_numbers=NHWC, rhs_quantization_axis=3)
conv(
    "last_all",
    (2, 6, 5, 3),
    (2, 3, 3, 4),
    ALL,
    dimension_numbers=NHWC,
    rhs_quantization_axis=3,
    output_quantization_axis=3,
)
conv("groups", (2, 6, 6, 5), (4, 3, 2, 3), feature_group_count=2)
conv("batch_groups", (4, 3, 6, 5), (4, 3, 2, 3), batch_group_count=2)
conv("line", (2, 3, 9), (4, 3, 2), window_strides=[2])
conv("volume", (1, 2, 4, 5, 3), (4, 2, 2, 1, 3), padding="SAME")
conv("no_batch", (0, 3, 6, 5), KERNEL)
conv("small", (1, 3, 1, 1), KERNEL)
conv("clamped", IMAGE, KERNEL, **limits("output", low=-20, high=30))
# Errors.
conv("ranks", (2, 3, 6), KERNEL)
conv("flat", (2, 3), (4, 3))
conv("features", (2, 4, 6, 5), KERNEL)
conv("groups_misfit", (2, 6, 6, 5), (3, 3, 2, 3), feature_group_count=2)
conv("batch_groups_misfit", (3, 3, 6, 5), KERNEL, batch_group_count=2)
conv("both_groups", (2, 6, 6, 5), (4, 3, 2, 3), batch_group_count=2, feature_group_count=2)
conv("strides", IMAGE, KERNEL, window_strides=[1])
conv("stride_zero", IMAGE, KERNEL, window_strides=[0, 1])
conv("dilations", IMAGE, KERNEL, rhs_dilation=[1, 1, 1])
conv("padding", IMAGE, KERNEL, padding="FULL")
conv("explicit_short", IMAGE, KERNEL, padding="EXPLICIT", explicit_padding=[0, 1])
conv("explicit_negative", IMAGE, KERNEL, padding="EXPLICIT", explicit_padding=[0, 1, -1, 0])
conv("explicit_unasked", IMAGE, KERNEL, explicit_padding=[0, 1, 1, 0])
conv("dimensions", IMAGE, KERNEL, dimension_numbers=numbers((0, 0, 1, 2), (0, 1, 2, 3), (0, 1, 2, 3)))
conv("axis", IMAGE, KERNEL, EACH, rhs_quantization_axis=1)
conv("lhs_axis", IMAGE, KERNEL, lhs_quantization_axis=1)
conv("output_axis", IMAGE, KERNEL, ALL, rhs_quantization_axis=0, output_quantization_axis=0)
conv("output_channels", IMAGE, KERNEL, {**ALL, **steps("rhs", 0.1)}, output_quantization_axis=1)
conv("lhs_vector", IMAGE, KERNEL, {**ONE, **steps("lhs", [0.1, 0.2, 0.3])})
conv("short", IMAGE, KERNEL, {**EACH, **steps("rhs", [0.1, 0.2])}, rhs_quantization_axis=0)
conv("negative", IMAGE, KERNEL, {**ONE, **steps("rhs", -0.1)})
