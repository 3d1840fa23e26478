"""
What the fork server loads once, so that a run's process starts with everything but SUMO in memory.

libsumo is not among it: it holds one simulation per process and must be fresh in each.
"""

from __future__ import annotations

import duckdb  # noqa: F401
import numba  # noqa: F401
import numpy as np  # noqa: F401

import sim.run  # noqa: F401
