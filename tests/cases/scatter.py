"""Scatters into new tensors, copies of tensors, and variables of both kinds."""

from __future__ import annotations

import numpy as np

from tests.cases import case, graph_case, graph_cases
from tests.values import NUMBERS, PLAIN, cast, i32, i64, ramp

ROWS = i32([2], [0], [2])
CELLS = i32([2, 1], [0, 0], [2, 1])
TENSOR = ["Update", "Add", "Sub", "Min", "Max"]
ROW_OPS = [*TENSOR, "Mul", "Div"]
REAL = [d for d in NUMBERS if not d.startswith("complex")]
BAD = [i32([4], [0], [2]), i32([-1], [0], [2])]


def dtypes_of(name: str) -> list[str]:
    return PLAIN if name == "Update" else REAL if name in ("Min", "Max") else NUMBERS


CASES = [
    *[case("ScatterNd", _label=d, indices=ROWS, updates=ramp((3, 2), d, 1), shape=i32(4, 2)) for d in NUMBERS],
    *[case("ScatterNd", _label=d, indices=CELLS, updates=ramp((3,), d, 1), shape=i32(4, 2)) for d in PLAIN],
    case("ScatterNd", indices=i64([[1], [0]]), updates=ramp((1, 2, 3)), shape=i64(2, 3)),
    case("ScatterNd", indices=i64(1, 2), updates=np.float32(5), shape=i64(2, 3)),
    case("ScatterNd", indices=np.zeros((2, 0), np.int32), updates=ramp((2, 3)), shape=i32(3)),
    case("ScatterNd", indices=np.zeros((0, 1), np.int32), updates=ramp((0, 3)), shape=i32(2, 3)),
    case("ScatterNd", indices=np.zeros((0, 1), np.int32), updates=ramp((0,)), shape=i32(0)),
    case("ScatterNd", indices=i32([0]), updates=ramp((1,)), shape=i32(0)),
    case("ScatterNd", indices=i32([4]), updates=ramp((1,)), shape=i32(4)),
    case("ScatterNd", indices=i32([-1]), updates=ramp((1,)), shape=i32(4)),
    case("ScatterNd", indices=i32([0]), updates=ramp((2,)), shape=i32(4)),
    case("ScatterNd", indices=i32([0, 1]), updates=ramp((1,)), shape=i32(4)),
    case("ScatterNd", indices=np.int32(0), updates=np.float32(1), shape=i32(4)),
    case("ScatterNd", indices=i32([0]), updates=ramp((1,)), shape=i32(-4)),
    case("ScatterNd", indices=i32([4], [1]), updates=ramp((2,), start=1), shape=i32(4), bad_indices_policy="IGNORE"),
    *[
        case(f"TensorScatter{name}", _label=d, tensor=ramp((4, 2), d, 3), indices=ROWS, updates=ramp((3, 2), d, 1))
        for name in TENSOR
        for d in dtypes_of(name)
    ],
    *[
        case(f"TensorScatter{name}", tensor=ramp((4, 2), start=3), indices=CELLS, updates=ramp((3,), start=1))
        for name in TENSOR
    ],
    *[
        case(f"TensorScatter{name}", _label="bad", tensor=ramp((4, 2)), indices=bad, updates=ramp((3, 2)))
        for name in TENSOR
        for bad in BAD
    ],
    *[
        case(
            f"TensorScatter{name}",
            _label="ignore",
            tensor=ramp((4, 2)),
            indices=BAD[0],
            updates=ramp((3, 2), start=5),
            bad_indices_policy="IGNORE",
        )
        for name in TENSOR
    ],
    case("TensorScatterUpdate", tensor=ramp((4, 2)), indices=np.zeros((0, 1), np.int32), updates=ramp((0, 2))),
    case("TensorScatterUpdate", tensor=ramp((4,)), indices=i32([0]), updates=ramp((2,))),
    case("TensorScatterUpdate", tensor=ramp((4,)), indices=np.zeros((2, 0), np.int32), updates=ramp((2, 4))),
    case("TensorScatterUpdate", tensor=ramp((4,)), indices=i32(1), updates=np.float32(7)),
    case("TensorScatterUpdate", tensor=ramp((0,)), indices=i32([0]), updates=ramp((1,))),
    case("TensorScatterUpdate", tensor=ramp((4,)), indices=i64([0, 0]), updates=ramp((1,))),
    case("TensorScatterUpdate", tensor=np.float32(4), indices=i64([0]), updates=ramp((1,))),
    *[
        case("ScatterNdNonAliasingAdd", _label=d, input=ramp((4, 2), d), indices=ROWS, updates=ramp((3, 2), d))
        for d in [*NUMBERS, "bool"]
    ],
    case("ScatterNdNonAliasingAdd", input=ramp((4,)), indices=i32([4]), updates=ramp((1,))),
]


def resource_variable(tf, x):
    handle = tf.raw_ops.VarHandleOp(dtype=x.dtype, shape=None, shared_name="v")
    return handle, tf.raw_ops.AssignVariableOp(resource=handle, value=x)


def after(tf, handle, op, dtype):
    with tf.control_dependencies([op]):
        return [tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype)]


def reference(tf, x):
    return tf.raw_ops.Assign(ref=tf.raw_ops.VariableV2(shape=None, dtype=x.dtype), value=x, validate_shape=False)


def both(name: str, label: str, x, indices, updates) -> None:
    """Cases of ResourceScatterX and ScatterX (or their Nd forms) on the same arrays."""

    if label != "other_shape" or name.startswith("Nd"):  # TensorFlow reads and writes past the rows there

        @graph_case(f"resource_{name}_{label}", _op=f"ResourceScatter{name}", x=x, indices=indices, updates=updates)
        def resource(tf, x, indices, updates):
            handle, assign = resource_variable(tf, x)
            keyword = "ref" if name.startswith("Nd") else "resource"
            with tf.control_dependencies([assign]):
                scatter = getattr(tf.raw_ops, f"ResourceScatter{name}")
                done = scatter(**{keyword: handle}, indices=indices, updates=updates)
            return after(tf, handle, done, x.dtype)

    if name in ("Min", "Max") and label in ("int8", "int16", "uint8", "uint16", "uint32", "uint64"):
        return

    @graph_case(f"ref_{name}_{label}", _op=f"Scatter{name}", x=x, indices=indices, updates=updates)
    def ref(tf, x, indices, updates):
        scatter = getattr(tf.raw_ops, f"Scatter{name}")
        return [tf.identity(scatter(ref=reference(tf, x), indices=indices, updates=updates))]


for _name in ROW_OPS:
    for _d in dtypes_of(_name):
        if _d in ("bool", "string"):
            continue
        both(_name, _d, ramp((3, 2), _d, 20), i32(2, 0, 2), ramp((3, 2), _d, 1))
    both(_name, "scalar", ramp((3, 2), start=20), i64(2, 0, 2), np.float32(3))
    both(_name, "matrix", ramp((3,), start=20), i64([2, 0], [1, 1]), ramp((2, 2), start=1))
    both(_name, "zero_d_index", ramp((3, 2), start=20), np.int32(1), ramp((2,), start=1))
    both(_name, "nothing", ramp((3, 2), start=20), i32(), ramp((0, 2)))
    both(_name, "nothing_misfitting", ramp((3, 2), start=20), i32(), ramp((3, 2), start=1))
    both(_name, "beyond", ramp((3, 2)), i32(3), ramp((1, 2)))
    both(_name, "negative", ramp((3, 2)), i32(-1), ramp((1, 2)))
    both(_name, "other_shape", ramp((3, 2)), i32(1), ramp((1, 3)))
both("Div", "negative_ints", cast([-7, 7, -7], "int32"), i32(0, 1, 2), cast([2, -2, -2], "int32"))

for _name in TENSOR:
    for _d in ("float32", "float64", "int32", "int64", "float16", "bfloat16"):
        both(f"Nd{_name}", _d, ramp((4, 2), _d, 3), ROWS, ramp((3, 2), _d, 1))
    both(f"Nd{_name}", "cells", ramp((4, 2), start=3), CELLS, ramp((3,), start=1))
    both(f"Nd{_name}", "beyond", ramp((4, 2)), BAD[0], ramp((3, 2)))
    both(f"Nd{_name}", "other_shape", ramp((4, 2)), ROWS, ramp((3, 1)))


for _d in ("string", "bool"):

    @graph_case(f"resource_update_{_d}", _op="ResourceScatterUpdate", x=ramp((3,), _d), updates=ramp((2,), _d, 1))
    def resource_update(tf, x, updates):
        handle, assign = resource_variable(tf, x)
        with tf.control_dependencies([assign]):
            done = tf.raw_ops.ResourceScatterUpdate(resource=handle, indices=[2, 0], updates=updates)
        return after(tf, handle, done, x.dtype)


@graph_case("resource_uninitialized", _op="ResourceScatterAdd", updates=ramp((1,)))
def resource_uninitialized(tf, updates):
    handle = tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[3], shared_name="v")
    return tf.raw_ops.ResourceScatterAdd(resource=handle, indices=[0], updates=updates)


@graph_case("ref_uninitialized", _op="ScatterAdd", updates=ramp((1,)))
def ref_uninitialized(tf, updates):
    return [
        tf.identity(
            tf.raw_ops.ScatterAdd(ref=tf.raw_ops.VariableV2(shape=[3], dtype=tf.float32), indices=[0], updates=updates)
        )
    ]


CASES += graph_cases()
