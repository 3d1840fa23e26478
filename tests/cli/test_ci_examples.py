"""The CI files of the docs, run step by step in a project of their own: a timing plan and its baseline under review."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sumo
import yaml

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "ci"
GENERATE = Path(sumo.SUMO_HOME) / "bin" / "netgenerate"
SCENARIO = """
network = "../cross.net.xml"
demand = "../cross.rou.xml"
begin = 0
end = 300
seeds = "1-3"
controllers = [{id = "plan", file = "plan.json"}]

[outputs]
emissions = false
"""


def github(text: str) -> list[tuple[str, bool]]:
    """Read the commands of a workflow, and whether they run after a failure too."""
    (job,) = yaml.safe_load(text)["jobs"].values()
    steps = [step for step in job["steps"] if "run" in step]
    assert steps[0]["name"] == "Install"
    return [(step["run"], step.get("if") == "always()") for step in steps[1:]]


def gitlab(text: str) -> list[tuple[str, bool]]:
    """Read the commands of a job; what installs stands in before_script."""
    return [(command, False) for command in yaml.safe_load(text)["traffic"]["script"]]


def bash(project: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as both systems do: bash that stops at the first error."""
    env = {
        **os.environ,
        "PATH": f"{project / 'bin'}:{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": "summary.md",
    }
    return subprocess.run(
        ["/bin/bash", "-eo", "pipefail", "-c", command],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def pipeline(project: Path, steps: list[tuple[str, bool]], cache: str) -> int:
    """Run the steps in a clean folder; the exit code is the first one that is not 0."""
    shutil.rmtree(project / "results", ignore_errors=True)
    if (project / cache).exists():  # the other example has simulated the same; finished runs are taken over
        shutil.copytree(project / cache, project / "results")
    failed = 0
    for command, always in steps:
        if failed == 0 or always:
            done = bash(project, command)
            assert done.returncode in {0, 1}, done.stderr
            failed = failed or done.returncode
    shutil.copytree(project / "results", project / cache, dirs_exist_ok=True)
    return failed


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one scenario, one plan and the baseline that its owner made."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "bin").mkdir()
    command = folder / "bin" / "gruenband"
    root = Path(__file__).resolve().parents[2]
    command.write_text(
        f'#!/bin/sh\nPYTHONPATH="{root}" exec "{sys.executable}" -m sim.cli.main "$@"\n', encoding="utf-8"
    )
    command.chmod(0o755)
    net = [
        GENERATE,
        "--grid",
        "--grid.number",
        "1",
        "--grid.attach-length",
        "150",
        "-o",
        folder / "cross.net.xml",
    ]
    subprocess.run([*net, "--default-junction-type", "traffic_light"], check=True, capture_output=True)
    flows = [("left0A0", "A0right0"), ("bottom0A0", "A0top0"), ("right0A0", "A0left0")]
    demand = "".join(
        f'<flow id="{number}" from="{begin}" to="{end}" begin="0" end="280" period="exp(0.15)"/>'
        for number, (begin, end) in enumerate(flows)
    )
    (folder / "cross.rou.xml").write_text(f"<routes>{demand}</routes>", encoding="utf-8")
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "cross.toml").write_text(SCENARIO, encoding="utf-8")
    alone = SCENARIO.replace("../", "").replace('controllers = [{id = "plan", file = "plan.json"}]', "")
    (folder / "cross.toml").write_text(alone, encoding="utf-8")
    make_plan(folder, "fixed-webster:shortest=40")
    made = bash(
        folder, "gruenband run scenarios/*.toml --out main && gruenband results main --baseline baseline.json"
    )
    assert made.returncode == 0, made.stderr
    return folder


def make_plan(project: Path, controller: str) -> None:
    made = bash(project, f"gruenband plan extract cross.toml --controller {controller} --out plan.json")
    assert made.returncode == 0, made.stderr


@pytest.mark.parametrize(("file", "read"), [("github-actions.yml", github), ("gitlab-ci.yml", gitlab)])
def test_example(project: Path, file: str, read: Any) -> None:
    steps = read((EXAMPLES / file).read_text(encoding="utf-8"))
    assert pipeline(project, steps, "cache-same") == 0
    assert "passed: 1 equal" in (project / "gate.md").read_text(encoding="utf-8")

    plan = (project / "plan.json").read_text(encoding="utf-8")
    make_plan(project, "fixed-webster:shortest=120")  # the pull request: a cycle three times as long
    try:
        assert pipeline(project, steps, "cache-worse") == 1
    finally:
        (project / "plan.json").write_text(plan, encoding="utf-8")
    assert "FAILED: 1 worse" in (project / "gate.md").read_text(encoding="utf-8")
    assert 'failures="1"' in (project / "gate.xml").read_text(encoding="utf-8")
    if file == "github-actions.yml":
        shown = (project / "summary.md").read_text(encoding="utf-8")
        assert shown.count("### ") == 2
