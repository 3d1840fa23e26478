"""``gruenband upload``: a plan's signal into its controller over SNMP, behind the safety gate."""

from __future__ import annotations

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.options import Debug, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.export.ntcip_objects import Setting
    from sim.export.snmp_wire import Target


class Snmp(StrEnum):
    """Versions of SNMP that field controllers speak."""

    one = "1"
    two = "2c"


def upload_command(  # noqa: PLR0913, PLR0917 - one argument per option
    plan: Annotated[Path | None, typer.Argument(metavar="PLAN", help="Plan file (JSON).")] = None,
    signal: Annotated[
        str | None, typer.Option("--signal", metavar="ID", help="The signal that the controller switches.")
    ] = None,
    address: Annotated[str, typer.Option("--address", metavar="HOST", help="The controller.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="UDP port; often 161 or 501.")] = 161,
    remote: Annotated[
        bool,
        typer.Option("--remote", help="Allow another machine than this one: a controller on the street."),
    ] = False,
    snmp: Annotated[Snmp, typer.Option("--snmp", help="Version of SNMP.")] = Snmp.one,
    community_file: Annotated[
        Path | None,
        typer.Option(
            "--community-file",
            metavar="FILE",
            help="File of mode 600 with the SNMP community; else the variable GRUENBAND_NTCIP_COMMUNITY.",
        ),
    ] = None,
    backup: Annotated[
        Path | None,
        typer.Option(
            "--backup", metavar="FILE", help="Where the old values go (default: backup-<signal>.csv)."
        ),
    ] = None,
    split_numbers_fixed: Annotated[
        bool,
        typer.Option("--split-numbers-fixed", help="The controller does not let patternSplitNumber be set."),
    ] = False,
    restore: Annotated[
        Path | None,
        typer.Option(
            "--restore",
            metavar="FILE",
            help="Instead of a plan: set what an earlier upload kept with --backup; no safety check is made.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be set, and send nothing.")
    ] = False,
    profile: Annotated[
        str, typer.Option("--profile", metavar="NAME", help="Limits: rilsa, nema, basic or a TOML file.")
    ] = "nema",
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Set a signal's programs in its controller by NTCIP 1202 over SNMP, in one database transaction.

    The plan passes the safety gate first. The controller's old values are kept in a file. Whatever goes wrong before the
    controller has taken the whole database, its old plan stays in force, and the message says so. SNMP 1 and 2c are not
    encrypted: use a network of your own.
    """
    if restore is not None and plan is None:
        settings, name = _restored(restore), restore.stem
    elif plan is not None and signal is not None and restore is None:
        settings, name = _settings(plan, signal, profile), f"backup-{signal}"
    else:
        refuse("give PLAN and --signal ID, or --restore FILE alone")
    if dry_run:
        from sim.export.snmp import dry_run as sets

        for line in sets(settings):
            typer.echo(line)
        return 0
    from sim.export.names import file_names
    from sim.export.snmp import upload
    from sim.export.snmp_wire import Target, community_from_environment, community_from_file

    kept = backup or Path(file_names([(name,)], ".csv")[0])
    if kept.exists():
        refuse(
            f"{kept} is there already, and the old values of a controller go there; name another with --backup"
        )
    community = community_from_file(community_file) if community_file else community_from_environment()
    target = Target(address, port, community, version=snmp.value, allow_remote=remote)
    report = upload(
        settings,
        target,
        keep=lambda old: _keep(old, kept, target),
        split_numbers_fixed=split_numbers_fixed,
    )
    typer.echo(f"{target}: {report}.")
    for what, rows in (("has no place for", report.skipped), ("was told to drop", report.cleared)):
        if rows:
            typer.echo(
                f"The controller {what} {len(rows)} rows without effect, such as {rows[0].label}.", err=True
            )
    return 0


def _restored(path: Path) -> Sequence[Setting]:
    """Take what an upload has kept, whole and unchanged."""
    from sim.export.ntcip_backup import read_backup
    from sim.signals.files import read_whole

    settings, source = read_backup(read_whole(path), str(path))
    typer.echo(
        f"{path} is what {source} held before an upload, unchanged. It is set as it stands, without a safety check: "
        "nobody but the controller knows whether it was safe.",
        err=True,
    )
    return settings


def _settings(path: Path, signal: str, profile: str) -> Sequence[Setting]:
    """Take the settings from a file that has passed the gate, not from memory."""
    from sim.errors import near_miss
    from sim.export.gate import export_plan
    from sim.export.ntcip_objects import read_list
    from sim.export.registry import find_format
    from sim.signals.plan import read_plan
    from sim.signals.profile import load_profile
    from sim.signals.safety import UnsafePlanError, check_plan

    plan = read_plan(path)
    chosen = plan.signal(signal)
    if chosen is None:
        refuse(f"{path}: no signal '{signal}'{near_miss(signal, [item.id for item in plan.signals])}")
    limits = load_profile(profile).limits
    findings = check_plan(plan, limits)
    if findings:
        what = f"plan '{plan.name}' is not uploaded"
        raise UnsafePlanError(what, findings)
    one = plan.model_copy(update={"signals": (chosen,)})
    with tempfile.TemporaryDirectory(prefix="gruenband-") as scratch:
        (written,) = export_plan(one, find_format("ntcip"), Path(scratch), limits)
        return read_list(written.read_bytes(), written.name)


def _keep(settings: Sequence[Setting], path: Path, target: Target) -> None:
    from sim.export.ntcip_backup import write_backup
    from sim.signals.files import write_whole

    write_whole(path, write_backup(settings, str(target)))
    typer.echo(f"What the {target} held before is kept in {path}.", err=True)
