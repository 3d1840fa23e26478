"""Compiled kernels are kept where they belong to exactly these sources, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim.core import jit

# A package of two modules, a kernel and its helper, beside a copy of the real jit module.
HELPER = """
from copied.jit import {decorator}


@{decorator}
def helper(x):
    return x + {number}
"""
KERNEL = """
from copied.helper import helper
from copied.jit import kernel


@kernel
def work(x):
    return 10 * helper(x)
"""
ASK = "from copied.kernels import work; print(work(1), bool(work.stats.cache_hits))"


def ask(folder: Path, program: str, **environment: str) -> str:
    """Run a program in a process of its own and give what it prints."""
    clean = {
        k: v
        for k, v in os.environ.items()
        if k not in {"GRUENBAND_CACHE", "XDG_CACHE_HOME", "NUMBA_DISABLE_JIT"}
    }
    answer = subprocess.run(
        [sys.executable, "-B", "-c", program],
        env=clean | {"PYTHONPATH": str(folder)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    place = tmp_path / "package" / "copied"
    place.mkdir(parents=True)
    (place / "__init__.py").touch()
    (place / "jit.py").write_text(Path(jit.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    (place / "helper.py").write_text(HELPER.format(decorator="kernel", number=1), encoding="utf-8")
    (place / "kernels.py").write_text(KERNEL, encoding="utf-8")
    return place


@pytest.mark.parametrize("decorator", ["kernel", "inner"])
def test_an_edited_helper_never_meets_a_stale_kernel(package: Path, tmp_path: Path, decorator: str) -> None:
    helper = package / "helper.py"
    cache = str(tmp_path / "cache")
    helper.write_text(HELPER.format(decorator=decorator, number=1), encoding="utf-8")
    assert ask(package.parent, ASK, GRUENBAND_CACHE=cache) == "20 False"
    assert ask(package.parent, ASK, GRUENBAND_CACHE=cache) == "20 True"
    # Same length, same time: nothing but the content tells.
    times = helper.stat()
    helper.write_text(HELPER.format(decorator=decorator, number=2), encoding="utf-8")
    os.utime(helper, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert ask(package.parent, ASK, GRUENBAND_CACHE=cache) == "30 False"
    assert len(list((tmp_path / "cache" / "kernels").iterdir())) == 2


def test_nothing_is_cached_elsewhere_even_if_numba_was_there_first(package: Path, tmp_path: Path) -> None:
    program = "import numba; " + ASK + "; print(repr(numba.config.CACHE_DIR))"
    assert ask(package.parent, program, GRUENBAND_CACHE=str(tmp_path / "cache")) == "20 False\n''"
    assert list((tmp_path / "cache").rglob("*.nbi"))
    assert not list(package.rglob("*.nbi"))


@pytest.mark.parametrize("home", ["", "/dev/null", "relative"])
def test_a_home_that_cannot_be_written_sends_the_cache_to_the_temporary_folder(
    package: Path, tmp_path: Path, home: str
) -> None:
    program = ASK + "; from copied.jit import cache_folder; print(cache_folder())"
    result, folder = ask(package.parent, program, HOME=home, TMPDIR=str(tmp_path)).splitlines()
    assert result == "20 False"
    assert Path(folder).is_relative_to(tmp_path)
    assert (tmp_path / f"gruenband-{os.getuid()}").stat().st_mode & 0o777 == 0o700


def test_a_given_folder_that_cannot_be_written_is_passed_over(package: Path, tmp_path: Path) -> None:
    program = ASK + "; from copied.jit import cache_folder; print(cache_folder())"
    answer = ask(package.parent, program, GRUENBAND_CACHE="/dev/null/x", XDG_CACHE_HOME=str(tmp_path / "xdg"))
    assert Path(answer.splitlines()[1]).is_relative_to(tmp_path / "xdg" / "gruenband")


def test_without_any_writable_folder_kernels_work_uncached(package: Path) -> None:
    program = (
        "import tempfile; tempfile.tempdir = '/dev/null/tmp'; "
        "from copied.kernels import work; print(work(1)); from copied.jit import cache_folder\n"
        "try: cache_folder()\n"
        "except OSError as fault: print(fault.filename)"
    )
    answer = ask(package.parent, program, HOME="/dev/null", GRUENBAND_CACHE="/dev/null/mine")
    assert answer.splitlines()[0] == "20"
    assert answer.splitlines()[1].startswith("/dev/null/mine/kernels/")


def test_a_system_without_user_numbers_names_the_folder_after_the_user(package: Path, tmp_path: Path) -> None:
    program = "import os; del os.getuid; from copied.jit import cache_folder; print(cache_folder())"
    answer = ask(package.parent, program, HOME="/dev/null", TMPDIR=str(tmp_path), LOGNAME="meier")
    assert Path(answer).is_relative_to(tmp_path / "gruenband-meier")


@pytest.mark.parametrize("trap", ["link", "open"])
def test_a_temporary_folder_that_others_could_fill_is_not_used(
    package: Path, tmp_path: Path, trap: str
) -> None:
    place = tmp_path / f"gruenband-{os.getuid()}"
    if trap == "link":
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.mkdir()
        place.chmod(0o777)
    assert ask(package.parent, ASK, HOME="/dev/null", TMPDIR=str(tmp_path)) == "20 False"
    assert not list(tmp_path.rglob("*.nbi"))


def test_every_kernel_source_counts(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "b.py").write_text("y = 2\n", encoding="utf-8")
    before = jit.source_digest(tmp_path)
    (tmp_path / "a.py").write_text("x = 1\ny = 2\n", encoding="utf-8")
    (tmp_path / "b.py").write_text("", encoding="utf-8")
    assert len({before, jit.source_digest(tmp_path), jit.source_digest(jit.SOURCES)}) == 3
