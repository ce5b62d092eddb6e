"""Windows of images around points, with noise where they reach beyond.

Semantics: tensorflow/core/kernels/image/attention_ops.cc.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._windows import check_bytes
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel

DEVIATIONS = dict.fromkeys(
    ("ExtractGlimpse", "ExtractGlimpseV2"), "noise has the distribution, not the bits; TensorFlow has no seed for it"
)

_F = np.float32
_FAR = 2.0**62


def _starts(offsets: Array, size: Array, extent: Array, version: int, centered: bool, normalized: bool) -> Array:
    """Where windows begin: int64 [batch, 2], row and column."""
    points = offsets * extent if normalized else offsets
    if version == 1:
        if centered:
            points = points / _F(2) + extent / _F(2)
        points = points - size / _F(2)
    elif centered:
        points = points / _F(2) + extent / _F(2) - size / _F(2) if normalized else points + extent / _F(2)
    whole: Array = np.clip(np.nan_to_num(np.trunc(points), nan=-_FAR), -_FAR, _FAR).astype(np.int64)
    return whole


def _noise(kind: str, shape: tuple[int, ...], image: Array) -> Array:
    """kind: zero; uniform between the least and the largest number of the image; gaussian, by channel."""
    if kind == "zero" or image.size == 0:
        return np.zeros(shape, _F)
    generator = np.random.default_rng()
    if kind == "gaussian":
        return generator.normal(image.mean((0, 1)), image.std((0, 1)), shape).astype(_F)
    return generator.uniform(image.min(), image.max(), shape).astype(_F)


def _glimpses(
    image: Array,
    size: Array,
    offsets: Array,
    version: int,
    centered: bool,
    normalized: bool,
    uniform_noise: bool,
    noise: str,
) -> Array:
    if uniform_noise and noise not in ("", "uniform"):
        raise InvalidArgumentError("The uniform_noise and noise could not be specified at the same time")
    if noise not in ("", "uniform", "gaussian", "zero"):
        raise InvalidArgumentError(f"The noise could only be uniform, gaussian, or zero, got {noise}")
    if image.ndim != 4:
        raise InvalidArgumentError(f"input must be 4-dimensional (batch_size, height, width, depth){list(image.shape)}")
    if size.shape != (2,):
        raise InvalidArgumentError(f"input must be a vector of size 2 (height, width){list(size.shape)}")
    if size.min() < 0:
        raise InvalidArgumentError(f"Expected a non-negative size, got {size.min()}")
    if offsets.ndim != 2:
        raise InvalidArgumentError(f"input must be a matrix{list(offsets.shape)}")
    if offsets.shape[0] != image.shape[0]:
        raise InvalidArgumentError(f"first dimension should be batch{list(offsets.shape)}")
    if offsets.shape[1] != 2:
        raise InvalidArgumentError(f"second dimension should be of size 2 (y,x){list(offsets.shape)}")
    kind = noise or ("uniform" if uniform_noise else "gaussian")
    extent, window = image.shape[1:3], tuple(size.tolist())
    shape = (*window, image.shape[3])
    starts = _starts(offsets, size.astype(_F), np.array(extent, _F), version, centered, normalized)
    check_bytes((len(image), *shape), 4)
    out: Array = np.empty((len(image), *shape), _F)
    for glimpse, source, start in zip(out, image, starts.tolist()):
        inside, taken = zip(*map(_overlap, start, window, extent))
        if any(part != slice(0, length) for part, length in zip(inside, window)):
            glimpse[...] = _noise(kind, shape, source)
        glimpse[inside] = source[taken]
    return out


def _overlap(start: int, length: int, extent: int) -> tuple[slice, slice]:
    """Of one axis: where in a window of that length the image is, and which part of the image."""
    first, last = min(max(start, 0), extent), max(min(start + length, extent), 0)
    count = max(last - first, 0)
    # A window that begins before the image holds what is left of it from there on, however long the image is.
    place = min(max(-start, 0), length)
    return slice(place, place + count), slice(first, first + count)


@kernel("ExtractGlimpse")
def extract_glimpse(
    image: Array,
    size: Array,
    offsets: Array,
    *,
    centered: bool = True,
    normalized: bool = True,
    uniform_noise: bool = True,
    noise: str = "uniform",
) -> Array:
    """float32 windows [batch, height, width, depth] around points of images of the same layout.

    size: int32, height and width; offsets: float32 [batch, 2], row and column, `normalized` by the image's size and,
    if `centered`, from its middle, where a whole image reaches from -1 to 1. What lies beyond the image is noise.
    """
    return _glimpses(image, size, offsets, 1, centered, normalized, uniform_noise, noise)


@kernel("ExtractGlimpseV2")
def extract_glimpse_v2(
    image: Array,
    size: Array,
    offsets: Array,
    *,
    centered: bool = True,
    normalized: bool = True,
    uniform_noise: bool = True,
    noise: str = "uniform",
) -> Array:
    """As ExtractGlimpse, but offsets that are not both `centered` and `normalized` are those of a window's corner, and
    those that are `centered` alone count pixels."""
    return _glimpses(image, size, offsets, 2, centered, normalized, uniform_noise, noise)
