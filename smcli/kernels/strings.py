"""String ops that take strings apart or put them together: case, strip, length, substrings, joins, base64.

Strings are bytes. What is said to work on characters works on UTF-8 as TensorFlow's kernels do
(tensorflow/core/kernels/string_*_op.cc, substr_op.cc, reduce_join_op.cc, base64_ops.cc).
"""

from __future__ import annotations

import binascii
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError, OutOfRangeError, UnimplementedError
from smcli.kernels._bytes import as_array, as_list, lengths_of, map_bytes, scalar, text
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel

_TRAIL_BYTES = bytes(range(0x80, 0xC0))  # the bytes of a UTF-8 character after its first


def _check_encoding(encoding: str) -> None:
    if encoding not in ("", "utf-8"):
        raise InvalidArgumentError(f"only utf-8 or '' (no encoding) is supported, received {encoding}")


def _until_nul(value: bytes) -> bytes:
    """What ICU is given: TensorFlow hands it a C string (tensorflow/core/kernels/string_upper_op.cc)."""
    return value.partition(b"\0")[0]


def _lower_utf8(value: bytes) -> bytes:
    value = _until_nul(value)
    return value.lower() if value.isascii() else value.decode("utf-8", "replace").lower().encode("utf-8")


def _upper_utf8(value: bytes) -> bytes:
    value = _until_nul(value)
    return value.upper() if value.isascii() else value.decode("utf-8", "replace").upper().encode("utf-8")


@kernel("StringLower")
def string_lower(x: Array, *, encoding: str = "") -> Array:
    """ASCII lower case, or Unicode's when the encoding is utf-8 (bytes that are not UTF-8 become U+FFFD)."""
    _check_encoding(encoding)
    return map_bytes(_lower_utf8 if encoding else bytes.lower, x)


@kernel("StringUpper")
def string_upper(x: Array, *, encoding: str = "") -> Array:
    """ASCII upper case, or Unicode's when the encoding is utf-8 (bytes that are not UTF-8 become U+FFFD)."""
    _check_encoding(encoding)
    return map_bytes(_upper_utf8 if encoding else bytes.upper, x)


@kernel("StringStrip")
def string_strip(x: Array) -> Array:
    """Without ASCII white space at both ends."""
    return map_bytes(bytes.strip, x)


@kernel("StringLength")
def string_length(x: Array, *, unit: str = "BYTE") -> Array:
    """Length in bytes, or in UTF-8 characters (bytes that are not trail bytes), as int32."""
    x = np.asarray(x, dtype=object)
    values = as_list(x)
    if unit == "UTF8_CHAR":
        values = [value if value.isascii() else value.translate(None, _TRAIL_BYTES) for value in values]
    return np.fromiter(map(len, values), np.int32, len(values)).reshape(x.shape)


def _cut_bytes(values: list[bytes], pos: Array, length: Array) -> list[bytes]:
    """Parts of strings by bytes; a negative length takes the rest. pos and length are vectors of as many numbers."""
    sizes = lengths_of(values)
    bad = np.flatnonzero((pos < -sizes) | (pos > sizes))
    if bad.size:
        at = int(bad[0])
        raise InvalidArgumentError(f"pos {pos[at]} out of range for string {values[at]!r} at index {at}")
    starts = np.where(pos < 0, pos + sizes, pos)
    ends = np.where(length < 0, sizes, starts + np.minimum(length, sizes))
    return [value[start:end] for value, start, end in zip(values, starts.tolist(), ends.tolist())]


def _cut_chars(values: list[bytes], pos: Array, length: Array) -> list[bytes]:
    """Parts of strings by UTF-8 characters; a negative length takes nothing."""
    if all(map(bytes.isascii, values)) and not ((pos < 0) & (length < 0)).any():
        return _cut_bytes(values, pos, np.maximum(length, 0))
    return list(map(_sub_chars, values, pos.tolist(), length.tolist(), range(len(values))))


def _sub_chars(value: bytes, pos: int, length: int, index: int) -> bytes:
    try:
        chars: Any = value.decode()
    except UnicodeDecodeError:  # every byte that is no trail byte starts a character
        starts = [i for i, byte in enumerate(value) if i == 0 or byte & 0xC0 != 0x80]
        chars = [value[i:j] for i, j in zip(starts, [*starts[1:], len(value)])]
    count = len(chars)
    if not -count <= pos <= count or (pos < 0 and length < 0):
        raise InvalidArgumentError(f"pos {pos} out of range for string at index {index}")
    first = pos if pos >= 0 else pos + count
    part = chars[first : first + max(length, 0)]
    return part.encode() if isinstance(part, str) else b"".join(part)


@kernel("Substr")
def substr(x: Array, pos: Array, length: Array, *, unit: str = "BYTE") -> Array:
    """Part of each string, `pos` counted from the end when negative; `pos` and `length` broadcast with the strings.

    Raises InvalidArgumentError for a position outside its string or shapes that do not fit.
    """
    x, pos, length = np.asarray(x, dtype=object), np.asarray(pos), np.asarray(length)
    if pos.shape != length.shape:
        raise InvalidArgumentError(
            f"pos and len should have the same shape, got: {list(pos.shape)} vs. {list(length.shape)}"
        )
    shape = x.shape
    if pos.ndim and pos.shape != x.shape:
        try:
            shape = np.broadcast_shapes(x.shape, pos.shape)
        except ValueError:
            raise InvalidArgumentError(f"Incompatible shapes: {list(x.shape)} vs. {list(pos.shape)}") from None
        if len(shape) > 2:
            raise UnimplementedError(f"Substr broadcast not implemented for {len(shape)} dimensions")
    values = np.broadcast_to(x, shape).ravel().tolist()
    places, counts = (np.broadcast_to(part, shape).ravel().astype(np.int64) for part in (pos, length))
    return as_array((_cut_bytes if unit == "BYTE" else _cut_chars)(values, places, counts), shape)


@kernel("StringJoin")
def string_join(*inputs: Array, separator: str = "") -> Array:
    """The inputs' elements joined one by one; scalars go with every element.

    Raises InvalidArgumentError when shapes differ.
    """
    arrays = [np.asarray(part, dtype=object) for part in inputs]
    shape: tuple[int, ...] = ()
    for array in arrays:
        if array.ndim and not shape:
            shape = array.shape
        elif array.ndim and array.shape != shape:
            raise InvalidArgumentError(f"Input shapes do not match: {list(shape)} vs. {list(array.shape)}")
    if not arrays:
        return scalar(b"")
    join = text(separator).join
    columns = [np.broadcast_to(array, shape).ravel().tolist() for array in arrays]
    return as_array(list(map(join, zip(*columns, strict=True))), shape)


def _axes(indices: Array, rank: int) -> list[int]:
    axes: list[int] = []
    for axis in np.asarray(indices).ravel().tolist():
        if not -rank <= axis < rank:
            raise OutOfRangeError(f"Invalid reduction dimension {axis} for input with {rank} dimension(s)")
        if axis % rank in axes:
            raise InvalidArgumentError(f"Duplicate reduction dimension {axis}")
        axes.append(axis % rank)
    return axes


@kernel("ReduceJoin")
def reduce_join(x: Array, reduction_indices: Array, *, keep_dims: bool = False, separator: str = "") -> Array:
    """Strings joined along axes: along the first that is named first."""
    x = np.asarray(x, dtype=object)
    axes = _axes(reduction_indices, x.ndim)
    if not axes:
        return x
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    count = int(np.prod([x.shape[axis] for axis in axes]))
    rows = x.transpose(kept + axes[::-1]).reshape(int(np.prod([x.shape[axis] for axis in kept])), count)
    values = list(map(text(separator).join, rows.tolist()))
    if keep_dims:
        return as_array(values, tuple(1 if axis in axes else size for axis, size in enumerate(x.shape)))
    return as_array(values, tuple(x.shape[axis] for axis in kept))


@kernel("UnsortedSegmentJoin")
def unsorted_segment_join(x: Array, segment_ids: Array, num_segments: Array, *, separator: str = "") -> Array:
    """Strings of one segment joined in their order: [num_segments, …dims of x after those of segment_ids]."""
    x, ids = np.asarray(x, dtype=object), np.asarray(segment_ids)
    count = int(np.asarray(num_segments))
    if count < 0:
        raise InvalidArgumentError(f"Number of segments must be non-negative but got {count}")
    if not ids.ndim:
        raise InvalidArgumentError("segment_ids cannot have rank 0")
    for axis, size in enumerate(ids.shape):
        if axis >= x.ndim or x.shape[axis] != size:
            have = x.shape[axis] if axis < x.ndim else 0
            raise InvalidArgumentError(f"Segment dimension is {size} while input dimension is {have} in rank {axis}")
    if ids.size and not 0 <= ids.min() <= ids.max() < count:
        raise InvalidArgumentError("segment_ids are not allowed to exceed num_segments or to have negative values.")
    inner = x.shape[ids.ndim :]
    width = int(np.prod(inner))
    joined: dict[int, list[bytes]] = {}  # of the segments that there are: there may be far fewer than `count`
    for segment, row in zip(ids.ravel().tolist(), x.reshape(ids.size, width).tolist(), strict=True):
        for column, value in enumerate(row):
            parts = joined.setdefault(segment * width + column, [])
            if value or parts:  # no separator comes before the first string that is not empty
                parts.append(value)
    result = np.full(count * width, b"", dtype=object)
    for place, parts in joined.items():
        result[place] = text(separator).join(parts)
    return result.reshape(count, *inner)


@kernel("EncodeBase64")
def encode_base64(x: Array, *, pad: bool = False) -> Array:
    """Web-safe base64, with '=' at the end only if `pad`."""
    x = np.asarray(x, dtype=object)
    if not x.size:
        return x
    lines = b"".join(map(binascii.b2a_base64, as_list(x)))  # each with a line feed at its end
    return as_array(lines.translate(_TO_WEB_SAFE, b"" if pad else b"=")[:-1].split(b"\n"), x.shape)


_TO_WEB_SAFE = bytes.maketrans(b"+/", b"-_")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_BODY = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_BASE64_ALPHABET = frozenset(_BODY)


def _decode_base64(value: bytes) -> bytes:
    """Web-safe base64 with or without padding. Raises InvalidArgumentError for anything else."""
    body = value.rstrip(b"=")
    padding = len(value) - len(body)
    if not _BASE64_ALPHABET.issuperset(body):
        raise InvalidArgumentError("Invalid character found in base64.")
    if len(body) % 4 == 1 or padding > 2 or (padding and len(value) % 4):
        raise InvalidArgumentError("Base64 string length incorrect.")
    try:
        return binascii.a2b_base64(body.translate(_TO_STANDARD) + b"=" * (-len(body) % 4))
    except binascii.Error as error:  # pragma: no cover - everything was checked above
        raise InvalidArgumentError(f"Invalid base64: {error}") from None


@kernel("DecodeBase64")
def decode_base64(x: Array) -> Array:
    """The bytes that web-safe base64 stands for."""
    x = np.asarray(x, dtype=object)
    values = as_list(x)
    lines = b"\n".join(values)
    rests = lengths_of(values) % 4
    if lines.translate(None, _BODY) != b"\n" * (len(values) - 1) or (rests == 1).any():
        return map_bytes(_decode_base64, x)  # something is padded or wrong
    padding = [(b"", b"", b"==", b"=")[rest] for rest in rests.tolist()]
    padded = map(bytes.__add__, lines.translate(_TO_STANDARD).split(b"\n"), padding)
    return as_array(list(map(binascii.a2b_base64, padded)), x.shape)
