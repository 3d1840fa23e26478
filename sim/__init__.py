"""Grünband: adaptive traffic-signal timings, proved in Eclipse SUMO and ready for the field."""

from __future__ import annotations

__version__ = "0.1.0"
