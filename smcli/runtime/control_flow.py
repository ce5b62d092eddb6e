"""Functional control flow: calls, If, Case, While, For, MapDefun. Functions are compiled when first called.

Semantics: tensorflow/core/kernels/functional_ops.cc and tensorflow/core/kernels/map_defun_op.cc.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._checks import fits
from smcli.kernels.context import Array, Context, FunctionRef
from smcli.kernels.registry import kernel

_HOW = "attrs and inputs that say where and how to run the function are not read, so that nonsense in them is let pass"
DEVIATIONS = dict.fromkeys(("PartitionedCall", "StatefulPartitionedCall", "RemoteCall"), _HOW)


def truth(value: Any) -> bool:
    """The truth of a condition: a bool or number that is not zero, a string that is not empty, a tensor that has
    elements."""
    if value.ndim == 0:
        return bool(value[()])
    return bool(value.size)


@kernel("PartitionedCall", "StatefulPartitionedCall", stateful=True)
def call(*args: Array, f: FunctionRef, context: Context) -> tuple[Array, ...]:
    return tuple(context.function(f)(args))


@kernel("RemoteCall", stateful=True)
def remote_call(target: Array, *args: Array, f: FunctionRef, context: Context) -> tuple[Array, ...]:
    return tuple(context.function(f)(args))


@kernel("If", "StatelessIf", stateful=True)
def if_(
    cond: Array, *args: Array, then_branch: FunctionRef, else_branch: FunctionRef, context: Context
) -> tuple[Array, ...]:
    return tuple(context.function(then_branch if truth(cond) else else_branch)(args))


@kernel("Case", "StatelessCase", stateful=True)
def case(branch_index: Array, *args: Array, branches: tuple[FunctionRef, ...], context: Context) -> tuple[Array, ...]:
    """The branch at branch_index, or the last one when there is none at that index."""
    if branch_index.ndim:
        raise InvalidArgumentError("branch_index must be a scalar")
    if not branches:
        raise InvalidArgumentError("Case has no branches")
    index = int(branch_index)
    return tuple(context.function(branches[index if 0 <= index < len(branches) else -1])(args))


@kernel("While", "StatelessWhile", stateful=True)
def while_(*args: Array, cond: FunctionRef, body: FunctionRef, context: Context) -> tuple[Array, ...]:
    test, step = context.function(cond), context.function(body)
    values = list(args)
    while truth(test(values)[0]):
        values = step(values)
    return tuple(values)


@kernel("For", stateful=True)
def for_(
    start: Array, limit: Array, delta: Array, *args: Array, body: FunctionRef, context: Context
) -> tuple[Array, ...]:
    for scalar, name in ((start, "start"), (limit, "limit"), (delta, "delta")):
        if scalar.ndim:
            raise InvalidArgumentError(f"{name} must be a scalar")
    first, last, by = int(start), int(limit), int(delta)
    if (by > 0 and first > last) or (by < 0 and first < last) or (by == 0 and first != last):
        raise InvalidArgumentError(f"Invalid start/limit/delta: {first} {last} {by}")
    step = context.function(body)
    values = list(args)
    for index in range(first, last, by) if by else ():
        values = step([np.asarray(index, np.int32), *values])
    return tuple(values)


def _stacked(rows: Sequence[Any], declared: tuple[int, ...] | None) -> Array:
    """One result of all the calls. Raises InvalidArgumentError for a shape that was not declared."""
    items = [np.asarray(row) for row in rows]
    for item in items:
        if not fits(item.shape, items[0].shape if declared is None else declared):
            raise InvalidArgumentError(
                f"Mismatch in function retval shape, {list(item.shape)}, and expected output shape, "
                f"{list(items[0].shape if declared is None else declared)}."
            )
    return np.stack(items)


@kernel("MapDefun", stateful=True)
def map_defun(
    *args: Array,
    Targuments: tuple[Any, ...],
    f: FunctionRef,
    output_types: tuple[Any, ...],
    output_shapes: tuple[Any, ...],
    max_intra_op_parallelism: int = 1,
    context: Context,
) -> tuple[Array, ...]:
    """f on each slice along dimension 0 of the arguments; the captured inputs that follow go in whole."""
    mapped, captured = args[: len(Targuments)], args[len(Targuments) :]
    if not mapped or any(arg.ndim == 0 for arg in mapped):
        raise InvalidArgumentError("All inputs must have rank at least 1")
    size = mapped[0].shape[0]
    if any(arg.shape[0] != size for arg in mapped):
        raise InvalidArgumentError("All inputs must have the same dimension 0.")
    function = context.function(f)
    rows = [function([*(arg[i] for arg in mapped), *captured]) for i in range(size)]
    results = []
    for position, (data_type, shape) in enumerate(zip(output_types, output_shapes)):
        if rows:
            results.append(_stacked([row[position] for row in rows], shape))
        else:
            results.append(np.zeros((0, *(max(d, 0) for d in shape or ())), data_type.numpy))
    return tuple(results)


@kernel("BatchFunction", stateful=True)
def batch_function(
    *args: Array,
    Tin: tuple[Any, ...],
    Tout: tuple[Any, ...],
    f: FunctionRef,
    max_batch_size: int,
    allowed_batch_sizes: tuple[int, ...] = (),
    enable_large_batch_splitting: bool = False,
    context: Context,
) -> tuple[Array, ...]:
    """f on the rows of one request, padded with its first row to the next allowed size, as in
    tensorflow/core/kernels/batching_util/batch_resource_base.cc. No other request is waited for. A request beyond
    max_batch_size is refused; one beyond the last allowed size is split where that is enabled. Captured inputs go in
    whole."""
    batched, captured = args[: len(Tin)], args[len(Tin) :]
    if any(arg.ndim == 0 for arg in batched):
        raise InvalidArgumentError("Batching input tensors must have at least one dimension")
    rows = batched[0].shape[0]
    if any(arg.shape[0] != rows for arg in batched):
        raise InvalidArgumentError(
            "Batching input tensors supplied in a given op invocation must have equal 0th-dimension size"
        )
    sizes = list(allowed_batch_sizes)
    largest = sizes[-1] if sizes else max_batch_size
    fits = largest <= max_batch_size if enable_large_batch_splitting else largest == max_batch_size
    if max_batch_size < 1 or not fits or sizes != sorted(set(sizes)) or (sizes and sizes[0] < 1):
        raise InvalidArgumentError(f"Invalid batch sizes: at most {max_batch_size}, allowed {sizes}")
    if rows > max_batch_size:
        raise InvalidArgumentError(f"Task size {rows} is larger than maximum input batch size {max_batch_size}")
    if rows == 0:  # there is no batch to run
        return tuple(np.zeros(0, data_type.numpy) for data_type in Tout)
    function = context.function(f)
    parts = []
    for start in range(0, rows, largest):
        part = [arg[start : start + largest] for arg in batched]
        count = part[0].shape[0]
        padding = next((size - count for size in sizes if size >= count), 0)
        if padding:
            part = [np.concatenate([arg, np.repeat(arg[:1], padding, axis=0)]) for arg in part]
        outputs = function([*part, *captured])
        if any(value.ndim == 0 or value.shape[0] != count + padding for value in outputs):
            raise InvalidArgumentError(
                "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input "
                "tensors"
            )
        parts.append([value[:count] for value in outputs])
    return tuple(values[0] if len(values) == 1 else np.concatenate(values) for values in zip(*parts))
