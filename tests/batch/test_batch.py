"""Whole batches with real runs: equal results, nothing lost, and every failure a row."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sim.batch.events import (
    BatchEvent,
    BatchPlanned,
    BatchResult,
    RunFailed,
    RunFinished,
    RunResumed,
    RunStarted,
    StoreDamaged,
)
from sim.batch.plan import plan_batch
from sim.batch.store import Store
from sim.batch.supervisor import _Batch, run_batch
from sim.control.registry import parse_controller
from sim.errors import EnvironmentFaultError, InputError
from sim.evaluate.results import read_results, read_rows
from sim.sumo import version

if TYPE_CHECKING:
    from sim.scenario.model import Scenario

Start = Callable[[list[str]], subprocess.Popen[str]]
DRIVER = Path(__file__).with_name("driver.py")
# What may differ between two runs with the same key: how long the machine took.
CLOCKS = {"wall_seconds", "control_seconds", "peak_rss_mib"}


def figures(out: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in CLOCKS} for row in read_results(out)]


def content(out: Path) -> dict[str, tuple[int, str]]:
    """Time of change and hash of every file of every run."""
    return {
        str(path.relative_to(out)): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted((out / "runs").glob("*/*"))
    }


def trip_tables(out: Path) -> dict[str, str]:
    return {name: digest for name, (_, digest) in content(out).items() if name.endswith("tripinfo.parquet")}


def command(tmp_path: Path, scenario: Scenario, out: Path, **settings: object) -> list[str]:
    file = tmp_path / "scenario.json"
    file.write_text(scenario.model_dump_json(), encoding="utf-8")
    given = {"scenario": str(file), "out": str(out), "jobs": 2} | settings
    return [sys.executable, str(DRIVER), json.dumps(given)]


def lines_until(process: subprocess.Popen[str], word: str) -> Iterator[list[str]]:
    """Yield what the driver says, until a line begins with a word or its output ends."""
    assert process.stdout is not None
    for line in process.stdout:
        yield line.split()
        if line.startswith(word):
            return


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a driver as the leader of its own process group, which is killed at the end of the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(arguments: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_batch_is_the_same_with_one_and_two_jobs_to_the_last_bit(scenario: Scenario, tmp_path: Path) -> None:
    tasks = [*plan_batch([scenario]), *plan_batch([scenario], seeds=[1], scales=[1.3])]
    one, two = tmp_path / "one", tmp_path / "two"
    assert run_batch(tasks, one, 1).complete
    assert run_batch(tasks, two, 2).complete

    assert len(tasks) == 6  # each with the program and its floor
    assert figures(one) == figures(two)
    assert trip_tables(one) == trip_tables(two)
    assert len(trip_tables(one)) == 6
    rows = read_results(one)
    assert [(row["scale"], row["seed"]) for row in rows] == [(1.0, 1), (1.0, 2), (1.3, 1)]
    for row in rows:
        assert row["status"] == "done"
        assert row["delay"] > row["floor"] > 0
        assert row["control_delay"] == row["delay"] - row["floor"]
        assert row["scheduled"] == row["arrived"] + row["running"] + row["undeparted"] > 50
        assert 0 < row["peak_rss_mib"] < 600
    assert rows[2]["scheduled"] > rows[0]["scheduled"]
    assert rows[0]["delay"] != rows[1]["delay"]


def test_finished_runs_are_resumed_and_only_new_ones_are_done(scenario: Scenario, tmp_path: Path) -> None:
    run_batch(plan_batch([scenario], seeds=[1]), tmp_path, 2)
    before = content(tmp_path)
    events: list[BatchEvent] = []
    result = run_batch(plan_batch([scenario], seeds=[1, 2]), tmp_path, 2, on_event=events.append)

    assert (result.planned, result.resumed, result.done) == (4, 2, 2)
    assert result.complete
    assert events[0] == BatchPlanned(4, 2)
    assert sum(isinstance(event, RunResumed) for event in events) == 2
    after = content(tmp_path)
    assert {name: after[name] for name in before} == before
    assert list((tmp_path / "tmp").iterdir()) == []


def test_killed_batch_goes_on_where_it_was(scenario: Scenario, tmp_path: Path, start: Start) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run_batch(plan_batch([scenario]), whole, 2).complete

    process = start(command(tmp_path, scenario, killed))
    finished = [words for words in lines_until(process, "RunFinished") if words[0] == "RunFinished"]
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert len(finished) == 1
    before = content(killed)
    assert 1 <= len({name.split("/")[1] for name in before}) < 4

    again = subprocess.run(
        command(tmp_path, scenario, killed), capture_output=True, text=True, check=True, timeout=120
    )
    assert again.stdout.count("RunResumed") == len({name.split("/")[1] for name in before})
    assert "libsumo in the parent: False" in again.stdout
    after = content(killed)
    assert {name: after[name] for name in before} == before
    assert figures(killed) == figures(whole)
    assert trip_tables(killed) == trip_tables(whole)
    assert list((killed / "tmp").iterdir()) == []


def test_workers_of_a_killed_parent_end_by_themselves(
    scenario: Scenario, tmp_path: Path, start: Start
) -> None:
    slow = scenario.model_copy(update={"end": 200_000.0, "seeds": (1,)})
    process = start(command(tmp_path, slow, tmp_path / "out"))
    pids = [int(words[2]) for words in lines_until(process, "RunStarted") if words[0] == "RunStarted"]
    assert len(pids) == 1
    time.sleep(1.0)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60
    while _alive(pids[0]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _alive(pids[0])


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_interrupt_ends_the_running_and_keeps_the_finished(
    scenario: Scenario, tmp_path: Path, start: Start
) -> None:
    scenario = scenario.model_copy(update={"seeds": (1, 2, 3)})
    out = tmp_path / "out"
    process = start(command(tmp_path, scenario, out))
    list(lines_until(process, "RunFinished"))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the parent and to every worker
    said, _ = process.communicate(timeout=30)

    assert process.returncode == 130
    assert said.splitlines()[-1] == "interrupted"
    assert "Traceback" not in said
    assert list((out / "tmp").iterdir()) == []
    kept = {row["run_key"] for row in read_rows(out)}
    assert 1 <= len(kept) < 6
    assert run_batch(plan_batch([scenario]), out, 2).resumed == len(kept)


def test_crashed_worker_is_a_row_and_the_other_runs_go_on(scenario: Scenario, tmp_path: Path) -> None:
    killed: list[str] = []

    def kill_first(event: BatchEvent) -> None:
        if isinstance(event, RunStarted) and not killed:
            killed.append(event.key)
            os.kill(event.pid, signal.SIGSEGV)

    result = run_batch(plan_batch([scenario]), tmp_path, 2, on_event=kill_first)
    assert (result.done, result.failed, result.timeouts) == (3, 1, 0)
    assert not result.complete
    (row,) = [row for row in read_rows(tmp_path) if row["status"] != "done"]
    assert row["run_key"] == killed[0]
    assert row["status"] == "failed"
    assert row["reason"] == "the process was ended by SIGSEGV"
    assert (row["delay"], row["scheduled"]) == (None, None)

    again = run_batch(plan_batch([scenario]), tmp_path, 2)
    assert (again.resumed, again.done, again.failed) == (3, 1, 0)
    assert {row["status"] for row in read_rows(tmp_path)} == {"done"}


def test_late_run_is_a_row_and_is_tried_again(scenario: Scenario, tmp_path: Path) -> None:
    slow = scenario.model_copy(update={"name": "slow", "end": 500_000.0, "seeds": (1,)})
    tasks = [task for task in plan_batch([slow]) if task.controller.id == "program-v1"]
    tasks += plan_batch([scenario], seeds=[1])
    begun = time.monotonic()
    result = run_batch(tasks, tmp_path, 2, time_limit=4.0)

    assert (result.done, result.timeouts) == (2, 1)
    assert time.monotonic() - begun < 60
    (row,) = [row for row in read_results(tmp_path) if row["status"] != "done"]
    assert (row["scenario"], row["status"]) == ("slow", "timeout")
    assert row["reason"] == "stopped after 4 s, the time limit of a run"
    assert row["wall_seconds"] >= 4.0
    assert run_batch(tasks, tmp_path, 2, time_limit=1.0).timeouts == 1


def test_scenario_has_a_time_limit_of_its_own(scenario: Scenario, tmp_path: Path) -> None:
    tasks = plan_batch([scenario.model_copy(update={"time_limit": 0.01})], seeds=[1])
    assert run_batch(tasks, tmp_path, 1).timeouts == 2


def test_failed_run_says_why_in_one_line_and_the_other_runs_go_on(
    scenario: Scenario, crossings: Path, tmp_path: Path
) -> None:
    routes = tmp_path / "wrong.rou.xml"
    routes.write_text(
        '<routes><trip id="x" depart="1" from="nowhere" to="A1top0"/></routes>', encoding="utf-8"
    )
    wrong = scenario.model_copy(update={"name": "wrong", "demand": (routes,), "seeds": (1,)})
    events: list[BatchEvent] = []
    result = run_batch(plan_batch([wrong, scenario], seeds=[1]), tmp_path / "out", 2, on_event=events.append)

    assert (result.done, result.failed) == (2, 2)
    failures = [event for event in events if isinstance(event, RunFailed)]
    assert len(failures) == 2
    for event in failures:
        assert "nowhere" in event.reason
        assert "\n" not in event.reason
    rows = read_results(tmp_path / "out")
    assert [(row["scenario"], row["controller"], row["status"]) for row in rows] == [
        ("crossings", "program", "done"),
        ("wrong", "floor", "failed"),
        ("wrong", "program", "failed"),
    ]


def test_empty_demand_is_done_and_has_no_delay(scenario: Scenario, tmp_path: Path) -> None:
    routes = tmp_path / "empty.rou.xml"
    routes.write_text("<routes/>", encoding="utf-8")
    empty = scenario.model_copy(update={"demand": (routes,)})
    assert run_batch(plan_batch([empty], seeds=[1]), tmp_path / "out", 2).complete
    (row,) = read_results(tmp_path / "out")
    assert (row["status"], row["scheduled"], row["delay"], row["control_delay"]) == ("done", 0, None, None)


def test_persons_do_not_break_a_run(scenario: Scenario, tmp_path: Path) -> None:
    routes = tmp_path / "persons.rou.xml"
    routes.write_text(
        '<routes><person id="p" depart="1"><ride from="left0A0" to="B0right0" lines="car"/></person>'
        '<trip id="car" depart="triggered" from="left0A0" to="B0right0"/></routes>',
        encoding="utf-8",
    )
    ride = scenario.model_copy(update={"demand": (routes,)})
    assert run_batch(plan_batch([ride], seeds=[1]), tmp_path / "out", 2).complete
    (row,) = read_results(tmp_path / "out")
    assert (row["scheduled"], row["arrived"]) == (1, 1)


def test_sumo_output_is_kept_on_request(scenario: Scenario, tmp_path: Path) -> None:
    tasks = [replace(task, keep_sumo_output=True) for task in plan_batch([scenario], seeds=[1])]
    run_batch(tasks, tmp_path, 2)
    assert len(list((tmp_path / "runs").glob("*/tripinfo.xml"))) == 2


def test_damaged_runs_are_told_and_done_again(scenario: Scenario, tmp_path: Path) -> None:
    tasks = plan_batch([scenario])
    run_batch(tasks, tmp_path, 2)
    expected = figures(tmp_path)
    directories = sorted((tmp_path / "runs").iterdir())
    (directories[0] / "kpi.parquet").unlink()
    trips = directories[1] / "tripinfo.parquet"
    trips.write_bytes(trips.read_bytes()[:100])
    kpi = directories[2] / "kpi.parquet"
    kpi.write_bytes(kpi.read_bytes()[:-30])

    events: list[BatchEvent] = []
    result = run_batch(tasks, tmp_path, 2, on_event=events.append)
    assert (result.resumed, result.done) == (1, 3)
    told = [event.message for event in events if isinstance(event, StoreDamaged)]
    assert sorted(Path(line.split(":")[0]).name for line in told) == [path.name for path in directories[:3]]
    assert figures(tmp_path) == expected


def test_two_batches_into_one_folder_at_once_agree(scenario: Scenario, tmp_path: Path, start: Start) -> None:
    out = tmp_path / "out"
    both = [start(command(tmp_path, scenario, out, jobs=1)) for _ in range(2)]
    for process in both:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        assert "RunFailed" not in said
    rows = read_rows(out)
    assert len(rows) == 4
    assert {row["status"] for row in rows} == {"done"}
    assert list((out / "tmp").iterdir()) == []


def test_full_disk_ends_the_batch_with_one_line_and_keeps_what_was_finished(
    scenario: Scenario, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run_batch(plan_batch([scenario], seeds=[1]), out, 2)
    before = content(out)
    arguments = command(tmp_path, scenario, out, file_limit=8192)
    full = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=120)

    assert full.returncode == EnvironmentFaultError.exit_code
    last = full.stdout.splitlines()[-1]
    assert last.startswith(f"error 3 {out}: no space left")
    assert "finished runs are kept" in last
    assert "RunFailed" not in full.stdout
    assert content(out) == before
    assert run_batch(plan_batch([scenario]), out, 2).done == 2


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_folder_that_cannot_be_written_is_an_environment_fault(
    scenario: Scenario, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(
        EnvironmentFaultError, match=r"file.*: cannot be written \(.*\); choose another --out"
    ):
        run_batch(plan_batch([scenario]), tmp_path / place, 1)


def test_sumo_of_another_version_is_an_environment_fault(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = plan_batch([scenario])
    monkeypatch.setattr(version.metadata, "version", lambda name: "1.27.1" if name == "libsumo" else "1.28.0")
    with pytest.raises(
        EnvironmentFaultError, match=r"SUMO 1\.28\.0 is needed, found libsumo 1\.27\.1: run pip"
    ):
        run_batch(tasks, tmp_path, 1)
    assert list(tmp_path.iterdir()) == []


def test_no_jobs_is_wrong_input(scenario: Scenario, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--jobs 0"):
        run_batch(plan_batch([scenario]), tmp_path, 0)


def test_files_that_change_while_the_batch_runs_make_no_result(scenario: Scenario, tmp_path: Path) -> None:
    routes = tmp_path / "changing.rou.xml"
    routes.write_bytes(scenario.demand[0].read_bytes())
    changing = scenario.model_copy(update={"demand": (routes,)})
    tasks = plan_batch([changing], seeds=[1])

    def edit(event: BatchEvent) -> None:
        if isinstance(event, BatchPlanned):
            routes.write_text("<routes/>", encoding="utf-8")

    events: list[BatchEvent] = []
    result = run_batch(
        tasks, tmp_path / "out", 1, on_event=lambda event: (edit(event), events.append(event))[0]
    )
    assert result.failed == 2
    assert all("files changed" in event.reason for event in events if isinstance(event, RunFailed))
    assert not any(isinstance(event, RunFinished) for event in events)


def test_result_of_nothing_is_complete(tmp_path: Path) -> None:
    assert run_batch([], tmp_path) == BatchResult(0, 0, 0, 0, 0, interrupted=False)


UNGUARDED = """
import sys
from pathlib import Path
from sim.batch.plan import plan_batch
from sim.batch.supervisor import run_batch
from sim.scenario.model import Scenario
scenario = Scenario.model_validate_json(Path(sys.argv[1]).read_text())
print(run_batch(plan_batch([scenario], seeds=[1]), Path(sys.argv[2]), 2))
"""


def test_script_without_a_main_guard_is_not_run_again_by_its_workers(
    scenario: Scenario, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text(UNGUARDED, encoding="utf-8")
    (tmp_path / "s.json").write_text(scenario.model_dump_json(), encoding="utf-8")
    arguments = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "s.json"), str(tmp_path / "out")]
    said = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=120)
    assert said.stdout.count("BatchResult") == 1
    assert "done=2" in said.stdout
    assert said.stderr == ""


def test_folder_named_sim_in_the_working_directory_is_not_taken_for_the_package(
    scenario: Scenario, tmp_path: Path
) -> None:
    (tmp_path / "sim").mkdir()
    (tmp_path / "sim" / "__init__.py").write_text("raise SystemExit('not this one')", encoding="utf-8")
    arguments = command(tmp_path, scenario, tmp_path / "out")
    said = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert said.returncode == 0, said.stderr
    assert "not this one" not in said.stdout + said.stderr
    assert {row["status"] for row in read_rows(tmp_path / "out")} == {"done"}


def test_only_one_run_at_a_time_may_compile_kernels(scenario: Scenario, tmp_path: Path) -> None:
    tasks = plan_batch([scenario], [parse_controller("self-control"), parse_controller("program")])
    queue = deque(
        (f"{task.controller.name} {task.seed}", task) for task in tasks if task.controller.name != "floor"
    )
    batch = _Batch(Store(tmp_path), None, lambda _: None)
    batch._queue = queue

    def take(machine: str) -> str | None:
        taken = batch._take(machine)
        if taken is None:
            return None
        batch._running[taken[0]] = (machine, taken[1])
        return taken[0]

    assert [take("a") for _ in range(3)] == ["self-control 1", "program 1", "program 2"]
    assert take("a") is None
    batch._moved.add(("a", "self-control-v1"))
    assert [take("a") for _ in range(2)] == ["self-control 2", None]


def test_each_machine_compiles_for_itself(scenario: Scenario, tmp_path: Path) -> None:
    tasks = plan_batch([scenario], [parse_controller("self-control")], seeds=[1, 2, 3])
    batch = _Batch(Store(tmp_path), None, lambda _: None)
    batch._queue = deque((str(task.seed), task) for task in tasks if task.controller.name != "floor")
    for machine, taken in (("a", "1"), ("a", None), ("b", "2"), ("b", None)):
        run = batch._take(machine)
        assert (run and run[0]) == taken
        if run is not None:
            batch._running[run[0]] = (machine, run[1])
