"""What can be called on a loaded model: signatures, and functions with their traces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from smcli.api import structure
from smcli.errors import InvalidArgumentError, SmcliError
from smcli.kernels.context import Array
from smcli.proto.saved_model_pb2 import SignatureDef
from smcli.savedmodel.structured import DType, NamedTuple, Shape, TensorSpec
from smcli.tensors.wire import shape_from_proto

Run = Callable[[Sequence[str], Mapping[str, Array]], list[Array]]
Call = Callable[[Sequence[Array]], list[Array]]


class Signature:
    """A signature of the MetaGraph: takes its inputs by name, gives a dict of outputs.

    inputs: the spec of each input by its key. output_names: the keys of the result.
    """

    def __init__(self, key: str, definition: SignatureDef, run: Run) -> None:
        self.key = key
        self._definition = definition
        self._run = run
        self.inputs = {name: _spec(info.name, info) for name, info in sorted(definition.inputs.items())}
        self.output_names = sorted(definition.outputs)

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Array]:
        """The outputs for these inputs. One positional argument is welcome where there is only one input.

        Raises SmcliError, shown as TypeError, for missing, unknown and misfitting inputs.
        """
        if args:
            if len(args) > 1 or len(self.inputs) != 1 or kwargs:
                raise _type_error(f"Signature {self.key!r} takes its inputs by name: {', '.join(self.inputs)}")
            kwargs = dict(zip(self.inputs, args))
        if set(kwargs) != set(self.inputs):
            raise _type_error(
                f"Signature {self.key!r} takes the inputs {', '.join(self.inputs) or 'nothing'};"
                f" got {', '.join(sorted(kwargs)) or 'none'}"
            )
        feeds = {}
        for key, value in kwargs.items():
            try:
                feeds[self._definition.inputs[key].name] = structure.tensor(value, self.inputs[key], convert=True)
            except structure.Mismatch as mismatch:
                raise _type_error(f"Input {key!r} of signature {self.key!r}: {mismatch}") from None
        outputs = [self._definition.outputs[name].name for name in self.output_names]
        return dict(zip(self.output_names, self._run(outputs, feeds)))

    def __repr__(self) -> str:
        return f"<smcli.Signature {self.key!r} ({', '.join(self.inputs)}) -> {', '.join(self.output_names)}>"


def _spec(name: str, info: Any) -> TensorSpec:
    dims = None if info.tensor_shape.unknown_rank else shape_from_proto(info.tensor_shape)
    shape = Shape(None if dims is None else tuple([None if dim < 0 else dim for dim in dims]))
    return TensorSpec(name, shape, DType(info.dtype))


@dataclass(frozen=True, eq=False)
class ConcreteFunction:
    """One trace of a function. args, kwargs: the nested signature it was made for; output: that of its result."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Any
    call: Call

    def flatten(self, args: Sequence[Any], kwargs: Mapping[str, Any], convert: bool) -> list[Array]:
        """The tensors for a call. Raises structure.Mismatch when the arguments do not fit this trace."""
        return structure.flatten((tuple(args), dict(kwargs)), (self.args, self.kwargs), convert)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the trace with arguments of just its structure. Raises SmcliError, shown as TypeError."""
        try:
            tensors = self.flatten(args, kwargs, convert=True)
        except structure.Mismatch as mismatch:
            raise _type_error(f"{self.name}: {mismatch}") from None
        return self.on_tensors(tensors)

    def on_tensors(self, tensors: Sequence[Array]) -> Any:
        """The structured result for flat arguments."""
        return structure.pack(self.output, iter(self.call(tensors)))

    def __str__(self) -> str:
        given = [repr(arg) for arg in self.args] + [f"{key}={value!r}" for key, value in self.kwargs.items()]
        return f"({', '.join(given)})"


@dataclass(frozen=True)
class Parameters:
    """The parameters of the Python function that was traced, without `self`.

    names: positional ones in order. defaults: of the last of them and of keyword-only ones. variadic: it has *args.
    """

    names: tuple[str, ...]
    keyword_only: tuple[str, ...]
    defaults: Mapping[str, Any]
    variadic: bool
    keywords: bool

    @classmethod
    def from_spec(cls, spec: Any, is_method: bool) -> Parameters:
        """From the decoded `fullargspec` of a saved function. Raises InvalidArgumentError for a broken one."""
        fields = dict(spec.fields) if isinstance(spec, NamedTuple) else {}
        names, defaults = tuple(fields.get("args") or ()), tuple(fields.get("defaults") or ())
        keyword_only, keyword_defaults = tuple(fields.get("kwonlyargs") or ()), fields.get("kwonlydefaults") or {}
        if len(defaults) > len(names) or not isinstance(keyword_defaults, dict):
            raise InvalidArgumentError("The parameters of a saved function are broken")
        by_name = dict(zip(names[len(names) - len(defaults) :], defaults)) | keyword_defaults
        return cls(
            names[1:] if is_method else names,
            keyword_only,
            by_name,
            bool(fields.get("varargs")),
            bool(fields.get("varkw")),
        )

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments in the form that traces have: all named positional ones in order, the others by name.

        Raises SmcliError, shown as TypeError, as a call of the Python function would.
        """
        if len(args) > len(self.names) and not self.variadic:
            raise _type_error(f"takes {len(self.names)} positional arguments but {len(args)} were given")
        remaining = dict(kwargs)
        bound = list(args)
        for name in self.names[: len(args)]:
            if name in remaining:
                raise _type_error(f"got multiple values for argument {name!r}")
        missing = []
        for name in self.names[len(args) :]:
            if name in remaining or name in self.defaults:
                bound.append(remaining.pop(name, self.defaults.get(name)))
            else:
                missing.append(name)
        named = {}
        for name in self.keyword_only:
            if name in remaining or name in self.defaults:
                named[name] = remaining.pop(name, self.defaults.get(name))
            else:
                missing.append(name)
        if missing:
            raise _type_error(f"missing arguments: {', '.join(missing)}")
        if remaining and not self.keywords:
            raise _type_error(f"got unexpected keyword arguments: {', '.join(sorted(remaining))}")
        return tuple(bound), named | remaining


class RestoredFunction:
    """A function of the model with the traces that were saved. A call picks the trace that fits its arguments."""

    def __init__(self, name: str, traces: Sequence[ConcreteFunction], parameters: Parameters | None) -> None:
        """parameters: None where the model does not tell; arguments then have to be given as the traces have them."""
        self.name = name
        self.concrete_functions = list(traces)
        self._parameters = parameters

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result of the trace that fits: exactly at first, else after conversion of Python values and dtypes.

        Raises SmcliError, shown as TypeError for arguments the Python function does not take, and as ValueError, with
        all traces, when none fits.
        """
        trace, tensors = self._match(args, kwargs)
        return trace.on_tensors(tensors)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace that a call with these arguments runs."""
        return self._match(args, kwargs)[0]

    def _match(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[ConcreteFunction, list[Array]]:
        bound, named = tuple(args), dict(kwargs)
        if self._parameters is not None:
            try:
                bound, named = self._parameters.bind(args, kwargs)
            except SmcliError as error:
                raise _type_error(f"{self.name}() {error.message}") from None
        for convert in (False, True):
            for trace in self.concrete_functions:
                try:
                    return trace, trace.flatten(bound, named, convert)
                except structure.Mismatch:
                    continue
        given = ", ".join([_shown(arg) for arg in bound] + [f"{key}={_shown(arg)}" for key, arg in named.items()])
        options = "\n".join(f"  {index}: {trace}" for index, trace in enumerate(self.concrete_functions, 1))
        raise SmcliError(
            f"Could not find a trace of {self.name} that fits. Got:\n  ({given})\n"
            f"Expected one of the following {len(self.concrete_functions)} option(s):\n{options}",
            shown_as="ValueError",
        )

    def __repr__(self) -> str:
        return f"<smcli.RestoredFunction {self.name!r} with {len(self.concrete_functions)} trace(s)>"


def _shown(value: Any) -> str:
    if isinstance(value, (np.ndarray, np.generic)):
        return f"array(shape={value.shape}, dtype={value.dtype})"
    return repr(value)


def _type_error(message: str) -> SmcliError:
    return SmcliError(message, shown_as="TypeError")


def bare_arguments(names: Sequence[str], types: Sequence[int]) -> tuple[Any, ...]:
    """The specs of a concrete function of which only argument names and data types are known."""
    return tuple(TensorSpec(name, Shape(None), DType(number)) for name, number in zip(names, types))
