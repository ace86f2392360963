"""`slotkeeper consistency check`: does the data keep what the constraints promise?"""

from __future__ import annotations

import json
import sys
from typing import Any

import click
import sqlalchemy.exc
from rich.console import Console
from rich.table import Table

from app.auth.visits import find_vendor
from app.config import ConfigurationError
from app.consistency.queries import verify_booking_slot_consistency
from app.db import CommandContext
from app.errors import Problem

CLEAN, FINDINGS, COULD_NOT_RUN = 0, 1, 2


@click.group("consistency")
def commands() -> None:
    """Check the data independently of the constraints."""


@commands.command("check")
@click.option("--vendor", help="Only this vendor, by its slug.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def check_command(context: CommandContext, /, vendor: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Check all data. Exit code: 0 clean, 1 findings, 2 could not run."""
    try:
        with context.application():
            checks = verify_booking_slot_consistency(find_vendor(vendor) if vendor else None)
    except (Problem, ConfigurationError, sqlalchemy.exc.SQLAlchemyError) as error:
        click.echo(f"Error: The check could not run. {error}", err=True)
        sys.exit(COULD_NOT_RUN)
    if as_json:
        click.echo(json.dumps({"checks": checks}, indent=2, default=str))
    else:
        _show(checks)
    sys.exit(CLEAN if all(check["status"] == "PASS" for check in checks) else FINDINGS)


def _show(checks: list[dict[str, Any]]) -> None:
    table = Table("check", "result", "violations", "first offenders")
    for check in checks:
        offenders = "\n".join(json.dumps(one, default=str) for one in check["offenders"] or [])
        passed = check["status"] == "PASS"
        result = "[green]PASS[/]" if passed else "[red]FAIL[/]"
        table.add_row(check["check_name"], result, str(check["violations"]), offenders)
    Console().print(table)
