"""A pickle reader that builds NumPy arrays, scalars, dtypes and plain containers, and nothing else.

A pickle is a program that names the functions to call. Here each name is looked up in a short table of stand-ins; any
other is refused before anything is called. The stand-ins check their arguments, because NumPy's own `__setstate__`
methods trust them: a dtype with hand-made fields can lay Python pointers over bytes of the file.
"""

from __future__ import annotations

import collections
import io
import math
import pickle
import re
from collections.abc import Callable, Iterable
from typing import IO, Any, ClassVar

import numpy as np

from smcli.errors import SmcliError

Array = np.ndarray[Any, Any]

MAX_ITEMS = 2**24  # of containers in containers
MAX_BYTES = 2**34  # what one array in a pickle may ask for; its bytes must be in the file as well
_DTYPE_CODE = re.compile(r"[<>=|]?([?bhilqpBHILQPefdgFDGSUVOMm]|[biufcSUVOMm]\d{1,9})\Z")
_ML_DTYPES = (
    "bfloat16",
    "float8_e4m3fn",
    "float8_e4m3b11fnuz",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "int4",
    "uint4",
)


class Refused(SmcliError):
    """The pickle asks for something that smcli does not build; the message names it."""

    shown_as = "_pickle.UnpicklingError"


def load(file: IO[bytes], name: str) -> Any:
    """The value of the first pickle in `file`, which errors call `name`; all protocols, those of NumPy 1 and 2.

    Raises SmcliError, shown as UnpicklingError, when it holds anything but arrays, scalars, dtypes and plain
    containers, and when it is no pickle at all.
    """
    try:
        # of bytes in memory, no length in the pickle can make more
        value = _plain(_Unpickler(io.BytesIO(file.read())).load(), {})
        _check_items(value)
        return value
    except Refused as error:
        raise Refused(f"{name}: {error.message}", hint="Save the arrays with numpy.savez instead.") from None
    except Exception as error:  # a damaged pickle can raise anything
        raise Refused(f"Failed to interpret file {name} as a pickle", hint=f"{type(error).__name__}: {error}") from None


def loads(data: bytes, name: str) -> Any:
    return load(io.BytesIO(data), name)


class _Unpickler(pickle._Unpickler):  # the one in Python: the one in C takes memory for any memo index it is told
    # of the base class
    stack: list[Any]
    read: Callable[[int], bytes]
    append: Callable[[Any], None]

    def find_class(self, module: str, name: str) -> Any:
        found = _ALLOWED.get((module, name))
        if found is None:
            raise Refused(f"the pickle uses {module}.{name}, which smcli does not load")
        return found

    def persistent_load(self, pid: Any) -> Any:
        raise Refused("the pickle refers to objects outside of itself")

    def load_build(self) -> None:
        state = self.stack.pop()
        built = self.stack[-1]
        if not isinstance(built, (_DType, _PickledArray)):
            raise Refused(f"the pickle sets the state of a {type(built).__name__}")
        built.__setstate__(state)

    def load_bytearray8(self) -> None:
        size = int.from_bytes(self.read(8), "little")
        data = self.read(size)
        if len(data) != size:
            raise Refused("the pickle ends too early")
        self.append(bytearray(data))

    dispatch: ClassVar[dict[int, Any]] = {
        **pickle._Unpickler.dispatch,
        pickle.BUILD[0]: load_build,
        pickle.BYTEARRAY8[0]: load_bytearray8,
    }


class _DType:
    """Stands for a dtype while its pickle is read."""

    def __init__(self, code: Any, align: Any = False, copy: Any = False) -> None:
        self.value = _simple_dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if len(state) < 8:
            raise Refused("a dtype has an unknown form")
        _, order, base, names, fields, size, _, _, *metadata = state
        if base is not None:
            self.value = _checked(np.dtype((_real(base[0]), _shape(base[1]))))
        elif names is not None:
            self.value = _record(names, fields, size)
        elif self.value.kind in "mM" and metadata and metadata[0]:
            unit, count = metadata[0][1][:2]
            unit = unit.decode() if isinstance(unit, bytes) else unit
            if unit != "generic":
                self.value = np.dtype(f"{self.value.kind}8[{int(count)}{unit}]")
        if order in ("<", ">") and names is None:
            self.value = self.value.newbyteorder(order)


class _PickledArray(np.ndarray[Any, Any]):
    """An array whose state is checked before NumPy sees it."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        shape, dtype, is_fortran, data = state[-4:]
        shape, real = _shape(shape), _real(dtype)
        size = math.prod(shape)
        if real.kind == "O":
            if not isinstance(data, list) or len(data) != size:
                raise Refused("an array of objects has the wrong number of them")
        elif isinstance(data, str):  # bytes of Python 2 by way of latin-1
            data = data.encode("latin-1")
        if real.kind != "O" and (not isinstance(data, (bytes, bytearray)) or len(data) != size * real.itemsize):
            raise Refused("an array has not the number of bytes that its shape asks for")
        checked: Any = (1, shape, real, bool(is_fortran), data if real.kind == "O" else bytes(data))
        super().__setstate__(checked)


_NDARRAY = object()  # stands for the class numpy.ndarray, which pickles only name as an argument of `_reconstruct`


def _reconstruct(kind: Any, shape: Any, code: Any) -> _PickledArray:
    if kind is not _NDARRAY or math.prod(_shape(shape)) > 1:
        raise Refused("an array is of an unknown kind")
    return np.ndarray.__new__(_PickledArray, _shape(shape), "b")


def _scalar(dtype: Any, data: Any = b"") -> Any:
    real = _real(dtype)
    if real.kind == "O":
        return data
    if isinstance(data, str):
        data = data.encode("latin-1")
    if not isinstance(data, bytes) or len(data) != real.itemsize:
        raise Refused("a scalar has not the bytes that its dtype asks for")
    return np.frombuffer(data, real)[0] if data else real.type()


def _frombuffer(data: Any, dtype: Any, shape: Any, order: Any) -> Array:
    """numpy._core.numeric._frombuffer, which protocol 5 uses."""
    real, wanted = _real(dtype), _shape(shape)
    data = bytes(data)
    if real.hasobject or len(data) != math.prod(wanted) * real.itemsize or order not in ("C", "F"):
        raise Refused("an array has not the number of bytes that its shape asks for")
    flat = np.frombuffer(data, real) if data else np.empty(0, real)
    return flat.reshape(wanted, order=order)


def _simple_dtype(code: Any) -> np.dtype[Any]:
    if isinstance(code, bytes):
        code = code.decode("latin-1")
    if isinstance(code, str) and _DTYPE_CODE.match(code):
        return np.dtype(code)
    if isinstance(code, _ScalarType):
        return code.dtype
    raise Refused(f"a dtype is made from {code!r:.60}")


def _record(names: Any, fields: Any, size: Any) -> np.dtype[Any]:
    formats = [_real(fields[name][0]) for name in names]
    if any(real.hasobject for real in formats):
        raise Refused("a record dtype has fields of objects")
    offsets = [int(fields[name][1]) for name in names]
    if not 0 <= int(size) <= MAX_BYTES:
        raise Refused("a record dtype is too large")
    return np.dtype(
        {"names": [str(name) for name in names], "formats": formats, "offsets": offsets, "itemsize": int(size)}
    )


def _checked(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.hasobject and dtype.kind != "O":
        raise Refused("a dtype has parts of objects")
    return dtype


def _real(dtype: Any) -> np.dtype[Any]:
    if not isinstance(dtype, _DType):
        raise Refused("an array has no dtype")
    return dtype.value


def _shape(shape: Any) -> tuple[int, ...]:
    sizes = tuple(shape)
    if not all(isinstance(size, int) and 0 <= size <= MAX_BYTES for size in sizes) or math.prod(sizes) > MAX_BYTES:
        raise Refused(f"an array has the shape {sizes!r:.60}")
    return sizes


class _ScalarType:
    """Stands for a scalar type such as numpy.float32, called or as the argument of a dtype."""

    def __init__(self, dtype: Any) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)

    def __call__(self, value: Any = 0) -> Any:
        if not isinstance(value, (bool, int, float, complex)):
            raise Refused(f"{self.dtype} is called with {type(value).__name__}")
        return self.dtype.type(value)


def _bytes(*arguments: Any) -> bytes:
    if not arguments:
        return b""
    if len(arguments) == 1 and isinstance(arguments[0], (bytes, bytearray, list)):
        return bytes(arguments[0])
    if len(arguments) == 2 and all(isinstance(argument, str) for argument in arguments):
        return _encode(*arguments)
    raise Refused("bytes are made from something else than text or bytes")


def _encode(text: Any, encoding: Any = "utf-8") -> bytes:
    """_codecs.encode, by which protocols 0 to 2 write bytes."""
    if not isinstance(text, str) or str(encoding).lower() not in ("latin1", "latin-1", "utf-8", "utf8", "ascii"):
        raise Refused(f"text is encoded as {encoding!r:.30}")
    return text.encode(encoding)


def _small(kind: type, *accepted: type) -> Callable[..., Any]:
    """A constructor that takes no argument or one of the `accepted` types."""

    def make(*arguments: Any) -> Any:
        if len(arguments) > 1 or not all(isinstance(argument, accepted) for argument in arguments):
            raise Refused(f"{kind.__name__} is made from something unexpected")
        return kind(*arguments)

    return make


def _complex(*parts: Any) -> complex:
    if len(parts) > 2 or not all(isinstance(part, (int, float)) for part in parts):
        raise Refused("complex is made from something unexpected")
    return complex(*parts)


def _plain(value: Any, seen: dict[int, Any]) -> Any:
    """`value` with the stand-ins replaced by what they stand for; containers are changed in place."""
    if isinstance(value, _PickledArray):
        array = value.view(np.ndarray)
        if array.dtype == object and id(value) not in seen:
            seen[id(value)] = value
            for index in range(array.size):
                array.flat[index] = _plain(array.flat[index], seen)
        return array
    if isinstance(value, _DType):
        return value.value
    if isinstance(value, _ScalarType):
        return value.dtype.type
    if id(value) in seen:
        return seen[id(value)]
    if isinstance(value, list):
        seen[id(value)] = value
        value[:] = [_plain(item, seen) for item in value]
    elif isinstance(value, dict):
        seen[id(value)] = value
        for key in value:
            value[key] = _plain(value[key], seen)
    elif type(value) is tuple:
        seen[id(value)] = value  # kept alive; a tuple inside itself stays as it is
        return tuple([_plain(item, seen) for item in value])
    return value


def _check_items(value: Any) -> None:
    """Raise Refused for containers that hold each other so often that a walk through them all would not end."""
    sizes: dict[int, int] = {}  # items below each container, counted as often as they would be visited
    opened: set[int] = set()
    pending = _containers([value])
    while pending:
        item = pending[-1]
        inner = _containers(item.values() if isinstance(item, dict) else item)
        if id(item) in sizes:
            pending.pop()
        elif id(item) in opened:
            sizes[id(item)] = len(item) + sum(sizes[id(part)] for part in inner)
            if sizes[id(item)] > MAX_ITEMS:
                raise Refused(f"the pickle's containers hold more than {MAX_ITEMS} items")
            opened.remove(id(item))
            pending.pop()
        else:
            opened.add(id(item))
            if any(id(part) in opened for part in inner):
                raise Refused("the pickle has a container that holds itself")
            pending += [part for part in inner if id(part) not in sizes]


def _containers(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, (list, tuple, dict))]


def _allowed() -> dict[tuple[str, str], Any]:
    table: dict[tuple[str, str], Any] = {}
    for core in ("numpy.core", "numpy._core"):
        table[f"{core}.multiarray", "_reconstruct"] = _reconstruct
        table[f"{core}.multiarray", "scalar"] = _scalar
        table[f"{core}.numeric", "_frombuffer"] = _frombuffer
    for module in ("numpy", "numpy.core.multiarray", "numpy._core.multiarray"):
        table[module, "ndarray"] = _NDARRAY
        table[module, "dtype"] = _DType
    scalars = "bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128"
    for name in scalars.split():
        table["numpy", name] = _ScalarType(getattr(np, name))
    table["numpy", "bool"] = table["numpy", "bool_"]
    if hasattr(np, "dtypes"):
        for name in ("Float32", "Float64", "Int32", "Int64", "Bool"):
            table["numpy.dtypes", f"{name}DType"] = _dtype_class(name)
    for module in ("builtins", "__builtin__"):
        table[module, "bytes"] = _bytes
        table[module, "bytearray"] = lambda *arguments: bytearray(_bytes(*arguments))
        table[module, "complex"] = _complex
        table[module, "list"] = _small(list, list, tuple)
        table[module, "tuple"] = _small(tuple, list, tuple)
        table[module, "dict"] = _small(dict, dict, list)
        table[module, "set"] = _small(set, list, tuple)
        table[module, "frozenset"] = _small(frozenset, list, tuple)
        table[module, "int"] = _small(int, int)
        table[module, "float"] = _small(float, int, float)
        table[module, "bool"] = _small(bool, int)
    table["_codecs", "encode"] = _encode
    table["collections", "OrderedDict"] = _small(collections.OrderedDict, dict, list)
    import ml_dtypes

    for name in _ML_DTYPES:
        if hasattr(ml_dtypes, name):
            table["ml_dtypes", name] = _ScalarType(getattr(ml_dtypes, name))
    return table


def _dtype_class(name: str) -> Callable[[], _DType]:
    return lambda: _DType({"Float32": "f4", "Float64": "f8", "Int32": "i4", "Int64": "i8", "Bool": "b1"}[name])


_ALLOWED = _allowed()
