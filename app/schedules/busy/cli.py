"""`slotkeeper calendar import`: a provider's own calendar from a file, all or nothing."""

from __future__ import annotations

import json
from typing import IO, Any
from uuid import UUID

import click

from app import db
from app.auth.visits import find_vendor
from app.errors import InvalidRequest
from app.idempotency import IdempotencyKey
from app.schedules.actions import Change
from app.schedules.busy.calendars import import_calendar
from app.schedules.busy.schemas import CALENDAR_BYTES_MAX, NAME_MAX, CalendarImportQuery
from app.wire.answers import JsonProvider

ACTOR = {"type": "system", "id": "slotkeeper calendar import"}


@click.group("calendar")
def commands() -> None:
    """Import providers' own calendars."""


@commands.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--vendor", required=True, help="The vendor's slug.")
@click.option("--provider", required=True, type=click.UUID, help="Whose calendar it is.")
@click.option(
    "--calendar",
    default="calendar",
    show_default=True,
    help=f"The vendor's name for it, at most {NAME_MAX} characters; one a calendar.",
)
@click.option("--reason", help="Told by all its blocks.")
@click.option("--summaries", is_flag=True, help="Keep the events' summaries, told as reasons.")
@click.option("--dry-run", is_flag=True, help="Tell what would be done; do nothing.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def import_command(  # noqa: PLR0917  # click hands over by name what it parsed.
    context: db.CommandContext,
    /,
    file: IO[bytes],
    vendor: str,
    provider: UUID,
    calendar: str,
    reason: str | None,
    summaries: bool,  # noqa: FBT001
    dry_run: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Import the iCalendar FILE (- for standard input): when it says busy, nobody books.

    It replaces what the calendar of that name said before. Bookings in the way are told and are no
    failure.
    """
    raw = file.read(CALENDAR_BYTES_MAX + 1)
    if len(raw) > CALENDAR_BYTES_MAX:
        raise click.ClickException(f"The file has more than {CALENDAR_BYTES_MAX} bytes.")
    given = {"calendar": calendar, "summaries": summaries}
    if reason is not None:
        given["reason"] = reason
    problems = CalendarImportQuery().validate(given)
    if problems:
        raise click.ClickException(
            "; ".join(f"--{name}: {said[0]}" for name, said in problems.items())
        )
    with context.application():
        of = Change(find_vendor(vendor), ACTOR, dry_run)
        try:
            done, _ = import_calendar(of, provider, raw, given, IdempotencyKey(None, None))
        except InvalidRequest as error:
            raise click.ClickException(error.detail.removeprefix("body: ")) from error
        finally:
            db.db.engine.dispose()
    if as_json:
        click.echo(json.dumps(done, indent=2, default=JsonProvider.default))
    else:
        _show(done, dry_run=dry_run)


def _show(done: dict[str, Any], *, dry_run: bool) -> None:
    blocking = done["blocking"]
    for booking in blocking["in_the_way"]:
        click.echo(
            f"In the way: {booking['kind']} {booking['booking_id']},"
            f" {booking['start']} to {booking['end']}"
        )
    ignored = ", ".join(f"{number} {why}" for why, number in done["ignored"].items() if number)
    would = "Would be imported" if dry_run else "Imported"
    click.echo(
        f"{would} until {done['until']:%Y-%m-%d}: {done['imported']} new busy times,"
        f" {done['changed']} changed, {done['unchanged']} unchanged, {done['removed']} removed;"
        f" {blocking['blocked']} blocks made, {blocking['lifted']} lifted;"
        f" {blocking['in_the_way_total']} bookings in the way."
        + (f" Events ignored: {ignored}." if ignored else "")
    )
