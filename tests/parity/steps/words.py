"""More strings, and ragged tensors that go on as ragged tensors; random numbers of more distributions."""

from __future__ import annotations

from typing import Any

from tests.parity.random_programs import Rng, Run, Value, op


@op("string_work", "s", weight=5)
def _string_work(rng: Rng, a: Value) -> Run | None:
    kind = int(rng.integers(0, 9))
    if kind in (5, 6) and (a.rank < 1 or 0 in a.shape):
        return None

    def run(tf: Any, m: Any, x: Any) -> Any:
        if kind == 0:
            return tf.io.decode_base64(tf.io.encode_base64(x)), tf.io.encode_base64(x, pad=True)
        if kind == 1:
            return tf.strings.unicode_transcode(x, "UTF-8", "UTF-16-BE", errors="replace")
        if kind == 2:
            return tf.strings.substr(x, -2, tf.constant(2)) if a.rank < 0 else tf.strings.substr(x + "  ", -2, 2)
        if kind == 3:
            return tf.strings.length(x, "UTF8_CHAR"), tf.strings.unicode_script([72, 0x4E2D])
        if kind == 4:
            return tf.strings.to_hash_bucket_fast(x, 5), x == tf.strings.lower(x)
        if kind == 5:
            return tf.strings.reduce_join(x, -1, separator="|"), tf.strings.reduce_join(x, 0, keepdims=True)
        if kind == 6:
            return tf.strings.unsorted_segment_join(x, tf.range(tf.shape(x)[0]) % 2, 3, "/")
        if kind == 7:
            return tf.strings.format("{} of {}", (tf.shape(x), tf.size(x)))
        return tf.where(tf.strings.regex_full_match(x, ".*[a-z].*"), x, tf.fill(tf.shape(x), "none"))

    return run


@op("ragged_words", "s", weight=4)
def _ragged_words(rng: Rng, a: Value) -> Run | None:
    if a.rank != 1:
        return None
    kind = int(rng.integers(0, 8))

    def run(tf: Any, m: Any, x: Any) -> Any:
        words = tf.strings.split(x)
        if kind == 0:
            return tf.strings.bytes_split(x).to_tensor("-"), words.row_splits
        if kind == 1:
            return tf.strings.join([words, words], "=").flat_values
        if kind == 2:
            return tf.strings.reduce_join(words, axis=-1, separator="_")
        if kind == 3:
            return tf.ragged.boolean_mask(words, tf.strings.length(words) > 1).to_tensor("")
        if kind == 4:
            return tf.concat([words, x[:, None]], 1).to_tensor("."), words.bounding_shape()
        if kind == 5:
            codes = tf.strings.unicode_decode(x, "UTF-8", errors="replace")
            return tf.strings.unicode_encode(codes, "UTF-8"), tf.reduce_max(
                tf.concat([codes, tf.ones_like(codes[:, :1])], 1), 1
            )
        if kind == 6:
            return tf.map_fn(lambda w: tf.size(w), words, fn_output_signature=tf.int32)
        ids = tf.strings.to_hash_bucket_fast(words, 9)
        return tf.ragged.cross_hashed([words, ids], 11).to_tensor(-1), tf.sparse.to_dense(ids.to_sparse())

    return run


@op("ragged_numbers", "n", weight=4)
def _ragged_numbers(rng: Rng, a: Value) -> Run | None:
    if a.rank != 1:
        return None
    kind = int(rng.integers(0, 8))

    def run(tf: Any, m: Any, x: Any) -> Any:
        count = tf.size(x, tf.int64)
        ragged = tf.RaggedTensor.from_row_splits(x, tf.stack([0, count // 3, count // 3, count]))
        if kind == 0:
            return (ragged + ragged * tf.constant(2, x.dtype)).to_tensor(5)
        if kind == 1:
            return tf.reduce_sum(ragged, 0), tf.reduce_max(ragged, 1) - tf.reduce_max(ragged, 1), ragged.nrows()
        if kind == 2:
            return ragged[:, :2].to_tensor(), ragged[1:].row_lengths()
        if kind == 3:
            return tf.RaggedTensor.from_tensor(ragged.to_tensor()).flat_values
        if kind == 4:
            return tf.ragged.range(ragged.row_lengths()).to_tensor(-1)
        if kind == 5:
            return tf.stack([ragged, ragged], 0).to_tensor().shape.rank, tf.reverse(ragged, [1]).flat_values
        if kind == 6:
            return tf.ragged.stack_dynamic_partitions(x, tf.range(tf.size(x)) % 3, 3).to_tensor()
        lengths = tf.ragged.map_flat_values(lambda v: v * v, ragged)
        return tf.expand_dims(lengths, 1).to_tensor(), tf.where(ragged > tf.constant(0, x.dtype))

    return run


@op("sparse_work", "e", weight=3)
def _sparse_work(rng: Rng, a: Value) -> Run | None:
    if a.rank != 2:
        return None
    kind = int(rng.integers(0, 7))

    def run(tf: Any, m: Any, x: Any) -> Any:
        sparse = tf.sparse.from_dense(x)
        if kind == 0:
            return tf.sparse.to_dense(tf.sparse.add(sparse, sparse))
        if kind == 1:
            return tf.sparse.reduce_sum(sparse, 0), tf.sparse.maximum(sparse, sparse).values
        if kind == 2:
            return tf.sparse.to_dense(tf.sparse.retain(sparse, sparse.values > tf.constant(1, x.dtype)))
        if kind == 3:
            return tf.sparse.to_dense(tf.sparse.expand_dims(sparse, 1))
        if kind == 4:
            parts = tf.sparse.split(sp_input=tf.sparse.concat(1, [sparse, sparse]), num_split=2, axis=1)
            return [tf.sparse.to_dense(part) for part in parts]
        if kind == 5:
            return tf.sparse.to_dense(tf.sparse.reset_shape(sparse)), tf.sparse.bincount(
                tf.cast(tf.abs(x), tf.int32) % 5
            ).values
        return tf.sets.size(tf.sets.intersection(tf.cast(x, tf.int64), tf.cast(x[:, ::-1], tf.int64)))

    return run


@op("numbers_as_text", "x", weight=2)
def _numbers_as_text(rng: Rng, a: Value) -> Run:
    kind = int(rng.integers(0, 3))

    def run(tf: Any, m: Any, x: Any) -> Any:
        if kind == 0:
            return tf.strings.to_number(tf.strings.as_string(x), tf.float32)
        if kind == 1:
            lines = tf.strings.join([tf.strings.as_string(tf.reshape(x, [-1])), "7"], ",")
            return tf.io.decode_csv(lines, [0.0, tf.constant([], tf.int32)])
        raw = tf.io.decode_raw(tf.strings.as_string(tf.reshape(x, [-1]), precision=2, width=10), tf.uint8)
        return tf.cast(raw, tf.int32)

    return run


@op("more_random", "i", loses=True, weight=3)
def _more_random(rng: Rng, a: Value) -> Run:
    kind, seed = int(rng.integers(0, 6)), int(rng.integers(0, 1000))

    def run(tf: Any, m: Any, x: Any) -> Any:
        seeds = tf.stack([seed, tf.cast(tf.size(x), tf.int32)])
        if kind == 0:
            return tf.random.stateless_gamma([4, 2], seeds, [0.5, 2.5])
        if kind == 1:
            return tf.random.stateless_poisson([5], seeds, 3.0, tf.int32)
        if kind == 2:
            return tf.random.stateless_binomial([5], seeds, 20.0, 0.25)
        if kind == 3:
            return tf.random.stateless_parameterized_truncated_normal([6], seeds, 0.5, 2.0, -1.0, 3.0)
        if kind == 4:
            first, second = tf.unstack(tf.random.split(seeds, 2))
            return tf.random.stateless_uniform([3], first), tf.random.fold_in(second, 7)
        return tf.random.stateless_uniform([4], seeds, -3, 90, tf.int64), tf.random.stateless_normal(
            [5], seeds, alg="threefry"
        )

    return run
