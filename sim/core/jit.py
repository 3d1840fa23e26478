"""One way to compile: cached, without the GIL, never with fast-math, and never from a stale cache."""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, CompileResult
from numba.extending import register_jitable

if TYPE_CHECKING:
    from types import FunctionType

F = TypeVar("F", bound=Callable[..., object])

SOURCES = Path(__file__).parent


def cache_folder() -> Path:
    """
    Name the folder of compiled kernels that belongs to exactly these sources, and make it.

    numba notices a change of the compiled function's own file only. A helper changed in another module leaves
    a stale machine code behind; a folder named by the hash of all kernel sources does not.

    Returns
    -------
    Path
        A writable folder below ``GRUENBAND_CACHE``, else below the user's cache folder, else below the temporary
        one.

    Raises
    ------
    OSError
        If none of them can be written, with the fault of the first one.
    """
    digest = source_digest(SOURCES)
    first: OSError | None = None
    for root in _roots():
        folder = root / "kernels" / digest
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(b"x")
        except OSError as fault:
            first = first or fault
        else:
            return folder
    raise first or FileNotFoundError(2, "no folder for compiled kernels", "GRUENBAND_CACHE")


def source_digest(folder: Path) -> str:
    """
    Hash all Python sources of a folder, names and contents.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for source in sorted(folder.glob("*.py")):
        content = source.read_bytes()
        # The length parts one file from the next: moved lines must not give the same hash.
        digest.update(f"{source.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def _roots() -> Iterator[Path]:
    given = os.environ.get("GRUENBAND_CACHE")
    if given:
        yield Path(given).absolute()
    # The XDG specification has relative paths ignored, a user without a home is '~', and an empty HOME would be '/'.
    home = os.path.expanduser("~/.cache") if os.environ.get("HOME") != "" else ""  # noqa: PTH111
    for base in (os.environ.get("XDG_CACHE_HOME", ""), home):
        if Path(base).is_absolute():
            yield Path(base) / "gruenband"
    with contextlib.suppress(OSError, KeyError, ImportError):
        yield _own_temporary_folder()


def _own_temporary_folder() -> Path:
    # Compiled kernels are pickles, so a folder that somebody else made could run their code as this user.
    number = os.getuid() if hasattr(os, "getuid") else None
    folder = Path(tempfile.gettempdir()) / f"gruenband-{getpass.getuser() if number is None else number}"
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    if folder.is_symlink() or (number is not None and (state.st_uid != number or state.st_mode & 0o022)):
        raise PermissionError(13, "belongs to somebody else", str(folder))
    return folder


@cache
def _folder() -> str:
    try:
        return str(cache_folder())
    except OSError:
        # Nowhere to write: kernels are compiled anew in each process, which is slow but right.
        return ""


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
    folder = _folder()
    before = numba.config.CACHE_DIR
    # numba reads NUMBA_CACHE_DIR only while it is imported, and somebody else may have imported it already; and the
    # folder is for these kernels, not for theirs.
    numba.config.CACHE_DIR = folder
    try:
        compiled = numba.njit(cache=bool(folder), nogil=True, fastmath=False, no_cfunc_wrapper=True)
        return cast("F", compiled(function))
    finally:
        numba.config.CACHE_DIR = before


class _PartLibrary(JITCodeLibrary):  # type: ignore[misc]
    """The code of a part, neither optimised nor made machine code: both are done once, in the kernel it is part of."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True


class _PartCompiler(Compiler):  # type: ignore[misc]
    """
    Compiles a part of a kernel as far as the kernel needs it.

    numba makes machine code of each function that a kernel calls, which nobody runs: it is inlined, or optimised and
    made machine code again, in each function on the way up. That was a third of the time to compile.
    """

    def compile_extra(self, func: FunctionType) -> CompileResult:
        state = self.state
        state.library = _PartLibrary(state.targetctx.codegen(), func.__qualname__)
        state.flags.no_compile = True
        result = super().compile_extra(func)
        # numba tells functions apart by their entries, which have to be builtins. Nothing calls this one.
        entry = list[Any]().append
        state.targetctx.insert_user_function(entry, result.fndesc, [result.library])
        return result._replace(entry_point=entry)


def _part(function: F, **flags: bool) -> F:
    part = register_jitable(
        fastmath=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, pipeline_class=_PartCompiler, **flags
    )
    return cast("F", part(function))


def inner(function: F) -> F:
    """
    Have a function compiled into the kernels that call it: without an entry of its own this takes half the time.

    Parameters
    ----------
    function : callable
        As for `kernel`.

    Returns
    -------
    callable
        The same function; called from Python it runs as plain Python.
    """
    return _part(function)


def leaf(function: F) -> F:
    """
    Have a function that makes no array inlined into the kernels that call it.

    It does not take part in counting references to the arrays it is given: its caller holds them. Nor are they passed:
    numba hands over a tuple of arrays as seven words or more for each of them. In functions that are called thousands of
    times a decision either costs more than what they compute.

    Parameters
    ----------
    function : callable
        As for `kernel`, but one that makes no array; numba refuses it otherwise.

    Returns
    -------
    callable
        The same function; called from Python it runs as plain Python.
    """
    return _part(function, _nrt=False, forceinline=True)


def shared(function: F) -> F:
    """
    Have a function that makes no array compiled once for all places of a kernel that call it.

    For long ones that much else is inlined into, called from many places: each copy would be optimised anew.

    Parameters
    ----------
    function : callable
        As for `leaf`.

    Returns
    -------
    callable
        The same function; called from Python it runs as plain Python.
    """
    return _part(function, _nrt=False)
