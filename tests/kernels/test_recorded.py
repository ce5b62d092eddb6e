"""Every op against what TensorFlow answered to the case tables (fixtures/ops), run as graphs through a session."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from smcli import errors
from smcli.kernels.index import MODULE_OF_OP
from smcli.proto.graph_pb2 import GraphDef
from smcli.runtime.session import Session
from tests import cases, recorded
from tests.compare import difference

FAMILIES = cases.families()


def _rows() -> list:
    return [
        pytest.param(row, id=f"{family}:{name}") for family in FAMILIES for name, row in recorded.read(family).items()
    ]


def run_recorded(row: recorded.Recorded) -> list[list[np.ndarray]]:
    session = Session.from_graph_def(GraphDef.FromString(row.graph))
    if row.init:
        session.run([], {}, row.init)
    return [session.run(row.fetches, row.feeds, row.targets) for _ in range(max(1, len(row.runs)))]


def check(row: recorded.Recorded) -> None:
    before = {name: array.copy() for name, array in row.feeds.items()}
    for array in row.feeds.values():
        if array.dtype != object:
            array.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if row.error is not None:
            with pytest.raises(getattr(errors, row.error)):
                run_recorded(row)
            return
        runs = run_recorded(row)
    for number, (got, want) in enumerate(zip(runs, row.runs, strict=True)):
        for name, a, b in zip(row.fetches, got, want, strict=True):
            problem = difference(a, b, row.rtol, row.atol)
            assert problem is None, f"run {number}, {name}: {problem}"
    for name, array in before.items():
        assert difference(row.feeds[name], array, 0, 0) is None, f"{name} was written into"


@pytest.mark.parametrize("row", _rows())
def test_kernel_gives_what_tensorflow_gave(row: recorded.Recorded) -> None:
    check(row)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_case_is_recorded(family: str) -> None:
    assert {row.id for row in cases.load(family)} == set(recorded.read(family))


def test_every_op_has_a_case() -> None:
    proven: set[str] = set()
    for family in FAMILIES:
        for row in recorded.read(family).values():
            graph = GraphDef.FromString(row.graph)
            proven.update(node.op for node in graph.node)
            proven.update(node.op for function in graph.library.function for node in function.node_def)
    unproven = sorted(set(MODULE_OF_OP) - proven - set(NOT_RUN_BY_CASES))
    assert not unproven, unproven


# Ops that a recorded graph can not hold, each with what proves it instead.
NOT_RUN_BY_CASES = {
    "InitializeTableFromTextFile": "tests/kernels/test_vocabulary.py",
    "InitializeTableFromTextFileV2": "tests/kernels/test_vocabulary.py",
    "TFText>FastBertNormalize": "tests/kernels/test_text.py (another name)",
    "TFText>FastWordpieceTokenizeWithOffsets": "tests/kernels/test_text.py (another name)",
    "WhitespaceTokenizeWithOffsetsV2": "tests/kernels/test_text.py (another name)",
    "TopK": "tests/kernels/test_counting.py (TensorFlow 2.21 can not run its own kernel)",
    "BoostedTreesBucketize": "tests/kernels/test_counting.py (TensorFlow 2.21 has no kernel)",
    "RestoreV2": "tests/models: every model with variables restores through it",
    "Restore": "tests/runtime/test_files.py",
    "RestoreSlice": "tests/runtime/test_files.py",
    "ReadFile": "tests/runtime/test_files.py",
    "WriteFile": "tests/runtime/test_files.py",
    "MatchingFiles": "tests/runtime/test_files.py",
    "SaveV2": "tests/runtime/test_files.py",
    "Save": "tests/runtime/test_files.py",
    "SaveSlices": "tests/runtime/test_files.py",
    "MergeV2Checkpoints": "tests/runtime/test_files.py",
}
