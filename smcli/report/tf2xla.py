"""The config.pbtxt that tells tfcompile which nodes of a frozen graph to feed and to fetch.

The message is tf2xla.Config of tensorflow/compiler/tf2xla/tf2xla.proto, written as protobuf's text format writes it.
"""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf import text_encoding

from smcli.errors import SmcliError
from smcli.proto.graph_pb2 import NodeDef
from smcli.proto.saved_model_pb2 import SignatureDef, TensorInfo
from smcli.proto.types_pb2 import DataType as DataTypeProto
from smcli.proto.types_pb2 import TensorShapeProto


def config_text(signature: SignatureDef, fed_variables: Iterable[tuple[NodeDef, bool]]) -> str:
    """The config of a signature whose `fed_variables`, (node, whether it is changed), are parameters.

    Raises SmcliError, shown as TypeError, when the signature names an operation in place of a tensor.
    """
    parts = [_tensor("feed", key, signature.inputs[key]) for key in sorted(signature.inputs)]
    parts += [_tensor("fetch", key, signature.outputs[key]) for key in sorted(signature.outputs)]
    parts += [_variable(node, is_changed) for node, is_changed in fed_variables]
    return "".join(parts)


def _tensor(kind: str, key: str, info: TensorInfo) -> str:
    node, colon, index = info.name.rpartition(":")
    if not colon:  # the original reads the index of an operation, which has none
        message = "int() argument must be a string, a bytes-like object or a real number, not 'NoneType'"
        hint = f"{kind}_{key} is the operation {info.name!r}, not one of its outputs; it can not stand in the config."
        raise SmcliError(message, shown_as="TypeError", hint=hint)
    output = f"    output_index: {int(index)}\n" if int(index) else ""
    identity = f"  id {{\n    node_name: {_quoted(node)}\n{output}  }}\n"
    name = f"  name: {_quoted(f'{kind}_{key}'.replace('/', '_'))}\n"
    shape = _shape(info.tensor_shape)
    body = identity + shape + name if kind == "feed" else identity + name + shape
    return f"{kind} {{\n{body}  type: {DataTypeProto.Name(info.dtype)}\n}}\n"


def _variable(node: NodeDef, is_changed: bool) -> str:
    name = f"param_{node.name}".replace("/", "_")
    body = f"  node_name: {_quoted(node.name)}\n  name: {_quoted(name)}\n{_shape(node.attr['shape'].shape)}"
    body += f"  type: {DataTypeProto.Name(node.attr['dtype'].type)}\n"
    return f"variable {{\n{body}{'' if is_changed else '  readonly: true' + chr(10)}}}\n"


def _shape(shape: TensorShapeProto) -> str:
    dims = "".join(
        [f"    dim {{\n      size: {dim.size}\n    }}\n" if dim.size else "    dim {\n    }\n" for dim in shape.dim]
    )
    rank = "    unknown_rank: true\n" if shape.unknown_rank else ""
    return f"  shape {{\n{dims}{rank}  }}\n"


def _quoted(text: str) -> str:
    return f'"{text_encoding.CEscape(text.encode(), as_utf8=False)}"'
