"""The text of `show`, where the recorded command lines do not reach."""

from __future__ import annotations

import pytest

from smcli.errors import SmcliError
from smcli.proto.saved_model_pb2 import SignatureDef
from smcli.report import show as report


def test_lines_before_a_damaged_one_are_given_out() -> None:
    signature = SignatureDef()
    signature.inputs["a"].dtype = 1  # type: ignore[assignment]
    signature.inputs["b"].dtype = 77  # type: ignore[assignment]
    lines = report.signature_lines(signature, indent=1)
    assert [next(lines) for _ in range(6)] == [
        "  The given SavedModel SignatureDef contains the following input(s):\n",
        "    inputs['a'] tensor_info:\n",
        "        dtype: DT_FLOAT\n",
        "        shape: ()\n",
        "        name: \n",
        "    inputs['b'] tensor_info:\n",
    ]
    with pytest.raises(SmcliError, match="77"):
        next(lines)
