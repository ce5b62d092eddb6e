"""The requests in assets.extra/tf_serving_warmup_requests: what TensorFlow Serving replays when it loads a model."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from google.protobuf.message import DecodeError

from smcli.errors import DataLossError
from smcli.inputs.records import read_records
from smcli.kernels.context import Array
from smcli.proto.serving_pb2 import ExamplesRequest, PredictionLog
from smcli.tensors.wire import from_proto

WARMUP_FILE = os.path.join("assets.extra", "tf_serving_warmup_requests")
DEFAULT_SIGNATURE = "serving_default"


class Request(NamedTuple):
    """One request. inputs: by input key; for classification and regression, serialised tf.Examples under `inputs`."""

    signature: str
    inputs: dict[str, Array]


def warmup_requests(directory: str) -> Iterator[Request]:
    """The requests of a SavedModel directory; none when it has no such file. Kinds that hold no inputs are left out.

    Raises DataLossError for a damaged file.
    """
    path = os.path.join(directory, WARMUP_FILE)
    if not os.path.exists(path):
        return
    for number, record in enumerate(read_records(path)):
        try:
            log = PredictionLog.FromString(record)
        except DecodeError:
            raise DataLossError(f"{path}: record {number} is no PredictionLog") from None
        match log.WhichOneof("log_type"):
            case "predict_log":
                request = log.predict_log.request
                inputs = {key: from_proto(tensor) for key, tensor in request.inputs.items()}
                yield Request(request.model_spec.signature_name or DEFAULT_SIGNATURE, inputs)
            case "classify_log":
                yield _of_examples(log.classify_log.request)
            case "regress_log":
                yield _of_examples(log.regress_log.request)


def _of_examples(request: ExamplesRequest) -> Request:
    if request.input.WhichOneof("kind") == "example_list_with_context":
        context = request.input.example_list_with_context.context
        examples = list(request.input.example_list_with_context.examples)
        for example in examples:
            example.MergeFrom(context)
    else:
        examples = list(request.input.example_list.examples)
    serialised = np.empty(len(examples), dtype=object)
    serialised[:] = [example.SerializeToString(deterministic=True) for example in examples]
    return Request(request.model_spec.signature_name or DEFAULT_SIGNATURE, {"inputs": serialised})
