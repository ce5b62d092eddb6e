"""K-means: the nearest centers of points, which exported KMeans estimators hold, and the choice of first centers.

Semantics from tensorflow/core/kernels/clustering_ops.cc.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._words import Words
from smcli.kernels.context import Array
from smcli.kernels.philox import Philox
from smcli.kernels.registry import kernel

_BLOCK = 2**22  # scores held at a time
F32 = np.float32


def _matrix(value: Array, name: str) -> None:
    if value.ndim != 2:
        raise InvalidArgumentError(f"Input {name} should be a matrix.")


def _scalar(value: Array, name: str) -> int:
    if value.ndim:
        raise InvalidArgumentError(f"Input {name} should be a scalar.")
    return int(value)


def _half_norms(rows: Array) -> Array:
    norms: Array = F32(0.5) * np.einsum("ij,ij->i", rows, rows)
    return norms


@kernel("NearestNeighbors")
def nearest_neighbors(points: Array, centers: Array, k: Array) -> tuple[Array, Array]:
    """Indices int64 and squared distances float32 of the k nearest centers of each point, [points, min(k, centers)],
    the nearest first."""
    _matrix(points, "points")
    _matrix(centers, "centers")
    wanted = _scalar(k, "k")
    if points.shape[1] != centers.shape[1]:
        raise InvalidArgumentError("Input centers and points should have the same dimension.")
    if not points.shape[0]:
        raise InvalidArgumentError("Expected points.rows() > 0.")
    if wanted < 0:  # TensorFlow ends the process
        raise InvalidArgumentError(f"Expected k >= 0, but got {wanted}.")
    wanted = min(wanted, centers.shape[0])
    indices = np.empty((points.shape[0], wanted), np.int64)
    distances = np.empty(indices.shape, F32)
    if not indices.size:
        return indices, distances
    half = _half_norms(centers)
    step = max(_BLOCK // centers.shape[0], 1)
    for start in range(0, points.shape[0], step):
        rows = points[start : start + step]
        scores = rows @ centers.T - half  # the nearest center has the highest
        if wanted == 1:
            best = scores.argmax(1)[:, None]
        else:
            best = np.argsort(-scores, axis=1, kind="stable")[:, :wanted]
        indices[start : start + step] = best
        found = F32(2) * (_half_norms(rows)[:, None] - np.take_along_axis(scores, best, 1))
        distances[start : start + step] = np.maximum(found, F32(0))
    return indices, distances


@kernel("KMC2ChainInitialization")
def kmc2_chain_initialization(distances: Array, seed: Array) -> np.int64:
    """Where a Markov chain over the points ends that prefers distant ones."""
    if distances.ndim != 1:
        raise InvalidArgumentError("Input distances should be a vector.")
    words = Words(Philox.from_seeds(_scalar(seed, "seed"), 0))
    if not distances.size:
        raise InvalidArgumentError("Input distances should have at least one element.")
    chosen, selected = 0, distances[0]
    for i in range(1, distances.size):
        if distances[i] > F32(words.unit()) * selected:
            chosen, selected = i, distances[i]
    return np.int64(chosen)


@kernel("KmeansPlusPlusInitialization")
def kmeans_plus_plus_initialization(
    points: Array, num_to_sample: Array, seed: Array, num_retries_per_sample: Array
) -> Array:
    """Points [num_to_sample, dims], each drawn with a chance that grows with its distance from those before."""
    _matrix(points, "points")
    wanted, retries = _scalar(num_to_sample, "num_to_sample"), _scalar(num_retries_per_sample, "num_retries_per_sample")
    words = Words(Philox.from_seeds(_scalar(seed, "seed"), 0))
    count: int = points.shape[0]
    if wanted <= 0:
        raise InvalidArgumentError(f"Expected num_to_sample > 0, but got {wanted}.")
    if wanted > count:
        raise InvalidArgumentError(f"Expected num_to_sample <= {count}, but got {wanted}.")
    half = _half_norms(points)
    nearest = np.full(count, np.inf, F32)
    sampled: list[int] = []

    def draw() -> int:
        if not sampled:
            return words.below64(count)
        sums = np.cumsum(nearest, dtype=F32)
        place = int(np.searchsorted(sums, F32(words.unit()) * sums[-1], side="right"))
        return min(place, int(count) - 1)  # none is farther away when all points are among the samples

    while len(sampled) < wanted:
        best: tuple[float, int, Array] | None = None
        for _ in range(1 + max(retries, 0)):
            place = draw()
            after = np.minimum(nearest, half + half[place] - points @ points[place])
            potential = float(after.sum())
            if best is None or potential < best[0]:
                best = potential, place, after
        assert best is not None
        sampled.append(best[1])
        nearest = np.maximum(best[2], F32(0))
    return points[sampled]
