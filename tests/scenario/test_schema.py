"""The JSON Schema that editors use."""

from __future__ import annotations

import json
import tomllib

from sim.scenario import Scenario, scenario_schema, shipped_folder, shipped_scenarios


def test_the_shipped_schema_is_current() -> None:
    # To renew it: gruenband list schema > scenarios/scenario.schema.json
    shipped = json.loads((shipped_folder("scenarios") / "scenario.schema.json").read_text(encoding="utf-8"))
    assert shipped == scenario_schema()


def test_the_schema_knows_every_key_and_no_other() -> None:
    schema = scenario_schema()
    assert set(schema["properties"]) == set(Scenario.model_fields)
    assert schema["additionalProperties"] is False


def test_the_shipped_scenarios_use_known_keys() -> None:
    known = set(scenario_schema()["properties"])
    for path in shipped_scenarios().values():
        assert set(tomllib.loads(path.read_text(encoding="utf-8"))) <= known
