"""Which kinds of difference (see drawn.compare) from TensorFlow drawn cases have shown, by their reason.

An op that is mended, or whose difference is judged to be for the better, leaves the table: the first by its case in
tests/cases, the second by a sentence in DEVIATIONS of its kernel's module, which docs/ops.md shows.
"""

from __future__ import annotations

ANSWERS, REFUSES, CLASS = "answers", "refuses", "class"

KNOWN: dict[str, dict[str, tuple[str, ...]]] = {
    "Functions called with other types than they declare are not refused; no TensorFlow writes such graphs.": {
        **dict.fromkeys(("Case", "If", "PartitionedCall", "RemoteCall", "StatefulPartitionedCall"), (ANSWERS,)),
        **dict.fromkeys(("StatelessCase", "StatelessIf", "StatelessWhile", "BatchFunction"), (ANSWERS,)),
        "TensorMapLookup": (ANSWERS,),
    },
    "Out of bounds or unsorted sparse indices, which TensorFlow does not check, are refused or land elsewhere.": {
        **dict.fromkeys(("SparseAdd", "SparseReduceMaxSparse", "SparseReduceSumSparse", "SparseSoftmax"), (REFUSES,)),
        **dict.fromkeys(("SparseReduceMax", "SparseReduceSum"), (CLASS,)),
        **dict.fromkeys(("SparseCross", "SparseCrossHashed", "SparseCrossV2"), ("shape",)),
        "UpperBound": ("values",),
    },
    "Shapes that misfit are refused, where TensorFlow goes by the number of elements or reads beyond them.": {
        **dict.fromkeys(("ApplyAdadelta", "AvgPoolGrad", "AvgPool3DGrad", "IsotonicRegression"), (REFUSES,)),
        **dict.fromkeys(("QuantizeAndDequantizeV3", "QuantizeDownAndShrinkRange", "RaggedTensorToSparse"), (REFUSES,)),
        **dict.fromkeys(("RequantizationRange", "ReverseV2", "SparseBincount"), (REFUSES,)),
    },
    "Shapes that misfit broadcast, are ravelled or are not looked at, where TensorFlow has another rule or none.": {
        **dict.fromkeys(("InvGrad", "ReciprocalGrad", "RsqrtGrad", "SigmoidGrad", "SqrtGrad", "TanhGrad"), ("shape",)),
        **dict.fromkeys(("ParseSingleSequenceExample", "ResourceGather", "TensorListResize"), (ANSWERS,)),
        **dict.fromkeys(("StatelessRandomBinomial", "StatelessRandomUniformInt"), (ANSWERS,)),
        **dict.fromkeys(("Stack", "StackClose", "StackPop", "TensorArrayPack", "TensorArrayUnpack"), (ANSWERS, CLASS)),
        "QuantizeV2": ("shape", "values"),
        "StringNGrams": ("shape",),
    },
    "Attr values that the op does not define are refused here or there, or chosen another way.": {
        **dict.fromkeys(("ImageProjectiveTransformV2", "ImageProjectiveTransformV3", "MaxPoolGrad"), (REFUSES,)),
        "UniformQuantize": (REFUSES,),
        **dict.fromkeys(("DataFormatDimMap", "FakeQuantWithMinMaxArgsGradient", "MapDefun"), (ANSWERS,)),
        **dict.fromkeys(("StringSplitV2", "ToBool", "UniformQuantizedDot"), (ANSWERS,)),
        "RaggedCross": ("dtype",),
    },
    "A key of a dense table that is its empty key is not told apart.": {
        "LookupTableImportV2": (ANSWERS,),
        "LookupTableRemoveV2": ("values",),
    },
    "Integers are given back as they are, where TensorFlow's own kernel gives zeros (DEVIATIONS).": {
        "Round": ("values",),
    },
}


def kinds_of(op: str) -> set[str]:
    return {kind for ops in KNOWN.values() for kind in ops.get(op, ())}
