"""``gruenband list``: the shipped scenarios, the controllers and the shipped networks."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.options import Debug, Json  # noqa: TC001 - typer reads the annotation at run time
from sim.errors import GruenbandError

if TYPE_CHECKING:
    from pathlib import Path


class Kind(StrEnum):
    """What can be listed."""

    scenarios = "scenarios"
    controllers = "controllers"
    networks = "networks"
    schema = "schema"


def list_command(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    List the shipped scenarios, the controllers with their parameters, or the shipped networks.

    'schema' prints the JSON Schema of scenario files, which lets an editor complete and check them.
    """
    if kind is Kind.schema:
        from sim.scenario import scenario_schema

        sys.stdout.write(json.dumps(scenario_schema(), ensure_ascii=False, indent=2) + "\n")
        return 0
    rows = {Kind.scenarios: _scenarios, Kind.controllers: _controllers, Kind.networks: _networks}[kind]()
    if as_json:
        for row in rows:
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        return 0
    from sim.cli.table import show_list

    show_list(kind.value, rows)
    return 0


def _scenarios() -> list[dict[str, Any]]:
    from sim.scenario import shipped_scenarios

    return [{"name": name, **_scenario(path)} for name, path in shipped_scenarios().items()]


def _scenario(path: Path) -> dict[str, Any]:
    """Describe a scenario that may not be usable here, for want of a package that ships its files."""
    from sim.scenario import load_scenario

    try:
        scenario = load_scenario(str(path))
    except GruenbandError as error:
        return {"description": f"not usable: {str(error).removeprefix(f'{path}: ')}"}
    return {
        "description": scenario.description,
        "network": str(scenario.network),
        "begin": scenario.begin,
        "end": scenario.end,
        "file": str(path),
    }


def _controllers() -> list[dict[str, Any]]:
    from sim.control.registry import list_controllers

    return [
        {
            "name": kind.name,
            "id": kind.id,
            "description": kind.summary,
            "parameters": [
                {"name": name, "default": param.default, "unit": param.unit, "about": param.about}
                for name, param in kind.params.items()
            ],
        }
        for kind in list_controllers()
    ]


def _networks() -> list[dict[str, Any]]:
    from sim.scenario import shipped_networks

    return [
        {"name": name, "description": _title(path.parent / "README.md"), "file": str(path)}
        for name, path in shipped_networks().items()
    ]


def _title(readme: Path) -> str:
    """Take the first heading of a network's README as its description."""
    if not readme.is_file():
        return ""
    lines = readme.read_text(encoding="utf-8").splitlines()
    return next((line.lstrip("# ").strip() for line in lines if line.startswith("#")), "")
