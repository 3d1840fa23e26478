"""Signals designed from a network's geometry and volumes: groups, intergreens, stages, programs, offsets."""
