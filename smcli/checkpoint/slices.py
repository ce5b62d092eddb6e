"""Slices of tensors: how partitioned variables are cut, addressed and put together again.

A slice has one extent for each dim: (start, length), with length FULL for the whole dim. Semantics are those of
tensorflow/core/framework/tensor_slice.cc; the keys under which slices are stored those of
tensorflow/core/util/saved_tensor_slice_util.cc.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from smcli.errors import DataLossError, InternalError, InvalidArgumentError

if TYPE_CHECKING:
    from smcli.proto.checkpoint_pb2 import TensorSliceProto

FULL = -1
_MAX_INT64 = 2**63 - 1

Bounds = tuple[tuple[int, int], ...]  # (start, end) for each dim


class TensorSlice(NamedTuple):
    """(start, length) for each dim; (0, FULL) is all of a dim."""

    extents: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        return ":".join("-" if length == FULL else f"{start},{length}" for start, length in self.extents)

    @property
    def is_full(self) -> bool:
        return all(length == FULL for _, length in self.extents)

    def bounds(self, shape: tuple[int, ...]) -> Bounds:
        """(start, end) for each dim of a tensor of `shape`. Raises InternalError when the slice does not fit."""
        if len(shape) != len(self.extents):
            raise InternalError(f"Mismatching ranks: shape = {shape_text(shape)}, slice = {self}")
        bounds = []
        for dim, ((start, length), size) in enumerate(zip(self.extents, shape)):
            end = size if length == FULL else start + length
            if end > size:
                raise InternalError(
                    f"Extent in dimension {dim} out of bounds: shape = {shape_text(shape)}, slice = {self}"
                )
            bounds.append((start, end))
        return tuple(bounds)


def full_slice(rank: int) -> TensorSlice:
    return TensorSlice(((0, FULL),) * rank)


def from_proto(proto: TensorSliceProto, where: str) -> TensorSlice:
    """The slice of a proto. Raises DataLossError, with `where`, for negative starts, empty or overflowing extents."""
    extents = []
    for extent in proto.extent:
        start, length = extent.start, extent.length if extent.HasField("length") else FULL
        if (start, length) != (0, FULL) and (start < 0 or length <= 0 or start + length > _MAX_INT64):
            raise DataLossError(f"{where}: slice with start {start} and length {length}")
        extents.append((start, length))
    return TensorSlice(tuple(extents))


def parse_spec(spec: str) -> tuple[tuple[int, ...], TensorSlice]:
    """A full shape and a slice from SaveV2's text, dims and then extents: "10 20 0,10:-".

    Raises InvalidArgumentError in TensorFlow's words (`ParseShapeAndSlice`), InternalError when the slice does not fit.
    """
    *dims, last = spec.split(" ")
    if not dims:
        raise InvalidArgumentError(f"Need least two elements in shape_and_slice specification: {spec}")
    extents = []
    for item in filter(None, last.split(":")):
        if item == "-":
            extents.append((0, FULL))
            continue
        pair = [_int64(text) for text in item.split(",") if text]
        if len(pair) != 2 or pair[0] is None or pair[1] is None:
            raise InvalidArgumentError(f"Expected a pair of numbers or '-' but got '{item}': string = {last}")
        start, length = pair[0], pair[1]
        if start < 0 or length <= 0 or start + length > _MAX_INT64:
            raise InvalidArgumentError(
                "Expected non-negative start and positive length but got "
                f"start = {start}, length = {length}: string = {last}"
            )
        extents.append((start, length))
    shape = [_int64(text) for text in dims]
    if any(size is None or size < 0 for size in shape):
        raise InvalidArgumentError(f"Non numerical dimension in shape_and_slice: {spec}")
    full_shape, wanted = tuple(size for size in shape if size is not None), TensorSlice(tuple(extents))
    wanted.bounds(full_shape)
    return full_shape, wanted


def intersect(one: Bounds, other: Bounds) -> Bounds | None:
    """The bounds that two slices of the same rank have in common, or None when they have nothing."""
    common = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(one, other))
    return None if any(start >= end for start, end in common) else common


def volume(bounds: Bounds) -> int:
    """The number of elements between bounds."""
    return math.prod(end - start for start, end in bounds)


def cover(
    where: str, shape: tuple[int, ...], stored: tuple[TensorSlice, ...], wanted: TensorSlice
) -> dict[TensorSlice, Bounds]:
    """Those of the stored slices of a variable that hold the wanted part, with their bounds.

    Raises InvalidArgumentError when some of the wanted part is in none, InternalError when slices overlap or do not fit
    into the variable. `where` names the variable.
    """
    try:
        target = wanted.bounds(shape)
        parts = {item: item.bounds(shape) for item in stored}
    except InternalError as error:
        raise InternalError(f"{error.message}: {where}") from None
    if wanted in parts:
        return {wanted: target}
    common = {item: both for item, bounds in parts.items() if (both := intersect(bounds, target)) is not None}
    covered = sum(volume(both) for both in common.values())
    if covered < volume(target):
        raise InvalidArgumentError(
            f"Does not have sufficient slices for partitioned tensor to restore in slice_spec: {wanted}: {where}"
        )
    if covered > volume(target):
        raise InternalError(f"Overlapping slices: {where}")
    return {item: parts[item] for item in common}


def slice_key(name: bytes, wanted: TensorSlice) -> bytes:
    """The key of a slice in a table: an order-preserving code (tensorflow/core/lib/strings/ordered_code.h)."""
    escaped = b"\xff\0".join(part.replace(b"\0", b"\0\xff") for part in name.split(b"\xff"))
    parts = [b"\0", escaped, b"\0\1", _ordered_unsigned(len(wanted.extents))]
    for start, length in wanted.extents:
        parts += [_ordered_signed(start), _ordered_signed(length)]
    return b"".join(parts)


def _ordered_unsigned(value: int) -> bytes:
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "big")


def _ordered_signed(value: int) -> bytes:
    """As many leading bits of the (inverted) sign as there are bytes, a bit of the other kind, then the value."""
    magnitude = ~value if value < 0 else value
    size = magnitude.bit_length() // 7 + 1
    if value < 0:
        ones = (1 << 8 * size) - 1
        return (~int.from_bytes(_ordered_signed(magnitude), "big") & ones).to_bytes(size, "big")
    header = ((1 << size) - 1) << (8 * size - size)
    return (header | magnitude).to_bytes(size, "big")


def _int64(text: str) -> int | None:
    text = text.strip()
    digits = text[1:] if text.startswith("-") else text
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19:
        return None
    value = int(text)
    return value if -(2**63) <= value <= _MAX_INT64 else None


def shape_text(shape: tuple[int, ...]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"
