"""TensorList ops: lists of tensors in variants, as tf.TensorArray uses them in functions and while loops.

A list is a value: setting or pushing an item gives another list, which shares the tensors.
Semantics: tensorflow/core/kernels/list_kernels.h and list_kernels.cc.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError, UnimplementedError
from smcli.kernels._checks import scalar, vector, zeros
from smcli.kernels.context import Array, handle
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType
from smcli.tensors.variants import TensorList
from smcli.tensors.wire import checked_size

Shape = tuple[int, ...]
MAX_ITEMS = 2**28  # pointers to items, not their bytes; keeps a hostile size from taking all memory


def list_of(tensor: Array, dtype: DataType) -> TensorList:
    """The list in a variant scalar. Raises InvalidArgumentError for another value or another element dtype."""
    found: object = tensor[()]
    if not isinstance(found, TensorList):
        raise InvalidArgumentError(f"Input handle is not a list. Saw: '{type(found).__name__}'")
    if found.element_dtype is not dtype:
        raise InvalidArgumentError(
            f"Invalid data types; op elements {dtype.tf_name} but list elements {found.element_dtype.tf_name}"
        )
    return found


def shape_from(tensor: Array) -> Shape | None:
    """The shape in an element_shape input: a vector, or the scalar -1 for unknown rank."""
    if tensor.ndim == 0:
        if tensor != -1:
            raise InvalidArgumentError("The only valid scalar shape tensor is the fully unknown shape specified as -1.")
        return None
    shape = tuple(vector(tensor, "element_shape"))
    if any(size < -1 for size in shape):
        raise InvalidArgumentError(f"Dimensions of element_shape must be >= -1, but got {list(shape)}")
    return shape


def compatible(a: Shape | None, b: Shape | None) -> bool:
    if a is None or b is None or a == b:
        return True
    return len(a) == len(b) and all(m in (n, -1) or n == -1 for m, n in zip(a, b, strict=True))


def merged(a: Shape | None, b: Shape | None) -> Shape | None:
    """What both shapes know. Raises InvalidArgumentError when they contradict each other."""
    if a is None or a == b:
        return b
    if b is None:
        return a
    if not compatible(a, b):
        raise InvalidArgumentError(f"Incompatible ranks or dimensions during merge: {list(a)} vs. {list(b)}")
    return tuple([n if m == -1 else m for m, n in zip(a, b, strict=True)])


def _shown(shape: Shape | None) -> str:
    return "<unknown>" if shape is None else "[" + ",".join("?" if n == -1 else str(n) for n in shape) + "]"


def _is_full(shape: Shape | None) -> bool:
    return shape is not None and -1 not in shape


def _row(tensor: Array, i: int) -> Array:
    return tensor[i, ...]


def _rows(tensor: Array) -> list[Array | None]:
    if tensor.dtype.kind == "O":
        return [tensor[i, ...] for i in range(len(tensor))]
    return list(tensor)


def _known_shape(items: Sequence[Array | None], shape: Shape | None) -> Shape | None:
    """`shape`, completed from the items that are set."""
    if not _is_full(shape):
        for item in items:
            if item is not None:
                return merged(shape, item.shape)
    return shape


def _blank(shape: Shape | None, dtype: DataType, error: str) -> Array:
    """What an item that was never set reads as. Raises InvalidArgumentError(error) when its shape is not known."""
    if shape is None or -1 in shape:
        raise InvalidArgumentError(f"{error}: {_shown(shape)}")
    checked_size(shape)
    if dtype is DataType.VARIANT:
        raise UnimplementedError("Reading an element that was never set from a list of variants")
    return zeros(shape, dtype)


def _stacked(items: Sequence[Array], shape: Shape, dtype: DataType) -> Array:
    """The items, all of `shape`, as the rows of one array."""
    if not items:
        return np.empty((0, *shape), dtype.numpy)
    if shape:
        return np.concatenate(items).reshape(len(items), *shape)
    if dtype.is_object:
        out = np.empty(len(items), dtype=object)
        out[:] = [item.item() for item in items]
        return out
    return np.array(items, dtype.numpy)


# Making lists


@kernel("EmptyTensorList")
def empty_tensor_list(element_shape: Array, max_num_elements: Array, *, element_dtype: DataType) -> Array:
    if max_num_elements.ndim:
        raise InvalidArgumentError(
            f"max_num_elements expected to be a scalar but got shape: {list(max_num_elements.shape)}"
        )
    return handle(TensorList(element_dtype, shape_from(element_shape), [], int(max_num_elements)))


@kernel("TensorListReserve")
def tensor_list_reserve(element_shape: Array, num_elements: Array, *, element_dtype: DataType) -> Array:
    count = scalar(num_elements, "num_elements")
    _check_count(count, "The num_elements to reserve must be a non negative number")
    return handle(TensorList(element_dtype, shape_from(element_shape), [None] * count))


def _check_count(count: int, message: str) -> None:
    if not 0 <= count <= MAX_ITEMS:
        raise InvalidArgumentError(f"{message}, but got {count}")


@kernel("TensorListFromTensor")
def tensor_list_from_tensor(tensor: Array, element_shape: Array, *, element_dtype: DataType) -> Array:
    if tensor.ndim == 0:
        raise InvalidArgumentError(f"Tensor must be at least a vector, but saw shape: {list(tensor.shape)}")
    shape = shape_from(element_shape)
    if not compatible(shape, tensor.shape[1:]):
        raise InvalidArgumentError(
            f"Specified a list with shape {_shown(shape)} from a tensor with shape {list(tensor.shape[1:])}"
        )
    return handle(TensorList(element_dtype, shape, _rows(tensor)))


@kernel("TensorListScatter", "TensorListScatterV2")
def tensor_list_scatter(
    tensor: Array, indices: Array, element_shape: Array, num_elements: Array | None = None, *, element_dtype: DataType
) -> Array:
    count = -1 if num_elements is None else scalar(num_elements, "num_elements")
    if count < -1:
        raise InvalidArgumentError(f"TensorListScatter expects num_elements >= -1, found: {count}")
    rows = _scatter_rows(tensor, indices)
    shape = shape_from(element_shape)
    if not compatible(shape, tensor.shape[1:]):
        raise InvalidArgumentError(
            f"Specified a list with shape {_shown(shape)} from a tensor with shape {list(tensor.shape[1:])}"
        )
    highest = max(rows, default=-1)
    if count != -1 and highest >= count:
        raise InvalidArgumentError(f"TensorListScatter: Trying to scatter at index {highest} in list with size {count}")
    items: list[Array | None] = [None] * (highest + 1 if count == -1 else count)
    for i, index in enumerate(rows):
        items[index] = _row(tensor, i)
    return handle(TensorList(element_dtype, shape, items))


def _scatter_rows(tensor: Array, indices: Array) -> list[int]:
    rows = vector(indices, "indices")
    if tensor.ndim == 0:
        raise InvalidArgumentError(f"Tensor must be at least a vector, but saw shape: {list(tensor.shape)}")
    if len(rows) != len(tensor):
        raise InvalidArgumentError(
            f"Invalid number of rows in input tensor. Expected: {len(rows)} Actual: {len(tensor)}"
        )
    if rows:
        _check_count(min(rows), "Indices in TensorListScatter must all be non-negative")
        _check_count(max(rows), "Indices in TensorListScatter must be small")
    return rows


@kernel("TensorListScatterIntoExistingList")
def tensor_list_scatter_into_existing_list(
    tensors: Array, tensor: Array, indices: Array, *, element_dtype: DataType
) -> Array:
    old = list_of(tensors, element_dtype)
    rows = _scatter_rows(tensor, indices)
    if not compatible(old.element_shape, tensor.shape[1:]):
        raise InvalidArgumentError(
            f"Tried to scatter tensor with incompatible shape into a list. Item element shape: "
            f"{list(tensor.shape[1:])} list shape: {_shown(old.element_shape)}"
        )
    items = old.items + [None] * (max(rows, default=-1) + 1 - len(old.items))
    for i, index in enumerate(rows):
        items[index] = _row(tensor, i)
    return handle(TensorList(element_dtype, old.element_shape, items, old.max_num_elements))


@kernel("TensorListSplit")
def tensor_list_split(tensor: Array, element_shape: Array, lengths: Array, *, element_dtype: DataType) -> Array:
    shape = shape_from(element_shape)
    if shape == ():
        raise InvalidArgumentError("TensorListSplit requires element_shape to be at least of rank 1, but saw: []")
    sizes = vector(lengths, "lengths")
    if tensor.ndim == 0:
        raise InvalidArgumentError(f"Tensor must be at least a vector, but saw shape: {list(tensor.shape)}")
    if any(size < 0 for size in sizes):
        raise InvalidArgumentError("Invalid value in lengths: they must not be negative")
    if not compatible(None if shape is None else shape[1:], tensor.shape[1:]):
        raise InvalidArgumentError(
            f"tensor shape {list(tensor.shape)} is not compatible with element_shape {_shown(shape)}"
        )
    if sum(sizes) != len(tensor):
        raise InvalidArgumentError(
            f"Attempting to slice [0, {sum(sizes)}] from tensor with length {len(tensor)}"
            if sum(sizes) > len(tensor)
            else f"Unused values in tensor. Length of tensor: {len(tensor)} Values used: {sum(sizes)}"
        )
    ends = np.cumsum(sizes).tolist()
    items: list[Array | None] = [tensor[end - size : end] for size, end in zip(sizes, ends, strict=True)]
    return handle(TensorList(element_dtype, shape, items))


# One item


@kernel("TensorListGetItem")
def tensor_list_get_item(tensors: Array, index: Array, element_shape: Array, *, element_dtype: DataType) -> Array:
    found = list_of(tensors, element_dtype)
    at = int(index)
    items = found.items
    if not 0 <= at < len(items):
        raise InvalidArgumentError(f"Trying to access element {at} in a list with {len(items)} elements.")
    item = items[at]
    if item is not None:
        return item
    shape = _known_shape(items, merged(shape_from(element_shape), found.element_shape))
    return _blank(
        shape, element_dtype, "Trying to read an uninitialized element but element_shape is not fully defined"
    )


@kernel("TensorListSetItem")
def tensor_list_set_item(
    tensors: Array,
    index: Array,
    item: Array,
    *,
    element_dtype: DataType,
    resize_if_index_out_of_bounds: bool = False,
) -> Array:
    old = list_of(tensors, element_dtype)
    at = int(index)
    items = old.items.copy()
    if at >= len(items) and resize_if_index_out_of_bounds:
        _check_count(at, "The list can not grow to this index")
        items += [None] * (at + 1 - len(items))
    if not 0 <= at < len(items):
        raise InvalidArgumentError(f"Trying to modify element {at} in a list with {len(items)} elements.")
    if not compatible(old.element_shape, item.shape):
        raise InvalidArgumentError(
            "Tried to set a tensor with incompatible shape at a list index. "
            f"Item element shape: {list(item.shape)} list shape: {_shown(old.element_shape)}"
        )
    items[at] = item
    return handle(TensorList(element_dtype, old.element_shape, items, old.max_num_elements))


def _pushed(old: TensorList, item: Array) -> TensorList:
    if not compatible(old.element_shape, item.shape):
        raise InvalidArgumentError(
            "Tried to append a tensor with incompatible shape to a list. "
            f"Op element shape: {list(item.shape)} list shape: {_shown(old.element_shape)}"
        )
    if old.max_num_elements != -1 and len(old.items) >= old.max_num_elements:
        raise InvalidArgumentError(
            f"Tried to push item into a full list list size: {len(old.items)} max_num_elements: {old.max_num_elements}"
        )
    return TensorList(old.element_dtype, old.element_shape, [*old.items, item], old.max_num_elements)


@kernel("TensorListPushBack")
def tensor_list_push_back(tensors: Array, item: Array, *, element_dtype: DataType) -> Array:
    return handle(_pushed(list_of(tensors, element_dtype), item))


@kernel("TensorListPushBackBatch")
def tensor_list_push_back_batch(handles: Array, tensor: Array, *, element_dtype: DataType) -> Array:
    if tensor.ndim == 0 or handles.ndim != 1 or len(handles) != len(tensor):
        raise InvalidArgumentError(
            f"Invalid batch: handles have shape {list(handles.shape)} and the tensor has shape {list(tensor.shape)}"
        )
    out = np.empty(handles.shape, dtype=object)
    for i in range(len(handles)):
        out[i] = _pushed(list_of(handles[i, ...], element_dtype), _row(tensor, i))
    return out


@kernel("TensorListPopBack")
def tensor_list_pop_back(tensors: Array, element_shape: Array, *, element_dtype: DataType) -> tuple[Array, Array]:
    old = list_of(tensors, element_dtype)
    if not old.items:
        raise InvalidArgumentError("Trying to pop from an empty list.")
    item = old.items[-1]
    if item is None:
        item = _blank(
            merged(shape_from(element_shape), old.element_shape),
            element_dtype,
            "Trying to read an uninitialized element but element_shape is not fully defined",
        )
    return handle(TensorList(element_dtype, old.element_shape, old.items[:-1], old.max_num_elements)), item


# The whole list


@kernel("TensorListLength")
def tensor_list_length(tensors: Array) -> np.int32:
    return np.int32(len(_any_list(tensors).items))


def _any_list(tensors: Array) -> TensorList:
    found: Any = tensors[()]
    return list_of(tensors, getattr(found, "element_dtype", DataType.INVALID))


@kernel("TensorListElementShape")
def tensor_list_element_shape(tensors: Array, *, shape_type: DataType) -> Array:
    shape = _any_list(tensors).element_shape
    return np.array(-1 if shape is None else shape, shape_type.numpy)


@kernel("TensorListResize")
def tensor_list_resize(tensors: Array, size: Array) -> Array:
    old = _any_list(tensors)
    if size.ndim:
        raise InvalidArgumentError("size must be a scalar")
    count = int(size)
    _check_count(count, "TensorListSlice expects size to be non-negative")
    items = old.items[:count] + [None] * (count - len(old.items))
    return handle(TensorList(old.element_dtype, old.element_shape, items, old.max_num_elements))


@kernel("TensorListStack")
def tensor_list_stack(
    tensors: Array, element_shape: Array, *, element_dtype: DataType, num_elements: int = -1
) -> Array:
    found = list_of(tensors, element_dtype)
    items = found.items
    if num_elements not in (-1, len(items)):
        raise InvalidArgumentError(
            f"Operation expected a list with {num_elements} elements but got a list with {len(items)} elements."
        )
    return _stack(items, merged(shape_from(element_shape), found.element_shape), element_dtype, "stack")


def _stack(items: Sequence[Array | None], declared: Shape | None, dtype: DataType, verb: str) -> Array:
    try:
        shapes = {item.shape for item in items}  # type: ignore[union-attr]
    except AttributeError:  # an item is not set
        shapes = set()
    if len(shapes) == 1 and compatible(declared, own := shapes.pop()):
        return _stacked(items, own, dtype)  # type: ignore[arg-type]
    shape = _known_shape(items, declared)
    if shape is None or -1 in shape:
        which = "which only contains uninitialized tensors" if items else "of 0 elements"
        raise InvalidArgumentError(
            f"Tried to {verb} a list {which} and has a non-fully-defined element_shape: {_shown(shape)}"
        )
    if None in [item if item is None else 0 for item in items]:
        blank = _blank(shape, dtype, "element_shape is not fully defined")
        items = [blank if item is None else item for item in items]
    rows = [item for item in items if item is not None]
    for row in rows:
        if row.shape != shape:
            raise InvalidArgumentError(
                f"Tried to {verb} list elements of incompatible shapes: {list(row.shape)} vs. {list(shape)}"
            )
    return _stacked(rows, shape, dtype)


@kernel("TensorListGather")
def tensor_list_gather(tensors: Array, indices: Array, element_shape: Array, *, element_dtype: DataType) -> Array:
    found = list_of(tensors, element_dtype)
    items = []
    for index in indices.ravel().tolist():
        if not 0 <= index < len(found.items):
            raise InvalidArgumentError(f"Trying to gather element {index} in a list with {len(found.items)} elements.")
        items.append(found.items[index])
    declared = merged(shape_from(element_shape), found.element_shape)
    shape = _known_shape(found.items, declared) if items else declared
    return _stack(items, shape, element_dtype, "gather")


@kernel("TensorListConcat")
def tensor_list_concat(
    tensors: Array, *, element_dtype: DataType, element_shape: Shape | None = None
) -> tuple[Array, Array]:
    return _concat(list_of(tensors, element_dtype), element_shape, [])


@kernel("TensorListConcatV2")
def tensor_list_concat_v2(
    tensors: Array, element_shape: Array, leading_dims: Array, *, element_dtype: DataType
) -> tuple[Array, Array]:
    """leading_dims: lengths of the items that were never set."""
    return _concat(list_of(tensors, element_dtype), shape_from(element_shape), vector(leading_dims, "leading_dims"))


def _concat(found: TensorList, declared: Shape | None, leading: list[int]) -> tuple[Array, Array]:
    shape = merged(declared, found.element_shape)
    if shape == ():
        raise InvalidArgumentError("Concat requires elements to be at least vectors, found scalars instead.")
    rest = None if shape is None else shape[1:]
    for item in found.items:
        if item is not None:
            if item.ndim == 0:
                raise InvalidArgumentError("Concat saw a scalar shape at index 0 but requires at least vectors.")
            rest = merged(rest, item.shape[1:])
    if rest is None or -1 in rest:
        raise InvalidArgumentError(
            f"All except the first dimension must be fully defined when concating an empty tensor list. "
            f"element_shape: {_shown(shape)}"
        )
    whole = _known_shape(found.items, None)
    first = whole[0] if whole else -1 if shape is None else shape[0]
    pieces = []
    for i, item in enumerate(found.items):
        if item is None:
            length = leading[i] if i < len(leading) else first
            if length < 0:
                raise InvalidArgumentError(
                    "Concating lists with uninitialized tensors is not supported in this version of TensorListConcat. "
                    f"Consider updating to TensorListConcatV2 with leading_dims: item {i}"
                )
            item = _blank((length, *rest), found.element_dtype, "element_shape is not fully defined")
        pieces.append(item)
    lengths = np.array([len(piece) for piece in pieces], np.int64)
    if not pieces:
        return np.empty((0, *rest), found.element_dtype.numpy), lengths
    return np.concatenate(pieces), lengths


@kernel("TensorListConcatLists")
def tensor_list_concat_lists(a: Array, b: Array, *, element_dtype: DataType) -> Array:
    if a.shape != b.shape:
        raise InvalidArgumentError(f"Incompatible input TensorList tensor shapes: {list(a.shape)} vs. {list(b.shape)}")
    out = np.empty(a.shape, dtype=object)
    for i in np.ndindex(a.shape):
        one, other = list_of(a[(*i, ...)], element_dtype), list_of(b[(*i, ...)], element_dtype)
        shape = merged(one.element_shape, other.element_shape)
        out[i] = TensorList(element_dtype, shape, one.items + other.items, one.max_num_elements)
    return out


def sum_of_lists(lists: Sequence[Array]) -> Array:
    """The list of the sums of elements; an element that was never set counts nothing.

    Raises InvalidArgumentError for lists of other lengths or dtypes, or of what has no sum.
    """
    values: list[Any] = [item[()] for item in lists]
    first = values[0]
    if not all(isinstance(value, TensorList) for value in values):
        raise InvalidArgumentError("AddN of variants takes lists of tensors")
    if any(value.element_dtype is not first.element_dtype for value in values):
        raise InvalidArgumentError("Trying to add two lists of tensors of different dtypes")
    if any(len(value.items) != len(first.items) for value in values):
        raise InvalidArgumentError("Trying to add two lists of tensors with different lengths")
    items = [_sum_of_items([item for item in column if item is not None]) for column in zip(*(v.items for v in values))]
    return handle(TensorList(first.element_dtype, first.element_shape, items, first.max_num_elements))


def _sum_of_items(items: list[Array]) -> Array | None:
    if not items:
        return None
    total = items[0]
    for item in items[1:]:
        if item.shape != total.shape:
            raise InvalidArgumentError(f"Cannot add tensors of shapes {list(total.shape)} and {list(item.shape)}")
        total = sum_of_lists([total, item]) if total.dtype == object else np.add(total, item)
    return total
