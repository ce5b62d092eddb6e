"""Geometry of images: crops, projective transforms, patches, boxes drawn on them, scaling with filters.

Semantics and the order of float operations from tensorflow/core/kernels/image/.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError, OutOfRangeError
from smcli.kernels.context import Array
from smcli.kernels.ragged import MAX_OUTPUT
from smcli.kernels.registry import kernel

_NAMES = (
    "an interpolation or fill mode of another name is refused, where TensorFlow leaves the output as the memory was"
)
DEVIATIONS = {"ImageProjectiveTransformV2": _NAMES, "ImageProjectiveTransformV3": _NAMES}

F32 = np.float32


def _check_size(name: str, *sizes: int) -> None:
    if math.prod(sizes) > MAX_OUTPUT:
        raise InvalidArgumentError(f"{name}: an output of shape {list(sizes)} has too many elements")


def round_half_away(x: Array) -> Array:
    """To the nearest integer, halves away from zero (C's round): np.round takes them to even."""
    whole = np.trunc(x)
    rounded: Array = whole + np.copysign(np.abs(x - whole) >= x.dtype.type(0.5), x).astype(x.dtype)
    return rounded


# ---- CropAndResize --------------------


def crop_positions(low: Array, high: Array, image_size: int, crop_size: int) -> Array:
    """Where each pixel of each crop lies along one axis of the image: float32 [boxes, crop_size]."""
    last = F32(image_size - 1)
    if crop_size > 1:
        scale = (high - low) * last / F32(crop_size - 1)
        return (low * last)[:, None] + np.arange(crop_size, dtype=F32) * scale[:, None]
    middle = 0.5 * (low + high).astype(np.float64) * float(image_size - 1)
    return middle.astype(F32)[:, None]


def check_boxes(boxes: Array, box_index: Array) -> None:
    """Raises InvalidArgumentError unless boxes are [n, 4] and there are n indices, or there are none."""
    if boxes.ndim != 2:
        raise InvalidArgumentError(f"boxes must be 2-D, got: {list(boxes.shape)}")
    if box_index.ndim != 1:
        raise InvalidArgumentError(f"box_indices must be rank 1 but is shape {list(box_index.shape)}")
    if boxes.size or box_index.size:
        if boxes.shape[1] != 4:
            raise InvalidArgumentError("boxes must have 4 columns")
        if box_index.shape[0] != boxes.shape[0]:
            raise InvalidArgumentError("box_index has incompatible shape")


@kernel("CropAndResize")
def crop_and_resize(
    image: Array,
    boxes: Array,
    box_ind: Array,
    crop_size: Array,
    *,
    method: str = "bilinear",
    extrapolation_value: float = 0.0,
) -> Array:
    """float32 crops [boxes, height, width, channels] of boxes in relative coordinates [y1, x1, y2, x2]."""
    if image.ndim != 4:
        raise InvalidArgumentError(f"input image must be 4-D: {list(image.shape)}")
    batch, height, width, depth = image.shape
    if height == 0 or width == 0:
        raise InvalidArgumentError("image dimensions must be positive")
    check_boxes(boxes, box_ind)
    if crop_size.shape != (2,):
        raise InvalidArgumentError(f"crop_size must have two elements: {list(crop_size.shape)}")
    crop_height, crop_width = int(crop_size[0]), int(crop_size[1])
    if crop_height <= 0 or crop_width <= 0:
        raise InvalidArgumentError("crop dimensions must be positive")
    count = boxes.shape[0] if boxes.size else 0
    _check_size("CropAndResize", count, crop_height, crop_width, depth)
    if ((box_ind < 0) | (box_ind >= batch)).any():
        raise OutOfRangeError("box_index has values outside [0, batch_size)")
    if not np.isfinite(boxes).all():
        raise InvalidArgumentError("Boxes contains at least one element that is not finite")
    output = np.full((count, crop_height, crop_width, depth), extrapolation_value, F32)
    if count == 0:
        return output
    boxes = boxes.astype(F32, copy=False)
    ys = crop_positions(boxes[:, 0], boxes[:, 2], height, crop_height)
    xs = crop_positions(boxes[:, 1], boxes[:, 3], width, crop_width)
    inside_y = (ys >= 0) & (ys <= F32(height - 1))
    inside_x = (xs >= 0) & (xs <= F32(width - 1))
    ys, xs = np.where(inside_y, ys, F32(0)), np.where(inside_x, xs, F32(0))
    which = box_ind.astype(np.int64)[:, None, None]

    def pick(rows: Array, columns: Array) -> Array:
        at = image[which, rows.astype(np.int64)[:, :, None], columns.astype(np.int64)[:, None, :]]
        return at.astype(F32, copy=False)

    if method == "bilinear":
        top, bottom, left, right = np.floor(ys), np.ceil(ys), np.floor(xs), np.ceil(xs)
        x_part = (xs - left)[:, None, :, None]
        y_part = (ys - top)[:, :, None, None]
        above = pick(top, left)
        above = above + (pick(top, right) - above) * x_part
        below = pick(bottom, left)
        below = below + (pick(bottom, right) - below) * x_part
        crops = above + (below - above) * y_part
    else:
        crops = pick(round_half_away(ys), round_half_away(xs))
    inside = (inside_y[:, :, None] & inside_x[:, None, :])[..., None]
    return np.where(inside, crops, output)


# ---- ImageProjectiveTransform --------------------


def _reflected(at: Array, size: int) -> Array:
    period = F32(2 * size)
    below = at + period * np.trunc(-at / period)
    below = np.where(below < -size, below + period, -below - F32(1))
    above = at - period * np.trunc(at / period)
    above = np.where(above >= size, period - above - F32(1), above)
    return np.where(at < 0, below, np.where(at > size - 1, above, at))


def _wrapped(at: Array, size: int) -> Array:
    span = F32(max(size - 1, 1))
    below = at + F32(size) * (np.trunc(-at / span) + F32(1))
    above = at - F32(size) * np.trunc(at / span)
    return np.where(at < 0, below, np.where(at > size - 1, above, at))


def _mapped(at: Array, size: int, fill_mode: str) -> Array:
    """Positions outside of the image brought back into it, as the fill mode says; CONSTANT leaves them."""
    last = F32(size - 1)
    if fill_mode == "CONSTANT":
        return at
    if fill_mode == "NEAREST":
        return np.clip(at, F32(0), last)
    if size <= 1:
        at = np.where((at < 0) | (at > last), F32(0), at)
    else:
        at = _reflected(at, size) if fill_mode == "REFLECT" else _wrapped(at, size)
    return np.clip(at, F32(0), last)


def _projected(
    images: Array, transforms: Array, output_shape: Array, fill: Any, interpolation: str, fill_mode: str
) -> Array:
    if images.ndim != 4:
        raise InvalidArgumentError("input images must be 4-dimensional")
    if transforms.ndim != 2 or transforms.shape[0] not in (1, images.shape[0]) or transforms.shape[1] != 8:
        raise InvalidArgumentError("input transform should be num_images x 8 or 1 x 8")
    if output_shape.ndim != 1:
        raise InvalidArgumentError("output shape must be 1-dimensional")
    if output_shape.shape[0] != 2:
        raise InvalidArgumentError(f"output shape must have two elements: {list(output_shape.shape)}")
    if fill_mode not in ("REFLECT", "WRAP", "CONSTANT", "NEAREST"):
        raise InvalidArgumentError(f"Invalid mode {fill_mode}")
    if interpolation not in ("NEAREST", "BILINEAR"):
        raise InvalidArgumentError(f"Invalid interpolation {interpolation}. Supported types: NEAREST, BILINEAR")
    out_height, out_width = int(output_shape[0]), int(output_shape[1])
    if out_height <= 0 or out_width <= 0:
        raise InvalidArgumentError("output dimensions must be positive")
    batch, height, width, channels = images.shape
    _check_size("ImageProjectiveTransform", batch, out_height, out_width, channels)
    fill = images.dtype.type(fill)
    if images.size == 0:
        return np.full((batch, out_height, out_width, channels), fill, images.dtype)
    t = [column[:, None, None] for column in transforms.astype(F32, copy=False).T]
    x = np.arange(out_width, dtype=F32)[None, None, :]
    y = np.arange(out_height, dtype=F32)[None, :, None]
    scale = t[6] * x + t[7] * y + F32(1)
    at_x = _mapped((t[0] * x + t[1] * y + t[2]) / scale, width, fill_mode)
    at_y = _mapped((t[3] * x + t[4] * y + t[5]) / scale, height, fill_mode)
    outside = scale == 0
    shape = (batch, out_height, out_width)
    # Far outside is as good as just outside, and fits an integer.
    at_x = np.broadcast_to(np.clip(np.where(outside, F32(-9), at_x), F32(-9), F32(width + 9)), shape)
    at_y = np.broadcast_to(np.clip(np.where(outside, F32(-9), at_y), F32(-9), F32(height + 9)), shape)
    which = np.arange(batch)[:, None, None]

    def pick(rows: Array, columns: Array) -> Array:
        rows, columns = rows.astype(np.int64), columns.astype(np.int64)
        within = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        found = images[which, np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
        values: Array = np.where(within[..., None], found, fill)
        return values

    if interpolation == "NEAREST":
        output = pick(round_half_away(at_y), round_half_away(at_x))
    else:
        low_x, low_y = np.floor(at_x), np.floor(at_y)
        high_x, high_y = low_x + F32(1), low_y + F32(1)
        left, right = (high_x - at_x)[..., None], (at_x - low_x)[..., None]
        above = left * pick(low_y, low_x).astype(F32) + right * pick(low_y, high_x).astype(F32)
        below = left * pick(high_y, low_x).astype(F32) + right * pick(high_y, high_x).astype(F32)
        blend = (high_y - at_y)[..., None] * above + (at_y - low_y)[..., None] * below
        output = blend.astype(images.dtype, copy=False)
    return np.where(np.broadcast_to(outside, shape)[..., None], fill, output).astype(images.dtype, copy=False)


@kernel("ImageProjectiveTransformV2")
def image_projective_transform_v2(
    images: Array, transforms: Array, output_shape: Array, *, interpolation: str, fill_mode: str = "CONSTANT"
) -> Array:
    """Images seen through projective transforms [a0, a1, a2, b0, b1, b2, c0, c1]; zeros where there is nothing."""
    return _projected(images, transforms, output_shape, 0, interpolation, fill_mode)


@kernel("ImageProjectiveTransformV3")
def image_projective_transform_v3(
    images: Array,
    transforms: Array,
    output_shape: Array,
    fill_value: Array,
    *,
    interpolation: str,
    fill_mode: str = "CONSTANT",
) -> Array:
    """Images seen through projective transforms, with a value for where there is nothing."""
    if fill_value.ndim:
        raise InvalidArgumentError(f"fill_value must be a scalar: {list(fill_value.shape)}")
    return _projected(images, transforms, output_shape, fill_value[()], interpolation, fill_mode)


# ---- patches --------------------


def _window(size: int, kernel_size: int, stride: int, rate: int, padding: str) -> tuple[int, int]:
    """Output size and zeros before the input along one axis."""
    reach = kernel_size + (kernel_size - 1) * (rate - 1)
    if padding == "VALID":
        count = (size - reach + stride) // stride
        if count < 0:
            raise InvalidArgumentError(
                f"Computed output size would be negative: {count} "
                f"[input_size: {size}, effective_filter_size: {reach}, stride: {stride}]"
            )
        return count, 0
    count = -(-size // stride)
    return count, max(0, (count - 1) * stride + reach - size) // 2


def _patches(x: Array, ksizes: Any, strides: Any, rates: Any, padding: str) -> Array:
    """Windows over the middle dimensions of [batch, …, depth], each laid out in the last dimension."""
    axes = x.ndim - 2
    for name, values in (("ksizes", ksizes), ("strides", strides), ("rates", rates)):
        if len(values) != x.ndim:
            raise InvalidArgumentError(f"Sliding window {name} must specify {x.ndim} dimensions")
        if values[0] != 1 or values[-1] != 1:
            raise InvalidArgumentError(f"{name} of the batch and depth dimensions must be 1")
        if any(value < 1 for value in values):
            raise InvalidArgumentError(f"{name} {list(values)} must be positive")
    indices = []
    for axis in range(1, axes + 1):
        size, taps, stride, rate = x.shape[axis], ksizes[axis], strides[axis], rates[axis]
        count, before = _window(size, taps, stride, rate, padding)
        indices.append(np.arange(count)[:, None] * stride - before + np.arange(taps) * rate)
    shape = (x.shape[0], *(index.shape[0] for index in indices), math.prod(ksizes) * x.shape[-1])
    _check_size("patches", *shape)
    output = x
    for axis, index in enumerate(indices):  # each pass turns one axis into (place, tap)
        at = 1 + 2 * axis
        size = x.shape[1 + axis]
        inside = (index >= 0) & (index < size)
        if size == 0 or index.size == 0:
            output = np.zeros((*output.shape[:at], *index.shape, *output.shape[at + 1 :]), x.dtype)
            continue
        output = np.take(output, np.clip(index, 0, size - 1), axis=at)
        if not inside.all():
            mask = inside.reshape(*[1] * at, *index.shape, *[1] * (output.ndim - at - 2))
            output = np.where(mask, output, np.zeros((), x.dtype))
    order = (0, *range(1, 2 * axes, 2), *range(2, 2 * axes + 1, 2), 2 * axes + 1)
    return output.transpose(order).reshape(shape)


@kernel("ExtractImagePatches")
def extract_image_patches(images: Array, *, ksizes: Any, strides: Any, rates: Any, padding: str) -> Array:
    """Patches of [batch, rows, columns, depth] in the last dimension; zeros beyond the edges."""
    if images.ndim != 4:
        raise InvalidArgumentError(f"input must be 4-dimensional: {list(images.shape)}")
    return _patches(images, ksizes, strides, rates, padding)


@kernel("ExtractVolumePatches")
def extract_volume_patches(input: Array, *, ksizes: Any, strides: Any, padding: str) -> Array:
    """Patches of [batch, planes, rows, columns, depth] in the last dimension."""
    if input.ndim != 5:
        raise InvalidArgumentError(f"input must be 5-dimensional: {list(input.shape)}")
    return _patches(input, ksizes, strides, (1,) * 5, padding)


# ---- DrawBoundingBoxes --------------------

_COLORS = (
    (1, 1, 0, 1), (0, 0, 1, 1), (1, 0, 0, 1), (0, 1, 0, 1), (0.5, 0, 0.5, 1),
    (0.5, 0.5, 0, 1), (0.5, 0, 0, 1), (0, 0, 0.5, 1), (0, 1, 1, 1), (1, 0, 1, 1),
)  # fmt: skip


@kernel("DrawBoundingBoxes")
def draw_bounding_boxes(images: Array, boxes: Array) -> Array:
    """The images with the outlines of boxes [batch, n, 4] in ten colours that take turns."""
    return draw_bounding_boxes_v2(images, boxes, np.zeros((0, 4), F32))


@kernel("DrawBoundingBoxesV2")
def draw_bounding_boxes_v2(images: Array, boxes: Array, colors: Array) -> Array:
    """The images with the outlines of boxes [batch, n, 4] in `colors` [k, channels] that take turns."""
    if images.ndim != 4:
        raise InvalidArgumentError("The rank of the images should be 4")
    if boxes.ndim != 3:
        raise InvalidArgumentError("The rank of the boxes tensor should be 3")
    if images.shape[0] != boxes.shape[0]:
        raise InvalidArgumentError("The batch sizes should be the same")
    height, width, depth = images.shape[1:]
    if depth not in (1, 3, 4):
        raise InvalidArgumentError("Channel depth should be either 1 (GRY), 3 (RGB), or 4 (RGBA)")
    if boxes.shape[2] != 4:
        raise InvalidArgumentError(f"The size of the third dimension of the box must be 4. Received: {boxes.shape[2]}")
    if colors.ndim != 2 or colors.shape[1] < depth:
        raise InvalidArgumentError(
            f"colors must be a matrix with as many channels as the image or more: {list(colors.shape)}"
        )
    if colors.size == 0:
        colors = np.array(_COLORS, F32)
        if depth == 1:
            colors[:, 0] = 1
    colors = colors[:, :depth].astype(images.dtype)
    edges = boxes.astype(F32) * np.array([height - 1, width - 1, height - 1, width - 1], F32)
    canvas = images.copy()
    for image, rows in enumerate(np.trunc(np.nan_to_num(edges)).astype(np.int64).tolist()):
        for number, (top, left, bottom, right) in enumerate(rows):
            if top > bottom or left > right:
                continue
            if top >= height or bottom < 0 or left >= width or right < 0:
                continue
            color = colors[number % len(colors)]
            across = slice(max(left, 0), min(right, width - 1) + 1)
            down = slice(max(top, 0), min(bottom, height - 1) + 1)
            if top >= 0:
                canvas[image, top, across] = color
            if bottom < height:
                canvas[image, bottom, across] = color
            if left >= 0:
                canvas[image, down, left] = color
            if right < width:
                canvas[image, down, right] = color
    return canvas


# ---- ScaleAndTranslate --------------------


def _lanczos(radius: float) -> Callable[[Array], Array]:
    pi, r = F32(3.14159265359), F32(radius)

    def weigh(x: Array) -> Array:
        wave = r * np.sin(pi * x) * np.sin(pi * x / r) / (pi * pi * x * x)
        return np.where(x > r, F32(0), np.where(x <= F32(1e-3), F32(1), wave)).astype(F32)

    return weigh


def _gaussian(x: Array) -> Array:
    sigma = F32(0.5)
    weight = np.exp((-x * x).astype(np.float64) / (2.0 * float(sigma) * float(sigma)))
    return np.where(x >= F32(1.5), F32(0), weight).astype(F32)


def _box(x: Array) -> Array:
    return np.where(x < F32(0.5), F32(1), np.where(x == F32(0.5), F32(0.5), F32(0)))


def _triangle(x: Array) -> Array:
    return np.where(x < F32(1), F32(1) - x, F32(0))


def _keys(x: Array) -> Array:
    far = ((F32(-0.5) * x + F32(2.5)) * x - F32(4)) * x + F32(2)
    near = ((F32(1.5) * x - F32(2.5)) * x) * x + F32(1)
    return np.where(x >= 2, F32(0), np.where(x >= 1, far, near))


def _mitchell(x: Array) -> Array:
    far = (((F32(-7) / F32(18)) * x + F32(2)) * x - F32(10) / F32(3)) * x + F32(16) / F32(9)
    near = (((F32(7) / F32(6)) * x - F32(2)) * x) * x + F32(8) / F32(9)
    return np.where(x >= 2, F32(0), np.where(x >= 1, far, near))


_FILTERS: dict[str, tuple[float, Callable[[Array], Array]]] = {
    "lanczos1": (1.0, _lanczos(1)),
    "lanczos3": (3.0, _lanczos(3)),
    "lanczos5": (5.0, _lanczos(5)),
    "gaussian": (1.5, _gaussian),
    "box": (1.0, _box),
    "triangle": (1.0, _triangle),
    "keyscubic": (2.0, _keys),
    "mitchellcubic": (2.0, _mitchell),
}


def filter_spans(
    filter_name: str, out_size: int, in_size: int, scale: np.float32, translate: np.float32, antialias: bool
) -> tuple[Array, Array]:
    """For each output pixel, the first input pixel that it draws on, and the weights from there: [out], [out, span]."""
    if filter_name not in _FILTERS:
        raise InvalidArgumentError(f"Unrecognized kernel type: {filter_name}")
    radius, weigh = _FILTERS[filter_name]
    inverse = F32(1.0 / float(scale))
    offset = -inverse * translate
    widen = max(inverse, F32(1)) if antialias else F32(1)
    reach = F32(radius) * widen
    if reach > in_size:
        span = in_size
    else:
        span = min(2 * math.ceil(reach) + 1, in_size)
    at = (np.arange(out_size, dtype=F32) + F32(0.5)) * inverse + offset
    used = (at >= 0) & (at <= F32(in_size))
    safe = np.where(used, at, F32(0))
    start = np.clip(np.ceil(safe - reach - F32(0.5)).astype(np.int64), 0, in_size - 1)
    end = np.clip(np.floor(safe + reach - F32(0.5)).astype(np.int64), 0, in_size - 1) + 1
    source = start[:, None] + np.arange(span)
    inside = (source < end[:, None]) & used[:, None]
    distance = np.abs((source.astype(F32) + F32(0.5) - safe[:, None]) * (F32(1) / widen))
    weights = np.where(inside, weigh(distance), F32(0)).astype(F32)
    total = np.add.accumulate(weights, axis=1)[:, -1] if span else np.zeros(out_size, F32)
    usable = np.abs(total) >= F32(1000) * np.finfo(F32).tiny
    weights = np.where(usable[:, None], weights * np.where(usable, F32(1) / total, F32(0))[:, None], F32(0))
    return np.where(used, start, 0), weights.astype(F32)


def _gathered(x: Array, spans: tuple[Array, Array], axis: int) -> Array:
    """The weighted sums of the spans along `axis`, tap by tap."""
    starts, weights = spans
    shape = (-1, *([1] * (x.ndim - axis - 1)))
    total: Array = np.zeros((*x.shape[:axis], starts.size, *x.shape[axis + 1 :]), F32)
    for tap in range(weights.shape[1]):
        index = np.minimum(starts + tap, x.shape[axis] - 1)
        total += np.take(x, index, axis=axis) * weights[:, tap].reshape(shape)
    return total


@kernel("ScaleAndTranslate")
def scale_and_translate(
    images: Array,
    size: Array,
    scale: Array,
    translation: Array,
    *,
    kernel_type: str = "lanczos3",
    antialias: bool = True,
) -> Array:
    """float32 images of `size`, scaled and moved, sampled with a filter."""
    if images.ndim != 4:
        raise InvalidArgumentError(f"input must be 4-dimensional: {list(images.shape)}")
    for name, value in (("size", size), ("scale", scale), ("translation", translation)):
        if value.ndim != 1 or value.shape[0] != 2:
            raise InvalidArgumentError(f"{name} must be a vector of two elements: {list(value.shape)}")
    height, width = int(size[0]), int(size[1])
    if height <= 0 or width <= 0:
        raise InvalidArgumentError("output dimensions must be positive")
    if images.shape[3] == 0:
        raise InvalidArgumentError("image must have at least one channel")
    if images.shape[1] == 0 or images.shape[2] == 0:
        raise InvalidArgumentError("input image must be of non-zero size")
    if not (scale > 0).all():
        raise InvalidArgumentError("Scale must be greater than zero.")
    _check_size("ScaleAndTranslate", images.shape[0], height, width, images.shape[3])
    rows = filter_spans(kernel_type, height, images.shape[1], scale[0], translation[0], antialias)
    columns = filter_spans(kernel_type, width, images.shape[2], scale[1], translation[1], antialias)
    return _gathered(_gathered(images.astype(F32, copy=False), rows, 1), columns, 2)
