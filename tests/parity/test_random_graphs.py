"""Random programs of many ops, saved by TensorFlow, run by smcli with its rewrites and without: a fixed set of seeds.

`python -m tests.parity.test_random_graphs FIRST LAST` tries others. About 2,000 programs more, those of the seeds 1000
to 2120 of both kinds, were tried once. What still differs there is rounding that a program makes large: layer norms of
numbers that are all but equal, sines of large numbers, differences of sums that cancel.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest
import tensorflow as tf

from tests.parity import old_programs
from tests.parity.random_modules import differences, save

REWRITES = "fold,branch,assert,cast,transpose,cse,convolution,frames,loop,onednn,lower"
BATCHES = [range(first, first + 10) for first in (0, 10, 20, 30)]
OLD_BATCHES = [range(first, first + 10) for first in (0, 10, 20, 30)]
STEPS = 40


@pytest.mark.parametrize("seeds", BATCHES, ids=str)
def test_random_functions(seeds: range, tmp_path: Path) -> None:
    programs = save(tf, tmp_path, list(seeds), STEPS)
    assert len(programs) > len(seeds) // 2
    assert [*differences(tmp_path, programs), *differences(tmp_path, programs, REWRITES)] == []


@pytest.mark.parametrize("seeds", OLD_BATCHES, ids=str)
def test_random_old_graphs(seeds: range, tmp_path: Path) -> None:
    programs = old_programs.save(tf, tmp_path, list(seeds))
    assert len(programs) == len(seeds)
    assert [*differences(tmp_path, programs), *differences(tmp_path, programs, REWRITES)] == []


def main(first: int, last: int, size: int = 20) -> None:
    tried = 0
    for start in range(first, last, size):
        for kind in ("new", "old"):
            with tempfile.TemporaryDirectory() as directory:
                folder = Path(directory) / "model"
                seeds = list(range(start, min(start + size, last)))
                programs = save(tf, folder, seeds, STEPS) if kind == "new" else old_programs.save(tf, folder, seeds)
                for without in ("", REWRITES):
                    for line in differences(folder, programs, without):
                        print(f"{kind}, without {without or 'nothing'}: {line}", flush=True)
                tried += len(programs)
        print(f"{tried} programs up to seed {start + size}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
