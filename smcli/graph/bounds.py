"""How large the values of a plan can get, so that it is known where NaN can not arise.

A library's activations may turn NaN into a number, where TensorFlow keeps it. As long as what goes into a convolution
is bounded, and its weights are finite, no sum in it can overflow and no NaN can come out; so it is enough to look at
few tensors in the run (`Bounds.checks`), those whose bound is not known beforehand or has grown too large.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from smcli.graph.graph import Body, Edge, Node
from smcli.kernels._stages import Activation, AddInput, ByChannel, Fused

CHECKED = 2.0**30  # a tensor that is looked at in the run has no larger number
OVERFLOW = 2.0**120  # with a margin for how sums are rounded

_SAME = frozenset(
    {"Relu", "Reshape", "Squeeze", "ExpandDims", "Transpose", "Identity", "MaxPool", "AvgPool", "Slice", "StridedSlice"}
    | {"Abs", "Neg", "Pad", "MirrorPad", "SpaceToBatchND", "BatchToSpaceND", "DepthToSpace"}
    | {"SpaceToDepth", "ResizeBilinear", "ResizeNearestNeighbor"}
)
_LIMITED = {"Sigmoid": 1.0, "Tanh": 1.0, "Softmax": 1.0, "Relu6": 6.0}
_GAINS = {"relu": 1.0, "elu": 1.0, "swish": 1.0, "leaky_relu": 1.0, "gelu": 1.0, "gelu_erf": 1.0}
_LIMITS = {"relu6": 6.0, "sigmoid": 1.0, "tanh": 1.0}


@dataclass(slots=True)
class Bounds:
    """checks: for nodes in which NaN must not arise, and where it can be known, the inputs to look at in the run."""

    checks: dict[Node, tuple[int, ...]] = field(default_factory=dict)
    _of: dict[Edge, float] = field(default_factory=dict)

    def of(self, edge: Edge) -> float:
        """The largest magnitude that a tensor can have; infinite when nothing is known."""
        if edge not in self._of:
            value = edge[0].value
            self._of[edge] = magnitude(value) if value is not None else math.inf
        return self._of[edge]


def magnitude(value: object) -> float:
    """The largest magnitude of a known value; infinite for NaN, and for what is no float."""
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return math.inf
    largest = float(max(array.max(), -array.min())) if array.size else 0.0
    return largest if math.isfinite(largest) else math.inf


def gain(fused: Fused) -> tuple[float, float]:
    """(a, b) so that no number before the first activation or sum is beyond a · bound + b."""
    weights = fused.weights.reshape(-1)
    # Cauchy and Schwarz: the sum of k magnitudes is at most sqrt(k) times their Euclidean norm.
    factor = math.sqrt(float(np.dot(weights, weights)) * fused.terms)
    shift = 0.0
    for stage in fused.stages:
        if not isinstance(stage, ByChannel):
            break
        size = magnitude(stage.vector)
        if stage.ufunc is np.multiply:
            factor, shift = factor * max(size, 1.0), shift * max(size, 1.0)
        else:
            shift += size
    return (factor, shift) if math.isfinite(factor) and math.isfinite(shift) else (math.inf, math.inf)


def find_bounds(body: Body, needed: frozenset[str]) -> Bounds:
    """The bounds of a body's tensors. needed: the activations before which no NaN may arise."""
    bounds = Bounds()
    for node in body.nodes:
        if node.value is None:
            bounds._of[(node, 0)] = _bound(node, bounds, needed)
    return bounds


def _bound(node: Node, bounds: Bounds, needed: frozenset[str]) -> float:
    if isinstance(node.function, Fused):
        return _fused_bound(node, node.function, bounds, needed)
    if isinstance(node.function, Activation):
        return _activated(node.function, bounds.of(node.inputs[0]))
    if not node.inputs or node.function is not None:
        return math.inf
    inputs = [bounds.of(edge) for edge in node.inputs]
    if node.op in _SAME:
        return inputs[0]
    if node.op in _LIMITED:
        return _LIMITED[node.op] if math.isfinite(inputs[0]) else math.inf  # NaN stays NaN
    if node.op in ("AddV2", "Add", "Sub", "BiasAdd", "AddN"):
        return sum(inputs)
    if node.op == "Mul":
        return math.prod(inputs) if all(map(math.isfinite, inputs)) else math.inf
    if node.op in ("Maximum", "Minimum"):
        return max(inputs)
    if node.op == "ConcatV2":
        return max(inputs[:-1], default=math.inf)
    return math.inf


def _activated(stage: Activation, bound: float) -> float:
    if stage.name in _LIMITS:
        return _LIMITS[stage.name] if math.isfinite(bound) else math.inf  # NaN stays NaN
    return max(bound, 1.0) * max(1.0, abs(stage.alpha)) if stage.name in _GAINS else math.inf


def _fused_bound(node: Node, fused: Fused, bounds: Bounds, needed: frozenset[str]) -> float:
    """The bound of a convolution's result. Where a needed activation is among its stages, inputs that are not known to
    be small enough are marked to be looked at."""
    must = any(isinstance(stage, Activation) and stage.name in needed for stage in fused.stages)
    inputs = [bounds.of(edge) for edge in node.inputs]
    factor, shift = gain(fused) if must or math.isfinite(inputs[0]) else (math.inf, math.inf)
    if must:
        checks = []
        for position in range(len(inputs)):
            if not _result(fused, factor, shift, inputs) < OVERFLOW and inputs[position] > CHECKED:
                inputs[position] = CHECKED
                checks.append(position)
        if _result(fused, factor, shift, inputs) < OVERFLOW:
            bounds.checks[node] = tuple(checks)
    return _result(fused, factor, shift, inputs)


def _result(fused: Fused, factor: float, shift: float, inputs: list[float]) -> float:
    bound = factor * inputs[0] + shift if math.isfinite(inputs[0]) else math.inf
    added = iter(inputs[1:])
    largest, passed = bound, False
    for stage in fused.stages:
        if isinstance(stage, AddInput):
            bound += next(added)
            passed = True
        elif isinstance(stage, Activation):
            largest = max(largest, bound)
            bound = _activated(stage, bound)
            passed = True
        elif passed:  # not among what `gain` has counted
            return math.inf
    return bound if max(largest, bound) < OVERFLOW else math.inf
