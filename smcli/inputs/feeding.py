"""Coercion of any Python or NumPy value to the dtype and shape of the tensor that it feeds.

The rules are those of a TensorFlow 1 session (tensorflow/python/client/session.py, tensorflow/c/tf_tensor.cc and
tensorflow/python/util/numpy_compat.py): NumPy's own casts decide, in two steps. `as_fed` gives the array that Python
feeds, in which strings are still Python objects and quantised types are one-field records; `to_tensor` gives the tensor
that the graph sees.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from smcli.errors import InternalError, InvalidArgumentError, SmcliError
from smcli.inputs.names import check_feed
from smcli.proto.saved_model_pb2 import TensorInfo
from smcli.tensors.types import DataType, from_number

if TYPE_CHECKING:
    from smcli.runtime.session import Session

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...] | None

_STRUCT_FORMATS = {
    DataType.QINT8: "i1",
    DataType.QUINT8: "u1",
    DataType.QINT16: "i2",
    DataType.QUINT16: "u2",
    DataType.QINT32: "i4",
}


def fed_dtype(data_type: DataType) -> np.dtype[Any]:
    """The NumPy dtype that values are cast to: a one-field record for quantised types, else that of the tensor."""
    if data_type.is_quantized:
        return np.dtype([(data_type.tf_name, _STRUCT_FORMATS[data_type])])
    return data_type.numpy


def fed_to(session: Session, info: TensorInfo, value: Any) -> tuple[Array, DataType]:
    """The array that feeds `value` to the tensor of `info`, and the tensor's dtype: what its placeholder declares, else
    what `info` does.

    Raises SmcliError, shown as TypeError for a tensor that is not in the graph and as ValueError for a shape that does
    not fit; InvalidArgumentError for a data type that there is not; and what `as_fed` raises.
    """
    check_feed(session.graph, info.name)
    dtype, shape = session.placeholder(info.name)
    if dtype is DataType.INVALID:
        dtype = _declared_dtype(info)
    array = as_fed(value, dtype)
    check_shape(array, info.name, shape)
    return array, dtype


def _declared_dtype(info: TensorInfo) -> DataType:
    try:
        return from_number(info.dtype)
    except ValueError:
        raise InvalidArgumentError(f"Tensor {info.name} has the unknown data type {info.dtype}") from None


def as_fed(value: Any, data_type: DataType) -> Array:
    """`value` as the array that feeds a tensor of `data_type`.

    Raises SmcliError, shown as the TypeError, ValueError or OverflowError of NumPy, when the cast is impossible, and as
    TypeError when a bare int does not fit. (NumPy's SystemError is a character that there is not.)
    """
    if data_type in (DataType.RESOURCE, DataType.VARIANT):
        raise InvalidArgumentError(f"Tensors of type {data_type.tf_name} can not be fed")
    dtype = fed_dtype(data_type)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            if isinstance(value, int) and not _int_fits(value, dtype):
                raise TypeError(
                    f"Type of feed value {value} with type {type(value)} is not compatible with Tensor type"
                    f" {_type_of(dtype)}. Try explicitly setting the type of the feed tensor"
                    " to a larger type (e.g. int64)."
                )
            if np.issubdtype(dtype, np.number):
                return np.asarray(value).astype(dtype, copy=False)
            return np.asarray(value, dtype=dtype)
    except (TypeError, ValueError, OverflowError, MemoryError, RecursionError, SystemError) as error:
        raise SmcliError(str(error), shown_as=type(error).__name__) from None


def check_shape(array: Array, tensor_name: str, shape: Shape) -> None:
    """Raise SmcliError, shown as ValueError, when `array` can not feed a tensor of `shape` (-1 or None for unknown)."""
    if shape is None:
        return
    if len(shape) == array.ndim and all(want in (-1, have) for want, have in zip(shape, array.shape)):
        return
    wanted = ["None" if size < 0 else str(size) for size in shape]
    shown = f"({wanted[0]},)" if len(wanted) == 1 else f"({', '.join(wanted)})"
    raise SmcliError(
        f"Cannot feed value of shape {array.shape} for Tensor {tensor_name}, which has shape {shown}",
        shown_as="ValueError",
    )


def to_tensor(fed: Array, data_type: DataType) -> Array:
    """The tensor for an array made by `as_fed`: strings as bytes, quantised types as plain integers.

    Raises InternalError for objects that are no strings.
    """
    if data_type is DataType.STRING:
        strings = np.empty(fed.size, dtype=object)
        strings[:] = [_to_bytes(item) for item in fed.ravel()]
        return strings.reshape(fed.shape)
    # a view, because records become integers and C's two 64-bit types become one
    return np.ascontiguousarray(fed).view(data_type.numpy).reshape(fed.shape)


def _int_fits(value: int, dtype: np.dtype[Any]) -> bool:
    if dtype.kind == "O":
        return False  # the original compares the int with its own text
    cast = np.array(value).astype(dtype)
    if dtype.type is np.void:  # a quantised type; the original calls its class all the same
        raise TypeError("'numpy.dtypes.VoidDType' object is not callable")
    return bool(dtype.type(cast) == value)


def _type_of(dtype: np.dtype[Any]) -> type:
    return object if dtype.kind == "O" else dtype.type


def _to_bytes(item: Any) -> bytes:
    if isinstance(item, bytes):
        return bytes(item)
    if isinstance(item, str):
        try:
            return item.encode()
        except UnicodeEncodeError:
            raise InternalError("Graph execution error:\n\nUnable to convert element to UTF-8") from None
    kind = type(item)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    raise InternalError(f"Graph execution error:\n\nUnsupported object type {name}")
