"""Elementwise arithmetic, casts, reductions and scans."""

from __future__ import annotations

from tests.parity.random_programs import Rng, Run, Value, any_axis, op, simple

# Elementwise. The domain of what is not total is bounded first, as models do it.

for name in ("negative", "abs", "square", "zeros_like", "ones_like", "identity", "stop_gradient"):
    simple(name, "n", lambda tf, m, x, name=name: getattr(tf, name)(x))
for name in ("relu", "relu6"):
    simple(name, "f", lambda tf, m, x, name=name: getattr(tf.nn, name)(x))
for name in (
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "atan",
    "softplus",
    "softsign",
    "elu",
    "selu",
    "swish",
    "gelu",
    "erf",
    "leaky_relu",
):
    simple(
        name, "f", lambda tf, m, x, name=name: getattr(tf.nn if hasattr(tf.nn, name) else tf.math, name)(x), loses=True
    )
for name in ("exp", "expm1", "sinh", "cosh"):
    simple(name, "f", lambda tf, m, x, name=name: getattr(tf.math, name)(tf.clip_by_value(x, -4.0, 4.0)), loses=True)
for name in ("log", "sqrt", "rsqrt", "log1p", "reciprocal", "lgamma", "digamma"):
    simple(name, "f", lambda tf, m, x, name=name: getattr(tf.math, name)(tf.abs(x) + 0.25), loses=True)
for name in ("asin", "acos", "atanh"):
    simple(name, "f", lambda tf, m, x, name=name: getattr(tf.math, name)(tf.clip_by_value(x, -0.9, 0.9)), loses=True)
for name in ("floor", "ceil", "round", "rint", "sign"):
    simple(name, "x", lambda tf, m, x, name=name: getattr(tf.math, name)(x))
for name in ("is_nan", "is_finite"):
    simple(name, "f", lambda tf, m, x, name=name: getattr(tf.math, name)(x))


@op("binary", "nn", weight=14)
def _binary(rng: Rng, a: Value, b: Value) -> Run | None:
    if a.dtype != b.dtype:
        return None
    name = str(rng.choice(["add", "subtract", "multiply", "maximum", "minimum"]))
    return lambda tf, m, x, y: getattr(tf.math, name)(x, y)


@op("squared_difference", "ff")
def _squared_difference(rng: Rng, a: Value, b: Value) -> Run:
    return lambda tf, m, x, y: tf.math.squared_difference(x, y)


@op("divide", "ff", loses=True)
def _divide(rng: Rng, a: Value, b: Value) -> Run:
    name = str(rng.choice(["divide", "divide_no_nan", "atan2", "xdivy", "xlogy", "pow"]))
    return lambda tf, m, x, y: getattr(tf.math, name)(tf.abs(x), tf.abs(y) + 0.5)


@op("integer_division", "ii", weight=3)
def _integer_division(rng: Rng, a: Value, b: Value) -> Run | None:
    if a.dtype != b.dtype:
        return None
    name = str(rng.choice(["FloorDiv", "FloorMod", "TruncateDiv", "TruncateMod"]))
    return lambda tf, m, x, y: getattr(tf.raw_ops, name)(x=x, y=tf.abs(y) % 7 + 1)


@op("bitwise", "ii", weight=3)
def _bitwise(rng: Rng, a: Value, b: Value) -> Run:
    name = str(rng.choice(["bitwise_and", "bitwise_or", "bitwise_xor"]))
    return lambda tf, m, x, y: getattr(tf.bitwise, name)(x, tf.cast(y, x.dtype))


@op("shift", "i")
def _shift(rng: Rng, a: Value) -> Run:
    name, by = str(rng.choice(["left_shift", "right_shift"])), int(rng.integers(0, 6))
    return lambda tf, m, x: getattr(tf.bitwise, name)(x, tf.constant(by, x.dtype))


@op("compare", "ee", weight=5)
def _compare(rng: Rng, a: Value, b: Value) -> Run | None:
    if a.dtype != b.dtype:
        return None
    name = str(rng.choice(["less", "less_equal", "greater", "greater_equal", "equal", "not_equal"]))
    return lambda tf, m, x, y: getattr(tf.math, name)(x, y)


@op("logical", "bb", weight=3)
def _logical(rng: Rng, a: Value, b: Value) -> Run:
    name = str(rng.choice(["logical_and", "logical_or", "logical_xor"]))
    return lambda tf, m, x, y: getattr(tf.math, name)(x, y)


simple("logical_not", "b", lambda tf, m, x: tf.logical_not(x))


@op("cast", "e", weight=5)
def _cast(rng: Rng, a: Value) -> Run:
    to = str(rng.choice(["float32", "int32", "int64", "bool"]))
    return lambda tf, m, x: tf.cast(x, to)


@op("cast_narrow", "e")
def _cast_narrow(rng: Rng, a: Value) -> Run:
    through = str(rng.choice(["int8", "uint8", "int16", "float16", "bfloat16", "float64", "complex64"]))
    return lambda tf, m, x: tf.cast(tf.cast(x, through), x.dtype)


@op("cast_bool", "b")
def _cast_bool(rng: Rng, a: Value) -> Run:
    to = str(rng.choice(["float32", "int32", "int64"]))
    return lambda tf, m, x: tf.cast(x, to)


@op("select", "bnn", weight=4)
def _select(rng: Rng, c: Value, a: Value, b: Value) -> Run | None:
    return (lambda tf, m, c, x, y: tf.where(c, x, y)) if a.dtype == b.dtype else None


simple("where_indices", "b", lambda tf, m, x: tf.where(x))
simple("boolean_mask", "e", lambda tf, m, x: tf.boolean_mask(x, x > 0))


@op("clip", "f")
def _clip(rng: Rng, a: Value) -> Run:
    low = float(rng.integers(-8, 4) / 4)
    return lambda tf, m, x: tf.clip_by_value(x, low, low + 1.5)


@op("fake_quant", "x")
def _fake_quant(rng: Rng, a: Value) -> Run:
    bits, narrow = int(rng.choice([4, 8])), bool(rng.integers(2))
    return lambda tf, m, x: tf.quantization.fake_quant_with_min_max_args(x, -2.0, 2.0, bits, narrow)


# Reductions and scans.


@op("reduce", "n", loses=True, weight=6)
def _reduce(rng: Rng, a: Value) -> Run | None:
    name = str(
        rng.choice(["reduce_sum", "reduce_mean", "reduce_prod", "reduce_logsumexp", "reduce_std", "reduce_variance"])
    )
    if a.dtype != "float32" and name not in ("reduce_sum", "reduce_prod", "reduce_mean"):
        return None
    axes = sorted({int(i) for i in rng.integers(0, max(1, a.rank), rng.integers(0, 3))})[: a.rank]
    keep = bool(rng.integers(2))
    return lambda tf, m, x: getattr(tf.math, name)(x, axes or None, keepdims=keep)


@op("reduce_exactly", "e", weight=4)
def _reduce_exactly(rng: Rng, a: Value) -> Run | None:
    if not a.rank:
        return None
    name, axis = str(rng.choice(["reduce_max", "reduce_min", "argmax", "argmin"])), any_axis(rng, a.rank)
    return lambda tf, m, x: getattr(tf.math, name)(x, axis)


@op("reduce_bool", "b")
def _reduce_bool(rng: Rng, a: Value) -> Run | None:
    if not a.rank:
        return None
    name, axis = str(rng.choice(["reduce_any", "reduce_all", "count_nonzero"])), any_axis(rng, a.rank)
    return lambda tf, m, x: getattr(tf.math, name)(x, axis)


@op("cumulate", "n", loses=True)
def _cumulate(rng: Rng, a: Value) -> Run | None:
    if not a.rank:
        return None
    name, axis = str(rng.choice(["cumsum", "cumprod"])), any_axis(rng, a.rank)
    exclusive, reverse = (bool(v) for v in rng.integers(0, 2, 2))
    return lambda tf, m, x: getattr(tf.math, name)(x, axis, exclusive, reverse)


@op("top_k", "e")
def _top_k(rng: Rng, a: Value) -> Run | None:
    k = int(rng.integers(0, a.shape[-1] + 1)) if a.rank else 0
    return (lambda tf, m, x: tf.math.top_k(x, k)) if a.rank else None


@op("sort", "e")
def _sort(rng: Rng, a: Value) -> Run | None:
    name, direction = str(rng.choice(["sort", "argsort"])), str(rng.choice(["ASCENDING", "DESCENDING"]))
    return (
        (lambda tf, m, x: getattr(tf, name)(x, direction=direction, **({"stable": True} if name == "argsort" else {})))
        if a.rank
        else None
    )


@op("segments", "n", loses=True)
def _segments(rng: Rng, a: Value) -> Run | None:
    if not a.rank or not a.shape[0]:
        return None
    name = str(
        rng.choice(["segment_sum", "segment_max", "segment_mean", "unsorted_segment_sum", "unsorted_segment_min"])
    )
    ids = sorted(rng.integers(0, 4, a.shape[0]).tolist())
    extra = (5,) if name.startswith("un") else ()
    return lambda tf, m, x: tf.minimum(
        getattr(tf.math, name)(x, tf.constant(ids[:1], tf.int32) * 0 + tf.range(tf.shape(x)[0]) // 2, *extra),
        tf.constant(100, x.dtype),
    )


@op("unique", "i")
def _unique(rng: Rng, a: Value) -> Run:
    name = str(rng.choice(["unique", "unique_with_counts"]))
    return lambda tf, m, x: getattr(tf, name)(tf.reshape(x, [-1]))


@op("bincount", "i")
def _bincount(rng: Rng, a: Value) -> Run:
    return lambda tf, m, x: tf.math.bincount(tf.cast(tf.abs(x) % 6, tf.int32), minlength=3, maxlength=9)


@op("bucketize", "x")
def _bucketize(rng: Rng, a: Value) -> Run:
    edges = sorted(float(v) / 4 for v in rng.integers(-8, 8, 3))
    return lambda tf, m, x: tf.raw_ops.Bucketize(input=x, boundaries=edges)


@op("searchsorted", "x")
def _searchsorted(rng: Rng, a: Value) -> Run:
    edges, side = sorted(float(v) / 4 for v in rng.integers(-8, 8, 4)), str(rng.choice(["left", "right"]))
    return lambda tf, m, x: tf.searchsorted(tf.constant(edges), tf.reshape(x, [-1]), side)
