"""Small float32 results agree with those of TensorFlow with oneDNN to the last digit, where they are asked to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from smcli.kernels import _digits
from smcli.kernels._stages import Activation
from smcli.kernels.registry import find
from tests.digits import ANSWERS, FUSED, UNARY, Array, cases

F = np.float32
CASES = list(cases())


def _function(op: str) -> Callable[..., Array]:
    if op == FUSED:
        return Activation(op)
    kernel = find(op)
    assert kernel is not None
    return kernel.function


@pytest.mark.parametrize("name, op, inputs", CASES, ids=[name for name, _, _ in CASES])
def test_the_last_digit(name: str, op: str, inputs: tuple[Array, ...]) -> None:
    with np.errstate(all="ignore"), _digits.followed():
        got = _function(op)(*inputs)
    with np.load(ANSWERS) as answers:
        np.testing.assert_array_equal(got, answers[name], strict=True)


@pytest.mark.parametrize("op", [*UNARY, FUSED])
def test_the_faster_routes_are_as_exact(op: str) -> None:
    function = _function(op)
    x = np.linspace(-20, 20, 800, dtype=F).reshape(8, 100)
    with np.errstate(all="ignore"):
        plain = function(x)
        with _digits.followed():
            exact = function(x)
    np.testing.assert_allclose(exact, plain, rtol=5e-7)
    assert (exact != plain).any()


def test_the_ends() -> None:
    x = np.array([np.nan, np.inf, -np.inf, -105, 89, 0, -0.0, 17], F)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(_digits.exp(x)[:7], np.array([np.nan, np.inf, 0, 0, np.inf, 1, 1], F))
        np.testing.assert_array_equal(_digits.tanh(x), np.array([np.nan, 1, -1, -1, 1, 0, -0.0, 1], F))
        np.testing.assert_array_equal(_digits.sigmoid(x), np.array([np.nan, 1, 0, 0, 1, 0.5, 0.5, 1], F))
        assert np.isnan(_digits.softmax(x)).all()


def test_empty_and_zero_dimensional() -> None:
    for function in (_digits.exp, _digits.tanh, _digits.sigmoid, _digits.fused_sigmoid, _digits.fused_tanh):
        assert function(np.zeros((0, 3), F)).shape == (0, 3)
        assert function(np.zeros((), F)).shape == ()
    assert _digits.product(np.zeros((2, 0), F), np.zeros((0, 3), F)).tolist() == [[0.0] * 3] * 2
    assert _digits.product(np.zeros((0, 2), F), np.zeros((2, 3), F)).shape == (0, 3)


def test_only_small_tensors_and_only_when_asked() -> None:
    small, large = np.zeros(8, F), np.zeros(_digits.SMALL_TENSOR + 1, F)
    assert not _digits.matter(small)
    with _digits.followed():
        assert _digits.matter(small)
        assert not _digits.matter(large)
        assert not _digits.matter(small.astype(np.float64))
    assert not _digits.matter(small)
