"""The safety rules of rings and barriers, judged on the phases themselves."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sim.signals.plan import MOST_PROGRAMS
from sim.signals.rings import followers, ring_orders
from sim.signals.rules import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.signals.plan import SignalPlan
    from sim.signals.profile import Profile
    from sim.signals.rings import RingPhase, RingProgram

# NTCIP 1202 v03: phaseNumber of a controller of 16 phases, and the one octet of every time [s].
PHASES = (1, 16)
OCTET = 255


def check_rings(ring: RingProgram, signal: SignalPlan, profile: Profile) -> list[Finding]:
    """
    Judge a program of rings and barriers.

    Parameters
    ----------
    ring : RingProgram
        The phases.
    signal : SignalPlan
        The signal with its intergreen matrix.
    profile : Profile
        The limits.

    Returns
    -------
    list of Finding
        Empty if all rules of rings and barriers are kept.
    """
    found = [
        *_ranges(ring, profile),
        *_rings(ring),
        *_sums(ring),
        *_splits(ring),
        *_concurrency(ring, signal),
        *_coordinated(ring),
        *_clearances(ring, signal, profile),
    ]
    return [Finding(rule, text, ring.signal, ring.program, groups) for rule, text, groups in found]


_Fault = tuple[str, str, tuple[str, ...]]


def _ranges(ring: RingProgram, profile: Profile) -> Iterator[_Fault]:
    low, high = profile.cycle[0], min(profile.cycle[1], OCTET)
    if not low <= ring.cycle <= high:
        yield "nema-range", f"the cycle is {ring.cycle} s; {low} to {high} s", ()
    if not 0 <= ring.offset < ring.cycle:
        yield "nema-range", f"the offset is {ring.offset} s, not below the cycle of {ring.cycle} s", ()
    if not 1 <= ring.number <= MOST_PROGRAMS:
        yield "nema-range", f"the program has the number {ring.number}; 1 to {MOST_PROGRAMS}", ()
    for phase in ring.phases:
        if not PHASES[0] <= phase.number <= PHASES[1]:
            yield (
                "nema-range",
                f"a phase has the number {phase.number}; {PHASES[0]} to {PHASES[1]}",
                phase.groups,
            )
        times = {
            "green": phase.green,
            "yellow": phase.yellow,
            "red clearance": phase.red_clear,
            "minimum green": phase.minimum_green,
            "walk": phase.walk,
            "pedestrian clearance": phase.pedestrian_clear,
            "split": phase.split,
        }
        for what, seconds in times.items():
            if not 0 <= seconds <= OCTET:
                text = f"phase {phase.number} has a {what} of {seconds} s; 0 to {OCTET} s"
                yield "nema-range", text, phase.groups


def _rings(ring: RingProgram) -> Iterator[_Fault]:
    for number, count in Counter(phase.number for phase in ring.phases).items():
        if count > 1:
            yield "nema-ring", f"phase {number} stands in the rings {count} times", ()
    for place, count in Counter((p.ring, p.barrier, p.position) for p in ring.phases).items():
        if count > 1:
            text = f"{count} phases share position {place[2]} of ring {place[0]} on side {place[1]}"
            yield "nema-ring", text, ()
    known = {phase.number for phase in ring.phases}
    for overlap in ring.overlaps:
        unknown = [number for number in overlap.parents if number not in known]
        if unknown:
            text = f"overlap {overlap.number} of group '{overlap.group}' has phase {unknown[0]}, which does not exist"
            yield "nema-ring", text, (overlap.group,)


def _sums(ring: RingProgram) -> Iterator[_Fault]:
    sides: dict[int, dict[int, int]] = {}
    rings = sorted({phase.ring for phase in ring.phases})
    for phase in ring.phases:
        side = sides.setdefault(phase.barrier, dict.fromkeys(rings, 0))
        side[phase.ring] += phase.split
    for number, sums in sorted(sides.items()):
        if len(set(sums.values())) > 1:
            told = ", ".join(f"ring {r} {seconds} s" for r, seconds in sums.items())
            yield (
                "nema-barrier",
                f"the rings cross the barrier after side {number} at different times: {told}",
                (),
            )
    for number in rings:
        total = sum(phase.split for phase in ring.phases if phase.ring == number)
        if total != ring.cycle:
            text = f"the splits of ring {number} add up to {total} s, not to the cycle of {ring.cycle} s"
            yield "nema-sum", text, ()


def _splits(ring: RingProgram) -> Iterator[_Fault]:
    for phase in ring.phases:
        for what, need in (
            ("minimum green", phase.minimum_green),
            ("walk and pedestrian clearance", phase.walk + phase.pedestrian_clear),
        ):
            if phase.green < need:
                text = (
                    f"phase {phase.number} has a split of {phase.split} s; {what} of {need} s, yellow and red clearance "
                    f"need {need + phase.yellow + phase.red_clear} s"
                )
                yield "nema-split", text, (*phase.groups, *phase.pedestrians)


def _serves(ring: RingProgram, phase: RingPhase) -> list[str]:
    over = [overlap.group for overlap in ring.overlaps if phase.number in overlap.parents]
    return [*phase.groups, *over, *phase.pedestrians]


def _concurrency(ring: RingProgram, signal: SignalPlan) -> Iterator[_Fault]:
    foes = {(cell.clearing, cell.entering) for cell in signal.intergreens}
    for k, one in enumerate(ring.phases):
        for other in ring.phases[k:]:
            if one is not other and (one.ring == other.ring or one.barrier != other.barrier):
                continue
            pairs = [
                (a, b)
                for a in _serves(ring, one)
                for b in _serves(ring, other)
                if (a, b) in foes or (b, a) in foes
            ]
            for a, b in pairs[:1]:
                where = (
                    f"phase {one.number} serves"
                    if one is other
                    else f"phases {one.number} and {other.number}, which may run together, serve"
                )
                yield "nema-concurrency", f"{where} the conflicting groups '{a}' and '{b}'", (a, b)


def _coordinated(ring: RingProgram) -> Iterator[_Fault]:
    phases = {phase.number: phase for phase in ring.phases}
    known = [phases[number] for number in ring.coordinated if number in phases]
    for number in ring.coordinated:
        if number not in phases:
            yield "nema-coordinated", f"phase {number} is coordinated and does not exist", ()
    for number in sorted({phase.ring for phase in ring.phases}):
        own = [phase.number for phase in known if phase.ring == number]
        if len(own) != 1:
            yield "nema-coordinated", f"ring {number} has {len(own)} coordinated phases", ()
    if len({phase.barrier for phase in known}) > 1:
        both = " and ".join(str(phase.number) for phase in known)
        yield "nema-coordinated", f"the coordinated phases {both} are not on one side of a barrier", ()


def _clearances(ring: RingProgram, signal: SignalPlan, profile: Profile) -> Iterator[_Fault]:
    for phase in ring.phases:
        # A phase that no vehicle leaves shows its yellow to nobody.
        if any(group.name in _serves(ring, phase) for group in signal.groups if group.kind != "pedestrian"):
            low, high = profile.yellow
            if not low <= phase.yellow <= high:
                text = f"phase {phase.number} has a yellow of {phase.yellow} s; {low} to {high} s"
                yield "nema-clearance", text, phase.groups
        low, high = profile.red_clear
        if not low <= phase.red_clear <= high:
            text = f"phase {phase.number} has a red clearance of {phase.red_clear} s; {low} to {high} s"
            yield "nema-clearance", text, phase.groups
    seconds = {(cell.clearing, cell.entering): cell.seconds for cell in signal.intergreens}
    for phase, following in _neighbours(ring):
        staying = set(_serves(ring, following)) - set(following.pedestrians)
        for a in _serves(ring, phase):
            have = phase.yellow + phase.red_clear
            if a in phase.pedestrians:
                have += phase.pedestrian_clear
            elif a in staying:
                continue
            for b in _serves(ring, following):
                if (a, b) in seconds and have < seconds[a, b]:
                    text = (
                        f"phase {phase.number} clears {have} s before phase {following.number}; the intergreen "
                        f"'{a}' to '{b}' is {seconds[a, b]} s"
                    )
                    yield "nema-clearance", text, (a, b)


def _neighbours(ring: RingProgram) -> Iterator[tuple[RingPhase, RingPhase]]:
    """List the phases that can begin when one ends: the next in its ring, and across a barrier those of all rings."""
    phases = {phase.number: phase for phase in ring.phases}
    orders = ring_orders(ring)
    for number, after in followers(ring).items():
        phase, following = phases[number], phases[after]
        yield phase, following
        if phase.barrier != following.barrier:
            for order in orders:
                first = next((p for p in order if p.barrier == following.barrier), None)
                if first is not None and first.ring != phase.ring:
                    yield phase, first
