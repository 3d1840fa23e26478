"""``gruenband run`` and ``gruenband results``, on a real scenario."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path  # noqa: TC003
from typing import Any

import pytest

from sim.batch.events import BatchResult
from sim.sumo import version
from tests.cli.conftest import GENERATE

FIELDS = [
    "scenario",
    "controller",
    "seed",
    "scale",
    "status",
    "delay",
    "floor",
    "control_delay",
    "stops",
    "waiting",
    "scheduled",
    "arrived",
    "running",
    "undeparted",
    "gridlock",
    "wall_seconds",
    "control_seconds",
    "sumo_version",
    "run_key",
]


def test_a_batch_its_table_and_its_rows(call: Any, cross: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    answer = call("run", cross, "--controller", "program", "--jobs", "2", "--out", out)
    assert answer.code == 0, answer.err
    assert "\x1b" not in answer.out + answer.err
    assert answer.err.splitlines()[0] == "4 runs"
    assert "[4/4] done" in answer.err
    assert answer.out.splitlines()[0].split()[:3] == ["scenario", "controller", "scale"]
    assert answer.out.splitlines()[1].split()[:3] == ["cross", "program", "1"]
    assert "mean time lost against free driving" in answer.out

    rows = [json.loads(line) for line in call("results", out, "--json").out.splitlines()]
    assert [row["seed"] for row in rows] == [1, 2]
    for row in rows:
        assert set(FIELDS) <= set(row)
        assert row["status"] == "done"
        assert row["control_delay"] == pytest.approx(row["delay"] - row["floor"])
    table = list(csv.DictReader(io.StringIO(call("results", out, "--csv").out)))
    assert [row["run_key"] for row in table] == [row["run_key"] for row in rows]
    assert call("results", out).out == answer.out

    again = call("run", cross, "--controller", "program", "--out", out)
    assert again.err.splitlines()[0] == "4 runs, 4 of them finished before"
    assert again.err.splitlines()[1] == f"Kept in {out}; 'gruenband results {out}' shows it again."
    assert again.out == answer.out


def test_the_default_folder_is_named_after_the_scenario(
    call: Any, cross: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "sim.batch.supervisor.run_batch", lambda *_: BatchResult(0, 0, 0, 0, 0, interrupted=False)
    )
    assert call("run", cross).code == 0
    assert (tmp_path / "results" / "cross").is_dir()


def test_faults_of_scenarios_and_controllers_are_told_together(call: Any, cross: Path) -> None:
    answer = call("run", cross, "resco-colone1", "-c", "max-presure", "-c", "max-pressure:intervall=1")
    assert answer.code == 2
    for part in ("'resco-cologne1'", "'max-pressure'", "'interval'"):
        assert f"did you mean {part}?" in answer.error


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--seeds", "1-", "--seeds: '1-' is not a seed"),
        ("--seeds", "9-1", "runs backwards"),
        ("--seeds", "99999999999", "--seeds"),
        ("--scale", "0,8 1", "--scale"),
        ("--scale", "-1", "--scale: -1 is not above 0"),
        ("--scale", "nan", "--scale"),
    ],
)
def test_wrong_numbers_are_refused(call: Any, cross: Path, option: str, value: str, says: str) -> None:
    answer = call("run", cross, option, value)
    assert answer.code == 2
    assert says in answer.error


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--executor", "dask://nonsense"], "--executor 'dask://nonsense' is neither 'local' nor"),
        (
            ["--executor", "dask://localhost:1", "--gui"],
            "--gui shows one run on this machine; leave out --exec",
        ),
        (["--executor", "dask://localhost:1", "--trace", "A0"], "--trace shows one run on this machine"),
        (["--shard", "1/2", "--gui"], "--gui shows one run on this machine; leave out --shard"),
        (["--shard", "1/2", "--trace", "A0"], "leave out --shard"),
        (["--shard", "0/4"], "--shard 0/4: the share is counted from 1 to N"),
        (["--shard", "5/4"], "--shard 5/4: the share is counted from 1 to N"),
        (["--shard", "a/b"], "--shard 'a/b' is not of the form I/N"),
    ],
)
def test_where_runs_cannot_be_done(call: Any, cross: Path, options: list[str], says: str) -> None:
    answer = call("run", cross, *options)
    assert answer.code == 2
    assert says in answer.error


def test_a_cluster_that_is_not_there(call: Any, cross: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    answer = call("run", cross, "--executor", "dask://127.0.0.1:1", "--out", tmp_path)
    assert answer.code == 3
    assert "gruenband: error: no dask scheduler answers at tcp://127.0.0.1:1 (" in answer.err


def test_two_scenarios_of_one_name_are_refused(call: Any, cross: Path, tmp_path: Path) -> None:
    twin = tmp_path / "twin.toml"
    text = cross.read_text(encoding="utf-8").replace('"cross', f'"{cross.parent}/cross').replace("120", "130")
    twin.write_text(f'name = "cross"\n{text}', encoding="utf-8")
    answer = call("run", cross, twin)
    assert answer.code == 2
    assert "two scenarios are called 'cross'" in answer.error


def test_an_output_folder_that_cannot_be_written(call: Any, cross: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    answer = call("run", cross, "--out", file / "below")
    assert answer.code == 3
    assert "is not writable" in answer.error
    answer = call("run", cross, "--out", "/proc/gruenband")  # refuses even root
    assert answer.code == 3
    assert "choose another with --out" in answer.error
    assert call("run", cross, "--out", file).code == 2


def test_another_sumo_is_refused(
    call: Any, cross: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(version, "_installed", lambda name: "1.27.0" if name == "libsumo" else "1.28.0")
    answer = call("run", cross, "--out", tmp_path / "out")
    assert answer.code == 3
    assert "libsumo 1.27.0" in answer.error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("result", "code", "says"),
    [
        (BatchResult(9, 2, 3, 0, 0, interrupted=True), 130, "5 of 9 runs are done and kept"),
        (BatchResult(9, 0, 7, 1, 1, interrupted=False), 4, "2 of 9 runs have no result"),
    ],
)
def test_how_a_batch_ends(
    call: Any,
    cross: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    result: BatchResult,
    code: int,
    says: str,
) -> None:
    monkeypatch.setattr("sim.batch.supervisor.run_batch", lambda *_: result)
    answer = call("run", cross, "--out", tmp_path)
    assert answer.code == code
    assert says in answer.error


def test_rerouters_that_send_vehicles_round_without_end(call: Any, tmp_path: Path) -> None:
    """SUMO cannot write down such routes; the message says how to do without them."""
    for name, text in {
        "n.nod.xml": '<nodes><node id="a" x="0" y="0" type="traffic_light"/><node id="b" x="100" y="0"/>'
        '<node id="c" x="50" y="80"/><node id="d" x="-100" y="0"/></nodes>',
        "e.edg.xml": "<edges>"
        + "".join(
            f'<edge id="{edge}" from="{edge[0]}" to="{edge[1]}"/>' for edge in ("ab", "bc", "ca", "da", "ad")
        )
        + "</edges>",
        "round.add.xml": '<additional><route id="round" edges="ab bc ca ab"/><rerouter id="r" edges="ab">'
        '<interval begin="0" end="900"><routeProbReroute id="round" probability="1"/></interval></rerouter></additional>',
        "d.rou.xml": '<routes><flow id="f" begin="0" end="60" period="6"><route edges="da ab"/></flow></routes>',
        "round.toml": 'name = "round"\nnetwork = "round.net.xml"\ndemand = "d.rou.xml"\n'
        'additional = "round.add.xml"\nbegin = 0\nend = 300\n',
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = [GENERATE.with_name("netconvert"), "-n", "n.nod.xml", "-e", "e.edg.xml", "-o", "round.net.xml"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    scenario = tmp_path / "round.toml"
    arguments = ("run", scenario, "-c", "max-pressure", "-s", "1", "-o", tmp_path / "out")
    answer = call(*arguments)
    assert answer.code == 4
    assert "while it wrote its outputs" in answer.err
    assert "'signals = false' under [outputs]" in answer.err
    scenario.write_text(
        scenario.read_text(encoding="utf-8") + "[outputs]\nsignals = false\n", encoding="utf-8"
    )
    assert call(*arguments).code == 0


def test_the_gui_shows_one_run(call: Any, cross: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def batch(tasks: Any, folder: Path, jobs: int, *_: object) -> BatchResult:
        seen.extend([*tasks, folder, jobs])
        return BatchResult(1, 0, 1, 0, 0, interrupted=False)

    monkeypatch.setattr("sim.batch.supervisor.run_batch", batch)
    assert call("run", cross, "--gui").code == 0
    task, folder, jobs = seen
    assert (task.gui, task.controller.id, task.seed, jobs) == (True, "program-v1", 1, 1)
    assert not folder.exists()  # nothing is kept without --out


def test_results_of_nothing(call: Any, tmp_path: Path) -> None:
    assert "does not exist" in call("results", tmp_path / "no").error
    answer = call("results", tmp_path)
    assert answer.code == 2
    assert "has no results" in answer.error
    assert call("results", tmp_path, "--json", "--csv").code == 2
