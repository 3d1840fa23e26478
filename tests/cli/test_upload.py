"""``gruenband upload`` into an agent with the transaction of NTCIP 1201."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sim.network.graph import RoadGraph
from sim.run import timing_rules
from sim.scenario import load_scenario
from sim.signals.extract import extract_plan
from sim.signals.plan import write_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Call

AGENT = Path(__file__).parents[1] / "export" / "agent" / "ntcip_agent.py"
SECRET = "kreuzung-7"
SIGNAL = "247379907"


@contextmanager
def controller(*options: str) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, str(AGENT), *options],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"AGENT_COMMUNITY": SECRET},
    )
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    scenario = load_scenario("resco-cologne8")
    graph = RoadGraph.from_file(scenario.network, scenario.additional)
    path = tmp_path / "cologne8.json"
    write_plan(extract_plan(graph, timing_rules(scenario), "cologne8"), path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRUENBAND_NTCIP_COMMUNITY", SECRET)
    return path


def test_a_plan_goes_into_a_controller_and_back_out(plan: Path, call: Call) -> None:
    with controller() as port:
        answer = call("upload", plan, "--signal", SIGNAL, "--port", port)
        assert answer.code == 0, answer.err
        assert "the new plan is in force" in answer.out
        kept = Path(f"backup-{SIGNAL}.csv")
        assert kept.is_file()
        assert "name another with --backup" in call("upload", plan, "--signal", SIGNAL, "--port", port).error
        answer = call("upload", "--restore", kept, "--port", port, "--backup", "new.csv")
        assert answer.code == 0, answer.err
        again = call("upload", plan, "--signal", SIGNAL, "--port", port, "--backup", "old.csv")
        assert again.code == 0
        assert Path("old.csv").read_bytes() == kept.read_bytes()


def test_a_rejected_database_leaves_the_old_plan_in_force(plan: Path, call: Call) -> None:
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
