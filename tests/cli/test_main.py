"""Help, errors and exit codes of the command line as a whole."""

from __future__ import annotations

import errno
import subprocess
import sys
from typing import Any

import pytest

from sim import __version__
from sim.cli import results

HEAVY = {
    "numba",
    "numpy",
    "pydantic",
    "duckdb",
    "libsumo",
    "traci",
    "networkx",
    "scipy",
    "sumolib",
    "rich.table",
}


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from sim.cli.main import invoke; code = invoke(['--help']); "
        f"print(code, sorted({HEAVY!r} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == "0 []"
    for command in ("run", "results", "list", "doctor"):
        assert f"  {command} " in answer.stdout


@pytest.mark.parametrize("command", ["run", "results", "list", "doctor"])
def test_every_command_has_help(call: Any, command: str) -> None:
    answer = call(command, "--help")
    assert answer.code == 0
    assert f"gruenband {command}" in answer.out
    assert "--debug" in answer.out


def test_version(call: Any) -> None:
    assert call("--version").out == f"gruenband {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rum"], "rum"),
        (["run"], "SCENARIO"),
        (["run", "x", "--jops", "2"], "--jops"),
        (["run", "x", "--jobs", "0"], "--jobs"),
        (["list", "tables"], "tables"),
    ],
)
def test_wrong_usage_is_one_line(call: Any, arguments: list[str], says: str) -> None:
    answer = call(*arguments)
    assert answer.code == 2
    assert says in answer.error


def test_a_full_disk_is_a_fault_of_the_machine(
    call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "runs").mkdir()
    monkeypatch.setattr(results, "_plain", full)
    monkeypatch.setattr("sim.evaluate.results.read_results", full)
    answer = call("results", tmp_path, "--json")
    assert answer.code == 3
    assert "the disk is full" in answer.error


def test_an_unforeseen_error_is_one_line_without_debug(
    call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    def broken(*_: object) -> None:
        msg = "two\nlines"
        raise ZeroDivisionError(msg)

    (tmp_path / "runs").mkdir()
    monkeypatch.setattr("sim.evaluate.results.read_results", broken)
    answer = call("results", tmp_path, "--json")
    assert answer.code == 4
    assert "ZeroDivisionError: two lines; --debug" in answer.error
    answer = call("results", tmp_path, "--json", "--debug")
    assert answer.code == 4
    assert "Traceback" in answer.err


def test_a_reader_that_goes_away_is_no_error() -> None:
    # The list is longer than a pipe's buffer only with the schema; head closes the pipe at once.
    command = f"{sys.executable} -m sim.cli.main list schema | head -c 1; echo ${{PIPESTATUS[0]}}"
    answer = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, check=True)
    assert answer.stderr == ""
