"""Arrays that kernels trip over: odd shapes, and the values at the edges of each dtype.

A drawn array comes from a drawn seed, so that a draw costs a few choices however large the array is.
"""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
from hypothesis import strategies as st

Array = np.ndarray[Any, Any]

MAX_RANK = 8
MAX_SIZE = 512

STRINGS = [
    b"",
    b" ",
    b"a",
    b"abc",
    b"A b,c;d",
    b"0",
    b"-1",
    b"3.25",
    b"1e400",
    b"nan",
    b"inf",
    b" 7 ",
    b"true",
    b"a\0b",
    b"\xff\xfe",
    b"\xc3(",
    "ÀÉß ǆ ﬁ".encode(),
    "日本語🙂".encode(),
    b"\t\r\n",
    b"x" * 40,
    b"%d {} \\1 [",
    b"YWJj",
    b"_-8",
]


def seeds() -> st.SearchStrategy[np.random.Generator]:
    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


def shapes() -> st.SearchStrategy[tuple[int, ...]]:
    """Any shape of at most MAX_RANK dims and MAX_SIZE elements, empty ones and those with dims of one among them."""
    dims = st.sampled_from([0, 1, 1, 2, 2, 3, 4, 5, 7, 17])
    return (
        st.lists(dims, max_size=MAX_RANK)
        .map(tuple)
        .map(lambda shape: shape if math.prod(shape) <= MAX_SIZE else shape[:3])
    )


def _float_edges(dtype: np.dtype[Any]) -> list[float]:
    info = ml_dtypes.finfo(dtype)
    # No denormals, and nothing that soon becomes one: TensorFlow's threads flush them to zero.
    tiny, huge, eps = 64 * float(info.tiny), float(info.max), float(info.eps)
    return [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, math.pi, 1 + eps, 100.0, -1000.0, 1 / 3,
            math.inf, -math.inf, math.nan, tiny, -tiny, huge, -huge]  # fmt: skip


def edges(dtype: np.dtype[Any]) -> list[Any]:
    """The values of `dtype` that behave unlike the rest."""
    if dtype.kind == "O":
        return STRINGS
    if dtype.kind == "b":
        return [False, True]
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        small = [v for v in (-3, -2, -1, 0, 1, 2, 3, 5, 10, 100) if v >= info.min]
        return [*small, info.min, info.max, info.max - 1]
    if dtype.kind == "c":
        # Nor infinities: what C++ makes of complex ones depends on which loop of a kernel they fall into.
        real = [v for v in _float_edges(np.dtype(f"f{dtype.itemsize // 2}")) if 1e-30 < abs(v) < 1e30 or v == 0]
        return [complex(a, b) for a, b in zip(real, real[3:] + real[:3], strict=True)] + [complex(v, 0) for v in real]
    if "int" in dtype.name:  # int4 and its like
        info = ml_dtypes.iinfo(dtype)
        return [0, 1, int(info.min), int(info.max)]
    return _float_edges(dtype)


def filled(rng: np.random.Generator, style: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """An array of a style: "plain" (small numbers), "edges" (only edge values), "mixed", "equal", "wide"."""
    size = math.prod(shape)
    if dtype.kind == "O":
        out = np.empty(size, object)
        out[:] = [STRINGS[i] for i in rng.integers(0, len(STRINGS), size)]
        if style == "equal" and size:
            out[:] = [out[0]] * size
        return out.reshape(shape)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        plain = rng.integers(0 if dtype.kind == "u" else -4, 8, size).astype(dtype)
        if style == "wide":
            info = np.iinfo(dtype)
            plain = rng.integers(info.min, info.max, size, dtype=dtype, endpoint=True)
    elif "int" in dtype.name:
        plain = rng.integers(0, 2, size).astype(dtype)
    else:
        scale = {"plain": 2.0, "wide": 1e3}.get(style, 1.0)
        values = rng.standard_normal(size) * scale
        plain = (values + 1j * rng.standard_normal(size) if dtype.kind == "c" else values).astype(dtype)
    if style in ("edges", "mixed", "equal") and size:
        with np.errstate(all="ignore"):
            table = np.array(edges(dtype), dtype=dtype)
        picked = table[rng.integers(0, len(table), size)]
        if style == "equal":
            picked[:] = picked[0]
        plain = np.where(rng.random(size) < 0.3, picked, plain) if style == "mixed" else picked
    return plain.astype(dtype).reshape(shape)


STYLES = ["plain", "edges", "mixed", "mixed", "equal", "wide"]


@st.composite
def arrays(draw: st.DrawFn, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    return filled(draw(seeds()), draw(st.sampled_from(STYLES)), dtype, shape)


def resized(array: Array, shape: tuple[int, ...]) -> Array:
    """The same values in another shape: repeated, or cut off."""
    size = math.prod(shape)
    if not array.size:
        return filled(np.random.default_rng(0), "plain", array.dtype, shape)
    flat = array.ravel()
    return np.tile(flat, -(-size // flat.size))[:size].reshape(shape)
