"""Numbers of other types, complex ones, quantisation; what comes out is float32, integers or booleans again."""

from __future__ import annotations

from typing import Any

from tests.parity.random_programs import Rng, Run, Value, any_axis, op

NARROW = ["float16", "bfloat16"]


@op("short_floats", "xx", weight=4)
def _short_floats(rng: Rng, a: Value, b: Value) -> Run:
    """Ops of one rounding, on numbers that are equal on both sides: the results are too."""
    dtype = str(rng.choice(NARROW))
    name = str(rng.choice(["add", "subtract", "multiply", "maximum", "minimum", "squared_difference"]))
    return lambda tf, m, x, y: tf.cast(getattr(tf.math, name)(tf.cast(x, dtype), tf.cast(y, dtype)), tf.float32)


@op("short_unary", "x", weight=3)
def _short_unary(rng: Rng, a: Value) -> Run:
    dtype = str(rng.choice(NARROW))
    name = str(rng.choice(["abs", "negative", "square", "floor", "ceil", "sign", "round", "sqrt", "reciprocal"]))
    return lambda tf, m, x: tf.cast(getattr(tf.math, name)(tf.abs(tf.cast(x, dtype)) + 1), tf.float32)


@op("short_moves", "x", weight=3)
def _short_moves(rng: Rng, a: Value) -> Run | None:
    if not a.rank:
        return None
    dtype, kind, axis = str(rng.choice([*NARROW, "float64", "int8", "uint16"])), int(rng.integers(0, 6)), a.rank - 1

    def run(tf: Any, m: Any, x: Any) -> Any:
        y = tf.cast(tf.abs(x), dtype)
        z = (
            lambda: tf.concat([y, y[..., :1]], axis),
            lambda: tf.reverse(y, [axis]),
            lambda: tf.where(y > tf.cast(1, dtype), y, tf.zeros_like(y)),
            lambda: tf.reduce_max(y, axis, keepdims=True),
            lambda: tf.gather(y, [0, 0], axis=axis),
            lambda: tf.tile(y[None], [2] + [1] * y.shape.rank),
        )[kind]()
        return tf.cast(z, tf.float32), tf.cast(z == z, tf.int32)

    return run


@op("double", "f", loses=True, weight=2)
def _double(rng: Rng, a: Value) -> Run:
    name = str(rng.choice(["tanh", "sigmoid", "erf", "softplus", "sin", "reduce_mean", "reduce_logsumexp", "cumsum"]))

    def run(tf: Any, m: Any, x: Any) -> Any:
        y = tf.cast(tf.reshape(x, [-1]), tf.float64)
        return tf.cast(getattr(tf.math if hasattr(tf.math, name) else tf.nn, name)(y), tf.float32)

    return run


@op("small_integers", "ii", weight=4)
def _small_integers(rng: Rng, a: Value, b: Value) -> Run:
    dtype = str(rng.choice(["int8", "uint8", "int16", "uint16", "uint32", "uint64"]))
    name = str(rng.choice(["add", "multiply", "maximum", "subtract", "floordiv", "floormod"]))

    def run(tf: Any, m: Any, x: Any, y: Any) -> Any:
        left, right = tf.cast(x, dtype), tf.cast(y, dtype)
        if name.startswith("floor"):
            right = tf.maximum(right, tf.cast(1, dtype))
        return tf.cast(getattr(tf.math, name)(left, right), tf.int64), tf.cast(left < right, tf.int32)

    return run


@op("complex", "xx", weight=4)
def _complex(rng: Rng, a: Value, b: Value) -> Run:
    kind, wide = int(rng.integers(0, 6)), bool(rng.integers(2))

    def run(tf: Any, m: Any, x: Any, y: Any) -> Any:
        x, y = tf.broadcast_to(x, tf.broadcast_dynamic_shape(tf.shape(x), tf.shape(y))), y + tf.zeros_like(x)
        if wide:
            x, y = tf.cast(x, tf.float64), tf.cast(y, tf.float64)
        z = tf.complex(x, y)
        z = (z * z, z + tf.math.conj(z), -z, tf.math.conj(z) * z, z - tf.complex(y, x), tf.reverse(z, [0])[..., None])[
            kind
        ]
        return tf.cast(tf.math.real(z), tf.float32), tf.cast(tf.math.imag(z), tf.float32), z == z

    return run


@op("complex_functions", "f", loses=True, weight=2)
def _complex_functions(rng: Rng, a: Value) -> Run | None:
    if a.rank < 1:
        return None
    name = str(rng.choice(["exp", "tanh", "sqrt", "angle", "fft", "ifft", "abs", "reduce_sum", "cumsum", "square"]))

    def run(tf: Any, m: Any, x: Any) -> Any:
        x = tf.clip_by_value(x, -2.0, 2.0)
        z = tf.complex(tf.abs(x) + 0.5, tf.reverse(x, [-1]))
        z = getattr(tf.signal if "fft" in name else tf.math, name)(z)
        return tf.cast(tf.math.real(z), tf.float32), tf.cast(tf.math.imag(z), tf.float32)

    return run


@op("fft_2d", "f", loses=True)
def _fft_2d(rng: Rng, a: Value) -> Run | None:
    if a.rank < 2 or 0 in a.shape:
        return None
    size = rng.integers(1, 7, 2).tolist()
    return lambda tf, m, x: tf.signal.irfft2d(tf.signal.rfft2d(x, size), size)


@op("quantize", "x", weight=3)
def _quantize(rng: Rng, a: Value) -> Run:
    mode = str(rng.choice(["MIN_COMBINED", "MIN_FIRST", "SCALED"]))
    to, bound = str(rng.choice(["quint8", "qint8"])), float(rng.integers(1, 5))

    def run(tf: Any, m: Any, x: Any) -> Any:
        codes, low, high = tf.quantization.quantize(x, -bound, 2 * bound, to, mode)
        return tf.quantization.dequantize(codes, low, high, mode), tf.cast(tf.bitcast(codes, to[1:]), tf.int32)

    return run


@op("quantize_and_dequantize", "x", loses=True, weight=2)
def _quantize_and_dequantize(rng: Rng, a: Value) -> Run:
    bits, mode, narrow = int(rng.integers(3, 9)), str(rng.choice(["HALF_TO_EVEN", "HALF_UP"])), bool(rng.integers(2))
    given = bool(rng.integers(2))
    return lambda tf, m, x: tf.quantization.quantize_and_dequantize_v2(
        x, -1.0, 1.5, num_bits=bits, range_given=given, round_mode=mode, narrow_range=narrow
    )


@op("fake_quant_per_channel", "x", weight=2)
def _fake_quant_per_channel(rng: Rng, a: Value) -> Run | None:
    if not a.rank or not 0 < a.shape[-1] <= 16:
        return None
    highs = (rng.integers(1, 9, a.shape[-1]) / 4).astype("float32")
    return lambda tf, m, x: tf.quantization.fake_quant_with_min_max_vars_per_channel(x, -highs, highs * 2)


@op("bitcast", "x")
def _bitcast(rng: Rng, a: Value) -> Run:
    return lambda tf, m, x: tf.bitcast(tf.bitcast(x, tf.int32) & -8, tf.float32)


@op("clip_integers", "i")
def _clip_integers(rng: Rng, a: Value) -> Run:
    low = int(rng.integers(-3, 2))
    return lambda tf, m, x: tf.clip_by_value(x, tf.constant(low, x.dtype), tf.constant(low + 3, x.dtype))


@op("matmul_integers", "i", weight=2)
def _matmul_integers(rng: Rng, a: Value) -> Run | None:
    return (lambda tf, m, x: tf.matmul(x % 5, x % 5, transpose_b=True)) if a.rank == 2 else None


@op("cumulate_integers", "i", weight=2)
def _cumulate_integers(rng: Rng, a: Value) -> Run | None:
    if not a.rank:
        return None
    axis, exclusive = any_axis(rng, a.rank), bool(rng.integers(2))
    return lambda tf, m, x: tf.cumsum(x % 7, axis, exclusive)
