"""Reads a SUMO network, and the programs that additional files put over it."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import Element

from sim.errors import InputError
from sim.network.parts import Phase

# SUMO also writes rail signals and level crossings as tlLogic; they are safety devices, not timings.
NOT_ROAD_SIGNALS = frozenset({"rail_signal", "rail_crossing"})


def read_net(path: Path) -> Any:  # noqa: ANN401  (sumolib is untyped)
    """
    Read a network with programs, junction-internal lanes and right-of-way matrices.

    Parameters
    ----------
    path : Path
        A ``.net.xml`` or ``.net.xml.gz``.

    Returns
    -------
    sumolib.net.Net
        The network.

    Raises
    ------
    InputError
        If the file is missing or not a SUMO network.
    """
    import sumolib  # noqa: PLC0415

    if not path.is_file():
        msg = f"{path}: no such network file; check the path in the scenario"
        raise InputError(msg)
    refuse_entities(path)
    try:
        net = sumolib.net.readNet(
            str(path), withPrograms=True, withInternal=True, withFoes=True, withPedestrianConnections=True
        )
    except Exception as fault:
        msg = f"{path}: not a readable SUMO network ({type(fault).__name__}: {fault}); rebuild it with netconvert"
        raise InputError(msg) from fault
    if not net.getEdges(withInternal=False):
        msg = f"{path}: the network has no edge; rebuild it with netconvert"
        raise InputError(msg)
    return net


def refuse_entities(path: Path) -> None:
    """
    Refuse XML that declares entities or a document type: SUMO never writes them, and they can read other files.

    Parameters
    ----------
    path : Path
        An XML file, gzipped or not.

    Raises
    ------
    InputError
        If the head of the file declares a document type or an entity.
    """
    opened = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
    try:
        with opened as stream:
            head = stream.read(65536)
    except OSError as fault:
        msg = f"{path}: cannot be read ({fault}); check the file"
        raise InputError(msg) from fault
    # UTF-16 would hide the words from a byte search.
    text = head.replace(b"\x00", b"").upper()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        msg = f"{path}: declares a document type or entity, which is refused; remove the <!DOCTYPE ...> part"
        raise InputError(msg)


def read_programs(additional: Iterable[Path]) -> dict[str, tuple[str, str, float, tuple[Phase, ...]]]:
    """
    Read the signal programs in additional files; SUMO runs the one loaded last.

    Parameters
    ----------
    additional : iterable of Path
        Additional files.

    Returns
    -------
    dict
        Signal id to (type, program id, offset [s], phases).

    Raises
    ------
    InputError
        If a file is missing or not XML.
    """
    from defusedxml.common import DefusedXmlException  # noqa: PLC0415
    from defusedxml.ElementTree import ParseError, iterparse  # noqa: PLC0415

    programs: dict[str, tuple[str, str, float, tuple[Phase, ...]]] = {}
    for path in additional:
        try:
            opened = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
            with opened as stream:
                for _, untyped in iterparse(stream, events=("end",), forbid_dtd=True):
                    element = cast("Element", untyped)
                    if element.tag == "tlLogic":
                        phases = tuple(
                            Phase(p.get("state", ""), phase_duration(p)) for p in element.findall("phase")
                        )
                        if phases:
                            programs[element.get("id", "")] = (
                                element.get("type", "static"),
                                element.get("programID", ""),
                                float(element.get("offset", "0")),
                                phases,
                            )
        except (OSError, ParseError, DefusedXmlException) as fault:
            msg = f"{path}: not a readable additional file ({fault}); check it with netconvert or an XML editor"
            raise InputError(msg) from fault
    return programs


def phase_duration(phase: Element) -> float:
    """
    Take a phase's duration, or the middle of its bounds if the program is actuated and gives none.

    Parameters
    ----------
    phase : Element
        A ``<phase>`` element.

    Returns
    -------
    float
        Duration [s].
    """
    if "duration" in phase.attrib:
        return float(phase.attrib["duration"])
    shortest = float(phase.get("minDur", "5"))
    return (shortest + float(phase.get("maxDur", str(shortest)))) / 2
