"""The programs that smcli is timed against, each in a virtual environment of its own.

`python -m benchmarks.peers` makes the environments that are missing. A peer that could not be installed is left out of
the tables; nothing here is needed to use or to test smcli.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Peer:
    """requirements: what pip installs. check: the module whose import shows that it works."""

    name: str
    requirements: tuple[str, ...]
    check: str


def _own_requirements(*extras: str) -> tuple[str, ...]:
    """What pyproject.toml asks for, with these extras; the package itself is run from the source tree."""
    text = (ROOT / "pyproject.toml").read_text()
    found = re.findall(r'"([^"]+)"', re.search(r"^dependencies = \[(.*?)^\]", text, re.S | re.M)[1])  # type: ignore[index]
    for extra in extras:
        listed = re.search(rf"^{extra} = \[(.*)\]", text, re.M)
        found += re.findall(r'"([^"]+)"', listed[1]) if listed else [f"smcli-has-no-extra-{extra}"]
    return tuple(found)


SMCLI, SMCLI_ONEDNN = "smcli", "smcli+onednn"
TENSORFLOW, OPENVINO, ONNXRUNTIME, TF2ONNX = "tensorflow", "openvino", "onnxruntime", "tf2onnx"

PEERS = {
    peer.name: peer
    for peer in (
        Peer(SMCLI, _own_requirements("scipy", "text"), "numpy"),
        Peer(SMCLI_ONEDNN, _own_requirements("scipy", "text", "onednn"), "numpy"),
        Peer(TENSORFLOW, ("tensorflow-cpu==2.21.*",), "tensorflow"),
        Peer(OPENVINO, ("openvino==2026.*", "numpy"), "openvino"),
        Peer(ONNXRUNTIME, ("onnxruntime==1.*", "numpy"), "onnxruntime"),
        Peer(TF2ONNX, ("tf2onnx==1.*", "tensorflow-cpu==2.21.*"), "tf2onnx"),
    )
}


def folder() -> Path:
    """Where the environments are: SMCLI_BENCH_PEERS, or build/peers."""
    return Path(os.environ.get("SMCLI_BENCH_PEERS") or ROOT / "build" / "peers")


def python(name: str) -> Path | None:
    """The interpreter of a peer's environment, or None when the peer is not installed."""
    found = folder() / name / "bin" / "python"
    ready = folder() / name / "ready"
    return found if found.exists() and ready.exists() else None


def make(peer: Peer) -> bool:
    """Install a peer unless it is there. True when it works."""
    if python(peer.name):
        return True
    target = folder() / peer.name
    interpreter = str(target / "bin" / "python")
    if not os.path.exists(interpreter):
        venv.create(target, with_pip=True)
    install = [interpreter, "-m", "pip", "install", "--quiet", *peer.requirements]
    for command in (install, [interpreter, "-c", f"import {peer.check}"]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            print(f"{peer.name}: not installed: {done.stderr.strip()[-300:]}", file=sys.stderr)
            return False
    (target / "ready").write_text("\n".join(peer.requirements) + "\n")
    return True


def version(name: str) -> str:
    """The installed version of a peer's main package, or '' without one."""
    interpreter = python(name)
    if interpreter is None:
        return ""
    package = {TENSORFLOW: "tensorflow-cpu"}.get(name, PEERS[name].check)
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([str(interpreter), "-c", code], capture_output=True, text=True).stdout.strip()


def main() -> None:
    folder().mkdir(parents=True, exist_ok=True)
    for peer in PEERS.values():
        print(f"{peer.name}: {'ready' if make(peer) else 'left out'}", flush=True)


if __name__ == "__main__":
    main()
