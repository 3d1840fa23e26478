"""Onlookers of a run: conflicts, hard braking, stop lines and crossings. They read and change nothing."""
