"""One way to compile: cached, without the GIL, never with fast-math, and never from a stale cache."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

F = TypeVar("F", bound=Callable[..., object])


def cache_folder() -> Path:
    """
    Name the folder of compiled kernels that belongs to exactly these sources.

    numba notices a change of the compiled function's own file only. A helper changed in another module leaves
    a stale machine code behind; a folder named by the hash of all kernel sources does not.

    Returns
    -------
    Path
        A folder below ``GRUENBAND_CACHE``, else the user's cache folder, else the temporary one.
    """
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    base = os.environ.get("GRUENBAND_CACHE")
    root = Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gruenband"
    folder = root / "kernels" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"gruenband-{os.getuid()}" / "kernels" / digest.hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
    return folder


# numba reads the variable when it is imported, and a forked or spawned worker inherits it.
os.environ["NUMBA_CACHE_DIR"] = str(cache_folder())

import numba  # noqa: E402  (the cache folder must be set before)


def kernel(function: F) -> F:
    """
    Compile a function of numbers and flat arrays.

    Parameters
    ----------
    function : callable
        Plain Python on numpy arrays; with ``NUMBA_DISABLE_JIT=1`` it runs as it is.

    Returns
    -------
    callable
        The same function, compiled on its first call and cached on disk.
    """
    return cast("F", numba.njit(cache=True, nogil=True, fastmath=False)(function))
