"""Kernels are plain Python: with the JIT off they give the same result, bit for bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numba
from kernel_outcomes import outcomes


def test_kernels_agree_bit_for_bit_with_the_jit_on_and_off() -> None:
    script = Path(__file__).with_name("kernel_outcomes.py")
    other = "1" if numba.config.DISABLE_JIT == 0 else "0"
    answer = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "NUMBA_DISABLE_JIT": other},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    there = json.loads(answer.stdout)
    here = outcomes()
    assert sorted(here) == sorted(there)
    assert [name for name in here if here[name] != there[name]] == []
