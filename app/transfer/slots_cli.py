"""`slotkeeper slots publish`: an import of slots alone, from one file or standard input."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import click

from app import db
from app.auth.visits import find_vendor
from app.transfer.context import Context, Source
from app.transfer.directory import Directory
from app.transfer.faults import EnoughError, ImportRefusedError
from app.transfer.kinds import KINDS
from app.transfer.slots import SlotRows
from app.transfer.watching import Tick, progress

ACTOR = {"type": "system", "id": "slotkeeper slots publish"}


@dataclass(frozen=True, slots=True)
class _Choices:
    provider: str | None
    on_overlap: str
    dry_run: bool


@click.group("slots")
def commands() -> None:
    """Publish slots from files."""


@commands.command("publish")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--vendor", required=True, help="The vendor's slug.")
@click.option("--provider", help="Whose slots, for lines that do not say: ref, id or name.")
@click.option(
    "--on-overlap",
    type=click.Choice(["refuse", "skip"]),
    default="refuse",
    show_default=True,
    help="What to do where a slot is published already.",
)
@click.option("--dry-run", is_flag=True, help="Do everything, then undo it.")
@click.pass_obj
def publish_command(
    context: db.CommandContext,
    /,
    *,
    file: str,
    vendor: str,
    provider: str | None,
    on_overlap: str,
    dry_run: bool,
) -> None:
    """Publish the slots in FILE (CSV or JSON; - for standard input), all or nothing.

    CSV has a header; its columns are provider, start, end, capacity, location, price_amount and
    price_currency, of which start and end are needed. JSON is an array of objects with these
    members. As slotkeeper import takes slots, but that one which is there already is an overlap.
    """
    choices = _Choices(provider, on_overlap, dry_run)
    with _file(file) as source, context.application(), progress() as tick:
        vendor_id = find_vendor(vendor)
        try:
            read, published = db.persist(lambda: _publish(vendor_id, source, choices, tick))
        except ImportRefusedError as error:
            raise click.ClickException(f"Nothing was published.\n{error}") from None
    would = "Would have published" if dry_run else "Published"
    click.echo(f"{would} {published} of {read} slots; {read - published} skipped.")


def _publish(vendor_id: UUID, source: Source, choices: _Choices, tick: Tick) -> tuple[int, int]:
    """How many slots were read, and how many of them are now published."""
    tick.anew()
    with db.transaction() as session:
        directory = Directory(session, vendor_id)
        context = Context(session, vendor_id, directory, [source], update=False, tick=tick)
        context.actor = ACTOR
        try:
            provider = directory.providers.find(choices.provider) if choices.provider else None
        except LookupError as error:
            raise click.BadParameter(str(error), param_hint="--provider") from None
        rows = SlotRows(context, provider=provider, on_overlap=choices.on_overlap, twice=False)
        with suppress(EnoughError):
            rows.check()
            if not rows.read and not context.faults.found:
                context.faults.add(source.shown, None, {"": "The file holds no slots."})
            rows.apply()
        context.faults.refuse()
        if choices.dry_run:
            session.rollback()
        return rows.read, context.report.counts["slots"]["made"]


@contextmanager
def _file(name: str) -> Iterator[Source]:
    """The file, or a copy of standard input: it is read twice."""
    if name != "-":
        yield Source(Path(name), KINDS["slots"])
        return
    with tempfile.NamedTemporaryFile(prefix="slotkeeper-") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield Source(Path(copy.name), KINDS["slots"], name="standard input")
