"""Compiles or loads the onlooker's kernels before the first second is simulated."""

from __future__ import annotations

import numpy as np

from sim.core.bodies import Bodies, Lanes, new_frames, place
from sim.core.encounters import WIDTH, encounters


def warm_onlooker() -> None:
    """Run every kernel that an onlooker needs, on nothing."""
    none, some, few = np.zeros(0, np.int32), np.zeros(0), np.zeros(0, np.uint8)
    lanes = Lanes(np.zeros(1, np.int32), some, some, some, some, none, none, none, few)
    bodies = Bodies(some, some, few, none)
    frames = new_frames(0)
    place(lanes, bodies, frames, 0, none, none, some, some)
    encounters(lanes, bodies, frames, 9, np.zeros((1, WIDTH)))
