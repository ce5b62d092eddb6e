"""Finding the library, and what is refused before it reaches C."""

from __future__ import annotations

import os

import numpy as np
import pytest

from smcli.kernels.onednn import library
from smcli.kernels.onednn.primitives import ConvolutionShape, Refused, convolution, free_layout, strided

needs_library = pytest.mark.skipif(library.get() is None, reason="oneDNN is not installed (pip install smcli[onednn])")


@pytest.fixture
def fresh():
    """`library` as in a process that has not looked yet."""
    library._open.cache_clear()
    yield
    library._open.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_no_library_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMCLI_ONEDNN_LIBRARY", "/nonexistent/libdnnl.so.3")
    assert library.get() is None and not library.is_present()


@pytest.mark.usefixtures("fresh")
def test_a_file_that_is_no_such_library_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    path = tmp_path / "libdnnl.so.3"
    path.write_bytes(b"not a library")
    monkeypatch.setenv("SMCLI_ONEDNN_LIBRARY", str(path))
    assert library.get() is None


@needs_library
@pytest.mark.usefixtures("fresh")
def test_opening_leaves_the_environment_as_it_was() -> None:
    before = dict(os.environ)
    assert library.get() is not None
    assert dict(os.environ) == before


@needs_library
def test_a_forked_process_does_not_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert library.get() is not None
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert library.get() is None


@needs_library
@pytest.mark.parametrize(
    ("shape", "strides"),
    [
        ((), ()),
        ((2, 0), (1, 1)),
        ((2, -1), (1, 1)),
        ((2, 3), (1,)),
        ((2, 3), (-1, 1)),
        ((2**31, 2), (2, 1)),
        ((2**16, 2**16), (2**16, 1)),
        ((2, 2), (2**40, 1)),
        ((1,) * 13, (1,) * 13),
    ],
)
def test_descriptors_of_hostile_shapes_are_refused(shape, strides) -> None:
    with pytest.raises(Refused):
        strided(library.get(), shape, strides)


@needs_library
@pytest.mark.parametrize("shape", [(), (0,), (2**31, 2), (1,) * 13])
def test_layouts_of_hostile_shapes_are_refused(shape) -> None:
    with pytest.raises(Refused):
        free_layout(library.get(), shape)


def made():
    geometry = ConvolutionShape((1, 1), (1, 1), (0, 0), (0, 0))
    return convolution(
        library.get(), (1, 4, 4, 2), (1, 4, 4, 3), np.ones((1, 1, 2, 3), np.float32), None, None, 1, geometry
    )


@needs_library
@pytest.mark.parametrize(
    ("source", "target"),
    [
        (np.zeros((1, 4, 4, 2), np.float64), np.zeros((1, 4, 4, 3), np.float32)),
        (np.zeros((1, 4, 4, 1), np.float32), np.zeros((1, 4, 4, 3), np.float32)),
        (np.zeros((1, 4, 4, 2), np.float32), np.zeros((1, 4, 4, 2), np.float32)),
        (np.zeros((1, 4, 4, 4), np.float32)[..., ::2], np.zeros((1, 4, 4, 3), np.float32)),
        (np.zeros((1, 4, 4, 2), np.float32), np.broadcast_to(np.float32(0), (1, 4, 4, 3))),
        (np.zeros(129, np.uint8)[1:].view(np.float32), np.zeros((1, 4, 4, 3), np.float32)),
    ],
)
def test_arrays_that_do_not_fit_never_reach_the_library(source, target) -> None:
    with pytest.raises(ValueError):
        made().run(source, target)


@needs_library
def test_the_number_of_arrays_must_fit() -> None:
    with pytest.raises(ValueError):
        made().run(np.zeros((1, 4, 4, 2), np.float32))


@needs_library
def test_sizes_that_contradict_each_other_are_refused() -> None:
    geometry = ConvolutionShape((1, 1), (1, 1), (0, 0), (0, 0))
    filter = np.ones((1, 1, 2, 3), np.float32)
    with pytest.raises(Refused):
        convolution(library.get(), (1, 4, 4, 2), (1, 9, 4, 3), filter, None, None, 1, geometry)
    with pytest.raises(Refused):
        convolution(library.get(), (1, 4, 4, 5), (1, 4, 4, 3), filter, None, None, 1, geometry)
