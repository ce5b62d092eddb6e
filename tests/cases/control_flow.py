"""Functional control flow, function calls, and TF1 frames."""

from __future__ import annotations

import contextlib

import numpy as np

from tests.cases import case, graph_case, graph_cases


@contextlib.contextmanager
def frames(tf):
    """Build TF1 control flow (Switch, Merge, Enter, …) inside."""
    from tensorflow.python.ops import control_flow_util

    before = control_flow_util.ENABLE_CONTROL_FLOW_V2
    control_flow_util.ENABLE_CONTROL_FLOW_V2 = False
    try:
        yield
    finally:
        control_flow_util.ENABLE_CONTROL_FLOW_V2 = before


F = np.float32


@graph_case("while_v2", x=F(1))
def while_v2(tf, x):
    return tf.while_loop(lambda v: v < 1000, lambda v: v * 2, [x])


@graph_case("while_v2_nested", n=np.int32(4))
def while_v2_nested(tf, n):
    def outer(i, total):
        _, inner = tf.while_loop(lambda j, t: j < i, lambda j, t: (j + 1, t + i * j), [0, total])
        return i + 1, inner

    return tf.while_loop(lambda i, t: i < n, outer, [0, 0])


@graph_case("while_no_iterations", x=F(5))
def while_no_iterations(tf, x):
    return tf.while_loop(lambda v: v < 0, lambda v: v * 2, [x])


@graph_case("while_captures", x=np.arange(6, dtype=F).reshape(2, 3), w=np.ones((3, 3), F))
def while_captures(tf, x, w):
    return tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, tf.matmul(v, w)), [0, x])


@graph_case("cond_v2_true", _op="If", p=np.bool_(True), x=F(3))
@graph_case("cond_v2_false", p=np.bool_(False), x=F(3))
def cond_v2(tf, p, x):
    return tf.cond(p, lambda: x + 1, lambda: x * 10)


@graph_case("cond_on_number", x=F(0))
def cond_on_number(tf, x):
    then = tf.function(lambda v: v + 1.0).get_concrete_function(tf.TensorSpec([], tf.float32))
    other = tf.function(lambda v: v - 1.0).get_concrete_function(tf.TensorSpec([], tf.float32))
    return tf.raw_ops.If(cond=x, input=[x], Tout=[tf.float32], then_branch=then, else_branch=other)


@graph_case("cond_on_string", s=np.array(b"", object), x=F(0))
def cond_on_string(tf, s, x):
    then = tf.function(lambda v: v + 1.0).get_concrete_function(tf.TensorSpec([], tf.float32))
    other = tf.function(lambda v: v - 1.0).get_concrete_function(tf.TensorSpec([], tf.float32))
    return tf.raw_ops.If(cond=s, input=[x], Tout=[tf.float32], then_branch=then, else_branch=other)


for _index in (-1, 0, 1, 2, 7):

    @graph_case(f"case_{_index}", i=np.int32(_index), x=F(3))
    def switch_case(tf, i, x):
        return tf.switch_case(i, [lambda: x, lambda: x * 10, lambda: x * 100])


@graph_case("stateless_while", x=np.int64(0))
def stateless_while(tf, x):
    cond = tf.function(lambda v: v < 9).get_concrete_function(tf.TensorSpec([], tf.int64))
    body = tf.function(lambda v: v + 2).get_concrete_function(tf.TensorSpec([], tf.int64))
    return tf.raw_ops.StatelessWhile(input=[x], cond=cond, body=body)


@graph_case("stateless_case", i=np.int32(1), x=F(2))
def stateless_case(tf, i, x):
    branches = [
        tf.function(lambda v, k=k: v * float(k)).get_concrete_function(tf.TensorSpec([], tf.float32)) for k in (3, 5)
    ]
    return tf.raw_ops.StatelessCase(branch_index=i, input=[x], Tout=[tf.float32], branches=branches)


@graph_case("case", i=np.int32(0), x=F(2))
def case_with_state(tf, i, x):
    branches = [
        tf.function(lambda v, k=k: v * float(k)).get_concrete_function(tf.TensorSpec([], tf.float32)) for k in (3, 5)
    ]
    return tf.raw_ops.Case(branch_index=i, input=[x], Tout=[tf.float32], branches=branches)


@graph_case("remote_call", x=F(2))
def remote_call(tf, x):
    f = tf.function(lambda v: v * 3.0).get_concrete_function(tf.TensorSpec([], tf.float32))
    return tf.raw_ops.RemoteCall(
        target="/job:localhost/replica:0/task:0/device:CPU:0", args=[x], Tout=[tf.float32], f=f
    )


for _range in ((0, 5, 1), (5, 0, -2), (0, 0, 1), (0, 5, -1)):

    @graph_case(
        f"for_{_range[0]}_{_range[1]}_{_range[2]}", s=np.int32(_range[0]), l=np.int32(_range[1]), d=np.int32(_range[2])
    )
    def for_loop(tf, s, l, d):  # noqa: E741
        body = tf.function(lambda i, v: v * 2 + i).get_concrete_function(
            tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int32)
        )
        return tf.raw_ops.For(start=s, limit=l, delta=d, input=[tf.constant(1)], body=body)


@graph_case("map_fn", x=np.arange(12, dtype=F).reshape(3, 4))
def map_fn(tf, x):
    return tf.map_fn(lambda row: tf.reduce_sum(row) * row, x)


@graph_case("map_defun", x=np.arange(6, dtype=F).reshape(3, 2), y=F(10))
def map_defun(tf, x, y):
    f = tf.function(lambda row, c: row * c).get_concrete_function(
        tf.TensorSpec([2], tf.float32), tf.TensorSpec([], tf.float32)
    )
    return tf.raw_ops.MapDefun(arguments=[x], captured_inputs=[y], output_types=[tf.float32], output_shapes=[[2]], f=f)


def _batch_function(rows, sizes, split):
    @graph_case(f"batch_function_{rows}_{len(sizes)}", x=np.arange(rows * 2, dtype=F).reshape(-1, 2))
    def batch_function(tf, x):
        """The sum of the batch tells how it was padded."""
        f = tf.function(lambda part, c: (part * c, tf.reduce_sum(part) + part[:, 0])).get_concrete_function(
            tf.TensorSpec([None, 2], tf.float32), tf.TensorSpec([], tf.float32)
        )
        return tf.raw_ops.BatchFunction(
            in_tensors=[x],
            captured_tensors=[tf.constant(2.0)],
            f=f,
            num_batch_threads=1,
            max_batch_size=8,
            batch_timeout_micros=0,
            Tout=[tf.float32, tf.float32],
            allowed_batch_sizes=sizes,
            enable_large_batch_splitting=split,
        )


for _row in ((3, [], False), (3, [2, 4, 8], False), (9, [], False), (7, [2, 4], True), (9, [2, 4], True)):
    _batch_function(*_row)


@graph_case("call_nested", x=F(2))
def call_nested(tf, x):
    @tf.function
    def inner(v):
        return v * 3, v + 1

    @tf.function
    def outer(v):
        a, b = inner(v)
        c, d = inner(a)
        return a + b + c + d, d

    return outer(x)


@graph_case("identity_n", x=F(1), y=np.array([b"a", b"b"], object))
def identity_n(tf, x, y):
    return tf.raw_ops.IdentityN(input=[x, y])


@graph_case("side_effects_in_order", x=F(3))
def side_effects_in_order(tf, x):
    v = tf.Variable(1.0, dtype=tf.float32)

    @tf.function
    def step(u):
        v.assign_add(u)
        a = v.read_value()
        v.assign(v * 2)
        return a, v.read_value()

    return list(step(x)), [v.initializer]


@graph_case("variable_in_while", _runs=2, x=F(3))
def variable_in_while(tf, x):
    v = tf.Variable(1.0, dtype=tf.float32)

    @tf.function
    def step(u):
        for _ in tf.range(4):
            v.assign_add(u)
        return v.read_value()

    return [step(x)], [v.initializer]


# TF1 frames


@graph_case("frames_while", x=F(1))
def frames_while(tf, x):
    with frames(tf):
        return tf.while_loop(lambda v: v < 1000, lambda v: v * 2, [x])


@graph_case("frames_no_iterations", x=F(1))
def frames_no_iterations(tf, x):
    with frames(tf):
        return tf.while_loop(lambda v: v < 0, lambda v: v * 2, [x])


@graph_case("frames_nested", n=np.int32(4))
def frames_nested(tf, n):
    with frames(tf):

        def outer(i, total):
            _, inner = tf.while_loop(lambda j, t: j < i, lambda j, t: (j + 1, t + i * j), [0, total])
            return i + 1, inner

        return tf.while_loop(lambda i, t: i < n, outer, [0, 0])


@graph_case("frames_invariant", x=np.arange(6, dtype=F).reshape(2, 3), w=np.ones((3, 3), F))
def frames_invariant(tf, x, w):
    with frames(tf):
        return tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, tf.matmul(v, w)), [0, x], parallel_iterations=2)


for _flag in (True, False):

    @graph_case(f"frames_cond_{_flag}", p=np.bool_(_flag), x=F(3))
    def frames_cond(tf, p, x):
        with frames(tf):
            return tf.cond(p, lambda: x + 1, lambda: x * 10)

    @graph_case(f"frames_while_in_cond_{_flag}", p=np.bool_(_flag), x=F(3))
    def frames_while_in_cond(tf, p, x):
        with frames(tf):
            loop = lambda: tf.while_loop(lambda v: v < 100, lambda v: v * 2, [x])[0]  # noqa: E731
            return tf.cond(p, loop, lambda: x * 10)

    @graph_case(f"frames_nested_while_in_cond_{_flag}", p=np.bool_(_flag), n=np.int32(4))
    def frames_nested_while_in_cond(tf, p, n):
        with frames(tf):

            def outer(i, total):
                _, inner = tf.while_loop(lambda j, t: j < i, lambda j, t: (j + 1, t + i), [0, total])
                return i + 1, inner

            return tf.cond(p, lambda: tf.while_loop(lambda i, t: i < n, outer, [0, 0])[1], lambda: n)


@graph_case("frames_cond_in_while", n=np.int32(7))
def frames_cond_in_while(tf, n):
    with frames(tf):
        return tf.while_loop(
            lambda i, t: i < n,
            lambda i, t: (i + 1, tf.cond(tf.equal(i % 2, 0), lambda: t + i, lambda: t * 2)),
            [0, 1],
        )


@graph_case("frames_while_in_untaken_branch_of_while", n=np.int32(5))
def frames_while_in_branch(tf, n):
    with frames(tf):

        def body(i, t):
            loop = lambda: tf.while_loop(lambda j, u: j < 3, lambda j, u: (j + 1, u + j), [0, t])[1]  # noqa: E731
            return i + 1, tf.cond(i > 2, loop, lambda: t - 1)

        return tf.while_loop(lambda i, t: i < n, body, [0, 0])


@graph_case("frames_switch_merge", p=np.bool_(False), x=F(3))
def frames_switch_merge(tf, p, x):
    no, yes = tf.raw_ops.Switch(data=x, pred=p)
    merged = tf.raw_ops.Merge(inputs=[yes * 2, no * 3])
    return [merged.output, merged.value_index]


@graph_case("frames_control_dependency", p=np.bool_(True), x=F(3))
def frames_control_dependency(tf, p, x):
    with frames(tf):
        v = tf.compat.v1.get_variable("v", initializer=1.0, use_resource=True)

        def assign():
            with tf.control_dependencies([v.assign(x)]):
                return tf.identity(x)

        out = tf.cond(p, assign, lambda: x * 0)
        with tf.control_dependencies([out]):
            return [out, v.read_value()], [v.initializer]


@graph_case("frames_conditional_assign_untaken", p=np.bool_(False), x=F(3))
def frames_conditional_assign_untaken(tf, p, x):
    with frames(tf):
        v = tf.compat.v1.get_variable("v", initializer=1.0, use_resource=True)

        def assign():
            with tf.control_dependencies([v.assign(x)]):
                return tf.identity(x)

        out = tf.cond(p, assign, lambda: x * 0)
        with tf.control_dependencies([out]):
            return [out, v.read_value()], [v.initializer]


@graph_case("frames_reference_variable", _runs=2, x=F(3))
def frames_reference_variable(tf, x):
    with frames(tf):
        v = tf.compat.v1.get_variable("v", initializer=1.0, use_resource=False)

        def body(i):
            with tf.control_dependencies([tf.compat.v1.assign_add(v, x)]):
                return i + 1

        last = tf.while_loop(lambda i: i < 3, body, [tf.constant(0)])
        last = last[0] if isinstance(last, list) else last
        with tf.control_dependencies([last]):
            return [tf.identity(v._ref()), last], [v.initializer]  # v itself would be read before the loop


@graph_case(
    "frames_dynamic_rnn", x=np.linspace(-1, 1, 24, dtype=F).reshape(2, 4, 3), n=np.array([2, 4], np.int32), _rtol=1e-5
)
def frames_dynamic_rnn(tf, x, n):
    with frames(tf):
        x.set_shape([2, 4, 3])
        steps = tf.transpose(x, [1, 0, 2])
        array = tf.TensorArray(tf.float32, size=4)
        reader = tf.TensorArray(tf.float32, size=4).unstack(steps)
        w = tf.constant(np.linspace(-0.5, 0.5, 15).reshape(5, 3).T.astype(F))

        def body(t, state, out):
            new = tf.tanh(tf.matmul(reader.read(t), w) + state)
            new = tf.where((t < n)[:, None], new, state)
            new.set_shape([2, 5])
            return t + 1, new, out.write(t, new)

        _, last, out = tf.while_loop(lambda t, s, o: t < 4, body, [0, tf.zeros([2, 5]), array])
        return [last, out.stack()]


CASES = [
    case("ShardedFilename", basename=b"a/b", shard=np.int32(3), num_shards=np.int32(12)),
    case("ShardedFilespec", basename=b"a/b", num_shards=np.int32(12)),
    *graph_cases(),
]
