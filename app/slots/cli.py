"""`slotkeeper slots publish`: slots from a file, all or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, islice
from typing import IO
from uuid import UUID

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.orm import Session

from app import db
from app.auth.visits import find_vendor
from app.errors import Refusal
from app.slots.actions import publish_slots
from app.slots.files import FileError, LineSlot, read_slots

# A function call of this size takes well under a second: far from the statement timeout.
BATCH = 5_000
ERRORS_SHOWN_MAX = 20
ACTOR = {"type": "system", "id": "slotkeeper slots publish"}


@click.group("slots")
def commands() -> None:
    """Publish slots from files."""


@commands.command("publish")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@click.option("--vendor", required=True, help="The vendor's slug.")
@click.option("--provider", type=click.UUID, help="Whose slots, for lines that do not say.")
@click.option(
    "--on-overlap",
    type=click.Choice(["refuse", "skip"]),
    default="refuse",
    show_default=True,
    help="What to do where a slot is published already.",
)
@click.option("--dry-run", is_flag=True, help="Do everything, then undo it.")
@click.pass_obj
def publish_command(  # noqa: PLR0917  # click hands over by name what it parsed.
    context: db.CommandContext,
    /,
    file: IO[str],
    vendor: str,
    provider: UUID | None,
    on_overlap: str,
    dry_run: bool,  # noqa: FBT001
) -> None:
    """Publish the slots in FILE (CSV or JSON; - for standard input), all or nothing.

    CSV has a header; its columns are provider_id, start, end, capacity, location_id, price_amount
    and price_currency, of which start and end are needed. Times are RFC 3339 with an offset. JSON
    is an array of slots as the API takes them.
    """
    try:
        slots, wrong = read_slots(file.read(), provider)
    except UnicodeDecodeError as error:
        raise click.ClickException(
            f"Nothing was published. The file is not UTF-8 at byte {error.start}: save it as UTF-8."
        ) from None
    except FileError as error:
        raise click.ClickException(f"Nothing was published. {error}") from None
    if wrong:
        more = len(wrong) - ERRORS_SHOWN_MAX
        shown = [*wrong[:ERRORS_SHOWN_MAX], *([f"and {more} more"] if more > 0 else [])]
        raise click.ClickException("\n".join(["Nothing was published.", *shown]))
    with context.application(), _progress() as progress, db.transaction() as session:
        task = progress.add_task("publish", total=len(slots))
        vendor_id = find_vendor(vendor)
        published = 0
        for batch in _batches(slots):
            published += _publish(session, vendor_id, batch, on_overlap)
            progress.advance(task, len(batch))
        if dry_run:
            session.rollback()
    would = "Would have published" if dry_run else "Published"
    click.echo(f"{would} {published} of {len(slots)} slots; {len(slots) - published} skipped.")


def _progress() -> Progress:
    return Progress(
        TextColumn("Publishing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _batches(slots: list[LineSlot]) -> Iterator[list[LineSlot]]:
    """Batches of one provider each, otherwise in the order of the file."""
    by_provider = sorted(slots, key=lambda one: one.provider_id)
    for _, group in groupby(by_provider, key=lambda one: one.provider_id):
        while batch := list(islice(group, BATCH)):
            yield batch


def _publish(session: Session, vendor_id: UUID, batch: list[LineSlot], on_overlap: str) -> int:
    provider_id = batch[0].provider_id
    wanted = [one.slot for one in batch]
    try:
        row = publish_slots(vendor_id, provider_id, wanted, on_overlap, ACTOR, within=session)
    except Refusal as error:
        raise click.ClickException(_at_line(error, batch)) from None
    return len(row.slot_ids)


def _at_line(error: Refusal, batch: list[LineSlot]) -> str:
    """The refusal with the line of the file in place of the index in the call."""
    index = error.facts.get("index")
    if index is None:
        return f"Nothing was published. {error}"
    line = f"line {batch[index].line}"
    detail = error.detail.replace(f"slots.{index}.", f"{line}: ", 1)
    detail = detail.replace(f"slots.{index}", line, 1)
    return f"Nothing was published. {detail}"
