"""Values moved about: padding, reversal, rolling, and blocks moved between space, batch and depth."""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._checks import checked_size, product, vector, zeros_of
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel

Pairs = list[tuple[int, int]]

# Padding


def _paddings(x: Array, paddings: Array) -> Pairs:
    if paddings.ndim != 2 or paddings.shape[1] != 2:
        raise InvalidArgumentError(f"paddings must be a matrix with 2 columns: {list(paddings.shape)}")
    if len(paddings) != x.ndim:
        raise InvalidArgumentError(
            f"The first dimension of paddings must be the rank of inputs{list(paddings.shape)} {list(x.shape)}"
        )
    pairs: Pairs = [(int(before), int(after)) for before, after in paddings.tolist()]
    for before, after in pairs:
        if before < 0 or after < 0:
            raise InvalidArgumentError(f"Paddings must be non-negative: {before} {after}")
    checked_size(tuple([before + size + after for (before, after), size in zip(pairs, x.shape, strict=True)]))
    return pairs


def _inner(x: Array, pairs: Pairs) -> tuple[slice, ...]:
    return tuple([slice(before, before + size) for (before, _), size in zip(pairs, x.shape, strict=True)])


def _padded_shape(x: Array, pairs: Pairs) -> list[int]:
    return [before + size + after for (before, after), size in zip(pairs, x.shape, strict=True)]


@kernel("Pad")
def pad(x: Array, paddings: Array) -> Array:
    pairs = _paddings(x, paddings)
    if not any(map(any, pairs)):
        return x
    out = zeros_of(_padded_shape(x, pairs), x.dtype)
    out[_inner(x, pairs)] = x
    return out


@kernel("PadV2")
def pad_v2(x: Array, paddings: Array, constant_values: Array) -> Array:
    pairs = _paddings(x, paddings)
    if constant_values.ndim:
        raise InvalidArgumentError(f"constant_values must be a scalar. Found shape: {list(constant_values.shape)}")
    if not any(map(any, pairs)):
        return x
    out = np.full(_padded_shape(x, pairs), constant_values[()], x.dtype)
    out[_inner(x, pairs)] = x
    return out


@kernel("MirrorPad")
def mirror_pad(x: Array, paddings: Array, *, mode: str) -> Array:
    """REFLECT leaves out the edge itself, SYMMETRIC repeats it."""
    offset = 1 if mode == "REFLECT" else 0
    for axis, (before, after) in enumerate(_paddings(x, paddings)):
        size = x.shape[axis]
        if before > size - offset or after > size - offset:
            raise InvalidArgumentError(
                f"paddings must be {'less than' if offset else 'no greater than'} the dimension size: "
                f"{before}, {after} not {'less' if offset else 'greater'} than {size}"
            )
        if before or after:
            last = size - 1
            x = x.take(
                np.concatenate(
                    [
                        np.arange(before - 1 + offset, offset - 1, -1),
                        np.arange(size),
                        np.arange(last - offset, last - offset - after, -1),
                    ]
                ),
                axis,
            )
    return x


# Reversal and rolling; reversed tensors are views


@kernel("ReverseV2")
def reverse_v2(x: Array, axis: Array) -> Array:
    if x.ndim == 0 or x.size == 0:  # whatever the axes
        return x
    index: list[Any] = [slice(None)] * x.ndim
    for i, at in enumerate(vector(axis, "axis")):
        if not -x.ndim <= at < x.ndim:
            raise InvalidArgumentError(f"'axis'[{i}] = {at} is out of valid range [0, {x.ndim - 1}")
        if index[at].step is not None:
            raise InvalidArgumentError(f"axis {at % x.ndim} specified more than once.")
        index[at] = slice(None, None, -1)
    return x[(*index, ...)]


@kernel("Reverse")
def reverse(x: Array, dims: Array) -> Array:
    if dims.shape != (x.ndim,):
        raise InvalidArgumentError(
            "'dims' must have the same number of values as 'tensor' has dimensions. "
            f"'tensor' has {x.ndim} 'dims' has {dims.size} values"
        )
    index = [slice(None, None, -1 if turned else None) for turned in dims.tolist()]
    return x[tuple(index)]


@kernel("ReverseSequence")
def reverse_sequence(x: Array, seq_lengths: Array, *, seq_dim: int, batch_dim: int = 0) -> Array:
    lengths = np.array(vector(seq_lengths, "seq_lengths"), np.int64)
    if batch_dim < 0:
        batch_dim += x.ndim
    if seq_dim < 0:
        seq_dim += x.ndim
    if batch_dim == seq_dim:
        raise InvalidArgumentError(f"batch_dim == seq_dim == {seq_dim}")
    for name, at in (("seq_dim", seq_dim), ("batch_dim", batch_dim)):
        if not 0 <= at < x.ndim:
            raise InvalidArgumentError(f"{name} must be < input rank, or must be >= 0: ( {at} vs. {x.ndim})")
    if len(lengths) != x.shape[batch_dim]:
        raise InvalidArgumentError(
            f"Length of seq_lengths != input.dims({batch_dim}), ({len(lengths)} vs. {x.shape[batch_dim]})"
        )
    if lengths.size and (lengths.min() < 0 or lengths.max() > x.shape[seq_dim]):
        raise InvalidArgumentError(f"seq_lengths must be in [0, {x.shape[seq_dim]}], but are {lengths.tolist()}")
    steps = np.arange(x.shape[seq_dim])
    source = np.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    rows = np.moveaxis(x, (batch_dim, seq_dim), (0, 1))
    turned: Array = rows[np.arange(len(lengths))[:, None], source]
    return np.moveaxis(turned, (0, 1), (batch_dim, seq_dim))


@kernel("Roll")
def roll(x: Array, shift: Array, axis: Array) -> Array:
    if x.ndim == 0:
        raise InvalidArgumentError("input must be 1-D or higher")
    if shift.ndim > 1 or axis.ndim > 1:
        raise InvalidArgumentError(
            f"shift and axis must be a scalar or a 1-D vector. Found: {list(shift.shape)}, {list(axis.shape)}"
        )
    if shift.shape != axis.shape:
        raise InvalidArgumentError("shift and axis must have the same size")
    axes = axis.ravel().tolist()
    for at in axes:
        if not -x.ndim <= at < x.ndim:
            raise InvalidArgumentError(f"axis {at} is out of range")
    return np.roll(x, shift.ravel().tolist(), axes)


# Space, batch and depth


@kernel("SpaceToBatchND")
def space_to_batch_nd(x: Array, block_shape: Array, paddings: Array) -> Array:
    blocks, pairs = _blocks(x, block_shape, paddings, "paddings")
    count = len(blocks)
    full = [(0, 0), *pairs, *[(0, 0)] * (x.ndim - 1 - count)]
    out = np.zeros(_padded_shape(x, full), x.dtype)
    out[_inner(x, full)] = x
    lifted = [len(x)]
    for i, block in enumerate(blocks):
        size = out.shape[i + 1]
        if size % block:
            raise InvalidArgumentError(f"padded_shape[{i}]={size} is not divisible by block_shape[{i}]={block}")
        lifted += [size // block, block]
    rest = out.shape[1 + count :]
    cells = lifted[1::2]
    order = [*range(2, 2 * count + 1, 2), 0, *range(1, 2 * count + 1, 2)]
    order += range(2 * count + 1, 2 * count + 1 + len(rest))
    return out.reshape(*lifted, *rest).transpose(order).reshape(len(x) * product(blocks), *cells, *rest)


@kernel("BatchToSpaceND")
def batch_to_space_nd(x: Array, block_shape: Array, crops: Array) -> Array:
    blocks, pairs = _blocks(x, block_shape, crops, "crops")
    count = len(blocks)
    batch, rest_of_batch = divmod(len(x), product(blocks))
    if rest_of_batch:
        raise InvalidArgumentError(
            f"Input batch dimension ({len(x)}) is not divisible by product of block sizes ({product(blocks)})"
        )
    cells, rest = x.shape[1 : 1 + count], x.shape[1 + count :]
    order = [count]
    for i in range(count):
        order += [count + 1 + i, i]
    order += range(2 * count + 1, 2 * count + 1 + len(rest))
    sizes = [cell * block for cell, block in zip(cells, blocks, strict=True)]
    whole = x.reshape(*blocks, batch, *cells, *rest).transpose(order).reshape(batch, *sizes, *rest)
    index = [slice(None)]
    for i, ((before, after), size) in enumerate(zip(pairs, sizes, strict=True)):
        if size - before - after < 0:
            raise InvalidArgumentError(f"cropped_shape[{i}]={size - before - after} must be non-negative")
        index.append(slice(before, size - after))
    return whole[tuple(index)]


def _blocks(x: Array, block_shape: Array, pairs: Array, name: str) -> tuple[list[int], Pairs]:
    blocks = vector(block_shape, "block_shape")
    if x.ndim < 1 + len(blocks):
        raise InvalidArgumentError(f"input rank should be >= {1 + len(blocks)} instead of {x.ndim}")
    if pairs.shape != (len(blocks), 2):
        raise InvalidArgumentError(f"{name} should have shape [{len(blocks)}, 2] instead of {list(pairs.shape)}")
    if any(block < 1 for block in blocks):
        raise InvalidArgumentError(f"All values in block_shape must be positive, but got {blocks}")
    found: Pairs = [(int(before), int(after)) for before, after in pairs.tolist()]
    if any(before < 0 or after < 0 for before, after in found):
        raise InvalidArgumentError(f"{name} must be non-negative: {found}")
    for (before, after), size, block in zip(found, x.shape[1:], blocks, strict=False):
        checked_size((before + size + after, block))
    return blocks, found


@kernel("SpaceToBatch")
def space_to_batch(x: Array, paddings: Array, *, block_size: int) -> Array:
    _check_image(x)
    return space_to_batch_nd(x, np.array([block_size, block_size]), paddings)


@kernel("BatchToSpace")
def batch_to_space(x: Array, crops: Array, *, block_size: int) -> Array:
    _check_image(x)
    return batch_to_space_nd(x, np.array([block_size, block_size]), crops)


def _check_image(x: Array, data_format: str = "NHWC") -> None:
    if x.ndim != 4:
        raise InvalidArgumentError(f"Input rank should be: 4 instead of: {x.ndim}")
    if data_format != "NHWC":
        raise InvalidArgumentError(f"Only NHWC data_format supported on CPU. Got {data_format}")


@kernel("SpaceToDepth")
def space_to_depth(x: Array, *, block_size: int, data_format: str = "NHWC") -> Array:
    _check_image(x, data_format)
    n, h, w, c = x.shape
    if h % block_size or w % block_size:
        raise InvalidArgumentError(f"Image width {w} and height {h} should be divisible by block_size: {block_size}")
    rows, columns = h // block_size, w // block_size
    lifted = x.reshape(n, rows, block_size, columns, block_size, c).transpose(0, 1, 3, 2, 4, 5)
    return lifted.reshape(n, rows, columns, block_size * block_size * c)


@kernel("DepthToSpace")
def depth_to_space(x: Array, *, block_size: int, data_format: str = "NHWC") -> Array:
    _check_image(x, data_format)
    n, h, w, c = x.shape
    if c % (block_size * block_size):
        raise InvalidArgumentError(f"Input depth dimension {c} should be divisible by: {block_size * block_size}")
    depth = c // (block_size * block_size)
    lifted = x.reshape(n, h, w, block_size, block_size, depth).transpose(0, 1, 3, 2, 4, 5)
    return lifted.reshape(n, h * block_size, w * block_size, depth)
