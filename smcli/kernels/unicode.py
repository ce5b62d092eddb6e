"""Unicode: strings to code points and back, from one encoding to another, scripts.

Source: tensorflow/core/kernels/unicode_ops.cc.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._bytes import as_array, as_list
from smcli.kernels._encodings import decode_all
from smcli.kernels._unicode_scripts import runs
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

_TABLES = "double-byte encodings are Python's, which differ from ICU's in a few private and vendor characters"
DEVIATIONS = dict.fromkeys(("UnicodeDecode", "UnicodeDecodeWithOffsets", "UnicodeTranscode"), _TABLES)

_MAX = 0x10FFFF
_CODECS = {"UTF-8": "utf-8", "UTF-16-BE": "utf-16-be", "UTF-32-BE": "utf-32-be"}


def check_replacement(replacement_char: int) -> None:
    if not 0 <= replacement_char <= _MAX:
        raise InvalidArgumentError("replacement_char out of unicode codepoint range")


def _decoded(
    values: list[bytes], encoding: str, errors: str, replacement_char: int, replace_control_characters: bool
) -> tuple[Array, Array, Array]:
    """Code points, byte offsets, counts per string, with mistakes (and control characters) dealt with."""
    check_replacement(replacement_char)
    codes, offsets, counts = decode_all(values, encoding)
    wrong = codes < 0
    if errors == "strict" and wrong.any():
        raise InvalidArgumentError("Invalid formatting on input string")
    if replace_control_characters:
        wrong = codes <= 0x1F
    if not wrong.any():
        return codes, offsets, counts
    if errors == "ignore":
        rows = np.repeat(np.arange(len(counts)), counts)[~wrong]
        return codes[~wrong], offsets[~wrong], np.bincount(rows, minlength=len(counts))
    return np.where(wrong, np.int32(replacement_char), codes), offsets, counts


def _splits(counts: Array, split_type: DataType) -> Array:
    splits = np.zeros(len(counts) + 1, split_type.numpy)
    np.cumsum(counts, out=splits[1:])
    return splits


@kernel("UnicodeDecodeWithOffsets")
def unicode_decode_with_offsets(
    x: Array,
    *,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 0xFFFD,
    replace_control_characters: bool = False,
    Tsplits: DataType = DataType.INT64,
) -> tuple[Array, Array, Array]:
    """Row splits [strings + 1], code points (int32) and the byte at which each character starts (int64)."""
    codes, offsets, counts = _decoded(as_list(x), input_encoding, errors, replacement_char, replace_control_characters)
    return _splits(counts, Tsplits), codes.astype(np.int32), offsets.astype(np.int64)


@kernel("UnicodeDecode")
def unicode_decode(
    x: Array,
    *,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 0xFFFD,
    replace_control_characters: bool = False,
    Tsplits: DataType = DataType.INT64,
) -> tuple[Array, Array]:
    """Row splits [strings + 1] and code points (int32)."""
    codes, _, counts = _decoded(as_list(x), input_encoding, errors, replacement_char, replace_control_characters)
    return _splits(counts, Tsplits), codes.astype(np.int32)


def _encoded(codes: Array, splits: list[int], output_encoding: str) -> list[bytes]:
    text = codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    codec = _CODECS[output_encoding]
    return [text[start:end].encode(codec, "surrogatepass") for start, end in pairwise(splits)]


@kernel("UnicodeEncode")
def unicode_encode(
    values: Array, splits: Array, *, output_encoding: str, errors: str = "replace", replacement_char: int = 0xFFFD
) -> Array:
    """The rows of a ragged tensor of code points as strings. Surrogates and numbers out of range are mistakes."""
    values, splits = np.asarray(values), np.asarray(splits)
    check_replacement(replacement_char)
    if values.ndim != 1 or splits.ndim != 1:
        raise InvalidArgumentError("Both the input_tensor and input_splits should be of rank 1. ")
    if not splits.size:
        raise InvalidArgumentError("Input_splits should contain elements, but given input_values has 0 elements")
    if splits[0] != 0:
        raise InvalidArgumentError("First value in input_splits must be zero.")
    if splits[-1] != values.size:
        raise InvalidArgumentError("Last value in input_splits must be equal to length of input_tensor.")
    if (splits[1:] < splits[:-1]).any():
        raise InvalidArgumentError("Values in input_splits must be equal or in ascending order.")
    wrong = (values < 0) | (values > _MAX) | ((values >= 0xD800) & (values <= 0xDFFF))
    bounds = splits.astype(np.int64)
    if wrong.any():
        if errors == "strict":
            raise InvalidArgumentError("Code point is out of range for Unicode, or is a surrogate.")
        if errors == "ignore":
            kept = np.concatenate([np.zeros(1, np.int64), np.cumsum(~wrong)])
            values, bounds = values[~wrong], kept[bounds]
        else:
            values = np.where(wrong, np.int32(replacement_char), values)
    return as_array(_encoded(values, bounds.tolist(), output_encoding), (len(splits) - 1,))


@kernel("UnicodeTranscode")
def unicode_transcode(
    x: Array,
    *,
    input_encoding: str,
    output_encoding: str,
    errors: str = "replace",
    replacement_char: int = 0xFFFD,
    replace_control_characters: bool = False,
) -> Array:
    """Strings from one encoding to UTF-8, UTF-16-BE or UTF-32-BE."""
    codes, _, counts = _decoded(as_list(x), input_encoding, errors, replacement_char, replace_control_characters)
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    return as_array(_encoded(codes, bounds.tolist(), output_encoding), np.shape(x))


@kernel("UnicodeScript")
def unicode_script(x: Array) -> Array:
    """ICU's script code of each code point, -1 for what is none."""
    codes = np.asarray(x)
    starts, scripts = runs()
    found: Array = scripts[np.searchsorted(starts, np.clip(codes, 0, _MAX), side="right") - 1]
    return np.where((codes < 0) | (codes > _MAX), np.int32(-1), found)
