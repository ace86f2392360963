"""Import of slots: published in batches; what is there already stays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import text

from app.errors import Refusal
from app.records.reading import Record
from app.slots.actions import publish_slots
from app.slots.schemas import SlotWantedSchema
from app.transfer.cells import Cells, given, loaded, moment, typed, with_price
from app.transfer.context import Context, require
from app.transfer.directory import Entry, pick
from app.transfer.faults import RowError, Wrong
from app.transfer.kinds import KINDS
from app.transfer.watching import CHECKING

KIND = KINDS["slots"]
BATCH = 5_000
# A call with so many takes tenths of a second: far from the statement timeout, whoever else is at
# work.
PUBLISHED_AT_ONCE = 1_000
_SCHEMA = SlotWantedSchema(only=("capacity", "price"))
_INDEX = re.compile(r"slots\.\d+\.?")
# Made by this transaction: new. OFFSET 0: a search by key for each. As a join the planner, who
# knows nothing yet of a table that is being filled, may read all of the vendor's slots each time.
_THERE = text("""
    SELECT lower(s.during) AS start, upper(s.during) AS end, s.capacity, s.location_id,
           s.price_amount, s.price_currency, s.created_at = now() AS new
    FROM unnest(CAST(:starts AS timestamptz[])) AS wanted (start)
    CROSS JOIN LATERAL (
        SELECT * FROM slots
        WHERE vendor_id = :vendor_id AND provider_id = :provider_id
          AND lower(during) = wanted.start
        OFFSET 0) AS s
""")
# Which of these times schedules have slots of their own at, from before this transaction.
_GIVEN = text("""
    SELECT wanted.number - 1
    FROM unnest(CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
         WITH ORDINALITY AS wanted (start, "end", number)
    CROSS JOIN LATERAL (
        SELECT bool_and(schedule_id IS NOT NULL AND created_at <> now()) AS all_of_schedules
        FROM slots
        WHERE vendor_id = :vendor_id AND provider_id = :provider_id
          AND during && tstzrange(wanted.start, wanted."end")
        OFFSET 0) AS s
    WHERE s.all_of_schedules
""")
_HAS_GIVEN = text("""
    SELECT EXISTS (
        SELECT FROM slots WHERE vendor_id = :vendor_id AND provider_id = :provider_id
          AND schedule_id IS NOT NULL AND created_at <> now())
""")


@dataclass(slots=True)
class _Wanted:
    """A slot of a file."""

    file: str
    record: Record
    provider: Entry
    location: Entry | None
    schedule: Entry | None
    start: datetime
    end: datetime
    values: Cells

    def slot(self) -> Cells:
        """As publish_slots takes it."""
        slot = {**self.values, "start": self.start, "end": self.end}
        if self.location is not None:
            slot["location_id"] = self.location.id
        if self.schedule is not None:
            slot["schedule_id"] = self.schedule.id
        return slot

    def is_like(self, row: Any) -> bool:
        """Whether this is the slot that is there."""
        price = self.values.get("price") or {"amount": None, "currency": None}
        location = self.location or self.provider.location
        return (
            row.end == self.end
            and row.capacity == self.values.get("capacity", 1)
            and location is not None
            and row.location_id == location.id
            and (row.price_amount, row.price_currency) == (price["amount"], price["currency"])
        )


class SlotRows:
    """The slots of the files. `provider`: whose they are where a row does not say; `on_overlap`:
    refuse or skip. `twice`: a slot that is there just so is no overlap.
    """

    def __init__(
        self,
        context: Context,
        *,
        provider: Entry | None = None,
        on_overlap: str = "refuse",
        twice: bool = True,
    ) -> None:
        self._context, self._provider = context, provider
        self._on_overlap, self._twice = on_overlap, twice
        # Providers whose slots of schedules come with the files.
        self.scheduled: set[Entry] = set()
        self.read = 0
        # Of each provider whether schedules had slots before this import.
        self._given: dict[Entry, bool] = {}

    def check(self) -> None:
        """Read every row; note what is wrong."""
        for file, record in self._context.rows(KIND, CHECKING):
            self.read += 1
            try:
                wanted = self._read(file, record)
            except RowError as error:
                self._context.faults.add(file, record, error.wrong)
            else:
                if wanted.schedule is not None:
                    self.scheduled.add(wanted.provider)

    def _read(self, file: str, record: Record) -> _Wanted:
        cells, wrong = typed(KIND, record)
        directory = self._context.directory
        provider = pick(directory.providers, cells, "provider", wrong) or self._provider
        if provider is None and "provider" not in wrong:
            wrong["provider"] = "Whose slot? Name the provider."
        location = pick(directory.locations, cells, "location", wrong)
        schedule = pick(directory.schedules, cells, "schedule", wrong)
        if schedule is not None and schedule.provider is not provider:
            wrong["schedule"] = "It is another provider's."
        elif schedule is not None and schedule.archived and not self._twice:
            wrong["schedule"] = "It is archived, and gives nothing."
        place = location or provider
        times = read_times(cells, place.clock if place else None, wrong)
        values = loaded(_SCHEMA, given(with_price(cells)), KIND, wrong)
        require(wrong)
        assert provider is not None  # noqa: S101  # Required above.
        return _Wanted(file, record, provider, location, schedule, *times, values)

    def apply(self) -> None:
        """Publish them, in the order of the files."""
        rows = self._context.again(KIND, self._read)
        while batch := list(islice(rows, BATCH)):
            by_provider: dict[Entry, list[_Wanted]] = {}
            for wanted in batch:
                by_provider.setdefault(wanted.provider, []).append(wanted)
            for provider, all_wanted in by_provider.items():
                new = iter(self._new(provider, all_wanted) if self._twice else all_wanted)
                while piece := list(islice(new, PUBLISHED_AT_ONCE)):
                    self._publish(provider, piece)

    def _new(self, provider: Entry, all_wanted: list[_Wanted]) -> Iterator[_Wanted]:
        """Those that are not there already; what stands at their start and is unlike is noted."""
        there = {
            row.start: row
            for row in self._context.session.execute(
                _THERE,
                {
                    "vendor_id": self._context.vendor_id,
                    "provider_id": provider.row.id,
                    "starts": [one.start for one in all_wanted],
                },
            )
        }
        unlike = [
            one
            for one in all_wanted
            if one.start not in there or not (there[one.start].new or one.is_like(there[one.start]))
        ]
        given = self._of_schedules(provider, [one for one in unlike if one.schedule is not None])
        for wanted in all_wanted:
            row = there.get(wanted.start)
            if id(wanted) in given:
                self._context.report.count(KIND.name, "left out")
            elif row is None:
                yield wanted
            elif row.new:
                wrong = {"start": "Another slot of these files begins then."}
                self._context.faults.add(wanted.file, wanted.record, wrong)
            elif wanted.is_like(row):
                self._context.report.count(KIND.name, "unchanged")
            else:
                wrong = {
                    "start": "Another slot begins then already, unlike this in its end, capacity,"
                    " location or price: imports change no slots."
                }
                self._context.faults.add(wanted.file, wanted.record, wrong)

    def _of_schedules(self, provider: Entry, all_wanted: list[_Wanted]) -> set[int]:
        """The ids of those whose time schedules have given slots since they were written: what
        these publish, and divide for bookings, is theirs to say.
        """
        values = {"vendor_id": self._context.vendor_id, "provider_id": provider.row.id}
        session = self._context.session
        if provider not in self._given:
            self._given[provider] = bool(session.scalar(_HAS_GIVEN, values))
        if not all_wanted or not self._given[provider]:
            return set()
        values["starts"] = [one.start for one in all_wanted]
        values["ends"] = [one.end for one in all_wanted]
        return {id(all_wanted[number]) for number in session.scalars(_GIVEN, values)}

    def _publish(self, provider: Entry, batch: list[_Wanted]) -> None:
        """Publish the batch, or note all of it that cannot be."""
        while batch:
            try:
                row = publish_slots(
                    self._context.vendor_id,
                    provider.row.id,
                    [one.slot() for one in batch],
                    self._on_overlap,
                    self._context.actor,
                    within=self._context.session,
                )
            except Refusal as error:
                index = error.facts.get("index")
                if index is None:
                    raise
                # Each refusal names one: the others are looked at without it.
                wanted = batch.pop(index)
                self._context.faults.add(wanted.file, wanted.record, _wrong(error))
                continue
            made = len(row.slot_ids)
            self._context.report.count(KIND.name, "made", made)
            self._context.report.count(KIND.name, "left out", len(batch) - made)
            return


def read_times(cells: Cells, zone: str | None, wrong: Wrong) -> tuple[datetime, datetime]:
    """Start and end, taken out of `cells`; what is wrong is added to `wrong`."""
    times = []
    for column in ("start", "end"):
        cell = cells.pop(column, None)
        if cell is None:
            wrong[column] = "Is required."
            continue
        try:
            times.append(moment(cell, zone))
        except ValueError as error:
            wrong[column] = str(error)
    if len(times) < 2:
        return datetime.min, datetime.min  # noqa: DTZ901  # Never used: something is wrong.
    if times[1] <= times[0]:
        wrong["end"] = "The end must be after the start."
    return times[0], times[1]


def _wrong(error: Refusal) -> dict[str, str]:
    errors = error.members.get("errors")
    if errors:
        column = _INDEX.sub("", errors[0]["field"])
        return {column if column in KIND.columns else "": errors[0]["message"]}
    detail = _INDEX.sub("The slot", error.detail).replace("this request", "these files")
    return {"": detail}
