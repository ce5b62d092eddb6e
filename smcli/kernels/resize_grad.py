"""Gradients of resizing: what each pixel of the result got from a pixel of the input goes back to it.

Semantics from tensorflow/core/kernels/image/resize_{bilinear,bicubic,nearest_neighbor}_op.cc.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._numbers import widened
from smcli.kernels._sorting import reduce_runs, run_starts, stable_order
from smcli.kernels.context import Array
from smcli.kernels.ragged import MAX_OUTPUT
from smcli.kernels.registry import kernel
from smcli.kernels.resize import F32, cubic_taps, linear_taps, nearest_pixels

Taps = list[tuple[Array, Array]]


def _given_back(grads: Array, taps: Taps, size: int, axis: int) -> Array:
    """The sums, along `axis`, of gradients times weights at each of `size` input pixels."""
    moved = np.moveaxis(grads, axis, 0)
    out = np.zeros((size, *moved.shape[1:]), grads.dtype)
    for indices, weights in taps:
        order = stable_order(indices)
        indices, weights = indices[order], weights[order].astype(grads.dtype)
        part = moved[order] * weights.reshape(-1, *[1] * (moved.ndim - 1))
        starts = run_starts(indices)
        out[indices[starts]] += reduce_runs(np.add, part.__getitem__, starts, len(indices))
    return np.moveaxis(out, 0, axis)


def _check(grads: Array, image: Array, align_corners: bool, half_pixel_centers: bool) -> None:
    if half_pixel_centers and align_corners:
        raise InvalidArgumentError("If half_pixel_centers is True, align_corners must be False.")
    if grads.ndim != 4:
        raise InvalidArgumentError(f"input_grad must be 4-dimensional: {list(grads.shape)}")
    if image.ndim != 4:
        raise InvalidArgumentError(f"original_image must be 4-dimensional: {list(image.shape)}")
    if 0 in (*grads.shape[1:3], *image.shape[1:3], image.shape[3]):
        raise InvalidArgumentError("images must be of non-zero size")
    if grads.shape[0] != image.shape[0] or grads.shape[3] != image.shape[3]:
        raise InvalidArgumentError(
            f"input_grad and original_image must have as many images and channels: {list(grads.shape)} vs. "
            f"{list(image.shape)}"
        )


def _upper_and_lower(in_size: int, out_size: int, align_corners: bool, half_pixel_centers: bool) -> Taps:
    lower, upper, weight = linear_taps(in_size, out_size, align_corners, half_pixel_centers)
    return [(lower, F32(1) - weight), (upper, weight)]


@kernel("ResizeBilinearGrad")
def resize_bilinear_grad(
    grads: Array, original_image: Array, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    """The gradient with respect to images of original_image's shape and dtype."""
    _check(grads, original_image, align_corners, half_pixel_centers)
    how = (align_corners, half_pixel_centers)
    height, width = original_image.shape[1:3]
    rows = _given_back(grads, _upper_and_lower(height, grads.shape[1], *how), height, 1)
    out = _given_back(rows, _upper_and_lower(width, grads.shape[2], *how), width, 2)
    return out.astype(original_image.dtype, copy=False)


@kernel("ResizeBicubicGrad")
def resize_bicubic_grad(
    grads: Array, original_image: Array, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    """The gradient with respect to images of original_image's shape and dtype."""
    _check(grads, original_image, align_corners, half_pixel_centers)
    how = (align_corners, half_pixel_centers)
    height, width = original_image.shape[1:3]
    rows = _given_back(grads, cubic_taps(height, grads.shape[1], *how), height, 1)
    out = _given_back(rows, cubic_taps(width, grads.shape[2], *how), width, 2)
    return out.astype(original_image.dtype, copy=False)


@kernel("ResizeNearestNeighborGrad")
def resize_nearest_neighbor_grad(
    grads: Array, size: Array, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    """The gradient with respect to images of height and width `size`."""
    if grads.ndim != 4:
        raise InvalidArgumentError(f"input must be 4-dimensional: {list(grads.shape)}")
    if size.ndim != 1:
        raise InvalidArgumentError(f"shape_t must be 1-dimensional: {list(size.shape)}")
    if size.shape[0] != 2:
        raise InvalidArgumentError(f"shape_t must have two elements: {list(size.shape)}")
    height, width = int(size[0]), int(size[1])
    if height <= 0 or width <= 0:
        raise InvalidArgumentError("shape_t's elements must be positive")
    if grads.shape[0] * height * width * grads.shape[3] > MAX_OUTPUT:
        raise InvalidArgumentError(f"a gradient of {height}x{width} has too many elements")
    if 0 in grads.shape[1:3]:
        return np.zeros((grads.shape[0], height, width, grads.shape[3]), grads.dtype)
    out = widened(grads)
    for axis, pixels in ((1, height), (2, width)):
        at = nearest_pixels(pixels, grads.shape[axis], align_corners, half_pixel_centers)
        out = _given_back(out, [(at, np.ones(len(at), out.dtype))], pixels, axis)
    return out.astype(grads.dtype, copy=False)
