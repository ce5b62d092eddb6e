"""`--input_json`: inputs as TensorFlow Serving's REST API takes them.

`{"instances": [row, …]}` gives rows, `{"inputs": …}` columns; `{"b64": "…"}` stands for a byte string
(https://www.tensorflow.org/tfx/serving/api_rest).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import sys
from collections.abc import Collection, Mapping
from typing import Any

from smcli.errors import SmcliError
from smcli.inputs.contents import MAX_STDIN_BYTES, STDIN
from smcli.inputs.files import check_memory, open_file

_B64 = "b64"
MAX_DEPTH = 300  # of nested lists; NumPy arrays have far fewer dims


def read_json(text: str) -> Any:
    """The JSON in `text`, in the file of that name, or in stdin for "-". Raises SmcliError, shown as ValueError, for
    what is none."""
    source = text
    if text == STDIN:
        source = sys.stdin.buffer.read(MAX_STDIN_BYTES).decode("utf-8", "surrogateescape")
    elif not text.lstrip().startswith(("{", "[")) and os.path.exists(text):
        file, size = open_file(text)
        check_memory(size, text)
        with file:
            source = file.read().decode("utf-8", "surrogateescape")
    try:
        return json.loads(source)
    except (ValueError, RecursionError) as error:
        raise SmcliError(f"--input_json is neither JSON nor a file: {error}", shown_as="ValueError") from None


def values_of(request: Any, keys: Collection[str]) -> dict[str, Any]:
    """{input key: value} of a request for a signature with the inputs `keys`.

    Raises SmcliError, shown as ValueError, for a request of another form.
    """
    if not isinstance(request, dict) or ("instances" in request) == ("inputs" in request):
        raise _error('expected an object with "instances" (rows) or with "inputs" (columns)')
    if "inputs" in request:
        return _columns(request["inputs"], keys)
    rows = request["instances"]
    if not isinstance(rows, list):
        raise _error('"instances" is not a list')
    if rows and all(isinstance(row, dict) and set(row) != {_B64} for row in rows):
        names = sorted(rows[0])
        if any(sorted(row) != names for row in rows):
            raise _error('not all rows of "instances" have the same keys')
        return {name: _decoded([row[name] for row in rows]) for name in names}
    return {_only(keys): _decoded(rows)}


def _columns(columns: Any, keys: Collection[str]) -> dict[str, Any]:
    if isinstance(columns, dict) and set(columns) != {_B64}:
        return {name: _decoded(column) for name, column in columns.items()}
    return {_only(keys): _decoded(columns)}


def _only(keys: Collection[str]) -> str:
    if len(keys) != 1:
        raise _error(f"values without a name need a signature with one input; it has {', '.join(sorted(keys))}")
    return next(iter(keys))


def _decoded(value: Any, depth: int = 0) -> Any:
    """The value with byte strings for what is written in base64."""
    if depth > MAX_DEPTH:
        raise _error(f"lists are nested more than {MAX_DEPTH} deep")
    if isinstance(value, list):
        return [_decoded(item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return byte_string(value, "--input_json")
    return value


def byte_string(value: Mapping[str, Any], where: str) -> bytes:
    """The bytes that `{"b64": "…"}` stands for. Raises SmcliError, shown as ValueError, for another object."""
    if set(value) != {_B64} or not isinstance(value[_B64], str):
        raise SmcliError(f'{where}: an object among the values is not {{"{_B64}": "…"}}', shown_as="ValueError")
    return from_base64(value[_B64], where)


def from_base64(text: str, where: str) -> bytes:
    """The bytes of base64. Raises SmcliError, shown as ValueError."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SmcliError(f"{where}: base64: {error}", shown_as="ValueError") from None


def _error(message: str) -> SmcliError:
    return SmcliError(f"--input_json: {message}", shown_as="ValueError")
