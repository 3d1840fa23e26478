"""Reading files of strangers whole or not at all, and writing files whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Larger files are no plans, and reading them could take all memory [bytes].
LARGEST_FILE = 256 * 2**20
# Tables of strangers take many times their size when they are taken apart [bytes].
LARGEST_TABLE = 64 * 2**20


def read_whole(path: Path, most: int = LARGEST_FILE) -> bytes:
    """
    Read a file of a stranger.

    Parameters
    ----------
    path : Path
        The file.
    most : int, optional
        Its largest size [bytes].

    Returns
    -------
    bytes
        Its content.

    Raises
    ------
    InputError
        If it cannot be read, is a folder, a pipe or a device, or too large.
    """
    try:
        # Opening a pipe would wait for somebody to write into it.
        if not stat.S_ISREG(path.stat().st_mode):
            msg = f"{path} is no file"
            raise InputError(msg)
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
        raise InputError(msg) from error
    refuse_larger(content, str(path), most)
    return content


def refuse_larger(content: bytes, name: str, most: int = LARGEST_TABLE) -> None:
    """
    Refuse what is too large to be taken apart.

    Parameters
    ----------
    content : bytes
        Content of a file.
    name : str
        What it is called, for the message.
    most : int, optional
        Its largest size [bytes].

    Raises
    ------
    InputError
        If it is larger.
    """
    if len(content) > most:
        msg = f"{name} is larger than {most >> 10:,} KiB, which no such file is"
        raise InputError(msg)


def read_text(path: Path, most: int = LARGEST_FILE) -> str:
    """
    Read a text file of a stranger.

    Parameters
    ----------
    path : Path
        The file, UTF-8.
    most : int, optional
        Its largest size [bytes].

    Returns
    -------
    str
        Its text, without a byte order mark.

    Raises
    ------
    InputError
        If it cannot be read or is not UTF-8.
    """
    try:
        return read_whole(path, most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise InputError(msg) from error


def write_whole(path: Path, content: bytes) -> None:
    """
    Write a file aside and rename it when it is complete.

    Parameters
    ----------
    path : Path
        Where to; a link is followed.
    content : bytes
        What.

    Raises
    ------
    InputError
        If something that is no file has that name.
    """
    write_aside({path: content})[path].place()


class Aside:
    """
    A complete file under another name beside its place.

    Parameters
    ----------
    path : Path
        Its place.
    content : bytes
        What.
    """

    def __init__(self, path: Path, content: bytes) -> None:
        self._place = path
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
        self.path = Path(aside)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            mask = os.umask(0)
            os.umask(mask)
            self.path.chmod(0o666 & ~mask)
        except BaseException:
            self.drop()
            raise

    def place(self) -> None:
        """Give the file its name."""
        try:
            self.path.replace(self._place)
        except BaseException:
            self.drop()
            raise

    def drop(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def write_aside(contents: Mapping[Path, bytes]) -> dict[Path, Aside]:
    """
    Write files beside their places, all or none.

    Parameters
    ----------
    contents : mapping
        Place and content of each.

    Returns
    -------
    dict
        The files by place; each has to be placed or dropped.

    Raises
    ------
    InputError
        If something that is no file has one of the names.
    """
    written: dict[Path, Aside] = {}
    try:
        for path, content in contents.items():
            written[path] = Aside(_regular(path), content)
    except BaseException:
        for aside in written.values():
            aside.drop()
        raise
    return written


def _regular(path: Path) -> Path:
    real = path.resolve()
    if real.exists() and not real.is_file():
        msg = f"{path} is no file; name another place"
        raise InputError(msg)
    blocked = next((folder for folder in _folders(real) if folder.exists() and not folder.is_dir()), None)
    if blocked is not None:
        msg = f"{path} cannot be written: {blocked} is no folder"
        raise InputError(msg)
    return real


def _folders(path: Path) -> Iterator[Path]:
    yield from path.parents
