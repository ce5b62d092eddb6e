"""TensorArray ops V1 to V3 (the arrays of TF1 loops) and Stack ops.

A handle, whether TensorFlow types it as resource or as string, is an object array that holds the array or stack
itself; it lives as long as the run that made it. Order of reads and writes is that of flow values and control edges.
Semantics: tensorflow/core/kernels/tensor_array.h, tensor_array_ops.cc, stack.cc.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from smcli.errors import InternalError, InvalidArgumentError, UnimplementedError
from smcli.kernels._checks import scalar, vector, zeros
from smcli.kernels.context import Array, Context, handle
from smcli.kernels.registry import kernel
from smcli.kernels.tensor_list import MAX_ITEMS, compatible, merged
from smcli.tensors.types import DataType

Shape = tuple[int, ...]
FLOW = np.float32(0)


class _Cleared:
    """Stands for an element that a read has let go of."""


CLEARED = _Cleared()


@dataclass(slots=True, eq=False)
class TensorArray:
    """items: None where nothing was written yet. element_shape: -1 for unknown dims, None for unknown rank.

    adds: what is written to one place is summed, as gradients are. shapes: of what was written to each place, or of
    what a gradient is to be there. gradients: by their source.
    """

    name: str
    dtype: DataType
    element_shape: Shape | None
    items: list[Array | _Cleared | None]
    dynamic_size: bool
    clear_after_read: bool
    identical_element_shapes: bool
    closed: bool = False
    read: set[int] = field(default_factory=set)
    adds: bool = False
    shapes: dict[int, Shape] = field(default_factory=dict)
    gradients: dict[str, TensorArray] = field(default_factory=dict)

    def write(self, index: int, value: Array, dtype: DataType) -> None:
        self.check_open()
        place = f"TensorArray {self.name}: Could not write to TensorArray index {index} because"
        if dtype is not self.dtype:
            raise InvalidArgumentError(
                f"{place} the value dtype is {dtype.tf_name} but TensorArray dtype is {self.dtype.tf_name}."
            )
        if index < 0 or (index >= len(self.items) and not self.dynamic_size) or index >= MAX_ITEMS:
            raise InvalidArgumentError(
                f"TensorArray {self.name}: Tried to write to index {index} "
                f"but array is not resizeable and size is: {len(self.items)}"
            )
        if not compatible(self.element_shape, value.shape):
            raise InvalidArgumentError(
                f"{place} the value shape is {list(value.shape)} "
                f"which is incompatible with the TensorArray's inferred element shape: {self.element_shape}"
            )
        if index >= len(self.items):
            self.items += [None] * (index + 1 - len(self.items))
        if index in self.read:
            raise InvalidArgumentError(f"{place} it has already been read.")
        before = self.items[index]
        if self.adds and isinstance(before, np.ndarray):
            if before.shape != value.shape:
                raise InvalidArgumentError(
                    f"TensorArray {self.name}: Could not aggregate to TensorArray index {index} because the existing "
                    f"shape is {list(before.shape)} but the new input shape is {list(value.shape)}."
                )
            value = np.asarray(before + value)
        elif before is not None:
            raise InvalidArgumentError(f"{place} it has already been written to.")
        self.items[index] = value
        self.shapes[index] = value.shape
        if self.identical_element_shapes:
            self.element_shape = merged(self.element_shape, value.shape)

    def get(self, index: int) -> Array:
        self.check_open()
        if not 0 <= index < len(self.items):
            raise InvalidArgumentError(
                f"TensorArray {self.name}: Tried to read from index {index} but array size is: {len(self.items)}"
            )
        item = self.items[index]
        if isinstance(item, _Cleared):
            raise InvalidArgumentError(
                f"TensorArray {self.name}: Could not read index {index} twice because it was cleared after a previous "
                "read (perhaps try setting clear_after_read = false?)."
            )
        self.read.add(index)
        if item is None:
            shape = self.shapes.get(index, self.element_shape)
            if shape is None or -1 in shape:
                raise InvalidArgumentError(
                    f"TensorArray {self.name}: Could not read from TensorArray index {index}. "
                    f"Furthermore, the element shape is not fully defined: {shape}."
                )
            item = zeros(shape, self.dtype)
        if self.clear_after_read:
            self.items[index] = CLEARED
        return item

    def check_open(self) -> None:
        if self.closed:
            raise InvalidArgumentError(f"TensorArray {self.name} has already been closed.")


def _array(tensor: Array) -> TensorArray:
    found: object = tensor.item() if tensor.size == 1 else None
    if not isinstance(found, TensorArray):
        raise InvalidArgumentError(f"Expected a handle of a TensorArray, got a {type(found).__name__}")
    return found


@kernel("TensorArrayV3", stateful=True)
def tensor_array_v3(
    size: Array,
    *,
    dtype: DataType,
    element_shape: Shape | None = None,
    dynamic_size: bool = False,
    clear_after_read: bool = True,
    identical_element_shapes: bool = False,
    tensor_array_name: str = "",
    context: Context,
) -> tuple[Array, np.float32]:
    if size.ndim:
        raise InvalidArgumentError(f"TensorArray size must be scalar, but had shape: {list(size.shape)}")
    count = scalar(size, "size")
    if not 0 <= count <= MAX_ITEMS:
        raise InvalidArgumentError(f"Size should be >= 0. Got {count}")
    made = TensorArray(
        tensor_array_name or context.node,
        dtype,
        element_shape,
        [None] * count,
        dynamic_size,
        clear_after_read,
        identical_element_shapes,
    )
    return handle(made), FLOW


@kernel("TensorArray", "TensorArrayV2", stateful=True)
def tensor_array(
    size: Array,
    *,
    dtype: DataType,
    element_shape: Shape | None = None,
    dynamic_size: bool = False,
    clear_after_read: bool = True,
    tensor_array_name: str = "",
    context: Context,
) -> Array:
    return tensor_array_v3(
        size,
        dtype=dtype,
        element_shape=element_shape,
        dynamic_size=dynamic_size,
        clear_after_read=clear_after_read,
        tensor_array_name=tensor_array_name,
        context=context,
    )[0]


def _gradient(source_array: TensorArray, source: str, prepended: Shape) -> TensorArray:
    """The array for gradients of another, made when it is first asked for: zeros in the shapes of what that holds."""
    source_array.check_open()
    made = source_array.gradients.get(source)
    if made is None:
        shape = source_array.element_shape
        made = source_array.gradients[source] = TensorArray(
            f"{source_array.name}@{source}",
            source_array.dtype,
            None if shape is None else (*prepended, *shape),
            [None] * len(source_array.items),
            dynamic_size=False,
            clear_after_read=True,
            identical_element_shapes=source_array.identical_element_shapes,
            adds=True,
            shapes={index: (*prepended, *known) for index, known in source_array.shapes.items()},
        )
    return made


@kernel("TensorArrayGradV3", stateful=True)
def tensor_array_grad_v3(tensor: Array, flow_in: Array, *, source: str) -> tuple[Array, Array]:
    """The array of gradients of that source, in which writes to one place are summed."""
    return handle(_gradient(_array(tensor), source, ())), flow_in


@kernel("TensorArrayGrad", "TensorArrayGradV2", stateful=True)
def tensor_array_grad(tensor: Array, flow_in: Array, *, source: str) -> Array:
    return handle(_gradient(_array(tensor), source, ()))


@kernel("TensorArrayGradWithShape", stateful=True)
def tensor_array_grad_with_shape(
    tensor: Array, flow_in: Array, shape_to_prepend: Array, *, source: str
) -> tuple[Array, Array]:
    """The same for gradients of more dims, which come before the others."""
    return handle(_gradient(_array(tensor), source, tuple(vector(shape_to_prepend, "shape_to_prepend")))), flow_in


@kernel("TensorArrayWrite", "TensorArrayWriteV2", "TensorArrayWriteV3", stateful=True)
def tensor_array_write(tensor: Array, index: Array, value: Array, flow_in: Array, *, T: DataType) -> Array:
    if index.ndim:
        raise InvalidArgumentError(f"TensorArray index must be scalar, but had shape: {list(index.shape)}")
    _array(tensor).write(int(index), value, T)
    return flow_in


@kernel("TensorArrayRead", "TensorArrayReadV2", "TensorArrayReadV3", stateful=True)
def tensor_array_read(tensor: Array, index: Array, flow_in: Array, *, dtype: DataType) -> Array:
    if index.ndim:
        raise InvalidArgumentError(f"TensorArray index must be scalar, but had shape: {list(index.shape)}")
    found = _checked(tensor, dtype)
    return found.get(int(index))


def _checked(tensor: Array, dtype: DataType) -> TensorArray:
    found = _array(tensor)
    if found.dtype is not dtype:
        raise InvalidArgumentError(
            f"TensorArray dtype is {found.dtype.tf_name} but Op requested dtype {dtype.tf_name}."
        )
    return found


@kernel("TensorArraySize", "TensorArraySizeV2", "TensorArraySizeV3", stateful=True)
def tensor_array_size(tensor: Array, flow_in: Array) -> np.int32:
    found = _array(tensor)
    found.check_open()
    return np.int32(len(found.items))


@kernel("TensorArrayClose", "TensorArrayCloseV2", "TensorArrayCloseV3", stateful=True)
def tensor_array_close(tensor: Array) -> tuple[()]:
    found = _array(tensor)
    found.closed = True
    found.items.clear()
    return ()


@kernel("TensorArrayGather", "TensorArrayGatherV2", "TensorArrayGatherV3", stateful=True)
def tensor_array_gather(
    tensor: Array, indices: Array, flow_in: Array, *, dtype: DataType, element_shape: Shape | None = None
) -> Array:
    return _gathered(_checked(tensor, dtype), vector(indices, "indices"), element_shape)


@kernel("TensorArrayPack", stateful=True)
def tensor_array_pack(tensor: Array, flow_in: Array, *, dtype: DataType, element_shape: Shape | None = None) -> Array:
    found = _checked(tensor, dtype)
    return _gathered(found, range(len(found.items)), element_shape)


def _gathered(found: TensorArray, indices: Sequence[int], declared: Shape | None) -> Array:
    found.check_open()
    if not indices:
        if declared is None or -1 in declared:
            raise UnimplementedError(
                f"TensorArray has size zero, but element shape {declared} is not fully defined. "
                "Currently only static shapes are supported when packing zero-size TensorArrays."
            )
        return zeros((0, *declared), found.dtype)
    shape = found.element_shape = merged(found.element_shape, declared)
    items = [found.get(index) for index in indices]
    for index, item in zip(indices, items, strict=True):
        if item.shape != items[0].shape or not compatible(shape, item.shape):
            raise InvalidArgumentError(
                f"TensorArray has inconsistent shapes.  Index {indices[0]} has shape: {list(items[0].shape)} "
                f"but index {index} has shape: {list(item.shape)}"
            )
    return np.stack(items)


@kernel("TensorArrayScatter", "TensorArrayScatterV2", "TensorArrayScatterV3", stateful=True)
def tensor_array_scatter(tensor: Array, indices: Array, value: Array, flow_in: Array, *, T: DataType) -> Array:
    rows = vector(indices, "indices")
    _unpacked(_array(tensor), rows, value, T)
    return flow_in


@kernel("TensorArrayUnpack", stateful=True)
def tensor_array_unpack(tensor: Array, value: Array, flow_in: Array, *, T: DataType) -> Array:
    found = _array(tensor)
    count = len(value) if value.ndim else 0
    if value.ndim and (count < len(found.items) if found.dynamic_size else count != len(found.items)):
        raise InvalidArgumentError(
            f"Input value must have first dimension equal to the array size ({count} vs. {len(found.items)})"
        )
    _unpacked(found, range(count), value, T)
    return flow_in


def _unpacked(found: TensorArray, rows: Sequence[int], value: Array, dtype: DataType) -> None:
    found.check_open()
    if value.ndim == 0:
        raise InvalidArgumentError("Input value for unpack must be at least a vector but received shape: []")
    if len(rows) != len(value):
        raise InvalidArgumentError(f"Expected len(indices) == values.shape[0], but saw: {len(rows)} vs. {len(value)}")
    found.element_shape = merged(found.element_shape, value.shape[1:])
    for i, index in enumerate(rows):
        found.write(index, value[i, ...], dtype)


@kernel("TensorArrayConcat", "TensorArrayConcatV2", "TensorArrayConcatV3", stateful=True)
def tensor_array_concat(
    tensor: Array, flow_in: Array, *, dtype: DataType, element_shape_except0: Shape | None = None
) -> tuple[Array, Array]:
    found = _checked(tensor, dtype)
    found.check_open()
    if not found.items:
        rest = element_shape_except0
        if rest is None or -1 in rest:
            raise UnimplementedError(
                f"TensorArray has size zero, but element_shape_except0 {rest} is not fully defined. "
                "Currently only static shapes are supported when concatenating zero-size TensorArrays."
            )
        return zeros((0, *rest), dtype), np.zeros(0, np.int64)
    items = [found.get(index) for index in range(len(found.items))]
    for index, item in enumerate(items):
        if item.ndim == 0:
            raise InvalidArgumentError(
                f"Concat saw a scalar shape at index {index} but requires at least vectors.  Did you mean to call pack?"
            )
        if item.shape[1:] != items[0].shape[1:] or not compatible(element_shape_except0, item.shape[1:]):
            raise InvalidArgumentError(
                f"TensorArray has inconsistent shapes.  Index 0 has (excepting dimension 0) shape: "
                f"{list(items[0].shape[1:])} but index {index} has shape: {list(item.shape[1:])}"
            )
    return np.concatenate(items), np.array([len(item) for item in items], np.int64)


@kernel("TensorArraySplit", "TensorArraySplitV2", "TensorArraySplitV3", stateful=True)
def tensor_array_split(tensor: Array, value: Array, lengths: Array, flow_in: Array, *, T: DataType) -> Array:
    found = _array(tensor)
    found.check_open()
    sizes = vector(lengths, "lengths")
    if value.ndim == 0:
        raise InvalidArgumentError("Expected value to be at least a vector, but received shape: []")
    if any(size < 0 for size in sizes) or sum(sizes) != len(value):
        raise InvalidArgumentError(
            f"Expected sum of lengths to be equal to values.shape[0], but sum of lengths is {sum(sizes)} "
            f"and value's shape is: {list(value.shape)}"
        )
    if len(sizes) != len(found.items) and not found.dynamic_size:
        raise InvalidArgumentError(
            f"TensorArray's size is not equal to the size of lengths ({len(found.items)} vs. {len(sizes)}), "
            "and the TensorArray is not marked as dynamically resizeable"
        )
    start = 0
    for index, size in enumerate(sizes):
        found.write(index, value[start : start + size], T)
        start += size
    return flow_in


# Stacks


@dataclass(slots=True, eq=False)
class Stack:
    """max_size: -1 for no limit."""

    name: str
    dtype: DataType
    max_size: int
    items: list[Array] = field(default_factory=list)
    closed: bool = False


def _stack(tensor: Array) -> Stack:
    found: object = tensor.item() if tensor.size == 1 else None
    if not isinstance(found, Stack):
        raise InvalidArgumentError(f"Expected a handle of a Stack, got a {type(found).__name__}")
    if found.closed:
        raise InvalidArgumentError(f"Stack[{found.name}] has already been closed.")
    return found


@kernel("StackV2", stateful=True)
def stack_v2(max_size: Array, *, elem_type: DataType, stack_name: str = "", context: Context) -> Array:
    if max_size.ndim:
        raise InvalidArgumentError(f"Stack size must be a scalar, but had shape: {list(max_size.shape)}")
    return handle(Stack(stack_name or context.node, elem_type, int(max_size)))


@kernel("Stack", stateful=True)
def stack(*, elem_type: DataType, stack_name: str = "", context: Context) -> Array:
    return handle(Stack(stack_name or context.node, elem_type, -1))


@kernel("StackPush", "StackPushV2", stateful=True)
def stack_push(tensor: Array, elem: Array, *, T: DataType) -> Array:
    found = _stack(tensor)
    if T is not found.dtype:
        raise InvalidArgumentError(f"Must have type {found.dtype.tf_name} but got {T.tf_name}")
    if 0 <= found.max_size <= len(found.items):
        raise InvalidArgumentError(f"Stack[{found.name}] overflowed its max_size ({found.max_size})")
    found.items.append(elem)
    return elem


@kernel("StackPop", "StackPopV2", stateful=True)
def stack_pop(tensor: Array, *, elem_type: DataType) -> Array:
    found = _stack(tensor)
    if elem_type is not found.dtype:
        raise InternalError(f"Must have type {found.dtype.tf_name} but got {elem_type.tf_name}")
    if not found.items:
        raise InvalidArgumentError(f"Stack[{found.name}] is empty when calling Pop().")
    return found.items.pop()


@kernel("StackClose", "StackCloseV2", stateful=True)
def stack_close(tensor: Array) -> tuple[()]:
    found = _stack(tensor)
    found.closed = True
    found.items.clear()
    return ()
