"""Pickles of arrays and containers load, whatever the protocol and NumPy's version; nothing else does."""

from __future__ import annotations

import collections
import io
import os
import pickle
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from smcli.errors import SmcliError
from smcli.inputs import unpickle

VALUES: list[Any] = [
    [[1, 2.5], ("a", None), {"b": True}, {3}, frozenset([4]), b"", b"xy", bytearray(b"z"), 1 + 2j, 2**100],
    collections.OrderedDict(a=1),
    np.arange(6).reshape(2, 3),
    np.asfortranarray(np.ones((3, 4), np.float32)),
    np.array(["a", "bé"]),
    np.array([b"x", None, [1]], object),
    np.array(3),
    np.zeros((0, 3)),
    np.array(["2020-01-01"], "M8[D]"),
    np.array([(1, (2.0, 3.0))], [("a", "<i4"), ("b", ">f8", (2,))]),
    np.array([1, 2.5], ml_dtypes.bfloat16),
    np.float32(2.5),
    np.str_("abc"),
    np.bytes_(b"qq"),
    np.bool_(True),
    ml_dtypes.bfloat16(3),
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_round_trip(value: Any, protocol: int) -> None:
    loaded = unpickle.loads(pickle.dumps(value, protocol), "x.pkl")
    assert type(loaded) is type(value)
    assert repr(loaded) == repr(value)


def test_arrays_inside_of_containers_and_of_object_arrays() -> None:
    loaded = unpickle.loads(pickle.dumps({"a": [np.ones(2), np.array([np.zeros(1), None], object)]}), "x.pkl")
    assert type(loaded["a"][0]) is np.ndarray
    assert type(loaded["a"][1][0]) is np.ndarray


def test_module_paths_of_numpy_1() -> None:
    data = pickle.dumps(np.ones(2), 2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    np.testing.assert_array_equal(unpickle.loads(data, "x.pkl"), np.ones(2))


class _Runs:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (_Runs(os.mkdir, "made"), "posix.mkdir"),
        (_Runs(eval, "1"), "builtins.eval"),
        (_Runs(getattr, "", "join"), "builtins.getattr"),
        (np.random.RandomState(0), "numpy.random"),
        (Path("x"), "pathlib"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_code_is_not_run_but_named(value: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SmcliError, match=f"x.pkl: the pickle uses {name}"):
        unpickle.loads(pickle.dumps(value), "x.pkl")
    assert not os.listdir(tmp_path)


def test_a_memo_of_two_billion_places_takes_no_memory() -> None:
    assert unpickle.loads(b"Nr\xff\xff\xff\x7f.", "x.pkl") is None


def _array_pickle(state: str) -> bytes:
    """An array whose state is the text of pickle opcodes, in protocol 0."""
    return f"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR{state}b.".encode()


_OBJECTS = "cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR"
_RECORD = (  # a dtype of 8 bytes with an object at offset 0
    f"cnumpy\ndtype\n(S'V8'\nI0\nI1\ntR(I3\nS'|'\nN(S'a'\nt(dS'a'\n({_OBJECTS}I0\ntsI8\nI1\nI0\ntb"
)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello there",
        b"\x80\x04",
        b"\x80\x04N\x94",  # no STOP
        b"(lp0\nS'caf\\xc3\\xa9'\np1\na.",  # text of Python 2 that is not ASCII
        b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x00.",  # a bytearray of 2⁵⁶ bytes
        b"\x80\x04]" + b"]" * 100_000 + b"a" * 100_000 + b".",
        _array_pickle(f"(I1\n(I2\nt{_OBJECTS}I00\nS'aaaaaaaaaaaaaaaa'\nt"),  # bytes as pointers
        _array_pickle(f"(I1\n(I1\nt{_RECORD}I00\nS'aaaaaaaa'\nt"),
        _array_pickle("(I1\n(I9000000000\ntcnumpy\ndtype\n(S'f8'\nI0\nI1\ntRI00\nS''\nt"),
        _array_pickle("(I1\n(I-1\ntcnumpy\ndtype\n(S'f8'\nI0\nI1\ntRI00\nS''\nt"),
        b"cnumpy\nndarray\n(I1000000000000\ntR.",
        b"cnumpy\nndarray\n(I9\nt\x81.",
        b"cbuiltins\nbytes\n(I1000000000000\ntR.",
        b"cnumpy\nfloat32\n}S'dtype'\nI1\nsb.",  # changes a stand-in
    ],
    ids=lambda data: repr(data)[:40],
)
def test_damaged_and_crafted(data: bytes) -> None:
    with pytest.raises(SmcliError) as raised:
        unpickle.load(io.BytesIO(data), "x.pkl")
    assert raised.value.shown_as == "_pickle.UnpicklingError"
    assert "x.pkl" in raised.value.message


def doubled(levels: int) -> bytes:
    """A list that holds a list twice, which holds a list twice, …"""
    text = b"\x80\x02(K\x01lq\x00"
    for level in range(levels):
        text += b"(h%ch%clq%c" % (level, level, level + 1)
    return text + b"."


def test_lists_that_hold_each_other_too_often() -> None:
    assert unpickle.loads(doubled(3), "p") == [[[[1], [1]], [[1], [1]]], [[[1], [1]], [[1], [1]]]]
    with pytest.raises(SmcliError, match="hold more than"):
        unpickle.loads(doubled(60), "p")
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(SmcliError, match="holds itself"):
        unpickle.loads(pickle.dumps(endless), "p")
    assert unpickle.loads(pickle.dumps(5), "p") == 5
