"""Random ops that newer ones have replaced, random rounding, quasi-random points and shuffled indices."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from tests.cases import case, graph_case, graph_cases
from tests.old_graphs import old_op
from tests.values import i32, i64

rng = np.random.default_rng(91)
KEY = np.array([0xDEADBEEF12345678], np.uint64)
COUNTER = np.array([3, 2**63 + 5], np.uint64)
PHILOX, THREEFRY, AUTO = np.int32(1), np.int32(2), np.int32(3)
CASES = []

for op in ("SobolSample",):
    for dim, count, skip in (
        (1, 5, 0),
        (2, 7, 3),
        (3, 1, 0),
        (40, 20, 1),
        (300, 3, 1000),
        (5, 600, 2**20 - 7),
        (21200, 2, 6),
    ):
        CASES += [
            case(op, dim=np.int32(dim), num_results=np.int32(count), skip=np.int32(skip), dtype=dtype)
            for dtype in ("float32", "float64")
        ]
    for label, dim, count, skip in (
        ("far", 4, 9, 2**30 - 6),
        ("farthest", 4, 2, 2**31 - 4),
        ("too_far", 4, 2, 2**31 - 3),
        ("dim", 0, 2, 0),
        ("dims", 21201, 2, 0),
        ("results", 2, 0, 0),
        ("skip", 2, 2, -1),
    ):
        CASES += [case(op, _label=label, dim=np.int32(dim), num_results=np.int32(count), skip=np.int32(skip))]

for dtype in ("int32", "int64", "uint32", "uint64"):
    for seed in ("int32", "int64", "uint32", "uint64"):
        CASES += [
            case(
                "RandomIndexShuffle",
                index=np.arange(11).astype(dtype),
                seed=np.array([5, 2**31 - 1, 77]).astype(seed),
                max_index=np.array(10, dtype),
            )
        ]
SEED = i32(1, 2, 3)
CASES += [
    case("RandomIndexShuffle", index=np.int32(4), seed=SEED, max_index=np.int32(9)),
    case("RandomIndexShuffle", index=np.int32(4), seed=SEED, max_index=np.int32(9), rounds=8),
    case("RandomIndexShuffle", index=np.int32(0), seed=SEED, max_index=np.int32(0)),
    case("RandomIndexShuffle", index=i32(4, 5), seed=i32([1, 2, 3], [4, 5, 6]), max_index=i32(70000, 200000)),
    case("RandomIndexShuffle", index=np.int64(4), seed=i64([-1, -2, -3], [4, 5, 6]), max_index=np.int64(2**40)),
    case("RandomIndexShuffle", index=i64(4, 2**62), seed=SEED, max_index=np.int64(2**63 - 1)),
    case("RandomIndexShuffle", index=np.uint64(2**63 + 5), seed=SEED, max_index=np.uint64(2**64 - 1), rounds=6),
    case("RandomIndexShuffle", index=np.arange(65537, dtype=np.int32), seed=SEED, max_index=np.int32(65536)),
    case("RandomIndexShuffle", index=np.arange(0, dtype=np.int32), seed=SEED, max_index=np.int32(5)),
    case("RandomIndexShuffle", _label="index", index=i32([1, 2]), seed=SEED, max_index=np.int32(5)),
    case("RandomIndexShuffle", _label="seed", index=i32(1, 2), seed=i32(1, 2), max_index=np.int32(5)),
    case(
        "RandomIndexShuffle", _label="seeds", index=i32(1, 2, 3), seed=i32([1, 2, 3], [1, 2, 3]), max_index=np.int32(5)
    ),
    case("RandomIndexShuffle", _label="max", index=i32(1, 2), seed=SEED, max_index=i32(5, 6, 7)),
    case("RandomIndexShuffle", _label="outside", index=i32(1, 6), seed=SEED, max_index=np.int32(5)),
]

ROUNDED = np.concatenate([
    rng.uniform(-9, 9, 37), np.arange(-3, 4), [np.nan, np.inf, -np.inf, -0.0, 126.6, 127.5, -128.5, -127.7, 32767.4],
    [-32768.4, 2.0**31 - 1, 2.0**31, -(2.0**31) - 1, 0.5, 1e30, 0.25, -0.25],
])  # fmt: skip
for dtype in (np.float16, ml_dtypes.bfloat16, np.float32, np.float64):
    for to in ("int8", "int16", "int32"):
        with np.errstate(over="ignore"):
            values = ROUNDED.astype(dtype)
        CASES += [
            case("StochasticCastToInt", input=values, key=KEY, counter=COUNTER, alg=PHILOX, Tout=to),
            case("StochasticCastToInt", input=dtype(0.5), key=KEY, counter=COUNTER, alg=AUTO, Tout=to),
        ]
CASES += [
    case("StochasticCastToInt", input=np.zeros((0, 3), np.float32), key=KEY, counter=COUNTER, alg=PHILOX, Tout="int8"),
    case("StochasticCastToInt", input=np.ones(3, np.float32), key=KEY, counter=COUNTER, alg=THREEFRY, Tout="int8"),
    case("StochasticCastToInt", input=np.ones(3, np.float32), key=KEY[:0], counter=COUNTER, alg=PHILOX, Tout="int8"),
]


def older(op: str, producer: int, label: str, *inputs, runs=3, **attrs) -> None:
    """One op that was removed, on its inputs in order."""

    @graph_case(f"{op}-{label}", _op=op, _runs=runs, **{f"x{i}": value for i, value in enumerate(inputs)})
    def build(tf, **tensors):
        return old_op(tf, producer, op, list(tensors.values()), **attrs)


for dtype in (np.float16, np.float32, np.float64):
    name = np.dtype(dtype).name
    attrs = {"S": np.int32, "dtype": dtype, "seed": 4, "seed2": 9}
    older("RandomPoisson", 24, name, i32(2, 3), np.array([0.5, 11, 0], dtype), **attrs)
    image = np.arange(4 * 5 * 3).reshape(4, 5, 3).astype(dtype)
    if dtype != np.float16:
        older("RandomCrop", 7, name, image, i64(2, 3), T=dtype, seed=4, seed2=9)
older("RandomPoisson", 24, "empty", i32(0, 3), np.array([0.5, 11], np.float32), S=np.int32, dtype=np.float32, seed=3)
for dtype in (np.int8, np.uint8, np.int16, np.int32, np.int64):
    image = np.arange(4 * 5 * 3).reshape(4, 5, 3).astype(dtype)
    older("RandomCrop", 7, np.dtype(dtype).name, image, i64(3, 2), T=dtype, seed=4)
IMAGE = np.arange(4 * 5 * 3).reshape(4, 5, 3).astype(np.float32)
for label, image, size in (
    ("all", IMAGE, i64(4, 5)),
    ("rows", IMAGE, i64(4, 2)),
    ("columns", IMAGE, i64(1, 5)),
    ("high", IMAGE, i64(5, 5)),
    ("wide", IMAGE, i64(4, 6)),
    ("none", IMAGE, i64(0, 0)),
    ("rank", IMAGE[0], i64(1, 2)),
    ("sizes", IMAGE, i64(1, 2, 3)),
    ("size rank", IMAGE, i64([1, 2])),
):
    older("RandomCrop", 7, label, image, size, T=np.float32, seed=8, seed2=1)


def on_state(label, state, shape=(2, 3), dtype="float32") -> None:
    @graph_case(f"StatefulStandardNormal-{label}", _op="StatefulStandardNormal", _runs=3, state=np.array(state))
    def build(tf, state):
        size, kind = len(values), np.array(values).dtype
        handle = tf.raw_ops.VarHandleOp(dtype=kind, shape=[size], shared_name="rng")
        init = tf.raw_ops.AssignVariableOp(resource=handle, value=tf.constant(values, kind))
        inputs = [handle, tf.constant(shape, tf.int32)]
        (out,) = old_op(tf, 28, "StatefulStandardNormal", inputs, dtype=tf.as_dtype(dtype), shape_dtype=np.int32)
        with tf.control_dependencies([out]):
            after = tf.raw_ops.ReadVariableOp(resource=handle, dtype=state.dtype)
        return [out, after], [init]

    values = list(state)


for dtype in ("float16", "bfloat16", "float32", "float64"):
    on_state(dtype, (1, 5, 7, 11), dtype=dtype)
on_state("long", (1, 5, -1, 11, 13), shape=(33,))
on_state("short", (1, 5, 7))
on_state("algorithm", (2, 5, 7, 11))
on_state("floats", (1.0, 5, 7, 11))


def bounded(label, shape, *parameters, dtype=np.float32, **attrs) -> None:
    names = ("means", "stdevs", "minvals", "maxvals")
    values = {name: np.array(value, dtype) for name, value in zip(names, parameters)}
    CASES.append(
        case(
            "ParameterizedTruncatedNormal", _label=label, _runs=2, shape=i32(*shape), **values, seed=5, seed2=6, **attrs
        )
    )


for dtype in (np.float16, np.float32, np.float64):
    name = np.dtype(dtype).name
    bounded(name, (13,), 0, 1, -2, 2, dtype=dtype)
    bounded(name, (2, 20), 1, 0.5, 1.2, 1.5, dtype=dtype)
    bounded(name, (3, 7), [0, 1, 2], [1, 2, 3], [-9, 5, -1], [9, 30, 1.5], dtype=dtype)
bounded("lower", (3, 5), 0, 1, 1.5, np.inf)
bounded("upper", (3, 5), 0, 1, -np.inf, -1.5)
bounded("mixed", (2, 5), [0], 1, [-1.5, 1], 3)
bounded("empty", (0, 5), 0, 1, -2, 2)
bounded("bounds", (3,), 0, 1, 2, 1)
bounded("deviation", (3,), 0, 0, -1, 1)
bounded("unbounded", (3,), 0, 1, -np.inf, np.inf)
bounded("rank", (3,), [[0]], 1, -2, 2)
bounded("size", (3,), [0, 1], 1, -2, 2)
bounded("shape", (), 0, 1, -2, 2)
CASES += graph_cases()
