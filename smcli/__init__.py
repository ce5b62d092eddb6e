"""smcli shows, runs, scans and checks TensorFlow SavedModels without TensorFlow.

`smcli.load` is the way in from Python; see `smcli.api`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smcli.api import LoadedModel, RaggedTensor, SparseTensor, load

__version__ = "0.1.0"
__all__ = ["LoadedModel", "RaggedTensor", "SparseTensor", "__version__", "load"]

_FROM_API = frozenset(__all__) - {"__version__"}


def __getattr__(name: str) -> Any:
    # The command line imports this package too, and starts faster without the executor.
    if name in _FROM_API:
        from smcli import api

        return getattr(api, name)
    raise AttributeError(f"module 'smcli' has no attribute {name!r}")
