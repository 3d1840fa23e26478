"""Signal programs as files write them: which one SUMO runs, and what is odd about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from sim.errors import InputError
from sim.network.nema import YELLOW_UNLESS_GIVEN, NemaPhase, unroll
from sim.network.parts import Phase, Program

if TYPE_CHECKING:
    from collections.abc import Mapping

# SUMO also writes rail signals and level crossings as tlLogic; they are safety devices, not timings.
NOT_ROAD_SIGNALS = frozenset({"rail_signal", "rail_crossing"})
# The id by which SUMO switches a signal off.
OFF_PROGRAM = "off"
# Letters SUMO knows; it also takes others without a word, and then nobody knows what a driver does.
LETTERS = frozenset("rugGyYsoO")
NEMA = "NEMA"


class ProgramBook:
    """
    The programs met so far; SUMO runs the one of each signal that is loaded last.

    Parameters
    ----------
    source : str
        The file that is read now, for messages.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.running: dict[str, Program] = {}
        # Signals whose program SUMO changes by the clock.
        self.switched: set[str] = set()
        self._all: dict[tuple[str, str], Program] = {}
        self._logic: Mapping[str, str] | None = None
        self._phases: list[Mapping[str, str]] = []
        self._params: dict[str, str] = {}

    def begin(self, tag: str, attrs: Mapping[str, str]) -> bool:
        """
        Hear that an element begins.

        Parameters
        ----------
        tag : str
            Its tag.
        attrs : mapping
            Its attributes.

        Returns
        -------
        bool
            True if it belongs to a program, and nobody else need hear of it.
        """
        if tag == "tlLogic":
            self._logic, self._phases, self._params = dict(attrs), [], {}
        elif tag == "wautJunction":
            self.switched.add(attrs.get("junctionID", ""))
        elif self._logic is None:
            return False
        elif tag == "phase":
            self._phases.append(dict(attrs))
        elif tag == "param":
            self._params[attrs.get("key", "")] = attrs.get("value", "")
        return True

    def end(self, tag: str) -> bool:
        """
        Hear that an element ends.

        Parameters
        ----------
        tag : str
            Its tag.

        Returns
        -------
        bool
            True if it belongs to a program.
        """
        if self._logic is None:
            return False
        if tag == "tlLogic":
            self._note(self._logic)
            self._logic = None
        return True

    def _note(self, logic: Mapping[str, str]) -> None:
        signal, name = logic.get("id", ""), logic.get("programID", "")
        shift = self._number(logic, "offset", "0") if logic.get("offset") != "begin" else 0.0
        known = self._all.get((signal, name))
        if not self._phases and known is not None:
            # Without phases SUMO only moves the program it knows, and does not make it the running one.
            known = self._all[signal, name] = replace(known, offset=shift)
            if self.running[signal].id == name:
                self.running[signal] = known
            return
        kind = logic.get("type", "static")
        phases, remarks = self._read_phases(kind)
        program = Program(signal, name, kind, shift, phases, self.source, remarks)
        self._all[signal, name] = self.running[signal] = program

    def _read_phases(self, kind: str) -> tuple[tuple[Phase, ...], tuple[str, ...]]:
        if kind in NOT_ROAD_SIGNALS:
            return (), ()
        remarks: list[str] = []
        phases = tuple(self._read_phase(k, row, remarks) for k, row in enumerate(self._phases))
        self._check(phases)
        if kind == NEMA and phases:
            phases = self._unroll(phases, remarks)
        elif kind != "static" and phases:
            remarks.append(
                f"is of type {kind}: its times change with the traffic; the durations written are taken"
            )
        return phases, tuple(remarks)

    def _read_phase(self, k: int, row: Mapping[str, str], remarks: list[str]) -> Phase:
        bounds = [self._number(row, key, row[key]) for key in ("minDur", "maxDur") if key in row]
        if "duration" in row:
            duration = self._number(row, "duration", row["duration"])
        elif bounds:
            duration = sum(bounds) / len(bounds)
            remarks.append(
                f"gives phase {k} no duration, which SUMO 1.28 refuses; {duration:g} s, from its minDur and maxDur, is taken"
            )
        else:
            self._refuse(f"phase {k} has no duration; add one")
        if duration <= 0:
            remarks.append(f"gives phase {k} no time, which SUMO refuses; it is no stage")
        try:
            following = tuple(int(word) for word in row.get("next", "").split())
        except ValueError:
            self._refuse(f'phase {k}: next="{row["next"]}" is not a list of phase numbers')
        return Phase(row.get("state", ""), max(duration, 0.0), following)

    def _check(self, phases: tuple[Phase, ...]) -> None:
        sizes = sorted({len(phase.state) for phase in phases})
        if len(sizes) > 1:
            self._refuse(
                f"its states have {' and '.join(map(str, sizes))} letters; all must have the same number"
            )
        for k, phase in enumerate(phases):
            odd = sorted(set(phase.state) - LETTERS)
            if odd:
                self._refuse(f"phase {k} shows '{odd[0]}'; SUMO's letters are {' '.join(sorted(LETTERS))}")
            if any(not 0 <= n < len(phases) for n in phase.following):
                self._refuse(f"phase {k} is followed by a phase that does not exist; there are {len(phases)}")

    def _unroll(self, phases: tuple[Phase, ...], remarks: list[str]) -> tuple[Phase, ...]:
        try:
            rows = {
                int(row["name"]): NemaPhase(
                    int(row["name"]),
                    phase.state,
                    self._number(row, "maxDur", f"{phase.duration:g}"),
                    self._number(row, "yellow", f"{YELLOW_UNLESS_GIVEN:g}"),
                    self._number(row, "red", "0"),
                )
                for row, phase in zip(self._phases, phases, strict=True)
            }
            unrolled = unroll(rows, self._params)
        except (KeyError, ValueError) as fault:
            remarks.append(f"is a NEMA program that cannot be read ({fault}); the signal is left to SUMO")
            return ()
        remarks.append(
            "is a NEMA program: its rings are read as one sequence in which both move on together; other pairs of its "
            "phases are no stages here, and its times change with the traffic"
        )
        return unrolled

    def _number(self, row: Mapping[str, str], key: str, default: str) -> float:
        text = row.get(key, default)
        try:
            return float(text)
        except ValueError:
            self._refuse(f'{key}="{text}" is not a number')

    def _refuse(self, what: str) -> NoReturn:
        logic = self._logic or {}
        msg = f"{self.source}: signal '{logic.get('id')}': program '{logic.get('programID')}': {what}"
        raise InputError(msg)
