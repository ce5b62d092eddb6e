"""Fourier transforms in one to three dimensions."""

import numpy as np

from tests.cases import case, graph_case, graph_cases

rng = np.random.default_rng(42)


def real(*shape, dtype=np.float32):
    return rng.normal(size=shape).astype(dtype)


def complex_(*shape, dtype=np.complex64):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)


def lengths(*sizes):
    return np.array(sizes, np.int32)


# A transform is a sum: its error is relative to the largest output, not to each.
TOL = {"_atol": 3e-6}
FINE = {"_atol": 1e-14}
SHAPES = {
    "": [(8,), (2, 7), (3, 1), (2, 0), (0, 4)],
    "2D": [(4, 6), (2, 5, 3), (0, 3, 3)],
    "3D": [(2, 4, 6), (2, 3, 5, 3)],
}
CASES = []
for suffix, shapes in SHAPES.items():
    rank = len(shapes[0])
    for op in ("FFT", "IFFT"):
        CASES += [case(op + suffix, input=complex_(*shape), **TOL) for shape in shapes]
        CASES += [case(op + suffix, input=complex_(*shape, dtype=np.complex128), **FINE) for shape in shapes]
        CASES += [case(op + suffix, input=complex_(*shapes[0][1:]) if rank > 1 else np.complex64(1))]
    for shape in shapes:
        tail = shape[-rank:]
        for sizes in {tail, tuple(max(n - 1, 0) for n in tail)}:
            if 0 in sizes:  # TensorFlow aborts the process
                continue
            CASES += [
                case("RFFT" + suffix, input=real(*shape), fft_length=lengths(*sizes), **TOL),
                case(
                    "RFFT" + suffix,
                    input=real(*shape, dtype=np.float64),
                    fft_length=lengths(*sizes),
                    Tcomplex="complex128",
                    **FINE,
                ),
                case("IRFFT" + suffix, input=complex_(*shape), fft_length=lengths(*sizes), **TOL),
                case(
                    "IRFFT" + suffix,
                    input=complex_(*shape, dtype=np.complex128),
                    fft_length=lengths(*sizes),
                    Treal="float64",
                    **FINE,
                ),
            ]
    longer = lengths(*[n + 3 for n in shapes[0][-rank:]])
    wide = lengths(*shapes[0][-rank:][:-1], 2 * (shapes[0][-1] - 1))
    CASES += [
        case("RFFT" + suffix, input=real(*shapes[0]), fft_length=longer),
        case("RFFT" + suffix, input=real(*shapes[0]), fft_length=np.int32(4)),
        case("RFFT" + suffix, input=real(*shapes[0]), fft_length=lengths(*[2] * (rank + 1))),
        case("RFFT" + suffix, input=real(*shapes[0]), fft_length=lengths(*[-1] * rank)),
        case("IRFFT" + suffix, input=complex_(*shapes[0]), fft_length=wide, **TOL),
        case("IRFFT" + suffix, input=complex_(*shapes[0]), fft_length=longer * 4),
        case("IRFFT" + suffix, input=complex_(*shapes[0]), fft_length=lengths(*[-1] * rank)),
    ]
CASES += [
    case("RFFT", input=real(3, 320), fft_length=lengths(256), _atol=2e-5),
    case("RFFT", input=np.array([1, np.nan, 2, np.inf], np.float32), fft_length=lengths(4)),
]


@graph_case("stft", x=real(2, 700), _atol=1e-4, _op="RFFT")
def stft(tf, x):
    return [tf.abs(tf.signal.stft(x, frame_length=256, frame_step=100, fft_length=512))]


@graph_case("short_inputs_padded", x=real(2, 5), _atol=1e-5, _op="RFFT IRFFT")
def short_inputs_padded(tf, x):
    x.set_shape([2, 5])
    spectrum = tf.signal.rfft(x, [16])
    return [spectrum, tf.signal.irfft(spectrum, [16])]


CASES += [
    case("RFFT", _label="types", input=np.ones(8, np.float32), fft_length=np.int32([8]), Tcomplex="complex128"),
    case("IRFFT", _label="types", input=np.ones(5, np.complex64), fft_length=np.int32([8]), Treal="float64"),
]

CASES += graph_cases()
