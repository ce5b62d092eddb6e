"""Conversion between dtypes: Cast with what TensorFlow makes of values that do not fit, Bitcast, CheckNumerics.

A float that does not fit an integer is undefined behaviour in C++, but the wheels of TensorFlow for x86-64 behave in
one way (seen by trying all pairs of dtypes in 2.21): the conversion goes through int32, NaN and everything too large
becoming the least int32; the whole packets at the start of a tensor are then narrowed with saturation, and the elements
left over at its end by dropping the high bits. `_LANES` has the sizes of the packets.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError, UnimplementedError
from smcli.kernels._numbers import Numbers
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType, from_numpy

_LANES = {"float16": 16, "bfloat16": 8, "float32": 32, "float64": 16, "complex128": 16}
_LANES_TO_UINT32 = {
    "float16": 8,
    "bfloat16": 8,
    "float32": 8,
    "float64": 8,
    "complex64": 8,
    "float8_e5m2": 8,
    "float8_e4m3fn": 8,
}

_FLOAT8 = frozenset({DataType.FLOAT8_E5M2, DataType.FLOAT8_E4M3FN})
_NIBBLES = frozenset({DataType.INT4, DataType.UINT4})
_FLOATS = frozenset({DataType.HALF, DataType.BFLOAT16, DataType.FLOAT, DataType.DOUBLE})
_INTS = frozenset(t for t in DataType if (t.is_integer and t not in (DataType.INT2, DataType.UINT2)) or t.is_quantized)
_OTHERS = frozenset({DataType.BOOL, DataType.COMPLEX64, DataType.COMPLEX128})


def _is_supported(source: DataType, target: DataType) -> bool:
    """Whether TensorFlow's CPU kernel converts between two dtypes that differ."""
    if source in _NIBBLES:
        return target in _INTS
    if source in _FLOATS or source in _FLOAT8:
        return target in _FLOATS | _FLOAT8 | _OTHERS | (_INTS - _NIBBLES)
    if source in _OTHERS:
        return target in _FLOATS | _OTHERS | (_INTS - _NIBBLES)
    return source in _INTS and target in _FLOATS | _OTHERS | _INTS


@kernel("Cast")
def cast(x: Array, *, DstT: DataType, Truncate: bool = False) -> Numbers:
    """x as another dtype: floats to integers rounded towards zero, complex numbers by their real part.

    With Truncate, floats lose the bits that the target has no room for instead of being rounded.
    Raises UnimplementedError for pairs that TensorFlow's CPU kernel does not know.
    """
    dtype = DstT.numpy
    source = x.dtype
    if x.dtype == dtype:
        return x
    if source.kind in "biu" and dtype.isbuiltin == 1:
        return x.astype(dtype)
    if source.kind == "O" or DstT.is_object or not _is_supported(from_numpy(source), DstT):
        name = "string" if source.kind == "O" else source.name
        raise UnimplementedError(f"Cast {name} to {DstT.tf_name} is not supported")
    if source.kind == "c" and dtype.kind != "c":
        x = x.real
    if dtype.kind in "iu" and not from_numpy(source).is_integer:
        return _to_integers(x, dtype, from_numpy(source).tf_name)  # dtype.name is slow
    if Truncate and x.dtype.kind == "f":
        x = _without_low_bits(x, DstT)
    return x.astype(dtype)


def _to_integers(x: Array, dtype: np.dtype[Any], source: str) -> Numbers:
    """Floats as integers; `source` is the dtype that they were cast from."""
    if x.dtype != np.float32 and x.dtype != np.float64:
        x = x.astype(np.float32)
    if dtype.itemsize <= 2:
        return _to_narrow(x, dtype, source)
    if dtype == np.uint32:
        return _to_uint32(x, _LANES_TO_UINT32.get(source))
    if dtype == np.uint64:
        low = x.astype(np.int64)
        high = np.subtract(x, x.dtype.type(2.0**63)).astype(np.int64)
        return ((high & (low >> np.int64(63))) | low).astype(np.uint64)
    return x.astype(dtype)


def _packed(size: int, lanes: int | None) -> int:
    """How many of the first elements are converted in whole packets."""
    return size // lanes * lanes if lanes else 0


def _to_narrow(x: Array, dtype: np.dtype[Any], source: str) -> Numbers:
    whole = x.astype(np.int32)
    narrow = whole.astype(dtype)
    packed = _packed(x.size, _LANES.get(source))
    if not packed:
        return narrow
    head = whole.reshape(-1)[:packed]
    info = np.iinfo(dtype)
    saturated = np.clip(head, info.min, info.max)
    if dtype == np.uint8 and source in (
        "float16",
        "float64",
        "complex128",
    ):  # narrowed twice, through uint16 read as int16
        saturated = np.where(head > np.iinfo(np.int16).max, 0, saturated)
    narrow.reshape(-1)[:packed] = saturated
    return narrow


def _to_uint32(x: Array, lanes: int | None) -> Numbers:
    narrow = x.astype(np.int64).astype(np.uint32)
    packed = _packed(x.size, lanes)
    if not packed:
        return narrow
    head = x.reshape(-1)[:packed]
    low = head.astype(np.int32)
    high = np.subtract(head, head.dtype.type(2.0**31)).astype(np.int32)
    narrow.reshape(-1)[:packed] = ((high & (low >> np.int32(31))) | low).view(np.uint32)
    return narrow


_MANTISSA = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}


def _without_low_bits(x: Array, target: DataType) -> Array:
    """x with the bits of the mantissa cleared that `target` has no room for (of bfloat16, for float32 only)."""
    if target is DataType.BFLOAT16 and x.dtype != np.float32:
        return x
    excess = _MANTISSA[x.dtype.name] - _MANTISSA.get(target.numpy.name, 52)
    if excess <= 0:
        return x
    bits = np.dtype(f"u{x.dtype.itemsize}")
    mask = bits.type((1 << x.dtype.itemsize * 8) - (1 << excess))
    cleared = np.bitwise_and(np.asarray(x).view(bits), mask)
    return np.asarray(cleared).view(x.dtype)


@kernel("Bitcast")
def bitcast(x: Array, *, type: DataType) -> Array:
    """The same bytes as another dtype: a narrower one adds a last axis, a wider one takes it away.

    Raises InvalidArgumentError when the last axis does not make up elements of the wider dtype.
    """
    dtype = type.numpy
    contiguous = np.ascontiguousarray(x).reshape(x.shape)
    if dtype.itemsize == x.dtype.itemsize:
        return contiguous.view(dtype)
    if dtype.itemsize < x.dtype.itemsize:
        ratio = x.dtype.itemsize // dtype.itemsize
        return contiguous.reshape(*x.shape, 1).view(dtype).reshape(*x.shape, ratio)
    ratio = dtype.itemsize // x.dtype.itemsize
    if x.ndim == 0 or x.shape[-1] != ratio:
        source = from_numpy(x.dtype).tf_name
        raise InvalidArgumentError(
            f"Cannot bitcast from {source} to {type.tf_name}: the last dimension of {list(x.shape)} must be {ratio}"
        )
    return contiguous.view(dtype).reshape(x.shape[:-1])


@kernel("CheckNumerics")
def check_numerics(x: Array, *, message: str) -> Array:
    """x itself. Raises InvalidArgumentError when it holds NaN or infinities."""
    if np.isfinite(x).all():
        return x
    has_nan, has_inf = bool(np.isnan(x).any()), bool(np.isinf(x).any())
    found = "Inf and NaN" if has_nan and has_inf else "NaN" if has_nan else "Inf"
    raise InvalidArgumentError(f"{message} : Tensor had {found} values")


@kernel("CheckNumericsV2")
def check_numerics_v2(x: Array, *, message: str) -> Array:
    """x itself. Raises InvalidArgumentError that tells apart the signs of infinities."""
    if np.isfinite(x).all():
        return x
    infinite = x[np.isinf(x)] if x.ndim else x.reshape(1)[np.isinf(x.reshape(1))]
    zero = x.dtype.type(0)
    seen = [bool((infinite < zero).any()), bool((infinite > zero).any()), bool(np.isnan(x).any())]
    names = [name for name, present in zip(("-Inf", "+Inf", "NaN"), seen) if present]
    found = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    raise InvalidArgumentError(f"{message} : Tensor had {found} values")
