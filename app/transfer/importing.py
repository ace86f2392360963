"""An import: all files, in one transaction, or nothing of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import db
from app.errors import DatabaseProblem, Problem
from app.transfer.bookings import BookingRows
from app.transfer.catalogue import CatalogueRows
from app.transfer.channels import ChannelRows
from app.transfer.context import Context, Report, Source
from app.transfer.customers import CustomerRows
from app.transfer.directory import Directory
from app.transfer.faults import EnoughError
from app.transfer.needs import NeedRows
from app.transfer.schedules import ScheduleRows
from app.transfer.settings import SettingsRows
from app.transfer.slots import SlotRows
from app.transfer.time_off import TimeOffRows
from app.transfer.watching import Tick, Unwatched

UNDONE = "The connection to the database was lost, and all that had been done with it."
_UNWATCHED = Unwatched()


class CutOffError(Exception):
    """The commit was not answered: all of it is there, or nothing, and nobody knows."""


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
    vendor_id: UUID, sources: Sequence[Source], choices: Choices, tick: Tick = _UNWATCHED
) -> Report:
    """Everything in the files is there, in one transaction, or nothing is changed.

    A deadlock with others begins it all again, a few times. Raises ImportRefusedError with what is
    wrong, CutOffError, DatabaseProblem.
    """
    return db.persist(lambda: _import(vendor_id, list(sources), choices, tick))


def _import(vendor_id: UUID, sources: list[Source], choices: Choices, tick: Tick) -> Report:
    tick.anew()
    committing = False
    try:
        with db.transaction() as session:
            _one_after_another(session, vendor_id)
            directory = Directory(session, vendor_id)
            context = Context(session, vendor_id, directory, sources, choices.update, tick)
            with suppress(EnoughError):
                _run(context)
            context.faults.refuse()
            if choices.dry_run:
                session.rollback()
            committing = not choices.dry_run
    except DatabaseProblem as problem:
        if not problem.lost:
            raise
        ended = CutOffError() if committing else DatabaseProblem(problem.code, UNDONE)
        raise ended from problem.__cause__
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
    """First look at every row, then lock, then write: see the lock order in app/sql/README.md.

    What is wrong in one place does not keep the rest from being looked at: what publishing says of
    the rows that could be read is told together with what is wrong with the others.
    """
    settings, channels = SettingsRows(context), ChannelRows(context)
    catalogue = [CatalogueRows(context, kind) for kind in ("locations", "providers", "services")]
    needs, schedules = NeedRows(context), ScheduleRows(context)
    slots, customers, bookings = SlotRows(context), CustomerRows(context), BookingRows(context)
    time_off = TimeOffRows(context)
    settings.lock()
    first: list[Rows] = [settings, *catalogue]
    then: list[Rows] = [needs, schedules, time_off, slots, customers, channels, bookings]
    for rows in first:
        rows.check()
    # The others name these: without them nobody knows what they mean.
    known = not context.faults.found
    for rows in then:
        rows.check()
    if not known:
        context.faults.refuse()
    schedules.lock(time_off.providers | slots.scheduled)
    # Nobody waits for an import that is to be refused.
    if not context.faults.found:
        bookings.lock(time_off.providers, time_off.times)
    for rows in (*first, needs, schedules, slots, customers):
        rows.apply()
    context.faults.refuse()
    # Slots of schedules that come with the files are to be as they are there, with their bookings,
    # before the schedules are compared with them; bookings at others' times need those slots first.
    schedules.publish(slots.scheduled, others=True)
    bookings.apply()
    context.faults.refuse()
    schedules.publish(slots.scheduled, others=False)
    # Whoever was booked before somebody took leave remains; nobody is in its way yet.
    time_off.apply()
    # What was booked through a channel is from before it led where it leads now.
    channels.apply()
    for catalogued in reversed(catalogue):
        catalogued.archive()
    context.faults.refuse()
