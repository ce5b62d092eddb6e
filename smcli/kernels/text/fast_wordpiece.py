"""Word pieces in linear time, by a trie with failure links: words, or whole texts, to pieces.

Source: fast_wordpiece_tokenizer.cc of TensorFlow Text; "Fast WordPiece Tokenization" (Song et al., 2021). The model
says what to pop and where to go on when the trie has no edge for the next byte.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from smcli.errors import FailedPreconditionError, InvalidArgumentError
from smcli.kernels._bytes import as_list
from smcli.kernels._encodings import decode_one
from smcli.kernels.context import Array, Context
from smcli.kernels.registry import kernel
from smcli.kernels.text._flatbuffer import root
from smcli.kernels.text._models import model_of
from smcli.kernels.text._rows import checked_splits, splits_of, strings, vector
from smcli.kernels.text._trie import Trie
from smcli.kernels.text._unicode import BREAKING, SPACE, flag_bytes

_NONE = 0xFFFFFFFF  # no node
_SUFFIX = 1 << 30
_CACHE = 100_000  # pieces of text whose tokens are kept

Tokens = list[tuple[bytes, int, int, int]]  # piece, id, start, end


class Model:
    """A FastWordpieceTokenizerConfig."""

    def __init__(self, data: bytes) -> None:
        table = root(data, "wp_model")
        self.trie = Trie(table.vector(0, "<u4"))
        links = table.vector(1, "<u8")
        self.failure = (links & np.uint64(_NONE)).tolist()
        self.pops = (links >> np.uint64(32)).tolist()
        self.pool = table.vector(2, "<i4").tolist()
        self.suffix_root: int = table.scalar(3, "<I")
        self.max_bytes: int = table.scalar(4, "<i")
        self.suffix = table.string(5)
        self.unknown = table.string(6)
        self.unknown_id: int = table.scalar(7, "<i")
        self.suffix_tokens = table.vector(8, "<i4").tolist()
        self.punctuation_node: int = table.scalar(9, "<I")
        self.whole_texts = table.flag(10)
        self.detokenizes = table.flag(11)
        self.vocabulary = table.strings(12)
        self.is_suffix = table.vector(13, "u1").tolist()
        self.cache: dict[bytes, Tokens] = {}
        self.chunks_depend = False  # whether tokens depend on what is beyond the next space


class _Word:
    """The tokens of one word, as they are found.

    base: where the word starts in its text. A token's place in the word is where the one before it ended.
    """

    def __init__(self, model: Model, text: bytes, base: int) -> None:
        self.model = model
        self.text = text
        self.base = base
        self.offset = 0
        self.tokens: Tokens = []
        # Each failure takes a byte off the word, or the damaged model goes round in a circle.
        self.failures = len(text) - base + len(model.suffix) + 1

    def add(self, code: int) -> None:
        model = self.model
        number = (code & 0x3FFFFFFF) >> 8
        length = (code & 0xFF) + 1
        if not self.offset and code & _SUFFIX:
            length += len(model.suffix)
        start = self.base + self.offset
        piece = model.unknown if number == model.unknown_id else self.text[start : start + length]
        self.tokens.append((model.suffix + piece if self.offset else piece, number, start, start + length))
        self.offset += length

    def follow(self, node: int) -> int:
        """Pop the tokens of a node and follow its failure link. -1 when there is none."""
        model = self.model
        value = model.trie.value(node)
        if node >= len(model.failure):
            if value >= 0:
                raise InvalidArgumentError(f"The wp_model has no failure link for node {node}")
            return -1
        link: int = model.failure[node]
        if value >= 0:
            self.add(value)
        elif link == _NONE:
            return -1
        else:
            start, length = model.pops[node] >> 8, (model.pops[node] & 0xFF) + 1
            if start + length > len(model.pool):
                raise InvalidArgumentError(f"The wp_model's node {node} pops tokens outside of the pool")
            for code in model.pool[start : start + length]:
                self.add(code)
        self.failures -= 1
        if self.failures < 0:
            raise InvalidArgumentError("The failure links of the wp_model go round in a circle")
        return link

    def unknown(self, end: int) -> tuple[bytes, int, int, int]:
        return self.model.unknown, self.model.unknown_id, self.base, end

    def finish(self, node: int, pending: bool = False) -> Tokens | None:
        """All tokens of the word, with the trie at `node` in the end; None for an unknown word.

        pending: there are tokens before the word that a word at the root has left (see `_tokenize_text`).
        """
        model = self.model
        if node == 0:
            return self.tokens
        if node == model.suffix_root and not self.tokens and not pending:
            # The word is the suffix indicator itself.
            codes = model.suffix_tokens
            if len(codes) == 1 and (codes[0] & 0x3FFFFFFF) >> 8 == model.unknown_id:
                return None
            for code in codes:
                self.add(code)
            return self.tokens
        while node not in (model.suffix_root, model.punctuation_node):
            node = self.follow(node)
            if node < 0:
                return None
        return self.tokens


def _tokenize_word(model: Model, text: bytes) -> Tokens:
    """The tokens of a text that is one word."""
    if not text:
        return []
    word = _Word(model, text, 0)
    if len(text) > model.max_bytes:
        return [word.unknown(len(text))]
    step = model.trie.step
    node = 0
    for byte in text:
        following = step(node, byte)
        while following < 0:
            node = word.follow(node)
            if node < 0:
                return [word.unknown(len(text))]
            following = step(node, byte)
        node = following
    found = word.finish(node)
    return [word.unknown(len(text))] if found is None else found


def _properties(text: bytes) -> tuple[list[int], list[int]]:
    """For each character of a text its properties (see `_unicode.flags`) and where it ends."""
    flags = flag_bytes()
    if text.isascii():
        return [flags[byte] for byte in text], list(range(1, len(text) + 1))
    codes, offsets = decode_one(text, "utf-8")
    return [flags[code] if code >= 0 else 0 for code in codes.tolist()], [*offsets[1:].tolist(), len(text)]


def _tokenize_text(model: Model, text: bytes) -> Tokens:
    """The tokens of a text, which is cut at white space and around punctuation on the way.

    As in the kernel, an unknown word takes the place of tokens that are not settled. Words that end at the root leave
    such: with an empty suffix indicator, that is where the words end.
    """
    properties, ends = _properties(text)
    walk = model.trie.walk
    tokens: Tokens = []
    at, count = 0, len(ends)
    before = seen = 0  # the properties of the characters that were looked at last
    settled = 0
    stuck = -1  # where a word was empty; a damaged model would stay there
    while at < count:
        base = ends[at - 1] if at else 0
        word = _Word(model, text, base)
        node, start = 0, base
        while at < count:
            end = ends[at]
            before, seen = seen, properties[at]
            if end - base > model.max_bytes:
                break
            character = text[start:end]
            following = walk(node, character)
            while following < 0:
                after = word.follow(node)
                if after < 0:
                    break
                node = after
                following = walk(node, character)
            if following < 0:
                break
            if properties[at] & SPACE:
                model.chunks_depend = True
            node, start = following, end
            at += 1
        if at >= count or seen & (SPACE | BREAKING) or (at and before & BREAKING):
            found = word.finish(node, len(tokens) > settled)
            if found is None:
                tokens[settled:] = [word.unknown(start if at < count else len(text))]
            else:
                tokens += found
            if node or found is None:
                settled = len(tokens)
            elif found:
                model.chunks_depend = True
            if at < count:
                at += bool(seen & SPACE)
                if at == stuck:
                    raise InvalidArgumentError("The wp_model has no entry for a punctuation mark")
                stuck = at if node == 0 else -1
            continue
        # An unknown character, or a word that is too long: all of the word is one unknown token.
        at += 1
        while at < count and not properties[at] & (SPACE | BREAKING):
            at += 1
        tokens[settled:] = [word.unknown(ends[at - 1])]
        settled = len(tokens)
        if at < count and properties[at] & SPACE:
            at += 1
    return tokens


def _tokenize_by_chunks(model: Model, text: bytes) -> Tokens:
    """`_tokenize_text` for most models: what is between spaces does not depend on the rest, and is remembered."""
    cache = model.cache
    tokens: Tokens = []
    base = 0
    for chunk in text.split(b" "):
        base_after = base + len(chunk) + 1
        if chunk:
            # The space belongs to the chunk: the trie is asked whether a word goes on across it.
            chunk += text[base_after - 1 : base_after]
            found = cache.get(chunk)
            if found is None:
                found = cache[chunk] = _tokenize_text(model, chunk)
                if model.chunks_depend:
                    return _tokenize_text(model, text)
            if base:
                tokens += [(piece, number, start + base, end + base) for piece, number, start, end in found]
            else:
                tokens += found
        base = base_after
    return tokens


def tokenize(model: Model, text: bytes) -> Tokens:
    """Pieces with their ids, first and last byte."""
    if len(model.cache) > _CACHE:
        model.cache.clear()
    if model.whole_texts:
        return (_tokenize_text if model.chunks_depend else _tokenize_by_chunks)(model, text)
    found = model.cache.get(text)
    if found is None:
        found = model.cache[text] = _tokenize_word(model, text)
    return found


@kernel("FastWordpieceTokenizeWithOffsets", "TFText>FastWordpieceTokenizeWithOffsets")
def fast_wordpiece_tokenize_with_offsets(
    input_values: Array, wp_model: Array, *, context: Context
) -> tuple[Array, Array, Array, Array, Array]:
    """Pieces, ids, row splits, first and last byte of each piece (all int64)."""
    model = model_of(wp_model, Model, context)
    rows = [tokenize(model, value) for value in as_list(vector(input_values, "input_values"))]
    tokens = [token for row in rows for token in row]
    numbers = np.array([token[1:] for token in tokens], np.int64).reshape(len(tokens), 3).T.copy()
    return strings([token[0] for token in tokens]), numbers[0], splits_of([len(row) for row in rows]), *numbers[1:]


@kernel("TFText>FastWordpieceDetokenize")
def fast_wordpiece_detokenize(
    input_values: Array, input_row_splits: Array, wp_model: Array, *, context: Context
) -> Array:
    """The text of each row of ids: suffixes joined to what is before them, words by spaces."""
    model = model_of(wp_model, Model, context)
    if not model.detokenizes:
        raise FailedPreconditionError(
            "Detokenize function is only enabled when support_detokenization is true in the config flatbuffer. Please "
            "rebuild the model flatbuffer by setting support_detokenization=true."
        )
    ids = vector(input_values, "input_values")
    size = min(len(model.vocabulary), len(model.is_suffix))
    if ids.size and not 0 <= ids.min() <= ids.max() < size:
        raise InvalidArgumentError(f"input_values must be ids of the {size} pieces of the model")
    splits = checked_splits(input_row_splits, len(ids), "input_row_splits").tolist()
    numbers = ids.tolist()
    texts = []
    for start, end in pairwise(splits):
        parts: list[bytes] = []
        for number in numbers[start:end]:
            if model.is_suffix[number]:
                if not parts:
                    parts.append(model.suffix)
            elif parts:
                parts.append(b" ")
            parts.append(model.vocabulary[number])
        texts.append(b"".join(parts))
    return strings(texts)
