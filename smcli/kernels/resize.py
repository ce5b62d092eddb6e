"""Resizing images [batch, height, width, channels]: bilinear, bicubic, nearest neighbour and area.

Each is separable, so a pass over one axis is followed by a pass over the other, with the products and sums of every
output value in the order of TensorFlow's CPU kernels (tensorflow/core/kernels/image/resize_*_op.cc): all arithmetic is
float32 and rounds alike. Coordinates are those of core/util/image_resizer_state.h.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels.context import Array
from smcli.kernels.ragged import MAX_OUTPUT
from smcli.kernels.registry import kernel

F32 = np.float32
MAX_INT32 = 2**31 - 1
CUBIC_STEPS = 1024  # TensorFlow's table of cubic weights has so many steps between two pixels


def check_resize(images: Array, size: Array, align_corners: bool, half_pixel_centers: bool) -> tuple[int, int]:
    """The new height and width, once images and size have passed the checks of ImageResizerState."""
    if half_pixel_centers and align_corners:
        raise InvalidArgumentError("If half_pixel_centers is True, align_corners must be False.")
    if images.ndim != 4:
        raise InvalidArgumentError(f"input must be 4-dimensional: {list(images.shape)}")
    if images.shape[3] == 0:
        raise InvalidArgumentError("image must have at least one channel")
    if images.shape[1] == 0 or images.shape[2] == 0:
        raise InvalidArgumentError("input image must be of non-zero size")
    if max(images.shape[1:3]) > MAX_INT32:
        raise InvalidArgumentError("input sizes must be between 0 and max int32")
    return new_size(images, size, "output dimensions")


def new_size(images: Array, size: Array, what: str) -> tuple[int, int]:
    """Height and width in a tensor of two numbers, for as many images and channels as there are.

    Raises InvalidArgumentError for other tensors, and for results that are too large; what: how it calls them.
    """
    if size.ndim != 1:
        raise InvalidArgumentError(f"shape_t must be 1-dimensional: {list(size.shape)}")
    if size.shape[0] != 2:
        raise InvalidArgumentError(f"shape_t must have two elements: {list(size.shape)}")
    height, width = int(size[0]), int(size[1])
    if height <= 0 or width <= 0:
        raise InvalidArgumentError(f"{what} must be positive")
    if images.shape[0] * height * width * images.shape[3] > MAX_OUTPUT:
        raise InvalidArgumentError(f"{height}x{width} has too many elements")
    return height, width


def scale_of(in_size: int, out_size: int, align_corners: bool) -> np.float32:
    """How many input pixels an output pixel spans."""
    if align_corners and out_size > 1:
        return F32(in_size - 1) / F32(out_size - 1)
    return F32(in_size) / F32(out_size)


def _positions(out_size: int, scale: np.float32, half_pixel_centers: bool) -> Array:
    """Where in the input each output pixel looks."""
    at = np.arange(out_size, dtype=F32)
    return (at + F32(0.5)) * scale - F32(0.5) if half_pixel_centers else at * scale


def linear_taps(
    in_size: int, out_size: int, align_corners: bool, half_pixel_centers: bool
) -> tuple[Array, Array, Array]:
    """Lower and upper neighbour of each output pixel, and the weight of the upper one."""
    at = _positions(out_size, scale_of(in_size, out_size, align_corners), half_pixel_centers)
    floor = np.floor(at)
    lower = np.maximum(floor.astype(np.int64), 0)
    upper = np.minimum(np.ceil(at).astype(np.int64), in_size - 1)
    # Rounding may put the last position of an aligned grid past the last pixel.
    return np.minimum(lower, in_size - 1), np.maximum(upper, 0), at - floor


@kernel("ResizeBilinear")
def resize_bilinear(
    images: Array, size: Array, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    """float32 images of the new size from images of any real dtype."""
    height, width = check_resize(images, size, align_corners, half_pixel_centers)
    if (height, width) == images.shape[1:3]:
        return images.astype(F32, copy=False)
    above, below, fall = linear_taps(images.shape[1], height, align_corners, half_pixel_centers)
    needed = np.unique(np.concatenate([above, below]))
    if needed.size < images.shape[1]:
        images = np.take(images, needed, axis=1)
        above, below = np.searchsorted(needed, above), np.searchsorted(needed, below)
    x = images.astype(F32, copy=False)
    lower, upper, weight = linear_taps(images.shape[2], width, align_corners, half_pixel_centers)
    left = np.take(x, lower, axis=2)
    row = np.take(x, upper, axis=2)
    row -= left
    row *= weight[:, None]
    row += left
    top = np.take(row, above, axis=1)
    output = np.take(row, below, axis=1)
    output -= top
    output *= fall[:, None, None]
    output += top
    return output


def nearest_pixels(in_size: int, out_size: int, align_corners: bool, half_pixel_centers: bool) -> Array:
    """The input pixel that each output pixel takes."""
    at = np.arange(out_size, dtype=F32)
    if half_pixel_centers:
        at += F32(0.5)
    at *= scale_of(in_size, out_size, align_corners)
    # roundf takes halves away from zero; positions are never negative.
    whole = np.floor(at)
    if align_corners:
        whole += at - whole >= F32(0.5)
    return np.clip(whole.astype(np.int64), 0, in_size - 1)


@kernel("ResizeNearestNeighbor")
def resize_nearest_neighbor(
    images: Array, size: Array, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    """Images of the new size and the same dtype."""
    height, width = check_resize(images, size, align_corners, half_pixel_centers)
    rows = nearest_pixels(images.shape[1], height, align_corners, half_pixel_centers)
    columns = nearest_pixels(images.shape[2], width, align_corners, half_pixel_centers)
    return np.take(np.take(images, rows, axis=1), columns, axis=2)


def _cubic_table(a: float) -> tuple[Array, Array]:
    """Weights of the near and the far neighbour, for distances of 0 to 1 in CUBIC_STEPS."""
    x = (np.arange(CUBIC_STEPS + 1) / CUBIC_STEPS).astype(F32).astype(np.float64)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    x = (x + 1.0).astype(F32).astype(np.float64)
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return near.astype(F32), far.astype(F32)


def cubic_taps(in_size: int, out_size: int, align_corners: bool, half_pixel_centers: bool) -> list[tuple[Array, Array]]:
    """The four neighbours of each output pixel and their weights.

    With half-pixel centers (Keys' kernel, a = -0.5) neighbours outside of the image count nothing and the other weights
    are scaled to sum to one; otherwise (a = -0.75) the edge pixel stands in for them.
    """
    at = _positions(out_size, scale_of(in_size, out_size, align_corners), half_pixel_centers)
    whole = np.floor(at)
    step = np.rint((at - whole) * F32(CUBIC_STEPS)).astype(np.int64)
    near, far = _cubic_table(-0.5 if half_pixel_centers else -0.75)
    weights = [far[step], near[step], near[CUBIC_STEPS - step], far[CUBIC_STEPS - step]]
    wanted = [whole.astype(np.int64) + offset for offset in (-1, 0, 1, 2)]
    indices = [np.clip(index, 0, in_size - 1) for index in wanted]
    if half_pixel_centers:
        weights = [np.where(a == b, w, F32(0)) for a, b, w in zip(indices, wanted, weights)]
        total = weights[0] + weights[1] + weights[2] + weights[3]
        usable = np.abs(total) >= F32(1000) * np.finfo(F32).tiny
        factor = np.where(usable, F32(1) / total, F32(1)).astype(F32)
        weights = [weight * factor for weight in weights]
    return list(zip(indices, weights))


def _weigh(x: Array, taps: list[tuple[Array, Array]], axis: int) -> Array:
    """The sum over taps of the input at their indices along `axis` times their weights, in order."""
    shape = (-1, *([1] * (x.ndim - axis - 1)))
    total: Array | None = None
    for indices, weights in taps:
        part = np.take(x, indices, axis=axis)
        part *= weights.reshape(shape)
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None
    return total


@kernel("ResizeBicubic")
def resize_bicubic(
    images: Array, size: Array, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    """float32 images of the new size from images of any real dtype."""
    height, width = check_resize(images, size, align_corners, half_pixel_centers)
    x = images.astype(F32, copy=False)
    if (height, width) == images.shape[1:3]:
        return x
    rows = _weigh(x, cubic_taps(images.shape[1], height, align_corners, half_pixel_centers), 1)
    return _weigh(rows, cubic_taps(images.shape[2], width, align_corners, half_pixel_centers), 2)


def _area_taps(in_size: int, out_size: int, scale: np.float32) -> list[tuple[Array, Array]]:
    """The input pixels that each output pixel covers, and how much of each, in order; unused taps weigh nothing."""
    at = np.arange(out_size + 1, dtype=F32) * scale
    start, end = at[:-1], at[1:]
    first = np.floor(start).astype(np.int64)
    last = np.ceil(end).astype(np.int64) - 1
    taps = []
    for offset in range(int((last - first).max()) + 1 if out_size else 0):
        index = first + offset
        here = index.astype(F32)
        past = (index + 1).astype(F32)
        weight = np.where(
            here < start,
            np.where(past > end, scale, past - start),
            np.where(past > end, end - here, F32(1)),
        )
        taps.append((np.clip(index, 0, in_size - 1), np.where(index <= last, weight, F32(0)).astype(F32)))
    return taps


@kernel("ResizeArea")
def resize_area(images: Array, size: Array, *, align_corners: bool = False) -> Array:
    """float32 images of the new size, each pixel the mean of the area that it covers."""
    height, width = check_resize(images, size, align_corners, False)
    x = images.astype(F32, copy=False)
    row_scale = scale_of(images.shape[1], height, align_corners)
    column_scale = scale_of(images.shape[2], width, align_corners)
    output = _weigh(x, _area_taps(images.shape[2], width, column_scale), 2)
    output = _weigh(output, _area_taps(images.shape[1], height, row_scale), 1)
    output *= F32(1.0 / np.float64(row_scale * column_scale))
    return output
