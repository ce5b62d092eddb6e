"""All fuzz targets, by name: `TARGETS`."""

from fuzz import inputs, kernels, saved_models, storage, text
from fuzz.registry import TARGETS, Target

__all__ = ["TARGETS", "Target", "inputs", "kernels", "saved_models", "storage", "text"]
