"""FastBertNormalize: each character replaced by what a model says.

Source: fast_bert_normalizer.h of TensorFlow Text. The model's fields: whether it lowers case, a trie from characters to
places in a pool of text, the same for U+0000, the pool.
"""

from __future__ import annotations

import numpy as np

from smcli.errors import InvalidArgumentError
from smcli.kernels._bytes import as_list, lengths_of
from smcli.kernels._encodings import decode_all
from smcli.kernels.context import Array, Context
from smcli.kernels.registry import kernel
from smcli.kernels.text._flatbuffer import root
from smcli.kernels.text._models import model_of
from smcli.kernels.text._rows import splits_of, strings, vector
from smcli.kernels.text._trie import Trie
from smcli.kernels.text._unicode import decoded, encoded

_DIFFERENT = 0x40000000
_LENGTH = 0x3F
_OFFSET = 0xFFFFFF


class Replacements(dict[int, str]):
    """Code point to its replacement, for str.translate; looked up in the model when first asked for."""

    def __init__(self, model: bytes) -> None:
        super().__init__()
        table = root(model, "fast_bert_normalizer_model")
        self._trie = Trie(table.vector(1, "<u4"))
        self._zero: int = table.scalar(2, "<i")
        self._pool = table.vector(3, "u1").tobytes()
        self.replaced: set[int] = set()

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if 0xD800 <= code <= 0xDFFF:  # a byte that is no character
            data = 0
        elif code == 0:
            data = self._zero
        else:
            node = self._trie.walk(0, char.encode())
            data = 0 if node < 0 else max(self._trie.value(node), 0)
        text = char
        if data & _DIFFERENT:
            start, length = data >> 6 & _OFFSET, data & _LENGTH
            if length and start + length > len(self._pool):
                raise InvalidArgumentError(f"The model replaces U+{code:04X} by text outside of its pool")
            text = decoded(self._pool[start : start + length])
            self.replaced.add(code)
        self[code] = text
        return text


def _offsets(values: list[bytes], table: Replacements) -> tuple[Array, Array]:
    """For each byte of the normalised strings, and for their ends, the byte of the original that it comes from; row
    splits."""
    codes, places, counts = decode_all(values, "UTF-8")
    lengths = lengths_of(values)
    kinds, which = np.unique(codes, return_inverse=True)
    # Mistakes (-1) and characters that stay keep each byte's own place.
    texts = ["" if code < 0 else table[code] for code in kinds.tolist()]
    stays = np.array([code not in table.replaced for code in kinds.tolist()], bool)[which]
    sizes = np.array([len(encoded(text)) for text in texts], np.int64)[which]
    ends = np.append(places[1:], 0)
    last = np.cumsum(counts)[counts > 0] - 1
    ends[last] = lengths[counts > 0]
    sizes = np.where(stays, ends - places, sizes)
    # one more for the end of each string
    rows = np.repeat(np.arange(len(values)), counts)
    per_row = np.bincount(rows, weights=sizes, minlength=len(values)).astype(np.int64) + 1
    splits = splits_of(per_row)
    result = np.empty(splits[-1], np.int64)
    at_end = np.zeros(len(result), bool)
    at_end[splits[1:] - 1] = True
    within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    result[~at_end] = np.repeat(places, sizes) + np.where(np.repeat(stays, sizes), within, 0)
    result[at_end] = lengths
    return result, splits


@kernel("FastBertNormalize", "TFText>FastBertNormalize")
def fast_bert_normalize(
    input_values: Array, fast_bert_normalizer_model: Array, *, get_offsets: bool = False, context: Context
) -> tuple[Array, Array, Array]:
    """Normalised strings, offsets to the original for each byte and the end, row splits (zeros without offsets)."""
    values = as_list(vector(input_values, "Input values"))
    table = model_of(fast_bert_normalizer_model, Replacements, context)
    normalized = [encoded(decoded(value).translate(table)) for value in values]
    if get_offsets:
        offsets, splits = _offsets(values, table)
    else:
        offsets, splits = np.zeros(0, np.int64), np.zeros(len(values) + 1, np.int64)
    return strings(normalized), offsets, splits
