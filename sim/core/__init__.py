"""Numba kernels on flat arrays; numpy and numba only."""
