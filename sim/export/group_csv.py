"""The table of on and off seconds of the signal groups (Signalzeitenplan): one CSV file for each program of a signal."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from sim.errors import InputError
from sim.export.format import Format
from sim.export.names import file_names
from sim.export.regroup import FileGroup, FileProgram, FileSignal, rebuild
from sim.signals.files import refuse_larger
from sim.signals.lamps import seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.export.format import Files
    from sim.signals.plan import Group, Plan, Program, SignalPlan

SECTIONS = ("general", "links", "signal groups")
COLUMNS = ("id", "on1", "off1", "on2", "off2", "transOn", "transOff")
# The table has columns for so many greens of a group in a cycle.
MOST_GREENS = 2


def write(plan: Plan) -> dict[str, bytes]:
    """
    Write a table for each program of each signal.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    dict
        File name to content.

    Raises
    ------
    InputError
        If the table cannot say something: a group without lanes, always green, without green, with more than two
        greens or without red between two of them, or a name that its readers would change.
    """
    programs = [(signal, program) for signal in plan.signals for program in signal.programs]
    names = file_names([(signal.id, program.id) for signal, program in programs], ".csv")
    return {
        name: _table(signal, program).encode()
        for name, (signal, program) in zip(names, programs, strict=True)
    }


def _table(signal: SignalPlan, program: Program) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", quotechar='"', lineterminator="\n")
    writer.writerow(["[general]"])
    writer.writerow(["cycle time", program.cycle])
    writer.writerow(["key", _fit(signal.id, "the signal's name", signal)])
    writer.writerow(["subkey", _fit(program.id, "the program's name", signal)])
    writer.writerow(["offset", program.offset])
    writer.writerow(["[links]"])
    for group in signal.groups:
        writer.writerows(_link_rows(signal, group))
    writer.writerow(["[signal groups]"])
    writer.writerow(COLUMNS)
    for group in signal.groups:
        times = _times(signal, group, program)
        row = [*times, *[""] * (2 * MOST_GREENS - len(times))]
        writer.writerow([group.name, *row, group.red_yellow, group.yellow])
    return text.getvalue()


def _fit(text: str, what: str, signal: SignalPlan) -> str:
    """Refuse names that readers would cut or take for a section."""
    if text != text.strip():
        _refuse(signal, f"{what} '{text}' begins or ends with a space, which readers cut off; rename it")
    if text.startswith("[") and text.endswith("]"):
        _refuse(signal, f"{what} '{text}' would be read as the title of a section; rename it")
    return text


def _link_rows(signal: SignalPlan, group: Group) -> Iterator[tuple[str, str, str]]:
    _fit(group.name, "the group's name", signal)
    if not group.links:
        _refuse(signal, f"group '{group.name}' has no links, and the table names the lanes of each group")
    for link in group.links:
        if not link.from_lane:
            _refuse(
                signal,
                f"group '{group.name}': link {link.index} names no lane it comes from; give it its from_lane",
            )
        yield group.name, _fit(link.from_lane, "the lane", signal), _fit(link.to_lane, "the lane", signal)


def _times(signal: SignalPlan, group: Group, program: Program) -> list[int]:
    where = f"program '{program.id}': group '{group.name}'"
    greens = joined([(g.begin, g.end) for g in program.greens if g.group == group.name], program.cycle)
    if not greens:
        if group.rest in {"off", "blinking"}:
            # Without a green readers switch the group off.
            return [0, 0]
        _refuse(signal, f"{where} has no green, which readers of the table take for switched off")
    if len(greens) > MOST_GREENS:
        _refuse(
            signal, f"{where} has {len(greens)} greens in a cycle; the table has columns for {MOST_GREENS}"
        )
    if greens[0] == (0, program.cycle):
        _refuse(signal, f"{where} is always green, which readers of the table take for always red")
    need = group.yellow + group.red_yellow
    gaps = [
        (greens[(k + 1) % len(greens)][0] - end) % program.cycle or program.cycle
        for k, (_, end) in enumerate(greens)
    ]
    if min(gaps) < need or all(gap == need for gap in gaps):
        end = greens[gaps.index(min(gaps))][1]
        _refuse(
            signal,
            f"{where} has {min(gaps)} s from {end} to its next green; for yellow and red-yellow of {need} s "
            "readers of the table need more",
        )
    if gaps[-1] == need:
        # Where yellow and red-yellow fill the gap, readers let the later column win: the green after it comes last.
        greens.reverse()
    return [second for begin, end in greens for second in (begin, end % program.cycle)]


def joined(greens: list[tuple[int, int]], cycle: int) -> list[tuple[int, int]]:
    """
    Join greens of a group that follow each other without a gap.

    Parameters
    ----------
    greens : list of tuple of int
        Begin and end of each [s], not overlapping.
    cycle : int
        Cycle [s].

    Returns
    -------
    list of tuple of int
        In order of begin; (0, cycle) for a group that is always green.
    """
    ends = dict(greens)
    if sum((end - begin) % cycle or cycle for begin, end in greens) >= cycle:
        return [(0, cycle)]
    followed = {end % cycle for _, end in greens}
    found = []
    for begin in sorted(ends):
        if begin not in followed:
            end = ends[begin]
            while end % cycle in ends:
                end = ends[end % cycle]
            found.append((begin, end))
    return found


def _refuse(signal: SignalPlan, why: str) -> NoReturn:
    msg = f"csv cannot express the plan: signal '{signal.id}': {why}"
    raise InputError(msg)


def read(files: Files, base: Plan | None) -> Plan:
    """
    Read tables, a program each.

    Parameters
    ----------
    files : mapping
        File names and contents.
    base : Plan or None
        A plan of the same signals, such as one extracted from the network: it gives link numbers and safety data.

    Returns
    -------
    Plan
        The signals and programs of the files.

    Raises
    ------
    InputError
        If a file is no such table, two of them contradict each other, or lanes are not those of `base`.
    """
    if base is None:
        msg = "the table of a signal group names lanes, not links: give a plan of the network with --base"
        raise InputError(msg)
    tables: dict[str, list[FileProgram]] = {}
    for name, content in files.items():
        table = _Reader(name, content).table()
        tables.setdefault(table.key, []).append(table.program)
    return rebuild([FileSignal(key, tuple(programs)) for key, programs in tables.items()], base)


@dataclass(frozen=True)
class _Table:
    key: str
    program: FileProgram


@dataclass
class _Reader:
    """Reads one file; every complaint names it and the line."""

    name: str
    content: bytes
    line: int = 0
    general: dict[str, str] = field(default_factory=dict)
    lanes: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    columns: dict[str, int] = field(default_factory=dict)
    rows: list[tuple[int, list[str]]] = field(default_factory=list)

    def table(self) -> _Table:
        self._sections()
        for key in ("cycle time", "key"):
            if not self.general.get(key):
                self._fault(f"section [general] has no '{key}'")
        if not self.rows:
            self._fault("section [signal groups] has no group")
        cycle = self._whole(self.general["cycle time"], "cycle time")
        if not 1 <= cycle <= 3600:
            self._fault(f"the cycle time is {cycle} s; 1 to 3600 s")
        groups = [self._group(line, cells, cycle) for line, cells in self.rows]
        self.line = 0
        twice = [name for name, count in Counter(group.name for group in groups).items() if count > 1]
        if twice:
            self._fault(f"group '{twice[0]}' stands twice in [signal groups]")
        unknown = [name for name in self.lanes if name not in {group.name for group in groups}]
        if unknown:
            self._fault(f"[links] names group '{unknown[0]}', which [signal groups] does not have")
        offset = self._whole(self.general.get("offset", "0"), "offset")
        program = FileProgram(self.general.get("subkey") or "0", cycle, offset, tuple(groups), self.name)
        return _Table(self.general["key"], program)

    def _sections(self) -> None:
        section = ""
        for cells in self._lines():
            first = cells[0]
            if first.startswith("[") and first.endswith("]"):
                section = first[1:-1]
                if section not in SECTIONS:
                    self._fault(f"there is no section '{section}'; known: {', '.join(SECTIONS)}")
            elif section == "general":
                self._general(cells)
            elif section == "links":
                self._link(cells)
            elif section == "signal groups":
                if self.columns:
                    self.rows.append((self.line, cells))
                else:
                    self._header(cells)
            else:
                self._fault("a table begins with the line [general]")
        self.line = 0

    def _lines(self) -> Iterator[list[str]]:
        refuse_larger(self.content, self.name)
        try:
            text = self.content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._fault(f"it is not UTF-8 text (byte {error.start}); save it as UTF-8")
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=";", quotechar='"', strict=True)
        try:
            for cells in lines:
                self.line = lines.line_num
                plain = [cell.strip() for cell in cells]
                if plain and plain[0]:
                    yield plain
        except csv.Error as error:
            self.line = lines.line_num
            self._fault(f"it is no CSV: {error}")

    def _general(self, cells: list[str]) -> None:
        # "param" and "actuated" are for SUMO's own control; the greens of the table are a program without them.
        if len(cells) < 2:
            self._fault(f"'{cells[0]}' has no value; separate it with ';'")
        if cells[0] in self.general and cells[0] != "param":
            self._fault(f"'{cells[0]}' is given twice")
        self.general[cells[0]] = cells[1]

    def _link(self, cells: list[str]) -> None:
        if len(cells) < 2 or not cells[1]:
            self._fault(f"group '{cells[0]}' has no lane; write group;from lane or edge;to lane or edge")
        self.lanes.setdefault(cells[0], []).append((cells[1], cells[2] if len(cells) > 2 else ""))

    def _header(self, cells: list[str]) -> None:
        self.columns = {cell: k for k, cell in enumerate(cells) if cell in COLUMNS}
        lacking = [name for name in ("id", "on1", "off1", "transOn", "transOff") if name not in self.columns]
        if lacking:
            self._fault(f"the header of [signal groups] lacks the column '{lacking[0]}'")

    def _group(self, line: int, cells: list[str], cycle: int) -> FileGroup:
        self.line = line

        def cell(column: str) -> str:
            k = self.columns.get(column, len(cells))
            return cells[k] if k < len(cells) else ""

        name = cell("id")
        if name not in self.lanes:
            self._fault(f"group '{name}' has no line in [links]")
        greens = []
        for on, off in (("on1", "off1"), ("on2", "off2")):
            if on == "on2" and not (cell(on) or cell(off)):
                continue
            begin, end = self._whole(cell(on), on), self._whole(cell(off), off)
            if max(begin, end) > cycle:
                self._fault(f"group '{name}': {on} {begin}, {off} {end} is beyond the cycle of {cycle} s")
            if begin != end and begin % cycle == end % cycle:
                self._fault(
                    f"group '{name}': {on} {begin}, {off} {end} is the whole cycle, which readers of this table "
                    "take for always red"
                )
            if begin != end:
                greens.append((begin % cycle, end % cycle or cycle))
        seconds = [second for begin, end in greens for second in seconds_of(begin, end, cycle).tolist()]
        if len(set(seconds)) < len(seconds):
            self._fault(f"group '{name}': its two greens overlap")
        return FileGroup(
            name,
            tuple(self.lanes[name]),
            tuple(joined(greens, cycle)),
            yellow=self._whole(cell("transOff"), "transOff"),
            red_yellow=self._whole(cell("transOn"), "transOn"),
        )

    def _whole(self, text: str, what: str) -> int:
        if not re.fullmatch(r"[0-9]{1,5}", text):
            self._fault(f"{what} is '{text[:40]}', not whole seconds [whole-seconds]")
        return int(text)

    def _fault(self, why: str) -> NoReturn:
        where = f"{self.name}, line {self.line}" if self.line else self.name
        msg = f"{where}: {why}"
        raise InputError(msg)


FORMAT = Format(
    name="csv",
    title="Signal-group CSV: on and off seconds of each group (Signalzeitenplan), a file for each program",
    suffix="",
    carries=frozenset({"greens", "yellow", "red-yellow", "offset", "programs", "links"}),
    write=write,
    read=read,
)
