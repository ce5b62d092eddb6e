"""Constrained sequences, maximum spanning trees and ROUGE-L of TensorFlow Text."""

from __future__ import annotations

import numpy as np

from tests.cases import case

REQUIRES = "tensorflow_text"

CASES = []
rng = np.random.default_rng(0)


def sequence(
    scores: np.ndarray,
    lengths: list[int],
    allowed: np.ndarray,
    weights: np.ndarray,
    length_type: type = np.int64,
    **options: object,
) -> None:
    CASES.append(
        case(
            "ConstrainedSequence",
            scores=scores,
            sequence_lengths=np.array(lengths, length_type),
            allowed_transitions=allowed,
            transition_weights=weights,
            **options,
        )
    )


NO_RULES, NO_WEIGHTS = np.zeros((0, 0), bool), np.zeros((0, 0), np.float32)
for viterbi in (False, True):
    for log_space in (False, True):
        for ends in (False, True):
            options = {"use_viterbi": viterbi, "use_log_space": log_space, "use_start_and_end_states": ends}
            size = 5 if ends else 4
            for density in (0.3, 0.6, 1.1):
                scores = rng.random((3, 6, 4)).astype(np.float32) * (10 if log_space else 1)
                allowed = rng.random((size, size)) < density
                weights = rng.random((size, size)).astype(np.float32)
                sequence(scores, [6, 3, 0], allowed, weights, **options)
                sequence(np.round(scores), [5, 6, 1], allowed, np.round(weights), **options)
            sequence(scores, [2, 4, 6], NO_RULES, NO_WEIGHTS, **options)
            sequence(scores - 1, [2, 4, 6], allowed, NO_WEIGHTS, **options)
            sequence(scores[0], [5], NO_RULES, weights, Tsplits="int32", **options)
options = {"use_viterbi": True, "use_log_space": True, "use_start_and_end_states": True}
scores = rng.random((2, 3, 4)).astype(np.float32)
sequence(scores, [2, 3], NO_RULES, NO_WEIGHTS, np.int32, **options)
sequence(scores, [4, 1], NO_RULES, NO_WEIGHTS, **options)
sequence(scores, [1], NO_RULES, NO_WEIGHTS, **options)
sequence(scores, [1, 1], np.ones((4, 4), bool), NO_WEIGHTS, **options)
sequence(scores, [1, 1], NO_RULES, np.ones((4, 4), np.float32), **options)
sequence(scores, [1, 1], NO_RULES, -np.ones((5, 5), np.float32), **(options | {"use_log_space": False}))
sequence(scores[0, 0], [1], NO_RULES, NO_WEIGHTS, **options)
sequence(np.where(scores > 0.5, np.nan, scores), [3, 3], NO_RULES, NO_WEIGHTS, **options)
sequence(np.zeros((0, 3, 4), np.float32), [], NO_RULES, NO_WEIGHTS, **options)

for dtype in (np.float32, np.float64, np.int32):
    for forest in (False, True):
        for nodes in (1, 2, 3, 5, 9, 17):
            scores = rng.standard_normal((4, nodes, nodes)) * 10
            counts = np.minimum(rng.integers(1, nodes + 1, 4), nodes).astype(np.int32)
            CASES.append(case("MaxSpanningTree", num_nodes=counts, scores=scores.astype(dtype), forest=forest))
        # few different scores, so that many trees are as good
        scores = rng.integers(0, 3, (6, 7, 7)).astype(dtype)
        CASES.append(case("MaxSpanningTree", num_nodes=np.full(6, 7, np.int32), scores=scores, forest=forest))
holes = rng.standard_normal((5, 6, 6)).astype(np.float32)
holes[rng.random(holes.shape) < 0.4] = -np.inf
holes[:, np.arange(6), np.arange(6)] = 0
CASES += [
    case("MaxSpanningTree", num_nodes=np.full(5, 6, np.int32), scores=holes),
    case("MaxSpanningTree", num_nodes=np.full(5, 6, np.int32), scores=holes, forest=True),
    case("MaxSpanningTree", num_nodes=np.array([2], np.int32), scores=np.full((1, 2, 2), np.nan, np.float32)),
    case(
        "MaxSpanningTree",
        num_nodes=np.array([2], np.int32),
        scores=np.array([[[1, -np.inf], [-np.inf, 1]]], np.float64),
    ),
    case("MaxSpanningTree", num_nodes=np.array([3], np.int32), scores=np.zeros((1, 2, 2), np.float32)),
    case("MaxSpanningTree", num_nodes=np.array([0], np.int32), scores=np.zeros((1, 2, 2), np.float32)),
    case("MaxSpanningTree", num_nodes=np.array([1, 1], np.int32), scores=np.zeros((1, 2, 2), np.float32)),
    case("MaxSpanningTree", num_nodes=np.array([1], np.int32), scores=np.zeros((1, 2, 3), np.float32)),
    case("MaxSpanningTree", num_nodes=np.array([[1]], np.int32), scores=np.zeros((1, 2, 2), np.float32)),
    case("MaxSpanningTree", num_nodes=np.zeros(0, np.int32), scores=np.zeros((0, 2, 2), np.float32)),
]


def words(count: int) -> np.ndarray:
    array = np.empty(count, dtype=object)
    array[:] = [b"word%d" % number for number in rng.integers(0, 6, count)]
    return array


for dtype in (object, np.int32, np.int64):
    for splits_type in (np.int32, np.int64):
        first = words(40) if dtype is object else rng.integers(0, 6, 40).astype(dtype)
        second = words(50) if dtype is object else rng.integers(0, 6, 50).astype(dtype)
        for alpha in (-1, 0, 0.5, 1):
            CASES.append(
                case(
                    "RougeL",
                    hyp_values=first,
                    hyp_splits=np.array([0, 9, 9, 20, 40], splits_type),
                    ref_values=second,
                    ref_splits=np.array([0, 11, 14, 14, 50], splits_type),
                    alpha=np.float32(alpha),
                )
            )
good = {
    "hyp_values": words(2),
    "hyp_splits": np.array([0, 2]),
    "ref_values": words(3),
    "ref_splits": np.array([0, 3]),
    "alpha": np.float32(0.5),
}
CASES += [
    case("RougeL", **(good | {"alpha": np.float32(1.5)})),
    case("RougeL", **(good | {"ref_splits": np.array([0, 1, 3])})),
    case("RougeL", **(good | {"hyp_values": words(2).reshape(1, 2)})),
]
