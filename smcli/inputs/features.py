"""Rows to tf.Examples: of which type each feature is, and the conversion of values to it.

A type comes from the user, else from the model that will parse the Examples, else from all values of the column
together: integers, else numbers, else bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from smcli.errors import SmcliError
from smcli.inputs.files import check_memory, open_file
from smcli.inputs.json_values import from_base64
from smcli.inputs.rows import Row, RowFile, as_float, as_integer
from smcli.proto.example_pb2 import Example

if TYPE_CHECKING:
    from smcli.inputs.parse_specs import FeatureSpec

INT64, FLOAT, BYTES = "int64", "float", "bytes"
BASE64, FILE = "base64", "file"  # bytes, which the row has in base64 or as the name of the file that holds them
TYPES = (INT64, FLOAT, BYTES, BASE64, FILE)
_OF_DTYPE = {"int64": INT64, "float32": FLOAT, "string": BYTES}
_ORDER = (INT64, FLOAT, BYTES)  # what a column of mixed values is, is the last of its values' types


@dataclass(slots=True)
class Column:
    """A feature of a file. source: where its type is from. fewest, most: how many values a row has. missing: rows
    without it."""

    name: str
    type: str
    source: str
    fewest: int = 0
    most: int = 0
    present: int = 0


@dataclass(slots=True)
class Encoder:
    """Makes the Examples of one file. rows: how many were made so far."""

    columns: dict[str, Column]
    specs: Mapping[str, FeatureSpec]
    rows: int = 0
    _required: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._required = [name for name, spec in self.specs.items() if spec.required]

    def encoded(self, rows: RowFile) -> Iterator[bytes]:
        """The serialised Example of each row. Raises SmcliError for a value that is not of its feature's type, and for
        a row that the model would refuse."""
        for number, row in rows.walk():
            yield self._example(row, f"{rows.name}, line {number}")
            self.rows += 1

    def unknown(self) -> list[str]:
        """The columns that the model does not parse."""
        return [name for name in self.columns if self.specs and name not in self.specs]

    def _example(self, row: Row, where: str) -> bytes:
        for name in self._required:
            if name not in row:
                raise SmcliError(f"{where}: {name!r} is missing, which the model wants in every Example")
        message = Example()
        for name, values in row.items():
            column = self.columns.get(name)
            if column is None:
                raise SmcliError(f"{where}: {name!r} was not there when the file was read first")
            there = f"{where}, {name!r}"
            if name in self.specs:
                _check_count(self.specs[name], len(values), there)
            feature = message.features.feature[name]
            converted = [_converted(value, column.type, there) for value in values]
            if column.type == INT64:
                feature.int64_list.value.extend(converted)
                feature.int64_list.SetInParent()
            elif column.type == FLOAT:
                feature.float_list.value.extend(converted)
                feature.float_list.SetInParent()
            else:
                feature.bytes_list.value.extend(converted)
                feature.bytes_list.SetInParent()
            column.fewest = min(column.fewest, len(values)) if column.present else len(values)
            column.most = max(column.most, len(values))
            column.present += 1
        return bytes(message.SerializeToString(deterministic=True))


def encoder(rows: RowFile, types: Mapping[str, str], specs: Mapping[str, FeatureSpec]) -> Encoder:
    """An Encoder for a file; walks over it once to find the columns and their types.

    types: those that the user says, of TYPES. specs: what the model parses; may be empty. Raises SmcliError for a type
    that the model does not take, and for a name in `types` that no row has.
    """
    guessed: dict[str, str | None] = {}
    for _, row in rows.walk():
        for name, values in row.items():
            guessed[name] = _joined(guessed.get(name), values, rows.is_text)
    absent = sorted(types.keys() - guessed.keys())
    if absent:
        raise SmcliError(f"{rows.name} has no {absent[0]!r}; it has {_listed(guessed)}")
    columns = {name: _column(name, types.get(name), specs.get(name), guess) for name, guess in guessed.items()}
    return Encoder(columns, specs)


def parse_types(pairs: Iterable[str]) -> dict[str, str]:
    """{feature: type} of "NAME=TYPE" each. Raises SmcliError."""
    found = {}
    for pair in pairs:
        name, _, wanted = pair.rpartition("=")
        if not name or wanted not in TYPES:
            raise SmcliError(f"--type {pair}: this is no NAME=TYPE with one of the types {', '.join(TYPES)}")
        found[name] = wanted
    return found


def _column(name: str, wanted: str | None, spec: FeatureSpec | None, guess: str | None) -> Column:
    if any("\ud800" <= char <= "\udfff" for char in name):
        raise SmcliError(f"The name of the feature {name!r} is no UTF-8")
    parsed = None if spec is None else _OF_DTYPE.get(spec.dtype.tf_name)
    if wanted is not None:
        if parsed is not None and parsed != (BYTES if wanted in (BASE64, FILE) else wanted):
            raise SmcliError(f"--type {name}={wanted}: the model parses {name!r} as {parsed}")
        return Column(name, wanted, "flag")
    if parsed is not None:
        return Column(name, parsed, "model")
    return Column(name, guess or BYTES, "values")


def _joined(before: str | None, values: Sequence[Any], is_text: bool) -> str | None:
    """The type of a column so far, with these values of another row."""
    for value in values:
        if before == BYTES:
            break
        here = _text_type(value) if is_text else _type(value)
        before = here if before is None else max(before, here, key=_ORDER.index)
    return before


def _type(value: Any) -> str:
    if isinstance(value, int):
        return INT64
    return FLOAT if isinstance(value, float) else BYTES


def _text_type(text: str) -> str:
    if as_integer(text) is not None:
        return INT64
    return BYTES if as_float(text) is None else FLOAT


def _converted(value: Any, wanted: str, where: str) -> Any:
    """A value as the list of its feature holds it."""
    found: Any = None
    if wanted == INT64:
        found = _as_int64(value)
    elif wanted == FLOAT:
        found = as_float(value) if isinstance(value, str) else _as_float(value)
    elif isinstance(value, str):
        found = _bytes_of(value, wanted, where)
    elif isinstance(value, bytes):
        found = value
    if found is None:
        shown = repr(value) if len(repr(value)) <= 40 else f"{repr(value)[:40]}…"
        raise SmcliError(f"{where}: {shown} is no {'text' if wanted in (BYTES, BASE64, FILE) else wanted}")
    return found


def _as_int64(value: Any) -> int | None:
    if isinstance(value, str):
        return as_integer(value)
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    return int(value) if isinstance(value, int) and -(2**63) <= value < 2**63 else None


def _as_float(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, (int, float)) else None
    except OverflowError:
        return None


def _bytes_of(text: str, wanted: str, where: str) -> bytes | None:
    if wanted == BASE64:
        return from_base64(text, where)
    if wanted == FILE:
        file, size = open_file(text)
        check_memory(size, text)
        with file:
            return file.read()
    try:
        return text.encode("utf-8", "surrogateescape")  # as smcli.inputs.rows reads bytes that are no UTF-8
    except UnicodeEncodeError:
        return None


def _check_count(spec: FeatureSpec, count: int, where: str) -> None:
    """Raise SmcliError when so many values do not fill the shape that a model parses them into."""
    if spec.shape is None:
        return
    wanted = math.prod(size for size in spec.shape if size >= 0)
    is_open = -1 in spec.shape
    if count % wanted if is_open and wanted else not is_open and count != wanted:
        shown = "[" + ", ".join("?" if size < 0 else str(size) for size in spec.shape) + "]"
        raise SmcliError(f"{where}: {count} values, where the model parses a shape of {shown}")


def _listed(names: Iterable[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:20]) + (", …" if len(shown) > 20 else "") or "nothing"
