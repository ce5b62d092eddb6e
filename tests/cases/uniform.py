"""Uniform quantisation, with a scale and a zero point for the tensor or for each index of an axis."""

from __future__ import annotations

from functools import partial

import numpy as np

from tests.cases import Typed, case
from tests.cases.quantize import SMALL, X, f
from tests.cases.quantize import typed as typed_of

typed = partial(typed_of, rng=np.random.default_rng(10))


def to_and_from_floats_and_products() -> list:
    rows = []
    limits = {"quantization_min_val": -100, "quantization_max_val": 110}
    wide = {"quantization_min_val": 3, "quantization_max_val": 250}
    one = {"scales": f(0.05), "zero_points": np.int32(3)}
    per_column = {"scales": f([0.05, 0.1, 0.3, 1.0]), "zero_points": np.array([0, 3, -5, 20], np.int32)}
    for kind, bounds in (("qint8", limits), ("quint8", wide), ("qint32", limits)):
        rows.append(case("UniformQuantize", _label=kind, input=X, **one, Tout=kind, **bounds))
        rows.append(
            case(
                "UniformQuantize",
                _label=f"{kind}_axis",
                input=SMALL,
                **per_column,
                Tout=kind,
                quantization_axis=1,
                **bounds,
            )
        )
        rows.append(case("UniformDequantize", _label=kind, input=typed(kind, 3, 4), **one, Tout="float32", **bounds))
        rows.append(
            case(
                "UniformDequantize",
                _label=f"{kind}_axis",
                input=typed(kind, 3, 4, wide=False),
                **per_column,
                Tout="float32",
                quantization_axis=1,
                **bounds,
            )
        )
    for op, x, out in (("UniformQuantize", SMALL, "qint8"), ("UniformDequantize", typed("qint8", 3, 4), "float32")):
        rows.append(
            case(
                op,
                _label="short",
                input=x,
                scales=f([1, 2]),
                zero_points=np.array([0, 0], np.int32),
                Tout=out,
                quantization_axis=1,
                **limits,
            )
        )
        rows.append(
            case(op, _label="negative_scale", input=x, scales=f(-1), zero_points=np.int32(0), Tout=out, **limits)
        )
        rows.append(case(op, _label="axis_beyond", input=x, **per_column, Tout=out, quantization_axis=2, **limits))
    lhs, rhs = typed("qint8", 3, 5), typed("qint8", 5, 4)
    sides = {
        f"{side}_quantization_{end}_val": value
        for side in ("lhs", "rhs")
        for end, value in (("min", -128), ("max", 127))
    }
    full = {
        "output_quantization_min_val": -(2**31),
        "output_quantization_max_val": 2**31 - 1,
        **sides,
        "Tout": "qint32",
    }
    left = {"lhs_scales": f(0.1), "lhs_zero_points": np.int32(7)}
    right = {"rhs_scales": f(0.03), "rhs_zero_points": np.int32(-2)}
    columns = {"rhs_scales": per_column["scales"], "rhs_zero_points": np.zeros(4, np.int32)}
    out = {"output_scales": f(0.002), "output_zero_points": np.int32(11)}
    outs = {"output_scales": f([0.002, 0.1, 1, 30]), "output_zero_points": np.array([11, 0, -3, 2], np.int32)}
    axis = {"rhs_quantization_axis": 1}
    rows += [
        case("UniformQuantizedDot", _label="tensor", lhs=lhs, rhs=rhs, **left, **right, **out, **full),
        case("UniformQuantizedDot", _label="columns", lhs=lhs, rhs=rhs, **left, **columns, **out, **axis, **full),
        case(
            "UniformQuantizedDot",
            _label="all_columns",
            lhs=lhs,
            rhs=rhs,
            **left,
            **columns,
            **outs,
            **axis,
            output_quantization_axis=1,
            **full,
        ),
        case(
            "UniformQuantizedDot",
            _label="clamped",
            lhs=lhs,
            rhs=rhs,
            **left,
            **right,
            **out,
            **{**full, "output_quantization_min_val": -1000, "output_quantization_max_val": 2000},
        ),
        case("UniformQuantizedDot", _label="misfit", lhs=rhs, rhs=rhs, **left, **right, **out, **full),
        case(
            "UniformQuantizedDotHybrid",
            _label="tensor",
            _rtol=1e-5,
            lhs=X[:3, :5].copy(),
            rhs=rhs,
            **right,
            Tout="float32",
            rhs_quantization_min_val=-128,
            rhs_quantization_max_val=127,
        ),
        case(
            "UniformQuantizedDotHybrid",
            _label="columns",
            _rtol=1e-5,
            lhs=X[:3, :5].copy(),
            rhs=rhs,
            **columns,
            **axis,
            Tout="float32",
            rhs_quantization_min_val=-128,
            rhs_quantization_max_val=127,
        ),
        case(
            "UniformQuantizedDotHybrid",
            _label="zeros",
            lhs=np.zeros((3, 5), f),
            rhs=rhs,
            **right,
            Tout="float32",
            rhs_quantization_min_val=-128,
            rhs_quantization_max_val=127,
        ),
        case(
            "UniformQuantizedDotHybrid",
            _label="misfit",
            lhs=X,
            rhs=rhs,
            **right,
            Tout="float32",
            rhs_quantization_min_val=-128,
            rhs_quantization_max_val=127,
        ),
    ]
    return rows


def requantised_and_clipped() -> list:
    rows = []
    limits = {
        f"{side}_quantization_{end}_val": value
        for side in ("input", "output")
        for end, value in (("min", -100), ("max", 110))
    }
    steps = f([0.05, 0.1, 0.3, 1.0])
    zeros = np.array([0, 3, -5, 20], np.int32)
    one_in = {"input_scales": f(0.05), "input_zero_points": np.int32(3)}
    one_out = {"output_scales": f(0.2), "output_zero_points": np.int32(-7)}
    all_in = {"input_scales": steps, "input_zero_points": zeros, "input_quantization_axis": 1}
    all_out = {"output_scales": steps[::-1].copy(), "output_zero_points": zeros, "output_quantization_axis": 1}
    for kind in ("qint8", "qint32"):
        x = typed(kind, 3, 4, wide=False)
        for label, ranges in (
            ("tensor", {**one_in, **one_out}),
            ("axis_in", {**all_in, **one_out}),
            ("axis_out", {**one_in, **all_out}),
            ("axis", {**all_in, **all_out}),
        ):
            rows.append(case("UniformRequantize", _label=f"{kind}_{label}", input=x, **ranges, Tout="qint8", **limits))
    x = typed("qint32", 3, 4, wide=False)
    rows.append(
        case(
            "UniformRequantize",
            _label="axes",
            input=x,
            **{**all_in, "input_quantization_axis": 0, "input_scales": steps[:3], "input_zero_points": zeros[:3]},
            **all_out,
            Tout="qint8",
            **limits,
        )
    )
    rows.append(
        case(
            "UniformRequantize",
            _label="short",
            input=x,
            **{**all_in, "input_scales": steps[:3]},
            **one_out,
            Tout="qint8",
            **limits,
        )
    )
    clip = {"quantization_min_val": -(2**31), "quantization_max_val": 2**31 - 1}
    low, high = (
        Typed(np.array([-10, -500, 0, 7], np.int32), "qint32"),
        Typed(np.array([10, 3000, 100, 8], np.int32), "qint32"),
    )
    first, last = Typed(np.array(-100, np.int32), "qint32"), Typed(np.array(900, np.int32), "qint32")
    rows.append(
        case(
            "UniformQuantizedClipByValue",
            _label="tensor",
            operand=x,
            min=first,
            max=last,
            scales=f(0.5),
            zero_points=np.int32(1),
            **clip,
        )
    )
    rows.append(
        case(
            "UniformQuantizedClipByValue",
            _label="axis",
            operand=x,
            min=low,
            max=high,
            scales=steps,
            zero_points=zeros,
            quantization_axis=1,
            **clip,
        )
    )
    rows.append(
        case(
            "UniformQuantizedClipByValue",
            _label="short",
            operand=x,
            min=first,
            max=high,
            scales=steps,
            zero_points=zeros,
            quantization_axis=1,
            **clip,
        )
    )
    return rows


CASES = [*to_and_from_floats_and_products(), *requantised_and_clipped()]
