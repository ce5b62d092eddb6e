"""Colours of images: RGB and HSV, hue, saturation and contrast.

Formulas in the order of tensorflow/core/kernels/image/colorspace_op.h, adjust_hue_op.cc, adjust_saturation_op.cc and
adjust_contrast_op.cc.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import FailedPreconditionError, InvalidArgumentError
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel

F32 = np.float32


def _check_colors(images: Array) -> None:
    if images.ndim < 1:
        raise InvalidArgumentError("input must be at least 1D")
    if images.shape[-1] != 3:
        raise FailedPreconditionError(f"input must have 3 channels but input only has {images.shape[-1]} channels.")


@kernel("RGBToHSV")
def rgb_to_hsv(images: Array) -> Array:
    """Hue, saturation and value in [0, 1] from the last dimension's red, green and blue."""
    _check_colors(images)
    kind = images.dtype.type
    red, green, blue = images[..., 0], images[..., 1], images[..., 2]
    value = images.max(axis=-1)
    spread = value - images.min(axis=-1)
    saturation = np.where(value > 0, spread / value, kind(0))
    norm = (kind(1) / spread) * (kind(1) / kind(6))
    hue = np.where(
        red == value,
        norm * (green - blue),
        np.where(green == value, norm * (blue - red) + kind(2) / kind(6), norm * (red - green) + kind(4) / kind(6)),
    )
    hue = np.where(spread > 0, hue, kind(0))
    hue = np.where(hue < 0, hue + kind(1), hue)
    return np.stack([hue, saturation, value], axis=-1).astype(images.dtype, copy=False)


@kernel("HSVToRGB")
def hsv_to_rgb(images: Array) -> Array:
    """Red, green and blue from the last dimension's hue, saturation and value."""
    _check_colors(images)
    kind = images.dtype.type
    hue, saturation, value = images[..., 0], images[..., 1], images[..., 2]
    turn = hue * kind(6)
    weights = (
        np.abs(turn - kind(3)) - kind(1),
        -np.abs(turn - kind(2)) + kind(2),
        -np.abs(turn - kind(4)) + kind(2),
    )
    rest = -saturation + kind(1)
    channels = [(rest + saturation * np.minimum(np.maximum(weight, kind(0)), kind(1))) * value for weight in weights]
    return np.stack(channels, axis=-1).astype(images.dtype, copy=False)


def _check_adjust(images: Array, name: str, amount: Array) -> None:
    if images.ndim < 3:
        raise InvalidArgumentError(f"input must be at least 3-D, got shape {list(images.shape)}")
    if amount.ndim:
        raise InvalidArgumentError(f"{name} must be scalar: {list(amount.shape)}")


def _check_three(images: Array) -> None:
    if images.shape[-1] != 3:
        raise InvalidArgumentError(f"input must have 3 channels but instead has {images.shape[-1]} channels.")


@kernel("AdjustHue")
def adjust_hue(images: Array, delta: Array) -> Array:
    """The images with `delta` turns added to their hue."""
    _check_adjust(images, "delta", delta)
    _check_three(images)
    red, green, blue = (images[..., i].astype(F32) for i in range(3))
    top = np.maximum(np.maximum(red, green), blue)
    bottom = np.minimum(np.minimum(red, green), blue)
    # The sector of the hue, by the order of the channels; ties fall as the chain of comparisons lets them.
    by_green = np.where(blue < red, 1, np.where(blue > green, 3, 2))
    by_red = np.where(blue < green, 0, np.where(blue > red, 4, 5))
    sector = np.where(red < green, by_green, by_red)
    middle = np.choose(sector, [green, red, blue, green, red, blue])
    ratio = (middle - bottom) / (top - bottom)
    hue = np.where(top == bottom, F32(0), sector.astype(F32) + np.where(sector % 2 == 0, ratio, 1 - ratio))
    hue = hue + F32(delta) * F32(6)
    if not np.isfinite(F32(delta)):
        raise InvalidArgumentError("delta must be finite")
    while (hue < 0).any():
        low = hue < 0
        hue = np.where(low, hue + np.maximum(F32(6), np.floor(-hue / F32(6)) * F32(6) * low), hue)
    while (hue >= 6).any():
        high = hue >= 6
        hue = np.where(high, hue - np.maximum(F32(6), (np.floor(hue / F32(6)) - 1) * F32(6) * high), hue)
    sector = hue.astype(np.int64)
    ratio = hue - sector.astype(F32)
    ratio = np.where(sector % 2 == 1, 1 - ratio, ratio)
    middle = bottom + ratio * (top - bottom)
    sector = np.clip(sector, 0, 5)
    output = [
        np.choose(sector, [top, middle, bottom, bottom, middle, top]),
        np.choose(sector, [middle, top, top, middle, bottom, bottom]),
        np.choose(sector, [bottom, bottom, middle, top, top, middle]),
    ]
    return np.stack(output, axis=-1).astype(images.dtype, copy=False)


@kernel("AdjustSaturation")
def adjust_saturation(images: Array, scale: Array) -> Array:
    """The images with their saturation times `scale`, at most 1."""
    _check_adjust(images, "scale", scale)
    _check_three(images)
    if images.size == 0:
        return images
    red, green, blue = (images[..., i].astype(F32) for i in range(3))
    value = np.maximum(red, np.maximum(green, blue))
    spread = value - np.minimum(red, np.minimum(green, blue))
    saturation = np.where(value > 0, spread / value, F32(0))
    norm = F32(1) / (F32(6) * spread)
    hue = np.where(
        red == value,
        norm * (green - blue),
        np.where(
            green == value,
            ((norm * (blue - red)).astype(np.float64) + 2.0 / 6.0).astype(F32),
            ((norm * (red - green)).astype(np.float64) + 4.0 / 6.0).astype(F32),
        ),
    )
    hue = np.where(spread <= 0, F32(0), hue)
    hue = np.where(hue < 0, hue + F32(1), hue)
    saturation = np.minimum(F32(1), np.maximum(F32(0), saturation * F32(scale)))
    chroma = saturation * value
    base = value - chroma
    turn = hue * F32(6)
    sector = turn.astype(np.int64)
    part = np.where(turn <= 0, turn + F32(2), turn)
    for _ in range(3):
        part = np.where(part >= 2, part - F32(2), part)
    second = chroma * (F32(1) - np.abs(part - F32(1)))
    zero = np.zeros_like(chroma)
    inside = (sector >= 0) & (sector < 6)
    sector = np.clip(sector, 0, 5)
    output = [
        np.where(inside, np.choose(sector, [chroma, second, zero, zero, second, chroma]), zero) + base,
        np.where(inside, np.choose(sector, [second, chroma, chroma, second, zero, zero]), zero) + base,
        np.where(inside, np.choose(sector, [zero, zero, second, chroma, chroma, second]), zero) + base,
    ]
    return np.stack(output, axis=-1).astype(images.dtype, copy=False)


@kernel("AdjustContrast")
def adjust_contrast_of_old_graphs(images: Array, contrast_factor: Array, min_value: Array, max_value: Array) -> Array:
    """The same of numbers of any type, in float32 and within bounds."""
    for name, bound in (("min_value", min_value), ("max_value", max_value)):
        if bound.ndim:
            raise InvalidArgumentError(f"{name} must be scalar: {list(bound.shape)}")
    contrasted = adjust_contrast(images.astype(F32), contrast_factor)
    return np.maximum(np.minimum(contrasted, F32(max_value)), F32(min_value))


@kernel("AdjustContrastv2")
def adjust_contrast(images: Array, contrast_factor: Array) -> Array:
    """Each channel of each image, its distance from its mean times a factor. Sums are taken by folding halves."""
    _check_adjust(images, "contrast_factor", contrast_factor)
    if images.size == 0:
        return images
    height, width, channels = images.shape[-3:]
    x = images.reshape(-1, height * width, channels).astype(F32, copy=False)
    total = x
    while total.shape[1] > 1:
        right = total.shape[1] // 2
        left = total.shape[1] - right
        folded = total[:, :left].copy()
        folded[:, :right] += total[:, left:]
        total = folded
    mean = total * (F32(1) / F32(height * width))
    output = mean + (x - mean) * F32(contrast_factor)
    return output.reshape(images.shape).astype(images.dtype, copy=False)
