"""What normalisation does to which bytes: the edits that ICU records, span by span.

ICU copies what needs no work and replaces spans between boundaries as wholes. How long the spans are decides to which
byte of the source a byte of the result belongs. Source: composeUTF8 and decomposeUTF8 in ICU's normalizer2impl.cpp;
when a character has a boundary after it is worked out by ICU's gennorm2, in mappingHasCompBoundaryAfter.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np

from smcli.kernels.context import Array
from smcli.kernels.text._unicode import Form, combining_class, decompose, encoded, newer_canonical, normalize, reordered

_LEADING = range(0x1100, 0x1113)  # Hangul: leading consonants, vowels, trailing consonants
_VOWELS = range(0x1161, 0x1176)
_TRAILING = range(0x11A8, 0x11C3)
_SYLLABLES = range(0xAC00, 0xD7A4)


@dataclass(frozen=True, eq=False, slots=True)
class OffsetsMap:
    """Spans of the result: where each starts in the source and in the result (both with the end added), and whether it
    was changed."""

    source: Array
    result: Array
    changed: Array

    def source_offsets(self, offsets: Array) -> Array:
        """The byte of the source that each byte of the result comes from; the end of its span inside of a changed
        one."""
        spans = np.searchsorted(self.result, offsets, side="right") - 1
        last = len(self.changed)
        inside = np.clip(spans, 0, max(last - 1, 0))
        found = self.source[np.clip(spans, 0, last)].copy()
        beyond = offsets - self.result[inside]
        in_span = (spans >= 0) & (spans < last) & (beyond > 0)
        if last:
            moved = np.where(self.changed[inside], self.source[inside + 1] - self.source[inside], beyond)
            found[in_span] += moved[in_span]
        found[offsets < 0] = 0
        return found


class _Spans:
    """Collects edits of a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lengths: list[tuple[int, int, bool]] = []

    def keep(self, start: int, end: int) -> None:
        if start < end:
            size = len(encoded(self.text[start:end]))
            if self.lengths and not self.lengths[-1][2]:
                size += self.lengths.pop()[0]
            self.lengths.append((size, size, False))

    def replace(self, start: int, end: int, new: str) -> None:
        self.lengths.append((len(encoded(self.text[start:end])), len(encoded(new)), True))

    def map(self) -> OffsetsMap:
        sizes = np.array(self.lengths, np.int64).reshape(len(self.lengths), 3)
        starts = np.zeros((len(sizes) + 1, 2), np.int64)
        np.cumsum(sizes[:, :2], axis=0, out=starts[1:])
        return OffsetsMap(starts[:, 0].copy(), starts[:, 1].copy(), sizes[:, 2].astype(bool))


@cache
def _compositions() -> dict[str, dict[str, str]]:
    """For each character that composes with a following one: what it composes with, and to what. Without Hangul."""
    table: dict[str, dict[str, str]] = {}
    for code in range(0xC0, 0x30000):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            first, second = (chr(int(part, 16)) for part in parts)
            if unicodedata.normalize("NFC", first + second) == chr(code):
                table.setdefault(first, {})[second] = chr(code)
    for char, pair in newer_canonical().items():
        table.setdefault(pair[0], {})[pair[1]] = char
    return table


@cache
def _combining_back() -> frozenset[str]:
    """Characters that compose with one before them."""
    found = {second for row in _compositions().values() for second in row}
    return frozenset(found.union(map(chr, _VOWELS), map(chr, _TRAILING)))


def _marks_between(starter: str, low: int, high: int) -> bool:
    """Whether the starter composes with a mark whose class is between the two."""
    return any(low < combining_class(second) < high for second in _compositions().get(starter, ()))


def _mapping_has_boundary_after(chars: str, one_way: bool) -> bool:
    """Whether what follows a character can not change what its decomposition composes to."""
    classes = [combining_class(char) for char in chars]
    starters = [index for index, cc in enumerate(classes) if not cc]
    if not starters:
        return False
    last_starter, last = starters[-1], len(chars) - 1
    if one_way and last_starter < last and classes[last] > 1:
        return False
    starter = chars[last_starter]
    if last_starter == 0 and starter in _combining_back():
        return False
    after_leading = last_starter > 0 and ord(chars[last_starter - 1]) in _LEADING
    if ord(starter) in _LEADING or (ord(starter) in _VOWELS and after_leading):
        return last_starter != last
    at = last_starter
    while at and not classes[at - 1] and not 0x1100 <= ord(chars[at - 1]) <= 0x11FF:
        at -= 1
        starter = chars[at]
    forward = _compositions()
    if at == last_starter and starter not in forward:
        return True
    previous = 0
    while (at := at + 1) < len(chars):
        cc = classes[at]
        if at > last_starter and _marks_between(starter, previous, cc):
            return False
        joined = forward.get(starter, {}).get(chars[at]) if previous < cc or previous == 0 else None
        if joined is not None:
            starter = joined
            if at >= last_starter and starter not in forward:
                return True
        elif cc == 0:
            starter = chars[at]
            if at == last_starter and starter not in forward:
                return True
            previous = 0
        else:
            previous = cc
    return previous != 0 and not _marks_between(starter, previous, 256)


@dataclass(frozen=True, slots=True)
class _Properties:
    """Of a character in a composing form. settled: it stays as it is, and composes with nothing before it; mark: it has
    a class or composes back; back: it, or what it decomposes to, composes back; before, after: whether there is a
    boundary; direct: ICU maps it without looking at what follows, if there is a boundary after it.
    """

    settled: bool = False
    mark: bool = False
    back: bool = False
    before: bool = False
    after: bool = False
    direct: bool = False


@cache
def _properties(char: str, form: Form) -> _Properties:
    whole = decompose(char, form == "NFKC")
    back = whole[:1] in _combining_back()
    changes = normalize(char, form) != char
    if not changes and (back or combining_class(char)):
        return _Properties(mark=True, back=back)
    if whole == char:
        after = char not in _compositions() and ord(char) not in _LEADING
        return _Properties(settled=True, before=True, after=after)
    if ord(char) in _SYLLABLES:
        return _Properties(settled=True, before=True, after=(ord(char) - _SYLLABLES[0]) % 28 > 0)
    after = char not in _compositions() and _mapping_has_boundary_after(whole, changes)
    if not changes:
        return _Properties(settled=True, before=True, after=after)
    before = bool(whole) and not back and not combining_class(whole[0])
    return _Properties(before=before, after=after, direct=before and normalize(whole, form) == whole)


def _compose(text: str, form: Form) -> _Spans:
    spans = _Spans(text)
    at, count = 0, len(text)
    properties = [_properties(char, form) for char in text]
    while at < count:
        start = at
        while at < count and properties[at].settled:
            at += 1
        if at == count:
            spans.keep(start, count)
            break
        current = properties[at]
        begin = at - 1 if at > start and not current.before and not properties[at - 1].after else at
        spans.keep(start, begin)
        following = at + 1
        code = ord(text[at])
        if not current.mark:
            if current.direct and (current.after or at + 1 == count or properties[at + 1].before):
                spans.replace(at, at + 1, normalize(text[at], form))
                at += 1
                continue
        elif code in _VOWELS and begin < at:
            if ord(text[begin]) in _LEADING and following < count and ord(text[following]) in _TRAILING:
                spans.replace(begin, following + 1, normalize(text[begin : following + 1], form))
                at = following + 1
                continue
        elif code in _TRAILING and begin < at:
            if ord(text[begin]) in _SYLLABLES and (ord(text[begin]) - 0xAC00) % 28 == 0:
                spans.replace(begin, following, normalize(text[begin:following], form))
                at = following
                continue
        elif not current.back:
            last = combining_class(text[at])
            while following < count and properties[following].mark and not properties[following].back:
                cc = combining_class(text[following])
                if cc < last:
                    break
                last = cc
                following += 1
            if following == count or properties[following].before:
                spans.keep(begin, following)
                at = following
                continue
        while following < count and not properties[following].before:
            following += 1
            if not properties[following - 1].mark and properties[following - 1].after:
                break
        old, new = text[begin:following], normalize(text[begin:following], form)
        if old == new:
            spans.keep(begin, following)
        else:
            spans.replace(begin, following, new)
        at = following
    return spans


def _decompose(text: str, form: Form) -> _Spans:
    compatible = form == "NFKD"
    spans = _Spans(text)
    whole = [decompose(char, compatible) for char in text]
    lead = [combining_class(chars[0]) if chars else 0 for chars in whole]
    boundary = at = previous = 0
    count = len(text)
    while at < count:
        start = at
        while at < count and not lead[at] and whole[at] == text[at]:
            at += 1
        if at == count:
            break
        if at > start:
            spans.keep(boundary, at)
            boundary, previous = at, 0
        current = at
        at += 1
        decomposes = whole[current] != text[current]
        if not decomposes and previous <= lead[current]:
            previous = lead[current]
            if previous <= 1:
                spans.keep(boundary, at)
                boundary = at
            continue
        if boundary < current and not lead[current]:
            spans.keep(boundary, current)
            boundary = current
        buffer = reordered("".join(whole[boundary:at]))
        while at < count and combining_class(buffer[-1]) > 1 and lead[at]:
            buffer = reordered([*buffer, *whole[at]])
            at += 1
        new = "".join(buffer)
        if not decomposes and new == text[boundary:at]:
            spans.keep(boundary, at)
        else:
            spans.replace(boundary, at, new)
        boundary, previous = at, 0
    spans.keep(boundary, count)
    return spans


def offsets_map(text: str, form: Form) -> OffsetsMap:
    """The edits that bring `text` into a form."""
    if text.isascii() or normalize(text, form) == text:
        spans = _Spans(text)
        spans.keep(0, len(text))
        return spans.map()
    return (_compose if form.endswith("C") else _decompose)(text, form).map()
