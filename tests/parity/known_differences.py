"""Which kinds of difference (see drawn.compare) from TensorFlow drawn cases still show, by their reason.

An op that is mended leaves the table by a case in tests/cases (most are in misfits.py). Where the difference is for the
better, DEVIATIONS of the kernel's module has a sentence on it, which docs/ops.md shows.
"""

from __future__ import annotations

from smcli.kernels.index import MODULE_OF_OP

ANSWERS, REFUSES, CLASS = "answers", "refuses", "class"

DEVIATES: dict[str, tuple[str, ...]] = {
    "AvgPoolGrad": (REFUSES, CLASS),
    "AvgPool3DGrad": (REFUSES, ANSWERS),
    "CacheDataset": (REFUSES,),
    "CacheDatasetV2": (REFUSES,),
    "DataFormatDimMap": ("values",),
    "ImageProjectiveTransformV2": (REFUSES,),
    "ImageProjectiveTransformV3": (REFUSES,),
    "DecodeProtoV2": (CLASS, REFUSES),
    "EncodeProto": (CLASS, REFUSES),
    "LookupTableImportV2": (ANSWERS,),
    "LookupTableRemoveV2": ("values", ANSWERS),
    "PartitionedCall": (ANSWERS,),
    "RaggedCross": (REFUSES,),
    "RemoteCall": (ANSWERS,),
    "ResourceGather": (ANSWERS, REFUSES),
    "Round": ("values",),
    "SparseAdd": ("shape", "values"),
    "StatefulPartitionedCall": (ANSWERS,),
}
"""Ops whose modules say in DEVIATIONS what the difference is."""

DATASETS = tuple(
    op for op, module in MODULE_OF_OP.items() if "dataset" in module.rpartition(".")[2] or module.endswith(".iterators")
)

KNOWN: dict[str, dict[str, tuple[str, ...]]] = {
    "DEVIATIONS has the reason.": DEVIATES,
    "Shapes that misfit are refused, where TensorFlow goes by the number of elements or reads beyond them.": {
        **dict.fromkeys(
            (
                "ApplyAdadelta",
                "BatchNormWithGlobalNormalizationGrad",
                "QuantizeAndDequantizeV3",
                "RaggedTensorToSparse",
            ),
            (REFUSES,),
        ),
        "ParseSingleSequenceExample": (ANSWERS, REFUSES),
    },
    "NaN, or a number half way between two steps, falls to another step when it is quantised.": {
        **dict.fromkeys(("QuantizeDownAndShrinkRange", "QuantizeV2"), ("values",)),
    },
    "Attr values that the op does not define are refused here or there.": {
        "MaxPoolGrad": (CLASS,),
        "StringSplitV2": (ANSWERS,),
    },
    "How a dataset is to be run (metadata, determinism, optimizations) is not read; types that differ from what is "
    "declared are refused when an element is asked for.": dict.fromkeys(DATASETS, (ANSWERS, CLASS)),
    "A dataset of a range without end whose elements are all dropped.": {"MakeIterator": ("hang", REFUSES)},
    "The memory cache of a dataset that is drawn to be kept in a file.": dict.fromkeys(
        ("AnonymousMemoryCache", "DummyMemoryCache"), (REFUSES,)
    ),
    "A loop whose condition is a tensor with elements never ends, and is stopped at another time.": {
        "StatelessWhile": ("hang", REFUSES),
    },
}


def kinds_of(op: str) -> set[str]:
    return {kind for ops in KNOWN.values() for kind in ops.get(op, ())}
