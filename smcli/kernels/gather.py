"""Gather, GatherV2 with batch_dims, GatherNd, and the same from resource variables.

As on TensorFlow's CPU, an index out of range is an error, a negative one too (tensorflow/core/kernels/gather_op.cc,
gather_nd_op.h).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._checks import axis_in, scalar, zeros_of
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.kernels.state import assigned_variable_of

DEVIATIONS = {"ResourceGather": "batch dims that differ are refused, where TensorFlow reads rows of other batches"}

_UNSIGNED = {"h": np.uint16, "i": np.uint32, "l": np.uint64, "q": np.uint64}


def check_indices(indices: Array, limit: int, what: str = "indices") -> None:
    """Raises InvalidArgumentError when an index is outside [0, limit)."""
    if not indices.size:
        return
    unsigned = _UNSIGNED.get(indices.dtype.char)  # in which negative indices are too large ones
    if (indices if unsigned is None else indices.view(unsigned)).max() >= limit:
        bad = (indices < 0) | (indices >= limit)
        at = tuple(np.argwhere(bad)[0].tolist())
        place = f"[{','.join(map(str, at))}]" if at else ""
        raise InvalidArgumentError(f"{what}{place} = {int(indices[at])} is not in [0, {limit})")


def _is_empty_result(shape: tuple[int, ...], axis: int) -> bool:
    """Whether slices along `axis` have no elements, so that TensorFlow does not look at the indices."""
    return 0 in shape[:axis] or 0 in shape[axis + 1 :]


def _take(params: Array, indices: Array, axis: int) -> Array:
    limit = params.shape[axis]
    if params.size == 0 and _is_empty_result(params.shape, axis):
        return np.empty(params.shape[:axis] + indices.shape + params.shape[axis + 1 :], params.dtype)
    if indices.ndim == 0:
        at = int(indices)
        if not 0 <= at < limit:
            raise InvalidArgumentError(f"indices = {at} is not in [0, {limit})")
        return params[(slice(None),) * axis + (at, ...)]
    check_indices(indices, limit)
    if limit == 0:
        return np.empty(params.shape[:axis] + indices.shape + params.shape[axis + 1 :], params.dtype)
    return params.take(indices, axis, mode="clip")


@kernel("Gather")
def gather(params: Array, indices: Array) -> Array:
    if params.ndim == 0:
        raise InvalidArgumentError("params must be at least 1 dimensional")
    return _take(params, indices, 0)


@kernel("GatherV2")
def gather_v2(params: Array, indices: Array, axis: Array, *, batch_dims: int = 0) -> Array:
    if params.ndim == 0:
        raise InvalidArgumentError("params must be at least 1 dimensional")
    at = axis_in(scalar(axis, "axis"), params.ndim)
    return _gather_batched(params, indices, at, batch_dims) if batch_dims else _take(params, indices, at)


def _gather_batched(params: Array, indices: Array, axis: int, batch_dims: int) -> Array:
    if not -indices.ndim <= batch_dims <= indices.ndim:
        raise InvalidArgumentError(
            f"Expected batch_dims in the range [{-indices.ndim}, {indices.ndim}], but got {batch_dims}"
        )
    if batch_dims < 0:
        batch_dims += indices.ndim
    if batch_dims >= params.ndim:
        raise InvalidArgumentError(f"batch_dims ({batch_dims}) must be less than rank(params) ({params.ndim}).")
    if axis < batch_dims:
        raise InvalidArgumentError(f"batch_dims ({batch_dims}) must be less than or equal to axis ({axis}).")
    batch = params.shape[:batch_dims]
    for i, (a, b) in enumerate(zip(batch, indices.shape, strict=False)):
        if a != b:
            raise InvalidArgumentError(f"params.shape[{i}]: {a} should be equal to indices.shape[{i}]: {b}")
    if not _is_empty_result(params.shape, axis):
        check_indices(indices, params.shape[axis])
    elif indices.size:
        return np.empty(params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1 :], params.dtype)
    # Index arrays that broadcast to batch + outer + indices; the inner dims follow by themselves.
    outer = params.shape[batch_dims:axis]
    own = indices.shape[batch_dims:]
    rank = axis + len(own)
    index: list[Any] = [
        np.arange(size).reshape((size,) + (1,) * (rank - 1 - i)) for i, size in enumerate(batch + outer)
    ]
    index.append(indices.reshape(batch + (1,) * len(outer) + own))
    return params[(*index, ...)]


@kernel("GatherNd")
def gather_nd(params: Array, indices: Array, *, bad_indices_policy: str = "") -> Array:
    """With the policy IGNORE, an index out of range gives zeros."""
    if params.ndim == 0:
        raise InvalidArgumentError("params must be at least a vector")
    if indices.ndim == 0:
        raise InvalidArgumentError("indices must be at least a vector")
    depth = indices.shape[-1]
    if depth > params.ndim:
        raise InvalidArgumentError(
            f"index innermost dimension length must be <= params rank; saw: {depth} vs. {params.ndim}"
        )
    outer, inner = indices.shape[:-1], params.shape[depth:]
    if params.size == 0 and 0 not in outer:
        raise InvalidArgumentError(
            f"Requested more than 0 entries, but params is empty.  Params shape: {list(params.shape)}"
        )
    if depth == 0:
        return np.broadcast_to(params, outer + inner)
    bad = ((indices < 0) | (indices >= np.array(params.shape[:depth]))).any(-1)
    if not bad.any():
        return params[(*np.moveaxis(indices, -1, 0), ...)] if 0 not in outer else np.empty(outer + inner, params.dtype)
    if bad_indices_policy != "IGNORE":
        at = tuple(np.argwhere(bad)[0].tolist())
        raise InvalidArgumentError(
            f"indices[{','.join(map(str, at))}] = {indices[at].tolist()} does not index into param shape "
            f"{list(params.shape)}"
        )
    out = zeros_of(outer + inner, params.dtype)
    good = ~bad
    out[good] = params[tuple(np.moveaxis(indices[good], -1, 0))]
    return out


@kernel("ResourceGather", stateful=True)
def resource_gather(resource: Array, indices: Array, *, batch_dims: int = 0) -> Array:
    params = assigned_variable_of(resource).read()
    if params.ndim == 0:
        raise InvalidArgumentError("params must be at least 1 dimensional")
    return _gather_batched(params, indices, batch_dims, batch_dims) if batch_dims else _take(params, indices, 0)


@kernel("ResourceGatherNd", stateful=True)
def resource_gather_nd(resource: Array, indices: Array) -> Array:
    return gather_nd(assigned_variable_of(resource).read(), indices)
