"""A bare SUMO configuration is a scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim.control.registry import parse_controller
from sim.errors import InputError
from sim.run import RunTask, run
from sim.scenario import load_scenario
from sim.scenario.sumocfg import read_sumocfg
from sim.scenario.xmlfile import read_tree

FULL = """<sumoConfiguration>
    <input>
        <net-file value="cross.net.xml"/>
        <route-files value="cross.rou.xml, second.rou.xml"/>
        <additional-files value="extra.add.xml"/>
    </input>
    <time><begin value="0:00:10"/><end value="60"/><step-length value="0.5"/></time>
    <processing><scale value="1.5"/></processing>
    <output><tripinfo-output value="trips.xml"/></output>
</sumoConfiguration>
"""


def test_files_window_and_scale_are_the_users_own(files: Any) -> None:
    for name in ("second.rou.xml", "extra.add.xml"):
        (files.folder / name).write_text("<additional/>", encoding="utf-8")
    path = files.config(FULL, "my case.sumocfg")
    scenario = load_scenario(path)
    assert scenario.name == "my-case"
    assert str(scenario.sumocfg) == path
    assert [file.name for file in scenario.demand] == ["cross.rou.xml", "second.rou.xml"]
    assert [file.name for file in scenario.additional] == ["extra.add.xml"]
    assert (scenario.begin, scenario.end, scenario.step_length) == (10.0, 60.0, 0.5)
    assert scenario.scales == (1.5,)
    assert read_sumocfg(scenario.sumocfg).outputs == ("tripinfo-output",) if scenario.sumocfg else False


def test_short_names_of_options_are_understood(files: Any) -> None:
    scenario = load_scenario(
        files.config(
            "<c><n v='cross.net.xml'/><routes value='cross.rou.xml'/><e value='60'/></c>", "short.sumo.cfg"
        )
    )
    assert (scenario.network, scenario.end) == (files.net, 60.0)


def test_whatever_a_configuration_writes_is_redirected(files: Any) -> None:
    text = """<c>
        <n v='cross.net.xml'/><r v='cross.rou.xml'/><e value='60'/>
        <tripinfo value='t.xml'/><summary value='s.xml'/><ndump value='n.xml'/><log value='l.txt'/>
        <device.rerouting.output value='r.xml'/><device.ssm.file value='ssm.xml'/>
        <no-step-log value='true'/><duration-log.statistics value='true'/><fcd-output.geo value='true'/>
    </c>"""
    assert read_sumocfg(Path(files.config(text))).outputs == (
        "device.rerouting.output",
        "device.ssm.file",
        "log",
        "netstate-dump",
        "summary-output",
        "tripinfo-output",
    )


def test_a_configuration_as_the_web_wizard_writes_it_runs(files: Any, tmp_path: Path) -> None:
    text = """<c>
        <input><n v='cross.net.xml'/><r v='cross.rou.xml'/></input><time><e value='60'/></time>
        <output>
            <tripinfo-output value='t.xml'/><summary value='s.xml'/><vehroutes value='v.xml'/>
            <output-prefix value='mine_'/><output-suffix value='_a'/>
            <output.format value='csv'/><output.compression value='gz'/>
        </output>
        <report><verbose value='true'/><no-step-log value='true'/><duration-log.statistics value='true'/></report>
        <random_number><random value='true'/></random_number>
    </c>"""
    scenario = load_scenario(files.config(text))
    before = sorted(files.folder.iterdir())
    trips = []
    for name in ("one", "two"):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        run(RunTask(scenario, parse_controller("program"), 1, 1.0), folder)
        trips.append([dict(trip.attrib) for trip in read_tree(folder / "tripinfo.xml").iter("tripinfo")])
    assert trips[0] == trips[1]
    assert len(trips[0]) == 12
    assert sorted(set(files.folder.iterdir()) - {tmp_path / "runs"}) == before


def test_a_folder_from_the_environment(files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRUENBAND_TEST_FOLDER", str(files.folder))
    text = FULL.replace("cross.net.xml", "${GRUENBAND_TEST_FOLDER}/cross.net.xml").replace(
        ", second.rou.xml", ""
    )
    (files.folder / "extra.add.xml").write_text("<additional/>", encoding="utf-8")
    assert load_scenario(files.config(text)).network == files.net


def test_all_faults_of_a_configuration_are_told_at_once(files: Any) -> None:
    with pytest.raises(InputError) as caught:
        load_scenario(files.config("<c><net value='no.net.xml'/><begin value='soon'/><end value='0'/></c>"))
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        "<net-file>: 'no.net.xml' does not exist",
        "<route-files> is missing",
        "'soon'",
        "<end> (0 s) is not after",
    ):
        assert part in message


def test_an_open_window_is_refused(files: Any) -> None:
    with pytest.raises(InputError, match="<end> is missing"):
        load_scenario(files.config("<c><n v='cross.net.xml'/><r v='cross.rou.xml'/></c>"))


def test_a_network_is_not_a_configuration(files: Any) -> None:
    with pytest.raises(InputError, match="is a network"):
        load_scenario(files.config(files.net.read_text(encoding="utf-8")))


def test_a_toml_may_name_a_configuration_and_change_the_window(files: Any) -> None:
    files.config("<c><n v='cross.net.xml'/><r v='cross.rou.xml'/></c>")
    toml = files.folder / "mine.toml"
    toml.write_text('sumocfg = "run.sumocfg"\nend = 30\n', encoding="utf-8")
    scenario = load_scenario(str(toml))
    assert (scenario.name, scenario.end, scenario.network) == ("mine", 30.0, files.net)
    toml.write_text('sumocfg = "run.sumocfg"\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"key .end.: is missing, and run\.sumocfg"):
        load_scenario(str(toml))
    toml.write_text('sumocfg = "run.sumocfg"\nend = 30\nnetwork = "x"\n', encoding="utf-8")
    with pytest.raises(InputError, match="already given by 'sumocfg'"):
        load_scenario(str(toml))
