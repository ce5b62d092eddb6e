"""Documents cut to sentence fragments: up to and with what may end a sentence, and the brackets that follow it.

Sources: sentence_fragmenter.cc and sentence_fragmenter_v2.cc of TensorFlow Text. Both run one small machine: text, then
terminal punctuation, then closing punctuation. Version 1 goes over tokens, version 2 over the bytes of the document.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from smcli.errors import InternalError, InvalidArgumentError
from smcli.kernels._bytes import as_list
from smcli.kernels._encodings import codec_of, decode_one
from smcli.kernels.context import Array
from smcli.kernels.registry import kernel
from smcli.kernels.text._rows import vector
from smcli.kernels.text._unicode import CLOSE, OPEN, PUNCTUATION, SPACE, TERMINAL, flag_bytes
from smcli.kernels.unicode import check_replacement

DEVIATIONS = {"SentenceFragments": "encodings are known that TensorFlow Text's ICU has no tables for"}

# Properties of fragments
_TERMINAL, _MULTIPLE, _HAS_CLOSE, _SENTENTIAL = 1, 2, 4, 8
# Properties of tokens
_EMOTICON, _ACRONYM = 0x80, 0x100
_ELLIPSIS = 0x2026
_EMOTICONS = r"""
:(:) :) :( :o) :] :3 :> =] =) :} :^) :-D :-))))) :-)))) :-))) :-)) :-) >:[ :-( :( :-c :c :-< :< :-[ :[ :{ ;( :-|| :@
>:( :'-( :'( :'-) :') D:< >:O :-O :-o :* :-* :^* ;-) ;) *-) *) ;-] ;] ;^) :-, >:P :-P :p =p :-p =p :P =P ;p ;-p ;P ;-P
>:\ >:/ :-/ :-. :/ :\ =/ =\ :| :-| :$ :-# :# O:-) 0:-) 0:) 0;^) >:) >;) >:-) }:-) }:) 3:-) >_>^ ^<_< |;-) |-O :-J :-& :&
#-) <3 8-) ^_^ :D :-D =D ^_^;; O=) }=) B) B-) =| -_- o_o; u_u :-\ :s :S :-s :-S ;* ;-*=( >.< >:-( >:( >=( ;_; T_T ='(
>_< D: :o :-o =o o.o :O :-O =O O.O x_x X-( X( X-o X-O :X) (=^.^=) (=^..^=) =^_^= -<@% :(|) (]:{ <\3 ~@~ 8'( XD DX
"""
_EMOTICON_PATTERN = re.compile(b"|".join(re.escape(face.encode()) for face in _EMOTICONS.split()))
_STARTS = b"".join(sorted({re.escape(face[:1].encode()) for face in _EMOTICONS.split()}))
_CANDIDATE_PATTERN = re.compile(rb"(?=[A-Z]\.[A-Z]\.)|(?=[" + _STARTS + rb"])(?=" + _EMOTICON_PATTERN.pattern + rb")")
_ACRONYM_PATTERN = re.compile(rb"(?:[A-Z]\.){2,}")

Fragment = tuple[int, int, int, int]  # start, end, properties, terminal punctuation


@dataclass(frozen=True, slots=True)
class _Match:
    """How far a fragment goes: where the terminal and the closing punctuation start (-1: not yet), and its end."""

    terminal: int = -1
    close: int = -1
    end: int = -1
    closing: bool = False

    def advanced(self, index: int, size: int, ends: bool, continues: bool, closes: bool) -> _Match | None:
        """The match with one more item, or None when that does not fit.

        ends: the item is terminal punctuation, an acronym or an emoticon, with which the end begins; continues: it may
        stand among terminal punctuation; closes: it is closing punctuation.
        """
        terminal, close, closing = self.terminal, self.close, self.closing
        if terminal < 0:
            terminal = index if ends else -1
        elif not closing and not continues:
            if not closes:
                return None
            close, closing = index, True
        end = index + size
        if terminal >= 0 and not closing:
            close = end
        return _Match(terminal, close, end, closing)


def _boundary(
    start: int,
    count: int,
    allowed: Callable[[int], bool],
    advance: Callable[[_Match, int], _Match | None],
    skip: Callable[[int], int],
) -> _Match:
    """The longest match from `start` on. What may not follow a space after the end of a sentence ends the match.

    skip: from a place to the first from it on where terminal punctuation may begin.
    """
    current, before = _Match(), _Match()
    at = start
    while at < count:
        if current.terminal >= 0 and at > start:
            if not allowed(at):
                break
            before = current
        elif current.terminal < 0 and (after := skip(at)) > at:
            current, at = _Match(end=after), after
            continue
        following = advance(current, at)
        if following is not None:
            current = following
            at = current.end
        elif before.terminal >= 0:
            return before
        else:
            current = _Match()
    return current


# Version 1: tokens


@dataclass(frozen=True, slots=True)
class _Word:
    terminal: bool
    ellipsis: bool
    close: bool
    open: bool
    emoticon: bool = False
    acronym: bool = False


def _word(word: bytes, codec: str) -> _Word:
    """What a token is, by its only character or as a whole."""
    codes = decode_one(word, codec)[0]
    if not len(codes):
        raise InternalError("Failed to decode string, error status=8")
    code = int(codes[0])
    flags = flag_bytes()[code] if len(codes) == 1 and code >= 0 else 0
    ellipsis = word == b"..." or (len(codes) == 1 and code == _ELLIPSIS)
    return _Word(bool(flags & TERMINAL) or ellipsis, ellipsis, bool(flags & CLOSE), bool(flags & OPEN))


def _fragments_of_tokens(words: list[_Word]) -> list[Fragment]:
    def allowed(index: int) -> bool:
        word = words[index]
        return word.emoticon or word.terminal or word.close

    def advance(match: _Match, index: int) -> _Match | None:
        word = words[index]
        if match.closing and not (word.close or word.ellipsis or word.emoticon):
            return None
        return match.advanced(
            index, 1, word.terminal or word.acronym or word.emoticon, word.terminal or word.emoticon, word.close
        )

    fragments = []
    sentential = False  # whether the last open bracket stood at the start of its fragment
    start = 0
    while start < len(words):
        match = _boundary(start, len(words), allowed, advance, lambda at: at)
        opened = next((index for index in range(match.end - 1, start - 1, -1) if words[index].open), None)
        if opened is not None:
            sentential = opened == start
        properties, punctuation = 0, -1
        if match.terminal >= 0:
            properties = _TERMINAL
            # An ellipsis before an unambiguous mark belongs to the sentence.
            last = match.close - 1
            vague = next(
                (i for i in range(last, match.terminal - 1, -1) if words[i].ellipsis or words[i].emoticon), last
            )
            punctuation = match.terminal if vague == last else vague + 1
            rest = words[match.terminal + 1 : match.close]
            if any(word.terminal and not word.ellipsis and not word.emoticon for word in rest):
                properties |= _MULTIPLE
            if any(word.close for word in words[match.close : match.end]):
                properties |= _HAS_CLOSE | (_SENTENTIAL if sentential else 0)
        fragments.append((start, match.end, properties, punctuation))
        start = match.end
    return fragments


def _outputs(rows: list[list[Fragment]]) -> tuple[Array, ...]:
    fragments = np.array([fragment for row in rows for fragment in row], np.int64).reshape(-1, 4)
    return (*fragments.T.copy(), np.array([len(row) for row in rows], np.int64))


@kernel("SentenceFragments")
def sentence_fragments(
    row_lengths: Array,
    token_start: Array,
    token_end: Array,
    token_word: Array,
    token_properties: Array,
    *,
    input_encoding: str,
    replacement_char: int = 0xFFFD,
) -> tuple[Array, ...]:
    """Start, end, properties and terminal punctuation of each fragment, as numbers of tokens; fragments per row."""
    check_replacement(replacement_char)
    codec = codec_of(input_encoding)
    lengths = vector(row_lengths, "'row_lengths'").tolist()
    properties = vector(token_properties, "'token_properties'").tolist()
    tokens = as_list(vector(token_word, "'token_word'"))
    sizes = {len(vector(token_start, "'token_start'")), len(vector(token_end, "'token_end'")), len(tokens)}
    if sizes != {sum(lengths)} or len(properties) < len(tokens) or min(lengths, default=0) < 0:
        raise InvalidArgumentError(
            f"num_elements({sum(lengths)}), token_start({np.size(token_start)}), token_end({np.size(token_end)}), "
            f"token_word({len(tokens)}), token_properties({len(properties)}) must all be the same size."
        )
    known: dict[bytes, _Word] = {}
    words = []
    for token, bits in zip(tokens, properties, strict=False):
        word = known.get(token)
        if word is None:
            word = known[token] = _word(token, codec)
        if bits & (_EMOTICON | _ACRONYM):
            acronym = bool(bits & _ACRONYM) and token.endswith(b".")
            word = replace(word, emoticon=bool(bits & _EMOTICON), acronym=acronym)
        words.append(word)
    rows = []
    start = 0
    for length in lengths:
        rows.append(_fragments_of_tokens(words[start : start + length]))
        start += length
    return _outputs(rows)


# Version 2: bytes


class _Document:
    """The bytes of a document, and at each what starts there. Bytes inside of a character start nothing."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        codes, offsets = decode_one(text, "utf-8")
        flags = np.frombuffer(flag_bytes(), np.uint8)
        at_byte = np.zeros(len(text) + 1, np.uint8)
        at_byte[offsets] = np.where(codes >= 0, flags[np.maximum(codes, 0)], 0)
        size = np.ones(len(text) + 1, np.int64)
        size[offsets] = np.diff(offsets, append=len(text))
        self.flags = at_byte.tobytes()
        self.sizes = size.tolist()
        self.ellipses = {match.start() for match in re.finditer(rb"(?=\.\.\.)", text)}
        self.ellipses.update(offsets[codes == _ELLIPSIS].tolist())

        candidates = {match.start() for match in _CANDIDATE_PATTERN.finditer(text)} | self.ellipses
        candidates.update(np.flatnonzero(at_byte & TERMINAL).tolist())
        self.candidates = sorted(candidates)

    def skip(self, at: int) -> int:
        found = bisect_left(self.candidates, at)
        return self.candidates[found] if found < len(self.candidates) else len(self.text)

    def emoticon(self, at: int) -> int:
        """The length of the emoticon at a place, 0 for none."""
        match = _EMOTICON_PATTERN.match(self.text, at)
        return match.end() - at if match else 0

    def ellipsis(self, at: int) -> int:
        return 3 if at in self.ellipses else 0  # both kinds have three bytes

    def allowed(self, at: int) -> bool:
        return bool(self.flags[at] & (TERMINAL | CLOSE)) or self.ellipsis(at) > 0 or self.emoticon(at) > 0

    def advance(self, match: _Match, at: int) -> _Match | None:
        flags, size = self.flags[at], 1
        terminal = bool(flags & TERMINAL) or at in self.ellipses
        close = bool(flags & CLOSE)
        if terminal or close:
            size = self.sizes[at]
        ellipsis = self.ellipsis(at)
        if ellipsis and not close:
            size = ellipsis
        acronym = _ACRONYM_PATTERN.match(self.text, at)
        if acronym:
            terminal, size = False, acronym.end() - at
        emoticon = self.emoticon(at)
        if emoticon:
            terminal, size = False, emoticon
        if match.closing and not (close or ellipsis or emoticon):
            return None
        return match.advanced(
            at, size, terminal or acronym is not None or emoticon > 0, terminal or emoticon > 0, close
        )

    def _terminal_punctuation(self, match: _Match) -> int:
        for at in range(match.close, match.terminal, -1):
            if self.ellipsis(at) or self.emoticon(at):
                return match.terminal if at == match.close else at
        return match.terminal

    def _has_more_punctuation(self, match: _Match) -> bool:
        """Whether a second mark that is no ellipsis and no emoticon stands in the end."""
        at = match.terminal
        at += max(self.ellipsis(at) - 1, 0)
        at += max(self.emoticon(match.terminal) - 1, 0)
        at += 1
        while at < match.close:
            is_mark = bool(self.flags[at] & (PUNCTUATION | TERMINAL)) or self.text[at] in b"`<>~"
            ellipsis = self.ellipsis(at)
            at += max(ellipsis - 1, 0)
            emoticon = self.emoticon(at - max(ellipsis - 1, 0))
            at += max(emoticon - 1, 0)
            if is_mark and not ellipsis and not emoticon:
                return True
            at += 1
        return False

    def fragments(self) -> list[Fragment]:
        found = []
        at, count = 0, len(self.text)
        while at < count:
            if self.flags[at] & SPACE:
                at += 1
                continue
            match = _boundary(at, count, self.allowed, self.advance, self.skip)
            properties, punctuation = 0, -1
            if match.terminal >= 0:
                properties, punctuation = _TERMINAL, self._terminal_punctuation(match)
                if self._has_more_punctuation(match):
                    properties |= _MULTIPLE
                if any(self.flags[i] & CLOSE for i in range(match.close, min(match.end, count))):
                    properties |= _HAS_CLOSE  # never sentential: the kernel does not look at the first byte
            found.append((at, match.end, properties, punctuation))
            at = match.end
        return found


@kernel("SentenceFragmentsV2")
def sentence_fragments_v2(doc: Array) -> tuple[Array, ...]:
    """As SentenceFragments, by bytes of each document."""
    return _outputs([_Document(text).fragments() for text in as_list(vector(doc, "doc"))])
