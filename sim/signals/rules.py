"""The safety rules a timing plan must keep: what each says and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """
    A safety rule.

    Parameters
    ----------
    id : str
        Its name in messages.
    sentence : str
        What it asks.
    source : str
        Guideline or standard.
    """

    id: str
    sentence: str
    source: str


@dataclass(frozen=True, slots=True)
class Finding:
    """
    A place where a plan breaks a rule.

    Parameters
    ----------
    rule : str
        Id of the rule.
    text : str
        What is wrong, with its figures.
    signal, program : str
        Where; empty for the whole plan.
    groups : tuple of str
        The groups concerned.
    second : int or None
        Second of the program [s].
    """

    rule: str
    text: str
    signal: str = ""
    program: str = ""
    groups: tuple[str, ...] = ()
    second: int | None = None

    def __str__(self) -> str:
        where = [f"signal '{self.signal}'"] if self.signal else []
        where += [f"program '{self.program}'"] if self.program else []
        where += [f"second {self.second}"] if self.second is not None else []
        return f"{', '.join(where) or 'plan'}: {self.text} [{self.rule}]"


_GATE = "field practice: a controller accepts nothing else"
_RILSA = "FGSV, RiLSA 2015"
_STVO = "VwV-StVO on section 37, IX"

RULES = {
    rule.id: rule
    for rule in (
        Rule("ids", "Signals, groups, programs and program numbers have names of their own.", _GATE),
        Rule("links", "Every link belongs to exactly one group.", _GATE),
        Rule(
            "matrix",
            "The intergreen matrix names pairs of known groups, and each pair in both orders.",
            f"{_RILSA}, 2.7",
        ),
        Rule("greens", "Greens lie within the cycle, belong to known groups and do not overlap.", _GATE),
        Rule(
            "cycle",
            "The cycle is within the profile's limits.",
            f"{_RILSA}, 2.5.1; NTCIP 1202 v03, patternCycleTime",
        ),
        Rule("offset", "The offset is at least 0 and below the cycle.", "NTCIP 1202 v03, patternOffsetTime"),
        Rule("conflict", "Conflicting groups are never green at the same time.", f"{_STVO}; {_RILSA}, 2.3"),
        Rule(
            "intergreen",
            "From the end of a green to the begin of a conflicting one at least the intergreen passes.",
            f"{_RILSA}, 2.7",
        ),
        Rule(
            "minimum-green",
            "Every green lasts its group's minimum, and that minimum is at least the profile's.",
            f"{_RILSA}, 2.4",
        ),
        Rule("minimum-red", "Between yellow and the group's next green there is red.", _STVO),
        Rule("yellow", "Every green of vehicles ends with yellow of full length.", f"{_STVO}; MUTCD 4D.26"),
        Rule(
            "yellow-time",
            "Yellow is long enough for the permitted speed and within the profile's limits.",
            f"{_STVO}; MUTCD 4D.26",
        ),
        Rule(
            "red-yellow", "Red-yellow before green is within the profile's limits and shown in full.", _STVO
        ),
        Rule("served", "Every group has a green in every program.", _GATE),
        Rule(
            "pedestrian-clearance",
            "The intergreen after a pedestrian green covers the walk from kerb to kerb.",
            f"{_RILSA}, 2.7; MUTCD 4E.06",
        ),
        Rule(
            "pedestrian-green",
            "Who starts walking at the begin of green reaches the middle of the road in green.",
            f"{_RILSA}, 2.4",
        ),
        Rule("stages", "Stages named in the plan follow each other as named.", _GATE),
        Rule(
            "switch",
            "Programs change within the cycle, and nothing is in transition at that second.",
            f"{_RILSA}, 4.2 (günstiger Schaltpunkt)",
        ),
        Rule(
            "change",
            "At every change of programs conflicts, intergreens, minimum greens, yellows and reds are kept.",
            f"{_RILSA}, 4.2",
        ),
        Rule(
            "schedule",
            "Every day has a day plan that begins at 00:00 and names programs that every signal has.",
            _GATE,
        ),
        Rule("whole-seconds", "All times are whole seconds.", _GATE),
        Rule("file", "The written file says the same as the plan, second by second.", _GATE),
        Rule(
            "nema-range",
            "Every value is within the range of its object.",
            "NTCIP 1202 v03, phaseTable, splitTable, patternTable",
        ),
        Rule(
            "nema-ring",
            "Each phase stands in one ring once, and the phases of a ring are never green together.",
            "NTCIP 1202 v03, sequenceData; NEMA TS 2, 3.5",
        ),
        Rule("nema-barrier", "All rings cross each barrier in the same second.", "NEMA TS 2, 3.5"),
        Rule("nema-sum", "The splits of each ring add up to the cycle.", "NTCIP 1202 v03, splitTable"),
        Rule(
            "nema-split",
            "A split holds minimum green, yellow and red clearance, and walk and pedestrian clearance.",
            "NTCIP 1202 v03, splitTime",
        ),
        Rule(
            "nema-concurrency",
            "Phases run together only across rings, on one side of a barrier, and if they do not conflict.",
            "NTCIP 1202 v03, phaseConcurrency",
        ),
        Rule(
            "nema-coordinated",
            "Each ring has one coordinated phase, all on the same side of a barrier.",
            "NTCIP 1202 v03, splitCoordPhase",
        ),
        Rule(
            "nema-clearance",
            "Yellow and red clearance are within the profile's limits and cover the intergreens.",
            "MUTCD 4D.26",
        ),
    )
}
