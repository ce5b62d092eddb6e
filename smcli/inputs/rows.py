"""Rows of JSON and CSV files, from which tf.Examples are made: the values of each row by feature name.

Nothing is decided here of the features' types, and a file may be walked twice: once to find the types out, once to use
them. Every error names the file and the line.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import IO, Any, NamedTuple

from smcli.errors import SmcliError
from smcli.inputs.files import check_memory, open_file
from smcli.inputs.json_values import byte_string

JSONL, JSON, CSV, TSV = "jsonl", "json", "csv", "tsv"
FORMATS = (JSONL, JSON, CSV, TSV)
SUFFIXES = {".jsonl": JSONL, ".ndjson": JSONL, ".json": JSON, ".csv": CSV, ".tsv": TSV}
STDIN = "-"
MAX_BYTES = 2**31  # of stdin, and of what a compressed file becomes
MAX_CELL_CHARS = 2**28
MAX_DEPTH = 64  # of nested lists
_GZIP = ".gz"
_GZIP_MAGIC = b"\x1f\x8b"
_SPACE = " \t\r\n\v\f"
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}\Z")
_REQUEST_KEYS = ("examples", "instances")  # under which requests to TensorFlow Serving have their rows

Row = Mapping[str, Sequence[Any]]


class RowFile(NamedTuple):
    """walk: a new walk over the rows, each with the number of its line (of the row itself in a .json file). is_text:
    numbers are written as text, as in CSV. name: for errors."""

    name: str
    walk: Callable[[], Iterator[tuple[int, Row]]]
    is_text: bool


class CsvForm(NamedTuple):
    """How a CSV file is written. delimiter: between cells, None for a comma or a tab, by the file's format. split:
    between the values of one cell; None when each cell is one value. columns: the names, where no header says them."""

    delimiter: str | None = None
    split: str | None = None
    columns: Sequence[str] = ()


def open_rows(path: str, form: str | None = None, csv_form: CsvForm | None = None) -> RowFile:
    """The rows of a file, or of stdin for "-"; form: one of FORMATS, by the file's name when None.

    Raises SmcliError for a name that does not say the format; NotFoundError and its kin; walking the rows raises
    SmcliError for lines that are not of the format.
    """
    form = form or form_of(path)
    file = _opened(path)
    read: Callable[[IO[str]], Iterator[tuple[int, Row]]]
    if form in (CSV, TSV):
        csv_form = csv_form or CsvForm()
        delimiter = csv_form.delimiter or ("\t" if form == TSV else ",")
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise SmcliError(f"{delimiter!r} can not stand between cells: it has to be one character")
        read = partial(_csv_rows, name=path, form=csv_form._replace(delimiter=delimiter))
    else:
        read = partial(_json_rows if form == JSON else _json_lines, name=path)
    return RowFile(path, partial(_walked, file, read), is_text=form in (CSV, TSV))


def form_of(path: str) -> str:
    """The format that a file's name says. Raises SmcliError."""
    suffix = os.path.splitext(path.lower().removesuffix(_GZIP))[1]
    if suffix not in SUFFIXES:
        raise SmcliError(f"{path}: the format is not clear from the name; it is one of {', '.join(SUFFIXES)}")
    return SUFFIXES[suffix]


def _opened(path: str) -> IO[bytes]:
    """A file that can be read again and again."""
    if path == STDIN:
        return io.BytesIO(sys.stdin.buffer.read(MAX_BYTES))
    file, size = open_file(path)
    check_memory(size, path)
    head = file.read(len(_GZIP_MAGIC))
    file.seek(0)
    if head != _GZIP_MAGIC:
        return file
    with file:
        try:
            data = gzip.GzipFile(fileobj=file).read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise SmcliError(f"{path}: {error}") from None
    if len(data) > MAX_BYTES:
        raise SmcliError(f"{path} becomes more than {MAX_BYTES} bytes when decompressed")
    return io.BytesIO(data)


def _walked(file: IO[bytes], read: Callable[[IO[str]], Iterator[tuple[int, Row]]]) -> Iterator[tuple[int, Row]]:
    """What `read` makes of the file's text from its beginning; bytes that are no UTF-8 are escaped, so that they come
    back. The file stays open for the next walk."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from read(text)
    finally:
        text.detach()


# JSON


def _json_lines(text: IO[str], name: str) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(text, 1):
        if line.strip():
            where = f"{name}, line {number}"
            yield number, _json_row(_parsed(line, where), where)


def _json_rows(text: IO[str], name: str) -> Iterator[tuple[int, Row]]:
    rows = _parsed(text.read(), name)
    if isinstance(rows, dict):
        rows = next((rows[key] for key in _REQUEST_KEYS if isinstance(rows.get(key), list)), None)
    if not isinstance(rows, list):
        raise SmcliError(f"{name} holds no list of rows; for a row on each line, the name should end with .jsonl")
    for number, row in enumerate(rows, 1):
        yield number, _json_row(row, f"{name}, row {number}")


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SmcliError(f"{where}: this is no JSON: {error}") from None


def _json_row(row: Any, where: str) -> Row:
    if not isinstance(row, dict):
        raise SmcliError(f'{where}: a row is an object such as {{"age": 22}}, this is a {type(row).__name__}')
    return {key: list(_leaves(value, f"{where}, {key!r}")) for key, value in row.items() if value is not None}


def _leaves(value: Any, where: str, depth: int = 0) -> Iterator[Any]:
    """The values in nested lists, row by row."""
    if isinstance(value, list):
        if depth == MAX_DEPTH:
            raise SmcliError(f"{where}: lists are nested more than {MAX_DEPTH} deep")
        for item in value:
            yield from _leaves(item, where, depth + 1)
    elif isinstance(value, dict):
        yield byte_string(value, where)
    elif value is None:
        raise SmcliError(f"{where}: null stands among the values")
    else:
        yield value


# CSV


def _csv_rows(text: IO[str], name: str, form: CsvForm) -> Iterator[tuple[int, Row]]:
    lines = _csv_lines(text, name, form)
    number, columns = (1, list(form.columns)) if form.columns else next(lines, (1, []))
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        raise SmcliError(f"{name}, line {number}: two columns have the name {repeated[0]!r}")
    for number, cells in lines:
        if len(cells) != len(columns):
            raise SmcliError(f"{name}, line {number}: {len(cells)} cells where there are {len(columns)} columns")
        yield number, {column: _values(cell, form.split) for column, cell in zip(columns, cells) if cell}


def _csv_lines(text: IO[str], name: str, form: CsvForm) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers."""
    before = csv.field_size_limit(MAX_CELL_CHARS)
    try:
        reader = csv.reader(text, delimiter=form.delimiter or ",", strict=True)
        try:
            for cells in reader:
                if cells:
                    yield reader.line_num, cells
        except csv.Error as error:
            raise SmcliError(f"{name}, line {reader.line_num}: {error}") from None
    finally:
        csv.field_size_limit(before)


def _values(cell: str, split: str | None) -> list[str]:
    return [cell] if split is None else [part for part in cell.split(split) if part]


def as_integer(text: str) -> int | None:
    """The number that a text is, if it is one of 64 bits."""
    if not _INTEGER.match(text.strip(_SPACE)):  # int() takes underscores, and strip() more for space than int() does
        return None
    value = int(text)
    return value if -(2**63) <= value < 2**63 else None


def as_float(text: str) -> float | None:
    """The number that a text is, if it is one."""
    try:
        return float(text) if "_" not in text else None
    except ValueError:
        return None
