"""Convolutions fused with padding and resizing, sums of lists, parameters that stand for missing outputs."""

from __future__ import annotations

import numpy as np

from tests.cases import graph_case, graph_cases
from tests.values import i32, ramp

rng = np.random.default_rng(62)
X, FILTER = rng.normal(size=(1, 6, 7, 3)).astype(np.float32), rng.normal(size=(3, 3, 3, 4)).astype(np.float32)
PADS = i32([0, 0], [1, 2], [2, 0], [0, 0])
NEAR = {"_rtol": 1e-4, "_atol": 1e-5}


def fused(label, mode, padding, strides=(1, 1, 1, 1), x=X, pads=PADS, filter=FILTER, align=None) -> None:
    """With `align`, the op that resizes first. The shapes are known, as TensorFlow's shape functions ask."""
    op = "FusedPadConv2D" if align is None else "FusedResizeAndPadConv2D"
    resize = {} if align is None else {"size": i32(9, 5), "resize_align_corners": align}
    how = {"mode": mode, "padding": padding, "strides": list(strides), "paddings": pads, **resize}

    @graph_case(f"{op} {label}", _op=op, **NEAR, x=x, filter=filter)
    def build(tf, x, filter, shapes=(x.shape, filter.shape)):
        ensured = [tf.ensure_shape(value, shape) for value, shape in zip((x, filter), shapes, strict=True)]
        return getattr(tf.raw_ops, op)(input=ensured[0], filter=ensured[1], **how)


for _mode in ("REFLECT", "SYMMETRIC"):
    for _padding in ("SAME", "VALID"):
        for _align in (None, False, True):
            fused(f"{_mode} {_padding} {_align}", _mode, _padding, (1, 1, 2, 1), align=_align)
fused("double", "REFLECT", "SAME", x=X.astype(np.float64), filter=FILTER.astype(np.float64))


@graph_case("AddN of lists", _op="AddN", x=ramp((3, 2)), y=ramp((3, 2), start=5))
def add_lists(tf, x, y):
    raw = tf.raw_ops
    lists = [raw.TensorListFromTensor(tensor=t, element_shape=-1) for t in (x, y, x)]
    total = raw.AddN(inputs=lists)
    return raw.TensorListStack(input_handle=total, element_shape=-1, element_dtype=tf.float32)


@graph_case("AddN of lists with gaps", _op="AddN", x=ramp((2,)))
def add_gaps(tf, x):
    raw = tf.raw_ops
    empty = raw.TensorListReserve(element_shape=[2], num_elements=3, element_dtype=tf.float32)
    one = raw.TensorListSetItem(input_handle=empty, index=1, item=x)
    two = raw.TensorListSetItem(input_handle=one, index=2, item=x)
    total = raw.AddN(inputs=[one, two])
    return raw.TensorListStack(input_handle=total, element_shape=[2], element_dtype=tf.float32)


@graph_case("AddN of lists of other lengths", _op="AddN", x=ramp((3, 2)))
def add_lengths(tf, x):
    raw = tf.raw_ops
    lists = [raw.TensorListFromTensor(tensor=t, element_shape=-1) for t in (x, x[:2])]
    total = raw.AddN(inputs=lists)
    return raw.TensorListStack(input_handle=total, element_shape=-1, element_dtype=tf.float32)


for _shape in ([2, 3], [None, 3], None, []):

    @graph_case(f"FakeParam {_shape}", _op="FakeParam")
    def fake_param(tf, shape=_shape):
        return tf.shape(tf.raw_ops.FakeParam(dtype=tf.float32, shape=shape))


CASES = graph_cases()
