"""The project's own gate: this code makes traffic no worse than the committed baseline says."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the baseline is that of linux-x86_64"
)
def test_short_suite_is_not_worse_than_its_baseline(tmp_path: Path) -> None:
    gate = [sys.executable, ROOT / "benchmarks" / "traffic_gate.py", "--short", "--out", tmp_path / "out"]
    done = subprocess.run(gate, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (
        f"{done.stdout}{done.stderr}\nIf traffic is meant to differ: python benchmarks/traffic_gate.py --short --renew"
    )
    assert done.stdout.splitlines()[-1].startswith("passed: ")
