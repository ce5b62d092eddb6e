"""What is rounded as TensorFlow with oneDNN rounds it, asked of processes that have it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.digits import ANSWERS
from tests.parity import HAS_ONEDNN, VARIABLE

ROOT = Path(__file__).parents[2]
TESTS = ("tests/parity/test_ops.py", "tests/parity/test_keras.py")


def _flags() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


pytestmark = [
    pytest.mark.skipif("avx512f" not in _flags(), reason="oneDNN sums in other lanes on processors without AVX-512"),
    pytest.mark.skipif(HAS_ONEDNN, reason="this is such a process"),
]


def test_tensorflow_gives_the_recorded_digits(tmp_path: Path) -> None:
    """Those that tests/kernels/test_digits.py expects."""
    written = tmp_path / "digits.npz"
    subprocess.run([sys.executable, "-m", "tests.digits", str(written)], check=True, cwd=ROOT)
    with np.load(ANSWERS) as recorded, np.load(written) as live:
        assert sorted(recorded) == sorted(live)
        for name in recorded:
            np.testing.assert_array_equal(recorded[name], live[name], strict=True, err_msg=name)


def test_short_floats() -> None:
    command = [sys.executable, "-m", "pytest", *TESTS, "-k", "test_kernel_gives or mixed_precision"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider"], capture_output=True, text=True, cwd=ROOT, env=os.environ | {VARIABLE: "1"}
    )
    assert done.returncode == 0, done.stdout[-8000:]
