"""What a file format of a field controller or planning tool is, and what of a plan it carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.signals.plan import Plan

Files = Mapping[str, bytes]

# What a plan can hold beyond cycles and ids, and how a loss of it is told.
FEATURES = {
    "greens": "the greens",
    "permissive": "which greens give way",
    "yellow": "yellow times",
    "red-yellow": "red-yellow times",
    "rest": "groups that rest dark, blinking or with an arrow",
    "offset": "offsets",
    "programs": "several programs of a signal",
    "schedule": "the day schedule",
    "switch": "switch seconds",
    "intergreens": "the intergreen matrix",
    "minimum-green": "minimum greens",
    "stages": "the stage order",
    "links": "the lanes of each group",
    "kind": "kinds of groups",
    "crossing": "lengths of crossings and permitted speeds",
}


@dataclass(frozen=True)
class Format:
    """
    A file format.

    Parameters
    ----------
    name : str
        How the command line calls it.
    title : str
        One line about it.
    suffix : str
        Of the file; empty if the format is a folder of files.
    carries : frozenset of str
        Keys of `FEATURES`; cycles are always carried.
    write : callable
        Takes a plan, gives file names and contents; raises `InputError` for what cannot be expressed.
    read : callable
        Takes file names and contents and a plan that gives what the format does not carry; gives a plan.
    reads_alone : bool
        The reader needs no such plan.
    """

    name: str
    title: str
    suffix: str
    carries: frozenset[str]
    write: Callable[[Plan], dict[str, bytes]]
    read: Callable[[Files, Plan | None], Plan]
    reads_alone: bool = False

    @property
    def drops(self) -> list[str]:
        """Keys of the features it has no place for."""
        return [key for key in FEATURES if key not in self.carries]


def used_features(plan: Plan) -> set[str]:
    """
    Tell which features a plan makes use of.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    set of str
        Keys of `FEATURES`.
    """
    groups = [group for signal in plan.signals for group in signal.groups]
    programs = [program for signal in plan.signals for program in signal.programs]
    uses = {
        "greens": True,
        "permissive": any(green.permissive for program in programs for green in program.greens),
        "yellow": any(group.yellow for group in groups),
        "red-yellow": any(group.red_yellow for group in groups),
        "rest": any(group.rest != "red" for group in groups),
        "offset": any(program.offset for program in programs),
        "programs": any(len(signal.programs) > 1 for signal in plan.signals),
        "schedule": plan.schedule is not None,
        "switch": any(program.switch for program in programs),
        "intergreens": any(signal.intergreens for signal in plan.signals),
        "minimum-green": True,
        "stages": any(program.stages for program in programs),
        "links": any(group.links for group in groups),
        "kind": any(group.kind != "vehicle" for group in groups),
        "crossing": any(group.crossing or group.speed for group in groups),
    }
    return {key for key, used in uses.items() if used}


def loss(form: Format, plan: Plan) -> list[str]:
    """
    Tell what of a plan an export loses.

    Parameters
    ----------
    form : Format
        The format.
    plan : Plan
        The plan.

    Returns
    -------
    list of str
        One entry for each feature that the plan uses and the format drops.
    """
    used = used_features(plan)
    return [FEATURES[key] for key in form.drops if key in used]
