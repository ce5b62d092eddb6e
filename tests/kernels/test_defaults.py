"""Attrs that a model leaves out have TensorFlow's defaults: SavedModels are written without them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from smcli.graph.schema import find_schema
from smcli.kernels import registry
from smcli.kernels.index import MODULE_OF_OP
from smcli.tensors.types import DataType


def plain(value: Any) -> Any:
    """A default in the form that the schemas have."""
    match value:
        case DataType():
            return value.tf_name
        case tuple() | list():
            return [plain(item) for item in value]
        case float():
            return float(np.float32(value))  # attrs are single precision
        case bytes():
            return value.decode()
    return value


@pytest.mark.parametrize("op", sorted(op for op in MODULE_OF_OP if find_schema(op) is not None))
def test_defaults_are_those_of_the_op(op: str) -> None:
    kernel, schema = registry.find(op), find_schema(op)
    assert kernel is not None
    assert schema is not None
    for name, default in kernel.defaults.items():
        about = schema.attrs.get(name, {})
        if "default" in about and about["type"] not in ("shape", "tensor", "func"):
            assert plain(default) == plain(about["default"]), name
