"""Shapes, slices, gathers and scatters."""

from __future__ import annotations

from typing import Any

from tests.parity.random_programs import Rng, Run, Value, any_axis, op

# Shapes.


@op("reshape", "*", weight=6)
def _reshape(rng: Rng, a: Value) -> Run:
    kind = int(rng.integers(0, 4))

    def run(tf: Any, m: Any, x: Any) -> Any:
        if kind == 0:
            return tf.reshape(x, [-1])
        if kind == 1:
            return tf.reshape(x, tf.concat([tf.shape(x)[:1], [-1]], 0))
        if kind == 2:
            return tf.reshape(x, tf.reverse(tf.shape(x), [0]))
        return tf.reshape(x, [1, tf.size(x), 1])

    return run


@op("transpose", "*", weight=6)
def _transpose(rng: Rng, a: Value) -> Run:
    order = rng.permutation(a.rank).tolist()
    return lambda tf, m, x: tf.transpose(x, order)


@op("expand_dims", "*", weight=3)
def _expand(rng: Rng, a: Value) -> Run:
    axis = int(rng.integers(-a.rank - 1, a.rank + 1))
    return lambda tf, m, x: tf.expand_dims(x, axis)


@op("squeeze", "*", weight=3)
def _squeeze(rng: Rng, a: Value) -> Run | None:
    ones = [i for i, dim in enumerate(a.shape) if dim == 1]
    if not ones:
        return None
    axis = int(rng.choice(ones))
    return lambda tf, m, x: tf.squeeze(x, [axis])


@op("strided_slice", "*", weight=8)
def _strided_slice(rng: Rng, a: Value) -> Run | None:
    parts: list[Any] = []
    for dim in a.shape[: int(rng.integers(0, a.rank + 1))]:
        kind = int(rng.integers(0, 6))
        if kind == 0 and dim:
            parts.append(int(rng.integers(-dim, dim)))
        elif kind == 1:
            parts.append(slice(None, None, -1))
        elif kind == 2:
            parts.append(slice(int(rng.integers(-2, 3)), None, int(rng.integers(1, 3))))
        elif kind == 3:
            parts.append(slice(None, int(rng.integers(-1, dim + 2))))
        else:
            parts.append(slice(None))
    if rng.integers(4) == 0:
        parts.append(Ellipsis)
    if rng.integers(4) == 0:
        parts.insert(int(rng.integers(0, len(parts) + 1)), None)
    return (lambda tf, m, x: x[tuple(parts)]) if parts else None


@op("slice", "*", weight=3)
def _slice(rng: Rng, a: Value) -> Run:
    begin = [int(rng.integers(0, dim + 1)) for dim in a.shape]
    return lambda tf, m, x: tf.slice(x, begin, [-1] * len(begin))


@op("concat", "**", weight=6)
def _concat(rng: Rng, a: Value, b: Value) -> Run | None:
    if a.dtype != b.dtype or a.rank != b.rank or not a.rank:
        return None
    axis, twice = any_axis(rng, a.rank), bool(rng.integers(2))
    return lambda tf, m, x, y: tf.concat([x, y, x] if twice else [x, y], axis)


@op("stack", "*", weight=3)
def _stack(rng: Rng, a: Value) -> Run:
    axis, count = int(rng.integers(-a.rank - 1, a.rank + 1)), int(rng.integers(1, 4))
    return lambda tf, m, x: tf.stack([x] * count, axis)


@op("split", "*", weight=4)
def _split(rng: Rng, a: Value) -> Run | None:
    if not a.rank:
        return None
    axis = int(rng.integers(0, a.rank))
    if axis == a.rank - 1 and rng.integers(2):
        first = int(rng.integers(0, a.shape[axis] + 1))
        return lambda tf, m, x: tf.split(x, [first, -1], axis)
    return lambda tf, m, x: tf.concat(tf.split(tf.concat([x, x], axis), 2, axis)[::-1], axis)


@op("unstack", "*")
def _unstack(rng: Rng, a: Value) -> Run | None:
    return (lambda tf, m, x: tf.unstack(tf.stack([x, x], 0), axis=0)) if a.rank else None


@op("tile", "*", weight=3)
def _tile(rng: Rng, a: Value) -> Run:
    counts = rng.integers(1, 3, a.rank).tolist()
    return lambda tf, m, x: tf.tile(x, counts)


@op("pad", "n", weight=3)
def _pad(rng: Rng, a: Value) -> Run:
    widths, mode = rng.integers(0, 2, (a.rank, 2)).tolist(), str(rng.choice(["CONSTANT", "REFLECT", "SYMMETRIC"]))
    value = int(rng.integers(-1, 2))
    return lambda tf, m, x: tf.pad(x, widths, mode, constant_values=value)


@op("reverse", "*", weight=2)
def _reverse(rng: Rng, a: Value) -> Run | None:
    axis = any_axis(rng, a.rank) if a.rank else 0
    return (lambda tf, m, x: tf.reverse(x, [axis])) if a.rank else None


@op("roll", "*")
def _roll(rng: Rng, a: Value) -> Run | None:
    axis, by = (any_axis(rng, a.rank) if a.rank else 0), int(rng.integers(-3, 4))
    return (lambda tf, m, x: tf.roll(x, by, axis)) if a.rank else None


@op("gather", "*i", weight=6)
def _gather(rng: Rng, a: Value, b: Value) -> Run | None:
    if not a.rank or b.rank > 2:
        return None
    axis = int(rng.integers(0, a.rank))
    return lambda tf, m, x, i: tf.gather(x, tf.abs(i) % tf.cast(tf.maximum(tf.shape(x)[axis], 1), i.dtype), axis=axis)


@op("gather_nd", "*i", weight=3)
def _gather_nd(rng: Rng, a: Value, b: Value) -> Run | None:
    if not a.rank:
        return None
    return lambda tf, m, x, i: tf.gather_nd(x, tf.reshape(tf.abs(i), [-1, 1]) % tf.cast(tf.shape(x)[0], i.dtype))


@op("scatter_nd", "ni", weight=2)
def _scatter_nd(rng: Rng, a: Value, b: Value) -> Run | None:
    if a.rank < 1 or a.dtype == "float32":
        return None
    size = int(rng.integers(1, 6))
    return lambda tf, m, x, i: tf.scatter_nd(
        tf.cast(tf.range(tf.shape(x)[0]) % size, i.dtype)[:, None],
        x,
        tf.cast(tf.concat([[size], tf.shape(x)[1:]], 0), i.dtype),
    )


@op("tensor_scatter", "n", weight=2)
def _tensor_scatter(rng: Rng, a: Value) -> Run | None:
    if not a.rank or not a.shape[0]:
        return None
    name = str(rng.choice(["update", "add", "max", "min", "sub"]))
    return lambda tf, m, x: getattr(tf, "tensor_scatter_nd_" + name)(x, [[0]], tf.reverse(x, [0])[:1])


@op("one_hot", "i", weight=3)
def _one_hot(rng: Rng, a: Value) -> Run:
    depth, axis = int(rng.integers(0, 6)), int(rng.integers(-1, a.rank + 1))
    return lambda tf, m, x: tf.one_hot(x, depth, axis=axis)


@op("shape_of", "*", weight=3)
def _shape_of(rng: Rng, a: Value) -> Run:
    name = str(rng.choice(["shape", "size", "rank"]))
    return lambda tf, m, x: getattr(tf, name)(x)


@op("fill", "i")
def _fill(rng: Rng, a: Value) -> Run:
    value = float(rng.integers(-8, 8)) / 4
    return lambda tf, m, x: tf.fill(tf.abs(tf.reshape(x, [-1])[:2]) % 4, value)


@op("range", "i")
def _range(rng: Rng, a: Value) -> Run:
    step = int(rng.choice([1, 2, 3]))
    return lambda tf, m, x: tf.range(
        tf.constant(-2, x.dtype), tf.reduce_max(tf.abs(x) % 10), tf.constant(step, x.dtype)
    )


@op("broadcast_to", "*")
def _broadcast(rng: Rng, a: Value) -> Run:
    return lambda tf, m, x: tf.broadcast_to(x, tf.concat([[2], tf.shape(x)], 0))


@op("sequence_mask", "i")
def _sequence_mask(rng: Rng, a: Value) -> Run:
    return lambda tf, m, x: tf.sequence_mask(tf.abs(x) % 5, 6)


@op("band_part", "n")
def _band_part(rng: Rng, a: Value) -> Run | None:
    low, up = (int(v) for v in rng.integers(-1, 3, 2))
    return (lambda tf, m, x: tf.linalg.band_part(x, low, up)) if a.rank >= 2 else None


@op("diag", "n")
def _diag(rng: Rng, a: Value) -> Run | None:
    return (lambda tf, m, x: tf.linalg.diag(x)) if a.rank >= 1 else None


@op("space_depth", "n")
def _space_depth(rng: Rng, a: Value) -> Run | None:
    return (
        (lambda tf, m, x: tf.nn.space_to_depth(tf.concat([x, x], 1)[:, :, : 2 * (tf.shape(x)[2] // 2)], 2))
        if a.rank == 4
        else None
    )


@op("partition", "n")
def _partition(rng: Rng, a: Value) -> Run | None:
    return (lambda tf, m, x: tf.dynamic_partition(x, tf.range(tf.shape(x)[0]) % 2, 2)) if a.rank else None


@op("stitch", "n")
def _stitch(rng: Rng, a: Value) -> Run | None:
    if not a.rank:
        return None

    def run(tf: Any, m: Any, x: Any) -> Any:
        rows = tf.range(tf.shape(x)[0])
        parts = tf.dynamic_partition(x, rows % 2, 2)
        return tf.dynamic_stitch(tf.dynamic_partition(rows, rows % 2, 2), parts)

    return run
