"""`freeze_model`: writes a signature's graph with its variables folded to constants, and a config for tfcompile."""

from __future__ import annotations

import copy
import os
import secrets
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from smcli.cli.flags import Flags
from smcli.cli.freezing import FreezeRequest, check_input_shapes, freeze_request
from smcli.cli.progress import Shown
from smcli.errors import FailedPreconditionError, PermissionDeniedError, SmcliError
from smcli.graph.freeze import flattened, pruned, variables
from smcli.graph.freeze_values import VARIABLE, folded
from smcli.graph.graph import REFERENCE_VARIABLES, parse_tensor_name
from smcli.report.tf2xla import config_text

if TYPE_CHECKING:
    from smcli.proto.graph_pb2 import GraphDef, NodeDef
    from smcli.proto.saved_model_pb2 import SignatureDef

PLACEHOLDERS = ("Placeholder", "PlaceholderV2")
ASSIGNING = frozenset({"AssignVariableOp", "Assign"})


def freeze_model(flags: Flags) -> None:
    """Writes original_graph.pb, prefrozen_graph.pb, frozen_graph.pb and config.pbtxt to --output_prefix.

    What was written before an error stays, as in the original.
    """
    request = freeze_request(flags)
    folder = flags.output_prefix or ""
    graph_def = copy.deepcopy(request.meta_graph.graph_def())
    _make_folder(folder)
    _write(os.path.join(folder, "original_graph.pb"), graph_def.SerializeToString())

    check_input_shapes(request)
    _make_inputs_constant(graph_def, request.signature)
    flat = flattened(graph_def, _kept(request, graph_def))
    known = variables(flat)
    fed = _fed_variables(request, known)
    _write(os.path.join(folder, "prefrozen_graph.pb"), flat.SerializeToString())

    needed = pruned(flat, [info.name for info in request.signature.outputs.values()])
    ops = (VARIABLE, *REFERENCE_VARIABLES)
    nodes = [node for node in needed.node if node.op in ops and node.name not in fed]
    frozen = folded(needed, _values(request, nodes))
    # reads are plain ops now, and what they had to wait for may be gone
    frozen = pruned(frozen, [info.name for info in request.signature.outputs.values()])
    signature = _without_pruned_inputs(request.signature, frozen)
    _write(os.path.join(folder, "frozen_graph.pb"), frozen.SerializeToString())
    _write(os.path.join(folder, "config.pbtxt"), config_text(signature, [known[name] for name in fed]).encode())


def _make_folder(path: str) -> None:
    try:
        os.makedirs(path or ".", exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        while path and not os.path.exists(path):
            path = os.path.dirname(path)
        raise FailedPreconditionError(f"{path} is not a directory") from None
    except OSError as error:
        raise PermissionDeniedError(f"{path}; {error.strerror}") from None


def _write(path: str, data: bytes) -> None:
    from smcli.report.outputs import ending_on_sigterm

    temporary = f"{path}.{secrets.token_hex(6)}.tmp"
    with ending_on_sigterm():
        try:
            with open(temporary, "xb") as file:  # never through a link that someone has put there
                file.write(data)
            os.replace(temporary, path)
        except OSError as error:
            raise PermissionDeniedError(f"{path}; {error.strerror}") from None
        finally:
            if os.path.lexists(temporary):
                os.unlink(temporary)


def _make_inputs_constant(graph_def: GraphDef, signature: SignatureDef) -> None:
    """Put zeros in place of the placeholders of the signature's inputs."""
    import numpy as np

    from smcli.tensors import wire
    from smcli.tensors.types import from_number

    nodes = {node.name: node for node in graph_def.node}
    for info in signature.inputs.values():
        node = nodes[parse_tensor_name(info.name)[0]]
        if node.op not in PLACEHOLDERS:
            continue
        dtype = from_number(info.dtype)
        shape = tuple([dim.size for dim in info.tensor_shape.dim])
        if wire.checked_size(shape) > wire.MAX_FILL_BYTES // 16:
            raise SmcliError(f"Input {info.name} of shape {list(shape)} is too large to be made a constant.")
        zeros = np.full(shape, b"", object) if dtype.is_object else np.zeros(shape, dtype.numpy)
        node.op = "Const"
        del node.input[:]
        node.attr.clear()
        node.attr["dtype"].type = dtype.value  # type: ignore[assignment]
        node.attr["value"].tensor.CopyFrom(wire.to_proto(zeros, dtype))


def _kept(request: FreezeRequest, graph_def: GraphDef) -> list[str]:
    """What the optimised graph keeps: the inputs and outputs of all signatures, and initial values of variables."""
    saver = request.meta_graph.saver_def
    scope = saver.restore_op_name.rpartition("/")[0] if saver is not None else ""
    present = {node.name for node in graph_def.node}
    names = [
        parse_tensor_name(info.name)[0]
        for signature in request.meta_graph.signatures.values()
        for info in [*signature.inputs.values(), *signature.outputs.values()]
        if info.name
    ]
    names = [name for name in names if name in present]
    return names + [
        node.name
        for node in graph_def.node
        if node.op in ASSIGNING and not (scope and node.name.startswith(f"{scope}/"))
    ]


def _fed_variables(request: FreezeRequest, known: Mapping[str, tuple[NodeDef, bool]]) -> list[str]:
    if request.variables_to_feed is None:
        return sorted(known)
    missing = set(request.variables_to_feed) - set(known)
    if missing:
        raise SmcliError(
            f"Asked to feed variables that were not found in graph: {{{', '.join(map(repr, sorted(missing)))}}}. "
            f"Variables contained in the graph: {sorted(known)}",
            shown_as="ValueError",
        )
    return request.variables_to_feed


def _values(request: FreezeRequest, nodes: Iterable[NodeDef]) -> dict[str, Any]:
    """{name: value} of variables, restored from the checkpoint of the request."""
    from smcli.graph.graph import Graph
    from smcli.model import ModelFiles, restore_from
    from smcli.runtime.session import Session

    graph_def = copy.deepcopy(request.meta_graph.graph_def())
    reads = {}
    for node in nodes:
        reads[node.name] = f"{node.name}:0"
        if node.op == VARIABLE:
            read = graph_def.node.add(name=f"{node.name}/frozen_value", op="ReadVariableOp", input=[node.name])
            read.attr["dtype"].type = node.attr["dtype"].type
            reads[node.name] = f"{read.name}:0"
    shown = Shown()
    with shown.working():
        files = ModelFiles(os.path.dirname(request.checkpoint_path) or ".", shown.progress)
        session = Session(Graph(graph_def), files)
        restore_from(session, request.meta_graph, request.checkpoint_path)
        return dict(zip(reads, session.run(list(reads.values()))))


def _without_pruned_inputs(signature: SignatureDef, graph_def: GraphDef) -> SignatureDef:
    present = {node.name for node in graph_def.node}
    kept = copy.deepcopy(signature)
    for key in sorted(signature.inputs):
        name = parse_tensor_name(signature.inputs[key].name)[0]
        if name not in present:
            print(
                f"WARNING:tensorflow:Signature input key '{key}', tensor name '{name}', has been pruned while freezing"
                " the graph.  Removing it from the compiled signatures.",
                file=sys.stderr,
            )
            del kept.inputs[key]
    return kept
