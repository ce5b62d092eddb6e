"""Files that a graph names: the model's own, and others where the user has allowed the op by name."""

from __future__ import annotations

from smcli.errors import PermissionDeniedError
from smcli.kernels.context import Context


def read_named(path: bytes, op: str, what: str, context: Context) -> bytes:
    """The contents of a file, which is `what` to the op. Raises NotFoundError; PermissionDeniedError for a file outside
    of the model, unless the user allowed the op."""
    if op in context.allow:
        return context.files.read_outside(path)
    try:
        return context.files.read_bytes(path)
    except PermissionDeniedError as error:
        raise PermissionDeniedError(
            f"{op} reads {what}, a file outside of the model, and is refused; --allow_ops {op} lets it run: "
            f"{error.message}"
        ) from None
