"""A batch's way to a dask scheduler: its address, the connection, and which workers are of the same kind."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sim.errors import EnvironmentFaultError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from distributed import Client

WAIT = "GRUENBAND_WORKER_WAIT"  # environment variable, [s]
_DEFAULT_WAIT = 600.0
_CONNECT = 10.0  # [s] for the scheduler to answer
_SCHEME = {"dask": "tcp", "dask+tls": "tls"}


def parse_executor(text: str) -> str:
    """
    Read where runs are to be done.

    Parameters
    ----------
    text : str
        ``"local"``, ``"dask://HOST:PORT"`` or ``"dask+tls://HOST:PORT"``.

    Returns
    -------
    str
        ``"local"``, or the scheduler's address in dask's own spelling.

    Raises
    ------
    InputError
        If it is none of them.
    """
    if text == "local":
        return text
    match = re.fullmatch(r"(dask|dask\+tls)://([^/\s:\[\]]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})/?", text)
    if match is None or not 0 < int(match[3]) < 65536:
        msg = f"--executor '{text}' is neither 'local' nor 'dask://HOST:PORT'"
        raise InputError(msg)
    return f"{_SCHEME[match[1]]}://{match[2]}:{match[3]}"


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """
    Connect to a scheduler.

    Parameters
    ----------
    address : str
        Its address in dask's spelling.

    Yields
    ------
    distributed.Client
        The connection.

    Raises
    ------
    EnvironmentFaultError
        If dask is not installed, or no scheduler answers.
    """
    try:
        import dask  # noqa: PLC0415
        from distributed import Client  # noqa: PLC0415
    except ModuleNotFoundError as error:
        msg = f"--executor dask:// needs the extra 'cluster' ({error.name} is not installed): pip install 'gruenband[cluster]'"
        raise EnvironmentFaultError(msg) from None
    # What dask would print about a lost scheduler or another version is told in our own words.
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    quiet = dask.config.set({"distributed.admin.large-graph-warning-threshold": "100GB"})
    try:
        with quiet, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                asyncio.run(asyncio.wait_for(_knock(address), _CONNECT))
                client = Client(address, timeout=_CONNECT, set_as_default=False)
            except Exception as error:  # noqa: BLE001  (whatever answers there may answer anything)
                text = " ".join(str(error).split())[:200] or f"silent for {_CONNECT:g} s"
                msg = f"no dask scheduler answers at {address} ({text}); start one with 'dask scheduler', or check host and port"
                raise EnvironmentFaultError(msg) from None
            try:
                yield client
            finally:
                with suppress(Exception):  # of a scheduler that is gone there is nothing to say good-bye to
                    client.close(timeout=_CONNECT)
    finally:
        logger.setLevel(level)


async def _knock(address: str) -> None:
    """See whether dask answers: its client would wait for ever for somebody who takes the call and says nothing."""
    from distributed.comm import connect  # noqa: PLC0415
    from distributed.security import Security  # noqa: PLC0415

    comm = await connect(address, timeout=_CONNECT, **Security().get_connection_args("client"))
    comm.abort()


def mismatch(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """
    Say how a worker's versions differ from those of the batch.

    Parameters
    ----------
    here, there : mapping of str to str
        As :func:`sim.batch.remote.versions` tells them.

    Returns
    -------
    str
        One line with both versions; empty if they are the same.
    """
    for name, version in here.items():
        other = there.get(name, "unknown")
        if other != version:
            what = "code of the same Grünband version" if name == "code" else name
            return f"it has {what} {other}, this batch {version}; install the same on both"
    return ""


def patience() -> float:
    """
    Tell how long a batch waits for workers.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    InputError
        If the environment variable is no number of seconds.
    """
    text = os.environ.get(WAIT, "")
    if not text:
        return _DEFAULT_WAIT
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        msg = f"{WAIT}='{text}' is not a number of seconds"
        raise InputError(msg)
    return seconds
