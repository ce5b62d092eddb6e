"""Elementwise ops, each over every dtype that TensorFlow's CPU kernel takes, with the values that tend to go wrong."""

from __future__ import annotations

import numpy as np

from tests.cases import Typed, case, graph_cases

BFLOAT16 = "bfloat16"
FLOATS = ["float16", BFLOAT16, "float32", "float64"]
SIGNED = ["int8", "int16", "int32", "int64"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
INTS = SIGNED + UNSIGNED
COMPLEX = ["complex64", "complex128"]

SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan]
REALS = [0.5, -0.5, 1.0, -1.0, 1.5, -1.5, 2.5, -2.5, 3.25, -3.75, 0.1, -0.1, 7.0, -9.5, 1e-3, 12.0]
COMPLEXES = [0.5 + 1j, -0.5 + 0.25j, 1 - 2j, -1.5 - 0.5j, 3 + 0.5j, 0.1j, 2 + 0j, -2 + 1e-3j]


def array(dtype: str, values) -> np.ndarray:
    """An array of any dtype by name; integer values wrap."""
    if dtype == BFLOAT16:
        import ml_dtypes

        return np.array(values, np.float32).astype(ml_dtypes.bfloat16)
    if np.dtype(dtype).kind in "iu":
        return np.array(values, np.int64).astype(dtype)
    return np.array(values, dtype)


def sample(dtype: str) -> np.ndarray:
    """Values of `dtype` worth trying in a unary op."""
    if dtype in COMPLEX:
        return array(dtype, COMPLEXES)
    if dtype in INTS:
        info = np.iinfo(dtype)
        return np.array([0, 1, 2, 3, 7, 100, info.max, info.min, info.max - 1, info.min + 1], dtype)
    return array(dtype, REALS + SPECIAL)


UNARY = {
    "Abs": FLOATS + SIGNED,
    "Neg": FLOATS + SIGNED + COMPLEX,
    "Sign": FLOATS + SIGNED + COMPLEX,
    "Ceil": FLOATS,
    "Floor": FLOATS,
    "Rint": ["float32", "float64"],
    "Round": FLOATS,
    "Exp": FLOATS + COMPLEX,
    "Expm1": FLOATS + COMPLEX,
    "Log": FLOATS + COMPLEX,
    "Log1p": FLOATS + COMPLEX,
    "Sqrt": FLOATS + COMPLEX,
    "Rsqrt": FLOATS + COMPLEX,
    "Square": FLOATS + INTS + COMPLEX,
    "Inv": FLOATS + COMPLEX,
    "Reciprocal": FLOATS + COMPLEX,
    "Sigmoid": FLOATS + COMPLEX,
    "Tanh": FLOATS + COMPLEX,
    "Sin": FLOATS + COMPLEX,
    "Cos": FLOATS + COMPLEX,
    "Tan": FLOATS + COMPLEX,
    "Asin": FLOATS + COMPLEX,
    "Acos": FLOATS + COMPLEX,
    "Atan": FLOATS + COMPLEX,
    "Sinh": FLOATS + COMPLEX,
    "Cosh": FLOATS + COMPLEX,
    "Asinh": FLOATS + COMPLEX,
    "Acosh": FLOATS + COMPLEX,
    "Atanh": FLOATS + COMPLEX,
    "IsFinite": FLOATS,
    "IsInf": FLOATS,
    "IsNan": FLOATS,
    "Invert": INTS,
    "PopulationCount": INTS,
    "ToBool": [*FLOATS, *INTS, *COMPLEX, "bool"],
}


def unary() -> list:
    rows = []
    for op, dtypes in UNARY.items():
        name = "input" if op == "ToBool" else "x"
        for dtype in dtypes:
            values = sample(dtype) if dtype != "bool" else np.array([True, False])
            rows.append(case(op, _label=dtype, **{name: values}))
        first = "float32" if "float32" in dtypes else dtypes[0]
        rows.append(case(op, _label="scalar", **{name: sample(first)[3]}))
        rows.append(case(op, _label="empty", **{name: sample(first)[:0].reshape(0, 3)}))
        rows.append(case(op, _label="matrix", **{name: np.resize(sample(first), (3, 7))}))
    return rows


BINARY = {
    "Add": FLOATS + SIGNED + ["uint8"] + COMPLEX,
    "AddV2": FLOATS + INTS + COMPLEX,
    "Sub": FLOATS + INTS + COMPLEX,
    "Mul": FLOATS + INTS + COMPLEX,
    "Div": FLOATS + INTS + COMPLEX,
    "RealDiv": FLOATS + COMPLEX,
    "TruncateDiv": FLOATS + INTS,
    "FloorDiv": FLOATS + INTS,
    "FloorMod": FLOATS + INTS,
    "Mod": ["float32", "float64", "int32", "int64"],
    "TruncateMod": ["float32", "float64", "int32", "int64"],
    "DivNoNan": FLOATS + COMPLEX,
    "MulNoNan": FLOATS + COMPLEX,
    "Xdivy": FLOATS + COMPLEX,
    "Xlogy": FLOATS + COMPLEX,
    "Xlog1py": FLOATS + COMPLEX,
    "SquaredDifference": [*FLOATS, "int32", "int64", *COMPLEX],
    "Maximum": FLOATS + INTS,
    "Minimum": FLOATS + INTS,
    "Pow": FLOATS + COMPLEX,
    "Atan2": FLOATS,
    "Greater": FLOATS + INTS,
    "GreaterEqual": FLOATS + INTS,
    "Less": FLOATS + INTS,
    "LessEqual": FLOATS + INTS,
    "Equal": FLOATS + INTS + COMPLEX,
    "NotEqual": FLOATS + INTS + COMPLEX,
    "BitwiseAnd": INTS,
    "BitwiseOr": INTS,
    "BitwiseXor": INTS,
    "LeftShift": INTS,
    "RightShift": INTS,
    "NextAfter": ["float32", "float64"],
    "TanhGrad": FLOATS + COMPLEX,
    "SigmoidGrad": FLOATS + COMPLEX,
    "SqrtGrad": FLOATS + COMPLEX,
    "RsqrtGrad": FLOATS + COMPLEX,
    "InvGrad": FLOATS + COMPLEX,
    "ReciprocalGrad": FLOATS + COMPLEX,
}
NAMES = {"Atan2": ("y", "x"), "NextAfter": ("x1", "x2")}
INTEGER_DIVISIONS = ("Div", "TruncateDiv", "FloorDiv", "FloorMod", "Mod", "TruncateMod")


def binary() -> list:
    rows = []
    for op, dtypes in BINARY.items():
        first, second = NAMES.get(op, ("y", "dy") if op.endswith("Grad") else ("x", "y"))
        for dtype in dtypes:
            x = sample(dtype)
            y = x
            if dtype in INTS and op in INTEGER_DIVISIONS:
                y = y[y != 0]
            pairs = (x, y[::-1].copy()) if op.endswith("Grad") else (x[:, None], y)
            rows.append(case(op, _label=dtype, **{first: pairs[0], second: pairs[1]}))
        if op in INTEGER_DIVISIONS:
            nothing = np.zeros((0, 1), np.int32)
            rows.append(case(op, _label="nothing by zero", **{first: nothing, second: np.int32(0)}))
            rows.append(case(op, _label="by_zero", **{first: array("int32", [1, 2]), second: array("int32", [1, 0])}))
            rows.append(
                case(
                    op,
                    _label="signs",
                    **{first: array("int32", [7, -7, 7, -7, 6]), second: array("int32", [3, 3, -3, -3, -3])},
                )
            )
        one = "float32" if "float32" in dtypes else "int32"
        x = sample(one)[:6]
        rows.append(case(op, _label="scalars", **{first: x[1], second: x[2]}))
        rows.append(case(op, _label="scalar_and_vector", **{first: x[2], second: x[1:]}))
        rows.append(case(op, _label="vector_and_scalar", **{first: x, second: x[4]}))
        if op.endswith("Grad"):
            rows.append(case(op, _label="bad_shapes", **{first: x[:2], second: x[:3]}))
            continue
        rows.append(case(op, _label="broadcast", **{first: x.reshape(2, 1, 3), second: x[1:5].reshape(4, 1)}))
        rows.append(case(op, _label="empty", **{first: x[:0].reshape(0, 1), second: x[1:3]}))
        rows.append(case(op, _label="bad_shapes", **{first: x[:2], second: x[1:4]}))
    return rows


STRINGS = np.array([b"a", b"", b"xyz"], object)
QUANTIZED = {"qint8": "int8", "quint8": "uint8", "qint32": "int32", "qint16": "int16", "quint16": "uint16"}
MIXED = array("float32", [1, 2, np.nan, -1, 5, 0])

CASES = [
    *unary(),
    *binary(),
    case("Add", _label="strings", x=STRINGS, y=np.array([b"1", b"2", b""], object)),
    case("Add", _label="string_scalars", x=np.array(b"ab", object), y=np.array(b"c", object)),
    case("Add", _label="strings_bad_shapes", x=STRINGS, y=STRINGS[:2]),
    *[case(op, _label="strings", x=STRINGS, y=np.array(b"a", object)) for op in ("Equal", "NotEqual")],
    *[
        case(op, _label="rows_of_strings", x=np.resize(STRINGS, (5, 20)), y=np.array(text, object))
        for op in ("Equal", "NotEqual")
        for text in (b"xyz", b"", b"none")
    ],
    *[
        case(op, _label="string_scalars", x=np.array(b"a", object), y=np.array(b"a", object))
        for op in ("Equal", "NotEqual")
    ],
    *[
        case(op, _label="bools", x=np.array([True, False]), y=np.array([[True], [False]]))
        for op in ("Equal", "NotEqual")
    ],
    *[
        case(op, _label=name, x=Typed(np.array([1, 2, 3], stored), name), y=Typed(np.array([1, 5, 3], stored), name))
        for op in ("Equal", "NotEqual")
        for name, stored in QUANTIZED.items()
    ],
    *[
        case(op, _label="lenient", x=MIXED[:2], y=MIXED[:3], incompatible_shape_error=False)
        for op in ("Equal", "NotEqual")
    ],
    *[
        case(op, _label="lenient_fitting", x=MIXED, y=MIXED[::-1].copy(), incompatible_shape_error=False)
        for op in ("Equal", "NotEqual")
    ],
    *[
        case(op, _label=label, x=x, y=y)
        for op in ("LogicalAnd", "LogicalOr")
        for label, x, y in [
            ("table", np.array([[True], [False]]), np.array([True, False])),
            ("scalars", np.True_, np.False_),
            ("bad_shapes", np.array([True, False]), np.array([True, False, True])),
        ]
    ],
    case("LogicalNot", x=np.array([[True, False]])),
    case("LogicalNot", _label="scalar", x=np.True_),
    case("LogicalNot", _label="empty", x=np.zeros((0, 2), bool)),
    *[
        case("Pow", _label=dtype, x=array(dtype, [[0], [1], [2], [-3]]), y=array(dtype, [0, 1, 2, 5, 7]))
        for dtype in SIGNED
    ],
    *[case("Pow", _label=f"{dtype}_negative", x=array(dtype, [1, 2]), y=array(dtype, [2, -1])) for dtype in SIGNED],
    *[case("Pow", _label=f"{d}_half", x=sample(d), y=array(d, 0.5)) for d in FLOATS],
    *[case("Pow", _label=f"{d}_half_rows", x=sample(d)[None], y=array(d, [[0.5], [-0.5]])) for d in FLOATS],
    *[
        case("ApproximateEqual", _label=f"at_{t}", x=np.float64([1, 1, 1]), y=np.float64([1, 1.5, 1.25]), tolerance=t)
        for t in (0.25, 0.0, -0.5)
    ],
    case("Pow", _label="negative_of_one", x=array("int32", [1, -1]), y=array("int32", [-2, -3])),
    case("Pow", _label="negative_of_zero", x=array("int32", [0]), y=array("int32", [-2])),
    case("Pow", _label="overflow", x=array("int32", [3, 10]), y=array("int32", [40, 11])),
    case("LeftShift", _label="counts", x=array("int32", [1, -1, 5, 5]), y=array("int32", [-1, 40, 31, 3])),
    case("RightShift", _label="counts", x=array("int32", [1, -1, -500, 500]), y=array("int32", [-1, 40, 3, 3])),
    case("ToBool", _label="zero", input=np.float32(0)),
    case("ToBool", _label="nan", input=np.float32(np.nan)),
    case("ToBool", _label="string", input=np.array(b"x", object)),
    case("ToBool", _label="empty_string", input=np.array(b"", object)),
    case("ToBool", _label="strings", input=np.array([b""], object)),
    case("ToBool", _label="vector_of_false", input=np.array([False])),
    *[
        case(
            "ApproximateEqual",
            _label=d,
            x=array(d, [1, 1, np.nan, np.inf, 2]),
            y=array(d, [1, 1.000001, np.nan, np.inf, 2.1]),
        )
        for d in ("float32", "float64")
    ],
    case(
        "ApproximateEqual",
        _label="tolerance",
        x=array("float32", [1, 2]),
        y=array("float32", [1.4, 2.6]),
        tolerance=0.5,
    ),
    case("ApproximateEqual", _label="bad_shapes", x=array("float32", [1, 2]), y=array("float32", 1.4)),
    case("ApproximateEqual", _label="scalars", x=np.float64(1), y=np.float64(1)),
    *[
        case("ComplexAbs", _label=d, x=array(d, [*COMPLEXES, 0, complex(np.inf, np.nan), 3 + 4j]), Tout=t)
        for d, t in zip(COMPLEX, ("float32", "float64"))
    ],
    *[
        case(op, _label=d, input=array(d, [*COMPLEXES, 0, -1, -1j]), Tout=t)
        for op in ("Real", "Imag", "Angle")
        for d, t in zip(COMPLEX, ("float32", "float64"))
    ],
    *[case(op, _label="scalar", input=np.complex64(1 - 2j)) for op in ("Real", "Imag", "Angle", "Conj")],
    *[case("Conj", _label=d, input=array(d, COMPLEXES)) for d in COMPLEX],
    *[
        case("Complex", _label=d, real=array(d, [[1], [2]]), imag=array(d, [3, -4, np.nan]), Tout=t)
        for d, t in zip(("float32", "float64"), COMPLEX)
    ],
    case("Complex", _label="scalars", real=np.float32(1), imag=np.float32(2)),
    case("Complex", _label="bad_shapes", real=np.zeros(2, np.float32), imag=np.zeros(3, np.float32)),
    *[
        case("ClipByValue", _label=d, t=sample(d), clip_value_min=array(d, 1), clip_value_max=array(d, 3))
        for d in [*FLOATS, *SIGNED, "uint8", "uint16"]
    ],
    *[
        case(
            "ClipByValue",
            _label=d,
            t=array(d, [*COMPLEXES, 2 - 5j, np.nan]),
            clip_value_min=array(d, 0.6 - 2j),
            clip_value_max=array(d, 1 + 1j),
        )
        for d in COMPLEX
    ],
    case("ClipByValue", _label="by_elements", t=MIXED, clip_value_min=MIXED[::-1].copy(), clip_value_max=np.float32(2)),
    case(
        "ClipByValue",
        _label="max_by_elements",
        t=MIXED,
        clip_value_min=np.float32(0),
        clip_value_max=MIXED[::-1].copy(),
    ),
    case(
        "ClipByValue", _label="both_by_elements", t=MIXED, clip_value_min=MIXED - 1, clip_value_max=MIXED[::-1].copy()
    ),
    case("ClipByValue", _label="min_above_max", t=MIXED, clip_value_min=np.float32(3), clip_value_max=np.float32(-3)),
    case("ClipByValue", _label="nan_bounds", t=MIXED, clip_value_min=np.float32(np.nan), clip_value_max=np.float32(3)),
    case("ClipByValue", _label="nan_max", t=MIXED, clip_value_min=np.float32(0), clip_value_max=np.float32(np.nan)),
    case("ClipByValue", _label="bad_shapes", t=MIXED, clip_value_min=MIXED[:2], clip_value_max=np.float32(3)),
    case(
        "ClipByValue",
        _label="scalar_with_vector",
        t=np.float32(1),
        clip_value_min=MIXED[:2],
        clip_value_max=np.float32(3),
    ),
    case("ClipByValue", _label="empty", t=MIXED[:0], clip_value_min=np.float32(0), clip_value_max=np.float32(3)),
    case("ClipByValue", _label="scalar", t=np.float32(9), clip_value_min=np.float32(0), clip_value_max=np.float32(3)),
    *[
        case("Range", _label=d, start=array(d, 1), limit=array(d, 9), delta=array(d, 2))
        for d in [*FLOATS, "int32", "int64"]
    ],
    *[
        case("Range", _label=f"{d}_down", start=array(d, 3), limit=array(d, -4), delta=array(d, -2))
        for d in [*FLOATS, "int32", "int64"]
    ],
    case("Range", _label="tenths", start=np.float32(0), limit=np.float32(2), delta=np.float32(0.1)),
    case("Range", _label="half_tenths", start=np.float16(0), limit=np.float16(2), delta=np.float16(0.1)),
    case(
        "Range",
        _label="bfloat16_tenths",
        start=array(BFLOAT16, 0),
        limit=array(BFLOAT16, 2),
        delta=array(BFLOAT16, 0.1),
    ),
    case("Range", _label="exactly_three", start=np.float32(0), limit=np.float32(0.3), delta=np.float32(0.1)),
    case("Range", _label="long", _rtol=0, start=np.float32(0.1), limit=np.float32(10), delta=np.float32(0.037)),
    case("Range", _label="half_long", _rtol=0, start=np.float16(0.1), limit=np.float16(10), delta=np.float16(0.037)),
    case("Range", _label="empty", start=np.int32(3), limit=np.int32(3), delta=np.int32(1)),
    case("Range", _label="wrong_way", start=np.int32(3), limit=np.int32(0), delta=np.int32(1)),
    case("Range", _label="wrong_way_down", start=np.int32(0), limit=np.int32(3), delta=np.int32(-1)),
    case("Range", _label="delta_zero", start=np.int32(3), limit=np.int32(0), delta=np.int32(0)),
    case("Range", _label="vector", start=np.zeros(2, np.int32), limit=np.int32(3), delta=np.int32(1)),
    case("Range", _label="vector_of_one", start=np.zeros(1, np.int32), limit=np.int32(3), delta=np.int32(1)),
    case("Range", _label="nan", start=np.float32(0), limit=np.float32(np.nan), delta=np.float32(1)),
    case("Range", _label="infinite", start=np.float32(0), limit=np.float32(np.inf), delta=np.float32(1)),
    *[
        case("LinSpace", _label=f"{d}_{i}", start=array(d, -1), stop=array(d, 2), num=array(i, 7))
        for d in ("float32", "float64")
        for i in ("int32", "int64")
    ],
    case("LinSpace", _label="one", start=np.float32(3), stop=np.float32(0), num=np.int32(1)),
    case("LinSpace", _label="two", start=np.float32(3), stop=np.float32(0.1), num=np.int32(2)),
    case("LinSpace", _label="none", start=np.float32(3), stop=np.float32(0), num=np.int32(0)),
    case("LinSpace", _label="many", start=np.float32(0.1), stop=np.float32(0.7), num=np.int32(100)),
    case("LinSpace", _label="vector", start=np.zeros(1, np.float32), stop=np.float32(0), num=np.int32(2)),
    *graph_cases(),
]
