"""What to run: TOML files and .sumocfg become validated scenarios."""

from __future__ import annotations

from sim.scenario.load import load_scenario
from sim.scenario.model import OutputSettings, Scenario, SensingSettings, SignalSettings
from sim.scenario.schema import scenario_schema
from sim.scenario.shipped import shipped_folder, shipped_networks, shipped_scenarios

__all__ = [
    "OutputSettings",
    "Scenario",
    "SensingSettings",
    "SignalSettings",
    "load_scenario",
    "scenario_schema",
    "shipped_folder",
    "shipped_networks",
    "shipped_scenarios",
]
