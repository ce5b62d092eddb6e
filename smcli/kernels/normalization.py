"""Normalisations: FusedBatchNorm in all versions, batch-norm with global normalisation, local response."""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._windows import channels_first, from_channels_last, to_channels_last
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel

TILE_BYTES = 2**19  # elements are scaled and shifted in tiles that stay in cache between the two passes


def scale_and_shift(x: Array, scale: Array, shift: Array) -> Array:
    """x · scale + shift along the last axis, in the dtype of `scale`; x may have any rank."""
    if x.dtype != scale.dtype:
        x = x.astype(scale.dtype)
    if x.size * x.itemsize <= TILE_BYTES or not x.flags.c_contiguous:
        out: Array = x * scale
        out += shift
        return out
    # Short channel vectors make slow inner loops: repeat them to a few thousand elements.
    channels = len(scale)
    repeat = max(1, 2048 // channels)
    flat = x.reshape(-1)
    out = np.empty_like(flat)
    wide = channels * repeat
    whole = flat.size // wide * wide
    wide_scale, wide_shift = np.tile(scale, repeat), np.tile(shift, repeat)
    source, target = flat[:whole].reshape(-1, wide), out[:whole].reshape(-1, wide)
    step = max(1, TILE_BYTES // (wide * x.itemsize))
    for low in range(0, len(source), step):
        tile = target[low : low + step]
        np.multiply(source[low : low + step], wide_scale, out=tile)
        np.add(tile, wide_shift, out=tile)
    rest = flat[whole:]
    out[whole:] = rest * wide_scale[: rest.size] + wide_shift[: rest.size]
    return out.reshape(x.shape)


def _check_vector(name: str, vector: Array, channels: int) -> None:
    if vector.ndim != 1:
        raise InvalidArgumentError(f"{name} must be 1-dimensional: {list(vector.shape)}")
    if len(vector) != channels:
        raise InvalidArgumentError(
            f"{name} must have the same number of elements as the channels of x, got {len(vector)} and {channels}"
        )


@kernel("FusedBatchNormV3")
def fused_batch_norm_v3(
    x: Array,
    scale: Array,
    offset: Array,
    mean: Array,
    variance: Array,
    *,
    epsilon: float = 9.999999747378752e-05,
    exponential_avg_factor: float = 1.0,
    data_format: str = "NHWC",
    is_training: bool = True,
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Batch normalisation over all axes but the channels' (tensorflow/core/kernels/fused_batch_norm_op.cc).

    Returns y, the batch (or running) mean and variance, two vectors and a scalar reserved for the gradient (in
    inference TensorFlow leaves these three uninitialised). In training the running statistics are mixed with the
    batch's by `exponential_avg_factor`; the variance that is given out is the unbiased one.
    """
    if x.ndim not in (4, 5):
        raise InvalidArgumentError(f"input must be 4 or 5-dimensional: {list(x.shape)}")
    channels = x.shape[1] if channels_first(data_format) else x.shape[-1]
    _check_vector("scale", scale, channels)
    _check_vector("offset", offset, channels)
    used = not is_training or exponential_avg_factor != 1.0
    _check_vector("mean", mean, channels if used else mean.size)
    _check_vector("variance", variance, channels if used else variance.size)
    images = to_channels_last(x, data_format)
    none = np.zeros((), scale.dtype)
    if x.size == 0:
        nothing = np.full(channels, np.nan, scale.dtype)
        return x.copy(), nothing, nothing, np.zeros_like(nothing), np.zeros_like(nothing), none
    if is_training:
        y, *statistics = _train(
            images, scale, offset, mean, variance, np.float32(epsilon), np.float32(exponential_avg_factor)
        )
    else:
        factor = scale / np.sqrt(variance + np.float32(epsilon))
        y = scale_and_shift(images, factor, offset - mean * factor)
        statistics = [mean, variance, mean, variance]
    y = from_channels_last(y.astype(x.dtype, copy=False), data_format)
    return (y, *statistics, none)  # type: ignore[return-value]


def _train(
    x: Array, scale: Array, offset: Array, mean: Array, variance: Array, epsilon: np.float32, factor: np.float32
) -> tuple[Array, Array, Array, Array, Array]:
    channels = x.shape[-1]
    wide = x.astype(scale.dtype, copy=False).reshape(-1, channels)
    rest = len(wide)
    batch_mean = wide.mean(axis=0)
    centred = wide - batch_mean
    batch_variance = np.einsum("ij,ij->j", centred, centred) / np.float32(rest)
    unbiased = batch_variance * np.float32(rest / max(1, rest - 1))
    centred *= scale / np.sqrt(batch_variance + epsilon)
    centred += offset
    if factor == 1:
        new_mean, new_variance = batch_mean, unbiased
    else:
        kept = np.float32(1) - factor
        new_mean = kept * mean + factor * batch_mean
        new_variance = kept * variance + factor * unbiased
    return centred.reshape(x.shape), new_mean, new_variance, batch_mean, batch_variance


@kernel("FusedBatchNorm", "FusedBatchNormV2")
def fused_batch_norm(
    x: Array,
    scale: Array,
    offset: Array,
    mean: Array,
    variance: Array,
    *,
    epsilon: float = 9.999999747378752e-05,
    exponential_avg_factor: float = 1.0,
    data_format: str = "NHWC",
    is_training: bool = True,
) -> tuple[Array, ...]:
    """Batch normalisation without the third reserved output of V3."""
    return fused_batch_norm_v3(
        x,
        scale,
        offset,
        mean,
        variance,
        epsilon=epsilon,
        exponential_avg_factor=exponential_avg_factor,
        data_format=data_format,
        is_training=is_training,
    )[:5]


@kernel("BatchNormWithGlobalNormalization")
def batch_norm_with_global_normalization(
    t: Array,
    m: Array,
    v: Array,
    beta: Array,
    gamma: Array,
    *,
    variance_epsilon: float,
    scale_after_normalization: bool,
) -> Array:
    """(t − m) / √(v + ε) · gamma + beta over the last axis of a 4-D tensor; without gamma if not scaled."""
    if t.ndim != 4:
        raise InvalidArgumentError(f"input must be 4-dimensional {list(t.shape)}")
    for name, vector in (("mean", m), ("var", v), ("beta", beta), ("gamma", gamma)):
        if vector.ndim != 1:
            raise InvalidArgumentError(f"{name} must be 1-dimensional{list(vector.shape)}")
        if vector.size != t.shape[3]:
            raise InvalidArgumentError(f"{name} must have the depth of the input, got {vector.size} and {t.shape[3]}")
    wide = np.float32 if t.itemsize < 4 else t.dtype
    one = np.dtype(wide).type(1)
    factor = one / np.sqrt(v.astype(wide) + np.dtype(wide).type(variance_epsilon))
    if scale_after_normalization:
        factor = factor * gamma.astype(wide)
    out: Array = (t.astype(wide) - m.astype(wide)) * factor + beta.astype(wide)
    return out.astype(t.dtype, copy=False)


@kernel("LRN")
def local_response_normalization(
    x: Array, *, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5
) -> Array:
    """x / (bias + alpha · Σ x²)^beta, the sum over channels at most depth_radius away (lrn_op.cc)."""
    if x.ndim != 4:
        raise InvalidArgumentError("in must be 4-dimensional")
    if depth_radius < 0:
        raise InvalidArgumentError(f"depth_radius = {depth_radius} must not be negative")
    wide = x.astype(np.float32, copy=False)
    out = wide / np.power(near_squares(wide, depth_radius) * np.float32(alpha) + np.float32(bias), np.float32(beta))
    result: Array = out.astype(x.dtype, copy=False)
    return result


def near_squares(x: Array, radius: int) -> Array:
    """The sum of squares over the channels at most `radius` away."""
    channels = x.shape[-1]
    squares = np.square(x)
    total = squares.copy()
    for distance in range(1, min(radius, channels - 1) + 1):
        total[..., distance:] += squares[..., :-distance]
        total[..., :-distance] += squares[..., distance:]
    return total
