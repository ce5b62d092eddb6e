"""The pool of threads of the kernels: results do not depend on it, and it leaves nothing behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from smcli.kernels import _threads
from smcli.kernels._products import multiply, multiply_stacks
from smcli.kernels.conv import prepare_conv2d
from smcli.kernels.depthwise import prepare_depthwise

rng = np.random.default_rng(0)


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    _threads.threads.cache_clear()
    yield
    _threads.threads.cache_clear()


def _numbers(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def _conv(size: int, depth: int, outputs: int, stride: int, batch: int = 1):
    prepared = prepare_conv2d(_numbers(3, 3, depth, outputs), strides=(1, stride, stride, 1), padding="SAME")
    x = _numbers(batch, size, size, depth)
    return lambda: prepared(x)


def _depthwise(size: int, channels: int, batch: int):
    prepared = prepare_depthwise(_numbers(3, 3, channels, 1), strides=(1, 1, 1, 1), padding="SAME")
    x = _numbers(batch, size, size, channels)
    return lambda: prepared(x)


def _product(rows: int, depth: int, columns: int):
    a, b = _numbers(rows, depth), _numbers(depth, columns)
    return lambda: multiply(a, b, change=lambda tile: np.add(tile, 1, out=tile))


def _stacks(one: tuple[int, ...], other: tuple[int, ...]):
    a, b = _numbers(*one), _numbers(*other)
    return lambda: multiply_stacks(a, b)


WORK = {
    "rows": _product(1001, 64, 96),
    "columns": _product(49, 512, 301),
    "stacks": _stacks((3, 4, 64, 64), (3, 4, 64, 65)),
    "stacks that broadcast": _stacks((5, 64, 128), (3, 1, 128, 70)),
    "convolution": _conv(57, 32, 64, 1),
    "convolution with stride": _conv(65, 64, 33, 2),
    "first layer": _conv(64, 3, 32, 2, batch=3),
    "depthwise": _depthwise(57, 96, 1),
    "depthwise of several images": _depthwise(40, 64, 3),
}


@pytest.mark.parametrize("name", WORK)
@pytest.mark.usefixtures("two_threads")
def test_results_do_not_depend_on_the_number_of_threads(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if _threads.threads() == 1:
        pytest.skip("this BLAS is not told how many threads to use")
    with _threads.computing():
        both = WORK[name]()
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        _threads.threads.cache_clear()
        np.testing.assert_allclose(both, WORK[name](), rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("two_threads")
def test_every_item_is_taken_once() -> None:
    taken: list[int] = []
    _threads.each(taken.append, list(range(1000)))
    assert sorted(taken) == list(range(1000))


@pytest.mark.usefixtures("two_threads")
def test_an_error_reaches_the_caller_and_the_pool_goes_on() -> None:
    def fail(item: int) -> None:
        if item == 3:
            raise ValueError("three")

    for _ in range(3):
        with pytest.raises(ValueError, match="three"):
            _threads.each(fail, list(range(8)))
    taken: list[int] = []
    _threads.each(taken.append, [1, 2, 3])
    assert sorted(taken) == [1, 2, 3]


@pytest.mark.usefixtures("two_threads")
def test_work_within_work_and_work_of_several_callers() -> None:
    taken: list[tuple[int, int]] = []

    def outer(item: int) -> None:
        _threads.each(lambda other: taken.append((item, other)), [1, 2, 3])

    callers = [threading.Thread(target=_threads.each, args=(outer, list(range(50)))) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(taken) == 4 * 50 * 3


@pytest.mark.usefixtures("two_threads")
def test_the_blas_has_its_threads_back_after_a_run() -> None:
    blas = _threads._blas()
    if blas is None:
        pytest.skip("this BLAS is not told how many threads to use")
    before = blas.get()
    with _threads.computing(), _threads.computing():
        assert blas.get() == 1
    assert blas.get() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.usefixtures("two_threads")
def test_a_forked_process_has_a_pool_of_its_own() -> None:
    _threads.each(lambda item: None, [1, 2])
    child = os.fork()
    if child == 0:
        taken: list[int] = []
        try:
            _threads.each(taken.append, list(range(100)))
        finally:
            os._exit(0 if len(taken) == 100 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_parts_cover_the_whole() -> None:
    for total in (0, 1, 7, 100):
        for least in (1, 3, 1000):
            parts = _threads.spans(total, least)
            assert [i for part in parts for i in range(total)[part]] == list(range(total))
