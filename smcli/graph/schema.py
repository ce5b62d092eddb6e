"""The interface of each TensorFlow op: argument names and types, attrs, statefulness.

Read from schemas.jsonl (facts of TensorFlow's op registry) and schemas_text.jsonl (what TensorFlow Text adds), both
written by fixtures/make_schemas.py, one line at a time as ops are looked up.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any, NamedTuple


class Arg(NamedTuple):
    """An input or output. Exactly one of: a fixed `type`, the attr that names it, or the attr that lists several.

    number_attr: the attr that says how many tensors this argument stands for, or None for one.
    """

    name: str
    type: str | None = None
    type_attr: str | None = None
    type_list_attr: str | None = None
    number_attr: str | None = None
    is_ref: bool = False


class Schema(NamedTuple):
    """attrs: name → {"type", "default"?, "allowed"?, "minimum"?} in the JSON form of the file.

    input_count, output_count: how many tensors the op takes and gives, or None where attrs say it.
    devices: None for an op that TensorFlow computes on CPUs, else the kinds of devices that it has kernels for.
    """

    op: str
    inputs: tuple[Arg, ...]
    outputs: tuple[Arg, ...]
    attrs: dict[str, dict[str, Any]]
    stateful: bool
    input_count: int | None
    output_count: int | None
    devices: tuple[str, ...] | None


_FILES = ("schemas.jsonl", "schemas_text.jsonl")


@cache
def _text(name: str) -> str:
    # Not pathlib, which takes 10 ms to import: `show --all` comes here too.
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()


def _line(op: str) -> dict[str, Any] | None:
    for name in _FILES:
        text = _text(name)
        start = _line_start(text, op)
        if text.startswith(f"{op}\t", start):
            found: dict[str, Any] = json.loads(text[start + len(op) + 1 : text.index("\n", start)])
            return found
    return None


def _line_start(text: str, op: str) -> int:
    """Where the line of `op` starts, if it is there. The lines are sorted, and halving takes a hundredth of the time
    that reading through them takes."""
    low, high = (
        0,
        len(text),
    )  # both are starts of lines; what is looked for starts at neither an earlier nor a later one
    while low < high:
        middle = text.rfind("\n", low, (low + high) // 2) + 1 or low
        if text[middle : text.index("\t", middle)] < op:
            low = text.index("\n", middle) + 1
        else:
            high = middle
    return low


def _arg(name: str, code: str) -> Arg:
    is_ref = code.startswith("&")
    code = code.removeprefix("&")
    if code.endswith("*"):
        return Arg(name, type_list_attr=code[1:-1], is_ref=is_ref)
    number, star, base = code.rpartition("*")
    number_attr = number if star else None
    if base.startswith("@"):
        return Arg(name, type_attr=base[1:], number_attr=number_attr, is_ref=is_ref)
    return Arg(name, type=base, number_attr=number_attr, is_ref=is_ref)


def _fixed_count(args: tuple[Arg, ...]) -> int | None:
    return None if any(arg.number_attr or arg.type_list_attr for arg in args) else len(args)


@cache
def find_schema(op: str) -> Schema | None:
    """The schema of `op`, or None for an op that neither TensorFlow nor TensorFlow Text registers."""
    line = _line(op) if "\n" not in op else None
    if line is None:
        return None
    inputs = tuple(_arg(*pair) for pair in line["in"])
    outputs = tuple(_arg(*pair) for pair in line["out"])
    return Schema(
        op=op,
        inputs=inputs,
        outputs=outputs,
        attrs=line["attr"],
        stateful=bool(line.get("stateful")),
        input_count=_fixed_count(inputs),
        output_count=_fixed_count(outputs),
        devices=tuple(line["devices"]) if "devices" in line else None,
    )
