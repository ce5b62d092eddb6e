"""Strings, tables, ragged and sparse tensors, random numbers."""

from __future__ import annotations

from typing import Any

from tests.parity.random_programs import Rng, Run, Value, op, simple

# Strings.


simple("as_string", "i", lambda tf, m, x: tf.strings.as_string(x), weight=2)
simple("as_string_bool", "b", lambda tf, m, x: tf.strings.as_string(x), weight=1)
for name in ("upper", "lower", "strip", "length", "reduce_join"):
    simple("string_" + name, "s", lambda tf, m, x, name=name: getattr(tf.strings, name)(x))


@op("as_string_float", "x", weight=2)
def _as_string_float(rng: Rng, a: Value) -> Run:
    keywords = [
        {},
        {"precision": 2},
        {"scientific": True, "precision": 3},
        {"width": 8, "precision": 1},
        {"shortest": True},
    ][int(rng.integers(0, 5))]
    return lambda tf, m, x: tf.strings.as_string(x, **keywords)


@op("string_join", "ss", weight=3)
def _string_join(rng: Rng, a: Value, b: Value) -> Run:
    return lambda tf, m, x, y: tf.strings.join([x, y], "-")


@op("string_substr", "s", weight=2)
def _substr(rng: Rng, a: Value) -> Run:
    length, unit = int(rng.integers(0, 4)), str(rng.choice(["BYTE", "UTF8_CHAR"]))
    return lambda tf, m, x: tf.strings.substr(x, 0, length, unit)


@op("string_replace", "s", weight=3)
def _replace(rng: Rng, a: Value) -> Run:
    pattern, by = [("[aeiou]", "*"), (r"(\w)(\w)", r"\2\1"), ("^", ">"), (r"\s+", "_"), (r"\d", "#")][
        int(rng.integers(0, 5))
    ]
    everywhere = bool(rng.integers(2))
    return lambda tf, m, x: tf.strings.regex_replace(x, pattern, by, everywhere)


@op("string_match", "s")
def _match(rng: Rng, a: Value) -> Run:
    pattern = str(rng.choice([".*a.*", r"\d+", "", r"[A-Z].*"]))
    return lambda tf, m, x: tf.strings.regex_full_match(x, pattern)


@op("string_hash", "s", weight=2)
def _hash(rng: Rng, a: Value) -> Run:
    name = str(rng.choice(["to_hash_bucket_fast", "to_hash_bucket_strong", "to_hash_bucket"]))
    keywords: dict[str, Any] = {"key": [1, 2]} if name.endswith("strong") else {}
    return lambda tf, m, x: getattr(tf.strings, name)(x, 17, **keywords)


@op("string_split", "s", weight=4)
def _split_strings(rng: Rng, a: Value) -> Run | None:
    if a.rank != 1:
        return None
    sep = [None, " ", ",", ""][int(rng.integers(0, 3))]
    kind = int(rng.integers(0, 4))

    def run(tf: Any, m: Any, x: Any) -> Any:
        ragged = tf.strings.split(x, sep)
        if kind == 0:
            return ragged.to_tensor("?")
        if kind == 1:
            return ragged.row_lengths(), ragged.flat_values
        if kind == 2:
            return tf.sparse.to_dense(ragged.to_sparse(), default_value="")
        return tf.strings.ngrams(ragged, 2, "+").to_tensor("")

    return run


@op("string_number", "i", weight=2)
def _to_number(rng: Rng, a: Value) -> Run:
    to = str(rng.choice(["float32", "int32", "int64", "float64"]))
    return lambda tf, m, x: tf.cast(tf.strings.to_number(tf.strings.as_string(x % 1000), to), tf.float32)


@op("unicode", "s", weight=2)
def _unicode(rng: Rng, a: Value) -> Run | None:
    return (lambda tf, m, x: tf.strings.unicode_decode(x, "UTF-8").to_tensor(-1)) if a.rank == 1 else None


# Tables, ragged and sparse tensors, random numbers.


@op("static_table", "i", weight=3)
def _static_table(rng: Rng, a: Value) -> Run:
    key, values = f"t{rng.integers(1 << 60)}", rng.integers(-5, 6, 4).tolist()
    return lambda tf, m, x: m.table(key, [0, 1, 2, 5], values).lookup(tf.cast(x, tf.int64))


@op("string_table", "s", weight=3)
def _string_table(rng: Rng, a: Value) -> Run:
    key = f"t{rng.integers(1 << 60)}"
    return lambda tf, m, x: m.table(key, ["a b", "", "7", "the cat"], [3, 1, 4, 1]).lookup(x)


@op("ragged", "n", weight=4)
def _ragged(rng: Rng, a: Value) -> Run | None:
    if not a.rank:
        return None
    kind = int(rng.integers(0, 6))

    def run(tf: Any, m: Any, x: Any) -> Any:
        rows = tf.shape(x, tf.int64)[0]
        lengths = tf.where(tf.range(2, dtype=tf.int64) == 0, rows // 2, rows - rows // 2)
        ragged = tf.RaggedTensor.from_row_lengths(x, lengths)
        if kind == 0:
            return ragged.to_tensor()
        if kind == 1:
            return tf.reduce_max(ragged, 1) * 0 + tf.cast(ragged.row_lengths(), x.dtype)[0]
        if kind == 2:
            return tf.concat([ragged, ragged], 1).to_tensor(1)
        if kind == 3:
            return tf.gather(ragged, [1, 0, 1]).flat_values
        if kind == 4:
            return tf.ragged.map_flat_values(tf.negative, ragged).to_tensor(), ragged.value_rowids()
        return tf.tile(ragged, [2] + [1] * (ragged.shape.rank - 1)).row_splits

    return run


@op("sparse", "e", weight=4)
def _sparse(rng: Rng, a: Value) -> Run | None:
    if a.rank != 2:
        return None
    kind = int(rng.integers(0, 6))

    def run(tf: Any, m: Any, x: Any) -> Any:
        sparse = tf.sparse.from_dense(x)
        if kind == 0:
            return tf.sparse.to_dense(tf.sparse.transpose(sparse))
        if kind == 1:
            return tf.sparse.to_dense(tf.sparse.concat(0, [sparse, sparse]))
        if kind == 2:
            return tf.sparse.reduce_max(sparse, 1)
        if kind == 3:
            filled, empty = tf.sparse.fill_empty_rows(sparse, tf.constant(7, x.dtype))
            return filled.values, filled.indices, empty
        if kind == 4:
            return tf.sparse.to_dense(tf.sparse.reshape(sparse, [-1]))
        return tf.sparse.to_dense(tf.sparse.slice(sparse, [0, 1], [2, 2]))

    return run


@op("sparse_matmul", "x", loses=True)
def _sparse_matmul(rng: Rng, a: Value) -> Run | None:
    return (
        (lambda tf, m, x: tf.sparse.sparse_dense_matmul(tf.sparse.from_dense(x), x, adjoint_b=True))
        if a.rank == 2
        else None
    )


@op("stateless_random", "i", weight=3)
def _stateless(rng: Rng, a: Value) -> Run:
    kind, seed = int(rng.integers(0, 5)), int(rng.integers(0, 1000))

    def run(tf: Any, m: Any, x: Any) -> Any:
        seeds = tf.stack([seed, tf.cast(tf.reduce_sum(x) % 1000, tf.int32)])
        shape = tf.stack([tf.size(x) % 5, 3])
        if kind == 0:
            return tf.random.stateless_uniform(shape, seeds)
        if kind == 1:
            return tf.random.stateless_uniform(shape, seeds, -9, 10, tf.int32)
        if kind == 2:
            return tf.random.experimental.stateless_shuffle(tf.range(tf.size(x)), seeds)
        if kind == 3:
            return tf.random.stateless_categorical(tf.zeros([2, 4]), 5, seeds)
        return tf.random.stateless_uniform(shape, seeds, minval=None, maxval=None, dtype=tf.int32)

    return run


@op("random_normal", "i", loses=True)
def _random_normal(rng: Rng, a: Value) -> Run:
    name = str(rng.choice(["stateless_normal", "stateless_truncated_normal"]))
    return lambda tf, m, x: getattr(tf.random, name)([3, 2], tf.stack([7, tf.cast(tf.size(x), tf.int32)]))


@op("linear_algebra", "f", loses=True, weight=2)
def _linear_algebra(rng: Rng, a: Value) -> Run | None:
    if a.rank != 2 or not 0 < a.shape[0] <= 8:
        return None
    name = str(rng.choice(["cholesky", "inv", "det", "logdet", "solve"]))

    def run(tf: Any, m: Any, x: Any) -> Any:
        gram = tf.matmul(x, x, transpose_b=True) / 8 + tf.eye(tf.shape(x)[0]) * 2
        return tf.linalg.solve(gram, x) if name == "solve" else getattr(tf.linalg, name)(gram)

    return run


@op("fft", "f", loses=True, weight=2)
def _fft(rng: Rng, a: Value) -> Run | None:
    length = int(rng.integers(1, 9))
    return (lambda tf, m, x: tf.abs(tf.signal.rfft(x, [length]))) if a.rank and a.shape[-1] else None


@op("nms", "x")
def _nms(rng: Rng, a: Value) -> Run | None:
    def run(tf: Any, m: Any, x: Any) -> Any:
        n = tf.shape(x)[0]
        boxes = tf.concat([x[:, :2], x[:, :2] + tf.abs(x[:, 1:3]) + 0.5], 1)
        return tf.image.non_max_suppression(boxes, tf.cast(tf.range(n), tf.float32), 3, 0.25)

    return run if a.rank == 2 and a.shape[1] >= 3 else None
