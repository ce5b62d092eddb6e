"""Saving outputs: whole or not at all, never outside of the directory, never over a file that must stay."""

from __future__ import annotations

import os
import resource
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smcli.errors import SmcliError
from smcli.report import formats, outputs


@pytest.mark.parametrize("key", ["a", "a/b", "..up", ".", "", "sp ace", "a/..b", "café"])
def test_keys_that_name_files(key: str) -> None:
    assert outputs.output_paths("o", [key]) == {key: f"o/{key}.npy"}


@pytest.mark.parametrize("key", ["/etc/x", "../x", "a/../../x", "a/../x", "x\0y", "a" * 300, "é" * 150])
def test_keys_that_do_not(key: str) -> None:
    with pytest.raises(SmcliError, match=r"outside of o|can not be the name"):
        outputs.output_paths("o", [key])


def test_a_link_that_leads_out(tmp_path: Path) -> None:
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "a").symlink_to(tmp_path)
    with pytest.raises(SmcliError, match="outside"):
        outputs.output_paths(str(tmp_path / "o"), ["a/b"])


def test_existing_outputs_are_all_named(tmp_path: Path) -> None:
    paths = outputs.output_paths(str(tmp_path), ["a", "b", "c"])
    for key in "ac":
        Path(paths[key]).touch()
    outputs.check_free(str(tmp_path), paths, overwrite=True)
    with pytest.raises(SmcliError, match=r"a.npy already exists. Add \"--overwrite\"") as raised:
        outputs.check_free(str(tmp_path), paths, overwrite=False)
    assert str(raised.value.hint).endswith("c.npy")


@pytest.mark.parametrize("value", [np.arange(3), np.float32(2), b"abc", b"", np.array([b"a"], object)], ids=repr)
def test_saved_as_numpy_saves(value: Any, tmp_path: Path) -> None:
    path = tmp_path / "sub" / "x.npy"
    outputs.save(str(path), value, overwrite=False)
    np.save(tmp_path / "y.npy", value)
    assert path.read_bytes() == (tmp_path / "y.npy").read_bytes()
    assert os.listdir(tmp_path / "sub") == ["x.npy"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_a_file_that_appears_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_text("theirs")
    with pytest.raises(SmcliError, match="already exists"):
        outputs.save(str(path), np.arange(3), overwrite=False)
    assert path.read_text() == "theirs"
    outputs.save(str(path), np.arange(3), overwrite=True)
    assert os.listdir(tmp_path) == ["x.npy"]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_text("before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(SmcliError) as raised:
            outputs.save(str(path), np.zeros(10_000), overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert raised.value.shown_as == "OSError"
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["x.npy"]


def test_a_directory_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "x.npy").mkdir()
    with pytest.raises(SmcliError) as raised:
        outputs.save(str(tmp_path / "x.npy"), 1, overwrite=True)
    assert raised.value.shown_as == "IsADirectoryError"


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "y").write_text("before")
    (tmp_path / "x.npy").symlink_to(tmp_path / "real" / "y")
    outputs.save(str(tmp_path / "x.npy"), np.arange(3), overwrite=True)
    assert (tmp_path / "x.npy").is_symlink()
    np.testing.assert_array_equal(np.load(tmp_path / "real" / "y"), np.arange(3))
    assert os.listdir(tmp_path / "real") == ["y"]


def test_files_hold_arrays_in_c_order(tmp_path: Path) -> None:
    value = np.arange(6).reshape(2, 3).T
    path = str(tmp_path / "a.npy")
    outputs.save(path, value, overwrite=False)
    with open(tmp_path / "b.npy", "wb") as single, open(tmp_path / "c.npz", "wb") as several:
        formats.writer("npy", {"x": value})(single)
        formats.writer("npz", {"x": value})(several)
    for saved in (np.load(path), np.load(tmp_path / "b.npy"), np.load(tmp_path / "c.npz")["x"]):
        assert saved.flags.c_contiguous
        np.testing.assert_array_equal(saved, value)
