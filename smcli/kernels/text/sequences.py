"""Sequences of states under constraints, maximum spanning trees, and the ROUGE-L score.

Sources: constrained_sequence.cc, mst_solver.h and rouge_l_kernel.cc of TensorFlow Text.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from smcli.errors import FailedPreconditionError, InvalidArgumentError
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.kernels.text._rows import checked_splits, splits_of
from smcli.tensors.types import DataType

_ERROR = -1  # the state of sequences that no allowed transitions make
_LOWEST = np.float32(np.finfo(np.float32).min)


def _constraint(tensor: Array, states: int, with_ends: bool, name: str) -> Array | None:
    tensor = np.asarray(tensor)
    if not tensor.size:
        return None
    expected = states + 1 if with_ends else states
    if tensor.shape != (expected, expected):
        raise InvalidArgumentError(
            f"{name} must be of rank 2 with both dimensions {expected} when num_states is {states} and "
            f"use_start_and_end_states is {int(with_ends)}, got shape {list(tensor.shape)}"
        )
    return tensor


def _joined(scores: Array, weights: Array | None, log_space: bool) -> Array:
    """Scores and transition weights as one; sums in log space, products otherwise."""
    if weights is None:
        return scores
    return scores + weights if log_space else scores * weights


def _last_best(scores: Array, allowed: Array) -> Array:
    """Along the first axis, the last index of the best allowed score, _ERROR where none reaches _LOWEST."""
    usable = allowed & (scores >= _LOWEST)
    masked = np.where(usable, scores, -np.inf)
    best = len(scores) - 1 - np.argmax(masked[::-1], axis=0)
    return np.where(usable.any(axis=0), best, _ERROR)


def _scaled(scores: Array, log_space: bool) -> Array:
    """Outside of log space, each step's scores relative to their best."""
    best = scores.max() if scores.size else 0.0
    return scores / best if not log_space and best > 0 else scores


def _viterbi(scores: Array, allowed: Array | None, weights: Array | None, log_space: bool, with_ends: bool) -> Array:
    """The best path through the steps [steps, states]. Sums are float32, what is kept between steps is float64."""
    steps, states = scores.shape
    always = np.ones((states + 1, states + 1), bool)
    permitted = always if allowed is None else allowed
    reached = permitted[states, :states] if with_ends else always[0, :states]
    first = _joined(scores[0], weights[states, :states] if with_ends and weights is not None else None, log_space)
    kept = _scaled(np.where(reached, first, _LOWEST).astype(np.float64), log_space)
    back = np.full((steps, states), _ERROR, np.int64)
    inner = None if weights is None else weights[:states, :states]
    for step in range(1, steps):
        # `current_score` is a float that a double is added to: rounded after each operation
        sums = scores[step][None, :].astype(np.float64)
        sums = (sums + kept[:, None] if log_space else sums * kept[:, None]).astype(np.float32)
        sums = _joined(sums, inner, log_space)
        back[step] = _last_best(sums, reached[:, None] & permitted[:states, :states])
        reached = back[step] != _ERROR
        best = np.where(reached, np.take_along_axis(sums, np.maximum(back[step], 0)[None], 0)[0], _LOWEST)
        kept = _scaled(best.astype(np.float64), log_space)
    final = kept.astype(np.float32)
    leaving = reached
    if with_ends:
        final = _joined(final, None if weights is None else weights[:states, states], log_space)
        leaving = reached & permitted[:states, states]
    state = int(_last_best(final[:, None], leaving[:, None])[0])
    path = np.full(steps, _ERROR, np.int32)
    if state != _ERROR:
        for step in range(steps - 1, -1, -1):
            path[step] = state
            state = int(back[step, state])
    return path


def _greedy(scores: Array, allowed: Array | None, weights: Array | None, log_space: bool, with_ends: bool) -> Array:
    """The best next state at each step."""
    steps, states = scores.shape
    path = np.full(steps, _ERROR, np.int32)
    previous = states
    for step in range(steps):
        current = scores[step]
        usable = np.ones(states, bool)
        if with_ends or step:
            last = with_ends and step == steps - 1
            if allowed is not None:
                usable = allowed[previous, :states] & (allowed[:states, states] if last else True)
            if weights is not None:
                current = _joined(current, weights[previous, :states], log_space)
                current = _joined(current, weights[:states, states] if last else None, log_space)
        previous = int(_last_best(current[:, None], usable[:, None])[0])
        if previous == _ERROR:
            break
        path[step] = previous
    return path


@kernel("ConstrainedSequence")
def constrained_sequence(
    scores: Array,
    sequence_lengths: Array,
    allowed_transitions: Array,
    transition_weights: Array,
    *,
    use_viterbi: bool,
    use_log_space: bool,
    use_start_and_end_states: bool,
    Tsplits: DataType = DataType.INT64,
) -> tuple[Array, Array]:
    """The states (int32) of all sequences, one after the other, and row splits. -1: no allowed sequence."""
    scores = np.asarray(scores)
    if scores.ndim not in (2, 3):
        raise InvalidArgumentError("The score tensor must be of rank 2 or 3.")
    batches = scores if scores.ndim == 3 else scores[None]
    lengths = np.ravel(sequence_lengths).astype(np.int64)
    if len(lengths) != len(batches):
        raise InvalidArgumentError(
            "There should be exactly one length for every batch element. "
            f"Found {len(lengths)} length elements for a batch size of {len(batches)}"
        )
    if lengths.size and lengths.max() > batches.shape[1]:
        raise InvalidArgumentError("The scores tensor is too short for the longest sequence length.")
    if (lengths < 0).any():
        raise InvalidArgumentError("Sequence lengths must not be negative.")
    states = batches.shape[2]
    allowed = _constraint(allowed_transitions, states, use_start_and_end_states, "allowed_transitions")
    weights = _constraint(transition_weights, states, use_start_and_end_states, "transition_weights")
    if weights is not None and not use_log_space and not (weights >= 0).all():
        raise InvalidArgumentError("The transition weights tensor must not contain negative values.")
    solve = _viterbi if use_viterbi else _greedy
    paths = [
        solve(batch[:length], allowed, weights, use_log_space, use_start_and_end_states)
        for batch, length in zip(batches, lengths.tolist(), strict=True)
        if length
    ]
    return np.concatenate([np.zeros(0, np.int32), *paths]), splits_of(lengths, Tsplits.numpy)


class _Forest:
    """Disjoint sets of nodes."""

    def __init__(self, size: int) -> None:
        self.parent = list(range(size))

    def root(self, node: int) -> int:
        parent = self.parent
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def roots(self, nodes: Array) -> Array:
        """The roots of many nodes; points every node at its root."""
        parent = np.array(self.parent)
        while (parent[parent] != parent).any():
            parent = parent[parent]
        self.parent = parent.tolist()
        return parent[nodes]

    def join(self, first: int, second: int) -> None:
        self.parent[self.root(first)] = self.root(second)


def _spanning_tree(scores: Array, forest: bool) -> Array:
    """The source of the best arc into each node, the node itself for roots (Tarjan 1977; Camerini et al. 1979).

    Node 0 is an artificial root; arc scores [targets, sources] are those of the nodes that are not contracted yet.
    """
    nodes = len(scores)
    kind = scores.dtype
    initial = nodes + 1
    exists = np.zeros((2 * nodes + 1, initial), bool)
    score = np.zeros((2 * nodes + 1, initial), kind)
    target = np.zeros((2 * nodes + 1, initial), np.int64)
    finite = np.isfinite(scores)
    exists[1:initial, 1:] = finite & ~np.eye(nodes, dtype=bool)
    exists[1:initial, 0] = np.diagonal(finite)
    score[1:initial, 1:] = np.where(finite, scores, 0)
    score[1:initial, 0] = np.diagonal(score[1:initial, 1:])
    target[:initial] = np.arange(initial)[:, None]
    if not forest and exists.any():
        known = score[exists]
        score[1:initial, 0] -= kind.type(1) + kind.type(initial) * (known.max() - known.min())
    weak, strong, top = _Forest(initial), _Forest(initial), _Forest(2 * nodes + 1)
    into = [0] * (2 * nodes + 1)  # the node that a node was contracted to
    best = [-1] * (2 * nodes + 1)  # the source of the best arc into a node
    current, node = initial, 1
    while node < current:
        choices = np.flatnonzero(exists[node])
        if not len(choices):
            raise FailedPreconditionError("Infeasible digraph")
        values = score[node, choices]
        source = best[node] = int(choices[len(values) - 1 - np.argmax(values[::-1])])
        if source:
            aim = int(target[node, source])
            if weak.root(source) == weak.root(aim):
                _contract(node, current, best, into, exists, score, target, strong, top)
                current += 1
            else:
                weak.join(source, aim)
        node += 1
    arcs = [(best[number], int(target[number, best[number]])) for number in range(current)]
    deleted = [False] * current
    for number in range(current - 1, initial - 1, -1):
        if deleted[number]:
            continue
        aim = arcs[number][1]
        arcs[aim] = arcs[number]
        inner = into[aim]
        while inner and inner != number and not deleted[inner]:
            deleted[inner] = True
            inner = into[inner]
    sources = np.array([source for source, _ in arcs[1:initial]])
    if not forest and (sources == 0).sum() != 1:
        raise FailedPreconditionError("Infeasible digraph")
    return np.where(sources == 0, np.arange(nodes), sources - 1)


def _contract(
    node: int,
    new: int,
    best: list[int],
    into: list[int],
    exists: Array,
    score: Array,
    target: Array,
    strong: _Forest,
    top: _Forest,
) -> None:
    """Make node `new` of the cycle that `node` is on."""
    cycle = []
    while node != new:
        source = best[node]
        cycle.append((node, score[node, source]))
        strong.join(source, int(target[node, source]))
        after = top.root(source)
        top.parent[node] = new
        into[node] = new
        node = after
    component = strong.roots(np.arange(exists.shape[1]))
    for member, cost in cycle:
        offered = exists[member] & (component != component[target[member]])
        value = score[member] - cost
        better = offered & (~exists[new] | (score[new] < value))
        score[new] = np.where(better, value, score[new])
        target[new] = np.where(better, target[member], target[new])
        exists[new] |= better


@kernel("MaxSpanningTree")
def max_spanning_tree(num_nodes: Array, scores: Array, *, forest: bool = False) -> tuple[Array, Array]:
    """The score [batch] and the sources [batch, nodes] of the best tree, or forest, of each digraph.

    scores [batch, target, source]: on the diagonal what a node is worth as a root; arcs that are not finite are none.
    """
    num_nodes, scores = np.asarray(num_nodes), np.asarray(scores)
    if num_nodes.ndim != 1:
        raise InvalidArgumentError(f"num_nodes must be a vector, got shape {list(num_nodes.shape)}")
    if scores.ndim != 3 or scores.shape[1] != scores.shape[2]:
        raise InvalidArgumentError(f"scores misshapen: got {list(scores.shape)}, expected rank 3 and square matrices")
    if len(num_nodes) != len(scores):
        raise InvalidArgumentError(f"num_nodes misshapen: got {len(num_nodes)} for a batch of {len(scores)}")
    best = np.zeros(len(scores), scores.dtype)
    sources = np.full(scores.shape[:2], -1, np.int32)
    for problem, count in enumerate(num_nodes.tolist()):
        if count > scores.shape[1]:
            raise InvalidArgumentError(
                f"number of nodes in digraph {problem} overflows input dimension: got {count} "
                f"but expected <= {scores.shape[1]}"
            )
        if not 0 < count < 0x8000:
            raise InvalidArgumentError(f"number of nodes in digraph {problem} must be from 1 to 32767, got {count}")
        matrix = scores[problem, :count, :count]
        found = _spanning_tree(matrix, forest)
        sources[problem, :count] = found
        best[problem] = np.cumsum(matrix[np.arange(count), found], dtype=scores.dtype)[-1]
    return best, sources


def _common_length(first: list[Any], second: list[Any]) -> int:
    """The length of the longest common subsequence, with a row of the table as the bits of one number (Hyyrö 2004)."""
    places: dict[Any, int] = {}
    for position, item in enumerate(second):
        places[item] = places.get(item, 0) | 1 << position
    full = (1 << len(second)) - 1
    row = full
    for item in first:
        matched = row & places.get(item, 0)
        row = (row + matched | row - matched) & full
    return len(second) - row.bit_count()


def _measures(hypothesis: int, reference: int, common: int, alpha: np.float32) -> tuple[Any, Any, Any]:
    """F, precision and recall. The tiny number is a double, so sums with it are doubles that are rounded after."""
    tiny, one = np.float64(1e-12), np.float32(1)
    precision = np.float32(np.float32(common) / (np.float32(hypothesis) + tiny))
    recall = np.float32(np.float32(common) / (np.float32(reference) + tiny))
    if alpha < 0:
        beta = np.float32(precision / (recall + tiny))
        numerator = (one + beta * beta) * recall * precision
        denominator = recall + (beta * beta) * precision
        return (numerator / denominator if denominator > 0 else np.float32(0)), precision, recall
    denominator = alpha * recall + (one - alpha) * precision
    return (precision * recall / denominator if denominator > 0 else denominator), precision, recall


@kernel("RougeL")
def rouge_l(
    hyp_values: Array, hyp_splits: Array, ref_values: Array, ref_splits: Array, alpha: Array
) -> tuple[Array, Array, Array]:
    """F-measure, precision and recall (float32) of each row of hypotheses against its row of references."""
    weight = np.float32(np.asarray(alpha).item())
    if not weight <= 1:
        raise InvalidArgumentError(f"alpha must be <1 but was={weight}")
    if np.size(ref_splits) != np.size(hyp_splits):
        raise InvalidArgumentError(
            f"ref splits len={np.size(ref_splits)}must equal hyp splits len={np.size(hyp_splits)}"
        )
    for name, value in (
        ("hypotheses values", hyp_values),
        ("references values", ref_values),
        ("hypotheses splits", hyp_splits),
        ("references splits", ref_splits),
    ):
        if np.ndim(value) != 1:
            raise InvalidArgumentError(f"{name} must be a vector")
    hypotheses, references = np.asarray(hyp_values).tolist(), np.asarray(ref_values).tolist()
    first = checked_splits(hyp_splits, len(hypotheses), "hypotheses splits").tolist()
    second = checked_splits(ref_splits, len(references), "references splits").tolist()
    rows = []
    for (a, b), (c, d) in zip(pairwise(first), pairwise(second), strict=True):
        rows.append(_measures(b - a, d - c, _common_length(hypotheses[a:b], references[c:d]), weight))
    result = np.array(rows, np.float32).reshape(len(rows), 3)
    return result[:, 0].copy(), result[:, 1].copy(), result[:, 2].copy()
