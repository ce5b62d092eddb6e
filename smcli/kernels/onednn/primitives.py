"""Primitives of oneDNN as Python objects: the only module that hands buffers to the library.

Everything that reaches C is checked here: ranks and sizes when a descriptor is made, dtype, layout and number of bytes
of each array when a primitive runs. What the library refuses raises `Refused`, and callers compute with NumPy instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from ctypes import c_void_p
from dataclasses import dataclass
from typing import Any

import numpy as np

from smcli.kernels.context import Array
from smcli.kernels.onednn.library import MAX_DIMS, Argument, Dims, Library

MAX_ELEMENTS = 2**31  # of one tensor, in its own layout; far from where offsets could overflow
F32, ANY = 3, 1  # dnnl_f32, dnnl_format_tag_any
INFERENCE, DIRECT = 96, 1  # dnnl_forward_inference, dnnl_convolution_direct
SOURCE, SECOND_SOURCE, TARGET, WEIGHTS, BIAS = 1, 2, 17, 33, 41  # DNNL_ARG_*
QUERY_SOURCE, QUERY_WEIGHTS, QUERY_TARGET = 129, 131, 133  # dnnl_query_*_md
SCALES = 4096  # DNNL_ARG_ATTR_SCALES
POST_OP = 32768  # DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE
ADD = 0x1FFF0  # dnnl_binary_add


class Refused(Exception):
    """The library does not do this; NumPy will."""


class Handle:
    """An object of the library that is destroyed with this one."""

    __slots__ = ("_destroy", "value")

    def __init__(self, library: Library, kind: str) -> None:
        self.value = c_void_p()
        self._destroy = getattr(library.dll, f"dnnl_{kind}_destroy")

    def __del__(self) -> None:
        if self.value:
            self._destroy(self.value)


def _check(status: int, what: str) -> None:
    if status:
        raise Refused(f"oneDNN: {what}: status {status}")


def _dims(values: Sequence[int]) -> Any:
    return Dims(*values)


def strided(library: Library, shape: Sequence[int], strides: Sequence[int]) -> Handle:
    """The descriptor of a float32 tensor. strides: in elements. Raises Refused for shapes beyond what is sane."""
    if not (0 < len(shape) == len(strides) <= MAX_DIMS and all(0 < n < MAX_ELEMENTS for n in shape)):
        raise Refused(f"shape {list(shape)}")
    reach = 1 + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if min(strides) < 0 or reach > MAX_ELEMENTS or math.prod(shape) > MAX_ELEMENTS:
        raise Refused(f"shape {list(shape)} with strides {list(strides)}")
    made = Handle(library, "memory_desc")
    status = library.dll.dnnl_memory_desc_create_with_strides(made.value, len(shape), _dims(shape), F32, _dims(strides))
    _check(status, "memory descriptor")
    return made


def free_layout(library: Library, shape: Sequence[int]) -> Handle:
    """The descriptor of a float32 tensor whose layout the library may choose."""
    if not (0 < len(shape) <= MAX_DIMS and min(shape) > 0 and math.prod(shape) <= MAX_ELEMENTS):
        raise Refused(f"shape {list(shape)}")
    made = Handle(library, "memory_desc")
    _check(library.dll.dnnl_memory_desc_create_with_tag(made.value, len(shape), _dims(shape), F32, ANY), "descriptor")
    return made


def channels_last(library: Library, shape: Sequence[int]) -> Handle:
    """The descriptor of a C-contiguous (batch, spatial…, channels) tensor, in the library's order of axes."""
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    return strided(library, (shape[0], shape[-1], *shape[1:-1]), (strides[0], strides[-1], *strides[1:-1]))


@dataclass(frozen=True, slots=True)
class Eltwise:
    """A post-op of one number: `algorithm` is a dnnl_eltwise_* value."""

    algorithm: int
    alpha: float = 0.0
    beta: float = 0.0


@dataclass(frozen=True, slots=True)
class AddTensor:
    """A post-op that adds a C-contiguous, channels-last tensor of the result's shape, given when the primitive runs."""


PostOp = Eltwise | AddTensor


def _attributes(library: Library, post_ops: Sequence[PostOp], target: Handle) -> Handle:
    dll = library.dll
    chain, made = Handle(library, "post_ops"), Handle(library, "primitive_attr")
    _check(dll.dnnl_post_ops_create(chain.value), "post-ops")
    for op in post_ops:
        if isinstance(op, Eltwise):
            _check(dll.dnnl_post_ops_append_eltwise(chain.value, op.algorithm, op.alpha, op.beta), "eltwise")
        else:
            _check(dll.dnnl_post_ops_append_binary(chain.value, ADD, target.value), "binary")
    _check(dll.dnnl_primitive_attr_create(made.value), "attributes")
    _check(dll.dnnl_primitive_attr_set_post_ops(made.value, chain.value), "attributes")
    return made


class _Slot:
    """A memory of a primitive whose buffer is given anew each time it runs."""

    def __init__(self, library: Library, descriptor: c_void_p, elements: int, written: bool = False) -> None:
        self.elements, self.written = elements, written
        self.handle = Handle(library, "memory")
        self._set = library.dll.dnnl_memory_set_data_handle
        _check(library.dll.dnnl_memory_create(self.handle.value, descriptor, library.engine, None), "memory")

    def point_to(self, array: Array) -> None:
        flags = array.flags
        fits = array.dtype == np.float32 and array.size == self.elements
        if not (fits and flags.c_contiguous and flags.aligned and (flags.writeable or not self.written)):
            raise ValueError(f"a contiguous float32 array of {self.elements} elements is needed")
        self._set(self.handle.value, array.__array_interface__["data"][0])


class _Fixed:
    """A memory that stays: a buffer of our own, in the layout that the library has chosen."""

    def __init__(self, library: Library, descriptor: c_void_p) -> None:
        self.buffer: Array = np.zeros(max(1, library.dll.dnnl_memory_desc_get_size(descriptor)), np.uint8)
        self.handle = Handle(library, "memory")
        address = self.buffer.ctypes.data
        _check(library.dll.dnnl_memory_create(self.handle.value, descriptor, library.engine, address), "memory")


class Primitive:
    """A primitive with its memories. `run` takes the source, the tensors of its AddTensor post-ops, and the target."""

    def __init__(
        self, library: Library, description: Handle, slots: dict[int, _Slot], fixed: dict[int, _Fixed]
    ) -> None:
        self._library = library
        self._slots = list(slots.values())
        self._keep = (slots, fixed)
        self._primitive = Handle(library, "primitive")
        _check(library.dll.dnnl_primitive_create(self._primitive.value, description.value), "primitive")
        memories = [(index, slot.handle.value) for index, slot in slots.items()]
        memories += [(index, memory.handle.value) for index, memory in fixed.items()]
        self._count = len(memories)
        self._arguments = (Argument * self._count)(*[Argument(index, memory) for index, memory in memories])

    @property
    def usable(self) -> bool:
        return self._library.usable

    def run(self, *arrays: Array) -> None:
        """Compute. The arrays stay alive and unmoved for the length of the call; no two threads are in it at once."""
        library = self._library
        with library.lock:
            for slot, array in zip(self._slots, arrays, strict=True):
                slot.point_to(array)
            status = library.dll.dnnl_primitive_execute(
                self._primitive.value, library.stream, self._count, self._arguments
            )
        _check(status, "execution")


@dataclass(frozen=True, slots=True)
class Scale:
    """A number for each output channel that weights are multiplied by. mask: the bits of the axes that are outputs."""

    numbers: Array
    mask: int


def _reordered(
    library: Library,
    array: Array,
    shape: Sequence[int],
    axes: Sequence[int],
    wanted: c_void_p,
    scale: Scale | None = None,
) -> _Fixed:
    """A copy of `array` in the layout of the descriptor `wanted`, times the scale.

    shape: of the tensor as the library sees it; axes: for each of its axes, the stride in `array`, in elements.
    """
    array = np.ascontiguousarray(array, np.float32)
    source = strided(library, shape, axes)
    if math.prod(shape) != array.size:
        raise Refused("weights of another size")
    slots, arrays = {SOURCE: _Slot(library, source.value, array.size)}, [array]
    attributes = Handle(library, "primitive_attr")
    _check(library.dll.dnnl_primitive_attr_create(attributes.value), "attributes")
    if scale is not None:
        if scale.numbers.size != math.prod(n for axis, n in enumerate(shape) if scale.mask >> axis & 1):
            raise Refused("scales of another number")
        _check(library.dll.dnnl_primitive_attr_set_scales_mask(attributes.value, SOURCE, scale.mask), "scales")
        numbers = strided(library, scale.numbers.shape, (1,))
        slots[SCALES | SOURCE] = _Slot(library, numbers.value, scale.numbers.size)
        arrays.append(scale.numbers)
    description = Handle(library, "primitive_desc")
    status = library.dll.dnnl_reorder_primitive_desc_create(
        description.value, source.value, library.engine, wanted, library.engine, attributes.value
    )
    _check(status, "reorder")
    made = _Fixed(library, wanted)
    Primitive(library, description, slots, {TARGET: made}).run(*arrays)
    return made


@dataclass(frozen=True, slots=True)
class ConvolutionShape:
    """Spatial axes of a convolution: strides, dilations (1: none), padding before and after, one number an axis."""

    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]


def convolution(
    library: Library,
    source_shape: Sequence[int],
    target_shape: Sequence[int],
    weights: Array,
    scale: Array | None,
    bias: Array | None,
    groups: int,
    geometry: ConvolutionShape,
    post_ops: Sequence[PostOp] = (),
) -> Primitive:
    """A convolution of contiguous channels-last float32 tensors by constant weights.

    weights: (spatial…, channels of a group, outputs); each output is multiplied by its number of `scale`. The sizes are
    those that the geometry gives; the library checks that again. Raises Refused.
    """
    dll = library.dll
    rank = len(source_shape) - 2
    *kernel, depth, outputs = weights.shape
    strides = [math.prod(weights.shape[axis + 1 :]) for axis in range(weights.ndim)]
    if groups > 1:
        per_group = outputs // groups
        shape = (groups, per_group, depth, *kernel)
        axes = (per_group, 1, strides[rank], *strides[:rank])
    else:
        shape = (outputs, depth, *kernel)
        axes = (1, strides[rank], *strides[:rank])
    source, target = channels_last(library, source_shape), channels_last(library, target_shape)
    wanted = free_layout(library, shape)
    bias_layout = strided(library, (outputs,), (1,)) if bias is not None else None
    attributes = _attributes(library, post_ops, target)
    description = Handle(library, "primitive_desc")
    status = dll.dnnl_convolution_forward_primitive_desc_create(
        description.value,
        library.engine,
        INFERENCE,
        DIRECT,
        source.value,
        wanted.value,
        bias_layout.value if bias_layout is not None else None,
        target.value,
        _dims(geometry.strides),
        _dims([dilation - 1 for dilation in geometry.dilations]),
        _dims(geometry.before),
        _dims(geometry.after),
        attributes.value,
    )
    _check(status, "convolution")
    chosen = c_void_p(dll.dnnl_primitive_desc_query_md(description.value, QUERY_WEIGHTS, 0))
    scales = Scale(scale, 0b11 if groups > 1 else 0b1) if scale is not None else None
    fixed = {WEIGHTS: _reordered(library, weights, shape, axes, chosen, scales)}
    if bias is not None and bias_layout is not None:
        fixed[BIAS] = _reordered(library, bias, (outputs,), (1,), bias_layout.value)
    slots = _data_slots(library, source, source_shape, target, target_shape, post_ops)
    return Primitive(library, description, slots, fixed)


def matrix_product(
    library: Library,
    source_shape: Sequence[int],
    target_shape: Sequence[int],
    weights: Array,
    transposed: bool,
    scale: Array | None,
    bias: Array | None,
    post_ops: Sequence[PostOp] = (),
) -> Primitive:
    """The product of contiguous (rows, depth) float32 matrices by constant weights: (depth, outputs), or the other way
    around when they are transposed; each output is multiplied by its number of `scale`. Raises Refused."""
    depth, outputs = source_shape[1], target_shape[1]
    source = strided(library, source_shape, (depth, 1))
    target = strided(library, target_shape, (outputs, 1))
    shape, axes = (depth, outputs), (1, depth) if transposed else (outputs, 1)
    wanted = free_layout(library, shape)
    bias_layout = strided(library, (1, outputs), (outputs, 1)) if bias is not None else None
    attributes = _attributes(library, post_ops, target)
    description = Handle(library, "primitive_desc")
    status = library.dll.dnnl_matmul_primitive_desc_create(
        description.value,
        library.engine,
        source.value,
        wanted.value,
        bias_layout.value if bias_layout is not None else None,
        target.value,
        attributes.value,
    )
    _check(status, "matmul")
    chosen = c_void_p(library.dll.dnnl_primitive_desc_query_md(description.value, QUERY_WEIGHTS, 0))
    scales = Scale(scale, 0b10) if scale is not None else None
    fixed = {WEIGHTS: _reordered(library, weights, shape, axes, chosen, scales)}
    if bias is not None and bias_layout is not None:
        fixed[BIAS] = _reordered(library, bias, (1, outputs), (outputs, 1), bias_layout.value)
    slots = _data_slots(library, source, source_shape, target, target_shape, post_ops)
    return Primitive(library, description, slots, fixed)


def _data_slots(
    library: Library,
    source: Handle,
    source_shape: Sequence[int],
    target: Handle,
    target_shape: Sequence[int],
    post_ops: Sequence[PostOp],
) -> dict[int, _Slot]:
    """The memories that each run gives, in the order in which `Primitive.run` takes them."""
    elements = math.prod(target_shape)
    slots = {SOURCE: _Slot(library, source.value, math.prod(source_shape))}
    for position, op in enumerate(post_ops):
        if isinstance(op, AddTensor):
            slots[POST_OP * (position + 1) | SECOND_SOURCE] = _Slot(library, target.value, elements)
    slots[TARGET] = _Slot(library, target.value, elements, written=True)
    return slots
