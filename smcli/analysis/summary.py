"""What a signature is made of, by layers: output shapes, parameters, floating point operations, memory.

The model runs once on made-up inputs and every node is looked at, so shapes and counts are those of a real run. A layer
is a name scope: what Keras and tf.name_scope put before the last slash of a node's name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from smcli.analysis.check import run_signature
from smcli.graph import attrs as attr_values
from smcli.graph.graph import REFERENCE_VARIABLES, Node
from smcli.inputs.generate import made_up, nodes_fed
from smcli.kernels.context import Array, Variable, unbox
from smcli.model import open_session
from smcli.proto.saved_model_pb2 import SignatureDef
from smcli.runtime.profile import Recorder
from smcli.runtime.progress import Progress
from smcli.runtime.session import Observer, Session
from smcli.savedmodel import MetaGraph

_CALL = re.compile(r"^(Stateful)?PartitionedCall(_\d+)?$")
_VARIABLE_READS = frozenset({"ReadVariableOp", *REFERENCE_VARIABLES})
_CONVOLUTIONS = frozenset({"Conv2D", "Conv3D"})
_DEPTHWISE = frozenset({"DepthwiseConv2dNative"})
_TRANSPOSED = frozenset({"Conv2DBackpropInput", "Conv3DBackpropInputV2"})
_PRODUCTS = frozenset({"MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"})
# Ops that move or look up data and compute nothing.
_FREE = frozenset(
    {"Identity", "IdentityN", "Reshape", "Squeeze", "ExpandDims", "Shape", "ShapeN", "Size", "Rank", "Const", "Pack"}
    | {"Unpack", "ConcatV2", "Split", "SplitV", "StridedSlice", "Slice", "Gather", "GatherV2", "GatherNd", "Transpose"}
    | {"ResourceGather", "Tile", "Pad", "PadV2", "MirrorPad", "Fill", "ZerosLike", "OnesLike", "BroadcastTo", "Range"}
    | {"SpaceToBatchND", "BatchToSpaceND", "SpaceToDepth", "DepthToSpace", "ReverseV2", "StopGradient", "NoOp", "Cast"}
    | {"VarHandleOp", "Placeholder", "Assert", *_VARIABLE_READS}
)
_MOST = 0.8  # part of the nodes that share a scope which says nothing
_CONTROL = frozenset({"If", "StatelessIf", "While", "StatelessWhile", "Case", "StatelessCase", "For"})


@dataclass(slots=True)
class Layer:
    """One name scope. shape: of its last tensor. parameters: numbers in the variables that it is the first to read.

    flops: a multiplication and an addition each count.
    """

    name: str
    nodes: int = 0
    shape: tuple[int, ...] | None = None
    parameters: int = 0
    flops: int = 0


@dataclass(slots=True)
class Summary:
    """Of one run. inputs and outputs: their shapes by key. Bytes: of the variables read, and of all tensors that were
    alive at the same time, at most."""

    layers: list[Layer]
    inputs: dict[str, tuple[int, ...]]
    outputs: dict[str, tuple[int, ...]]
    parameters: int
    parameter_bytes: int
    flops: int
    peak_bytes: int


def summarise(
    meta_graph: MetaGraph, signature: SignatureDef, sizes: Sequence[int], depth: int, progress: Progress | None = None
) -> Summary:
    """Runs the signature on made-up inputs whose unknown dims are `sizes`, the batch first.

    depth: how many scopes deep layers are told apart. progress: counts what is read and run. Raises what the run
    raises.
    """
    session = open_session(meta_graph, progress=progress)
    inputs = made_up(signature.inputs, sizes, 0, nodes_fed(session.graph, signature))
    meter = Meter()
    peak = _run(session, signature, inputs, meter, progress)
    layers = grouped(meter.seen, depth)
    return Summary(
        layers,
        {key: array.shape for key, array in sorted(inputs.items())},
        {key: array.shape for key, array in meter.outputs.items()},
        sum(layer.parameters for layer in layers),
        meter.parameter_bytes,
        sum(layer.flops for layer in layers),
        peak,
    )


def _run(
    session: Session, signature: SignatureDef, inputs: Mapping[str, Array], meter: Meter, progress: Progress | None
) -> int:
    """Runs twice: as written, for the meter; then as `run` would, for the memory. Returns the peak in bytes."""
    session.as_written, session.observe = True, _counted(meter.wrap, progress)
    meter.outputs = run_signature(session, signature, inputs)
    plain = Session(session.graph, session.files)
    plain.resources = session.resources
    recorder = Recorder()
    plain.observe = recorder.wrap
    run_signature(plain, signature, inputs)
    return recorder.peak_bytes


def _counted(observe: Observer, progress: Progress | None) -> Observer:
    if progress is None:
        return observe
    return lambda node, function: progress.wrap(node, observe(node, function))


@dataclass(slots=True)
class Seen:
    """What one node did in all its calls. parameters: of a variable that no node read before."""

    name: str
    shape: tuple[int, ...] | None = None
    parameters: int = 0
    flops: int = 0


@dataclass(slots=True)
class Meter:
    """Looks at each node of a session that it observes."""

    seen: dict[Node, Seen] = field(default_factory=dict)
    outputs: dict[str, Array] = field(default_factory=dict)
    parameter_bytes: int = 0
    _read: set[int] = field(default_factory=set)

    def wrap(self, node: Node, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, which computes `node`, so that each call is counted; handles of variables are in no layer."""
        if node.op == "VarHandleOp":
            return function

        def call(*args: Any) -> Any:
            result = function(*args)
            self._count(self.seen.setdefault(node, Seen(node.name)), node, args, result)
            return result

        return call

    def _count(self, seen: Seen, node: Node, args: Sequence[Any], result: Any) -> None:
        first = result[0] if type(result) is tuple and result else result
        if first is None or type(first) is tuple:
            return
        if node.op in _VARIABLE_READS:
            self._parameters(seen, args, unbox(first))
            return
        if node.op == "ResourceGather":
            variable = args[0].item() if isinstance(args[0], np.ndarray) else args[0]
            if isinstance(variable, Variable):
                self._parameters(seen, args, variable.read())
        array = np.asarray(unbox(first))
        if array.dtype.kind in "fciub" or array.dtype.name == "bfloat16":
            seen.shape = array.shape
        seen.flops += flops(node, [np.asarray(unbox(arg)) for arg in args], array)

    def _parameters(self, seen: Seen, args: Sequence[Any], value: Array) -> None:
        variable = args[0].item() if args and isinstance(args[0], np.ndarray) and args[0].dtype.hasobject else value
        if id(variable) not in self._read:
            self._read.add(id(variable))
            seen.parameters += value.size
            self.parameter_bytes += value.nbytes


def flops(node: Node, args: Sequence[Array], result: Array) -> int:
    """Multiplications and additions of one call; one for each number that any other computing op gives."""
    if node.op in _CONVOLUTIONS:
        return 2 * result.size * int(np.prod(args[1].shape[:-1], dtype=object))
    if node.op in _DEPTHWISE:
        return 2 * result.size * int(np.prod(args[1].shape[:2], dtype=object))
    if node.op in _TRANSPOSED:
        return 2 * args[2].size * int(np.prod(args[1].shape[:-1], dtype=object))
    if node.op in _PRODUCTS:
        attr = "transpose_a" if node.op == "MatMul" else "adj_x"
        transposed = attr in node.attrs and bool(attr_values.to_python(node.attrs[attr]))
        return 2 * result.size * int(args[0].shape[-2 if transposed else -1])
    if node.op == "Einsum":
        return _einsum_flops(node.attrs["equation"].s.decode(), args)
    is_number = result.dtype.kind in "fciub" or result.dtype.name == "bfloat16"
    return result.size if is_number and node.op not in _FREE | _CONTROL else 0


def _einsum_flops(equation: str, args: Sequence[Array]) -> int:
    """Twice the product of all dims, those of an ellipsis too."""
    sizes: dict[str, int] = {}
    rest = 1
    for labels, arg in zip(equation.partition("->")[0].split(","), args):
        before, dots, after = labels.replace(" ", "").partition("...")
        sizes |= zip(before, arg.shape)
        if dots:
            hidden = arg.shape[len(before) : arg.ndim - len(after)]
            rest = max(rest, int(np.prod(hidden, dtype=object)))
            sizes |= zip(reversed(after), reversed(arg.shape))
    return 2 * rest * int(np.prod(list(sizes.values()), dtype=object))


def grouped(seen: Mapping[Node, Seen], depth: int) -> list[Layer]:
    """Layers in the order in which their first nodes ran. Scopes that most nodes share are left out
    of the names."""
    scopes = {node: _scope(item.name) for node, item in seen.items()}
    shared = _shared([scope for scope in scopes.values() if scope])
    layers: dict[str, Layer] = {}
    for node, item in seen.items():
        scope = scopes[node][len(shared) :][:depth] if scopes[node][: len(shared)] == shared else scopes[node][:depth]
        name = "/".join(scope) or "(top)"
        layer = layers.setdefault(name, Layer(name))
        layer.nodes += 1
        layer.parameters += item.parameters
        layer.flops += item.flops
        layer.shape = item.shape if item.shape is not None else layer.shape
    return list(layers.values())


def _scope(name: str) -> list[str]:
    """The scopes of a node's name, without the calls that inlining has left in it."""
    parts = [part for part in name.split("/") if not _CALL.match(part)]
    return parts[:-1]


def _shared(scopes: Sequence[Sequence[str]]) -> list[str]:
    """The beginning that most have, such as the name of the model; not all of what layers are told apart by."""
    shared: list[str] = []
    while True:
        place = len(shared)
        deeper = [scope for scope in scopes if list(scope[:place]) == shared and len(scope) > place]
        counts = Counter(scope[place] for scope in deeper)
        if not counts:
            return shared
        name, count = counts.most_common(1)[0]
        inside = {scope[place + 1] for scope in deeper if scope[place] == name and len(scope) > place + 1}
        if count < _MOST * len(scopes) or len(inside) < 2:
            return shared
        shared.append(name)
