"""The same run through the library and through a socket."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

import sim.sumo.session as session_module
from sim.control.registry import parse_controller
from sim.run import RunTask, run
from sim.scenario import load_scenario

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("controller", ["self-control", "delay-based"])
def test_a_run_over_traci_equals_one_with_libsumo(
    controller: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A machine that runs tests has no display, so the program at the other end of the socket is the one without.
    monkeypatch.setattr(session_module, "WINDOW", ("sumo",))
    scenario = load_scenario("rilsa-1")
    scenario = scenario.model_copy(update={"end": scenario.begin + 240.0})
    found = []
    for gui in (False, True):
        folder = tmp_path / str(gui)
        folder.mkdir()
        run(RunTask(scenario, parse_controller(controller), 1, 1.0, gui=gui), folder)
        trips = re.findall(
            r'<tripinfo id="([^"]*)".*? timeLoss="([^"]*)"', (folder / "tripinfo.xml").read_text()
        )
        figures = json.loads((folder / "run.json").read_text())
        found.append((trips, figures["longest_wait"], figures["steps"]))
    assert len(found[0][0]) > 20
    assert found[0] == found[1]
