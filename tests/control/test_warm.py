"""Kernels are compiled before the first second, in two processes where the cache is empty."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim.control import warm
from sim.control.registry import parse_controller

COMPILE = """
import json
from sim.control.registry import parse_controller
from sim.control.warm import compile_together
from sim.core.guard import switch
from sim.core.max_pressure import max_pressure
compile_together(parse_controller("max-pressure"))
print(json.dumps([sum(kernel.stats.cache_misses.values()) for kernel in (switch, max_pressure)]))
"""


@pytest.mark.slow
def test_an_empty_cache_is_filled_by_two_processes(tmp_path: Path) -> None:
    def compile_in_a_process() -> list[int]:
        done = subprocess.run(
            [sys.executable, "-c", COMPILE],
            env=os.environ | {"GRUENBAND_CACHE": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout.splitlines()[-1])

    # The guard is the other's work and is loaded here.
    assert compile_in_a_process() == [0, 1]
    assert compile_in_a_process() == [0, 0]


def test_no_second_process_is_started_where_the_cache_has_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a process was started")

    spec = parse_controller("max-pressure")
    warm.warm(spec)
    monkeypatch.setattr(warm.subprocess, "Popen", refuse)
    warm.compile_together(spec)
