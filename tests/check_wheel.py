"""What is in the built wheel: `python tests/check_wheel.py DIST`. Ends with 1 when it is not what it should be."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

NEEDED = (
    *("smcli/py.typed", "smcli/graph/schemas.jsonl", "smcli/graph/schemas_text.jsonl", "smcli/kernels/index.py"),
    *[f"smcli/report/assets/{name}" for name in ("picture.css", "page.css", "page.html", "page.js")],
)
MAN_PAGE = ".data/data/share/man/man1/smcli.1"
MAX_BYTES = 5 * 2**20


def problems(wheel: Path) -> list[str]:
    """What is wrong with a wheel, in words."""
    names = zipfile.ZipFile(wheel).namelist()
    elsewhere = [name for name in names if not name.startswith("smcli/")]
    strange = [name for name in elsewhere if ".dist-info/" not in name and not name.endswith(MAN_PAGE)]
    missing = [name for name in NEEDED if name not in names]
    missing += [] if any(name.endswith(MAN_PAGE) for name in names) else [MAN_PAGE]
    found = [f"{name} does not belong into the wheel" for name in strange]
    found += [f"{name} is missing" for name in missing]
    if wheel.stat().st_size > MAX_BYTES:
        found.append(f"the wheel has {wheel.stat().st_size} bytes, more than {MAX_BYTES}")
    return found


if __name__ == "__main__":
    wheels = sorted(Path(sys.argv[1]).glob("*.whl"))
    complaints = [text for wheel in wheels for text in problems(wheel)] if wheels else ["there is no wheel"]
    print("\n".join(complaints) or f"{wheels[0].name} holds what it should")
    sys.exit(1 if complaints else 0)
