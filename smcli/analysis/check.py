"""One smoke test of a SavedModel: are its files whole, are its ops known, does each signature run.

Each step gives a `Result`; none stops the others, except where there is nothing left to look at.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from smcli.analysis.variables import variables
from smcli.checkpoint import checkpoint_exists, open_checkpoint
from smcli.errors import InvalidArgumentError, NotFoundError, OpError, SmcliError
from smcli.graph.binding import require_kernels
from smcli.graph.graph import Graph
from smcli.inputs.arguments import fitted
from smcli.inputs.feeding import fed_to, to_tensor
from smcli.inputs.generate import made_up, nodes_fed
from smcli.inputs.warmup import Request, warmup_requests
from smcli.kernels.context import Array
from smcli.model import ASSETS, VARIABLES, assets_of, init_op, open_session
from smcli.proto.saved_model_pb2 import SignatureDef, TensorInfo
from smcli.runtime.progress import Progress
from smcli.runtime.session import Session
from smcli.savedmodel import MetaGraph
from smcli.savedmodel.meta_graph import find_signature
from smcli.tensors.types import from_number
from smcli.tensors.wire import shape_from_proto

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
HIDDEN = frozenset({"__saved_model_init_op", "__saved_model_train_op"})
# What the unknown dims of made-up inputs are, the batch first; later ones are tried when a model refuses the earlier.
SIZES = ((1, 8), (1, 64), (2, 1), (1, 224))


@dataclass(frozen=True, slots=True)
class Result:
    """One step. name: what was checked; status: passed, failed or skipped; seconds: how long it took."""

    name: str
    status: str
    detail: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Golden:
    """Recorded inputs and outputs. directory: SIGNATURE/inputs/KEY.npy and SIGNATURE/outputs/KEY.npy below it.

    update: write what the model answers instead of comparing with it.
    """

    directory: str
    update: bool
    rtol: float
    atol: float


def check(
    meta_graph: MetaGraph,
    signatures: Sequence[str] = (),
    given: Mapping[str, Any] | None = None,
    golden: Golden | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Iterator[Result]:
    """The results of all steps, one after the other.

    signatures: which to run; all when empty. given: values for some input keys; the rest is made up from `seed`.
    progress: counts what each step does.
    """
    yield from check_files(meta_graph, progress)
    keys = list(signatures) or sorted(set(meta_graph.signatures) - HIDDEN)
    sessions: list[Session] = []
    yield from check_signatures(meta_graph, keys, given or {}, golden, seed, sessions, progress)
    if sessions:
        yield from _warmup(sessions[0], meta_graph)


def check_files(meta_graph: MetaGraph, progress: Progress | None = None) -> Iterator[Result]:
    """Whether variables and assets are there and whole."""
    yield _step("variables", partial(_variables, meta_graph, progress))
    yield _step("assets", partial(_assets, meta_graph))


def check_signatures(
    meta_graph: MetaGraph,
    keys: Sequence[str],
    given: Mapping[str, Any],
    golden: Golden | None,
    seed: int,
    sessions: list[Session],
    progress: Progress | None = None,
) -> Iterator[Result]:
    """Whether ops are known, the model loads, and each signature runs. `sessions` receives the session that is made."""
    yield _step("ops", partial(_ops, meta_graph, keys))
    loaded = _step("load", partial(_load, meta_graph, sessions, progress))
    yield loaded
    if loaded.status == PASSED:
        for key in keys:
            yield _step(f"signature {key}", partial(_signature, sessions[0], meta_graph, key, given, golden, seed))


class _Skip(Exception):
    """The step does not apply; the text says why."""


def _step(name: str, work: Callable[[], str]) -> Result:
    """Runs a step. `work` returns what there is to say; it raises SmcliError to fail and _Skip to be left out."""
    started = time.perf_counter()
    try:
        status, detail = PASSED, work()
    except _Skip as reason:
        status, detail = SKIPPED, str(reason)
    except OpError as error:
        status, detail = FAILED, f"{type(error).__name__}: {error.message}"
    except SmcliError as error:
        status, detail = FAILED, error.message
    return Result(name, status, detail, time.perf_counter() - started)


def _variables(meta_graph: MetaGraph, progress: Progress | None) -> str:
    """Reads every variable, which checks the checksums of all shards."""
    prefix = os.path.join(meta_graph.directory, *VARIABLES)
    if not checkpoint_exists(prefix):
        if meta_graph.saver_def is not None and meta_graph.saver_def.restore_op_name:
            raise NotFoundError(f"There is no checkpoint {prefix}, but the model restores one")
        raise _Skip("the model has none")
    with open_checkpoint(prefix) as checkpoint:
        infos = list(variables(checkpoint))
        source = checkpoint
        if progress is not None:
            source = progress.reading(checkpoint, sum(info.bytes or 0 for info in infos))
        for info in infos:
            source.tensor(info.name).numpy()
    return f"{len(infos)} read, checksums are right"


def _assets(meta_graph: MetaGraph) -> str:
    assets = assets_of(meta_graph)
    if not assets:
        raise _Skip("the model has none")
    folder = os.path.join(meta_graph.directory, ASSETS)
    missing = [asset.filename for asset in assets if not os.path.isfile(os.path.join(folder, asset.filename))]
    if missing:
        raise NotFoundError(f"Not in {folder}: {', '.join(missing)}")
    return f"{len(assets)} there"


def _ops(meta_graph: MetaGraph, keys: Sequence[str]) -> str:
    """Whether smcli has a kernel for all that the signatures need."""
    graph = Graph(meta_graph.graph_def())
    targets = [name for name in (init_op(meta_graph),) if name is not None]
    ops = set()
    for key in keys:
        signature = find_signature(meta_graph, key)
        feeds = [info.name for info in signature.inputs.values()]
        body = graph.body([info.name for info in signature.outputs.values() if info.name], feeds, targets)
        require_kernels(body, graph)
        ops |= {node.op for node in body.nodes}
    return f"{len(ops)} different ones in the graph, all known"


def _load(meta_graph: MetaGraph, sessions: list[Session], progress: Progress | None) -> str:
    session = open_session(meta_graph, progress=progress)
    if progress is not None:
        session.observe = progress.wrap
    sessions.append(session)
    return "variables restored, tables filled"


def _signature(
    session: Session, meta_graph: MetaGraph, key: str, given: Mapping[str, Any], golden: Golden | None, seed: int
) -> str:
    signature = find_signature(meta_graph, key)
    for name, info in [*signature.inputs.items(), *signature.outputs.items()]:
        if info.WhichOneof("encoding") != "name":
            raise _Skip(f"{name!r} is a composite tensor, which can not be fed")
    if golden is not None and not golden.update:
        return _compared(session, signature, key, golden)
    inputs, outputs = _answered(session, signature, given, seed)
    problem = _misfit(signature, outputs)
    if problem:
        raise InvalidArgumentError(problem)
    if golden is not None:
        _record(golden, key, inputs, outputs)
        return f"recorded {len(outputs)} outputs"
    return _described(inputs, outputs)


def _answered(
    session: Session, signature: SignatureDef, given: Mapping[str, Any], seed: int
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Inputs that the signature takes and what it answers. Raises the error for the first choice of sizes."""
    unknown = {key: info for key, info in signature.inputs.items() if key not in given}
    nodes = nodes_fed(session.graph, signature)
    known = {key: given[key] for key in signature.inputs if key in given}
    known = fitted(known, signature.inputs, lambda: nodes)
    first_error: OpError | None = None
    for sizes in SIZES:
        inputs = made_up(unknown, sizes, seed, nodes)
        inputs |= {key: to_tensor(*fed_to(session, signature.inputs[key], value)) for key, value in known.items()}
        try:
            return inputs, run_signature(session, signature, inputs)
        except OpError as error:
            first_error = first_error or error
            if not any(_is_open(info) for info in unknown.values()):
                break
    assert first_error is not None
    raise first_error


def _is_open(info: TensorInfo) -> bool:
    return info.tensor_shape.unknown_rank or any(dim.size < 0 for dim in info.tensor_shape.dim)


def run_signature(session: Session, signature: SignatureDef, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs by key."""
    keys = sorted(signature.outputs)
    names = [signature.outputs[key].name for key in keys]
    feeds = {signature.inputs[key].name: array for key, array in inputs.items()}
    operations = [name for name in names if ":" not in name]
    tensors = {key: name for key, name in zip(keys, names) if ":" in name}
    return dict(zip(tensors, session.run(list(tensors.values()), feeds, operations)))


def _misfit(signature: SignatureDef, outputs: Mapping[str, Array]) -> str:
    """What is not as the signature declares: dtype or shape of an output."""
    for key, array in outputs.items():
        info = signature.outputs[key]
        declared = from_number(info.dtype)
        if array.dtype != declared.numpy:
            return f"Output {key!r} is {array.dtype}, declared as {declared.tf_name}"
        dims = None if info.tensor_shape.unknown_rank else shape_from_proto(info.tensor_shape) or ()
        if dims is not None and (
            len(dims) != array.ndim or any(want not in (-1, have) for want, have in zip(dims, array.shape))
        ):
            return f"Output {key!r} has shape {list(array.shape)}, declared as {list(dims)}"
    return ""


def _described(inputs: Mapping[str, Array], outputs: Mapping[str, Array]) -> str:
    text = f"{_shapes(inputs) or 'nothing'} -> {_shapes(outputs) or 'nothing'}"
    odd = [key for key, array in outputs.items() if array.dtype.kind in "fc" and not np.isfinite(array).all()]
    return f"{text}; NaN or infinity in {', '.join(odd)}" if odd else text


def _shapes(arrays: Mapping[str, Array]) -> str:
    return ", ".join(f"{key} {list(array.shape)}" for key, array in sorted(arrays.items()))


def _warmup(session: Session, meta_graph: MetaGraph) -> Iterator[Result]:
    requests: list[Request] = []

    def read() -> str:
        requests.extend(warmup_requests(meta_graph.directory))
        if not requests:
            raise _Skip("the model has none")
        return f"{len(requests)} read"

    yield _step("warm-up requests", read)
    for number, request in enumerate(requests):
        yield _step(f"warm-up request {number} ({request.signature})", partial(_replayed, session, meta_graph, request))


def _replayed(session: Session, meta_graph: MetaGraph, request: Request) -> str:
    signature = find_signature(meta_graph, request.signature)
    unknown = sorted(request.inputs.keys() - set(signature.inputs))
    if unknown:
        raise InvalidArgumentError(f"The signature has no input {', '.join(unknown)}")
    return _described(request.inputs, run_signature(session, signature, request.inputs))


# Recorded answers.


def _folder(golden: Golden, key: str, part: str) -> str:
    name = key.replace(os.sep, "_").replace("\0", "_")
    return os.path.join(golden.directory, name if name.strip(".") else f"_{name}", part)  # "..": the folder above


def _record(golden: Golden, key: str, inputs: Mapping[str, Array], outputs: Mapping[str, Array]) -> None:
    from smcli.report.outputs import output_paths, save

    for part, arrays in (("inputs", inputs), ("outputs", outputs)):
        paths = output_paths(_folder(golden, key, part), arrays)
        for name, array in arrays.items():
            save(paths[name], array, overwrite=True)


def _compared(session: Session, signature: SignatureDef, key: str, golden: Golden) -> str:
    inputs, wanted = _read(golden, key, "inputs"), _read(golden, key, "outputs")
    if not wanted:
        raise NotFoundError(f"Nothing is recorded in {_folder(golden, key, 'outputs')}; --update records it")
    outputs = run_signature(session, signature, inputs)
    if outputs.keys() != wanted.keys():
        raise InvalidArgumentError(f"Outputs are {sorted(outputs)}, recorded are {sorted(wanted)}")
    for name, array in outputs.items():
        problem = _difference(array, wanted[name], golden)
        if problem:
            raise InvalidArgumentError(f"Output {name!r}: {problem}")
    return f"{len(outputs)} outputs as recorded"


def _read(golden: Golden, key: str, part: str) -> dict[str, Array]:
    from smcli.inputs.files import load

    folder, found = _folder(golden, key, part), {}
    for directory, _, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith(".npy"):
                path = os.path.join(directory, name)
                found[os.path.relpath(path, folder).removesuffix(".npy").replace(os.sep, "/")] = np.asarray(load(path))
    return found


def _difference(array: Array, wanted: Array, golden: Golden) -> str:
    if array.dtype != wanted.dtype or array.shape != wanted.shape:
        return f"{array.dtype} {list(array.shape)}, recorded as {wanted.dtype} {list(wanted.shape)}"
    if array.dtype.kind in "fc" or array.dtype.name == "bfloat16":
        kind = np.complex128 if array.dtype.kind == "c" else np.float64
        close = np.isclose(array.astype(kind), wanted.astype(kind), golden.rtol, golden.atol, equal_nan=True)
    else:
        close = array == wanted
    count = int(np.size(close) - np.count_nonzero(close))
    return f"{count} of {array.size} values differ" if count else ""
