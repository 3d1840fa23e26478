"""Reads Vissig and Vissim supply files (``.sig``)."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.errors import InputError
from sim.scenario.xmlfile import parse_tree
from sim.signals.lamps import GREEN, PERMISSIVE, greens_of, lamps, seconds_of
from sim.signals.plan import MOST_PROGRAMS, Green, Group, Intergreen, Kind, Plan, Program, SignalPlan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn
    from xml.etree.ElementTree import Element

    from sim.export.format import Files

# Vissig's own numbers, for files that declare none.
STATES = {1: "RED", 2: "REDAMBER", 3: "GREEN", 4: "AMBER"}
SEQUENCES = {1: (1,), 2: (3,), 3: (1, 2, 3, 4), 4: (1, 3), 7: (1, 3, 4)}
# The aspects of a sequence in the only order that a plan can show.
ORDER = ("RED", "REDAMBER", "GREEN", "AMBER")
LONGEST_CYCLE = 3600
MOST_GROUPS = 255


class _Line(NamedTuple):
    """What a program says of a group: greens as begin and end [s], and transitions [s]."""

    greens: list[tuple[int, int]]
    yellow: int | None
    red_yellow: int | None


def read_sig(files: Files, base: Plan | None) -> Plan:
    """
    Read supply files.

    Parameters
    ----------
    files : mapping
        File names and contents, one for each signal.
    base : Plan or None
        Gives lanes, kinds, lengths, stages, the schedule and which greens give way. Without it all greens are
        protected, and groups without transitions are pedestrians.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InputError
        If a file is no supply file, or says what a plan cannot.
    """
    if not files:
        msg = "there is no .sig file to read"
        raise InputError(msg)
    signals = tuple(_Reader(name, content).signal(base) for name, content in files.items())
    twice = [name for name, count in Counter(signal.id for signal in signals).items() if count > 1]
    if twice:
        msg = f"two .sig files are of signal '{twice[0]}'"
        raise InputError(msg)
    return (
        Plan(name="plan", signals=signals) if base is None else base.model_copy(update={"signals": signals})
    )


class _Reader:
    """One file."""

    def __init__(self, file: str, content: bytes) -> None:
        self.file = file
        self.root = parse_tree(content, file)
        if self.root.tag != "sc":
            self.fail(f"its root is <{self.root.tag}>, not <sc>, so it is no .sig file")
        self.states: dict[int, str] = STATES | {
            self.whole(entry, "id"): entry.get("state", "")
            for entry in self.root.iterfind("signaldisplays/display")
        }
        self.sequences: dict[int, tuple[int, ...]] = SEQUENCES | {
            self.whole(entry, "id"): tuple(self.whole(state, "display") for state in entry.iterfind("state"))
            for entry in self.root.iterfind("signalsequences/signalsequence")
        }

    def fail(self, why: str) -> NoReturn:
        """Refuse the file."""
        msg = f"{self.file}: {why}"
        raise InputError(msg)

    def whole(self, entry: Element, key: str) -> int:
        """Read a whole number that is not negative."""
        text = entry.get(key, "")
        if not re.fullmatch(r"[0-9]{1,9}", text):
            self.fail(f"<{entry.tag}> has {key}={text!r}, which is no whole number from 0 on")
        return int(text)

    def seconds(self, entry: Element, key: str) -> int:
        """Read milliseconds that are whole seconds."""
        time = self.whole(entry, key)
        if time % 1000:
            self.fail(f"<{entry.tag}> has {key}={time} ms, which is no whole second [whole-seconds]")
        if time > 86400 * 1000:
            self.fail(f"<{entry.tag}> has {key}={time} ms, which is longer than a day")
        return time // 1000

    def name(self, entry: Element, otherwise: str) -> str:
        """Read a name, which may be empty in Vissig."""
        text: str = entry.get("name", "") or otherwise
        if not text.isprintable() or len(text) > 200:
            self.fail(f"<{entry.tag}> has a name of more than 200 characters or with control characters")
        return text

    def signal(self, base: Plan | None) -> SignalPlan:
        """Read the signal."""
        name = self.name(self.root, f"SC{self.root.get('id', '')}")
        known = None if base is None else base.signal(name)
        if base is not None and known is None:
            self.fail(f"signal '{name}' is not in the plan '{base.name}'")
        entries = {self.whole(entry, "id"): entry for entry in self.root.iterfind("sgs/sg")}
        names = {key: self.name(entry, f"SG{key}") for key, entry in entries.items()}
        twice = [one for one, count in Counter(names.values()).items() if count > 1]
        if twice:
            self.fail(f"two signal groups are called '{twice[0]}'")
        if not 1 <= len(names) <= MOST_GROUPS:
            self.fail(f"it has {len(names)} signal groups; 1 to {MOST_GROUPS}")
        programs = list(self.root.iterfind("progs/prog"))
        if not 1 <= len(programs) <= MOST_PROGRAMS:
            self.fail(f"it has {len(programs)} fixed-time programs; 1 to {MOST_PROGRAMS}")
        lines = [dict(self.lines(entry, names)) for entry in programs]
        groups = tuple(
            self.group(entry, names[key], known, [every[key] for every in lines if key in every])
            for key, entry in entries.items()
        )
        return SignalPlan(
            id=name,
            groups=groups,
            intergreens=self.matrix(programs, names, known),
            compatible=known is not None and known.compatible,
            programs=tuple(
                self.program(entry, {names[key]: line for key, line in every.items()}, known)
                for entry, every in zip(programs, lines, strict=True)
            ),
        )

    def group(self, entry: Element, name: str, known: SignalPlan | None, lines: list[_Line]) -> Group:
        """Read a group; its transitions are those of its programs, and else its defaults."""
        default: dict[str, int] = {}
        for part in entry.iterfind("defaultDurations/defaultDuration"):
            default[self.state(self.whole(part, "display"))] = self.seconds(part, "duration")
        used = {self.state(key) for key in self.sequence(self.whole(entry, "defaultSignalSequence"))}
        times = {}
        for field, state in (("yellow", "AMBER"), ("red_yellow", "REDAMBER")):
            given = {getattr(line, field) for line in lines} - {None}
            if len(given) > 1:
                several = " and ".join(map(str, sorted(given)))
                self.fail(f"group '{name}' has {field} of {several} s; a plan has one for each group")
            times[field] = given.pop() if given else default.get(state, 0) if state in used else 0
        have = None if known is None else next((one for one in known.groups if one.name == name), None)
        if known is not None and have is None:
            self.fail(f"group '{name}' is not in signal '{known.id}' of the plan")
        if have is None:
            kind: Kind = "vehicle" if times["yellow"] or times["red_yellow"] else "pedestrian"
            have = Group(name=name, kind=kind, minimum_green=0)
        return have.model_copy(update=times | {"rest": "red", "minimum_green": default.get("GREEN", 0)})

    def state(self, display: int) -> str:
        """Look up what a display shows."""
        state = self.states.get(display, "")
        if state not in ORDER:
            self.fail(f"display {display} shows {state!r}; a plan knows {', '.join(ORDER)}")
        return state

    def sequence(self, key: int) -> tuple[int, ...]:
        """Look up the displays of a sequence, which must be in the order of red, red-amber, green, amber."""
        displays = self.sequences.get(key, ())
        states = [self.state(display) for display in displays]
        if not states or states != [state for state in ORDER if state in states]:
            self.fail(
                f"signal sequence {key} is {'-'.join(states) or 'not declared'}, which a plan cannot show"
            )
        return displays

    def matrix(
        self, programs: list[Element], names: dict[int, str], known: SignalPlan | None
    ) -> tuple[Intergreen, ...]:
        """Read the matrix that the programs use."""
        used = {program.get("intergreens", "0") for program in programs} - {"0"}
        if len(used) > 1:
            self.fail("its programs use different intergreen matrices; a plan has one for each signal")
        found = [
            one for one in self.root.iterfind("intergreenmatrices/intergreenmatrix") if one.get("id") in used
        ]
        if used and len(found) != 1:
            self.fail(f"its programs use intergreen matrix {min(used)}, of which it has {len(found)}")
        paths = (
            {} if known is None else {(c.clearing, c.entering): c.entering_path for c in known.intergreens}
        )
        cells = {}
        for cell in found[0].iterfind("intergreen") if found else ():
            pair = []
            for key in ("clearingsg", "enteringsg"):
                number = self.whole(cell, key)
                if number not in names:
                    self.fail(f"the intergreen matrix names signal group {number}, which does not exist")
                pair.append(names[number])
            one, other = pair
            if (one, other) in cells:
                self.fail(f"the intergreen '{one}' to '{other}' is given twice")
            cells[one, other] = Intergreen(
                clearing=one,
                entering=other,
                seconds=self.seconds(cell, "value"),
                entering_path=paths.get((one, other), 0.0),
            )
        return tuple(cells.values())

    def lines(self, program: Element, names: dict[int, str]) -> Iterator[tuple[int, _Line]]:
        """Read what a program says of each group."""
        cycle = self.seconds(program, "cycletime")
        what = self.name(program, program.get("id", ""))
        if not 1 <= cycle <= LONGEST_CYCLE:
            self.fail(f"program '{what}' has a cycle of {cycle} s; 1 to {LONGEST_CYCLE} s")
        seen = set()
        for entry in program.iterfind("sgs/sg"):
            key = self.whole(entry, "sg_id")
            if key not in names or key in seen:
                self.fail(
                    f"program '{what}' names signal group {key}, which it does not have, or names it twice"
                )
            seen.add(key)
            yield key, self.line(entry, cycle, f"program '{what}', group '{names[key]}'")

    def line(self, entry: Element, cycle: int, where: str) -> _Line:
        """Read the commands of a group."""
        states = [self.state(display) for display in self.sequence(self.whole(entry, "signal_sequence"))]
        times = {
            self.state(self.whole(part, "display")): self.seconds(part, "duration")
            for part in entry.iterfind("fixedstates/fixedstate")
        }
        commands = [
            (self.state(self.whole(part, "display")), self.seconds(part, "begin"))
            for part in entry.iterfind("cmds/cmd")
        ]
        if states in (["RED"], ["GREEN"]):
            return _Line([(0, cycle)] if states == ["GREEN"] else [], None, None)
        for state in ("REDAMBER", "AMBER"):
            if state in states and state not in times:
                self.fail(f"{where}: the duration of {state} is missing")
        yellow = times["AMBER"] if "AMBER" in states else 0
        red_yellow = times["REDAMBER"] if "REDAMBER" in states else 0
        if any(time >= cycle for _, time in commands):
            self.fail(f"{where}: a command is not within the cycle of {cycle} s")
        commands.sort(key=lambda command: command[1])
        kinds = [state for state, _ in commands]
        half = len(kinds) // 2
        if not kinds or kinds not in (["GREEN", "RED"] * half, ["RED", "GREEN"] * half):
            self.fail(
                f"{where}: the commands are {', '.join(kinds) or 'missing'}; green and red must alternate"
            )
        if kinds[0] == "RED":
            commands = [*commands[1:], commands[0]]
        greens = []
        for k in range(0, len(commands), 2):
            begin, red = commands[k][1], commands[k + 1][1]
            following = commands[(k + 2) % len(commands)][1]
            length = (red - begin) % cycle - yellow
            if length < 1:
                self.fail(f"{where}: green from {begin} s is over before it began, as red is at {red} s")
            # Nothing below a second of red can be told from none: who sorts commands may swap the two.
            if (following - red) % cycle <= red_yellow:
                self.fail(f"{where}: there is no red between {red} s and the green at {following} s")
            greens.append((begin, (begin + length) % cycle or cycle))
        return _Line(greens, yellow, red_yellow)

    def program(self, entry: Element, lines: dict[str, _Line], known: SignalPlan | None) -> Program:
        """Read a program, of which greens and transitions are known."""
        number = self.whole(entry, "id")
        name = self.name(entry, str(number))
        if not 1 <= number <= MOST_PROGRAMS:
            self.fail(f"program '{name}' has the number {number}; 1 to {MOST_PROGRAMS}")
        cycle = self.seconds(entry, "cycletime")
        have = None if known is None else known.program(name)
        greens: list[Green] = []
        for group, line in lines.items():
            row = np.full(cycle, ord("r"), np.uint8)
            for begin, end in line.greens:
                row[seconds_of(begin, end, cycle)] = GREEN
            if known is not None and have is not None and have.cycle == cycle:
                gives_way = lamps(known, have)[known.number()[group]] == PERMISSIVE
                row[(row == GREEN) & gives_way] = PERMISSIVE
            greens += [
                Green(group=group, begin=begin, end=end, permissive=permissive)
                for begin, end, permissive in greens_of(row)
            ]
        return Program(
            id=name,
            number=number,
            cycle=cycle,
            offset=self.seconds(entry, "offset"),
            switch=self.seconds(entry, "switchpoint"),
            greens=tuple(greens),
            stages=() if have is None else have.stages,
        )
