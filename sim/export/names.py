"""Names of the files of formats that write several."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Of each part of a name; file systems take 255 bytes for the whole.
LONGEST_PART = 60


def file_names(ids: Sequence[tuple[str, ...]], suffix: str) -> list[str]:
    """
    Name files after signals and programs.

    Parameters
    ----------
    ids : sequence of tuple of str
        What each file is of.
    suffix : str
        With its dot.

    Returns
    -------
    list of str
        Plain file names on every system, whatever the ids are, each another one also where case does not count.
    """
    taken: set[str] = set()
    names = []
    for parts in ids:
        stem = "_".join(
            re.sub(r"[^A-Za-z0-9-]+", "-", part)[:LONGEST_PART].strip("-") or "x" for part in parts
        )
        name, count = stem, 1
        while name.lower() in taken:
            count += 1
            name = f"{stem}_{count}"
        taken.add(name.lower())
        names.append(f"{name}{suffix}")
    return names
