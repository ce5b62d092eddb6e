"""How two models differ: signatures, ops, functions, variables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np

from smcli.analysis.variables import variables
from smcli.checkpoint import Checkpoint
from smcli.errors import SmcliError
from smcli.proto.saved_model_pb2 import SignatureDef, TensorInfo
from smcli.savedmodel import MetaGraph
from smcli.tensors.types import from_number
from smcli.tensors.wire import shape_from_proto

T = TypeVar("T")


class Change(NamedTuple):
    """One difference. kind: signature, op, function or variable. how: added, removed or changed. what: of a change."""

    kind: str
    name: str
    how: str
    what: str = ""


def differences(kind: str, old: Mapping[str, T], new: Mapping[str, T], what: Callable[[T, T], str]) -> list[Change]:
    """Of two mappings by name. `what` says how two values differ, in words, or nothing when they do not."""
    found = []
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            found.append(Change(kind, name, "removed"))
        elif name not in old:
            found.append(Change(kind, name, "added"))
        else:
            text = what(old[name], new[name])
            if text:
                found.append(Change(kind, name, "changed", text))
    return found


def of_graphs(old: MetaGraph, new: MetaGraph) -> list[Change]:
    """Differences of signatures, of how often ops are used, and of functions."""
    found = differences("signature", old.signatures, new.signatures, _of_signatures)
    found += differences("op", _op_counts(old), _op_counts(new), lambda a, b: "" if a == b else f"{a} to {b} nodes")
    return found + differences("function", _functions(old), _functions(new), _of_functions)


def _of_signatures(old: SignatureDef, new: SignatureDef) -> str:
    parts = []
    for kind, before, after in (("input", old.inputs, new.inputs), ("output", old.outputs, new.outputs)):
        for change in differences(kind, before, after, _of_tensors):
            parts.append(f"{kind} {change.name} {change.what or change.how}")
    if old.method_name != new.method_name:
        parts.append(f"method {old.method_name} to {new.method_name}")
    return "; ".join(parts)


def _of_tensors(old: TensorInfo, new: TensorInfo) -> str:
    before, after = _tensor_text(old), _tensor_text(new)
    return "" if before == after else f"{before} to {after}"


def _tensor_text(info: TensorInfo) -> str:
    try:
        dtype = from_number(info.dtype).tf_name
    except ValueError:
        dtype = f"type {info.dtype}"
    if info.tensor_shape.unknown_rank:
        return f"{dtype} of unknown rank"
    return f"{dtype} {list(shape_from_proto(info.tensor_shape) or ())}"


def _op_counts(graph: MetaGraph) -> Counter[str]:
    graph_def = graph.graph_def()
    counts = Counter(node.op for node in graph_def.node)
    for function in graph_def.library.function:
        counts.update(node.op for node in function.node_def)
    return counts


def _functions(graph: MetaGraph) -> dict[str, list[str]]:
    """The traces of each function of the root object; empty for models that keep none."""
    from smcli.savedmodel.functions import root_functions

    try:
        return {
            function.name: sorted(f"{trace.args}, {trace.kwargs}" for trace in function.concrete_functions)
            for function in root_functions(graph)
        }
    except SmcliError:
        return {}


def _of_functions(old: list[str], new: list[str]) -> str:
    if old == new:
        return ""
    if len(old) != len(new):
        return f"{len(old)} to {len(new)} traces"
    return "; ".join(f"{before} to {after}" for before, after in zip(old, new) if before != after)


def of_checkpoints(old: Checkpoint, new: Checkpoint, name: str, rtol: float, atol: float) -> list[Change]:
    """Differences of variables: dtype, shape, and values farther apart than atol + rtol * |old|."""
    before = {info.name: info for info in variables(old, name) if _is_variable(info.name)}
    after = {info.name: info for info in variables(new, name) if _is_variable(info.name)}

    def what(a: Any, b: Any) -> str:
        if a != b:
            return f"{a.dtype} {list(a.shape)} to {b.dtype} {list(b.shape)}"
        return _of_values(old.tensor(a.name).numpy(), new.tensor(a.name).numpy(), rtol, atol)

    return differences("variable", before, after, what)


def _is_variable(key: str) -> bool:
    # the object graph and other strings beside the variables, which hold names and Python objects
    return not (key.startswith("_CHECKPOINTABLE_OBJECT_GRAPH") or key.endswith("/.ATTRIBUTES/OBJECT_CONFIG_JSON"))


def _of_values(old: Any, new: Any, rtol: float, atol: float) -> str:
    if old.dtype.kind in "OSUV" or old.dtype.kind == "b":
        count = int(np.count_nonzero(old != new))
        return f"{count} of {old.size} values" if count else ""
    kind = np.complex128 if old.dtype.kind == "c" else np.float64
    before, after = old.astype(kind), new.astype(kind)
    with np.errstate(all="ignore"):
        same = (before == after) | (np.isnan(before) & np.isnan(after))
        gap = np.abs(after - before)
        far = ~same & ~(gap <= atol + rtol * np.abs(before))
        if not far.any():
            return ""
        largest = float(np.max(gap[far]))
        relative = float(np.max((gap / np.abs(before))[far]))
    return f"{np.count_nonzero(far)} of {old.size} values, by up to {largest:.3g} ({relative:.3g} of the old value)"


def counted(changes: Iterable[Change]) -> dict[str, int]:
    """How many changes there are of each kind."""
    return dict(Counter(change.kind for change in changes))
