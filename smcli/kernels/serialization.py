"""Tensors, CSV lines and JSON examples as text or bytes (parse_tensor_op.cc, decode_csv_op.cc)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._bytes import as_array, as_list, map_bytes, scalar, text
from smcli.kernels._number_text import parse_numbers
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.tensors import wire
from smcli.tensors.types import DataType

DEVIATIONS = {
    "DecodeJSONExample": "the same Example in other bytes: packed numbers, where TensorFlow writes each with its tag"
}


@kernel("ParseTensor")
def parse_tensor(serialized: Array, *, out_type: DataType) -> Array:
    """The tensor that a serialised TensorProto stands for."""
    from google.protobuf.message import DecodeError

    from smcli.proto.tensor_pb2 import TensorProto

    if np.ndim(serialized):
        raise InvalidArgumentError(f"Expected `serialized` to be a scalar, got shape: {list(np.shape(serialized))}")
    value: bytes = np.asarray(serialized, dtype=object).item()
    try:
        proto = TensorProto.FromString(value)
    except DecodeError:
        raise InvalidArgumentError("Could not parse `serialized` as TensorProto") from None
    found = wire.data_type_of(proto)
    if found is not out_type:
        raise InvalidArgumentError(
            f"Type mismatch between parsed tensor ({found.tf_name}) and dtype ({out_type.tf_name})"
        )
    return wire.from_proto(proto)


@kernel("SerializeTensor")
def serialize_tensor(x: Array, *, T: DataType) -> Array:
    """A tensor as the bytes of a TensorProto; a 0-d string."""
    return scalar(wire.to_proto(np.asarray(x, dtype=T.numpy), T).SerializeToString(deterministic=True))


def _fields(record: bytes, delimiter: bytes, quotes: bool) -> list[bytes]:
    """The fields of one CSV record. Raises InvalidArgumentError for misplaced quotes and line ends."""
    if not record:
        return []
    if b"\n" not in record and b"\r" not in record and (not quotes or b'"' not in record):
        return record.split(delimiter)
    fields: list[bytes] = []
    at, size = 0, len(record)
    while at < size:
        if record[at : at + 1] in (b"\n", b"\r"):
            at += 1
            continue
        if quotes and record[at : at + 1] == b'"':
            field, at = _quoted(record, at + 1, delimiter)
        else:
            end = record.find(delimiter, at)
            end = size if end < 0 else end
            field, at = record[at:end], end + 1
            if b"\n" in field or b"\r" in field or (quotes and b'"' in field):
                raise InvalidArgumentError("Unquoted fields cannot have quotes/CRLFs inside")
        fields.append(field)
    if record.endswith(delimiter):
        fields.append(b"")
    return fields


def _quoted(record: bytes, start: int, delimiter: bytes) -> tuple[bytes, int]:
    """The quoted field whose text begins at `start`, and where the next field begins."""
    pieces: list[bytes] = []
    at = start
    while True:
        quote = record.find(b'"', at)
        if quote < 0:
            raise InvalidArgumentError("Quoted field has to end with quote followed by delim or end")
        following = record[quote + 1 : quote + 2]
        if following in (b"", delimiter):
            pieces.append(record[at:quote])
            return b"".join(pieces), quote + 2
        if following != b'"':
            raise InvalidArgumentError("Quote inside a string has to be escaped by another quote")
        pieces.append(record[at : quote + 1])
        at = quote + 2


def _csv_column(values: list[bytes], number: int, data_type: DataType, default: Array, na_value: bytes) -> Array:
    """One column as numbers or strings; empty fields and those that read `na_value` take the default."""
    empty = [i for i, value in enumerate(values) if not value or value == na_value]
    if empty and not default.size:
        raise InvalidArgumentError(f"Field {number} is required but missing in record {empty[0]}!")
    if data_type is DataType.STRING:
        found = as_array(values, (len(values),))
    else:

        def refuse(record: int, value: bytes) -> InvalidArgumentError:
            shown = value.decode("utf-8", "replace")
            return InvalidArgumentError(
                f"Field {number} in record {record} is not a valid {data_type.tf_name}: {shown}"
            )

        stand_ins = list(values)
        for i in empty:
            stand_ins[i] = b"0"
        found = parse_numbers(stand_ins, data_type, refuse)
    if empty:
        found[empty] = default.ravel()[0]
    return found


@kernel("DecodeCSV")
def decode_csv(
    records: Array,
    *record_defaults: Array,
    OUT_TYPE: tuple[DataType, ...],
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    select_cols: tuple[int, ...] = (),
) -> tuple[Array, ...]:
    """CSV records (RFC 4180) to one tensor a column, each of the shape of `records`.

    A default is a scalar, a vector of one, or empty where the field is required.
    """
    delimiter = text(field_delim)
    if len(delimiter) != 1:
        raise InvalidArgumentError("field_delim should be only 1 char")
    if any(later <= earlier for earlier, later in pairwise(select_cols)) or min(select_cols, default=0) < 0:
        raise InvalidArgumentError("select_cols should be strictly increasing indices")
    if select_cols and len(select_cols) != len(OUT_TYPE):
        raise InvalidArgumentError("select_cols should match output size")
    for i, default in enumerate(record_defaults):
        if np.ndim(default) > 1:
            raise InvalidArgumentError(f"Each record default should be at most rank 1: {i} has {np.ndim(default)} dims")
        if np.size(default) > 1:
            raise InvalidArgumentError(f"There should only be 1 default per field but field {i} has {np.size(default)}")
    rows = [_fields(record, delimiter, use_quote_delim) for record in as_list(records)]
    if select_cols:
        rows = [[row[column] for column in select_cols if column < len(row)] for row in rows]
    for i, row in enumerate(rows):
        if len(row) != len(OUT_TYPE):
            raise InvalidArgumentError(f"Expect {len(OUT_TYPE)} fields but have {len(row)} in record {i}")
    columns: list[list[bytes]] = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in OUT_TYPE]
    missing = text(na_value)
    return tuple(
        _csv_column(column, i, kind, np.asarray(default, dtype=kind.numpy), missing).reshape(np.shape(records))
        for i, (column, kind, default) in enumerate(zip(columns, OUT_TYPE, record_defaults, strict=True))
    )


def _json_example(value: bytes) -> bytes:
    from google.protobuf import json_format

    from smcli.proto.example_pb2 import Example

    message: Any = Example()
    try:
        json_format.Parse(value, message)
    except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgumentError(f"Error while parsing JSON: {str(error)[:200]}") from None
    serialized: bytes = message.SerializeToString(deterministic=True)
    return serialized


@kernel("DecodeJSONExample")
def decode_json_example(x: Array) -> Array:
    """tf.Examples in JSON as serialised protos (with packed numbers, where TensorFlow writes each with its tag)."""
    return map_bytes(_json_example, x)
