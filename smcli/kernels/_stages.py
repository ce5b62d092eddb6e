"""What follows a convolution or a matrix product, as data: a planner collects stages, and each way of computing (tiles
in NumPy, post-ops of a library) reads them.

In NumPy a stage changes a finished tile in place, by the arithmetic of the op that it stands for, so that the result is
the same bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from smcli.kernels import _digits
from smcli.kernels.context import Array

Change = Callable[[Array], None]

_WIDE = 2048  # elements of an inner loop that is long enough
_BLOCK = 2**16  # elements of a block whose temporaries stay in the second-level cache


@dataclass(frozen=True, slots=True, eq=False)
class ByChannel:
    """`ufunc` of each element and the number of its channel, in `vector`."""

    ufunc: Any
    vector: Array


@dataclass(frozen=True, slots=True)
class AddInput:
    """The sum with another tensor, an input of the fused node; it broadcasts as AddV2 does."""


@dataclass(frozen=True, slots=True)
class Activation:
    """A function of each element alone: a name of ACTIVATIONS. Called with an array, it is that function."""

    name: str
    alpha: float = 0.0

    def __call__(self, x: Array) -> Array:
        """The function of a whole array, block by block; `x` stays as it is."""
        out = np.array(x, order="C")
        if out.ndim == 0:
            return np.asarray(ACTIVATIONS[self.name](out, self.alpha))
        flat = out.reshape(-1)
        for start in range(0, flat.size, _BLOCK):
            self.change(flat[start : start + _BLOCK])
        return out

    def change(self, tile: Array) -> None:
        tile[...] = ACTIVATIONS[self.name](tile, self.alpha)


Stage = ByChannel | AddInput | Activation


def _relu(tile: Array, alpha: float) -> Array:
    return np.clip(tile, tile.dtype.type(0), tile.dtype.type(np.inf), out=tile if tile.ndim else None)


def _relu6(tile: Array, alpha: float) -> Array:
    return np.clip(tile, tile.dtype.type(0), tile.dtype.type(6), out=tile if tile.ndim else None)


def _leaky_relu(tile: Array, alpha: float) -> Array:
    from smcli.kernels.activations import leaky_relu

    return leaky_relu(tile, alpha=alpha)


def _elu(tile: Array, alpha: float) -> Array:
    from smcli.kernels.activations import elu

    return elu(tile)


def _sigmoid(tile: Array, alpha: float) -> Any:
    from smcli.kernels.math import sigmoid

    return _digits.fused_sigmoid(tile) if _digits.matter(tile) else sigmoid(tile)


def _tanh(tile: Array, alpha: float) -> Any:
    if _digits.matter(tile):
        return _digits.fused_tanh(tile)
    return np.tanh(tile, out=tile if tile.ndim else None)


def _swish(tile: Array, alpha: float) -> Any:
    if tile.dtype.itemsize == 2:  # bfloat16
        wide = tile.astype(np.float32)
        return (wide * _sigmoid(wide, alpha)).astype(tile.dtype)
    return np.multiply(tile, _sigmoid(tile, alpha), out=tile if tile.ndim else None)


def _gelu(tile: Array, alpha: float) -> Any:
    from smcli.kernels.special import erfc

    tail = erfc(np.negative(tile) * np.float32(0.7071067811865476))
    return np.multiply(np.float32(0.5) * tile, tail, out=tile if tile.ndim else None)


def _gelu_erf(tile: Array, alpha: float) -> Any:
    from smcli.kernels.special import erf

    rise = np.float32(1) + erf(tile * np.float32(0.7071067811865476))
    return np.multiply(np.float32(0.5) * tile, rise, out=tile if tile.ndim else None)


# By name, functions of a tile and of alpha; they may work in place.
ACTIVATIONS: dict[str, Callable[[Array, float], Any]] = {
    "relu": _relu,
    "relu6": _relu6,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "swish": _swish,
    "gelu": _gelu,
    "gelu_erf": _gelu_erf,
}


def epilogue(stages: Sequence[Stage]) -> Change | None:
    """The stages, none of which is AddInput, as one change of a tile in place; None when there are none."""
    changes = [_change(stage) for stage in stages]
    if not changes:
        return None

    def change(tile: Array) -> None:
        for each in changes:
            each(tile)

    return change


def _change(stage: Stage) -> Change:
    if isinstance(stage, Activation):
        return stage.change
    if isinstance(stage, ByChannel):
        return _by_channel(stage.ufunc, stage.vector)
    raise TypeError(stage)


def _by_channel(ufunc: Any, vector: Array) -> Change:
    """`ufunc` with one number a channel. Short vectors make slow inner loops, so they are repeated where that fits."""
    channels = len(vector)
    repeated: dict[int, Array] = {}

    def change(tile: Array) -> None:
        pixels = tile.size // channels
        times = 1
        while times * channels < _WIDE and pixels % (times * 2) == 0:
            times *= 2
        if times == 1 or not tile.flags.c_contiguous:
            ufunc(tile, vector, out=tile)
            return
        if times not in repeated:
            repeated[times] = np.tile(vector, times)
        flat = tile.reshape(-1, times * channels)
        ufunc(flat, repeated[times], out=flat)

    return change


class Fused:
    """A convolution or matrix product by constant weights, with stages: a function of its input and of the tensors that
    its AddInput stages add.

    op, weights, attrs: what is computed before the stages, as the op's kernel takes it.
    """

    def __init__(
        self,
        op: str,
        weights: Array,
        attrs: dict[str, Any],
        stages: Sequence[Stage],
        prepare: Callable[..., Callable[[Array], Array]],
    ) -> None:
        self.op, self.weights, self.attrs, self.stages = op, weights, attrs, tuple(stages)
        count = next((i for i, stage in enumerate(stages) if isinstance(stage, AddInput)), len(stages))
        self._compute = prepare(weights, **attrs, epilogue=epilogue(stages[:count]))
        self._rest = stages[count:]

    @property
    def channels(self) -> int:
        """How many channels the result has."""
        shape = self.weights.shape
        if self.op == "DepthwiseConv2dNative":
            return int(shape[2] * shape[3])
        return int(shape[0 if self.attrs.get("transpose_b", False) else -1])

    @property
    def terms(self) -> int:
        """How many products each sum has."""
        shape = self.weights.shape
        if self.op == "Conv2D":
            return int(np.prod(shape[:3]))
        if self.op == "DepthwiseConv2dNative":
            return int(np.prod(shape[:2]))
        return int(shape[-1 if self.attrs.get("transpose_b", False) else 0])

    def __call__(self, x: Array, *others: Array) -> Array:
        return applied(self._rest, self._compute(x), others)


def applied(stages: Sequence[Stage], out: Array, others: Sequence[Array]) -> Array:
    """The stages on a finished result, in its own buffer where shapes allow."""
    added = iter(others)
    for stage in stages:
        if isinstance(stage, AddInput):
            other = next(added)
            fits = other.shape == out.shape and other.dtype == out.dtype
            out = np.add(out, other, out=out if fits else None)
        else:
            _change(stage)(out)
    return out
