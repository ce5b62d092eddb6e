"""TensorLists, tables that change, and functions that read and assign what they capture."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.random_programs import Rng, Run, Value, op


@op("tensor_list", "n", weight=4)
def _tensor_list(rng: Rng, a: Value) -> Run | None:
    if not a.rank or not a.shape[0]:
        return None
    kind = int(rng.integers(0, 6))

    def run(tf: Any, m: Any, x: Any) -> Any:
        raw = tf.raw_ops
        shape = tf.shape(x)[1:]
        items = raw.TensorListFromTensor(tensor=x, element_shape=shape)
        if kind == 0:
            items = raw.TensorListPushBack(input_handle=items, tensor=x[0])
        elif kind == 1:
            items, last = raw.TensorListPopBack(input_handle=items, element_shape=shape, element_dtype=x.dtype)
            items = raw.TensorListPushBack(input_handle=items, tensor=last + last)
        elif kind == 2:
            items = raw.TensorListConcatLists(input_a=items, input_b=items, element_dtype=x.dtype)
        elif kind == 3:
            items = raw.TensorListResize(input_handle=items, size=raw.TensorListLength(input_handle=items) + 2)
        elif kind == 4:
            places = tf.range(tf.shape(x)[0])[::-1]
            items = raw.TensorListScatterV2(tensor=x, indices=places, element_shape=shape, num_elements=-1)
        else:
            picked = raw.TensorListGather(
                input_handle=items, indices=[0, 0], element_shape=shape, element_dtype=x.dtype
            )
            items = raw.TensorListFromTensor(tensor=picked, element_shape=shape)
        stacked = raw.TensorListStack(input_handle=items, element_shape=shape, element_dtype=x.dtype)
        return stacked, raw.TensorListLength(input_handle=items)

    return run


@op("list_in_loop", "ni", weight=3)
def _list_in_loop(rng: Rng, a: Value, b: Value) -> Run:
    """A list that grows in a loop, in a branch of it."""
    every = int(rng.integers(1, 4))

    def run(tf: Any, m: Any, x: Any, n: Any) -> Any:
        raw = tf.raw_ops
        items = raw.EmptyTensorList(element_shape=tf.shape(x), max_num_elements=tf.constant(-1), element_dtype=x.dtype)
        limit = tf.cast(tf.reduce_max(tf.concat([tf.reshape(tf.abs(n) % 5, [-1]), [0]], 0)), tf.int32)

        def body(i: Any, items: Any) -> Any:
            longer = tf.cond(
                i % every == 0,
                lambda: raw.TensorListPushBack(input_handle=items, tensor=x * tf.cast(i, x.dtype)),
                lambda: items,
            )
            return i + 1, longer

        _, items = tf.while_loop(lambda i, _: i < limit, body, (0, items))
        return raw.TensorListStack(input_handle=items, element_shape=tf.shape(x), element_dtype=x.dtype)

    return run


@op("ragged_list", "n", weight=2)
def _ragged_list(rng: Rng, a: Value) -> Run | None:
    """Items of different lengths, joined end to end."""
    if a.rank != 1 or not a.shape[0]:
        return None

    def run(tf: Any, m: Any, x: Any) -> Any:
        array = tf.TensorArray(x.dtype, size=3, infer_shape=False, element_shape=[None])
        array = array.write(0, x).write(1, x[:1]).write(2, tf.concat([x, x], 0))
        return array.concat(), array.read(1)

    return run


@op("mutable_table", "si", weight=3)
def _mutable_table(rng: Rng, a: Value, b: Value) -> Run:
    """Puts in, looks up, removes: the table is empty again afterwards."""
    key, dense = f"m{rng.integers(1 << 60)}", bool(rng.integers(2))

    def run(tf: Any, m: Any, s: Any, i: Any) -> Any:
        def make() -> Any:
            if dense:
                return tf.lookup.experimental.DenseHashTable(tf.string, tf.int64, -1, "<none>", "<gone>")
            return tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)

        table = m.resource(key, make)
        keys, values = tf.reshape(s, [-1]), tf.cast(tf.reshape(i, [-1]), tf.int64)
        count = tf.minimum(tf.size(keys), tf.size(values))
        with tf.control_dependencies([table.insert(keys[:count], values[:count])]):
            found, size = table.lookup(keys), table.size()
        with tf.control_dependencies([found, size]), tf.control_dependencies([table.remove(keys)]):
            return found, size, table.size()

    return run


@op("assign_in_branches", "ne", weight=3)
def _assign_in_branches(rng: Rng, a: Value, b: Value) -> Run:
    """Variables that branches and loops assign, and that are put back in the end."""
    key, start = f"b{rng.integers(1 << 60)}", rng.integers(-4, 5, 3).astype(np.float32)
    nested = bool(rng.integers(2))

    def run(tf: Any, m: Any, x: Any, p: Any) -> Any:
        v = m.variable(key, start)

        def up() -> Any:
            v.assign_add(tf.ones(3))
            return v.read_value()

        def down() -> Any:
            v.assign(v * 2.0)
            return v + 1.0

        first = tf.cond(tf.reduce_sum(tf.sign(p)) > 0, up, down)

        def body(i: Any, total: Any) -> Any:
            if nested:
                step = tf.cond(i % 2 == 0, up, down)
            else:
                v.assign_sub(tf.fill([3], tf.cast(i, tf.float32)))
                step = v.read_value()
            return i + 1, total + step

        _, total = tf.while_loop(lambda i, _: i < 3, body, (0, first))
        last = v.read_value()
        v.assign(start)
        return first, total, last

    return run


@op("loop_over_variable", "i", loses=True, weight=2)
def _loop_over_variable(rng: Rng, a: Value) -> Run:
    """A loop whose test reads a variable that its body assigns."""
    key = f"c{rng.integers(1 << 60)}"

    def run(tf: Any, m: Any, n: Any) -> Any:
        v = m.variable(key, np.float32(0))
        limit = tf.cast(tf.size(n) % 6, tf.float32)

        def body(y: Any) -> Any:
            v.assign_add(1.0)
            return (y * 0.5 + v,)

        (y,) = tf.while_loop(lambda y: v < limit, body, (tf.constant(1.0),))
        last = v.read_value()
        v.assign(0.0)
        return y, last

    return run


@op("nested_functions", "nf", loses=True, weight=3)
def _nested_functions(rng: Rng, a: Value, b: Value) -> Run:
    """Functions within functions, with captured tensors and variables; one is called from several places."""
    key, start, depth = f"n{rng.integers(1 << 60)}", rng.integers(-4, 5, 2).astype(np.float32), int(rng.integers(1, 4))

    def run(tf: Any, m: Any, x: Any, y: Any) -> Any:
        v = m.variable(key, start)
        outer = tf.tanh(tf.reduce_sum(y))

        @tf.function
        def inner(z: Any) -> Any:
            return z * v[0] + outer

        def nest(z: Any, left: int) -> Any:
            if left == 0:
                return inner(z)
            return tf.function(lambda w: nest(w * 0.5, left - 1) + inner(w))(z)

        z = tf.tanh(tf.cast(x, tf.float32))
        return nest(z, depth), tf.map_fn(inner, tf.reshape(z, [-1])[:3])

    return run


@op("case_in_loop", "in", weight=3)
def _case_in_loop(rng: Rng, a: Value, b: Value) -> Run:
    offset, count = int(rng.integers(-1, 3)), int(rng.integers(1, 5))

    def run(tf: Any, m: Any, i: Any, x: Any) -> Any:
        one, two = tf.constant(1, x.dtype), tf.constant(2, x.dtype)

        def body(k: Any, y: Any) -> Any:
            branches = [
                lambda: y + one,
                lambda: tf.maximum(-y, two),
                lambda: tf.while_loop(lambda j, z: j < 2, lambda j, z: (j + 1, z - one), (0, y))[1],
            ]
            return k + 1, tf.switch_case(tf.convert_to_tensor(k) + offset, branches)

        return tf.while_loop(lambda k, y: k < count, body, (0, x), shape_invariants=(tf.TensorShape([]), x.shape))[1]

    return run


@op("growing_loop", "n", weight=2)
def _growing_loop(rng: Rng, a: Value) -> Run | None:
    """A loop variable whose shape changes."""
    if a.rank < 1 or a.shape[0] > 16:
        return None

    def run(tf: Any, m: Any, x: Any) -> Any:
        open_shape = tf.TensorShape([None, *x.shape[1:]])
        return tf.while_loop(
            lambda i, y: i < 3,
            lambda i, y: (i + 1, tf.concat([y, x[:1]], 0)),
            (0, x),
            shape_invariants=(tf.TensorShape([]), open_shape),
        )[1]

    return run


@op("variable_slices", "n", weight=3)
def _variable_slices(rng: Rng, a: Value) -> Run:
    key, kind = f"s{rng.integers(1 << 60)}", int(rng.integers(0, 5))
    start = np.arange(12, dtype=np.float32).reshape(4, 3)

    def run(tf: Any, m: Any, x: Any) -> Any:
        v = m.variable(key, start)
        size = tf.cast(tf.size(x), tf.float32)
        rows = tf.IndexedSlices(tf.fill([2, 3], size), tf.constant([2, 0]))
        if kind == 0:
            v.scatter_add(rows)
        elif kind == 1:
            v.scatter_update(rows)
        elif kind == 2:
            v[1:3, ::2].assign(tf.fill([2, 2], size))
        elif kind == 3:
            v.scatter_max(rows)
        else:
            v.scatter_nd_sub([[1, 2], [3, 0]], [size, 1.0])
        after = v.read_value()
        v.assign(start)
        return after, v.sparse_read([3, 1])

    return run
