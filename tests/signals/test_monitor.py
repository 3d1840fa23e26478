"""The safety check and an independent judge find the same faults, in lamps of safe plans and in any others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from plan_cases import safe_plan
from plan_monitor import judge

from sim.signals.lamps import lamps
from sim.signals.plan import Group, Intergreen, Program, SignalPlan
from sim.signals.profile import load_profile
from sim.signals.safety import check_program

if TYPE_CHECKING:
    from numpy.typing import NDArray

BASIC = load_profile("basic").limits
JUDGED = {"conflict", "intergreen", "minimum-green", "yellow"}


def verdicts(signal: SignalPlan, shown: NDArray[np.uint8]) -> tuple[set[Any], set[Any]]:
    program = signal.programs[0].model_copy(update={"stages": ()})
    checked = {(f.rule, f.groups) for f in check_program(signal, program, shown, BASIC) if f.rule in JUDGED}
    watched = judge(
        [bytes(row).decode() for row in shown],
        [group.name for group in signal.groups],
        {(cell.clearing, cell.entering): cell.seconds for cell in signal.intergreens},
        [group.minimum_green for group in signal.groups],
        [group.yellow for group in signal.groups],
    )
    return checked, watched


def garbage(rng: np.random.Generator) -> tuple[SignalPlan, NDArray[np.uint8]]:
    """Make lamps of no plan at all, in runs of random length, with random safety data."""
    n, cycle = int(rng.integers(1, 5)), int(rng.integers(1, 40))
    letters = rng.choice(list(b"GgyursoO"), size=int(rng.integers(1, 6)))
    longest = int(rng.integers(1, 12))
    shown = np.empty((n, cycle), np.uint8)
    for row in shown:
        lengths = rng.integers(1, longest + 1, size=cycle)
        row[:] = np.repeat(rng.choice(letters, size=cycle), lengths)[:cycle]
    groups = tuple(
        Group(name=f"K{k}", minimum_green=int(rng.integers(0, 9)), yellow=int(rng.integers(0, 5)))
        for k in range(n)
    )
    cells = tuple(
        Intergreen(clearing=f"K{a}", entering=f"K{b}", seconds=int(rng.integers(0, 13)))
        for i in range(n)
        for j in range(i)
        if rng.random() < 0.6
        for a, b in ((i, j), (j, i))
    )
    program = Program(id="p", number=1, cycle=cycle, greens=())
    return SignalPlan(id="s", groups=groups, intergreens=cells, programs=(program,)), shown


def test_garbage() -> None:
    rng = np.random.default_rng(3)
    faults = 0
    for case in range(400):
        signal, shown = garbage(rng)
        checked, watched = verdicts(signal, shown)
        assert checked == watched, (case, signal, [bytes(row) for row in shown])
        faults += len(watched)
    assert faults > 600


def test_lamps_of_safe_plans_and_what_a_few_wrong_seconds_make_of_them() -> None:
    rng = np.random.default_rng(4)
    faulty = sound = 0
    for case in range(30):
        signal = safe_plan(rng, ("rilsa", "nema", "basic")[case % 3]).signals[0]
        shown = lamps(signal, signal.programs[0])
        assert verdicts(signal, shown) == (set(), set()), case
        for _ in range(4):
            wrong = shown.copy()
            k, at, length = (int(rng.integers(top)) for top in (*wrong.shape, 4))
            wrong[k, np.arange(at, at + length + 1) % wrong.shape[1]] = rng.choice(list(b"Ggyur"))
            checked, watched = verdicts(signal, wrong)
            assert checked == watched, (case, k, at)
            faulty += bool(watched)
            sound += not watched
    assert faulty > 30
    assert sound > 10
