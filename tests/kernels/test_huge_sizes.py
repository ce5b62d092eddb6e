"""Sizes in a hostile graph are refused before memory is taken for them."""

import gzip
import struct
import tracemalloc
import warnings
import zlib

import numpy as np
import pytest

from smcli.errors import InvalidArgumentError, ResourceExhaustedError
from smcli.kernels import raw_bytes, unique
from smcli.kernels.codecs import decode_image, decode_png
from smcli.kernels.counting import bincount, dense_bincount, histogram_fixed_width
from smcli.kernels.linalg import svd
from smcli.kernels.math import arange, linspace
from smcli.kernels.segment import segment_sum, unsorted_segment_sum
from smcli.kernels.strings import unsorted_segment_join

MOST = np.int32(2**31 - 1)
NONE = np.zeros(0, np.float32)
ROW = np.ones((1, 9), np.float32)

CALLS = {
    "Range": lambda: arange(np.int64(0), np.int64(2**62), np.int64(1)),
    "Range of floats": lambda: arange(np.float32(0), np.float32(1e18), np.float32(1)),
    "LinSpace": lambda: linspace(np.float64(0), np.float64(1), MOST),
    "Bincount": lambda: bincount(np.zeros(1, np.int32), MOST, NONE),
    "DenseBincount": lambda: dense_bincount(np.zeros((9, 1), np.int32), np.int32(2**29), NONE),
    "HistogramFixedWidth": lambda: histogram_fixed_width(ROW, np.array([0, 1], np.float32), MOST),
    "SegmentSum": lambda: segment_sum(ROW, np.array([MOST])),
    "UnsortedSegmentSum": lambda: unsorted_segment_sum(ROW, np.array([5]), MOST),
}


@pytest.mark.parametrize("op", CALLS)
def test_huge_sizes_are_refused(op):
    with pytest.raises(ResourceExhaustedError):
        CALLS[op]()


def png(width, height, pixels):
    """A PNG file of one bit a pixel."""

    def chunk(kind, body):
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(pixels))
    return np.array(b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b""), object)


def test_a_small_png_of_many_pixels_is_refused_before_it_is_read():
    """Found by the fuzz target `png`: files of 89 to 236 bytes that took seconds each."""
    with pytest.raises(InvalidArgumentError, match="too few pixels"):
        decode_png(png(10_000, 10_000, b"\0" * 100))


def test_sizes_that_tensorflow_takes_are_taken_without_a_warning(monkeypatch):
    """Pillow has limits of its own, which it warns of on stderr."""
    from PIL import Image

    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode_image(png(64, 64, b"\0" * 576)).shape == (64, 64, 1)


@pytest.mark.parametrize("kind", ["ZLIB", "GZIP"])
def test_compressed_strings_do_not_grow_without_bound(monkeypatch, kind):
    monkeypatch.setattr(raw_bytes, "_MAX_PLAIN", 1000)
    packed = zlib.compress(b"\0" * 1000) if kind == "ZLIB" else gzip.compress(b"\0" * 1000)
    assert raw_bytes.decode_compressed(np.array([packed], object), compression_type=kind).tolist() == [b"\0" * 1000]
    packed = zlib.compress(b"\0" * 5000) if kind == "ZLIB" else gzip.compress(b"\0" * 5000)
    with pytest.raises(ResourceExhaustedError, match="grows beyond 1000 bytes"):
        raw_bytes.decode_compressed(np.array([packed], object), compression_type=kind)


@pytest.mark.parametrize("compute_uv", [True, False])
def test_singular_values_of_nothing_are_not_computed(monkeypatch, compute_uv):
    """LAPACK took many seconds over 0 rows of 2 ** 40 numbers."""

    def fail(*args, **kwargs):
        raise AssertionError

    monkeypatch.setattr(np.linalg, "svd", fail)
    s, u, v = svd(np.zeros((3, 0, 2**40), np.complex64), compute_uv=compute_uv)
    assert s.shape == (3, 0)
    assert [u.shape, v.shape] == ([(3, 0, 0), (3, 2**40, 0)] if compute_uv else [(), ()])


def test_segments_without_strings_take_no_lists():
    """Found by mutated models: a list for each of many million segments."""
    tracemalloc.start()
    try:
        joined = unsorted_segment_join(np.array([b"a", b"b"], object), np.array([0, 0]), np.int32(2**20), separator="-")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert joined.shape == (2**20,) and joined[0] == b"a-b" and joined[1] == b""
    assert most < 20 * 2**20


def test_no_rows_of_very_many_columns_are_not_sorted(monkeypatch):
    """Found by mutated models: a key for each of 2 ** 40 columns."""

    def fail(rows):
        raise AssertionError

    monkeypatch.setattr(unique, "row_order", fail)
    values, inverse, counts = unique.unique_with_counts_v2(np.zeros((2**40, 0), np.uint16), np.array([1]))
    assert values.shape == (2**40, 0)
    assert inverse.shape == counts.shape == (0,)
