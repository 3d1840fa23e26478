"""Reads programs of SUMO's additional files, with a base plan or with the network they are for."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from xml.etree.ElementTree import Element, tostring

import numpy as np
from pydantic import ValidationError

from sim.errors import InputError, near_miss
from sim.export.waut import OWN, read_schedule
from sim.faults import describe
from sim.network.graph import RoadGraph
from sim.scenario.xmlfile import parse_tree, read_tree
from sim.signals.extract import RESTS, extract_signal
from sim.signals.lamps import greens_of, is_green, lamps, runs
from sim.signals.plan import Green, Group, Plan, Program, SignalPlan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.export.format import Files
    from sim.network.timing import TimingRules

LONGEST_CYCLE = 3600
LETTERS = frozenset("Ggyu") | frozenset(RESTS)


def read(files: Files, base: Plan | None) -> Plan:
    """
    Read the programs and the schedule of an additional file.

    Parameters
    ----------
    files : mapping
        One file.
    base : Plan or None
        A plan of the same signals: it gives groups and safety data.

    Returns
    -------
    Plan
        The signals and programs of the file.

    Raises
    ------
    InputError
        If it is no such file, or a program of it is no fixed-time plan of the groups of `base`.
    """
    if len(files) != 1:
        msg = f"sumo is one additional file, not {len(files)} files"
        raise InputError(msg)
    ((source, content),) = files.items()
    if base is None:
        msg = f"{source} has states of links only: give a plan of the signals with --base"
        raise InputError(msg)
    root = parse_tree(content, source)
    logics = _by_signal(root)
    known = [signal.id for signal in base.signals]
    for name in logics:
        if name not in known:
            msg = f"{source}: the base plan has no signal '{name}'{near_miss(name, known)}"
            raise InputError(msg)
    if not logics:
        msg = f"{source} has no signal program (tlLogic)"
        raise InputError(msg)
    try:
        signals = tuple(
            merge_programs(logics[signal.id], signal, source)
            for signal in base.signals
            if signal.id in logics
        )
        plan = base.model_copy(update={"signals": signals})
        schedule = read_schedule(root, list(logics), source, base)
    except ValidationError as error:
        msg = f"{source}: {'; '.join(map(str, describe(error, Plan)))}"
        raise InputError(msg) from error
    return plan.model_copy(update={"schedule": schedule})


def import_programs(network: Path, additional: Path, rules: TimingRules, name: str) -> tuple[Plan, list[str]]:
    """
    Make a plan of the programs that a stranger's additional file has for a network.

    Parameters
    ----------
    network : Path
        The ``.net.xml``.
    additional : Path
        The file with ``tlLogic`` elements and perhaps a ``WAUT``.
    rules : TimingRules
        Where transition times come from.
    name : str
        What the plan is called.

    Returns
    -------
    Plan
        The signals of the file. Groups and safety data come from the program that SUMO would run, the one read last.
    list of str
        Programs left out, and why.

    Raises
    ------
    InputError
        If a file cannot be read, or the program that SUMO would run is no fixed-time plan.
    """
    root = read_tree(additional)
    logics = _by_signal(root)
    if not logics:
        msg = f"{additional} has no signal program (tlLogic)"
        raise InputError(msg)
    running = Element("additional")
    for several in logics.values():
        running.append(several[-1])
    with tempfile.TemporaryDirectory(prefix="gruenband-") as scratch:
        path = Path(scratch) / additional.name
        path.write_bytes(tostring(running))
        graph = RoadGraph.from_file(network, [path])
    left_out: list[str] = []
    try:
        signals = tuple(
            _import_signal(graph, signal, several, rules, (str(additional), left_out))
            for signal, several in logics.items()
        )
        plan = Plan(name=name, network=network.name, signals=signals)
        try:
            schedule = read_schedule(root, list(logics), str(additional), None)
        except InputError as fault:
            left_out.append(str(fault))
            schedule = None
    except ValidationError as error:
        msg = f"{additional}: {'; '.join(map(str, describe(error, Plan)))}"
        raise InputError(msg) from error
    return plan.model_copy(update={"schedule": schedule}), left_out


def _import_signal(
    graph: RoadGraph, signal: str, logics: list[Element], rules: TimingRules, told: tuple[str, list[str]]
) -> SignalPlan:
    """Take the running program with its safety data, then those of the others that fit its groups."""
    source, left_out = told
    *others, running = logics
    if running.get("type", "static") != "static":
        msg = (
            f"{source}: signal '{signal}': program '{running.get('programID', '')}' is of type "
            f"{running.get('type')}, no fixed-time plan"
        )
        raise InputError(msg)
    base = extract_signal(graph, graph.signal(signal), rules)
    read_last = base.programs[0].model_copy(update={"id": base.programs[0].id.removeprefix(OWN)})
    base = base.model_copy(update={"programs": (read_last,)})
    kept = [running]
    for logic in others:
        try:
            merge_programs([logic, *kept], base, source)
        except InputError as fault:
            left_out.append(str(fault))
        else:
            kept.insert(len(kept) - 1, logic)
    return merge_programs(kept, base, source)


def _by_signal(root: Element) -> dict[str, list[Element]]:
    logics: dict[str, list[Element]] = {}
    for logic in root.iter("tlLogic"):
        logics.setdefault(logic.get("id", ""), []).append(logic)
    return logics


def merge_programs(logics: list[Element], base: SignalPlan, source: str) -> SignalPlan:
    """
    Give a signal the programs of a file.

    Parameters
    ----------
    logics : list of Element
        Its ``tlLogic`` elements, in the file's order.
    base : SignalPlan
        The signal with its groups and safety data.
    source : str
        The file, for messages.

    Returns
    -------
    SignalPlan
        With the file's programs, the one that SUMO would start with first, and the file's transition times.

    Raises
    ------
    InputError
        If a program is not static, not in whole seconds, shows links of one group different lamps, or is no sequence
        of greens, yellows and reds of the same length.
    """
    readers = [_Logic(logic, base, source) for logic in reversed(logics)]
    ids = [reader.program for reader in readers]
    for reader in readers:
        if ids.count(reader.program) > 1:
            reader.refuse("it stands in the file twice")
    shown = [reader.rows() for reader in readers]
    groups = tuple(_group(group, [rows[k] for rows in shown], readers) for k, group in enumerate(base.groups))
    numbers = {program.number for program in base.programs if program.id in ids}
    programs: list[Program] = []
    signal = base.model_copy(update={"groups": groups})
    for reader, rows in zip(readers, shown, strict=True):
        own = base.program(reader.program)
        number = own.number if own else next(k for k in range(1, len(ids) + 255) if k not in numbers)
        numbers.add(number)
        programs.append(_program(reader, rows, groups, number, own))
        drawn = lamps(signal, programs[-1])
        if not np.array_equal(drawn, rows):
            k, at = np.argwhere(drawn != rows)[0].tolist()
            reader.refuse(
                f"group '{groups[k].name}' shows '{chr(rows[k, at])}' in second {at}, which no sequence of green, "
                "yellow and red makes"
            )
    return SignalPlan(**{**dict(signal), "programs": tuple(programs)})


def _program(
    reader: _Logic, rows: NDArray[np.uint8], groups: tuple[Group, ...], number: int, own: Program | None
) -> Program:
    greens = tuple(
        Green(group=group.name, begin=begin, end=end, permissive=permissive)
        for group, row in zip(groups, rows, strict=True)
        for begin, end, permissive in greens_of(row)
    )
    cycle = rows.shape[1]
    if own is not None and own.cycle == cycle and set(own.greens) == set(greens):
        greens, stages = own.greens, own.stages
    else:
        stages = ()
    return Program(
        id=reader.program,
        number=number,
        cycle=cycle,
        offset=reader.whole("offset", reader.logic.get("offset", "0")) % cycle,
        switch=reader.switch() % cycle,
        greens=greens,
        stages=stages,
    )


def _group(group: Group, rows: list[NDArray[np.uint8]], readers: list[_Logic]) -> Group:
    """Take the group with what it shows in the file's programs beside green."""
    found: dict[str, set[int]] = {"y": set(), "u": set()}
    rests: set[str] = set()
    for reader, row in zip(readers, rows, strict=True):
        for letter, times in found.items():
            times |= {length for _, length in runs(row == ord(letter))}
            if len(times) > 1:
                several = " and ".join(map(str, sorted(times)))
                what = "yellows" if letter == "y" else "red-yellows"
                reader.refuse(
                    f"group '{group.name}' has {what} of {several} s; a plan has one for each group"
                )
        rests |= {chr(letter) for letter in row} & set(RESTS)
        if len(rests) > 1:
            shown = "', '".join(sorted(rests))
            reader.refuse(
                f"group '{group.name}' shows '{shown}' outside its greens, where a plan has one lamp"
            )
    greens = any(is_green(row).any() for row in rows)
    return group.model_copy(
        update={
            # Without an end of green in the file its yellow is not told.
            "yellow": max(found["y"], default=0) if rests and greens else group.yellow,
            "red_yellow": max(found["u"], default=0) if rests and greens else group.red_yellow,
            "rest": RESTS[min(rests)] if rests else group.rest,
        }
    )


class _Logic:
    """One ``tlLogic`` of a file; every complaint names it."""

    def __init__(self, logic: Element, base: SignalPlan, source: str) -> None:
        self.logic = logic
        self.base = base
        self.source = source
        self.program = logic.get("programID", "").removeprefix(OWN)

    def rows(self) -> NDArray[np.uint8]:
        """Lay out what each group shows, shape (groups, cycle)."""
        if self.logic.get("type", "static") != "static":
            self.refuse(f"it is of type {self.logic.get('type')}, no fixed-time plan")
        phases = self.logic.findall("phase")
        links = 1 + max((link.index for group in self.base.groups for link in group.links), default=-1)
        states: list[bytes] = []
        for k, phase in enumerate(phases):
            state = phase.get("state", "")
            if phase.get("next", "").split() not in ([], [str((k + 1) % len(phases))]):
                self.refuse(f"phase {k} has next='{phase.get('next')}', which is no fixed cycle")
            if len(state) < links or not set(state) <= LETTERS:
                self.refuse(
                    f"phase {k} shows '{state[:60]}', not {links} of the letters {''.join(sorted(LETTERS))}"
                )
            if len(state) != len(phases[0].get("state", "")):
                self.refuse(f"phase {k} has a state of another length than the first")
            length = self.whole("duration", phase.get("duration", ""))
            if not 0 < length <= LONGEST_CYCLE - len(states):
                self.refuse(f"phase {k} lasts {length} s; a cycle has 1 to {LONGEST_CYCLE} s")
            states += [state.encode()] * length
        if not states:
            self.refuse("it has no phase")
        by_link = np.frombuffer(b"".join(states), np.uint8).reshape(len(states), -1).T
        rows = np.empty((len(self.base.groups), len(states)), np.uint8)
        for k, group in enumerate(self.base.groups):
            if not group.links:
                self.refuse(f"group '{group.name}' of the base plan has no links to read it from")
            mine = by_link[[link.index for link in group.links]]
            differs = np.flatnonzero((mine != mine[0]).any(axis=0))
            if len(differs):
                self.refuse(f"the links of group '{group.name}' differ in second {differs[0]}")
            rows[k] = mine[0]
        return rows

    def switch(self) -> int:
        """Read the second at which the program is left and entered."""
        params = {param.get("key"): param.get("value", "") for param in self.logic.iter("param")}
        return self.whole("GSP", params.get("GSP", "0"))

    def whole(self, key: str, text: str) -> int:
        """Read whole seconds."""
        try:
            number = float(text)
            whole = int(number)
        except (ValueError, OverflowError):
            self.refuse(f'{key}="{text[:40]}" is not a time in seconds')
        if whole != number:
            self.refuse(f'{key}="{text[:40]}" is not whole seconds [whole-seconds]')
        return whole

    def refuse(self, why: str) -> NoReturn:
        """Complain."""
        msg = f"{self.source}: signal '{self.base.id}': program '{self.logic.get('programID', '')}': {why}"
        raise InputError(msg)
