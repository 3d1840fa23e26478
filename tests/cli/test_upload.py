"""``gruenband upload`` into an agent with the transaction of NTCIP 1201."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sim.export.ntcip_backup import read_backup, write_backup
from sim.export.ntcip_objects import Setting
from sim.network.graph import RoadGraph
from sim.run import timing_rules
from sim.scenario import load_scenario
from sim.signals.extract import extract_plan
from sim.signals.plan import write_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from conftest import Call

    Controller = Callable[..., AbstractContextManager[int]]

SECRET = "kreuzung-7"
SIGNAL = "247379907"


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    scenario = load_scenario("resco-cologne8")
    graph = RoadGraph.from_file(scenario.network, scenario.additional)
    path = tmp_path / "cologne8.json"
    write_plan(extract_plan(graph, timing_rules(scenario), "cologne8"), path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRUENBAND_NTCIP_COMMUNITY", SECRET)
    return path


def test_a_plan_goes_into_a_controller_and_back_out(plan: Path, call: Call, controller: Controller) -> None:
    with controller() as port:
        answer = call("upload", plan, "--signal", SIGNAL, "--port", port)
        assert answer.code == 0, answer.err
        assert "the new plan is in force" in answer.out
        kept = Path(f"backup-{SIGNAL}.csv")
        assert kept.is_file()
        assert "name another with --backup" in call("upload", plan, "--signal", SIGNAL, "--port", port).error
        answer = call("upload", "--restore", kept, "--port", port, "--backup", "new.csv")
        assert answer.code == 0, answer.err
        assert "set as it stands, without a safety check" in answer.err
        again = call("upload", plan, "--signal", SIGNAL, "--port", port, "--backup", "old.csv")
        assert again.code == 0
        assert Path("old.csv").read_bytes() == kept.read_bytes()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace(b",60,", b",61,", 1), "was changed after the upload that wrote it"),
        (
            lambda text: text.replace(b"kept from 127.0.0.1", b"kept from 127.0.0.2"),
            "was changed after the upload",
        ),
        (lambda text: text[: len(text) // 2], "is no backup of an upload, or it is cut off"),
        (lambda text: text[:-4], "is no backup of an upload, or it is cut off"),
        (lambda text: text + b"\n\n", "is no backup of an upload, or it is cut off"),
        (lambda _: b"", "is no backup of an upload, or it is cut off"),
    ],
)
def test_only_an_intact_backup_is_restored(
    change: Callable[[bytes], bytes], words: str, tmp_path: Path, call: Call
) -> None:
    settings = [Setting("phaseMinimumGreen", (1,), 60), Setting("phaseMinimumGreen", (2,), 5)]
    whole = write_backup(settings, "127.0.0.1:161")
    assert read_backup(whole, "x") == (settings, "127.0.0.1:161")
    assert change(whole) != whole
    kept = tmp_path / "kept.csv"
    kept.write_bytes(change(whole))
    answer = call("upload", "--restore", kept)
    assert answer.code == 2
    assert words in answer.error


def test_an_exported_list_is_no_backup(plan: Path, tmp_path: Path, call: Call) -> None:
    assert call("export", plan, "--format", "rsmp", "--profile", "basic", "--out", tmp_path / "r").code == 0
    one = next((tmp_path / "r").iterdir())
    assert "is no backup of an upload" in call("upload", "--restore", one).error


def test_a_rejected_database_leaves_the_old_plan_in_force(
    plan: Path, call: Call, controller: Controller
) -> None:
    with controller("--reject", "ring sums") as port:
        answer = call("upload", plan, "--signal", SIGNAL, "--port", port)
    assert answer.code == 4
    assert "the old plan is in force" in answer.err
    assert SECRET not in answer.err


def test_a_dry_run_sends_nothing(plan: Path, call: Call) -> None:
    answer = call("upload", plan, "--signal", SIGNAL, "--dry-run")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0].startswith("SET 1.3.6.1.4.1.1206.4.2.6.2.1.0")
    assert all(line.startswith("SET ") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--signal", "247379907x"), 2, "did you mean '247379907'"),
        ((), 2, "give PLAN and --signal ID, or --restore FILE alone"),
        (("--signal", SIGNAL, "--address", "192.0.2.1"), 2, "--remote"),
        (("--signal", SIGNAL, "--profile", "rilsa"), 1, "[red-yellow]"),
        (("--signal", SIGNAL, "--restore", "x.csv"), 2, "give PLAN and --signal ID"),
    ],
)
def test_what_is_wrong_is_one_line(
    arguments: tuple[str, ...], code: int, words: str, plan: Path, call: Call
) -> None:
    answer = call("upload", plan, *arguments)
    assert answer.code == code
    assert words in answer.error
