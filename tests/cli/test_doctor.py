"""``gruenband doctor``."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003
from typing import Any

import pytest

from sim.cli import doctor, machine
from sim.sumo import version


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the slow check where it is not the matter."""
    monkeypatch.setattr(doctor, "_numba", lambda: doctor.Finding("numba", "ok", "not tried"))


def test_a_sound_machine(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUMO_HOME", raising=False)
    answer = call("doctor", "--json")
    assert answer.code == 0, answer.out
    report = json.loads(answer.out)
    assert report["ok"] is True
    checks = {check["check"]: check for check in report["checks"]}
    assert all(checks[name]["found"] == "1.28.0" for name in version.DISTRIBUTIONS)
    assert {"Python", "numba", "kernel cache", "cores", "memory", "disk", "extra resco"} <= set(checks)


@pytest.mark.usefixtures("quick")
def test_one_line_per_check(call: Any) -> None:
    lines = call("doctor").out.splitlines()
    assert all(line.split()[0] in {"ok", "note", "fault"} for line in lines[:-1])
    assert len(lines) > 12


@pytest.mark.usefixtures("quick")
def test_another_sumo_is_a_fault(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version, "_installed", {"eclipse-sumo": "1.28.0", "libsumo": "1.27.0"}.get)
    answer = call("doctor", "--json")
    assert answer.code == 3
    faults = {
        check["check"]: check for check in json.loads(answer.out)["checks"] if check["state"] == "fault"
    }
    assert set(faults) == {"libsumo", "traci", "sumolib"}
    assert faults["libsumo"]["advice"] == "run: pip install 'libsumo==1.28.0'"
    assert faults["traci"]["found"] == "missing"


@pytest.mark.usefixtures("quick")
def test_a_foreign_sumo_home_is_a_fault(call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "sumo"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho Eclipse SUMO sumo v1.20.0\n", encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setenv("SUMO_HOME", str(tmp_path))
    answer = call("doctor")
    assert answer.code == 3
    assert f"SUMO_HOME     {tmp_path} (1.20.0)  -> " in answer.out
    assert "unset SUMO_HOME" in answer.out
    program.write_text("#!/bin/sh\necho Eclipse SUMO sumo 1.28.0\n", encoding="ascii")
    assert call("doctor").code == 0


@pytest.mark.usefixtures("quick")
def test_a_cache_that_cannot_be_written_is_a_fault(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Path:
        raise PermissionError(13, "Permission denied", "/nowhere")

    monkeypatch.setattr("sim.core.jit.cache_folder", refuse)
    answer = call("doctor")
    assert answer.code == 3
    assert "/nowhere: Permission denied  -> set GRUENBAND_CACHE" in answer.out


def test_a_broken_compiler_is_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "numba.py").write_text("raise ImportError('no LLVM here')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    finding = doctor._numba()
    assert finding.state == "fault"
    assert "no LLVM here" in finding.found


def test_a_containers_limits_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    free = machine.usable_cores()
    (tmp_path / "cpu.max").write_text("100000 100000\n", encoding="ascii")
    (tmp_path / "memory.max").write_text(f"{1300 * 2**20}\n", encoding="ascii")
    (tmp_path / "memory.current").write_text(f"{600 * 2**20}\n", encoding="ascii")
    assert machine.usable_cores() == 1 <= free
    assert machine.available_memory() == 700.0
    assert machine.default_jobs() == 1
    (tmp_path / "cpu.max").write_text("max 100000\n", encoding="ascii")
    assert machine.usable_cores() == free
