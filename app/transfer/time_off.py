"""Import of time off, and of busy times that came with calendars: closed once all is booked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from marshmallow import Schema, fields, validate
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import Range

from app.models import BusyTime
from app.records.reading import Record
from app.schedules.busy.actions import DAYS_MAX
from app.schedules.busy.queries import CALENDAR, TIME_OFF
from app.schedules.busy.schemas import NAME_MAX
from app.schedules.closing import close_in_pieces
from app.schedules.schemas import REASON_MAX
from app.transfer.cells import given, loaded, typed
from app.transfer.context import Context, require
from app.transfer.directory import Entry, pick
from app.transfer.faults import RowError
from app.transfer.kinds import KINDS
from app.transfer.slots import read_times
from app.transfer.watching import CHECKING, IMPORTING
from app.wire.fields import Text

KIND = KINDS["time_off"]
_MAKE = text("""
    INSERT INTO busy_times (vendor_id, provider_id, during, reason, source, calendar, event)
    VALUES (:vendor_id, :provider_id, tstzrange(:start, :end), :reason, :source, :calendar, :event)
""")


class _RowSchema(Schema):
    reason = Text(REASON_MAX, load_default=None)
    calendar = Text(NAME_MAX, load_default=None)
    event = fields.String(
        load_default=None,
        validate=validate.Regexp("^[0-9a-f]{64}$", error="Not what an export writes."),
    )


_SCHEMA = _RowSchema()


@dataclass(slots=True)
class _Wanted:
    """A row of a file, and the busy time that is there already, if one is."""

    file: str
    record: Record
    provider: Entry
    start: datetime
    end: datetime
    reason: str | None
    calendar: str | None
    event: bytes | None
    row: BusyTime | None = None

    def key(self) -> tuple[Any, ...]:
        """What it is known by: its event in the calendar, else its time."""
        named = (self.calendar, self.event) if self.calendar else (self.start, self.end)
        return (self.provider, *named)

    def different(self) -> dict[str, str]:
        """What the row that is there has where the file has something else, by column."""
        if self.row is None:
            return {}
        there, there_too = self.row.during, "There is another already: correct it, or --update."
        pairs = {
            "start": (there.lower, self.start),
            "end": (there.upper, self.end),
            "reason": (self.row.reason, self.reason),
        }
        return {name: there_too for name, (present, said) in pairs.items() if present != said}


class TimeOffRows:
    """The time off of the files."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._planned: list[_Wanted] = []

    @property
    def providers(self) -> set[Entry]:
        """Whose it is."""
        return {one.provider for one in self._planned}

    @property
    def times(self) -> list[tuple[datetime, datetime]]:
        """From when to when, each."""
        return [(one.start, one.end) for one in self._planned]

    def check(self) -> None:
        """Match every row to what is there, or to something new; note what is wrong."""
        if not self._context.has(KIND):
            return
        there = self._there()
        seen: set[tuple[Any, ...]] = set()
        for file, record in self._context.rows(KIND, CHECKING):
            try:
                wanted = self._read(file, record)
                found = there[wanted.key()]
                # Of several at one time the one that is just so; each is of one row of the files.
                alike = [one for one in found if one.reason == wanted.reason] or found
                if alike:
                    wanted.row = alike[0]
                    found.remove(alike[0])
                elif wanted.calendar and wanted.key() in seen:
                    raise RowError({"event": "Two rows of the files mean the same."})  # noqa: TRY301
                seen.add(wanted.key())
                if not self._context.update:
                    require(wanted.different())
                self._planned.append(wanted)
            except RowError as error:
                self._context.faults.add(file, record, error.wrong)

    def _there(self) -> defaultdict[tuple[Any, ...], list[BusyTime]]:
        rows = self._context.session.scalars(
            select(BusyTime)
            .where(BusyTime.vendor_id == self._context.vendor_id, BusyTime.archived_at.is_(None))
            .order_by(BusyTime.id)
            .execution_options(populate_existing=True)
        )
        providers = {one.id: one for one in self._context.directory.providers.entries if one.id}
        found: defaultdict[tuple[Any, ...], list[BusyTime]] = defaultdict(list)
        for row in rows:
            named = (row.calendar, row.event) if row.calendar else _times(row)
            found[providers[row.provider_id], *named].append(row)
        return found

    def _read(self, file: str, record: Record) -> _Wanted:
        cells, wrong = typed(KIND, record)
        provider = pick(self._context.directory.providers, cells, "provider", wrong, needed=True)
        if provider is not None and provider.archived:
            wrong["provider"] = "It is archived: leave the row out."
        start, end = read_times(cells, provider.clock if provider else None, wrong)
        if end - start > timedelta(days=DAYS_MAX):
            wrong["end"] = f"At most {DAYS_MAX} days long."
        values = loaded(_SCHEMA, given(cells), KIND, wrong)
        if (values.get("calendar") is None) != (values.get("event") is None):
            wrong["event"] = "A calendar and its event go together, as an export writes them."
        require(wrong)
        assert provider is not None  # noqa: S101  # Required above.
        event = values["event"] and bytes.fromhex(values["event"])
        return _Wanted(
            file, record, provider, start, end, values["reason"], values["calendar"], event
        )

    def apply(self) -> None:
        """Make what is new, change what is different, and close what is free in it.

        The last of all: bookings that stand in it were made before it, and stay.
        """
        changed = set()
        for wanted in self._planned:
            different = wanted.different()
            if wanted.row is None:
                self._make(wanted)
            elif different:
                self._change(wanted, wanted.row)
            else:
                self._context.report.count(KIND.name, "unchanged")
            if wanted.row is None or different:
                changed.add(wanted.provider)
            self._context.tick(f"{IMPORTING} {KIND.name}")
        self._context.session.flush()
        for provider in sorted(changed, key=lambda one: one.row.id):
            close_in_pieces(
                self._context.session,
                self._context.vendor_id,
                provider.row.id,
                p_actor=self._context.actor,
            )

    def _make(self, wanted: _Wanted) -> None:
        self._context.session.execute(
            _MAKE,
            {
                "vendor_id": self._context.vendor_id,
                "provider_id": wanted.provider.row.id,
                "start": wanted.start,
                "end": wanted.end,
                "reason": wanted.reason,
                "source": CALENDAR if wanted.calendar else TIME_OFF,
                "calendar": wanted.calendar,
                "event": wanted.event,
            },
        )
        self._context.report.count(KIND.name, "made")

    def _change(self, wanted: _Wanted, row: BusyTime) -> None:
        self._context.session.refresh(row, with_for_update={"key_share": True})
        row.during, row.reason = Range(wanted.start, wanted.end), wanted.reason
        row.version += 1
        row.updated_at = func.now()
        self._context.report.count(KIND.name, "changed")


def _times(row: BusyTime) -> tuple[datetime | None, datetime | None]:
    return row.during.lower, row.during.upper
