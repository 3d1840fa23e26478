"""The speed gate: its statistics, its verdicts, and what it says of sides that cannot be measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "benchmarks"))  # where the gate finds its own parts

from ratios import FASTER, PASSED, SLOWER, SMALL, UNCLEAR, Limits, judge, ratio_interval  # noqa: E402
from speed_gate import FEWEST, arguments, enough  # noqa: E402

LIMITS = Limits(ratio=1.15, loss=0.02)
# A start of the command that takes so many rounds of work, and more than the limits whatever the machine.
START = "import sys\nfor k in range({rounds}):\n    k * k\n"
LITTLE, MUCH = 100_000, 10_000_000


def drawn(seed: int, factor: float, pairs: int = 20) -> tuple[list[float], list[float]]:
    """Times of about a second with 5 % noise, and now and then one that was disturbed."""
    draw = np.random.default_rng(seed)
    times = np.exp(draw.normal(0, 0.05, (2, pairs))) * np.where(draw.random((2, pairs)) < 0.1, 1.5, 1.0)
    return times[0].tolist(), (factor * times[1]).tolist()


def judged(base: list[float], head: list[float]) -> str:
    """Add pair after pair as the gate does, until it has enough."""
    args = arguments().parse_args(["BASE", "HEAD"])
    for pairs in range(FEWEST, len(base) + 1):
        seen = judge(base[:pairs], head[:pairs], LIMITS)
        if pairs % 2 == 0 and enough(seen, args):
            break
    return seen.verdict


def test_unchanged_code_passes_and_two_fifths_more_are_found() -> None:
    same = [judged(*drawn(seed, 1.0)) for seed in range(30)]
    slower = [judged(*drawn(seed, 1.4)) for seed in range(30)]
    assert SLOWER not in same
    assert slower.count(SLOWER) >= 29


def test_interval_holds_the_true_ratio_as_often_as_it_says() -> None:
    inside = 0
    for seed in range(200):
        _, low, high = ratio_interval(*drawn(seed, 1.2, pairs=12))
        inside += low <= 1.2 <= high
    assert inside / 200 >= 0.93


def test_sides_can_be_exchanged() -> None:
    base, head = drawn(1, 1.2)
    ratio, low, high = ratio_interval(base, head)
    assert low < ratio < high
    assert ratio_interval(head, base) == pytest.approx((1 / ratio, 1 / high, 1 / low), rel=1e-2)
    assert ratio_interval(base, head) == (ratio, low, high)


@pytest.mark.parametrize(
    ("base", "head", "verdict"),
    [
        ([1.0] * 6, [1.4] * 6, SLOWER),
        ([0.01] * 6, [0.014] * 6, SMALL),
        ([1.0] * 6, [1.02] * 6, PASSED),
        ([1.4] * 6, [1.0] * 6, FASTER),
        ([1.0] * 6, [1.0, 1.0, 1.0, 1.4, 1.4, 1.4], UNCLEAR),
    ],
)
def test_verdicts(base: list[float], head: list[float], verdict: str) -> None:
    assert judge(base, head, LIMITS).verdict == verdict


def checkout(folder: Path, start: str) -> Path:
    """As much of a checkout as the case `start` needs."""
    (folder / "sim" / "cli").mkdir(parents=True)
    (folder / "sim" / "__init__.py").touch()
    (folder / "sim" / "cli" / "__init__.py").touch()
    (folder / "sim" / "cli" / "main.py").write_text(start, encoding="utf-8")
    return folder


def gate(*arguments: object) -> Any:
    command = [sys.executable, ROOT / "benchmarks" / "speed_gate.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_much_more_work_fails_and_much_less_passes(tmp_path: Path) -> None:
    little = checkout(tmp_path / "little", START.format(rounds=LITTLE))
    much = checkout(tmp_path / "much", START.format(rounds=MUCH))
    done = gate(little, much, "--case", "start", "--pairs", 5, "--json")
    assert done.returncode == 1, done.stderr
    (row,) = json.loads(done.stdout)["cases"]
    assert row["verdict"] == SLOWER
    assert len(row["pairs"]) == 5
    assert 1.15 < row["low"] <= row["ratio"] <= row["high"]
    done = gate(much, little, "--case", "start", "--pairs", 5)
    assert done.returncode == 0, done.stderr
    assert FASTER in done.stdout


def test_a_case_that_head_cannot_run_fails(tmp_path: Path) -> None:
    whole = checkout(tmp_path / "whole", START.format(rounds=1))
    broken = checkout(tmp_path / "broken", "raise SystemExit('no such thing')\n")
    done = gate(whole, broken, "--case", "start")
    assert done.returncode == 1
    assert "DOES NOT RUN" in done.stdout
    assert "start on head: no such thing" in done.stdout
    # What only HEAD can do is new.
    done = gate(broken, whole, "--case", "start")
    assert done.returncode == 0
    assert "start on base: no such thing" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["no-such-revision", ROOT], "no-such-revision: neither a folder nor a git revision"),
        (["--upload-pack=x", ROOT], "required: head"),
        ([ROOT / "docs", ROOT], "no checkout of gruenband (sim/__init__.py is missing)"),
        ([ROOT, ROOT, "--pairs", 2], "at least 5"),
        ([ROOT, ROOT, "--ratio", "0.9"], "0.9 is not a number above 1"),
        ([ROOT, ROOT, "--case", "speed"], "invalid choice: 'speed'"),
    ],
)
def test_wrong_input(arguments: list[object], says: str) -> None:
    done = gate(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
