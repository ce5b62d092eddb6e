"""Fourier transforms: FFT, IFFT, RFFT and IRFFT over the last one, two or three dimensions, with fft_length.

Single precision is computed in single precision, as TensorFlow's ducc-based CPU kernels do (numpy.fft keeps the
precision of its input since NumPy 2; before that the result is rounded). Semantics from
tensorflow/core/kernels/fft_ops.cc.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels.context import Array
from smcli.kernels.registry import register
from smcli.tensors.types import DataType

Lengths = tuple[int, ...]


def _axes(rank: int) -> tuple[int, ...]:
    return tuple(range(-rank, 0))


def _check_rank(x: Array, rank: int) -> None:
    if x.ndim < rank:
        raise InvalidArgumentError(f"Input must have rank of at least {rank} but got: {list(x.shape)}")


def _forward(rank: int) -> Any:
    def fft(input: Array) -> Array:
        _check_rank(input, rank)
        if input.size == 0:
            return input
        return np.fft.fftn(input, axes=_axes(rank)).astype(input.dtype, copy=False)

    return fft


def _inverse(rank: int) -> Any:
    def ifft(input: Array) -> Array:
        _check_rank(input, rank)
        if input.size == 0:
            return input
        return np.fft.ifftn(input, axes=_axes(rank)).astype(input.dtype, copy=False)

    return ifft


def _lengths(x: Array, fft_length: Array, rank: int) -> Lengths:
    _check_rank(x, rank)
    if fft_length.ndim != 1 or fft_length.shape[0] != rank:
        raise InvalidArgumentError(f"fft_length must have shape [{rank}]")
    lengths = tuple(int(n) for n in fft_length)
    if any(n < 0 for n in lengths):
        raise InvalidArgumentError(f"fft_length {list(lengths)} must not be negative")
    return lengths


def _fit(x: Array, sizes: Lengths) -> Array:
    """The last dimensions cut, or padded with zeros at the end, to `sizes`."""
    rank = len(sizes)
    window: tuple[Any, ...] = (..., *(slice(0, size) for size in sizes))
    cut: Array = x[window]
    if cut.shape[-rank:] == sizes:
        return cut
    padding = [(0, 0)] * (x.ndim - rank) + [(0, size - have) for size, have in zip(sizes, cut.shape[-rank:])]
    return np.pad(cut, padding)


def _check_enough(x: Array, sizes: Lengths) -> None:
    """An input that has elements must be at least as long as what the transform reads of it."""
    for axis, size in enumerate(sizes):
        have = x.shape[x.ndim - len(sizes) + axis]
        if 0 < have < size:
            raise InvalidArgumentError(
                f"Input dimension {x.ndim - len(sizes) + axis} must have length of at least {size} but got: {have}"
            )


def _check_types(real: np.dtype[Any], complex_type: np.dtype[Any]) -> None:
    """Both in double precision or neither."""
    if (real == np.float64) != (complex_type == np.complex128):
        raise InvalidArgumentError(f"Wrong types for a real FFT: {real} and {complex_type}")


def _real_forward(rank: int) -> Any:
    def rfft(input: Array, fft_length: Array, *, Tcomplex: DataType = DataType.COMPLEX64) -> Array:
        lengths = _lengths(input, fft_length, rank)
        _check_enough(input, lengths)
        dtype = Tcomplex.numpy
        _check_types(input.dtype, dtype)
        shape = (*input.shape[:-rank], *lengths[:-1], lengths[-1] // 2 + 1 if lengths[-1] else 0)
        if input.size == 0 or 0 in shape:
            return np.zeros(shape, dtype)
        return np.fft.rfftn(_fit(input, lengths), axes=_axes(rank)).astype(dtype, copy=False)

    return rfft


def _real_inverse(rank: int) -> Any:
    def irfft(input: Array, fft_length: Array, *, Treal: DataType = DataType.FLOAT) -> Array:
        lengths = _lengths(input, fft_length, rank)
        needed = (*lengths[:-1], lengths[-1] // 2 + 1 if lengths[-1] else 0)
        _check_enough(input, needed)
        dtype = Treal.numpy
        _check_types(dtype, input.dtype)
        shape = (*input.shape[:-rank], *lengths)
        if input.size == 0 or 0 in shape:
            return np.zeros(shape, dtype)
        return np.fft.irfftn(_fit(input, needed), s=lengths, axes=_axes(rank)).astype(dtype, copy=False)

    return irfft


for _rank, _suffix in ((1, ""), (2, "2D"), (3, "3D")):
    register(f"FFT{_suffix}", _forward(_rank), module=__name__)
    register(f"IFFT{_suffix}", _inverse(_rank), module=__name__)
    register(f"RFFT{_suffix}", _real_forward(_rank), module=__name__)
    register(f"IRFFT{_suffix}", _real_inverse(_rank), module=__name__)
