"""Shares of a batch: together the whole of it, each of about the same cost, and their folders become one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sim.batch.keys import run_key
from sim.batch.merge import Merged, merge_folders
from sim.batch.plan import plan_batch
from sim.batch.shard import parse_shard, take_shard
from sim.batch.supervisor import run_batch
from sim.cli.main import invoke
from sim.control.registry import parse_controller
from sim.errors import EnvironmentFaultError, InputError
from tests.batch.test_batch import content, figures, trip_tables

if TYPE_CHECKING:
    from sim.run import RunTask
    from sim.scenario.model import Scenario

GUIDE = Path(__file__).parents[2] / "docs" / "cluster.md"


def plan(scenario: Scenario, scenarios: int, controllers: int, seeds: int) -> list[RunTask]:
    situations = [scenario.model_copy(update={"name": f"s{k}", "end": 100.0 + k}) for k in range(scenarios)]
    texts = ["program", "max-pressure", "self-control", "fixed-webster"][:controllers]
    return plan_batch(situations, [parse_controller(text) for text in texts], range(1, seeds + 1))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 16, 100])
@pytest.mark.parametrize("shape", [(1, 3, 1), (1, 3, 4), (4, 3, 1), (4, 3, 2), (3, 2, 5), (5, 4, 3)])
def test_the_shares_are_the_batch_and_cost_the_same(
    scenario: Scenario, shape: tuple[int, int, int], count: int
) -> None:
    tasks = plan(scenario, *shape)
    shares = [take_shard(tasks, index, count) for index in range(1, count + 1)]
    keys = Counter(run_key(task) for share in shares for task in share)
    assert keys == Counter(run_key(task) for task in tasks)  # every run, and every floor, once
    assert set(keys.values()) == {1}
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1
    for cell in {(task.scenario.name, task.controller) for task in tasks}:
        of_cell = [sum((t.scenario.name, t.controller) == cell for t in share) for share in shares]
        assert max(of_cell) - min(of_cell) <= 1
    for share in shares:
        assert share == [task for task in tasks if task in share]


def test_no_share_gets_one_scenario_or_one_controller_only(scenario: Scenario) -> None:
    tasks = plan(scenario, 4, 3, 1)
    for index in range(1, 5):
        share = take_shard(tasks, index, 4)
        assert len({task.scenario.name for task in share}) == 4
        assert len({task.controller for task in share}) == 4


@pytest.mark.parametrize(
    "text", ["0/4", "5/4", "a/b", "1", "1/0", "-1/4", "1/4/2", "", "1.5/2", "²/3", "1/ 4"]
)
def test_wrong_shares_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"--shard '?" + re.escape(text)):
        parse_shard(text)


def test_shares_into_one_folder_and_into_several_give_the_whole_batch(
    scenario: Scenario, tmp_path: Path
) -> None:
    tasks = plan_batch([scenario])
    whole, shared, merged = tmp_path / "whole", tmp_path / "shared", tmp_path / "merged"
    assert run_batch(tasks, whole, 2).complete
    folders = [tmp_path / f"share{index}" for index in (1, 2, 3)]
    done = 0
    for index, folder in enumerate(folders, 1):
        share = take_shard(tasks, index, 3)
        result = run_batch(share, shared, 2)
        assert (result.resumed, result.done) == (0, len(share))
        done += result.done
        shutil.copytree(shared / "runs", folder / "runs", dirs_exist_ok=True)
    assert done == len(tasks)
    assert figures(shared) == figures(whole)
    assert trip_tables(shared) == trip_tables(whole)

    before = content(folders[0])
    # The later folders hold the runs of the earlier ones too.
    assert merge_folders(folders, merged) == Merged(copied=4, present=0, failed=0)
    assert figures(merged) == figures(whole)
    assert trip_tables(merged) == trip_tables(whole)
    assert content(folders[0]) == before
    assert list((merged / "tmp").iterdir()) == []
    assert merge_folders([*folders, merged], merged) == Merged(copied=0, present=4, failed=0)


def test_a_result_counts_more_than_a_failure(scenario: Scenario, tmp_path: Path) -> None:
    tasks = plan_batch([scenario], seeds=[1])
    good, late, merged = tmp_path / "good", tmp_path / "late", tmp_path / "merged"
    assert run_batch(tasks, good, 2).complete
    assert run_batch(tasks, late, 2, time_limit=0.01).timeouts == 2
    assert merge_folders([late], merged) == Merged(copied=2, present=0, failed=2)
    assert merge_folders([good], merged) == Merged(copied=2, present=0, failed=0)
    assert merge_folders([late], merged) == Merged(copied=0, present=2, failed=0)
    assert figures(merged) == figures(good)

    (next((good / "runs").iterdir()) / "kpi.parquet").write_bytes(b"PAR1 cut off")
    told: list[str] = []
    assert merge_folders([good], tmp_path / "third", told.append).copied == 1
    assert len(told) == 1
    with pytest.raises(InputError, match="no results in this folder"):
        merge_folders([good, tmp_path / "nothing"], merged)
    with pytest.raises(EnvironmentFaultError, match="cannot be written"):
        merge_folders([late], next(late.glob("runs/*/task.json")) / "below")


def test_a_share_without_runs_is_done_at_once(
    scenario: Scenario, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["run", "rilsa-1", "-c", "program", "-s", "1", "--shard", "9/9", "-o", str(tmp_path)]) == 0
    assert capsys.readouterr().err.splitlines()[0] == "0 runs"


def test_the_job_array_of_the_guide(scenario: Scenario, crossings: Path, tmp_path: Path) -> None:
    """The script in the guide, run for every index of its array as SLURM would."""
    script = re.search(r"```bash\n(#!/bin/bash\n.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert script is not None
    (tmp_path / "my-scenario.toml").write_text(
        f'network = "{crossings}/net.net.xml"\ndemand = "{crossings}/demand.rou.xml"\nbegin = 0\nend = 60\n',
        encoding="utf-8",
    )
    (tmp_path / "job.sh").write_text(script[1], encoding="utf-8")
    command = tmp_path / "bin" / "gruenband"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sim.cli.main "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    low, high = (int(number) for number in re.findall(r"--array=(\d+)-(\d+)", script[1])[0])
    environment = os.environ | {"PATH": f"{command.parent}:{os.environ['PATH']}", "SLURM_CPUS_PER_TASK": "2"}
    environment |= {"PYTHONPATH": str(GUIDE.parents[1]), "SLURM_ARRAY_TASK_COUNT": str(high - low + 1)}
    planned = 0
    for index in range(low, high + 1):
        said = subprocess.run(
            ["/bin/bash", "job.sh"],
            cwd=tmp_path,
            env=environment | {"SLURM_ARRAY_TASK_ID": str(index)},
            capture_output=True,
            text=True,
            check=True,
        )
        first = said.stderr.splitlines()[0]
        assert re.fullmatch(r"\d+ runs", first)  # none of them finished before
        planned += int(first.split()[0])
    (out,) = (tmp_path / "results").iterdir()
    assert len(list((out / "runs").iterdir())) == planned > 4
