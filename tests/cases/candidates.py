"""Candidate samplers and the ops of k-means."""

from __future__ import annotations

import numpy as np

from tests.cases import case

TRUE = np.array([[0, 4], [9, 2], [3, 3]], np.int64)
SEEDS = {"seed": 7, "seed2": 11}
RANGE = ["UniformCandidateSampler", "LogUniformCandidateSampler", "LearnedUnigramCandidateSampler"]
RANGE.append("ThreadUnsafeUnigramCandidateSampler")


def sampler(op, true=TRUE, num_true=2, num_sampled=5, unique=True, runs=3, **more):
    more = {"range_max": 10, **SEEDS, **more}
    if op == "AllCandidateSampler":
        del more["range_max"]
    return case(
        op, true_classes=true, num_true=num_true, num_sampled=num_sampled, unique=unique, _runs=runs, _rtol=1e-6, **more
    )


WEIGHTS = [1.0, 2.5, 0.0, 7.0, 0.25, 3.0, 1.5, 4.0, 0.125, 9.0]
CASES = [
    *(sampler(op, unique=unique) for op in RANGE for unique in (True, False)),
    *(sampler(op, num_sampled=64, unique=False, range_max=8, true=TRUE % 8) for op in RANGE),
    *(sampler(op, num_sampled=300, unique=True, range_max=1000) for op in RANGE),
    *(sampler(op, num_sampled=10, unique=True) for op in RANGE),
    *(sampler(op, num_sampled=11, unique=True) for op in RANGE),
    *(sampler(op, num_true=1) for op in RANGE),
    *(sampler(op, true=TRUE[0]) for op in RANGE),
    *(sampler(op, true=np.zeros((0, 2), np.int64)) for op in RANGE),
    *(sampler(op, range_max=2**40, unique=False) for op in RANGE[:2]),
    *(sampler(op, seed=3, seed2=0) for op in RANGE),
    *(sampler(op, num_sampled=400, unique=False, range_max=1, true=TRUE * 0) for op in RANGE),
    *(
        sampler("FixedUnigramCandidateSampler", unigrams=WEIGHTS, unique=unique, num_sampled=number, distortion=power)
        for unique, number in ((True, 5), (False, 40))
        for power in (1.0, 0.75)
    ),
    sampler("FixedUnigramCandidateSampler", unigrams=WEIGHTS, num_reserved_ids=2, range_max=12),
    sampler("FixedUnigramCandidateSampler", unigrams=WEIGHTS, num_reserved_ids=1, range_max=3, num_shards=3, shard=1,
            true=TRUE % 3, num_sampled=2, unique=False),
    sampler("FixedUnigramCandidateSampler", unigrams=WEIGHTS, range_max=9),
    sampler("FixedUnigramCandidateSampler"),
    sampler("FixedUnigramCandidateSampler", unigrams=WEIGHTS, num_true=3),
    sampler("AllCandidateSampler", num_sampled=6),
    sampler("AllCandidateSampler", num_sampled=10),
    sampler("AllCandidateSampler", num_sampled=10, unique=False, num_true=1, true=TRUE[:, :1]),
    *(
        case("ComputeAccidentalHits", true_classes=TRUE, sampled_candidates=np.array(sampled, np.int64), num_true=2)
        for sampled in ([4, 3, 77], [], [3, 3, 0], [100])
    ),
    case("ComputeAccidentalHits", true_classes=TRUE, sampled_candidates=np.array([1], np.int64), num_true=1),
    case("ComputeAccidentalHits", true_classes=TRUE, sampled_candidates=np.array([[1]], np.int64), num_true=2),
    case("ComputeAccidentalHits", true_classes=TRUE[0], sampled_candidates=np.array([1], np.int64), num_true=2),
    case("ComputeAccidentalHits", true_classes=TRUE[:0], sampled_candidates=np.array([1], np.int64), num_true=2),
]  # fmt: skip

RNG = np.random.default_rng(5)
POINTS, CENTERS = RNG.normal(size=(40, 3)).astype(np.float32), RNG.normal(size=(7, 3)).astype(np.float32)


def nearest(points=POINTS, centers=CENTERS, k=1):
    return case("NearestNeighbors", points=points, centers=centers, k=np.array(k, np.int64), _rtol=1e-5, _atol=1e-5)


CASES += [
    *(nearest(k=k) for k in (1, 2, 3, 7, 100, 0, [1])),
    nearest(POINTS[:0]),
    nearest(POINTS[:0], k=3),
    *(nearest(centers=CENTERS[:0], k=k) for k in (1, 2)),
    nearest(centers=CENTERS[:, :2]),
    nearest(POINTS[0]),
    nearest(centers=CENTERS[0]),
    nearest(POINTS[:, :0], CENTERS[:, :0]),
    nearest(CENTERS, CENTERS, k=2),
    *(
        case("KMC2ChainInitialization", distances=np.abs(POINTS[:n, 0]), seed=np.int64(seed))
        for n in (1, 2, 40)
        for seed in (0, 1, 2, 99, -5)
    ),
    case("KMC2ChainInitialization", distances=POINTS, seed=np.int64(1)),
    case("KMC2ChainInitialization", distances=POINTS[0], seed=np.array([1])),
    *(
        case(
            "KmeansPlusPlusInitialization",
            points=POINTS,
            num_to_sample=np.int64(n),
            seed=np.int64(seed),
            num_retries_per_sample=np.int64(retries),
        )
        for n, seed, retries in ((1, 3, 0), (5, 3, 0), (5, 4, 2), (5, 5, 1), (0, 1, 0), (41, 1, 0), (8, 6, 3))
    ),
    case("KmeansPlusPlusInitialization", points=np.ones((4, 2), np.float32), num_to_sample=np.int64(3),
         seed=np.int64(1), num_retries_per_sample=np.int64(1)),
    case("KmeansPlusPlusInitialization", points=POINTS[0], num_to_sample=np.int64(1), seed=np.int64(1),
         num_retries_per_sample=np.int64(0)),
]  # fmt: skip
