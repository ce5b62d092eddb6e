"""Optimisers: each update rule as four ops, of resource and of reference variables, with dense gradients and with
gradients of some rows.

The rules are in `_update_rules`; plain gradient descent is in `state`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.errors import FailedPreconditionError, InternalError, InvalidArgumentError, NotFoundError
from smcli.kernels import _update_rules as rules
from smcli.kernels._numbers import widened
from smcli.kernels._sorting import run_starts, stable_order
from smcli.kernels.context import Array, Variable
from smcli.kernels.registry import register
from smcli.kernels.state import assigned_variable_of

Rule = Callable[..., tuple[Any, ...]]

# rule, number of slots, whether there are ops for gradients of some rows
RULES: dict[str, tuple[Rule, int, bool]] = {
    "Momentum": (rules.momentum, 1, True),
    "KerasMomentum": (rules.keras_momentum, 1, True),
    "Adam": (rules.adam, 2, False),
    "AdamWithAmsgrad": (rules.adam_with_amsgrad, 3, False),
    "AdaMax": (rules.ada_max, 2, False),
    "Adagrad": (rules.adagrad, 1, True),
    "AdagradV2": (rules.adagrad_v2, 1, True),
    "AdagradDA": (rules.adagrad_da, 2, True),
    "Adadelta": (rules.adadelta, 2, True),
    "RMSProp": (rules.rms_prop, 2, True),
    "CenteredRMSProp": (rules.centered_rms_prop, 3, True),
    "Ftrl": (rules.ftrl, 2, True),
    "FtrlV2": (rules.ftrl_v2, 2, True),
    "ProximalGradientDescent": (rules.proximal_gradient_descent, 0, True),
    "ProximalAdagrad": (rules.proximal_adagrad, 1, True),
    "AddSign": (rules.add_sign, 1, False),
    "PowerSign": (rules.power_sign, 1, False),
}
RESOURCE_ONLY = ("KerasMomentum", "AdamWithAmsgrad")


def _names(rule: Rule) -> tuple[str, ...]:
    """The inputs of a rule, by name."""
    return rule.__code__.co_varnames[: rule.__code__.co_argcount]


def _variable_of(handle: Array) -> Variable:
    try:
        return assigned_variable_of(handle)
    except NotFoundError:
        raise InternalError("Invalid variable reference.") from None  # what TensorFlow makes of it here


def _value(variable: Variable) -> Array:
    if variable.value is None:
        raise FailedPreconditionError(f"Attempting to use uninitialized variables: {variable.name}")
    return variable.read()


def _check_scalars(rule: Rule, slots: int, rest: list[Array]) -> None:
    for name, value in zip(_names(rule)[1 + slots :], rest):
        if name != "grad" and value.ndim:
            raise InvalidArgumentError(f"{name} is not a scalar: {list(value.shape)}")


def _check_slots(variables: list[Array]) -> None:
    for value in variables[1:]:
        if value.shape != variables[0].shape:
            raise InvalidArgumentError(
                f"var and its slots do not have the same shape: {list(variables[0].shape)} {list(value.shape)}"
            )


def _computed(rule: Rule, arrays: list[Array], attrs: dict[str, bool]) -> list[Array]:
    """The new values of a variable and its slots, in their dtype; 16-bit floats are rounded once."""
    dtype = arrays[0].dtype
    return [np.asarray(new).astype(dtype, copy=False) for new in rule(*map(widened, arrays), **attrs)]


def _dense(rule: Rule, slots: int, variables: list[Variable], rest: list[Array], attrs: dict[str, bool]) -> None:
    values = [_value(variable) for variable in variables]
    _check_slots(values)
    _check_scalars(rule, slots, rest)
    grad = rest[_names(rule).index("grad") - 1 - slots]
    if grad.shape != values[0].shape:
        raise InvalidArgumentError(
            f"var and grad do not have the same shape {list(values[0].shape)} {list(grad.shape)}"
        )
    for variable, new in zip(variables, _computed(rule, values + rest, attrs)):
        variable.value = new


def _sparse(rule: Rule, slots: int, variables: list[Variable], rest: list[Array], attrs: dict[str, bool]) -> None:
    at = _names(rule).index("grad") - 1 - slots
    indices = rest.pop(at + 1)
    grad = rest[at]
    values = [_value(variable).copy() for variable in variables]
    _check_slots(values)
    _check_scalars(rule, slots, rest)
    var = values[0]
    if var.ndim == 0:
        raise InvalidArgumentError(f"var must be at least 1 dimensional: {list(var.shape)}")
    if indices.ndim != 1:
        raise InvalidArgumentError("indices must be one-dimensional")
    if len(indices) != (len(grad) if grad.ndim else 1):
        raise InvalidArgumentError("grad must be the same size as indices in the first dimension.")
    if grad.shape[1:] != var.shape[1:]:
        raise InvalidArgumentError(f"var and grad must match in dimensions: {list(var.shape)} {list(grad.shape)}")
    outside = np.flatnonzero((indices < 0) | (indices >= len(var)))
    if outside.size:
        raise InvalidArgumentError(
            f"Index {int(indices[outside[0]])} at offset {int(outside[0])} in indices is out of range"
        )
    # A row that is named twice is updated twice, the second time from what the first left.
    for now in _rounds(indices):
        rows = indices[now]
        inputs = [value[rows] for value in values] + rest
        inputs[1 + slots + at] = grad[now]
        for value, new in zip(values, _computed(rule, inputs, attrs)):
            value[rows] = new
    for variable, value in zip(variables, values):
        variable.value = value


def _rounds(indices: Array) -> list[Array]:
    """The places of the first occurrence of each index, then of the second ones, and so on."""
    order = stable_order(indices)
    starts = run_starts(indices[order])
    sizes = np.diff(starts, append=len(indices))
    return [order[starts[sizes > n] + n] for n in range(int(sizes.max(initial=0)))]


def _register(name: str, rule: Rule, slots: int, update: Callable[..., None], prefix: str) -> None:
    """The op of resource variables and that of reference variables."""
    code = rule.__code__
    known = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]

    def resource_apply(
        *inputs: Array, use_nesterov: bool = False, update_slots: bool = True, multiply_linear_by_lr: bool = False
    ) -> tuple[()]:
        attrs = _attrs(known, use_nesterov, update_slots, multiply_linear_by_lr)
        variables = [_variable_of(handle) for handle in inputs[: 1 + slots]]
        update(rule, slots, variables, list(inputs[1 + slots :]), attrs)
        return ()

    def apply(
        *inputs: Any, use_nesterov: bool = False, update_slots: bool = True, multiply_linear_by_lr: bool = False
    ) -> Variable:
        attrs = _attrs(known, use_nesterov, update_slots, multiply_linear_by_lr)
        update(rule, slots, list(inputs[: 1 + slots]), list(inputs[1 + slots :]), attrs)
        found: Variable = inputs[0]
        return found

    register(f"Resource{prefix}{name}", resource_apply, stateful=True)
    if name not in RESOURCE_ONLY:
        boxed = tuple(range(1 + slots))
        register(f"{prefix}{name}", apply, stateful=True, boxed_inputs=boxed, boxed_outputs=True)


def _attrs(known: tuple[str, ...], use_nesterov: bool, update_slots: bool, multiply: bool) -> dict[str, bool]:
    """Those attrs that a rule knows."""
    given = {"use_nesterov": use_nesterov, "update_slots": update_slots, "multiply_linear_by_lr": multiply}
    return {name: value for name, value in given.items() if name in known}


for _name, (_rule, _slots, _by_rows) in RULES.items():
    _register(_name, _rule, _slots, _dense, "Apply")
    if _by_rows:
        _register(_name, _rule, _slots, _sparse, "SparseApply")
