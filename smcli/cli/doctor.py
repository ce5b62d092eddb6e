"""`doctor`: versions, extras, BLAS and threads, for bug reports and to see why something is slow or refused."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from typing import Any

import click

from smcli import __version__
from smcli.cli.own import output_format
from smcli.graph.structural import known_ops
from smcli.report.tables import Table, bytes_text, write, write_json

# distribution → what it is for
_PACKAGES = {
    "numpy": "arrays",
    "click": "command line",
    "protobuf": "files",
    "rich": "tables",
    "ml_dtypes": "bfloat16 and other small floats",
    "google-crc32c": "checksums",
    "cramjam": "compressed files",
    "scipy": "special functions, linear algebra: extra scipy",
    "pillow": "images: extra image",
    "simplejpeg": "JPEG: extra image",
    "google-re2": "regular expressions: extra text",
    "sentencepiece": "tokenizers: extra text",
    "onednn-cpu-gomp": "fast convolutions and matrix products: extra onednn",
}
_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "SMCLI_DISABLE_REWRITES", "SMCLI_TRACEBACK", "NO_COLOR")


@click.command()
@output_format
def doctor(form: str) -> None:
    """Say what is installed and what this machine gives."""
    facts = {
        "smcli": __version__,
        "Python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": _cores(),
        "memory": _memory(),
        "BLAS": _blas(),
        "ops": len(known_ops()),
    }
    packages = {name: _version(name) for name in _PACKAGES}
    settings = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    if form == "json":
        write_json({"facts": facts, "packages": packages, "environment": settings})
        return
    write(Table("", ["", ""], [[name, str(value)] for name, value in facts.items()]))
    sys.stdout.write("\n")
    rows = [[name, packages[name] or "not installed", what] for name, what in _PACKAGES.items()]
    write(Table("", ["package", "version", "for"], rows))
    if settings:
        sys.stdout.write("\n")
        write(Table("", ["environment variable", "value"], list(settings.items())))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> str:
    try:
        return bytes_text(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return "unknown"


def _blas() -> str:
    import numpy as np

    try:
        config: Any = np.show_config(mode="dicts")
        blas = config["Build Dependencies"]["blas"]
        return f"{blas['name']} {blas['version']}"
    except (TypeError, KeyError):  # NumPy before 1.26
        return "unknown"
