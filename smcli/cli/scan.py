"""`scan`: which ops of a denylist a SavedModel uses."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from smcli.cli.flags import Flags
from smcli.graph.outside import ALLOWED_BY_NAME, OUTSIDE_OPS
from smcli.graph.schema import find_schema
from smcli.graph.structural import STRUCTURAL
from smcli.kernels.index import MODULE_OF_OP
from smcli.report.show import scan_text
from smcli.report.terminal import printable
from smcli.savedmodel.meta_graph import MetaGraph, split_items
from smcli.savedmodel.ops import used_ops
from smcli.savedmodel.reach import nodes_using
from smcli.savedmodel.reader import read_saved_model

MAX_NODES = 20  # that are named for an op
DEFAULT_DENYLIST = frozenset({"WriteFile", "ReadFile", "PrintV2"})


def scan(flags: Flags) -> None:
    """Prints a verdict for each MetaGraph, or for that of --tag_set. An empty --op_denylist means the default one."""
    tags = ",".join(split_items(flags.tag_set, "tag_set")) if flags.tag_set else None
    model = read_saved_model(flags.dir or "")
    denied = set(DEFAULT_DENYLIST)
    if flags.op_denylist:
        denied = {op.strip() for op in flags.op_denylist.split(",") if op.strip()}
    for graph in model.meta_graphs if tags is None else [model.find(tags)]:
        sys.stdout.write(scan_text(graph.tags, denied, denied & used_ops(graph.graph_def())))
        if not flags.op_denylist:
            _say_what_run_refuses(graph)
            _say_what_is_missing(graph)


def _say_what_run_refuses(graph: MetaGraph) -> None:
    """On stderr, since the original says nothing of it."""
    for op, nodes in sorted(nodes_using(graph, OUTSIDE_OPS).items()):
        verdict = f"--allow_ops {op} lets it run" if op in ALLOWED_BY_NAME else "run refuses it always"
        print(f"{op} {OUTSIDE_OPS[op]}: {_shown(nodes)} ({verdict})", file=sys.stderr)


def _say_what_is_missing(graph: MetaGraph) -> None:
    """Which ops have no kernel; those of OUTSIDE_OPS have been named."""
    library = graph.graph_def().library.function
    used = {node.op for function in library for node in function.node_def}
    used.update(node.op for node in graph.graph_def().node)
    missing = used - MODULE_OF_OP.keys() - STRUCTURAL - OUTSIDE_OPS.keys()
    missing -= {function.signature.name for function in library}
    for op, nodes in sorted(nodes_using(graph, missing).items()):
        schema = find_schema(op)
        elsewhere = schema is not None and schema.devices is not None
        verdict = "that neither TensorFlow nor smcli computes on a CPU" if elsewhere else "that smcli does not have"
        print(f"{printable(op)} is an op {verdict}: {_shown(nodes)}", file=sys.stderr)


def _shown(nodes: Sequence[str]) -> str:
    more = f" and {len(nodes) - MAX_NODES} more" if len(nodes) > MAX_NODES else ""
    return f"{', '.join(map(printable, nodes[:MAX_NODES]))}{more}"
