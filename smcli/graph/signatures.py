"""Whether a node calls functions with the types that they declare.

TensorFlow finds out when the function is called; here it is found out when the plan of the caller is made. Sources:
tensorflow/core/common_runtime/process_function_library_runtime.cc, tensorflow/core/kernels/functional_ops.cc.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from smcli.errors import InternalError, InvalidArgumentError, NotFoundError, OpError
from smcli.graph import attrs as attr_values
from smcli.graph.graph import Graph, Node, arg_count
from smcli.kernels.context import FunctionRef
from smcli.proto.graph_pb2 import AttrValue
from smcli.tensors.types import DataType

_EXECUTORS = ("", b"", b"DEFAULT", b"SINGLE_THREADED_EXECUTOR")


class _Call(NamedTuple):
    """Attrs of an op that name functions, the types of what they are given, and those of what they are to return.

    before: types of arguments that come first, and that no attr names. error: what a misfit of results raises.
    """

    functions: tuple[str, ...]
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    before: tuple[DataType, ...] = ()
    error: type[OpError] = InternalError


_PLAIN = _Call(("f",), ("Tin",), ("Tout",))
_IF = _Call(("then_branch", "else_branch"), ("Tin",), ("Tout",))
_CASE = _Call(("branches",), ("Tin",), ("Tout",))
_TEST = _Call(("cond",), ("T",), ())
_BODY = _Call(("body",), ("T",), ("T",), error=InvalidArgumentError)
_CALLS: dict[str, tuple[_Call, ...]] = {
    **dict.fromkeys(("PartitionedCall", "StatefulPartitionedCall", "RemoteCall"), (_PLAIN,)),
    **dict.fromkeys(("If", "StatelessIf"), (_IF,)),
    **dict.fromkeys(("Case", "StatelessCase"), (_CASE,)),
    **dict.fromkeys(("While", "StatelessWhile"), (_TEST, _BODY)),
    "For": (_Call(("body",), ("T",), ("T",), (DataType.INT32,), InvalidArgumentError),),
    "BatchFunction": (_Call(("f",), ("Tin", "Tcaptured"), ("Tout",)),),
    "MapDefun": (_Call(("f",), ("Targuments", "Tcaptured"), ("output_types",), error=InvalidArgumentError),),
}


def check_call(node: Node, graph: Graph) -> None:
    """Raise the error that TensorFlow raises when the functions that a node names take or return other types than the
    node says, or when it asks for a way to run them that there is none of. Any other node passes."""
    calls = _CALLS.get(node.op)
    if calls is None:
        return
    executor = node.attrs.get("executor_type")
    if executor is not None and executor.s not in _EXECUTORS:
        raise NotFoundError(f"Node '{node.name}': No executor factory registered for the type {executor.s!r}")
    if _text(node, "config") and _text(node, "config_proto"):
        raise InvalidArgumentError(f"Node '{node.name}': Provided both 'config' and 'config_proto'")
    for call in calls:
        given = [*call.before, *_types(node, call.takes)]
        returned = _types(node, call.gives)
        for ref in _functions(node, call.functions):
            function = graph.functions.get(ref.name)
            if function is None:
                continue  # whoever calls it says so
            bound = attr_values.bound_attrs(ref)
            where = f"Node '{node.name}': Function {ref.name}"
            at = _misfit(given, _declared(function.signature.input_arg, bound))
            if at is not None:
                raise InvalidArgumentError(f"{where}: arg[{at}] is not of the type {_name(given[at])}")
            at = _misfit(returned, _declared(function.signature.output_arg, bound))
            if at is not None:
                raise call.error(f"{where}: output {at} is not of the type {_name(returned[at])}")


def _text(node: Node, attr: str) -> bytes:
    value = node.attrs.get(attr)
    return value.s if value is not None else b""


def _name(number: int) -> str:
    return attr_values.data_type(number).tf_name


def _functions(node: Node, names: Iterable[str]) -> Iterable[FunctionRef]:
    for name in names:
        value = node.attrs.get(name)
        if value is None:
            continue
        for func in (value.func,) if value.WhichOneof("value") == "func" else value.list.func:
            yield attr_values.function_ref(func)


def _types(node: Node, names: Iterable[str]) -> list[int]:
    """The types in these attrs."""
    return [number for name in names if name in node.attrs for number in node.attrs[name].list.type]


def _declared(args: Iterable[Any], bound: dict[str, AttrValue]) -> list[int]:
    """The types of a function's arguments or results, 0 where a call leaves them open."""
    types: list[int] = []
    for arg in args:
        if arg.type_list_attr:
            types += bound[arg.type_list_attr].list.type if arg.type_list_attr in bound else ()
            continue
        one = bound[arg.type_attr].type if arg.type_attr in bound else arg.type
        types += [one] * (arg_count(arg, bound, None) if arg.number_attr in bound or not arg.number_attr else 0)
    return types


def _misfit(given: Sequence[int], declared: Sequence[int]) -> int | None:
    """The first place where two lists of types differ. Lists of different lengths are for others to find."""
    if len(given) != len(declared):
        return None
    return next((i for i, (a, b) in enumerate(zip(given, declared)) if a != b and a and b), None)
