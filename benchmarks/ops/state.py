"""Rows of variables, lists, arrays and control flow; what is timed is the whole small graph."""

from __future__ import annotations

import numpy as np

from benchmarks.ops.inputs import MILLION, graph_row, ints, normal

F32, I32 = np.float32, np.int32
BIG = normal(MILLION)


def variable(tf, x):
    """A resource variable that holds x, and the assignment."""
    handle = tf.raw_ops.VarHandleOp(dtype=x.dtype, shape=None, shared_name="v")
    return handle, tf.raw_ops.AssignVariableOp(resource=handle, value=x)


def after(tf, operation, make):
    with tf.control_dependencies([operation]):
        return make()


@graph_row("ReadVariableOp", "VarHandleOp AssignVariableOp ReadVariableOp VarIsInitializedOp", x=BIG)
def read(tf, x):
    handle, assigned = variable(tf, x)
    raw = tf.raw_ops
    with tf.control_dependencies([assigned]):
        return [raw.ReadVariableOp(resource=handle, dtype=x.dtype), raw.VarIsInitializedOp(resource=handle)]


for name in ("Add", "Sub"):

    @graph_row(f"Assign{name}VariableOp", x=BIG)
    def assign(tf, x, name=name):
        handle, assigned = variable(tf, x)
        made = after(tf, assigned, lambda: getattr(tf.raw_ops, f"Assign{name}VariableOp")(resource=handle, value=x))
        return after(tf, made, lambda: tf.raw_ops.ReadVariableOp(resource=handle, dtype=x.dtype))


@graph_row("ResourceApplyGradientDescent", x=BIG)
def descend(tf, x):
    handle, assigned = variable(tf, x)
    step = after(
        tf, assigned, lambda: tf.raw_ops.ResourceApplyGradientDescent(var=handle, alpha=tf.constant(0.1), delta=x)
    )
    return after(tf, step, lambda: tf.raw_ops.ReadVariableOp(resource=handle, dtype=x.dtype))


@graph_row("ResourceGather", x=normal(10_000, 100), indices=ints(0, 10_000, 10_000))
def gather(tf, x, indices):
    handle, assigned = variable(tf, x)
    return after(tf, assigned, lambda: tf.raw_ops.ResourceGather(resource=handle, indices=indices, dtype=x.dtype))


for op in ("ResourceScatterMax", "ResourceScatterSub"):

    @graph_row(op, x=normal(10_000, 100), indices=ints(0, 10_000, 10_000))
    def scatter(tf, x, indices, op=op):
        handle, assigned = variable(tf, x)
        made = after(tf, assigned, lambda: getattr(tf.raw_ops, op)(resource=handle, indices=indices, updates=x))
        return after(tf, made, lambda: tf.raw_ops.ReadVariableOp(resource=handle, dtype=x.dtype))


for op in ("ResourceScatterNdAdd", "ResourceScatterNdUpdate"):

    @graph_row(op, x=normal(10_000, 100), indices=ints(0, 10_000, 10_000, 1))
    def scatter_nd(tf, x, indices, op=op):
        handle, assigned = variable(tf, x)
        made = after(tf, assigned, lambda: getattr(tf.raw_ops, op)(ref=handle, indices=indices, updates=x))
        return after(tf, made, lambda: tf.raw_ops.ReadVariableOp(resource=handle, dtype=x.dtype))


@graph_row("VariableV2", "VariableV2 Assign AssignAdd AssignSub IsVariableInitialized", x=BIG)
def reference(tf, x):
    raw = tf.raw_ops
    ref = raw.VariableV2(shape=[MILLION], dtype=tf.float32, shared_name="r")
    ref = raw.Assign(ref=ref, value=x)
    ref = raw.AssignSub(ref=raw.AssignAdd(ref=ref, value=x), value=x)
    return after(tf, ref, lambda: raw.IsVariableInitialized(ref=ref)), tf.identity(ref)


@graph_row("Variable", x=BIG)
def first_reference(tf, x):
    ref = tf.raw_ops.Variable(shape=[MILLION], dtype=tf.float32, shared_name="r")
    return tf.identity(tf.raw_ops.Assign(ref=ref, value=x))


@graph_row("Assert", "Assert NoOp", x=normal(1000))
def asserted(tf, x):
    checks = [tf.raw_ops.Assert(condition=True, data=[x]), tf.raw_ops.NoOp()]
    with tf.control_dependencies(checks):
        return tf.identity(x)


@graph_row("Print", x=normal(3))
def printed(tf, x):
    return tf.raw_ops.Print(input=x, data=[x], first_n=1)


STEPS = 1000
ITEMS = normal(STEPS, 100)


@graph_row(
    "TensorArrayV3",
    "TensorArrayV3 TensorArrayScatterV3 TensorArrayReadV3 TensorArrayGatherV3 TensorArraySizeV3 TensorArrayConcatV3 "
    "TensorArraySplitV3 TensorArrayCloseV3",
    x=ITEMS,
    where=ints(0, STEPS, STEPS),
)
def tensor_array(tf, x, where):
    raw = tf.raw_ops
    handle, flow = raw.TensorArrayV3(size=STEPS, dtype=tf.float32, clear_after_read=False)
    flow = raw.TensorArrayScatterV3(handle=handle, indices=tf.range(STEPS), value=x, flow_in=flow)
    other, other_flow = raw.TensorArrayV3(size=STEPS, dtype=tf.float32)
    lengths = tf.ones([STEPS], tf.int64)
    other_flow = raw.TensorArraySplitV3(handle=other, value=x, lengths=lengths, flow_in=other_flow)
    joined = raw.TensorArrayConcatV3(handle=other, flow_in=other_flow, dtype=tf.float32)
    out = [
        raw.TensorArrayReadV3(handle=handle, index=3, flow_in=flow, dtype=tf.float32),
        raw.TensorArrayGatherV3(handle=handle, indices=where, flow_in=flow, dtype=tf.float32),
        raw.TensorArraySizeV3(handle=handle, flow_in=flow),
        joined[0],
    ]
    with tf.control_dependencies(out):
        closed = raw.TensorArrayCloseV3(handle=handle)
    with tf.control_dependencies([closed]):
        return [*out, tf.identity(flow)]


@graph_row("TensorArrayWriteV3 in a loop", "TensorArrayWriteV3", x=normal(100))
def write_in_a_loop(tf, x):
    raw = tf.raw_ops
    handle, flow = raw.TensorArrayV3(size=STEPS, dtype=tf.float32)

    def body(i, flow):
        return i + 1, raw.TensorArrayWriteV3(handle=handle, index=i, value=x, flow_in=flow)

    _, flow = tf.while_loop(lambda i, _: i < STEPS, body, [0, flow])
    return raw.TensorArrayGatherV3(handle=handle, indices=tf.range(STEPS), flow_in=flow, dtype=tf.float32)


ANY = I32(-1)


@graph_row(
    "TensorListFromTensor",
    "TensorListFromTensor TensorListGather TensorListGetItem TensorListLength TensorListResize TensorListStack",
    x=ITEMS,
    where=ints(0, STEPS, STEPS),
)
def from_tensor(tf, x, where):
    raw = tf.raw_ops
    made = raw.TensorListFromTensor(tensor=x, element_shape=ANY)
    longer = raw.TensorListResize(input_handle=made, size=2 * STEPS)
    kind = {"element_shape": ANY, "element_dtype": tf.float32}
    return [
        raw.TensorListGather(input_handle=made, indices=where, **kind),
        raw.TensorListGetItem(input_handle=made, index=5, **kind),
        raw.TensorListLength(input_handle=longer),
        raw.TensorListStack(input_handle=made, **kind),
    ]


@graph_row(
    "TensorListScatter",
    "TensorListScatter TensorListScatterV2 TensorListConcat TensorListConcatV2 TensorListSplit",
    x=ITEMS,
)
def scattered(tf, x):
    raw = tf.raw_ops
    one = raw.TensorListScatter(tensor=x, indices=tf.range(STEPS), element_shape=ANY)
    two = raw.TensorListScatterV2(tensor=x, indices=tf.range(STEPS), element_shape=ANY, num_elements=-1)
    parts = raw.TensorListSplit(tensor=x, element_shape=ANY, lengths=tf.ones([STEPS], tf.int64))
    lengths = np.zeros(0, np.int64)
    return [
        raw.TensorListConcat(input_handle=one, element_dtype=tf.float32, element_shape=None)[0],
        raw.TensorListConcat(input_handle=two, element_dtype=tf.float32, element_shape=None)[0],
        raw.TensorListConcatV2(input_handle=parts, element_dtype=tf.float32, element_shape=ANY, leading_dims=lengths)[
            0
        ],
    ]


for steps in (1000, 10_000):

    @graph_row(f"TensorListSetItem {steps} steps", "TensorListReserve TensorListSetItem While", x=normal(10))
    def set_item_in_a_loop(tf, x, steps=steps):
        raw = tf.raw_ops
        made = raw.TensorListReserve(element_shape=[10], num_elements=steps, element_dtype=tf.float32)

        def body(i, made):
            return i + 1, raw.TensorListSetItem(input_handle=made, index=i, item=x)

        _, made = tf.while_loop(lambda i, _: i < steps, body, [0, made])
        return raw.TensorListStack(input_handle=made, element_shape=[10], element_dtype=tf.float32)

    @graph_row(
        f"TensorListPushBack {steps} steps", "EmptyTensorList TensorListPushBack TensorListPopBack", x=normal(10)
    )
    def push_in_a_loop(tf, x, steps=steps):
        raw = tf.raw_ops
        made = raw.EmptyTensorList(element_shape=[10], max_num_elements=-1, element_dtype=tf.float32)

        def body(i, made):
            return i + 1, raw.TensorListPushBack(input_handle=made, tensor=x)

        _, made = tf.while_loop(lambda i, _: i < steps, body, [0, made])
        _, last = raw.TensorListPopBack(input_handle=made, element_shape=[10], element_dtype=tf.float32)
        return last


def function_of(tf, call):
    return tf.function(call).get_concrete_function(tf.TensorSpec([], tf.float32))


@graph_row("If", x=F32(3))
def branch(tf, x):
    then, other = function_of(tf, lambda v: v + 1.0), function_of(tf, lambda v: v - 1.0)
    return tf.raw_ops.If(cond=x > 0, input=[x], Tout=[tf.float32], then_branch=then, else_branch=other)


@graph_row("StatelessIf", x=F32(3))
def stateless_branch(tf, x):
    then, other = function_of(tf, lambda v: v + 1.0), function_of(tf, lambda v: v - 1.0)
    return tf.raw_ops.StatelessIf(cond=x > 0, input=[x], Tout=[tf.float32], then_branch=then, else_branch=other)


@graph_row("Case", x=F32(2), i=I32(1))
def case_of(tf, x, i):
    branches = [function_of(tf, lambda v, k=k: v * float(k)) for k in (3, 5)]
    return tf.raw_ops.Case(branch_index=i, input=[x], Tout=[tf.float32], branches=branches)


for op in ("PartitionedCall", "StatefulPartitionedCall"):

    @graph_row(op, x=F32(2))
    def called(tf, x, op=op):
        return getattr(tf.raw_ops, op)(args=[x], Tout=[tf.float32], f=function_of(tf, lambda v: v * 2.0))


for op in ("While", "StatelessWhile"):

    @graph_row(f"{op} {STEPS} steps", op, x=F32(0))
    def loop(tf, x, op=op):
        cond, body = function_of(tf, lambda v: v < float(STEPS)), function_of(tf, lambda v: v + 1.0)
        return getattr(tf.raw_ops, op)(input=[x], cond=cond, body=body)


@graph_row(f"frames {STEPS} steps", "Enter Exit LoopCond Merge NextIteration Switch Const Placeholder", x=F32(0))
def frames(tf, x):
    from tensorflow.python.ops import control_flow_v2_toggles, while_loop

    was = control_flow_v2_toggles.control_flow_v2_enabled()
    control_flow_v2_toggles.disable_control_flow_v2()
    try:
        return while_loop.while_loop(lambda v: v < float(STEPS), lambda v: v + 1.0, [x])
    finally:
        if was:
            control_flow_v2_toggles.enable_control_flow_v2()


@graph_row("PlaceholderWithDefault", "PlaceholderWithDefault", x=BIG)
def placeholder(tf, x):
    return tf.raw_ops.PlaceholderWithDefault(input=x, shape=[MILLION])


def through_a_queue(tf, x, version=""):
    """100,000 rows go into a queue and out of it, most of them many at a time."""
    raw, rows = tf.raw_ops, 100_000
    queue = getattr(raw, "FIFOQueue" + version)(component_types=["float32"], shapes=[[10]])
    take = {"handle": queue, "component_types": ["float32"]}

    def op(name, **keywords):
        return getattr(raw, name + version)(**keywords)

    done = op("QueueEnqueueMany", handle=queue, components=[x])
    one = after(tf, done, lambda: op("QueueDequeue", **take)[0])
    many = after(tf, one.op, lambda: op("QueueDequeueMany", n=rows // 2, **take)[0])
    rest = after(tf, many.op, lambda: op("QueueDequeueUpTo", n=rows - rows // 2 - 1, **take)[0])
    return [one, many, rest]


for version in ("", "V2"):
    _OPS = ("FIFOQueue", "QueueEnqueueMany", "QueueDequeue", "QueueDequeueMany", "QueueDequeueUpTo")

    @graph_row(f"FIFOQueue{version}", " ".join(f"{op}{version}" for op in _OPS), x=normal(100_000, 10))
    def queue_of_rows(tf, x, version=version):
        return through_a_queue(tf, x, version)
