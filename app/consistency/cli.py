"""`slotkeeper consistency check`: does the data keep what the constraints promise?"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import psycopg
import sqlalchemy.exc
from rich.console import Console

from app.auth.visits import find_vendor
from app.config import ConfigurationError
from app.consistency.checks import CHECKS
from app.consistency.queries import Report, run_checks
from app.consistency.repair import as_script, plan_repairs
from app.consistency.report import Scope, as_document, as_failure, show, write_textfile
from app.db import CommandContext
from app.errors import Problem
from app.errors.sqlstates import told_to_operators

CLEAN, FINDINGS, COULD_NOT_RUN = 0, 1, 2
FAILURES = (Problem, ConfigurationError, sqlalchemy.exc.SQLAlchemyError, psycopg.Error)
# Bookings go on meanwhile: no request needs the check.
_BROKEN = (
    "It is itself broken, so nothing is known of the data. What to run as the tables' owner:"
    " slotkeeper consistency check --repair-plan; then check again."
)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Moment(click.ParamType[datetime]):
    """How long ago (15m, 2h, 1d), or a moment with its offset (2026-03-01T06:00:00Z)."""

    name = "ago|moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        text = str(value)
        ago = re.fullmatch(r"(\d{1,6})([smhd])", text)
        if ago:
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.fail("say 90s, 15m, 2h, 1d, or a moment such as 2026-03-01T06:00:00Z", param, ctx)
        if moment > datetime.now(UTC):
            self.fail("that is still to come", param, ctx)
        return moment


@click.group("consistency")
def commands() -> None:
    """Check the data independently of the constraints."""


@commands.command("check")
@click.option("--vendor", help="Only this vendor's data, by its slug.")
@click.option("--since", type=Moment(), help="Only bookings changed since: 15m, or a moment.")
@click.option(
    "--check",
    "names",
    multiple=True,
    type=click.Choice([check.name for check in CHECKS]),
    metavar="NAME",
    help="Only this check; may be given again.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--repair-plan", "plan", is_flag=True, help="Say what could be done; do nothing.")
@click.option(
    "--textfile",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write metrics into this file, for node_exporter.",
)
@click.pass_obj
def check_command(
    context: CommandContext,
    /,
    *,
    vendor: str | None,
    since: datetime | None,
    names: tuple[str, ...],
    as_json: bool,
    plan: bool,
    textfile: Path | None,
) -> None:
    """Read everything and change nothing. Exit code: 0 clean, 1 findings, 2 could not run."""
    scope = Scope(vendor, since)
    report, status = None, COULD_NOT_RUN
    try:
        report = _run(context, scope, names)
        status = COULD_NOT_RUN if report.unable else CLEAN if report.clean else FINDINGS
    except FAILURES as error:
        _fail(scope, told_to_operators(error), as_json=as_json)
    try:
        if textfile is not None:
            write_textfile(textfile, scope, status, report)
    except OSError as error:
        click.echo(f"Error: {textfile} cannot be written: {error}.", err=True)
        status = COULD_NOT_RUN
    if report is not None:
        _tell(scope, report, as_json=as_json, plan=plan)
        if report.unable:
            click.echo(f"Error: The check could not run. {report.unable}. {_BROKEN}", err=True)
    sys.exit(status)


def _run(context: CommandContext, scope: Scope, names: tuple[str, ...]) -> Report:
    with (
        context.application(),
        # Shown only to somebody who watches.
        Console(stderr=True).status("") as progress,
    ):
        vendor_id = find_vendor(scope.vendor) if scope.vendor else None
        return run_checks(
            vendor_id,
            scope.since,
            names or None,
            say=lambda name: progress.update(f"{name} ..."),
        )


def _tell(scope: Scope, report: Report, *, as_json: bool, plan: bool) -> None:
    if as_json:
        document = as_document(scope, report)
        if plan:
            document["repair_plan"] = [asdict(repair) for repair in plan_repairs(report)]
        click.echo(json.dumps(document, indent=2))
        return
    show(report)
    if plan:
        click.echo()
        click.echo(as_script(plan_repairs(report)))


def _fail(scope: Scope, error: str, *, as_json: bool) -> None:
    click.echo(f"Error: The check could not run. {error}", err=True)
    if as_json:
        click.echo(json.dumps(as_failure(scope, error), indent=2))
