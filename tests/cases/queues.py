"""Queues and staging areas, filled and emptied in one run: control edges keep the order."""

from __future__ import annotations

import numpy as np

from tests.cases import graph_case, graph_cases

ROWS = np.arange(12, dtype=np.float32).reshape(6, 2)
WORDS = np.array([b"a", b"bc", b"", b"d", b"ef", b"g"], object)
PRIORITIES = np.array([5, 1, 3, 1, 5, 1, 1, 5, 0, 3], np.int64)


def in_order(tf, *steps):
    """What each step gives, run one after another."""
    results, before = [], []
    for step in steps:
        with tf.control_dependencies(before):
            made = step()
        flat = tf.nest.flatten(made)
        before = flat
        results += [tf.identity(item) if isinstance(item, tf.Tensor) else item for item in flat]
    return results


def queue_case(label, kind, script, *, _runs=1, types=("float32", "string"), shapes=((2,), ()), rows=ROWS, **attrs):
    """`script` is of steps: ("many", 3) dequeues three. What is enqueued are the rows, and WORDS beside them."""
    ops = " ".join(
        (
            f"{kind} QueueEnqueueV2 QueueEnqueueManyV2 QueueDequeueV2 QueueDequeueManyV2 QueueDequeueUpToV2",
            "QueueSizeV2 QueueCloseV2 QueueIsClosedV2",
        )
    )

    @graph_case(label, _op=ops, _runs=_runs, rows=rows, words=WORDS)
    def build(tf, rows, words):
        raw = tf.raw_ops
        queue = getattr(raw, kind)(component_types=list(types), shapes=[list(s) for s in shapes], **attrs)
        inputs = [tf.cast(rows, types[0]), words][: len(types)]
        full = (["int64"] if kind.startswith("Priority") else []) + list(types)
        first = [tf.constant(PRIORITIES[:6])] if kind.startswith("Priority") else []

        def step(what, value):
            if what == "put":
                return lambda: raw.QueueEnqueueV2(handle=queue, components=[x[value] for x in first + inputs])
            if what == "fill":
                return lambda: raw.QueueEnqueueManyV2(handle=queue, components=[x[:value] for x in first + inputs])
            if what == "take":
                return lambda: raw.QueueDequeueV2(handle=queue, component_types=full)
            if what == "many":
                return lambda: raw.QueueDequeueManyV2(handle=queue, n=value, component_types=full)
            if what == "up_to":
                return lambda: raw.QueueDequeueUpToV2(handle=queue, n=value, component_types=full)
            if what == "close":
                return lambda: raw.QueueCloseV2(handle=queue, cancel_pending_enqueues=value)
            if what == "narrow":
                return lambda: raw.QueueEnqueueV2(handle=queue, components=[inputs[0][0, :1], *inputs[1:2]])
            if what == "scalars":
                return lambda: raw.QueueEnqueueManyV2(handle=queue, components=[inputs[0][0, 0], words[0]])
            if what == "other":
                return lambda: raw.QueueEnqueueV2(handle=queue, components=[words[0], inputs[0][0]])
            return lambda: (raw.QueueSizeV2(handle=queue), raw.QueueIsClosedV2(handle=queue))

        return in_order(tf, *(step(*item) for item in script))


LOOK = ("size", 0)
for KIND, MORE in (
    ("FIFOQueueV2", {}),
    ("PaddingFIFOQueueV2", {}),
    ("RandomShuffleQueueV2", {"seed": 3, "seed2": 8}),
    ("PriorityQueueV2", {}),
):
    FILL = ("fill", 6)
    queue_case(f"{KIND}_one", KIND, [("put", 2), ("put", 0), LOOK, ("take", 0), ("take", 0), LOOK], **MORE)
    queue_case(f"{KIND}_many", KIND, [FILL, ("many", 4), LOOK, ("many", 0), ("take", 0), LOOK], **MORE)
    queue_case(f"{KIND}_closed", KIND, [FILL, ("close", False), ("up_to", 4), ("up_to", 2), LOOK], **MORE)
    queue_case(f"{KIND}_rest", KIND, [FILL, ("close", False), ("up_to", 4), ("up_to", 4), LOOK], **MORE)
    queue_case(f"{KIND}_ends", KIND, [FILL, ("close", False), ("many", 6), ("take", 0)], **MORE)
    queue_case(f"{KIND}_too_many", KIND, [("put", 1), ("close", False), ("many", 2)], **MORE)
    queue_case(f"{KIND}_none_left", KIND, [("close", True), ("up_to", 2)], **MORE)
    queue_case(f"{KIND}_put_closed", KIND, [("close", False), ("put", 1)], **MORE)
    queue_case(f"{KIND}_close_twice", KIND, [("close", False), ("close", False), LOOK], **MORE)
    queue_case(f"{KIND}_fill_none", KIND, [("fill", 0), LOOK], **MORE)
    queue_case(f"{KIND}_full", KIND, [("fill", 3), ("take", 0), ("put", 1), LOOK], capacity=3, **MORE)
    queue_case(f"{KIND}_stays", KIND, [("fill", 3), ("many", 2), LOOK], _runs=3, **MORE)
    if KIND != "PriorityQueueV2":
        queue_case(f"{KIND}_narrow", KIND, [("narrow", 0)], **MORE)
        queue_case(f"{KIND}_scalars", KIND, [("scalars", 0)], **MORE)
        queue_case(f"{KIND}_other", KIND, [("other", 0)], **MORE)
    for dtype in ("int32", "int64", "float64", "float16", "complex64", "bool"):
        queue_case(f"{KIND}_{dtype}", KIND, [FILL, ("many", 5), ("take", 0)], types=(dtype, "string"), **MORE)
queue_case("no_shapes", "FIFOQueueV2", [("fill", 3), ("take", 0), LOOK], shapes=())
queue_case("no_shapes_many", "FIFOQueueV2", [("fill", 3), ("many", 2)], shapes=())
queue_case("padding_no_shapes", "PaddingFIFOQueueV2", [LOOK], shapes=())
queue_case("kept", "RandomShuffleQueueV2", [("fill", 6), ("many", 4), LOOK], min_after_dequeue=2, seed=5)
queue_case(
    "kept_closed", "RandomShuffleQueueV2", [("fill", 6), ("close", False), ("many", 6)], min_after_dequeue=2, seed=5
)
queue_case("kept_negative", "RandomShuffleQueueV2", [LOOK], min_after_dequeue=-2, seed=5)
queue_case("kept_all", "RandomShuffleQueueV2", [LOOK], min_after_dequeue=3, capacity=3, seed=5)


@graph_case("priorities", _op="PriorityQueueV2", keys=PRIORITIES)
def priorities(tf, keys):
    raw = tf.raw_ops
    queue = raw.PriorityQueueV2(component_types=["int32"], shapes=[[]])
    order = tf.range(10)
    return in_order(
        tf,
        lambda: raw.QueueEnqueueManyV2(handle=queue, components=[keys, order]),
        lambda: raw.QueueDequeueManyV2(handle=queue, n=4, component_types=["int64", "int32"]),
        lambda: raw.QueueEnqueueManyV2(handle=queue, components=[keys, order + 10]),
        lambda: raw.QueueDequeueManyV2(handle=queue, n=16, component_types=["int64", "int32"]),
    )


@graph_case("padded", _op="PaddingFIFOQueueV2", words=WORDS)
def padded(tf, words):
    raw = tf.raw_ops
    queue = raw.PaddingFIFOQueueV2(component_types=["string", "float32"], shapes=[[None], [2, None]])

    def put(count):
        rows = [words[:count], tf.ones([2, count + 1]) * count]
        return lambda: raw.QueueEnqueueV2(handle=queue, components=rows)

    def take(count):
        return lambda: raw.QueueDequeueManyV2(handle=queue, n=count, component_types=["string", "float32"])

    return in_order(tf, put(3), put(1), put(5), put(0), take(2), take(0), take(2))


@graph_case("another_type", _op="FIFOQueueV2", x=np.int32(3))
def another_type(tf, x):
    raw = tf.raw_ops
    one = raw.FIFOQueueV2(component_types=["int32"], shared_name="q")
    with tf.control_dependencies([raw.QueueSizeV2(handle=one)]):
        other = raw.FIFOQueueV2(component_types=["int64"], shared_name="q")
    return [x + raw.QueueSizeV2(handle=other)]


@graph_case("shared", _op="FIFOQueueV2", x=np.int32(3))
def shared(tf, x):
    raw = tf.raw_ops
    one = raw.FIFOQueueV2(component_types=["int32"], shared_name="q")
    with tf.control_dependencies([raw.QueueEnqueueV2(handle=one, components=[x])]):
        other = raw.FIFOQueueV2(component_types=["int32"], shared_name="q")
        return [raw.QueueDequeueV2(handle=other, component_types=["int32"])[0], x]


def old(kind, **attrs):
    ops = f"{kind} QueueEnqueue QueueEnqueueMany QueueDequeue QueueDequeueMany QueueDequeueUpTo QueueSize QueueClose"

    @graph_case(f"{kind}_old", _op=f"{ops} QueueIsClosed", rows=ROWS)
    def build(tf, rows):
        raw = tf.raw_ops
        queue = getattr(raw, kind)(component_types=["float32"], shapes=[[2]], **attrs)
        first = [tf.constant(PRIORITIES[:6])] if kind == "PriorityQueue" else []
        types = ["int64"] * len(first) + ["float32"]
        everything = [*first, rows]
        return in_order(
            tf,
            lambda: raw.QueueEnqueueMany(handle=queue, components=everything),
            lambda: raw.QueueEnqueue(handle=queue, components=[x[0] for x in everything]),
            lambda: raw.QueueDequeue(handle=queue, component_types=types),
            lambda: raw.QueueDequeueMany(handle=queue, n=2, component_types=types),
            lambda: raw.QueueSize(handle=queue),
            lambda: raw.QueueClose(handle=queue),
            lambda: raw.QueueIsClosed(handle=queue),
            lambda: raw.QueueDequeueUpTo(handle=queue, n=4 if first else 9, component_types=types),
        )


old("FIFOQueue")
old("PaddingFIFOQueue")
old("RandomShuffleQueue", seed=2)
old("PriorityQueue")


def staging(label, script, _runs=1, **attrs):
    @graph_case(f"stage_{label}", _op="Stage Unstage StagePeek StageSize StageClear", _runs=_runs, x=ROWS, words=WORDS)
    def build(tf, x, words):
        raw = tf.raw_ops
        common = {"dtypes": ["float32", "string"], "shared_name": "area", **attrs}

        def step(what, value):
            if what == "put":
                return lambda: raw.Stage(
                    values=[x[value], words[:value]], **{k: v for k, v in common.items() if k != "dtypes"}
                )
            if what == "take":
                return lambda: raw.Unstage(**common)
            if what == "peek":
                return lambda: raw.StagePeek(index=value, **common)
            if what == "clear":
                return lambda: raw.StageClear(**common)
            return lambda: raw.StageSize(**common)

        return in_order(tf, *(step(*item) for item in script))


staging("order", [("put", 1), ("put", 3), ("take", 0), LOOK, ("put", 2), ("take", 0), ("take", 0), LOOK])
staging("peek", [("put", 1), ("put", 3), ("peek", 1), ("peek", 0), LOOK, ("clear", 0), LOOK])
staging("full", [("put", 1), ("take", 0), ("put", 2), ("take", 0)], capacity=1, memory_limit=1 << 20)
staging("stays", [("put", 1), ("put", 2), ("take", 0), LOOK], _runs=3)
staging("too_large", [("put", 1), ("put", 2)], memory_limit=4)

CASES = graph_cases()
