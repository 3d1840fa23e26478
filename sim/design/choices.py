"""The design file: what an engineer decides otherwise than the rules would, signal by signal."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sim.errors import InputError, near_miss
from sim.faults import describe
from sim.signals.files import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sim.design.site import Site

# No design file is larger [bytes].
LARGEST_FILE = 2**20
Cycle = Annotated[int, Field(ge=30, le=120)]
Offset = Annotated[int, Field(ge=0, le=119)]


class SignalChoices(BaseModel):
    """What is decided for one signal; groups are named as ``gruenband network show`` names them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stages: tuple[tuple[str, ...], ...] = Field(default=(), description="Groups of each stage, in order.")
    protected: tuple[str, ...] = Field(default=(), description="Groups whose turns are protected.")
    permissive: tuple[str, ...] = Field(default=(), description="Groups whose turns wait for gaps.")
    together: tuple[tuple[str, ...], ...] = Field(default=(), description="Groups that run together.")
    offset: Offset | dict[str, Offset] | None = Field(
        default=None, description="Offset [s], for all programs or by program."
    )


class Choices(BaseModel):
    """A design file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cycle: Cycle | dict[str, Cycle] | None = Field(
        default=None, description="Common cycle [s], for all programs or by program."
    )
    signal: dict[str, SignalChoices] = Field(default={}, description="Decisions by signal.")

    def cycle_of(self, program: str) -> int | None:
        """
        Look up the cycle.

        Parameters
        ----------
        program : str
            A program.

        Returns
        -------
        int or None
            None if the design chooses it [s].
        """
        return self.cycle.get(program) if isinstance(self.cycle, dict) else self.cycle

    def offset_of(self, signal: str, program: str) -> int | None:
        """
        Look up an offset.

        Parameters
        ----------
        signal, program : str
            Of which signal and program.

        Returns
        -------
        int or None
            None if the design chooses it [s].
        """
        offset = self.of(signal).offset
        return offset.get(program) if isinstance(offset, dict) else offset

    def of(self, signal: str) -> SignalChoices:
        """
        Look up what is decided for a signal.

        Parameters
        ----------
        signal : str
            Its id.

        Returns
        -------
        SignalChoices
            Empty if nothing is.
        """
        return self.signal.get(signal, SignalChoices())


def read_choices(path: Path) -> Choices:
    """
    Read a design file.

    Parameters
    ----------
    path : Path
        A TOML file.

    Returns
    -------
    Choices
        What it decides.

    Raises
    ------
    InputError
        If it cannot be read or has faults; all stand in one line.
    """
    try:
        return Choices.model_validate(_tupled(tomllib.loads(read_text(path, LARGEST_FILE))))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        msg = f"{path} is not valid TOML: {error}"
        raise InputError(msg) from error
    except ValidationError as error:
        msg = f"{path}: {'; '.join(map(str, describe(error, Choices)))}"
        raise InputError(msg) from error


def _tupled(value: object) -> object:
    if isinstance(value, dict):
        return {key: _tupled(item) for key, item in value.items()}
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def refuse_unknown(choices: Choices, signals: Iterable[str], programs: Iterable[str]) -> None:
    """
    Refuse signals and programs that do not exist.

    Parameters
    ----------
    choices : Choices
        What is decided.
    signals, programs : iterable of str
        Those that exist.

    Raises
    ------
    InputError
        Naming the first that does not.
    """
    known, names = list(signals), list(programs)
    for signal, some in choices.signal.items():
        if signal not in known:
            msg = f"design file: [signal.{signal}]: the network has no such signal{near_miss(signal, known)}"
            raise InputError(msg)
        if isinstance(some.offset, dict):
            _refuse_program(f"[signal.{signal}] offset", some.offset, names)
    if isinstance(choices.cycle, dict):
        _refuse_program("cycle", choices.cycle, names)


def _refuse_program(where: str, named: Iterable[str], names: list[str]) -> None:
    for name in named:
        if name not in names:
            msg = f"design file: {where}: there is no program '{name}'{near_miss(name, names)}"
            raise InputError(msg)


def numbered(site: Site, key: str, names: Iterable[str]) -> frozenset[int]:
    """
    Look up heads by their names.

    Parameters
    ----------
    site : Site
        The signal.
    key : str
        Where the names stand, for messages.
    names : iterable of str
        Names of groups.

    Returns
    -------
    frozenset of int
        Numbers of heads.

    Raises
    ------
    InputError
        If there is none of a name.
    """
    found = set()
    for name in names:
        number = site.head(name)
        if number is None:
            known = [head.name for head in site.heads]
            msg = f"design file: [signal.{site.id}] {key}: no group '{name}'{near_miss(name, known)}"
            raise InputError(msg)
        found.add(number)
    return frozenset(found)
