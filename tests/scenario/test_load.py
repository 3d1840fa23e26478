"""What loading a scenario accepts, what it refuses, and how it says so."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path  # noqa: TC003
from typing import Any

import pytest

from sim.errors import EnvironmentFaultError, InputError
from sim.scenario import Scenario, load_scenario, shipped_scenarios


def refusal(name: str) -> str:
    with pytest.raises(InputError) as caught:
        load_scenario(name)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.exit_code == 2
    return message


def test_a_small_toml_needs_four_keys(files: Any) -> None:
    scenario = load_scenario(files.toml())
    assert scenario.name == "small"
    assert scenario.network == files.net
    assert scenario.demand == (files.routes,)
    assert (scenario.begin, scenario.end, scenario.step_length) == (0.0, 60.0, 1.0)
    assert scenario.seeds == (1, 2, 3, 4, 5)
    assert scenario.controllers == ("program",)
    assert scenario.signals.yellow == "program"
    assert scenario.sumocfg is None


def test_every_key_is_read(files: Any) -> None:
    scenario = load_scenario(
        files.toml(
            """
            additional = []
            description = "a cross"
            step_length = 0.5
            seeds = "1-3,7"
            scales = [0.8, 1]
            controllers = ["program", {id = "max-pressure", interval = 10}]
            time_limit = 5
            gridlock_after = 100
            [signals]
            yellow = 3
            all_red = 1.5
            minimum_green = 7
            [sensing]
            range = 120
            [outputs]
            emissions = false
            [sumo_options]
            "collision.action" = "warn"
            "lateral-resolution" = 0.8
            "ignore-route-errors" = true
            """,
            begin='"00:00:10"',
            end="00:01:00",
        )
    )
    assert (scenario.begin, scenario.end) == (10.0, 60.0)
    assert scenario.seeds == (1, 2, 3, 7)
    assert scenario.scales == (0.8, 1.0)
    assert scenario.controllers == ("program", "max-pressure:interval=10")
    assert (scenario.signals.yellow, scenario.signals.all_red) == (3.0, 1.5)
    assert scenario.sumo_options == {
        "collision.action": "warn",
        "lateral-resolution": "0.8",
        "ignore-route-errors": "true",
    }
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario


def test_all_faults_are_told_at_once_with_file_and_key(files: Any) -> None:
    path = files.toml(
        """
        netwrk = "x"
        seeds = ["1", 2.5]
        scales = [0]
        time_limit = "long"
        controllers = ["max-presure", {interval = 1}]
        [signals]
        yelow = 3
        yellow = "geometry"
        minimum_green = -1
        [outputs]
        emissions = 1
        [sumo_options]
        seed = 3
        """,
        network='"missing.net.xml"',
        end="0",
    )
    message = refusal(path)
    assert message.startswith(f"{path}: ")
    faults = message.removeprefix(f"{path}: ").split("; key ")
    assert [fault.removeprefix("key ").split("'")[1] for fault in faults] == [
        "network",
        "end",
        "seeds[0]",
        "seeds[1]",
        "scales[0]",
        "controllers[1]",
        "time_limit",
        "signals.yellow",
        "signals.minimum_green",
        "signals.yelow",
        "outputs.emissions",
        "sumo_options",
        "netwrk",
        "controllers[0]",
    ]
    assert "did you mean 'network'?" in message
    assert "did you mean 'yellow'?" in message
    assert "did you mean 'max-pressure'?" in message
    assert "must be a number, not 'long'" in message
    assert "'program' or a number of seconds" in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('controllers = ["max-presure"]', "did you mean 'max-pressure'?"),
        ('controllers = ["max-pressure:intervall=3"]', "did you mean 'interval'?"),
        ("seeds = []", "'seeds': is empty"),
        ("seeds = [1, 1]", "more than once"),
        ('seeds = "5-1"', "runs backwards"),
        ('seeds = "one"', "is not a seed"),
        ("seeds = [-1]", "at least 0"),
        ("scales = [nan]", "finite"),
        ("step_length = 0.3", "does not divide a second"),
        ("step_length = 0.33333333333333", "in whole milliseconds"),
        ("step_length = 0.0625", "in whole milliseconds"),
        ("step_length = 2", "at most 1"),
        ('name = "a/b"', "letters, digits"),
        ("signals = 3", "must be a table"),
        ("[sumo_options]\n'--fcd' = 'x'", "without the dashes"),
        ("[sumo_options]\n'fcd-output' = 'x'", "set by Grünband"),
        ("[sumo_options]\n'device.rerouting.threads' = 4", "differ from run to run"),
        ("[sumo_options]\nlogger = [1]", "must be text"),
    ],
)
def test_a_fault_has_its_own_words(files: Any, text: str, says: str) -> None:
    assert says in refusal(files.toml(text))


@pytest.mark.parametrize("key", ["network", "demand", "begin", "end"])
def test_a_missing_key_is_named(files: Any, key: str) -> None:
    assert f"key '{key}': is missing" in refusal(files.toml(**{key: ""}))


@pytest.mark.parametrize("value", ["[]", '""'])
def test_no_demand_is_refused(files: Any, value: str) -> None:
    assert "key 'demand'" in refusal(files.toml(demand=value))


def test_text_that_is_not_toml_names_the_line(files: Any) -> None:
    assert "at line 5" in refusal(files.toml("begin = =\n"))


def test_a_file_in_another_encoding_is_refused(files: Any) -> None:
    path = files.folder / "latin.toml"
    path.write_bytes('description = "Grün"'.encode("latin-1"))
    assert "UTF-8" in refusal(str(path))


def test_missing_files_say_what_to_do(tmp_path: Path) -> None:
    assert "gruenband list scenarios" in refusal(str(tmp_path / "nothing.toml"))
    assert "does not exist" in refusal(str(tmp_path / "nothing.sumocfg"))
    assert "did you mean 'resco-cologne1'?" in refusal("resco-colone1")
    (tmp_path / "net.xml").touch()
    assert "neither a scenario TOML" in refusal(str(tmp_path / "net.xml"))


def test_a_broken_net_is_refused(files: Any) -> None:
    text = files.net.read_text(encoding="utf-8")
    files.net.write_text(text[: len(text) // 2], encoding="utf-8")
    assert "not well-formed XML" in refusal(files.toml())
    files.net.write_bytes(b"")
    assert "not well-formed XML" in refusal(files.toml())
    files.net.write_bytes(bytes(range(256)))
    assert "not well-formed XML" in refusal(files.toml())


def test_files_under_the_wrong_key_are_refused(files: Any) -> None:
    message = refusal(files.toml(network='"cross.rou.xml"', demand='"cross.net.xml"'))
    assert "<routes>, which is not a SUMO network" in message
    assert "<net>, which is not traffic" in message


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE net [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE net [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE net SYSTEM "http://example.org/net.dtd">',
    ],
)
def test_xml_with_entities_is_refused(files: Any, prolog: str) -> None:
    files.net.write_text(f"{prolog}<net>&x;</net>", encoding="utf-8")
    assert "<!DOCTYPE" in refusal(files.toml())
    configuration = files.config(f"{prolog.replace('net ', 'c ')}<c><net-file value='cross.net.xml'/></c>")
    assert "<!DOCTYPE" in refusal(configuration)


def test_gzipped_files_are_read(files: Any) -> None:
    for path in (files.net, files.routes):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    scenario = load_scenario(files.toml(network='"cross.net.xml.gz"', demand='["cross.rou.xml.gz"]'))
    assert scenario.network.name == "cross.net.xml.gz"
    packed = files.folder / "cross.net.xml.gz"
    packed.write_bytes(packed.read_bytes()[:200])
    assert "broken gzip" in refusal(files.toml(network='"cross.net.xml.gz"'))


def test_a_package_is_found_without_importing_it(files: Any) -> None:
    reference = '"package:sumolib/scenario/scenarios/RealWorld/RiLSA_example1/rilsa1.net.xml"'
    assert load_scenario(files.toml(network=reference)).network.name == "rilsa1.net.xml"
    assert "leads out of the folder" in refusal(files.toml(network='"package:sumolib/../../x"'))


def test_a_missing_package_is_a_fault_of_the_machine(files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "sumo_rl" else find_spec(name)
    )
    with pytest.raises(EnvironmentFaultError, match=r"gruenband\[resco\]") as caught:
        load_scenario("resco-cologne1")
    assert caught.value.exit_code == 3
    # With a fault of the file beside it, the file has to be repaired first.
    assert "gruenband[resco]" in refusal(files.toml(network='"package:sumo_rl/x.net.xml"', end="0"))


def test_an_unknown_shipped_network_is_refused(files: Any) -> None:
    assert "no shipped network 'nowhere'" in refusal(files.toml(network='"network:nowhere"'))


@pytest.mark.parametrize("name", sorted(shipped_scenarios()))
def test_the_shipped_scenarios_load(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    assert scenario.description
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario


def test_the_resco_windows_and_rules() -> None:
    arterial, cologne = load_scenario("resco-arterial4x4"), load_scenario("resco-cologne8")
    assert (arterial.begin, arterial.end, arterial.signals.yellow) == (0.0, 3600.0, 2.0)
    assert (cologne.begin, cologne.end, cologne.signals.yellow) == (25200.0, 28800.0, 3.0)
    assert cologne.signals.all_red == 0.0
    assert cologne.signals.minimum_green == 5.0
