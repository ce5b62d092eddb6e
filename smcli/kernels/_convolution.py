"""Convolution of channels-last images as matrix products: the arithmetic that Conv2D, Conv3D and their kin share.

The input is cut into tiles of output rows that stay in cache. For each tile the input rows are gathered once into rows
of kernel-width × channels columns, and every kernel row is one GEMM on a shifted view of that buffer, so that the
copying is kernel-width-fold, not kernel-area-fold; with few channels, or where rows are not shared, all kernel rows go
into one GEMM. float16 and bfloat16 are computed in float32 and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from smcli.kernels._products import PAYS, multiply
from smcli.kernels._threads import each, threads
from smcli.kernels._windows import Window, check_bytes
from smcli.kernels.context import Array

TILE_BYTES = 2**21  # of the gathered buffer: with the output tile it fits the second-level caches
MERGE_COLUMNS = 96  # below this many columns one kernel row makes too thin a GEMM
FEW_PIXELS = 256  # images smaller than this are taken several at a time

Epilogue = Callable[[Array], None]


def compute_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that sums are kept in."""
    return dtype if dtype.kind in "iu" or dtype.itemsize >= 4 else np.dtype(np.float32)


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter ready for use: `rows` is (groups, kernel rows, kernel columns × channels of a group, outputs of a
    group).
    """

    rows: Array
    columns: int
    groups: int
    channels: int
    outputs: int

    @property
    def height(self) -> int:
        return int(self.rows.shape[1])


def pack_filter(kernel: Array, groups: int) -> Filter:
    """Arrange a (rows, columns, channels of a group, outputs) filter for `convolve`."""
    height, width, depth, outputs = kernel.shape
    kernel = kernel.astype(compute_dtype(kernel.dtype), copy=False)
    split = kernel.reshape(height, width * depth, groups, outputs // groups).transpose(2, 0, 1, 3)
    return Filter(np.ascontiguousarray(split), width, groups, depth * groups, outputs)


def convolve(
    x: Array,
    kernel: Filter,
    rows: Window,
    columns: Window,
    epilogue: Epilogue | None = None,
    out: Array | None = None,
) -> Array:
    """Convolve (batch, rows, columns, channels) images; the result has the dtype of `x`, and is `out` if that is given.

    The paddings of the windows may be negative: then the first or last inputs are not read.
    epilogue: called on each finished tile (…, outputs) of the result while it is in cache; works in place.
    """
    batch = x.shape[0]
    if out is None:
        out = np.empty((batch, rows.out, columns.out, kernel.outputs), x.dtype)
    if out.size == 0:
        return out
    if kernel.rows.size == 0:
        out[...] = 0
    elif _is_pointwise(kernel, rows, columns) and out.flags.c_contiguous:
        _pointwise(x, kernel, out, epilogue)
        return out
    else:
        _in_tiles(x, kernel, rows, columns, epilogue, out)
        return out
    if epilogue is not None:
        epilogue(out)
    return out


def _in_tiles(x: Array, kernel: Filter, rows: Window, columns: Window, epilogue: Epilogue | None, out: Array) -> None:
    work = compute_dtype(x.dtype)
    batch, pixels = x.shape[0], rows.out * columns.out
    images = 1 if pixels >= FEW_PIXELS else min(batch, -(-2 * FEW_PIXELS // pixels))
    merged = kernel.height > 1 and (columns.kernel * kernel.channels < MERGE_COLUMNS or rows.stride * 2 > rows.extent)
    product = _merged_product if merged else _row_product
    wide = columns.kernel * kernel.channels * (kernel.height if merged else 1)
    per_row = images * columns.out * max(wide, kernel.outputs) * work.itemsize
    split = threads() if kernel.rows.size * images * pixels >= 2 * PAYS * kernel.groups else 1
    tile = _tile_rows(rows, max(1, TILE_BYTES // per_row), split if batch <= images else 1)

    def compute(job: tuple[int, int]) -> None:
        first, low = job
        high = min(rows.out, low + tile)
        target = out[first : first + images, low:high]
        source = _gather(x[first : first + images], rows, columns, low, high, work)
        sums = _sums(target, kernel, work)
        product(source, kernel, rows, columns, sums)
        _store(sums, target)
        if epilogue is not None:
            epilogue(target)

    jobs = [(first, low) for first in range(0, batch, images) for low in range(0, rows.out, tile)]
    each(compute, jobs) if split > 1 else list(map(compute, jobs))


def _is_pointwise(kernel: Filter, rows: Window, columns: Window) -> bool:
    one = kernel.height == kernel.columns == rows.stride == columns.stride == kernel.groups == 1
    return one and rows.out == rows.size and columns.out == columns.size and not (rows.before or columns.before)


def _pointwise(x: Array, kernel: Filter, out: Array, epilogue: Epilogue | None) -> None:
    """A 1×1 convolution: one GEMM over all pixels."""
    matrix = kernel.rows[0, 0]
    flat = x.reshape(-1, x.shape[-1])
    target = out.reshape(-1, out.shape[-1])
    if x.dtype == matrix.dtype:
        multiply(flat, matrix, target, epilogue)
        return
    target[...] = np.matmul(flat.astype(matrix.dtype), matrix)
    if epilogue is not None:
        epilogue(target)


def _tile_rows(rows: Window, wanted: int, parts: int) -> int:
    """Rows of a tile: about `wanted`, all tiles alike, and not so few that re-gathered rows weigh; the number of tiles
    a multiple of `parts` where there are rows enough."""
    wanted = max(wanted, min(rows.out, 2 * (rows.extent // rows.stride)))
    tiles = -(-rows.out // wanted)
    if rows.out >= 2 * parts:
        tiles = -(-tiles // parts) * parts
    return -(-rows.out // tiles)


def _gather(block: Array, rows: Window, columns: Window, low: int, high: int, work: np.dtype[Any]) -> Array:
    """The padded input rows that output rows low … high need: (input rows, images, padded columns, channels)."""
    images, _, _, channels = block.shape
    top, left = low * rows.stride - rows.before, -columns.before
    count, width = (high - low - 1) * rows.stride + rows.extent, columns.padded
    first, last = max(0, top), min(rows.size, top + count)
    start, stop = max(0, left), min(columns.size, left + width)
    whole = (first, last, start, stop) == (top, top + count, left, left + width)
    if whole and block.dtype == work and block.strides[3] == work.itemsize:
        return block[:, first:last, start:stop].transpose(1, 0, 2, 3)
    check_bytes((count, images, width, channels), work.itemsize)
    padded: Array = np.empty((count, images, width, channels), work)
    if first >= last or start >= stop:
        padded[...] = 0
        return padded
    padded[: first - top] = 0
    padded[last - top :] = 0
    inner = padded[first - top : last - top]
    inner[:, :, : start - left] = 0
    inner[:, :, stop - left :] = 0
    inner[:, :, start - left : stop - left] = block[:, first:last, start:stop].transpose(1, 0, 2, 3)
    return padded


def _sums(target: Array, kernel: Filter, work: np.dtype[Any]) -> Array:
    """Where a tile's GEMMs write, (groups, output rows, images × output columns, outputs of a group): the target if
    it fits.
    """
    images, rows, columns, outputs = target.shape
    if images == kernel.groups == 1 and target.dtype == work and target.flags.c_contiguous:
        return target
    return np.empty((kernel.groups, rows, images * columns, outputs // kernel.groups), work)


def _merged_product(source: Array, kernel: Filter, rows: Window, columns: Window, sums: Array) -> None:
    """All kernel rows in one GEMM."""
    groups, count = sums.shape[:2]
    images = source.shape[1]
    depth = kernel.channels // groups
    r, n, w, c = source.strides
    shape = (groups, count, images, columns.out, kernel.height, columns.kernel, depth)
    strides = (depth * c, rows.stride * r, n, columns.stride * w, rows.dilation * r, columns.dilation * w, c)
    patches = as_strided(source, shape, strides).reshape(groups, count * images * columns.out, -1)
    matrices = kernel.rows.reshape(groups, -1, kernel.rows.shape[3])
    np.matmul(patches, matrices, out=sums.reshape(groups, -1, sums.shape[3]))


def _row_product(source: Array, kernel: Filter, rows: Window, columns: Window, sums: Array) -> None:
    """One GEMM for each kernel row, summed; same result as `_merged_product`.

    Input rows are gathered by phase (row number modulo the stride), so that the rows which one kernel row needs for all
    outputs lie side by side.
    """
    groups, count = sums.shape[:2]
    images = source.shape[1]
    depth = kernel.channels // groups
    r, n, w, c = source.strides
    total = sums.reshape(groups, -1, sums.shape[3])
    scratch: Array | None = None
    for phase in range(min(rows.stride, rows.extent)):
        taps = [tap for tap in range(kernel.height) if (tap * rows.dilation) % rows.stride == phase]
        if not taps:
            continue
        starts = [tap * rows.dilation // rows.stride for tap in taps]
        available = starts[-1] - starts[0] + count
        shape = (groups, available, images, columns.out, columns.kernel, depth)
        strides = (depth * c, rows.stride * r, n, columns.stride * w, columns.dilation * w, c)
        view = as_strided(source[phase + starts[0] * rows.stride :], shape, strides)
        gathered = view.reshape(groups, available, images * columns.out, columns.kernel * depth)
        for tap, start in zip(taps, starts, strict=True):
            start -= starts[0]
            part = gathered[:, start : start + count].reshape(groups, total.shape[1], -1)
            if tap == 0:
                np.matmul(part, kernel.rows[:, tap], out=total)
            else:
                if scratch is None:
                    scratch = np.empty_like(total)
                np.matmul(part, kernel.rows[:, tap], out=scratch)
                np.add(total, scratch, out=total)


def _store(sums: Array, target: Array) -> None:
    """Write (groups, rows, images × columns, outputs of a group) into (images, rows, columns, outputs)."""
    if sums is target:
        return
    images, rows, columns, _ = target.shape
    groups, depth = sums.shape[0], sums.shape[3]
    split = target.reshape(images, rows, columns, groups, depth)  # a view: only the last axis is split
    split[...] = sums.reshape(groups, rows, images, columns, depth).transpose(2, 1, 3, 0, 4)
