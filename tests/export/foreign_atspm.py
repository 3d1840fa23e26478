"""
Runs in the second environment (tests/export/foreign-constraints.txt): atspm over an event log, its results as JSON.

Usage: python foreign_atspm.py events.csv detector_config.csv
"""

from __future__ import annotations

import json
import sys

from atspm import SignalDataProcessor

EVENTS, DETECTORS = sys.argv[1:]
AGGREGATIONS = [
    {"name": "has_data", "params": {"no_data_min": 1, "min_data_points": 1}},
    {"name": "actuations", "params": {}},
    {"name": "arrival_on_green", "params": {"latency_offset_seconds": 0}},
    {
        "name": "split_failures",
        "params": {
            "red_time": 5,
            "red_occupancy_threshold": 0.80,
            "green_occupancy_threshold": 0.80,
            "by_approach": True,
            "by_cycle": True,
        },
    },
    {"name": "terminations", "params": {}},
    {"name": "timeline", "params": {"min_duration": 0, "cushion_time": 0, "max_event_gap_seconds": None}},
    {"name": "coordination_agg", "params": {}},
]

with SignalDataProcessor(
    raw_data=EVENTS, detector_config=DETECTORS, bin_size=15, verbose=0, aggregations=AGGREGATIONS
) as processor:
    processor.load()
    processor.aggregate()
    tables = {item["name"]: processor.conn.table(item["name"]).df() for item in AGGREGATIONS}
json.dump({name: table.to_dict("records") for name, table in tables.items()}, sys.stdout, default=str)
