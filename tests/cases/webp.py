"""WebP images, by their own op and by those that tell formats apart.

TensorFlow 2.21 writes beyond its memory when it is asked for channels that a file has not, so that is not asked.
"""

from __future__ import annotations

import numpy as np

from tests.cases import case
from tests.cases.codecs import file, text

CASES = []
for name, own in (("lossy.webp", 3), ("lossless_alpha.webp", 4)):
    for channels in (0, own):
        CASES += [
            case("DecodeWebP", _label=name, contents=file(name), channels=channels),
            case("DecodeImage", _label=name, contents=file(name), channels=channels),
            case("DecodeImage", _label=name, contents=file(name), channels=channels, expand_animations=False),
        ]
    CASES += [
        case("DecodeWebP", _label=f"{name} channels", contents=file(name), channels=1),
        case("DecodeJpeg", _label=name, contents=file(name)),
        case("DecodePng", _label=name, contents=file(name)),
        case("DecodeBmp", _label=name, contents=file(name)),
        case("DecodeGif", _label=name, contents=file(name)),
    ]
WHOLE = file("lossy.webp").item()
for label, value in (
    ("empty", b""),
    ("header", WHOLE[:16]),
    ("other", b"not an image"),
    ("other format", file("420.jpg").item()),
):
    CASES.append(case("DecodeWebP", _label=label, contents=text(value)))
CASES.append(case("DecodeWebP", _label="vector", contents=np.array([WHOLE], object)))
