"""Sparse tensors packed into records and back: three serialized tensors (indices, values, shape) in a row.

Semantics from tensorflow/core/kernels/serialize_sparse_op.cc and deserialize_sparse_*_op.cc. A record is of strings
(TensorProto) or of variants (the tensors themselves).
"""

from __future__ import annotations

import numpy as np
from google.protobuf.message import DecodeError

from smcli.errors import InvalidArgumentError
from smcli.kernels._sorting import row_order
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.kernels.sparse import check_sparse
from smcli.proto.tensor_pb2 import TensorProto
from smcli.tensors import wire
from smcli.tensors.types import DataType


def _packed(tensor: Array, data_type: DataType, out_type: DataType) -> object:
    if out_type is DataType.VARIANT:
        return tensor
    return wire.to_proto(tensor, data_type).SerializeToString(deterministic=True)


def _record(indices: Array, values: Array, shape: Array, value_type: DataType, out_type: DataType) -> Array:
    record = np.empty(3, dtype=object)
    record[0] = _packed(indices, DataType.INT64, out_type)
    record[1] = _packed(values, value_type, out_type)
    record[2] = _packed(shape, DataType.INT64, out_type)
    return record


@kernel("SerializeSparse")
def serialize_sparse(
    sparse_indices: Array,
    sparse_values: Array,
    sparse_shape: Array,
    *,
    T: DataType,
    out_type: DataType = DataType.STRING,
) -> Array:
    """The record [3] of one sparse tensor, whose parts are not compared until it is read again."""
    for name, value, rank in (
        ("indices", sparse_indices, 2),
        ("values", sparse_values, 1),
        ("shape", sparse_shape, 1),
    ):
        if value.ndim != rank:
            raise InvalidArgumentError(f"Input {name} should be of rank {rank} but received shape {list(value.shape)}")
    return _record(sparse_indices, sparse_values, sparse_shape, T, out_type)


@kernel("SerializeManySparse")
def serialize_many_sparse(
    sparse_indices: Array,
    sparse_values: Array,
    sparse_shape: Array,
    *,
    T: DataType,
    out_type: DataType = DataType.STRING,
) -> Array:
    """The records [n, 3] of the slices of a sparse tensor along its first dimension of n."""
    sizes = check_sparse(sparse_indices, sparse_values, sparse_shape)
    if len(sizes) <= 1:
        raise InvalidArgumentError(f"Rank of input SparseTensor should be > 1, but saw rank: {len(sizes)}")
    rows = sparse_indices[:, 0]
    bad = (rows < 0) | (rows >= sizes[0])
    if bad.any():
        raise InvalidArgumentError(f"Received batch index {int(rows[bad][0])}, but the batch has {sizes[0]} entries")
    edges = np.searchsorted(rows, np.arange(sizes[0] + 1))
    records = np.empty((sizes[0], 3), dtype=object)
    for row in range(sizes[0]):
        part = slice(int(edges[row]), int(edges[row + 1]))
        records[row] = _record(sparse_indices[part, 1:], sparse_values[part], sparse_shape[1:], T, out_type)
    return records


def _unpacked(item: object, data_type: DataType, what: str) -> Array:
    if isinstance(item, np.ndarray):
        tensor = item
    elif isinstance(item, bytes):
        try:
            tensor = wire.from_proto(TensorProto.FromString(item))
        except DecodeError:
            raise InvalidArgumentError(f"Could not parse serialized proto of the {what}") from None
    else:
        raise InvalidArgumentError(f"the {what} of a serialized sparse tensor hold no tensor")
    if tensor.dtype != data_type.numpy:
        raise InvalidArgumentError(f"Expected the {what} to be {data_type.tf_name}, but they are {tensor.dtype}")
    return tensor


def _joined(records: list[list[object]], outer: tuple[int, ...], dtype: DataType) -> tuple[Array, Array, Array]:
    """One sparse tensor of all records; `outer` are the dimensions that count them."""
    parts = []
    shape: Array | None = None
    for number, record in enumerate(records):
        indices = _unpacked(record[0], DataType.INT64, "indices")
        values = _unpacked(record[1], dtype, "values")
        own = _unpacked(record[2], DataType.INT64, "shape")
        check_sparse(indices, values, own, f"serialized sparse tensor {number}")
        if shape is not None and shape.size != own.size:
            raise InvalidArgumentError(
                f"Inconsistent rank across SparseTensors: rank prior to SparseTensor[{number}] was: {shape.size} "
                f"but rank of SparseTensor[{number}] is: {own.size}"
            )
        shape = own if shape is None else np.maximum(shape, own)
        place = np.broadcast_to(
            np.array(np.unravel_index(number, outer) if outer else (), np.int64), (len(values), len(outer))
        )
        parts.append((np.concatenate([place, indices], axis=1), values))
    if shape is None:
        raise InvalidArgumentError("Must have at least 1 serialized SparseTensor")
    indices = np.concatenate([part[0] for part in parts])
    values = np.concatenate([part[1] for part in parts])
    order = row_order(indices)
    return indices[order], values[order], np.concatenate([np.array(outer, np.int64), shape])


@kernel("DeserializeSparse")
def deserialize_sparse(serialized_sparse: Array, *, dtype: DataType) -> tuple[Array, Array, Array]:
    """Indices, values and shape of the sparse tensor that records [..., 3] make."""
    if serialized_sparse.ndim == 0:
        raise InvalidArgumentError("Serialized sparse should have non-zero rank but received shape []")
    if serialized_sparse.shape[-1] != 3:
        raise InvalidArgumentError(
            f"Serialized sparse should have 3 as the last dimension but received shape {list(serialized_sparse.shape)}"
        )
    outer = serialized_sparse.shape[:-1]
    return _joined(serialized_sparse.reshape(-1, 3).tolist(), outer, dtype)


@kernel("DeserializeManySparse")
def deserialize_many_sparse(serialized_sparse: Array, *, dtype: DataType) -> tuple[Array, Array, Array]:
    """Indices, values and shape of the sparse tensor that records [n, 3] make."""
    if serialized_sparse.ndim != 2:
        raise InvalidArgumentError(
            f"Serialized sparse should be a matrix but received shape {list(serialized_sparse.shape)}"
        )
    if serialized_sparse.shape[1] != 3:
        raise InvalidArgumentError(
            f"Serialize sparse input needs to have 3 columns but has {serialized_sparse.shape[1]} columns"
        )
    return _joined(serialized_sparse.tolist(), serialized_sparse.shape[:1], dtype)
