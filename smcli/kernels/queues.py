"""Queues and staging areas: what TF1 graphs keep between their readers and the rest.

A handle is an object array that holds the queue; V1 handles of type string are the same. There is one thread here, so
that what would wait for another to fill or to empty a queue is refused at once, and says so. Semantics:
tensorflow/core/kernels/{fifo,padding_fifo,random_shuffle,priority}_queue.cc, queue_op.cc, stage_op.cc.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from smcli.errors import (
    CancelledError,
    DeadlineExceededError,
    InvalidArgumentError,
    OutOfRangeError,
    ResourceExhaustedError,
)
from smcli.kernels._checks import check_int32, checked_size, fits, scalar, zeros
from smcli.kernels._words import Words
from smcli.kernels.context import Array, Context, handle
from smcli.kernels.philox import Philox
from smcli.kernels.registry import kernel
from smcli.tensors.types import DataType

Shape = tuple[int, ...]
Item = tuple[Array, ...]

DEVIATIONS = dict.fromkeys(
    (
        *(f"Queue{what}{version}" for what in ("Dequeue", "DequeueMany", "DequeueUpTo") for version in ("", "V2")),
        *(f"Queue{what}{version}" for what in ("Enqueue", "EnqueueMany") for version in ("", "V2")),
        *("Stage", "Unstage", "StagePeek"),
    ),
    "what would wait for another thread is refused",
)


@dataclass(slots=True, eq=False)
class Queue:
    """First in, first out. `shapes` is empty where none were declared; `capacity` is -1 for no limit."""

    name: str
    dtypes: tuple[DataType, ...]
    shapes: tuple[Shape | None, ...]
    capacity: int
    closed: bool = False
    waiting: deque[Item] = field(default_factory=deque)
    kind = "FIFOQueue"
    gives_rest = True

    @property
    def title(self) -> str:
        return f"{self.kind} '_{self.name}'"

    def put(self, item: Item) -> None:
        self.waiting.append(item)

    def take(self) -> Item:
        return self.waiting.popleft()

    def size(self) -> int:
        return len(self.waiting)

    def ready(self) -> int:
        """How many items can be taken now."""
        return self.size()

    def batch(self, items: Sequence[Item], number: int) -> Array:
        """One component of several items, stacked."""
        parts = [item[number] for item in items]
        return np.stack(parts) if parts else zeros((0, *self.full_shape(number)), self.dtypes[number])

    def full_shape(self, number: int) -> Shape:
        """The declared shape of a component."""
        shape = self.shapes[number]
        if shape is None or -1 in shape:
            raise InvalidArgumentError(f"{self.kind} must have fully defined shapes")
        return shape

    def check_batches(self) -> None:
        """Raise InvalidArgumentError unless items can be taken many at a time."""
        if not self.shapes:
            raise InvalidArgumentError(
                f"{self.kind}'s DequeueMany and DequeueUpTo require the components to have specified shapes."
            )

    def check(self, components: Sequence[Array], dtypes: Sequence[DataType], many: bool) -> None:
        """Raise InvalidArgumentError for components that do not fit the declared types and shapes."""
        if tuple(dtypes) != self.dtypes:
            raise InvalidArgumentError(
                f"Expected component types {[t.tf_name for t in self.dtypes]}, got {[t.tf_name for t in dtypes]}"
            )
        for number, value in enumerate(components):
            if many and (value.ndim == 0 or value.shape[0] != components[0].shape[0]):
                raise InvalidArgumentError("All input tensors must have the same size in the 0th dimension")
            shape = value.shape[1:] if many else value.shape
            declared = self.shapes[number] if self.shapes else None
            if declared is not None and not fits(shape, declared):
                raise InvalidArgumentError(
                    f"Shape mismatch in tuple component {number}. Expected {list(declared)}, got {list(shape)}"
                )


class PaddingQueue(Queue):
    kind = "PaddingFIFOQueue"

    def batch(self, items: Sequence[Item], number: int) -> Array:
        """Each item grows to the largest of them with zeros, where the declared shape leaves it open."""
        declared = self.shapes[number]
        if declared is None:
            raise InvalidArgumentError(f"{self.kind} must have shapes of known rank")
        parts = [item[number] for item in items]
        sizes = [max((part.shape[axis] for part in parts), default=0) for axis in range(len(declared))]
        shape = [size if want == -1 else want for size, want in zip(sizes, declared)]
        checked_size((len(parts), *shape))
        out = zeros((len(parts), *shape), self.dtypes[number])
        for row, part in enumerate(parts):
            out[row, ...][tuple([slice(size) for size in part.shape])] = part
        return out


@dataclass(slots=True, eq=False)
class _Pool(Queue):
    """Items in no order of their own."""

    items: list[Item] = field(default_factory=list)

    def put(self, item: Item) -> None:
        self.items.append(item)

    def size(self) -> int:
        return len(self.items)


@dataclass(slots=True, eq=False)
class ShuffleQueue(_Pool):
    """Gives any item, but leaves some behind until it is closed."""

    kept: int = 0
    words: Callable[[], int] = field(default=lambda: 0)
    kind = "RandomShuffleQueue"

    def ready(self) -> int:
        return self.size() if self.closed else max(0, self.size() - self.kept)

    def take(self) -> Item:
        place = self.words() % len(self.items)
        item, last = self.items[place], self.items.pop()
        if place < len(self.items):
            self.items[place] = last
        return item


class PriorityQueue(_Pool):
    """A heap by the first component, whose order among equals is that of C++'s std::priority_queue."""

    kind = "PriorityQueue"
    gives_rest = False  # TensorFlow's QueueDequeueUpTo fails here where fewer are left

    def put(self, item: Item) -> None:
        self.items.append(item)
        self._rise(len(self.items) - 1, item)

    def _rise(self, hole: int, item: Item) -> None:
        items = self.items
        while hole and int(items[(hole - 1) // 2][0]) > int(item[0]):
            items[hole] = items[(hole - 1) // 2]
            hole = (hole - 1) // 2
        items[hole] = item

    def take(self) -> Item:
        items = self.items
        first, item = items[0], items.pop()
        if items:
            hole, count = 0, len(items)
            while (child := 2 * hole + 2) <= count:
                if child == count or int(items[child][0]) > int(items[child - 1][0]):
                    child -= 1
                items[hole] = items[child]
                hole = child
            self._rise(hole, item)
        return first


def _made(context: Context, container: str, shared_name: str, make: Callable[[], Queue]) -> Array:
    wanted = make()
    queue = context.resource("queue", container, shared_name, lambda: wanted)
    for what in ("kind", "dtypes", "shapes", "capacity"):
        if getattr(queue, what) != getattr(wanted, what):
            raise InvalidArgumentError(
                f"Shared queue '{queue.name}' has {what} {getattr(queue, what)} but requested {getattr(wanted, what)}"
            )
    return handle(queue)


def _checked(
    dtypes: Sequence[DataType], shapes: Sequence[Shape | None], capacity: int
) -> tuple[tuple[DataType, ...], tuple[Shape | None, ...], int]:
    check_int32(capacity)
    if shapes and len(shapes) != len(dtypes):
        raise InvalidArgumentError(f"{len(shapes)} shapes for {len(dtypes)} components of a queue")
    return tuple(dtypes), tuple(shapes), -1 if capacity < 0 else capacity


@kernel("FIFOQueue", "FIFOQueueV2", stateful=True)
def fifo_queue(
    *,
    component_types: Sequence[DataType],
    shapes: Sequence[Shape | None] = (),
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
    context: Context,
) -> Array:
    """A queue of tuples of tensors. Raises InvalidArgumentError when one of that name has other types or shapes."""
    name, attrs = shared_name or context.node, _checked(component_types, shapes, capacity)
    return _made(context, container, shared_name, lambda: Queue(name, *attrs))


@kernel("PaddingFIFOQueue", "PaddingFIFOQueueV2", stateful=True)
def padding_fifo_queue(
    *,
    component_types: Sequence[DataType],
    shapes: Sequence[Shape | None] = (),
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
    context: Context,
) -> Array:
    """A queue whose items may differ in size where their shapes are open."""
    if len(shapes) != len(component_types):
        raise InvalidArgumentError(
            "Shapes must be provided for all components, but received "
            f"{len(component_types)} dtypes and {len(shapes)} shapes."
        )
    name, attrs = shared_name or context.node, _checked(component_types, shapes, capacity)
    return _made(context, container, shared_name, lambda: PaddingQueue(name, *attrs))


@kernel("RandomShuffleQueue", "RandomShuffleQueueV2", stateful=True)
def random_shuffle_queue(
    *,
    component_types: Sequence[DataType],
    shapes: Sequence[Shape | None] = (),
    capacity: int = -1,
    min_after_dequeue: int = 0,
    seed: int = 0,
    seed2: int = 0,
    container: str = "",
    shared_name: str = "",
    context: Context,
) -> Array:
    """A queue that gives its items in random order: TensorFlow's for the same seeds."""
    name, attrs = shared_name or context.node, _checked(component_types, shapes, capacity)
    if min_after_dequeue < 0:
        raise InvalidArgumentError(f"min_after_dequeue must be >= 0, got {min_after_dequeue}")
    if 0 <= capacity <= min_after_dequeue:
        raise InvalidArgumentError(f"min_after_dequeue {min_after_dequeue} must be less than capacity {capacity}")

    def make() -> Queue:
        words = Words(Philox.from_attrs(seed, seed2))
        return ShuffleQueue(name, *attrs, kept=min_after_dequeue, words=words)

    return _made(context, container, shared_name, make)


@kernel("PriorityQueue", "PriorityQueueV2", stateful=True)
def priority_queue(
    *,
    component_types: Sequence[DataType] = (),
    shapes: Sequence[Shape | None],
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
    context: Context,
) -> Array:
    """A queue that gives the item of the smallest priority: an int64 that comes before the other components."""
    name = shared_name or context.node
    attrs = _checked((DataType.INT64, *component_types), ((), *shapes), capacity)
    return _made(context, container, shared_name, lambda: PriorityQueue(name, *attrs))


def _queue(tensor: Array) -> Queue:
    found: object = tensor.item() if tensor.size == 1 else None
    if not isinstance(found, Queue):
        raise InvalidArgumentError(f"Expected a handle of a queue, got a {type(found).__name__}")
    return found


def _would_wait(what: str, title: str, why: str) -> DeadlineExceededError:
    return DeadlineExceededError(
        f"{what} of {title} would wait for ever: {why}, and nothing else runs that could change it; feed what comes "
        "after the queue, or run what fills it first"
    )


def _check_timeout(timeout_ms: int) -> None:
    if timeout_ms != -1:
        raise InvalidArgumentError("Timeout not supported yet.")


def _check_open(queue: Queue, count: int) -> None:
    if queue.closed:
        raise CancelledError(f"{queue.title} is closed.")
    if 0 <= queue.capacity < queue.size() + count:
        why = f"it holds {queue.size()} of {queue.capacity} items, {count} are to come"
        raise _would_wait("Enqueue", queue.title, why)


@kernel("QueueEnqueue", "QueueEnqueueV2", stateful=True)
def queue_enqueue(
    tensor: Array, *components: Array, Tcomponents: Sequence[DataType], timeout_ms: int = -1
) -> tuple[()]:
    """Puts one item into a queue. Raises InvalidArgumentError, CancelledError when it is closed."""
    _check_timeout(timeout_ms)
    queue = _queue(tensor)
    queue.check(components, Tcomponents, many=False)
    _check_open(queue, 1)
    queue.put(tuple(components))
    return ()


@kernel("QueueEnqueueMany", "QueueEnqueueManyV2", stateful=True)
def queue_enqueue_many(
    tensor: Array, *components: Array, Tcomponents: Sequence[DataType], timeout_ms: int = -1
) -> tuple[()]:
    """Puts the rows of its inputs into a queue. Raises InvalidArgumentError, CancelledError when it is closed."""
    _check_timeout(timeout_ms)
    queue = _queue(tensor)
    queue.check(components, Tcomponents, many=True)
    count = components[0].shape[0]
    if count:
        _check_open(queue, count)
    for row in range(count):
        queue.put(tuple([np.asarray(value[row, ...]) for value in components]))
    return ()


def _check_types(queue: Queue, component_types: Sequence[DataType]) -> None:
    if tuple(component_types) != queue.dtypes:
        raise InvalidArgumentError(
            f"Expected component types {[t.tf_name for t in component_types]}, but the queue has "
            f"{[t.tf_name for t in queue.dtypes]}"
        )


def _check_enough(queue: Queue, count: int) -> None:
    """Raise OutOfRangeError or DeadlineExceededError unless so many items can be taken."""
    if queue.ready() < count:
        held = f"insufficient elements (requested {count}, current size {queue.size()})"
        if queue.closed:
            raise OutOfRangeError(f"{queue.title} is closed and has {held}")
        raise _would_wait("Dequeue", queue.title, f"it is open and has {held}")


@kernel("QueueDequeue", "QueueDequeueV2", stateful=True)
def queue_dequeue(tensor: Array, *, component_types: Sequence[DataType], timeout_ms: int = -1) -> Item:
    """Takes one item. Raises OutOfRangeError when the queue is closed and empty."""
    _check_timeout(timeout_ms)
    queue = _queue(tensor)
    _check_types(queue, component_types)
    _check_enough(queue, 1)
    return queue.take()


def _many(tensor: Array, n: Array, component_types: Sequence[DataType], timeout_ms: int, up_to: bool) -> Item:
    _check_timeout(timeout_ms)
    queue = _queue(tensor)
    _check_types(queue, component_types)
    count = scalar(n, "n")
    if count < 0:
        raise InvalidArgumentError(f"QueueDequeueManyOp requested {count} < 0 elements")
    queue.check_batches()
    if up_to and queue.closed and queue.gives_rest and count:
        count = min(count, max(1, queue.ready()))
    _check_enough(queue, count)
    items = [queue.take() for _ in range(count)]
    return tuple([queue.batch(items, number) for number in range(len(queue.dtypes))])


@kernel("QueueDequeueMany", "QueueDequeueManyV2", stateful=True)
def queue_dequeue_many(tensor: Array, n: Array, *, component_types: Sequence[DataType], timeout_ms: int = -1) -> Item:
    """Takes n items, stacked. Raises OutOfRangeError when the queue is closed and has fewer."""
    return _many(tensor, n, component_types, timeout_ms, up_to=False)


@kernel("QueueDequeueUpTo", "QueueDequeueUpToV2", stateful=True)
def queue_dequeue_up_to(tensor: Array, n: Array, *, component_types: Sequence[DataType], timeout_ms: int = -1) -> Item:
    """Takes n items, or those that are left of a closed queue. Raises OutOfRangeError when there are none."""
    return _many(tensor, n, component_types, timeout_ms, up_to=True)


@kernel("QueueClose", "QueueCloseV2", stateful=True)
def queue_close(tensor: Array) -> tuple[()]:
    """No more items come; nothing waits here that could be cancelled. Raises CancelledError the second time."""
    queue = _queue(tensor)
    if queue.closed:
        raise CancelledError(f"Queue '_{queue.name}' is already closed.")
    queue.closed = True
    return ()


@kernel("QueueIsClosed", "QueueIsClosedV2", stateful=True)
def queue_is_closed(tensor: Array) -> np.bool_:
    return np.bool_(_queue(tensor).closed)


@kernel("QueueSize", "QueueSizeV2", stateful=True)
def queue_size(tensor: Array) -> np.int32:
    """How many items the queue holds."""
    return np.int32(_queue(tensor).size())


# ---- staging areas


def _area(context: Context, container: str, shared_name: str) -> list[Item]:
    return context.resource("stage", container, shared_name, list)


@kernel("Stage", stateful=True)
def stage(
    *values: Array,
    capacity: int = 0,
    memory_limit: int = 0,
    container: str = "",
    shared_name: str = "",
    context: Context,
) -> tuple[()]:
    """Puts a tuple behind those that wait. Raises ResourceExhaustedError for one larger than the memory limit."""
    area = _area(context, container, shared_name)
    size = sum(value.nbytes for value in values)
    if memory_limit and size > memory_limit:
        raise ResourceExhaustedError(
            f"Attempted to insert tensors with combined size of '{size}' bytes into Staging Area with a memory limit "
            f"of '{memory_limit}'."
        )
    held = sum(value.nbytes for item in area for value in item)
    if (capacity and len(area) >= capacity) or (memory_limit and held + size > memory_limit):
        raise _would_wait("Stage", f"the staging area {shared_name or context.node}", "it is full")
    area.append(values)
    return ()


@kernel("Unstage", stateful=True)
def unstage(*, container: str = "", shared_name: str = "", context: Context) -> Item:
    """Takes the oldest tuple."""
    area = _area(context, container, shared_name)
    if not area:
        raise _would_wait("Unstage", f"the staging area {shared_name or context.node}", "it is empty")
    return area.pop(0)


@kernel("StagePeek", stateful=True)
def stage_peek(index: Array, *, container: str = "", shared_name: str = "", context: Context) -> Item:
    """A tuple by its place, which stays."""
    area, place = _area(context, container, shared_name), scalar(index, "index")
    if not 0 <= place < len(area):
        raise _would_wait("StagePeek", f"the staging area {shared_name or context.node}", f"it holds {len(area)}")
    return area[place]


@kernel("StageSize", stateful=True)
def stage_size(*, container: str = "", shared_name: str = "", context: Context) -> np.int32:
    return np.int32(len(_area(context, container, shared_name)))


@kernel("StageClear", stateful=True)
def stage_clear(*, container: str = "", shared_name: str = "", context: Context) -> tuple[()]:
    _area(context, container, shared_name).clear()
    return ()
