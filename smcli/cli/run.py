"""`run`: feeds a signature of a SavedModel, runs it, prints and saves its outputs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from smcli.cli.flags import Flags
from smcli.cli.progress import Shown
from smcli.cli.results import Results
from smcli.cli.values import Values, fed_tensors, made_up_values
from smcli.errors import SmcliError
from smcli.inputs.feeding import Array, fed_to, to_tensor
from smcli.inputs.names import check_fetch
from smcli.model import open_session
from smcli.proto.saved_model_pb2 import SignatureDef, TensorInfo
from smcli.report import outputs as report
from smcli.runtime.session import Session
from smcli.savedmodel.meta_graph import MetaGraph, find_signature, split_items
from smcli.savedmodel.reader import read_saved_model
from smcli.tensors.types import DataType


def run(flags: Flags) -> None:
    """Runs one signature. The order of checks is the original's: values, files, model, keys, then shapes and dtypes."""
    if not (Values.are_in(flags) or _takes_no_inputs(flags)):
        raise SmcliError(
            "At least one of --inputs, --input_exprs or --input_examples must be required", shown_as="AttributeError"
        )
    values = Values(flags)
    try:
        meta_graph = _find_meta_graph(flags)
        signature = find_signature(meta_graph, flags.signature_def or "")
        fitted = values.fitted(meta_graph, signature)
    except SmcliError:
        if values.error is not None:
            raise values.error from None
        raise
    _run_signature(meta_graph, signature, flags, fitted)


def _run_signature(meta_graph: MetaGraph, signature: SignatureDef, flags: Flags, values: dict[str, Any]) -> None:
    names = _wanted(flags, signature)
    results = Results(flags, list(names))
    _say_what_has_no_meaning(flags)

    allowed = frozenset(op.strip() for op in (flags.allow_ops or "").split(",") if op.strip())
    shown = Shown(flags.quiet or _writes_on_the_way(flags))
    with shown.working():
        session = open_session(meta_graph, allowed, shown.progress)
        session.runs_once = True
        if flags.input_random:
            values = made_up_values(session, signature, values, flags.input_seed) | values
        feeds = {signature.inputs[key].name: (signature.inputs[key], value) for key, value in values.items()}
        feeds |= {name: (TensorInfo(name=name), value) for name, value in fed_tensors(flags).items()}
        fed = {name: fed_to(session, *feed) for name, feed in feeds.items()}
        if shown.progress is not None:
            session.observe = shown.progress.wrap
        with _observed(flags, session):
            fetched = _fetch(session, list(names.values()), fed)
    results.give({key: fetched[name] for key, name in names.items()})


def _wanted(flags: Flags, signature: SignatureDef) -> dict[str, str]:
    """{key: tensor} of what is fetched: the signature's outputs, or the tensors of --fetch under their own names."""
    fetches = [name.strip() for name in (flags.fetch or "").split(",") if name.strip()]
    if fetches:
        return {name: name if ":" in name else f"{name}:0" for name in fetches}
    return {key: signature.outputs[key].name for key in sorted(signature.outputs)}


def _writes_on_the_way(flags: Flags) -> bool:
    """Whether stderr gets lines while the model runs, or right after."""
    return any((flags.watch, flags.dump_dir, flags.stop_at_nan, flags.profile, flags.profile_trace))


def _observed(flags: Flags, session: Session) -> AbstractContextManager[None]:
    if flags.watch or flags.dump_dir or flags.stop_at_nan:
        from smcli.cli.watching import watched

        return watched(flags, session)
    return _profiled(flags, session)


def _profiled(flags: Flags, session: Session) -> AbstractContextManager[None]:
    if not (flags.profile or flags.profile_trace):
        return nullcontext()
    from smcli.cli.profiling import profiled

    return profiled(flags, session)


def _fetch(session: Session, names: Sequence[str], fed: Mapping[str, tuple[Array, DataType]]) -> dict[str, Any]:
    """{name: value} of tensors, as a TensorFlow session returns them; None for operations, which have no value."""
    for name in names:
        check_fetch(session.graph, name)
    tensors = [name for name in names if ":" in name]
    operations = [name for name in names if ":" not in name]
    feeds = {name: to_tensor(array, dtype) for name, (array, dtype) in fed.items()}
    fetched: dict[str, Any] = dict.fromkeys(operations)
    fetched |= zip(tensors, map(report.as_fetched, session.run(tensors, feeds, operations)))
    return fetched | {name: array for name, (array, _) in fed.items()}  # a fed tensor comes back as it was fed


def _takes_no_inputs(flags: Flags) -> bool:
    """Whether the signature runs without any input, which the original does not let it."""
    try:
        return not find_signature(_find_meta_graph(flags), flags.signature_def or "").inputs
    except SmcliError:
        return False  # the missing flag comes first


def _find_meta_graph(flags: Flags) -> MetaGraph:
    tags = split_items(flags.tag_set or "", "tag_set")
    return read_saved_model(flags.dir or "").find(",".join(tags))


def _say_what_has_no_meaning(flags: Flags) -> None:
    if flags.worker:
        _note(f"--worker {flags.worker} has no meaning here: the model runs in this process.")
    if flags.init_tpu:
        _note("--init_tpu has no meaning here: there is no TPU to initialize.")
    if flags.use_tfrt:
        _note("--use_tfrt has no meaning here: there is one runtime.")
    if flags.tf_debug:
        _note("--tf_debug has no meaning here; --watch, --dump_dir and --stop_at_nan show what runs.")


def _note(text: str) -> None:
    print(text, file=sys.stderr)
