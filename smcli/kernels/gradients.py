"""Gradients that stand in exported training steps: of batch and response normalisation, mirrored padding, sparse
tensors, Cholesky. Those of activations, pools and convolutions are beside their ops.

Semantics: tensorflow/core/kernels/{fused_batch_norm_op,lrn_op,mirror_pad_op,sparse_*_grad_op,cholesky_grad}.cc.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._numbers import widened
from smcli.kernels._windows import channels_first
from smcli.kernels.context import Array
from smcli.kernels.linalg import adjoint_of, square
from smcli.kernels.normalization import near_squares
from smcli.kernels.registry import kernel

F32 = np.float32


@kernel("FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3")
def fused_batch_norm_grad(
    y_backprop: Array,
    x: Array,
    scale: Array,
    mean: Array,
    variance: Array,
    *_: Array,
    epsilon: float = 0.0001,
    data_format: str = "NHWC",
    is_training: bool = True,
) -> tuple[Array, Array, Array, Array, Array]:
    """Gradients with respect to x, scale and offset, and two empty tensors.

    mean and variance are those of the batch when training, else the estimated ones. Statistics are float32.
    """
    if x.ndim not in (4, 5):
        raise InvalidArgumentError(f"input must be 4 or 5-dimensional {list(x.shape)}")
    if x.shape != y_backprop.shape:
        raise InvalidArgumentError(
            f"x and y_backprop must have same shape, but x has shape {list(x.shape)} and y_backprop has shape "
            f"{list(y_backprop.shape)}"
        )
    axis = 1 if channels_first(data_format) else x.ndim - 1
    channels = x.shape[axis]
    for name, value in (("scale", scale), ("reserve_space_1", mean), ("reserve_space_2", variance)):
        if value.ndim != 1:
            raise InvalidArgumentError(f"{name} must be 1-dimensional {list(value.shape)}")
        if len(value) != channels:
            raise InvalidArgumentError(
                f"{name} must have the same number of elements as the channels of x, got {len(value)} and {channels}"
            )
    across = tuple(i for i in range(x.ndim) if i != axis)
    column = tuple(-1 if i == axis else 1 for i in range(x.ndim))
    grad = y_backprop.astype(F32, copy=False)
    centred = x.astype(F32, copy=False) - mean.reshape(column)
    spread = variance + F32(epsilon)
    rate = F32(1) / np.sqrt(spread)
    offset_backprop = grad.sum(axis=across)
    products = (grad * centred).sum(axis=across)
    if is_training:
        count = F32(max(1, x.size // max(1, channels)))
        grad = grad - (offset_backprop / count).reshape(column)
        grad = grad - centred * (products / count / spread).reshape(column)
    x_backprop = grad * (scale * rate).reshape(column)
    empty = np.zeros(0, F32)
    return x_backprop.astype(x.dtype, copy=False), products * rate, offset_backprop, empty, empty


@kernel("LRNGrad")
def lrn_grad(
    input_grads: Array,
    input_image: Array,
    output_image: Array,
    *,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
) -> Array:
    """The gradient of LRN with respect to its input."""
    if input_grads.ndim != 4 or input_image.ndim != 4:
        raise InvalidArgumentError("inputs must be 4-dimensional")
    if input_image.shape != input_grads.shape or output_image.shape != input_grads.shape:
        raise InvalidArgumentError("input_grads, input_image, and out_image should have the same shape")
    if depth_radius < 0:
        raise InvalidArgumentError(f"depth_radius = {depth_radius} must not be negative")
    grads, x, y = (value.astype(F32, copy=False) for value in (input_grads, input_image, output_image))
    norm = near_squares(x, depth_radius) * F32(alpha) + F32(bias)
    shared = y / norm * grads
    total = shared.copy()
    for distance in range(1, min(depth_radius, x.shape[-1] - 1) + 1):
        total[..., distance:] += shared[..., :-distance]
        total[..., :-distance] += shared[..., distance:]
    out: Array = grads * np.power(norm, F32(-beta)) - F32(2 * alpha * beta) * x * total
    return out.astype(input_image.dtype, copy=False)


@kernel("MirrorPadGrad")
def mirror_pad_grad(x: Array, paddings: Array, *, mode: str) -> Array:
    """The padded borders folded back onto what they mirror; REFLECT leaves the edge itself out."""
    if paddings.ndim != 2 or paddings.shape[1] != 2:
        raise InvalidArgumentError(f"paddings must be a matrix with 2 columns: {list(paddings.shape)}")
    if len(paddings) != x.ndim:
        raise InvalidArgumentError(
            f"The first dimension of paddings must be the rank of inputs: {list(paddings.shape)} {list(x.shape)}"
        )
    edge = 1 if mode == "REFLECT" else 0
    out = widened(x)
    for axis, (before, after) in enumerate(paddings.tolist()):
        if before < 0 or after < 0:
            raise InvalidArgumentError(f"Paddings must be non-negative: {before}, {after}")
        size = x.shape[axis] - before - after
        if size < 0 or max(before, after) > size - edge:
            raise InvalidArgumentError(
                f"paddings must be no greater than the output dimension size: {before}, {after} greater than {size}"
            )
        moved = np.moveaxis(out, axis, 0)
        inner = moved[before : before + size].copy()
        inner[edge : edge + before] += moved[:before][::-1]
        inner[size - edge - after : size - edge] += moved[before + size :][::-1]
        out = np.moveaxis(inner, 0, axis)
    return np.ascontiguousarray(out).astype(x.dtype, copy=False)


@kernel("BatchNormWithGlobalNormalizationGrad")
def batch_norm_with_global_normalization_grad(
    x: Array,
    mean: Array,
    variance: Array,
    gamma: Array,
    backprop: Array,
    *,
    variance_epsilon: float,
    scale_after_normalization: bool,
) -> tuple[Array, ...]:
    """Gradients with respect to x, mean, variance, beta and gamma; statistics are taken as given."""
    for name, value, rank in (("input", x, 4), ("mean", mean, 1), ("var", variance, 1), ("gamma", gamma, 1)):
        if value.ndim != rank:
            raise InvalidArgumentError(f"{name} must be {rank}-dimensional {list(value.shape)}")
    if backprop.shape != x.shape:
        raise InvalidArgumentError(f"out_backprop must be of the input's shape {list(backprop.shape)}")
    for value in (mean, variance, gamma):
        if value.shape != x.shape[3:]:
            raise InvalidArgumentError(f"vectors must be as long as the input is deep: {list(value.shape)}")
    wide, grad, centre, spread, weight = map(widened, (x, backprop, mean, variance, gamma))
    kind = wide.dtype.type
    spread = spread + kind(variance_epsilon)
    rate = kind(1) / np.sqrt(spread)
    weight = weight if scale_after_normalization else np.ones_like(weight)
    rows = (0, 1, 2)
    beta_grad, products = grad.sum(axis=rows), (grad * (wide - centre)).sum(axis=rows)
    gamma_grad = products * rate if scale_after_normalization else np.zeros_like(products)
    variance_grad = products * (rate * kind(-0.5) / spread * weight)
    outputs = (grad * (rate * weight), -beta_grad * (rate * weight), variance_grad, beta_grad, gamma_grad)
    return tuple(output.astype(x.dtype, copy=False) for output in outputs)


# ---- sparse tensors


@kernel("SparseFillEmptyRowsGrad", "RaggedFillEmptyRowsGrad")
def sparse_fill_empty_rows_grad(reverse_index_map: Array, grad_values: Array) -> tuple[Array, Array]:
    """The gradients of the values that were there, and of the default: the sum of all others."""
    if reverse_index_map.ndim != 1:
        raise InvalidArgumentError(f"reverse_index_map must be a vector, saw: {list(reverse_index_map.shape)}")
    if grad_values.ndim != 1:
        raise InvalidArgumentError(f"grad_values must be a vector, saw: {list(grad_values.shape)}")
    outside = (reverse_index_map < 0) | (reverse_index_map >= len(grad_values))
    if outside.any():
        index = int(reverse_index_map[outside][0])
        raise InvalidArgumentError(f"Elements in reverse index must be in [0, {len(grad_values)}) but got {index}")
    rest = np.ones(len(grad_values), bool)
    rest[reverse_index_map] = False
    total = grad_values[rest].sum(dtype=grad_values.dtype)
    return grad_values[reverse_index_map], np.asarray(total, grad_values.dtype)


def _numbers_of(rows: Array, *others: Array) -> list[Array]:
    """Numbers for rows of indices [n, rank], equal where the rows are, over all arrays."""
    stacked = np.concatenate([rows, *others])
    _, numbers = np.unique(stacked, axis=0, return_inverse=True)
    return np.split(numbers.reshape(-1), np.cumsum([len(part) for part in (rows, *others)])[:-1])


def _picked(values: Array, known: Array, wanted: Array) -> Array:
    """values[i] where known[i] is the wanted number; 0 where it is not known."""
    found = np.zeros(1 + max(int(known.max(initial=-1)), int(wanted.max(initial=-1))), values.dtype)
    found[known] = values
    picked: Array = found[wanted]
    return picked


@kernel("SparseAddGrad")
def sparse_add_grad(backprop: Array, a_indices: Array, b_indices: Array, sum_indices: Array) -> tuple[Array, Array]:
    """The gradients of the values of both operands: that of the sum at their places, 0 where the sum has none."""
    for name, value in (("a_indices", a_indices), ("b_indices", b_indices), ("sum_indices", sum_indices)):
        if value.ndim != 2:
            raise InvalidArgumentError(f"Input {name} should be a matrix but received shape {list(value.shape)}")
    if backprop.ndim != 1:
        raise InvalidArgumentError(f"Input backprop_val_grad should be a vector, got shape {list(backprop.shape)}")
    if len(backprop) != len(sum_indices):
        raise InvalidArgumentError(
            f"# elements in backprop_val_grad and # rows in sum_indices should match (#elements = {len(backprop)}, "
            f"#rows = {len(sum_indices)})"
        )
    if not a_indices.shape[1] == b_indices.shape[1] == sum_indices.shape[1]:
        raise InvalidArgumentError("The densified operands should have the same ndims")
    total, a, b = _numbers_of(sum_indices, a_indices, b_indices)
    return _picked(backprop, total, a), _picked(backprop, total, b)


@kernel("SparseSliceGrad")
def sparse_slice_grad(backprop: Array, input_indices: Array, input_start: Array, output_indices: Array) -> Array:
    """The gradients of the values before slicing: those of what was kept, 0 elsewhere."""
    for name, value in (("input_indices", input_indices), ("output_indices", output_indices)):
        if value.ndim != 2:
            raise InvalidArgumentError(f"Input {name} should be a matrix but received shape {list(value.shape)}")
    if backprop.ndim != 1 or input_start.ndim != 1:
        raise InvalidArgumentError("Input backprop_val_grad and input_start should be vectors")
    if len(backprop) != len(output_indices):
        raise InvalidArgumentError(
            f"# elements in backprop_val_grad and # rows in output_indices should match (#elements = {len(backprop)}, "
            f"#rows = {len(output_indices)})"
        )
    if not input_indices.shape[1] == output_indices.shape[1] == len(input_start):
        raise InvalidArgumentError("The input and output should have the same ndims")
    kept, given = _numbers_of(output_indices + input_start, input_indices)
    return _picked(backprop, kept, given)


# ---- linear algebra


@kernel("CholeskyGrad", "BatchCholeskyGrad")
def cholesky_grad(factor: Array, grad: Array) -> Array:
    """The gradient of Cholesky with respect to its input (Murray, "Differentiation of the Cholesky decomposition")."""
    low, upper = np.tril(square(factor)), np.tril(square(grad, "Grad"))
    if low.shape != upper.shape:
        raise InvalidArgumentError(f"Inputs must have the same shape: {list(low.shape)} vs. {list(upper.shape)}")
    if low.size == 0:
        return np.zeros(factor.shape, factor.dtype)
    middle = np.tril(adjoint_of(low) @ upper)
    diagonal = np.arange(low.shape[-1])
    middle[..., diagonal, diagonal] *= 0.5
    half = np.linalg.solve(adjoint_of(low), middle)
    out = adjoint_of(np.linalg.solve(adjoint_of(low), adjoint_of(half)))
    both: Array = (out + adjoint_of(out)) * factor.dtype.type(0.5)
    return both.astype(factor.dtype, copy=False)
