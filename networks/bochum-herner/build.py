"""Build bochum-herner: ``python networks/bochum-herner/build.py [--check]``."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bochum"))

import recipe  # noqa: E402 - the shared recipe stands beside this folder

JUNCTIONS = ("R12", "R13", *(f"H{number:02d}" for number in range(1, 13)))

if __name__ == "__main__":
    recipe.main(HERE, JUNCTIONS)
