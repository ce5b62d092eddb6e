"""The lookup tables themselves: what they hold and how keys are found, many at a time."""

from __future__ import annotations

import threading
from itertools import repeat
from typing import Any

import numpy as np

from smcli.errors import FailedPreconditionError, InternalError, InvalidArgumentError, UnimplementedError
from smcli.kernels._bytes import as_array
from smcli.kernels.context import Array
from smcli.kernels.hashing import hash64
from smcli.tensors.types import DataType, from_numpy

_MAX_BUCKETS = 1 << 32


def _brackets(shape: tuple[int, ...]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"


def _rows(shape: tuple[int, ...], data_type: DataType) -> Array:
    if data_type is DataType.STRING:
        return as_array([b""] * int(np.prod(shape)), shape)
    return np.zeros(shape, data_type.numpy)


class Table:
    """Keys to values. Values stand in rows of one array; `_index` says which row is whose.

    value_shape: the shape of one value.
    """

    def __init__(
        self, name: str, key_dtype: DataType, value_dtype: DataType, value_shape: tuple[int, ...] = ()
    ) -> None:
        self.name = name
        self.key_dtype = key_dtype
        self.value_dtype = value_dtype
        self.value_shape = value_shape
        self._index: dict[Any, int] = {}
        self._values = _rows((0, *value_shape), value_dtype)
        self._lock = threading.Lock()

    def size(self) -> int:
        return len(self._index)

    def check_dtypes(self, keys: Array, values: Array) -> None:
        """Raises InvalidArgumentError when the arrays' dtypes are not the table's."""
        if keys.dtype != self.key_dtype.numpy or values.dtype != self.value_dtype.numpy:
            raise InvalidArgumentError(
                f"Signature mismatch, have: {from_numpy(keys.dtype).tf_name}->{from_numpy(values.dtype).tf_name} "
                f"expected: {self.key_dtype.tf_name}->{self.value_dtype.tf_name}"
            )

    def check_keys(self, keys: Array) -> None:
        if keys.dtype != self.key_dtype.numpy:
            raise InvalidArgumentError(
                f"Key must be type {self.key_dtype.tf_name} but got {from_numpy(keys.dtype).tf_name}"
            )

    def _key_list(self, keys: Array) -> list[Any]:
        """The keys as what `_index` is indexed by."""
        return keys.ravel().tolist()

    def _batch_shape(self, keys: Array) -> tuple[int, ...]:
        """The dims of `keys` that count keys. Raises InvalidArgumentError when one key has not the right shape."""
        shape: tuple[int, ...] = keys.shape
        return shape

    def find(self, keys: Array, default: Array) -> Array:
        batch = self._batch_shape(keys)
        full = batch + self.value_shape
        if default.shape not in (self.value_shape, full):
            raise InvalidArgumentError(
                f"Expected shape {_brackets(self.value_shape)} or {_brackets(full)} for default value, "
                f"got {_brackets(default.shape)}"
            )
        key_list = self._key_list(keys)
        default = self._default(default)
        with self._lock:
            rows = np.fromiter(map(self._index.get, key_list, repeat(-1)), np.int64, len(key_list))
            values = self._values
        flat = np.broadcast_to(default, full).reshape((len(rows), *self.value_shape)).copy()
        known = rows >= 0
        flat[known] = values[rows[known]]
        return flat.reshape(full)

    def _default(self, default: Array) -> Array:
        return default

    def _check_values(self, keys: Array, values: Array) -> None:
        expected = self._batch_shape(keys) + self.value_shape
        if values.shape != expected:
            raise InvalidArgumentError(f"Expected shape {_brackets(expected)} for value, got {_brackets(values.shape)}")

    def _put(self, key_list: list[Any], values: Array) -> None:
        """Write values under keys; of equal keys the last wins. Called with the lock held."""
        index = self._index
        start = len(self._values)
        index.update(zip(key_list, range(start, start + len(key_list)), strict=True))
        self._values = np.concatenate([self._values, values.reshape((len(key_list), *self.value_shape))])
        if len(self._values) > 2 * len(index) + 64:
            self._compact()

    def _compact(self) -> None:
        rows = np.fromiter(self._index.values(), np.int64, len(self._index))
        self._values = self._values[rows]
        self._index = dict(zip(self._index, range(len(rows)), strict=True))

    def insert(self, keys: Array, values: Array) -> None:
        raise NotImplementedError

    def remove(self, keys: Array) -> None:
        raise NotImplementedError

    def replace(self, keys: Array, values: Array) -> None:
        raise NotImplementedError

    def export(self) -> tuple[Array, Array]:
        with self._lock:
            rows = np.fromiter(self._index.values(), np.int64, len(self._index))
            keys: Array = np.empty(len(rows), self.key_dtype.numpy)
            keys[:] = list(self._index)
            return keys, self._values[rows]


class StaticTable(Table):
    """HashTable: filled once."""

    initialized = False

    def _default(self, default: Array) -> Array:
        """One default for all: of several, the first is used (lookup_table_op.cc, HashTable::DoFind)."""
        return default.ravel()[:1].reshape(()) if default.ndim and default.size else default

    def initialize(self, keys: Array, values: Array) -> None:
        """Fill the table. A second time is let pass if it brings as many keys, else FailedPreconditionError."""
        with self._lock:
            if self.initialized:
                if len(keys) != len(self._index):
                    raise FailedPreconditionError("Table was already initialized with different data.")
                return
            key_list = keys.tolist()
            index = dict(zip(key_list, range(len(key_list)), strict=True))
            if len(index) != len(key_list):
                self._check_duplicates(key_list, values.tolist())
            self._index, self._values = index, values.copy()
            self.initialized = True

    @staticmethod
    def _check_duplicates(keys: list[Any], values: list[Any]) -> None:
        seen: dict[Any, Any] = {}
        for key, value in zip(keys, values, strict=True):
            if seen.setdefault(key, value) != value:
                shown = key.decode("utf-8", "replace") if isinstance(key, bytes) else key
                raise FailedPreconditionError(
                    f"HashTable has different value for same key. "
                    f"Key {shown} has {seen[key]!r} and trying to add value {value!r}"
                )

    def insert(self, keys: Array, values: Array) -> None:
        raise UnimplementedError("Insert not supported by InitializableLookupTable implementations")

    def remove(self, keys: Array) -> None:
        raise UnimplementedError("Remove not supported by InitializableLookupTable implementations")

    def replace(self, keys: Array, values: Array) -> None:
        self._check_values(keys, values)
        self.initialize(keys.ravel(), values.ravel())


class MutableTable(Table):
    """MutableHashTable and, with a value shape, MutableHashTableOfTensors."""

    def insert(self, keys: Array, values: Array) -> None:
        self._check_values(keys, values)
        with self._lock:
            self._put(keys.ravel().tolist(), values)

    def remove(self, keys: Array) -> None:
        with self._lock:
            for key in keys.ravel().tolist():
                self._index.pop(key, None)

    def replace(self, keys: Array, values: Array) -> None:
        self._check_values(keys, values)
        with self._lock:
            self._index = {}
            self._values = self._values[:0]
            self._put(keys.ravel().tolist(), values)


class DenseTable(Table):
    """MutableDenseHashTable: open addressing with quadratic probing. Keys may be vectors.

    Which bucket a key is in shows in the export, so buckets are kept as TensorFlow does: `_buckets` holds the key of
    each, None for an empty one and `_DELETED` for one whose key was removed.
    """

    def __init__(
        self,
        name: str,
        key_dtype: DataType,
        value_dtype: DataType,
        value_shape: tuple[int, ...] | None,
        empty_key: Array,
        deleted_key: Array | None,
        initial_num_buckets: int,
        max_load_factor: float,
    ) -> None:
        if value_shape is None or any(size < 0 for size in value_shape):
            raise InvalidArgumentError("The value shape of a dense table must be fully defined")
        if len(value_shape) > 1:
            raise InvalidArgumentError(f"Empty value must be a scalar or a vector, got shape {_brackets(value_shape)}")
        super().__init__(name, key_dtype, value_dtype, value_shape)
        self._empty_key = np.asarray(empty_key)
        self._deleted_key = None if deleted_key is None else np.asarray(deleted_key)
        self._key_shape = self._empty_key.shape
        if len(self._key_shape) > 1:
            raise InvalidArgumentError(
                f"Empty key must be a scalar or a vector, got shape {_brackets(self._key_shape)}"
            )
        if not 0 < max_load_factor < 1:
            raise InvalidArgumentError(f"max_load_factor must be between 0 and 1, got: {max_load_factor:g}")
        self._max_load = max_load_factor
        self._empty = self._key_list(self._empty_key.reshape(1, -1))[0]
        self._deleted = None
        if self._deleted_key is not None:
            if self._deleted_key.shape != self._key_shape:
                raise InvalidArgumentError(
                    "Empty and deleted keys must have same shape, got shapes: "
                    f"{_brackets(self._key_shape)} and {_brackets(self._deleted_key.shape)}"
                )
            self._deleted = self._key_list(self._deleted_key.reshape(1, -1))[0]
            if self._deleted == self._empty:
                raise InvalidArgumentError("Empty and deleted keys cannot be equal")
        self._buckets: list[Any] = []
        self._left: dict[int, Array] = {}  # values that removed keys left behind in their buckets
        self._allocate(initial_num_buckets)

    def _allocate(self, count: int) -> None:
        if count < 4 or count & (count - 1) or count > _MAX_BUCKETS:
            raise InvalidArgumentError(f"Number of buckets must be at least 4 and a power of 2, got: {count}")
        self._count = count
        self._left = {}
        self._buckets = []  # made when the first key comes: most tables have 131072 buckets and few keys

    def _batch_shape(self, keys: Array) -> tuple[int, ...]:
        if keys.size == 0:
            return keys.shape[:1] or (0,)
        batch = keys.shape[0] if keys.ndim else 1
        if keys.size != batch * int(np.prod(self._key_shape)):
            expected = (batch, *self._key_shape)
            raise InvalidArgumentError(f"Expected key shape {_brackets(expected)} got {_brackets(keys.shape)}")
        return (batch,) if keys.ndim else ()

    def _key_list(self, keys: Array) -> list[Any]:
        if not self._key_shape:
            return keys.ravel().tolist()
        return list(map(tuple, keys.reshape(-1, int(np.prod(self._key_shape))).tolist()))

    def _hashes(self, key_list: list[Any]) -> list[int]:
        """Scalar integers hash to themselves, strings by Hash64, vectors by mixing (lookup_table_op.cc, HashKey)."""
        if not key_list:
            return []
        if self._key_shape:
            width = int(np.prod(self._key_shape))
            flat = np.array(key_list, self.key_dtype.numpy).reshape(-1)
            if self.key_dtype is DataType.STRING:
                parts = hash64(flat.tolist())
            else:
                parts = flat.astype(np.uint64)
            total = np.zeros(len(key_list), np.uint64)
            for column in parts.reshape(-1, width).T:
                total = _hash64_combine(total, column)
            return [int(value) for value in total]
        if self.key_dtype is DataType.STRING:
            return [int(value) for value in hash64(key_list)]
        return [key & 0xFFFFFFFFFFFFFFFF for key in key_list]

    def _forbid(self, key_list: list[Any]) -> None:
        if self._empty in key_list:
            raise InvalidArgumentError("Using the empty_key as a table key is not allowed")
        if self._deleted is not None and self._deleted in key_list:
            raise InvalidArgumentError("Using the deleted_key as a table key is not allowed")

    def find(self, keys: Array, default: Array) -> Array:
        self._batch_shape(keys)
        self._forbid(self._key_list(keys))
        return super().find(keys, default)

    def _check_values(self, keys: Array, values: Array) -> None:
        super()._check_values(keys, values)
        if keys.size and not self._key_shape and values.shape != keys.shape + self.value_shape:
            expected = _brackets(keys.shape + self.value_shape)
            raise InvalidArgumentError(f"Expected shape {expected} for value, got {_brackets(values.shape)}")

    def _place(self, key_list: list[Any]) -> None:
        """Give each new key a bucket."""
        if not self._buckets:
            self._buckets = [None] * self._count
        buckets, mask = self._buckets, self._count - 1
        for key, hashed in zip(key_list, self._hashes(key_list), strict=True):
            at = hashed & mask
            for probe in range(1, self._count + 1):
                if buckets[at] is None or buckets[at] is _DELETED or buckets[at] == key:
                    buckets[at] = key
                    break
                at = (at + probe) & mask
            else:
                raise InternalError("Internal error in MutableDenseHashTable insert")

    def insert(self, keys: Array, values: Array) -> None:
        self._check_values(keys, values)
        key_list = self._key_list(keys)
        self._forbid(key_list)
        with self._lock:
            pending = len(self._index) + len(key_list)
            if pending > self._count * self._max_load:
                count = self._count
                while pending > count * self._max_load:
                    count *= 2
                held = [key for key in self._buckets if key is not None and key is not _DELETED]
                self._allocate(count)
                self._place(held)
            self._place(key_list)
            self._put(key_list, values)

    def remove(self, keys: Array) -> None:
        self._batch_shape(keys)
        key_list = self._key_list(keys)
        self._forbid(key_list)
        if self._deleted is None:
            raise UnimplementedError("Remove is not supported by a table without a deleted key")
        with self._lock:
            for key in key_list:
                row = self._index.pop(key, None)
                if row is not None:
                    at = self._buckets.index(key)
                    self._buckets[at] = _DELETED
                    self._left[at] = self._values[row]

    def replace(self, keys: Array, values: Array) -> None:
        """Buckets as `export` gave them: as many as there are keys, the empty and deleted ones passed over."""
        count = self._batch_shape(keys)
        if values.size != int(np.prod(count + self.value_shape)):
            raise InvalidArgumentError(f"Expected {count} values of shape {_brackets(self.value_shape)}")
        key_list = self._key_list(keys)
        with self._lock:
            self._allocate(len(key_list))
            marks = {self._empty: None, self._deleted: _DELETED}
            self._buckets = [marks.get(key, key) for key in key_list]
            held = [i for i, key in enumerate(key_list) if key not in marks]
            rows = values.reshape((len(key_list), *self.value_shape))
            self._left = {i: rows[i] for i, key in enumerate(self._buckets) if key is _DELETED}
            self._index = {}
            self._values = self._values[:0]
            self._put([key_list[i] for i in held], rows[held])

    def export(self) -> tuple[Array, Array]:
        with self._lock:
            buckets = self._buckets or [None] * self._count
            deleted = self._empty if self._deleted is None else self._deleted
            shown = [self._empty if key is None else deleted if key is _DELETED else key for key in buckets]
            keys = np.array(shown, self.key_dtype.numpy).reshape(len(shown), int(np.prod(self._key_shape)))
            values = _rows((len(shown), *self.value_shape), self.value_dtype)
            rows = np.fromiter(map(self._index.get, shown, repeat(-1)), np.int64, len(shown))
            values[rows >= 0] = self._values[rows[rows >= 0]]
            for at, value in self._left.items():
                if buckets[at] is _DELETED:
                    values[at] = value
            return keys, values.reshape(len(shown), int(np.prod(self.value_shape)))


class _Deleted:
    """Marks a bucket whose key was removed."""


_DELETED = _Deleted()


def _hash64_combine(first: Array, second: Array) -> Array:
    """Hash64Combine of tsl/platform/hash.h."""
    mixed: Array = first ^ (second + np.uint64(0x9E3779B97F4A7800) + (first << np.uint64(10)) + (first >> np.uint64(4)))
    return mixed
