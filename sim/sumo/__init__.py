"""The only place that talks to a running SUMO."""
