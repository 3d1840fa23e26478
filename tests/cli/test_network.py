"""``gruenband network`` as an engineer calls it."""

from __future__ import annotations

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
