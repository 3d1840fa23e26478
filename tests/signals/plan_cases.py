"""
Random safe plans, built so that every rule holds; the safety check has no part in it.

A program is a row of stages: sets of groups without conflicts. Between two stages there is as much time as the
slowest pair needs, then greens are stretched into what is left, half of them to the last second. Further programs
are the first one with seconds in which nothing moves shown for longer; so a change from
any of them to any other shows no shorter time than the first one does.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.signals.lamps import lamps, stage_order
from sim.signals.plan import (
    DAYS,
    Green,
    Group,
    Intergreen,
    Link,
    Plan,
    Program,
    Schedule,
    SignalPlan,
    Switch,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    Generator = np.random.Generator


@dataclass(frozen=True)
class Limits:
    """What a shipped profile asks, written down a second time."""

    cycle: tuple[int, int]
    minimum_green: int
    pedestrian_green: int
    walk: str
    minimum_red: int
    yellow: Mapping[str, tuple[int, int]]
    red_yellow: Mapping[str, tuple[int, int]]
    to_middle: bool = False
    blinking: bool = False


def _kinds(vehicle: tuple[int, int], **others: tuple[int, int]) -> dict[str, tuple[int, int]]:
    return {"vehicle": vehicle, "bicycle": vehicle, "tram": vehicle, "pedestrian": (0, 0)} | others


LIMITS = {
    "rilsa": Limits(
        (30, 120), 5, 5, "1.2", 1,
        _kinds((3, 5), bicycle=(2, 5), tram=(0, 10)), _kinds((1, 2), bicycle=(0, 2), tram=(0, 10)),
        to_middle=True,
    ),
    "nema": Limits((30, 255), 4, 4, "1.067", 0, _kinds((3, 6)), _kinds((0, 0))),
    "basic": Limits((10, 600), 4, 4, "1.5", 0, _kinds((2, 7)), _kinds((0, 3)), blinking=True),
}  # fmt: skip
YELLOW_AT = {8.33: 3, 13.89: 3, 16.67: 4, 19.44: 5}
# What names may end with.
TAILS = ["", " links", '"ü";', ","]
LONGEST_CLEARING = 12
SHORTEST, LONGEST = 30, 120
ENTERING = Fraction(400, 36)


def up(value: Fraction) -> int:
    return math.ceil(value)


def pick(rng: Generator, span: tuple[int, int]) -> int:
    return int(rng.integers(span[0], span[1] + 1))


def maybe(rng: Generator, share: float) -> bool:
    return bool(rng.random() < share)


@dataclass
class Ground:
    """Groups and conflicts of a signal; ``gap[i, j]`` is what lies between i's end and j's begin, -1: nothing."""

    groups: list[Group]
    cells: list[Intergreen]
    gap: np.ndarray[Any, np.dtype[np.int64]]
    # From the end of a group's green to its own next begin.
    own: list[int]


Times = list[list[tuple[int, int]]]  # greens of each group, begin < end, in one cycle or beyond its end


def make_ground(rng: Generator, limits: Limits) -> Ground:
    n = int(rng.integers(1, 13))
    density = rng.random() * (0.9 if n < 6 else 0.5)
    foes = np.triu(rng.random((n, n)) < density, 1)
    foes |= foes.T
    groups = [make_group(rng, limits, k, conflicts=bool(foes[k].any())) for k in range(n)]
    for k, group in enumerate(groups):
        if group.rest == "off":
            foes[k] = foes[:, k] = False
    gap = np.full((n, n), -1, np.int64)
    cells = []
    for i, j in np.argwhere(foes).tolist():
        path = float(rng.integers(0, 300)) / 10.0 if groups[i].kind == "pedestrian" else 0.0
        least = 0
        if groups[i].crossing is not None:
            walk = Fraction(str(groups[i].crossing)) / Fraction(limits.walk)
            least = max(up(walk - Fraction(str(path)) / ENTERING), 0)
        seconds = pick(rng, (least, LONGEST_CLEARING))
        cells.append(
            Intergreen(clearing=groups[i].name, entering=groups[j].name, seconds=seconds, entering_path=path)
        )
        gap[i, j] = max(seconds, groups[j].red_yellow)
    own = [max(group.yellow + group.red_yellow + limits.minimum_red, 1) for group in groups]
    order = rng.permutation(len(cells))
    return Ground(groups, [cells[k] for k in order], gap, own)


def make_group(rng: Generator, limits: Limits, k: int, *, conflicts: bool) -> Group:
    kind = str(rng.choice(["vehicle", "vehicle", "vehicle", "pedestrian", "bicycle", "tram"]))
    yellow, red_yellow = pick(rng, limits.yellow[kind]), pick(rng, limits.red_yellow[kind])
    speed = crossing = None
    rest = "red"
    if kind == "pedestrian":
        longest = int(10 * float(limits.walk) * LONGEST_CLEARING)
        crossing = int(rng.integers(30, longest)) / 10.0 if conflicts or maybe(rng, 0.5) else None
    elif kind == "vehicle" and maybe(rng, 0.7):
        speed = float(rng.choice(list(YELLOW_AT)))
        if limits.to_middle:
            yellow = pick(rng, (YELLOW_AT[speed], 5))
    if kind == "vehicle":
        rests = ["red"] * 8 + ["arrow"] + ["blinking"] * (limits.blinking or not conflicts)
        rest = str(rng.choice(rests + ["off"] * (0 if conflicts else 2)))
    if rest == "blinking" and maybe(rng, 0.5):
        yellow = red_yellow = 0
    least = limits.minimum_green
    if kind == "pedestrian":
        least = limits.pedestrian_green
        if crossing is not None and limits.to_middle:
            least = max(least, up(Fraction(str(crossing)) / 2 / Fraction(limits.walk)))
    name = f"{'F' if kind == 'pedestrian' else 'K'}{k + 1}{rng.choice(TAILS)}"
    return Group.model_validate(
        {
            "name": name,
            "kind": kind,
            "minimum_green": least + (pick(rng, (0, 5)) if maybe(rng, 0.5) else 0),
            "yellow": yellow,
            "red_yellow": red_yellow,
            "rest": rest,
            "speed": speed,
            "crossing": crossing,
        }
    )


def make_stages(rng: Generator, ground: Ground) -> list[set[int]]:
    """Cover all groups with sets without conflicts; some have greens in several of them."""
    n = len(ground.groups)
    stages: list[set[int]] = []
    for k in rng.permutation(n).tolist():
        fits = [stage for stage in stages if all(ground.gap[k, other] < 0 for other in stage)]
        if fits and maybe(rng, 0.9):
            fits[int(rng.integers(len(fits)))].add(k)
        else:
            stages.append({k})
    for stage in stages:
        for k in rng.permutation(n).tolist():
            if maybe(rng, 0.4) and all(ground.gap[k, other] < 0 for other in stage):
                stage.add(k)
    return stages


def make_times(rng: Generator, ground: Ground, stages: list[set[int]]) -> tuple[int, Times]:
    """Lay the stages out; a group that is in all of them is green always."""
    n, m = len(ground.groups), len(stages)
    times: Times = [[] for _ in range(n)]
    begun: dict[int, int] = {}
    at = 0  # end of the stage before
    for k, stage in enumerate(stages):
        before = stages[k - 1]
        new = sorted(stage - before) if m > 1 else sorted(stage)
        for j in new:
            begun[j] = at + max(int(ground.gap[:, j].max()), ground.own[j])
        done = [begun[j] + ground.groups[j].minimum_green for j in stage if j in begun]
        at = max([at, *done]) + (int(rng.integers(0, 12)) if maybe(rng, 0.6) else 0)
        after = stages[(k + 1) % m] if m > 1 else set()
        if k + 1 < m:
            for j in sorted(stage - after):
                # A group that goes on from the last stage of the cycle before has begun there.
                times[j].append((begun.pop(j, -1), at))
    cycle = max(at, SHORTEST)
    for j in sorted(stages[-1]):
        if m > 1 and j in stages[0]:
            first = times[j][0] if times[j] and times[j][0][0] == -1 else None
            if first is None:
                times[j] = [(0, cycle)]
            else:
                times[j][0] = (begun.get(j, 0), first[1] + cycle)
        else:
            times[j].append((begun[j], at))
    return cycle, times


def stretch_greens(rng: Generator, ground: Ground, cycle: int, times: Times) -> None:
    """Let greens end later and begin sooner as far as their neighbours allow, often to the last second."""
    n = len(ground.groups)
    for i in rng.permutation(n).tolist():
        for g in range(len(times[i])):
            begin, end = times[i][g]
            if end - begin >= cycle:
                continue
            later = [own[0] - ground.own[i] for own in times[i]] + [
                b - int(ground.gap[i, j]) for j in range(n) if ground.gap[i, j] >= 0 for b, _ in times[j]
            ]
            room = min(((limit - end) % cycle for limit in later), default=0)
            grown = _share(rng, room)
            times[i][g] = (begin, end + grown)
            sooner = [own[1] + ground.own[i] for own in times[i]] + [
                e + int(ground.gap[j, i]) for j in range(n) if ground.gap[j, i] >= 0 for _, e in times[j]
            ]
            room = min(((begin - limit) % cycle for limit in sooner), default=0)
            times[i][g] = (begin - _share(rng, room), end + grown)


def _share(rng: Generator, room: int) -> int:
    return room if maybe(rng, 0.5) else int(rng.integers(0, room + 1))


def make_signal(rng: Generator, limits: Limits, name: str, ids: list[str]) -> SignalPlan:
    """Build a signal whose programs can follow each other."""
    while True:
        ground = make_ground(rng, limits)
        links, index = [], rng.permutation(3 * len(ground.groups)).tolist()
        with_links = maybe(rng, 0.7)
        links.extend(
            tuple(Link(index=i, from_lane=f"in{i}_0", to_lane="") for i in index[3 * k : 3 * k + 3])
            for k in range(len(ground.groups))
        )
        groups = tuple(
            group.model_copy(update={"links": own if with_links else ()})
            for group, own in zip(ground.groups, links, strict=True)
        )
        signal = SignalPlan(
            id=name,
            groups=groups,
            intergreens=tuple(ground.cells),
            compatible=not ground.cells,
            programs=(Program(id="x", number=1, cycle=1, greens=()),),
        )
        programs: list[Program] = []
        for number, program in enumerate(ids, 1):
            made = stretched(rng, signal, programs[0]) if programs else make_program(rng, signal, ground)
            if made is None:
                break
            update = {"id": program, "number": number, "offset": int(rng.integers(0, made.cycle))}
            programs.append(made.model_copy(update=update))
        if len(programs) == len(ids):
            named = [with_stages(rng, signal, program) for program in programs]
            return signal.model_copy(update={"programs": tuple(named)})


def make_program(rng: Generator, signal: SignalPlan, ground: Ground) -> Program | None:
    cycle, times = make_times(rng, ground, make_stages(rng, ground))
    if cycle > LONGEST:
        return None
    stretch_greens(rng, ground, cycle, times)
    shift = int(rng.integers(0, cycle)) if maybe(rng, 0.8) else 0
    greens = []
    for group, own in zip(ground.groups, times, strict=True):
        if group.rest == "off" and maybe(rng, 0.5):
            continue
        for begin, end in own:
            greens += as_greens(rng, group.name, begin + shift, end + shift, cycle)
    made = Program(
        id="x", number=1, cycle=cycle, greens=tuple(greens[k] for k in rng.permutation(len(greens)))
    )
    still = steady(signal, made)
    return made.model_copy(update={"switch": int(rng.choice(still))}) if len(still) else None


def as_greens(rng: Generator, name: str, begin: int, end: int, cycle: int) -> list[Green]:
    """Write a green down; some are permissive for a part."""
    if end - begin >= cycle:
        return [Green(group=name, begin=0, end=cycle, permissive=maybe(rng, 0.3))]
    cuts = [begin, end]
    if maybe(rng, 0.15):
        cuts.insert(1, int(rng.integers(begin + 1, end)))
    first = maybe(rng, 0.3)
    return [
        Green(group=name, begin=a % cycle, end=b % cycle or cycle, permissive=first != bool(k))
        for k, (a, b) in enumerate(itertools.pairwise(cuts))
    ]


def steady(signal: SignalPlan, program: Program) -> list[int]:
    """List the seconds in which no group changes its colour."""
    shown = lamps(signal, program)
    return np.flatnonzero(~np.isin(shown, [ord("y"), ord("u")]).any(axis=0)).tolist()


def stretched(rng: Generator, signal: SignalPlan, base: Program, extra: int | None = None) -> Program | None:
    """Show steady seconds of a program for longer."""
    still = steady(signal, base)
    if extra is None:
        extra = int(rng.integers(0, min(30, LONGEST - base.cycle) + 1))
    longer = np.zeros(base.cycle + 1, np.int64)
    for second in rng.choice(still, size=extra).tolist():
        longer[second + 1] += 1
    moved = (np.arange(base.cycle + 1) + np.cumsum(longer)).tolist()
    greens = tuple(
        green.model_copy(update={"begin": moved[green.begin], "end": moved[green.end]})
        for green in base.greens
    )
    # Of a second shown for longer, the first one that is left of it.
    return base.model_copy(
        update={"cycle": moved[-1], "greens": greens, "switch": moved[base.switch], "stages": ()}
    )


def with_stages(rng: Generator, signal: SignalPlan, program: Program) -> Program:
    stages = stage_order(signal.groups, lamps(signal, program))
    if maybe(rng, 0.5):
        return program
    turn = int(rng.integers(0, len(stages) + 1))
    return program.model_copy(update={"stages": tuple(stages[turn:] + stages[:turn])})


def make_schedule(rng: Generator, plan: Plan, ids: list[str]) -> Schedule:
    """Write day plans in which every program has time enough: up to three cycles, to the minute."""
    longest = max(program.cycle for signal in plan.signals for program in signal.programs)
    stay = -(-3 * longest // 60)
    day_plans = {}
    for name in ("work", "Samstag", "so")[: int(rng.integers(1, 4))]:
        minute, entries = 0, []
        last = 1440 - stay
        while minute <= last and len(entries) < 6:
            time = f"{minute // 60:02d}:{minute % 60:02d}"
            entries.append(Switch(time=time, program=str(rng.choice(ids))))
            minute += stay if maybe(rng, 0.5) else int(rng.integers(stay, 700))
        day_plans[name] = tuple(entries)
    week = {day: str(rng.choice(list(day_plans))) for day in DAYS}
    return Schedule.model_validate({"day_plans": day_plans, "week": week})


def safe_plan(rng: Generator, profile: str) -> Plan:
    """Build a plan that keeps every rule with one of the shipped profiles."""
    limits = LIMITS[profile]
    ids = ["day", "night", "Früh"][: int(rng.choice([1, 2, 3], p=[0.4, 0.35, 0.25]))]
    signals = tuple(
        make_signal(rng, limits, name, ids)
        for name in ("LSA 1", "B")[: int(rng.choice([1, 2], p=[0.8, 0.2]))]
    )
    plan = Plan(name="case", signals=signals)
    if maybe(rng, 0.75):
        plan = plan.model_copy(update={"schedule": make_schedule(rng, plan, ids)})
    # The model's own checks, which copies do not run.
    return Plan.model_validate_json(plan.model_dump_json())


def changed_program(plan: Plan, s: int, p: int, **update: Any) -> Plan:
    programs = list(plan.signals[s].programs)
    programs[p] = programs[p].model_copy(update=update)
    return changed_signal(plan, s, programs=tuple(programs))


def changed_group(plan: Plan, s: int, k: int, **update: Any) -> Plan:
    groups = list(plan.signals[s].groups)
    groups[k] = groups[k].model_copy(update=update)
    return changed_signal(plan, s, groups=tuple(groups))


def changed_signal(plan: Plan, s: int, **update: Any) -> Plan:
    signals = list(plan.signals)
    signals[s] = signals[s].model_copy(update=update)
    return plan.model_copy(update={"signals": tuple(signals)})
