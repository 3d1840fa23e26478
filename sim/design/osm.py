"""A network from OpenStreetMap: an area is cut out of the extract, and netconvert builds it with signals and pavements."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import iterparse

from sim.errors import EnvironmentFaultError, InputError, near_miss
from sim.network.tools import call_tool, first_error
from sim.signals.files import read_text, write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIXES = (".osm", ".osm.gz", ".osm.bz2", ".osm.pbf", ".pbf")
POLYGONS = (".poly", ".geojson", ".json")
LARGEST_POLYGON = 16 * 2**20
# Ways that carry somebody; everything else in an extract is left out.
RAILS = frozenset({"tram", "light_rail"})
TYPES = ("osmNetconvert", "osmNetconvertUrbanDe", "osmNetconvertPedestrians", "osmNetconvertBicycle")
OPTIONS = (
    "--geometry.remove",
    "--roundabouts.guess",
    "--ramps.guess",
    "--junctions.join",
    "--junctions.corner-detail",
    "5",
    "--tls.guess-signals",
    "--tls.discard-simple",
    "--tls.join",
    "--tls.default-type",
    "static",
    "--sidewalks.guess",
    "--crossings.guess",
    "--osm.turn-lanes",
    "--osm.bike-access",
    "--output.street-names",
    "--no-turnarounds.except-deadend",
    "--remove-edges.isolated",
    "--keep-edges.components",
    "1",
)
Ring = list[tuple[float, float]]


@dataclass(frozen=True)
class Imported:
    """
    What an import gave.

    Parameters
    ----------
    edges, signals : int
        How many the network has.
    remarks : tuple of str
        What netconvert said of the data, such as relations that it left out.
    """

    edges: int
    signals: int
    remarks: tuple[str, ...]


def import_osm(source: Path, area: str | None, target: Path) -> Imported:
    """
    Make a network of an OpenStreetMap extract; it is written whole or not at all.

    Parameters
    ----------
    source : Path
        ``.osm``, ``.osm.gz``, ``.osm.bz2`` or ``.osm.pbf``.
    area : str or None
        ``west,south,east,north`` in degrees, a polygon file, the name of an administrative area in the file, or None
        for all of it.
    target : Path
        The network to write.

    Returns
    -------
    Imported
        What it holds.

    Raises
    ------
    InputError
        If the file is none of OpenStreetMap, the area is not in it, or there is no signal.
    EnvironmentFaultError
        If the Python package osmium is not installed.
    """
    if not source.is_file():
        msg = f"{source}: no such file"
        raise InputError(msg)
    if not source.name.endswith(SUFFIXES):
        msg = f"{source} is no OpenStreetMap extract by its name; {', '.join(SUFFIXES)}"
        raise InputError(msg)
    if not target.name.endswith(".net.xml"):
        msg = f"--out {target}: name a .net.xml file"
        raise InputError(msg)
    try:
        import osmium  # noqa: PLC0415  (an extra, and slow to load)
    except ImportError as error:
        msg = "importing OpenStreetMap needs the package osmium; pip install 'gruenband[osm]'"
        raise EnvironmentFaultError(msg) from error
    with tempfile.TemporaryDirectory(prefix="gruenband-") as scratch:
        cut, net = Path(scratch) / "cut.osm.xml", Path(scratch) / "built.net.xml"
        try:
            rings = find_area(osmium, source, area) if area else None
            _cut(osmium, source, rings, cut)
        except (RuntimeError, ValueError) as error:
            msg = f"{source} cannot be read as OpenStreetMap data: {_line(error)}"
            raise InputError(msg) from error
        remarks = _netconvert(cut, net, source)
        done = Imported(*_count(net), remarks)
        if not done.signals:
            where = f"{source}, {area}" if area else str(source)
            msg = f"{where}: {done.edges} roads and no signal; its node in OpenStreetMap needs highway=traffic_signals"
            raise InputError(msg)
        write_whole(target, _without_header(net.read_text(encoding="utf-8")).encode())
    return done


def find_area(osmium: Any, source: Path, area: str) -> list[Ring]:  # noqa: ANN401  (an extra without types)
    """
    Find the outline of an area.

    Parameters
    ----------
    osmium : module
        The reader.
    source : Path
        The extract.
    area : str
        A box, a polygon file or a name.

    Returns
    -------
    list of list of (float, float)
        Outer rings, longitude and latitude [degrees].

    Raises
    ------
    InputError
        If there is none.
    """
    numbers = area.split(",")
    if len(numbers) == 4:
        try:
            west, south, east, north = map(float, numbers)
        except ValueError:
            pass
        else:
            if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
                msg = f"--area {area}: write west,south,east,north in degrees, west below east and south below north"
                raise InputError(msg)
            return [[(west, south), (east, south), (east, north), (west, north)]]
    if area.endswith(POLYGONS):
        return _polygon_file(Path(area).expanduser())
    return _named_area(osmium, source, area)


def _polygon_file(path: Path) -> list[Ring]:
    text = read_text(path, LARGEST_POLYGON)
    try:
        rings = _poly(text) if path.suffix == ".poly" else _geojson(json.loads(text))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        msg = f"{path} is no polygon file: {_line(error)}"
        raise InputError(msg) from error
    rings = [ring for ring in rings if len(ring) > 2]
    if not rings:
        msg = f"{path} holds no polygon"
        raise InputError(msg)
    return rings


def _poly(text: str) -> list[Ring]:
    rings: list[Ring] = []
    inside = False
    for line in text.splitlines()[1:]:
        words = line.split()
        if words == ["END"]:
            inside = False
        elif not inside and words:
            inside = True
            if not words[0].startswith("!"):
                rings.append([])
        elif words and rings:
            rings[-1].append((float(words[0]), float(words[1])))
    return rings


def _geojson(data: Any) -> list[Ring]:  # noqa: ANN401
    kind = data["type"]
    if kind == "FeatureCollection":
        return [ring for feature in data["features"] for ring in _geojson(feature)]
    if kind == "Feature":
        return _geojson(data["geometry"])
    parts = {"Polygon": [data["coordinates"]], "MultiPolygon": data["coordinates"]}[kind]
    return [[(float(p[0]), float(p[1])) for p in part[0]] for part in parts]


def _named_area(osmium: Any, source: Path, name: str) -> list[Ring]:  # noqa: ANN401
    rings: list[Ring] = []
    built = set()
    for thing in osmium.FileProcessor(str(source)).with_areas():
        if thing.is_area() and thing.tags.get("boundary") == "administrative":
            built.add(thing.tags.get("name", ""))
            if thing.tags.get("name") == name:
                rings += [[(node.lon, node.lat) for node in ring] for ring in thing.outer_rings()]
    if rings:
        return rings
    named = {
        thing.tags.get("name", "")
        for thing in osmium.FileProcessor(str(source), osmium.osm.RELATION)
        if thing.tags.get("boundary") == "administrative"
    }
    if name in named:
        msg = f"--area {name}: its boundary is not complete in {source}; give a box or a polygon file"
        raise InputError(msg)
    known = sorted((named | built) - {""})
    msg = f"--area {name}: no administrative area of that name in {source}{near_miss(name, known[:200])}"
    raise InputError(msg)


def _inside(rings: Sequence[Ring], x: float, y: float) -> bool:
    odd = False
    for ring in rings:
        for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
            if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
                odd = not odd
    return odd


def _cut(osmium: Any, source: Path, rings: list[Ring] | None, target: Path) -> None:  # noqa: ANN401
    """Write the ways that carry somebody and have a node in the area, with what they refer to."""
    within: set[int] = set()
    kept: set[int] = set()
    every = 0
    for thing in osmium.FileProcessor(str(source), osmium.osm.NODE | osmium.osm.WAY):
        if thing.is_node():
            if rings is not None and thing.location.valid() and _inside(rings, thing.lon, thing.lat):
                within.add(thing.id)
        elif "highway" in thing.tags or thing.tags.get("railway") in RAILS:
            every += 1
            if rings is None or any(node.ref in within for node in thing.nodes):
                kept.add(thing.id)
    if not every:
        msg = f"{source} has no road"
        raise InputError(msg)
    if not kept:
        msg = f"{source} has {every} roads, and none of them in the area; is it another town?"
        raise InputError(msg)
    with osmium.BackReferenceWriter(
        str(target), ref_src=str(source), overwrite=True, remove_tags=False
    ) as writer:
        for thing in osmium.FileProcessor(str(source), osmium.osm.WAY | osmium.osm.RELATION):
            if thing.is_way():
                if thing.id in kept:
                    writer.add(thing)
            elif thing.tags.get("type") == "restriction" and all(
                member.type != "w" or member.ref in kept for member in thing.members
            ):
                writer.add(thing)


def _netconvert(cut: Path, net: Path, source: Path) -> tuple[str, ...]:
    import sumo  # noqa: PLC0415  (start-up of the CLI)

    home = Path(sumo.SUMO_HOME)
    types = ",".join(str(home / "data" / "typemap" / f"{name}.typ.xml") for name in TYPES)
    options = ["--osm-files", str(cut), "--type-files", types, "-o", str(net), *OPTIONS]
    done = call_tool("netconvert", options)
    if done.returncode != 0 or not net.is_file():
        msg = f"{source}: netconvert cannot build it: {_line(first_error(done))}"
        raise InputError(msg)
    said = (done.stdout + done.stderr).splitlines()
    return tuple(line.removeprefix("Warning:").strip() for line in said if line.startswith("Warning:"))


def _count(net: Path) -> tuple[int, int]:
    edges, signals = 0, set()
    for _, element in iterparse(net):  # noqa: S314  (netconvert's own output)
        if element.tag == "edge" and element.get("function") is None:
            edges += 1
        elif element.tag == "tlLogic":
            signals.add(element.get("id"))
        if element.tag not in {"lane", "phase"}:
            element.clear()
    return edges, len(signals)


def _without_header(text: str) -> str:
    """Cut off netconvert's comment with the time and folders of the build: the same extract gives the same bytes."""
    return re.sub(r"<!--.*?-->\s*", "", text, count=1, flags=re.DOTALL)


def _line(error: object) -> str:
    return " ".join(str(error).split())[:200]
