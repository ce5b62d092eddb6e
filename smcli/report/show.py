"""The text of `show` and `scan`, character for character that of saved_model_cli.

Where the original prints a Python set or an unordered map, the text here is sorted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from smcli.errors import SmcliError

if TYPE_CHECKING:
    from smcli.proto.saved_model_pb2 import SignatureDef, TensorInfo


def tag_sets_text(tag_sets: Iterable[Sequence[str]]) -> str:
    """The tag-sets of a SavedModel; tags inside a set are sorted, the sets by their stored tags."""
    lines = [repr(", ".join(sorted(tags))) for tags in sorted([list(tags) for tags in tag_sets])]
    return _lines("The given SavedModel contains the following tag-sets:", *lines)


def signature_keys_text(keys: Iterable[str]) -> str:
    lines = [f'SignatureDef key: "{key}"' for key in sorted(keys)]
    return _lines("The given SavedModel MetaGraphDef contains SignatureDefs with the following keys:", *lines)


def signature_lines(signature: SignatureDef, indent: int = 0) -> Iterator[str]:
    """Inputs, outputs and method of a signature, line by line; `indent` counts steps of two spaces.

    Raises SmcliError at a tensor of unknown data type, when the lines before it have been given out.
    """
    space = "  " * indent
    for kind, tensors in (("input", signature.inputs), ("output", signature.outputs)):
        yield f"{space}The given SavedModel SignatureDef contains the following {kind}(s):\n"
        for line in _tensor_lines(f"{kind}s", tensors):
            yield f"{space}{line}\n"
    yield f"{space}Method name is: {signature.method_name}\n"


def meta_graph_title(tags: Sequence[str]) -> str:
    return f"\nMetaGraphDef with tag-set: '{', '.join(tags)}' contains the following SignatureDefs:\n"


def signature_title(key: str) -> str:
    return f"\nsignature_def['{key}']:\n"


def ops_text(tags: Sequence[str], ops: set[str]) -> str:
    return f"The MetaGraph with tag set {list(tags)} contains the following ops: {set_text(ops)}\n"


def scan_text(tags: Sequence[str], denied: set[str], found: set[str]) -> str:
    """The verdict on one MetaGraph. denied: the denylist; found: those of it that the graph uses."""
    if found:
        return f"MetaGraph with tag set {list(tags)} contains the following denylisted ops: {set_text(found)}\n"
    return f"MetaGraph with tag set {list(tags)} does not contain the default denylisted ops: {set_text(denied)}\n"


def set_text(items: set[str]) -> str:
    """A set as Python writes it, sorted."""
    return "{" + ", ".join(map(repr, sorted(items))) + "}" if items else "set()"


def _lines(*lines: str) -> str:
    return "".join([line + "\n" for line in lines])


def _tensor_lines(kind: str, tensors: Mapping[str, TensorInfo]) -> Iterator[str]:
    for key in sorted(tensors):
        info = tensors[key]
        yield f"  {kind}['{key}'] tensor_info:"
        yield f"      dtype: {_dtype_name(info.dtype)}"
        yield f"      shape: {_shape_text(info)}"
        yield f"      name: {info.name}"


def _dtype_name(number: int) -> str:
    from smcli.proto.types_pb2 import DataType

    try:
        return DataType.Name(number)
    except ValueError:
        hint = f"{number} is not the number of a data type; the signature is damaged or newer than smcli."
        raise SmcliError(str(number), shown_as="KeyError", hint=hint) from None


def _shape_text(info: TensorInfo) -> str:
    if info.tensor_shape.unknown_rank:
        return "unknown_rank"
    return f"({', '.join([str(dim.size) for dim in info.tensor_shape.dim])})"
