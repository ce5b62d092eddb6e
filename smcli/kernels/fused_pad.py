"""Convolutions with mirrored padding, and resizing before it, in one op (conv_ops_fused_image_transform.cc): what
TensorFlow's graph transforms make of image models."""

from __future__ import annotations

from collections.abc import Sequence

from smcli.kernels.context import Array
from smcli.kernels.conv import conv2d
from smcli.kernels.rearrange import mirror_pad
from smcli.kernels.registry import kernel
from smcli.kernels.resize import resize_bilinear

_BATCH = "each image of a batch is computed; TensorFlow 2.21 gives the first one's result for all"
DEVIATIONS = {"FusedPadConv2D": _BATCH, "FusedResizeAndPadConv2D": _BATCH}


@kernel("FusedPadConv2D")
def fused_pad_conv2d(
    x: Array, paddings: Array, filter: Array, *, mode: str, strides: Sequence[int], padding: str
) -> Array:
    """MirrorPad, then Conv2D."""
    return conv2d(mirror_pad(x, paddings, mode=mode), filter, strides=strides, padding=padding)


@kernel("FusedResizeAndPadConv2D")
def fused_resize_and_pad_conv2d(
    x: Array,
    size: Array,
    paddings: Array,
    filter: Array,
    *,
    resize_align_corners: bool = False,
    mode: str,
    strides: Sequence[int],
    padding: str,
) -> Array:
    """ResizeBilinear, then MirrorPad, then Conv2D."""
    resized = resize_bilinear(x, size, align_corners=resize_align_corners).astype(x.dtype, copy=False)
    return fused_pad_conv2d(resized, paddings, filter, mode=mode, strides=strides, padding=padding)
