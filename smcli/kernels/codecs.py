"""Encoded images to pixels: JPEG, PNG, GIF, BMP and WebP, told apart by their first bytes as TensorFlow does.

JPEG goes through libjpeg-turbo (the package simplejpeg, which brings the library and exposes the fast DCT and the plain
upsampling that TensorFlow asks for); PNG of up to 8 bits through Pillow, of 16 bits through `png16`; GIF through `gif`;
BMP is read here. Both packages are the extra smcli[image]. Semantics from
tensorflow/core/kernels/image/decode_image_op.cc and core/lib/{jpeg,png,gif}.

Two things that the binding does not expose differ from TensorFlow: at the left and right edge of a cropped JPEG whose
chroma is subsampled, TensorFlow upsamples as if the image ended there; and what stands for the missing part of a
truncated JPEG (try_recover_truncated).
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError, MissingExtraError
from smcli.kernels.context import Array
from smcli.kernels.gif import gif_frames
from smcli.kernels.png16 import PngHeader, png_header, png_pixels16
from smcli.kernels.registry import kernel
from smcli.kernels.webp import webp_frames
from smcli.tensors.types import DataType

DEVIATIONS = {
    "DecodeAndCropJpeg": "where chroma is subsampled, the edges of a crop are interpolated with what is beside it",
    "DecodeJpeg": "with try_recover_truncated, the missing part of a file may be filled otherwise",
}

MAX_PIXELS = 2**29
_MOST_INFLATED = 1032  # bytes that DEFLATE can make of one
_FAST = ("", "INTEGER_FAST")


def _bytes(contents: Array) -> bytes:
    if contents.ndim:
        raise InvalidArgumentError(f"`contents` must be scalar but got shape {list(contents.shape)}")
    data: bytes = contents.item()
    if not data:
        raise InvalidArgumentError("Input is empty.")
    return data


def _format(data: bytes) -> str:
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"GIF8"):
        return "GIF"
    if data.startswith(b"BM"):
        return "BMP"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    raise InvalidArgumentError("Unknown image file format. One of JPEG, JPEG XL, PNG, GIF, BMP, WebP required.")


# ---- JPEG --------------------


def jpeg_shape(data: bytes) -> tuple[int, int, int]:
    """Height, width and components from the frame header. Raises InvalidArgumentError when there is none."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at += 1
            continue
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:
            at += 2
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if at + 10 > len(data):
                break
            height, width, components = struct.unpack(">HHB", data[at + 5 : at + 10])
            return height, width, components
        elif marker in (0xD9, 0xDA):
            break
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise InvalidArgumentError("Invalid JPEG data, no frame header")


def _has_adobe_marker(data: bytes) -> bool:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        if data[at + 1] == 0xEE and data[at + 4 : at + 9] == b"Adobe":
            return True
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False


def _jpeg_pixels(
    data: bytes, channels: int, ratio: int, fancy_upscaling: bool, recover: bool, dct_method: str
) -> Array:
    """uint8 [height, width, 1 or 3], scaled down by `ratio`."""
    try:
        import simplejpeg
    except ImportError:
        raise MissingExtraError("Decoding JPEG images", "image") from None
    if channels not in (0, 1, 3):
        raise InvalidArgumentError("JPEG does not support 4 channels")
    height, width, components = jpeg_shape(data)
    if height * width * components >= MAX_PIXELS or height == 0 or width == 0:
        raise InvalidArgumentError(f"Invalid JPEG data, size {height} by {width}")
    wanted = channels or min(components, 3)
    color = "GRAY" if wanted == 1 else ("CMYK" if components == 4 else "RGB")
    options: dict[str, Any] = {
        "colorspace": color,
        "fastdct": dct_method in _FAST,
        "fastupsample": not fancy_upscaling,
        "min_factor": float(ratio),
        "min_height": -(-height // ratio),
        "min_width": -(-width // ratio),
    }
    try:
        pixels: Array = simplejpeg.decode_jpeg(data, strict=not recover, **options)
    except ValueError as error:
        if "Premature end" in str(error) or recover:
            raise InvalidArgumentError(f"jpeg::Uncompress failed. Invalid JPEG data or crop window: {error}") from None
        try:  # other warnings do not stop TensorFlow
            pixels = simplejpeg.decode_jpeg(data, strict=False, **options)
        except ValueError as fatal:
            raise InvalidArgumentError(f"jpeg::Uncompress failed. Invalid JPEG data or crop window: {fatal}") from None
    if color != "CMYK":
        return pixels.reshape(*pixels.shape[:2], wanted)
    inks = pixels.astype(np.int64)
    if not _has_adobe_marker(data):
        inks = 255 - inks
    return (inks[..., 3:] * inks[..., :3] // 255).astype(np.uint8)


def _check_jpeg_attrs(ratio: int, dct_method: str, channels: int) -> None:
    if ratio not in (1, 2, 4, 8):
        raise InvalidArgumentError(f"ratio must be 1, 2, 4, or 8, got {ratio}")
    if dct_method not in (*_FAST, "INTEGER_ACCURATE"):
        raise InvalidArgumentError("dct_method must be one of {'', 'INTEGER_FAST', 'INTEGER_ACCURATE'}")
    _check_channels(channels)


def _check_channels(channels: int) -> None:
    if channels not in (0, 1, 3, 4):
        raise InvalidArgumentError(f"`channels` must be 0, 1, 3 or 4 but got {channels}")


# ---- PNG --------------------


def _grey(pixels: Array) -> Array:
    """libpng's conversion with the weights 0.299 and 0.587: 15-bit fixed point, rounded only for 16-bit samples."""
    red, green, blue = (pixels[..., i].astype(np.int64) for i in range(3))
    rounding = 16384 if pixels.dtype == np.uint16 else 0
    mixed = (9797 * red + 19234 * green + 3737 * blue + rounding) >> 15
    return np.where((red == green) & (red == blue), red, mixed).astype(pixels.dtype)[..., None]


def _png_pixels8(data: bytes, header: PngHeader) -> tuple[Array, Array | None]:
    """Colour uint8 [height, width, 1 or 3] and alpha [height, width, 1], if there is any, of a PNG of up to 8 bits."""
    try:
        from PIL.PngImagePlugin import PngImageFile
    except ImportError:
        raise MissingExtraError("Decoding PNG images", "image") from None
    import io

    try:
        image: Any = PngImageFile(io.BytesIO(data))  # Image.open warns of sizes, or refuses them, that TensorFlow takes
        image.load()
    except (OSError, SyntaxError, ValueError, zlib.error, struct.error, EOFError) as error:
        raise InvalidArgumentError(f"Invalid PNG data, size {len(data)}: {error}") from None
    alpha: Array | None = None
    if image.mode == "P":
        table = np.zeros((256, 3), np.uint8)
        palette = np.frombuffer(header.palette, np.uint8)
        table[: palette.size // 3] = palette.reshape(-1, 3)
        index = np.asarray(image)
        if header.transparency is not None:
            opacity = np.full(256, 255, np.uint8)
            found = np.frombuffer(header.transparency[:256], np.uint8)
            opacity[: found.size] = found
            alpha = opacity[index][..., None]
        return table[index], alpha
    pixels = np.asarray(image.convert("L") if image.mode == "1" else image)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if header.color_type in (4, 6):
        return pixels[..., :-1], pixels[..., -1:]
    if header.transparency is not None:
        sample = np.frombuffer(header.transparency[: 2 * pixels.shape[2]], ">u2").astype(np.int64)
        if sample.size == pixels.shape[2]:
            scale = 255 // ((1 << header.bit_depth) - 1)
            alpha = np.where((pixels == sample * scale).all(axis=-1), 0, 255).astype(np.uint8)[..., None]
    return pixels[..., : 1 if header.color_type == 0 else 3], alpha


def _png_pixels(data: bytes, channels: int, wide: bool) -> Array:
    """uint8, or uint16 with `wide`, [height, width, channels]; 0 channels means those of the file."""
    header = png_header(data)
    if header.width * header.height >= MAX_PIXELS or max(header.width, header.height) >= 2**27:
        raise InvalidArgumentError(f"PNG size too large for int: {header.width} by {header.height}")
    samples = {2: 3, 4: 2, 6: 4}.get(header.color_type, 1)
    if header.width * header.height * samples * header.bit_depth > 8 * _MOST_INFLATED * len(data):
        raise InvalidArgumentError(f"Invalid PNG data, size {len(data)}: too few pixels")
    if channels == 0:
        by_type = {0: 1, 2: 3, 3: 4 if header.transparency is not None else 3, 4: 2, 6: 4}
        channels = by_type[header.color_type]
    color, alpha = png_pixels16(data, header) if header.bit_depth == 16 else _png_pixels8(data, header)
    if channels < 3 and color.shape[2] == 3:
        color = _grey(color)
    elif channels >= 3 and color.shape[2] == 1:
        color = np.repeat(color, 3, axis=2)
    if channels % 2:
        pixels = np.ascontiguousarray(color)
    else:
        if (
            alpha is None
        ):  # TensorFlow fills in the largest sample of the file's depth, though samples are 8 bits by then
            alpha = np.full((*color.shape[:2], 1), (1 << header.bit_depth) - 1, color.dtype)
        pixels = np.concatenate([color, alpha], axis=2)
    if wide and pixels.dtype == np.uint8:
        return pixels.astype(np.uint16) * np.uint16(257)
    if not wide and pixels.dtype == np.uint16:
        return (pixels >> 8).astype(np.uint8)
    return pixels


# ---- BMP --------------------


def _bmp_pixels(data: bytes, channels: int) -> Array:
    if channels == 1:
        raise InvalidArgumentError(f"`channels` must be 0, 3 or 4 for BMP, but got {channels}")
    if len(data) < 32:
        raise InvalidArgumentError(f"Incomplete bmp content, requires at least 32 bytes, got {len(data)} bytes")
    start, width, height = struct.unpack("<i", data[10:14])[0], *struct.unpack("<ii", data[18:26])
    own = int.from_bytes(data[28:30], "little", signed=True) // 8
    if own not in (1, 3, 4):
        raise InvalidArgumentError(f"Number of channels inherent in the image must be 1, 3 or 4, was {own}")
    if width <= 0:
        raise InvalidArgumentError("Width must be positive")
    if height == 0:
        raise InvalidArgumentError("Height must be nonzero")
    if start < 0:
        raise InvalidArgumentError("header size must be nonnegative")
    if width * abs(height) >= (2**31 - 1) // 8:
        raise InvalidArgumentError("Total possible pixel bytes must be less than 2^30")
    stride = (own * width + 3) // 4 * 4
    surplus = len(data) - start - stride * abs(height)
    if surplus:
        raise InvalidArgumentError(
            f"Input size should match (header_size + row_size * abs_height) but they differ by {surplus}"
        )
    rows: Array = np.frombuffer(data, np.uint8, stride * abs(height), start).reshape(abs(height), stride)
    rows = rows[:, : own * width].reshape(abs(height), width, own)
    if height > 0:
        rows = rows[::-1]
    channels = channels or own
    color: Array = rows[..., 2::-1] if own > 1 else rows if channels == 1 else np.repeat(rows, 3, axis=2)
    if channels != 4:
        return np.ascontiguousarray(color)
    alpha = rows[..., 3:] if own == 4 else np.full((*rows.shape[:2], 1), 255, np.uint8)
    return np.concatenate([color, alpha], axis=2)


# ---- the ops --------------------


def _refuse_bmp(op: str, found: str) -> None:
    if op == "DecodeBmp":
        raise InvalidArgumentError(
            f"Trying to decode {found} format using DecodeBmp op. "
            f"Use `decode_{found.lower()}` or `decode_image` instead."
        )


def _only_jpeg(op: str, found: str) -> None:
    if op == "DecodeAndCropJpeg":
        raise InvalidArgumentError(f"DecodeAndCropJpeg operation can run on JPEG only, but detected {found}.")


def _widened(pixels: Array, dtype: DataType) -> Array:
    """uint8 pixels as the op's dtype: uint16 times 256, float32 as a fraction of 255."""
    if dtype is DataType.UINT16:
        return pixels.astype(np.uint16) * np.uint16(256)
    if dtype is DataType.FLOAT:
        return pixels.astype(np.float32) * np.float32(1.0 / 255)
    return pixels


def _decode(
    op: str,
    contents: Array,
    channels: int,
    dtype: DataType = DataType.UINT8,
    expand_animations: bool = True,
    crop: tuple[int, ...] | None = None,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    recover: bool = False,
    dct_method: str = "",
) -> Array:
    data = _bytes(contents)
    kind = _format(data)
    if kind == "JPEG":
        if channels == 4:
            raise InvalidArgumentError("JPEG does not support 4 channels")
        _refuse_bmp(op, kind)
        pixels = _jpeg_pixels(data, channels, ratio, fancy_upscaling, recover, dct_method)
        if crop is not None:
            y, x, height, width = crop
            inside = height > 0 and width > 0 and y >= 0 and x >= 0
            if not inside or y + height > pixels.shape[0] or x + width > pixels.shape[1]:
                raise InvalidArgumentError("jpeg::Uncompress failed. Invalid JPEG data or crop window.")
            pixels = np.ascontiguousarray(pixels[y : y + height, x : x + width])
        pixels = _widened(pixels, dtype)
        return pixels[None] if op == "DecodeGif" else pixels
    if kind == "PNG":
        _refuse_bmp(op, kind)
        _only_jpeg(op, kind)
        pixels = _png_pixels(data, channels, dtype is not DataType.UINT8)
        if dtype is DataType.FLOAT:
            pixels = pixels.astype(np.float32) * np.float32(1.0 / 65535)
        return pixels[None] if op == "DecodeGif" else pixels
    if kind == "GIF":
        if channels not in (0, 3):
            raise InvalidArgumentError(f"channels must be 0 or 3 for GIF, got {channels}")
        _refuse_bmp(op, kind)
        _only_jpeg(op, kind)
        frames = gif_frames(data, all_frames=expand_animations)
        if op in ("DecodePng", "DecodeJpeg"):
            if frames.shape[0] != 1:
                raise InvalidArgumentError(
                    f"Got {frames.shape[0]} frames, but animated gifs can only be decoded by tf.io.decode_gif or "
                    "tf.io.decode_image"
                )
            return _widened(frames[0], dtype)
        return _widened(frames if op == "DecodeGif" or expand_animations else frames[0], dtype)
    if kind == "WebP":
        every = op != "DecodeImage" or expand_animations
        frames = webp_frames(data, channels, every)
        return _widened(frames if every else frames[0], dtype)
    if channels == 1:
        raise InvalidArgumentError(f"`channels` must be 0, 3 or 4 for BMP, but got {channels}")
    _only_jpeg(op, kind)
    if op not in ("DecodeBmp", "DecodeImage"):
        raise InvalidArgumentError(
            f"Trying to decode BMP format using a wrong op. Use `decode_bmp` or `decode_image` instead. Op used: {op}"
        )
    return _widened(_bmp_pixels(data, channels), dtype)


@kernel("DecodeJpeg")
def decode_jpeg(
    contents: Array,
    *,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    dct_method: str = "",
) -> Array:
    """uint8 [height, width, channels] of a JPEG (or PNG, or GIF of one frame)."""
    _check_jpeg_attrs(ratio, dct_method, channels)
    return _decode(
        "DecodeJpeg",
        contents,
        channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        recover=try_recover_truncated,
        dct_method=dct_method,
    )


@kernel("DecodeAndCropJpeg")
def decode_and_crop_jpeg(
    contents: Array,
    crop_window: Array,
    *,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    dct_method: str = "",
) -> Array:
    """The window [y, x, height, width] of a JPEG."""
    _check_jpeg_attrs(ratio, dct_method, channels)
    if crop_window.ndim != 1:
        raise InvalidArgumentError(f"crop_window must be 1-D, got shape {list(crop_window.shape)}")
    if crop_window.shape[0] != 4:
        raise InvalidArgumentError(f"crop_size must have four elements {list(crop_window.shape)}")
    return _decode(
        "DecodeAndCropJpeg",
        contents,
        channels,
        crop=tuple(int(n) for n in crop_window),
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        recover=try_recover_truncated,
        dct_method=dct_method,
    )


@kernel("DecodePng")
def decode_png(contents: Array, *, channels: int = 0, dtype: DataType = DataType.UINT8) -> Array:
    """uint8 or uint16 [height, width, channels] of a PNG (or JPEG, or GIF of one frame)."""
    _check_channels(channels)
    return _decode("DecodePng", contents, channels, dtype)


@kernel("DecodeGif")
def decode_gif(contents: Array) -> Array:
    """uint8 [frames, height, width, 3] of a GIF (or JPEG or PNG, as one frame)."""
    return _decode("DecodeGif", contents, 3)


@kernel("DecodeBmp")
def decode_bmp(contents: Array, *, channels: int = 0) -> Array:
    """uint8 [height, width, channels] of a BMP."""
    _check_channels(channels)
    return _decode("DecodeBmp", contents, channels)


@kernel("DecodeWebP")
def decode_webp(contents: Array, *, channels: int = 0, dtype: DataType = DataType.UINT8) -> Array:
    """[frames, height, width, channels] of a WebP image; of other formats what DecodeImage gives."""
    return _decode("DecodeWebP", contents, channels, dtype)


@kernel("DecodeImage")
def decode_image(
    contents: Array, *, channels: int = 0, dtype: DataType = DataType.UINT8, expand_animations: bool = True
) -> Array:
    """uint8, uint16 or float32 pixels of a JPEG, PNG or BMP [height, width, channels], or a GIF [frames, …]."""
    _check_channels(channels)
    return _decode("DecodeImage", contents, channels, dtype, expand_animations)


@kernel("ExtractJpegShape")
def extract_jpeg_shape(contents: Array, *, output_type: DataType = DataType.INT32) -> Array:
    """[height, width, channels] of a JPEG, from its header."""
    if contents.ndim:
        raise InvalidArgumentError(f"contents must be scalar, got shape {list(contents.shape)}")
    data: bytes = contents.item()
    if not data.startswith(b"\xff\xd8"):
        raise InvalidArgumentError(f"Invalid JPEG data, size {len(data)}")
    return np.array(jpeg_shape(data), dtype=output_type.numpy)
