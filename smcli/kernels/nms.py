"""Non-maximum suppression: greedy, soft, padded, by given overlaps, and combined over classes.

Boxes are [y1, x1, y2, x2] with the corners in any order. Overlaps are computed in float32, many pairs at once.
Semantics from tensorflow/core/kernels/image/non_max_suppression_op.cc.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel

F32 = np.float32
Similarity = Callable[[Array, Array], Array]
"""How much boxes overlap: [m, n] numbers for the indices of m boxes and of n others."""

_BLOCK = 256  # candidates that are compared with each other at once


def iou_of(boxes: Array) -> Similarity:
    """Intersection over union; 0 where a box has no area."""
    corners = boxes.astype(F32)
    top, left = np.minimum(corners[:, 0], corners[:, 2]), np.minimum(corners[:, 1], corners[:, 3])
    bottom, right = np.maximum(corners[:, 0], corners[:, 2]), np.maximum(corners[:, 1], corners[:, 3])
    area = (bottom - top) * (right - left)
    has_area = area > 0

    def similarity(ones: Array, others: Array) -> Array:
        column = ones[:, None]
        height = np.minimum(bottom[column], bottom[others]) - np.maximum(top[column], top[others])
        width = np.minimum(right[column], right[others]) - np.maximum(left[column], left[others])
        shared = np.maximum(height, F32(0)) * np.maximum(width, F32(0))
        ratio = shared / (area[column] + area[others] - shared)
        return np.where(has_area[column] & has_area[others], ratio, F32(0))

    return similarity


def _overlaps_of(overlaps: Array) -> Similarity:
    return lambda ones, others: overlaps[others, ones[:, None]]


def greedy(scores: Array, limit: int, threshold: Any, score_threshold: Any, similarity: Similarity) -> Array:
    """Indices of at most `limit` boxes by falling score, none of which overlaps an earlier one too much.

    Candidates are taken block by block: each block is compared with what was chosen before it and with itself.
    """
    left = np.flatnonzero(scores > score_threshold)
    left = left[np.argsort(-scores[left].astype(np.float64), kind="stable")]
    chosen = np.zeros(0, np.int64)
    block = max(16, min(_BLOCK, limit))
    for at in range(0, left.size, block):
        if len(chosen) >= limit:
            break
        candidates = left[at : at + block]
        rivals = np.concatenate([chosen, candidates])
        too_much = similarity(rivals, candidates).astype(scores.dtype) > threshold
        beaten = too_much[: len(chosen)].any(axis=0)
        kept = _undefeated(too_much[len(chosen) :], beaten, limit - len(chosen))
        chosen = np.concatenate([chosen, candidates[kept]])
    return chosen


def _undefeated(beats: Array, beaten: Array, limit: int) -> list[int]:
    """At most `limit` places, in order, that no earlier undefeated one beats; `beats` is square, `beaten` known ones.

    Rows of truth values are Python integers, whose bits are combined in one step.
    """
    rows = np.packbits(beats, axis=1, bitorder="little")
    width, packed = rows.shape[1], rows.tobytes()
    lost = int.from_bytes(np.packbits(beaten, bitorder="little").tobytes(), "little")
    kept: list[int] = []
    for place in range(len(beats)):
        if len(kept) >= limit:
            break
        if not (lost >> place) & 1:
            kept.append(place)
            lost |= int.from_bytes(packed[place * width : (place + 1) * width], "little")
    return kept


def _soft(scores: Array, limit: int, sigma: Any, score_threshold: Any, similarity: Similarity) -> tuple[Array, Array]:
    """Indices and scores when each chosen box lowers the scores of those it overlaps, rather than removing them."""
    kind = scores.dtype.type
    scale = kind(-0.5) / sigma
    heap = [(-float(scores[i]), int(i), 0) for i in np.flatnonzero(scores > score_threshold)]
    heapq.heapify(heap)
    current = scores.copy()
    chosen: list[int] = []
    final: list[Any] = []
    while heap and len(chosen) < limit:
        _, box, seen = heapq.heappop(heap)
        before = current[box]
        if seen < len(chosen):
            overlap = similarity(np.array([box]), np.array(chosen[seen:][::-1]))[0].astype(scores.dtype)
            exponent = scale * overlap * overlap
            weights = np.exp(exponent.astype(np.float64)).astype(scores.dtype)
            track = np.multiply.accumulate(np.concatenate([[before], weights]).astype(scores.dtype))
            low = np.flatnonzero(track[1:] <= score_threshold)
            current[box] = track[int(low[0]) + 1] if low.size else track[-1]
        if current[box] == before:
            chosen.append(box)
            final.append(before)
        elif current[box] > score_threshold:
            heapq.heappush(heap, (-float(current[box]), box, len(chosen)))
    return np.array(chosen, dtype=np.int64), np.array(final, dtype=scores.dtype)


def _scalar(name: str, value: Array) -> Any:
    if value.ndim:
        raise InvalidArgumentError(f"{name} must be 0-D, got shape {list(value.shape)}")
    return value[()]


def _limit(max_output_size: Array) -> int:
    limit = int(_scalar("max_output_size", max_output_size))
    if limit < 0:
        raise InvalidArgumentError("output size must be non-negative")
    return limit


def _check_threshold(threshold: Any) -> None:
    if not 0 <= threshold <= 1:
        raise InvalidArgumentError("iou_threshold must be in [0, 1]")


def _check_boxes(boxes: Array, scores: Array) -> None:
    if boxes.ndim != 2:
        raise InvalidArgumentError(f"boxes must be 2-D, got shape {list(boxes.shape)}")
    if boxes.shape[1] != 4:
        raise InvalidArgumentError(f"boxes must have 4 columns (Dimension must be 4 but is {boxes.shape[1]})")
    _check_scores(boxes.shape[0], scores)


def _check_scores(count: int, scores: Array) -> None:
    if scores.ndim != 1:
        raise InvalidArgumentError(f"scores must be 1-D, got shape {list(scores.shape)}")
    if scores.shape[0] != count:
        raise InvalidArgumentError(
            f"scores has incompatible shape (Dimensions must be equal, but are {count} and {scores.shape[0]})"
        )


def _lowest(dtype: np.dtype[Any]) -> Any:
    import ml_dtypes

    return ml_dtypes.finfo(dtype).min  # type: ignore[no-untyped-call]


def _padded(values: Array, length: int) -> Array:
    return np.concatenate([values, np.zeros(length - values.size, values.dtype)])


@kernel("NonMaxSuppression")
def non_max_suppression(boxes: Array, scores: Array, max_output_size: Array, *, iou_threshold: float = 0.5) -> Array:
    """int32 indices of the selected boxes, by falling score."""
    limit = _limit(max_output_size)
    _check_threshold(iou_threshold)
    _check_boxes(boxes, scores)
    return greedy(scores, limit, F32(iou_threshold), _lowest(scores.dtype), iou_of(boxes)).astype(np.int32)


@kernel("NonMaxSuppressionV2")
def non_max_suppression_v2(boxes: Array, scores: Array, max_output_size: Array, iou_threshold: Array) -> Array:
    """int32 indices of the selected boxes, by falling score."""
    threshold = _scalar("iou_threshold", iou_threshold)
    _check_threshold(threshold)
    _check_boxes(boxes, scores)
    return greedy(scores, _limit(max_output_size), threshold, _lowest(scores.dtype), iou_of(boxes)).astype(np.int32)


@kernel("NonMaxSuppressionV3")
def non_max_suppression_v3(
    boxes: Array, scores: Array, max_output_size: Array, iou_threshold: Array, score_threshold: Array
) -> Array:
    """int32 indices of the selected boxes whose scores are above a threshold."""
    threshold = _scalar("iou_threshold", iou_threshold)
    lowest = _scalar("score_threshold", score_threshold)
    limit = _limit(max_output_size)
    _check_threshold(threshold)
    _check_boxes(boxes, scores)
    return greedy(scores, limit, threshold, lowest, iou_of(boxes)).astype(np.int32)


@kernel("NonMaxSuppressionV4")
def non_max_suppression_v4(
    boxes: Array,
    scores: Array,
    max_output_size: Array,
    iou_threshold: Array,
    score_threshold: Array,
    *,
    pad_to_max_output_size: bool = False,
) -> tuple[Array, Array]:
    """Indices, padded with zeros if asked for, and how many are valid."""
    chosen = non_max_suppression_v3(boxes, scores, max_output_size, iou_threshold, score_threshold)
    count = np.array(chosen.size, dtype=np.int32)
    return (_padded(chosen, int(max_output_size)) if pad_to_max_output_size else chosen), count


@kernel("NonMaxSuppressionV5")
def non_max_suppression_v5(
    boxes: Array,
    scores: Array,
    max_output_size: Array,
    iou_threshold: Array,
    score_threshold: Array,
    soft_nms_sigma: Array,
    *,
    pad_to_max_output_size: bool = False,
) -> tuple[Array, Array, Array]:
    """Indices, their scores (lowered when sigma is not 0: soft suppression), and how many are valid."""
    sigma = _scalar("soft_nms_sigma", soft_nms_sigma)
    if sigma < 0:
        raise InvalidArgumentError("soft_nms_sigma_val must be non-negative")
    if sigma > 0:
        threshold = _scalar("iou_threshold", iou_threshold)
        lowest = _scalar("score_threshold", score_threshold)
        limit = _limit(max_output_size)
        _check_threshold(threshold)
        _check_boxes(boxes, scores)
        chosen, final = _soft(scores, limit, sigma, lowest, iou_of(boxes))
        chosen = chosen.astype(np.int32)
    else:
        chosen = non_max_suppression_v3(boxes, scores, max_output_size, iou_threshold, score_threshold)
        final = scores[chosen]
    count = np.array(chosen.size, dtype=np.int32)
    if pad_to_max_output_size:
        chosen, final = _padded(chosen, int(max_output_size)), _padded(final, int(max_output_size))
    return chosen, final, count


@kernel("NonMaxSuppressionWithOverlaps")
def non_max_suppression_with_overlaps(
    overlaps: Array, scores: Array, max_output_size: Array, overlap_threshold: Array, score_threshold: Array
) -> Array:
    """int32 indices of the selected boxes, given the overlap of each with each."""
    limit = int(_scalar("max_output_size", max_output_size))
    threshold = _scalar("overlap_threshold", overlap_threshold)
    lowest = _scalar("score_threshold", score_threshold)
    if overlaps.ndim != 2:
        raise InvalidArgumentError(f"overlaps must be 2-D, got shape {list(overlaps.shape)}")
    if overlaps.shape[0] != overlaps.shape[1]:
        raise InvalidArgumentError(f"overlaps must be square, got shape {list(overlaps.shape)}")
    _check_scores(overlaps.shape[0], scores)
    if limit < 0:
        raise InvalidArgumentError("output size must be non-negative")
    return greedy(scores, limit, threshold, lowest, _overlaps_of(overlaps)).astype(np.int32)


@kernel("CombinedNonMaxSuppression")
def combined_non_max_suppression(
    boxes: Array,
    scores: Array,
    max_output_size_per_class: Array,
    max_total_size: Array,
    iou_threshold: Array,
    score_threshold: Array,
    *,
    pad_per_class: bool = False,
    clip_boxes: bool = True,
) -> tuple[Array, Array, Array, Array]:
    """Suppression for each class of each image; then the best of all classes.

    Returns boxes, scores, classes, and how many of them are valid.
    boxes: [batch, n, 1 or classes, 4]; scores: [batch, n, classes].
    """
    if boxes.ndim != 4:
        raise InvalidArgumentError(f"boxes must be 4-D, got shape {list(boxes.shape)}")
    if scores.ndim != 3:
        raise InvalidArgumentError(f"scores must be 3-D, got shape {list(scores.shape)}")
    per_class = int(_scalar("max_size_per_class", max_output_size_per_class))
    total = int(_scalar("max_total_size", max_total_size))
    if per_class <= 0:
        raise InvalidArgumentError("max_size_per_class must be positive")
    if total <= 0:
        raise InvalidArgumentError("max_total_size must be > 0")
    threshold = F32(_scalar("iou_threshold", iou_threshold))
    lowest = F32(_scalar("score_threshold", score_threshold))
    _check_threshold(threshold)
    batch, count, classes = scores.shape
    if boxes.shape[0] != batch:
        raise InvalidArgumentError("boxes and scores must have the same batch size")
    if boxes.shape[2] not in (1, classes):
        raise InvalidArgumentError("third dimension of boxes must be either 1 or num classes")
    if boxes.shape[3] != 4:
        raise InvalidArgumentError("boxes must have 4 columns")
    if boxes.shape[1] != count:
        raise InvalidArgumentError("scores has incompatible shape")
    most = min(2**31 - 1, per_class * classes)
    size = min(total, most) if pad_per_class else total
    out_boxes = np.zeros((batch, size, 4), F32)
    out_scores = np.zeros((batch, size), F32)
    out_classes = np.zeros((batch, size), F32)
    valid = np.zeros(batch, np.int32)
    for image in range(batch):
        found: list[tuple[Array, Array, Array]] = []
        for cls in range(classes):
            own = boxes[image, :, cls if boxes.shape[2] > 1 else 0]
            own_scores = scores[image, :, cls]
            chosen = greedy(own_scores, min(per_class, count), threshold, lowest, iou_of(own))
            found.append((own[chosen], own_scores[chosen], np.full(chosen.size, cls, F32)))
        if not found:
            continue
        kept_boxes, kept_scores, kept_classes = (np.concatenate(parts) for parts in zip(*found))
        order = np.argsort(-kept_scores, kind="stable")[:size]
        valid[image] = order.size
        picked = kept_boxes[order]
        out_boxes[image, : order.size] = np.clip(picked, 0, 1) if clip_boxes else picked
        out_scores[image, : order.size] = kept_scores[order]
        out_classes[image, : order.size] = kept_classes[order]
    return out_boxes, out_scores, out_classes, valid
