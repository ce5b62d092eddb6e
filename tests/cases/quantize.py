"""Quantisation, its simulation, and arithmetic on quantised tensors; what is uniformly quantised is in uniform.py."""

from __future__ import annotations

import numpy as np

from tests.cases import Typed, case, graph_case, graph_cases

rng = np.random.default_rng(9)
f = np.float32
X = np.concatenate([rng.normal(size=41) * 3, [0, -0.0, 1, -1, 0.5, -6, 6, 100, -100]]).astype(f).reshape(5, 10)
HALVES = (np.arange(-64, 128).astype(f) / 64)[:, None]
SMALL = X[:, :4].copy()
STORED = {"qint8": "int8", "quint8": "uint8", "qint16": "int16", "quint16": "uint16", "qint32": "int32"}
RANGES = [(-3.0, 4.0), (0.0, 6.0), (-5.0, 0.0), (1.0, 2.0), (-7.0, -2.0), (0.0, 0.0), (-0.001, 0.002)]


def typed(kind: str, *shape: int, wide: bool = True, rng: np.random.Generator = rng) -> Typed:
    info = np.iinfo(STORED[kind])
    low, high = (info.min, info.max) if wide else (max(info.min, -5000), min(info.max, 5000))
    return Typed(rng.integers(low, high, shape, endpoint=True).astype(STORED[kind]), kind)


def fake_quant() -> list:
    rows = []
    args, variables, channels = (f"FakeQuantWithMinMax{k}" for k in ("Args", "Vars", "VarsPerChannel"))
    for low, high in [r for r in RANGES if r[0] < r[1]]:
        rows.append(case(args, _label=f"{low}_{high}", inputs=X, min=low, max=high))
        rows.append(
            case(f"{args}Gradient", _label=f"{low}_{high}", gradients=X[::-1].copy(), inputs=X, min=low, max=high)
        )
    for low, high in RANGES:
        bounds = {"min": f(low), "max": f(high)}
        rows.append(case(variables, _label=f"{low}_{high}", inputs=X, **bounds))
        rows.append(
            case(
                f"{variables}Gradient", _label=f"{low}_{high}", _atol=1e-5, gradients=X[::-1].copy(), inputs=X, **bounds
            )
        )
    many = {"min": f([-3, 0, -5, 0]), "max": f([4, 6, 0, 0])}
    for bits in (2, 4, 8, 16):
        for narrow in (False, True):
            label = f"{bits}_bits{'_narrow' * narrow}"
            rows.append(case(args, _label=label, inputs=X, min=-3.0, max=4.0, num_bits=bits, narrow_range=narrow))
            rows.append(
                case(variables, _label=label, inputs=X, min=f(-3), max=f(4), num_bits=bits, narrow_range=narrow)
            )
            rows.append(case(channels, _label=label, inputs=SMALL, **many, num_bits=bits, narrow_range=narrow))
            rows.append(
                case(
                    f"{channels}Gradient",
                    _label=label,
                    _atol=1e-5,
                    gradients=SMALL * 2,
                    inputs=SMALL,
                    **many,
                    num_bits=bits,
                    narrow_range=narrow,
                )
            )
    special = f([np.nan, np.inf, -np.inf, 1])
    rows += [
        case(args, _label="special", inputs=special),
        case(args, _label="empty_range", inputs=X, min=1.0, max=1.0),
        case(args, _label="scalar", inputs=f(1.3)),
        case(args, _label="empty", inputs=X[:0]),
        case(variables, _label="special", inputs=special, min=f(-3), max=f(4)),
        case(variables, _label="vector_range", inputs=X, min=f([-3]), max=f([4])),
        case(channels, _label="vector", inputs=SMALL[0], **many),
        *(
            case(channels, _label=f"halves_{h}", inputs=HALVES * f(h), min=f([-h]), max=f([2 * h]))
            for h in (0.25, 0.7, 1.0, 1.5, 1.75)
        ),
        case(channels, _label="halves_narrow", inputs=HALVES, min=f([-1]), max=f([2]), narrow_range=True),
        case(channels, _label="halves_few", inputs=HALVES, min=f([-1]), max=f([2]), num_bits=5),
        case(channels, _label="four_axes", inputs=X[:4, :8].reshape(2, 2, 2, 4), **many),
        case(channels, _label="five_axes", inputs=X[:4, :8].reshape(2, 2, 1, 2, 4), **many),
        case(channels, _label="too_few", inputs=SMALL, min=f([-1]), max=f([1])),
        case(channels, _label="scalar_range", inputs=SMALL, min=f(-1), max=f(1)),
        case(f"{variables}Gradient", _label="shapes", gradients=X[:2], inputs=X, min=f(-1), max=f(1)),
    ]
    return rows


def dequantise_by_axis(label: str, x: Typed, low: np.ndarray, high: np.ndarray, **attrs) -> None:
    """The op by axis needs the rank of its input when the graph is built."""

    @graph_case(f"dequantize_{label}", _op="Dequantize", x=x, low=low, high=high)
    def build(tf, x, low, high):
        x.set_shape(shape)
        return [tf.raw_ops.Dequantize(input=x, min_range=low, max_range=high, **attrs)]

    shape = x.array.shape


def quantize_v2() -> list:
    rows = []
    for kind in STORED:
        for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
            for low, high in RANGES[:4]:
                rows.append(
                    case(
                        "QuantizeV2",
                        _label=f"{kind}_{mode}_{low}",
                        input=X,
                        min_range=f(low),
                        max_range=f(high),
                        T=kind,
                        mode=mode,
                    )
                )
            quantised = typed(kind, 4, 5)
            for low, high in RANGES:
                rows.append(
                    case(
                        "Dequantize",
                        _label=f"{kind}_{mode}_{low}",
                        input=quantised,
                        min_range=f(low),
                        max_range=f(high),
                        mode=mode,
                    )
                )
        for mode in ("MIN_COMBINED", "SCALED"):
            for axis in (0, 1):
                size = SMALL.shape[axis]
                low, high = -np.linspace(1, 3, size).astype(f), np.linspace(2, 6, size).astype(f)
                rows.append(
                    case(
                        "QuantizeV2",
                        _label=f"{kind}_{mode}_axis_{axis}",
                        input=SMALL,
                        min_range=low,
                        max_range=high,
                        T=kind,
                        mode=mode,
                        axis=axis,
                    )
                )
                dequantise_by_axis(
                    f"{kind}_{mode}_axis_{axis}", typed(kind, *SMALL.shape), low, high, mode=mode, axis=axis
                )
        rows.append(
            case(
                "QuantizeV2",
                _label=f"{kind}_narrow",
                input=X,
                min_range=f(-3),
                max_range=f(4),
                T=kind,
                mode="SCALED",
                narrow_range=True,
            )
        )
        rows.append(
            case(
                "QuantizeV2",
                _label=f"{kind}_to_even",
                input=np.arange(-4, 5, dtype=f) / 2,
                min_range=f(-128),
                max_range=f(127),
                T=kind,
                mode="SCALED",
                round_mode="HALF_TO_EVEN",
            )
        )
        rows.append(
            case(
                "QuantizeV2",
                _label=f"{kind}_away",
                input=np.arange(-4, 5, dtype=f) / 2,
                min_range=f(-128),
                max_range=f(127),
                T=kind,
                mode="SCALED",
            )
        )
        rows.append(
            case(
                "Dequantize",
                _label=f"{kind}_narrow",
                input=typed(kind, 6),
                min_range=f(-3),
                max_range=f(4),
                mode="SCALED",
                narrow_range=True,
            )
        )
        rows.append(
            case(
                "Dequantize",
                _label=f"{kind}_bfloat16",
                input=typed(kind, 6),
                min_range=f(-3),
                max_range=f(4),
                dtype="bfloat16",
            )
        )
    dequantise_by_axis("first", typed("quint8", 2, 4), f([-1] * 4), f([1] * 4), mode="MIN_FIRST", axis=1)
    dequantise_by_axis("too_few", typed("quint8", 2, 4), f([-1] * 3), f([1] * 3), axis=1)
    x, low, high = X, f(-3), f(4)
    rows += [
        case(
            "QuantizeV2",
            _label="minimum_range",
            input=x,
            min_range=f(0),
            max_range=f(0.001),
            T="quint8",
            ensure_minimum_range=0.5,
        ),
        case("QuantizeV2", _label="special", input=f([np.inf, -np.inf, 0]), min_range=low, max_range=high, T="quint8"),
        case("QuantizeV2", _label="turned", input=x, min_range=high, max_range=low, T="quint8"),
        case("QuantizeV2", _label="too_many", input=x, min_range=f([-1, -2]), max_range=f([1, 2]), T="quint8"),
        case(
            "QuantizeV2",
            _label="first_by_axis",
            input=SMALL,
            min_range=f([-1] * 4),
            max_range=f([1] * 4),
            T="quint8",
            mode="MIN_FIRST",
            axis=1,
        ),
        case("QuantizeV2", _label="axis_beyond", input=SMALL, min_range=low, max_range=high, T="quint8", axis=2),
        case("QuantizeV2", _label="empty", input=x[:0], min_range=low, max_range=high, T="quint8"),
        case("QuantizeV2", _label="scalar", input=f(1), min_range=low, max_range=high, T="quint8"),
        case("Dequantize", _label="too_many", input=typed("quint8", 4), min_range=f([-1, -2]), max_range=f([1, 2])),
        case(
            "Dequantize",
            _label="bfloat16_scaled",
            input=typed("qint8", 4),
            min_range=low,
            max_range=high,
            mode="SCALED",
            dtype="bfloat16",
        ),
        case("Dequantize", _label="empty", input=typed("quint8", 0), min_range=low, max_range=high),
    ]
    return rows


def of_old_graphs(dtype: str, **attrs) -> None:
    """The first version of the op, which TensorFlow builds only in graphs from before it was removed."""

    @graph_case(f"quantize_and_dequantize_{dtype}_{'_'.join(map(str, attrs.values()))}", _op=OLD, x=X.astype(dtype))
    def build(tf, x):
        definition = tf.compat.v1.GraphDef()
        definition.versions.producer = 20
        feed = definition.node.add(name="old_x", op="Placeholder")
        feed.attr["dtype"].type = x.dtype.as_datatype_enum
        node = definition.node.add(name="old", op=OLD, input=["old_x"])
        node.attr["T"].type = x.dtype.as_datatype_enum
        for name, value in attrs.items():
            field = {bool: "b", int: "i", float: "f"}[type(value)]
            setattr(node.attr[name], field, value)
        return tf.import_graph_def(definition, input_map={"old_x": x}, return_elements=["old:0"], name="")


OLD = "QuantizeAndDequantize"
of_old_graphs("float32")
of_old_graphs("float64", signed_input=False)
of_old_graphs("float32", range_given=True, input_min=-3.0, input_max=4.0)
of_old_graphs("float32", num_bits=4, range_given=True, input_min=-3.0, input_max=4.0)


def there_and_back() -> list:
    rows = []
    stem = "QuantizeAndDequantize"
    for dtype in ("float32", "float64"):
        x, t = X.astype(dtype), np.dtype(dtype).type
        for version in ("V2", "V4"):
            for given in (False, True):
                for signed in (False, True):
                    for bits in (3, 8, 16):
                        rows.append(
                            case(
                                f"{stem}{version}",
                                _label=f"{dtype}_{given}_{signed}_{bits}",
                                input=x,
                                input_min=t(-3),
                                input_max=t(4),
                                signed_input=signed,
                                num_bits=bits,
                                range_given=given,
                            )
                        )
            rows.append(
                case(
                    f"{stem}{version}",
                    _label=f"{dtype}_up",
                    input=x,
                    input_min=t(-3),
                    input_max=t(4),
                    range_given=True,
                    round_mode="HALF_UP",
                    narrow_range=True,
                )
            )
            for axis in (0, 1):
                size = SMALL.shape[axis]
                low, high = -np.linspace(1, 3, size).astype(dtype), np.linspace(2, 6, size).astype(dtype)
                for given in (False, True):
                    rows.append(
                        case(
                            f"{stem}{version}",
                            _label=f"{dtype}_axis_{axis}_{given}",
                            input=SMALL.astype(dtype),
                            input_min=low,
                            input_max=high,
                            range_given=given,
                            axis=axis,
                        )
                    )
        rows.append(case(f"{stem}V3", _label=dtype, input=x, input_min=t(-3), input_max=t(4), num_bits=np.int32(5)))
        rows.append(
            case(
                f"{stem}V3",
                _label=f"{dtype}_found",
                input=x,
                input_min=t(0),
                input_max=t(0),
                num_bits=np.int32(8),
                range_given=False,
                signed_input=False,
            )
        )
        rows.append(
            case(
                f"{stem}V3",
                _label=f"{dtype}_narrow",
                input=x,
                input_min=t(-3),
                input_max=t(4),
                num_bits=np.int32(8),
                narrow_range=True,
            )
        )
        rows.append(
            case(
                f"{stem}V3",
                _label=f"{dtype}_axis",
                input=SMALL.astype(dtype),
                input_min=np.full(4, -1, dtype),
                input_max=np.linspace(1, 4, 4).astype(dtype),
                num_bits=np.int32(8),
                axis=1,
            )
        )
        rows.append(
            case(f"{stem}V4Grad", _label=dtype, gradients=x[::-1].copy(), input=x, input_min=t(-1), input_max=t(2))
        )
        rows.append(
            case(
                f"{stem}V4Grad",
                _label=f"{dtype}_axis",
                gradients=SMALL.astype(dtype),
                input=SMALL.astype(dtype),
                input_min=np.full(4, -1, dtype),
                input_max=np.full(4, 2, dtype),
                axis=1,
            )
        )
    for low, high in [*RANGES, (3.0, -3.0)]:
        rows.append(
            case(
                f"{stem}V2",
                _label=f"range_{low}_{high}",
                input=X,
                input_min=f(low),
                input_max=f(high),
                range_given=True,
            )
        )
    rows += [
        case(f"{stem}V2", _label="no_bits", input=X, input_min=f(-1), input_max=f(1), num_bits=0),
        case(f"{stem}V2", _label="vector_range", input=X, input_min=f([-1]), input_max=f([1]), range_given=True),
        case(
            f"{stem}V2",
            _label="short_range",
            input=SMALL,
            input_min=f([-1]),
            input_max=f([1]),
            range_given=True,
            axis=1,
        ),
        case(
            f"{stem}V2",
            _label="axis_beyond",
            input=SMALL,
            input_min=f([-1]),
            input_max=f([1]),
            range_given=True,
            axis=2,
        ),
        case(f"{stem}V2", _label="empty", input=X[:0], input_min=f(-1), input_max=f(1), range_given=True),
        case(
            f"{stem}V3",
            _label="vector_bits",
            input=X,
            input_min=f(-1),
            input_max=f(1),
            num_bits=np.array([8], np.int32),
        ),
    ]
    return rows


def arithmetic() -> list:
    rows = []
    wide, narrow = typed("qint32", 4, 5), typed("qint32", 4, 5, wide=False)
    for x, label in ((wide, "wide"), (narrow, "narrow")):
        for low, high in ((-300.0, 500.0), (-1e6, 1e6), (0.0, 3.0)):
            ranges = {"input_min": f(low), "input_max": f(high)}
            rows.append(case("RequantizationRange", _label=f"{label}_{low}", input=x, **ranges))
            rows.append(
                case("QuantizeDownAndShrinkRange", _label=f"{label}_{low}", input=x, **ranges, out_type="quint8")
            )
            for kind in ("quint8", "qint8"):
                for bottom, top in ((-2.0, 3.0), (0.0, 400.0), (-100.0, 0.0)):
                    rows.append(
                        case(
                            "Requantize",
                            _label=f"{label}_{low}_{kind}_{bottom}",
                            input=x,
                            **ranges,
                            requested_output_min=f(bottom),
                            requested_output_max=f(top),
                            out_type=kind,
                        )
                    )
    rows += [
        case(
            "Requantize",
            _label="positive",
            input=narrow,
            input_min=f(-1),
            input_max=f(1),
            requested_output_min=f(1),
            requested_output_max=f(2),
            out_type="quint8",
        ),
        case(
            "Requantize",
            _label="turned",
            input=narrow,
            input_min=f(-1),
            input_max=f(1),
            requested_output_min=f(-1),
            requested_output_max=f(-2),
            out_type="quint8",
        ),
        case(
            "Requantize",
            _label="vector",
            input=narrow,
            input_min=f([-1, -2]),
            input_max=f(1),
            requested_output_min=f(-1),
            requested_output_max=f(2),
            out_type="quint8",
        ),
    ]
    for a, b in ((False, False), (True, False), (False, True), (True, True)):
        left, right = ((4, 3) if a else (3, 4)), ((5, 4) if b else (4, 5))
        rows.append(
            case(
                "QuantizedMatMul",
                _label=f"{a}_{b}",
                a=typed("quint8", *left),
                b=typed("quint8", *right),
                min_a=f(-3),
                max_a=f(4),
                min_b=f(0),
                max_b=f(5),
                transpose_a=a,
                transpose_b=b,
                Toutput="qint32",
            )
        )
    rows += [
        case(
            "QuantizedMatMul",
            _label="misfit",
            a=typed("quint8", 3, 4),
            b=typed("quint8", 3, 4),
            min_a=f(-3),
            max_a=f(4),
            min_b=f(0),
            max_b=f(5),
            Toutput="qint32",
        ),
        case(
            "QuantizedMatMul",
            _label="vector_range",
            a=typed("quint8", 3, 4),
            b=typed("quint8", 4, 4),
            min_a=f([-3, 0]),
            max_a=f(4),
            min_b=f(0),
            max_b=f(5),
            Toutput="qint32",
        ),
    ]
    for op in ("QuantizedRelu", "QuantizedRelu6"):
        for kind in ("quint8", "qint32"):
            for low, high in ((-3.0, 4.0), (0.0, 10.0), (-20.0, -1.0), (-128.0, 127.0)):
                rows.append(
                    case(
                        op,
                        _label=f"{kind}_{low}",
                        features=typed(kind, 3, 4),
                        min_features=f(low),
                        max_features=f(high),
                        out_type=kind,
                    )
                )
        rows.append(
            case(
                op,
                _label="vector_range",
                features=typed("quint8", 3),
                min_features=f([-1, -2]),
                max_features=f(4),
                out_type="quint8",
            )
        )
    return rows


CASES = [*fake_quant(), *quantize_v2(), *there_and_back(), *arithmetic(), *graph_cases()]

CASES += [
    case(
        "FakeQuantWithMinMaxArgsGradient",
        _label="shapes",
        gradients=np.ones((5, 3), np.float32),
        inputs=np.ones((1, 3), np.float32),
    ),
    case(
        "QuantizeAndDequantizeV2",
        _label="nan_range",
        input=np.ones(3, np.float32),
        input_min=np.float32(-3),
        input_max=np.float32(np.nan),
        range_given=True,
    ),
]
