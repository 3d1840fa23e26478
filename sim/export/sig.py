"""
Vissig and Vissim supply files (``.sig``): XML with signal groups, intergreen matrix and programs of one signal.

Times are milliseconds. The switching command to red names the begin of red, after the amber; a plan's green ends
before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sim.errors import InputError
from sim.export.format import Format
from sim.export.names import file_names
from sim.export.sig_read import read_sig
from sim.signals.lamps import is_green, lamps, runs

if TYPE_CHECKING:
    from sim.signals.plan import Group, Plan, Program, SignalPlan


class Display(NamedTuple):
    """A signal aspect as the file declares it."""

    name: str
    state: str
    color: str
    default: int


class Sequence(NamedTuple):
    """
    A sequence of aspects as the file declares it.

    The name is made of the names of its displays: readers look them up by it.
    """

    name: str
    displays: tuple[int, ...]


# Numbers and names as Vissig gives them; durations that nothing states otherwise [ms].
RED, RED_AMBER, GREEN_LIGHT, AMBER = 1, 2, 3, 4
DISPLAYS = {
    RED: Display("Red", "RED", "#FF0000", 1000),
    RED_AMBER: Display("Red/Amber", "REDAMBER", "#CCCC00", 1000),
    GREEN_LIGHT: Display("Green", "GREEN", "#00CC00", 5000),
    AMBER: Display("Amber", "AMBER", "#CCCC00", 3000),
}
ALWAYS_RED, ALWAYS_GREEN = 1, 2
SEQUENCES = {
    ALWAYS_RED: Sequence("Red", (RED,)),
    ALWAYS_GREEN: Sequence("Green", (GREEN_LIGHT,)),
    3: Sequence("Red-Red/Amber-Green-Amber", (RED, RED_AMBER, GREEN_LIGHT, AMBER)),
    4: Sequence("Red-Green", (RED, GREEN_LIGHT)),
    7: Sequence("Red-Green-Amber", (RED, GREEN_LIGHT, AMBER)),
}
FIXED = (RED_AMBER, AMBER)


def write_sig(plan: Plan) -> dict[str, bytes]:
    """
    Write a plan as supply files.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    dict
        A file for each signal with all its programs.

    Raises
    ------
    InputError
        If a group rests in something else than red, or has a sequence that the format does not know.
    """
    names = file_names([(signal.id,) for signal in plan.signals], ".sig")
    return {
        name: _file(k, signal)
        for k, (name, signal) in enumerate(zip(names, plan.signals, strict=True), start=1)
    }


def _file(number: int, signal: SignalPlan) -> bytes:
    root = Element(
        "sc",
        version="201801",
        id=str(number),
        name=signal.id,
        frequency="1",
        steps="0",
        defaultIntergreenMatrix="1",
        interstagesUsingMinDurations="true",
        checkSum="0",
    )
    sequences = [_sequence(signal, group) for group in signal.groups]
    _displays(root)
    _sequences(root)
    groups = SubElement(root, "sgs")
    for k, (group, sequence) in enumerate(zip(signal.groups, sequences, strict=True), start=1):
        entry = SubElement(groups, "sg", id=str(k), name=group.name, defaultSignalSequence=str(sequence))
        durations = SubElement(entry, "defaultDurations")
        # A plan knows no minimum red.
        times = {
            RED: 0,
            RED_AMBER: group.red_yellow,
            GREEN_LIGHT: group.minimum_green,
            AMBER: group.yellow,
        }
        for display in SEQUENCES[sequence].displays:
            SubElement(durations, "defaultDuration", display=str(display), duration=_ms(times[display]))
    _matrix(root, signal)
    programs = SubElement(root, "progs")
    for program in signal.programs:
        _program(programs, signal, program, sequences)
    for empty in ("stages", "interstageProgs", "stageProgs", "dailyProgLists"):
        SubElement(root, empty)
    indent(root)
    text: str = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _displays(root: Element) -> None:
    parent = SubElement(root, "signaldisplays")
    for key, display in DISPLAYS.items():
        entry = SubElement(parent, "display", id=str(key), name=display.name, state=display.state)
        patterns = SubElement(entry, "patterns")
        pattern = "MINUS" if key == RED else "FRAME"
        SubElement(patterns, "pattern", pattern=pattern, color=display.color, isBold="true")


def _sequences(root: Element) -> None:
    parent = SubElement(root, "signalsequences")
    for key, sequence in SEQUENCES.items():
        entry = SubElement(parent, "signalsequence", id=str(key), name=sequence.name)
        for display in sequence.displays:
            SubElement(
                entry,
                "state",
                display=str(display),
                isFixedDuration="true" if display in FIXED else "false",
                isClosed="false" if display == GREEN_LIGHT else "true",
                defaultDuration=str(DISPLAYS[display].default),
            )


def _matrix(root: Element, signal: SignalPlan) -> None:
    number = signal.number()
    parent = SubElement(root, "intergreenmatrices")
    matrix = SubElement(parent, "intergreenmatrix", id="1", name="Zwischenzeitenmatrix")
    for cell in signal.intergreens:
        SubElement(
            matrix,
            "intergreen",
            clearingsg=str(number[cell.clearing] + 1),
            enteringsg=str(number[cell.entering] + 1),
            value=_ms(cell.seconds),
        )


def _program(parent: Element, signal: SignalPlan, program: Program, sequences: list[int]) -> None:
    entry = SubElement(
        parent,
        "prog",
        id=str(program.number),
        cycletime=_ms(program.cycle),
        switchpoint=_ms(program.switch),
        offset=_ms(program.offset),
        intergreens="1",
        fitness="0.000000",
        vehicleCount="0",
        name=program.id,
    )
    groups = SubElement(entry, "sgs")
    shown = lamps(signal, program)
    for k, (group, sequence) in enumerate(zip(signal.groups, sequences, strict=True)):
        row = shown[k]
        greens = runs(is_green(row))
        always = len(greens) == 1 and greens[0][1] == program.cycle
        used = ALWAYS_GREEN if always else sequence if greens else ALWAYS_RED
        line = SubElement(groups, "sg", sg_id=str(k + 1), signal_sequence=str(used))
        commands = SubElement(line, "cmds")
        fixed = SubElement(line, "fixedstates")
        if used in {ALWAYS_RED, ALWAYS_GREEN}:
            SubElement(commands, "cmd", display=str(SEQUENCES[used].displays[0]), begin="0")
            continue
        for n, (begin, length) in enumerate(greens):
            red = begin + length + group.yellow
            room = (greens[(n + 1) % len(greens)][0] - begin) % program.cycle or program.cycle
            if room - length - group.yellow - group.red_yellow < 1:
                msg = (
                    f"signal '{signal.id}', program '{program.id}': group '{group.name}' shows no red after its green "
                    f"that ends at {(begin + length) % program.cycle} s; a .sig file has at least 1 s of red there"
                )
                raise InputError(msg)
            SubElement(commands, "cmd", display=str(GREEN_LIGHT), begin=_ms(begin))
            SubElement(commands, "cmd", display=str(RED), begin=_ms(red % program.cycle))
        for display, time in ((RED_AMBER, group.red_yellow), (AMBER, group.yellow)):
            if display in SEQUENCES[sequence].displays:
                SubElement(fixed, "fixedstate", display=str(display), duration=_ms(time))


def _sequence(signal: SignalPlan, group: Group) -> int:
    """Find the sequence of a group by its transitions."""
    if group.rest != "red":
        msg = (
            f"signal '{signal.id}': group '{group.name}' rests '{group.rest}'; groups of a .sig file rest in red, "
            "so leave the group out or choose a format that carries it"
        )
        raise InputError(msg)
    known = {(True, True): 3, (False, False): 4, (False, True): 7}
    sequence = known.get((group.red_yellow > 0, group.yellow > 0))
    if sequence is None:
        msg = (
            f"signal '{signal.id}': group '{group.name}' has red-yellow but no yellow, which no sequence of a .sig "
            "file has"
        )
        raise InputError(msg)
    return sequence


def _ms(seconds: int) -> str:
    return str(seconds * 1000)


FORMAT = Format(
    name="sig",
    title="Vissig and Vissim supply files (.sig), one for each signal",
    suffix="",
    carries=frozenset(
        {"greens", "yellow", "red-yellow", "offset", "programs", "switch", "intergreens", "minimum-green"}
    ),
    write=write_sig,
    read=read_sig,
    reads_alone=True,
)
