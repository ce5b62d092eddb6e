"""Rows of images and sounds."""

from __future__ import annotations

import numpy as np

from benchmarks.ops.inputs import applied, later, normal, row, uniform
from tests.values import i32

F32, I32 = np.float32, np.int32
PHOTO = uniform(0, 1, 4, 240, 320, 3)


@later
def jpeg(height: int, width: int) -> np.ndarray:
    from PIL import Image

    return np.array(_encoded(Image.fromarray(_picture(height, width)), "JPEG"), object)


@later
def png(height: int, width: int) -> np.ndarray:
    from PIL import Image

    return np.array(_encoded(Image.fromarray(_picture(height, width)), "PNG"), object)


def _picture(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x % 256, y % 256, (x + y) // 2 % 256], -1).astype(np.uint8)


def _encoded(image, kind: str) -> bytes:
    import io

    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


row("DecodeJpeg", contents=jpeg(960, 1280))
row("DecodeImage", contents=jpeg(960, 1280))
row("DecodePng", contents=png(960, 1280))
row("DecodeAndCropJpeg", contents=jpeg(960, 1280), crop_window=i32(16, 16, 480, 640))

row("AdjustContrastv2", images=PHOTO, contrast_factor=F32(1.5))
row("AdjustHue", images=PHOTO, delta=F32(0.1))
row("AdjustSaturation", images=PHOTO, scale=F32(1.5))
row("HSVToRGB", images=PHOTO)
row("RGBToHSV", images=PHOTO)

row("ResizeArea", images=PHOTO, size=i32(224, 224))
row("ResizeBicubic", images=PHOTO, size=i32(224, 224), half_pixel_centers=True)
row("ResizeBilinear", images=PHOTO, size=i32(224, 224), half_pixel_centers=True)
row("ResizeBilinear", "up", images=normal(1, 32, 32, 64), size=i32(128, 128), align_corners=True)
row("ResizeBilinear", "bytes", images=uniform(0, 255, 1, 960, 1280, 3, dtype="uint8"), size=i32(224, 224))
row("ResizeBilinear", "float16", images=uniform(0, 1, 4, 240, 320, 3, dtype="float16"), size=i32(224, 224))
row("ResizeNearestNeighbor", images=PHOTO, size=i32(224, 224), half_pixel_centers=True)
row("ScaleAndTranslate", images=PHOTO, size=i32(224, 224), scale=F32([0.9, 0.7]), translation=F32([0, 0]))


@later
def boxes(count: int, *rest: int) -> np.ndarray:
    """Corners (y1, x1, y2, x2), shape (count, …, 4)."""
    rng = np.random.default_rng(2)
    corner = rng.random((count, *rest, 2))
    return np.concatenate([corner, corner + 0.02 + 0.2 * rng.random((count, *rest, 2))], -1).astype(F32)


def overlaps(corners: np.ndarray) -> np.ndarray:
    """Intersection over union of every pair."""
    low = np.maximum(corners[:, None, :2], corners[None, :, :2])
    high = np.minimum(corners[:, None, 2:], corners[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), -1)
    area = np.prod(corners[:, 2:] - corners[:, :2], -1)
    return (shared / (area[:, None] + area[None] - shared)).astype(F32)


row(
    "CropAndResize", image=PHOTO, boxes=boxes(100), box_ind=applied(lambda: np.arange(100, dtype=I32) % 4),
    crop_size=i32(14, 14),
)  # fmt: skip
row(
    "DrawBoundingBoxesV2",
    images=PHOTO,
    boxes=applied(lambda b: b.reshape(4, 25, 4), boxes(100)),
    colors=uniform(0, 1, 5, 3),
)
row("ExtractImagePatches", images=PHOTO, ksizes=[1, 8, 8, 1], strides=[1, 4, 4, 1], rates=[1, 1, 1, 1], padding="SAME")
row(
    "ImageProjectiveTransformV3", images=PHOTO, transforms=F32([[0.9, 0.1, 3, -0.1, 0.9, 4, 0, 0]]),
    output_shape=i32(240, 320), fill_value=F32(0), interpolation="BILINEAR",
)  # fmt: skip
COUNT = 5000
IOU, LOW = F32(0.5), F32(0.1)
MANY = {"boxes": boxes(COUNT), "scores": uniform(0, 1, COUNT), "max_output_size": I32(300)}
row("NonMaxSuppression", **MANY)
row("NonMaxSuppressionV2", **MANY, iou_threshold=IOU)
row("NonMaxSuppressionV3", **MANY, iou_threshold=IOU, score_threshold=LOW)
row("NonMaxSuppressionV3", "all", **{**MANY, "max_output_size": I32(COUNT)}, iou_threshold=IOU, score_threshold=LOW)
row("NonMaxSuppressionV4", **MANY, iou_threshold=IOU, score_threshold=LOW)
row("NonMaxSuppressionV5", **MANY, iou_threshold=IOU, score_threshold=LOW, soft_nms_sigma=F32(0))
row("NonMaxSuppressionV5", "soft", **MANY, iou_threshold=IOU, score_threshold=LOW, soft_nms_sigma=F32(0.5))
row(
    "NonMaxSuppressionWithOverlaps", overlaps=applied(overlaps, boxes(1000)), scores=uniform(0, 1, 1000),
    max_output_size=I32(300), overlap_threshold=IOU, score_threshold=LOW,
)  # fmt: skip
row(
    "CombinedNonMaxSuppression", boxes=applied(lambda b: b.reshape(1, -1, 1, 4), boxes(2000)),
    scores=uniform(0, 1, 1, 2000, 20), max_output_size_per_class=I32(50), max_total_size=I32(100), iou_threshold=IOU,
    score_threshold=F32(0.5),
)  # fmt: skip

row("AudioSpectrogram", input=uniform(-1, 1, 160_000, 1), window_size=512, stride=160, magnitude_squared=True)
row("Mfcc", spectrogram=uniform(0, 1, 1, 1000, 257), sample_rate=I32(16000))


@later
def wav(samples: int) -> np.ndarray:
    import io
    import wave

    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(16000)
        file.writeframes(np.random.default_rng(0).integers(-9999, 9999, samples).astype("<i2").tobytes())
    return np.array(out.getvalue(), object)


row("DecodeWav", contents=wav(1_000_000))
row("EncodeWav", audio=uniform(-1, 1, 1_000_000, 1), sample_rate=I32(16000))
