"""Arrays from files: what NumPy writes comes back; what lies about its size is refused before memory is taken."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smcli.errors import SmcliError
from smcli.inputs import files
from smcli.inputs.feeding import as_fed
from smcli.tensors.types import DataType

RNG = np.random.default_rng(5)
ARRAYS: list[Any] = [
    np.arange(6.0).reshape(2, 3),
    np.asfortranarray(np.ones((3, 4), np.float32)),
    np.array([[1, 2]], ">i4"),
    np.zeros((0, 3)),
    np.array(3),
    np.array(["a", "bé"]),
    np.array([b"x", None], object),
    np.array([(1, 2.0)], "i4,f4"),
    RNG.normal(size=(512, 512)),
    np.asfortranarray(RNG.normal(size=(512, 512))),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_npy_and_npz(array: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", array)
    np.savez_compressed(tmp_path / "x.npz", a=array)
    archive = files.load(str(tmp_path / "x.npz"))
    assert archive.files == ["a"]
    assert "a" in archive and "a.npy" in archive and "b" not in archive
    for loaded in (files.load(str(tmp_path / "x.npy")), archive["a"], archive["a.npy"]):
        np.testing.assert_array_equal(loaded, array)
        assert loaded.dtype == array.dtype
        assert loaded.flags.f_contiguous == array.flags.f_contiguous


def test_large_files_are_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(2**18))
    loaded = files.load(str(tmp_path / "x.npy"))
    assert type(loaded) is np.ndarray
    assert isinstance(loaded.base, np.memmap)
    assert not loaded.flags.writeable


@pytest.mark.parametrize("name", ["x.pkl", "x.npy", "x.npz"])
def test_files_larger_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whatever would have to be read whole."""
    array = np.array([b"x" * 100] * 20, object)
    if name == "x.npz":
        np.savez(tmp_path / name, a=array)
    else:
        (np.save(tmp_path / name, array) if name == "x.npy" else (tmp_path / name).write_bytes(array.dumps()))
    monkeypatch.setattr(files.os, "sysconf", lambda key: 10)
    with pytest.raises(SmcliError, match="bytes of memory; the machine has 100") as error:
        loaded = files.load(str(tmp_path / name))
        loaded["a"]
    assert error.value.shown_as == "MemoryError"


def _npy(header: str, data: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    text = header.encode()
    return b"\x93NUMPY" + bytes(version) + len(text).to_bytes(2 if version == (1, 0) else 4, "little") + text + data


def _zip(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "shown_as", "message"),
    [
        (
            _npy("{'descr':'<f8','fortran_order':False,'shape':(10,)}", b"\0" * 79),
            "ValueError",
            "expected 80 bytes got 79",
        ),
        (_npy(f"{{'descr':'<f8','fortran_order':False,'shape':({2**60},)}}"), "ValueError", "EOF: reading array data"),
        (_npy("{'descr':'<f8','fortran_order':False,'shape':(-1,)}"), "ValueError", "negative dimensions"),
        (_npy("{'descr':'|V0','fortran_order':False,'shape':(10000000000,)}"), "ValueError", "no size"),
        (_npy("{'descr':[('a','O')],'fortran_order':False,'shape':(1,)}"), "ValueError", "Python objects"),
        (_npy("{'descr':'<f8','shape':(1,)}"), "ValueError", "does not contain the correct keys"),
        (_npy("[" * 1000), "ValueError", "Cannot parse header"),
        (_npy("1", version=(9, 0)), "ValueError", r"not \(9, 0\)"),
        (b"\x93NUMPY\2\0\xff\xff\xff\x7f", "ValueError", "has a header of 2147483647 bytes"),
        (b"\x93NUMPY\1", "ValueError", "EOF: reading magic string"),
        (b"", "EOFError", "No data left in file"),
        (b"hello", "_pickle.UnpicklingError", "Failed to interpret file"),
        (b"PK\5\6" + b"\0" * 18, "tensorflow.python.framework.errors_impl.InvalidArgumentError", "position: -20"),
        (_zip(b"x")[:-30], "zipfile.BadZipFile", "File is not a zip file"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_damaged(data: bytes, shown_as: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(SmcliError, match=message) as raised:
        files.load(str(tmp_path / "x"))
    assert raised.value.shown_as == shown_as


def test_bomb_in_an_archive(tmp_path: Path) -> None:
    """A member that says it is larger than it is, and one that is small but describes a large array."""
    header = _npy(f"{{'descr':'<f8','fortran_order':False,'shape':({2**40},)}}", b"\0" * 800)
    (tmp_path / "x.npz").write_bytes(_zip(header))
    with pytest.raises(SmcliError, match="EOF: reading array data"):
        files.load(str(tmp_path / "x.npz"))["a"]


def test_flipped_bits_of_an_archive(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", a=np.arange(20))
    whole = (tmp_path / "x.npz").read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 4
        (tmp_path / "y.npz").write_bytes(damaged)
        try:
            value = files.load(str(tmp_path / "y.npz"))
            [value[name] for name in value.files]
        except SmcliError as error:
            assert error.message


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("nope.npy", "NotFoundError", "nope.npy; No such file or directory"),
        (".", "FailedPreconditionError", ".; Is a directory"),
        ("x\0y", "NotFoundError", "x\0y; embedded null byte"),
    ],
)
def test_not_there(name: str, kind: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SmcliError) as raised:
        files.load(name)
    assert (type(raised.value).__name__, raised.value.message) == (kind, message)


def test_a_pipe(tmp_path: Path) -> None:
    data = io.BytesIO()
    np.save(data, np.arange(3))
    read, write = os.pipe()
    os.write(write, data.getvalue())
    os.close(write)
    np.testing.assert_array_equal(files.load(f"/dev/fd/{read}"), np.arange(3))
    os.close(read)


def test_an_archive_with_two_names_for_a_member(tmp_path: Path) -> None:
    # The second one, before the member itself, is no UTF-8 though it says so.
    path = tmp_path / "x.npz"
    np.savez(path, **{"é": np.arange(3)})
    data = bytearray(path.read_bytes())
    at = data.index("é".encode())
    data[at : at + 2] = b"\xcb\xcb"
    path.write_bytes(data)
    archive = files.load(str(path))
    with pytest.raises(SmcliError, match="can't decode"):
        archive[archive.files[0]]


def test_text_with_characters_that_there_are_not(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.array(["abc", "d"]))
    data = bytearray(path.read_bytes())
    data[-12:-8] = (0x5B0064).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(SmcliError):
        as_fed(files.load(str(path)), DataType.STRING)
