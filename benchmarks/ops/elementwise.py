"""Rows of ops that work element by element, of reductions and of scans."""

from __future__ import annotations

import numpy as np

from benchmarks.ops.inputs import HALVES, MILLION, bools, graph_row, ints, normal, ordered, row, uniform

I32 = np.int32
# Names of ops, separated by spaces.
UNARY = (
    "Abs Acos Asin Asinh Atan Atanh Ceil Cos Cosh Erf Erfc Exp Expm1 Floor IsFinite IsInf IsNan Neg OnesLike Rint "
    "Round Sigmoid Sign Sin Sinh Square Tan Tanh ZerosLike BesselI0 BesselI0e BesselI1 BesselI1e BesselJ0 BesselJ1 "
    "Dawsn Expint FresnelCos FresnelSin"
)
POSITIVE = (
    "Inv Lgamma Log Log1p Reciprocal Rsqrt Sqrt Digamma BesselK0 BesselK0e BesselK1 BesselK1e BesselY0 BesselY1 Spence"
)
HALF_TOO = "Abs Exp Sigmoid Tanh Erf Neg Rsqrt Sqrt Square Log Floor Round Ceil Sin Cos Sign IsNan Log1p Expm1"
for op in UNARY.split():
    row(op, x=uniform(-0.99, 0.99, MILLION))
for op in POSITIVE.split():
    row(op, x=uniform(0.1, 5, MILLION))
for dtype in HALVES:
    for op in HALF_TOO.split():
        row(op, dtype, x=uniform(0.1, 0.99, MILLION, dtype=dtype))
row("Acosh", x=uniform(1, 5, MILLION))
row("Erfinv", x=uniform(-0.99, 0.99, MILLION))
row("Ndtri", x=uniform(0.01, 0.99, MILLION))
for op in ("Elu", "LeakyRelu", "Relu", "Relu6", "Selu", "Softplus", "Softsign"):
    row(op, features=normal(MILLION))
    for dtype in HALVES:
        row(op, dtype, features=normal(MILLION, dtype=dtype))
for op in ("Angle", "Conj", "Imag", "Real"):
    row(op, input=normal(MILLION, dtype="complex64"))
row("ComplexAbs", x=normal(MILLION, dtype="complex64"))
row("Complex", real=normal(MILLION), imag=normal(MILLION))
row("LogicalNot", x=bools(MILLION))
row("Invert", x=ints(-100, 100, MILLION))
row("PopulationCount", x=ints(0, 1 << 30, MILLION))
row("ToBool", input=normal(3))
row("Snapshot", input=normal(MILLION))
row("CheckNumerics", tensor=normal(MILLION), message="")
row("CheckNumericsV2", tensor=normal(MILLION), message="")
for dtype in HALVES:
    row("CheckNumerics", dtype, tensor=normal(MILLION, dtype=dtype), message="")

BINARY = (
    "Add AddV2 ApproximateEqual Div DivNoNan Equal FloorDiv Greater GreaterEqual Less LessEqual Maximum Minimum Mul "
    "MulNoNan NotEqual Pow RealDiv SquaredDifference Sub Xdivy Xlog1py Xlogy FloorMod Mod TruncateMod"
)
for op in BINARY.split():
    row(op, x=uniform(0.1, 3, MILLION), y=uniform(0.1, 3, MILLION))
    if op not in ("ApproximateEqual", "Xlogy", "Xlog1py", "Xdivy"):
        for dtype in HALVES:
            if op not in ("TruncateMod", "Mod") and (op, dtype) != ("FloorMod", "float16"):
                row(op, dtype, x=uniform(0.1, 3, MILLION, dtype=dtype), y=uniform(0.1, 3, MILLION, dtype=dtype))
for op in ("AddV2", "Mul", "FloorDiv", "FloorMod", "TruncateDiv", "Maximum", "Equal", "Pow", "SquaredDifference"):
    for dtype in ("int32", "int64", "uint8"):
        if dtype == "uint8" and op in ("Pow", "SquaredDifference"):
            continue
        row(op, dtype, x=ints(1, 15, MILLION, dtype=dtype), y=ints(1, 5, MILLION, dtype=dtype))
row("TruncateDiv", x=ints(1, 1000, MILLION), y=ints(1, 50, MILLION))
row("AddV2", "rows", x=normal(1000, 1000), y=normal(1000))
row("Mul", "columns", x=normal(1000, 1000), y=normal(1000, 1))
row("Atan2", y=normal(MILLION), x=normal(MILLION))
row("NextAfter", x1=normal(MILLION), x2=normal(MILLION))
for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
    row(op, x=ints(0, 1000, MILLION), y=ints(0, 1000, MILLION))
for op in ("LeftShift", "RightShift"):
    row(op, x=ints(0, 1000, MILLION), y=ints(0, 8, MILLION))
for op in ("LogicalAnd", "LogicalOr"):
    row(op, x=bools(MILLION), y=bools(MILLION))
for op in ("Igamma", "Igammac"):
    row(op, a=uniform(0.5, 5, 100_000), x=uniform(0.5, 5, 100_000))
row("Polygamma", a=ints(1, 4, 100_000, dtype="float32"), x=uniform(0.5, 5, 100_000))
row("Zeta", x=uniform(1.5, 5, 100_000), q=uniform(0.5, 5, 100_000))
row("Betainc", a=uniform(0.5, 5, 100_000), b=uniform(0.5, 5, 100_000), x=uniform(0.01, 0.99, 100_000))
row("ClipByValue", t=normal(MILLION), clip_value_min=np.float32(-1), clip_value_max=np.float32(1))
row("ReluGrad", gradients=normal(MILLION), features=normal(MILLION))
row("TanhGrad", y=uniform(-0.9, 0.9, MILLION), dy=normal(MILLION))
row("AddN", inputs=[normal(MILLION), normal(MILLION), normal(MILLION)])
for dtype in HALVES:
    row("AddN", dtype, inputs=[normal(MILLION, dtype=dtype), normal(MILLION, dtype=dtype)])
row("SelectV2", condition=bools(MILLION), t=normal(MILLION), e=normal(MILLION))
row("SelectV2", "rows", condition=bools(1000, 1), t=normal(1000, 1000), e=np.float32(0))
for dtype in HALVES:
    row("SelectV2", dtype, condition=bools(MILLION), t=normal(MILLION, dtype=dtype), e=normal(MILLION, dtype=dtype))
row("Cross", a=normal(300_000, 3), b=normal(300_000, 3))

CASTS = (
    ("float32", "int32"), ("float32", "uint8"), ("float32", "bool"), ("float32", "float16"), ("float16", "float32"),
    ("float32", "bfloat16"), ("bfloat16", "float32"), ("float64", "float32"), ("int32", "float32"),
    ("uint8", "float32"),
    ("int64", "int32"), ("int32", "bool"), ("float16", "int32"), ("bfloat16", "int32"), ("float32", "int64"),
    ("float64", "int64"), ("int64", "float64"), ("float16", "bfloat16"),
)  # fmt: skip
for source, target in CASTS:
    made = uniform(0, 100, MILLION, dtype=source)
    row("Cast", f"{source} to {target}", x=made, DstT=target)
row("Cast", x=normal(MILLION), DstT="int8")
row("Bitcast", input=normal(MILLION), type="int32")

for op in ("Max", "Mean", "Min", "Prod", "Sum", "EuclideanNorm"):
    for axis in (0, 1):
        row(op, f"axis {axis}", input=normal(1000, 1000), axis=I32(axis))
    row(op, "all", input=normal(1000, 1000), axis=np.arange(2, dtype=I32))
    row(op, "middle", input=normal(100, 100, 100), axis=I32(1))
    row(op, "int32", input=ints(1, 3, 1000, 1000), axis=I32(1))
    for dtype in HALVES:
        row(op, f"{dtype} axis 1", input=normal(1000, 1000, dtype=dtype), axis=I32(1))
        row(op, f"{dtype} axis 0", input=normal(1000, 1000, dtype=dtype), axis=I32(0))
for op in ("All", "Any"):
    row(op, "rows", input=bools(1000, 1000), axis=I32(1))
    row(op, "columns", input=bools(1000, 1000), axis=I32(0))
for op in ("ArgMax", "ArgMin"):
    row(op, "rows", input=normal(1000, 1000), dimension=I32(1))
    row(op, "columns", input=normal(1000, 1000), dimension=I32(0))
    for dtype in HALVES:
        row(op, dtype, input=normal(1000, 1000, dtype=dtype), dimension=I32(1))
for op in ("Cumprod", "Cumsum", "CumulativeLogsumexp"):
    row(op, "rows", x=uniform(0.9, 1.1, 1000, 1000), axis=I32(1))
    row(op, "columns", x=uniform(0.9, 1.1, 1000, 1000), axis=I32(0))
    row(op, "exclusive", x=uniform(0.9, 1.1, 1000, 1000), axis=I32(1), exclusive=True, reverse=True)
    for dtype in HALVES:
        row(op, dtype, x=uniform(0.9, 1.1, 1000, 1000, dtype=dtype), axis=I32(1))
row("Cumsum", "int64", x=ints(0, 5, MILLION, dtype="int64"), axis=I32(0))
row("L2Loss", t=normal(MILLION))
for op in ("Softmax", "LogSoftmax"):
    row(op, logits=normal(1000, 1000))
    for dtype in HALVES:
        row(op, dtype, logits=normal(1000, 1000, dtype=dtype))
row("SoftmaxCrossEntropyWithLogits", features=normal(1000, 1000), labels=uniform(0, 0.01, 1000, 1000))
row("SparseSoftmaxCrossEntropyWithLogits", features=normal(1000, 1000), labels=ints(0, 1000, 1000))
row("BiasAdd", value=normal(100, 100, 100), bias=normal(100))
row("BiasAdd", "NCHW", value=normal(10, 100, 100, 10), bias=normal(100), data_format="NCHW")
row("BiasAddV1", value=normal(100, 100, 100), bias=normal(100))
for dtype in HALVES:
    row("BiasAdd", dtype, value=normal(100, 100, 100, dtype=dtype), bias=normal(100, dtype=dtype))

row("LinSpace", start=np.float32(0), stop=np.float32(1), num=I32(MILLION))
row("Range", start=I32(0), limit=I32(MILLION), delta=I32(1))
row("Range", "float32", start=np.float32(0), limit=np.float32(100_000), delta=np.float32(0.1))
row("Bucketize", input=uniform(0, 100, MILLION), boundaries=[float(n) for n in range(100)])
row("LowerBound", sorted_inputs=ordered(0, MILLION, 1, 100_000), values=ints(0, MILLION, 1, MILLION))
row("UpperBound", sorted_inputs=ordered(0, 1000, 1000, 100), values=ints(0, 1000, 1000, 100))
row("HistogramFixedWidth", values=normal(MILLION), value_range=np.array([-1, 1], np.float32), nbins=I32(100))


@graph_row("Select", condition=bools(MILLION), x=normal(MILLION), y=normal(MILLION))
def select(tf, condition, x, y):
    return tf.raw_ops.Select(condition=condition, x=x, y=y)
