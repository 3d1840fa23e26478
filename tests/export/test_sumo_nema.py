"""SUMO's NEMA programs: SUMO itself runs the written file, and shows the plan second by second."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from lxml import etree

from sim.errors import InputError
from sim.export.gate import export_plan, file_findings
from sim.export.sumo_nema import FORMAT
from sim.signals.lamps import lamps, link_states
from sim.signals.plan import Green, Link, Plan, SignalPlan
from sim.signals.profile import load_profile
from sim.sumo import home

BASIC = load_profile("basic").limits
# The link that netconvert gives to the movement of each phase: 1 WBL, 2 EBT, 3 NBL, 4 SBT and so on.
LINKS = {1: 3, 2: 6, 3: 5, 4: 0, 5: 7, 6: 2, 7: 1, 8: 4}
