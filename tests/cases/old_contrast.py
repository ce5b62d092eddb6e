"""AdjustContrast, which only graphs from before TensorFlow 1.0 may have."""

from __future__ import annotations

import numpy as np

from tests.cases import graph_case, graph_cases
from tests.old_graphs import old_op

rng = np.random.default_rng(83)


def contrast(label, images, factor=1.7, low=-20.0, high=100.0):
    bounds = {"low": np.float32(low), "high": np.float32(high)}

    @graph_case(
        f"contrast_{label}", _op="AdjustContrast", _atol=1e-4, images=images, factor=np.float32(factor), **bounds
    )
    def build(tf, images, factor, low, high):
        return old_op(tf, 1, "AdjustContrast", [images, factor, low, high], T=images.dtype)


for dtype in ("uint8", "int8", "int16", "int32", "float32", "float64"):
    contrast(dtype, rng.integers(0, 120, (2, 3, 4, 3)).astype(dtype))
contrast("image", rng.normal(size=(3, 4, 2)).astype(np.float32), -0.5, -1.0, 0.5)
contrast("empty", np.zeros((0, 3, 4, 3), np.float32))
contrast("rank", np.zeros((3, 4), np.float32))
contrast("factor", np.zeros((3, 4, 3), np.float32), [1.0, 2.0])
contrast("bound", np.zeros((3, 4, 3), np.float32), low=[1.0])
contrast("crossed", rng.normal(size=(3, 4, 2)).astype(np.float32), 2.0, 1.0, 0.5)


CASES = graph_cases()
