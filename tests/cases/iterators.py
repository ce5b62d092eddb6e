"""Iterators that nothing has initialised."""

from __future__ import annotations

import numpy as np

from tests.cases import graph_case, graph_cases

KIND = {"output_types": ["float32"], "output_shapes": [[None]]}


def iterator(tf, op="IteratorV2"):
    return getattr(tf.raw_ops, op)(shared_name="it", container="", **KIND)


for _op in ("IteratorGetNext", "IteratorGetNextSync"):

    @graph_case(_op, _op=f"{_op} IteratorV2")
    def get_next(tf, op=_op):
        return getattr(tf.raw_ops, op)(iterator=iterator(tf), **KIND)


@graph_case("IteratorGetNextAsOptional")
def get_next_as_optional(tf):
    found = tf.raw_ops.IteratorGetNextAsOptional(iterator=iterator(tf), **KIND)
    return tf.raw_ops.OptionalHasValue(optional=found)


@graph_case("Iterator")
def first_generation(tf):
    return tf.raw_ops.IteratorGetNext(iterator=iterator(tf, "Iterator"), **KIND)


@graph_case("not asked for", x=np.float32(2))
def not_asked_for(tf, x):
    iterator(tf)
    return x * 2


CASES = graph_cases()
