"""GIF files to frames, as TensorFlow gives them: disposal is ignored.

A frame that does not fill the canvas, or has transparent pixels, is drawn over the one before it (over black, if it is
the first). Semantics from
tensorflow/core/lib/gif/gif_io.cc; the format is CompuServe's GIF89a.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels.context import Array

MAX_BYTES = 2**31


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise InvalidArgumentError(f"Invalid GIF data (size {len(self.data)}), it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def u8(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.take(2), "little")

    def blocks(self) -> bytes:
        parts = []
        while size := self.u8():
            parts.append(self.take(size))
        return b"".join(parts)


def _unpacked(data: bytes, code_size: int, count: int) -> Array:
    """The first `count` colour indices of LZW codes. Raises InvalidArgumentError for codes that can not be."""
    clear, end = 1 << code_size, (1 << code_size) + 1
    roots = [bytes([i]) for i in range(clear)]
    table: list[bytes] = [*roots, b"", b""]
    width = code_size + 1
    output = bytearray()
    previous: bytes | None = None
    bits, held, at = 0, 0, 0
    while len(output) < count:
        while held < width:
            if at >= len(data):
                raise InvalidArgumentError("Invalid GIF data: an image is cut off")
            bits |= data[at] << held
            held += 8
            at += 1
        code = bits & ((1 << width) - 1)
        bits >>= width
        held -= width
        if code == clear:
            table = [*roots, b"", b""]
            width = code_size + 1
            previous = None
            continue
        if code == end:
            break
        if code < len(table):
            entry = table[code]
        elif code == len(table) and previous is not None:
            entry = previous + previous[:1]
        else:
            raise InvalidArgumentError("Invalid GIF data: a code that is not in the table")
        output += entry
        if previous is not None and len(table) < 4096:
            table.append(previous + entry[:1])
            if len(table) == 1 << width and width < 12:
                width += 1
        previous = entry
    if len(output) < count:
        raise InvalidArgumentError("Invalid GIF data: an image has too few pixels")
    return np.frombuffer(bytes(output[:count]), np.uint8)


def _color_map(reader: _Bytes, flags: int) -> Array | None:
    if not flags & 0x80:
        return None
    size = 2 << (flags & 7)
    return np.frombuffer(reader.take(3 * size), np.uint8).reshape(size, 3)


def _rows_in_order(height: int) -> Array:
    """The rows of an interlaced image in the order of the file."""
    rows = np.arange(height)
    return np.concatenate([rows[0::8], rows[4::8], rows[2::4], rows[1::2]])


def gif_frames(data: bytes, *, all_frames: bool) -> Array:
    """uint8 [frames, height, width, 3]; only the first frame unless `all_frames`. Raises InvalidArgumentError."""
    reader = _Bytes(data)
    reader.take(6)
    width, height, flags = reader.u16(), reader.u16(), reader.u8()
    reader.take(2)
    shared = _color_map(reader, flags)
    frames: list[Array] = []
    transparent = -1  # the colour index that the next image leaves out
    while True:
        try:
            kind = reader.u8()
        except InvalidArgumentError:
            if frames:  # a missing trailer costs nothing that was read
                break
            raise
        if kind == 0x3B:
            break
        if kind == 0x21:
            label, body = reader.u8(), reader.blocks()
            if label == 0xF9 and len(body) >= 4:
                transparent = body[3] if body[0] & 1 else -1
            continue
        if kind != 0x2C:
            raise InvalidArgumentError(f"Invalid GIF data (size {len(data)}), unknown block {kind}")
        left, top, own_width, own_height, flags = *(reader.u16() for _ in range(4)), reader.u8()
        colors = _color_map(reader, flags)
        colors = shared if colors is None else colors
        code_size = reader.u8()
        if not 1 <= code_size <= 11:
            raise InvalidArgumentError(f"Invalid GIF data (size {len(data)}), code size {code_size}")
        packed = reader.blocks()
        if colors is None:
            raise InvalidArgumentError(
                f"Invalid GIF data (size {len(data)}), missing color map for frame {len(frames)}"
            )
        if not own_width or not own_height:
            raise InvalidArgumentError(f"Invalid GIF data (size {len(data)}), frame {len(frames)} has no size")
        if (len(frames) + 1) * width * height * 3 > MAX_BYTES or own_width * own_height * 3 > MAX_BYTES:
            raise InvalidArgumentError(f"Invalid GIF data (size {len(data)}), too many pixels")
        index = _unpacked(packed, code_size, own_width * own_height).reshape(own_height, own_width)
        if flags & 0x40:
            straight = np.empty_like(index)
            straight[_rows_in_order(own_height)] = index
            index = straight
        frame = frames[-1].copy() if frames else np.zeros((height, width, 3), np.uint8)
        drawn = index[: max(0, height - top), : max(0, width - left)]
        solid = drawn != transparent
        if (solid & (drawn >= len(colors))).any():
            raise InvalidArgumentError(f"Invalid GIF data (size {len(data)}), a color index outside of the color map")
        place = frame[top : top + drawn.shape[0], left : left + drawn.shape[1]]
        place[solid] = colors[drawn[solid]]
        frames.append(frame)
        transparent = -1
        if not all_frames:
            break
    if not frames:
        raise InvalidArgumentError(f"Invalid GIF data (size {len(data)}), gif file does not contain any image")
    return np.stack(frames)
