"""The signal engineer's terms: signal groups, intergreens, timing plans, day schedules and the safety rules."""
