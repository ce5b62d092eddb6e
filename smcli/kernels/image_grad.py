"""Gradients of CropAndResize and ScaleAndTranslate (tensorflow/core/kernels/image/{crop_and_resize_op,
scale_and_translate_op}.cc)."""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError, OutOfRangeError
from smcli.kernels._windows import check_bytes
from smcli.kernels.context import Array
from smcli.kernels.image import check_boxes, crop_positions, filter_spans, round_half_away
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

F32 = np.float32


def _check_boxes(grads: Array, boxes: Array, box_index: Array, batch: int) -> None:
    if grads.ndim != 4:
        raise InvalidArgumentError(f"grads image must be 4-D: {list(grads.shape)}")
    if grads.shape[1] <= 0 or grads.shape[2] <= 0:
        raise InvalidArgumentError("grads dimensions must be positive")
    check_boxes(boxes, box_index)
    if grads.shape[0] != (boxes.shape[0] if boxes.size else 0):
        raise InvalidArgumentError("boxes and grads have incompatible shape")
    if ((box_index < 0) | (box_index >= batch)).any():
        raise OutOfRangeError("box_index has values outside [0, batch_size)")


def _corners(at: Array, size: int) -> tuple[Array, Array, Array, Array]:
    """Pixels before and after positions along an axis, how far the position is past the first, and whether it is in
    the image."""
    inside = (at >= 0) & (at <= F32(size - 1))
    at = np.where(inside, at, F32(0))
    low = np.floor(at)
    return low.astype(np.int64), np.ceil(at).astype(np.int64), at - low, inside


@kernel("CropAndResizeGradImage")
def crop_and_resize_grad_image(
    grads: Array, boxes: Array, box_index: Array, image_size: Array, *, T: DataType, method: str = "bilinear"
) -> Array:
    """The gradient of the image: what the crops' pixels took of each of its pixels."""
    if image_size.ndim != 1:
        raise InvalidArgumentError(f"image_size must be 1-D: {list(image_size.shape)}")
    if image_size.size != 4:
        raise InvalidArgumentError(f"image_size must have 4 elements: {list(image_size.shape)}")
    shape = tuple(image_size.tolist())
    _check_boxes(grads, boxes, box_index, shape[0])
    _, height, width, depth = shape
    if height <= 0 or width <= 0:
        raise InvalidArgumentError("image dimensions must be positive")
    if depth != grads.shape[3]:
        raise InvalidArgumentError("image_size and grads are incompatible")
    check_bytes(shape, 8)
    work = np.float64 if T is DataType.DOUBLE else F32
    total: Array = np.zeros(shape, work)
    if grads.size == 0:
        return total.astype(T.numpy)
    boxes = boxes.astype(F32, copy=False)
    ys = crop_positions(boxes[:, 0], boxes[:, 2], height, grads.shape[1])
    xs = crop_positions(boxes[:, 1], boxes[:, 3], width, grads.shape[2])
    top, bottom, y_part, inside_y = _corners(ys, height)
    left, right, x_part, inside_x = _corners(xs, width)
    which = box_index.astype(np.int64)[:, None, None]
    used = np.where((inside_y[:, :, None] & inside_x[:, None, :])[..., None], grads, F32(0))

    def give(rows: Array, columns: Array, part: Array) -> None:
        np.add.at(total, (which, rows[:, :, None], columns[:, None, :]), part.astype(work, copy=False))

    if method == "bilinear":
        y, x, one = y_part[:, :, None, None], x_part[:, None, :, None], F32(1)
        above, below = (one - y) * used, y * used
        give(top, left, (one - x) * above)
        give(top, right, x * above)
        give(bottom, left, (one - x) * below)
        give(bottom, right, x * below)
    else:
        rows, columns = (
            round_half_away(np.where(inside, at, F32(0))) for inside, at in ((inside_y, ys), (inside_x, xs))
        )
        give(rows.astype(np.int64), columns.astype(np.int64), used)
    return total.astype(T.numpy, copy=False)


@kernel("CropAndResizeGradBoxes")
def crop_and_resize_grad_boxes(grads: Array, image: Array, boxes: Array, box_index: Array) -> Array:
    """The gradient of the boxes: float32 [boxes, 4]."""
    if image.ndim != 4:
        raise InvalidArgumentError(f"input image must be 4-D: {list(image.shape)}")
    _check_boxes(grads, boxes, box_index, image.shape[0])
    _, height, width, depth = image.shape
    if height <= 0 or width <= 0:
        raise InvalidArgumentError("image dimensions must be positive")
    if depth != grads.shape[3]:
        raise InvalidArgumentError("image, grads depth differ")
    output = np.zeros((grads.shape[0], 4), F32)
    if grads.size == 0:
        return output
    boxes = boxes.astype(F32, copy=False)
    sizes = (height, grads.shape[1]), (width, grads.shape[2])
    positions = [crop_positions(boxes[:, axis], boxes[:, axis + 2], *sizes[axis]) for axis in (0, 1)]
    top, bottom, y_part, inside_y = _corners(positions[0], height)
    left, right, x_part, inside_x = _corners(positions[1], width)
    which = box_index.astype(np.int64)[:, None, None]

    def pick(rows: Array, columns: Array) -> Array:
        return image[which, rows[:, :, None], columns[:, None, :]].astype(F32, copy=False)

    corners = [[pick(rows, columns) for columns in (left, right)] for rows in (top, bottom)]
    y, x, one = y_part[:, :, None, None], x_part[:, None, :, None], F32(1)
    down = (one - x) * (corners[1][0] - corners[0][0]) + x * (corners[1][1] - corners[0][1])
    across = (one - y) * (corners[0][1] - corners[0][0]) + y * (corners[1][1] - corners[1][0])
    used = np.where((inside_y[:, :, None] & inside_x[:, None, :])[..., None], grads, F32(0))
    for axis, slope in enumerate((down, across)):
        size, crop = sizes[axis]
        last = F32(size - 1)
        if crop > 1:
            end = np.arange(crop, dtype=F32) * (last / F32(crop - 1))
            start = last - end
        else:
            end = start = np.full(1, F32(0.5) * last)
        by_place = (used * slope).sum(axis=(2 - axis, 3))
        output[:, axis] = (by_place * start).sum(axis=1)
        output[:, axis + 2] = (by_place * end).sum(axis=1)
    return output


def _given_back(grads: Array, spans: tuple[Array, Array], size: int, axis: int) -> Array:
    """The gradient of what the spans drew on along `axis`."""
    starts, weights = spans
    moved = np.moveaxis(grads, axis, 0)
    total: Array = np.zeros((size, *moved.shape[1:]), F32)
    column = (-1, *([1] * (moved.ndim - 1)))
    for tap in range(weights.shape[1]):
        np.add.at(total, np.minimum(starts + tap, size - 1), moved * weights[:, tap].reshape(column))
    return np.moveaxis(total, 0, axis)


@kernel("ScaleAndTranslateGrad")
def scale_and_translate_grad(
    grads: Array,
    original_image: Array,
    scale: Array,
    translation: Array,
    *,
    kernel_type: str = "lanczos3",
    antialias: bool = True,
) -> Array:
    """The gradient of the images, of their shape."""
    for name, value in (("grads", grads), ("original_image", original_image)):
        if value.ndim != 4:
            raise InvalidArgumentError(f"{name} must be 4-dimensional: {list(value.shape)}")
    for name, value in (("scale", scale), ("translation", translation)):
        if value.shape != (2,):
            raise InvalidArgumentError(f"{name} must be a vector of two elements: {list(value.shape)}")
    if grads.shape[::3] != original_image.shape[::3]:
        raise InvalidArgumentError(
            f"grads and original_image must have the same batch and channels: {list(grads.shape)} vs. "
            f"{list(original_image.shape)}"
        )
    out = grads
    for axis in (1, 2):
        size = original_image.shape[axis]
        place = axis - 1
        spans = filter_spans(kernel_type, grads.shape[axis], size, scale[place], translation[place], antialias)
        out = _given_back(out, spans, size, axis)
    return np.ascontiguousarray(out)
