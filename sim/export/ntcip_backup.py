"""What a controller held before an upload, as a file that is only set again if nobody has touched it."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from sim.errors import InputError
from sim.export.ntcip_objects import read_list, write_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.export.ntcip_objects import Setting

_SEAL = re.compile(rb"# kept from ([^\r\n]{1,300}), sha256 ([0-9a-f]{64})\r?\n?\Z")


def write_backup(settings: Sequence[Setting], source: str) -> bytes:
    """
    Write a list of settings with a last line that tells where they are from and seals them.

    Parameters
    ----------
    settings : sequence of Setting
        What the controller holds.
    source : str
        The controller.

    Returns
    -------
    bytes
        The file.
    """
    content = write_list(settings)
    return content + f"# kept from {source}, sha256 {_digest(content, source)}\n".encode()


def read_backup(content: bytes, name: str) -> tuple[list[Setting], str]:
    """
    Read such a file.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        What it is called, for messages.

    Returns
    -------
    tuple
        The settings in order, and the controller they are from.

    Raises
    ------
    InputError
        If it is no such file, or is not as it was written.
    """
    seal = _SEAL.search(content)
    if seal is None:
        msg = f"{name} is no backup of an upload, or it is cut off: the line '# kept from …' is missing at its end"
        raise InputError(msg)
    body, source = content[: seal.start()], seal[1].decode(errors="replace")
    if _digest(body, source) != seal[2].decode():
        msg = f"{name} was changed after the upload that wrote it, so it is not what {source} held"
        raise InputError(msg)
    return read_list(body, name), source


def _digest(content: bytes, source: str) -> str:
    return hashlib.sha256(content + source.encode()).hexdigest()
