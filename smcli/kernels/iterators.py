"""Iterators over datasets, as far as a SavedModel can have them: none is ever initialised when a signature runs, for
the op that would do so (MakeIterator) is not part of it. Their outputs can be fed.
"""

from __future__ import annotations

from typing import NoReturn

from smcli.errors import FailedPreconditionError
from smcli.kernels.context import Array, Context, handle
from smcli.kernels.registry import kernel


class Iterator:
    """An iterator without a dataset."""


@kernel("IteratorV2", "Iterator", stateful=True)
def iterator_v2(*, container: str = "", shared_name: str = "", context: Context) -> Array:
    """The handle of an iterator."""
    return handle(context.resource("iterator", container, shared_name, Iterator))


@kernel("IteratorGetNext", "IteratorGetNextSync", "IteratorGetNextAsOptional", stateful=True)
def iterator_get_next(iterator: Array) -> NoReturn:
    """Raises FailedPreconditionError, as TensorFlow does of an iterator that is not initialised."""
    raise FailedPreconditionError(
        "GetNext() failed because the iterator has not been initialized. Ensure that you have run the initializer "
        "operation for this iterator before getting the next element."
    )
