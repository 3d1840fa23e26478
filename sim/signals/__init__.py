"""The signal engineer's terms: rules, groups, stages, intergreens."""
