"""Live upload of a list of NTCIP settings over SNMP: one database transaction, checked, read back, undone on a fault."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from sim.errors import GruenbandError, InputError
from sim.export.ntcip_objects import CLEAR, OBJECTS, Setting, range_fault
from sim.export.ntcip_settings import DONE, NORMAL, TRANSACTION, VERIFY, transaction
from sim.export.snmp_wire import NoAnswerError, RefusedError, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sim.export.snmp_wire import Target

InForce = Literal["old", "new", "unknown"]

_STATE = Setting("dbCreateTransaction", (), 0)
_STATES = {NORMAL: "normal", TRANSACTION: "transaction", VERIFY: "verify", DONE: "done"}
_VERIFIED = 3
# How long a controller may check a database, and how often it is asked [s].
_VERIFY_WAIT, _PAUSE = 30.0, 0.2


class UploadFailedError(GruenbandError):
    """
    An upload did not come to its end; the message says which plan is in force (exit code 4).

    Parameters
    ----------
    message : str
        What went wrong and what is in force.
    in_force : {"old", "new", "unknown"}
        The plan in force now.
    backup : tuple of Setting
        What the controller held before; empty if it was not read.
    """

    exit_code = 4

    def __init__(self, message: str, in_force: InForce, backup: tuple[Setting, ...] = ()) -> None:
        super().__init__(message)
        self.in_force = in_force
        self.backup = backup


@dataclass(frozen=True)
class UploadReport:
    """
    An upload that came to its end.

    Parameters
    ----------
    written : tuple of Setting
        What the controller now holds, read back from it.
    backup : tuple of Setting
        What it held before, with the commands of the transaction: a list to go back with.
    skipped : tuple of Setting
        Rows of no effect that this controller does not have.
    cleared : tuple of Setting
        Rows beyond the list that were of effect, and no longer are; among `written`.
    """

    written: tuple[Setting, ...]
    backup: tuple[Setting, ...]
    skipped: tuple[Setting, ...]
    cleared: tuple[Setting, ...]

    def __str__(self) -> str:
        return f"the new plan is in force: {len(self.written)} values written and read back alike"


def dry_run(settings: Sequence[Setting]) -> list[str]:
    """
    Tell what an upload would set.

    Parameters
    ----------
    settings : sequence of Setting
        The list.

    Returns
    -------
    list of str
        One line for each SET; nothing is sent.

    Raises
    ------
    InputError
        If a value is out of range.
    """
    return [
        f"SET {setting.oid} {OBJECTS[setting.name].kind} {setting.text or '(empty)'}  {setting.label}"
        for setting in transaction(_data(settings))
    ]


def upload(
    settings: Sequence[Setting],
    target: Target,
    *,
    keep: Callable[[Sequence[Setting]], None] | None = None,
    split_numbers_fixed: bool = False,
    verify_wait: float = _VERIFY_WAIT,
) -> UploadReport:
    """
    Upload a list to a controller in one database transaction.

    Until the transaction is committed the controller works with its old plan. Whatever goes wrong before, the
    transaction is left without a commit. If the values read back afterwards are not those written, the old ones are
    written again.

    Parameters
    ----------
    settings : sequence of Setting
        The list, with or without the commands of the transaction.
    target : Target
        The controller.
    keep : callable, optional
        Takes a list to go back with, before anything is set; if it fails nothing is.
    split_numbers_fixed : bool, optional
        The controller does not let patternSplitNumber be set; it is compared instead.
    verify_wait : float, optional
        How long the controller may check the database [s].

    Returns
    -------
    UploadReport
        What was written and what was there before.

    Raises
    ------
    InputError
        If the list is faulty or the address is not allowed.
    UploadFailedError
        If the controller is busy, does not answer, refuses a value or the database, does not fit the plan, or holds
        other values afterwards.
    """
    data = _data(settings)
    with Wire(target) as wire:
        job = _Upload(wire, verify_wait)
        try:
            job.expect_normal()
            wanted, skipped, cleared = _fit(wire, data)
            job.backup = tuple(wire.get(wanted))
        except GruenbandError as error:
            raise job.failure(error, "old", "nothing was changed") from error
        fixed = [s for s in wanted if split_numbers_fixed and s.name == "patternSplitNumber"]
        differing = _differing(fixed, job.backup)
        if differing:
            cause = f"{differing[0].label} is {differing[0].text} and cannot be set"
            raise job.failure(cause, "old", "nothing was changed")
        if keep is not None:
            keep(transaction(job.backup))
        job.run([setting for setting in wanted if setting not in fixed])
        return UploadReport(tuple(wanted), tuple(transaction(job.backup)), skipped, cleared)


def _data(settings: Sequence[Setting]) -> list[Setting]:
    """Check a list and leave out the transaction's commands."""
    data = [setting for setting in settings if setting.name != _STATE.name]
    faults = [fault for fault in map(range_fault, data) if fault]
    if not data or faults:
        msg = faults[0] if faults else "the list sets nothing"
        raise InputError(msg)
    strange = [s for s in data if s.name.startswith(("max", "db"))]
    if strange:
        msg = f"{strange[0].label} is no part of a plan and cannot be set"
        raise InputError(msg)
    return data


def _fit(
    wire: Wire, data: Sequence[Setting]
) -> tuple[list[Setting], tuple[Setting, ...], tuple[Setting, ...]]:
    """Fit a list to the sizes of a controller's tables: what to set, what it lacks, and what else must be cleared."""
    names = sorted({name for setting in data for name in OBJECTS[setting.name].limits})
    limits = {setting.name: setting.value for setting in wire.get([Setting(name, (), 0) for name in names])}
    wanted, skipped = [], []
    for setting in data:
        beyond = [
            (number, name)
            for number, name in zip(setting.index, OBJECTS[setting.name].limits, strict=True)
            if number > int(limits[name])
        ]
        if not beyond:
            wanted.append(setting)
        elif CLEAR.get(setting.name) == setting.value:
            skipped.append(setting)
        else:
            msg = f"the plan needs {setting.label}, and the controller's {beyond[0][1]} is {limits[beyond[0][1]]!s}"
            raise InputError(msg)
    rest = []
    for name, none in CLEAR.items():
        tables: dict[tuple[int, ...], int] = {}
        for setting in data:
            if setting.name == name:
                tables[setting.index[:-1]] = max(tables.get(setting.index[:-1], 0), setting.index[-1])
        end = int(limits.get(OBJECTS[name].limits[-1], 0))
        rest += [
            Setting(name, (*table, row), none, "beyond the plan: not used")
            for table, last in tables.items()
            for row in range(last + 1, end + 1)
        ]
    cleared = _differing(rest, wire.get(rest), theirs=False)
    return wanted + cleared, tuple(skipped), tuple(cleared)


def _differing(wanted: Sequence[Setting], found: Sequence[Setting], *, theirs: bool = True) -> list[Setting]:
    """List the values that are not as wanted: those found, or those wanted."""
    have = {setting.key: setting for setting in found}
    unlike = [setting for setting in wanted if have[setting.key].value != setting.value]
    return [have[setting.key] for setting in unlike] if theirs else unlike


class _Upload:
    """The state machine of one upload."""

    def __init__(self, wire: Wire, verify_wait: float) -> None:
        self.wire = wire
        self.verify_wait = verify_wait
        self.backup: tuple[Setting, ...] = ()

    def failure(self, cause: object, in_force: InForce, detail: str) -> UploadFailedError:
        plan = {
            "old": "the old plan is in force",
            "new": "the new plan is in force",
            "unknown": "which plan is in force is not known",
        }[in_force]
        backup = tuple(transaction(self.backup)) if self.backup else ()
        return UploadFailedError(
            f"upload to {self.wire.target} failed: {cause}; {plan}: {detail}", in_force, backup
        )

    def state(self) -> int:
        return int(self.wire.get([_STATE])[0].value)

    def expect_normal(self) -> None:
        state = self.state()
        if state != NORMAL:
            msg = (
                f"the controller is busy, its dbCreateTransaction is {state} ({_STATES.get(state, 'unknown')}); "
                "wait until another transaction is over"
            )
            raise InputError(msg)

    def run(self, wanted: Sequence[Setting]) -> None:
        """Set values, and see that they are in force, or the old ones."""
        self._begin()
        try:
            self.wire.set(wanted)
            self._verify()
        except GruenbandError as error:
            raise self.failure(error, "old", self._leave()) from error
        except BaseException:
            # Whoever stops the program leaves no open transaction behind.
            self._leave()
            raise
        self._commit()
        self._compare(wanted)

    def _begin(self) -> None:
        try:
            self._command(TRANSACTION, {TRANSACTION})
        except RefusedError as error:
            # Another station was quicker; its transaction is not ours to end.
            cause = f"the controller opens no transaction ({error})"
            raise self.failure(cause, "old", "nothing was changed") from error
        except NoAnswerError as error:
            raise self.failure(error, "old", self._leave()) from error

    def _command(self, command: int, wanted: set[int]) -> None:
        """Give a command; if its answer was lost and it comes a second time, the state tells whether it was heeded."""
        try:
            self.wire.set([replace(_STATE, value=command)])
        except RefusedError as error:
            if not error.resent or self.state() not in wanted:
                raise

    def _verify(self) -> None:
        self._command(VERIFY, {VERIFY, DONE})
        state = self._wait_done()
        if state != DONE:
            msg = f"dbCreateTransaction is {state} ({_STATES.get(state, 'unknown')}) instead of 6 (done)"
            raise UploadFailedError(msg, "old")
        status = self.wire.get([Setting("dbVerifyStatus", (), 0)])[0].value
        if status != _VERIFIED:
            text = self.wire.get([Setting("dbVerifyError", (), b"")])[0].value
            said = text.decode("latin-1") if isinstance(text, bytes) else ""
            shown = "".join(c if c.isprintable() else " " for c in said).strip()
            what = f"dbVerifyStatus is {int(status)}, dbVerifyError '{shown}'"
            msg = f"the controller rejects the plan: {what}"
            raise UploadFailedError(msg, "old")

    def _wait_done(self) -> int:
        until = time.monotonic() + self.verify_wait
        while (state := self.state()) == VERIFY and time.monotonic() < until:
            time.sleep(_PAUSE)
        return state

    def _leave(self) -> str:
        """Leave a transaction without a commit, and say how that went."""
        try:
            state = self._wait_done()
            if state == DONE:
                # Normal would commit a database without errors; from transaction it never does.
                self._command(TRANSACTION, {TRANSACTION})
                state = self.state()
            if state == TRANSACTION:
                self._command(NORMAL, {NORMAL})
                state = self.state()
        except GruenbandError as error:
            return f"nothing was committed, but the transaction may still be open ({error})"
        if state == NORMAL:
            return "nothing was committed and the transaction is closed"
        return f"nothing was committed, but dbCreateTransaction is still {state} ({_STATES.get(state, 'unknown')})"

    def _commit(self) -> None:
        try:
            self._command(NORMAL, {NORMAL})
        except RefusedError as error:
            raise self.failure(error, "old", self._leave()) from error
        except NoAnswerError as error:
            detail = "the command to commit was not answered; read the controller back before anything else"
            raise self.failure(error, "unknown", detail) from error

    def _compare(self, wanted: Sequence[Setting]) -> None:
        """Read back; what is not as written is undone."""
        try:
            found = self.wire.get(wanted)
        except GruenbandError as error:
            detail = "it was committed, but cannot be read back; read the controller before anything else"
            raise self.failure(error, "unknown", detail) from error
        unlike = _differing(wanted, found)
        if not unlike:
            return
        old = [setting for setting in self.backup if setting.key in {s.key for s in wanted}]
        more = f", and {len(unlike) - 1} more differ" if len(unlike) > 1 else ""
        cause = f"{unlike[0].label} reads {unlike[0].text} after the commit{more}"
        if not _differing(old, found):
            raise self.failure(cause, "old", "the controller has dropped the transaction")
        raise self.failure(cause, *self._restore(old))

    def _restore(self, old: Sequence[Setting]) -> tuple[InForce, str]:
        try:
            self._command(TRANSACTION, {TRANSACTION})
            self.wire.set(old)
            self._verify()
            self._command(NORMAL, {NORMAL})
            unlike = _differing(old, self.wire.get(old))
        except GruenbandError as error:
            left = self._leave()
            return (
                "unknown",
                f"writing the old values back failed ({error}); {left}; take the signal out of service",
            )
        if unlike:
            return "unknown", f"{unlike[0].label} cannot be put back; take the signal out of service"
        return "old", "its values were written back and read again"
