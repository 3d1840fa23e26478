"""The lines of public transport in a demand, and whether the rules of priority fit to them."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from sim.control.rules import mode_of, rule_of
from sim.errors import near_miss
from sim.faults import Fault
from sim.scenario.xmlfile import walk

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sim.scenario.model import Scenario

_DRIVES = frozenset({"vehicle", "flow", "trip"})


@dataclass
class Service:
    """A vehicle, or all vehicles of a flow, as the demand names them."""

    id: str
    line: str
    type: str
    route: str
    timed: bool = False


class Demand:
    """
    What a demand says of lines and timetables.

    Parameters
    ----------
    files : iterable of Path
        Additional and route files.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self.services: list[Service] = []
        self._classes: dict[str, str] = {}
        self._timed_routes: set[str] = set()
        self._service: Service | None = None
        self._route = ""
        for path in files:
            walk(path, self._begin, self._end)

    def _begin(self, tag: str, values: dict[str, str]) -> None:
        if tag in _DRIVES:
            self._service = Service(
                values.get("id", ""), values.get("line", ""), values.get("type", ""), values.get("route", "")
            )
            self.services.append(self._service)
        elif tag == "route":
            self._route = values.get("id", "")
        elif tag == "vType":
            self._classes[values.get("id", "")] = values.get("vClass", "passenger")
        elif tag == "stop" and ("until" in values or "arrival" in values):
            if self._service is not None:
                self._service.timed = True
            elif self._route:
                self._timed_routes.add(self._route)

    def _end(self, tag: str) -> None:
        if tag in _DRIVES:
            self._service = None
        elif tag == "route":
            self._route = ""

    def mode(self, service: Service) -> str:
        """
        Tell the mode of a vehicle.

        Parameters
        ----------
        service : Service
            The vehicle.

        Returns
        -------
        str
            Its mode.
        """
        return mode_of(self._classes.get(service.type, "passenger"))

    def has_timetable(self, service: Service) -> bool:
        """
        Tell whether a vehicle is to be somewhere at some time.

        Parameters
        ----------
        service : Service
            The vehicle.

        Returns
        -------
        bool
            True if one of its stops, or of its route's, has an ``arrival`` or an ``until``.
        """
        return service.timed or service.route in self._timed_routes


def priority_faults(scenario: Scenario) -> list[Fault]:
    """
    Compare the rules of priority with the demand.

    Parameters
    ----------
    scenario : Scenario
        A scenario that is valid else.

    Returns
    -------
    list of Fault
        Lines that do not exist or have two rules, and rules for late vehicles whose lines have no timetable.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    rules = scenario.rules()
    if not any(rule.lines or rule.late_only is not None for rule in rules):
        return []
    demand = Demand([*scenario.additional, *scenario.demand])
    lines = sorted({service.line for service in demand.services} - {""})
    faults = []
    for number, rule in enumerate(rules):
        for name in rule.lines:
            if not any(fnmatchcase(line, name) for line in lines):
                known = near_miss(name, lines) or "; it names none"
                faults.append(Fault(f"priorities[{number}].lines", f"the demand has no line '{name}'{known}"))
        if rule.late_only is None:
            continue
        without = sorted(
            {
                service.line or service.id
                for service in demand.services
                if rule_of(rules, service.line, demand.mode(service)) is rule
                and not demand.has_timetable(service)
            }
        )
        if without:
            more = f" and {len(without) - 1} more" if len(without) > 1 else ""
            faults.append(
                Fault(
                    f"priorities[{number}].late_only",
                    f"'{without[0]}'{more} has no timetable to be late against; give its stops an 'arrival', or leave "
                    "'late_only' out",
                )
            )
    for line in lines:
        ruled = [
            number for number, rule in enumerate(rules) if any(fnmatchcase(line, name) for name in rule.lines)
        ]
        if len(ruled) > 1:
            faults.append(
                Fault(
                    f"priorities[{ruled[1]}].lines",
                    f"line '{line}' has a rule in priorities[{ruled[0]}] already",
                )
            )
    return faults
