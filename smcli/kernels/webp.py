"""WebP images, still and animated, through Pillow's libwebp (extra smcli[image]).

Semantics from tensorflow/core/kernels/image/decode_image_op.cc.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError, MissingExtraError
from smcli.kernels.context import Array

_MAX_PIXELS = 1 << 29  # of all frames: no picture that anybody means to look at


def webp_frames(data: bytes, channels: int, all_frames: bool) -> Array:
    """uint8 [frames, height, width, 3 or 4]: the frames, or the first one, of a WebP file.

    Raises InvalidArgumentError for what is no WebP image and for channels that it has not.
    """
    try:
        from PIL import Image, features
        from PIL.WebPImagePlugin import WebPImageFile
    except ImportError:
        raise MissingExtraError("Decoding WebP", "image") from None
    if channels not in (0, 3, 4):
        raise InvalidArgumentError("WebP only supports 3 or 4 channels")
    if not features.check("webp"):
        raise MissingExtraError("Decoding WebP", "image")
    from io import BytesIO

    try:
        with WebPImageFile(BytesIO(data)) as image:  # Image.open has a limit of its own, and warns of it
            count = getattr(image, "n_frames", 1) if all_frames else 1
            width, height = image.size
            if count * width * height > _MAX_PIXELS:
                raise InvalidArgumentError(f"A WebP image of {count} frames of {height}x{width} is too large")
            own = len(image.mode)  # RGB or RGBA
            if channels not in (0, own):
                raise InvalidArgumentError("Number of channels requested does not match input")
            frames = np.empty((count, height, width, own), np.uint8)
            for number in range(count):
                image.seek(number)
                frames[number] = np.asarray(image)
    except (OSError, SyntaxError, EOFError, Image.DecompressionBombError):
        raise InvalidArgumentError("Failed to decode WebP header.") from None
    return frames
