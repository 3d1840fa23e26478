"""The built wheel: networks and scenarios travel in it, and an installation finds them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import sim

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def call(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def shipped_files() -> set[str]:
    """Files that git would commit: what it ignores stays out of the wheel too. Without git, all files."""
    folders = ("networks", "scenarios")
    if (ROOT / ".git").exists() and shutil.which("git"):
        listed = call("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *folders).split(
            "\0"
        )
        return {name for name in listed if name and (ROOT / name).is_file()}
    found = (path for folder in folders for path in (ROOT / folder).rglob("*"))
    return {
        str(path.relative_to(ROOT)) for path in found if path.is_file() and "__pycache__" not in path.parts
    }


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonical(name): version for name, version in pins}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the backend that is installed, so without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    call(*pip, "--no-deps", "--no-index", "--target", target, wheel)
    return target


def python(code: str, installed: Path, folder: Path, *arguments: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(installed)}
    return call(sys.executable, "-W", "error", "-c", code, *arguments, cwd=folder, env=env)


def test_wheel_carries_every_network_and_scenario(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    files = shipped_files()
    assert any(name.endswith(".toml") for name in files)
    assert {f"sim/_shipped/{name}" for name in files} <= inside


def test_wheel_carries_code_queries_types_licence_and_nothing_else(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    info = f"gruenband-{PROJECT['version']}.dist-info"
    # Queries, and what pages are made of, travel beside the modules that use them.
    kinds = {".py", ".sql", ".html", ".css", ".js", ".j2", ".svg", ".toml"}
    folder = ROOT / "sim"
    sources = {str(path.relative_to(ROOT)) for path in folder.rglob("*") if path.suffix in kinds}
    assert kinds == {Path(name).suffix for name in sources}
    assert sources | {"sim/py.typed", f"{info}/licenses/LICENSE", f"{info}/entry_points.txt"} <= inside
    assert {name.split("/")[0] for name in inside} == {"sim", info}
    assert not any("__pycache__" in name for name in inside)


def test_installed_wheel_finds_its_scenarios_and_networks(installed: Path, tmp_path: Path) -> None:
    code = """
import json, sim
from sim.scenario import load_scenario, shipped_networks, shipped_scenarios
print(json.dumps({
    "sim": sim.__file__,
    "scenarios": {name: str(load_scenario(name).network) for name in shipped_scenarios()},
    "networks": {name: str(path) for name, path in shipped_networks().items()},
}))
"""
    found = json.loads(python(code, installed, tmp_path))
    assert Path(found["sim"]).is_relative_to(installed)
    assert set(found["scenarios"]) == {path.stem for path in (ROOT / "scenarios").glob("*.toml")}
    assert set(found["networks"]) == {path.parent.name for path in (ROOT / "networks").glob("*/*.net.xml*")}
    for net in found["networks"].values():
        assert Path(net).is_file()
        assert Path(net).is_relative_to(installed)
    for net in found["scenarios"].values():
        assert Path(net).is_file()
        assert not Path(net).is_relative_to(ROOT) or ".venv" in net


def test_installed_command_lists_what_is_shipped(installed: Path, tmp_path: Path) -> None:
    listed = python("from sim.cli.main import main; main()", installed, tmp_path, "list", "scenarios")
    for path in (ROOT / "scenarios").glob("*.toml"):
        assert path.stem in listed


def test_version_is_the_same_everywhere() -> None:
    assert sim.__version__ == PROJECT["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"[{PROJECT['version']}]" in changelog or "[Unreleased]" in changelog


def test_lock_pins_every_dependency_and_one_release_of_sumo() -> None:
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    names = {canonical(re.split(r"[<>=!~ \[]", line)[0]) for line in [*PROJECT["dependencies"], *extras]}
    pins = pinned()
    assert names <= set(pins)
    assert len({pins[name] for name in ("eclipse-sumo", "libsumo", "sumolib", "traci", "sumo-data")}) == 1


def test_lock_names_packages_and_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    odd = [line for line in lines if not re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line)]
    assert odd == []
