"""The one hierarchy of errors that smcli raises on purpose.

Anything wrong with a command line, a file, a graph or a tensor is an `SmcliError` whose text is a sentence a user can
act on. The classes below `OpError` are TensorFlow's status codes (tensorflow/core/protobuf/error_codes.proto) under the
names of `tf.errors`. How an error is printed, and with which exit code, is known to `smcli.cli` alone.
"""

from __future__ import annotations


class SmcliError(Exception):
    """Something is wrong with what smcli was given.

    `shown_as` is the qualified name of the exception that saved_model_cli ends with in the same situation; the command
    line prints it before the message, as the last line of the original's output would read. `hint` says what to do next
    where the original's message does not; it is printed on a line of its own before the last.
    """

    shown_as = "RuntimeError"

    def __init__(self, message: str, *, shown_as: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if shown_as is not None:
            self.shown_as = shown_as

    @property
    def message(self) -> str:
        return str(self.args[0])


class MissingExtraError(SmcliError):
    """An optional dependency is not installed; the message names the command that installs it."""

    shown_as = "ImportError"

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional dependency: pip install 'smcli[{extra}]'")


class OpError(SmcliError):
    """Base of the status-code errors; `node` is the graph node that raised, once the runtime has added it."""

    code = 2
    node: str | None = None

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        cls.shown_as = f"tensorflow.python.framework.errors_impl.{cls.__name__}"


class CancelledError(OpError):
    code = 1


class UnknownError(OpError):
    code = 2


class InvalidArgumentError(OpError):
    code = 3


class DeadlineExceededError(OpError):
    code = 4


class NotFoundError(OpError):
    code = 5


class AlreadyExistsError(OpError):
    code = 6


class PermissionDeniedError(OpError):
    code = 7


class ResourceExhaustedError(OpError):
    code = 8


class FailedPreconditionError(OpError):
    code = 9


class AbortedError(OpError):
    code = 10


class OutOfRangeError(OpError):
    code = 11


class UnimplementedError(OpError):
    code = 12


class InternalError(OpError):
    code = 13


class UnavailableError(OpError):
    code = 14


class DataLossError(OpError):
    code = 15


class OutOfTimeError(DeadlineExceededError):
    """What was asked for took longer than the user lets it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, shown_as=DeadlineExceededError.shown_as)


class OutOfMemoryError(ResourceExhaustedError):
    """Memory ran out, or the part of it that the user gives."""

    def __init__(self, message: str) -> None:
        super().__init__(message, shown_as=ResourceExhaustedError.shown_as)


def _some(nodes: list[str]) -> str:
    """The first three names and how many more there are."""
    more = f" and {len(nodes) - 3} more" if len(nodes) > 3 else ""
    return f"{', '.join(nodes[:3])}{more}"


class UnsupportedOpsError(NotFoundError):
    """The graph needs ops that smcli has no kernel for. `ops` maps each to the nodes that use it."""

    def __init__(self, ops: dict[str, list[str]]) -> None:
        self.ops = ops
        shown = [f"{op} ({_some(nodes)})" for op, nodes in sorted(ops.items())]
        super().__init__(f"Op type not registered in smcli: {'; '.join(shown)}", shown_as=NotFoundError.shown_as)


class NoCpuKernelError(InvalidArgumentError):
    """The graph needs ops that TensorFlow has no kernel for on CPUs, and refuses too. `ops` maps each to its nodes;
    `devices` to the kinds of devices that have one."""

    def __init__(self, ops: dict[str, list[str]], devices: dict[str, tuple[str, ...]]) -> None:
        self.ops = ops
        shown = [
            f"No OpKernel was registered to support Op '{op}' used by {_some(nodes)} (registered devices: [CPU], "
            f"registered kernels: {', '.join(devices[op]) or 'none'})"
            for op, nodes in sorted(ops.items())
        ]
        super().__init__("; ".join(shown), shown_as=InvalidArgumentError.shown_as)


class OutOfBounds(SmcliError):
    """A tensor holds NaN, an infinity or a huge number, for which an approximate way of computing is not made: the run
    is to be repeated by NumPy."""
