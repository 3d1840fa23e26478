"""``gruenband list``."""

from __future__ import annotations

import importlib.util
import json
from typing import Any

import pytest  # noqa: TC002

from sim.control.registry import list_controllers
from sim.scenario import scenario_schema, shipped_networks, shipped_scenarios


def test_all_scenarios_are_listed(call: Any) -> None:
    answer = call("list", "scenarios")
    assert answer.code == 0
    assert [line.split()[0] for line in answer.out.splitlines()[1:]] == list(shipped_scenarios())


def test_a_scenario_whose_package_is_missing_says_so(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "sumo_rl" else find_spec(name)
    )
    rows = {row["name"]: row for row in map(json.loads, call("list", "scenarios", "--json").out.splitlines())}
    assert "gruenband[resco]" in rows["resco-cologne1"]["description"]
    assert "not usable" not in rows["rilsa-1"]["description"]


def test_controllers_come_with_their_parameters(call: Any) -> None:
    rows = [json.loads(line) for line in call("list", "controllers", "--json").out.splitlines()]
    assert [row["id"] for row in rows] == [kind.id for kind in list_controllers()]
    assert all(
        {"name", "default", "unit", "about"} == set(item) for row in rows for item in row["parameters"]
    )
    assert "floor" not in [row["name"] for row in rows]
    assert "max-pressure" in call("list", "controllers").out


def test_networks_are_listed(call: Any) -> None:
    answer = call("list", "networks", "--json")
    assert answer.code == 0
    assert [json.loads(line)["name"] for line in answer.out.splitlines()] == list(shipped_networks())


def test_the_schema_is_printed(call: Any) -> None:
    assert json.loads(call("list", "schema").out) == scenario_schema()
