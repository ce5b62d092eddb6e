"""Blocks as nets have them, gathers and scatters of many kinds, einsums, images."""

from __future__ import annotations

from typing import Any

from tests.parity.random_programs import Rng, Run, Value, any_axis, op
from tests.parity.steps.networks import _weights


@op("conv_block", "f", loses=True, weight=4)
def _conv_block(rng: Rng, a: Value) -> Run | None:
    """Convolution, batch norm, activation, shortcut, pooling."""
    if a.rank != 4 or not 0 < a.shape[3] <= 16:
        return None
    channels, groups = a.shape[3], int(rng.choice([1, a.shape[3]]))
    w, point = _weights(rng, 3, 3, channels // groups, channels), _weights(rng, 1, 1, channels, channels)
    scale, shift, mean = (_weights(rng, channels) for _ in range(3))
    activation = str(rng.choice(["relu", "relu6", "swish", "elu", "leaky_relu", "hard"]))
    plain, shortcut, squeeze = (bool(rng.integers(2)) for _ in range(3))

    def run(tf: Any, m: Any, x: Any) -> Any:
        y = tf.nn.conv2d(tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]), w(tf, m), 1, "VALID")
        if plain:  # what batch norm becomes when it is folded by hand
            y = y * scale(tf, m) + shift(tf, m)
        else:
            y = tf.nn.batch_normalization(y, mean(tf, m), tf.abs(shift(tf, m)) + 0.5, shift(tf, m), scale(tf, m), 1e-3)
        y = tf.nn.relu6(y + 3.0) / 6.0 * y if activation == "hard" else getattr(tf.nn, activation)(y)
        if squeeze:
            y = y * tf.sigmoid(tf.nn.conv2d(tf.reduce_mean(y, [1, 2], keepdims=True), point(tf, m), 1, "SAME"))
        return tf.nn.max_pool2d(x + y if shortcut else y, 2, 2, "SAME"), tf.reduce_mean(y, [1, 2])

    return run


@op("moments", "f", loses=True, weight=3)
def _moments(rng: Rng, a: Value) -> Run | None:
    """Layer, instance and batch norm from the batch itself."""
    if a.rank < 2 or 0 in a.shape:
        return None
    axes = {0: [a.rank - 1], 1: list(range(1, a.rank - 1)) or [0], 2: list(range(a.rank - 1))}[int(rng.integers(0, 3))]

    def run(tf: Any, m: Any, x: Any) -> Any:
        mean, variance = tf.nn.moments(x, axes, keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, 0.5, 1.5, 0.125)

    return run


@op("batch_norm_training", "f", loses=True, weight=2)
def _batch_norm_training(rng: Rng, a: Value) -> Run | None:
    if a.rank != 4 or 0 in a.shape:
        return None
    channels, factor = a.shape[3], float(rng.choice([1.0, 0.75]))
    scale, shift = _weights(rng, channels), _weights(rng, channels)

    def run(tf: Any, m: Any, x: Any) -> Any:
        return tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=scale(tf, m),
            offset=shift(tf, m),
            mean=tf.zeros([channels] if factor < 1 else [0]),
            variance=tf.ones([channels] if factor < 1 else [0]),
            epsilon=0.125,
            exponential_avg_factor=factor,
            is_training=True,
        )[:3]

    return run


@op("attention", "f", loses=True, weight=6)
def _attention(rng: Rng, a: Value) -> Run | None:
    if a.rank not in (2, 3) or not 0 < a.shape[-1] <= 16 or 0 in a.shape:
        return None
    width, heads, masked = a.shape[-1], int(rng.integers(1, 4)), bool(rng.integers(2))
    q, k, v = (_weights(rng, width, heads, 2) for _ in range(3))

    def run(tf: Any, m: Any, x: Any) -> Any:
        x = x[None] if a.rank == 2 else x
        queries, keys, values = (tf.einsum("btd,dhk->bthk", x, w(tf, m)) for w in (q, k, v))
        scores = tf.einsum("bthk,bshk->bhts", queries, keys) * 0.5
        if masked:
            t = tf.shape(x)[1]
            allowed = tf.linalg.band_part(tf.ones([t, t]), -1, 0)
            scores += (1.0 - allowed) * -1e4
        return tf.einsum("bhts,bshk->bthk", tf.nn.softmax(scores), values)

    return run


@op("einsum_of_two", "nn", loses=True, weight=4)
def _einsum_of_two(rng: Rng, a: Value, b: Value) -> Run | None:
    """Labels drawn by the sizes of the axes, so that they may meet."""
    if a.dtype != b.dtype or not 1 <= a.rank <= 4 or not 1 <= b.rank <= 4:
        return None
    labels = "abcdefgh"[: a.rank]
    second = ""
    for size in b.shape:
        same = [label for label, other in zip(labels, a.shape, strict=True) if other == size and label not in second]
        second += str(rng.choice(same)) if same and rng.integers(3) else "ijklmnop"[len(second)]
    everything = list(dict.fromkeys(labels + second))
    kept = [label for label in everything if rng.integers(2)]
    rng.shuffle(kept)
    text = f"{labels},{second}->{''.join(kept)}"
    if a.rank + b.rank > 6:
        return None
    return lambda tf, m, x, y: tf.einsum(text, x, y)


@op("einsum_ellipsis", "f", loses=True, weight=2)
def _einsum_ellipsis(rng: Rng, a: Value) -> Run | None:
    if a.rank < 2:
        return None
    text = str(rng.choice(["...ab,...cb->...ac", "...a,...a->...", "...ab->...ba", "a...,a...->..."]))
    return lambda tf, m, x: tf.einsum(text, *([x] * (text.count(",") + 1)))


@op("gather_batched", "*i", weight=4)
def _gather_batched(rng: Rng, a: Value, b: Value) -> Run | None:
    if a.rank < 2 or b.rank < 1 or 0 in a.shape[:2]:
        return None
    axis = int(rng.integers(1, a.rank))

    def run(tf: Any, m: Any, x: Any, i: Any) -> Any:
        flat = tf.abs(tf.reshape(i, [-1]))[:3] % tf.cast(tf.maximum(tf.shape(x)[axis], 1), i.dtype)
        indices = tf.tile(flat[None], [tf.shape(x)[0], 1])
        return tf.gather(x, indices, axis=axis, batch_dims=1)

    return run


@op("gather_nd_batched", "*", weight=2)
def _gather_nd_batched(rng: Rng, a: Value) -> Run | None:
    if a.rank < 2 or 0 in a.shape[:2]:
        return None
    return lambda tf, m, x: tf.gather_nd(x, tf.zeros(tf.stack([tf.shape(x)[0], 2, 1]), tf.int32), batch_dims=1)


@op("scatter_rows", "*", weight=3)
def _scatter_rows(rng: Rng, a: Value) -> Run | None:
    if not a.rank or not a.shape[0]:
        return None
    name = "update" if a.dtype in ("string", "bool") else str(rng.choice(["update", "add", "max"]))

    def run(tf: Any, m: Any, x: Any) -> Any:
        places = tf.range(tf.shape(x)[0])[::-1, None]
        return getattr(tf, "tensor_scatter_nd_" + name)(tf.concat([x, x], 0), places, x)

    return run


@op("segment_join", "n", loses=True, weight=3)
def _sparse_segment(rng: Rng, a: Value) -> Run | None:
    if not a.rank or not a.shape[0] or a.dtype != "float32":
        return None
    name = str(rng.choice(["sum", "mean", "sqrt_n"]))
    count = int(rng.integers(2, 5))

    def run(tf: Any, m: Any, x: Any) -> Any:
        indices = tf.range(4) % tf.shape(x)[0]
        return getattr(tf.sparse, "segment_" + name)(x, indices, [0, 0, 1, 1], num_segments=count)

    return run


@op("embedding", "ii", loses=True, weight=3)
def _embedding(rng: Rng, a: Value, b: Value) -> Run:
    table, mean = _weights(rng, 7, 3), bool(rng.integers(2))

    def run(tf: Any, m: Any, x: Any, y: Any) -> Any:
        rows = tf.nn.embedding_lookup(table(tf, m), tf.abs(x) % 7)
        return tf.reduce_mean(rows, -2) if mean else rows * tf.cast(tf.size(y) % 3, tf.float32)

    return run


@op("matrix_parts", "n", weight=3)
def _matrix_parts(rng: Rng, a: Value) -> Run | None:
    if a.rank < 2 or 0 in a.shape:
        return None
    kind, k = int(rng.integers(0, 5)), int(rng.integers(-1, 2))

    def run(tf: Any, m: Any, x: Any) -> Any:
        if kind == 0:
            return tf.linalg.diag_part(x, k=k, padding_value=tf.constant(9, x.dtype))
        if kind == 1:
            return tf.linalg.set_diag(x, tf.linalg.diag_part(x) * tf.constant(2, x.dtype))
        if kind == 2:
            return tf.linalg.diag_part(x, k=(-1, 1), align="LEFT_RIGHT")
        if kind == 3:
            return tf.linalg.diag(x, k=k)
        return tf.linalg.trace(x), tf.linalg.matrix_transpose(x)

    return run


@op("decompose", "f", loses=True, weight=6)
def _decompose(rng: Rng, a: Value) -> Run | None:
    """What is unique of a decomposition."""
    if a.rank != 2 or not 0 < a.shape[0] <= 8:
        return None
    kind = int(rng.integers(0, 5))

    def run(tf: Any, m: Any, x: Any) -> Any:
        gram = tf.matmul(x, x, transpose_b=True) / 8 + tf.linalg.diag(
            tf.range(1.0, tf.cast(tf.shape(x)[0], tf.float32) + 1)
        )
        if kind == 0:
            return tf.linalg.eigvalsh(gram)
        if kind == 1:
            return tf.linalg.svd(gram, compute_uv=False)
        if kind == 2:
            return tf.linalg.triangular_solve(tf.linalg.band_part(gram, -1, 0), x)
        if kind == 3:
            return tf.linalg.cholesky_solve(tf.linalg.cholesky(gram), x)
        q, r = tf.linalg.qr(gram)
        return tf.matmul(q, r)

    return run


@op("image", "f", loses=True, weight=3)
def _image(rng: Rng, a: Value) -> Run | None:
    if a.rank != 4 or 0 in a.shape or max(a.shape[1:3]) > 32:
        return None
    kind, size = int(rng.integers(0, 5)), rng.integers(1, 5, 2).tolist()

    def run(tf: Any, m: Any, x: Any) -> Any:
        if kind == 0:
            boxes = tf.constant([[0.0, 0.0, 1.0, 1.0], [0.9, 0.1, 0.2, 1.25]])
            return tf.image.crop_and_resize(x, boxes, [0, 0], size)
        if kind == 1:
            return tf.image.extract_patches(x, [1, 2, 2, 1], [1, 2, 1, 1], [1, 1, 1, 1], "SAME")
        if kind == 2:
            return tf.image.adjust_contrast(x, 0.5)
        if kind == 3:
            return tf.image.flip_left_right(tf.image.rot90(x))
        return tf.image.central_crop(x, 0.5), tf.image.resize_with_crop_or_pad(x, 4, 5)

    return run


@op("colours", "f", loses=True)
def _colours(rng: Rng, a: Value) -> Run | None:
    if not a.rank or a.shape[-1] != 3 or 0 in a.shape:
        return None
    return lambda tf, m, x: tf.image.hsv_to_rgb(tf.image.rgb_to_hsv(tf.clip_by_value(tf.abs(x), 0.0, 1.0)))


@op("conv3d", "f", loses=True, weight=2)
def _conv3d(rng: Rng, a: Value) -> Run | None:
    if a.rank != 4 or not 0 < a.shape[3] <= 8:
        return None
    w, padding = _weights(rng, 2, 2, 2, 1, 3), str(rng.choice(["SAME", "VALID"]))

    def run(tf: Any, m: Any, x: Any) -> Any:
        y = tf.nn.conv3d(x[..., None], w(tf, m), [1, 1, 1, 1, 1], padding)
        return tf.nn.avg_pool3d(y, 2, 2, "SAME")

    return run


@op("frames", "f", loses=True, weight=2)
def _frames(rng: Rng, a: Value) -> Run | None:
    if not a.rank or not 0 < a.shape[-1] <= 64:
        return None
    length, step = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    kind = int(rng.integers(0, 3))

    def run(tf: Any, m: Any, x: Any) -> Any:
        if kind == 0:
            return tf.signal.overlap_and_add(tf.signal.frame(x, length, step, pad_end=True), step)
        if kind == 1:
            return tf.abs(tf.signal.stft(x, length, step, pad_end=True))
        return tf.signal.dct(x, type=2)

    return run


@op("topk_mask", "x", weight=2)
def _topk_mask(rng: Rng, a: Value) -> Run | None:
    if a.rank != 2 or not a.shape[1]:
        return None
    k = int(rng.integers(1, a.shape[1] + 1))

    def run(tf: Any, m: Any, x: Any) -> Any:
        values, places = tf.math.top_k(x, k)
        return tf.where(x >= values[:, -1:], x, tf.zeros_like(x)), tf.math.in_top_k(places[:, 0], x, k)

    return run


@op("moved_axes", "*", weight=3)
def _moved_axes(rng: Rng, a: Value) -> Run | None:
    if a.rank < 2:
        return None
    order = rng.permutation(a.rank).tolist()
    axis = any_axis(rng, a.rank)
    return lambda tf, m, x: tf.repeat(tf.transpose(x, order), 2, axis=axis % a.rank)


@op("batches_of_space", "n", weight=2)
def _batches_of_space(rng: Rng, a: Value) -> Run | None:
    if a.rank != 4:
        return None
    padding = "CONSTANT"

    def run(tf: Any, m: Any, x: Any) -> Any:
        even = tf.pad(x, [[0, 0], [0, 1], [0, 1], [0, 0]], padding)[:, : 2 * ((tf.shape(x)[1] + 1) // 2)]
        even = even[:, :, : 2 * ((tf.shape(x)[2] + 1) // 2)]
        parts = tf.space_to_batch(even, [2, 2], [[0, 0], [0, 0]])
        return tf.batch_to_space(parts, [2, 2], [[0, 1], [1, 0]])

    return run
