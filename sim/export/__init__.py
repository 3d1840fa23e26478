"""Timing plans as files of field controllers and planning tools, one module a format, each with its reader."""
