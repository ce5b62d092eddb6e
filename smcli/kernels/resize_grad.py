"""Gradients of resizing: what each pixel of the result got from a pixel of the input goes back to it.

Semantics from tensorflow/core/kernels/image/resize_{bilinear,bicubic,nearest_neighbor}_op.cc.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._numbers import widened
from smcli.kernels._sorting import reduce_runs, run_starts, stable_order
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.kernels.resize import F32, cubic_taps, linear_taps, nearest_pixels, new_size

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


def _interpolation_grad(
    taps_of: Callable[[int, int, bool, bool], Taps],
    grads: Array,
    image: Array,
    align_corners: bool,
    half_pixel_centers: bool,
) -> Array:
    """taps_of(in_size, out_size, align_corners, half_pixel_centers): what each output pixel was made of."""
    _check(grads, image, align_corners, half_pixel_centers)
    out = grads
    for axis in (1, 2):
        size = image.shape[axis]
        out = _given_back(out, taps_of(size, grads.shape[axis], align_corners, half_pixel_centers), size, axis)
    return out.astype(image.dtype, copy=False)


@kernel("ResizeBilinearGrad")
def resize_bilinear_grad(
    grads: Array, original_image: Array, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    """The gradient with respect to images of original_image's shape and dtype."""
    return _interpolation_grad(_upper_and_lower, grads, original_image, align_corners, half_pixel_centers)


@kernel("ResizeBicubicGrad")
def resize_bicubic_grad(
    grads: Array, original_image: Array, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    """The gradient with respect to images of original_image's shape and dtype."""
    return _interpolation_grad(cubic_taps, grads, original_image, align_corners, half_pixel_centers)


@kernel("ResizeNearestNeighborGrad")
def resize_nearest_neighbor_grad(
    grads: Array, size: Array, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    """The gradient with respect to images of height and width `size`."""
    if grads.ndim != 4:
        raise InvalidArgumentError(f"input must be 4-dimensional: {list(grads.shape)}")
    height, width = new_size(grads, size, "shape_t's elements")
    if 0 in grads.shape[1:3]:
        return np.zeros((grads.shape[0], height, width, grads.shape[3]), grads.dtype)
    out = widened(grads)
    for axis, pixels in ((1, height), (2, width)):
        at = nearest_pixels(pixels, grads.shape[axis], align_corners, half_pixel_centers)
        out = _given_back(out, [(at, np.ones(len(at), out.dtype))], pixels, axis)
    return out.astype(grads.dtype, copy=False)
