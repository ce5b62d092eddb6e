"""How many threads to compute with: told to the libraries before NumPy loads them, since they read it then.

OpenBLAS (in NumPy) and oneDNN start as many threads as there are processors to run on. In a container with a CPU quota
that is too many: threads wait for each other while the scheduler holds them back, and a product takes many times as
long as with fewer. Imports nothing that the command line has not.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

from smcli.processors import allowed_processors, processors

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def use_threads(count: int, environment: MutableMapping[str, str] = os.environ) -> None:
    """Let the libraries that are loaded from now on use `count` threads; for 0, as many as the quota of the container
    allows where that is fewer than the processors, unless the user has set one of VARIABLES."""
    if count <= 0:
        if any(environment.get(name) for name in VARIABLES):
            return
        count = allowed_processors()
        if count >= processors():
            return  # what they choose by themselves
    for name in VARIABLES:
        environment[name] = str(count)
