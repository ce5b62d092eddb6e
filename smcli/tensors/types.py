"""TensorFlow's data types, their names and their NumPy counterparts: the one place that knows them.

Numbers are those of tensorflow/core/framework/types.proto. Importing this module does not import NumPy; the `numpy`
property does, when first used.

Storage in arrays: quantised types are held as plain integers of their width (qint8 as int8), strings as object arrays
of `bytes`, resources and variants as object arrays of the objects themselves. bfloat16, float8 and the 2- and 4-bit
types are those of ml_dtypes.
"""

from __future__ import annotations

import enum
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

REF_OFFSET = 100  # DT_FLOAT_REF is DT_FLOAT + 100


class DataType(enum.IntEnum):
    """A TensorFlow dtype. `tf_name` is its public name, `numpy` the dtype of the arrays that hold it."""

    INVALID = 0
    FLOAT = 1
    DOUBLE = 2
    INT32 = 3
    UINT8 = 4
    INT16 = 5
    INT8 = 6
    STRING = 7
    COMPLEX64 = 8
    INT64 = 9
    BOOL = 10
    QINT8 = 11
    QUINT8 = 12
    QINT32 = 13
    BFLOAT16 = 14
    QINT16 = 15
    QUINT16 = 16
    UINT16 = 17
    COMPLEX128 = 18
    HALF = 19
    RESOURCE = 20
    VARIANT = 21
    UINT32 = 22
    UINT64 = 23
    FLOAT8_E5M2 = 24
    FLOAT8_E4M3FN = 25
    FLOAT8_E4M3FNUZ = 26
    FLOAT8_E4M3B11FNUZ = 27
    FLOAT8_E5M2FNUZ = 28
    INT4 = 29
    UINT4 = 30
    INT2 = 31
    UINT2 = 32
    FLOAT4_E2M1FN = 33

    @property
    def tf_name(self) -> str:
        """The name in `tf.DType.name`: float32, string, qint8."""
        return _NAMES.get(self, self.name.lower())

    @property
    def numpy(self) -> np.dtype[Any]:
        """The NumPy dtype of arrays that hold this type."""
        return _numpy_dtype(self)

    @property
    def is_object(self) -> bool:
        """True for types whose arrays hold Python objects: string, resource, variant."""
        return self in _OBJECTS

    @property
    def is_quantized(self) -> bool:
        return self in _QUANTIZED

    @property
    def is_floating(self) -> bool:
        return self in _FLOATING

    @property
    def is_complex(self) -> bool:
        return self in (DataType.COMPLEX64, DataType.COMPLEX128)

    @property
    def is_integer(self) -> bool:
        """True for plain (not quantised) integers of any width."""
        return self in _INTEGERS


_NAMES = {DataType.FLOAT: "float32", DataType.DOUBLE: "float64", DataType.HALF: "float16"}
_OBJECTS = frozenset({DataType.STRING, DataType.RESOURCE, DataType.VARIANT})
_QUANTIZED = {
    DataType.QINT8: "int8",
    DataType.QUINT8: "uint8",
    DataType.QINT16: "int16",
    DataType.QUINT16: "uint16",
    DataType.QINT32: "int32",
}
_INTEGERS = frozenset(t for t in DataType if t.name.startswith(("INT", "UINT")) and t.name != "INVALID")
_ML_DTYPES = frozenset(
    t
    for t in DataType
    if t.name.startswith(("BFLOAT", "FLOAT8", "FLOAT4")) or t.name in ("INT4", "UINT4", "INT2", "UINT2")
)
_FLOATING = frozenset({DataType.HALF, DataType.FLOAT, DataType.DOUBLE}) | {t for t in _ML_DTYPES if "FLOAT" in t.name}


@cache
def _numpy_dtype(data_type: DataType) -> np.dtype[Any]:
    import numpy as np

    if data_type in _OBJECTS:
        return np.dtype(object)
    if data_type in _QUANTIZED:
        return np.dtype(_QUANTIZED[data_type])
    if data_type in _ML_DTYPES:
        import ml_dtypes

        small: np.dtype[Any] = np.dtype(getattr(ml_dtypes, data_type.tf_name))
        return small
    if data_type is DataType.INVALID:
        raise ValueError("DT_INVALID has no NumPy dtype")
    return np.dtype(data_type.tf_name)


@cache
def by_name(name: str) -> DataType:
    """The type whose `tf_name` is `name`. Raises KeyError for an unknown name."""
    for data_type in DataType:
        if data_type.tf_name == name:
            return data_type
    raise KeyError(name)


@cache
def from_numpy(dtype: np.dtype[Any]) -> DataType:
    """The type that arrays of `dtype` hold: object means string; integers are never taken for quantised.

    Raises KeyError for a dtype that TensorFlow does not have.
    """
    return DataType.STRING if dtype.kind in "OSU" else by_name(dtype.name)


def from_number(number: int) -> DataType:
    """The type for a number of the wire format, a reference type standing for its base. Raises ValueError."""
    number = number - REF_OFFSET if number > REF_OFFSET else number
    return _BY_NUMBER.get(number) or DataType(number)  # the call takes three times as long, and raises


_BY_NUMBER = {data_type.value: data_type for data_type in DataType if data_type.value}
