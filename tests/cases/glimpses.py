"""Windows of images: inside, over each edge, beyond, larger than the image; both versions and all ways to count."""

from __future__ import annotations

import numpy as np

from tests.cases import case
from tests.values import i32

rng = np.random.default_rng(17)
F = np.float32
IMAGE = rng.standard_normal((5, 7, 6, 2)).astype(F)
POINTS = np.array([[0, 0], [0.6, -0.7], [-1.2, 0.3], [0.4, 3], [-0.1, 0.2]], F)
WAYS = [(centered, normalized) for centered in (True, False) for normalized in (True, False)]
ZERO = {"uniform_noise": False, "noise": "zero"}
ONE = {"input": IMAGE[:1], "size": i32(3, 3), "offsets": POINTS[:1], **ZERO}

CASES = []
for op in ("ExtractGlimpse", "ExtractGlimpseV2"):
    for centered, normalized in WAYS:
        for size in ((3, 4), (9, 2), (2, 11), (13, 12), (1, 1)):
            for scale in (1, 4):
                CASES.append(
                    case(
                        op,
                        input=IMAGE,
                        size=i32(*size),
                        offsets=(POINTS * scale).astype(F),
                        centered=centered,
                        normalized=normalized,
                        **ZERO,
                    )
                )
    CASES += [
        case(op, _label="inside", **ONE | {"uniform_noise": True, "noise": "uniform"}),
        case(op, _label="inside", **ONE | {"noise": "gaussian"}),
        case(op, _label="inside", **ONE | {"noise": ""}),
        case(op, _label="no window", **ONE | {"size": i32(0, 3)}),
        case(op, _label="no pixels", **ONE | {"input": IMAGE[:1, :0]}),
        case(op, _label="no depth", **ONE | {"input": IMAGE[:1, ..., :0]}),
        case(op, _label="far", **ONE | {"offsets": np.array([[1e12, -1e12]], F)}),
        case(op, _label="infinite", **ONE | {"offsets": np.array([[np.inf, np.nan]], F)}),
        case(op, _label="noise", **ONE | {"noise": "pink"}),
        case(op, _label="negative size", **ONE | {"size": i32(-1, 3)}),
        case(op, _label="one size", **ONE | {"size": i32(3)}),
        case(op, _label="rank", **ONE | {"input": IMAGE[0]}),
        case(op, _label="batch", **ONE | {"offsets": POINTS}),
        case(op, _label="offsets rank", **ONE | {"offsets": POINTS[0]}),
        case(op, _label="offsets width", **ONE | {"offsets": np.zeros((1, 3), F)}),
    ]
