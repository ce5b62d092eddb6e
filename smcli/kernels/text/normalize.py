"""Unicode normalisation and case folding of strings, and the way back from normalised to original offsets.

Source: normalize_kernels.cc of TensorFlow Text.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._bytes import as_list, map_bytes
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.kernels.text._edits import OffsetsMap, offsets_map
from smcli.kernels.text._rows import checked_splits
from smcli.kernels.text._unicode import Form, casefold, decoded, encoded, normalize

_FORMS: dict[str, Form] = {"NFC": "NFC", "NFD": "NFD", "NFKC": "NFKC", "NFKD": "NFKD"}


def _form(name: str, problem: str) -> Form:
    form = _FORMS.get(name.upper())
    if form is None:
        raise InvalidArgumentError(f"{problem}: {name.upper()}")
    return form


@kernel("CaseFoldUTF8")
def case_fold_utf8(input: Array) -> Array:
    """NFKC_Casefold of each string."""
    return map_bytes(lambda value: encoded(casefold(decoded(value))), input)


@kernel("NormalizeUTF8")
def normalize_utf8(input: Array, *, normalization_form: str) -> Array:
    """Each string in NFC, NFD, NFKC or NFKD."""
    form = _form(normalization_form, "Unknown normalization form requrested")
    return map_bytes(lambda value: encoded(normalize(decoded(value), form)), input)


@kernel("NormalizeUTF8WithOffsetsMap")
def normalize_utf8_with_offsets_map(input: Array, *, normalization_form: str) -> tuple[Array, Array]:
    """NormalizeUTF8, and for each string a variant that knows where its bytes come from."""
    form = _form(normalization_form, "Offset not supported for this normalization form")
    values = np.asarray(input, dtype=object)
    maps = np.empty(values.size, dtype=object)
    maps[:] = [offsets_map(decoded(value), form) for value in as_list(values)]
    return normalize_utf8(values, normalization_form=form), maps.reshape(values.shape)


@kernel("FindSourceOffsets")
def find_source_offsets(offsets_map: Array, input_offsets_values: Array, input_offsets_splits: Array) -> Array:
    """Offsets into normalised strings, in rows, as offsets into the originals.

    As in the kernel, a row without offsets takes no map, so there must be as many maps as rows that have some.
    """
    offsets = np.ravel(input_offsets_values).astype(np.int64)
    splits = checked_splits(input_offsets_splits, len(offsets), "input_offsets_splits").tolist()
    rows = [(start, end) for start, end in pairwise(splits) if start < end]
    maps = np.asarray(offsets_map, dtype=object).ravel().tolist()
    if len(rows) != len(maps):
        raise InvalidArgumentError("Input offset tensor dimension did not match the offset map dimension.")
    result = np.zeros(len(offsets), np.int64)
    place = 0
    for (start, end), edits in zip(rows, maps, strict=True):
        if not isinstance(edits, OffsetsMap):
            raise InvalidArgumentError(f"offsets_map holds {type(edits).__name__}, not what was normalised")
        result[place : place + end - start] = edits.source_offsets(offsets[start:end])
        place += end - start
    return result
