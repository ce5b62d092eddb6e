"""Schemas are found by halving their files, which are sorted for it."""

from __future__ import annotations

import json

import pytest

from smcli.graph import schema


@pytest.mark.parametrize("name", schema._FILES)
def test_every_op_of_the_files_is_found(name: str) -> None:
    lines = [line.partition("\t") for line in schema._text(name).splitlines()]
    assert [op for op, _, _ in lines] == sorted({op for op, _, _ in lines})
    for op, _, text in lines:
        assert schema._line(op) == json.loads(text)


@pytest.mark.parametrize("op", ["", "\t", "A\t", "AddV", "AddV22", "Aa", "ZerosLikf", "_", "zzz", "é", "Add\nAddV2"])
def test_other_names_are_not_found(op: str) -> None:
    assert schema.find_schema(op) is None


def test_a_schema_says_how_many_tensors_an_op_takes_and_gives() -> None:
    found = schema.find_schema("Split")
    assert found is not None
    assert [argument.name for argument in found.inputs] == ["split_dim", "value"]
    assert (found.input_count, found.output_count, found.outputs[0].number_attr) == (2, None, "num_split")
