"""Random crops of an image that cover enough of one of its boxes, bit for bit with TensorFlow.

Semantics from tensorflow/core/kernels/image/sample_distorted_bounding_box_op.cc; integers without bias as in
core/lib/random/exact_uniform_int.h.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._words import Words
from smcli.kernels.context import Array, Context
from smcli.kernels.random import from_seed, reserve
from smcli.kernels.registry import kernel

F32 = np.float32
MAX_INT32 = 2**31 - 1
Rectangle = tuple[int, int, int, int]  # x and y of the first corner, x and y beyond the last


def _round(x: np.float32) -> int:
    return int(np.rint(x))


def _random_crop(
    width: int, height: int, areas: tuple[np.float32, np.float32], aspect: np.float32, words: Words
) -> Rectangle | None:
    """A crop of the wanted relative area and aspect ratio, or None when there is none."""
    low, high = areas
    if high <= 0 or aspect <= 0 or width <= 0 or height <= 0 or low > high:
        return None
    least, most = low * F32(width) * F32(height), high * F32(width) * F32(height)
    rows = _round(np.sqrt(least / aspect))
    limit = _round(np.sqrt(most / aspect))
    if _round(F32(limit) * aspect) > width:
        limit = int((width + 0.5 - float(F32(0.0000001))) / float(aspect))
        if _round(F32(limit) * aspect) > width:
            limit -= 1
    limit = min(limit, height)
    rows = min(rows, limit)
    if rows < limit:
        rows += words.below(limit - rows + 1)
    columns = _round(F32(rows) * aspect)
    if F32(columns * rows) < least:
        rows += 1
        columns = _round(F32(rows) * aspect)
    if F32(columns * rows) > most:
        rows -= 1
        columns = _round(F32(rows) * aspect)
    area = F32(columns * rows)
    if area < least or area > most or columns > width or rows > height or columns <= 0 or rows <= 0:
        return None
    y = words.below(height - rows) if rows < height else 0
    x = words.below(width - columns) if columns < width else 0
    return x, y, x + columns, y + rows


def _area(box: Rectangle) -> np.float32:
    return F32((box[2] - box[0]) * (box[3] - box[1]))


def _covers(crop: Rectangle, boxes: list[Rectangle], fraction: np.float32) -> bool:
    """If the crop holds at least `fraction` of one of the boxes."""
    if _area(crop) < 1:
        return False
    for box in boxes:
        if _area(box) < 1:
            continue
        shared = (max(crop[0], box[0]), max(crop[1], box[1]), min(crop[2], box[2]), min(crop[3], box[3]))
        empty = shared[0] > shared[2] or shared[1] > shared[3]
        if (F32(0) if empty else _area(shared)) / _area(box) >= fraction:
            return True
    return False


def _rectangles(boxes: Array, width: int, height: int) -> list[Rectangle]:
    if boxes.ndim != 3:
        raise InvalidArgumentError(f"input boxes must be 3-dimensional [batch, num_boxes, coords]: {list(boxes.shape)}")
    if boxes.shape[2] != 4:
        raise InvalidArgumentError(f"bounding boxes must have shape [4] or [*, 4], got {list(boxes.shape)}")
    flat = boxes.reshape(-1, 4).astype(F32, copy=False)
    outside = ~((flat >= 0) & (flat <= 1))
    if outside.any():
        raise InvalidArgumentError(f"All bounding box coordinates must be in [0.0, 1.0]: {float(flat[outside][0])}")
    scaled = flat[:, [1, 0, 3, 2]] * np.array([width, height, width, height], F32)
    return [(x1, y1, x2, y2) for x1, y1, x2, y2 in scaled.astype(np.int64).tolist()]


def _sampled(
    image_size: Array,
    boxes: Array,
    covered: float,
    words: Words,
    aspect_ratio_range: tuple[float, ...],
    area_range: tuple[float, ...],
    max_attempts: int,
    use_image_if_no_bounding_boxes: bool,
) -> tuple[Array, Array, Array]:
    """Begin [3], size [3] and box [1, 1, 4] of the crop; the whole image when no attempt succeeds."""
    if image_size.ndim != 1:
        raise InvalidArgumentError(f"image_size must be 1-dimensional {list(image_size.shape)}")
    if image_size.shape[0] != 3:
        raise InvalidArgumentError(f"image_size must contain 3 elements {list(image_size.shape)}")
    height, width = int(image_size[0]), int(image_size[1])
    if not 0 <= height < MAX_INT32 or not 0 <= width < MAX_INT32:
        raise InvalidArgumentError("image height and width cannot be >= int32 max")
    rectangles = _rectangles(boxes, width, height)
    whole = (0, 0, width, height)
    if not rectangles:
        if not use_image_if_no_bounding_boxes:
            raise InvalidArgumentError(
                "No bounding boxes provided as input. One must enable use_image_if_no_bounding_boxes if you wish "
                "to not provide any bounding boxes."
            )
        rectangles = [whole]
    narrow, wide = F32(aspect_ratio_range[0]), F32(aspect_ratio_range[1])
    areas = (F32(area_range[0]), F32(area_range[1]))
    found = whole
    for _ in range(max_attempts):
        aspect = F32(words.unit()) * (wide - narrow) + narrow
        crop = _random_crop(width, height, areas, aspect, words)
        if crop is not None and _covers(crop, rectangles, F32(covered)):
            found = crop
            break
    x1, y1, x2, y2 = found
    begin = np.array([y1, x1, 0]).astype(image_size.dtype)
    size = np.array([y2 - y1, x2 - x1, -1]).astype(image_size.dtype)
    box = np.array([y1, x1, y2, x2], F32) / np.array([height, width, height, width], F32)
    return begin, size, box.reshape(1, 1, 4)


def _check_attrs(aspect_ratio_range: tuple[float, ...], area_range: tuple[float, ...], max_attempts: int) -> None:
    if len(aspect_ratio_range) != 2 or len(area_range) != 2:
        raise InvalidArgumentError("Aspect ratio range and area range must specify 2 dimensions")
    if min(aspect_ratio_range) <= 0:
        raise InvalidArgumentError(f"Aspect ratio range must be non-negative: {list(aspect_ratio_range)}")
    if min(area_range) <= 0:
        raise InvalidArgumentError(f"Area range must be non-negative: {list(area_range)}")
    if max(area_range) > 1:
        raise InvalidArgumentError(f"Area range must be less then or equal to 1.0: {list(area_range)}")
    if max_attempts <= 0:
        raise InvalidArgumentError(f"Max attempts must be non-negative: {max_attempts}")


def _covered(min_object_covered: Array) -> float:
    if min_object_covered.ndim:
        raise InvalidArgumentError(f"min_object_covered must be 0-D, got shape {list(min_object_covered.shape)}")
    if not min_object_covered >= 0:
        raise InvalidArgumentError(f"Min object covered must be non-negative: {float(min_object_covered)}")
    return float(min_object_covered)


@kernel("SampleDistortedBoundingBoxV2", stateful=True)
def sample_distorted_bounding_box_v2(
    image_size: Array,
    bounding_boxes: Array,
    min_object_covered: Array,
    *,
    context: Context,
    seed: int = 0,
    seed2: int = 0,
    aspect_ratio_range: tuple[float, ...] = (0.75, 1.33),
    area_range: tuple[float, ...] = (0.05, 1.0),
    max_attempts: int = 100,
    use_image_if_no_bounding_boxes: bool = False,
) -> tuple[Array, Array, Array]:
    """A random crop of an image of size [height, width, channels]: begin, size and box."""
    _check_attrs(aspect_ratio_range, area_range, max_attempts)
    covered = _covered(min_object_covered)
    words = Words(reserve(context, seed, seed2, max_attempts))
    return _sampled(
        image_size,
        bounding_boxes,
        covered,
        words,
        aspect_ratio_range,
        area_range,
        max_attempts,
        use_image_if_no_bounding_boxes,
    )


@kernel("SampleDistortedBoundingBox", stateful=True)
def sample_distorted_bounding_box(
    image_size: Array,
    bounding_boxes: Array,
    *,
    context: Context,
    seed: int = 0,
    seed2: int = 0,
    min_object_covered: float = 0.1,
    aspect_ratio_range: tuple[float, ...] = (0.75, 1.33),
    area_range: tuple[float, ...] = (0.05, 1.0),
    max_attempts: int = 100,
    use_image_if_no_bounding_boxes: bool = False,
) -> tuple[Array, Array, Array]:
    """A random crop of an image, the covered fraction being an attr."""
    return sample_distorted_bounding_box_v2(
        image_size,
        bounding_boxes,
        np.array(min_object_covered, F32),
        context=context,
        seed=seed,
        seed2=seed2,
        aspect_ratio_range=aspect_ratio_range,
        area_range=area_range,
        max_attempts=max_attempts,
        use_image_if_no_bounding_boxes=use_image_if_no_bounding_boxes,
    )


@kernel("StatelessSampleDistortedBoundingBox")
def stateless_sample_distorted_bounding_box(
    image_size: Array,
    bounding_boxes: Array,
    min_object_covered: Array,
    seed: Array,
    *,
    aspect_ratio_range: tuple[float, ...] = (0.75, 1.33),
    area_range: tuple[float, ...] = (0.05, 1.0),
    max_attempts: int = 100,
    use_image_if_no_bounding_boxes: bool = False,
) -> tuple[Array, Array, Array]:
    """A random crop of an image, from a seed."""
    _check_attrs(aspect_ratio_range, area_range, max_attempts)
    covered = _covered(min_object_covered)
    words = Words(from_seed(seed))
    return _sampled(
        image_size,
        bounding_boxes,
        covered,
        words,
        aspect_ratio_range,
        area_range,
        max_attempts,
        use_image_if_no_bounding_boxes,
    )
