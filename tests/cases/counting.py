"""Top-k, bincount, histogram, bucketize and their like."""

from __future__ import annotations

import numpy as np

from tests.cases import case, graph_case, graph_cases
from tests.cases.math import BFLOAT16, FLOATS, INTS, array

rng = np.random.default_rng(5)
TABLE = np.rint(rng.normal(size=(2, 3, 9)) * 3)
REALS = [*FLOATS, *INTS]
NONE = np.zeros(0, np.float32)
VALUES = array("int32", [1, 2, 2, 5, 0, 2])


@graph_case("accumulate", _op="AccumulateNV2", x=array("float32", [1, 2]), y=array("float32", [3, 5]))
def accumulate(tf, x, y):
    return [tf.raw_ops.AccumulateNV2(inputs=[tf.ensure_shape(x, [2]), tf.ensure_shape(y, [2])], shape=[2])]


def approximate(dtype: str, **attrs):
    @graph_case(f"approximate_{dtype}{''.join(attrs)}", _op="ApproxTopK", x=array(dtype, TABLE))
    def approx_top_k(tf, x):
        return tf.raw_ops.ApproxTopK(input=tf.ensure_shape(x, TABLE.shape), k=3, **attrs)


for name in ("float16", BFLOAT16, "float32"):
    approximate(name)
approximate("float32", recall_target=0.5)
approximate("float32", aggregate_to_topk=False)


def top_k() -> list:
    rows = []
    for dtype in REALS:
        rows.append(case("TopKV2", _label=dtype, input=array(dtype, TABLE), k=np.int32(4)))
        rows.append(case("NthElement", _label=dtype, input=array(dtype, TABLE), n=np.int32(3)))
    table = array("float32", TABLE)
    wide = np.rint(rng.normal(size=(3, 100)) * 10).astype(np.float32)
    rows += [
        case("TopKV2", _label=f"{t}_index", input=table, k=np.int32(9), index_type=t)
        for t in ("int16", "int32", "int64")
    ]
    rows += [
        case("TopKV2", _label=f"unsorted_{x.dtype.name}_{x.shape[-1]}_{k}", input=x, k=np.int32(k), sorted=False)
        for x in (table, array(BFLOAT16, TABLE), array("int32", TABLE), wide)
        for k in (1, 2, 5, x.shape[-1] - 1, x.shape[-1])
    ]
    rows += [case("TopKV2", _label=f"{t}_k", input=table, k=array(t, 1)) for t in ("int16", "int32", "int64")]
    rows += [case("TopKV2", _label=f"wide_{k}", input=wide, k=np.int32(k)) for k in (1, 5, 12, 99, 100)]
    rows += [case("TopKV2", _label=f"wide_int_{k}", input=wide.astype(np.int32), k=np.int32(k)) for k in (1, 5)]
    rows += [
        case("TopKV2", _label="special", input=array("float32", [[1, np.inf, -np.inf, 0.0, -0.0, 3]]), k=np.int32(6)),
        case("TopKV2", _label="least_int", input=array("int32", [-(2**31), 5, -(2**31), 2**31 - 1]), k=np.int32(3)),
        case("TopKV2", _label="none", input=table, k=np.int32(0)),
        case("TopKV2", _label="empty", input=table[:0], k=np.int32(2)),
        case("TopKV2", _label="vector", input=table[0, 0], k=np.int32(2)),
        case("TopKV2", _label="too_many", input=table, k=np.int32(10)),
        case("TopKV2", _label="negative", input=table, k=np.int32(-1)),
        case("TopKV2", _label="scalar", input=np.float32(1), k=np.int32(1)),
        case("TopKV2", _label="vector_k", input=table, k=np.array([1], np.int32)),
        case("NthElement", _label="reverse", input=table, n=np.int32(1), reverse=True),
        case("NthElement", _label="vector", input=table[0, 0], n=np.int32(0)),
        case("NthElement", _label="beyond", input=table, n=np.int32(9)),
        case("NthElement", _label="negative", input=table, n=np.int32(-1)),
        case("NthElement", _label="scalar", input=np.float32(1), n=np.int32(0)),
        case("NthElement", _label="vector_n", input=table, n=np.array([1], np.int32)),
        case("NthElement", _label="empty", input=table[:0], n=np.int32(1)),
    ]
    return rows


PREDICTIONS = array("float32", [[1, 2, 3], [1, 2, 2], [np.inf, 1, 0], [1, np.nan, 3], [1, 2, 3], [1, 2, 3]])
TARGETS = array("int32", [0, 1, 1, 2, 5, -1])


def in_top_k() -> list:
    rows = []
    for k in (0, 1, 2, 9):
        rows.append(case("InTopKV2", _label=f"k_{k}", predictions=PREDICTIONS, targets=TARGETS, k=np.int32(k)))
        rows.append(case("InTopK", _label=f"k_{k}", predictions=PREDICTIONS, targets=TARGETS.astype(np.int64), k=k))
    rows.append(
        case("InTopKV2", _label="int64", predictions=PREDICTIONS, targets=TARGETS.astype(np.int64), k=np.int64(2))
    )
    for op, k in (("InTopKV2", np.int32(1)), ("InTopK", 1)):
        rows.append(case(op, _label="lengths", predictions=PREDICTIONS, targets=TARGETS[:2], k=k))
        rows.append(case(op, _label="vector", predictions=PREDICTIONS[0], targets=TARGETS[:3], k=k))
        rows.append(case(op, _label="matrix_of_targets", predictions=PREDICTIONS, targets=TARGETS[:, None], k=k))
        rows.append(case(op, _label="empty", predictions=PREDICTIONS[:0], targets=TARGETS[:0], k=k))
    return rows


def counts() -> list:
    rows = []
    for dtype in ("float32", "float64", "int32", "int64"):
        weights = array(dtype, [1, 2, 3, 4, 5, 6])
        rows.append(case("Bincount", _label=dtype, arr=VALUES, size=np.int32(4), weights=weights))
        rows.append(case("DenseBincount", _label=dtype, input=VALUES, size=np.int32(4), weights=weights))
        rows.append(
            case(
                "DenseBincount",
                _label=f"{dtype}_none",
                input=VALUES.reshape(2, 3),
                size=np.int32(4),
                weights=weights[:0],
            )
        )
    for label, extra in (("none", NONE), ("weights", array("float32", [[1, 2, 3], [4, 5, 6]]))):
        for binary in (False, True):
            rows.append(
                case(
                    "DenseBincount",
                    _label=f"matrix_{label}{'_binary' * binary}",
                    input=VALUES.reshape(2, 3).astype(np.int64),
                    size=np.int64(3),
                    weights=extra,
                    binary_output=binary,
                )
            )
    rows += [
        case("Bincount", _label="none", arr=VALUES, size=np.int32(7), weights=NONE),
        case("Bincount", _label="matrix", arr=VALUES.reshape(2, 3), size=np.int32(3), weights=NONE),
        case("Bincount", _label="no_bins", arr=VALUES, size=np.int32(0), weights=NONE),
        case("Bincount", _label="empty", arr=VALUES[:0], size=np.int32(3), weights=NONE),
        case("Bincount", _label="negative", arr=-VALUES, size=np.int32(3), weights=NONE),
        case("Bincount", _label="negative_size", arr=VALUES, size=np.int32(-1), weights=NONE),
        case("Bincount", _label="few_weights", arr=VALUES, size=np.int32(3), weights=np.ones(2, np.float32)),
        case("DenseBincount", _label="negative", input=-VALUES, size=np.int32(3), weights=NONE),
        case("DenseBincount", _label="negative_size", input=VALUES, size=np.int32(-1), weights=NONE),
        case("DenseBincount", _label="few_weights", input=VALUES, size=np.int32(3), weights=np.ones(2, np.float32)),
        case("DenseBincount", _label="cube", input=VALUES.reshape(1, 2, 3), size=np.int32(3), weights=NONE),
        case("DenseBincount", _label="empty", input=VALUES[:0], size=np.int32(3), weights=NONE),
        case("DenseBincount", _label="empty_rows", input=VALUES[:0].reshape(2, 0), size=np.int32(3), weights=NONE),
        case(
            "DenseBincount",
            _label="binary_vector",
            input=VALUES,
            size=np.int32(4),
            weights=np.zeros(0, np.int32),
            binary_output=True,
        ),
    ]
    return rows


def histograms() -> list:
    rows = []
    for dtype in ("float32", "float64", "int32", "int64"):
        values = array(dtype, [0, 1, 2, 3, 4, 5, 6, 2, 2])
        rows.append(
            case(
                "HistogramFixedWidth",
                _label=dtype,
                values=values,
                value_range=array(dtype, [0, 5]),
                nbins=np.int32(3),
                dtype="int32",
            )
        )
    values = array("float32", [-1, 0, 0.1, 1, 2, 4.9999, 5, np.inf, -np.inf])
    ends = array("float32", [0, 5])
    rows += [
        case(
            "HistogramFixedWidth", _label="int64_out", values=values, value_range=ends, nbins=np.int32(5), dtype="int64"
        ),
        case(
            "HistogramFixedWidth",
            _label="tenths",
            values=array("float32", np.arange(30) * 0.1),
            value_range=array("float32", [0, 3]),
            nbins=np.int32(30),
        ),
        case("HistogramFixedWidth", _label="matrix", values=values.reshape(3, 3), value_range=ends, nbins=np.int32(2)),
        case("HistogramFixedWidth", _label="empty", values=values[:0], value_range=ends, nbins=np.int32(2)),
        case(
            "HistogramFixedWidth", _label="nan", values=array("float32", [np.nan]), value_range=ends, nbins=np.int32(2)
        ),
        case("HistogramFixedWidth", _label="empty_range", values=values, value_range=ends[[0, 0]], nbins=np.int32(2)),
        case("HistogramFixedWidth", _label="no_bins", values=values, value_range=ends, nbins=np.int32(0)),
        case("HistogramFixedWidth", _label="three_ends", values=values, value_range=values[:3], nbins=np.int32(2)),
        case(
            "HistogramFixedWidth", _label="vector_bins", values=values, value_range=ends, nbins=np.array([2], np.int32)
        ),
    ]
    return rows


def others() -> list:
    edges = [0.0, 1.5, 3.0, 3.0]
    rows = [
        case("Bucketize", _label=d, input=array(d, [[-1, 0, 1], [2, 3, 4]]), boundaries=edges)
        for d in ("float32", "float64", "int32", "int64")
    ]
    rows += [
        case("Bucketize", _label="special", input=array("float32", [np.nan, np.inf, -np.inf, 1.5]), boundaries=edges),
        case("Bucketize", _label="no_edges", input=array("float32", [1, 2]), boundaries=[]),
        case("Bucketize", _label="unsorted", input=array("float32", [1, 2]), boundaries=[2.0, 1.0]),
        case("Bucketize", _label="scalar", input=np.float32(2), boundaries=edges),
        case("Bucketize", _label="empty", input=np.zeros((0, 2), np.float32), boundaries=edges),
        case("Bucketize", _label="tenth", input=array("float64", [0.1, 0.10000000149011612]), boundaries=[0.1]),
    ]
    outputs = {
        "float16": "float16",
        BFLOAT16: BFLOAT16,
        "float32": "float32",
        "float64": "float64",
        "int8": "float32",
        "int16": "float32",
        "int32": "float64",
        "int64": "float64",
    }
    rows += [
        case(
            "IsotonicRegression",
            _label=d,
            input=array(d, [[3, 1, 2, 4, 0], [1, 2, 3, 4, 5], [5, 4, 3, 3, 1]]),
            output_dtype=o,
        )
        for d, o in outputs.items()
    ]
    rows += [
        case("IsotonicRegression", _label="vector", input=array("float32", rng.normal(size=20))),
        case("IsotonicRegression", _label="empty", input=np.zeros((2, 0), np.float32)),
        case("IsotonicRegression", _label="ties", input=array("float32", [2, 2, 1, 1])),
    ]
    for d in ("int32", "int64"):
        rows.append(case("UnravelIndex", _label=d, indices=array(d, [5, 3, 0, 23]), dims=array(d, [2, 3, 4])))
    dims = array("int32", [2, 3])
    rows += [
        case("UnravelIndex", _label="scalar", indices=np.int32(5), dims=dims),
        case("UnravelIndex", _label="beyond", indices=array("int32", [6]), dims=dims),
        case("UnravelIndex", _label="negative", indices=array("int32", [-1, -5]), dims=dims),
        case("UnravelIndex", _label="zero_dim", indices=array("int32", [0]), dims=array("int32", [2, 0])),
        case("UnravelIndex", _label="matrix", indices=array("int32", [[5]]), dims=dims),
        case("UnravelIndex", _label="scalar_dims", indices=array("int32", [0]), dims=np.int32(3)),
        case("UnravelIndex", _label="one_dim", indices=array("int32", [2, 1]), dims=array("int32", [3])),
        case("UnravelIndex", _label="empty", indices=array("int32", []), dims=dims),
    ]
    return rows


CASES = [*top_k(), *in_top_k(), *counts(), *histograms(), *others(), *graph_cases()]
