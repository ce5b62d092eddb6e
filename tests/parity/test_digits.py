"""The digits that tests/kernels/test_digits.py expects are those of TensorFlow with oneDNN on this processor."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.digits import ANSWERS


def _flags() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


@pytest.mark.skipif("avx512f" not in _flags(), reason="oneDNN sums in other lanes on processors without AVX-512")
def test_tensorflow_gives_the_recorded_digits(tmp_path: Path) -> None:
    written = tmp_path / "digits.npz"
    subprocess.run([sys.executable, "-m", "tests.digits", str(written)], check=True, cwd=ANSWERS.parents[1])
    with np.load(ANSWERS) as recorded, np.load(written) as live:
        assert sorted(recorded) == sorted(live)
        for name in recorded:
            np.testing.assert_array_equal(recorded[name], live[name], strict=True, err_msg=name)
