"""TensorArray ops and stacks."""

from __future__ import annotations

import numpy as np

from tests.cases import graph_case, graph_cases
from tests.old_graphs import const, old_graph
from tests.values import PLAIN, i32, i64, ramp


def array(tf, size, dtype, **attrs):
    made = tf.raw_ops.TensorArrayV3(size=size, dtype=dtype, **attrs)
    return made.handle, made.flow


def write(tf, handle, index, value, flow):
    return tf.raw_ops.TensorArrayWriteV3(handle=handle, index=index, value=value, flow_in=flow)


def read(tf, handle, index, flow, dtype):
    return tf.raw_ops.TensorArrayReadV3(handle=handle, index=index, flow_in=flow, dtype=dtype)


def size_of(tf, handle, flow):
    return tf.raw_ops.TensorArraySizeV3(handle=handle, flow_in=flow)


def gather(tf, handle, indices, flow, dtype, shape=None):
    return tf.raw_ops.TensorArrayGatherV3(
        handle=handle, indices=indices, flow_in=flow, dtype=dtype, element_shape=shape
    )


def scatter(tf, handle, indices, value, flow):
    return tf.raw_ops.TensorArrayScatterV3(handle=handle, indices=indices, value=value, flow_in=flow)


MAIN = (
    "TensorArrayV3 TensorArrayWriteV3 TensorArrayReadV3 TensorArraySizeV3 TensorArrayGatherV3 TensorArrayScatterV3 "
    "TensorArrayConcatV3 TensorArraySplitV3 TensorArrayCloseV3"
)
for _d in PLAIN:

    @graph_case(f"main_{_d}", _op=MAIN, x=ramp((3, 2), _d, 1), v=ramp((2,), _d, 50))
    def main(tf, x, v):
        handle, flow = array(tf, 4, x.dtype, clear_after_read=False)
        flow = scatter(tf, handle, i32(3, 0, 1), x, flow)
        flow = write(tf, handle, 2, v, flow)
        joined = tf.raw_ops.TensorArrayConcatV3(handle=handle, flow_in=flow, dtype=x.dtype)
        other, other_flow = array(tf, 2, x.dtype)
        other_flow = tf.raw_ops.TensorArraySplitV3(handle=other, value=x, lengths=i64(1, 2), flow_in=other_flow)
        results = [
            read(tf, handle, 2, flow, x.dtype),
            gather(tf, handle, i32(0, 2, 3), flow, x.dtype),
            size_of(tf, handle, flow),
            *joined,
            read(tf, other, 1, other_flow, x.dtype),
        ]
        with tf.control_dependencies(results):
            closed = tf.raw_ops.TensorArrayCloseV3(handle=handle)
        return [*results, flow, closed]


for _d in ("float32", "string", "bool"):

    @graph_case(f"scalars_{_d}", _op=MAIN, x=ramp((3,), _d, 1))
    def scalars(tf, x):
        handle, flow = array(tf, 3, x.dtype)
        flow = scatter(tf, handle, i32(0, 1, 2), x, flow)
        return [gather(tf, handle, i32(2, 1), flow, x.dtype), read(tf, handle, 0, flow, x.dtype)]


WRITES = [
    ("beyond", 3, ramp((2,)), {}),
    ("negative", -1, ramp((2,)), {"dynamic_size": True}),
    ("grow", 5, ramp((2,)), {"dynamic_size": True}),
    ("other_shape", 1, ramp((2,)), {"element_shape": [3]}),
    ("partial_shape", 1, ramp((2,)), {"element_shape": [None]}),
    ("index_of_rank_1", i32(1), ramp((2,)), {}),
]
for _label, _index, _value, _attrs in WRITES:

    @graph_case(f"write_{_label}", _op="TensorArrayWriteV3", index=np.int32(_index), v=_value)
    def write_some(tf, index, v, attrs=_attrs):
        handle, flow = array(tf, 3, tf.float32, **attrs)
        flow = write(tf, handle, index, v, flow)
        return [size_of(tf, handle, flow), read(tf, handle, index, flow, tf.float32)]


@graph_case("write_twice", _op="TensorArrayWriteV3", v=ramp((2,)))
def write_twice(tf, v):
    handle, flow = array(tf, 3, tf.float32)
    return write(tf, handle, 0, v, write(tf, handle, 0, v, flow))


@graph_case("write_after_read", _op="TensorArrayWriteV3", v=ramp((2,)))
def write_after_read(tf, v):
    handle, flow = array(tf, 3, tf.float32)
    flow = write(tf, handle, 0, v, flow)
    with tf.control_dependencies([read(tf, handle, 0, flow, tf.float32)]):
        return write(tf, handle, 0, v, tf.identity(flow))


@graph_case("write_other_dtype", _op="TensorArrayWriteV3", v=ramp((2,), "int32"))
def write_other_dtype(tf, v):
    handle, flow = array(tf, 3, tf.float32)
    return write(tf, handle, 0, v, flow)


@graph_case("write_identical", _op="TensorArrayWriteV3", v=ramp((2,)), w=ramp((3,)))
def write_identical(tf, v, w):
    handle, flow = array(tf, 3, tf.float32, identical_element_shapes=True)
    return write(tf, handle, 1, w, write(tf, handle, 0, v, flow))


READS = [
    ("unset", 1, {}),
    ("unset_partial", 1, {"element_shape": [None]}),
    ("unset_full", 1, {"element_shape": [2]}),
    ("unset_identical", 1, {"identical_element_shapes": True}),
    ("beyond", 3, {}),
    ("negative", -1, {}),
]
for _label, _index, _attrs in READS:

    @graph_case(f"read_{_label}", _op="TensorArrayReadV3", index=np.int32(_index), v=ramp((2,)))
    def read_some(tf, index, v, attrs=_attrs):
        handle, flow = array(tf, 3, tf.float32, **attrs)
        return read(tf, handle, index, write(tf, handle, 0, v, flow), tf.float32)


for _clear in (True, False):

    @graph_case("read_twice", _op="TensorArrayReadV3", v=ramp((2,)))
    def read_twice(tf, v, clear=_clear):
        handle, flow = array(tf, 3, tf.float32, clear_after_read=clear)
        flow = write(tf, handle, 0, v, flow)
        first = read(tf, handle, 0, flow, tf.float32)
        with tf.control_dependencies([first]):
            return [first, read(tf, handle, 0, tf.identity(flow), tf.float32)]


@graph_case("read_other_dtype", _op="TensorArrayReadV3", v=ramp((2,)))
def read_other_dtype(tf, v):
    handle, flow = array(tf, 3, tf.float32)
    return read(tf, handle, 0, write(tf, handle, 0, v, flow), tf.int32)


@graph_case("size_negative", _op="TensorArrayV3", n=np.int32(-1))
def size_negative(tf, n):
    handle, flow = array(tf, n, tf.float32)
    return size_of(tf, handle, flow)


@graph_case("closed", _op="TensorArrayCloseV3", v=ramp((2,)))
def closed(tf, v):
    handle, flow = array(tf, 3, tf.float32)
    with tf.control_dependencies([tf.raw_ops.TensorArrayCloseV3(handle=handle)]):
        return write(tf, handle, 0, v, tf.identity(flow))


GATHERS = [
    ("none_full", i32(), [2], {}),
    ("none_declared", i32(), None, {"element_shape": [2]}),
    ("none_unknown", i32(), None, {}),
    ("other_shape", i32(0), [3], {}),
    ("beyond", i32(0, 3), None, {}),
    ("unset", i32(0, 2), None, {}),
    ("uneven", i32(0, 1), None, {}),
    ("repeated", i32(0, 0), None, {}),
    ("repeated_kept", i32(0, 0), None, {"clear_after_read": False}),
]
for _label, _indices, _shape, _attrs in GATHERS:

    @graph_case(f"gather_{_label}", _op="TensorArrayGatherV3", indices=_indices, v=ramp((2,)), w=ramp((3,)))
    def gather_some(tf, indices, v, w, shape=_shape, attrs=_attrs):
        handle, flow = array(tf, 3, tf.float32, **attrs)
        flow = write(tf, handle, 0, v, flow)
        if "element_shape" not in attrs:
            flow = write(tf, handle, 1, w, flow)
        return gather(tf, handle, indices, flow, tf.float32, shape)


SCATTERS = [
    ("other_rows", i32(0), ramp((2, 2)), {}),
    ("beyond", i32(0, 3), ramp((2, 2)), {}),
    ("grow", i32(0, 3), ramp((2, 2)), {"dynamic_size": True}),
    ("twice", i32(0, 0), ramp((2, 2)), {}),
    ("scalar", i32(0), np.float32(1), {}),
    ("other_shape", i32(0), ramp((1, 2)), {"element_shape": [3]}),
    ("nothing", i32(), ramp((0, 2)), {}),
]
for _label, _indices, _value, _attrs in SCATTERS:

    @graph_case(f"scatter_{_label}", _op="TensorArrayScatterV3", indices=_indices, v=_value)
    def scatter_some(tf, indices, v, attrs=_attrs):
        handle, flow = array(tf, 3, tf.float32, **attrs)
        return size_of(tf, handle, scatter(tf, handle, indices, v, flow))


CONCATS = [
    ("typical", ramp((1, 2)), ramp((3, 2)), None),
    ("declared", ramp((1, 2)), ramp((3, 2)), [2]),
    ("uneven", ramp((1, 2)), ramp((3, 3)), None),
    ("scalars", np.float32(1), np.float32(2), None),
    ("other_shape", ramp((1, 2)), ramp((3, 2)), [3]),
]
for _label, _v, _w, _shape in CONCATS:

    @graph_case(f"concat_{_label}", _op="TensorArrayConcatV3", v=_v, w=_w)
    def concat_some(tf, v, w, shape=_shape):
        handle, flow = array(tf, 2, tf.float32)
        flow = write(tf, handle, 1, w, write(tf, handle, 0, v, flow))
        return list(
            tf.raw_ops.TensorArrayConcatV3(handle=handle, flow_in=flow, dtype=tf.float32, element_shape_except0=shape)
        )


for _shape in ([2], None):

    @graph_case("concat_nothing", _op="TensorArrayConcatV3", n=np.int32(0))
    def concat_nothing(tf, n, shape=_shape):
        handle, flow = array(tf, n, tf.float32)
        return list(
            tf.raw_ops.TensorArrayConcatV3(handle=handle, flow_in=flow, dtype=tf.float32, element_shape_except0=shape)
        )


SPLITS = [
    ("zero", ramp((3, 2)), i64(0, 3), {}),
    ("other_sum", ramp((3, 2)), i64(1, 3), {}),
    ("other_size", ramp((3, 2)), i64(1, 1, 1), {}),
    ("grow", ramp((3, 2)), i64(1, 1, 1), {"dynamic_size": True}),
    ("scalar", np.float32(1), i64(1, 0), {}),
]
for _label, _value, _lengths, _attrs in SPLITS:

    @graph_case(f"split_{_label}", _op="TensorArraySplitV3", v=_value, lengths=_lengths)
    def split_some(tf, v, lengths, attrs=_attrs):
        handle, flow = array(tf, 2, tf.float32, **attrs)
        flow = tf.raw_ops.TensorArraySplitV3(handle=handle, value=v, lengths=lengths, flow_in=flow)
        return [size_of(tf, handle, flow), read(tf, handle, 1, flow, tf.float32)]


@graph_case("loop", _op=MAIN, _runs=2, x=ramp((4, 2)))
def loop(tf, x):
    source = tf.compat.v1.TensorArray(tf.float32, 4).unstack(x)
    target = tf.compat.v1.TensorArray(tf.float32, 0, dynamic_size=True)

    def body(i, target):
        return i + 1, target.write(i, source.read(i) * 2.0)

    _, target = tf.compat.v1.while_loop(lambda i, _: i < 4, body, [0, target])
    return [target.stack(), target.size()]


# Stacks


def push(tf, handle, value):
    return tf.raw_ops.StackPushV2(handle=handle, elem=value)


def pop(tf, handle, dtype):
    return tf.raw_ops.StackPopV2(handle=handle, elem_type=dtype)


for _d in PLAIN:

    @graph_case(f"stack_{_d}", _op="StackV2 StackPushV2 StackPopV2 StackCloseV2", x=ramp((2,), _d), y=ramp((), _d))
    def stack(tf, x, y):
        handle = tf.raw_ops.StackV2(max_size=2, elem_type=x.dtype)
        with tf.control_dependencies([push(tf, handle, x)]):
            second = push(tf, handle, y)
        with tf.control_dependencies([second]):
            popped = pop(tf, handle, x.dtype)
        with tf.control_dependencies([popped]):
            first = pop(tf, handle, x.dtype)
        with tf.control_dependencies([first]):
            return [second, popped, first, tf.raw_ops.StackCloseV2(handle=handle)]


@graph_case("stack_overflow", _op="StackPushV2", x=ramp((2,)))
def stack_overflow(tf, x):
    handle = tf.raw_ops.StackV2(max_size=1, elem_type=x.dtype)
    with tf.control_dependencies([push(tf, handle, x)]):
        return push(tf, handle, x)


@graph_case("stack_empty", _op="StackPopV2", n=np.int32(-1))
def stack_empty(tf, n):
    return pop(tf, tf.raw_ops.StackV2(max_size=n, elem_type=tf.float32), tf.float32)


@graph_case("stack_other_dtype", _op="StackPushV2", x=ramp((2,)))
def stack_other_dtype(tf, x):
    return push(tf, tf.raw_ops.StackV2(max_size=1, elem_type=tf.int32), x)


# The ops of old graphs, which TensorFlow still runs when the graph says that it is old


F32 = {"T": np.float32}
READS_F32 = {"dtype": np.float32}
for _version, _producer in (("", 15), ("V2", 20)):

    @graph_case(
        f"old{_version}",
        _op=" ".join(
            f"TensorArray{part}{_version}"
            for part in ("", "Write", "Read", "Size", "Gather", "Scatter", "Concat", "Split", "Close")
        ),
        x=ramp((3, 2)),
    )
    def old(tf, x, v=_version, producer=_producer):
        nodes = [
            const("flow", np.array(0, np.float32)),
            const("size", np.array(3, np.int32)),
            const("two", np.array(2, np.int32)),
            const("rows", i32(1, 0)),
            const("lengths", i64(1, 2, 0)),
            const("row", ramp((2,))),
            const("matrix", ramp((2, 2))),
            *[(name, f"TensorArray{v}", ["size"], READS_F32) for name in ("one", "other")],
            ("scattered", f"TensorArrayScatter{v}", ["one", "rows", "matrix", "flow"], F32),
            ("written", f"TensorArrayWrite{v}", ["one", "two", "row", "scattered"], F32),
            ("size_of", f"TensorArraySize{v}", ["one", "written"], {}),
            ("gathered", f"TensorArrayGather{v}", ["one", "rows", "written"], READS_F32),
            ("read", f"TensorArrayRead{v}", ["one", "two", "written"], READS_F32),
            ("split", f"TensorArraySplit{v}", ["other", "x", "lengths", "flow"], F32),
            ("joined", f"TensorArrayConcat{v}", ["other", "split"], READS_F32),
            ("closed", f"TensorArrayClose{v}", ["one", "^size_of", "^gathered", "^read"], {}),
        ]
        return old_graph(
            tf, producer, nodes, x, ["size_of:0", "gathered:0", "read:0", "joined:0", "joined:1", "closed"]
        )


@graph_case("old_pack", _op="TensorArrayPack TensorArrayUnpack Stack StackPush StackPop StackClose", x=ramp((3, 2)))
def old_pack(tf, x):
    nodes = [
        const("flow", np.array(0, np.float32)),
        const("size", np.array(3, np.int32)),
        ("one", "TensorArray", ["size"], READS_F32),
        ("unpacked", "TensorArrayUnpack", ["one", "x", "flow"], F32),
        ("packed", "TensorArrayPack", ["one", "unpacked"], READS_F32),
        ("stack", "Stack", [], {"elem_type": np.float32}),
        ("pushed", "StackPush", ["stack", "packed"], F32),
        ("popped", "StackPop", ["stack", "^pushed"], {"elem_type": np.float32}),
        ("closed", "StackClose", ["stack", "^popped"], {}),
    ]
    return old_graph(tf, 15, nodes, x, ["packed:0", "pushed:0", "popped:0", "closed"])


# ---- arrays of gradients


def gradient_case(label, script, op="TensorArrayGradV3", shape=None, **attrs):
    """`script` is of writes and reads at an index of the gradients, one after another."""

    @graph_case(f"gradient_{label}", _op=op, x=np.arange(6, dtype=np.float32).reshape(3, 2))
    def build(tf, x):
        raw = tf.raw_ops
        handle, flow = raw.TensorArrayV3(size=3, dtype=tf.float32, **attrs)
        flow = raw.TensorArrayWriteV3(handle=handle, index=1, value=x[0], flow_in=flow)
        flow = raw.TensorArrayWriteV3(handle=handle, index=2, value=x[1, :1], flow_in=flow)
        results = []

        def gradient(flow):
            if op == "TensorArrayGradWithShape":
                return raw.TensorArrayGradWithShape(
                    handle=handle, flow_in=flow, shape_to_prepend=shape, source="gradients"
                )
            return raw.TensorArrayGradV3(handle=handle, flow_in=flow, source="gradients")

        for what, index in script:
            grads, flow = gradient(flow)
            if what == "write":
                value = x[2] if shape is None else tf.broadcast_to(x[2], [*shape, 2])
                flow = raw.TensorArrayWriteV3(handle=grads, index=index, value=value, flow_in=flow)
            elif what == "narrow":
                flow = raw.TensorArrayWriteV3(handle=grads, index=index, value=x[2, :1], flow_in=flow)
            elif what == "size":
                results.append(raw.TensorArraySizeV3(handle=grads, flow_in=flow))
            else:
                results.append(raw.TensorArrayReadV3(handle=grads, index=index, flow_in=flow, dtype=tf.float32))
                with tf.control_dependencies(results[-1:]):
                    flow = tf.identity(flow)
        return [*results, flow]


gradient_case("sums", [("write", 1), ("write", 1), ("size", 0), ("read", 1)])
gradient_case("zeros", [("read", 1), ("read", 2)])
gradient_case("unknown", [("read", 0)])
gradient_case("twice", [("read", 1), ("read", 1)])
gradient_case("written_after_read", [("read", 1), ("write", 1)])
gradient_case("another_shape", [("write", 1), ("narrow", 1)])
gradient_case("beyond", [("write", 3)])
gradient_case("longer", [("write", 1), ("read", 1), ("read", 2)], "TensorArrayGradWithShape", [4])
gradient_case("no_longer", [("read", 1)], "TensorArrayGradWithShape", [])


for _version, _producer in (("", 15), ("V2", 20)):

    @graph_case(f"gradient_old{_version}", _op=f"TensorArrayGrad{_version}", x=ramp((2,)))
    def gradient_old(tf, x, v=_version, producer=_producer):
        nodes = [
            const("flow", np.array(0, np.float32)),
            const("size", np.array(2, np.int32)),
            const("one", np.array(1, np.int32)),
            ("array", f"TensorArray{v}", ["size"], READS_F32),
            ("written", f"TensorArrayWrite{v}", ["array", "one", "x", "flow"], F32),
            ("grads", f"TensorArrayGrad{v}", ["array", "written"], {"source": b"g"}),
            ("first", f"TensorArrayWrite{v}", ["grads", "one", "x", "written"], F32),
            ("second", f"TensorArrayWrite{v}", ["grads", "one", "x", "first"], F32),
            ("read", f"TensorArrayRead{v}", ["grads", "one", "second"], READS_F32),
        ]
        return old_graph(tf, producer, nodes, x, ["read:0"])


CASES = graph_cases()
