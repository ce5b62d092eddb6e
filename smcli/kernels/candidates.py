"""Candidate samplers (sampled softmax, NCE): classes drawn from a distribution over a range, bit for bit when seeded.

Semantics from tensorflow/core/kernels/{candidate_sampler_ops,range_sampler}.cc and
core/lib/random/{distribution_sampler,weighted_picker}.cc.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from smcli.errors import InvalidArgumentError, ResourceExhaustedError
from smcli.kernels._words import Words
from smcli.kernels.context import Array, Context
from smcli.kernels.random import reserve
from smcli.kernels.registry import kernel

_BLOCKS_PER_SAMPLE = 512  # by which an op's generator moves on for each sample asked for
_MAX_INT32 = 2**31 - 1
_MAX_RANGE = 2**28  # of the samplers that keep a weight for each class
_MAX_TRIES = 2**26

DEVIATIONS = {
    "FixedUnigramCandidateSampler": "A vocab_file must be an asset of the model.",
}


class Sampler(Protocol):
    """range: the classes are 0 … range - 1."""

    range: int

    def sample(self, words: Words) -> int: ...

    def probability(self, values: Array) -> Array:
        """float32, of each class."""


class _Uniform:
    def __init__(self, size: int) -> None:
        self.range = size

    def sample(self, words: Words) -> int:
        return words.below64(self.range)

    def probability(self, values: Array) -> Array:
        return np.full(values.shape, 1 / self.range, np.float32)


class _LogUniform:
    """P(class) = (log(class + 2) - log(class + 1)) / log(range + 1)."""

    def __init__(self, size: int) -> None:
        self.range = size
        self._log_range = math.log1p(size)

    def sample(self, words: Words) -> int:
        return (int(math.exp(words.double() * self._log_range)) - 1) % self.range

    def probability(self, values: Array) -> Array:
        # In doubles, as std::log has them.
        return (np.log((values + 2.0) / (values + 1.0)) / self._log_range).astype(np.float32)


class _Unigram:
    """Learns how often each class has been a true class: all begin at one."""

    def __init__(self, size: int) -> None:
        if size > _MAX_RANGE:
            raise ResourceExhaustedError(f"A sampler over {size} classes is too large")
        self.range = size
        self._weights = np.ones(size, np.int64)
        self._sums: Array | None = None

    def sample(self, words: Words) -> int:
        if self._sums is None:
            self._sums = np.cumsum(self._weights)
        return int(np.searchsorted(self._sums, words.below(int(self._sums[-1])), side="right"))

    def probability(self, values: Array) -> Array:
        total = np.float32(self._weights.sum())
        return self._weights[values].astype(np.float32) / total

    def update(self, values: Array) -> None:
        room = _MAX_INT32 - int(self._weights.sum())
        np.add.at(self._weights, values.ravel()[: max(room, 0)], 1)
        self._sums = None


class _Fixed:
    """Given weights, drawn from by Walker's alias method."""

    def __init__(self, weights: list[float]) -> None:
        self.range = len(weights)
        self._weights = np.array(weights, np.float32)
        self._total = np.float32(0)
        for weight in self._weights:
            self._total += weight
        scaled = self._weights.astype(np.float64)
        total = 0.0
        for weight in scaled.tolist():
            total += weight
        # The product is one of floats.
        shares = (self._weights * np.float32(self.range)).astype(np.float64) / total
        self._other = list(range(self.range))
        low = np.flatnonzero(shares < 1).tolist()
        high = np.flatnonzero(~(shares < 1)).tolist()
        chances: list[float] = shares.tolist()
        while low and high:
            small, large = low.pop(), high.pop()
            self._other[small] = large
            chances[large] -= 1.0 - chances[small]
            (low if chances[large] < 1 else high).append(large)
        for rest in (*low, *high):
            chances[rest] = 1.0
        self._chances = np.array(chances).astype(np.float32)

    def sample(self, words: Words) -> int:
        chance = words.unit()
        place = words.below(self.range)
        return place if chance < self._chances[place] else self._other[place]

    def probability(self, values: Array) -> Array:
        inside = (values >= 0) & (values < self.range)
        found: Array = np.where(inside, self._weights[np.where(inside, values, 0)] / self._total, np.float32(0))
        return found


def _check_true(true_classes: Array, num_true: int, name: str = "true_classes") -> None:
    if true_classes.ndim != 2:
        raise InvalidArgumentError(f"{name} must be a matrix")
    if true_classes.shape[1] != num_true:
        raise InvalidArgumentError(
            f"{name} must have num_true columns, expected: {true_classes.shape[1]} was: {num_true}"
        )


def _check_range(true_classes: Array, size: int) -> None:
    outside = (true_classes < 0) | (true_classes >= size)
    if outside.any():
        raise InvalidArgumentError(
            f"`true_candidate` out of range [0, {size}), received {int(true_classes[outside][0])}"
        )


def _expected(probability: Array, count: int, tries: int) -> Array:
    """How often a class of some probability is among `count` samples that took so many tries."""
    wide = probability.astype(np.float64)
    if tries == count:
        return (wide * count).astype(np.float32)
    expected: Array = (-np.expm1(tries * np.log1p(-wide))).astype(np.float32)
    return expected


def _drawn(sampler: Sampler, words: Words, count: int, unique: bool) -> tuple[Array, int]:
    """The samples int64 [count] and how many tries they took."""
    if not unique:
        return np.array([sampler.sample(words) for _ in range(count)], np.int64), count
    found: dict[int, None] = {}
    tries = 0
    while len(found) < count:
        if tries > _MAX_TRIES:
            raise ResourceExhaustedError(f"{count} different classes were not found in {tries} tries")
        tries += 1
        found[sampler.sample(words)] = None
    return np.array(list(found), np.int64), tries


def _sampled(
    true_classes: Array, make: Callable[[], Any], attrs: dict[str, Any], context: Context
) -> tuple[Array, Array, Array]:
    """Samples [num_sampled] and the expected counts of the true classes and of the samples."""
    count, unique = attrs["num_sampled"], attrs["unique"]
    sampler = context.memory.get("sampler")
    if sampler is None:
        sampler = context.memory["sampler"] = make()
    _check_true(true_classes, attrs["num_true"])
    if unique and count > sampler.range:
        raise InvalidArgumentError("Sampler's range is too small.")
    if count > _MAX_RANGE:
        raise ResourceExhaustedError(f"{count} samples are too many")
    _check_range(true_classes, sampler.range)
    words = Words(reserve(context, attrs["seed"], attrs["seed2"], _BLOCKS_PER_SAMPLE * count))
    samples, tries = _drawn(sampler, words, count, unique)
    of_true, of_samples = (_expected(sampler.probability(v), count, tries) for v in (true_classes, samples))
    results = samples, of_true, of_samples
    if isinstance(sampler, _Unigram):
        sampler.update(true_classes)
    return results


@kernel("UniformCandidateSampler", stateful=True)
def uniform_candidate_sampler(
    true_classes: Array,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int = 0,
    seed2: int = 0,
    context: Context,
) -> tuple[Array, Array, Array]:
    attrs = {"num_true": num_true, "num_sampled": num_sampled, "unique": unique, "seed": seed, "seed2": seed2}
    return _sampled(true_classes, lambda: _Uniform(range_max), attrs, context)


@kernel("LogUniformCandidateSampler", stateful=True)
def log_uniform_candidate_sampler(
    true_classes: Array,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int = 0,
    seed2: int = 0,
    context: Context,
) -> tuple[Array, Array, Array]:
    attrs = {"num_true": num_true, "num_sampled": num_sampled, "unique": unique, "seed": seed, "seed2": seed2}
    return _sampled(true_classes, lambda: _LogUniform(range_max), attrs, context)


@kernel("LearnedUnigramCandidateSampler", "ThreadUnsafeUnigramCandidateSampler", stateful=True)
def learned_unigram_candidate_sampler(
    true_classes: Array,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int = 0,
    seed2: int = 0,
    context: Context,
) -> tuple[Array, Array, Array]:
    attrs = {"num_true": num_true, "num_sampled": num_sampled, "unique": unique, "seed": seed, "seed2": seed2}
    return _sampled(true_classes, lambda: _Unigram(range_max), attrs, context)


def _fixed(
    range_max: int,
    vocab_file: str,
    distortion: float,
    num_reserved_ids: int,
    num_shards: int,
    shard: int,
    unigrams: tuple[float, ...],
    context: Context,
) -> _Fixed:
    if bool(vocab_file) == bool(unigrams):
        raise InvalidArgumentError("Must provide exactly one of vocab_file and unigrams.")
    if not 0 <= num_reserved_ids <= _MAX_RANGE or num_shards < 1 or not 0 <= shard < num_shards:
        raise InvalidArgumentError(
            f"{num_reserved_ids} reserved ids and shard {shard} of {num_shards} are no part of a vocabulary"
        )
    given = list(unigrams)
    if vocab_file:
        lines = context.files.read_bytes(vocab_file.encode("utf-8", "surrogateescape")).splitlines()
        try:
            given = [float(line.rpartition(b",")[2]) for line in lines]
        except ValueError:
            raise InvalidArgumentError(f"Wrong vocabulary format in {vocab_file}") from None
    powers = np.power(np.array(given, np.float32), np.float32(distortion)).tolist()
    reserved = len(range(shard, num_reserved_ids, num_shards))
    # TensorFlow counts the given weights from the number of reserved ids in this shard, not in all.
    weights = [0.0] * reserved + [power for i, power in enumerate(powers, reserved) if i % num_shards == shard]
    if len(weights) != range_max:
        raise InvalidArgumentError(f"range is {range_max}, must be equal to the number of weights, {len(weights)}")
    return _Fixed(weights)


@kernel("FixedUnigramCandidateSampler", stateful=True)
def fixed_unigram_candidate_sampler(
    true_classes: Array,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str = "",
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: int = 1,
    shard: int = 0,
    unigrams: tuple[float, ...] = (),
    seed: int = 0,
    seed2: int = 0,
    context: Context,
) -> tuple[Array, Array, Array]:
    attrs = {"num_true": num_true, "num_sampled": num_sampled, "unique": unique, "seed": seed, "seed2": seed2}

    def make() -> _Fixed:
        return _fixed(range_max, vocab_file, distortion, num_reserved_ids, num_shards, shard, unigrams, context)

    return _sampled(true_classes, make, attrs, context)


@kernel("AllCandidateSampler", stateful=True)
def all_candidate_sampler(true_classes: Array, *, num_true: int, num_sampled: int) -> tuple[Array, Array, Array]:
    """All classes, each of which is expected once."""
    _check_true(true_classes, num_true)
    _check_range(true_classes, num_sampled)
    if num_sampled > _MAX_RANGE:
        raise ResourceExhaustedError(f"{num_sampled} samples are too many")
    return (
        np.arange(num_sampled, dtype=np.int64),
        np.ones(true_classes.shape, np.float32),
        np.ones(num_sampled, np.float32),
    )


@kernel("ComputeAccidentalHits")
def compute_accidental_hits(
    true_classes: Array, sampled_candidates: Array, *, num_true: int
) -> tuple[Array, Array, Array]:
    """Where a true class is among the samples: its row int32 [n], the sample's place int64 [n], and -FLT_MAX [n]."""
    _check_true(true_classes, num_true, "true_candidate")
    if sampled_candidates.ndim != 1:
        raise InvalidArgumentError(
            "sampled_candidates must be a vector, which is typically the output from CandidateSampler"
        )
    order = np.argsort(sampled_candidates, kind="stable")
    ordered = sampled_candidates[order]
    flat = true_classes.ravel()
    after = np.searchsorted(ordered, flat, side="right")  # of equal samples, the last counts
    places = np.maximum(after - 1, 0)
    hit = (after > 0) & (ordered[places] == flat) if ordered.size else np.zeros(flat.size, bool)
    rows = np.flatnonzero(hit)
    indices = (rows // max(num_true, 1)).astype(np.int32)
    ids = order[places[rows]].astype(np.int64) if ordered.size else np.empty(0, np.int64)
    return indices, ids, np.full(rows.size, -np.finfo(np.float32).max, np.float32)
