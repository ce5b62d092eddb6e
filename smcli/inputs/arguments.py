"""The flags `--inputs`, `--input_exprs` and `--input_examples` to values by input key.

Syntax, order of checks, precedence and error texts are those of saved_model_cli (`load_inputs_from_input_arg_string` in
tensorflow/python/tools/saved_model_cli.py): expressions and examples are evaluated before any file is opened. What
reads files and what makes examples is imported when there are any.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from smcli.errors import SmcliError
from smcli.inputs import expressions

if TYPE_CHECKING:
    from smcli.graph.graph import Node
    from smcli.proto.saved_model_pb2 import TensorInfo

_FILE = r"([^=]+)=([^\[\]]+)(?:\[([^\[\]]+)\])?$"
_FILE_MARK = "@"  # of --input_examples: what follows is the name of a file
_CLOSING = {"(": ")", "[": "]", "{": "}"}

Warn = Callable[[str], None]
Nodes = Callable[[], Iterable["Node"]]


class Waiting:
    """A value that takes its form when the input is known that it is fed to: the contents of a file.

    error: that of reading the file as an array, where that was tried.
    """

    error: SmcliError | None = None

    def fitted(self, key: str, info: TensorInfo, nodes: Nodes) -> Any:
        """The value for the input `key`. nodes: gives the nodes that run on it. Raises SmcliError for an input that can
        not take it."""
        raise NotImplementedError


def fitted(values: Mapping[str, Any], inputs: Mapping[str, TensorInfo], nodes: Nodes) -> dict[str, Any]:
    """The values with those that were waiting in the form that their inputs want."""
    return {
        key: value.fitted(key, inputs[key], nodes) if isinstance(value, Waiting) else value
        for key, value in values.items()
    }


def load_inputs(inputs: str, input_exprs: str, input_examples: str, warn: Warn) -> dict[str, Any]:
    """{input key: value}, from files, overridden by expressions, overridden by examples. Values that are the contents
    of files are `Waiting` for the input that they are fed to.

    `warn` is called with a sentence for each name that is ignored and each key given twice. Raises SmcliError for what
    is malformed, not allowed, or not there.
    """
    paths = parse_inputs(inputs)
    evaluated = parse_expressions(input_exprs, expressions.evaluate)
    examples = parse_examples(input_examples)
    values = {key: _load(path, variable, warn) for key, (path, variable) in paths.items()}
    for key, value in evaluated.items():
        if key in values:
            warn(
                f"input_key {key} has been specified with both --inputs and --input_exprs options."
                " Value in --input_exprs will be used."
            )
        values[key] = value
    for key, value in examples.items():
        if key in values:
            warn(f"input_key {key} has been specified in multiple options. Value in --input_examples will be used.")
        values[key] = value
    return values


def parse_inputs(text: str) -> dict[str, tuple[str, str | None]]:
    """{input key: (file, name of the variable or None)} of `key=file[name];key=file`. Raises SmcliError."""
    parsed = {}
    for part in filter(None, text.split(";")):
        match = re.match(_FILE, part)
        if match is None:
            raise SmcliError(
                f'--inputs "{part}" format is incorrect. Please follow"<input_key>=<filename>", or'
                '"<input_key>=<filename>[<variable_name>]"'
            )
        parsed[match[1]] = (match[2], match[3])
    return parsed


def parse_expressions(text: str, evaluate: Callable[[str], Any]) -> dict[str, Any]:
    """{input key: value} of `key=expression;key=expression`. Raises SmcliError."""
    parts = split_expressions(text)
    try:
        return _evaluated(parts, text, evaluate)
    except SmcliError:
        if parts == text.split(";"):
            raise
        return _evaluated(text.split(";"), text, evaluate)  # fails as the original, which splits at every semicolon


def _evaluated(parts: Sequence[str], text: str, evaluate: Callable[[str], Any]) -> dict[str, Any]:
    values = {}
    for part in filter(None, parts):
        if "=" not in text:
            raise SmcliError(
                f'--input_exprs "{text}" format is incorrect. Please follow"<input_key>=<python expression>"'
            )
        key, equals, expression = part.partition("=")
        if not equals:
            raise SmcliError(
                "not enough values to unpack (expected 2, got 1)",
                shown_as="ValueError",
                hint=f'"{part}" should be <input_key>=<python expression>',
            )
        values[key] = evaluate(expression)
    return values


def parse_examples(text: str) -> dict[str, Any]:
    """{input key: serialised tf.Examples} of `key=[{feature: list}, …];…`; a file of rows of `key=@file`. Raises
    SmcliError."""
    if not text:
        return {}
    found = parse_expressions(text, _literal_or_file)
    for key, value in found.items():
        if isinstance(value, Waiting):
            continue
        from smcli.inputs.examples import serialised

        if not isinstance(value, list):
            raise SmcliError(
                f'tf.Example input must be a list of dictionaries, but "{value}" is {type(value)}',
                shown_as="ValueError",
            )
        found[key] = [serialised(example) for example in value]
    return found


def _literal_or_file(text: str) -> Any:
    if not text.startswith(_FILE_MARK):
        return expressions.literal(text)
    from smcli.inputs.example_files import ExampleFile

    return ExampleFile(text.removeprefix(_FILE_MARK))


def split_expressions(text: str) -> list[str]:
    """The parts of `text` between semicolons that stand in no string and no bracket.

    Where strings or brackets do not end, every semicolon counts, as for the original.
    """
    parts, start, position = [], 0, 0
    while position <= len(text):
        equals = text.find("=", start)
        semicolon = text.find(";", start)
        if semicolon < 0:
            break
        if 0 <= equals < semicolon:
            end = _end_of_expression(text, equals + 1)
            if end is None:
                return text.split(";")
        else:
            end = semicolon
        if end == len(text):
            break
        parts.append(text[start:end])
        start = position = end + 1
    return [*parts, text[start:]]


def _end_of_expression(text: str, position: int) -> int | None:
    """Where the expression that begins at `position` ends: at a semicolon or at the end; None for a malformed one."""
    expected: list[str] = []
    while position < len(text):
        char = text[position]
        if char in "'\"":
            after = _end_of_string(text, position)
            if after is None:
                return None
            position = after
            continue
        if char in _CLOSING:
            expected.append(_CLOSING[char])
        elif char in ")]}":
            if not expected or expected.pop() != char:
                return None
        elif char == ";" and not expected:
            return position
        position += 1
    return None if expected else position


def _end_of_string(text: str, position: int) -> int | None:
    quote = text[position]
    quote = quote * 3 if text.startswith(quote * 3, position) else quote
    position += len(quote)
    while position < len(text):
        if text[position] == "\\":
            position += 2
        elif text.startswith(quote, position):
            return position + len(quote)
        else:
            position += 1
    return None


def _is_contents(path: str) -> bool:
    if os.path.isfile(path) and not path.lower().endswith((".gz", ".zlib", "records", "record")):
        return False  # spares the import for the usual files
    from smcli.inputs.contents import is_contents

    return is_contents(path)


def _load(path: str, variable: str | None, warn: Warn) -> Any:
    import numpy as np

    from smcli.inputs import files

    if _is_contents(path):
        from smcli.inputs.contents import load_contents

        return load_contents(path, variable)
    try:
        data = files.load(path)
    except SmcliError as error:
        if variable is not None:
            raise
        from smcli.inputs.contents import after_failure

        return after_failure(path, error)
    if variable is None:
        if not isinstance(data, files.NpzFile):
            return data
        if len(data.files) != 1:
            raise SmcliError(
                f"Input file {path} contains more than one ndarrays. Please specify the name of ndarray to use.",
                hint=f"It contains: {', '.join(data.files[:20])}" if data.files else None,
            )
        return data[data.files[0]]
    if isinstance(data, np.ndarray):
        warn(f'Input file {path} contains a single ndarray. Name key "{variable}" ignored.')
        return data
    try:
        if variable in data:
            return data[variable]
    except (TypeError, LookupError, ValueError) as error:  # the pickle holds no dictionary
        raise SmcliError(str(error), shown_as=type(error).__name__) from None
    names = ", ".join(str(name) for name in list(data)[:20])
    raise SmcliError(
        f'Input file {path} does not contain variable with name "{variable}".', hint=f"It contains: {names}"
    )
