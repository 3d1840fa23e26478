"""Run keys: what changes a result changes the key, and nothing else does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from sim.batch import keys
from sim.batch.keys import run_key, scenario_key
from sim.batch.plan import plan_batch
from sim.control.registry import parse_controller
from sim.errors import InputError
from sim.run import RunTask
from sim.scenario.model import Scenario


def key(scenario: Scenario, controller: str = "program", seed: int = 1, scale: float = 1.0) -> str:
    return run_key(RunTask(scenario, parse_controller(controller), seed, scale))


def test_key_is_sixteen_hexadecimal_digits_and_stable(scenario: Scenario) -> None:
    assert len(key(scenario)) == 16
    assert int(key(scenario), 16) >= 0
    assert key(scenario) == key(Scenario.model_validate_json(scenario.model_dump_json()))


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": (9,)},
        {"scales": (2.0,)},
        {"controllers": ("actuated",)},
        {"time_limit": 1.0},
        {"description": "words"},
    ],
)
def test_what_changes_no_result_changes_no_key(scenario: Scenario, change: dict[str, Any]) -> None:
    assert key(scenario.model_copy(update=change)) == key(scenario)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"begin": 1.0},
        {"end": 299.0},
        {"step_length": 0.5},
        {"gridlock_after": 100.0},
        {"sumo_options": {"lateral-resolution": "0.8"}},
        {"demand": ()},
    ],
)
def test_what_changes_a_result_changes_the_key(scenario: Scenario, change: dict[str, Any]) -> None:
    changed = scenario.model_copy(update=change)
    assert key(changed) != key(scenario)
    assert scenario_key(changed) != scenario_key(scenario)


def test_a_setting_that_a_later_release_adds_changes_no_key_at_its_default(scenario: Scenario) -> None:
    class Later(Scenario):
        added: float = 1.0

    def later(**changes: Any) -> Scenario:
        return Later.model_validate(scenario.model_dump() | changes)

    assert key(later()) == key(scenario)
    assert scenario_key(later()) == scenario_key(scenario)
    assert scenario_key(later(added=2.0)) != scenario_key(scenario)


@pytest.mark.parametrize("output", ["signals", "safety"])
def test_what_is_only_written_down_changes_the_run_but_not_the_traffic(
    scenario: Scenario, output: str
) -> None:
    outputs = scenario.outputs.model_copy(update={output: not getattr(scenario.outputs, output)})
    changed = scenario.model_copy(update={"outputs": outputs})
    assert key(changed) != key(scenario)
    assert scenario_key(changed) == scenario_key(scenario)


@pytest.mark.parametrize("key_of", ["priorities", "weights"])
def test_who_is_served_first_changes_the_run_but_not_the_traffic(scenario: Scenario, key_of: str) -> None:
    rules: dict[str, Any] = {
        "priorities": [{"modes": ["bus"], "level": "high"}],
        "weights": {"of": "person"},
    }
    changed = Scenario.model_validate({**scenario.model_dump(), key_of: rules[key_of]})
    assert key(changed) != key(scenario)
    assert scenario_key(changed) == scenario_key(scenario)


def test_controller_seed_and_scale_change_the_run_but_not_the_traffic(scenario: Scenario) -> None:
    others = [key(scenario, "floor-v1"), key(scenario, seed=2), key(scenario, scale=1.1), key(scenario)]
    assert len(set(others)) == 4


def test_parameters_of_a_controller_change_the_key(scenario: Scenario) -> None:
    assert key(scenario, "actuated") != key(scenario, "actuated:longest=77")
    assert key(scenario, "actuated") == key(scenario, "actuated-v1")


@pytest.mark.parametrize("part", ["sumo_version", "__version__"])
def test_another_release_changes_the_key(
    scenario: Scenario, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = key(scenario)
    monkeypatch.setattr(keys, part, "9.9" if part == "__version__" else lambda: "9.9")
    assert key(scenario) != before


def test_key_follows_the_content_of_the_files_and_not_their_place(scenario: Scenario, tmp_path: Path) -> None:
    moved = tmp_path / "moved.net.xml"
    shutil.copy(scenario.network, moved)
    there = scenario.model_copy(update={"network": moved})
    assert key(there) == key(scenario)
    with moved.open("a", encoding="utf-8") as file:
        file.write("<!-- edited -->\n")
    assert key(there) != key(scenario)


def test_key_follows_every_file_that_a_sumo_configuration_names(scenario: Scenario, tmp_path: Path) -> None:
    for name, path in {"a.net.xml": scenario.network, "a.rou.xml": scenario.demand[0]}.items():
        shutil.copy(path, tmp_path / name)
    extra = tmp_path / "extra.add.xml"
    extra.write_text("<additional/>", encoding="utf-8")
    output = tmp_path / "old-output.xml"
    output.write_text("<old/>", encoding="utf-8")
    config = tmp_path / "a.sumocfg"
    config.write_text(
        '<configuration><input><net-file value="a.net.xml"/><route-files value="a.rou.xml"/>'
        '<weight-files value="missing.xml, extra.add.xml"/></input>'
        '<output><summary-output value="old-output.xml"/></output></configuration>',
        encoding="utf-8",
    )
    bare = scenario.model_copy(update={"sumocfg": config})
    before = key(bare)
    assert before != key(scenario)
    output.write_text("<new/>", encoding="utf-8")
    assert key(bare) == before
    extra.write_text("<additional> </additional>", encoding="utf-8")
    assert key(bare) != before


def test_missing_file_is_wrong_input_in_one_line(scenario: Scenario) -> None:
    gone = scenario.model_copy(update={"network": Path("/nowhere/x.net.xml")})
    with pytest.raises(
        InputError, match=r"^/nowhere/x\.net\.xml: cannot be read \(No such file or directory\)"
    ):
        key(gone)


def test_plan_is_the_product_with_one_floor_for_each_traffic(scenario: Scenario) -> None:
    tasks = plan_batch(
        [scenario], [parse_controller("program"), parse_controller("actuated")], [1, 2], [1.0, 1.5]
    )
    assert len(tasks) == 2 * 2 * (2 + 1)
    assert [(task.controller.id, task.seed, task.scale) for task in tasks[:4]] == [
        ("floor-v1", 1, 1.0),
        ("program-v1", 1, 1.0),
        ("actuated-v1", 1, 1.0),
        ("floor-v1", 2, 1.0),
    ]
    assert len({run_key(task) for task in tasks}) == len(tasks)


def test_plan_takes_what_the_scenario_names_and_does_nothing_twice(scenario: Scenario) -> None:
    tasks = plan_batch([scenario, scenario])
    assert [(task.controller.id, task.seed) for task in tasks] == [
        ("floor-v1", 1),
        ("program-v1", 1),
        ("floor-v1", 2),
        ("program-v1", 2),
    ]
    assert len(plan_batch([scenario], [parse_controller("floor-v1")], [3, 3])) == 1
