"""``gruenband compare`` and ``results --baseline`` on real runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path  # noqa: TC003
from typing import Any

import pytest

from sim.evaluate.database import connect


@pytest.fixture(scope="module")
def folder(cross: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seeds of two controllers on one signal."""
    from sim.cli.main import invoke

    out = tmp_path_factory.mktemp("runs") / "base"
    code = invoke(
        ["run", str(cross), "-c", "program", "-c", "fixed-webster", "-s", "1-3", "-j", "2", "-o", str(out)]
    )
    assert code == 0
    return out


@pytest.fixture
def worse(folder: Path, tmp_path: Path) -> Path:
    """The same runs with the delay of one controller grown by 3 %, as other code would have left them."""
    out = tmp_path / "worse"
    shutil.copytree(folder, out)
    for file in out.glob("runs/*/kpi.parquet"):
        connection = connect()
        connection.execute("CREATE TABLE row AS SELECT * FROM read_parquet($file)", {"file": str(file)})
        connection.execute("UPDATE row SET delay = delay * (1.03 + seed / 1000) WHERE controller = 'program'")
        connection.execute(f"COPY row TO '{file}' (FORMAT parquet)")
    return out


def test_unchanged_code_is_equal(call: Any, folder: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.json"
    written = call("results", folder, "--baseline", baseline)
    assert (written.code, written.out) == (0, "")
    assert written.err == f"Baseline of 6 runs: {baseline}\n"
    answer = call("compare", baseline, folder)
    assert answer.code == 0
    assert answer.out.splitlines()[-1] == "passed: 2 equal"
    assert answer.err == ""


def test_worse_is_told_in_every_form(call: Any, folder: Path, worse: Path, tmp_path: Path) -> None:
    files = {"--markdown": tmp_path / "gate" / "pr.md", "--junit": tmp_path / "gate" / "junit.xml"}
    answer = call("compare", folder, worse, *(word for pair in files.items() for word in pair))
    assert answer.code == 1
    assert answer.err == ""
    assert answer.out.splitlines()[-1] == "FAILED: 1 worse, 1 equal"
    assert "FAILED: 1 worse, 1 equal" in files["--markdown"].read_text(encoding="utf-8")
    assert 'failures="1"' in files["--junit"].read_text(encoding="utf-8")
    told = json.loads(call("compare", folder, worse, "--json").out)
    assert told["passed"] is False
    verdicts = {cell["controller"]: cell for cell in told["cells"]}
    assert verdicts["fixed-webster"]["verdict"] == "equal"
    cell = verdicts["program"]
    assert cell["verdict"] == "worse"
    assert cell["relative"] == pytest.approx(0.032, abs=0.001)
    assert cell["of_control_delay"] > cell["relative"]
    assert cell["seeds"] == [1, 2, 3]
    assert call("compare", folder, worse, "--tolerance", "5%").code == 0
    assert call("compare", folder, worse, "--metric", "stops").out.splitlines()[-1] == "passed: 2 equal"
    assert call("compare", folder, worse, "--head-controller", "fixed-webster").code == 0


def test_controllers_of_one_folder(call: Any, folder: Path) -> None:
    answer = call("compare", folder, "--base-controller", "program")
    assert answer.code in {0, 1}
    assert "fixed-webster against program" in answer.out
    same = call(
        "compare", folder, folder, "--base-controller", "program", "--head-controller", "fixed-webster"
    )
    assert (same.code, same.out) == (answer.code, answer.out)


def test_damaged_run_is_told_and_missing(call: Any, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "damaged"
    shutil.copytree(folder, out)
    rows = {json.loads(line)["run_key"] for line in call("results", folder, "--json").out.splitlines()}
    key = min(rows)
    (out / "runs" / key / "kpi.parquet").write_bytes(b"PAR1 half")
    answer = call("compare", folder, out)
    assert answer.code == 1
    assert answer.err == f"gruenband: {out / 'runs' / key}: half-written or damaged, treated as not run\n"
    assert answer.out.splitlines()[-1] == "FAILED: 2 equal, 1 with missing seeds or new gridlocks"
    shown = call("results", out)
    assert shown.code == 0
    assert shown.err == answer.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["{folder}"], "HEAD is missing"),
        (["{folder}", "{folder}/none"], "none does not exist"),
        (["{folder}", "{folder}/runs"], "no results in this folder"),
        (["{folder}", "{cross}"], "is no baseline: not JSON"),
        (["{folder}", "{folder}", "--tolerance", "some"], "tolerance 'some' is no number"),
        (["{folder}", "{folder}", "--metric", "delai"], "did you mean 'delay'?"),
        (["{folder}", "--base-controller", "programm"], "did you mean 'program'?"),
        (["{folder}", "{folder}", "--junit", "{folder}"], "is no file"),
    ],
)
def test_wrong_input_is_one_line(
    call: Any, folder: Path, cross: Path, arguments: list[str], told: str
) -> None:
    answer = call("compare", *(word.format(folder=folder, cross=cross) for word in arguments))
    assert answer.code == 2
    assert told in answer.error
    assert answer.out == ""


def test_baseline_excludes_other_forms(call: Any, folder: Path, tmp_path: Path) -> None:
    assert call("results", folder, "--json", "--baseline", tmp_path / "x").code == 2
