"""The tables of a UTDF version 8 file (combined CSV of Synchro), written and read as text."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from sim.errors import InputError
from sim.signals.files import refuse_larger

if TYPE_CHECKING:
    from collections.abc import Sequence

SECTIONS = {
    "Network": "Network Settings",
    "Nodes": "Node Data",
    "Links": "Link Data",
    "Lanes": "Lane Group Data",
    "Timeplans": "Timing Plan Settings",
    "Phases": "Phasing Data",
}

# Records of a section by intersection and record name, each a mapping of columns to cells.
Records = dict[tuple[str, str], dict[str, str]]
Tables = dict[str, Records]


def write_tables(sections: dict[str, list[Sequence[object]]]) -> bytes:
    """
    Write the sections one after the other.

    Parameters
    ----------
    sections : dict
        Rows by section, the header first.

    Returns
    -------
    bytes
        The file.
    """
    lines = []
    for tag, rows in sections.items():
        lines += [f"[{tag}]", SECTIONS[tag]]
        lines += [",".join(str(cell) for cell in row) for row in rows]
        lines.append("")
    return ("\r\n".join(lines)).encode("utf-8")


def read_tables(content: bytes, name: str) -> Tables:
    """
    Read the sections of a file.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        What it is called, for messages.

    Returns
    -------
    dict
        Records by section; a record that stands twice counts as it stands last.

    Raises
    ------
    InputError
        If it is no UTDF file of version 8, or a section is missing.
    """
    refuse_larger(content, name)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{name} is not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise InputError(msg) from error
    tables: Tables = {}
    tag, header = "", list[str]()
    try:
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            first = row[0].strip() if row else ""
            if first.startswith("[") and first.endswith("]"):
                tag, header = first[1:-1], []
                tables.setdefault(tag, {})
            elif any(cell.strip() for cell in row) and tag in SECTIONS and first != SECTIONS[tag]:
                if header:
                    _add(tables[tag], tag, header, row)
                else:
                    header = [cell.strip() for cell in row]
    except csv.Error as error:
        msg = f"{name} is not valid CSV: {error}"
        raise InputError(msg) from error
    lacking = [tag for tag in SECTIONS if tag not in tables]
    if lacking:
        msg = f"{name} is no UTDF file: section [{lacking[0]}] is missing"
        raise InputError(msg)
    version = tables["Network"].get(("", "UTDFVERSION"), {}).get("DATA", "")
    if version != "8":
        msg = f"{name} is UTDF version '{version}'; only version 8 is read"
        raise InputError(msg)
    return tables


def _add(records: Records, tag: str, header: list[str], row: list[str]) -> None:
    cells = {column: cell.strip() for column, cell in zip(header, row, strict=False)}
    key = (cells.get("INTID", ""), "" if tag == "Nodes" else cells.get("RECORDNAME", ""))
    records[key] = cells


def whole(cell: str, what: str) -> int:
    """
    Read a time of a file, which Synchro gives in tenths.

    Parameters
    ----------
    cell : str
        The number.
    what : str
        What it is, for messages.

    Returns
    -------
    int
        Whole seconds [s].

    Raises
    ------
    InputError
        If it is no number, negative or huge, or not in whole seconds.
    """
    try:
        value = float(cell)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 86400:
        msg = f"{what} is '{cell[:40]}', not a number of seconds"
        raise InputError(msg)
    if value % 1:
        msg = f"{what} is {value:g} s, not whole seconds [whole-seconds]"
        raise InputError(msg)
    return int(value)
