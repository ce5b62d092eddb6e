"""Einsum of one or two tensors, as a few views around one matrix product.

Labels are sorted into batch (in both inputs and the output), free (in one input and the output), contracted (in both
inputs only) and summed (in one input only). Repeated labels of an input are read off its diagonal; repeated labels of
the output are written onto a diagonal of zeros (tensorflow/core/kernels/linalg/einsum_op_impl.h).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels import _half_products
from smcli.kernels._numbers import Numbers, widened
from smcli.kernels.context import Array
from smcli.kernels.matmul import product
from smcli.kernels.registry import kernel

_ELLIPSIS = "..."


@lru_cache(maxsize=256)
def parse_equation(equation: str) -> tuple[tuple[str, ...], str]:
    """The labels (any characters) of the inputs and of the output, an ellipsis still written out.

    Raises InvalidArgumentError for an equation that makes no sense.
    """
    sides = equation.split("->")
    if len(sides) != 2:
        raise InvalidArgumentError(f"Expecting exactly one '->' in einsum equation: {equation}")
    inputs = tuple(sides[0].split(","))
    if len(inputs) not in (1, 2):
        raise InvalidArgumentError(f"Expecting 1 or 2 input subscripts in equation '{equation}' but got: {len(inputs)}")
    known = set("".join(inputs))
    for label in sides[1].replace(_ELLIPSIS, "", 1):
        if label not in known:
            raise InvalidArgumentError(
                f"Einsum output subscripts for equation '{equation}' has label '{label}' "
                "which is not present in the input subscripts"
            )
    return inputs, sides[1]


def _spelled_out(labels: str, rank: int, broadcast: list[str]) -> list[str]:
    """One label per axis, the ellipsis replaced by as many of the broadcasting labels as fill the rank."""
    if _ELLIPSIS not in labels:
        if len(labels) != rank:
            raise InvalidArgumentError(
                f"Expected input of rank {len(labels)} for subscripts '{labels}' but got rank {rank}"
            )
        return list(labels)
    before, _, after = labels.partition(_ELLIPSIS)
    hidden = rank - len(before) - len(after)
    if hidden < 0:
        raise InvalidArgumentError(
            f"Expected input of rank at least {len(before) + len(after)} for subscripts '{labels}' but got rank {rank}"
        )
    return [*before, *(broadcast[len(broadcast) - hidden :] if hidden else []), *after]


def _without_repeats(x: Array, labels: list[str]) -> tuple[Array, list[str]]:
    """The diagonal over axes that share a label. Raises InvalidArgumentError when their sizes differ."""
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            if x.shape[first] != x.shape[second]:
                raise InvalidArgumentError(
                    f"Expected dimension {x.shape[first]} at axis {second} of the input shaped {list(x.shape)} "
                    f"but got dimension {x.shape[second]}"
                )
            x = np.diagonal(x, axis1=first, axis2=second)
            labels = [name for i, name in enumerate(labels) if i not in (first, second)] + [label]
    return x, labels


def _summed(x: Array, labels: list[str], kept: set[str]) -> tuple[Array, list[str]]:
    """x summed over the labels that nobody else asks for."""
    axes = tuple(i for i, label in enumerate(labels) if label not in kept)
    if not axes:
        return x, labels
    total = np.sum(widened(x), axis=axes, dtype=widened(x).dtype).astype(x.dtype)
    return np.asarray(total), [label for label in labels if label in kept]


def _arranged(x: Array, labels: list[str], wanted: list[str]) -> Array:
    """x with its axes in the order of `wanted`."""
    return x.transpose([labels.index(label) for label in wanted])


def _grouped(x: Array, batch: int, first: int) -> Array:
    """x with its axes after the batch joined into two: `first` of them, and the rest."""
    shape = x.shape
    rows = int(np.prod(shape[batch : batch + first], dtype=np.int64))
    columns = int(np.prod(shape[batch + first :], dtype=np.int64))
    if first == 1 and len(shape) == batch + 2:
        return x
    return x.reshape(*shape[:batch], rows, columns)


def _contracted(
    x: Array, x_labels: list[str], y: Array, y_labels: list[str], output: list[str]
) -> tuple[Array, list[str]]:
    """The product of two tensors without repeated or lonely labels, and its labels."""
    batch = [label for label in output if label in x_labels and label in y_labels]
    summed = [label for label in x_labels if label in y_labels and label not in batch]
    x_free = [label for label in x_labels if label not in y_labels]
    y_free = [label for label in y_labels if label not in x_labels]
    sizes = dict(zip(x_labels, x.shape))
    for label, size in zip(y_labels, y.shape):
        known = sizes.get(label, size)
        if known != size and not (label in batch and 1 in (known, size)):
            raise InvalidArgumentError(
                f"Expected dimension {known} at axis {y_labels.index(label)} of the input shaped {list(y.shape)} "
                f"but got dimension {size}"
            )
    left = _arranged(x, x_labels, batch + x_free + summed)
    right = _arranged(y, y_labels, batch + summed + y_free)
    free_shape = left.shape[len(batch) : len(batch) + len(x_free)] + right.shape[len(batch) + len(summed) :]
    left = _grouped(left, len(batch), len(x_free))
    right = _grouped(right, len(batch), len(summed))
    multiply = _half_products.product if x.dtype == np.float16 else product
    out: Array = multiply(left, right, x.dtype)
    return out.reshape(out.shape[: len(batch)] + free_shape), batch + x_free + y_free


def _with_repeats(x: Array, labels: list[str]) -> Array:
    """x, whose axes are the distinct labels in order, spread over the diagonals of an array with all of them."""
    distinct = list(dict.fromkeys(labels))
    sizes = dict(zip(distinct, x.shape))
    out = np.zeros([sizes[label] for label in labels], x.dtype)
    index = np.ogrid[tuple(slice(size) for size in x.shape)]
    positions = dict(zip(distinct, index))
    out[tuple(positions[label] for label in labels)] = x
    return out


@kernel("Einsum")
def einsum(*inputs: Array, equation: str) -> Numbers:
    """The sum of products that the equation describes: "ij,jk->ik", "...ab->...ba", "ii->i", "i->ii".

    Raises InvalidArgumentError for an equation that makes no sense or does not fit the inputs' shapes.
    """
    labels, output = parse_equation(equation)
    if len(labels) != len(inputs):
        raise InvalidArgumentError(
            f"Expecting {len(inputs)} input subscripts in equation '{equation}' but got {len(labels)}"
        )
    hidden = max(
        [x.ndim - len(text) + len(_ELLIPSIS) for x, text in zip(inputs, labels) if _ELLIPSIS in text], default=0
    )
    if hidden > 0 and _ELLIPSIS not in output:
        raise InvalidArgumentError(
            f"Output contains {hidden} broadcasting dimension(s) but no ellipsis (...) was found in the output "
            "subscripts."
        )
    broadcast = [f"…{i}" for i in range(hidden)]
    target = _spelled_out(
        output, len(output.replace(_ELLIPSIS, "")) + (hidden if _ELLIPSIS in output else 0), broadcast
    )
    operands = []
    for x, text in zip(inputs, labels):
        operands.append(_without_repeats(x, _spelled_out(text, x.ndim, broadcast)))
    wanted = set(target)
    if len(operands) == 1:
        value, names = _summed(*operands[0], wanted)
    else:
        (x, x_names), (y, y_names) = operands
        x, x_names = _summed(x, x_names, wanted | set(y_names))
        y, y_names = _summed(y, y_names, wanted | set(x_names))
        value, names = _contracted(x, x_names, y, y_names, list(dict.fromkeys(target)))
    arranged = _arranged(value, names, list(dict.fromkeys(target)))
    return arranged if len(set(target)) == len(target) else _with_repeats(arranged, target)
