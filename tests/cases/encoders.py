"""Encoding images: the bytes of the files are compared, and the pixels that come back."""

import numpy as np

from tests.cases import case, graph_case, graph_cases

rng = np.random.default_rng(50)
Y, X = np.mgrid[0:19, 0:27]
PICTURE = np.stack([(np.sin(X / (3 + c)) + np.cos(Y / 4)) * 55 + 128 for c in range(4)], -1).astype(np.uint8)
DEEP = rng.integers(0, 65536, (5, 4, 3)).astype(np.uint16)

LARGE = np.stack([(np.sin(np.arange(150) / (9 + c)) * 90 + np.arange(170)[:, None]) for c in range(3)], -1).astype(
    np.uint8
)

CASES = [
    *(case("EncodePng", _label=f"level_{level}", image=PICTURE, compression=level) for level in (-1, 0, 1, 6, 9)),
    *(case("EncodePng", _label=f"channels_{c}", image=PICTURE[..., :c].copy()) for c in (1, 2, 3)),
    *(
        case("EncodePng", _label=f"size_{h}_{w}", image=PICTURE[:h, :w].copy())
        for h, w in ((1, 1), (1, 9), (9, 1), (2, 2))
    ),
    *(case("EncodePng", _label=f"large_{level}", image=LARGE, compression=level) for level in (-1, 0, 3)),
    case("EncodePng", _label="deep", image=DEEP),
    *(case("EncodeJpeg", _label=f"quality_{q}", image=LARGE, quality=q) for q in (0, 1, 50, 95, 100)),
    case("EncodeJpeg", _label="full_chroma", image=LARGE, chroma_downsampling=False),
    case("EncodeJpeg", _label="grey", image=PICTURE[..., :1].copy(), format="grayscale"),
    case("EncodeJpeg", _label="progressive", image=LARGE, progressive=True),
    case("EncodeJpeg", _label="optimized", image=LARGE, optimize_size=True),
    case(
        "EncodeJpeg", _label="density", image=PICTURE[..., :3].copy(), density_unit="cm", x_density=7, y_density=70000
    ),
    case("EncodeJpeg", _label="metadata", image=PICTURE[..., :3].copy(), xmp_metadata="<x>yes</x>"),
    case("EncodeJpegVariableQuality", _label="bytes", images=PICTURE[..., :3].copy(), quality=np.int32(40)),
    case("EncodePng", image=PICTURE, compression=10),
    case("EncodePng", image=PICTURE[0]),
    case("EncodePng", image=np.zeros((2, 2, 5), np.uint8)),
    case("EncodePng", image=PICTURE[:0]),
    case("EncodeJpeg", image=PICTURE),
    case("EncodeJpeg", image=PICTURE[..., 0]),
    case("EncodeJpeg", image=PICTURE[..., :3].copy(), quality=101),
    case("EncodeJpeg", image=PICTURE[..., :3].copy(), format="grayscale"),
    case("EncodeJpegVariableQuality", images=PICTURE[..., :3].copy(), quality=np.int32(101)),
]
for channels in (1, 2, 3, 4):

    @graph_case(f"png_{channels}", image=PICTURE[..., :channels].copy(), _op="EncodePng")
    def png(tf, image, channels=channels):
        return [tf.raw_ops.DecodePng(contents=tf.raw_ops.EncodePng(image=image), channels=0)]


@graph_case("png_deep", image=DEEP, _op="EncodePng")
def png_deep(tf, image):
    return [tf.io.decode_png(tf.raw_ops.EncodePng(image=image, compression=3), dtype=tf.uint16)]


@graph_case("png_batch", image=np.stack([PICTURE, PICTURE[::-1]]), _op="EncodePng")
def png_batch(tf, image):
    files = tf.raw_ops.EncodePng(image=image)
    return [tf.io.decode_png(files[0]), tf.io.decode_png(files[1])]


for quality in (30, 75, 95, 100):
    for channels, downsampled in ((1, True), (3, True), (3, False)):

        @graph_case(f"jpeg_{quality}_{channels}_{downsampled}", image=PICTURE[..., :channels].copy(), _op="EncodeJpeg")
        def jpeg(tf, image, quality=quality, downsampled=downsampled):
            data = tf.raw_ops.EncodeJpeg(image=image, quality=quality, chroma_downsampling=downsampled)
            return [tf.io.decode_jpeg(data)]


@graph_case("jpeg_variable", image=PICTURE[..., :3].copy(), quality=np.int32(60), _op="EncodeJpegVariableQuality")
def jpeg_variable(tf, image, quality):
    return [tf.io.decode_jpeg(tf.raw_ops.EncodeJpegVariableQuality(images=image, quality=quality))]


CASES += graph_cases()
