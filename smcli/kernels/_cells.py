"""Steps of recurrent cells that graphs write as a dozen ops: an LSTM's and a GRU's, from the weighted sums on.

Each element is computed by the same operations in the same order as by the ops, in few passes and mostly in place, so
that results do not change by a bit. What does not fit, in rank or size, is left to the ops themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smcli.kernels import _digits, concat, math
from smcli.kernels.activations import bias_add
from smcli.kernels.context import Array
from smcli.kernels.matmul import matmul
from smcli.tensors.variants import TensorList

_ONE = np.ones((), np.float32)  # an array, which NumPy takes up faster than a number
_WHOLE = 4096  # numbers; up to here one pass over all is cheaper than several over parts
MAX_PRODUCT = 2**26  # numbers in the products of a sequence


def _open(x: Array) -> None:
    """The sigmoid, in place."""
    np.negative(x, x)
    np.exp(x, x)
    np.add(x, _ONE, x)
    np.reciprocal(x, x)


class LstmStep:
    """One step of an LSTM: (sums…, cells) → (new cells, new hidden state), float32.

    The sums are one or two (batch, 4 · units) matrices and, if `biased`, a bias; `places` says where among the four
    parts of their total, which a Split along `axis` gives, the input, forget, candidate and output gates are;
    `forget_bias` is added to the second.
    """

    __slots__ = ("axis", "biased", "forget_bias", "places")

    def __init__(
        self, places: tuple[int, int, int, int], biased: bool, forget_bias: float | None, axis: int = 1
    ) -> None:
        self.places, self.biased, self.axis = places, biased, np.array(axis)
        self.forget_bias = None if forget_bias is None else np.full((), forget_bias, np.float32)

    def __call__(self, *inputs: Array) -> tuple[Array, Array]:
        *sums, cells = inputs
        z = _total(sums, self.biased)
        if z.ndim != 2 or cells.ndim != 2 or z.shape != (cells.shape[0], 4 * cells.shape[1]) or _digits.matter(z):
            return self._by_ops(z, cells)
        parts = z.reshape(len(z), 4, -1).swapaxes(0, 1)
        i, f, g, o = [parts[place] for place in self.places]
        if self.forget_bias is not None:
            np.add(f, self.forget_bias, f)
        candidate = np.tanh(g)
        if z.size <= _WHOLE:
            _open(z)
        else:
            for gate in (i, f, o):
                _open(gate)
        new = np.multiply(f, cells)
        np.multiply(i, candidate, candidate)
        np.add(new, candidate, new)
        np.tanh(new, candidate)
        return new, np.multiply(o, candidate, candidate)

    def _by_ops(self, z: Array, cells: Array) -> tuple[Array, Array]:
        parts = concat.split(self.axis, z, num_split=4)
        i, f, g, o = [parts[place] for place in self.places]
        if self.forget_bias is not None:
            f = f + self.forget_bias
        new = math.sigmoid(f) * cells + math.sigmoid(i) * math.tanh(g)
        return new, math.sigmoid(o) * math.tanh(new)


def _total(sums: Sequence[Array], biased: bool) -> Array:
    """The sum of matrices, the bias last, in a buffer of its own."""
    total: Array = sums[0]
    own = len(sums) - biased == 2
    if own:
        total = np.add(total, sums[1])
    if not biased:
        return total if own else total.copy()
    bias = sums[-1]
    if total.ndim == 2 and bias.ndim == 1 and total.shape[1] == len(bias):
        return np.add(total, bias, total) if own else np.add(total, bias)
    return bias_add(total, bias)


@dataclass(frozen=True, slots=True)
class GruStep:
    """One step of a GRU that resets after its product: (from the input, from the state, state) → new state, float32.

    The first two are (batch, 3 · units); `places` says where among their three parts update gate, reset gate and
    candidate are. units: how wide the first two parts are; None for what a Split along `axis` gives.
    """

    places: tuple[int, int, int]
    units: int | None = None
    axis: int = 1

    def __call__(self, outer: Array, inner: Array, state: Array) -> Array:
        shape = (state.shape[0], 3 * state.shape[1]) if state.ndim == 2 else None
        fits = outer.shape == inner.shape == shape and self.units in (None, state.shape[1])
        if not fits or _digits.matter(outer):
            return self._by_ops(outer, inner, state)
        total = np.add(outer, inner)
        (update, reset, candidate), (_, _, ours), (_, _, theirs) = [
            [parts[place] for place in self.places]
            for parts in (x.reshape(len(state), 3, -1).swapaxes(0, 1) for x in (total, outer, inner))
        ]
        if total.size <= _WHOLE:
            _open(total)
        else:
            _open(update)
            _open(reset)
        np.multiply(reset, theirs, candidate)
        np.add(ours, candidate, candidate)
        np.tanh(candidate, candidate)
        new: Array = np.multiply(update, state)
        np.subtract(_ONE, update, update)
        np.multiply(update, candidate, candidate)
        np.add(new, candidate, new)
        return new

    def _by_ops(self, outer: Array, inner: Array, state: Array) -> Array:
        parts = [self._parts(sums) for sums in (outer, inner)]
        (xz, hz), (xr, hr), (xh, hh) = [(parts[0][place], parts[1][place]) for place in self.places]
        update, reset = math.sigmoid(xz + hz), math.sigmoid(xr + hr)
        new: Array = update * state + (_ONE - update) * math.tanh(xh + reset * hh)
        return new

    def _parts(self, sums: Array) -> Sequence[Array]:
        if self.units is None:
            return concat.split(np.array(self.axis), sums, num_split=3)
        return [sums[:, : self.units], sums[:, self.units : 2 * self.units], sums[:, 2 * self.units :]]


def products_of_items(tensors: Array, weights: Array) -> list[Array] | None:
    """The product of each item of a TensorList with a matrix, by one multiplication.

    None where items or sizes differ, or where the product of one item would be rounded in another way.
    """
    found = tensors[()]
    items = found.items if isinstance(found, TensorList) else []
    first = items[0] if items else None
    if first is None or first.ndim != 2 or weights.ndim != 2 or first.shape[1] != len(weights):
        return None
    rows, columns = first.shape[0], weights.shape[1]
    if _digits.product_matters(first, weights) or not 0 < rows * columns * len(items) <= MAX_PRODUCT:
        return None
    if any(item is None or item.shape != first.shape or item.dtype != np.float32 for item in items):
        return None
    out = matmul(np.concatenate(items), weights)  # type: ignore[arg-type]
    return list(out.reshape(len(items), rows, columns))
