"""Gradients of the fused recurrent cells: LSTMBlockCell, BlockLSTM, BlockLSTMV2 and GRUBlockCell.

Semantics: tensorflow/core/kernels/rnn/{lstm_ops,gru_ops}.{h,cc}.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smcli.kernels._convolution import compute_dtype
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.kernels.rnn import need


@dataclass(frozen=True, slots=True)
class _Step:
    """The gradients of one step: of the weighted sums, in the order of the weights; of the cells before; and of the
    weights from the cells to the gates, zeros where those are not used."""

    sums: Array
    cells: Array
    peepholes: tuple[Array, ...]


def _need_shape(shape: tuple[int, ...], **arrays: Array) -> None:
    for name, array in arrays.items():
        need(array.shape == shape, f"{name} must have shape {list(shape)}, but has {list(array.shape)}")


def _check_weights(inputs: int, cells: int, w: Array, b: Array, peepholes: tuple[Array, ...]) -> None:
    _need_shape((inputs + cells, 4 * cells), w=w)
    _need_shape((4 * cells,), b=b)
    need(all(vector.ndim == 1 for vector in peepholes), "wci, wcf and wco must be vectors")


def _lstm_step(
    order: str,
    cs_prev: Array,
    gates: tuple[Array, ...],
    cs_grad: Array,
    h_grad: Array,
    peepholes: tuple[Array, ...] | None,
) -> _Step:
    """gates: what the forward step gave as i, cs, f, o, ci, co."""
    i, cs, f, o, ci, co = gates
    one = i.dtype.type(1)
    d = {"o": o * (one - o) * h_grad * co}
    dcs = (one - co * co) * h_grad * o + cs_grad
    if peepholes is not None:
        dcs = dcs + d["o"] * peepholes[2]
    d["c"] = (one - ci * ci) * dcs * i
    d["f"] = f * (one - f) * dcs * cs_prev
    d["i"] = i * (one - i) * dcs * ci
    before = dcs * f
    if peepholes is None:
        vectors = tuple(np.zeros(cs.shape[1], cs.dtype) for _ in range(3))
    else:
        before = before + d["i"] * peepholes[0] + d["f"] * peepholes[1]
        vectors = tuple((d[gate] * seen).sum(axis=0) for gate, seen in (("i", cs_prev), ("f", cs_prev), ("o", cs)))
    return _Step(np.concatenate([d[gate] for gate in order], axis=1), before, vectors)


def _wide(*arrays: Array) -> tuple[Array, ...]:
    """float16 as float32, in which the sums are kept."""
    return tuple(array.astype(compute_dtype(array.dtype), copy=False) for array in arrays)


def _peepholes(use: bool, cells: int, vectors: tuple[Array, ...]) -> tuple[Array, ...] | None:
    if not use:
        return None
    for name, vector in zip(("wci", "wcf", "wco"), vectors):
        _need_shape((cells,), **{name: vector})
    return _wide(*vectors)


@kernel("LSTMBlockCellGrad")
def lstm_block_cell_grad(
    x: Array,
    cs_prev: Array,
    h_prev: Array,
    w: Array,
    wci: Array,
    wcf: Array,
    wco: Array,
    b: Array,
    *rest: Array,
    use_peephole: bool,
) -> tuple[Array, ...]:
    """rest: i, cs, f, o, ci, co as LSTMBlockCell gave them, and the gradients of cs and h, (batch, cells) each.

    Returns the gradients of cs_prev, of the gates' sums [batch, 4 · cells] in the order i, c, f, o, and of wci, wcf
    and wco.
    """
    need(x.ndim == 2 and cs_prev.ndim == 2, "x and cs_prev must be matrices")
    batch, cells = cs_prev.shape
    need(x.shape[0] == batch, f"cs_prev.dims(0) != batch_size: {batch} vs. {x.shape[0]}")
    _need_shape((batch, cells), h_prev=h_prev)
    _check_weights(x.shape[1], cells, w, b, (wci, wcf, wco))
    names = ("i", "cs", "f", "o", "ci", "co", "cs_grad", "h_grad")
    _need_shape((batch, cells), **dict(zip(names, rest)))
    *gates, cs_grad, h_grad = _wide(*rest)
    wide = _peepholes(use_peephole, cells, (wci, wcf, wco))
    step = _lstm_step("icfo", _wide(cs_prev)[0], tuple(gates), cs_grad, h_grad, wide)
    vectors = step.peepholes if use_peephole else tuple(np.zeros_like(vector) for vector in (wci, wcf, wco))
    return tuple(array.astype(x.dtype, copy=False) for array in (step.cells, step.sums, *vectors))


def _block_lstm_grad(order: str, use_peephole: bool, inputs: tuple[Array, ...]) -> tuple[Array, ...]:
    seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, *rest = inputs
    need(seq_len_max.ndim == 0, f"seq_len_max must be a scalar, but has shape {list(seq_len_max.shape)}")
    need(x.ndim == 3, f"x must be 3D, but has shape {list(x.shape)}")
    times, batch, width = x.shape
    need(cs_prev.ndim == 2 and h_prev.shape == cs_prev.shape, "cs_prev and h_prev must be matrices of one shape")
    need(cs_prev.shape[0] == batch, f"cs_prev.dims(0) != batch_size: {cs_prev.shape[0]} vs. {batch}")
    cells = cs_prev.shape[1]
    _check_weights(width, cells, w, b, (wci, wcf, wco))
    names = ("i", "cs", "f", "o", "ci", "co", "h", "cs_grad", "h_grad")
    _need_shape((times, batch, cells), **dict(zip(names, rest)))
    steps = int(seq_len_max)
    need(0 <= steps <= times, f"seq_len_max must be between 0 and {times} but is {steps}")
    dtype = x.dtype
    wide = _peepholes(use_peephole, cells, (wci, wcf, wco))
    xs, first_cells, first_hidden, weights = _wide(x, cs_prev, h_prev, w)
    *gates, h, cs_grad, h_grad = _wide(*rest)
    x_grad = np.zeros_like(xs)
    w_grad, b_grad = np.zeros_like(weights), np.zeros(4 * cells, weights.dtype)
    vectors = [np.zeros(vector.size, weights.dtype) for vector in (wci, wcf, wco)]
    cells_grad, hidden_grad = np.zeros_like(first_cells), np.zeros_like(first_hidden)
    for time in reversed(range(steps)):
        cells_before = gates[1][time - 1] if time else first_cells
        hidden_before = h[time - 1] if time else first_hidden
        now = tuple(gate[time] for gate in gates)
        step = _lstm_step(order, cells_before, now, cells_grad + cs_grad[time], hidden_grad + h_grad[time], wide)
        joined = step.sums @ weights.T
        x_grad[time], hidden_grad, cells_grad = joined[:, :width], joined[:, width:], step.cells
        w_grad += np.concatenate([xs[time], hidden_before], axis=1).T @ step.sums
        b_grad += step.sums.sum(axis=0)
        if use_peephole:
            for total, part in zip(vectors, step.peepholes):
                total += part
    outputs = (x_grad, cells_grad, hidden_grad, w_grad, *vectors, b_grad)
    return tuple(array.astype(dtype, copy=False) for array in outputs)


@kernel("BlockLSTMGrad")
def block_lstm_grad(*inputs: Array, use_peephole: bool) -> tuple[Array, ...]:
    """Gradients of x, cs_prev, h_prev, w, wci, wcf, wco and b. inputs: those of BlockLSTM, its outputs, and the
    gradients of cs and h."""
    return _block_lstm_grad("icfo", use_peephole, inputs)


@kernel("BlockLSTMGradV2")
def block_lstm_grad_v2(*inputs: Array, use_peephole: bool) -> tuple[Array, ...]:
    """BlockLSTMGrad for gates in the order i, f, c, o."""
    return _block_lstm_grad("ifco", use_peephole, inputs)


@kernel("GRUBlockCellGrad")
def gru_block_cell_grad(
    x: Array,
    h_prev: Array,
    w_ru: Array,
    w_c: Array,
    b_ru: Array,
    b_c: Array,
    r: Array,
    u: Array,
    c: Array,
    d_h: Array,
) -> tuple[Array, Array, Array, Array]:
    """The gradients of x, h_prev, and of the sums that become c, and r and u together."""
    need(x.ndim == 2 and h_prev.ndim == 2, "x and h_prev must be matrices")
    (batch, inputs), cells = x.shape, h_prev.shape[1]
    need(h_prev.shape[0] == batch, f"h_prev.dims(0) != batch_size: {h_prev.shape[0]} vs. {batch}")
    _need_shape((inputs + cells, 2 * cells), w_ru=w_ru)
    _need_shape((inputs + cells, cells), w_c=w_c)
    _need_shape((2 * cells,), b_ru=b_ru)
    _need_shape((cells,), b_c=b_c)
    _need_shape((batch, cells), r=r, u=u, c=c, d_h=d_h)
    one = x.dtype.type(1)
    d_c_bar = d_h * (one - u) * (one - c * c)
    d_u_bar = d_h * (h_prev - c) * u * (one - u)
    from_c = d_c_bar @ w_c.T
    d_hr = from_c[:, inputs:]
    d_r_bar = d_hr * h_prev * r * (one - r)
    d_ru_bar = np.concatenate([d_r_bar, d_u_bar], axis=1)
    from_ru = d_ru_bar @ w_ru.T
    d_x = from_ru[:, :inputs] + from_c[:, :inputs]
    return d_x, from_ru[:, inputs:] + d_hr * r + d_h * u, d_c_bar, d_ru_bar
