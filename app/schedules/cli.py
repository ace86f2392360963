"""`slotkeeper schedules publish`: keep the slots of schedules published, from cron or by hand."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table

from app import db
from app.auth.visits import find_vendor
from app.config import ConfigurationError
from app.errors import Problem
from app.errors.sqlstates import told_to_operators
from app.schedules.publishing import publish_days, publish_provider
from app.schedules.queries import scheduled_providers

PUBLISHED, INCOMPLETE, COULD_NOT_RUN = 0, 1, 2
COUNTS = ("published", "removed", "resized", "kept", "in_the_way_total")
HEADINGS = ("published", "removed", "resized", "kept", "in the way")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done for one provider: `publishing` as the API answers it, or why it failed."""

    vendor: str
    provider_id: str
    provider: str
    publishing: dict[str, Any] | None
    error: str | None


@click.group("schedules")
def commands() -> None:
    """Keep the slots of schedules published."""


@commands.command("publish")
@click.option("--vendor", help="Only this vendor's schedules, by its slug.")
@click.option(
    "--days",
    type=click.IntRange(1, 730),
    help="How many days ahead; SLOTKEEPER_PUBLISH_DAYS (180) if not said.",
)
@click.option("--dry-run", is_flag=True, help="Tell what would be done; do nothing.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def publish_command(
    context: db.CommandContext,
    /,
    *,
    vendor: str | None,
    days: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Publish what schedules give: what is so already is left alone, bookings keep their time.

    Exit code: 0 published, 1 failed for some providers, 2 could not run. Bookings in the way are
    told and are no failure.
    """
    try:
        with context.application():
            horizon = days or publish_days()
            done = list(_publish_all(vendor, horizon, dry_run=dry_run))
            db.db.engine.dispose()
    except (ConfigurationError, Problem) as error:
        click.echo(f"Error: Nothing was published. {told_to_operators(error)}", err=True)
        sys.exit(COULD_NOT_RUN)
    if as_json:
        document = {"days": horizon, "dry_run": dry_run, "providers": [asdict(one) for one in done]}
        click.echo(json.dumps(document, indent=2))
    else:
        _show(done, horizon, dry_run=dry_run)
    failed = [one for one in done if one.error is not None]
    for one in failed:
        click.echo(
            f"Error: {one.vendor}, {one.provider} ({one.provider_id}): {one.error}", err=True
        )
    sys.exit(INCOMPLETE if failed else PUBLISHED)


def _publish_all(vendor: str | None, days: int, *, dry_run: bool) -> Iterator[Outcome]:
    """A provider at a time, each in a transaction of its own: one that fails keeps none from it."""
    if vendor is not None:
        vendors = [(find_vendor(vendor), vendor)]
    else:
        rows = db.read("SELECT id, slug FROM vendors WHERE archived_at IS NULL ORDER BY id")
        vendors = [(row.id, row.slug) for row in rows]
    # Shown only to somebody who watches.
    with Console(stderr=True).status("") as progress:
        for vendor_id, slug in vendors:
            for provider_id, name in scheduled_providers(vendor_id):
                progress.update(f"{slug}, {name} ...")
                yield _publish_one(vendor_id, slug, provider_id, name, days, dry_run=dry_run)


def _publish_one(
    vendor_id: UUID, slug: str, provider_id: UUID, name: str, days: int, *, dry_run: bool
) -> Outcome:
    try:
        facts = publish_provider(vendor_id, provider_id, days=days, dry_run=dry_run)
    except Problem as problem:
        if problem.code == "SERVICE_UNAVAILABLE":
            raise
        return Outcome(slug, str(provider_id), name, None, told_to_operators(problem))
    return Outcome(slug, str(provider_id), name, facts, None)


def _show(done: list[Outcome], days: int, *, dry_run: bool) -> None:
    published = [one for one in done if one.publishing is not None]
    if not done:
        click.echo("There are no schedules.")
        return
    table = Table("vendor", "provider", *HEADINGS, box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for one in published:
        facts = one.publishing or {}
        table.add_row(one.vendor, one.provider, *(str(facts[name]) for name in COUNTS))
    Console(soft_wrap=True).print(table)
    for one in published:
        for booking in (one.publishing or {})["in_the_way"]:
            click.echo(
                f"In the way: {one.vendor}, {one.provider}: {booking['kind']}"
                f" {booking['booking_id']}, {booking['start']} to {booking['end']}"
            )
    would = "Would be published" if dry_run else "Published"
    click.echo(f"{would} {days} days ahead, for {len(published)} of {len(done)} providers.")
