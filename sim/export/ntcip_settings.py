"""Ring-and-barrier programs and day schedules as settings of NTCIP objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.errors import InputError
from sim.export.ntcip_objects import OBJECTS, Setting, cleared, range_fault
from sim.export.ntcip_schedule import AUTOMATIC, time_base

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sim.export.ntcip_objects import Value
    from sim.signals.plan import Schedule, SignalPlan
    from sim.signals.rings import Overlap, RingPhase, RingProgram

# Values of the enumerations and bits used. Derived from NTCIP 1202 v03 / 1201 v03. Copyright AASHTO/ITE/NEMA.
NORMAL, TRANSACTION, VERIFY, DONE = 1, 2, 3, 6
ENABLED, MAX_RECALL, PED_RECALL, DUAL_ENTRY = 1 << 0, 1 << 7, 1 << 8, 1 << 10
NOT_ON, GREEN_WALK, GREEN_NO_WALK = 2, 3, 4
MAXIMUM_RECALL, MAXIMUM_AND_PED_RECALL = 4, 6
DWELL, MAX_INHIBIT, FIXED = 2, 4, 3
FIRST_GREEN_BEGIN = 3
OTHER, VEHICLE, PEDESTRIAN, OVERLAP = 1, 2, 3, 4
NORMAL_OVERLAP = 2
# Ranges that NEMA TS 2 asks of what is used, narrower than those of the objects.
TS2 = {
    "phaseMinimumGreen": (1, 255),
    "phaseMaximum1": (1, 255),
    "phaseYellowChange": (30, 255),
    "patternCycleTime": (30, 255),
}


def transaction(data: Sequence[Setting]) -> list[Setting]:
    """
    Put settings into a database transaction.

    Parameters
    ----------
    data : sequence of Setting
        The settings.

    Returns
    -------
    list of Setting
        The same with the commands before and after.
    """
    name = "dbCreateTransaction"
    return [
        Setting(name, (), TRANSACTION, "transaction: only if it reads 1 (normal)"),
        *data,
        Setting(name, (), VERIFY, "verify: then read it until 6 (done)"),
        Setting(
            name,
            (),
            NORMAL,
            "normal: commits if dbVerifyStatus.0 reads 3 (done without error), else discards",
        ),
    ]


def signal_settings(
    signal: SignalPlan, rings: Sequence[RingProgram], schedule: Schedule | None
) -> list[Setting]:
    """
    Write the programs of a signal as settings.

    Parameters
    ----------
    signal : SignalPlan
        The signal.
    rings : sequence of RingProgram
        All its programs as rings and barriers.
    schedule : Schedule or None
        Which program runs when; without it the first program runs.

    Returns
    -------
    list of Setting
        In the order they are to be set, without the transaction's commands.

    Raises
    ------
    InputError
        If a value is outside the range of its object, or programs differ in what a controller has once for all of
        them.
    """
    phases = _common_phases(signal, rings)
    overlaps = _common_overlaps(signal, rings)
    settings = [
        *_phase_table(signal, rings, phases, overlaps),
        *_overlap_table(overlaps),
        *_channel_table(signal, phases, overlaps),
        *_coordination(rings, schedule),
    ]
    if schedule is not None:
        numbers = {ring.program: ring.number for ring in rings}
        settings += time_base(signal, schedule, numbers)
    for setting in settings:
        fault = range_fault(setting) or _ts2_fault(setting)
        if fault:
            msg = f"signal '{signal.id}' does not go into NTCIP objects: {fault} ({setting.note})"
            raise InputError(msg)
    return settings


def _ts2_fault(setting: Setting) -> str:
    low, high = TS2.get(setting.name, (0, 1 << 32))
    if isinstance(setting.value, int) and not low <= setting.value <= high:
        unit = OBJECTS[setting.name].unit
        return f"{setting.label} is {setting.value} {unit}; {low} to {high} {unit} in NEMA TS 2 [nema-range]"
    return ""


def _common_phases(signal: SignalPlan, rings: Sequence[RingProgram]) -> dict[int, RingPhase]:
    """Give the phases of the first program, which all others must share but for their greens."""
    first = rings[0]
    phases = {phase.number: phase for phase in first.phases}
    for ring in rings[1:]:
        others = {phase.number: phase for phase in ring.phases}
        for number in sorted(phases.keys() | others.keys()):
            one, other = phases.get(number), others.get(number)
            if one is None or other is None:
                lacking = first.program if one is None else ring.program
                _differ(signal, f"phase {number} is not in program '{lacking}'")
                continue
            for what, a, b in (
                ("ring", one.ring, other.ring),
                ("barrier side", one.barrier, other.barrier),
                ("yellow", one.yellow, other.yellow),
                ("red clearance", one.red_clear, other.red_clear),
                ("minimum green", one.minimum_green, other.minimum_green),
                ("walk", one.walk, other.walk),
                ("groups", _names(one.groups), _names(other.groups)),
                ("pedestrian groups", _names(one.pedestrians), _names(other.pedestrians)),
            ):
                if a != b:
                    where = f"in program '{first.program}' and {b} in program '{ring.program}'"
                    _differ(signal, f"phase {number} has the {what} {a} {where}")
    return phases


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(sorted(names)) or "none"


def _common_overlaps(signal: SignalPlan, rings: Sequence[RingProgram]) -> tuple[Overlap, ...]:
    for ring in rings[1:]:
        if ring.overlaps != rings[0].overlaps:
            _differ(
                signal,
                f"the overlaps of program '{rings[0].program}' are not those of program '{ring.program}'",
            )
    return rings[0].overlaps


def _differ(signal: SignalPlan, text: str) -> None:
    msg = (
        f"signal '{signal.id}' does not go into NTCIP objects: {text}; a controller has one for all programs"
    )
    raise InputError(msg)


def _phase_table(
    signal: SignalPlan,
    rings: Sequence[RingProgram],
    phases: dict[int, RingPhase],
    overlaps: Sequence[Overlap],
) -> Iterator[Setting]:
    foes = {(cell.clearing, cell.entering) for cell in signal.intergreens}
    green = {
        number: {*phase.groups, *phase.pedestrians, *(o.group for o in overlaps if number in o.parents)}
        for number, phase in phases.items()
    }
    for number, phase in sorted(phases.items()):
        greens = [p.green for ring in rings for p in ring.phases if p.number == number]
        # It flashes until the end of the phase, and must end within the shortest split.
        clear = min(p.pedestrian_clear for ring in rings for p in ring.phases if p.number == number)
        walks = phase.walk > 0
        leads = number in rings[0].coordinated
        served = (*phase.groups, *phase.pedestrians)
        beside = [
            other.number
            for other in sorted(phases.values(), key=lambda p: p.number)
            if other.ring != phase.ring
            and other.barrier == phase.barrier
            and not any((a, b) in foes for a in green[number] for b in green[other.number])
        ]
        startup = (GREEN_WALK if walks else GREEN_NO_WALK) if leads else NOT_ON
        options = ENABLED | MAX_RECALL | DUAL_ENTRY | (PED_RECALL if walks else 0)
        values: tuple[tuple[str, Value, str], ...] = (
            ("phaseWalk", phase.walk, "walk"),
            ("phasePedestrianClear", clear, "pedestrian clearance"),
            ("phaseMinimumGreen", phase.minimum_green, "minimum green"),
            ("phasePassage", 0, "fixed time: no extension"),
            ("phaseMaximum1", max(greens), "longest green of all programs"),
            ("phaseMaximum2", max(greens), "longest green of all programs"),
            ("phaseYellowChange", phase.yellow * 10, f"{phase.yellow} s of yellow"),
            ("phaseRedClear", phase.red_clear * 10, f"{phase.red_clear} s of red clearance"),
            ("phaseAddedInitial", 0, "fixed time: no variable initial green"),
            ("phaseMaximumInitial", 0, "fixed time: no variable initial green"),
            ("phaseDynamicMaxLimit", 0, "fixed time: no dynamic maximum"),
            ("phaseStartup", startup, "2 not on, 3 green and walk, 4 green without walk"),
            (
                "phaseOptions",
                options,
                "bits: 0 enabled, 7 maximum recall, 8 pedestrian recall, 10 dual entry",
            ),
            ("phaseRing", phase.ring, "ring"),
            ("phaseConcurrency", bytes(beside), "phases that may run beside it"),
        )
        what = f"phase {number}: groups {_names(served)}"
        for name, value, note in values:
            yield Setting(name, (number,), value, f"{what}: {note}")
    yield from cleared("phaseOptions", (), phases, "phase not used")


def _overlap_table(overlaps: Sequence[Overlap]) -> Iterator[Setting]:
    for overlap in overlaps:
        what = f"overlap {overlap.number}: group {overlap.group}"
        row = (overlap.number,)
        yield Setting("overlapType", row, NORMAL_OVERLAP, f"{what}: 2 normal")
        yield Setting("overlapIncludedPhases", row, bytes(overlap.parents), f"{what}: parent phases")
        yield Setting("overlapModifierPhases", row, b"", f"{what}: none")
        for name in ("overlapTrailGreen", "overlapTrailYellow", "overlapTrailRed"):
            yield Setting(name, row, 0, f"{what}: clears with its last parent")
    yield from cleared(
        "overlapIncludedPhases", (), [overlap.number for overlap in overlaps], "overlap not used"
    )


def _channel_table(
    signal: SignalPlan, phases: dict[int, RingPhase], overlaps: Sequence[Overlap]
) -> Iterator[Setting]:
    sources: dict[str, list[tuple[int, int]]] = {group.name: [] for group in signal.groups}
    for number, phase in phases.items():
        for name in phase.groups:
            sources[name].append((number, VEHICLE))
        for name in phase.pedestrians:
            sources[name].append((number, PEDESTRIAN))
    for overlap in overlaps:
        sources[overlap.group].append((overlap.number, OVERLAP))
    for channel, group in enumerate(signal.groups, 1):
        found = sources[group.name]
        if len(found) > 1:
            msg = (
                f"signal '{signal.id}' does not go into NTCIP objects: group '{group.name}' is served by several phases, "
                f"and a channel has one source"
            )
            raise InputError(msg)
        number, kind = found[0] if found else (0, OTHER)
        what = f"channel {channel}: group {group.name}"
        yield Setting("channelControlSource", (channel,), number, f"{what}: phase or overlap")
        yield Setting(
            "channelControlType", (channel,), kind, f"{what}: 2 vehicle phase, 3 pedestrian phase, 4 overlap"
        )
    used = range(1, len(signal.groups) + 1)
    yield from cleared("channelControlSource", (), used, "channel not used")


def _coordination(rings: Sequence[RingProgram], schedule: Schedule | None) -> Iterator[Setting]:
    orders: dict[tuple[tuple[int, ...], ...], int] = {}
    for ring in rings:
        order = _order(ring)
        if order not in orders:
            orders[order] = len(orders) + 1
            for k, row in enumerate(order, 1):
                note = f"sequence {orders[order]}, ring {k}: its phases in order"
                yield Setting("sequenceData", (orders[order], k), bytes(row), note)
            used = range(1, len(order) + 1)
            yield from cleared("sequenceData", (orders[order],), used, "ring not used")
    mode = AUTOMATIC if schedule is not None else rings[0].number
    yield Setting("coordOperationalMode", (), mode, "0: the schedule tells the pattern; else the pattern")
    yield Setting("coordCorrectionMode", (), DWELL, "2 dwell: out of step, the coordinated phases are held")
    yield Setting("coordMaximumMode", (), MAX_INHIBIT, "4: no maximum cuts a split")
    yield Setting("coordForceMode", (), FIXED, "3 fixed: splits end at their second of the cycle")
    for ring in rings:
        for phase in ring.phases:
            row = (ring.number, phase.number)
            what = f"program {ring.program}, phase {phase.number}"
            mode = MAXIMUM_AND_PED_RECALL if phase.walk else MAXIMUM_RECALL
            coordinated = int(phase.number in ring.coordinated)
            yield Setting("splitTime", row, phase.split, f"{what}: green and clearance")
            yield Setting("splitMode", row, mode, f"{what}: 4 maximum recall, 6 with pedestrians")
            yield Setting("splitCoordPhase", row, coordinated, f"{what}: 1 coordinated")
    for ring in rings:
        row = (ring.number,)
        what = f"program {ring.program}"
        yield Setting("patternCycleTime", row, ring.cycle, f"{what}: cycle")
        yield Setting("patternOffsetTime", row, ring.offset, f"{what}: offset")
        yield Setting("patternSplitNumber", row, ring.number, f"{what}: its splits")
        yield Setting("patternSequenceNumber", row, orders[_order(ring)], f"{what}: its sequence")
        note = f"{what}: 3 the offset is the begin of the first coordinated green"
        yield Setting("patternCoordSyncPoint", row, FIRST_GREEN_BEGIN, note)


def _order(ring: RingProgram) -> tuple[tuple[int, ...], ...]:
    """List the phases of each ring as they follow each other."""
    by_place = sorted(ring.phases, key=lambda phase: (phase.barrier, phase.position))
    return tuple(
        tuple(phase.number for phase in by_place if phase.ring == k)
        for k in range(1, max(phase.ring for phase in ring.phases) + 1)
    )
