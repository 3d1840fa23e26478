"""SUMO's additional file: every program as a static ``tlLogic``, the day schedule as a ``WAUT``."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, NoReturn
from xml.sax.saxutils import quoteattr

from sim.errors import InputError
from sim.export.format import Format
from sim.export.sumo_read import read
from sim.export.waut import OWN, WAUT_ID, waut_lines
from sim.signals.lamps import lamps, link_states

if TYPE_CHECKING:
    from sim.signals.plan import Plan, Program, SignalPlan

# What SUMO's schema asks of an id.
ID = re.compile(r"[^ \t\n\r|\\;,']+")
HEAD = (
    '<additional xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:noNamespaceSchemaLocation="http://sumo.dlr.de/xsd/additional_file.xsd">'
)


def write(plan: Plan) -> dict[str, bytes]:
    """
    Write a plan as an additional file.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    dict
        One file.

    Raises
    ------
    InputError
        If an id is none for SUMO, a group has no links, or SUMO would lose a change of programs.
    """
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', HEAD]
    for signal in plan.signals:
        if not ID.fullmatch(signal.id):
            _refuse(signal, "SUMO's ids have no spaces and none of | \\ ; , ' in them; rename it")
        lacking = next((group.name for group in signal.groups if not group.links), None)
        if lacking is not None:
            _refuse(signal, f"group '{lacking}' has no links, and SUMO has states of links only")
        # SUMO starts with the program that it reads last; a plan with its first.
        for program in reversed(signal.programs):
            lines += _logic(signal, program)
    if plan.schedule is not None:
        lines += waut_lines(plan)
        lines += [
            f'    <wautJunction wautID="{WAUT_ID}" junctionID={quoteattr(signal.id)} procedure="GSP" synchron="true"/>'
            for signal in plan.signals
        ]
    lines.append("</additional>")
    return {"plan.add.xml": ("\n".join(lines) + "\n").encode()}


def _logic(signal: SignalPlan, program: Program) -> list[str]:
    states = link_states(signal, lamps(signal, program))
    lines = [
        (
            f'    <tlLogic id={quoteattr(signal.id)} type="static" programID={quoteattr(OWN + program.id)} '
            f'offset="{program.offset}">'
        ),
        f'        <param key="GSP" value="{program.switch}"/>',
    ]
    lines += [
        f'        <phase duration="{len(list(seconds))}" state="{state}"/>'
        for state, seconds in groupby(states)
    ]
    return [*lines, "    </tlLogic>"]


def _refuse(signal: SignalPlan, why: str) -> NoReturn:
    msg = f"sumo cannot express the plan: signal '{signal.id}': {why}"
    raise InputError(msg)


FORMAT = Format(
    name="sumo",
    title="SUMO additional file: tlLogic of every program, WAUT of the day schedule",
    suffix=".add.xml",
    carries=frozenset(
        {"greens", "permissive", "yellow", "red-yellow", "rest", "offset", "programs", "schedule", "switch"}
    ),
    write=write,
    read=read,
)
