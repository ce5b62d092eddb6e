"""Dictionaries of features to serialised tf.Example messages, as `--input_examples` takes them."""

from __future__ import annotations

import struct
from typing import Any

from smcli.errors import SmcliError
from smcli.proto.example_pb2 import Example


def serialised(example: Any) -> bytes:
    """The tf.Example of a dictionary {feature name: list of numbers or strings}, with its features in sorted order.

    The first item of each list says whether the feature holds floats, ints or bytes. Raises SmcliError, shown as the
    exception of the original, for anything of another kind.
    """
    if not isinstance(example, dict):
        raise SmcliError(f"'{type(example).__name__}' object has no attribute 'items'", shown_as="AttributeError")
    message = Example()
    try:
        for name, values in example.items():
            _add_feature(message, name, values)
    except (TypeError, ValueError, AttributeError, IndexError, OverflowError, struct.error) as error:
        raise SmcliError(str(error), shown_as=type(error).__name__) from None
    return bytes(message.SerializeToString(deterministic=True))


def _add_feature(message: Example, name: Any, values: Any) -> None:
    if not isinstance(values, list):
        raise ValueError(f'feature value must be a list, but {name}: "{values}" is {type(values)}')
    first = values[0]
    if not isinstance(first, (float, str, bytes, int)):
        raise ValueError(f"Type {type(first)} for value {first} is not supported for tf.train.Feature.")
    if not isinstance(name, (str, bytes)):
        raise TypeError("bad argument type for built-in operation")
    feature = message.features.feature[name]  # type: ignore[index]  # protobuf takes UTF-8 bytes as well
    if isinstance(first, float):
        feature.float_list.value.extend(values)
    elif isinstance(first, str):
        feature.bytes_list.value.extend([value.encode("utf8") for value in values])
    elif isinstance(first, bytes):
        feature.bytes_list.value.extend(values)
    else:
        feature.int64_list.value.extend(map(_int, values))


def _int(value: Any) -> Any:
    """`value`, unless it is a bool: whether protobuf takes that for an int depends on its version."""
    if isinstance(value, bool):
        raise TypeError("Field tensorflow.Int64List.value: Expected an int, got a boolean.")
    return value
