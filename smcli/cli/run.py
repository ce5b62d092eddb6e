"""`run`: feeds a signature of a SavedModel, runs it, prints and saves its outputs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from smcli.cli.flags import Flags
from smcli.errors import InvalidArgumentError, SmcliError
from smcli.inputs.arguments import load_inputs
from smcli.inputs.feeding import Array, as_fed, check_shape, to_tensor
from smcli.inputs.names import check_feed, check_fetch
from smcli.model import open_session
from smcli.proto.saved_model_pb2 import TensorInfo
from smcli.report import outputs as report
from smcli.runtime.session import Session
from smcli.savedmodel.meta_graph import MetaGraph, find_signature, split_items
from smcli.savedmodel.reader import read_saved_model
from smcli.tensors.types import DataType, from_number


def run(flags: Flags) -> None:
    """Runs one signature. The order of checks is the original's: values, files, model, keys, then shapes and dtypes."""
    inputs, input_exprs, input_examples = flags.inputs or "", flags.input_exprs or "", flags.input_examples or ""
    if not (inputs or input_exprs or input_examples or _takes_no_inputs(flags)):
        raise SmcliError(
            "At least one of --inputs, --input_exprs or --input_examples must be required", shown_as="AttributeError"
        )
    values = load_inputs(inputs, input_exprs, input_examples, _warn)
    _run_signature(_find_meta_graph(flags), flags, values)


def _run_signature(meta_graph: MetaGraph, flags: Flags, values: dict[str, Any]) -> None:
    signature = find_signature(meta_graph, flags.signature_def or "")
    _check_keys(values, signature.inputs)
    keys = sorted(signature.outputs)
    paths = report.output_paths(flags.outdir, keys) if flags.outdir else {}
    if flags.outdir:
        report.check_free(flags.outdir, paths, flags.overwrite)
    _say_what_has_no_meaning(flags)

    allowed = frozenset(op.strip() for op in (flags.allow_ops or "").split(",") if op.strip())
    session = open_session(meta_graph, allowed)
    session.runs_once = True
    feeds = {signature.inputs[key].name: (signature.inputs[key], value) for key, value in values.items()}
    names = [signature.outputs[key].name for key in keys]
    fed = {name: _as_fed(session, *feed) for name, feed in feeds.items()}
    with _profiled(flags, session):
        fetched = _fetch(session, names, fed)

    for key, name in zip(keys, names):
        sys.stdout.write(report.result_text(key, fetched[name]) + "\n")
        if key in paths:
            report.save(paths[key], fetched[name], overwrite=flags.overwrite)
            sys.stdout.write(report.saved_text(key, paths[key]) + "\n")


def _profiled(flags: Flags, session: Session) -> AbstractContextManager[None]:
    if not (flags.profile or flags.profile_trace):
        return nullcontext()
    from smcli.cli.profiling import profiled

    return profiled(flags, session)


def _check_keys(values: Mapping[str, Any], inputs: Mapping[str, TensorInfo]) -> None:
    for key in values:
        if key not in inputs:
            choices = '", "'.join(sorted(inputs))
            raise SmcliError(
                f'"{key}" is not a valid input key. Please choose from "{choices}", or use --show option.',
                shown_as="ValueError",
            )


def _as_fed(session: Session, info: TensorInfo, value: Any) -> tuple[Array, DataType]:
    """The array that feeds the tensor of `info`, and the tensor's dtype."""
    check_feed(session.graph, info.name)
    dtype, shape = session.placeholder(info.name)
    if dtype is DataType.INVALID:
        dtype = _declared_dtype(info)
    array = as_fed(value, dtype)
    check_shape(array, info.name, shape)
    return array, dtype


def _declared_dtype(info: TensorInfo) -> DataType:
    try:
        return from_number(info.dtype)
    except ValueError:
        raise InvalidArgumentError(f"Tensor {info.name} has the unknown data type {info.dtype}") from None


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
        _note("--tf_debug has no meaning here yet: the model runs without the debugger.")


def _note(text: str) -> None:
    print(text, file=sys.stderr)


def _warn(text: str) -> None:
    """A warning of the original, in the form in which its log prints it."""
    _note(f"WARNING:tensorflow:{text}")
