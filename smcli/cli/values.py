"""The values that one command line feeds to a signature, from all the flags that give some."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from smcli.cli.flags import Flags
from smcli.errors import SmcliError
from smcli.inputs.arguments import Waiting, fitted, load_inputs
from smcli.proto.saved_model_pb2 import SignatureDef, TensorInfo

if TYPE_CHECKING:
    from smcli.graph.graph import Node
    from smcli.runtime.session import Session
    from smcli.savedmodel.meta_graph import MetaGraph


class Values:
    """What the flags say before the model is known; `fitted` says what is fed to a signature."""

    def __init__(self, flags: Flags) -> None:
        """Reads files and evaluates expressions. Raises SmcliError for what is malformed, not allowed, or not there."""
        self._json = None
        if flags.input_json:
            from smcli.inputs.json_values import read_json

            self._json = read_json(flags.input_json)
        self._given = load_inputs(flags.inputs or "", flags.input_exprs or "", flags.input_examples or "", _warn)

    @staticmethod
    def are_in(flags: Flags) -> bool:
        """Whether any flag gives values."""
        given = (flags.inputs, flags.input_exprs, flags.input_examples, flags.input_json, flags.input_random)
        return any(given) or bool(flags.fetch)

    @property
    def error(self) -> SmcliError | None:
        """That of the first file which holds no array, and is only welcome if its input takes strings."""
        waiting = [value for value in self._given.values() if isinstance(value, Waiting)]
        return next((value.error for value in waiting if value.error), None)

    def fitted(self, meta_graph: MetaGraph, signature: SignatureDef) -> dict[str, Any]:
        """{input key: value}. Raises SmcliError, shown as ValueError, for a key that the signature does not have."""
        values = self._given
        if self._json is not None:
            from smcli.inputs.json_values import values_of

            values = values_of(self._json, signature.inputs.keys()) | values
        _check_keys(values, signature.inputs)
        return fitted(values, signature.inputs, lambda: nodes_of(meta_graph, signature))


def fed_tensors(flags: Flags) -> dict[str, Any]:
    """{tensor: value} of --feed, whose values are files, or expressions where no file has that name."""
    from smcli.inputs import expressions
    from smcli.inputs.arguments import parse_expressions

    def value(text: str) -> Any:
        if os.path.exists(text):
            return load_inputs(f"value={text}", "", "", _warn)["value"]
        return expressions.evaluate(text)

    fed = parse_expressions(flags.feed or "", value)
    return {name if ":" in name else f"{name}:0": item for name, item in fed.items()}


def made_up_values(session: Session, signature: SignatureDef, given: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Values for the inputs that are not given; unknown dims are 1 for the batch and 8 for others."""
    from smcli.inputs.generate import made_up, nodes_fed

    unknown = {key: info for key, info in signature.inputs.items() if key not in given}
    return made_up(unknown, (1, 8), seed, nodes_fed(session.graph, signature))


def nodes_of(meta_graph: MetaGraph, signature: SignatureDef) -> list[Node]:
    """The nodes that a signature runs."""
    from smcli.graph.graph import Graph
    from smcli.inputs.generate import nodes_fed

    return nodes_fed(Graph(meta_graph.graph_def()), signature)


def _check_keys(values: Mapping[str, Any], inputs: Mapping[str, TensorInfo]) -> None:
    for key in values:
        if key not in inputs:
            choices = '", "'.join(sorted(inputs))
            raise SmcliError(
                f'"{key}" is not a valid input key. Please choose from "{choices}", or use --show option.',
                shown_as="ValueError",
            )


def _warn(text: str) -> None:
    """A warning of the original, in the form in which its log prints it."""
    print(f"WARNING:tensorflow:{text}", file=sys.stderr)
