"""The ops by which a model would reach outside of itself: the one table that `run` and `scan` go by.

Imports nothing: `scan` does not need the executor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smcli.proto.graph_pb2 import NodeDef

# Ops that run when the user allows them by name.
ALLOWED_BY_NAME = {
    "ReadFile": "reads any file",
    "WriteFile": "writes any file",
    "MatchingFiles": "lists any folder",
    **dict.fromkeys(("DecodeProtoV2", "EncodeProto"), "reads the file that its descriptor_source names"),
}
# Ops that have a kernel which only refuses them.
REFUSED = {
    **dict.fromkeys(("Save", "SaveSlices", "SaveV2", "MergeV2Checkpoints"), "writes a checkpoint"),
}
# Ops with a kernel that refuses what some attrs or inputs ask for.
REFUSED_WITH_A_FILE = {
    "PrintV2": "writes to the file that its output_stream names",
    **dict.fromkeys(("CacheDataset", "CacheDatasetV2"), "keeps elements in the file that its filename names"),
}
# Ops that smcli has no kernel for, and is not to get one without a rule here.
WITHOUT_KERNEL = {
    **dict.fromkeys(("PyFunc", "PyFuncStateless", "EagerPyFunc"), "calls Python"),
    **dict.fromkeys(
        ("ImmutableConst", "LoadAndRemapMatrix", "GenerateVocabRemapping", "RecordInput", "TextLineReader",
         "TextLineReaderV2", "TFRecordReader", "TFRecordReaderV2", "WholeFileReader",
         "WholeFileReaderV2", "FixedLengthRecordReader", "FixedLengthRecordReaderV2", "LMDBReader", "TextLineDataset",
         "TFRecordDataset", "TFRecordDatasetV2", "FixedLengthRecordDataset", "FixedLengthRecordDatasetV2",
         "LMDBDataset", "CSVDataset", "CSVDatasetV2", "LoadDataset"),
        "reads any file",
    ),
    **dict.fromkeys(("MatchingFilesDataset", "ExperimentalMatchingFilesDataset"), "lists any folder"),
    **dict.fromkeys(
        ("DatasetToTFRecord", "ExperimentalDatasetToTFRecord", "SaveDataset", "SaveDatasetV2", "SnapshotDataset",
         "SnapshotDatasetV2", "DistributedSave"),
        "writes any file",
    ),
    **dict.fromkeys(
        ("CreateSummaryFileWriter", "CreateSummaryDbWriter", "WriteSummary", "WriteRawProtoSummary",
         "WriteScalarSummary", "ImportEvent"),
        "writes a log of events",
    ),
    **dict.fromkeys(("DebugIdentityV2", "DebugNumericSummaryV2"), "writes files of the debugger"),
    **dict.fromkeys(
        ("SqlDataset", "DataServiceDataset", "DataServiceDatasetV2", "DataServiceDatasetV3", "DataServiceDatasetV4",
         "RegisterDataset", "RegisterDatasetV2", "RpcCall", "RpcClient", "RpcServer", "RpcServerRegister", "Send",
         "Recv", "CollectiveReduce"),
        "talks to other machines",
    ),
    "FileSystemSetConfiguration": "sets up file systems",
}  # fmt: skip
OUTSIDE_OPS = {**ALLOWED_BY_NAME, **REFUSED, **REFUSED_WITH_A_FILE, **WITHOUT_KERNEL}


def stays_inside(node: NodeDef, body: Sequence[NodeDef]) -> bool:
    """Whether a node of one of OUTSIDE_OPS names no file, as its attrs and the constants of its body tell."""
    if node.op == "PrintV2":
        return not _text(node, "output_stream").startswith(b"file://")
    if node.op in ("DecodeProtoV2", "EncodeProto"):
        source = _text(node, "descriptor_source")
        return source in (b"", b"local://") or source.startswith(b"bytes://")
    if node.op in REFUSED_WITH_A_FILE:
        filename = node.input[1].partition(":")[0] if len(node.input) > 1 else ""
        found = next((one for one in body if one.name == filename and one.op == "Const"), None)
        return found is not None and not any(found.attr["value"].tensor.string_val)
    return False


def _text(node: NodeDef, name: str) -> bytes:
    return node.attr[name].s if name in node.attr else b""
