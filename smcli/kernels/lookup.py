"""Lookup tables: hash tables from initialisers, text files and inserts; immutable, mutable, of vectors, dense.

A table is a Python object; its handle is a 0-d object array that holds it, for resource handles and the reference
strings of the first-generation ops alike. Semantics: tensorflow/core/kernels/lookup_table_op.cc and
lookup_table_init_op.cc.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.errors import FailedPreconditionError, InvalidArgumentError
from smcli.kernels._named_files import read_named
from smcli.kernels._tables import DenseTable, MutableTable, StaticTable, Table
from smcli.kernels._vocabulary import read_table
from smcli.kernels.context import Array, Context, handle
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

_PROBING = "a key that an import has put where probing does not reach it is found all the same"
DEVIATIONS = dict.fromkeys(("LookupTableImportV2", "LookupTableRemoveV2"), _PROBING)


def _shared(
    context: Context,
    container: str,
    shared_name: str,
    key_dtype: DataType,
    value_dtype: DataType,
    make: Callable[[], Table],
) -> Array:
    table = context.resource("table", container, shared_name, make)
    if (table.key_dtype, table.value_dtype) != (key_dtype, value_dtype):
        raise InvalidArgumentError(
            f"Conflicting key/value dtypes {key_dtype.tf_name}->{value_dtype.tf_name} with "
            f"{table.key_dtype.tf_name}-{table.value_dtype.tf_name} for table {shared_name or context.node}"
        )
    return handle(table)


@kernel("HashTable", "HashTableV2", stateful=True)
def hash_table(
    *, key_dtype: DataType, value_dtype: DataType, container: str = "", shared_name: str = "", context: Context
) -> Array:
    """A table that is filled once by an initialiser."""
    name = shared_name or context.node
    return _shared(
        context, container, shared_name, key_dtype, value_dtype, lambda: StaticTable(name, key_dtype, value_dtype)
    )


@kernel("AnonymousHashTable", stateful=True)
def anonymous_hash_table(*, key_dtype: DataType, value_dtype: DataType, context: Context) -> Array:
    return handle(StaticTable(context.node, key_dtype, value_dtype))


@kernel("MutableHashTable", "MutableHashTableV2", stateful=True)
def mutable_hash_table(
    *, key_dtype: DataType, value_dtype: DataType, container: str = "", shared_name: str = "", context: Context
) -> Array:
    """A table from scalars to scalars that grows."""
    name = shared_name or context.node
    return _shared(
        context, container, shared_name, key_dtype, value_dtype, lambda: MutableTable(name, key_dtype, value_dtype)
    )


@kernel("AnonymousMutableHashTable", stateful=True)
def anonymous_mutable_hash_table(*, key_dtype: DataType, value_dtype: DataType, context: Context) -> Array:
    return handle(MutableTable(context.node, key_dtype, value_dtype))


def _vector_shape(shape: tuple[int, ...] | None) -> tuple[int, ...]:
    if shape is None or any(size < 0 for size in shape):
        raise InvalidArgumentError(f"Shape {_brackets(shape)} is not fully defined")
    if len(shape) != 1:
        raise InvalidArgumentError(f"Default value must be a vector, got shape {_brackets(shape)}")
    return shape


def _brackets(shape: tuple[int, ...] | None) -> str:
    if shape is None:
        return "<unknown>"
    return "[" + ",".join("?" if size < 0 else str(size) for size in shape) + "]"


@kernel("MutableHashTableOfTensors", "MutableHashTableOfTensorsV2", stateful=True)
def mutable_hash_table_of_tensors(
    *,
    key_dtype: DataType,
    value_dtype: DataType,
    value_shape: tuple[int, ...] | None = (),
    container: str = "",
    shared_name: str = "",
    context: Context,
) -> Array:
    """A table from scalars to vectors that grows."""
    name, shape = shared_name or context.node, _vector_shape(value_shape)
    return _shared(
        context,
        container,
        shared_name,
        key_dtype,
        value_dtype,
        lambda: MutableTable(name, key_dtype, value_dtype, shape),
    )


@kernel("AnonymousMutableHashTableOfTensors", stateful=True)
def anonymous_mutable_hash_table_of_tensors(
    *, key_dtype: DataType, value_dtype: DataType, value_shape: tuple[int, ...] | None = (), context: Context
) -> Array:
    return handle(MutableTable(context.node, key_dtype, value_dtype, _vector_shape(value_shape)))


@kernel("MutableDenseHashTableV2", stateful=True)
def mutable_dense_hash_table(
    empty_key: Array,
    deleted_key: Array,
    *,
    key_dtype: DataType,
    value_dtype: DataType,
    value_shape: tuple[int, ...] | None = (),
    initial_num_buckets: int = 1 << 17,
    max_load_factor: float = 0.8,
    container: str = "",
    shared_name: str = "",
    context: Context,
) -> Array:
    """An open-addressing table; its export shows the buckets."""
    name = shared_name or context.node

    def make() -> Table:
        return DenseTable(
            name, key_dtype, value_dtype, value_shape, empty_key, deleted_key, initial_num_buckets, max_load_factor
        )

    return _shared(context, container, shared_name, key_dtype, value_dtype, make)


@kernel("AnonymousMutableDenseHashTable", stateful=True)
def anonymous_mutable_dense_hash_table(
    empty_key: Array,
    deleted_key: Array,
    *,
    key_dtype: DataType,
    value_dtype: DataType,
    value_shape: tuple[int, ...] | None = (),
    initial_num_buckets: int = 1 << 17,
    max_load_factor: float = 0.8,
    context: Context,
) -> Array:
    return handle(
        DenseTable(
            context.node,
            key_dtype,
            value_dtype,
            value_shape,
            empty_key,
            deleted_key,
            initial_num_buckets,
            max_load_factor,
        )
    )


def table_of(table_handle: Any) -> Table:
    """The lookup table that a handle holds. Raises InvalidArgumentError for other handles."""
    table = np.asarray(table_handle, dtype=object).item() if np.size(table_handle) == 1 else None
    if not isinstance(table, Table):
        raise InvalidArgumentError(f"The handle is not that of a lookup table but of {type(table).__name__}")
    return table


def _static(table_handle: Any) -> StaticTable:
    table = table_of(table_handle)
    if not isinstance(table, StaticTable):
        raise InvalidArgumentError(f"Table {table.name} is not initializable")
    return table


@kernel("InitializeTable", "InitializeTableV2", stateful=True)
def initialize_table(table_handle: Any, keys: Array, values: Array) -> tuple[()]:
    """Fill a table from vectors of keys and values."""
    table = _static(table_handle)
    keys, values = np.asarray(keys), np.asarray(values)
    if keys.ndim != 1:
        raise InvalidArgumentError(f"Keys must be a vector, but received shape{_brackets(keys.shape)}")
    if values.ndim != 1:
        raise InvalidArgumentError(f"Values must be a vector, but received shape{_brackets(values.shape)}")
    if len(keys) != len(values):
        raise InvalidArgumentError(f"Keys and values must have the same size {len(keys)} vs {len(values)}")
    table.check_dtypes(keys, values)
    if not len(keys):
        raise InvalidArgumentError("keys and values cannot be empty tensors.")
    table.initialize(keys, values)
    return ()


@kernel("InitializeTableFromTextFile", "InitializeTableFromTextFileV2", stateful=True)
def initialize_table_from_text_file(
    table_handle: Any,
    filename: Array,
    *,
    key_index: int,
    value_index: int,
    vocab_size: int = -1,
    delimiter: str = "\t",
    offset: int = 0,
    context: Context,
) -> tuple[()]:
    """Fill a table from the lines of an asset: columns, whole lines (-2) or line numbers (-1) as keys and values."""
    table = _static(table_handle)
    if np.size(filename) != 1 or np.ndim(filename) != 0:
        raise InvalidArgumentError(f"filename should be a single string, but got {_brackets(np.shape(filename))}")
    path: bytes = np.asarray(filename, dtype=object).item()
    if not path:
        raise InvalidArgumentError("filename cannot be empty.")
    separator = delimiter.encode("utf-8", "surrogateescape")
    if len(separator) != 1:
        raise InvalidArgumentError("delimiter should be only 1 char")
    keys, values = read_table(
        path,
        read_named(path, "InitializeTableFromTextFileV2", "its vocabulary", context),
        (table.key_dtype, key_index),
        (table.value_dtype, value_index),
        vocab_size,
        separator,
        offset,
    )
    table.initialize(keys, values)
    return ()


@kernel("LookupTableFind", "LookupTableFindV2", stateful=True)
def lookup_table_find(table_handle: Any, keys: Array, default_value: Array) -> Array:
    """The keys' values, or the default (one for all, or one for each) where a key is not in the table."""
    table = table_of(table_handle)
    keys, default = np.asarray(keys), np.asarray(default_value)
    if isinstance(table, StaticTable) and not table.initialized:
        raise FailedPreconditionError("Table not initialized.")
    table.check_dtypes(keys, default)
    return table.find(keys, default)


@kernel("LookupTableInsert", "LookupTableInsertV2", stateful=True)
def lookup_table_insert(table_handle: Any, keys: Array, values: Array) -> tuple[()]:
    table = table_of(table_handle)
    keys, values = np.asarray(keys), np.asarray(values)
    table.check_dtypes(keys, values)
    table.insert(keys, values)
    return ()


@kernel("LookupTableRemoveV2", stateful=True)
def lookup_table_remove(table_handle: Any, keys: Array) -> tuple[()]:
    table = table_of(table_handle)
    keys = np.asarray(keys)
    table.check_keys(keys)
    table.remove(keys)
    return ()


@kernel("LookupTableImport", "LookupTableImportV2", stateful=True)
def lookup_table_import(table_handle: Any, keys: Array, values: Array) -> tuple[()]:
    """Replace what the table holds (for an initialised immutable table: only by as many entries)."""
    table = table_of(table_handle)
    keys, values = np.asarray(keys), np.asarray(values)
    table.check_dtypes(keys, values)
    table.replace(keys, values)
    return ()


@kernel("LookupTableExport", "LookupTableExportV2", stateful=True)
def lookup_table_export(table_handle: Any, *, Tkeys: DataType, Tvalues: DataType) -> tuple[Array, Array]:
    """All keys and values, in the order in which they were put in (TensorFlow's order is arbitrary)."""
    table = table_of(table_handle)
    if (Tkeys, Tvalues) != (table.key_dtype, table.value_dtype):
        raise InvalidArgumentError(
            f"Table {table.name} holds {table.key_dtype.tf_name}->{table.value_dtype.tf_name}, "
            f"not {Tkeys.tf_name}->{Tvalues.tf_name}"
        )
    return table.export()


@kernel("LookupTableSize", "LookupTableSizeV2", stateful=True)
def lookup_table_size(table_handle: Any) -> Any:
    return np.int64(table_of(table_handle).size())
