"""Memory that is kept from run to run.

glibc's allocator hands large arrays back to the system as they are freed, and whatever lies free at the end of its
heap beyond a threshold, 128 KiB at first. A model that runs again and again then gets the same pages anew in each run,
zeroed by the system, which was a quarter of the processor time of a small BERT. The thresholds rise when a larger array
is freed; one that is never written to costs nothing.
"""

from __future__ import annotations

from functools import cache

import numpy as np

LARGEST = 2**25 - 2**16  # glibc lets its thresholds rise to 32 MiB


@cache
def keep_pages() -> None:
    """Let glibc keep up to 64 MiB of free memory, and serve arrays of up to 32 MiB from it. Other allocators take no
    notice."""
    np.empty(LARGEST, np.uint8)
