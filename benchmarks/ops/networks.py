"""Rows of neural networks, matrices, signals and random numbers."""

from __future__ import annotations

import numpy as np

from benchmarks.ops.inputs import (
    HALVES,
    applied,
    graph_row,
    ints,
    later,
    normal,
    quantized,
    row,
    uniform,
)
from tests.values import i32

I32, F32 = np.int32, np.float32
SAME = {"strides": [1, 1, 1, 1], "padding": "SAME"}
IMAGE, FILTER = normal(1, 56, 56, 64), normal(3, 3, 64, 64)

row("Conv2D", input=IMAGE, filter=FILTER, **SAME)
for dtype in HALVES:
    row("Conv2D", dtype, input=normal(1, 56, 56, 64, dtype=dtype), filter=normal(3, 3, 64, 64, dtype=dtype), **SAME)
row("Conv3D", input=normal(1, 16, 32, 32, 16), filter=normal(3, 3, 3, 16, 32), strides=[1] * 5, padding="SAME")
row("Conv2DBackpropInput", input_sizes=i32(1, 56, 56, 64), filter=FILTER, out_backprop=IMAGE, **SAME)
row("Conv2DBackpropFilter", input=IMAGE, filter_sizes=i32(3, 3, 64, 64), out_backprop=IMAGE, **SAME)
row(
    "Conv3DBackpropInputV2", input_sizes=i32(1, 16, 32, 32, 16), filter=normal(3, 3, 3, 16, 32),
    out_backprop=normal(1, 16, 32, 32, 32), strides=[1] * 5, padding="SAME",
)  # fmt: skip
row("DepthwiseConv2dNative", input=normal(1, 112, 112, 64), filter=normal(3, 3, 64, 1), **SAME)
for dtype in HALVES:
    row(
        "DepthwiseConv2dNative", dtype, input=normal(1, 112, 112, 64, dtype=dtype),
        filter=normal(3, 3, 64, 1, dtype=dtype), **SAME,
    )  # fmt: skip
row("Dilation2D", input=normal(1, 64, 64, 16), filter=normal(3, 3, 16), rates=[1, 1, 1, 1], **SAME)
POOL = {"ksize": [1, 3, 3, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}
BIG = normal(1, 112, 112, 64)
row("AvgPool", value=BIG, **POOL)
row("MaxPool", input=BIG, **POOL)
for dtype in HALVES:
    row("AvgPool", dtype, value=normal(1, 112, 112, 64, dtype=dtype), **POOL)
    row("MaxPool", dtype, input=normal(1, 112, 112, 64, dtype=dtype), **POOL)
row("MaxPoolV2", input=BIG, ksize=i32(1, 3, 3, 1), strides=i32(1, 2, 2, 1), padding="SAME")
row("MaxPoolWithArgmax", input=BIG, **POOL)
POOL3 = {"ksize": [1, 2, 2, 2, 1], "strides": [1, 2, 2, 2, 1], "padding": "SAME"}
row("AvgPool3D", input=normal(1, 32, 32, 32, 32), **POOL3)
row("MaxPool3D", input=normal(1, 32, 32, 32, 32), **POOL3)


@graph_row("MaxPoolGrad", x=BIG, grad=normal(1, 56, 56, 64))
def max_pool_grad(tf, x, grad):
    return tf.raw_ops.MaxPoolGrad(orig_input=x, orig_output=tf.raw_ops.MaxPool(input=x, **POOL), grad=grad, **POOL)


row("FractionalMaxPool", value=normal(4, 64, 64, 16), pooling_ratio=[1.0, 1.44, 1.73, 1.0])
CHANNELS = {name: uniform(0.5, 1.5, 64) for name in ("scale", "offset", "mean", "variance")}
NONE = {"mean": F32([]), "variance": F32([])}
for op in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"):
    row(op, x=BIG, **CHANNELS, is_training=False)
row("FusedBatchNormV3", "training", x=BIG, **{**CHANNELS, **NONE}, is_training=True)
row("FusedBatchNormV3", "float16", x=normal(1, 112, 112, 64, dtype="float16"), **CHANNELS, is_training=False)
row("LRN", input=normal(1, 56, 56, 64))

row("MatMul", a=normal(512, 512), b=normal(512, 512))
row("MatMul", "transposed", a=normal(512, 512), b=normal(512, 512), transpose_b=True)
row("MatMul", "vector", a=normal(1, 2048), b=normal(2048, 2048))
row("MatMul", "int32", a=ints(0, 9, 256, 256), b=ints(0, 9, 256, 256))
for dtype in HALVES:
    row("MatMul", dtype, a=normal(512, 512, dtype=dtype), b=normal(512, 512, dtype=dtype))
    row("BatchMatMulV2", dtype, x=normal(12, 128, 64, dtype=dtype), y=normal(12, 64, 128, dtype=dtype))
for op in ("BatchMatMul", "BatchMatMulV2"):
    row(op, x=normal(12, 128, 64), y=normal(12, 64, 128))
row("BatchMatMulV3", x=normal(12, 128, 64), y=normal(12, 64, 128), Tout="float32")
row("SparseMatMul", a=normal(512, 512), b=normal(512, 512), a_is_sparse=True)
row("Einsum", inputs=[normal(8, 128, 12, 64), normal(8, 128, 12, 64)], equation="bqhd,bkhd->bhqk")
row("Einsum", "bert", inputs=[normal(8, 128, 768), normal(768, 12, 64)], equation="abc,cde->abde")
for dtype in HALVES:
    row(
        "Einsum", dtype, inputs=[normal(2, 64, 12, 64, dtype=dtype), normal(2, 64, 12, 64, dtype=dtype)],
        equation="bqhd,bkhd->bhqk",
    )  # fmt: skip


@graph_row("XlaDotV2", x=normal(256, 256), y=normal(256, 256))
def xla_dot(tf, x, y):
    from tensorflow.compiler.tf2xla.ops import gen_xla_ops

    @tf.function(jit_compile=True)
    def dot(x, y):
        return gen_xla_ops.xla_dot_v2(
            lhs=x, rhs=y, dimension_numbers=bytes([10, 1, 1, 18, 1, 0]), precision_config=b"",
            preferred_element_type=tf.float32,
        )  # fmt: skip

    return dot(tf.ensure_shape(x, [256, 256]), tf.ensure_shape(y, [256, 256]))


@graph_row("XlaConvV2", x=normal(8, 32, 56, 56), kernel=normal(64, 32, 3, 3))
def xla_conv(tf, x, kernel):
    from tensorflow.compiler.tf2xla.python import xla
    from tensorflow.compiler.xla import xla_data_pb2

    numbers = xla_data_pb2.ConvolutionDimensionNumbers(
        input_feature_dimension=1,
        input_spatial_dimensions=[2, 3],
        kernel_input_feature_dimension=1,
        kernel_spatial_dimensions=[2, 3],
        output_feature_dimension=1,
        output_spatial_dimensions=[2, 3],
    )

    @tf.function(jit_compile=True)
    def compiled(x, kernel):
        return xla.conv(x, kernel, [1, 1], [[1, 1], [1, 1]], [1, 1], [1, 1], numbers, use_v2=True)

    return compiled(tf.ensure_shape(x, [8, 32, 56, 56]), tf.ensure_shape(kernel, [64, 32, 3, 3]))


@graph_row("XlaGather", x=normal(10_000, 100), starts=ints(0, 10_000, 10_000, 1))
def xla_gather(tf, x, starts):
    from tensorflow.compiler.tf2xla.python import xla
    from tensorflow.compiler.xla import xla_data_pb2

    numbers = xla_data_pb2.GatherDimensionNumbers(
        offset_dims=[1], collapsed_slice_dims=[0], start_index_map=[0], index_vector_dim=1
    )

    @tf.function(jit_compile=True)
    def compiled(x, starts):
        return xla.gather(x, starts, numbers, [1, 100], False)

    return compiled(tf.ensure_shape(x, [10_000, 100]), tf.ensure_shape(starts, [10_000, 1]))


@graph_row("XlaReduceWindow", x=normal(1000, 1000))
def xla_window(tf, x):
    from tensorflow.compiler.tf2xla.python import xla

    scalar = tf.TensorSpec([], tf.float32)
    function = tf.function(lambda a, b: tf.maximum(a, b)).get_concrete_function(scalar, scalar)

    @tf.function(jit_compile=True)
    def compiled(x):
        return xla.reduce_window(x, -np.inf, function, [2, 2], [2, 2], [1, 1], [1, 1], padding=[[0, 0], [0, 0]])

    return compiled(tf.ensure_shape(x, [1000, 1000]))


@graph_row("XlaDynamicSlice", x=normal(1000, 1000), starts=i32(10, 20))
def xla_slice(tf, x, starts):
    from tensorflow.compiler.tf2xla.python import xla

    @tf.function(jit_compile=True)
    def compiled(x, starts):
        return xla.dynamic_slice(x, starts, [500, 500])

    return compiled(tf.ensure_shape(x, [1000, 1000]), tf.ensure_shape(starts, [2]))


@graph_row("XlaDynamicUpdateSlice", x=normal(1000, 1000), y=normal(500, 500), starts=i32(10, 20))
def xla_update(tf, x, y, starts):
    from tensorflow.compiler.tf2xla.python import xla

    @tf.function(jit_compile=True)
    def compiled(x, y, starts):
        return xla.dynamic_update_slice(x, y, starts)

    return compiled(tf.ensure_shape(x, [1000, 1000]), tf.ensure_shape(y, [500, 500]), tf.ensure_shape(starts, [2]))


@later
def regular(*shape: int) -> np.ndarray:
    """Well-conditioned matrices."""
    return (np.random.default_rng(1).random(shape) + np.eye(*shape[-2:]) * shape[-1]).astype(F32)


@later
def positive(*shape: int) -> np.ndarray:
    a = regular(*shape)()
    return (a @ a.swapaxes(-1, -2)).astype(F32)


row("Cholesky", input=positive(256, 256))
row("Cholesky", "batch", input=positive(1000, 8, 8))
for op in ("MatrixInverse", "MatrixDeterminant", "LogMatrixDeterminant", "Lu"):
    row(op, input=regular(256, 256))
    row(op, "batch", input=regular(1000, 8, 8))
row("Qr", input=regular(256, 256))
row("Qr", "batch", input=regular(1000, 8, 8))
row("Svd", input=regular(128, 128))
row("Svd", "batch", input=regular(1000, 8, 8))
row("SelfAdjointEigV2", input=positive(128, 128))
row("SelfAdjointEigV2", "batch", input=positive(1000, 8, 8))
row("Eig", input=regular(100, 100), Tout="complex64")
row("MatrixLogarithm", input=applied(lambda a: a.astype(np.complex64), regular(64, 64)))
row("MatrixSquareRoot", input=regular(64, 64))
row("MatrixSolve", matrix=regular(256, 256), rhs=normal(256, 64))
row("MatrixSolve", "batch", matrix=regular(1000, 8, 8), rhs=normal(1000, 8, 2))
row("MatrixSolveLs", matrix=regular(256, 128), rhs=normal(256, 64), l2_regularizer=np.float64(0))
row("MatrixTriangularSolve", matrix=regular(256, 256), rhs=normal(256, 64))
row("MatrixTriangularSolve", "batch", matrix=regular(1000, 8, 8), rhs=normal(1000, 8, 2))
row("BandedTriangularSolve", matrix=uniform(1, 2, 4, 10_000), rhs=normal(10_000, 4))
row("TridiagonalSolve", diagonals=uniform(1, 2, 3, 10_000), rhs=normal(10_000, 4))

row("FFT", input=normal(1000, 1024, dtype="complex64"))
row("IFFT", input=normal(1000, 1024, dtype="complex64"))
row("FFT2D", input=normal(16, 256, 256, dtype="complex64"))
row("IFFT2D", input=normal(16, 256, 256, dtype="complex64"))
row("FFT3D", input=normal(64, 64, 64, dtype="complex64"))
row("IFFT3D", input=normal(64, 64, 64, dtype="complex64"))
row("RFFT", input=normal(1000, 1024), fft_length=i32(1024))
row("RFFT", "odd", input=normal(1000, 1000), fft_length=i32(999))
row("IRFFT", input=normal(1000, 513, dtype="complex64"), fft_length=i32(1024))
row("RFFT2D", input=normal(16, 256, 256), fft_length=i32(256, 256))
row("IRFFT2D", input=normal(16, 256, 129, dtype="complex64"), fft_length=i32(256, 256))
row("IRFFT3D", input=normal(64, 64, 33, dtype="complex64"), fft_length=i32(64, 64, 64))

X, STEPS, BATCH, UNITS = 128, 50, 16, 128
CELL = {
    "cs_prev": normal(BATCH, UNITS), "h_prev": normal(BATCH, UNITS), "w": normal(X + UNITS, 4 * UNITS),
    "wci": normal(UNITS), "wcf": normal(UNITS), "wco": normal(UNITS), "b": normal(4 * UNITS),
}  # fmt: skip
row("LSTMBlockCell", x=normal(BATCH, X), **CELL)
row("BlockLSTM", seq_len_max=np.int64(STEPS), x=normal(STEPS, BATCH, X), **CELL)
row(
    "GRUBlockCell", x=normal(BATCH, X), h_prev=normal(BATCH, UNITS), w_ru=normal(X + UNITS, 2 * UNITS),
    w_c=normal(X + UNITS, UNITS), b_ru=normal(2 * UNITS), b_c=normal(UNITS),
)  # fmt: skip
row("CTCGreedyDecoder", inputs=normal(200, 16, 30), sequence_length=ints(100, 201, 16), merge_repeated=True)
row(
    "CTCBeamSearchDecoder", inputs=normal(100, 4, 30), sequence_length=ints(50, 101, 4), beam_width=20, top_paths=1,
)  # fmt: skip
row(
    "CTCBeamSearchDecoder",
    "wide",
    inputs=normal(50, 2, 30),
    sequence_length=ints(40, 51, 2),
    beam_width=100,
    top_paths=1,
)
row(
    "CTCLoss", inputs=normal(200, 16, 30), sequence_length=np.full(16, 200, I32), labels_values=ints(0, 29, 16 * 40),
    labels_indices=applied(lambda: np.stack(np.divmod(np.arange(16 * 40), 40), 1).astype(np.int64)),
)  # fmt: skip

MINMAX = {"min_range": F32(-3), "max_range": F32(3)}
row("QuantizeV2", input=normal(1_000_000), **MINMAX, T="quint8")
row("QuantizeV2", "SCALED", input=normal(1_000_000), **MINMAX, T="qint8", mode="SCALED")
row("Dequantize", input=quantized(0, 256, 1_000_000), **MINMAX)
row("FakeQuantWithMinMaxArgs", inputs=normal(1_000_000))
row("FakeQuantWithMinMaxVars", inputs=normal(1_000_000), min=F32(-2), max=F32(2))
row("FakeQuantWithMinMaxVarsPerChannel", inputs=normal(10_000, 100), min=uniform(-3, -1, 100), max=uniform(1, 3, 100))
RANGE = {"input_min": F32(-2), "input_max": F32(2)}
row("QuantizeAndDequantizeV2", input=normal(1_000_000), **RANGE, range_given=True)
row("QuantizeAndDequantizeV3", input=normal(1_000_000), **RANGE, num_bits=I32(8), range_given=False)
row("QuantizeAndDequantizeV4", input=normal(1_000_000), **RANGE, range_given=True)
QUANTIZED_RANGES = {
    "min_input": F32(-1), "max_input": F32(1), "min_filter": F32(-1), "max_filter": F32(1),
}  # fmt: skip
row(
    "QuantizedConv2D", input=quantized(0, 256, 1, 56, 56, 32), filter=quantized(0, 256, 3, 3, 32, 32),
    **QUANTIZED_RANGES, **SAME,
)  # fmt: skip
row("QuantizedMaxPool", input=quantized(0, 256, 1, 112, 112, 32), min_input=F32(-1), max_input=F32(1), **POOL)
row("QuantizedRelu", features=quantized(0, 256, 1_000_000), min_features=F32(-1), max_features=F32(1))
row(
    "QuantizedMatMul", a=quantized(0, 256, 256, 256), b=quantized(0, 256, 256, 256), min_a=F32(-1), max_a=F32(1),
    min_b=F32(-1), max_b=F32(1),
)  # fmt: skip
ACCUMULATED = {"input": quantized(-(10**6), 10**6, 1_000_000, dtype="qint32"), **RANGE}
row("RequantizationRange", **ACCUMULATED)
row("Requantize", **ACCUMULATED, requested_output_min=F32(-1), requested_output_max=F32(1), out_type="quint8")


def bounds(*sides: str) -> dict[str, int]:
    return {f"{side}quantization_{end}_val": value for side in sides for end, value in (("min", -128), ("max", 127))}


row("UniformQuantize", input=normal(1_000_000), scales=F32(0.1), zero_points=I32(3), Tout="qint8", **bounds(""))
row(
    "UniformDequantize", input=quantized(-128, 128, 1_000_000, dtype="qint8"), scales=F32(0.1), zero_points=I32(3),
    Tout="float32", **bounds(""),
)  # fmt: skip
Q8 = quantized(-128, 128, 256, 256, dtype="qint8")
row(
    "UniformQuantizedDot", lhs=Q8, rhs=Q8, lhs_scales=F32(0.1), lhs_zero_points=I32(1), rhs_scales=F32(0.1),
    rhs_zero_points=I32(0), output_scales=F32(0.1), output_zero_points=I32(0), Tout="qint32", **bounds("lhs_", "rhs_"),
    output_quantization_min_val=-(2**31), output_quantization_max_val=2**31 - 1,
)  # fmt: skip
row(
    "UniformQuantizedDotHybrid", lhs=normal(256, 256), rhs=Q8, rhs_scales=F32(0.1), rhs_zero_points=I32(0),
    Tout="float32", **bounds("rhs_"),
)  # fmt: skip

SHAPE, SEED = i32(1000, 1000), i32(1, 2)
KEY = {"key": np.array([5], np.uint64), "counter": np.array([1, 2], np.uint64), "alg": I32(1)}
row("Multinomial", logits=normal(100, 100), num_samples=I32(100), seed=1)
row("StatelessMultinomial", logits=normal(100, 100), num_samples=I32(100), seed=SEED)
row("RandomShuffle", value=normal(100_000), seed=1)
row("StatelessShuffle", value=normal(100_000), **KEY)
for op in ("RandomStandardNormal", "RandomUniform", "TruncatedNormal"):
    row(op, shape=SHAPE, dtype="float32", seed=1)
row("RandomUniformInt", shape=SHAPE, minval=I32(0), maxval=I32(1000), seed=1)
row("StatelessRandomGetKeyCounter", seed=SEED)
for op in ("StatelessRandomNormal", "StatelessRandomUniform", "StatelessTruncatedNormal"):
    row(op, shape=SHAPE, seed=SEED)
    row(f"{op}V2", shape=SHAPE, **KEY)
    for dtype in HALVES:
        row(f"{op}V2", dtype, shape=SHAPE, **KEY, dtype=dtype)
row("StatelessRandomUniformFullIntV2", shape=SHAPE, **KEY, dtype="int32")
row("StatelessRandomUniformInt", shape=SHAPE, seed=SEED, minval=I32(0), maxval=I32(1000))
row("StatelessRandomUniformIntV2", shape=SHAPE, **KEY, minval=I32(0), maxval=I32(1000))
row(
    "StatelessParameterizedTruncatedNormal", shape=i32(100_000), seed=SEED, means=F32(0), stddevs=F32(1),
    minvals=F32(-1), maxvals=F32(1),
)  # fmt: skip
row("StatelessRandomBinomial", shape=i32(100_000), seed=SEED, counts=F32(20), probs=F32(0.3), dtype="float32")
row("StatelessRandomGammaV3", shape=i32(100_000), **KEY, alpha=F32(2.5))
row("StatelessRandomPoisson", shape=i32(100_000), seed=SEED, lam=F32(4), dtype="float32")
BOX = {"image_size": i32(480, 640, 3), "bounding_boxes": np.array([[[0.1, 0.2, 0.8, 0.9]]], F32)}
row("SampleDistortedBoundingBox", **BOX, seed=3, seed2=4)
row("SampleDistortedBoundingBoxV2", **BOX, seed=3, seed2=4, min_object_covered=F32(0.3))
row("StatelessSampleDistortedBoundingBox", **BOX, min_object_covered=F32(0.3), seed=SEED)
