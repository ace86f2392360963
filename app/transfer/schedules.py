"""Import of schedules and exceptions, and the slots they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from app.errors import Problem
from app.models import Schedule, ScheduleException
from app.records.reading import Record
from app.schedules.publishing import lock_schedules, publish
from app.schedules.rules import check_exception, check_schedule
from app.schedules.schemas import ExceptionSchema, ScheduleSchema
from app.transfer.cells import Cells, given, loaded, typed, with_price
from app.transfer.context import ACTOR, Context, require
from app.transfer.directory import Entry, pick
from app.transfer.faults import RowError, Wrong, row_error
from app.transfer.kinds import DAYS, KINDS, Kind
from app.transfer.refs import Refs, ref_of
from app.transfer.watching import CHECKING, IMPORTING

SCHEDULES, EXCEPTIONS = KINDS["schedules"], KINDS["exceptions"]
_SCHEDULE = ScheduleSchema(
    only=(
        *("valid_from", "valid_until", "weekly", "slot_minutes", "gap_minutes"),
        *("capacity", "price"),
    )
)
_EXCEPTION = ExceptionSchema(only=("starts_on", "ends_on", "kind", "hours", "reason"))
_DEFAULTS: Cells = {"gap_minutes": 0, "capacity": 1}


@dataclass(slots=True)
class _Planned:
    """A row of a file: whose it is, what it says, and the row that is there already, if one is."""

    file: str
    record: Record
    ref: str | None
    provider: Entry
    values: Cells
    entry: Entry
    # Of a schedule: it gives nothing, and its slots stand for their bookings alone.
    archived: bool = False


class ScheduleRows:
    """Schedules, then exceptions; `publish` makes their slots."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._planned: dict[str, list[_Planned]] = {"schedules": [], "exceptions": []}
        # Exceptions are no part of the directory: nothing else names them.
        self._exceptions: dict[Any, ScheduleException] = {}
        self._matched: set[Any] = set()
        # Whose weeks go by a location's clocks that the files change.
        self._moved: set[Entry] = set()

    def check(self) -> None:
        """Match every row to one that is there, or to a new one; note what is wrong."""
        self._check(SCHEDULES, self._schedule)
        if self._context.has(EXCEPTIONS):
            rows = self._context.session.scalars(
                select(ScheduleException)
                .where(ScheduleException.vendor_id == self._context.vendor_id)
                .execution_options(populate_existing=True)
            )
            self._exceptions = {row.id: row for row in rows}
            self._check(EXCEPTIONS, self._exception)

    def _check(self, kind: Kind, read: Any) -> None:
        refs = Refs()
        for file, record in self._context.rows(kind, CHECKING):
            refs.note(file, record)
            cells, wrong = typed(kind, record)
            try:
                ref = ref_of(cells, wrong)
                provider = pick(
                    self._context.directory.providers, cells, "provider", wrong, needed=True
                )
                planned = read(file, record, ref, provider, cells, wrong)
                self._require_alike(kind, planned)
                self._planned[kind.name].append(planned)
            except RowError as error:
                self._context.faults.add(file, record, error.wrong)
        refs.tell(self._context.faults)

    def _schedule(  # noqa: PLR0917
        self,
        file: str,
        record: Record,
        ref: str | None,
        provider: Entry,
        cells: Cells,
        wrong: Wrong,
    ) -> _Planned:
        location = pick(self._context.directory.locations, cells, "location", wrong)
        archived = _archived(cells, ref, wrong)
        weekly = {day: cells.pop(day) or [] for day in DAYS if day in cells}
        cells = with_price(cells)
        values = loaded(_SCHEDULE, {**given(cells), "weekly": weekly}, SCHEDULES, wrong)
        require(wrong)
        for name in cells:
            values.setdefault(name, _DEFAULTS.get(name))
        values["weekly"] = {day: hours for day, hours in values["weekly"].items() if hours}
        if "price" in values:
            price = values.pop("price") or {"amount": None, "currency": None}
            values |= {"price_amount": price["amount"], "price_currency": price["currency"]}
        values["location"] = location
        schedules = self._context.directory.schedules
        entry = schedules.known(ref) if ref else None
        if entry is None:
            alike = [
                one
                for one in schedules.entries
                if one.provider is provider
                and one.row is not None
                and not (one.archived or archived)
                and one.location is location
                and one.row.valid_from == values["valid_from"]
                and one not in self._matched
            ]
            new = Entry("", archived=archived, location=location, provider=provider)
            entry = alike[0] if alike else new
        if entry.row is None:
            schedules.add(entry, ref)
        elif ref is not None:
            schedules.refs[ref] = entry
        return _Planned(file, record, ref, provider, values, entry, archived)

    def _exception(  # noqa: PLR0917
        self,
        file: str,
        record: Record,
        ref: str | None,
        provider: Entry,
        cells: Cells,
        wrong: Wrong,
    ) -> _Planned:
        schedule = pick(self._context.directory.schedules, cells, "schedule", wrong)
        if schedule is not None and schedule.provider is not provider:
            wrong["schedule"] = "It is another provider's."
        values = loaded(_EXCEPTION, given(cells), EXCEPTIONS, wrong)
        require(wrong)
        values = {"hours": [], "reason": None, **values, "schedule": schedule}
        values.setdefault("ends_on", values["starts_on"])
        try:
            check_exception(ScheduleException(), values)
        except Problem as error:
            raise row_error(error, EXCEPTIONS.columns) from None
        row = None
        if ref is not None:
            row_id = self._context.kept_refs("exceptions", [ref]).get(ref)
            row = self._exceptions.get(row_id) or next(
                (one for one in self._exceptions.values() if str(one.id) == ref.lower()), None
            )
        entry = Entry("", row=row)
        if row is None:
            alike = (
                one
                for one in self._exceptions.values()
                if one.archived_at is None
                and one.provider_id == provider.id
                and one.id not in self._matched
                and not _different(Entry("", row=one), {**values, "reason": one.reason})
            )
            entry.row = next(alike, None)
        if entry.row is not None:
            entry.id, entry.archived = entry.row.id, entry.row.archived_at is not None
        return _Planned(file, record, ref, provider, values, entry)

    def _require_alike(self, kind: Kind, planned: _Planned) -> None:
        entry = planned.entry
        if entry.row is None:
            return
        mark = entry if kind is SCHEDULES else entry.id
        if mark in self._matched:
            raise RowError({"ref": "Two rows of the files mean the same."})
        self._matched.add(mark)
        if entry.row.provider_id != planned.provider.id:
            raise RowError({"provider": "It is another provider's."})
        different = _different(entry, planned.values)
        if entry.archived and planned.archived and not different:
            return
        if entry.archived:
            raise RowError({"": "It has been archived: leave the row out, or use another ref."})
        if planned.archived:
            different["archived"] = False
        if different and not self._context.update:
            day = next((name for name in different if name in kind.columns), "")
            raise RowError(
                {day: "It is there already, unlike this: correct the file, or --update."}
            )

    def lock(self, others: set[Entry]) -> None:
        """Nobody else changes or publishes the schedules of these providers until the commit, nor
        those of others, in one order.
        """
        self._moved = self._by_other_clocks()
        providers = self._concerned() | others
        for provider_id in sorted(one.id for one in providers if one.id is not None):
            lock_schedules(self._context.session, self._context.vendor_id, provider_id)

    def _concerned(self) -> set[Entry]:
        return {one.provider for each in self._planned.values() for one in each} | self._moved

    def _by_other_clocks(self) -> set[Entry]:
        """The providers whose schedules will go by other clocks; asked before any are changed."""
        return {
            schedule.provider
            for schedule in self._context.directory.schedules.entries
            if schedule.row is not None and not schedule.archived and schedule.provider is not None
            for place in [schedule.location or schedule.provider.location]
            if place is not None and place.row is not None and place.zone != place.row.time_zone
        }

    def apply(self) -> None:
        """Make what is new and change what is different; no slots yet."""
        for kind, model in ((SCHEDULES, Schedule), (EXCEPTIONS, ScheduleException)):
            refs = {}
            for planned in self._planned[kind.name]:
                if self._context.faults.has(planned.file, planned.record):
                    continue
                try:
                    self._write(kind, model, planned)
                except Problem as error:
                    wrong = row_error(error, kind.columns).wrong
                    self._context.faults.add(planned.file, planned.record, wrong)
                    continue
                if planned.ref is not None:
                    refs[planned.ref] = planned.entry.row.id
                self._context.tick(f"{IMPORTING} {kind.name}")
            self._context.keep_refs(kind.name, refs)

    def _write(
        self, kind: Kind, model: type[Schedule | ScheduleException], planned: _Planned
    ) -> None:
        session, entry = self._context.session, planned.entry
        row, new = entry.row, entry.row is None
        values = _columns(planned.values)
        if new:
            row = model(
                vendor_id=self._context.vendor_id,
                id=session.scalar(func.uuidv7()),
                provider_id=planned.provider.id,
            )
            if isinstance(row, Schedule):
                values = {"gap_minutes": 0, "capacity": 1, **values}
        elif entry.archived or not (_different(entry, planned.values) or planned.archived):
            self._context.report.count(kind.name, "unchanged")
            return
        if isinstance(row, Schedule):
            place = planned.values["location"] or planned.provider
            try:
                check_schedule(session, row, values, str(place.clock))
            except Problem as error:
                # Asked last of all. What is archived is in nobody's way.
                if error.code != "SCHEDULE_OVERLAP" or not planned.archived:
                    raise
        if planned.archived:
            values = {**values, "archived_at": func.now()}
        for name, value in values.items():
            setattr(row, name, value)
        if not new:
            row.version += 1
            row.updated_at = func.now()
        session.add(row)
        session.flush()
        entry.row, entry.id = row, row.id
        self._context.report.count(kind.name, "made" if new else "changed")

    def publish(self, providers: set[Entry], *, others: bool) -> None:
        """Publish the slots of the schedules in the files and of those that go by other clocks now:
        of these providers, or of all others.

        What stands in the way is told, and stays.
        """
        # Slots that the files say are of a schedule are what it gives, wherever it comes from.
        concerned = self._concerned() if others else self._concerned() | providers
        for provider in sorted(concerned, key=lambda one: one.row.id):
            if (provider in providers) == others or provider.archived:
                continue
            told = publish(
                self._context.session, self._context.vendor_id, provider.row.id, actor=ACTOR
            )
            self._context.report.count("slots of schedules", "made", told["published"])
            if told["in_the_way_total"]:
                self._context.report.remarks.append(
                    f"{provider.name}: {told['in_the_way_total']} bookings or blocks stand where"
                    " the schedule has something else; they stay."
                )


def _archived(cells: Cells, ref: str | None, wrong: Wrong) -> bool:
    """Whether the row says so; taken out of `cells`, and what is wrong is added to `wrong`."""
    archived = cells.pop("archived", None) or False
    if not isinstance(archived, bool):
        wrong["archived"] = "Must be yes or no."
    elif archived and ref is None:
        wrong["ref"] = "Is required of one that is archived: slots name it."
    return archived is True


def _columns(values: Cells) -> Cells:
    columns = {k: v for k, v in values.items() if k not in {"location", "schedule"}}
    for name in ("location", "schedule"):
        if name in values:
            columns[f"{name}_id"] = values[name] and values[name].id
    return columns


def _different(entry: Entry, values: Cells) -> Cells:
    """What the row has where the file has something else, by column."""
    different = {}
    for name, value in _columns(values).items():
        present = getattr(entry.row, name)
        if name == "weekly":
            present = {day: hours for day, hours in present.items() if hours}
        if present != value:
            different[name.removesuffix("_id")] = present
    return different
