"""Controllers by name, with parameters, and from other packages."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sim.control import registry
from sim.control.registry import (
    Kind,
    Param,
    build,
    find_kind,
    list_controllers,
    parse_controller,
    register_controller,
    stages_of,
)
from sim.control.spec import ControllerSpec
from sim.errors import EnvironmentFaultError, InputError
from sim.network.layout import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLUGIN = """
from sim.control.registry import Kind, Param, register_controller

class Steady:
    interval = 1
    reach = 50.0
    def __init__(self, stage): self.stage = stage
    def reset(self, network): pass

register_controller(Kind("steady-v1", "One stage for ever.", Steady, {"stage": Param(0, "-", "the stage", 0, 99)}))
"""


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let each test register what it likes."""
    monkeypatch.setattr(registry, "_KINDS", dict(registry._KINDS))
    registry._load_plugins.cache_clear()
    yield
    registry._load_plugins.cache_clear()


def plugin(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str = PLUGIN) -> None:
    """Install a package with a controller, as far as Python can tell."""
    (folder / "steady_control.py").write_text(source, encoding="utf-8")
    info = folder / "steady_control-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: steady-control\nVersion: 1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(
        "[gruenband.controllers]\nsteady = steady_control\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "steady_control", raising=False)


def test_a_name_without_a_version_means_the_newest() -> None:
    assert parse_controller("max-pressure").id == "max-pressure-v1"
    for version in (2, 10):
        register_controller(Kind(f"max-pressure-v{version}", "Newer.", dict))
    assert parse_controller("max-pressure").id == "max-pressure-v10"
    assert parse_controller("max-pressure-v1").id == "max-pressure-v1"


def test_parameters_at_their_default_leave_no_trace() -> None:
    kind = find_kind("max-pressure")
    given = ",".join(f"{key}={param.default}" for key, param in kind.params.items())
    assert (
        parse_controller(f"max-pressure:{given}")
        == parse_controller("max-pressure")
        == ControllerSpec(kind.id)
    )


def test_parameters_are_sorted_and_typed_and_survive_json() -> None:
    spec = parse_controller(" max-pressure: reach=200, interval=10 ".replace(" ", ""))
    assert spec.params == (("interval", 10), ("reach", 200.0))
    assert [type(value) for _, value in spec.params] == [int, float]
    assert spec.label == "max-pressure:interval=10,reach=200.0"
    assert ControllerSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("max-presure", "no controller 'max-presure'; did you mean 'max-pressure'?"),
        ("max-pressure-v9", "no controller 'max-pressure-v9'; did you mean 'max-pressure-v1'?"),
        ("", "no controller ''; known: "),
        ("max-pressure:intervall=3", "no parameter 'intervall'; did you mean 'interval'?"),
        ("program:cycle=3", "no parameter 'cycle'; program has no parameters"),
        ("max-pressure:interval", "'interval' is not key=value"),
        ("max-pressure:interval=x", "interval=x is not a whole number; default 5 s"),
        ("max-pressure:interval=2.5", "interval=2.5 is not a whole number; default 5 s"),
        ("max-pressure:reach=nan", "reach=nan is not a number; default 100.0 m"),
        ("max-pressure:reach=inf", "reach=inf is not a number"),
        ("max-pressure:interval=0", "interval=0 is outside 1 to 60 s"),
        ("max-pressure:interval=3,interval=4", "interval is given twice; keep one"),
        ("switched:on=perhaps", "on=perhaps is neither true nor false; default false"),
        ("self-control:stages=derivd", "no stages=derivd; did you mean 'derived'?"),
        ("self-control:stages=", "no stages=; known: derived, program"),
    ],
)
def test_what_cannot_be_understood_is_refused_in_one_line(text: str, words: str) -> None:
    register_controller(
        Kind(
            "switched-v1", "With a switch.", dict, {"on": Param(default=False, unit="-", about="the switch")}
        )
    )
    with pytest.raises(InputError) as fault:
        parse_controller(text)
    assert words in str(fault.value)
    assert "\n" not in str(fault.value)


def test_switches_and_words_are_parameters_too() -> None:
    params = {"on": Param(default=False, unit="-", about="the switch"), "mode": Param("soft", "-", "how")}
    register_controller(Kind("switched-v1", "With a switch.", dict, params))
    assert parse_controller("switched:on=True,mode=hard").params == (("mode", "hard"), ("on", True))
    assert parse_controller("switched:on=false,mode=soft").params == ()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind("nameless", "", dict), "call it like 'my-control-v1'"),
        (Kind("-v1", "", dict), "call it like"),
        (Kind("A:b-v1", "", dict), "call it like"),
        (Kind("x-v0", "", dict), "call it like"),
        (Kind("max-pressure-v1", "", dict), "is taken; raise its version"),
        (Kind("x-v1", "", dict, {"a=b": Param(1, "s", "")}), "parameter 'a=b' is not a name"),
        (Kind("x-v1", "", dict, {"a": Param(1, "s", "", 2, 3)}), "default a=1 is outside 2 to 3"),
        (
            Kind("x-v1", "", dict, {"a": Param("c", "-", "", words=("d", "e"))}),
            "default a=c is not among its words d, e",
        ),
    ],
)
def test_a_kind_that_could_not_be_asked_for_is_refused(kind: Kind, words: str) -> None:
    with pytest.raises(InputError, match=words):
        register_controller(kind)


def test_the_stages_a_controller_can_ask_for_are_those_there_are() -> None:
    param = find_kind("self-control").params["stages"]
    assert param.words == STAGES
    assert parse_controller("self-control:stages=program").params == ()
    spec = parse_controller("self-control:stages=derived")
    assert spec.label == "self-control:stages=derived"
    assert stages_of(build(spec)) == "derived"
    assert stages_of(build(parse_controller("max-pressure"))) == "program"


def test_an_attribute_stages_of_another_kind_is_no_choice() -> None:
    class Counting:
        stages = (1, 2, 3)

    assert stages_of(Counting()) == "program"


def test_a_registered_controller_is_built_with_its_defaults() -> None:
    register_controller(
        Kind("record-v1", "Keeps its parameters.", dict, {"a": Param(1, "s", ""), "b": Param(2, "s", "")})
    )
    assert build(parse_controller("record:b=5")) == {"a": 1, "b": 5}


@pytest.mark.parametrize("factory", ["nowhere.at_all:Thing", "sim.control.spec:Thing"])
def test_a_factory_that_is_not_there_is_named(factory: str) -> None:
    register_controller(Kind("lost-v1", "Its module is gone.", factory))
    with pytest.raises(InputError, match=f"controller 'lost-v1': its factory '{factory}' cannot be imported"):
        build(ControllerSpec("lost-v1"))


def test_installed_packages_bring_controllers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin(tmp_path, monkeypatch)
    assert build(parse_controller("steady:stage=2")).stage == 2
    assert "steady-v1" in {kind.id for kind in list_controllers()}


def test_a_broken_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin(tmp_path, monkeypatch, "import nothing_there\n")
    with pytest.raises(
        EnvironmentFaultError, match=r"controllers of package 'steady-control' cannot be loaded \(Modul"
    ):
        list_controllers()
    assert parse_controller("max-pressure").name == "max-pressure"


def test_the_registry_costs_the_command_line_nothing() -> None:
    heavy = {"numpy", "numba", "networkx", "importlib.metadata", "sumolib"}
    program = f"import sys; from sim.control import registry; print(sorted({heavy!r} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_internal_controllers_are_not_offered_but_found() -> None:
    assert "floor-v1" not in {kind.id for kind in list_controllers()}
    assert find_kind("floor").internal


def test_every_summary_is_a_sentence_and_every_parameter_is_described() -> None:
    for kind in list_controllers():
        assert kind.summary.endswith(".")
        for key, param in kind.params.items():
            assert param.about, (kind.id, key)
            assert param.unit, (kind.id, key)


def label(value: Any) -> str:
    """Write a spec with one parameter."""
    return ControllerSpec("some-control-v3", (("p", value),)).label


def test_labels_are_short() -> None:
    assert ControllerSpec("some-control-v3").label == "some-control"
    assert label(2) == "some-control:p=2"
