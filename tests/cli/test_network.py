"""``gruenband network`` as an engineer calls it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sumo

from sim.signals.plan import read_plan

if TYPE_CHECKING:
    from conftest import Call


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("net") / "one.net.xml"
    command = [str(Path(sumo.SUMO_HOME) / "bin" / "netgenerate"), "--grid", "--grid.number", "1"]
    command += ["--grid.attach-length", "120", "--default-junction-type", "traffic_light"]
    command += ["--sidewalks.guess", "--crossings.guess", "-o", str(path)]
    subprocess.run(command, capture_output=True, check=True)
    return path


def test_a_design_is_written_and_safe(net: Path, tmp_path: Path, call: Call) -> None:
    out = tmp_path / "design"
    answer = call("network", "design", net, "--out", out)
    assert answer.code == 0
    assert "A0" in answer.out
    names = sorted(path.name for path in out.iterdir())
    ends = ("add.xml", "design.md", "net.xml", "plan.json", "tll.xml")
    assert names == [f"one.{end}" for end in ends]
    assert call("check", out / "one.plan.json").code == 0
    assert [program.id for program in read_plan(out / "one.plan.json").signals[0].programs] == [
        "am",
        "pm",
        "offpeak",
        "night",
    ]


def test_groups_are_listed_and_drawn(net: Path, tmp_path: Path, call: Call) -> None:
    answer = call("network", "show", net)
    assert "K1" in answer.out
    assert "pedestrian" in answer.out
    for options, name in (((), "net.png"), (("--signal", "A0"), "signal.svg")):
        picture = tmp_path / name
        assert call("network", "show", net, *options, "--picture", picture).code == 0
        assert picture.stat().st_size > 5000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "NET", "--signal", "bottom1"), "did you mean 'bottom0'?"),
        (("show", "bochum-rin"), "did you mean 'bochum-ring'?"),
        (("show", "NET", "--picture", "x.gif"), "is no svg, png or pdf file"),
        (("design", "NET", "--demand", "no.rou.xml", "--out", "OUT"), "no such file"),
        (("design", "missing.net.xml", "--out", "OUT"), "no such network file"),
        (("build", "nowhere"), "has no recipe"),
        (("import", "missing.osm", "--out", "OUT/x.net.xml"), "no such file"),
        (("counts", "missing.net.xml", "--out", "OUT/x.csv"), "no such network file"),
        (("counts", "NET", "--out", "NET"), "exists; name another file"),
        (("demand", "NET", "no.csv", "--out", "OUT/x.rou.xml"), "no.csv cannot be read"),
        (("demand", "NET", "no.csv", "--out", "OUT/x.xml"), "name a .rou.xml file"),
    ],
)
def test_a_fault_is_one_line_and_leaves_nothing(
    net: Path, tmp_path: Path, call: Call, arguments: tuple[str, ...], told: str
) -> None:
    out = tmp_path / "out"
    given = [word.replace("NET", str(net)).replace("OUT", str(out)) for word in arguments]
    answer = call("network", *given)
    assert answer.code == 2
    assert told in answer.error
    assert not out.exists()


def test_a_crossing_without_a_signal_is_told_when_it_is_designed(
    net: Path, tmp_path: Path, call: Call
) -> None:
    text = net.read_text(encoding="utf-8")
    bare = re.sub(r'(<connection [^>]*to=":A0_c0"[^>]*?) tl="A0" linkIndex="\d+"', r"\1", text)
    assert bare != text
    path = tmp_path / "bare.net.xml"
    path.write_text(bare, encoding="utf-8")
    answer = call("network", "design", path, "--out", tmp_path / "out")
    assert answer.code == 0
    told = [line for line in answer.err.splitlines() if "no signal link" in line]
    assert told == [
        (
            "signal A0: no signal link at the crossing :A0_c0: pedestrians there go without a signal; "
            "add it to the signal in netedit unless that is meant"
        )
    ]


def test_the_sheet_filled_in_becomes_a_demand_that_the_design_takes(
    net: Path, tmp_path: Path, call: Call
) -> None:
    sheet, routes = tmp_path / "counts.csv", tmp_path / "am.rou.xml"
    assert call("network", "counts", net, "--out", sheet).code == 0
    # Everybody goes straight on.
    text = re.sub(r"(straight,.*,)$", r"\g<1>300", sheet.read_text(encoding="utf-8"), flags=re.MULTILINE)
    sheet.write_text(text, encoding="utf-8")
    answer = call("network", "demand", net, sheet, "--out", routes)
    assert answer.code == 0
    assert "1200 vehicles on 4 routes; 4 of 4 counts met" in answer.err
    answer = call("network", "design", net, "--demand", f"am={routes}", "--out", tmp_path / "out")
    assert answer.code == 0
    assert "volumes of am" in answer.err
