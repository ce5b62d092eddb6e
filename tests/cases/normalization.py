"""Cases of batch normalisation and local response normalisation."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from tests.cases import case, graph_case, graph_cases

rng = np.random.default_rng(44)


def fused(op, dtype=np.float32, shape=(2, 3, 4, 5), label="", vectors=None, **attrs):
    """A graph of one batch norm: the outputs that TensorFlow leaves uninitialised are not fetched."""
    channels = shape[1] if attrs.get("data_format", "").startswith("NC") else shape[-1]
    names = ("scale", "offset", "mean", "variance")
    made = {name: rng.random(channels, np.float32) + np.float32(0.5) for name in names}
    training = attrs.get("is_training", True)
    if training and attrs.get("exponential_avg_factor", 1.0) == 1.0:
        made["mean"] = made["variance"] = np.zeros(0, np.float32)
    made |= vectors or {}

    # y of some elements is near zero, where it is held to the rounding of the terms that cancel there.
    near = 4 * float(ml_dtypes.finfo(dtype).eps)
    x = rng.standard_normal(shape).astype(dtype) * 2

    @graph_case("-".join((op, *filter(None, [label]))), _op=op, _atol=near, x=x, **made)
    def build(tf, x, **vectors):
        outputs = getattr(tf.raw_ops, op)(x=x, **vectors, **attrs)
        fetched = list(outputs[: 5 if training and 0 not in shape else 3])
        return fetched + ([tf.shape(outputs[5])] if len(outputs) > 5 else [])


fused("FusedBatchNorm", is_training=False)
fused("FusedBatchNorm", epsilon=0.01)
fused("FusedBatchNorm", shape=(2, 5, 3, 4), data_format="NCHW", is_training=False)
for op in ("FusedBatchNormV2", "FusedBatchNormV3"):
    for dtype in (np.float16, ml_dtypes.bfloat16, np.float32):
        fused(op, dtype, is_training=False)
        fused(op, dtype, is_training=False, epsilon=0.1)
        fused(op, dtype)
        fused(op, dtype, exponential_avg_factor=0.25)
op = "FusedBatchNormV3"
fused(op, shape=(2, 5, 3, 4), data_format="NCHW", is_training=False)
fused(op, shape=(2, 5, 3, 4), data_format="NCHW")
fused(op, shape=(2, 2, 3, 4, 3), data_format="NDHWC", is_training=False)
fused(op, shape=(2, 2, 3, 4, 3), data_format="NDHWC")
fused(op, shape=(2, 3, 3, 4, 2), data_format="NCDHW", is_training=False)
fused(op, shape=(1, 60, 70, 33), is_training=False, label="large")
fused(op, shape=(1, 1, 1, 3), label="one element")
fused(op, shape=(0, 3, 3, 2), is_training=False, label="empty")
fused(op, shape=(0, 3, 3, 2), label="empty training")
fused(op, shape=(3, 3, 2), is_training=False, label="rank")
fused(op, is_training=False, label="scale length", vectors={"scale": np.ones(4, np.float32)})
fused(op, is_training=False, label="offset rank", vectors={"offset": np.ones((5, 1), np.float32)})
fused(op, is_training=False, label="no mean", vectors={"mean": np.ones(0, np.float32)})
fused(op, is_training=False, label="variance length", vectors={"variance": np.ones(6, np.float32)})
fused(op, is_training=True, label="mean length", vectors={"mean": np.ones(4, np.float32)})
fused(op, is_training=True, label="mean rank", vectors={"mean": np.ones((), np.float32)})
fused(
    op,
    is_training=False,
    label="negative variance",
    vectors={"variance": np.array([-1, 0.25, 1, 2, np.nan], np.float32)},
)
fused(op, is_training=True, exponential_avg_factor=0.0, label="factor 0")


CASES = []


def global_normalization(dtype, scaled, label="", **changed):
    inputs = {"t": rng.standard_normal((2, 2, 3, 3)).astype(dtype)}
    inputs |= {name: rng.random(3).astype(dtype) + dtype(0.5) for name in ("m", "v", "beta", "gamma")}
    name = "-".join(("BatchNormWithGlobalNormalization", *filter(None, [label])))

    @graph_case(name, _op="BatchNormWithGlobalNormalization", _atol=4 * float(np.finfo(dtype).eps), **inputs | changed)
    def build(tf, **inputs):
        # The op is refused in graphs of version 9 and above, so it comes in by a graph of version 8.
        definition = tf.compat.v1.GraphDef(versions={"producer": 8})
        for key in inputs:
            node = definition.node.add(name=f"in_{key}", op="Placeholder")
            node.attr["dtype"].type = tf.as_dtype(dtype).as_datatype_enum
        node = definition.node.add(name="normalized", op="BatchNormWithGlobalNormalization")
        node.input.extend(f"in_{key}" for key in inputs)
        node.attr["T"].type = tf.as_dtype(dtype).as_datatype_enum
        node.attr["variance_epsilon"].f = 0.01
        node.attr["scale_after_normalization"].b = scaled
        mapped = {f"in_{key}:0": tensor for key, tensor in inputs.items()}
        return tf.import_graph_def(definition, mapped, ["normalized:0"], name="")


for dtype in (np.float16, np.float32, np.float64):
    global_normalization(dtype, True)
    global_normalization(dtype, False)
global_normalization(np.float32, True, "rank", t=np.ones((2, 3), np.float32))
global_normalization(np.float32, True, "gamma", gamma=np.ones((1, 3), np.float32))

for dtype in (np.float16, np.float32):
    CASES += [
        case(
            "LRN",
            input=rng.standard_normal((1, 2, 3, 9)).astype(dtype),
            depth_radius=2,
            bias=1.0,
            alpha=0.25,
            beta=0.75,
        ),
        case("LRN", input=rng.standard_normal((1, 2, 3, 4)).astype(dtype)),
        case(
            "LRN", input=rng.standard_normal((2, 1, 3, 4)).astype(dtype), depth_radius=9, bias=2.0, alpha=1e-3, beta=1.0
        ),
        case(
            "LRN", input=rng.standard_normal((2, 1, 3, 4)).astype(dtype), depth_radius=1, bias=0.5, alpha=2.0, beta=0.3
        ),
        case("LRN", input=rng.standard_normal((2, 1, 3, 4)).astype(dtype), depth_radius=0),
    ]
CASES += [
    case("LRN", _label="rank", input=np.ones((2, 3), np.float32)),
    case("LRN", _label="empty", input=np.ones((0, 2, 2, 3), np.float32)),
]
CASES += graph_cases()
