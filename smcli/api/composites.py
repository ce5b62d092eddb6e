"""Tensors made of several tensors: what functions take and give where TensorFlow has composite tensors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels.context import Array


@dataclass(frozen=True, eq=False)
class RaggedTensor:
    """Rows of different lengths. flat_values: all values, row after row. nested_row_splits: for each ragged dimension,
    outermost first, where its rows begin and end."""

    flat_values: Array
    nested_row_splits: tuple[Array, ...]

    @classmethod
    def from_lists(cls, rows: Any, dtype: Any, ragged_rank: int = 1, splits_dtype: Any = np.int64) -> RaggedTensor:
        """The ragged tensor of nested lists. Raises InvalidArgumentError when they are nested less deep than
        `ragged_rank`."""
        splits = []
        for _ in range(ragged_rank):
            if not all(hasattr(row, "__len__") and not isinstance(row, (str, bytes)) for row in rows):
                raise InvalidArgumentError(f"Expected lists nested at least {ragged_rank + 1} deep")
            splits.append(np.cumsum([0, *map(len, rows)]).astype(splits_dtype))
            rows = [item for row in rows for item in row]
        return cls(np.asarray(rows, dtype=dtype), tuple(splits))

    def to_list(self) -> list[Any]:
        """The rows as nested lists."""
        rows = self.flat_values.tolist()
        for splits in reversed(self.nested_row_splits):
            bounds = splits.tolist()
            rows = [rows[start:end] for start, end in pairwise(bounds)]
        return list(rows)


@dataclass(frozen=True, eq=False)
class SparseTensor:
    """Mostly zeros. indices: int64 [n, rank]; values: [n]; dense_shape: int64 [rank]."""

    indices: Array
    values: Array
    dense_shape: Array


@dataclass(frozen=True, eq=False)
class IndexedSlices:
    """Some rows of a tensor. values: [n, …]; indices: [n]; dense_shape: of the whole tensor, where it is known."""

    values: Array
    indices: Array
    dense_shape: Array | None = None
