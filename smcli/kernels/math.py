"""Elementwise arithmetic: a row of a table where TensorFlow's op and NumPy's ufunc agree, a function where they do not.

Arguments are arrays or NumPy scalars of one dtype; binary ops broadcast. Constants inside the functions are made of the
argument's own dtype, because a Python number would widen float scalars (NumPy 1) and bfloat16 (ml_dtypes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.errors import InternalError, InvalidArgumentError, ResourceExhaustedError
from smcli.kernels import _digits
from smcli.kernels._numbers import Numbers, broadcast_shape, is_short_float, widened
from smcli.kernels._short_floats import ORDER_PAYS, by_table, in_order, order_of
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel, register_table
from smcli.tensors.types import DataType, by_name
from smcli.tensors.wire import MAX_FILL_BYTES

DEVIATIONS = {"Round": "integers are given back as they are, where TensorFlow's own kernel gives zeros"}

# ---- unary


@kernel("Abs")
def absolute(x: Array) -> Numbers:
    """|x|; the most negative integer stays what it is."""
    return np.abs(x)


@kernel("ComplexAbs")
def complex_abs(x: Array, *, Tout: DataType = DataType.FLOAT) -> Numbers:
    """The modulus of complex numbers, in the real dtype of their parts."""
    result = np.abs(x)
    if result.dtype != Tout.numpy:
        raise InvalidArgumentError(f"Signature mismatch, have: {x.dtype}->{Tout.tf_name}")
    return result


@kernel("Inv", "Reciprocal")
@by_table
def reciprocal(x: Array) -> Numbers:
    """1 / x."""
    return np.divide(x.dtype.type(1), x)


@kernel("Sign")
@by_table
def sign(x: Array) -> Numbers:
    """-1, 0 or 1, NaN for NaN; for complex numbers x / |x|, and 0 for 0."""
    if x.dtype.kind != "c":
        return np.sign(x)
    return np.where(x == 0, x.dtype.type(0), np.divide(x, np.abs(x).astype(x.dtype))).astype(x.dtype, copy=False)


@kernel("Round")
@by_table
def round_half_to_even(x: Array) -> Numbers:
    """The nearest integer, ties to even; integers as they are (where TensorFlow 2.21's CPU kernel gives zeros)."""
    return x if x.dtype.kind in "iu" else np.rint(x)


@kernel("Rsqrt")
@by_table
def rsqrt(x: Array) -> Numbers:
    """1 / sqrt(x)."""
    if is_short_float(x.dtype):
        return rsqrt(widened(x)).astype(x.dtype)
    root = np.sqrt(x)
    if root.ndim == 0:
        return np.divide(root.dtype.type(1), root)
    return np.divide(root.dtype.type(1), root, out=root)


@kernel("Sigmoid")
@by_table
def sigmoid(x: Array) -> Numbers:
    """1 / (1 + exp(-x))."""
    if is_short_float(x.dtype):  # exp(x) / (1 + exp(x)), each step rounded (Eigen's scalar_logistic_op)
        grown = np.exp(x.astype(np.float32)).astype(x.dtype)
        one = x.dtype.type(1)
        return np.where(np.isinf(grown), one, np.divide(grown, one + grown))
    if _digits.matter(x):
        return _digits.sigmoid(x)
    one = x.dtype.type(1)
    y = np.negative(x)
    if y.ndim == 0:
        return np.divide(one, one + np.exp(y))
    np.exp(y, out=y)
    y += one
    return np.divide(one, y, out=y)


@kernel("Exp")
@by_table
def exp(x: Array) -> Numbers:
    """e to the power of x."""
    return _digits.exp(x) if _digits.matter(x) else np.exp(x)


@kernel("Tanh")
@by_table
def tanh(x: Array) -> Numbers:
    """The hyperbolic tangent."""
    return _digits.tanh(x) if _digits.matter(x) else np.tanh(x)


@kernel("Real")
def real(x: Array) -> Numbers:
    """The real part; real numbers as they are."""
    return x.real


@kernel("Imag")
def imag(x: Array) -> Numbers:
    """The imaginary part."""
    return x.imag


@kernel("Angle")
def angle(x: Array) -> Numbers:
    """The argument of complex numbers, in (-pi, pi]."""
    return np.arctan2(x.imag, x.real)


@kernel("Complex")
def complex_of_parts(real_part: Array, imaginary_part: Array) -> Numbers:
    """Complex numbers from their parts, which broadcast."""
    shape = broadcast_shape(real_part, imaginary_part)
    out = np.empty(shape, np.complex64 if real_part.dtype == np.float32 else np.complex128)
    out.real = real_part
    out.imag = imaginary_part
    return out


@kernel("PopulationCount")
def population_count(x: Array) -> Numbers:
    """How many bits are set, as uint8."""
    if hasattr(np, "bitwise_count"):  # NumPy 2, of absolute values
        unsigned = np.dtype(f"u{x.dtype.itemsize}")
        return np.bitwise_count(np.asarray(x).view(unsigned))
    size = x.dtype.itemsize
    octets = np.ascontiguousarray(x).view(np.uint8).reshape(*x.shape, size)
    return _BITS_SET[octets].sum(axis=-1, dtype=np.uint8)


_BITS_SET = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1, dtype=np.uint8)


_WITH_TRUTH = frozenset(
    map(by_name, ("bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64", "string"))
)


@kernel("ToBool")
def to_bool(x: Array, *, T: DataType) -> Numbers:
    """A scalar is true when it is not zero (a string when not empty), any other tensor when it has elements.

    Raises InvalidArgumentError for scalars of the types that TensorFlow knows no truth of.
    """
    if x.ndim == 0:
        value = x[()]
        if T not in _WITH_TRUTH:
            raise InvalidArgumentError(f"{T.tf_name} cannot be converted to a boolean")
        return np.bool_(len(value) > 0 if x.dtype == object else bool(value))
    return np.bool_(x.size > 0)


# ---- binary arithmetic


@kernel("Add")
def add(x: Array, y: Array) -> Numbers:
    """x + y; strings are joined."""
    if x.dtype != object:
        return np.add(x, y)
    out = np.empty(broadcast_shape(x, y), object)
    np.add(x, y, out=out)
    return out


def _divides_by_zero(x: Array, y: Array) -> bool:
    """Nothing is divided where the result is empty."""
    return bool(x.size) and not (y.all() if y.ndim else y)


def _check_divisor(x: Array, y: Array) -> None:
    if _divides_by_zero(x, y):
        raise InvalidArgumentError("Integer division by zero")


def _check_truncating_divisor(x: Array, y: Array) -> None:
    """TruncateDiv and TruncateMod are not among the ops for which TensorFlow words this error (cwise_ops_common.h)."""
    if _divides_by_zero(x, y):
        raise InternalError("Unexpected error in binary operator (only integer div and mod should have errors)")


@kernel("Div")
def truncate_div(x: Array, y: Array) -> Numbers:
    """x / y, for integers rounded towards zero.

    Raises InvalidArgumentError for an integer zero in y.
    """
    if x.dtype.kind not in "iu":
        return np.divide(x, y)
    _check_divisor(x, y)
    if x.dtype.kind == "u":
        return np.floor_divide(x, y)
    quotient = np.floor_divide(x, y)
    opposite = np.bitwise_xor(x, y) < 0
    if not opposite.any():
        return quotient
    uneven = opposite & np.not_equal(np.multiply(quotient, y), x)
    return np.add(quotient, uneven.astype(x.dtype))


@kernel("TruncateDiv")
def truncate_div_real(x: Array, y: Array) -> Numbers:
    """x / y rounded towards zero. Raises InternalError for an integer zero in y, as TensorFlow does here."""
    if x.dtype.kind in "iu":
        _check_truncating_divisor(x, y)
        return truncate_div(x, y)
    return np.trunc(np.divide(x, y))


@kernel("FloorDiv")
def floor_div(x: Array, y: Array) -> Numbers:
    """floor(x / y). Raises InvalidArgumentError for an integer zero in y."""
    if x.dtype.kind in "iu":
        _check_divisor(x, y)
        return np.floor_divide(x, y)
    return np.floor(np.divide(x, y))


@kernel("FloorMod")
def floor_mod(x: Array, y: Array) -> Numbers:
    """The remainder with the sign of y. Raises InvalidArgumentError for an integer zero in y."""
    if x.dtype.kind in "iu":
        _check_divisor(x, y)
        return np.remainder(x, y)
    rest = np.fmod(x, y)
    zero = x.dtype.type(0)
    return np.where((rest != zero) & ((rest < zero) != (y < zero)), np.add(rest, y), rest).astype(x.dtype, copy=False)


@kernel("Mod")
def mod(x: Array, y: Array) -> Numbers:
    """The remainder with the sign of x. Raises InvalidArgumentError for an integer zero in y."""
    if x.dtype.kind in "iu":
        _check_divisor(x, y)
    return np.fmod(x, y)


@kernel("TruncateMod")
def truncate_mod(x: Array, y: Array) -> Numbers:
    """The remainder with the sign of x. Raises InternalError for an integer zero in y, as TensorFlow does here."""
    if x.dtype.kind in "iu":
        _check_truncating_divisor(x, y)
    return np.fmod(x, y)


def _or_zero(value: Array, is_zero: Array) -> Numbers:
    """`value`, but 0 where `is_zero`."""
    return np.where(is_zero, value.dtype.type(0), value).astype(value.dtype, copy=False)


@kernel("DivNoNan")
def div_no_nan(x: Array, y: Array) -> Numbers:
    """x / y, but 0 where y is 0."""
    return _or_zero(np.divide(x, y), np.equal(y, y.dtype.type(0)))


@kernel("MulNoNan")
def mul_no_nan(x: Array, y: Array) -> Numbers:
    """x * y, but 0 where y is 0, even for x infinite or NaN."""
    return _or_zero(np.multiply(x, y), np.equal(y, y.dtype.type(0)))


@kernel("Xdivy")
def xdivy(x: Array, y: Array) -> Numbers:
    """x / y, but 0 where x is 0."""
    return _or_zero(np.divide(x, y), np.equal(x, x.dtype.type(0)))


@kernel("Xlogy")
def xlogy(x: Array, y: Array) -> Numbers:
    """x * log(y), but 0 where x is 0."""
    product = np.multiply(widened(x), np.log(widened(y))).astype(x.dtype, copy=False)
    return _or_zero(product, np.equal(x, x.dtype.type(0)))


@kernel("Xlog1py")
def xlog1py(x: Array, y: Array) -> Numbers:
    """x * log1p(y), but 0 where x is 0."""
    product = np.multiply(widened(x), np.log1p(widened(y))).astype(x.dtype, copy=False)
    return _or_zero(product, np.equal(x, x.dtype.type(0)))


@kernel("SquaredDifference")
def squared_difference(x: Array, y: Array) -> Numbers:
    """(x - y)², for complex numbers the square of the modulus."""
    difference = np.subtract(x, y)
    if x.dtype.kind == "c":
        return np.multiply(difference, np.conjugate(difference))
    if difference.ndim == 0:
        return np.multiply(difference, difference)
    return np.multiply(difference, difference, out=difference)


@kernel("Pow")
def power(x: Array, y: Array) -> Numbers:
    """x to the power y. Raises InvalidArgumentError for an integer to a negative integer power."""
    if x.dtype.kind == "i" and np.any(y < 0):
        raise InvalidArgumentError("Integers to negative integer powers are not allowed")
    result = np.power(x, y)
    if x.dtype.kind == "f" and np.any(y == 0.5):
        # NumPy takes the square root where one exponent stands for many, which is NaN for −∞ and −0 for −0.
        odd = (y == 0.5) & ((x == -np.inf) | (x == 0))
        if odd.any():
            return np.where(odd, np.abs(x), result)
    return result


@kernel("Atan2")
def atan2(y: Array, x: Array) -> Numbers:
    """The angle of the point (x, y)."""
    return np.arctan2(y, x)


@kernel("ClipByValue")
def clip_by_value(x: Array, low: Array, high: Array) -> Numbers:
    """max(min(x, high), low); low and high are scalars or of x's shape, and a NaN among them bounds nothing.

    Complex numbers are clipped part by part. Raises InvalidArgumentError for other shapes.
    """
    for bound in (low, high):
        if bound.ndim and bound.shape != x.shape:
            raise InvalidArgumentError(
                "clip_value_min and clip_value_max must be either of the same shape as input, or a scalar. "
                f"input shape: {list(x.shape)}, clip_value_min shape: {list(low.shape)}, "
                f"clip_value_max shape: {list(high.shape)}"
            )
    if x.dtype.kind == "c":
        out = np.empty(x.shape, x.dtype)
        out.real = clip_by_value(x.real, low.real, high.real)
        out.imag = clip_by_value(x.imag, low.imag, high.imag)
        return out
    if low.ndim or high.ndim or low != low or high != high:  # NaN is the value that is not itself
        x = np.where(high < x, high, x)
        return np.where(x < low, low, x)
    return np.maximum(np.minimum(x, high), low)


# ---- bits


def _shift_count(y: Array) -> Numbers:
    """Shift counts within the width of their dtype (tensorflow/core/kernels/cwise_ops.h, left_shift_op)."""
    return np.clip(y, y.dtype.type(0), y.dtype.type(y.dtype.itemsize * 8 - 1))


@kernel("LeftShift")
def left_shift(x: Array, y: Array) -> Numbers:
    """x shifted left by y bits, y kept within 0 and one less than the width."""
    return np.left_shift(x, _shift_count(y))


@kernel("RightShift")
def right_shift(x: Array, y: Array) -> Numbers:
    """x shifted right by y bits, with its sign, y kept within 0 and one less than the width."""
    return np.right_shift(x, _shift_count(y))


# ---- comparison


@kernel("Equal")
def equal(x: Array, y: Array, *, incompatible_shape_error: bool = True) -> Numbers:
    """x == y; with incompatible_shape_error off, shapes that do not broadcast are simply not equal."""
    return _compared(np.equal, x, y, incompatible_shape_error, False)


@kernel("NotEqual")
def not_equal(x: Array, y: Array, *, incompatible_shape_error: bool = True) -> Numbers:
    """x != y; with incompatible_shape_error off, shapes that do not broadcast are simply not equal."""
    return _compared(np.not_equal, x, y, incompatible_shape_error, True)


def _compared(ufunc: Callable[..., Any], x: Array, y: Array, strict: bool, otherwise: bool) -> Numbers:
    try:
        if x.dtype.kind == "O" and not y.ndim and x.size > 32 and x.flags.c_contiguous:
            return _compared_strings(ufunc, x, y)
        result: Array = ufunc(x, y)
    except ValueError:
        if not strict:
            return np.bool_(otherwise)
        broadcast_shape(x, y)
        raise
    return result if result.dtype == np.bool_ else result.astype(np.bool_)


def _compared_strings(ufunc: Callable[..., Any], x: Array, y: Array) -> Array:
    """Strings compared with one string. Most elements of padded rows are one and the same object; only others are
    looked at."""
    others = np.flatnonzero(np.frombuffer(x, np.intp) != id(y[()]))
    result = np.full(x.size, ufunc is np.equal)
    result[others] = ufunc(x.reshape(-1)[others], y)
    return result.reshape(x.shape)


@kernel("ApproximateEqual")
def approximate_equal(x: Array, y: Array, *, tolerance: float = 1e-5) -> Numbers:
    """|x - y| <= tolerance. Raises InvalidArgumentError when the shapes differ."""
    if x.shape != y.shape:
        raise InvalidArgumentError(
            f"x and y must be of the same shape. x shape: {list(x.shape)}. y shape: {list(y.shape)}"
        )
    return np.abs(np.subtract(x, y)) <= x.dtype.type(tolerance)


# ---- sequences


def _check_length(size: int, dtype: np.dtype[Any]) -> None:
    """A limit in a hostile graph must not eat the machine. Raises ResourceExhaustedError."""
    if size * dtype.itemsize > MAX_FILL_BYTES:
        raise ResourceExhaustedError(f"A sequence of {size} elements is too long")


@kernel("Range")
def arange(start: Array, limit: Array, delta: Array) -> Numbers:
    """start, start + delta, … up to limit, which is left out; all three are scalars.

    The size is found in the arithmetic of the dtype, and element i is start + i * delta, as TensorFlow has it.
    Raises InvalidArgumentError for a delta of 0 or of the wrong sign and for inputs that are not scalars,
    ResourceExhaustedError for too many elements.
    """
    for name, value in (("start", start), ("limit", limit), ("delta", delta)):
        if value.size != 1 or value.ndim > 1:
            raise InvalidArgumentError(f"{name} must be a scalar, not shape {list(value.shape)}")
    start, limit, delta = (np.asarray(value).reshape(()) for value in (start, limit, delta))
    if delta == 0:
        raise InvalidArgumentError(f"Requires delta != 0: {delta}")
    if delta > 0 and not start <= limit:
        raise InvalidArgumentError(f"Requires start <= limit when delta > 0: {start}/{limit}")
    if delta < 0 and not start >= limit:
        raise InvalidArgumentError(f"Requires start >= limit when delta < 0: {start}/{limit}")
    if start.dtype.kind in "iu":
        size = -(-(int(limit) - int(start)) // int(delta))
    else:
        steps = float(np.ceil(np.abs(np.divide(np.subtract(limit, start), delta))))
        if not steps < 2.0**63:
            raise InvalidArgumentError(f"Requires ((limit - start) / delta) <= {2**63 - 1}")
        size = int(steps)
    _check_length(size, start.dtype)
    if start.dtype.kind in "iu":
        return np.arange(int(start), int(start) + size * int(delta), int(delta), dtype=start.dtype)
    return np.add(start, np.multiply(np.arange(size).astype(start.dtype), delta))


@kernel("LinSpace")
def linspace(start: Array, stop: Array, num: Array) -> Numbers:
    """num evenly spaced values from start to stop, both included; three scalars.

    Raises InvalidArgumentError for num < 1 and for inputs that are not scalars.
    """
    for name, value in (("start", start), ("stop", stop), ("num", num)):
        if value.ndim:
            raise InvalidArgumentError(f"{name} must be a scalar, not shape {list(value.shape)}")
    count = int(num)
    if count <= 0:
        raise InvalidArgumentError(f"Requires num > 0: {count}")
    dtype = start.dtype
    _check_length(count, dtype)
    if count == 1:
        return np.full(1, start, dtype)
    step = np.divide(np.subtract(stop, start), dtype.type(count - 1))
    values = np.add(start, np.multiply(step, np.arange(count, dtype=dtype)))
    values[-1] = stop
    return values


def _maximum(x: Array, y: Array) -> Numbers:
    """The larger of each pair; NaN where one is NaN."""
    return _extreme(np.maximum, x, y)


def _minimum(x: Array, y: Array) -> Numbers:
    """The smaller of each pair; NaN where one is NaN."""
    return _extreme(np.minimum, x, y)


def _extreme(ufunc: np.ufunc, x: Array, y: Array) -> Numbers:
    if x.size >= ORDER_PAYS and y.size >= ORDER_PAYS and is_short_float(x.dtype):
        orders = order_of(x), order_of(y)
        if orders[0] is not None and orders[1] is not None:
            return in_order(ufunc(*orders), x.dtype)
    return ufunc(x, y)


register_table(
    __name__,
    {
        "AddV2": np.add,
        "Sub": np.subtract,
        "Mul": np.multiply,
        "RealDiv": np.divide,
        "Maximum": _maximum,
        "Minimum": _minimum,
        "Neg": np.negative,
        "Ceil": by_table(np.ceil),
        "Floor": by_table(np.floor),
        "Rint": by_table(np.rint),
        "Expm1": by_table(np.expm1),
        "Log": by_table(np.log),
        "Log1p": by_table(np.log1p),
        "Sqrt": by_table(np.sqrt),
        "Square": by_table(np.square),
        "Sin": by_table(np.sin),
        "Cos": by_table(np.cos),
        "Tan": by_table(np.tan),
        "Asin": by_table(np.arcsin),
        "Acos": by_table(np.arccos),
        "Atan": by_table(np.arctan),
        "Sinh": by_table(np.sinh),
        "Cosh": by_table(np.cosh),
        "Asinh": by_table(np.arcsinh),
        "Acosh": by_table(np.arccosh),
        "Atanh": by_table(np.arctanh),
        "Conj": np.conjugate,
        "IsFinite": np.isfinite,
        "IsInf": np.isinf,
        "IsNan": np.isnan,
        "Greater": np.greater,
        "GreaterEqual": np.greater_equal,
        "Less": np.less,
        "LessEqual": np.less_equal,
        "LogicalAnd": np.logical_and,
        "LogicalOr": np.logical_or,
        "LogicalNot": np.logical_not,
        "BitwiseAnd": np.bitwise_and,
        "BitwiseOr": np.bitwise_or,
        "BitwiseXor": np.bitwise_xor,
        "Invert": np.invert,
        "NextAfter": np.nextafter,
    },
)
