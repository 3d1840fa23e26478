"""What all tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

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
