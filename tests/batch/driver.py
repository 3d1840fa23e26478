"""A batch in a process of its own, for the tests that kill it: one line per event on its output."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from sim.batch.events import BatchEvent, BatchPlanned, BatchResult
from sim.batch.plan import plan_batch
from sim.batch.supervisor import run_batch
from sim.errors import GruenbandError
from sim.scenario.model import Scenario


def say(*words: object) -> None:
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


def batch(settings: dict[str, object]) -> BatchResult:
    scenario = Scenario.model_validate_json(Path(str(settings["scenario"])).read_text(encoding="utf-8"))

    def on_event(event: BatchEvent) -> None:
        say(type(event).__name__, getattr(event, "key", ""), getattr(event, "pid", ""))
        if isinstance(event, BatchPlanned) and "file_limit" in settings:
            # From here on every file of the batch is cut off at so many bytes, as on a full disk.
            limit = int(str(settings["file_limit"]))
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    return run_batch(
        plan_batch([scenario]),
        Path(str(settings["out"])),
        int(str(settings["jobs"])),
        None,
        on_event,
        str(settings.get("executor", "local")),
    )


if __name__ == "__main__":
    try:
        ended = batch(json.loads(sys.argv[1]))
    except GruenbandError as error:
        say("error", error.exit_code, error)
        sys.exit(error.exit_code)
    say("libsumo in the parent:", "libsumo" in sys.modules)
    say("interrupted" if ended.interrupted else "done")
    sys.exit(130 if ended.interrupted else 0)
