"""RE2 patterns as trees: the part of RE2's syntax (re2/doc/syntax.txt) whose meaning is beyond doubt.

`parse` raises `Unclear` for everything else, which then needs RE2 itself, and InvalidArgumentError for plain mistakes.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Union

from smcli.errors import InvalidArgumentError

MAX_RUNE = 0x10FFFF
MAX_REPEAT = 1000
Ranges = tuple[tuple[int, int], ...]


class Unclear(Exception):
    """The pattern is outside the subset."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of sorted, disjoint ranges of code points."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Assertion:
    """A place: text start or end, line start or end, word boundary or none."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A capturing group."""

    part: Node


@dataclass(frozen=True, slots=True)
class Repeat:
    """`most` is None for no limit."""

    part: Node
    least: int
    most: int | None
    greedy: bool


Node = Union[Chars, Assertion, Sequence, Choice, Group, Repeat]  # noqa: UP007 - a forward reference at run time

_DIGIT: Ranges = ((0x30, 0x39),)
_SPACE: Ranges = ((0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20))  # no vertical tab
_WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_PERL = {"d": _DIGIT, "s": _SPACE, "w": _WORD}
_UPPER: Ranges = ((0x41, 0x5A),)
_LOWER: Ranges = ((0x61, 0x7A),)
_POSIX: dict[str, Ranges] = {
    "alnum": ((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)),
    "alpha": ((0x41, 0x5A), (0x61, 0x7A)),
    "ascii": ((0x00, 0x7F),),
    "blank": ((0x09, 0x09), (0x20, 0x20)),
    "cntrl": ((0x00, 0x1F), (0x7F, 0x7F)),
    "digit": _DIGIT,
    "graph": ((0x21, 0x7E),),
    "lower": _LOWER,
    "print": ((0x20, 0x7E),),
    "punct": ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)),
    "space": ((0x09, 0x0D), (0x20, 0x20)),
    "upper": _UPPER,
    "word": _WORD,
    "xdigit": ((0x30, 0x39), (0x41, 0x46), (0x61, 0x66)),
}
_SIMPLE_ESCAPES = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_COUNT = re.compile(r"\{(\d+)(,(\d*))?\}")
_FLAGS = re.compile(r"\(\?([ims]*)(?:-([ims]+))?([:)])")
_NAMED = re.compile(r"\(\?P?<[A-Za-z0-9_]+>")
_CATEGORY = re.compile(r"\\([pP])(?:\{(\^?)([A-Za-z]+)\}|([A-Za-z]))")
_HEX = re.compile(r"\\x(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))")
_OCTAL = re.compile(r"\\(0[0-7]{0,2}|[1-7][0-7]{1,2})")


def merged(ranges: Any) -> Ranges:
    """Sorted, disjoint, and not touching."""
    result: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if result and low <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(high, result[-1][1]))
        else:
            result.append((low, high))
    return tuple(result)


def negated(ranges: Ranges) -> Ranges:
    result, start = [], 0
    for low, high in merged(ranges):
        if low > start:
            result.append((start, low - 1))
        start = high + 1
    if start <= MAX_RUNE:
        result.append((start, MAX_RUNE))
    return tuple(result)


@lru_cache(maxsize=64)
def category(name: str) -> Ranges:
    """The code points of a Unicode general category ("L", "Lu"). Raises Unclear for other names."""
    if name == "Any":
        return ((0, MAX_RUNE),)
    if name not in _CATEGORIES:
        raise Unclear(f"\\p{{{name}}}")
    wanted = re.escape("".join([code for kind, code in _CODES.items() if kind.startswith(name)]))
    ranges = []
    for first, codes in _scanned():
        ranges += [(first + found.start(), first + found.end() - 1) for found in re.finditer(f"[{wanted}]+", codes)]
    return merged([*ranges, *(_PRIVATE_PLANES if name in ("C", "Co") else ())])


@lru_cache(maxsize=1)
def _scanned() -> list[tuple[int, str]]:
    """Runs of code points by their first, with a character for the category of each. Asking for each code point takes
    a fraction of a second, so it is done once for all categories, and not for planes that hold nothing."""
    asked = [(plane[0], map(unicodedata.category, map(chr, plane))) for plane in _PLANES]
    return [(first, "".join([_CODES.get(kind, " ") for kind in kinds])) for first, kinds in asked]


_KINDS = {"C": "cfos", "L": "lmotu", "M": "cen", "N": "dlo", "P": "cdefios", "S": "ckmo", "Z": "lps"}
_CODES = {
    major + minor: chr(ord("A") + place)
    for place, (major, minor) in enumerate((major, minor) for major, minors in _KINDS.items() for minor in minors)
}
_PLANES = (range(0x40000), range(0xE0000, 0xF0000))  # 4 to 13 are not assigned
_PRIVATE_PLANES = ((0xF0000, 0xFFFFD), (0x100000, 0x10FFFD))
_CATEGORIES = frozenset({*_KINDS, *(major + minor for major, minors in _KINDS.items() for minor in minors)})


def _folded(ranges: Ranges) -> Ranges:
    """With the other case of each ASCII letter, and what else folds to it (K and the long s)."""
    more = list(ranges)
    for low, high in ranges:
        if high > 0x7F:
            raise Unclear("case folding of characters that are not ASCII")
        for code in range(low, high + 1):
            letter = chr(code)
            if letter.isalpha():
                more.append((ord(letter.swapcase()),) * 2)
                more += {"k": [(0x212A, 0x212A)], "s": [(0x17F, 0x17F)]}.get(letter.lower(), [])
    return merged(more)


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.fold = self.lines = self.dot_all = False
        self.depth = 0

    def fail(self, why: str) -> InvalidArgumentError:
        return InvalidArgumentError(f"Invalid pattern: {self.pattern}, error: {why}")

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def choice(self) -> Node:
        """alternatives up to ')' or the end"""
        flags = self.fold, self.lines, self.dot_all
        self.depth += 1
        if self.depth > 100:
            raise Unclear("deep nesting")
        parts = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            parts.append(self.sequence())
        self.fold, self.lines, self.dot_all = flags
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def sequence(self) -> Node:
        parts: list[Node] = []
        while (char := self.peek()) and char not in "|)":
            if char in "*+?":
                if not parts:
                    raise self.fail(f"no argument for repetition operator: {char}")
                raise Unclear("a repetition of a repetition")
            if self.pattern.startswith("\\Q", self.at):
                end = self.pattern.find("\\E", self.at + 2)
                quoted = self.pattern[self.at + 2 : end if end >= 0 else None]
                self.at = end + 2 if end >= 0 else len(self.pattern)
                parts += [self.literal(ord(letter)) for letter in quoted]
                part = parts.pop() if quoted else None
            else:
                part = self.atom()
            if part is not None:
                parts.append(self.repeated(part))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def repeated(self, part: Node) -> Node:
        char = self.peek()
        least: int
        most: int | None
        if char and char in "*+?":
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
            self.at += 1
        elif char == "{" and (found := _COUNT.match(self.pattern, self.at)):
            least = int(found.group(1))
            most = least if found.group(2) is None else int(found.group(3)) if found.group(3) else None
            if least > MAX_REPEAT or (most is not None and (most > MAX_REPEAT or most < least)):
                raise self.fail(f"invalid repetition size: {found.group()}")
            self.at = found.end()
        else:
            return part
        greedy = self.peek() != "?"
        if not greedy:
            self.at += 1
        if (self.peek() or "x") in "*+?" or _COUNT.match(self.pattern, self.at):
            raise Unclear("a repetition of a repetition")
        if isinstance(part, Assertion):
            raise Unclear("a repetition of a place")
        return Repeat(part, least, most, greedy)

    def literal(self, code: int) -> Node:
        if not self.fold:
            return Chars(((code, code),))
        if code > 0x7F and chr(code).lower() == chr(code).upper():
            return Chars(((code, code),))
        return Chars(_folded(((code, code),)))

    def atom(self) -> Node | None:
        char = self.peek()
        if char == "(":
            return self.group()
        if char == "[":
            return self.char_class()
        if char == "\\":
            return self.escape()
        self.at += 1
        if char == ".":
            return Chars(((0, MAX_RUNE),) if self.dot_all else negated(((10, 10),)))
        if char == "^":
            return Assertion("line start" if self.lines else "start")
        if char == "$":
            return Assertion("line end" if self.lines else "end")
        return self.literal(ord(char))

    def group(self) -> Node | None:
        start = self.at
        capture = True
        flags = self.fold, self.lines, self.dot_all
        if self.pattern.startswith("(?", start):
            named, found = _NAMED.match(self.pattern, start), _FLAGS.match(self.pattern, start)
            if named:
                self.at = named.end()
            elif found:
                self.at = found.end()
                self.set_flags(found.group(1), True)
                self.set_flags(found.group(2) or "", False)
                if found.group(3) == ")":
                    return None
                capture = False
            else:
                raise Unclear("a group")
        else:
            self.at += 1
        part = self.choice()
        if self.peek() != ")":
            raise self.fail(f"missing ): {self.pattern}")
        self.at += 1
        self.fold, self.lines, self.dot_all = flags
        return Group(part) if capture else part

    def set_flags(self, names: str, value: bool) -> None:
        for name in names:
            setattr(self, {"i": "fold", "m": "lines", "s": "dot_all"}[name], value)

    def escape(self) -> Node:
        following = self.pattern[self.at + 1 : self.at + 2]
        if not following:
            raise self.fail("trailing \\: ")
        if following in "bBAz":
            self.at += 2
            return Assertion({"b": "word", "B": "no word", "A": "start", "z": "end"}[following])
        return Chars(self.class_escape()) if following in "dDsSwWpP" else self.literal(self.escaped_code())

    def class_escape(self) -> Ranges:
        """\\d, \\W, \\pL, …"""
        letter = self.pattern[self.at + 1]
        if letter in "pP":
            found = _CATEGORY.match(self.pattern, self.at)
            if found is None or self.fold:
                raise Unclear("a Unicode class")
            self.at = found.end()
            ranges = category(found.group(3) or found.group(4))
            return negated(ranges) if (letter == "P") != bool(found.group(2)) else ranges
        if self.fold and letter in "wW":
            raise Unclear("\\w without case")
        self.at += 2
        ranges = _PERL[letter.lower()]
        return negated(ranges) if letter.isupper() else ranges

    def escaped_code(self) -> int:
        """The character that a backslash and what follows stand for."""
        following = self.pattern[self.at + 1 : self.at + 2]
        if following in _SIMPLE_ESCAPES:
            self.at += 2
            return _SIMPLE_ESCAPES[following]
        if found := _HEX.match(self.pattern, self.at):
            self.at = found.end()
            code = int(found.group(1) or found.group(2), 16)
        elif found := _OCTAL.match(self.pattern, self.at):
            self.at = found.end()
            code = int(found.group(1), 8)
        elif following and following.isascii() and not following.isalnum() and following != "_":
            self.at += 2
            return ord(following)
        else:
            raise Unclear(f"\\{following}")
        if code > MAX_RUNE or 0xD800 <= code < 0xE000:
            raise Unclear("a character that is none")
        return code

    def char_class(self) -> Node:
        self.at += 1
        negate = self.peek() == "^"
        self.at += negate
        ranges: list[tuple[int, int]] = []
        first = True
        while first or self.peek() != "]":
            if not self.peek():
                raise self.fail(f"missing ]: {self.pattern[self.pattern.rfind('[') :]}")
            ranges += self.class_item()
            first = False
        self.at += 1
        found = merged(ranges)
        if self.fold:
            found = _folded(found)
        if negate:
            found = negated(found)
        if not found:
            raise Unclear("an empty class")
        return Chars(found)

    def class_item(self) -> Ranges:
        if self.pattern.startswith("[:", self.at):
            end = self.pattern.find(":]", self.at + 2)
            if end >= 0:
                name = self.pattern[self.at + 2 : end]
                if name.lstrip("^") not in _POSIX or name.count("^") > 1:
                    raise Unclear(f"[:{name}:]")
                self.at = end + 2
                ranges = _POSIX[name.lstrip("^")]
                if self.fold and name[:1] == "^":
                    raise Unclear("a negated class without case")
                return negated(ranges) if name[:1] == "^" else ranges
        if self.peek() == "\\" and self.pattern[self.at + 1 : self.at + 2] in tuple("dDsSwWpP"):
            if self.fold:
                raise Unclear("a class in a class without case")
            return self.class_escape()
        low = self.class_code()
        if self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
            self.at += 1
            high = self.class_code()
            if high < low:
                raise self.fail("invalid character class range")
            return ((low, high),)
        return ((low, low),)

    def class_code(self) -> int:
        if self.peek() != "\\":
            self.at += 1
            return ord(self.pattern[self.at - 1])
        if self.at + 1 >= len(self.pattern):
            raise self.fail("trailing \\: ")
        return self.escaped_code()


def parse(pattern: str) -> Node:
    """The tree of `pattern`. Raises Unclear, or InvalidArgumentError for a mistake."""
    parser = _Parser(pattern)
    node = parser.choice()
    if parser.at < len(pattern):
        raise parser.fail(f"unexpected ): {pattern}")
    return node
