"""The road as a graph: approaches, movements, conflicts."""
