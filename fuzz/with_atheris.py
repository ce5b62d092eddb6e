"""Runs a target under Atheris, guided by coverage: `python fuzz/with_atheris.py TARGET [libFuzzer options]`.

Needs `pip install atheris`. The seeds of the target are written to fuzz/corpus/TARGET first.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))


def main() -> None:
    import atheris

    with atheris.instrument_imports(include=["smcli"]):
        from fuzz.targets import TARGETS
        from smcli.errors import SmcliError
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: {sys.argv[0]} {{{','.join(sorted(TARGETS))}}} [libFuzzer options]")
    name = sys.argv.pop(1)
    target = TARGETS[name]
    corpus = Path(__file__).parent / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed{number}").write_bytes(seed)

    def one_input(data: bytes) -> None:
        with contextlib.suppress(SmcliError):
            target.run(data)

    atheris.Setup([*sys.argv, str(corpus)], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
