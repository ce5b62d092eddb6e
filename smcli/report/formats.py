"""Outputs in one file or stream: JSON and CSV for scripts, .npz for NumPy; and how NumPy prints."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

import numpy as np

from smcli.errors import SmcliError
from smcli.kernels.context import Array
from smcli.report.outputs import in_c_order

NPY, NPZ, JSON, CSV = "npy", "npz", "json", "csv"
FORMATS = (NPY, NPZ, JSON, CSV)
# what --print_options may set, of numpy.set_printoptions
_PRINT_OPTIONS: dict[str, Callable[[str], Any]] = {
    "precision": int,
    "threshold": int,
    "edgeitems": int,
    "linewidth": int,
    "suppress": lambda text: {"true": True, "1": True, "false": False, "0": False}[text.lower()],
    "floatmode": str,
    "sign": str,
}


def form_of(outfile: str, wanted: str | None) -> str:
    """The format of a file: `wanted`, or what its suffix says. Raises SmcliError for a suffix that says nothing."""
    suffix = os.path.splitext(outfile)[1].removeprefix(".").lower()
    if wanted:
        return wanted
    if suffix in FORMATS:
        return suffix
    raise SmcliError(
        f"--outfile {outfile}: the format is not clear; say --output_format {', '.join(FORMATS)}", shown_as="ValueError"
    )


def writer(form: str, values: Mapping[str, Any]) -> Callable[[IO[bytes]], None]:
    """What writes the outputs to a file. Raises SmcliError for outputs that the format can not hold."""
    if form == NPY:
        if len(values) != 1:
            raise SmcliError(
                f"--outfile: .npy holds one output, there are {len(values)}; take .npz or --outdir",
                shown_as="ValueError",
            )
        array = next(iter(values.values()))
        return lambda file: np.save(file, in_c_order(array))
    if form == NPZ:
        return lambda file: _write_npz(file, values)
    data = text(form, values).encode("utf-8", "backslashreplace")

    def write(file: IO[bytes]) -> None:
        file.write(data)

    return write


def _write_npz(file: IO[bytes], values: Mapping[str, Any]) -> None:
    """As numpy.savez, which takes the keys as keywords and so can not have one named `file`."""
    with zipfile.ZipFile(file, "w") as archive:
        for key, value in values.items():
            with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, in_c_order(np.asanyarray(value)))


def text(form: str, values: Mapping[str, Any]) -> str:
    """The outputs as JSON or CSV. Raises SmcliError for outputs that CSV can not hold."""
    return _json_text(values) if form == JSON else _csv_text(values)


def _json_text(values: Mapping[str, Any]) -> str:
    """In the column form of TensorFlow Serving: {"outputs": {key: nested lists}}; bytes that are not UTF-8 as
    {"b64": …}; NaN and infinities, which JSON does not have, as strings."""
    outputs = {key: _plain(np.asarray(value).tolist()) for key, value in values.items()}
    return json.dumps({"outputs": outputs}, indent=2, sort_keys=True, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    match value:
        case list():
            return [_plain(item) for item in value]
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                return {"b64": base64.b64encode(value).decode()}
        case float() if value != value or value in (float("inf"), float("-inf")):
            return str(value)
        case complex():
            return {"real": _plain(value.real), "imag": _plain(value.imag)}
        case bool() | int() | float() | str() | None:
            return value
    return str(value) if not isinstance(value, tuple) else [_plain(item) for item in value]


def _csv_text(values: Mapping[str, Any]) -> str:
    """A row for each item of the batch, a column for each number: `key`, or `key[1][0]` where an item has several."""
    columns: dict[str, Array] = {}
    for key, value in values.items():
        columns |= _columns(key, np.asarray(value))
    rows = {len(column) for column in columns.values()}
    if len(rows) > 1:
        raise SmcliError(
            f"--output_format csv: the outputs have different numbers of rows: {sorted(rows)}", shown_as="ValueError"
        )
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(columns)
    lines.writerows(zip(*[map(_cell, column.tolist()) for column in columns.values()]))
    return out.getvalue()


def _columns(key: str, value: Array) -> Iterator[tuple[str, Array]]:
    batch = value.reshape(1, *value.shape) if value.ndim == 0 else value
    for place in np.ndindex(*batch.shape[1:]):
        yield key + "".join([f"[{index}]" for index in place]), batch[(slice(None), *place)]


def _cell(value: Any) -> Any:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def print_options(options: str) -> dict[str, Any]:
    """What `precision=3,suppress=true` means to numpy.printoptions.

    Raises SmcliError for an unknown option or value.
    """
    parsed = {}
    for part in filter(None, (part.strip() for part in options.split(","))):
        name, _, value = part.partition("=")
        if name not in _PRINT_OPTIONS:
            raise SmcliError(f"--print_options: {name!r} is none of {', '.join(_PRINT_OPTIONS)}", shown_as="ValueError")
        try:
            parsed[name] = _PRINT_OPTIONS[name](value)
            with np.printoptions(**{name: parsed[name]}):
                pass
        except (KeyError, ValueError, TypeError):
            raise SmcliError(f"--print_options: {part!r} is no {name}", shown_as="ValueError") from None
    return parsed
