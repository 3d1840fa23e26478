"""Settings of NTCIP objects read back as rings and barriers."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING, NoReturn, TypeVar

from sim.errors import InputError
from sim.export.ntcip_settings import ENABLED, FIRST_GREEN_BEGIN, NORMAL_OVERLAP, OVERLAP, PEDESTRIAN, VEHICLE
from sim.signals.rings import Overlap, RingPhase, RingProgram

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sim.export.ntcip_objects import Setting, Value
    from sim.signals.plan import SignalPlan

T = TypeVar("T", int, bytes, str)


class Database:
    """
    What a controller would hold after a list of settings.

    Parameters
    ----------
    settings : iterable of Setting
        The list; commands of the transaction are left out.
    source : str
        Where it stands, for messages.
    """

    def __init__(self, settings: Iterable[Setting], source: str) -> None:
        self.source = source
        self.values: dict[tuple[str, tuple[int, ...]], Value] = {
            setting.key: setting.value for setting in settings if setting.name != "dbCreateTransaction"
        }

    def refuse(self, text: str) -> NoReturn:
        """
        Refuse a list that is no plan.

        Parameters
        ----------
        text : str
            What is wrong.

        Raises
        ------
        InputError
            Always, with the file's name.
        """
        msg = f"{self.source}: {text}"
        raise InputError(msg)

    def rows(self, name: str) -> list[tuple[int, ...]]:
        """
        List the rows of an object.

        Parameters
        ----------
        name : str
            The object.

        Returns
        -------
        list of tuple of int
            In order.
        """
        return sorted(index for entry, index in self.values if entry == name)

    def _get(self, kind: type[T], name: str, index: tuple[int, ...]) -> T:
        value = self.values.get((name, index))
        if not isinstance(value, kind):
            label = ".".join([name, *map(str, index or (0,))])
            self.refuse(f"{label} is missing; export the file again")
        return value

    def number(self, name: str, *index: int) -> int:
        """
        Look up an integer.

        Parameters
        ----------
        name : str
            The object.
        *index : int
            Its row.

        Returns
        -------
        int
            The value.
        """
        return self._get(int, name, index)

    def numbers(self, name: str, *index: int) -> tuple[int, ...]:
        """
        Look up octets that are a list of numbers.

        Parameters
        ----------
        name : str
            The object.
        *index : int
            Its row.

        Returns
        -------
        tuple of int
            The numbers.
        """
        return tuple(self._get(bytes, name, index))

    def identifier(self, name: str, *index: int) -> str:
        """
        Look up an object identifier.

        Parameters
        ----------
        name : str
            The object.
        *index : int
            Its row.

        Returns
        -------
        str
            The identifier.
        """
        return self._get(str, name, index)

    def seconds(self, name: str, *index: int) -> int:
        """
        Look up a time that the controller holds in tenths.

        Parameters
        ----------
        name : str
            The object.
        *index : int
            Its row.

        Returns
        -------
        int
            Whole seconds [s].

        Raises
        ------
        InputError
            If it is no whole second.
        """
        tenths = self.number(name, *index)
        if tenths % 10:
            text = f"{name}.{index[0]} is {tenths / 10:g} s; plans have whole seconds [whole-seconds]"
            self.refuse(text)
        return tenths // 10


def read_rings(data: Database, signal: SignalPlan) -> list[RingProgram]:
    """
    Rebuild the programs of a signal as rings and barriers.

    Parameters
    ----------
    data : Database
        The settings.
    signal : SignalPlan
        Names of groups, by channel, and of programs, by number, and the second of each at which it begins.

    Returns
    -------
    list of RingProgram
        In the order of the signal's programs.

    Raises
    ------
    InputError
        If settings are missing or contradict each other.
    """
    by_number = {program.number: program for program in signal.programs}
    for (number,) in data.rows("patternCycleTime"):
        if number not in by_number:
            data.refuse(f"pattern {number} is no program of signal '{signal.id}'")
    served, overlaps = _channels(data, signal)
    sides = _sides(data)
    programs = []
    for program in signal.programs:
        row = program.number
        cycle, offset = data.number("patternCycleTime", row), data.number("patternOffsetTime", row)
        if cycle == 0 or offset >= cycle:
            text = f"pattern {row} has the offset {offset} s in a cycle of {cycle} s [offset]"
            data.refuse(text)
        if data.number("patternCoordSyncPoint", row) != FIRST_GREEN_BEGIN:
            text = f"patternCoordSyncPoint.{row} is not 3, the begin of the first coordinated green"
            data.refuse(text)
        split = data.number("patternSplitNumber", row)
        phases = _phases(data, data.number("patternSequenceNumber", row), split, served, sides)
        coordinated = tuple(p.number for p in phases if data.number("splitCoordPhase", split, p.number))
        if not coordinated:
            data.refuse(f"split {split} has no coordinated phase [nema-coordinated]")
        # Where the plan's own second 0 lies is no matter of the controller.
        start = (offset - program.offset) % cycle
        programs.append(
            RingProgram(
                signal.id,
                program.id,
                program.number,
                cycle,
                offset,
                phases,
                overlaps,
                coordinated,
                start,
            )
        )
    return programs


def _channels(
    data: Database, signal: SignalPlan
) -> tuple[dict[tuple[int, int], tuple[str, ...]], tuple[Overlap, ...]]:
    """Map phases, by number and kind of channel, to groups, and find the overlaps."""
    served: dict[tuple[int, int], tuple[str, ...]] = {}
    overlaps = []
    for (channel,) in data.rows("channelControlSource"):
        source = data.number("channelControlSource", channel)
        if not source:
            continue
        if channel > len(signal.groups):
            data.refuse(f"channel {channel} is no group of signal '{signal.id}'")
        name = signal.groups[channel - 1].name
        kind = data.number("channelControlType", channel)
        if kind in {VEHICLE, PEDESTRIAN}:
            served[source, kind] = (*served.get((source, kind), ()), name)
        elif kind == OVERLAP and data.number("overlapType", source) == NORMAL_OVERLAP:
            if data.numbers("overlapModifierPhases", source) or data.number("overlapTrailGreen", source):
                data.refuse(f"overlap {source} has modifier phases or a trailing green")
            parents = data.numbers("overlapIncludedPhases", source)
            overlaps.append(Overlap(source, name, parents))
        else:
            data.refuse(f"channel {channel} is neither phase nor normal overlap")
    return served, tuple(sorted(overlaps, key=lambda overlap: overlap.number))


def _sides(data: Database) -> dict[int, int]:
    """Give phases that may run together the number of one side of a barrier, and sides numbers in their order."""
    enabled = [
        number
        for (number,) in data.rows("phaseOptions")
        if data.number("phaseOptions", number) & ENABLED and data.number("phaseRing", number)
    ]
    side = {number: number for number in enabled}
    for number in enabled:
        for other in data.numbers("phaseConcurrency", number):
            if other not in side:
                data.refuse(f"phase {number} may run with {other}, which is not enabled [nema-concurrency]")
            if number not in data.numbers("phaseConcurrency", other):
                text = (
                    f"phase {number} may run with {other}, but not {other} with {number} [nema-concurrency]"
                )
                data.refuse(text)
            old, new = side[other], side[number]
            side = {key: new if value == old else value for key, value in side.items()}
    follows: TopologicalSorter[int] = TopologicalSorter()
    for number in enabled:
        follows.add(side[number])
    for row in data.rows("sequenceData"):
        order = data.numbers("sequenceData", *row)
        unknown = [number for number in order if number not in side]
        if unknown:
            data.refuse(f"sequenceData.{row[0]}.{row[1]} names phase {unknown[0]}, which is not enabled")
        for before, after in pairwise(order):
            if side[before] != side[after]:
                follows.add(side[after], side[before])
    try:
        place = {name: k for k, name in enumerate(follows.static_order(), 1)}
    except CycleError:
        text = "the rings do not cross the barriers together [nema-barrier]"
        data.refuse(text)
    return {number: place[name] for number, name in side.items()}


def _phases(
    data: Database,
    sequence: int,
    split: int,
    served: dict[tuple[int, int], tuple[str, ...]],
    sides: dict[int, int],
) -> tuple[RingPhase, ...]:
    phases = []
    for row in data.rows("sequenceData"):
        if row[0] != sequence:
            continue
        order = data.numbers("sequenceData", *row)
        for number in order:
            if data.number("phaseRing", number) != row[1]:
                text = f"phase {number} stands in ring {row[1]} of sequence {sequence}, not in its own [nema-ring]"
                data.refuse(text)
            yellow = data.seconds("phaseYellowChange", number)
            red_clear = data.seconds("phaseRedClear", number)
            green = data.number("splitTime", split, number) - yellow - red_clear
            if green < 1:
                text = f"split {split} leaves phase {number} no green [nema-split]"
                data.refuse(text)
            before = order[: order.index(number)]
            phases.append(
                RingPhase(
                    number=number,
                    ring=row[1],
                    barrier=sides[number],
                    position=1 + sum(sides[other] == sides[number] for other in before),
                    green=green,
                    yellow=yellow,
                    red_clear=red_clear,
                    minimum_green=data.number("phaseMinimumGreen", number),
                    groups=served.get((number, VEHICLE), ()),
                    walk=data.number("phaseWalk", number),
                    pedestrian_clear=data.number("phasePedestrianClear", number),
                    pedestrians=served.get((number, PEDESTRIAN), ()),
                )
            )
    missing = sorted(sides.keys() - {phase.number for phase in phases})
    if missing or len(phases) != len(sides):
        which = f"phase {missing[0]} is not" if missing else "a phase is twice"
        data.refuse(f"{which} in sequence {sequence} [nema-ring]")
    return tuple(sorted(phases, key=lambda phase: phase.number))
