"""Control flow and variables."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.random_programs import Rng, Run, Value, op

# Control flow.


def _bodies(rng: Rng) -> Run:
    """A function of one tensor that keeps its shape and dtype."""
    kind, by = int(rng.integers(0, 4)), int(rng.integers(-2, 3))

    def body(tf: Any, m: Any, x: Any) -> Any:
        c = tf.constant(by, x.dtype)
        return (x + c, tf.maximum(x, c), -x, x * tf.cast(c, x.dtype) - x)[kind]

    return body


@op("cond", "en", weight=4)
def _cond(rng: Rng, a: Value, b: Value) -> Run:
    one, two = _bodies(rng), _bodies(rng)
    return lambda tf, m, p, x: tf.cond(tf.reduce_sum(tf.sign(p)) > 0, lambda: one(tf, m, x), lambda: two(tf, m, x))


@op("case", "in", weight=3)
def _case(rng: Rng, a: Value, b: Value) -> Run:
    bodies = [_bodies(rng) for _ in range(3)]
    return lambda tf, m, i, x: tf.switch_case(
        tf.cast(tf.reduce_sum(tf.abs(i)) % 4, tf.int32), [lambda body=body: body(tf, m, x) for body in bodies]
    )


@op("while", "in", weight=4)
def _while(rng: Rng, a: Value, b: Value) -> Run:
    body, nested = _bodies(rng), bool(rng.integers(2))

    def run(tf: Any, m: Any, n: Any, x: Any) -> Any:
        limit = tf.cast(
            tf.reduce_max(tf.concat([tf.reshape(tf.abs(n) % 5, [-1]), tf.zeros([1], n.dtype)], 0)), tf.int32
        )

        def inner(y: Any) -> Any:
            return tf.while_loop(lambda j, y: j < 2, lambda j, y: (j + 1, body(tf, m, y)), (0, y))[1]

        def step(i: Any, y: Any) -> Any:
            y = inner(y) if nested else body(tf, m, y)
            return i + 1, tf.cond(i % 2 == 0, lambda: y, lambda: y + tf.constant(1, y.dtype))

        return tf.while_loop(lambda i, y: i < limit, step, (0, x))

    return run


@op("map_fn", "n", weight=3)
def _map_fn(rng: Rng, a: Value) -> Run | None:
    body = _bodies(rng)
    return (lambda tf, m, x: tf.map_fn(lambda row: body(tf, m, row), x)) if a.rank and a.shape[0] else None


@op("scan", "n", weight=2)
def _scan(rng: Rng, a: Value) -> Run | None:
    if not a.rank or not a.shape[0]:
        return None
    name = str(rng.choice(["scan", "foldl", "foldr"]))
    return lambda tf, m, x: getattr(tf, name)(lambda s, row: tf.maximum(-s, row), x)


@op("tensor_array", "n", weight=2)
def _tensor_array(rng: Rng, a: Value) -> Run | None:
    if not a.rank or not a.shape[0]:
        return None

    def run(tf: Any, m: Any, x: Any) -> Any:
        array = tf.TensorArray(x.dtype, size=0, dynamic_size=True, clear_after_read=False, infer_shape=False).unstack(x)
        array = array.write(array.size(), array.read(0) * tf.constant(2, x.dtype))
        return array.stack(), array.gather([0, 0]), array.size()

    return run


@op("call", "n", weight=2)
def _call(rng: Rng, a: Value) -> Run:
    body = _bodies(rng)
    return lambda tf, m, x: tf.function(lambda y: body(tf, m, tf.identity(y)))(x)


# State.


@op("assign", "n", weight=3)
def _assign(rng: Rng, a: Value) -> Run | None:
    """Reads, assigns and reads again: the order is that of the program."""
    key = f"v{rng.integers(1 << 60)}"
    start = rng.integers(-4, 5, (3,)).astype(a.dtype)

    def run(tf: Any, m: Any, x: Any) -> Any:
        v = m.variable(key, start)
        before = v.read_value()
        v.assign_add(tf.ones_like(v) * tf.cast(tf.size(x), v.dtype))
        middle = tf.identity(v)
        v.assign(middle - before * tf.constant(3, v.dtype))
        after = v.read_value()
        v.assign(tf.constant(start))
        return before, middle, after

    return run


@op("scatter_variable", "i", weight=2)
def _scatter_variable(rng: Rng, a: Value) -> Run:
    key, name = f"v{rng.integers(1 << 60)}", str(rng.choice(["scatter_nd_add", "scatter_nd_update"]))
    start = np.arange(4, dtype=np.int32)

    def run(tf: Any, m: Any, x: Any) -> Any:
        v = m.variable(key, start)
        getattr(v, name)([[1], [3]], [5, tf.cast(tf.size(x), tf.int32)])
        after = v.read_value()
        v.assign(start)
        return after, tf.gather(v, [0, 3])

    return run
