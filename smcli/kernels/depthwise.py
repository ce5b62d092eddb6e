"""DepthwiseConv2dNative: each channel convolved by itself, as a few multiplications and additions over tiles in cache.

A tile of padded input rows is laid out with columns and channels as one long axis, so that one tap of the window is one
product with a repeated row of weights. With a column stride, columns are sorted by phase (column number modulo the
stride) first, so that each tap reads neighbours again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._convolution import Epilogue, compute_dtype
from smcli.kernels._half_sums import rounded
from smcli.kernels._threads import each, spans
from smcli.kernels._windows import (
    Window,
    check_bytes,
    explicit_pairs,
    from_channels_last,
    spatial_only,
    to_channels_last,
    trimmed,
    window,
)
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel

PAYS = 2**20  # multiplications from which several threads are faster
# The product, the result and a few input rows of one tile stay in the second-level cache.
TILE_BYTES = 2**18


def prepare_depthwise(
    filter: Array,
    *,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int] = (),
    data_format: str = "NHWC",
    dilations: Sequence[int] = (1, 1, 1, 1),
    epilogue: Epilogue | None = None,
) -> Callable[[Array], Array]:
    """A function that convolves 4-D images channel by channel with `filter` (rows, columns, channels, multiplier).

    epilogue: called on each finished channels-last tile of the result, to change it in place (bias, activation).
    Raises InvalidArgumentError or UnimplementedError for attrs and shapes that TensorFlow refuses.
    """
    stride = spatial_only("strides", strides, data_format, 4, InvalidArgumentError)
    dilation = spatial_only("dilations", dilations, data_format, 4, InvalidArgumentError)
    if stride[0] != stride[1]:
        raise InvalidArgumentError(
            "Current implementation only supports equal length strides in the row and column dimensions."
        )
    pads = explicit_pairs(padding, explicit_paddings, data_format, 4)
    if filter.ndim != 4:
        raise InvalidArgumentError(f"filter must be 4-dimensional: {list(filter.shape)}")
    height, width, channels, multiplier = filter.shape
    taps = filter.reshape(height, width, channels * multiplier).astype(compute_dtype(filter.dtype), copy=False)
    repeated: dict[tuple[int, ...], Array] = {}

    def depthwise(x: Array) -> Array:
        if x.ndim != 4:
            raise InvalidArgumentError(f"input must be 4-dimensional: {list(x.shape)}")
        images = to_channels_last(x, data_format)
        if images.shape[3] != channels:
            raise InvalidArgumentError(f"input and filter must have the same depth: {images.shape[3]} vs {channels}")
        rows, columns = (
            window(images.shape[1 + axis], filter.shape[axis], stride[axis], dilation[axis], padding, *pads[axis])
            for axis in (0, 1)
        )
        shape = (images.shape[0], rows.out, columns.out, channels * multiplier)
        check_bytes(shape, max(x.itemsize, taps.itemsize))
        out: Array = np.empty(shape, x.dtype)
        (row_taps, rows), (column_taps, columns) = trimmed(rows), trimmed(columns)
        used = taps[row_taps, column_taps]
        if used.size == 0:
            out[...] = 0
            if epilogue is not None:
                epilogue(out)
        elif out.size:
            key = (columns.out, row_taps.start, row_taps.stop, column_taps.start, column_taps.stop)
            if x.dtype == np.float16:
                _add_in_turn(images, used, multiplier, rows, columns, out)
                if epilogue is not None:
                    epilogue(out)
            else:
                if key not in repeated:
                    repeated[key] = np.tile(used, (1, 1, columns.out))
                _tiles(images, repeated[key], multiplier, rows, columns, out, epilogue)
        return from_channels_last(out, data_format)

    return depthwise


def _add_in_turn(x: Array, weights: Array, multiplier: int, rows: Window, columns: Window, out: Array) -> None:
    """Fill `out` with float16, rounding each running total to 16 bits, as TensorFlow's kernel does; oneDNN, which
    computes bfloat16, rounds once.

    weights: (kernel rows, kernel columns, outputs), float32.
    """
    images = np.repeat(x.astype(np.float32), multiplier, axis=3)
    total: Array = np.zeros(out.shape, np.float32)
    for row in rows.taps:
        for column in columns.taps:
            (top, bottom), (left, right) = rows.valid(row), columns.valid(column)
            part = images[:, rows.source(row, top, bottom), columns.source(column, left, right)]
            target = total[:, top:bottom, left:right]
            target[...] = rounded(np.add(target, np.multiply(part, weights[row, column])), x.dtype)
    out[...] = total


def _tiles(
    x: Array, weights: Array, multiplier: int, rows: Window, columns: Window, out: Array, epilogue: Epilogue | None
) -> None:
    """Fill `out`, each thread some of the images, or of the rows where there is one image. weights: (kernel rows,
    kernel columns, output columns × outputs)."""
    if out.size * weights.shape[0] * weights.shape[1] < PAYS:
        _tile_by_tile(x, weights, multiplier, rows, columns, out, epilogue, 0, rows.out)
    elif len(x) > 1:
        parts = spans(len(x), 1)
        each(
            lambda part: _tile_by_tile(x[part], weights, multiplier, rows, columns, out[part], epilogue, 0, rows.out),
            parts,
        )
    else:
        parts = spans(rows.out, rows.extent)
        each(
            lambda part: _tile_by_tile(x, weights, multiplier, rows, columns, out, epilogue, part.start, part.stop),
            parts,
        )


def _tile_by_tile(
    x: Array,
    weights: Array,
    multiplier: int,
    rows: Window,
    columns: Window,
    out: Array,
    epilogue: Epilogue | None,
    start: int,
    stop: int,
) -> None:
    """Fill the output rows from `start` to `stop`."""
    work = weights.dtype
    height, width, wide = weights.shape
    tile = max(1, min(stop - start, TILE_BYTES // (wide * work.itemsize)))
    total: Array = np.empty((tile, wide), work)
    scratch: Array = np.empty((tile, wide), work)
    padded = _PaddedRows(x.shape[3] * multiplier, rows, columns, tile, work)
    taps = [(padded.tap(i, j, tile), weights[i, j]) for i in range(height) for j in range(width)]
    for image, result in zip(x, out, strict=True):
        for low in range(start, stop, tile):
            high = min(stop, low + tile)
            count = high - low
            padded.fill(image, multiplier, low, high)
            target = result[low:high].reshape(count, wide)
            sums, part = target if target.dtype == work else total[:count], scratch[:count]
            for number, (source, weight) in enumerate(taps):
                if number == 0:
                    np.multiply(source[:count], weight, out=sums)
                else:
                    np.multiply(source[:count], weight, out=part)
                    np.add(sums, part, out=sums)
            if sums is not target:
                target[...] = sums
            if epilogue is not None:
                epilogue(result[low:high])


class _PaddedRows:
    """The padded input rows of one tile, columns sorted by phase: (phases, rows, columns of a phase × channels)."""

    def __init__(self, channels: int, rows: Window, columns: Window, tile: int, dtype: np.dtype[np.generic]) -> None:
        self.channels, self.rows, self.columns = channels, rows, columns
        self.phases = min(columns.stride, columns.extent)
        width = -(-columns.padded // columns.stride)
        count = (tile - 1) * rows.stride + rows.extent
        check_bytes((self.phases, count, width, channels), dtype.itemsize)
        self.buffer: Array = np.zeros((self.phases, count, width, channels), dtype)
        self.flat = self.buffer.reshape(self.phases, count, width * channels)
        # What lies on the input, for each phase: first column of the buffer, number of columns, first column of the
        # input.
        self.parts = []
        for phase in range(self.phases):
            first = max(0, -(-(columns.before - phase) // columns.stride))
            start = first * columns.stride + phase - columns.before
            number = max(0, min(width - first, -(-(columns.size - start) // columns.stride)))
            self.parts.append((first, number, start))

    def fill(self, image: Array, multiplier: int, low: int, high: int) -> None:
        """Take the input rows that output rows low … high need. Columns of padding stay zero from the start."""
        top = low * self.rows.stride - self.rows.before
        count = (high - low - 1) * self.rows.stride + self.rows.extent
        first, last = max(0, top), min(self.rows.size, top + count)
        if first >= last:
            self.buffer[:, :count] = 0
            return
        self.buffer[:, : first - top] = 0
        self.buffer[:, last - top : count] = 0
        for phase, (column, number, start) in enumerate(self.parts):
            stop = start + number * self.columns.stride
            part = image[first:last, start : stop : self.columns.stride]
            if multiplier > 1:
                part = np.repeat(part, multiplier, axis=2)
            self.buffer[phase, first - top : last - top, column : column + number] = part

    def tap(self, i: int, j: int, count: int) -> Array:
        """What tap (i, j) of the window reads for `count` output rows: (rows, output columns × channels)."""
        step, phase = divmod(j * self.columns.dilation, self.columns.stride)
        top = i * self.rows.dilation
        bottom = top + (count - 1) * self.rows.stride + 1
        left = step * self.channels
        rows = self.flat[phase, top : bottom : self.rows.stride]
        return rows[:, left : left + self.columns.out * self.channels]


@kernel("DepthwiseConv2dNative")
def depthwise_conv2d(
    x: Array,
    filter: Array,
    *,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int] = (),
    data_format: str = "NHWC",
    dilations: Sequence[int] = (1, 1, 1, 1),
) -> Array:
    """Convolve (batch, rows, columns, channels) with (rows, columns, channels, multiplier), channel by channel."""
    prepared = prepare_depthwise(
        filter,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        data_format=data_format,
        dilations=dilations,
    )
    return prepared(x)
