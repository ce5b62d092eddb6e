"""The config for tfcompile, where the recorded command lines do not reach."""

from __future__ import annotations

import pytest

from smcli.errors import SmcliError
from smcli.proto.saved_model_pb2 import SignatureDef
from smcli.report.tf2xla import config_text


def test_an_operation_is_no_fetch() -> None:
    signature = SignatureDef()
    signature.outputs["__saved_model_init_op"].name = "NoOp"
    with pytest.raises(SmcliError, match="not 'NoneType'") as raised:
        config_text(signature, [])
    assert raised.value.shown_as == "TypeError"


def test_outputs_after_the_first_have_an_index() -> None:
    signature = SignatureDef()
    signature.outputs["y"].name = "call:1"
    assert 'node_name: "call"\n    output_index: 1\n' in config_text(signature, [])
