"""TensorFlow's security advisories about kernels on the CPU, rebuilt from their descriptions.

Each row holds the inputs that made some version of TensorFlow crash, read or write outside of its memory, or divide by
zero. What TensorFlow 2.21 answers to them is recorded as for all other cases: an error, or a value. Those that it
refuses while it builds the graph, or still dies of, are in tests/security/test_advisories.py, and so are those about
graphs. `ADVISORIES` says what each was about; docs/security.md shows that table.
"""

from __future__ import annotations

import numpy as np

from tests.cases import Typed, case

# Advisory: (CVE, what it describes).
ADVISORIES = {
    "TFSA-2018-002": ("CVE-2018-7576", "a GIF that breaks off"),
    "TFSA-2018-004": ("CVE-2018-7575", "a checkpoint whose index names a block of nearly 2 to the 64th bytes"),
    "TFSA-2019-001": ("CVE-2019-9635", "a GIF with a frame that has no colours"),
    "TFSA-2019-002": ("CVE-2019-16778", "UnsortedSegmentSum with sizes beyond int32"),
    "TFSA-2020-010": ("CVE-2020-15206", "Const nodes whose attrs have other names"),
    "TFSA-2020-013": ("CVE-2020-15203", "AsString with a fill that printf takes as a format"),
    "TFSA-2020-016": ("CVE-2020-15200", "RaggedCountSparseOutput with splits that do not begin at 0"),
    "TFSA-2021-004": ("CVE-2021-29515", "MatrixDiag without a diagonal and a padding value"),
    "TFSA-2021-005": ("CVE-2021-29516", "RaggedTensorToVariant without splits; Conv3D of nothing"),
    "TFSA-2021-009": ("CVE-2021-29521", "SparseCountSparseOutput with a negative dense shape"),
    "TFSA-2021-010": ("CVE-2021-29520", "Conv3DBackprop with shapes that do not fit each other"),
    "TFSA-2021-011": ("CVE-2021-29522", "Conv3DBackprop of nothing"),
    "TFSA-2021-013": ("CVE-2021-29524", "Conv2DBackpropFilter of nothing"),
    "TFSA-2021-015": ("CVE-2021-29526", "Conv2D with an empty filter"),
    "TFSA-2021-016": ("CVE-2021-29527", "QuantizedConv2D with an empty filter"),
    "TFSA-2021-020": ("CVE-2021-29531", "EncodePng of an image without pixels"),
    "TFSA-2021-022": ("CVE-2021-29533", "DrawBoundingBoxes on images without rows"),
    "TFSA-2021-028": ("CVE-2021-29540", "Conv2DBackpropFilter with a filter that does not fit its input"),
    "TFSA-2021-029": ("CVE-2021-29542", "StringNGrams that are made of padding alone"),
    "TFSA-2021-031": ("CVE-2021-29544", "QuantizeAndDequantizeV4Grad with ranges of rank 2"),
    "TFSA-2021-040": ("CVE-2021-29553", "QuantizeAndDequantizeV3 with an axis that is not there"),
    "TFSA-2021-041": ("CVE-2021-29552", "UnsortedSegmentJoin without a number of segments"),
    "TFSA-2021-042": ("CVE-2021-29554", "DenseCountSparseOutput of nothing"),
    "TFSA-2021-047": ("CVE-2021-29559", "UnicodeEncode with splits beyond the values"),
    "TFSA-2021-048": ("CVE-2021-29560", "RaggedTensorToTensor with row splits of rank 2"),
    "TFSA-2021-051": ("CVE-2021-29563", "RFFT of length 0"),
    "TFSA-2021-052": ("CVE-2021-29564", "EditDistance with indices beyond an empty shape"),
    "TFSA-2021-054": ("CVE-2021-29566", "Dilation2DBackpropInput with an empty filter"),
    "TFSA-2021-057": ("CVE-2021-29570", "MaxPoolGradWithArgmax with fewer maxima than gradients"),
    "TFSA-2021-068": ("CVE-2021-29579", "MaxPoolGrad without gradients"),
    "TFSA-2021-069": ("CVE-2021-29581", "CTCBeamSearchDecoder of nothing, with negative lengths"),
    "TFSA-2021-070": ("CVE-2021-29582", "Dequantize with ranges of unequal lengths"),
    "TFSA-2021-098": ("CVE-2021-29611", "SparseReshape of what is no sparse tensor"),
    "TFSA-2021-099": ("CVE-2021-29610", "QuantizeAndDequantizeV2 with axis -2"),
    "TFSA-2021-100": ("CVE-2021-29612", "BandedTriangularSolve of an empty matrix"),
    "TFSA-2021-101": ("CVE-2021-29613", "CTCLoss of nothing, with negative labels and lengths"),
    "TFSA-2021-102": ("CVE-2021-29614", "DecodePaddedRaw to a wider type"),
    "TFSA-2021-103": ("CVE-2021-29615", "attrs in a text file, nested without end"),
    "TFSA-2021-106": ("CVE-2021-29617", "Substr with positions and lengths of unequal shapes"),
    "TFSA-2021-109": ("CVE-2021-37635", "SparseReduceSum with indices outside of the shape"),
    "TFSA-2021-110": ("CVE-2021-37636", "SparseDenseCwiseDiv of integers by zero"),
    "TFSA-2021-113": ("CVE-2021-37639", "Restore without the name of a tensor"),
    "TFSA-2021-116": ("CVE-2021-37641", "RaggedGather from what is no ragged tensor"),
    "TFSA-2021-119": ("CVE-2021-37645", "QuantizeAndDequantizeV4Grad with axis -100"),
    "TFSA-2021-131": ("CVE-2021-37657", "MatrixDiagV3 without a diagonal's number"),
    "TFSA-2021-188": ("CVE-2021-41210", "SparseCountSparseOutput with indices of rank 1"),
    "TFSA-2021-194": ("CVE-2021-41202", "Range of 10 to the 38th elements"),
    "TFSA-2021-195": ("CVE-2021-41199", "ResizeBilinear to more elements than an int64 counts"),
    "TFSA-2021-196": ("CVE-2021-41198", "Tile to more elements than an int64 counts"),
    "TFSA-2021-199": ("CVE-2021-41196", "MaxPool3D with a window of no size"),
    "TFSA-2021-200": ("CVE-2021-41195", "SegmentMax and its kin with a huge segment id"),
    "TFSA-2022-054": ("CVE-2022-23591", "a function that calls itself"),
    "TFSA-2022-070": ("CVE-2022-29196", "Conv3DBackpropFilterV2 with sizes that are no vector"),
    "TFSA-2022-075": ("CVE-2022-29201", "QuantizedConv2D with an empty range"),
    "TFSA-2022-090": ("CVE-2022-35940", "RaggedRange up to 10 to the 20th"),
    "TFSA-2022-100": ("CVE-2022-35968", "AvgPoolGrad with a negative shape"),
    "TFSA-2022-145": ("CVE-2022-41883", "DynamicStitch with more data than indices"),
    "TFSA-2022-165": ("CVE-2022-41900", "FractionalMaxPool and FractionalAvgPool with a ratio below 1"),
    "TFSA-2022-170": ("CVE-2022-35991", "TensorListScatter with indices and a shape of rank 3"),
    "CVE-2021-37670": ("CVE-2021-37670", "UpperBound and LowerBound with sorted inputs of rank 1"),
    "CVE-2021-41207": ("CVE-2021-41207", "ParallelConcat into a shape without rows"),
    "CVE-2021-41209": ("CVE-2021-41209", "convolutions with an empty filter"),
}


def f32(*values):
    return np.array(values, np.float32)


def i32(*values):
    return np.array(values, np.int32)


def i64(*values):
    return np.array(values, np.int64)


def none(*shape, dtype=np.float32):
    """No elements in this shape."""
    return np.zeros(shape, dtype)


def quint8(array):
    return Typed(np.asarray(array, np.uint8), "quint8")


CASES = []


def advisory(number, op, **keywords):
    CASES.append(case(op, _label=number, **keywords))


GIF = b"GIF89a\x02\x00\x02\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
advisory("TFSA-2018-002", "DecodeGif", contents=GIF + b",\x00\x00\x00\x00\x02\x00\x02\x00\x00\x02")
advisory("TFSA-2018-002", "DecodeGif", contents=GIF)
GRAY = b"GIF89a\x02\x00\x02\x00\x00\x00\x00"  # no colour map
advisory("TFSA-2019-001", "DecodeGif", contents=GRAY + b",\x00\x00\x00\x00\x02\x00\x02\x00\x00\x02\x02L\x01\x00;")
advisory("TFSA-2019-001", "DecodeGif", contents=GIF + b",\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x02L\x01\x00;")
advisory(
    "TFSA-2019-002",
    "UnsortedSegmentSum",
    data=none(0, 2**16, 1),
    segment_ids=none(0, dtype=np.int32),
    num_segments=np.int32(-(2**31)),
)
for fill in ("n", "s", "h", "-", "%"):
    advisory("TFSA-2020-013", "AsString", input=i32(1234), width=6, fill=fill)
for splits in (i64(7, 8, 9), i64(0, 1), i64(), i64(0)):
    advisory(
        "TFSA-2020-016",
        "RaggedCountSparseOutput",
        splits=splits,
        values=i64(1, 2, 3),
        weights=none(0),
        binary_output=False,
    )
for op, more in (("MatrixDiagV2", {}), ("MatrixDiagV3", {"align": "RIGHT_LEFT"})):
    advisory(
        "TFSA-2021-004",
        op,
        diagonal=none(0),
        k=np.int32(0),
        num_rows=np.int32(0),
        num_cols=np.int32(0),
        padding_value=none(0),
        **more,
    )
advisory(
    "TFSA-2021-005", "RaggedTensorToVariant", rt_nested_splits=[i64()], rt_dense_values=none(0), batched_input=True
)
for shape, filters, strides in (
    ((0, 0, 0, 0, 0), (0, 0, 0, 0, 0), [1, 56, 56, 56, 1]),
    ((2, 2, 2, 2, 0), (0, 0, 2, 6, 2), [1, 56, 39, 34, 1]),
):
    advisory("TFSA-2021-005", "Conv3D", input=none(*shape), filter=none(*filters), strides=strides, padding="VALID")
advisory(
    "TFSA-2021-009",
    "SparseCountSparseOutput",
    indices=none(0, 0, dtype=np.int64),
    values=none(0, 0, dtype=np.int64),
    dense_shape=i64(-100, -100, -100),
    weights=none(0, 0, dtype=np.int64),
    minlength=79,
    maxlength=96,
    binary_output=False,
)
advisory(
    "TFSA-2021-010",
    "Conv3DBackpropInputV2",
    input_sizes=i32(1, 1, 1, 1, 2),
    filter=np.full((4, 1, 6, 1, 1), -10, np.float32),
    out_backprop=np.full((1, 1, 1, 1, 1), -10, np.float32),
    strides=[1, 89, 29, 89, 1],
    padding="SAME",
)
advisory(
    "TFSA-2021-010",
    "Conv3DBackpropFilterV2",
    input=np.full((7, 7, 7, 7, 7), -10, np.float32),
    filter_sizes=i32(7, 7, 7, 1, 1),
    out_backprop=np.full((7, 1, 1, 1, 1), -10, np.float32),
    strides=[1, 37, 65, 93, 1],
    padding="VALID",
)
advisory(
    "TFSA-2021-011",
    "Conv3DBackpropInputV2",
    input_sizes=i32(0, 0, 0, 0, 0),
    filter=none(0, 0, 0, 1, 0),
    out_backprop=none(0, 0, 0, 0, 0),
    strides=[1, 1, 1, 1, 1],
    padding="SAME",
)
advisory(
    "TFSA-2021-011",
    "Conv3DBackpropFilterV2",
    input=np.ones((1, 1, 1, 1, 1), np.float32),
    filter_sizes=i32(0, 0, 0, 1, 0),
    out_backprop=none(1, 1, 1, 1, 0),
    strides=[1, 1, 1, 1, 1],
    padding="SAME",
)
advisory(
    "TFSA-2021-013",
    "Conv2DBackpropFilter",
    input=none(0, 0, 1, 0),
    filter_sizes=i32(1, 1, 1, 1),
    out_backprop=none(0, 0, 1, 1),
    strides=[1, 66, 18, 1],
    padding="SAME",
)
for label, shape in (("TFSA-2021-015", (0, 0, 0, 0)), ("CVE-2021-41209", (1, 4, 4, 3))):
    advisory(label, "Conv2D", input=none(*shape), filter=none(0, 0, 0, 0), strides=[1, 1, 1, 1], padding="SAME")
advisory(
    "CVE-2021-41209", "Conv2D", input=none(1, 4, 4, 3), filter=none(0, 2, 3, 1), strides=[1, 1, 1, 1], padding="VALID"
)
advisory(
    "CVE-2021-41209",
    "Conv3D",
    input=none(1, 4, 4, 4, 3),
    filter=none(2, 2, 0, 0, 0),
    strides=[1, 1, 1, 1, 1],
    padding="SAME",
)
advisory(
    "CVE-2021-41209",
    "Conv2DBackpropInput",
    input_sizes=i32(1, 4, 4, 0),
    filter=none(2, 2, 0, 3),
    out_backprop=none(1, 4, 4, 3),
    strides=[1, 1, 1, 1],
    padding="SAME",
)
ZERO, TINY = np.float32(0), np.float32(0.0001)
advisory(
    "TFSA-2021-016",
    "QuantizedConv2D",
    input=quint8(np.zeros((1, 1, 1, 1))),
    filter=quint8(np.zeros((1, 0, 1, 1))),
    min_input=ZERO,
    max_input=TINY,
    min_filter=ZERO,
    max_filter=TINY,
    strides=[1, 1, 1, 1],
    padding="SAME",
)
advisory("TFSA-2021-020", "EncodePng", image=none(0, 0, 3, dtype=np.uint8))
advisory(
    "TFSA-2021-022", "DrawBoundingBoxes", images=none(53, 0, 48, 1), boxes=np.full((53, 31, 4), 3.90621, np.float32)
)
for shape, sizes, gradients in (
    ((1, 1, 1, 2), (1, 1, 1, 1), (1, 1, 1, 1)),
    ((0, 1, 1, 5), (3, 8, 1, 1), (0, 1, 1, 1)),
):
    advisory(
        "TFSA-2021-028",
        "Conv2DBackpropFilter",
        input=np.full(shape, 386.0784, np.float32),
        filter_sizes=i32(*sizes),
        out_backprop=np.full(gradients, 386.0784, np.float32),
        strides=[1, 66, 49, 1],
        padding="VALID",
    )
advisory(
    "TFSA-2021-029",
    "StringNGrams",
    data=np.array([b""] * 11, object),
    data_splits=i64(*[0] * 115, 3),
    separator=b"\x02\x00",
    ngram_widths=[7, 6, 11],
    left_pad=b"\x7f" * 5,
    right_pad=b"\x7f\x7f%]St",
    pad_width=50,
    preserve_short_sequences=True,
)
advisory(
    "TFSA-2021-031",
    "QuantizeAndDequantizeV4Grad",
    gradients=f32(0),
    input=f32(0),
    input_min=np.zeros((1, 1), np.float32),
    input_max=np.zeros((1, 1), np.float32),
    axis=0,
)
advisory(
    "TFSA-2021-040",
    "QuantizeAndDequantizeV3",
    input=f32(2.5, 2.5),
    input_min=f32(0, 0),
    input_max=f32(1, 1),
    num_bits=i32(30),
    signed_input=False,
    range_given=False,
    narrow_range=False,
    axis=3,
)
advisory(
    "TFSA-2021-041",
    "UnsortedSegmentJoin",
    inputs=none(0, dtype=object),
    segment_ids=none(0, dtype=np.int32),
    num_segments=none(0, dtype=np.int32),
    separator="",
)
advisory(
    "TFSA-2021-042",
    "DenseCountSparseOutput",
    values=none(0, 0, dtype=np.int64),
    weights=none(0),
    minlength=-1,
    maxlength=58,
    binary_output=True,
)
for splits in (i32(81, 101, 0), i32(0, 2), i32(0, -1, 1)):
    advisory("TFSA-2021-047", "UnicodeEncode", input_values=i32(58), input_splits=splits, output_encoding="UTF-8")
advisory(
    "TFSA-2021-048",
    "RaggedTensorToTensor",
    shape=i64(10, 10),
    values=i64(0),
    default_value=np.int64(0),
    row_partition_tensors=[np.concatenate([i64(849), np.zeros(214, np.int64)]).reshape(5, 43)],
    row_partition_types=["ROW_SPLITS"],
)
for splits in (i64(0, -1, 1), i64(1, 1)):
    advisory(
        "TFSA-2021-048",
        "RaggedTensorToTensor",
        shape=i64(10, 10),
        values=i64(0),
        default_value=np.int64(0),
        row_partition_tensors=[splits],
        row_partition_types=["ROW_SPLITS"],
    )
advisory("TFSA-2021-051", "RFFT", input=f32(1), fft_length=i32(-1))
advisory(
    "TFSA-2021-052",
    "EditDistance",
    hypothesis_indices=np.full((1, 3), 247, np.int64),
    hypothesis_values=f32(-9.9999),
    hypothesis_shape=i64(0, 0, 0),
    truth_indices=none(0, 3, dtype=np.int64),
    truth_values=none(0),
    truth_shape=i64(0, 0, 0),
    normalize=True,
)
advisory(
    "TFSA-2021-054",
    "Dilation2DBackpropInput",
    input=np.full((3, 3, 3, 3), 1.1, np.float32),
    filter=none(0, 0, 3),
    out_backprop=np.full((3, 2, 59, 3), 1.1, np.float32),
    strides=[1, 40, 1, 1],
    rates=[1, 56, 56, 1],
    padding="VALID",
)
for argmax in (i64(1), i64(2**40).reshape(1, 1, 1, 1), i64(-1).reshape(1, 1, 1, 1)):
    advisory(
        "TFSA-2021-057",
        "MaxPoolGradWithArgmax",
        input=np.full((1, 1, 3, 1), 10, np.float32),
        grad=np.full((1, 1, 1, 4), 10, np.float32),
        argmax=argmax,
        ksize=[1, 1, 1, 1],
        strides=[1, 1, 1, 1],
        padding="SAME",
        include_batch_in_index=False,
    )
advisory(
    "TFSA-2021-068",
    "MaxPoolGrad",
    orig_input=none(1, 1, 1, 1),
    orig_output=none(1, 1, 1, 1),
    grad=none(0, 0, 0, 0),
    ksize=[1, 1, 1, 1],
    strides=[1, 1, 1, 1],
    padding="SAME",
)
advisory(
    "TFSA-2021-069",
    "CTCBeamSearchDecoder",
    inputs=none(18, 8, 0),
    sequence_length=i32(11, -43, -92, 11, -89, -83, -35, -100),
    beam_width=10,
    top_paths=3,
    merge_repeated=True,
)
advisory(
    "TFSA-2021-098",
    "SparseReshape",
    input_indices=np.full((1, 1), 41, np.int64),
    input_shape=np.zeros(11, np.int64),
    new_shape=np.zeros(1, np.int64),
)
advisory("TFSA-2021-100", "BandedTriangularSolve", matrix=none(0, 1), rhs=np.ones((1, 2), np.float32))
for shape, indices, values, lengths, collapse, ignore in (
    ((10, 16, 0), none(8, 0, dtype=np.int64), [-100] * 8, [-100] * 16, True, True),
    ((7, 2, 0), np.full((2, 1), -100, np.int64), [-100, -100], [-100, -100], False, False),
    ((0, 2, 11), none(0, 2, dtype=np.int64), [], [-100, -100], False, False),
):
    advisory(
        "TFSA-2021-101",
        "CTCLoss",
        inputs=none(*shape),
        labels_indices=indices,
        labels_values=i32(*values),
        sequence_length=i32(*lengths),
        preprocess_collapse_repeated=collapse,
        ctc_merge_repeated=False,
        ignore_longer_outputs_than_inputs=ignore,
    )
for length in (4, 3, 0, -4):
    advisory(
        "TFSA-2021-102",
        "DecodePaddedRaw",
        input_bytes=np.array([b"1", b"2", b"3", b"4"], object),
        fixed_length=np.int32(length),
        out_type="uint16",
    )
for position in (i32(1, -1), i32(1, 2)):
    advisory("TFSA-2021-106", "Substr", input=np.array(b"abc", object), pos=position, len=np.int32(1))
advisory(
    "TFSA-2021-110",
    "SparseDenseCwiseDiv",
    sp_indices=np.full((1, 1), 4, np.int64),
    sp_values=i64(-400),
    sp_shape=i64(647),
    dense=i64(0),
)
advisory(
    "TFSA-2021-116",
    "RaggedGather",
    params_nested_splits=[i64(0, 0, 0)],
    params_dense_values=i32(1, 1),
    indices=i32(0, 0, 9, 0, 0),
    OUTPUT_RAGGED_RANK=1,
)
advisory(
    "TFSA-2021-116",
    "RaggedGather",
    params_nested_splits=[np.int64(0)],
    params_dense_values=i32(1, 1),
    indices=i32(0),
    OUTPUT_RAGGED_RANK=1,
)
advisory(
    "TFSA-2021-131",
    "MatrixDiagV3",
    diagonal=i32(1, 0),
    k=i32(),
    num_rows=np.int32(1),
    num_cols=np.int32(4),
    padding_value=np.int32(0),
    align="RIGHT_RIGHT",
)
advisory(
    "TFSA-2021-188",
    "SparseCountSparseOutput",
    indices=i64(1),
    values=i64(1).reshape(1, 1),
    dense_shape=i64(10),
    weights=none(0),
    binary_output=True,
)
advisory("TFSA-2021-194", "Range", start=np.float32(-1e38), limit=np.float32(1), delta=np.float32(1))
advisory("TFSA-2021-194", "Range", start=np.int64(0), limit=np.int64(2**63 - 1), delta=np.int64(1))
advisory("TFSA-2021-195", "ResizeBilinear", images=np.ones((5, 1, 1, 1), np.float32), size=i32(1610637938, 1610637938))
advisory("TFSA-2021-196", "Tile", input=np.ones((1, 1, 1), np.float32), multiples=i32(10**8, 10**8, 10**8))
for ksize in ([1, 2, 2, 0, 1], [1, 2, -1, 2, 1]):
    advisory(
        "TFSA-2021-199",
        "MaxPool3D",
        input=np.ones((3, 4, 10, 11, 12), np.float32),
        ksize=ksize,
        strides=[1, 1, 1, 1, 1],
        padding="VALID",
    )
for op in ("SegmentMax", "SegmentMin", "SegmentMean", "SegmentSum", "SegmentProd"):
    advisory("TFSA-2021-200", op, data=np.ones((1, 10, 1)), segment_ids=i64(1676240524292489355))
advisory(
    "TFSA-2022-070",
    "Conv3DBackpropFilterV2",
    input=np.ones((2, 2, 2, 2, 1), np.float16),
    filter_sizes=np.int32(0),
    out_backprop=np.ones((2, 2, 2, 2, 1), np.float16),
    strides=[1, 1, 1, 1, 1],
    padding="VALID",
)
advisory(
    "TFSA-2022-075",
    "QuantizedConv2D",
    input=quint8(np.ones((1, 2, 3, 3))),
    filter=quint8(np.ones((1, 2, 3, 3))),
    min_input=none(0),
    max_input=ZERO,
    min_filter=ZERO,
    max_filter=ZERO,
    strides=[1, 1, 1, 1],
    padding="SAME",
)
advisory("TFSA-2022-090", "RaggedRange", starts=f32(1.1, 0.1), limits=f32(10, 1e20), deltas=f32(1, 1))
advisory(
    "TFSA-2022-100",
    "AvgPoolGrad",
    orig_input_shape=np.full(4, -536870912, np.int32),
    grad=np.full((1, 5, 7, 1), 0.089),
    ksize=[1, 2, 2, 1],
    strides=[1, 2, 2, 1],
    padding="VALID",
)
advisory(
    "TFSA-2022-145",
    "DynamicStitch",
    indices=[i32(0, 1), i32()],
    data=[f32(5, 6).reshape(1, 2), f32(7, 8).reshape(1, 2)],
)
advisory(
    "TFSA-2022-170",
    "TensorListScatter",
    tensor=np.ones((2, 2, 2), np.float16),
    indices=np.full((2, 2, 2), 7, np.int32),
    element_shape=np.full((2, 2, 2), 7, np.int32),
)
for op in ("UpperBound", "LowerBound"):
    advisory("CVE-2021-37670", op, sorted_inputs=i64(1, 2, 3), values=np.zeros((3, 3), np.int64))
