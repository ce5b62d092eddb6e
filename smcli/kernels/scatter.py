"""Scatters: into new tensors (ScatterNd), copies of tensors (TensorScatter*), and variables of both kinds.

Duplicate indices accumulate (the last one wins for updates); as on TensorFlow's CPU, an index out of range is an error
(tensorflow/core/kernels/scatter_op.cc, scatter_nd_op.cc) unless the op's bad_indices_policy says IGNORE.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from smcli.errors import FailedPreconditionError, InvalidArgumentError
from smcli.kernels._checks import checked_size, dims, product, zeros_of
from smcli.kernels.context import Array, Variable
from smcli.kernels.gather import check_indices
from smcli.kernels.registry import kernel, register
from smcli.kernels.state import assigned_variable_of

Apply = Callable[[Array, Array, Array], None]
"""Changes the rows `rows` (1-D) of a 2-D array by the rows of another one, in place."""


def _assign(out: Array, rows: Array, updates: Array) -> None:
    out[rows] = updates


def _by_ufunc(ufunc: np.ufunc) -> Apply:
    def apply(out: Array, rows: Array, updates: Array) -> None:
        if out.dtype.kind == "O":  # strings, whose sum is their concatenation
            for row, update in zip(rows.tolist(), updates, strict=True):
                out[row] = ufunc(out[row], update)
        elif out.dtype.kind == "V":  # ufunc.at is not to be trusted with the types of ml_dtypes
            _in_rounds(ufunc, out, rows, updates)
        else:  # ufunc.at has a fast loop for one dimension; for rows it is ten times slower, and so is reduceat
            width = out.shape[1]
            flat = rows if width == 1 else (rows[:, None] * width + np.arange(width)).ravel()
            ufunc.at(out.reshape(-1), flat, updates.ravel())

    return apply


def _in_rounds(function: Callable[[Array, Array], Array], out: Array, rows: Array, updates: Array) -> None:
    """First the first occurrence of each row, then the second ones, and so on: each round has distinct rows."""
    order = np.argsort(rows, kind="stable")
    ranked = rows[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if len(ranked) else np.zeros(0, np.int64)
    sizes = np.diff(np.r_[starts, len(ranked)])
    occurrence = np.empty(len(rows), np.int64)
    occurrence[order] = np.arange(len(rows)) - np.repeat(starts, sizes)
    for number in range(int(sizes.max(initial=0))):
        now = np.flatnonzero(occurrence == number)
        out[rows[now]] = function(out[rows[now]], updates[now])


def _divide(out: Array, rows: Array, updates: Array) -> None:
    if out.dtype.kind not in "iu":
        return _by_ufunc(np.divide)(out, rows, updates)
    if not updates.all():
        raise InvalidArgumentError("Integer division by zero")
    return _in_rounds(_truncated_quotient, out, rows, updates)


def _truncated_quotient(a: Array, b: Array) -> Array:
    quotient = a // b
    rounded_down = (quotient < 0) & (quotient * b != a)
    return quotient + rounded_down.astype(quotient.dtype)  # type: ignore[no-any-return]


APPLY: dict[str, Apply] = {
    "Update": _assign,
    "Add": _by_ufunc(np.add),
    "Sub": _by_ufunc(np.subtract),
    "Mul": _by_ufunc(np.multiply),
    "Div": _divide,
    "Min": _by_ufunc(np.minimum),
    "Max": _by_ufunc(np.maximum),
}

# Indices that address slices by several dims (ScatterNd and kin)


def _scattered_nd(x: Array, indices: Array, updates: Array, apply: Apply, policy: str = "") -> Array:
    """A copy of `x` with the updates applied to the slices that `indices[..., :]` name."""
    if policy not in ("", "DEFAULT", "ERROR", "IGNORE"):
        raise InvalidArgumentError(f"Unknown bad indices handling attribute: {policy}")
    if indices.ndim < 1:
        raise InvalidArgumentError(f"Indices shape must have rank at least one. Found: {list(indices.shape)}")
    if updates.ndim < 1:
        raise InvalidArgumentError("Updates shape must have rank at least one. Found: []")
    if (indices.size or updates.size) and not (x.size and indices.size and updates.size):
        raise InvalidArgumentError("Indices and updates specified for empty output tensor")
    depth = indices.shape[-1]
    if depth > x.ndim:
        raise InvalidArgumentError(
            f"The inner dimension of indices must be <= the rank of the output; saw: {depth} vs. {x.ndim}"
        )
    if updates.shape != indices.shape[:-1] + x.shape[depth:]:
        raise InvalidArgumentError(
            "Must have updates.shape = indices.shape[:batch_dim] + buffer_shape[num_index_dims:], got "
            f"updates.shape: {list(updates.shape)}, indices.shape: {list(indices.shape)}, buffer_shape: {list(x.shape)}"
        )
    out = np.array(x, order="C")  # whose reshaped self is no copy
    outer, inner = x.shape[:depth], product(x.shape[depth:])
    count = product(indices.shape[:-1])
    flat = indices.reshape(count, depth)
    changes = updates.reshape(count, inner)
    bad = ((flat < 0) | (flat >= np.array(outer))).any(1) if depth else np.zeros(count, bool)
    if bad.any():
        if policy != "IGNORE":
            at = int(np.argmax(bad))
            place = [int(i) for i in np.unravel_index(at, indices.shape[:-1])]
            raise InvalidArgumentError(
                f"indices{place} = {flat[at].tolist()} does not index into shape {list(x.shape)}"
            )
        flat, changes = flat[~bad], changes[~bad]
    rows = np.zeros(len(flat), np.int64)
    for axis, size in enumerate(outer):
        rows = rows * size + flat[:, axis]
    if out.size:
        apply(out.reshape(product(outer), inner), rows, changes)
    return out


@kernel("ScatterNd")
def scatter_nd(indices: Array, updates: Array, shape: Array, *, bad_indices_policy: str = "") -> Array:
    if shape.ndim != 1:
        raise InvalidArgumentError("Shape must be a vector")
    target = dims(shape, "shape")
    checked_size(target)
    return _scattered_nd(zeros_of(target, updates.dtype), indices, updates, APPLY["Add"], bad_indices_policy)


def _tensor_scatter(apply: Apply) -> Callable[..., Array]:
    def tensor_scatter(x: Array, indices: Array, updates: Array, *, bad_indices_policy: str = "") -> Array:
        return _scattered_nd(x, indices, updates, apply, bad_indices_policy)

    return tensor_scatter


def _resource_scatter_nd(apply: Apply) -> Callable[..., tuple[()]]:
    def resource_scatter_nd(
        resource: Array, indices: Array, updates: Array, *, bad_indices_policy: str = ""
    ) -> tuple[()]:
        variable = assigned_variable_of(resource)
        variable.value = _scattered_nd(variable.read(), indices, updates, apply, bad_indices_policy)
        return ()

    return resource_scatter_nd


def _ref_scatter_nd(apply: Apply) -> Callable[..., Variable]:
    def ref_scatter_nd(ref: Variable, indices: Array, updates: Array, *, bad_indices_policy: str = "") -> Variable:
        ref.value = _scattered_nd(_initialized(ref), indices, updates, apply, bad_indices_policy)
        return ref

    return ref_scatter_nd


# Indices that address rows (ScatterAdd and kin)


def _check_rows(x: Array, indices: Array, updates: Array) -> None:
    if x.ndim == 0:
        raise InvalidArgumentError(f"params must be at least 1-D, got shape {list(x.shape)}")
    if updates.ndim and updates.shape != indices.shape + x.shape[1:]:
        raise InvalidArgumentError(
            "Must have updates.shape = indices.shape + params.shape[1:] or updates.shape = [], got "
            f"updates.shape {list(updates.shape)}, indices.shape {list(indices.shape)}, params.shape {list(x.shape)}"
        )
    check_indices(indices, len(x))


def _scattered_rows(x: Array, indices: Array, updates: Array, apply: Apply) -> Array:
    """A copy of `x` with the updates (a scalar, or one slice an index) applied to rows."""
    out = np.array(x, order="C")
    width = product(x.shape[1:])
    changes = np.broadcast_to(updates, indices.shape + x.shape[1:]).reshape(indices.size, width)
    if changes.size:
        apply(out.reshape(len(x), width), indices.ravel().astype(np.int64), changes)
    return out


def _resource_scatter(apply: Apply) -> Callable[..., tuple[()]]:
    def resource_scatter(resource: Array, indices: Array, updates: Array) -> tuple[()]:
        variable = assigned_variable_of(resource)
        x = variable.read()
        if indices.size:  # without any, the shapes are not looked at (ResourceScatterUpdateOp)
            _check_rows(x, indices, updates)
            variable.value = _scattered_rows(x, indices, updates, apply)
        return ()

    return resource_scatter


def _ref_scatter(apply: Apply) -> Callable[..., Variable]:
    def ref_scatter(ref: Variable, indices: Array, updates: Array) -> Variable:
        x = _initialized(ref)
        _check_rows(x, indices, updates)
        ref.value = _scattered_rows(x, indices, updates, apply)
        return ref

    return ref_scatter


def _initialized(ref: Variable) -> Array:
    if ref.value is None:
        raise FailedPreconditionError(f"Null ref for params: variable {ref.name} is not initialized")
    return ref.read()


for _name, _apply in APPLY.items():
    register(f"ResourceScatter{_name}", _resource_scatter(_apply), stateful=True)
    register(f"Scatter{_name}", _ref_scatter(_apply), stateful=True, boxed_inputs=(0,), boxed_outputs=True)
    if _name not in ("Mul", "Div"):
        register(f"TensorScatter{_name}", _tensor_scatter(_apply))
        register(f"ResourceScatterNd{_name}", _resource_scatter_nd(_apply), stateful=True)
        register(f"ScatterNd{_name}", _ref_scatter_nd(_apply), stateful=True, boxed_inputs=(0,), boxed_outputs=True)
register("ScatterNdNonAliasingAdd", _tensor_scatter(APPLY["Add"]))
