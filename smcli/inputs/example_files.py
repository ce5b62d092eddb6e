"""`--input_examples 'KEY=@FILE'`: tf.Examples made from the rows of a JSON or CSV file as they are fed."""

from __future__ import annotations

from typing import Any

from smcli.inputs.arguments import Nodes, Waiting
from smcli.inputs.contents import Contents
from smcli.inputs.features import encoder
from smcli.inputs.parse_specs import feature_specs
from smcli.inputs.rows import open_rows
from smcli.proto.saved_model_pb2 import TensorInfo


class ExampleFile(Waiting):
    """A file of rows, which become the features that the model parses."""

    def __init__(self, path: str) -> None:
        """Raises SmcliError for a name that does not say the format, NotFoundError and its kin."""
        self._path, self._rows = path, open_rows(path)

    def fitted(self, key: str, info: TensorInfo, nodes: Nodes) -> Any:
        """A batch of serialised Examples, of types that the model parses. Raises SmcliError for values that do not
        fit."""
        examples = encoder(self._rows, {}, feature_specs(nodes())).encoded(self._rows)
        return Contents(list(examples), self._path).fitted(key, info, nodes)
