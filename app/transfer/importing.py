"""An import: all files, in one transaction, or nothing of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import db
from app.errors import Problem
from app.transfer.bookings import BookingRows
from app.transfer.catalogue import CatalogueRows
from app.transfer.context import Context, Report, Source
from app.transfer.customers import CustomerRows
from app.transfer.directory import Directory
from app.transfer.faults import EnoughError
from app.transfer.needs import NeedRows
from app.transfer.schedules import ScheduleRows
from app.transfer.slots import SlotRows

Tick = Callable[[str], None]


class Rows(Protocol):
    """The rows of one kind or a few: looked at first, written later."""

    def check(self) -> None: ...

    def apply(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Choices:
    """`update`: what is there and different is changed; otherwise refused. `dry_run`: do
    everything, then undo it.
    """

    update: bool = False
    dry_run: bool = False


def import_files(
    vendor_id: UUID, sources: Sequence[Source], choices: Choices, tick: Tick = lambda _: None
) -> Report:
    """Everything in the files is there, in one transaction, or nothing is changed.

    A deadlock with others begins it all again, a few times. `tick` hears of every row, with what is
    being done. Raises ImportRefusedError with what is wrong, DatabaseProblem.
    """
    return db.persist(lambda: _import(vendor_id, list(sources), choices, tick))


def _import(vendor_id: UUID, sources: list[Source], choices: Choices, tick: Tick) -> Report:
    with db.transaction() as session:
        _one_after_another(session, vendor_id)
        directory = Directory(session, vendor_id)
        context = Context(session, vendor_id, directory, sources, choices.update, tick)
        with suppress(EnoughError):
            _run(context)
        context.faults.refuse()
        if choices.dry_run:
            session.rollback()
    return context.report


def _one_after_another(session: Session, vendor_id: UUID) -> None:
    """Two imports of a vendor would make the same rows in different orders, and deadlock."""
    alone = session.scalar(
        text("SELECT pg_try_advisory_xact_lock(hashtextextended(:what, 0))"),
        {"what": f"slotkeeper import {vendor_id}"},
    )
    if not alone:
        raise Problem("INVENTORY_LOCKED", "Another import of this vendor is at work: wait for it.")


def _run(context: Context) -> None:
    """First look at every row, then lock, then write: see the lock order in app/sql/README.md."""
    catalogue = [CatalogueRows(context, kind) for kind in ("locations", "providers", "services")]
    needs, schedules = NeedRows(context), ScheduleRows(context)
    slots, customers, bookings = SlotRows(context), CustomerRows(context), BookingRows(context)
    kinds: list[Rows] = [*catalogue, needs, schedules, slots, customers]
    for rows in kinds:
        rows.check()
    bookings.check()
    context.faults.refuse()
    schedules.lock()
    bookings.lock()
    for rows in kinds:
        rows.apply()
        context.faults.refuse()
    # Slots of schedules that come with the files are to be as they are there, with their bookings,
    # before the schedules are compared with them; bookings at others' times need those slots first.
    schedules.publish(slots.scheduled, others=True)
    bookings.apply()
    context.faults.refuse()
    schedules.publish(slots.scheduled, others=False)
    for catalogued in reversed(catalogue):
        catalogued.archive()
    context.faults.refuse()
