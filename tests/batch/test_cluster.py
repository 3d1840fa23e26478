"""Batches on a dask scheduler and workers that are real processes: same results as here, whoever dies."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from sim.batch.connect import WAIT, mismatch, parse_executor
from sim.batch.events import (
    BatchEvent,
    BatchPlanned,
    ClusterChanged,
    RunFailed,
    RunFinished,
    RunLost,
    RunStarted,
)
from sim.batch.parcel import copy_of, unpack_run
from sim.batch.plan import plan_batch
from sim.batch.remote import versions
from sim.batch.supervisor import run_batch
from sim.errors import EnvironmentFaultError, GruenbandError, InputError
from sim.evaluate.results import read_rows
from tests.batch.dask_cluster import ROOT, DaskCluster, descendants
from tests.batch.test_batch import command, figures, lines_until, trip_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.scenario.model import Scenario

pytest.importorskip("distributed")
# Client sockets of dask that the garbage collector finds are no fault of a batch.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A scheduler with two workers that no test kills."""
    cluster = DaskCluster(tmp_path_factory.mktemp("pair"))
    try:
        cluster.start_scheduler()
        cluster.start_worker()
        cluster.start_worker()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    """A scheduler without workers."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    cluster = DaskCluster(folder)
    try:
        cluster.start_scheduler()
        yield cluster
    finally:
        cluster.close()


def changes(events: list[BatchEvent]) -> list[str]:
    return [event.message for event in events if isinstance(event, ClusterChanged)]


def texts(out: Path, name: str) -> dict[str, str]:
    return {path.parent.name: path.read_text(encoding="utf-8") for path in (out / "runs").glob(f"*/{name}")}


def test_results_are_those_of_this_machine_to_the_last_bit(
    scenario: Scenario, tmp_path: Path, pair: DaskCluster
) -> None:
    tasks = plan_batch([scenario])
    here, there = tmp_path / "here", tmp_path / "there"
    assert run_batch(tasks, here, 2).complete
    events: list[BatchEvent] = []
    assert run_batch(tasks, there, None, None, events.append, pair.executor).complete

    assert events[0] == BatchPlanned(4, 0)
    assert figures(there) == figures(here)
    assert trip_tables(there) == trip_tables(here)
    assert texts(there, "task.json") == texts(here, "task.json")
    assert sum("writes into the folder" in line for line in changes(events)) == 2
    assert Counter(type(event) for event in events)[RunFinished] == 4
    pids = {event.pid for event in events if isinstance(event, RunStarted)}
    assert len(pids) == 4  # each run had a process of its own
    assert list((there / "tmp").iterdir()) == []

    again = run_batch(tasks, there, None, None, None, "dask://127.0.0.1:9")  # nobody is asked for nothing
    assert (again.resumed, again.done) == (4, 0)


def test_files_are_sent_and_results_collected_where_no_folder_is_shared(
    scenario: Scenario,
    crossings: Path,
    tmp_path: Path,
    pair: DaskCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, home = tmp_path / "here", tmp_path / "home"
    shutil.copytree(crossings, home)
    # This path leads every process to its own working folder, so the workers do not find the client's files.
    own = Path("/proc/self/cwd")
    monkeypatch.chdir(home)
    apart = scenario.model_copy(
        update={"network": own / "net.net.xml", "demand": (own / "demand.rou.xml",), "seeds": (1,)}
    )
    wrong = home / "wrong.rou.xml"
    wrong.write_text(
        '<routes><trip id="x" depart="1" from="nowhere" to="A1top0"/></routes>', encoding="utf-8"
    )
    failing = apart.model_copy(update={"name": "failing", "demand": (own / "wrong.rou.xml",)})
    tasks = plan_batch([apart, failing])
    local = run_batch(tasks, here, 2)
    assert (local.done, local.failed) == (2, 2)

    events: list[BatchEvent] = []
    result = run_batch(tasks, own / "out", None, None, events.append, pair.executor)
    assert (result.done, result.failed) == (2, 2)
    assert sum("files were sent, results are collected" in line for line in changes(events)) == 2
    assert figures(own / "out") == figures(here)
    assert trip_tables(own / "out") == trip_tables(here)
    assert texts(own / "out", "task.json") == texts(here, "task.json")
    files = {path.relative_to(here / "runs").as_posix(): path.is_file() for path in here.glob("runs/*/*")}
    assert {path.relative_to(home / "out" / "runs").as_posix() for path in home.glob("out/runs/*/*")} == set(
        files
    )
    assert list((home / "out" / "tmp").iterdir()) == []
    assert "nowhere" in next(event.reason for event in events if isinstance(event, RunFailed))


def test_late_run_is_a_row_and_its_worker_goes_on(
    scenario: Scenario, tmp_path: Path, pair: DaskCluster
) -> None:
    slow = scenario.model_copy(update={"name": "slow", "end": 900_000.0, "seeds": (1,), "time_limit": 3.0})
    tasks = [task for task in plan_batch([slow]) if task.controller.id == "program-v1"]
    tasks += plan_batch([scenario], seeds=[1])
    events: list[BatchEvent] = []
    result = run_batch(tasks, tmp_path, None, None, events.append, pair.executor)
    assert (result.done, result.timeouts) == (2, 1)
    (row,) = [row for row in read_rows(tmp_path) if row["status"] != "done"]
    assert row["reason"] == "stopped after 3 s, the time limit of a run"


def test_run_that_takes_its_workers_along_is_given_up(
    scenario: Scenario, tmp_path: Path, pair: DaskCluster
) -> None:
    endless = scenario.model_copy(update={"end": 900_000.0})
    tasks = [task for task in plan_batch([endless], seeds=[1]) if task.controller.id == "program-v1"]
    lost: list[RunLost] = []
    orphans: list[psutil.Process] = []

    def kill(event: BatchEvent) -> None:
        if isinstance(event, RunLost):
            lost.append(event)
        if isinstance(event, RunStarted):
            orphans.append(psutil.Process(event.pid))
            fork_server = orphans[-1].parent()
            assert fork_server is not None
            agent = fork_server.parent()
            assert agent is not None
            assert "sim.batch.agent" in agent.cmdline()
            agent.kill()

    result = run_batch(tasks, tmp_path, None, None, kill, pair.executor)
    assert (result.done, result.failed, len(lost)) == (0, 1, 2)
    (row,) = read_rows(tmp_path)
    assert row["status"] == "failed"
    for process in orphans:
        process.wait(30)
    assert row["reason"].startswith("its worker died 3 times, the last time: worker tcp://127.0.0.1:")
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_runs_of_a_batch_that_ends_end_too(
    scenario: Scenario, tmp_path: Path, pair: DaskCluster, how: signal.Signals
) -> None:
    slow = scenario.model_copy(update={"end": 900_000.0, "seeds": (1,)})
    arguments = command(tmp_path, slow, tmp_path / "out", executor=pair.executor)
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        said = list(lines_until(process, "RunProgress"))
        pids = [int(words[2]) for words in said if words[0] == "RunStarted"]
        runs = [psutil.Process(pid) for pid in pids]
        process.send_signal(how)
        process.communicate(timeout=60)
    assert process.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL)
    assert pids
    for run in runs:
        run.wait(30)


def test_killed_worker_loses_nothing(scenario: Scenario, tmp_path: Path, cluster: DaskCluster) -> None:
    tasks = plan_batch([scenario.model_copy(update={"end": 4000.0})])
    cluster.start_worker()
    cluster.start_worker()
    orphans: list[psutil.Process] = []
    events: list[BatchEvent] = []

    def kill_first(event: BatchEvent) -> None:
        events.append(event)
        if isinstance(event, RunStarted) and not orphans:
            worker = next(w for w in cluster.workers if event.pid in {p.pid for p in descendants(w.pid)})
            orphans.extend(descendants(worker.pid))
            worker.kill()

    assert run_batch(tasks, tmp_path / "there", None, None, kill_first, cluster.executor).complete
    lost = [event for event in events if isinstance(event, RunLost)]
    assert [event.key for event in lost] == [next(e.key for e in events if isinstance(e, RunStarted))]
    finished = Counter(event.key for event in events if isinstance(event, RunFinished))
    assert sorted(finished.values()) == [1, 1, 1, 1]
    assert any(line.endswith("has gone") for line in changes(events))
    for process in orphans:
        process.wait(30)
    assert run_batch(tasks, tmp_path / "here", 2).complete
    assert figures(tmp_path / "there") == figures(tmp_path / "here")
    assert trip_tables(tmp_path / "there") == trip_tables(tmp_path / "here")


def test_killed_scheduler_is_one_line_and_the_same_command_goes_on(
    scenario: Scenario, tmp_path: Path, cluster: DaskCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    tasks = plan_batch([scenario.model_copy(update={"seeds": (1, 2, 3)})])
    cluster.start_worker()

    def kill(event: BatchEvent) -> None:
        if isinstance(event, RunFinished) and cluster.scheduler is not None:
            cluster.scheduler.kill()

    with pytest.raises(
        EnvironmentFaultError, match=r"the dask scheduler at tcp://.* has gone; finished runs"
    ):
        run_batch(tasks, tmp_path, None, None, kill, cluster.executor)
    assert capfd.readouterr().err == ""
    kept = {row["run_key"] for row in read_rows(tmp_path)}
    assert 1 <= len(kept) < 6
    cluster.close()

    cluster.start_scheduler()
    cluster.start_worker(2)
    result = run_batch(tasks, tmp_path, None, None, None, cluster.executor)
    assert result.complete
    assert result.resumed >= len(kept)
    assert list((tmp_path / "tmp").iterdir()) == []


def another_grunband(folder: Path, version: str | None) -> Path:
    """Copy the code with another version, or with a change that leaves the version as it is."""
    shutil.copytree(ROOT / "sim", folder / "sim", ignore=shutil.ignore_patterns("__pycache__", "_shipped"))
    init = folder / "sim" / "__init__.py"
    text = init.read_text(encoding="utf-8")
    changed = text.replace(f'"{versions()["Grünband"]}"', f'"{version}"') if version else f"{text}\n# other\n"
    init.write_text(changed, encoding="utf-8")
    return folder


def test_workers_of_other_versions_are_refused(
    scenario: Scenario, tmp_path: Path, cluster: DaskCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = versions()
    old = another_grunband(tmp_path / "old", "0.0.9")
    edited = another_grunband(tmp_path / "edited", None)
    sumo = tmp_path / "sumo"
    (sumo / "libsumo-1.27.0.dist-info").mkdir(parents=True)
    (sumo / "libsumo-1.27.0.dist-info" / "METADATA").write_text("Name: libsumo\nVersion: 1.27.0\n")
    (sumo / "sim").symlink_to(ROOT / "sim")
    none = tmp_path / "none"
    (none / "sim").mkdir(parents=True)
    (none / "sim" / "__init__.py").touch()
    for path in (old, edited, sumo, none):
        cluster.start_worker(path=path)

    events: list[BatchEvent] = []

    def help_out(event: BatchEvent) -> None:
        events.append(event)
        refused = [line for line in changes(events) if "refused" in line]
        if isinstance(event, ClusterChanged) and event.message in refused and len(refused) == 4:
            assert not any(isinstance(told, RunStarted) for told in events)
            cluster.start_worker()

    tasks = plan_batch([scenario], seeds=[1])
    assert run_batch(tasks, tmp_path / "out", None, None, help_out, cluster.executor).complete
    for line in (
        f"it has Grünband 0.0.9, this batch {here['Grünband']}; install the same on both",
        f"it has SUMO 1.27.0, this batch {here['SUMO']}",
        f", this batch {here['code']}; install the same on both",
        "it ended when it was asked for its versions; is Grünband installed there?",
    ):
        assert sum(line in text for text in changes(events)) == 1

    cluster.workers[-1].kill()
    monkeypatch.setenv(WAIT, "5")
    with pytest.raises(
        EnvironmentFaultError, match=r"no usable worker at tcp://.*; install the same on both"
    ):
        run_batch(tasks, tmp_path / "again", None, None, None, cluster.executor)


def test_another_python_is_a_mismatch() -> None:
    here = versions()
    assert mismatch(here, dict(here)) == ""
    assert mismatch(here, here | {"Python": "3.99"}) == (
        f"it has Python 3.99, this batch {here['Python']}; install the same on both"
    )
    assert here["Python"] == f"{sys.version_info.major}.{sys.version_info.minor}"


def test_a_scheduler_without_workers_is_waited_for(
    scenario: Scenario, tmp_path: Path, cluster: DaskCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WAIT, "2")
    events: list[BatchEvent] = []
    tasks = plan_batch([scenario], seeds=[1])
    with pytest.raises(
        EnvironmentFaultError, match=r"no usable worker at .* for \d s; start some with 'dask w"
    ):
        run_batch(tasks, tmp_path, None, None, events.append, cluster.executor)
    assert "yet, waiting for at most 2 s" in changes(events)[0]
    monkeypatch.setenv(WAIT, "soon")
    with pytest.raises(InputError, match="GRUENBAND_WORKER_WAIT='soon' is not a number"):
        run_batch(tasks, tmp_path, None, None, None, cluster.executor)


def test_nobody_or_somebody_else_at_the_port_is_one_line(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.batch.connect._CONNECT", 1.0)
    tasks = plan_batch([scenario], seeds=[1])
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        for port in (1, deaf.getsockname()[1]):
            with pytest.raises(
                EnvironmentFaultError, match=rf"no dask scheduler answers at tcp://.*:{port} \("
            ):
                run_batch(tasks, tmp_path, None, None, None, f"dask://127.0.0.1:{port}")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_without_the_extra_the_line_names_it(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EnvironmentFaultError, match=r"pip install 'gruenband\[cluster\]'"):
        run_batch(plan_batch([scenario]), tmp_path, None, None, None, "dask://127.0.0.1:1")


@pytest.mark.parametrize(
    "text",
    [
        "dask://nonsense",
        "dask://",
        "dask://h:0",
        "dask://h:99999",
        "dask://a b:1",
        "tcp://h:1",
        "dask",
        "",
        "Local",
    ],
)
def test_wrong_executors_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"--executor '.*' is neither 'local' nor 'dask://HOST:PORT'"):
        parse_executor(text)


def test_executors_in_the_spelling_of_dask() -> None:
    assert parse_executor("local") == "local"
    assert parse_executor("dask://node7:8786") == "tcp://node7:8786"
    assert parse_executor("dask://[::1]:8786/") == "tcp://[::1]:8786"
    assert parse_executor("dask+tls://node7:8786") == "tls://node7:8786"


def test_nothing_leads_out_of_the_folders(tmp_path: Path) -> None:
    assert copy_of(Path("/a/../../etc/x"), "/copies") == Path("/copies/etc/x")
    assert copy_of(Path("/a/b/../c"), "/copies") == Path("/copies/a/c")
    for name in ("../x", "/etc/x", "a/../../x"):
        with pytest.raises(GruenbandError, match="leads out"):
            unpack_run({name: b""}, tmp_path / "run")
    unpack_run({"deep/er/x": b"1"}, tmp_path / "run")
    assert (tmp_path / "run" / "deep" / "er" / "x").read_bytes() == b"1"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
