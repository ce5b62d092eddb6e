"""The noise around glimpses, whose bits no one can compare."""

from __future__ import annotations

import numpy as np
import pytest

from smcli.errors import InvalidArgumentError
from smcli.kernels.glimpses import extract_glimpse
from tests.values import i32

IMAGE = np.random.default_rng(1).uniform(5, 6, (2, 4, 4, 3)).astype(np.float32)
OFFSETS = np.zeros((2, 2), np.float32)
SIZE = i32(40, 40)


def test_uniform_noise_keeps_the_range_of_the_image() -> None:
    out = extract_glimpse(IMAGE, SIZE, OFFSETS)
    np.testing.assert_array_equal(out[:, 18:22, 18:22], IMAGE)
    for glimpse, image in zip(out, IMAGE):
        assert image.min() <= glimpse.min() and glimpse.max() <= image.max()
    assert out[:, :10].std() > 0.2
    assert (out[0] != out[1]).any()


@pytest.mark.parametrize("noise", ["gaussian", ""])
def test_gaussian_noise_has_the_mean_and_deviation_of_each_channel(noise: str) -> None:
    image = IMAGE * np.array([1, 10, 100], np.float32)
    out = extract_glimpse(image, SIZE, OFFSETS, uniform_noise=False, noise=noise)[0, :18]
    np.testing.assert_allclose(out.mean((0, 1)), image[0].mean((0, 1)), rtol=0.02)
    np.testing.assert_allclose(out.std((0, 1)), image[0].std((0, 1)), rtol=0.2)


def test_two_kinds_of_noise_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="uniform_noise and noise"):
        extract_glimpse(IMAGE, SIZE, OFFSETS, noise="zero")


def test_of_an_image_without_pixels_nothing_is_seen() -> None:
    assert not extract_glimpse(IMAGE[:, :0], SIZE, OFFSETS).any()
