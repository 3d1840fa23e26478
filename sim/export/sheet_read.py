"""Reading a signal timing sheet back: the printed letters and where they stand, nothing that is hidden in the file."""

from __future__ import annotations

import io
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.errors import InputError
from sim.export import sheet_layout as lay
from sim.signals.plan import parse_plan

if TYPE_CHECKING:
    from sim.export.format import Files
    from sim.signals.plan import Plan, SignalPlan

NOTE = re.compile(r"rows (\d+) to (\d+), columns (\d+) to (\d+)")
# Print is placed to less than this [pt].
EXACT = 0.6
WHOLE = ("number", "minimum_green", "yellow", "red_yellow", "cycle", "offset", "switch", "begin", "end")
Row = dict[str, str]


class Item(NamedTuple):
    """A printed text: place of its left end [pt], size [pt], letters."""

    x: float
    y: float
    size: float
    text: str


@dataclass
class _Signal:
    """What the pages of one signal say."""

    groups: list[Row] = field(default_factory=list)
    programs: list[tuple[Row, list[Row], list[Row]]] = field(default_factory=list)
    cells: dict[tuple[int, int], str] = field(default_factory=dict)


@dataclass
class _Sheets:
    """What all pages say."""

    source: str
    name: str = ""
    network: str = ""
    signals: dict[str, _Signal] = field(default_factory=dict)
    days: list[Row] = field(default_factory=list)
    week: list[Row] = field(default_factory=list)


def read_sheet(files: Files, base: Plan | None) -> Plan:
    """
    Read a plan from the text printed on its sheets.

    Parameters
    ----------
    files : mapping
        One PDF.
    base : Plan or None
        Gives what the sheets have no place for: the links of the groups and the entering ways of the intergreens.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InputError
        If the file is no sheet, or a cell cannot be read.
    """
    if len(files) != 1:
        msg = f"a sheet is one PDF file, not {len(files)} files"
        raise InputError(msg)
    source, content = next(iter(files.items()))
    sheets = _Sheets(source)
    for number, items in enumerate(page_items(content, source), 1):
        _read_page(sheets, items, number)
    if not sheets.signals:
        msg = f"{source} is no signal timing sheet: no page names a signal"
        raise InputError(msg)
    return _plan(sheets, base)


def page_items(content: bytes, source: str) -> list[list[Item]]:
    """
    List the texts that stand upright on each page.

    Parameters
    ----------
    content : bytes
        The PDF.
    source : str
        Its name, for messages.

    Returns
    -------
    list of list of Item
        As they were printed.

    Raises
    ------
    InputError
        If it is no PDF, or broken.
    """
    from pypdf import PdfReader  # noqa: PLC0415  (start-up of the CLI)

    if not content.startswith(b"%PDF-"):
        msg = f"{source} is no PDF file of a signal timing sheet"
        raise InputError(msg)
    try:
        return [_upright(page) for page in PdfReader(io.BytesIO(content)).pages]
    except Exception as fault:
        # A broken file can make the library stumble in many ways.
        text = " ".join(str(fault).split())[:200]
        msg = f"{source} is a broken PDF file ({type(fault).__name__}: {text}); export it again"
        raise InputError(msg) from fault


def _upright(page: Any) -> list[Item]:  # noqa: ANN401  (a page of pypdf)
    items: list[Item] = []
    last: tuple[float, ...] = ()

    def note(text: str, cm: list[float], tm: list[float], _font: object, size: float) -> None:
        # A text is printed in several pieces, moved on from a common place.
        nonlocal last
        piece = text.replace("\n", "")
        if not piece or abs(cm[0] - 1.0) > 1e-6:
            return
        if items and tuple(cm) == last:
            items[-1] = items[-1]._replace(text=items[-1].text + piece)
            return
        last = tuple(cm)
        items.append(Item(cm[4] + tm[4], cm[5] + tm[5], size, piece))

    page.extract_text(visitor_text=note)
    # Where a text stands apart from the one before it, the library puts a space between them.
    return [item._replace(text=item.text.strip()) for item in items]


def _read_page(sheets: _Sheets, items: list[Item], number: int) -> None:
    found = [
        (item.y, table, _rows(table, items, item.y))
        for table in lay.TABLES
        for item in items
        if item.text == table.title and _is_title(item)
    ]
    tables = [(table, rows) for _, table, rows in sorted(found, key=lambda part: -part[0])]
    heads = [rows for table, rows in tables if table is lay.HEAD]
    if len(heads) != 1 or len(heads[0]) != 1:
        msg = f"{sheets.source}: page {number} has no head of a signal timing sheet"
        raise InputError(msg)
    head = heads[0][0]
    sheets.name, sheets.network = head.get("plan", ""), head.get("network", "")
    for table, rows in tables:
        if table is lay.DAYS:
            sheets.days += rows
        elif table is lay.WEEK:
            sheets.week += rows
    if "signal" not in head:
        return
    signal = sheets.signals.setdefault(head["signal"], _Signal())
    for table, rows in tables:
        if table is lay.GROUPS:
            signal.groups += rows
        elif table is lay.PROGRAM:
            signal.programs += [(row, [], []) for row in rows]
        elif table in {lay.GREENS, lay.STAGES}:
            if not signal.programs:
                msg = f"{sheets.source}: page {number}: table '{table.title}' belongs to no program"
                raise InputError(msg)
            _, greens, stages = signal.programs[-1]
            (greens if table is lay.GREENS else stages).extend(rows)
    if any(item.text == lay.MATRIX_TITLE and _is_title(item) for item in items):
        signal.cells |= _matrix(sheets.source, items, number)


def _is_title(item: Item) -> bool:
    return abs(item.x - lay.MARGIN) < EXACT and abs(item.size - lay.TITLE_SIZE) < EXACT


def _rows(table: lay.Table, items: list[Item], title: float) -> list[Row]:
    """Read the rows under a title, down to the first that has nothing in its first column."""
    edges = table.edges()
    rows: dict[int, Row] = defaultdict(dict)
    for item in items:
        place = (title - lay.FIRST_ROW - item.y) / lay.ROW_PITCH
        index = round(place)
        columns = [k for k, edge in enumerate(edges[:-1]) if abs(item.x - edge) < EXACT]
        if index >= 0 and abs(place - index) * lay.ROW_PITCH < EXACT and columns:
            rows[index][table.columns[columns[0]].key] = item.text
    first = table.columns[0].key
    # A schedule's page belongs to no signal.
    if table is lay.HEAD:
        return [rows[0]] if 0 in rows else []
    count = 0
    while first in rows.get(count, {}):
        count += 1
    return [rows[index] for index in range(count)]


def _matrix(source: str, items: list[Item], number: int) -> dict[tuple[int, int], str]:
    notes = [NOTE.fullmatch(item.text) for item in items if abs(item.y - lay.MATRIX_NOTE) < EXACT]
    parts = [[int(part) for part in note.groups()] for note in notes if note is not None]
    if len(parts) != 1 or not (0 < parts[0][0] <= parts[0][1] and 0 < parts[0][2] <= parts[0][3]):
        msg = f"{source}: page {number} does not say which part of the intergreen matrix it shows"
        raise InputError(msg)
    top_row, last_row, left_column, last_column = parts[0]
    side = lay.matrix_cell(last_column - left_column + 1)
    left, top = lay.matrix_corner()
    cells = {}
    for item in items:
        column = int((item.x - left) // side)
        # The baseline lies in the lower half of its cell.
        row = int((top - item.y) // side)
        if 0 <= row <= last_row - top_row and 0 <= column <= last_column - left_column:
            cells[top_row + row, left_column + column] = item.text
    return cells


def _plan(sheets: _Sheets, base: Plan | None) -> Plan:
    known = {signal.id: signal for signal in base.signals} if base is not None else {}
    data: dict[str, Any] = {
        "format": "gruenband-plan",
        "version": 1,
        "name": sheets.name,
        "network": sheets.network,
        "signals": [
            _signal(sheets.source, name, signal, known.get(name)) for name, signal in sheets.signals.items()
        ],
    }
    if sheets.days or sheets.week:
        plans: dict[str, list[Row]] = {}
        for row in sheets.days:
            entry = {key: text for key, text in row.items() if key in {"time", "program"}}
            plans.setdefault(row.get("plan", ""), []).append(entry)
        week = {row.get("day", ""): row.get("plan", "") for row in sheets.week}
        data["schedule"] = {"day_plans": plans, "week": week}
    return parse_plan(json.dumps(data), sheets.source)


def _signal(source: str, name: str, signal: _Signal, base: SignalPlan | None) -> dict[str, Any]:
    where = f"{source}: signal '{name}'"
    links = {group.name: group.links for group in base.groups} if base is not None else {}
    ways = (
        {(cell.clearing, cell.entering): cell.entering_path for cell in base.intergreens}
        if base is not None
        else {}
    )
    names = [row.get("name", "") for row in signal.groups]
    groups = []
    for row in signal.groups:
        keys = ("name", "kind", "minimum_green", "yellow", "red_yellow", "rest", "speed", "crossing")
        group = _values(where, row, keys)
        group["links"] = [link.model_dump() for link in links.get(row.get("name", ""), ())]
        groups.append(group)
    cells = [
        {"clearing": names[a], "entering": names[b], "seconds": _whole(where, "intergreen", text)}
        | {"entering_path": ways.get((names[a], names[b]), 0.0)}
        for a, b, text in (
            (_group(where, names, a), _group(where, names, b), text)
            for (a, b), text in sorted(signal.cells.items())
        )
    ]
    programs = []
    for head, greens, stages in signal.programs:
        program = _values(where, head, ("id", "number", "cycle", "offset", "switch"))
        program["greens"] = [_green(where, names, row) for row in greens]
        program["stages"] = _stages(where, names, stages)
        programs.append(program)
    # The sheet says of empty cells that their groups do not conflict, so an empty matrix says it of all.
    free = not cells and len(names) > 1 and (base is None or base.compatible)
    return {"id": name, "groups": groups, "intergreens": cells, "compatible": free, "programs": programs}


def _values(where: str, row: Row, keys: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key in keys:
        if key not in row:
            continue
        if key in WHOLE:
            values[key] = _whole(where, key, row[key])
        elif key in {"speed", "crossing"}:
            values[key] = _number(where, key, row[key])
        else:
            values[key] = row[key]
    return values


def _green(where: str, names: list[str], row: Row) -> dict[str, Any]:
    number = _group(where, names, _whole(where, "group", row.get("group", "")))
    if row.get("name") != names[number]:
        msg = f"{where}: the greens call group {number + 1} '{row.get('name', '')}', the groups '{names[number]}'"
        raise InputError(msg)
    permissive = row.get("permissive", "")
    if permissive not in {"", lay.GIVES_WAY}:
        msg = f"{where}: green of group '{names[number]}': right of way '{permissive}' is neither empty nor '{lay.GIVES_WAY}'"
        raise InputError(msg)
    return {
        "group": names[number],
        **_values(where, row, ("begin", "end")),
        "permissive": bool(permissive),
    }


def _stages(where: str, names: list[str], rows: list[Row]) -> list[list[str]]:
    stages: dict[int, list[str]] = {}
    for row in rows:
        stage = stages.setdefault(_whole(where, "stage", row["stage"]), [])
        stage += [
            names[_group(where, names, _whole(where, "group", text))]
            for text in row.get("groups", "").split()
        ]
    return list(stages.values())


def _group(where: str, names: list[str], number: int) -> int:
    if not 1 <= number <= len(names):
        msg = f"{where}: there is no group {number}, the table of groups has {len(names)}"
        raise InputError(msg)
    return number - 1


def _whole(where: str, what: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        msg = f"{where}: {what} '{text[:40]}' is not a whole number"
        raise InputError(msg)
    return int(text)


def _number(where: str, what: str, text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,20})?(e-?[0-9]{1,3})?", text):
        msg = f"{where}: {what} '{text[:40]}' is not a number"
        raise InputError(msg)
    return float(text)
