"""The ops that the planner and the frame executor do themselves, without a kernel. Imports nothing, so that `scan` can
tell what is missing without the executor."""

from __future__ import annotations

ARG = "_Arg"  # the op of the nodes that stand for a body's inputs
FRAME_OPS = frozenset(
    {"Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond"}
    | {"RefSwitch", "RefMerge", "RefEnter", "RefExit", "RefNextIteration"}
)
STRUCTURAL = FRAME_OPS | {
    ARG,
    "Const",
    "NoOp",
    "ControlTrigger",
    "Placeholder",
    "PlaceholderV2",
    "PlaceholderWithDefault",
}


def known_ops() -> set[str]:
    """The ops that smcli runs, with a kernel or without."""
    from smcli.kernels.index import MODULE_OF_OP

    return set(MODULE_OF_OP) | (STRUCTURAL - {ARG})
