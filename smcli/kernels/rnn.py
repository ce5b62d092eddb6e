"""Fused recurrent cells: LSTMBlockCell, BlockLSTM, BlockLSTMV2 and GRUBlockCell (tensorflow/core/kernels/rnn).

CudnnRNN has no kernel here, as it has none in TensorFlow on CPU: its weights are laid out for one kind of GPU.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._convolution import compute_dtype
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(−x)), in place."""
    np.negative(x, out=x)
    np.exp(x, out=x)
    x += x.dtype.type(1)
    return np.reciprocal(x, out=x)


def need(condition: bool, message: str) -> None:
    """Raise InvalidArgumentError with the message unless the condition holds."""
    if not condition:
        raise InvalidArgumentError(message)


def _check_lstm(x: Array, cs_prev: Array, h_prev: Array, w: Array, b: Array) -> None:
    """Shapes of one step: x (batch, inputs), cells (batch, cells), w (inputs + cells, 4 · cells).

    InvalidArgumentError.
    """
    need(x.ndim == 2, f"x must be a matrix, but has shape {list(x.shape)}")
    need(cs_prev.ndim == 2, f"cs_prev must be a matrix, but has shape {list(cs_prev.shape)}")
    batch, cells = cs_prev.shape
    need(x.shape[0] == batch, f"cs_prev.dims(0) != batch_size: {batch} vs. {x.shape[0]}")
    need(h_prev.shape == (batch, cells), f"h_prev must have shape {[batch, cells]}, but has {list(h_prev.shape)}")
    need(w.ndim == 2, f"w must be a matrix, but has shape {list(w.shape)}")
    need(
        w.shape[0] == x.shape[1] + cells,
        f"w.dim_size(0) != input_size + cell_size: {w.shape[0]} vs. {x.shape[1] + cells}",
    )
    need(w.shape[1] == 4 * cells, f"w.dim_size(1) != cell_size * 4: {w.shape[1]} vs. {4 * cells}")
    need(b.shape == (4 * cells,), f"b must have shape [{4 * cells}], but has {list(b.shape)}")


def _check_vectors(*vectors: Array) -> None:
    """The weights from the cells to the gates are vectors, whether they are used or not."""
    for name, vector in zip(("wci", "wcf", "wco"), vectors, strict=True):
        need(vector.ndim == 1, f"{name} must be 1D, but has shape {list(vector.shape)}")


def _peepholes(dtype: np.dtype[Any], cells: int, *vectors: Array) -> tuple[Array, ...]:
    """The weights from the cells to the gates, checked. Raises InvalidArgumentError."""
    for name, vector in zip(("wci", "wcf", "wco"), vectors, strict=True):
        need(vector.shape == (cells,), f"{name} must have shape [{cells}], but has {list(vector.shape)}")
    return tuple(vector.astype(dtype, copy=False) for vector in vectors)


def _lstm_step(
    gates: tuple[Array, Array, Array, Array],
    cs_prev: Array,
    peepholes: tuple[Array, ...] | None,
    forget_bias: Any,
    cell_clip: Any,
) -> tuple[Array, ...]:
    """One step from the weighted sums of (input, cell, forget, output) gates: i, cs, f, o, ci, co, h."""
    i, ci, f, o = gates
    if peepholes is not None:
        i = i + cs_prev * peepholes[0]
        f = f + cs_prev * peepholes[1]
    i = sigmoid(i.copy())
    f = sigmoid(f + forget_bias)
    ci = np.tanh(ci)
    cs = ci * i + f * cs_prev
    if cell_clip > 0:
        cs = np.clip(cs, -cell_clip, cell_clip)
    co = np.tanh(cs)
    o = sigmoid(o + cs * peepholes[2] if peepholes is not None else o.copy())
    return i, cs, f, o, ci, co, co * o


@kernel("LSTMBlockCell")
def lstm_block_cell(
    x: Array,
    cs_prev: Array,
    h_prev: Array,
    w: Array,
    wci: Array,
    wcf: Array,
    wco: Array,
    b: Array,
    *,
    forget_bias: float = 1.0,
    cell_clip: float = 3.0,
    use_peephole: bool = False,
) -> tuple[Array, ...]:
    """One LSTM step, gates in the order input, cell, forget, output.

    Returns i, cs, f, o, ci, co, h of (batch, cells).
    """
    _check_lstm(x, cs_prev, h_prev, w, b)
    _check_vectors(wci, wcf, wco)
    dtype, work = x.dtype, compute_dtype(x.dtype)
    joined = np.concatenate([x, h_prev], axis=1).astype(work, copy=False)
    sums = joined @ w.astype(work, copy=False) + b.astype(work, copy=False)
    i, ci, f, o = np.split(sums, 4, axis=1)
    peepholes = _peepholes(work, cs_prev.shape[1], wci, wcf, wco) if use_peephole else None
    results = _lstm_step(
        (i, ci, f, o), cs_prev.astype(work, copy=False), peepholes, work.type(forget_bias), work.type(cell_clip)
    )
    return tuple(result.astype(dtype, copy=False) for result in results)


def _block_lstm(
    order: str,
    seq_len_max: Array,
    x: Array,
    cs_prev: Array,
    h_prev: Array,
    w: Array,
    peepholes: tuple[Array, ...],
    b: Array,
    forget_bias: float,
    cell_clip: float,
    use_peephole: bool,
) -> tuple[Array, ...]:
    """An LSTM over (time, batch, inputs); `order` says how the gates i, c, f, o lie in the weights.

    The inputs of all steps go through one GEMM beforehand. Steps from `seq_len_max` on give zeros.
    """
    need(x.ndim == 3, f"x must be 3D, but has shape {list(x.shape)}")
    need(seq_len_max.ndim == 0, f"seq_len_max must be a scalar, but has shape {list(seq_len_max.shape)}")
    times, batch, inputs = x.shape
    _check_lstm(x[0] if times else np.zeros((batch, inputs)), cs_prev, h_prev, w, b)
    _check_vectors(*peepholes)
    steps = int(seq_len_max)
    need(0 <= steps <= times, f"seq_len_max must be in [0, {times}], but is {steps}")
    dtype, work = x.dtype, compute_dtype(x.dtype)
    cells = cs_prev.shape[1]
    weights, bias = w.astype(work, copy=False), b.astype(work, copy=False)
    wide = _peepholes(work, cells, *peepholes) if use_peephole else None
    from_inputs = (x[:steps].reshape(-1, inputs).astype(work, copy=False) @ weights[:inputs] + bias).reshape(
        steps, batch, 4 * cells
    )
    recurrent = weights[inputs:]
    outputs = tuple(np.zeros((times, batch, cells), dtype) for _ in range(7))
    state, hidden = cs_prev.astype(work, copy=False), h_prev.astype(work, copy=False)
    place = [order.index(gate) for gate in "icfo"]
    bias_of_forget, clip = work.type(forget_bias), work.type(cell_clip)
    for step in range(steps):
        parts = np.split(hidden @ recurrent + from_inputs[step], 4, axis=1)
        gates = (parts[place[0]], parts[place[1]], parts[place[2]], parts[place[3]])
        results = _lstm_step(gates, state, wide, bias_of_forget, clip)
        for output, result in zip(outputs, results, strict=True):
            output[step] = result
        state, hidden = results[1], results[6]
    return outputs


@kernel("BlockLSTM")
def block_lstm(
    seq_len_max: Array,
    x: Array,
    cs_prev: Array,
    h_prev: Array,
    w: Array,
    wci: Array,
    wcf: Array,
    wco: Array,
    b: Array,
    *,
    forget_bias: float = 1.0,
    cell_clip: float = 3.0,
    use_peephole: bool = False,
) -> tuple[Array, ...]:
    """An LSTM over (time, batch, inputs), gates in the order i, c, f, o.

    Returns i, cs, f, o, ci, co, h for each step.
    """
    peepholes = (wci, wcf, wco)
    return _block_lstm("icfo", seq_len_max, x, cs_prev, h_prev, w, peepholes, b, forget_bias, cell_clip, use_peephole)


@kernel("BlockLSTMV2")
def block_lstm_v2(
    seq_len_max: Array,
    x: Array,
    cs_prev: Array,
    h_prev: Array,
    w: Array,
    wci: Array,
    wcf: Array,
    wco: Array,
    b: Array,
    *,
    cell_clip: float = 0.0,
    use_peephole: bool = False,
) -> tuple[Array, ...]:
    """BlockLSTM with gates in the order i, f, c, o and no forget bias."""
    return _block_lstm("ifco", seq_len_max, x, cs_prev, h_prev, w, (wci, wcf, wco), b, 0.0, cell_clip, use_peephole)


@kernel("GRUBlockCell")
def gru_block_cell(
    x: Array, h_prev: Array, w_ru: Array, w_c: Array, b_ru: Array, b_c: Array
) -> tuple[Array, Array, Array, Array]:
    """One GRU step. Returns the reset and update gates, the candidate and the new state, each (batch, cells)."""
    for name, matrix in (("x", x), ("h_prev", h_prev), ("w_ru", w_ru), ("w_c", w_c)):
        need(matrix.ndim == 2, f"{name} must be a matrix, but has shape {list(matrix.shape)}")
    batch, cells = h_prev.shape
    rows = x.shape[1] + cells
    need(x.shape[0] == batch, f"h_prev.dims(0) != batch_size: {batch} vs. {x.shape[0]}")
    need(w_ru.shape == (rows, 2 * cells), f"w_ru must have shape {[rows, 2 * cells]}, but has {list(w_ru.shape)}")
    need(w_c.shape == (rows, cells), f"w_c must have shape {[rows, cells]}, but has {list(w_c.shape)}")
    need(b_ru.shape == (2 * cells,), f"b_ru must have shape [{2 * cells}], but has {list(b_ru.shape)}")
    need(b_c.shape == (cells,), f"b_c must have shape [{cells}], but has {list(b_c.shape)}")
    gates = sigmoid(np.concatenate([x, h_prev], axis=1) @ w_ru + b_ru)
    r, u = gates[:, :cells].copy(), gates[:, cells:].copy()
    c = np.tanh(np.concatenate([x, h_prev * r], axis=1) @ w_c + b_c)
    return r, u, c, u * (h_prev - c) + c
