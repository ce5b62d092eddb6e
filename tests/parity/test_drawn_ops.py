"""Every op on drawn input beside a live TensorFlow: a fixed number of changed cases of each (strategies/mutations.py).

`python -m tests.parity.drawn` hunts with more draws and other seeds, and shows what differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest

from smcli.kernels.index import MODULE_OF_OP
from tests.kernels.test_recorded import NOT_RUN_BY_CASES
from tests.parity.drawn import hunt, rows_by_op
from tests.parity.known_differences import DEVIATES, KNOWN, kinds_of
from tests.parity.referee import Referee

EXAMPLES = 8
SEED = 20

# Kinds that are no fault: graphs that TensorFlow's shape functions refuse to load give here what the kernel gives, and
# what two orders of summing infinities and huge numbers give is not defined.
NO_FAULT = {"import", "limits"}

OPS = sorted(set(rows_by_op()) & set(MODULE_OF_OP))


@pytest.fixture(scope="module")
def referee() -> Iterator[Referee]:
    one = Referee()
    yield one
    one.close()


@pytest.mark.parametrize("op", OPS)
def test_drawn_cases(op: str, referee: Referee) -> None:
    allowed = NO_FAULT | kinds_of(op)
    found = [(kind, text, drawn) for kind, text, drawn in hunt(op, referee, EXAMPLES, SEED) if kind not in allowed]
    assert not found, "\n\n".join(f"{kind}: {text}\n{drawn!r}" for kind, text, drawn in found[:3])


def test_every_op_is_drawn() -> None:
    inside_functions_only = {op for op in MODULE_OF_OP if op.startswith("Xla")} | {"While"}
    missing = set(MODULE_OF_OP) - set(OPS) - set(NOT_RUN_BY_CASES) - inside_functions_only
    assert not missing, sorted(missing)


def test_known_differences_name_ops() -> None:
    assert {op for ops in KNOWN.values() for op in ops} <= set(OPS)


def test_deviations_are_told() -> None:
    for op in DEVIATES:
        assert op in import_module(MODULE_OF_OP[op]).DEVIATIONS, op
