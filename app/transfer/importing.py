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
from app.transfer.catalogue import CatalogueRows
from app.transfer.context import Context, Report, Source
from app.transfer.directory import Directory
from app.transfer.faults import EnoughError
from app.transfer.needs import NeedRows
from app.transfer.schedules import ScheduleRows

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
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))"),
        {"what": f"slotkeeper import {vendor_id}"},
    )


def _run(context: Context) -> None:
    """First look at every row, then lock, then write: see the lock order in app/sql/README.md."""
    catalogue = [CatalogueRows(context, kind) for kind in ("locations", "providers", "services")]
    needs, schedules = NeedRows(context), ScheduleRows(context)
    kinds: list[Rows] = [*catalogue, needs, schedules]
    for rows in kinds:
        rows.check()
    context.faults.refuse()
    schedules.lock()
    for rows in kinds:
        rows.apply()
        context.faults.refuse()
    schedules.publish(set(), others=True)
    for catalogued in reversed(catalogue):
        catalogued.archive()
    context.faults.refuse()
