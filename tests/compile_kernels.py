"""
Compile the kernels before the tests: ``python tests/compile_kernels.py``.

Each worker of pytest would compile all that it needs by itself, at the same time as the others. Two processes share them
here; what is in the cache already is loaded.
"""

from __future__ import annotations

from multiprocessing import get_context

from sim.control.registry import parse_controller
from sim.control.warm import warm_decisions, warm_street
from sim.observe.warm import warm_onlooker

PARTS = (("horizon", "max-pressure"), ("street", "onlooker", "self-control"))


def compile_part(names: tuple[str, ...]) -> None:
    """Compile what these controllers decide with, what all of them need, or the onlooker."""
    for name in names:
        if name == "onlooker":
            warm_onlooker()
        elif name == "street":
            warm_street()
        else:
            warm_decisions(parse_controller(name))


if __name__ == "__main__":
    with get_context("spawn").Pool(len(PARTS)) as pool:
        pool.map(compile_part, PARTS, chunksize=1)
