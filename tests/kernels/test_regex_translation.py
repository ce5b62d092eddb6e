"""Random patterns of the translated part of RE2's syntax, beside RE2 itself."""

from __future__ import annotations

import random

import pytest

from smcli.errors import InvalidArgumentError, MissingExtraError
from smcli.kernels import _re2, regex

CLASS_PARTS = ["a", "b-d", "é", "à-ü", "€", "0-9", r"\s", r"\d", "_", "-x"]
ATOMS = [*"abcé€ -x1", ".", r"\d", r"\w", r"\s", r"\W", r"\D", r"\S", r"\pL", "[[:punct:]]", r"\."]
PLACES = ["^", "$", r"\b", r"\B", r"\A", r"\z"]
REPEATS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?", "{2,}"]


def _atom(rng: random.Random, depth: int) -> str:
    kind = rng.random()
    if kind < 0.2:
        return f"[{rng.choice(['', '^'])}{''.join(rng.choices(CLASS_PARTS, k=rng.randint(1, 3)))}]"
    if kind < 0.3:
        return rng.choice(PLACES)
    if kind < 0.6 and depth:
        return rng.choice(["(", "(?:", "(?i:", "(?s:", "(?m:"]) + _pattern(rng, depth - 1) + ")"
    return rng.choice(ATOMS)


def _pattern(rng: random.Random, depth: int) -> str:
    def sequence() -> str:
        atoms = (_atom(rng, depth) for _ in range(rng.randint(0, 4)))
        return "".join(atom + (rng.choice(REPEATS) if rng.random() < 0.35 else "") for atom in atoms)

    return "|".join(sequence() for _ in range(rng.choice([1, 1, 1, 2, 3])))


def _text(rng: random.Random) -> bytes:
    text = "".join(rng.choices("aabbcéü€ -x1\n_.SK😀", k=rng.randint(0, 12))).encode()
    if rng.random() < 0.2:
        at = rng.randint(0, len(text))
        text = text[:at] + rng.choice([b"\xff", b"\xc3", b"\x80", b"\xe2\x82"]) + text[at:]
    return text


@pytest.mark.parametrize("seed", range(200))
def test_translation_does_as_re2(seed: int) -> None:
    pytest.importorskip("re2")
    rng = random.Random(seed)
    pattern = (rng.choice(["", "", "(?i)", "(?m)", "(?s)"]) + _pattern(rng, 2)).encode()
    try:
        plain = _re2._translate(pattern)
    except _re2.Unclear:
        return
    except InvalidArgumentError:
        with pytest.raises(InvalidArgumentError):
            _re2.real_pattern(pattern)
        return
    real = _re2.real_pattern(pattern)
    rewrite = regex._Rewrite(rng.choice([b"<\\0>", b"-"]))
    for text in [_text(rng) for _ in range(10)]:
        wanted = regex._replace_all(real, rewrite, text)
        assert regex._replace_all(plain, rewrite, text) == wanted, (pattern, text)
        assert regex._replace_first(plain, rewrite, text) == regex._replace_first(real, rewrite, text), (pattern, text)
        assert plain.full_match(text) == real.full_match(text), (pattern, text)
        if not plain.nullable:
            assert regex._fast_replace(plain, rewrite, [text], 0) == [wanted], (pattern, text)


@pytest.mark.parametrize("pattern", [rb"(a+)+b", rb"(a|ab)*c", rb"\C", rb"(?U)a", rb"\p{Greek}"])
def test_what_may_go_wrong_is_left_to_re2(pattern: bytes) -> None:
    with pytest.raises(_re2.Unclear):
        _re2._translate(pattern)


def test_without_re2_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "re2", None)
    with pytest.raises(MissingExtraError, match=r"smcli\[text\]"):
        _re2.real_pattern(b"(a+)+b")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"\pC", "\u0378"),
        (r"\pC", "\x00"),
        (r"\p{Co}", "\U00100000"),
        (r"\PL", "\U00050000"),
        (r"\p{Lo}", "\U0003134a"),
    ],
)
def test_categories_are_those_of_re2(pattern: str, text: str) -> None:
    """Code points that are not assigned are in none."""
    pytest.importorskip("re2")
    plain, real = _re2._translate(pattern.encode()), _re2.real_pattern(pattern.encode())
    assert plain.full_match(text.encode()) == real.full_match(text.encode())
