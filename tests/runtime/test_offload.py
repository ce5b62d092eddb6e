"""Whole runs with oneDNN: they answer as NumPy does, with NaN and infinities too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from smcli.kernels.onednn import fused, library
from smcli.kernels.onednn.primitives import convolution
from smcli.runtime.session import Session
from tests.graph.test_fusion import F, conv, weights
from tests.graphs import const, graph, node, placeholder

pytestmark = pytest.mark.skipif(library.get() is None, reason="oneDNN is not installed (pip install smcli[onednn])")

ROOT = Path(__file__).parents[2]


def network(*more):
    return graph(
        placeholder("x"),
        const("w", weights(3, 3, 4, 16)),
        const("v", weights(3, 3, 16, 4)),
        conv("a", "x", "w"),
        node("ra", "Relu6", "a", T=F),
        conv("b", "ra", "v"),
        node("sum", "AddV2", "b", "x", T=F),
        node("out", "Relu", "sum", T=F),
        *more,
    )


def runs(session: Session, x, monkeypatch: pytest.MonkeyPatch, fetches=("out",)):
    """The answer of a session, and that of one without oneDNN."""
    with monkeypatch.context() as patched:
        patched.setenv("SMCLI_DISABLE_REWRITES", "onednn")
        plain = Session(session.graph).run(fetches, {"x": x})
    return session.run(fetches, {"x": x}), plain


@pytest.mark.parametrize("bad", [None, np.nan, np.inf, -np.inf, 3e38])
def test_runs_agree_with_numpy(bad, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session.from_graph_def(network())
    x = weights(1, 20, 20, 4)
    (answer,), (plain,) = runs(session, x, monkeypatch)
    np.testing.assert_allclose(answer, plain, rtol=0, atol=3e-6 * float(np.abs(plain).max()))
    if bad is not None:
        x[0, 10, 10, 2] = bad
        for _ in range(3):
            (answer,), (plain,) = runs(session, x, monkeypatch)
            np.testing.assert_array_equal(answer, plain)


def test_the_library_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(*arguments):
        made.append(arguments)
        return convolution(*arguments)

    monkeypatch.setattr(fused, "convolution", counted)
    Session.from_graph_def(network()).run(["out"], {"x": weights(1, 20, 20, 4)})
    assert len(made) == 2


def test_a_run_with_effects_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = const("shape", [1], np.int32)
    draw = node("r", "RandomUniform", "shape", T=np.int32, dtype=F, seed=1, seed2=2)
    x = weights(1, 20, 20, 4)
    x[0, 10, 10, 2] = np.nan
    (answer, number), (plain, same) = runs(Session.from_graph_def(network(shape, draw)), x, monkeypatch, ("out", "r"))
    np.testing.assert_array_equal(np.isnan(answer), np.isnan(plain))
    np.testing.assert_array_equal(number, same)


def test_one_thread_and_two_agree(tmp_path) -> None:
    """The number of threads is OpenMP's to read, when the library is opened: a process for each."""
    program = (
        "import sys, numpy as np\n"
        "from smcli.runtime.session import Session\n"
        "from tests.runtime.test_offload import network\n"
        "x = np.random.default_rng(1).standard_normal((2, 40, 40, 4)).astype(np.float32)\n"
        "np.save(sys.argv[1], Session.from_graph_def(network()).run(['out'], {'x': x})[0])\n"
    )
    answers = []
    for threads in ("1", "2"):
        path = tmp_path / f"{threads}.npy"
        environment = os.environ | {"OMP_NUM_THREADS": threads}
        subprocess.run([sys.executable, "-c", program, str(path)], env=environment, cwd=ROOT, check=True)
        answers.append(np.load(path))
    np.testing.assert_allclose(*answers, rtol=0, atol=3e-6 * float(np.abs(answers[0]).max()))
