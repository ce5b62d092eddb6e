"""Variables: resource variables (VarHandleOp) and reference variables (VariableV2), and what reads and assigns them.

A variable's array is never written into; every assignment replaces it. Scatters into variables are in `scatter`,
gathers from them in `gather`, optimisers' update rules other than plain gradient descent elsewhere.
Semantics: tensorflow/core/kernels/resource_variable_ops.cc, variable_ops.cc, dense_update_ops.cc, count_up_to_op.cc.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, OutOfRangeError
from smcli.kernels.context import Array, Context, Variable, handle
from smcli.kernels.registry import kernel
from smcli.tensors.lazy import LazyTensor
from smcli.tensors.types import DataType

Shape = tuple[int, ...]
# ResourceHandle::ANONYMOUS_NAME of tensorflow/core/framework/resource_handle.h: a new variable for each execution
ANONYMOUS = "cd2c89b7-88b7-44c8-ad83-06c2a9158347"


def variable_of(resource: Array) -> Variable:
    """The variable that a resource handle stands for. Raises InvalidArgumentError for another kind of resource."""
    variable: object = resource[()]
    if not isinstance(variable, Variable):
        raise InvalidArgumentError(f"Expected a handle of a variable, got a {type(variable).__name__}")
    return variable


def assigned_variable_of(resource: Array) -> Variable:
    """The variable of a handle, for ops that TensorFlow makes look it up: raises NotFoundError before an assignment."""
    variable = variable_of(resource)
    if variable.value is None:
        raise NotFoundError(f"Could not find resource: {variable.name}")
    return variable


def is_compatible(shape: Shape, declared: Shape | None) -> bool:
    """Whether a full shape fits a declared one: -1 for unknown dims, None for unknown rank."""
    return declared is None or (
        len(shape) == len(declared) and all(want in (-1, got) for got, want in zip(shape, declared, strict=True))
    )


def _payload(value: Array | LazyTensor | Variable) -> Array | LazyTensor:
    return value.read() if isinstance(value, Variable) else value


# Resource variables


@kernel("VarHandleOp", stateful=True)
def var_handle_op(
    *, dtype: DataType, shape: Shape | None, container: str = "", shared_name: str = "", context: Context
) -> Array:
    found: Array | None = context.memory.get("handle")
    if found is not None:
        return found
    if shared_name == ANONYMOUS:
        return handle(Variable(context.node, dtype, shape))
    name = shared_name or context.node
    made = handle(context.resource("variable", container, shared_name, lambda: Variable(name, dtype, shape)))
    context.memory["handle"] = made
    return made


@kernel("ReadVariableOp", stateful=True)
def read_variable_op(resource: Array, *, dtype: DataType) -> Array:
    variable = variable_of(resource)
    if variable.dtype is not dtype:
        raise InvalidArgumentError(
            f"Trying to read variable {variable.name} with wrong dtype. "
            f"Expected {variable.dtype.tf_name} got {dtype.tf_name}"
        )
    return variable.read()


@kernel("AssignVariableOp", stateful=True, boxed_inputs=(1,))
def assign_variable_op(
    resource: Array, value: Array | LazyTensor | Variable, *, dtype: DataType, validate_shape: bool = False
) -> tuple[()]:
    variable = variable_of(resource)
    if variable.dtype is not dtype:
        raise InvalidArgumentError(
            f"Trying to assign variable {variable.name} with wrong dtype. "
            f"Expected {variable.dtype.tf_name} got {dtype.tf_name}"
        )
    payload = _payload(value)
    held = variable.value
    if validate_shape and held is not None and payload.shape != held.shape:
        raise InvalidArgumentError(
            f"Trying to assign to variable {variable.name} with wrong shape. "
            f"Expected {list(held.shape)} got {list(payload.shape)}"
        )
    variable.value = payload
    return ()


def _updated(variable: Variable, value: Array, update: np.ufunc) -> Array:
    old = variable.read()
    if old.shape != value.shape:
        raise InvalidArgumentError(
            f"Cannot update variable {variable.name} with shape {list(old.shape)} "
            f"using a tensor with shape {list(value.shape)}, shapes must be equal."
        )
    return update(old, value)  # type: ignore[no-any-return]


@kernel("AssignAddVariableOp", stateful=True)
def assign_add_variable_op(resource: Array, value: Array) -> tuple[()]:
    variable = assigned_variable_of(resource)
    variable.value = _updated(variable, value, np.add)
    return ()


@kernel("AssignSubVariableOp", stateful=True)
def assign_sub_variable_op(resource: Array, value: Array) -> tuple[()]:
    variable = assigned_variable_of(resource)
    variable.value = _updated(variable, value, np.subtract)
    return ()


@kernel("VarIsInitializedOp", stateful=True)
def var_is_initialized_op(resource: Array) -> np.bool_:
    return np.bool_(variable_of(resource).value is not None)


@kernel("VariableShape", stateful=True)
def variable_shape(resource: Array, *, out_type: DataType = DataType.INT32) -> Array:
    value = assigned_variable_of(resource).value
    return np.array(() if value is None else value.shape, out_type.numpy)


@kernel("DestroyResourceOp", stateful=True)
def destroy_resource_op(resource: Array, *, ignore_lookup_error: bool = True, context: Context) -> tuple[()]:
    target = resource[()]
    dropped = context.resources.drop(target)
    if isinstance(target, Variable):
        dropped = target.value is not None
        target.value = None
    if not dropped and not ignore_lookup_error:
        raise NotFoundError(f"Resource {getattr(target, 'name', context.node)} does not exist.")
    return ()


@kernel("DisableCopyOnRead", stateful=True)
def disable_copy_on_read(resource: Array) -> tuple[()]:
    return ()


@kernel("ResourceApplyGradientDescent", stateful=True)
def resource_apply_gradient_descent(resource: Array, alpha: Array, delta: Array) -> tuple[()]:
    variable = assigned_variable_of(resource)
    variable.value = _updated(variable, _step(alpha, delta), np.subtract)
    return ()


def _step(alpha: Array, delta: Array) -> Array:
    if alpha.ndim != 0:
        raise InvalidArgumentError(f"alpha is not a scalar: {list(alpha.shape)}")
    return np.multiply(alpha, delta)


@kernel("ResourceCountUpTo", stateful=True)
def resource_count_up_to(resource: Array, *, limit: int) -> Array:
    return _count_up_to(assigned_variable_of(resource), limit)


# Reference variables: the Variable itself travels along the edges


@kernel("Variable", "VariableV2", stateful=True, boxed_outputs=True)
def variable_v2(
    *, shape: Shape | None, dtype: DataType, container: str = "", shared_name: str = "", context: Context
) -> Variable:
    name = shared_name or context.node
    return context.resource("ref_variable", container, shared_name, lambda: Variable(name, dtype, shape))


@kernel("Assign", boxed_inputs=(0, 1), boxed_outputs=True, stateful=True)
def assign(ref: Variable, value: Array | LazyTensor | Variable, *, validate_shape: bool = True) -> Variable:
    payload = _payload(value)
    if validate_shape:
        held = ref.value
        declared = ref.shape if held is None else held.shape
        if not is_compatible(payload.shape, declared):
            raise InvalidArgumentError(
                "Assign requires shapes of both tensors to match. "
                f"lhs shape= {list(declared or ())} rhs shape= {list(payload.shape)}"
            )
    ref.value = payload
    return ref


def _initialized(ref: Variable) -> Variable:
    if ref.value is None:
        raise FailedPreconditionError(f"Attempting to use uninitialized value {ref.name}")
    return ref


@kernel("AssignAdd", boxed_inputs=(0,), boxed_outputs=True, stateful=True)
def assign_add(ref: Variable, value: Array) -> Variable:
    ref.value = _updated(_initialized(ref), value, np.add)
    return ref


@kernel("AssignSub", boxed_inputs=(0,), boxed_outputs=True, stateful=True)
def assign_sub(ref: Variable, value: Array) -> Variable:
    ref.value = _updated(_initialized(ref), value, np.subtract)
    return ref


@kernel("ApplyGradientDescent", boxed_inputs=(0,), boxed_outputs=True, stateful=True)
def apply_gradient_descent(ref: Variable, alpha: Array, delta: Array) -> Variable:
    ref.value = _updated(_initialized(ref), _step(alpha, delta), np.subtract)
    return ref


@kernel("RefIdentity", boxed_inputs=(0,), boxed_outputs=True, stateful=True)
def ref_identity(ref: Variable) -> Variable:
    return ref


@kernel("RefSelect", boxed_inputs=tuple(range(1, 1000)), boxed_outputs=True)
def ref_select(index: Array, *inputs: Variable) -> Variable:
    """One of the references. Raises InvalidArgumentError for an index out of range."""
    if index.ndim:
        raise InvalidArgumentError(f"Index must be a scalar, but it has shape {list(index.shape)}")
    if not 0 <= int(index) < len(inputs):
        raise InvalidArgumentError(f"Index must be in the range [0, {len(inputs)}) but got {int(index)}")
    return inputs[int(index)]


@kernel("IsVariableInitialized", boxed_inputs=(0,), stateful=True)
def is_variable_initialized(ref: Variable) -> np.bool_:
    return np.bool_(ref.value is not None)


@kernel("CountUpTo", boxed_inputs=(0,), stateful=True)
def count_up_to(ref: Variable, *, limit: int) -> Array:
    return _count_up_to(_initialized(ref), limit)


def _count_up_to(variable: Variable, limit: int) -> Array:
    old = variable.read()
    if old.ndim != 0:
        raise InvalidArgumentError("input is not a scalar")
    if old >= limit:
        raise OutOfRangeError(f"Reached limit of {limit}")
    variable.value = np.asarray(old + 1, old.dtype)
    return old


@kernel("TemporaryVariable", stateful=True, boxed_outputs=True)
def temporary_variable(*, shape: Shape, dtype: DataType, var_name: str = "", context: Context) -> Variable:
    name = var_name or context.node
    variable = Variable(name, dtype, shape, np.zeros(shape, dtype.numpy))
    context.step["temporary", name] = variable
    return variable


@kernel("DestroyTemporaryVariable", boxed_inputs=(0,), stateful=True)
def destroy_temporary_variable(ref: Variable, *, var_name: str, context: Context) -> Array:
    if context.step.pop(("temporary", var_name), None) is None:
        raise NotFoundError(f"Temporary variable {var_name} does not exist")
    return ref.read()


@kernel("NoOp")
def no_op(*inputs: Any) -> tuple[()]:
    return ()
