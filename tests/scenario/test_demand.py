"""What a demand says of itself: its turns, whoever wrote them and however."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from sim.scenario.demand import names_vehicles, written_turns

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ('<vehicle id="a" depart="0"><route edges="1 2 3"/></vehicle>', {("1", "2"), ("2", "3")}),
        ("<route id='r'\n color='red' edges = '1\n 2'/>", {("1", "2")}),
        # Parts of longer names are other edges.
        ('<route id="r" edges="11 22"/>', {("11", "22")}),
        ('<route id="r" edges="1"/>', set()),
        ('<route id="r" edges=""/>', set()),
        ('<trip id="t" depart="0" to="2" from="1"/>', {("1", "2")}),
        ('<flow id="f" from="1" to="2" number="3"><stop lane="1_0"/></flow>', {("1", "2")}),
        ('<trip id="t" depart="0" from="1" via="5" to="2"/>', set()),
        ('<flow id="f" fromTaz="1" toTaz="2"/><flow id="g" route="1 2"/>', set()),
        ('<!-- <route id="r" edges="1 2"/> --><!-- \n --><route id="r" edges="3 4"/>', {("3", "4")}),
        ('<person id="p" depart="0"><walk edges="1 2"/><personTrip from="1" to="2"/></person>', set()),
    ],
)
def test_turns_that_are_written_out(tmp_path: Path, text: str, turns: set[tuple[str, str]]) -> None:
    path = tmp_path / "d.rou.xml"
    path.write_text(f"<routes>{text}</routes>", encoding="utf-8")
    assert written_turns(path) == turns


def test_a_packed_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    text = b'<routes><vehicle id="a" depart="0"><route edges="1 2"/></vehicle></routes>'
    for name in ("d.rou.xml.gz", "d.rou.xml"):
        (tmp_path / name).write_bytes(gzip.compress(text))
        assert written_turns(tmp_path / name) == {("1", "2")}
        assert names_vehicles((tmp_path / name,))
