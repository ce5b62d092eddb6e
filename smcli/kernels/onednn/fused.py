"""Convolutions and matrix products with their stages, computed by oneDNN where it pays and by NumPy elsewhere.

Scales and shifts by channel go into weights and bias, activations and sums become post-ops, what does not fit is done
by NumPy on the result. A primitive is made for each shape of input, when it first comes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from smcli.errors import OutOfBounds
from smcli.kernels._stages import Activation, AddInput, ByChannel, Fused, Stage, applied
from smcli.kernels._windows import Window, check_bytes, explicit_pairs, spatial_only, window
from smcli.kernels.context import Array
from smcli.kernels.onednn import library as libraries
from smcli.kernels.onednn.library import Library
from smcli.kernels.onednn.primitives import (
    AddTensor,
    ConvolutionShape,
    Eltwise,
    PostOp,
    Primitive,
    Refused,
    convolution,
    matrix_product,
)

LARGEST = 2.0**30  # of what an input that is looked at may hold
MAX_SCALE = 2.0**30  # of weights: more could overflow where the product of a sum does not
MAX_SHAPES = 16  # primitives that one layer keeps, for the shapes that came last
MAX_WINDOW = 64  # a window's taps and dilated extent, a stride: beyond lies no layer that anyone uses

# dnnl_eltwise_* with alpha and beta.
_POST_OPS: dict[str, Eltwise] = {
    "relu": Eltwise(0x20),
    "relu6": Eltwise(0x2E, 0.0, 6.0),
    "elu": Eltwise(0x22, 1.0),
    "sigmoid": Eltwise(0x29),
    "tanh": Eltwise(0x21),
    "swish": Eltwise(0x2C, 1.0),
    "gelu": Eltwise(0x31),
    "gelu_erf": Eltwise(0x31),
}
# Activations that answer otherwise than TensorFlow for NaN, which rectifiers make a number, or for infinities.
FINITE_ONLY = frozenset({"relu", "relu6", "gelu", "gelu_erf"})


def may_be_used() -> bool:
    """Whether there is a library, by a look at the files where it may be."""
    return libraries.is_present()


@dataclass(frozen=True, slots=True)
class Cost:
    """When a layer is worth a primitive: it must have `least` multiplications, a product of matrices
    `least_of_matrices`, for which NumPy has less to prepare, and save more time than making takes:
    `seconds`, and `seconds_by_weight` for bringing each weight into the layout that the library wants."""

    least: int
    seconds: float
    seconds_by_weight: float
    least_of_matrices: int = 0


MANY_RUNS = Cost(least=20_000, seconds=0.0, seconds_by_weight=0.0, least_of_matrices=2**18)
# Opening the library, making a primitive and laying weights out anew take as long as NumPy takes for most layers.
ONE_RUN = Cost(least=10_000_000, seconds=5e-3, seconds_by_weight=10e-9)


@dataclass(frozen=True, slots=True)
class _Lowered:
    scale: Array | None  # of the weights, by output
    bias: Array | None
    post_ops: tuple[PostOp, ...]
    rest: tuple[Stage, ...]  # what NumPy does afterwards


def _lowered(fused: Fused, keep_nan: bool, added_shapes_fit: bool) -> _Lowered | None:
    """The stages as scale and bias, and post-ops; None when a scaled weight might overflow."""
    stages = fused.stages
    scale, shift = np.ones(fused.channels, np.float32), np.zeros(fused.channels, np.float32)
    count = 0
    for stage in stages:
        if not isinstance(stage, ByChannel):
            break
        count += 1
        if stage.ufunc is np.multiply:
            scale, shift = scale * stage.vector, shift * stage.vector
        else:
            shift = stage.ufunc(shift, stage.vector)
    post_ops: list[PostOp] = []
    for stage in stages[count:]:
        op = _post_op(stage, keep_nan, added_shapes_fit)
        if op is None:
            break
        post_ops.append(op)
        count += 1
    if not (np.isfinite(shift).all() and np.abs(scale).max() <= MAX_SCALE):
        return None
    scaled, shifted = (scale != 1).any(), shift.any()
    return _Lowered(scale if scaled else None, shift if shifted else None, tuple(post_ops), stages[count:])


def _post_op(stage: Stage, keep_nan: bool, added_shapes_fit: bool) -> PostOp | None:
    if isinstance(stage, AddInput):
        return AddTensor() if added_shapes_fit else None
    if isinstance(stage, Activation):
        if keep_nan and stage.name in FINITE_ONLY:
            return None
        if stage.name == "leaky_relu":
            return Eltwise(0x20, stage.alpha) if 0 < stage.alpha <= 1 else None
        return _POST_OPS.get(stage.name)
    return None


@dataclass(frozen=True, slots=True)
class _Ready:
    """A primitive for one shape of inputs."""

    primitive: Primitive
    shape: tuple[int, ...]
    added: int  # how many tensors go into it besides the first
    rest: tuple[Stage, ...]


class Offloaded:
    """A `Fused` that oneDNN computes where it can.

    checked: inputs that are looked at in each run; OutOfBounds is raised when one is not small and finite. keep_nan:
    activations that lose NaN are left to NumPy. cost: when a primitive is worth making.
    """

    def __init__(self, fused: Fused, checked: Sequence[int], keep_nan: bool, cost: Cost) -> None:
        self.plain = fused
        self._checked = tuple(checked)
        self._keep_nan = keep_nan
        self._cost = cost
        self._ready: dict[tuple[tuple[int, ...], ...], _Ready | None] = {}

    def __call__(self, x: Array, *others: Array) -> Array:
        inputs = (x, *others)
        for position in self._checked:
            _require_bounded(inputs[position])
        shapes = (x.shape, *[other.shape for other in others])
        if shapes not in self._ready:
            if len(self._ready) >= MAX_SHAPES:
                self._ready.pop(next(iter(self._ready)))
            self._ready[shapes] = self._prepared(inputs)
        ready = self._ready[shapes]
        if ready is None or any(array.dtype != np.float32 for array in inputs) or not ready.primitive.usable:
            return self.plain(x, *others)
        out: Array = np.empty(ready.shape, np.float32)
        into = [np.require(array, np.float32, ["C", "A"]) for array in inputs[: 1 + ready.added]]
        try:
            ready.primitive.run(*into, out)
        except Refused:
            self._ready[shapes] = None
            return self.plain(x, *others)
        return applied(ready.rest, out, others[ready.added :])

    def _prepared(self, inputs: Sequence[Array]) -> _Ready | None:
        """A primitive for inputs of these shapes, or None where NumPy is to compute."""
        geometry = _geometry(self.plain, inputs[0])
        if geometry is None or any(array.dtype != np.float32 for array in inputs):
            return None
        shape = geometry.shape
        if not self._pays(math.prod(shape) * self.plain.terms):
            return None
        library = libraries.get()
        fits = all(array.shape == shape for array in inputs[1:])
        lowered = _lowered(self.plain, self._keep_nan, fits) if library is not None else None
        if library is None or lowered is None:
            return None
        try:
            primitive = geometry.make(library, inputs[0].shape, lowered)
        except Refused:
            return None
        added = sum(isinstance(op, AddTensor) for op in lowered.post_ops)
        return _Ready(primitive, shape, added, lowered.rest)

    def _pays(self, products: int) -> bool:
        saved = products / _NUMPY_RATE[self.plain.op] - products / _RATE
        making = self._cost.seconds + self._cost.seconds_by_weight * self.plain.weights.size
        least = max(self._cost.least, self._cost.least_of_matrices if self.plain.op == "MatMul" else 0)
        return products >= least and saved > making


# Multiplications a second, measured on one AVX-512 core.
_NUMPY_RATE = {"Conv2D": 15e9, "DepthwiseConv2dNative": 1.5e9, "MatMul": 25e9}
_RATE = 35e9


def _require_bounded(x: Array) -> None:
    if x.size and not (x.max() <= LARGEST and x.min() >= -LARGEST):
        raise OutOfBounds("a tensor holds NaN, an infinity or a huge number")


@dataclass(frozen=True, slots=True)
class _Geometry:
    """The shape of a result, and what makes the primitive for it."""

    shape: tuple[int, ...]
    make: Callable[[Library, Sequence[int], _Lowered], Primitive]


def _geometry(fused: Fused, x: Array) -> _Geometry | None:
    """How the library would compute this; None for what it is not asked to do, errors among them."""
    if x.size == 0 or fused.weights.size == 0:
        return None
    return _product_geometry(fused, x) if fused.op == "MatMul" else _convolution_geometry(fused, x)


def _product_geometry(fused: Fused, x: Array) -> _Geometry | None:
    transposed = bool(fused.attrs.get("transpose_b", False))
    depth, outputs = fused.weights.shape[::-1] if transposed else fused.weights.shape
    if x.ndim != fused.attrs.get("rank", 2) or x.shape[-1] != depth or fused.attrs.get("transpose_a", False):
        return None
    shape = (*x.shape[:-1], outputs)
    check_bytes(shape, 4)

    def make(library: Library, source: Sequence[int], lowered: _Lowered) -> Primitive:
        rows = math.prod(source[:-1])
        sizes, weights = ((rows, depth), (rows, outputs)), fused.weights
        return matrix_product(library, *sizes, weights, transposed, lowered.scale, lowered.bias, lowered.post_ops)

    return _Geometry(shape, make)


def _convolution_geometry(fused: Fused, x: Array) -> _Geometry | None:
    attrs, weights = fused.attrs, fused.weights
    depthwise = fused.op == "DepthwiseConv2dNative"
    channels = x.shape[3] if x.ndim == 4 else 0
    depth = 1 if depthwise else weights.shape[2]
    outputs = weights.shape[2] * weights.shape[3] if depthwise else weights.shape[3]
    if channels == 0 or channels % depth or (depthwise and channels != weights.shape[2]):
        return None
    groups = channels // depth
    if outputs % groups:
        return None
    layout, padding = attrs.get("data_format", "NHWC"), attrs["padding"]
    strides = spatial_only("strides", attrs["strides"], layout, 4)
    dilations = spatial_only("dilations", attrs.get("dilations", (1, 1, 1, 1)), layout, 4)
    pads = explicit_pairs(padding, attrs.get("explicit_paddings", ()), layout, 4)
    windows = [
        window(x.shape[1 + axis], weights.shape[axis], strides[axis], dilations[axis], padding, *pads[axis])
        for axis in (0, 1)
    ]
    if not all(map(_is_usual, windows)):
        return None
    rows, columns = windows
    shape = (x.shape[0], rows.out, columns.out, outputs)
    check_bytes(shape, 4)
    spatial = ConvolutionShape(strides, dilations, (rows.before, columns.before), (rows.after, columns.after))

    def make(library: Library, source: Sequence[int], lowered: _Lowered) -> Primitive:
        grouped = weights.reshape(*weights.shape[:2], depth, outputs)
        scale, bias = lowered.scale, lowered.bias
        return convolution(library, source, shape, grouped, scale, bias, groups, spatial, lowered.post_ops)

    return _Geometry(shape, make)


def _is_usual(along: Window) -> bool:
    """Whether an axis is of the kind that layers have: anything else is not worth trying the library's limits."""
    small = 0 < along.kernel <= MAX_WINDOW and along.extent <= MAX_WINDOW and along.stride <= MAX_WINDOW
    inside = along.before < along.extent and along.after < along.extent
    return small and inside and along.out > 0 and along.extent <= along.size + along.before + along.after
