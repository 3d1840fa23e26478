"""What all tests share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Same code, same verdict: no random examples, and no clocks, which on a busy machine fail at random.
settings.register_profile(
    "gruenband", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("gruenband")
