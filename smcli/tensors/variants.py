"""The values inside variant tensors. All are immutable: an op that changes one returns another.

In arrays they stand inside object arrays (a 0-d object array for a scalar variant). Plain classes: making data classes
takes milliseconds of every start, and NumPy would take tuples apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.tensors.types import DataType

Array = np.ndarray[Any, Any]


class TensorList:
    """A list of tensors of one dtype (tensorflow/core/kernels/tensor_list.h).

    element_shape: what the elements' shapes must be compatible with; -1 for unknown dims, None for unknown rank.
    items: an item is None until it is set (TensorListReserve).
    max_num_elements: -1 for no limit.
    """

    __slots__ = ("element_dtype", "element_shape", "items", "max_num_elements")

    def __init__(
        self,
        element_dtype: DataType,
        element_shape: tuple[int, ...] | None,
        items: list[Array | None],
        max_num_elements: int = -1,
    ) -> None:
        self.element_dtype = element_dtype
        self.element_shape = element_shape
        self.items = items
        self.max_num_elements = max_num_elements


class RaggedVariant:
    """A ragged tensor in one variant: row splits from outermost to innermost, and the flat values."""

    __slots__ = ("nested_splits", "values")

    def __init__(self, nested_splits: tuple[Array, ...], values: Array) -> None:
        self.nested_splits, self.values = nested_splits, values


class Optional:
    """tf.experimental.Optional: the components, or None for no value."""

    __slots__ = ("components",)

    def __init__(self, components: tuple[Array, ...] | None) -> None:
        self.components = components


class TensorMap:
    """A map from tensors to tensors (tensorflow/core/kernels/tensor_map.h); keys are (dtype, shape, bytes)."""

    __slots__ = ("items",)

    def __init__(self, items: dict[tuple[str, tuple[int, ...], bytes], tuple[Array, Array]]) -> None:
        self.items = items


class CsrMatrix:
    """Sparse matrices, one or a batch of them (tensorflow/core/kernels/sparse/sparse_matrix.h).

    indices: [n, 2] or [n, 3] int64, by batch and row in order; shape: of rank 2 or 3, as wide as the indices.
    """

    __slots__ = ("data_type", "indices", "shape", "values")

    def __init__(self, data_type: DataType, shape: tuple[int, ...], indices: Array, values: Array) -> None:
        self.data_type, self.shape, self.indices, self.values = data_type, shape, indices, values
