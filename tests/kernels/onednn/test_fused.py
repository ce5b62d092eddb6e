"""Convolutions and products by oneDNN agree with NumPy's, whatever the geometry; what it does not take, NumPy does."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from smcli.errors import InvalidArgumentError, OutOfBounds
from smcli.graph.fusion import _preparation
from smcli.kernels._stages import ACTIVATIONS, Activation, AddInput, ByChannel, Fused
from smcli.kernels.onednn import library
from smcli.kernels.onednn.fused import LARGEST, MANY_RUNS, Cost, Offloaded

pytestmark = pytest.mark.skipif(library.get() is None, reason="oneDNN is not installed (pip install smcli[onednn])")

rng = np.random.default_rng(0)
ALWAYS = Cost(least=0, seconds=-1.0, seconds_by_weight=0.0)


def weights(*shape: int):
    return rng.standard_normal(shape).astype(np.float32)


def offloaded(op: str, filter, stages=(), checked=(), keep_nan=False, **attrs) -> Offloaded:
    if op != "MatMul":
        attrs = {"strides": (1, 1, 1, 1), "padding": "SAME", **attrs}
    return Offloaded(Fused(op, filter, attrs, stages, _preparation(op)), checked, keep_nan, ALWAYS)


def assert_same(made: Offloaded, *inputs) -> None:
    """oneDNN takes the inputs, and its answer is NumPy's within rounding."""
    with np.errstate(all="ignore"):
        answer, expected = made(*inputs), made.plain(*inputs)
    assert all(ready is not None for ready in made._ready.values())
    assert answer.shape == expected.shape and answer.dtype == expected.dtype
    np.testing.assert_array_equal(np.isnan(answer), np.isnan(expected))
    np.testing.assert_allclose(answer, expected, rtol=0, atol=3e-6 * max(1.0, float(np.nanmax(np.abs(expected)))))


@pytest.mark.parametrize(
    ("kernel", "strides", "dilations", "padding"),
    [
        case
        for case in product([(1, 1), (3, 3), (2, 5)], [(1, 1), (2, 2), (3, 1)], [(1, 1), (2, 3)], ["SAME", "VALID"])
        if case[1] == (1, 1) or case[2] == (1, 1)
    ],
)
@pytest.mark.parametrize("groups", [1, 2])
def test_convolutions(kernel, strides, dilations, padding, groups) -> None:
    attrs = {"strides": (1, *strides, 1), "dilations": (1, *dilations, 1), "padding": padding}
    made = offloaded("Conv2D", weights(*kernel, 4 // groups, 6), **attrs)
    assert_same(made, weights(2, 14, 17, 4))


@pytest.mark.parametrize(
    ("kernel", "stride", "multiplier", "padding"),
    list(product([(1, 1), (3, 3), (5, 2)], [1, 2], [1, 3], ["SAME", "VALID"])),
)
def test_depthwise_convolutions(kernel, stride, multiplier, padding) -> None:
    scale = ByChannel(np.multiply, weights(4 * multiplier))
    attrs = {"strides": (1, stride, stride, 1), "padding": padding}
    assert_same(
        offloaded("DepthwiseConv2dNative", weights(*kernel, 4, multiplier), [scale], **attrs), weights(2, 9, 8, 4)
    )


def test_explicit_padding() -> None:
    pads = (0, 0, 0, 1, 2, 1, 0, 0)
    assert_same(
        offloaded("Conv2D", weights(3, 3, 3, 8), padding="EXPLICIT", explicit_paddings=pads), weights(1, 8, 7, 3)
    )


@pytest.mark.parametrize("transposed", [False, True])
def test_products(transposed: bool) -> None:
    matrix = weights(6, 5) if transposed else weights(5, 6)
    stages = [ByChannel(np.multiply, weights(6)), ByChannel(np.add, weights(6)), Activation("tanh")]
    assert_same(offloaded("MatMul", matrix, stages, transpose_b=transposed), weights(7, 5))
    assert_same(offloaded("MatMul", matrix, [], transpose_b=transposed), weights(1, 5))


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("op", ["Conv2D", "MatMul"])
def test_activations(name: str, op: str) -> None:
    filter = weights(3, 3, 4, 8) if op == "Conv2D" else weights(4, 8)
    x = weights(1, 8, 9, 4) if op == "Conv2D" else weights(9, 4)
    stages = [ByChannel(np.subtract, weights(8)), Activation(name, 0.2)]
    assert_same(offloaded(op, filter, stages), x / 8)


def test_batch_norm_is_folded_into_the_weights_and_what_follows_an_activation_is_done_after_it() -> None:
    stages = [
        ByChannel(np.add, weights(6)),
        ByChannel(np.multiply, weights(6)),
        ByChannel(np.subtract, weights(6)),
        Activation("relu"),
        ByChannel(np.multiply, weights(6)),
        Activation("sigmoid"),
    ]
    assert_same(offloaded("Conv2D", weights(3, 3, 4, 6), stages), weights(1, 8, 8, 4))


@pytest.mark.parametrize("shape", [(2, 5, 6, 8), (8,), (1, 5, 1, 1), (3, 1, 5, 6, 8)])
def test_sums_with_other_tensors(shape) -> None:
    stages = [ByChannel(np.add, weights(8)), AddInput(), Activation("relu")]
    assert_same(offloaded("Conv2D", weights(1, 1, 4, 8), stages), weights(2, 5, 6, 4), weights(*shape) * 3)


def test_two_sums() -> None:
    stages = [AddInput(), Activation("swish"), AddInput()]
    x, others = weights(1, 5, 6, 4), [weights(1, 5, 6, 8), weights(1, 5, 6, 8)]
    assert_same(offloaded("Conv2D", weights(3, 3, 4, 8), stages), x, *others)


def test_inputs_that_are_views_or_read_only() -> None:
    made = offloaded("Conv2D", weights(3, 3, 4, 8))
    whole = weights(2, 9, 9, 8)
    assert_same(made, whole[:, :, :, ::2])
    assert_same(made, whole[:, ::-1, :, :4])
    frozen = weights(2, 9, 9, 4)
    frozen.flags.writeable = False
    assert_same(made, frozen)


def test_nan_passes_through_what_keeps_it() -> None:
    x = weights(1, 9, 9, 4)
    x[0, 4, 4, 1] = np.nan
    assert_same(offloaded("Conv2D", weights(3, 3, 4, 8), [Activation("swish")]), x)
    assert_same(offloaded("Conv2D", weights(3, 3, 4, 8), [Activation("leaky_relu", 0.1)]), x)
    assert_same(offloaded("Conv2D", weights(3, 3, 4, 8), [Activation("relu6")], keep_nan=True), x)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 2 * LARGEST])
def test_a_checked_input_must_be_small_and_finite(bad: float) -> None:
    made = offloaded("Conv2D", weights(3, 3, 4, 8), [AddInput(), Activation("relu")], checked=(1,))
    x, other = weights(1, 9, 9, 4), weights(1, 9, 9, 8)
    assert_same(made, x, other)
    other[0, 0, 0, 0] = bad
    with pytest.raises(OutOfBounds):
        made(x, other)


@pytest.mark.parametrize("vector", [np.nan, np.inf])
def test_weights_that_folding_would_spoil_stay_with_numpy(vector: float) -> None:
    made = offloaded("Conv2D", weights(3, 3, 4, 8), [ByChannel(np.multiply, np.full(8, vector, np.float32))])
    x = weights(1, 9, 9, 4)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(made(x), made.plain(x))
    assert list(made._ready.values()) == [None]


@pytest.mark.parametrize(
    ("filter", "x", "attrs"),
    [
        (weights(65, 1, 2, 2), weights(1, 70, 3, 2), {}),  # a window beyond what layers have
        (
            weights(2, 2, 2, 2),
            weights(1, 9, 9, 2),
            {"padding": "EXPLICIT", "explicit_paddings": (0, 0, 9, 9, 0, 0, 0, 0)},
        ),
        (weights(3, 3, 2, 2), weights(0, 9, 9, 2), {}),
        (weights(3, 3, 2, 2), weights(1, 2, 2, 2), {"padding": "VALID"}),
        (weights(3, 3, 2, 0), weights(1, 9, 9, 2), {}),
    ],
)
def test_unusual_shapes_stay_with_numpy(filter, x, attrs) -> None:
    made = offloaded("Conv2D", filter, **attrs)
    np.testing.assert_array_equal(made(x), made.plain(x))
    assert list(made._ready.values()) == [None]


@pytest.mark.parametrize("shape", [(1, 9, 9, 3), (9, 9, 4), (1, 1, 1)])
def test_errors_are_those_of_the_kernel(shape) -> None:
    with pytest.raises(InvalidArgumentError):
        offloaded("Conv2D", weights(3, 3, 4, 8))(weights(*shape))
    with pytest.raises(InvalidArgumentError):
        offloaded("MatMul", weights(4, 8))(weights(*shape))


def test_other_dtypes_stay_with_numpy() -> None:
    made = offloaded("MatMul", weights(4, 8))
    assert made(weights(3, 4).astype(np.float64)).dtype == np.float64


def test_primitives_of_old_shapes_are_let_go() -> None:
    made = offloaded("MatMul", weights(4, 8))
    for rows in range(1, 60):
        assert_same(made, weights(rows, 4))
    assert len(made._ready) <= 16


@pytest.mark.parametrize(
    ("op", "filter", "x", "pays"),
    [
        ("MatMul", (4, 8), (3, 4), False),
        ("MatMul", (70, 512), (1, 70), False),  # NumPy has less to prepare
        ("MatMul", (256, 256), (8, 256), True),
        ("Conv2D", (3, 3, 8, 16), (1, 8, 8, 8), True),
    ],
)
def test_small_layers_are_not_worth_a_primitive(op: str, filter, x, pays: bool) -> None:
    attrs = {} if op == "MatMul" else {"strides": (1, 1, 1, 1), "padding": "SAME"}
    made = Offloaded(Fused(op, weights(*filter), attrs, (), _preparation(op)), (), False, MANY_RUNS)
    made(weights(*x))
    assert [ready is not None for ready in made._ready.values()] == [pays]
