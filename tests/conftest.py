"""What all tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

# Same code, same verdict: no random examples, and no clocks, which on a busy machine fail at random.
settings.register_profile(
    "gruenband", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("gruenband")

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
AGENT = Path(__file__).parent / "export" / "agent" / "ntcip_agent.py"


@contextmanager
def _controller(*options: str) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, str(AGENT), *options],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"AGENT_COMMUNITY": "kreuzung-7"},
    )
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.fixture
def controller() -> Callable[..., AbstractContextManager[int]]:
    """Start a controller that speaks NTCIP over SNMP (``tests/export/agent``); it gives its port."""
    return _controller


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Start Chromium, one for all tests of a process: a second Playwright beside it would not start."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).is_file():
        pytest.skip(f"{CHROMIUM} is not installed")
    with sync_api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield chromium
        chromium.close()
