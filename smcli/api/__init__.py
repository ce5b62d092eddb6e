"""The Python side of smcli: `smcli.load` gives a SavedModel whose signatures and functions can be called."""

from smcli.api.composites import IndexedSlices, RaggedTensor, SparseTensor
from smcli.api.functions import ConcreteFunction, RestoredFunction, Signature
from smcli.api.loaded import LoadedModel, PrunedFunction, TrackableObject, load
from smcli.api.variables import Variable

__all__ = [
    "ConcreteFunction",
    "IndexedSlices",
    "LoadedModel",
    "PrunedFunction",
    "RaggedTensor",
    "RestoredFunction",
    "Signature",
    "SparseTensor",
    "TrackableObject",
    "Variable",
    "load",
]
