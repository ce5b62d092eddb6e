"""Float32 arithmetic in TensorFlow's own order; the numbers are what TensorFlow 2.21 gives on a CPU."""

from __future__ import annotations

import numpy as np
import pytest

from smcli.kernels import _eigen

F = np.float32


def test_exp_is_within_one_unit_of_the_true_value() -> None:
    x = np.linspace(-87, 88, 10_001, dtype=F)
    true = np.exp(x.astype(np.float64))
    np.testing.assert_allclose(_eigen.exp(x), true, rtol=1.2e-7)


def test_exp_at_the_ends() -> None:
    with np.errstate(all="ignore"):
        got = _eigen.exp(np.array([np.nan, np.inf, -np.inf, -105, 89, 0, -0.0], F))
    np.testing.assert_array_equal(got, np.array([np.nan, np.inf, 0, 0, np.inf, 1, 1], F))


@pytest.mark.parametrize("size", [1, 7, 8, 31, 32, 47, 100])
def test_row_sums(size: int) -> None:
    x = np.random.default_rng(size).standard_normal((3, size)).astype(F)
    np.testing.assert_allclose(_eigen.row_sums(x), x.astype(np.float64).sum(-1, keepdims=True), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_a_row_is_multiplied_in_turn(width: int) -> None:
    rng = np.random.default_rng(width)
    row, matrix = rng.standard_normal((1, 60)).astype(F), rng.standard_normal((60, width)).astype(F)
    wanted = np.zeros((1, width), F)
    for index in range(60):
        wanted = wanted + row[:, index] * matrix[index]
    np.testing.assert_array_equal(_eigen.row_product(row, matrix), wanted)
    assert _eigen.row_product(row[:, :0], matrix[:0]).tolist() == [[0.0] * width]
