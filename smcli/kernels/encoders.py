"""Pixels to encoded images: PNG with zlib, JPEG with Pillow (extra smcli[image]).

Pillow transforms with the accurate integer DCT, as TensorFlow does; TurboJPEG's interface takes the fast one. The
pixels that a decoder reads are those of TensorFlow's own files; the bytes are not, since filters, Huffman tables and
metadata are chosen otherwise. Semantics from tensorflow/core/kernels/image/encode_{png,jpeg}_op.cc.
"""

from __future__ import annotations

import io
import math
import struct
import zlib

import numpy as np

from smcli.errors import InternalError, InvalidArgumentError, MissingExtraError
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel

_BYTES = "decodes to the same pixels; the bytes of the file differ"
DEVIATIONS = dict.fromkeys(("EncodeJpeg", "EncodeJpegVariableQuality", "EncodePng"), _BYTES)

_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _png(image: Array, compression: int) -> bytes:
    height, width, channels = image.shape
    header = struct.pack(">IIBBBBB", width, height, 8 * image.dtype.itemsize, _COLOR_TYPES[channels], 0, 0, 0)
    samples = np.ascontiguousarray(image.astype(image.dtype.newbyteorder(">"))).view(np.uint8).reshape(height, -1)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), samples], axis=1)
    packed = zlib.compress(rows.tobytes(), compression)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


@kernel("EncodePng")
def encode_png(image: Array, *, compression: int = -1) -> Array:
    """A PNG file of each image uint8 or uint16 [..., height, width, 1 to 4 channels]."""
    if not -1 <= compression <= 9:
        raise InvalidArgumentError(f"compression should be in [-1,9], got {compression}")
    if image.ndim < 3:
        raise InvalidArgumentError(f"images must be at least rank 3: {list(image.shape)}")
    height, width, channels = image.shape[-3:]
    if channels not in _COLOR_TYPES:
        raise InvalidArgumentError(f"image must have 1, 2, 3, or 4 channels, has {channels}")
    if height == 0 or width == 0:
        raise InternalError("PNG encoding failed: the image has no pixels")
    files = np.empty(math.prod(image.shape[:-3]), dtype=object)
    files[:] = [_png(one, compression) for one in image.reshape(-1, height, width, channels)]
    return files.reshape(image.shape[:-3])


def _jpeg(image: Array, quality: int, chroma_downsampling: bool) -> Array:
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("Encoding JPEG images", "image") from None
    if not 0 <= quality <= 100:
        raise InvalidArgumentError(f"quality must be in [0,100], got {quality}")
    if image.ndim != 3:
        raise InvalidArgumentError(f"image must be 3-dimensional: {list(image.shape)}")
    height, width, channels = image.shape
    if channels not in (1, 3):
        raise InvalidArgumentError(f"image must have 1 or 3 channels, got {list(image.shape)}")
    if not 0 < height <= 65535 or not 0 < width <= 65535:
        raise InvalidArgumentError(f"JPEG encoding failed for an image of {height} by {width}")
    buffer = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(image if channels == 3 else image[..., 0]))
    picture.save(buffer, "JPEG", quality=max(quality, 1), subsampling=2 if chroma_downsampling else 0)
    return np.array(buffer.getvalue(), dtype=object)


@kernel("EncodeJpeg")
def encode_jpeg(image: Array, *, format: str = "", quality: int = 95, chroma_downsampling: bool = True) -> Array:
    """A JPEG file of an image uint8 [height, width, 1 or 3]."""
    wanted = {"": None, "grayscale": 1, "rgb": 3}
    if format not in wanted:
        raise InvalidArgumentError("format must be '', grayscale or rgb")
    if image.ndim == 3 and wanted[format] not in (None, image.shape[2]):
        raise InvalidArgumentError(f"format {format!r} expects {wanted[format]} channels, got {list(image.shape)}")
    return _jpeg(image, quality, chroma_downsampling)


@kernel("EncodeJpegVariableQuality")
def encode_jpeg_variable_quality(images: Array, quality: Array) -> Array:
    """A JPEG file of an image, the quality being an input."""
    if quality.ndim:
        raise InvalidArgumentError(f"quality must be scalar: {list(quality.shape)}")
    return _jpeg(images, int(quality), True)
