"""Shapes and what is made of them: Shape, Reshape, ExpandDims, Fill, BroadcastTo, Transpose, OneHot, Where, Select.

Joining and splitting are in `concat`, padding and reversal in `rearrange`, diagonals in `diag`, sets of values in
`unique`. What can be a view of the input is a view.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._checks import dims, product, vector, zeros
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType
from smcli.tensors.variants import TensorList

DEVIATIONS = {"DataFormatDimMap": "dims beyond the format wrap round, where TensorFlow reads beyond its table"}

Shape = tuple[int, ...]

# The shape as a value


@kernel("Shape")
def shape(x: Array, *, out_type: DataType = DataType.INT32) -> Array:
    return np.array(x.shape, out_type.numpy)


@kernel("ShapeN")
def shape_n(*inputs: Array, out_type: DataType = DataType.INT32) -> tuple[Array, ...]:
    dtype = out_type.numpy
    return tuple([np.array(x.shape, dtype) for x in inputs])


@kernel("Size")
def size(x: Array, *, out_type: DataType = DataType.INT32) -> Array:
    return out_type.numpy.type(x.size)  # type: ignore[no-any-return]


@kernel("Rank")
def rank(x: Array) -> np.int32:
    return np.int32(x.ndim)


@kernel("EnsureShape")
def ensure_shape(x: Array, *, shape: Shape | None) -> Array:
    if shape is not None and (
        len(shape) != x.ndim or any(want not in (-1, got) for got, want in zip(x.shape, shape, strict=True))
    ):
        raise InvalidArgumentError(
            f"Shape of tensor {list(x.shape)} is not compatible with expected shape {list(shape)}."
        )
    return x


@kernel("BroadcastArgs")
def broadcast_args(a: Array, b: Array) -> Array:
    for item in (a, b):
        vector(item, "In[0]" if item is a else "In[1]")
    try:
        return np.array(np.broadcast_shapes(tuple(a.tolist()), tuple(b.tolist())), a.dtype)
    except ValueError:
        raise _incompatible(a, b) from None


def _incompatible(a: Array, b: Array) -> InvalidArgumentError:
    return InvalidArgumentError(f"Incompatible shapes: {a.tolist()} vs. {b.tolist()}")


@kernel("BroadcastGradientArgs")
def broadcast_gradient_args(a: Array, b: Array) -> tuple[Array, Array]:
    """The axes along which the gradients of two broadcast operands are summed (tensorflow/core/util/bcast.h)."""
    x, y = vector(a, "In[0]"), vector(b, "In[1]")
    if x == y:
        return np.zeros(0, a.dtype), np.zeros(0, a.dtype)
    width = max(len(x), len(y))
    x, y = [1] * (width - len(x)) + x, [1] * (width - len(y)) + y
    if any(m != n and m != 1 and n != 1 for m, n in zip(x, y, strict=True)):
        raise _incompatible(a, b)
    return (
        np.array([i for i in range(width) if x[i] == 1], a.dtype),
        np.array([i for i in range(width) if y[i] == 1], a.dtype),
    )


# The same values under another shape


@kernel("Reshape")
def reshape(x: Array, sizes: Array) -> Array:
    target = sizes.tolist()
    try:
        if sizes.ndim == 0:
            target = [target]
        if not target or min(target) >= -1:
            return x.reshape(target)
    except (ValueError, TypeError, OverflowError):
        pass
    if x.size == 0 and sizes.ndim == 1 and target.count(-1) == 1 and 0 in target and min(target) == -1:
        return x.reshape(_inferred(x.shape, target))
    raise _reshape_error(x, target)


def _inferred(old: Shape, target: list[int]) -> list[int]:
    """What TensorFlow puts for -1 beside a 0: the count of elements as it would be if the zeros were not there."""
    missing = product([n for n in old if n]) // product([n for n in target if n > 0])
    return [missing if n == -1 else n for n in target]


def _reshape_error(x: Array, target: list[int]) -> InvalidArgumentError:
    if target and isinstance(target[0], list):
        return InvalidArgumentError("sizes input must be 1-D")
    unknown = [i for i, size in enumerate(target) if size == -1]
    negative = [i for i, size in enumerate(target) if size < -1]
    if negative:
        return InvalidArgumentError(f"Size {negative[0]} must be non-negative, not {target[negative[0]]}")
    if len(unknown) > 1:
        return InvalidArgumentError(f"Only one input size may be -1, not both {unknown[0]} and {unknown[1]}")
    count = product([wanted for wanted in target if wanted != -1])
    wants = f"requires a multiple of {count}" if unknown else f"has {count}"
    return InvalidArgumentError(f"Input to reshape is a tensor with {x.size} values, but the requested shape {wants}")


@kernel("ExpandDims")
def expand_dims(x: Array, axis: Array) -> Array:
    if axis.size != 1:
        raise InvalidArgumentError(f"'dim' must be a tensor with a single value, but has shape {list(axis.shape)}")
    at = int(axis.item())
    old = x.shape
    if at < 0:
        at += len(old) + 1
    if not 0 <= at <= len(old):
        raise InvalidArgumentError(f"Tried to expand dim index {axis.item()} for tensor with {len(old)} dimensions.")
    return x.reshape((*old[:at], 1, *old[at:]))


@kernel("Squeeze")
def squeeze(x: Array, *, squeeze_dims: tuple[int, ...] = ()) -> Array:
    old = x.shape
    if not squeeze_dims:
        return x.reshape([n for n in old if n != 1])
    drop = set()
    for axis in squeeze_dims:
        if not -len(old) <= axis < len(old):
            raise InvalidArgumentError(f"Tried to squeeze dim index {axis} for tensor with {len(old)} dimensions.")
        axis %= len(old)
        if old[axis] != 1:
            raise InvalidArgumentError(
                f"Can not squeeze dim[{axis}], expected a dimension of 1, got {old[axis]} for input shape {list(old)}"
            )
        drop.add(axis)
    return x.reshape([n for axis, n in enumerate(old) if axis not in drop])


@kernel("Identity", "StopGradient", "PreventGradient", "Snapshot", "GuaranteeConst")
def identity(x: Array) -> Array:
    return x


@kernel("IdentityN")
def identity_n(*inputs: Array) -> tuple[Array, ...]:
    return inputs


@kernel("Transpose")
def transpose(x: Array, perm: Array) -> Array:
    axes = perm.tolist() if perm.ndim == 1 else None
    if axes is None or len(axes) != x.ndim:
        raise InvalidArgumentError(
            f"transpose expects a vector of size {x.ndim}. But input(1) is a tensor of shape {list(perm.shape)}"
        )
    try:
        return x.transpose(axes)
    except ValueError:
        pass
    for axis in axes:
        if not -x.ndim <= axis < x.ndim:
            raise InvalidArgumentError(f"{axis} is out of range [0 .. {x.ndim})")
    missing = next(axis for axis in range(x.ndim) if axis not in axes and axis - x.ndim not in axes)
    raise InvalidArgumentError(f"{missing} is missing from {{{','.join(map(str, axes))}}}.")


@kernel("ConjugateTranspose")
def conjugate_transpose(x: Array, perm: Array) -> Array:
    turned = transpose(x, perm)
    return np.conj(turned) if turned.dtype.kind == "c" else turned


@kernel("BroadcastTo")
def broadcast_to(x: Array, shape: Array) -> Array:
    """A read-only view."""
    if shape.ndim != 1:
        raise InvalidArgumentError(f"shape must be a vector of {{int32,int64}}, got shape {list(shape.shape)}")
    target = dims(shape, "broadcast_to shape")
    try:
        return np.broadcast_to(x, target)
    except ValueError:
        raise InvalidArgumentError(f"Incompatible shapes: {list(x.shape)} vs. {list(target)}") from None


# New values


@kernel("Fill")
def fill(shape: Array, value: Array) -> Array:
    if value.shape not in ((), (1,)):
        raise InvalidArgumentError(f"value must be a scalar, got shape {list(value.shape)}")
    return np.full(dims(shape, "dims"), value if value.ndim else value[()], value.dtype)


@kernel("ZerosLike")
def zeros_like(x: Array, *, T: DataType) -> Array:
    if T is not DataType.VARIANT:
        return zeros(x.shape, T)
    out = np.empty(x.shape, dtype=object)
    out.ravel()[:] = [_zero_variant(item) for item in x.ravel().tolist()]
    return out


def _zero_variant(value: object) -> object:
    if not isinstance(value, TensorList):
        raise InvalidArgumentError(f"No zeros for a variant of type {type(value).__name__}")
    kind = value.element_dtype
    items = [None if item is None else zeros_like(item, T=kind) for item in value.items]
    return TensorList(kind, value.element_shape, items, value.max_num_elements)


@kernel("OnesLike")
def ones_like(x: Array) -> Array:
    return np.ones(x.shape, x.dtype)


@kernel("FakeParam")
def fake_param(*, dtype: DataType, shape: tuple[int, ...] | None) -> Array:
    """What stands for an output that a branch does not have: zeros, its unknown dims empty."""
    return zeros(tuple(max(size, 0) for size in shape or ()), dtype)


@kernel("Empty")
def empty(shape: Array, *, dtype: DataType) -> Array:
    """Zeros whether or not `init` asks for them: what TensorFlow leaves undefined is defined here."""
    if shape.ndim != 1:
        raise InvalidArgumentError(f"shape must be a vector of int32, got shape {list(shape.shape)}")
    return zeros(dims(shape, "shape"), dtype)


@kernel("OneHot")
def one_hot(indices: Array, depth: Array, on_value: Array, off_value: Array, *, axis: int = -1) -> Array:
    """Indices outside [0, depth) give a row of `off_value`."""
    if depth.ndim or on_value.ndim or off_value.ndim:
        raise InvalidArgumentError("depth, on_value and off_value must be scalars")
    count = int(depth)
    if count < 0:
        raise InvalidArgumentError(f"depth must be non-negative, got: {count}")
    if axis != -1 and not 0 <= axis <= indices.ndim:
        raise InvalidArgumentError(f"Expected axis to be -1 or between [0, {indices.ndim + 1}).  But received: {axis}")
    at = indices.ndim if axis == -1 else axis
    full = (*indices.shape[:at], count, *indices.shape[at:])
    out = np.full(dims(np.array(full), "shape"), off_value[()], on_value.dtype)
    flat = indices.reshape(product(full[:at]), product(full[at + 1 :]))
    valid = (flat >= 0) & (flat < count)
    before, after = np.nonzero(valid)
    out.reshape(flat.shape[0], count, flat.shape[1])[before, flat[valid], after] = on_value[()]
    return out


# Choosing


@kernel("Where")
def where(condition: Array) -> Array:
    if condition.ndim == 0:
        raise InvalidArgumentError("WhereOp : Unhandled input dimensions: 0")
    if condition.dtype.kind == "V":  # NumPy's nonzero knows the types of ml_dtypes only through a comparison
        condition = condition != np.zeros((), condition.dtype)
    flat = np.flatnonzero(condition)  # and then divided, which is many times as fast as NumPy's search by all axes
    found = np.empty((condition.ndim, flat.size), np.int64)
    for axis in range(condition.ndim - 1, 0, -1):
        rest = flat // condition.shape[axis] if flat.size else flat
        found[axis] = flat - rest * condition.shape[axis]
        flat = rest
    found[0] = flat
    return found.T


@kernel("Select")
def select(condition: Array, then: Array, other: Array) -> Array:
    """Without broadcasting: the condition is a scalar, a vector that chooses rows, or of the shape of both."""
    if then.shape != other.shape:
        raise InvalidArgumentError(
            f"'then' and 'else' must have the same size.  but received: {list(then.shape)} vs. {list(other.shape)}"
        )
    if condition.ndim == 0:
        return then if condition else other
    if condition.shape != then.shape:
        if condition.ndim != 1 or then.ndim == 0 or condition.shape[0] != then.shape[0]:
            raise InvalidArgumentError(
                f"'cond' must be a scalar, a vector of the size of the first dimension, or of the shape of 'then': "
                f"{list(condition.shape)} vs. {list(then.shape)}"
            )
        condition = condition.reshape((-1,) + (1,) * (then.ndim - 1))
    return np.where(condition, then, other)


@kernel("SelectV2")
def select_v2(condition: Array, then: Array, other: Array) -> Array:
    try:
        return np.where(condition, then, other)
    except ValueError:
        raise InvalidArgumentError(
            f"condition {list(condition.shape)}, then {list(then.shape)}, and else {list(other.shape)} "
            "must be broadcastable"
        ) from None


# Rows replaced in a copy (tensorflow/core/kernels/inplace_ops.cc; the copy is what makes them pure)


def _rows(x: Array, i: Array, v: Array) -> Array:
    if i.ndim != 1:
        raise InvalidArgumentError(f"i must be a vector. {list(i.shape)}")
    if x.ndim != v.ndim:
        raise InvalidArgumentError(f"x and v shape doesn't match (ranks differ): {list(x.shape)} vs. {list(v.shape)}")
    if x.shape[1:] != v.shape[1:]:
        raise InvalidArgumentError(f"x and v shape doesn't match: {list(x.shape)} vs. {list(v.shape)}")
    if x.ndim == 0 or i.size != v.shape[0]:
        raise InvalidArgumentError(f"i and x shape doesn't match at index 0: {i.size}")
    rows: Array = i % max(x.shape[0], 1)  # any index is taken modulo the number of rows
    return rows


@kernel("InplaceUpdate")
def inplace_update(x: Array, i: Array, v: Array) -> Array:
    rows, out = _rows(x, i, v), x.copy()
    out[rows] = v
    return out


@kernel("InplaceAdd")
def inplace_add(x: Array, i: Array, v: Array) -> Array:
    rows, out = _rows(x, i, v), x.copy()
    np.add.at(out, rows, v)
    return out


@kernel("InplaceSub")
def inplace_sub(x: Array, i: Array, v: Array) -> Array:
    rows, out = _rows(x, i, v), x.copy()
    np.subtract.at(out, rows, v)
    return out


# Layout names as numbers


@kernel("DataFormatDimMap")
def data_format_dim_map(x: Array, *, src_format: str = "NHWC", dst_format: str = "NCHW") -> Array:
    _check_formats(src_format, dst_format)
    table = np.array([dst_format.index(letter) for letter in src_format], x.dtype)
    return table.take(x, mode="wrap")


@kernel("DataFormatVecPermute")
def data_format_vec_permute(x: Array, *, src_format: str = "NHWC", dst_format: str = "NCHW") -> Array:
    if x.ndim not in (1, 2):
        raise InvalidArgumentError(f"input must be a vector or 2-D tensor, but got shape {list(x.shape)}")
    if x.ndim == 2 and x.shape[1] != 2:
        raise InvalidArgumentError(f"second dimension of 2-D input must be of size 2, but got shape {list(x.shape)}")
    _check_formats(src_format, dst_format)
    if len(x) == len(src_format) - 2:  # spatial dims only
        src_format = src_format.replace("N", "").replace("C", "")
        dst_format = dst_format.replace("N", "").replace("C", "")
    if len(x) != len(src_format):
        raise InvalidArgumentError(f"1-D input must be of size {len(src_format)}, but got shape {list(x.shape)}")
    return x.take([src_format.index(letter) for letter in dst_format], 0)


def _check_formats(source: str, destination: str) -> None:
    if len(source) not in (4, 5):
        raise InvalidArgumentError(f"Source format must be of length 4 or 5, received src_format = {source}")
    if sorted(source) != sorted(destination) or len(set(source)) != len(source):
        raise InvalidArgumentError(f"Destination format {destination} must be a permutation of source format {source}")
