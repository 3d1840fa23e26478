"""The plans that the formats are tried on are safe themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.signals.profile import load_profile
from sim.signals.safety import check_plan

if TYPE_CHECKING:
    from sim.signals.plan import Plan


def test_the_plans_of_the_tests_are_safe(bochum_plan: Plan, cologne_plan: Plan, ring_plan: Plan) -> None:
    # cologne8's own programs have no red-yellow and yellows that turn green: the German profile refuses them.
    for plan, profile in ((bochum_plan, "rilsa"), (cologne_plan, "basic"), (ring_plan, "nema")):
        assert check_plan(plan, load_profile(profile).limits) == []
