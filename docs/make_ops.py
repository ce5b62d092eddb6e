"""Writes docs/ops.md: which ops smcli has, on which dtypes each is proven, by how many cases, and where it deviates:
`python -m docs.make_ops`. Writes the counts in the README too.

The kernels are those of smcli/kernels/index.py, the proof what is recorded in fixtures/ops; deviations are the
`DEVIATIONS` of kernel modules: a sentence for an op. docs/common_ops.tsv lists the ops that models are known to use or
that other ways to run a SavedModel without TensorFlow know (OpenVINO's TensorFlow frontend, the executor of tfjs,
tf2onnx, each counted in its sources). A test checks that the page and the README are what this makes.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from importlib import import_module
from pathlib import Path

from smcli.graph.structural import STRUCTURAL, known_ops
from smcli.kernels.index import MODULE_OF_OP
from smcli.proto.graph_pb2 import GraphDef
from smcli.tensors.types import DataType, from_number
from tests import cases, recorded

PAGE = Path(__file__).with_name("ops.md")

README = Path(__file__).resolve().parent.parent / "README.md"
README_START, README_END = "<!-- ops: start -->", "<!-- ops: end -->"
PEERS = ("OpenVINO", "tfjs", "tf2onnx")

HEAD = """# Ops

smcli knows {count} ops of TensorFlow.

| | ops |
| --- | --- |
{counts}

{common} ops are common: seen in public models, made by standard architectures, or known to one of the others
(docs/common_ops.tsv lists them). smcli has all of them but {missing}.

Each row says in which module the kernel is, on which dtypes of its inputs recorded answers of TensorFlow 2.21 prove it,
in how many cases it takes part, and where it is meant to deviate. `tox` checks these answers, `tox -e parity` asks
TensorFlow again. {structural} of the ops need no kernel: {names}.

| op | module | dtypes proven | cases | deviation |
| --- | --- | --- | --- | --- |
"""


def common_ops() -> dict[str, dict[str, str]]:
    """Op → its row of docs/common_ops.tsv: which peers know it, and in how many models it was seen."""
    with PAGE.with_name("common_ops.tsv").open(encoding="utf-8") as file:
        return {row["op"]: row for row in csv.DictReader(file, delimiter="\t")}


def peer_counts() -> dict[str, int]:
    return {peer: sum(row[peer] == "1" for row in common_ops().values()) for peer in PEERS}


def deviations() -> dict[str, str]:
    """Op → the sentence that its module says about it. Raises ValueError for one of another module's ops."""
    found: dict[str, str] = {}
    for module in sorted(set(MODULE_OF_OP.values())):
        for op, sentence in getattr(import_module(module), "DEVIATIONS", {}).items():
            if MODULE_OF_OP.get(op) != module:
                raise ValueError(f"{module} speaks of {op}, which is not its own")
            found[op] = sentence
    return found


def readme_counts() -> str:
    """What the README says between its markers."""
    peers = ", ".join(f"{peer} {count}" for peer, count in peer_counts().items())
    return f"{len(known_ops())} [ops](docs/ops.md) (counted the same way: {peers})"


def render() -> str:
    counts: dict[str, int] = defaultdict(int)
    dtypes: dict[str, set[str]] = defaultdict(set)
    for family in cases.families():
        for row in recorded.read(family).values():
            graph = GraphDef.FromString(row.graph)
            nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
            fed = {from_number(node.attr["dtype"].type).tf_name for node in graph.node if node.op == "Placeholder"}
            for op in {node.op for node in nodes}:
                counts[op] += 1
                if row.error is None:
                    dtypes[op] |= fed
    order = {data_type.tf_name: number for number, data_type in enumerate(DataType)}
    notes = deviations()
    lines = []
    for op, module in sorted(MODULE_OF_OP.items()):
        names = ", ".join(sorted(dtypes[op], key=order.__getitem__))
        lines.append(f"| {op} | {module.removeprefix('smcli.')} | {names} | {counts[op]} | {notes.get(op, '')} |")
    shown = sorted(op for op in STRUCTURAL if not op.startswith("_"))
    totals = {"smcli": len(known_ops()), **peer_counts()}
    common = common_ops()
    head = HEAD.format(
        count=totals["smcli"],
        counts="\n".join(f"| {name} | {count} |" for name, count in totals.items()),
        common=len(common),
        missing=", ".join(sorted(set(common) - known_ops())) or "none",
        structural=len(shown),
        names=", ".join(shown),
    )
    return head + "\n".join(lines) + "\n"


def render_readme() -> str:
    head, _, rest = README.read_text(encoding="utf-8").partition(README_START)
    _, _, tail = rest.partition(README_END)
    return f"{head}{README_START}{readme_counts()}{README_END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    README.write_text(render_readme(), encoding="utf-8")
