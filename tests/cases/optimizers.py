"""Update rules of optimisers, on resource and reference variables, with gradients of all and of some rows."""

from __future__ import annotations

import numpy as np

from tests.cases import graph_case, graph_cases
from tests.values import FLOATS, cast, i32, i64

# rule: slots, then the other inputs in order (None is the gradient), attrs to try
HYPER = {
    "Momentum": (1, {"lr": 0.1, "grad": None, "momentum": 0.9}, "use_nesterov"),
    "KerasMomentum": (1, {"lr": 0.1, "grad": None, "momentum": 0.9}, "use_nesterov"),
    "Adam": (
        2,
        {
            "beta1_power": 0.9,
            "beta2_power": 0.99,
            "lr": 0.1,
            "beta1": 0.9,
            "beta2": 0.99,
            "epsilon": 0.01,
            "grad": None,
        },
        "use_nesterov",
    ),
    "AdamWithAmsgrad": (
        3,
        {
            "beta1_power": 0.9,
            "beta2_power": 0.99,
            "lr": 0.1,
            "beta1": 0.9,
            "beta2": 0.99,
            "epsilon": 0.01,
            "grad": None,
        },
        "",
    ),
    "AdaMax": (2, {"beta1_power": 0.9, "lr": 0.1, "beta1": 0.9, "beta2": 0.99, "epsilon": 0.01, "grad": None}, ""),
    "Adagrad": (1, {"lr": 0.1, "grad": None}, "update_slots"),
    "AdagradV2": (1, {"lr": 0.1, "epsilon": 0.01, "grad": None}, "update_slots"),
    "AdagradDA": (2, {"grad": None, "lr": 0.1, "l1": 0.2, "l2": 0.3, "global_step": 3}, ""),
    "Adadelta": (2, {"lr": 0.1, "rho": 0.9, "epsilon": 0.01, "grad": None}, ""),
    "RMSProp": (2, {"lr": 0.1, "rho": 0.9, "momentum": 0.8, "epsilon": 0.01, "grad": None}, ""),
    "CenteredRMSProp": (3, {"lr": 0.1, "rho": 0.9, "momentum": 0.8, "epsilon": 0.5, "grad": None}, ""),
    "Ftrl": (2, {"grad": None, "lr": 0.1, "l1": 0.2, "l2": 0.3, "lr_power": -0.5}, "multiply_linear_by_lr"),
    "FtrlV2": (
        2,
        {"grad": None, "lr": 0.1, "l1": 0.2, "l2": 0.3, "l2_shrinkage": 0.1, "lr_power": -0.5},
        "multiply_linear_by_lr",
    ),
    "ProximalGradientDescent": (0, {"alpha": 0.1, "l1": 0.2, "l2": 0.3, "grad": None}, ""),
    "ProximalAdagrad": (1, {"lr": 0.1, "l1": 0.2, "l2": 0.3, "grad": None}, ""),
    "AddSign": (1, {"lr": 0.1, "alpha": 1.0, "sign_decay": 0.5, "beta": 0.9, "grad": None}, ""),
    "PowerSign": (1, {"lr": 0.1, "logbase": 0.7, "sign_decay": 0.5, "beta": 0.9, "grad": None}, ""),
}
SPARSE = [name for name in HYPER if name not in ("Adam", "AdamWithAmsgrad", "AdaMax", "AddSign", "PowerSign")]
RESOURCE_ONLY = ("KerasMomentum", "AdamWithAmsgrad")
SLOTS = {
    "Momentum": ["accum"], "KerasMomentum": ["accum"], "Adam": ["m", "v"], "AdamWithAmsgrad": ["m", "v", "vhat"],
    "AdaMax": ["m", "v"], "Adagrad": ["accum"], "AdagradV2": ["accum"],
    "AdagradDA": ["gradient_accumulator", "gradient_squared_accumulator"], "Adadelta": ["accum", "accum_update"],
    "RMSProp": ["ms", "mom"], "CenteredRMSProp": ["mg", "ms", "mom"], "Ftrl": ["accum", "linear"],
    "FtrlV2": ["accum", "linear"], "ProximalGradientDescent": [], "ProximalAdagrad": ["accum"], "AddSign": ["m"],
    "PowerSign": ["m"],
}  # fmt: skip
NO_KERNEL = {("AdaMax", "bfloat16")} | {
    (name, half)
    for name in ("AdagradDA", "ProximalGradientDescent", "ProximalAdagrad")
    for half in ("float16", "bfloat16")
}
rng = np.random.default_rng(60)
VAR = rng.normal(size=(4, 3))
GRAD = rng.normal(size=(4, 3))
ROWS = i32(2, 0, 2, 3, 2)


def inputs_of(tf, name, grad, hyper, prefix):
    """The inputs of an op that are not variables."""
    given = {}
    for key, value in hyper.items():
        if value is None:
            given["delta" if name == "ProximalGradientDescent" and prefix == "Apply" else "grad"] = grad
        elif key == "global_step":
            given[key] = tf.constant(value, tf.int64)
        else:
            given[key] = tf.cast(value, grad.dtype)
    return given


def resource_update(tf, op, name, slots, x, given, **attrs):
    raw = tf.raw_ops
    names = ["var", *SLOTS[name]]
    starts = [x] + [tf.cast(tf.constant(VAR * VAR + 0.1 * (slot + 1)), x.dtype) for slot in range(slots)]
    handles = [raw.VarHandleOp(dtype=x.dtype, shape=None, shared_name=key) for key in names]
    assigned = [raw.AssignVariableOp(resource=h, value=v) for h, v in zip(handles, starts, strict=True)]
    with tf.control_dependencies(assigned):
        done = getattr(raw, f"Resource{op}")(**dict(zip(names, handles, strict=True)), **given, **attrs)
    with tf.control_dependencies([done]):
        return [raw.ReadVariableOp(resource=handle, dtype=x.dtype) for handle in handles]


def reference_update(tf, op, name, slots, x, given, **attrs):
    raw = tf.raw_ops
    names = ["var", *SLOTS[name]]
    starts = [x] + [tf.cast(tf.constant(VAR * VAR + 0.1 * (slot + 1)), x.dtype) for slot in range(slots)]
    refs = [raw.VariableV2(shape=[4, 3], dtype=x.dtype, shared_name=f"ref_{key}") for key in names]
    assigned = [raw.Assign(ref=ref, value=value) for ref, value in zip(refs, starts, strict=True)]
    done = getattr(raw, op)(**dict(zip(names, assigned, strict=True)), **given, **attrs)
    with tf.control_dependencies([done]):
        return [tf.identity(done), *[tf.identity(ref) for ref in refs]]


def declare(name: str, dtype: str, label: str, **attrs: bool) -> None:
    slots, hyper, _ = HYPER[name]
    loose = {"float16": 0.02, "bfloat16": 0.06}.get(dtype)  # many roundings of 16-bit floats against one

    @graph_case(
        f"{name}_{dtype}{label}", _op=f"ResourceApply{name}", _rtol=loose, _atol=loose,
        x=cast(VAR, dtype), grad=cast(GRAD, dtype),
    )  # fmt: skip
    def dense(tf, x, grad):
        out = resource_update(tf, f"Apply{name}", name, slots, x, inputs_of(tf, name, grad, hyper, "Apply"), **attrs)
        if name not in RESOURCE_ONLY:
            given = inputs_of(tf, name, grad, hyper, "Apply")
            out += reference_update(tf, f"Apply{name}", name, slots, x, given, **attrs)
        return out

    if name not in SPARSE or (dtype == "bfloat16" and name.endswith("RMSProp")):
        return

    @graph_case(
        f"{name}_rows_{dtype}{label}", _op=f"ResourceSparseApply{name}", _rtol=loose, _atol=loose,
        x=cast(VAR, dtype), grad=cast(np.concatenate([GRAD, GRAD[:1] * 2]), dtype), rows=ROWS,
    )  # fmt: skip
    def by_rows(tf, x, grad, rows):
        given = {**inputs_of(tf, name, grad, hyper, "SparseApply"), "indices": rows}
        out = resource_update(tf, f"SparseApply{name}", name, slots, x, given, **attrs)
        if name not in RESOURCE_ONLY:
            out += reference_update(tf, f"SparseApply{name}", name, slots, x, given, **attrs)
        return out


for _name, (_slots, _hyper, _attr) in HYPER.items():
    for _dtype in FLOATS:
        if (_name, _dtype) not in NO_KERNEL:
            declare(_name, _dtype, "")
    if _attr:
        declare(_name, "float32", f"_{_attr}", **{_attr: _attr != "update_slots"})


def momentum_of(tf, x, accum, grad, lr, rows=None):
    raw = tf.raw_ops
    handles = [raw.VarHandleOp(dtype=tf.float32, shape=None, shared_name=key) for key in ("v", "a")]
    assigned = [raw.AssignVariableOp(resource=h, value=v) for h, v in zip(handles, (x, accum), strict=True)]
    given = {"var": handles[0], "accum": handles[1], "lr": lr, "grad": grad, "momentum": tf.constant(0.9)}
    with tf.control_dependencies(assigned):
        if rows is None:
            return raw.ResourceApplyMomentum(**given)
        return raw.ResourceSparseApplyMomentum(**given, indices=rows)


X, ONE = cast(VAR, "float32"), np.float32(1)
graph_case("grad_of_other_shape", _op="ResourceApplyMomentum", x=X, accum=X, grad=X[:2], lr=ONE)(momentum_of)
graph_case("slot_of_other_shape", _op="ResourceApplyMomentum", x=X, accum=X[:2], grad=X, lr=ONE)(momentum_of)
graph_case("rate_vector", _op="ResourceApplyMomentum", x=X, accum=X, grad=X, lr=np.ones(2, np.float32))(momentum_of)
for _label, _rows, _grad in (
    ("rows_beyond", i32(0, 4), X[:2]),
    ("rows_negative", i64(-1, 0), X[:2]),
    ("rows_matrix", i32([0], [1]), X[:2]),
    ("rows_other_count", i32(0, 1, 2), X[:2]),
    ("rows_other_width", i32(0, 1), X[:2, :2]),
    ("rows_none", i32(), X[:0]),
):
    graph_case(_label, _op="ResourceSparseApplyMomentum", x=X, accum=X, grad=_grad, lr=ONE, rows=_rows)(momentum_of)


@graph_case("not_initialised", _op="ResourceApplyMomentum", grad=X)
def not_initialised(tf, grad):
    raw = tf.raw_ops
    handles = [raw.VarHandleOp(dtype=tf.float32, shape=None, shared_name=key) for key in ("v", "a")]
    one = tf.constant(1.0)
    return raw.ResourceApplyMomentum(var=handles[0], accum=handles[1], lr=one, grad=grad, momentum=one)


CASES = graph_cases()
