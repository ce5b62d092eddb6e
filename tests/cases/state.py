"""Variables of both kinds, counters, Assert and Print."""

from __future__ import annotations

import numpy as np

from tests.cases import case, graph_case, graph_cases
from tests.values import NUMBERS, PLAIN, ramp

CASES = [
    case("Assert", condition=np.bool_(True), data=[ramp((2,))]),
    case(
        "Assert", condition=np.bool_(False), data=[ramp((2, 3)), np.array(['a"\n\x7f\u00e9'.encode(), b"\0"], object)]
    ),
    case(
        "Assert", condition=np.bool_(False), data=[ramp((2, 3), d) for d in ("float64", "bool", "int8")], summarize=-1
    ),
    case("Assert", condition=np.array([True]), data=[ramp((2,))]),
    case("Print", input=ramp((2,)), data=[ramp((2, 3), "string"), np.float32(0.1)], message="shown: ", first_n=1),
    case("PrintV2", input=ramp((), "string")),
    case("PrintV2", input=ramp((1,), "string")),
    case("PrintV2", input=ramp((), "string"), output_stream="log(info)", end=""),
]


def handle_of(tf, dtype, shape=None, name="v"):
    return tf.raw_ops.VarHandleOp(dtype=dtype, shape=shape, shared_name=name)


def read(tf, handle, dtype):
    return tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype)


def assigned(tf, x):
    """A resource variable that holds x, and the op that assigns it."""
    handle = handle_of(tf, x.dtype)
    return handle, tf.raw_ops.AssignVariableOp(resource=handle, value=x)


RESOURCE_OPS = "VarHandleOp AssignVariableOp ReadVariableOp VariableShape VarIsInitializedOp"
for _d in PLAIN:

    @graph_case(f"resource_{_d}", _op=RESOURCE_OPS, x=ramp((2, 3), _d))
    def resource(tf, x):
        handle, assign = assigned(tf, x)
        before = tf.raw_ops.VarIsInitializedOp(resource=handle)
        with tf.control_dependencies([before]):
            again = tf.raw_ops.AssignVariableOp(resource=handle, value=x)
        with tf.control_dependencies([again, assign]):
            shapes = [tf.raw_ops.VariableShape(input=handle, out_type=t) for t in (tf.int32, tf.int64)]
            return [read(tf, handle, x.dtype), tf.raw_ops.VarIsInitializedOp(resource=handle), *shapes]


for _d in NUMBERS:

    @graph_case(f"assign_add_sub_{_d}", _op="AssignAddVariableOp AssignSubVariableOp", x=ramp((3,), _d, 2))
    def assign_add_sub(tf, x):
        handle, assign = assigned(tf, x)
        with tf.control_dependencies([assign]):
            added = tf.raw_ops.AssignAddVariableOp(resource=handle, value=x)
        with tf.control_dependencies([added]):
            first = read(tf, handle, x.dtype)
        with tf.control_dependencies([first]):
            subtracted = tf.raw_ops.AssignSubVariableOp(resource=handle, value=first * x)
        with tf.control_dependencies([subtracted]):
            return [first, read(tf, handle, x.dtype)]


@graph_case("counts_over_runs", _op="AssignAddVariableOp", _runs=3, x=np.float32(2))
def counts_over_runs(tf, x):
    handle = handle_of(tf, tf.float32, [])
    init = tf.raw_ops.AssignVariableOp(resource=handle, value=10.0)
    with tf.control_dependencies([tf.raw_ops.AssignAddVariableOp(resource=handle, value=x)]):
        return [read(tf, handle, tf.float32)], [init]


@graph_case("shared_by_name", _op="VarHandleOp", x=np.float32(2))
def shared_by_name(tf, x):
    handle = handle_of(tf, tf.float32, [])
    with tf.control_dependencies([tf.raw_ops.AssignVariableOp(resource=handle, value=x)]):
        return [read(tf, handle_of(tf, tf.float32, []), tf.float32)]


@graph_case("read_uninitialized", _op="ReadVariableOp")
def read_uninitialized(tf):
    return [read(tf, handle_of(tf, tf.float32, [2]), tf.float32)]


@graph_case("add_uninitialized", _op="AssignAddVariableOp", x=np.float32(1))
def add_uninitialized(tf, x):
    return tf.raw_ops.AssignAddVariableOp(resource=handle_of(tf, tf.float32, []), value=x)


@graph_case("shape_uninitialized", _op="VariableShape")
def shape_uninitialized(tf):
    return tf.raw_ops.VariableShape(input=handle_of(tf, tf.float32, []))


@graph_case("is_initialized_not", _op="VarIsInitializedOp")
def is_initialized_not(tf):
    return tf.raw_ops.VarIsInitializedOp(resource=handle_of(tf, tf.float32, []))


@graph_case("add_of_other_shape", _op="AssignAddVariableOp", x=ramp((2,)), y=ramp((3,)))
def add_of_other_shape(tf, x, y):
    handle, assign = assigned(tf, x)
    with tf.control_dependencies([assign]):
        return tf.raw_ops.AssignAddVariableOp(resource=handle, value=y)


for _validate in (True, False):

    @graph_case("assign_of_other_shape", _op="AssignVariableOp", x=ramp((2,)))
    def assign_of_other_shape(tf, x, validate=_validate):
        handle = handle_of(tf, tf.float32)
        with tf.control_dependencies([tf.raw_ops.AssignVariableOp(resource=handle, value=[1.0, 2.0, 3.0])]):
            assign = tf.raw_ops.AssignVariableOp(resource=handle, value=x, validate_shape=validate)
        with tf.control_dependencies([assign]):
            return [read(tf, handle, tf.float32)]


@graph_case("destroy", _op="DestroyResourceOp", x=ramp((2,)))
def destroy(tf, x):
    handle, assign = assigned(tf, x)
    with tf.control_dependencies([assign]):
        gone = tf.raw_ops.DestroyResourceOp(resource=handle)
    with tf.control_dependencies([gone]):
        return tf.raw_ops.VarIsInitializedOp(resource=handle)


for _ignore in (True, False):

    @graph_case("destroy_nothing", _op="DestroyResourceOp")
    def destroy_nothing(tf, ignore=_ignore):
        return tf.raw_ops.DestroyResourceOp(resource=handle_of(tf, tf.float32, []), ignore_lookup_error=ignore)


@graph_case("disable_copy_on_read", _op="DisableCopyOnRead", x=ramp((2,)))
def disable_copy_on_read(tf, x):
    handle, assign = assigned(tf, x)
    with tf.control_dependencies([assign]):
        done = tf.raw_ops.DisableCopyOnRead(resource=handle)
    with tf.control_dependencies([done]):
        return [read(tf, handle, x.dtype)]


@graph_case("anonymous", _op="VarHandleOp", _runs=2, x=ramp((2,)))
def anonymous(tf, x):
    name = "cd2c89b7-88b7-44c8-ad83-06c2a9158347"
    one, other = handle_of(tf, tf.float32, [2], name), handle_of(tf, tf.float32, [2], name)
    was = tf.raw_ops.VarIsInitializedOp(resource=one)
    with tf.control_dependencies([was]):
        assign = tf.raw_ops.AssignVariableOp(resource=one, value=x)
    with tf.control_dependencies([assign]):
        return [was, read(tf, one, tf.float32), tf.raw_ops.VarIsInitializedOp(resource=other)]


for _d in ("float16", "bfloat16", "float32", "float64", "complex64", "complex128"):

    @graph_case(f"gradient_descent_{_d}", _op="ResourceApplyGradientDescent ApplyGradientDescent", x=ramp((3,), _d, 1))
    def gradient_descent(tf, x):
        handle, assign = assigned(tf, x)
        alpha = tf.cast(0.5, x.dtype)
        with tf.control_dependencies([assign]):
            done = tf.raw_ops.ResourceApplyGradientDescent(var=handle, alpha=alpha, delta=x * x)
        ref = tf.raw_ops.Assign(ref=tf.raw_ops.VariableV2(shape=[3], dtype=x.dtype), value=x)
        old = tf.raw_ops.ApplyGradientDescent(var=ref, alpha=alpha, delta=x * x)
        with tf.control_dependencies([done]):
            return [read(tf, handle, x.dtype), old]


@graph_case("gradient_descent_of_other_shape", _op="ResourceApplyGradientDescent", x=ramp((3,)), y=ramp((2,)))
def gradient_descent_of_other_shape(tf, x, y):
    handle, assign = assigned(tf, x)
    with tf.control_dependencies([assign]):
        return tf.raw_ops.ResourceApplyGradientDescent(var=handle, alpha=1.0, delta=y)


@graph_case("resource_count_up_to", _op="ResourceCountUpTo", _runs=2)
def resource_count_up_to(tf):
    handle = handle_of(tf, tf.int64, [])
    init = tf.raw_ops.AssignVariableOp(resource=handle, value=tf.constant(3, tf.int64))
    return [tf.raw_ops.ResourceCountUpTo(resource=handle, limit=5, T=tf.int64)], [init]


@graph_case("resource_count_beyond", _op="ResourceCountUpTo", x=np.int32(5))
def resource_count_beyond(tf, x):
    handle, assign = assigned(tf, x)
    with tf.control_dependencies([assign]):
        return [tf.raw_ops.ResourceCountUpTo(resource=handle, limit=5, T=tf.int32)]


# Reference variables

for _d in PLAIN:

    @graph_case(f"ref_{_d}", _op="VariableV2 Assign IsVariableInitialized", x=ramp((2, 3), _d))
    def ref_variable(tf, x):
        ref = tf.raw_ops.VariableV2(shape=[2, 3], dtype=x.dtype)
        before = tf.raw_ops.IsVariableInitialized(ref=ref)
        with tf.control_dependencies([before]):
            new = tf.raw_ops.Assign(ref=ref, value=x)
        with tf.control_dependencies([new]):
            return [before, tf.identity(new), tf.identity(ref), tf.raw_ops.IsVariableInitialized(ref=ref)]


for _d in NUMBERS:

    @graph_case(f"ref_add_sub_{_d}", _op="AssignAdd AssignSub", x=ramp((3,), _d, 2))
    def ref_add_sub(tf, x):
        ref = tf.raw_ops.Assign(ref=tf.raw_ops.VariableV2(shape=[3], dtype=x.dtype), value=x)
        added = tf.raw_ops.AssignAdd(ref=ref, value=x)
        first = added * x
        with tf.control_dependencies([first]):
            return [first, tf.identity(tf.raw_ops.AssignSub(ref=ref, value=x * x))]


@graph_case("ref_identity", _op="RefIdentity", x=ramp((2,)))
def ref_identity(tf, x):
    ref = tf.raw_ops.Assign(ref=tf.raw_ops.VariableV2(shape=[2], dtype=tf.float32), value=x)
    same = tf.raw_ops.RefIdentity(input=ref)
    return [tf.raw_ops.AssignAdd(ref=same, value=x) + 0.0]


for _index in (np.int32(0), np.int32(2), np.int32(3), np.int32(-1), np.int32([1])):

    @graph_case(f"ref_select_{_index}", _op="RefSelect", index=_index)
    def ref_select(tf, index):
        raw = tf.raw_ops
        refs = [raw.VariableV2(shape=[2], dtype=tf.float32) for _ in range(3)]
        made = [raw.Assign(ref=ref, value=np.float32([number, 1])) for number, ref in enumerate(refs)]
        changed = raw.AssignAdd(ref=raw.RefSelect(index=index, inputs=made), value=np.float32([10, 20]))
        with tf.control_dependencies([changed]):
            return [tf.stack([raw.Identity(input=ref) for ref in refs])]


@graph_case("old_variable", _op="Variable Assign", x=ramp((2,)))
def old_variable(tf, x):
    return [tf.raw_ops.Assign(ref=tf.raw_ops.Variable(shape=[2], dtype=tf.float32), value=x) + 1.0]


@graph_case("ref_counts_over_runs", _op="AssignAdd VariableV2", _runs=3)
def ref_counts_over_runs(tf):
    ref = tf.raw_ops.VariableV2(shape=[], dtype=tf.float32, shared_name="steps")
    init = tf.raw_ops.Assign(ref=ref, value=0.0)
    return [tf.identity(tf.raw_ops.AssignAdd(ref=ref, value=1.5))], [init.op]


@graph_case("ref_uninitialized", _op="VariableV2")
def ref_uninitialized(tf):
    return [tf.identity(tf.raw_ops.VariableV2(shape=[2], dtype=tf.float32))]


@graph_case("ref_add_uninitialized", _op="AssignAdd")
def ref_add_uninitialized(tf):
    return [tf.raw_ops.AssignAdd(ref=tf.raw_ops.VariableV2(shape=[], dtype=tf.float32), value=1.0) + 1.0]


for _validate in (True, False):

    @graph_case("ref_assign_of_other_shape", _op="Assign", x=ramp((3,)))
    def ref_assign_of_other_shape(tf, x, validate=_validate):
        ref = tf.raw_ops.VariableV2(shape=[2], dtype=tf.float32)
        return [tf.raw_ops.Assign(ref=ref, value=x, validate_shape=validate) + 0.0]


@graph_case("ref_add_of_other_shape", _op="AssignAdd", x=ramp((3,)))
def ref_add_of_other_shape(tf, x):
    ref = tf.raw_ops.Assign(ref=tf.raw_ops.VariableV2(shape=[2], dtype=tf.float32), value=[1.0, 2.0])
    return [tf.raw_ops.AssignAdd(ref=ref, value=x) + 0.0]


for _limit in (5, 3):

    @graph_case("count_up_to", _op="CountUpTo", _runs=2)
    def count_up_to(tf, limit=_limit):
        ref = tf.raw_ops.VariableV2(shape=[], dtype=tf.int32, shared_name="c")
        init = tf.raw_ops.Assign(ref=ref, value=3)
        return [tf.raw_ops.CountUpTo(ref=ref, limit=limit)], [init.op]


@graph_case("temporary", _op="TemporaryVariable DestroyTemporaryVariable", x=ramp((2,)))
def temporary(tf, x):
    ref = tf.raw_ops.TemporaryVariable(shape=[2], dtype=tf.float32, var_name="t")
    ref = tf.raw_ops.Assign(ref=ref, value=x)
    ref = tf.raw_ops.AssignAdd(ref=ref, value=x)
    return [tf.raw_ops.DestroyTemporaryVariable(ref=ref, var_name="t")]


@graph_case("no_op", _op="NoOp", x=ramp((2,)))
def no_op(tf, x):
    with tf.control_dependencies([tf.raw_ops.NoOp()]):
        return [x + 1.0]


CASES += graph_cases()
