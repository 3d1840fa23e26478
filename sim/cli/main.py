"""The ``gruenband`` command: its sub-commands, its one-line errors and its exit codes."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from typing import TYPE_CHECKING, Annotated

import typer

from sim import __version__
from sim.cli import (
    check,
    compare,
    doctor,
    events,
    export,
    listing,
    merge,
    network,
    plan,
    report,
    results,
    run,
    upload,
    watch,
)
from sim.cli.options import Debug  # noqa: TC001 - typer reads the annotation at run time
from sim.errors import EnvironmentFaultError, GruenbandError

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141  # what a shell reports for a command ended by SIGPIPE

# Plain help: the boxed one costs another 0.15 s at every --help.
app = typer.Typer(
    name="gruenband",
    help="Adaptive traffic-signal timings, proved in Eclipse SUMO.",
    epilog="Exit codes: 0 done, 1 not safe or worse, 2 wrong input, 3 machine or installation, 4 some runs failed, 130 interrupted.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run_command)
app.command("results")(results.results_command)
app.command("merge")(merge.merge_command)
app.command("compare")(compare.compare_command)
app.command("report")(report.report_command)
app.command("watch")(watch.watch_command)
app.add_typer(plan.app, name="plan")
app.add_typer(network.app, name="network")
app.command("check")(check.check_command)
app.command("export")(export.export_command)
app.command("upload")(upload.upload_command)
app.command("events")(events.events_command)
app.command("list")(listing.list_command)
app.command("doctor")(doctor.doctor_command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gruenband {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_show_version),
    ] = False,
    debug: Debug = False,
) -> None:
    pass


def main() -> None:
    """Run the command line of this process and end it with an exit code."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: Sequence[str]) -> int:
    """
    Run one command line.

    Parameters
    ----------
    arguments : sequence of str
        The arguments after the program's name.

    Returns
    -------
    int
        The exit code; every error has been told on stderr in one line.
    """
    debug = "--debug" in arguments
    command = typer.main.get_command(app)
    try:
        code = command.main(args=list(arguments), prog_name="gruenband", standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted; start the same command again to go on", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader (head, less) has gone; python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - the last stop of every error
        if debug:
            traceback.print_exc()
        return _fail(*_explain(error))
    return code if isinstance(code, int) else 0


def _explain(error: Exception) -> tuple[str, int]:
    """Say what went wrong in one line, and the exit code for it."""
    if isinstance(error, GruenbandError):
        return _one_line(str(error)), error.exit_code
    usage = getattr(error, "format_message", None)  # typer's own errors; their class moved between releases
    if usage is not None:
        return f"{_one_line(usage())} (see 'gruenband --help')", 2
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {_os_reason(error)}", EnvironmentFaultError.exit_code
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return _os_reason(error), EnvironmentFaultError.exit_code
    kind = type(error).__name__
    return f"internal error: {kind}: {_one_line(str(error))}; --debug shows where", GruenbandError.exit_code


def _os_reason(error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "the disk is full; free some space and start the same command again, finished runs are kept"
    return _one_line(error.strerror or str(error))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _fail(message: str, code: int) -> int:
    sys.stdout.flush()
    sys.stderr.write(f"gruenband: error: {message}\n")
    return code


if __name__ == "__main__":
    main()
