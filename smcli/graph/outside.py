"""The ops by which a model would reach outside of itself: the one table that `run` and `scan` go by.

Imports nothing: `scan` does not need the executor.
"""

from __future__ import annotations

# Ops that run when the user allows them by name.
ALLOWED_BY_NAME = {
    "ReadFile": "reads any file",
    "WriteFile": "writes any file",
    "MatchingFiles": "lists any folder",
    "DecodeProtoV2": "reads the file that its descriptor_source names, if it names one",
    "EncodeProto": "reads the file that its descriptor_source names, if it names one",
}
# Ops that have a kernel which only refuses them.
REFUSED = {
    **dict.fromkeys(("Save", "SaveSlices", "SaveV2", "MergeV2Checkpoints"), "writes a checkpoint"),
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
OUTSIDE_OPS = {**ALLOWED_BY_NAME, **REFUSED, **WITHOUT_KERNEL}
