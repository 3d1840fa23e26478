"""What the page is told of a folder: whole, running, dead, damaged, of strangers."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sim.batch.events import BatchPlanned, ClusterChanged, RunFailed, RunProgress, RunStarted
from sim.batch.keys import run_key
from sim.batch.plan import plan_batch
from sim.batch.progress import ProgressFiles
from sim.batch.store import Store
from sim.errors import InputError
from sim.evaluate.kpi import write_kpi
from sim.evaluate.results import read_rows, summarise
from sim.live import LIVE, open_to_watch
from sim.scenario import load_scenario
from sim.watch.folder import Folder
from sim.watch.maps import figures_of, network_of

if TYPE_CHECKING:
    from pathlib import Path

    from sim.run import RunTask


def tasks_of(cross: Path, seeds: range) -> dict[str, RunTask]:
    tasks = plan_batch([load_scenario(str(cross / "short.toml"))], seeds=seeds)
    return {run_key(task): task for task in tasks}


def begin(folder: Path, tasks: dict[str, RunTask]) -> ProgressFiles:
    """A batch of this very process."""
    store = Store(folder)
    store.prepare()
    progress = ProgressFiles(store)
    progress.open(tasks)
    progress.note(BatchPlanned(len(tasks), 0))
    return progress


def counts(folder: Path) -> dict[str, int]:
    return dict(Folder(folder).look().state["runs"])


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_finished_folder(folder: Path) -> None:
    state = Folder(folder).look().state
    assert state["runs"] == {"total": 4, "done": 4, "failed": 0, "running": 0, "waiting": 0}
    assert (state["batches"], state["running"], state["failures"], state["faults"]) == ([], [], [], [])
    (cell,) = state["cells"]
    (row,) = summarise(folder)
    assert {name: cell[name] for name in ("delay", "delay_sd", "control_delay", "floor")} == {
        name: row[name] for name in ("delay", "delay_sd", "control_delay", "floor")
    }
    assert cell["delay"] > cell["floor"] >= 0
    assert (cell["scenario"], cell["done"], cell["planned"]) == ("short", 2, 2)


def test_empty_folder_waits(tmp_path: Path) -> None:
    shown = Folder(tmp_path).look()
    assert shown.state["runs"]["total"] == 0
    assert shown.cells == {}
    assert list(tmp_path.iterdir()) == []


def test_running_batch_tells_its_plan_and_how_far_it_is(folder: Path, cross: Path) -> None:
    tasks = tasks_of(cross, range(1, 5))
    progress = begin(folder, tasks)
    new = [key for key in tasks if not (folder / "runs" / key).exists()]
    assert len(new) == 4
    progress.note(RunStarted(new[1], tasks[new[1]], 1))
    progress.note(RunProgress(new[1], tasks[new[1]], 0.25, 17))
    progress.note(RunFailed(new[0], tasks[new[0]], "failed", "because"))
    progress.note(ClusterChanged("a worker came"))
    progress._write()
    state = Folder(folder).look().state
    # The row of the failed run is not written here, so it is still a run without a result.
    assert state["runs"] == {"total": 8, "done": 4, "failed": 0, "running": 1, "waiting": 3}
    (running,) = state["running"]
    assert (running["key"], running["fraction"], running["vehicles"]) == (new[1], 0.25, 17)
    assert running["left"] == pytest.approx(3 * running["elapsed"])
    (cell,) = state["cells"]
    assert (cell["done"], cell["planned"]) == (2, 4)
    assert [(b["alive"], b["message"]) for b in state["batches"]] == [(True, "a worker came")]
    progress.close()
    assert counts(folder)["total"] == 4
    assert list((folder / "tmp").iterdir()) == []


def test_two_batches_count_a_run_of_both_once(folder: Path, cross: Path) -> None:
    progress = begin(folder, tasks_of(cross, range(1, 5)))
    other = folder / "tmp" / "batch-1-elsewhere"
    begun = next((folder / "tmp").glob("batch-*"))
    other.mkdir()
    for path in begun.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    state = Folder(folder).look().state
    assert len(state["batches"]) == 2
    assert state["runs"]["total"] == 8
    progress.close()


def test_dead_batch_is_told_and_the_next_one_removes_it(folder: Path, cross: Path) -> None:
    begin(folder, tasks_of(cross, range(1, 5)))
    (begun,) = (folder / "tmp").glob("batch-*")
    _, _, host = begun.name.split("-", 2)
    begun.rename(begun.with_name(f"batch-{ended_process()}-{host}"))
    state = Folder(folder).look().state
    assert [batch["alive"] for batch in state["batches"]] == [False]
    assert state["runs"] == {"total": 8, "done": 4, "failed": 0, "running": 0, "waiting": 4}
    Store(folder).prepare()
    assert list((folder / "tmp").iterdir()) == []


def test_failed_run_waits_while_a_batch_tries_it_again(folder: Path, cross: Path) -> None:
    tasks = tasks_of(cross, range(1, 3))
    row = next(row for row in read_rows(folder) if row["controller"] == "program")
    key = row["run_key"]
    write_kpi(row | {"status": "failed", "reason": "no luck"}, folder / "runs" / key / "kpi.parquet")
    state = Folder(folder).look().state
    assert (state["runs"]["failed"], state["failures"][0]["reason"]) == (1, "no luck")
    progress = begin(folder, tasks)
    assert (counts(folder)["failed"], counts(folder)["waiting"]) == (0, 1)
    progress.note(RunFailed(key, tasks[key], "failed", "no luck"))
    progress._write()
    assert (counts(folder)["failed"], counts(folder)["waiting"]) == (1, 0)
    progress.close()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("progress.json", "{"),
        ("progress.json", '{"stamp": 1, "left": NaN, "running": {}, "failed": [], "message": ""}'),
        (
            "progress.json",
            '{"stamp": 1, "left": null, "running": {"../..": {}}, "failed": [], "message": ""}',
        ),
        ("progress.json", "\udcff"),
        ("plan.json", "[]"),
        ("plan.json", None),
    ],
)
def test_damaged_progress_is_one_line_and_the_rest_is_shown(
    folder: Path, cross: Path, name: str, text: str | None
) -> None:
    begin(folder, tasks_of(cross, range(1, 3)))
    (begun,) = (folder / "tmp").glob("batch-*")
    if text is None:
        (begun / name).unlink()
    else:
        (begun / name).write_bytes(text.encode(errors="surrogateescape"))
    state = Folder(folder).look().state
    (fault,) = state["faults"]
    assert name in fault
    assert "\n" not in fault
    assert state["runs"]["done"] == 4
    assert len(state["cells"]) == 1


def test_half_written_result_is_one_line_and_the_rest_is_shown(folder: Path) -> None:
    row = next(row for row in read_rows(folder) if row["controller"] == "program")
    file = folder / "runs" / row["run_key"] / "kpi.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    state = Folder(folder).look().state
    assert state["runs"]["done"] == 3
    assert any(row["run_key"] in fault for fault in state["faults"])


def test_map_of_finished_runs_is_their_mean(folder: Path) -> None:
    watched = Folder(folder)
    shown = watched.look()
    (cell,) = shown.cells
    net = network_of(watched.store, shown, cell)
    told = figures_of(watched.store, shown, cell)
    assert {edge[0] for edge in net["edges"]} >= set(told["edges"])
    assert (told["kind"], told["seeds"]) == ("mean", 2)
    assert told["edges"]["left0A0"][0] > 0
    assert len(net["signals"]) == 4


def test_damaged_figures_of_edges(folder: Path) -> None:
    watched = Folder(folder)
    shown = watched.look()
    (cell,) = shown.cells
    one, two = (folder / "runs" / key / "edges.parquet" for key in shown.cells[cell])
    one.write_bytes(one.read_bytes()[:50])
    assert figures_of(watched.store, shown, cell)["seeds"] == 1
    two.write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    with pytest.raises(InputError, match="damaged"):
        figures_of(watched.store, shown, cell)
    two.unlink()
    with pytest.raises(InputError, match="no figures of edges"):
        figures_of(watched.store, shown, cell)


@pytest.mark.parametrize("text", ["{", "{}", '{"scenario": {"name": "x"}}', "[1]"])
def test_damaged_task_has_no_map(folder: Path, text: str) -> None:
    watched = Folder(folder)
    shown = watched.look()
    (cell,) = shown.cells
    (folder / "runs" / shown.cells[cell][0] / "task.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"task\.json is damaged"):
        network_of(watched.store, shown, cell)


def test_network_that_is_not_here_has_no_map(folder: Path) -> None:
    watched = Folder(folder)
    shown = watched.look()
    (cell,) = shown.cells
    task = folder / "runs" / shown.cells[cell][0] / "task.json"
    task.write_text(task.read_text(encoding="utf-8").replace("net.net.xml", "none.net.xml"), encoding="utf-8")
    with pytest.raises(InputError, match=r"none\.net\.xml cannot be read here"):
        network_of(watched.store, shown, cell)


@pytest.mark.parametrize("known", ["", "*", "../..", "0123456789abcdef", "tmp/x"])
def test_nothing_is_opened_for_a_name_that_is_not_shown(folder: Path, known: str) -> None:
    watched = Folder(folder)
    for ask in (figures_of, network_of):
        with pytest.raises(InputError):
            ask(watched.store, watched.look(), known)


def test_looking_at_a_run_tells_it_so_and_leaves_nothing(folder: Path, cross: Path) -> None:
    tasks = tasks_of(cross, range(5, 6))
    key, task = next(iter(tasks.items()))
    progress = begin(folder, tasks)
    progress.note(RunStarted(key, task, 4711))
    progress._write()
    directory = Store(folder).working_directory(key, 4711)
    directory.mkdir()
    watched = Folder(folder)
    assert figures_of(watched.store, watched.look(), key) == {"kind": "waiting", "edges": {}}
    assert list(directory.iterdir()) == []  # the run made no file to touch, so none appears
    open_to_watch(directory)
    assert (directory / "watched").stat().st_mtime == 0
    figures_of(watched.store, watched.look(), key)
    assert (directory / "watched").stat().st_mtime > 1e9
    (directory / LIVE).write_text('{"time": 1, "edges": {"a": [1]}}', encoding="utf-8")
    with pytest.raises(InputError, match="damaged"):
        figures_of(watched.store, watched.look(), key)
    progress.close()


WATCHED_RUN = """
import json, sys
from pathlib import Path
from sim.control.registry import parse_controller
from sim.live import open_to_watch
import sim.live, sim.run
from sim.scenario import load_scenario
sim.live.STALE = float(sys.argv[3])
told = sim.run.Ticker.tick
def tick(self, now, running):
    self._last = -1e9
    told(self, now, running)
sim.run.Ticker.tick = tick
directory = Path(sys.argv[2])
open_to_watch(directory)
task = sim.run.RunTask(load_scenario(sys.argv[1]), parse_controller("program"), 1, 1.0)
sim.run.run(task, directory, lambda fraction, vehicles: None)
"""


def test_run_is_the_same_watched_or_not(cross: Path, tmp_path: Path) -> None:
    trips: dict[str, Any] = {}
    for name, stale in (("unwatched", "15"), ("watched", "1e12")):
        directory = tmp_path / name
        directory.mkdir()
        command = [sys.executable, "-c", WATCHED_RUN, str(cross / "short.toml"), str(directory), stale]
        subprocess.run(command, check=True, capture_output=True)
        text = (directory / "tripinfo.xml").read_text(encoding="utf-8")
        trips[name] = text[text.index("<tripinfos") :]
    assert trips["watched"] == trips["unwatched"]
    assert not (tmp_path / "unwatched" / LIVE).exists()
    live = (tmp_path / "watched" / LIVE).read_text(encoding="utf-8")
    assert '"left0A0": [' in live
