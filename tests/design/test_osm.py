"""Import of OpenStreetMap extracts: areas, formats, and files of strangers."""

from __future__ import annotations

import gzip
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from sim.errors import InputError
from sim.network.graph import RoadGraph

pytestmark = pytest.mark.skipif(importlib.util.find_spec("osmium") is None, reason="needs the extra 'osm'")
sys.path.insert(0, str(Path(__file__).parent))
from osm_town import SOUTH, STEP, WEST, town  # noqa: E402

from sim.design.osm import import_osm  # noqa: E402


@pytest.fixture
def extract(tmp_path: Path) -> Path:
    path = tmp_path / "town.osm"
    path.write_text(town(), encoding="utf-8")
    return path


def box(west: float, south: float, east: float, north: float) -> str:
    """In blocks of the town."""
    return f"{WEST + west * STEP:.6f},{SOUTH + south * STEP:.6f},{WEST + east * STEP:.6f},{SOUTH + north * STEP:.6f}"


def test_the_whole_extract(extract: Path, tmp_path: Path) -> None:
    out = tmp_path / "town.net.xml"
    done = import_osm(extract, None, out)
    assert done.signals == 2
    graph = RoadGraph.from_file(out)
    assert len(graph.signals) == 2
    assert any(movement.crossing for movement in graph.movements)


@pytest.mark.parametrize("area", [box(0.5, 0.5, 1.5, 1.5), "Mitte"])
def test_an_area_keeps_its_signal_only(extract: Path, tmp_path: Path, area: str) -> None:
    out = tmp_path / "mitte.net.xml"
    import_osm(extract, area, out)
    names = {edge.getName() for edge in RoadGraph.from_file(out).net.getEdges()}
    assert "Herner Straße" in names
    assert import_osm(extract, area, out).edges < import_osm(extract, None, tmp_path / "all.net.xml").edges


@pytest.mark.parametrize("name", ["area.geojson", "area.poly"])
def test_a_polygon_file(extract: Path, tmp_path: Path, name: str) -> None:
    west, south, east, north = map(float, box(0.5, 0.5, 1.5, 1.5).split(","))
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    if name.endswith("geojson"):
        points = ",".join(f"[{x},{y}]" for x, y in ring)
        text = f'{{"type":"Feature","geometry":{{"type":"Polygon","coordinates":[[{points}]]}}}}'
    else:
        points = "\n".join(f"   {x}   {y}" for x, y in ring)
        text = f"mitte\n1\n{points}\nEND\nEND\n"
    (tmp_path / name).write_text(text)
    done = import_osm(extract, str(tmp_path / name), tmp_path / "a.net.xml")
    assert done == import_osm(extract, box(0.5, 0.5, 1.5, 1.5), tmp_path / "b.net.xml")


def test_gzip_and_pbf_give_the_same_bytes(extract: Path, tmp_path: Path) -> None:
    import osmium

    packed, binary = tmp_path / "town.osm.gz", tmp_path / "town.osm.pbf"
    packed.write_bytes(gzip.compress(extract.read_bytes()))
    with osmium.SimpleWriter(str(binary)) as writer:
        for thing in osmium.FileProcessor(str(extract)):
            writer.add(thing)
    nets = []
    for source in (extract, packed, binary):
        import_osm(source, None, tmp_path / "x.net.xml")
        nets.append((tmp_path / "x.net.xml").read_bytes())
    assert nets[0] == nets[1] == nets[2]


FAULTS: list[tuple[str, dict[str, Any], str | None, str]] = [
    ("town.osm", {"signals": False}, None, "roads and no signal"),
    ("town.osm", {"broken": True}, "Mitte", "its boundary is not complete"),
    ("town.osm", {}, "Mitt", "did you mean 'Mitte'"),
    ("town.osm", {}, "13.3,52.4,13.5,52.6", "none of them in the area"),
    ("town.osm", {}, "7.3,51.4,7.2,51.5", "west below east"),
    ("town.osm", {}, "no.geojson", "cannot be read"),
    ("town.txt", {}, None, "is no OpenStreetMap extract by its name"),
]


@pytest.mark.parametrize(("name", "how", "area", "told"), FAULTS)
def test_a_fault_is_one_line_and_leaves_nothing(
    tmp_path: Path, name: str, how: dict[str, Any], area: str | None, told: str
) -> None:
    source, out = tmp_path / name, tmp_path / "out" / "a.net.xml"
    source.write_text(town(**how), encoding="utf-8")
    with pytest.raises(InputError, match=told) as caught:
        import_osm(source, area, out)
    assert "\n" not in str(caught.value)
    assert not out.parent.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<osm",
        "<html/>",
        '<?xml version="1.0"?><!DOCTYPE osm [<!ENTITY a "&#60;b/&#62;"><!ENTITY b "&a;&a;">]><osm version="0.6">&b;</osm>',
        '<osm version="0.6"><node id="x"/></osm>',
        '<osm version="0.6"/>',
    ],
)
def test_what_is_no_extract_is_refused(tmp_path: Path, text: str) -> None:
    source = tmp_path / "bad.osm"
    source.write_text(text)
    with pytest.raises(InputError, match=r"bad\.osm") as caught:
        import_osm(source, None, tmp_path / "a.net.xml")
    assert "\n" not in str(caught.value)


def test_broken_relations_are_left_out_and_told(tmp_path: Path) -> None:
    source = tmp_path / "town.osm"
    broken = (
        '<relation id="7" version="1"><member type="way" ref="1001" role="from"/><member type="node" ref="99" '
        'role="via"/><member type="way" ref="1002" role="to"/><tag k="type" v="restriction"/>'
        '<tag k="restriction" v="no_left_turn"/></relation>'
        '<relation id="8" version="1"><tag k="type" v="restriction"/></relation></osm>'
    )
    source.write_text(town().replace("</osm>", broken), encoding="utf-8")
    done = import_osm(source, None, tmp_path / "a.net.xml")
    assert done.signals == 2
    assert any("relation '7' with unknown via" in remark for remark in done.remarks)
    assert any("relation '8'" in remark for remark in done.remarks)
    whole = tmp_path / "whole.osm"
    whole.write_text(town(), encoding="utf-8")
    import_osm(whole, None, tmp_path / "b.net.xml")
    assert (tmp_path / "a.net.xml").read_bytes() == (tmp_path / "b.net.xml").read_bytes()


def test_a_way_that_refers_to_a_missing_node_is_told(tmp_path: Path) -> None:
    source = tmp_path / "town.osm"
    source.write_text(
        town().replace('<nd ref="1"/>', '<nd ref="98"/>').replace('<nd ref="11"/>', '<nd ref="98"/>')
    )
    done = import_osm(source, None, tmp_path / "a.net.xml")
    assert any("ref='98'" in remark for remark in done.remarks)
