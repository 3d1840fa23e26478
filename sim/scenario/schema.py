"""The JSON Schema of scenario files, for editors that complete and check TOML."""

from __future__ import annotations

from typing import Any

from sim.scenario.model import Scenario

_TEXT_OR_LIST = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


def scenario_schema() -> dict[str, Any]:
    """
    Build the JSON Schema of a scenario TOML.

    Returns
    -------
    dict
        JSON Schema (draft 2020-12) with units in the descriptions.
    """
    schema = Scenario.model_json_schema(mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Grünband scenario"
    schema["description"] = "What gruenband simulates: network, demand, window, signals and outputs."
    for key in ("demand", "additional"):
        field = schema["properties"][key]
        schema["properties"][key] = {
            name: field[name] for name in ("description", "title") if name in field
        } | _TEXT_OR_LIST
    # A file needs no name (its own serves), and takes files and window either from its keys or from 'sumocfg'.
    schema["required"] = []
    schema["anyOf"] = [{"required": ["network", "demand", "begin", "end"]}, {"required": ["sumocfg"]}]
    return schema
