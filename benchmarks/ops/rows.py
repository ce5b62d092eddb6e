"""All rows, and the ops that each measures."""

from __future__ import annotations

from benchmarks.ops import arrays, elementwise, images, networks, records, state
from benchmarks.ops.inputs import OPS, ROWS

__all__ = ["NOT_TIMED", "OPS", "ROWS"]

FAMILIES = (elementwise, arrays, networks, images, records, state)

# Ops without a row, each with the reason.
NOT_TIMED = {
    "BatchMatrixInverse": "TensorFlow 2.21 refuses graphs that have it; it is MatrixInverse's kernel",
    "BoostedTreesBucketize": "TensorFlow 2.21 has no kernel",
    "TopK": "TensorFlow 2.21 can not run its own kernel",
    "PlaceholderV2": "TensorFlow 2.21 refuses graphs that have it",
    "CudnnRNN": "TensorFlow has no kernel for CPUs",
    "InitializeTableFromTextFileV2": "reads an asset of a model",
    "IteratorV2": "fails: no iterator is initialised in a SavedModel",
    "IteratorGetNext": "fails: no iterator is initialised in a SavedModel",
    "OneShotIterator": "makes a handle; its elements are those of a dataset that a function makes",
    "MergeV2Checkpoints": "writes files",
    "RestoreV2": "maps a file; `python -m benchmarks` measures whole models",
    "SaveV2": "writes files",
    "ShardedFilename": "formats one string",
    "WriteFile": "writes files",
}
