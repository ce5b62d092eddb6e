"""Pixels to encoded images, byte for byte as TensorFlow: PNG with zlib, JPEG with Pillow (extra smcli[image]).

Pillow transforms with the accurate integer DCT, as TensorFlow does; TurboJPEG's interface takes the fast one. Semantics
from tensorflow/core/kernels/image/encode_{png,jpeg}_op.cc, tensorflow/core/lib/{png,jpeg} and libpng, whose choices of
filters and of deflate's settings are made here.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterable

import numpy as np

from smcli.errors import InternalError, InvalidArgumentError, MissingExtraError
from smcli.kernels._numbers import Numbers
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel

DEVIATIONS = {"EncodePng": "the file is the same to the byte where Python is built with zlib, not with a variant of it"}

_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_SHORT = 16384  # libpng shrinks deflate's window for images up to this many bytes
_IDAT = 8192  # bytes in a chunk
_BLOCK = 2**18  # bytes whose filters are tried at once
_JFIF = 20  # bytes up to the end of the JFIF header
_DENSITY = struct.Struct(">BHH")
_XMP = b"http://ns.adobe.com/xap/1.0/\0"


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _filtered(rows: Numbers, before: Numbers, pixel: int, useless: list[int]) -> Numbers:
    """Rows of bytes after PNG's filters, each with the number of its filter in front: the one of the least sum of
    absolute values, as libpng chooses (pngwutil.c). before: the row above the first; pixel: bytes of one."""
    up = np.concatenate([before[None], rows[:-1]])
    left, corner = np.zeros_like(rows), np.zeros_like(rows)
    left[:, pixel:], corner[:, pixel:] = rows[:, :-pixel], up[:, :-pixel]
    a, b, c = (part.astype(np.int16) for part in (left, up, corner))
    to_a, to_b, to_c = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    paeth = np.where((to_a <= to_b) & (to_a <= to_c), left, np.where(to_b <= to_c, up, corner))
    average = ((a + b) // 2).astype(np.uint8)
    candidates = np.stack([rows, rows - left, rows - up, rows - average, rows - paeth])
    costs = np.where(candidates < 128, candidates, 256 - candidates.astype(np.int32)).sum(-1)
    costs[useless] = np.iinfo(costs.dtype).max
    best = costs.argmin(0)
    return np.concatenate([best[:, None].astype(np.uint8), candidates[best, np.arange(len(rows))]], axis=1)


def _deflated(rows: Iterable[Numbers], size: int, compression: int, strategy: int) -> bytes:
    """A zlib stream of `size` bytes of rows with libpng's settings: memory level 9, rows fed one by one, and for what
    is short no larger window than it fills."""
    bits = min(15, max(8, (size + 262 - 1).bit_length())) if size <= _SHORT else 15
    stream = zlib.compressobj(compression, zlib.DEFLATED, bits, 9, strategy)
    packed = bytearray(b"".join(stream.compress(row) for row in rows) + stream.flush())
    if size <= _SHORT:
        packed[0] = (max(8, (size - 1).bit_length()) - 8) << 4 | zlib.DEFLATED
        packed[1] &= 0xE0
        packed[1] += 31 - (packed[0] << 8 | packed[1]) % 31
    return bytes(packed)


def _png(image: Array, compression: int) -> bytes:
    height, width, channels = image.shape
    pixel = channels * image.dtype.itemsize
    header = struct.pack(">IIBBBBB", width, height, 8 * image.dtype.itemsize, _COLOR_TYPES[channels], 0, 0, 0)
    samples = np.ascontiguousarray(image.astype(image.dtype.newbyteorder(">"))).view(np.uint8).reshape(height, -1)
    useless = [2, 3, 4] * (height == 1) + [1, 3, 4] * (width == 1)
    above = np.concatenate([np.zeros((1, samples.shape[1]), np.uint8), samples[:-1]])
    block = max(1, _BLOCK // samples.shape[1])
    rows = (
        row
        for start in range(0, height, block)
        for row in _filtered(samples[start : start + block], above[start], pixel, useless)
    )
    strategy = zlib.Z_DEFAULT_STRATEGY if height == width == 1 else zlib.Z_FILTERED
    packed = _deflated(rows, height * (samples.shape[1] + 1), compression, strategy)
    data = [_chunk(b"IDAT", packed[start : start + _IDAT]) for start in range(0, len(packed), _IDAT)]
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(data) + _chunk(b"IEND", b"")


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


def _jpeg(image: Array, quality: int, chroma_downsampling: bool, **options: bool) -> bytes:
    """A JPEG file, options being those of Pillow, as TensorFlow labels it by default: 300 dots an inch."""
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
    subsampling = 2 if chroma_downsampling and channels == 3 else 0
    picture.save(buffer, "JPEG", quality=max(quality, 1), subsampling=subsampling, dpi=(300, 300), **options)
    return buffer.getvalue()


@kernel("EncodeJpeg")
def encode_jpeg(
    image: Array,
    *,
    format: str = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density_unit: str = "in",
    x_density: int = 300,
    y_density: int = 300,
    xmp_metadata: str = "",
) -> Array:
    """A JPEG file of an image uint8 [height, width, 1 or 3]."""
    wanted = {"": None, "grayscale": 1, "rgb": 3}
    if format not in wanted:
        raise InvalidArgumentError("format must be '', grayscale or rgb")
    if image.ndim == 3 and wanted[format] not in (None, image.shape[2]):
        raise InvalidArgumentError(f"format {format!r} expects {wanted[format]} channels, got {list(image.shape)}")
    file = bytearray(_jpeg(image, quality, chroma_downsampling, progressive=progressive, optimize=optimize_size))
    _DENSITY.pack_into(file, 13, 2 if density_unit == "cm" else 1, x_density & 0xFFFF, y_density & 0xFFFF)
    if xmp_metadata:
        packet = _XMP + xmp_metadata.encode("utf-8", "surrogateescape")
        if len(packet) + 2 > 0xFFFF:
            raise InvalidArgumentError(f"xmp_metadata of {len(packet) - len(_XMP)} bytes does not fit into a JPEG file")
        file[_JFIF:_JFIF] = b"\xff\xe1" + struct.pack(">H", len(packet) + 2) + packet
    return np.array(bytes(file), dtype=object)


@kernel("EncodeJpegVariableQuality")
def encode_jpeg_variable_quality(images: Array, quality: Array) -> Array:
    """A JPEG file of an image, the quality being an input."""
    if quality.ndim:
        raise InvalidArgumentError(f"quality must be scalar: {list(quality.shape)}")
    return np.array(_jpeg(images, int(quality), True), dtype=object)
