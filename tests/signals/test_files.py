"""Files of strangers and places of files: what is no file is refused at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sim.errors import InputError
from sim.signals.files import read_text, read_whole, write_aside, write_whole

if TYPE_CHECKING:
    from pathlib import Path


def test_a_pipe_and_a_device_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero", "."):
        with pytest.raises(InputError, match="is no file"):
            read_whole(tmp_path / name)


def test_a_large_file_is_not_read_whole(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 5000)
    with pytest.raises(InputError, match="is larger than 4 KiB"):
        read_whole(tmp_path / "large", 4096)


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"\xef\xbb\xbfK\xc3\xb6ln")
    assert read_text(tmp_path / "text") == "Köln"


def test_a_pipe_is_not_replaced_and_a_link_is_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is no file; name another place"):
        write_whole(tmp_path / "pipe", b"x")
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_whole(tmp_path / "link", b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"x"


def test_a_place_below_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(InputError, match="is no folder"):
        write_whole(tmp_path / "file" / "plan.json", b"x")


def test_of_several_files_none_is_left_if_one_cannot_be_written(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError):
        write_aside({tmp_path / "a": b"x", tmp_path / "pipe": b"x"})
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
