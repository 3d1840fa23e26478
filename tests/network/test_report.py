"""The report for people: complete, plain data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sim.network.flow import saturation_headway
from sim.network.graph import RoadGraph

from .conftest import resco

if TYPE_CHECKING:
    from pathlib import Path


def test_report_of_a_signal() -> None:
    report = resco("cologne1").report()
    (entry,) = report["signals"].values()
    assert (entry["type"], entry["program"], entry["cycle"]) == ("static", "0", 90.0)
    assert len(entry["approaches"]) == 4
    assert len(entry["movements"]) == report["movements"] == 20
    assert {m["saturation_flow"] for m in entry["movements"]} == {1834}
    assert entry["groups"]["K2"] == {"links": [3, 4], "pedestrian": False, "yellow": 5, "red_yellow": 0}
    assert {"clearing": "K1", "entering": "K3", "intergreen": 5} in entry["conflicts"]
    first = entry["stages"][0]
    assert (first["green"], first["yielding"]) == (["K3", "K7"], ["K4", "K8"])
    assert len(entry["inferred"]) == 4
    far = next(a for a in entry["approaches"] if a["edge"] == "27115123#3")
    assert far["upstream"][0] == {"edge": "130165204", "distance": 49.38}


def test_report_is_plain_data_with_walkers(grid: Path) -> None:
    report = RoadGraph.from_file(grid).report()
    assert json.loads(json.dumps(report)) == report
    entry = report["signals"]["A0"]
    walks = [m for m in entry["movements"] if m["pedestrian"]]
    assert {m["saturation_flow"] for m in walks} == {None}
    assert {m["group"] for m in walks} == {"F1", "F2", "F3", "F4"}
    assert any("walk at 1.2 m/s" in sentence for sentence in entry["inferred"])
    assert all(set(doubt) == {"signal", "kind", "text"} for doubt in report["doubts"])


def test_saturation_flow_falls_with_the_speed_of_the_turn() -> None:
    flows = [3600 / saturation_headway(v) for v in (13.89, 10.9, 6.5, 3.65, 0.1)]
    assert [round(flow) for flow in flows] == [1834, 1834, 1376, 929, 576]
